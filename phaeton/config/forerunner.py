"""The configuration files of the two forerunners: where each of their keys is now, or why it means nothing any more.

Both had the section ``modbus`` with the charger's address; ``phaeton_config.yaml`` of the Rust program and
``alfen_driver_config.yaml`` of the Python driver share the rest as far as this page needs to know. One table serves
the files and the environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, inspect

from phaeton import zones
from phaeton.config import forerunner_prices, forerunner_schedule
from phaeton.config.document import Node, Scalar, Section, integer, real
from phaeton.config.nodes import Step, put
from phaeton.config.problems import Notice, Place
from phaeton.config.reading import bare, kind_at
from phaeton.config.writing import number


class Moved(Struct):
    """What became of some old keys: values at their new paths, and what the owner should know."""

    values: list[tuple[tuple[Step, ...], Node]]
    notices: list[Notice]


class Fitted(Struct, frozen=True):
    """An old value in its new form; None leaves the key at its default."""

    text: str | None
    remark: str = ""


class _New(Struct, frozen=True):
    """An old key that lives on, in one or more places."""

    paths: tuple[str, ...]
    convert: Callable[[str], Fitted] = Fitted
    within_range: bool = False
    """A number out of the new range is taken to its edge."""


class _Register(Struct, frozen=True):
    """A register number: one that is not the usual one changes the profile."""

    usual: tuple[int, ...]
    points: tuple[tuple[str, int], ...]
    """Where it goes below ``profile_overlay.points``, and what is added to it."""


_VEHICLES = "it had no effect; cars are described anew, under vehicles"
_PROFILE = "registers come from the charger's profile"
_VERIFIED = "every write is read back and verified now, by rules of its own"
_RETRIES = "the pauses between attempts grow by themselves now"
_RENEWAL = "the setpoint is renewed by the validity that the charger tells"

_LEVELS = {"trace": "debug", "warn": "warning", "critical": "error"}
_CURRENCIES = {"€": "EUR", "£": "GBP"}


def _level(text: str) -> Fitted:
    return Fitted(_LEVELS.get(text.lower(), text.lower()))


def _currency(text: str) -> Fitted:
    return Fitted(_CURRENCIES.get(text, text) or None)


def _seconds(text: str) -> Fitted:
    milliseconds = real(text)
    return Fitted(text if milliseconds is None else number(milliseconds / 1000))


def _time_constant(text: str) -> Fitted:
    """The share of the new value per second as a time constant: a = dt / (dt + tau) at dt = 1 s; 0 meant none."""
    share = real(text)
    if share is None:
        return Fitted(text)
    share = min(max(share, 0.0), 1.0)
    tau_s = (1 - share) / share if share > 0 else 0.0
    return Fitted(number(round(tau_s, 3)), "a share of new values per second became a time constant")


def _timezone(text: str) -> Fitted:
    if text and zones.problem(text) and not zones.missing_files():
        return Fitted("UTC", f"there is no zone {text!r}, which counted as UTC without a word")
    return Fitted(text)


def _json_format(text: str) -> Fitted:
    return Fitted("json" if text.lower() == "true" else "human" if text.lower() == "false" else text)


def _no(text: str) -> Fitted:
    """Of two keys each could say no."""
    return Fitted(text) if text.lower() != "true" else Fitted(None, "it is on")


def _channel(text: str) -> Fitted:
    return Fitted("prerelease" if text.lower() == "true" else "stable")


TABLE: dict[str, _New | _Register | str] = {
    "modbus.ip": _New(("chargers[0].host",)),
    "modbus.port": _New(("chargers[0].port",)),
    "modbus.socket_slave_id": _New(("chargers[0].unit",)),
    "modbus.station_slave_id": _New(("chargers[0].station_unit",)),
    "device_instance": _New(("chargers[0].device_instance",)),
    "require_dbus": _New(("site.require_dbus",)),
    "timezone": _New(("site.timezone",), _timezone),
    "poll_interval_ms": _New(("chargers[0].poll_interval_s",), _seconds, within_range=True),
    "registers.voltages": _Register((306,), (("voltage.at", 0),)),
    "registers.currents": _Register((320,), (("current.at", 0),)),
    "registers.power": _Register((338, 344), (("power_phase.at", 0), ("power.at", 6))),
    "registers.energy": _Register((374,), (("energy_total.at", 0),)),
    "registers.status": _Register((1201,), (("state.at", 0),)),
    "registers.amps_config": _Register((1210,), (("limit_set.at", 0),)),
    "registers.phases": _Register((1215,), (("phases_set.at", 0),)),
    "registers.firmware_version": _Register((123,), (("firmware.at", 0),)),
    "registers.firmware_version_count": _Register((17,), (("firmware.count", 0),)),
    "registers.station_serial": _Register((157,), (("serial.at", 0),)),
    "registers.station_serial_count": _Register((11,), (("serial.count", 0),)),
    "registers.manufacturer": _Register((117,), (("manufacturer.at", 0),)),
    "registers.manufacturer_count": _Register((5,), (("manufacturer.count", 0),)),
    "registers.platform_type": _Register((140,), (("model.at", 0),)),
    "registers.platform_type_count": _Register((17,), (("model.count", 0),)),
    "registers.station_max_current": _Register((1100,), (("limit_max.at", 0),)),
    "registers.station_status": "it was never read",
    "defaults.intended_set_current": _New(("chargers[0].initial.set_current_a",), within_range=True),
    "defaults.station_max_current": "the charger tells its own maximum",
    "controls.min_set_current": _New(("chargers[0].limits.min_set_current_a",), within_range=True),
    "controls.max_set_current": _New(("chargers[0].limits.max_set_current_a",), within_range=True),
    "controls.min_charge_duration_seconds": _New(("auto.min_charge_duration_s",), within_range=True),
    "controls.pv_excess_ema_alpha": _New(("auto.smoothing_s",), _time_constant, within_range=True),
    "controls.auto_phase_switch": _New(("phases.auto_switch",)),
    "controls.auto_phase_hysteresis_watts": _New(("phases.up_margin_w",), within_range=True),
    "controls.phase_switch_grace_seconds": _New(("phases.min_gap_s",), within_range=True),
    "controls.phase_switch_settle_seconds": "the charger's profile tells how long a switch takes to settle",
    "controls.ev_reporting_lag_ms": "it meant the charger's lag; the delay of the house's values is measured now",
    "controls.current_tolerance": _VERIFIED,
    "controls.verification_delay": _VERIFIED,
    "controls.verify_delay": _VERIFIED,
    "controls.update_difference_threshold": "a raise has its own least step: auto.raise_step_a",
    "controls.retry_delay": _RETRIES,
    "controls.max_retries": _RETRIES,
    "controls.watchdog_interval_seconds": _RENEWAL,
    "controls.current_update_interval": _RENEWAL,
    "logging.level": _New(("log.console.level", "log.file.level", "log.web.level"), _level),
    "logging.console_level": _New(("log.console.level",), _level),
    "logging.file_level": _New(("log.file.level",), _level),
    "logging.web_level": _New(("log.web.level",), _level),
    "logging.file": _New(("log.file.path",)),
    "logging.format": "it had no effect",
    "logging.max_file_size_mb": _New(("log.file.max_mb",), within_range=True),
    "logging.backup_count": _New(("log.file.backups",), within_range=True),
    "logging.console_output": "the console always has the log; log.console.level says how much",
    "logging.json_format": _New(("log.console.format", "log.file.format"), _json_format),
    "web.host": _New(("web.host",)),
    "web.port": _New(("web.port",)),
    "pricing.static_rate_eur_per_kwh": _New(("prices.import_per_kwh",), within_range=True),
    "pricing.currency_symbol": _New(("prices.currency",), _currency),
    "schedule.items": "",  # `forerunner_schedule` has the rules
    "updates.enabled": _New(("updates.enabled",), _no),
    "updates.auto_check": _New(("updates.enabled",), _no),
    "updates.auto_update": _New(("updates.auto_apply",)),
    "updates.include_prereleases": _New(("updates.channel",), _channel),
    "updates.check_interval_hours": _New(("updates.check_hours",), within_range=True),
    "updates.repository": "it named the releases of the forerunner",
    "vehicles": _VEHICLES,
}
"""Old key -> its new place, or the reason why it is gone."""

_WHOLE = ("vehicles.",)
_LATER_LEVELS = ("logging.console_level", "logging.file_level", "logging.web_level")
"""They win over ``logging.level``, wherever they stand."""


def recognised(root: Section) -> bool:
    """Whether this is a forerunner's file: it has their section ``modbus`` and none of ours."""
    return "modbus" in root.entries and root.entries.keys().isdisjoint({"version", "charger", "chargers"})


def knows(key: str) -> bool:
    """Whether a forerunner had this key (``modbus.ip``)."""
    return (key in TABLE and key != "schedule.items") or key in forerunner_prices.HOMES or key.startswith(_WHOLE)


def home(key: str) -> str:
    """Where an old key is now, for people who still write it; '' when it is not an old key or has no place."""
    rule = TABLE.get(key)
    if key in forerunner_prices.HOMES:
        return forerunner_prices.HOMES[key]
    if isinstance(rule, _New):
        return rule.paths[0]
    if key == "schedule.items":
        return "schedule.windows"
    return "chargers[0].profile_overlay" if isinstance(rule, _Register) else ""


def migrated(root: Section) -> tuple[Section, list[Notice]]:
    """The document of a forerunner in the present layout, with one notice for each of its keys."""
    values: list[tuple[tuple[Step, ...], Node]] = []
    notices: list[Notice] = []
    keys = _flat(root)
    for key in sorted(keys.keys() - forerunner_prices.HOMES.keys(), key=_in_order(keys)):
        found = moved(key, keys[key], forerunner_prices.by_price(keys))
        values += found.values
        notices += found.notices
    about_prices, more = forerunner_prices.moved(keys, whole=True)
    values += about_prices
    notices += more
    result: Node = Section({}, root.place)
    for steps, node in values:
        result = put(result, steps, node)
    assert isinstance(result, Section)
    notices.sort(key=lambda notice: notice.place.line or 0)
    return result, notices


def _in_order(keys: Mapping[str, Node]) -> Callable[[str], tuple[bool, int]]:
    """The order of the file, those last that win over others."""
    places = {key: index for index, key in enumerate(keys)}
    return lambda key: (key in _LATER_LEVELS, places[key])


def moved(key: str, node: Node, by_price: bool = False) -> Moved:
    """What becomes of one old key; ``by_price``: prices decided, not the windows."""
    if key in forerunner_prices.HOMES:
        return Moved(*forerunner_prices.moved({key: node}, whole=False))
    if key == "schedule.items":
        windows, notices = forerunner_schedule.windows(node)
        if by_price and windows.items:
            windows = forerunner_prices.without_effect(windows)
            notices.append(Notice(key, "are switched off: they did not count while Tibber decided", node.place))
        return Moved([(("schedule", "windows"), windows)], notices)
    rule = TABLE.get(key, _VEHICLES if key.startswith(_WHOLE) else None)
    if rule is None:
        return Moved([], [Notice(key, "was no key of a forerunner either; it is left out", node.place)])
    if isinstance(rule, str):
        return Moved([], [Notice(key, f"means nothing any more: {rule}", node.place)])
    if isinstance(rule, _Register):
        return _register(key, node, rule)
    return _moved(key, node, rule)


def _flat(root: Section) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for name, node in root.entries.items():
        if isinstance(node, Section) and name != "vehicles":
            found |= {f"{name}.{key}": value for key, value in node.entries.items()}
        elif not (isinstance(node, Scalar) and node.empty):
            found[name] = node
    return found


def _moved(key: str, node: Node, rule: _New) -> Moved:
    place = Place(node.place.line, node.place.variable, key)
    where = " and ".join(rule.paths)
    same = rule.paths == (key,)
    if not isinstance(node, Scalar):
        return Moved([(steps_of(path), node) for path in rule.paths], [Notice(key, f"is now {where}", node.place)])
    fitted = rule.convert(node.text)
    if rule.within_range and fitted.text is not None:
        fitted = _within(fitted, rule.paths[0])
    if fitted.text is None:
        return Moved([], [Notice(key, f"is left at the default: {fitted.remark or 'it is empty'}", node.place)])
    quoted = node.quoted and fitted.text == node.text
    values: list[tuple[tuple[Step, ...], Node]] = [
        (steps_of(path), Scalar(fitted.text, place, quoted)) for path in rule.paths
    ]
    remark = f" ({fitted.remark})" if fitted.remark else ""
    notices = [] if same and not remark else [Notice(key, f"is now {where}{remark}", node.place)]
    return Moved(values, notices)


def _within(fitted: Fitted, path: str) -> Fitted:
    kind = kind_at(steps_of(path))
    value = real(fitted.text or "")
    inner = bare(kind)[0] if kind is not None else None
    if value is None or not isinstance(inner, inspect.IntType | inspect.FloatType):
        return fitted
    if inner.gt is not None and value <= inner.gt:
        return Fitted(None, f"{value:g} is not possible")
    if inner.ge is not None and value < inner.ge:
        return Fitted(f"{inner.ge:g}", f"{value:g} became {inner.ge:g}, the least there is")
    if inner.le is not None and value > inner.le:
        return Fitted(f"{inner.le:g}", f"{value:g} became {inner.le:g}, the most there is")
    return fitted


def _register(key: str, node: Node, rule: _Register) -> Moved:
    register = integer(node.text) if isinstance(node, Scalar) else None
    if register is None:
        return Moved([], [Notice(key, "is left out: it is no register number", node.place)])
    if register in rule.usual:
        return Moved([], [Notice(key, f"means nothing any more: {_PROFILE}", node.place)])
    place = Place(node.place.line, node.place.variable, key)
    values: list[tuple[tuple[Step, ...], Node]] = []
    for point, added in rule.points:
        steps: tuple[Step, ...] = ("chargers", 0, "profile_overlay", "points", *point.split("."))
        values.append((steps, Scalar(str(register + added), place)))
    points = " and ".join(f"points.{point}" for point, _ in rule.points)
    text = f"is now chargers[0].profile_overlay: {points}; check it, for the Python driver never used this key"
    return Moved(values, [Notice(key, text, node.place)])


def steps_of(path: str) -> tuple[Step, ...]:
    """``chargers[0].host`` as steps."""
    steps: list[Step] = []
    for part in path.split("."):
        name, _, index = part.removesuffix("]").partition("[")
        steps.append(name)
        if index:
            steps.append(int(index))
    return tuple(steps)
