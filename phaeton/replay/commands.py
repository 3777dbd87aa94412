"""The commands around recordings: find the files, run them through the graph, say what came out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

from msgspec import Struct

from phaeton import __version__, zones
from phaeton.config.load import load
from phaeton.config.points import charging_points
from phaeton.config.problems import ConfigError
from phaeton.config.tree import Charger, Config
from phaeton.model import Zone
from phaeton.recording import MAGIC, HeaderError, Part, RecordingError, open_recording, start
from phaeton.replay import report, words
from phaeton.replay.cli import FAILED, OK, WRONG
from phaeton.replay.problem import UsageError
from phaeton.replay.rewrite import accept, export
from phaeton.replay.run import Judge, Replayed, replay
from phaeton.replay.victron import site_of
from phaeton.streams.graph import GraphState, site_graph
from phaeton.streams.windows import offset_s

_CAUSES = {
    "start": "Phaeton began",
    "day": "a new day",
    "graph": "the graph was begun anew",
    "gap": "the disk took nothing before",
    "export": "cut out of a longer one",
}


_WAITING_CHARGER = Charger(host="none", id="1")
"""Of the house in a file of dbus-recorder, where no configuration names one."""


def guarded(command: Callable[[], int]) -> int:
    """Run a command; what is wrong with its files goes to stderr in words."""
    try:
        return command()
    except (ConfigError, RecordingError, HeaderError, UsageError) as error:
        _complain(str(error))
    except OSError as error:
        _complain(f"{error.filename or 'a file'}: {error.strerror or error}")
    return WRONG


# The recordings of the daemon.


def list_recordings(config: Path | None, directory: Path | None) -> int:
    """Print each recording with its size and its parts."""
    from phaeton.sinks.recorder import recordings_in  # noqa: PLC0415 - brings the store along

    folder = _folder(config, directory)
    found = [folder / name for name, _ in recordings_in(folder)]
    if not found:
        _say(f"{folder}: no recordings; `record: {{enabled: true}}` in the configuration begins one")
    worst = OK
    for path in found:
        try:
            recording = open_recording(path)
        except RecordingError as error:
            _complain(str(error))
            worst = FAILED
            continue
        _say(f"{path}  {path.stat().st_size / 1e6:.2f} MB{_lost(recording.lost_bytes)}")
        for part in recording.parts:
            head = part.header
            begun = words.day_and_clock(head.zone, head.utc_s)
            _say(f"  from {begun}  Phaeton {head.version}, {_CAUSES[head.cause]}")
    return worst


def export_day(config: Path | None, directory: Path | None, day: str, span: tuple[str, str], output: Path) -> int:
    """Write a day, or the span ``HH:MM`` to ``HH:MM`` of it, into one file."""
    from phaeton.sinks.recorder import recordings_in  # noqa: PLC0415 - brings the store along

    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        raise UsageError(f"--day must be a day such as 2026-11-25, not {day}") from None
    seconds = _second(span[0], "--from"), _second(span[1], "--to")
    if seconds[0] >= seconds[1]:
        raise UsageError("--from must be before --to")
    folder = _folder(config, directory)
    files = [folder / name for name, _ in recordings_in(folder) if name.startswith(day)]
    if not files:
        raise UsageError(f"{folder}: there is no recording of {day}; `phaeton record list` shows what there is")
    if output.resolve() in [path.resolve() for path in files]:
        raise UsageError(f"{output} is the recording itself: name another file")
    parts = [part for path in files for part in open_recording(path).parts]
    done = export(parts, output, lambda part: _span(part, wanted, seconds))
    for notice in done.notices:
        _complain(notice)
    if not done.events:
        output.unlink(missing_ok=True)
        raise UsageError(f"nothing was recorded on {day} from {span[0]} to {span[1]}")
    _say(f"{output}: {done.events:,} events in {done.parts} part{'' if done.parts == 1 else 's'}")
    return OK


def _span(part: Part, day: date, seconds: tuple[int, int]) -> tuple[float, float]:
    begin, end = (_utc_s(part.header.zone, day, second) for second in seconds)
    return begin, end


def _utc_s(zone: Zone, day: date, second: int) -> float:
    """A time of day on the site's clock."""
    wall_s = datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + second
    return wall_s - offset_s(zone, wall_s - offset_s(zone, wall_s))


def _second(text: str, option: str) -> int:
    hours, _, minutes = text.partition(":")
    if hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60:
        second = int(hours) * 3600 + int(minutes) * 60
        if second <= 86400:
            return second
    raise UsageError(f"{option} must be a time such as 07:30, not {text}")


def _folder(config: Path | None, directory: Path | None) -> Path:
    from phaeton.sinks.recorder import folder_of  # noqa: PLC0415 - brings the store along

    return directory if directory is not None else folder_of(load(config).config)


def recordings_of(config: Path | None, place: Path | None) -> list[Path]:
    """The file that is named, or those of the folder, the oldest first; raises `UsageError` where there is none."""
    from phaeton.sinks.recorder import recordings_in  # noqa: PLC0415 - brings the store along

    if place is not None and place.is_file():
        return [place]
    folder = _folder(config, place)
    found = [folder / name for name, _ in recordings_in(folder)]
    if not found:
        raise UsageError(f"{folder}: no recordings; `record: {{enabled: true}}` in the configuration begins one")
    return found


# Replay.


class _Other(Struct, frozen=True):
    """A configuration to be tried instead of the recorded one."""

    path: Path
    config: Config


def replay_files(files: Sequence[Path], config: Path | None, json: Path | None, *, bless: bool, quiet: bool) -> int:
    """Decide the files once more; see `phaeton replay --help` for the exit codes."""
    if bless and config is not None:
        raise UsageError("--accept and --config exclude each other: a recording keeps its own configuration")
    other = None if config is None else _Other(config, load(config).config)
    ours = [_is_recording(path) for path in files]
    if any(ours) and not all(ours):
        raise UsageError("recordings and files of dbus-recorder cannot be replayed together")
    if bless and not all(ours):
        raise UsageError("--accept is for recordings of Phaeton")
    with ExitStack() as stack:
        out = None
        if json is not None:
            out = report.JsonReport(stack.enter_context(json.open("wb")), list(files), __version__, config)
        session = _Session(other, out, quiet=quiet)
        if all(ours):
            for path in files:
                session.recording(path)
                if bless:
                    _say(f"{path}: {accept(open_recording(path)):,} decisions are now the expected ones")
        else:
            session.victron(files)
        if out is not None:
            out.end(session.parts, identical=session.identical)
    return FAILED if session.failed and not bless else OK


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


class _Session:
    """One run of the command over its files."""

    def __init__(self, other: _Other | None, out: report.JsonReport | None, *, quiet: bool) -> None:
        self.parts: list[report.PartSummary] = []
        self.failed = False
        """A part of this version and its own configuration was decided differently."""
        self.identical = True
        self._other = other
        self._out = out
        self._quiet = quiet or out is not None

    def recording(self, path: Path) -> None:
        """Replay a recording."""
        recording = open_recording(path)
        if recording.lost_bytes:
            _complain(f"{path}:{_lost(recording.lost_bytes)}")
        if not recording.parts:
            raise RecordingError(f"{path}: nothing is left of this recording")
        for part in recording.parts:
            self._part(part)

    def _part(self, part: Part) -> None:
        head, other = part.header, self._other
        begun = start(head)
        if begun.notice:
            _complain(f"{part.path}: {begun.notice}")
        state = begun.state if other is None else _with(begun.state, other.config, head.utc_s)
        began = words.day_and_clock(state.zone, head.utc_s)
        self._tell(f"{part.path.name} from {began}, recorded by Phaeton {head.version} ({_CAUSES[head.cause]})")
        if other is not None:
            self._tell(
                f"decided with {other.path}; the readings are those of then, they do not answer to what is decided now"
            )
        judge = Judge()
        steps = replay(state, part.steps(), keep_config=other is not None)
        self._show(steps, judge, open_loop=other is not None)
        first = judge.first
        self.parts.append(
            report.PartSummary(
                began=began,
                cause=head.cause,
                recorded_by=head.version,
                events=judge.events,
                decisions=judge.decisions,
                different=judge.different,
                first_difference=None if first is None else report.difference_json(state.zone, first),
            )
        )
        self.identical = self.identical and first is None
        counted = f"{judge.events:,} events, {judge.decisions:,} decisions"
        if first is None:
            _say(f"{part.path.name} from {began}: {counted}, identical")
            return
        _say(f"{part.path.name} from {began}: {counted}, {judge.different:,} differ from the recording")
        if other is not None:
            return
        for text in report.difference_lines(state.zone, first):
            _say(text)
        if head.version == __version__:
            self.failed = True
        else:
            _say(f"recorded by Phaeton {head.version}, decided by {__version__}: --accept makes this the expected")

    def victron(self, files: Sequence[Path]) -> None:
        """Decide on what the GX's devices said; nothing was recorded to compare with."""
        config = Config(chargers=(_WAITING_CHARGER,)) if self._other is None else self._other.config
        graph = site_graph(config, charging_points(config, {}), zones.zone(config.site.timezone or "UTC", 0.0))
        self._tell(f"{', '.join(path.name for path in files)}: the values of the house; the date is made up")
        self._tell("a car that takes nothing is assumed at each charger: the readings do not answer to the decisions")
        judge = Judge()
        self._show(site_of(files, graph), judge, open_loop=False)
        _say(f"{judge.events:,} events, {judge.decisions:,} decisions")

    def _show(self, steps: Iterator[Replayed], judge: Judge, *, open_loop: bool) -> None:
        changes = report.Changes()
        for step in steps:
            judge.look(step)
            if step.failure:
                _complain(f"the graph fails: {step.failure}")
            decision = step.decision
            if decision is None or (self._quiet and self._out is None):
                continue
            for point, then in changes.of(decision, judge.known if open_loop else None):
                if self._out is not None:
                    self._out.decision(report.shown(step.state.zone, decision.utc_s, point, then))
                else:
                    _say(report.line(step.state.zone, decision.utc_s, point, then))

    def _tell(self, text: str) -> None:
        if not self._quiet:
            _say(text)


def _with(state: GraphState, config: Config, utc_s: float) -> GraphState:
    """The state under another configuration; points are the same where their ids are."""
    sockets: dict[str, int] = {}
    for point in state.points:
        sockets[point.charger.host] = max(point.socket, sockets.get(point.charger.host, 1))
    points = charging_points(config, sockets)
    if not {point.id for point in points} & {point.id for point in state.points}:
        names = ", ".join(point.id for point in state.points)
        raise UsageError(f"the configuration has no charging point of the recording ({names}): give them the same id")
    zone = zones.zone(config.site.timezone, utc_s) if config.site.timezone else state.zone
    return site_graph(config, points, zone, state).initial


def _lost(count: int) -> str:
    return f" the last {count:,} bytes are cut off or damaged and left out" if count else ""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")
