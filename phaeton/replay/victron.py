"""Recordings of Victron's D-Bus as a source: CSV files of dbus-recorder, and one table of their events.

The GX computes com.victronenergy.system from its devices. Where that service was not recorded its values are computed
here from grid meter, inverter, PV and battery, in the way of Victron's dbus-systemcalc-py and as far as they go.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from phaeton.model import ChargerReading, ChargerState, Event, Output, Tick, WriteOutcome, WriteResult
from phaeton.recording import RecordingError, Step, packed
from phaeton.replay.run import Replayed
from phaeton.sources.victron_site import site_reading
from phaeton.streams.graph import GraphState
from phaeton.streams.machine import Machine
from phaeton.streams.situation import GraphEvent

Value = float | str | None

BEGIN_UTC_S = 946_684_800.0
"""2000-01-01: the files tell no date."""
SILENT_AFTER_S = 600
"""The files are changes only; a longer time without any is taken for the end."""

_TABLE = ["t_s", "service", "path", "value", "text"]
_PHASES = ("L1", "L2", "L3")
_NUMBERS = ("DOUBLE", "INT16", "INT32", "INT64", "UINT16", "UINT32", "UINT64", "BYTE", "BOOLEAN")
_ESS_ASSISTANT = 5
_ON_OUTPUT = 1
"""``/Position`` of a PV inverter; 0 and 2 are the AC inputs."""
_FIRST_INPUTS = (0, 1)
_GRID, _INVERTING = 1, 240


class Change(Struct, frozen=True):
    """A value that came at a time; the initial ones at second -1."""

    second: int
    service: str
    path: str
    value: Value


class Values:
    """The values of one service, read as the source of the site reads them."""

    def __init__(self, values: dict[str, Value] | None = None) -> None:
        self.values: dict[str, Value] = {} if values is None else values

    def get(self, path: str) -> Value:
        """The value, ``None`` when it is invalid or missing."""
        return self.values.get(path)

    def number(self, path: str) -> float | None:
        """The value as a float, ``None`` for anything that is no finite number."""
        value = self.values.get(path)
        return value if isinstance(value, float) and math.isfinite(value) else None

    def whole(self, path: str) -> int | None:
        """The value as a whole number."""
        value = self.number(path)
        return None if value is None else int(value)

    def text(self, path: str) -> str:
        """The value where it is a text."""
        value = self.values.get(path)
        return value if isinstance(value, str) else ""


def changes_of(path: Path) -> list[Change]:
    """The changes in a file, in its order; raises `RecordingError` with the line that is wrong."""
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        raw = gzip.decompress(raw)
    text = raw.decode("utf-8", "replace")
    first = text.partition("\n")[0].strip()
    if first.split(",") == _TABLE:
        return list(_table(path, text))
    if first.startswith("com.victronenergy."):
        return list(_dbus_recorder(path, text, first))
    raise RecordingError(f"{path}: is neither a recording of Phaeton nor a CSV file of dbus-recorder")


def _table(path: Path, text: str) -> Iterator[Change]:
    for number, row in enumerate(csv.reader(io.StringIO(text)), start=1):
        if number == 1:
            continue
        if len(row) != len(_TABLE):
            raise RecordingError(f"{path}: line {number} has {len(row)} columns, {len(_TABLE)} are expected")
        yield Change(_second(path, number, row[0]), row[1], row[2], _value(row[3], None))


def _dbus_recorder(path: Path, text: str, service: str) -> Iterator[Change]:
    initial = True
    for number, row in enumerate(csv.reader(io.StringIO(text), delimiter="\t", quotechar="'"), start=1):
        if number == 1:
            continue
        if not row:
            initial = False
        elif initial and len(row) >= 3:
            yield Change(-1, service, row[0], _value(row[2], row[1]))
        elif not initial and len(row) >= 4:
            yield Change(_second(path, number, row[0]), service, row[1], _value(row[3], row[2]))
        else:
            raise RecordingError(f"{path}: line {number} is no value of dbus-recorder")


def _second(path: Path, number: int, text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise RecordingError(f"{path}: line {number}: {text!r} is no time in seconds") from None


def _value(text: str, kind: str | None) -> Value:
    """A number, a text, or ``None`` for an invalid value (an empty array on the bus)."""
    if kind is not None and kind not in _NUMBERS:
        return text if kind == "STRING" else None
    if text == "[]":
        return None
    try:
        return float(text)
    except ValueError:
        return text if kind is None else None


def readings_at(changes: Sequence[Change]) -> Iterator[tuple[int, dict[str, Values]]]:
    """The values of all services, second by second."""
    ordered = sorted(changes, key=lambda change: change.second)
    services: dict[str, Values] = {}
    second = 0
    for change in ordered:
        while change.second > second:
            yield second, services
            second = change.second if change.second - second > SILENT_AFTER_S else second + 1
        services.setdefault(change.service, Values()).values[change.path] = change.value
    yield second, services


def system_of(services: dict[str, Values]) -> Values:
    """com.victronenergy.system as recorded, else computed from the devices."""
    for name, values in services.items():
        if name.startswith("com.victronenergy.system"):
            return values
    found = Values()
    _grid(found, _first(services, "grid"), _first(services, "vebus"))
    for phase in _PHASES:
        _pv(found, _all(services, "pvinverter"), phase)
        _loads(found, _first(services, "vebus"), phase)
    trackers = [_product(one, "/Dc/0/Voltage", "/Dc/0/Current") for one in _all(services, "solarcharger")]
    found.values["/Dc/Pv/Power"] = _sum(trackers)
    _battery(found, _first(services, "battery"), _first(services, "vebus"))
    return found


def _grid(found: Values, grid: Values | None, vebus: Values | None) -> None:
    if grid is not None:
        found.values["/Ac/Grid/DeviceType"] = grid.get("/DeviceType")
    source = None if vebus is None else vebus.whole("/Ac/ActiveIn/ActiveInput")
    on_grid = source in _FIRST_INPUTS
    if source is not None:
        found.values["/Ac/ActiveIn/Source"] = float(_GRID if on_grid else _INVERTING)
    for phase in _PHASES:
        if grid is not None:
            found.values[f"/Ac/Grid/{phase}/Power"] = grid.number(f"/Ac/{phase}/Power")
            found.values[f"/Ac/Grid/{phase}/Current"] = grid.number(f"/Ac/{phase}/Current")
        elif vebus is not None and on_grid:
            found.values[f"/Ac/Grid/{phase}/Power"] = vebus.number(f"/Ac/ActiveIn/{phase}/P")
            found.values[f"/Ac/Grid/{phase}/Current"] = vebus.number(f"/Ac/ActiveIn/{phase}/I")


def _pv(found: Values, inverters: list[Values], phase: str) -> None:
    for where, outside in (("PvOnOutput", False), ("PvOnGrid", True)):
        known = [one for one in inverters if (one.whole("/Position") != _ON_OUTPUT) is outside]
        found.values[f"/Ac/{where}/{phase}/Power"] = _sum(one.number(f"/Ac/{phase}/Power") for one in known)


def _loads(found: Values, vebus: Values | None, phase: str) -> None:
    """Loads before the inverter are what the meter and its PV leave, those behind it what it and its PV give."""
    into = None if vebus is None else vebus.number(f"/Ac/ActiveIn/{phase}/P")
    out = None if vebus is None else vebus.number(f"/Ac/Out/{phase}/P")
    before = _sum([found.number(f"/Ac/Grid/{phase}/Power"), found.number(f"/Ac/PvOnGrid/{phase}/Power")])
    behind = _sum([out, found.number(f"/Ac/PvOnOutput/{phase}/Power")])
    loads = [None if before is None else max(before - (into or 0.0), 0.0), None if behind is None else max(behind, 0.0)]
    found.values[f"/Ac/Consumption/{phase}/Power"] = _sum(loads)


def _battery(found: Values, battery: Values | None, vebus: Values | None) -> None:
    for one in (battery, vebus):
        if one is None:
            continue
        for path, value in (
            ("/Dc/Battery/Power", one.number("/Dc/0/Power")),
            ("/Dc/Battery/Voltage", one.number("/Dc/0/Voltage")),
            ("/Dc/Battery/Soc", one.number("/Soc")),
        ):
            if found.values.get(path) is None:
                found.values[path] = value
    if vebus is not None:
        found.values["/SystemState/State"] = vebus.number("/State")
        found.values["/SystemType"] = "ESS" if vebus.whole("/Hub4/AssistantId") == _ESS_ASSISTANT else "Multi"


def _all(services: dict[str, Values], kind: str) -> list[Values]:
    return [values for name, values in services.items() if name.startswith(f"com.victronenergy.{kind}.")]


def _first(services: dict[str, Values], kind: str) -> Values | None:
    return next(iter(_all(services, kind)), None)


def _product(values: Values, one: str, other: str) -> float | None:
    left, right = values.number(one), values.number(other)
    return None if left is None or right is None else left * right


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def site_of(files: Sequence[Path], graph: Machine[GraphState, GraphEvent, Output | None]) -> Iterator[Replayed]:
    """Decide on the house in these files, with a waiting car at each point that takes no current."""
    changes = [change for path in files for change in changes_of(path)]
    if not changes:
        raise RecordingError(f"{', '.join(map(str, files))}: no values are in it")
    state = graph.initial
    set_a = dict.fromkeys((point.id for point in state.points), 0.0)
    for second, services in readings_at(changes):
        mono_s, utc_s = 1000.0 + second, BEGIN_UTC_S + second
        settings = _first_named(services, "com.victronenergy.settings")
        site = site_reading((mono_s, utc_s), system_of(services), settings, None, ())
        cars = [_waiting(point, mono_s, utc_s, current) for point, current in set_a.items()]
        events: list[Event] = [*cars, site, Tick(mono_s, utc_s)]
        while events:
            event = events.pop(0)
            state, output = graph.step(state, event)
            decision = None if output is None else output.decision
            yield Replayed(Step(event, None), state, decision, None if decision is None else packed(decision))
            for point in () if decision is None else decision.points:
                write = point.write
                if write is not None:
                    set_a[point.point] = set_a[point.point] if write.current_a is None else write.current_a
                    events.append(
                        WriteOutcome(
                            mono_s,
                            utc_s,
                            point=point.point,
                            result=WriteResult.WRITTEN,
                            current_a=write.current_a,
                            phases=write.phases,
                        )
                    )


def _first_named(services: dict[str, Values], name: str) -> Values:
    return next((values for found, values in services.items() if found.startswith(name)), Values())


def _waiting(point: str, mono_s: float, utc_s: float, set_a: float) -> ChargerReading:
    return ChargerReading(
        mono_s,
        utc_s,
        point=point,
        state=ChargerState.CONNECTED,
        voltage_v=(230.0, 230.0, 230.0),
        current_a=(0.0, 0.0, 0.0),
        power_w=0.0,
        energy_kwh=0.0,
        limit_set_a=set_a,
        limit_safe_a=6.0,
        limit_max_a=32.0,
        limit_remaining_s=60.0,
        phases_set=3,
    )
