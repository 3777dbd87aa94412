"""``phaeton probe HOST --exercise``: asks, runs the sequence, writes the report, and puts back what is left over."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

if TYPE_CHECKING:
    from phaeton.config.tree import Charger
    from phaeton.exercise import Report, Terms
    from phaeton.profiles import Profile

OK = 0
FAILED = 1
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _NotPossibleError(Exception):
    """The text is for the person at the terminal."""


def add_arguments(probe: argparse.ArgumentParser) -> None:
    """Add what belongs to the exercise to ``probe``."""
    more = probe.add_argument_group("trying it out", "these write to the charger, after asking")
    more.add_argument("--exercise", action="store_true", help="pause, set 6 A, let it lapse, and put everything back")
    more.add_argument("--yes", action="store_true", help="do not ask")
    more.add_argument("--phases", action="store_true", help="also switch the phases, there and back")
    more.add_argument(
        "--most", type=_amps, metavar="A", help="current that is allowed at most (the configured, else 16)"
    )
    more.add_argument(
        "--watch", type=_seconds, default=10.0, metavar="S", help="look so long whether something else writes (10)"
    )
    more.add_argument("--report", type=Path, metavar="FILE", help="the report; its text goes beside it (.txt)")
    more.add_argument("--with-names", action="store_true", help="leave address, name and serial number in the report")
    more.add_argument("--restore", type=Path, metavar="FILE", help="put back what the exercise of this report left")
    more.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file")


def _amps(text: str) -> float:
    amps = float(text)
    if not 6 <= amps <= 80:
        raise argparse.ArgumentTypeError("a current is from 6 to 80 A")
    return amps


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError("a time is from 0 to 3600 s")
    return seconds


def exercise(options: argparse.Namespace) -> int:
    """Do what the arguments say; the exit code."""
    try:
        return asyncio.run(_run(options, *_charger(options)))
    except _NotPossibleError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED


def _charger(options: argparse.Namespace) -> tuple[Charger, float, bool]:
    """The charger, the most that may be set, and whether its kind is known; refuses where a daemon controls it."""
    from phaeton.config.load import load  # noqa: PLC0415 - other commands need none of this
    from phaeton.config.problems import ConfigError  # noqa: PLC0415
    from phaeton.config.tree import Charger  # noqa: PLC0415
    from phaeton.sinks.store.place import directory  # noqa: PLC0415
    from phaeton.sinks.store.running import taken  # noqa: PLC0415

    chargers: tuple[Charger, ...] = ()
    store = ""
    found = True
    try:
        config = load(options.config).config
        chargers, store = config.chargers, config.store.directory
    except ConfigError as error:
        found = False
        if options.config is not None:
            raise _NotPossibleError(str(error)) from None
    here = _addresses(options.host)
    mine = [one for one in chargers if one.host == options.host or here & _addresses(one.host)]
    if taken(directory(store)):
        if mine:
            raise _NotPossibleError(f"Phaeton runs here and controls {options.host}: stop it first")
        if not found:
            raise _NotPossibleError("Phaeton runs here; name its configuration with -c, so that its chargers are known")
    known = mine[0] if mine else Charger(host=options.host)
    most_a: float = options.most or (known.limits.max_set_current_a if mine else 16.0)
    if mine:
        most_a = min(most_a, known.limits.max_set_current_a)
    changes: dict[str, object] = {"host": options.host}
    if options.port is not None:
        changes["port"] = options.port
    if options.profile or options.profile_file:
        changes |= {"profile": options.profile or "alfen_ng9xx", "profile_file": options.profile_file}
    named = bool(mine or options.profile or options.profile_file)
    return structs.replace(known, **changes), most_a, named


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()


async def _run(options: argparse.Namespace, charger: Charger, most_a: float, named: bool) -> int:
    from phaeton.exercise import Exercise, Terms  # noqa: PLC0415
    from phaeton.links.modbus import ModbusLinks  # noqa: PLC0415
    from phaeton.profiles import ProfileError, load_profile  # noqa: PLC0415

    old = None if options.restore is None else _read(options.restore)
    if old is not None:
        charger = structs.replace(charger, profile=old.profile)
    elif not named:
        charger = await _recognised(charger)
    try:
        profile = load_profile(charger.profile, charger.profile_overlay, file=charger.profile_file)
    except ProfileError as error:
        raise _NotPossibleError(str(error)) from None
    switching = options.phases and charger.limits.max_phases == 3
    least_a = charger.limits.min_set_current_a
    terms = Terms(most_a=most_a, least_a=least_a, phases=switching, watch_s=options.watch)
    path = _path(options, profile)
    if old is None and not _agreed(options, charger, profile, terms):
        sys.stderr.write("nothing was written\n")
        return FAILED

    def keep(report: Report) -> None:
        _save(path, report if options.with_names else report.redacted())

    async with ModbusLinks() as links:
        run = Exercise(charger, profile, links, terms, _say, keep)
        task = asyncio.ensure_future(run.run() if old is None else run.restore_from(old))
        _end_by_signal(task)
        try:
            report = await task
        except ValueError as error:
            raise _NotPossibleError(str(error)) from None
    _say("")
    _say(report.text())
    _say(f"the report is in {path} and {path.with_suffix('.txt')}")
    return OK if (report.ok if old is None else not report.not_restored) else FAILED


def _end_by_signal(task: asyncio.Future[Report]) -> None:
    """The first signal ends the sequence, further ones change nothing: what was there is being put back."""
    loop, ended = asyncio.get_running_loop(), False

    def end() -> None:
        nonlocal ended
        if ended:
            _say("...      it is being put back already; please wait")
        else:
            ended = True
            task.cancel()

    for number in _ENDING:
        loop.add_signal_handler(number, end)


async def _recognised(charger: Charger) -> Charger:
    from phaeton.config.rules import shipped_profiles  # noqa: PLC0415
    from phaeton.profiles import load_profile  # noqa: PLC0415
    from phaeton.sources.charger_search import search  # noqa: PLC0415

    found = await search(charger.host, [load_profile(name) for name in shipped_profiles()], charger.port)
    if not found.best:
        raise _NotPossibleError(f"{charger.host}: no charger that Phaeton knows answers; `phaeton probe` tells more")
    best = found.best[0]
    if len(found.best) > 1:
        names = ", ".join(one.profile.id for one in found.best)
        raise _NotPossibleError(f"{charger.host} may be any of {names}: say which with --profile")
    unit = None if best.unit == best.profile.transport.unit else best.unit
    return structs.replace(charger, profile=best.profile.id, unit=charger.unit if unit is None else unit)


def _agreed(options: argparse.Namespace, charger: Charger, profile: Profile, terms: Terms) -> bool:
    """Tell what will happen, and ask."""
    phases = (
        "It switches the phases and back: contactors open and close, while no current flows."
        if terms.phases
        else "It does not switch phases (--phases allows it)."
    )
    _say(
        f"This writes to {profile.name} at {charger.host}:\n"
        "  1. reads everything and looks whether something else controls it;\n"
        "  2. pauses it: a car that charges is interrupted;\n"
        f"  3. sets {terms.least_a:g} A (never more than {terms.most_a:g} A) and waits for a car to take it;\n"
        "  4. lets the setpoint lapse, where the charger knows such a thing, which takes up to some minutes;\n"
        f"  5. {phases}\n"
        "  6. puts back what was there, also when you end it with Ctrl-C.\n"
        "It ends at once on a fault, on too much current, and when something else writes. Stay near the charger."
    )
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise _NotPossibleError("there is no terminal to ask at; --yes agrees")
    return input("Go on? Type yes: ").strip().lower() in ("y", "yes")


def _path(options: argparse.Namespace, profile: Profile) -> Path:
    if options.report is not None:
        return Path(options.report)
    if options.restore is not None:
        return Path(options.restore)
    return Path(f"phaeton-exercise-{profile.id}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}.json")


def _read(path: Path) -> Report:
    from phaeton.exercise.report import read_report  # noqa: PLC0415

    try:
        return read_report(path.read_bytes())
    except OSError as error:
        raise _NotPossibleError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise _NotPossibleError(f"{path}: {error}") from None


def _save(path: Path, report: Report) -> None:
    """On the disk before anything is written to the charger: it is what a killed exercise is put right by."""
    try:
        for one, content in ((path, report.json()), (path.with_suffix(".txt"), report.text().encode() + b"\n")):
            descriptor = os.open(one, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}") from None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
