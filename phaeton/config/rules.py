"""What no single type can say: keys that contradict each other, and names that must exist outside of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from phaeton import zones
from phaeton.config.contradiction import Contradiction
from phaeton.config.forecast_rules import forecast_rules
from phaeton.config.mqtt_rules import mqtt_rules
from phaeton.config.notify_rules import notify_rules
from phaeton.config.points import charging_points
from phaeton.config.price_rules import price_rules
from phaeton.config.tree import Charger, Config
from phaeton.config.vehicle_rules import vehicle_rules
from phaeton.config.vehicle_source_rules import vehicle_source_rules
from phaeton.config.web_rules import web_rules

MINIMAL = "charger: 192.168.1.100"
"""The least configuration that there is."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|(?=.*:.*:)[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_DEFAULT_PORT = 502
_DEFAULT_UNIT = 1


def contradictions(config: Config) -> Iterator[Contradiction]:
    """All broken rules of a configuration whose values are each fine by themselves."""
    if not config.chargers:
        yield Contradiction(
            "chargers", "", "must name at least one charger", f"The least configuration is: {MINIMAL}", ("charger",)
        )
    for index, charger in enumerate(config.chargers):
        yield from _charger(charger, f"chargers[{index}]")
    yield from _twice(config)
    yield from _site(config)
    yield from _battery(config)
    yield from _windows(config)
    yield from _strategy(config)
    yield from price_rules(config)
    yield from forecast_rules(config)
    yield from vehicle_rules(config)
    yield from vehicle_source_rules(config)
    yield from web_rules(config)
    yield from mqtt_rules(config)
    yield from notify_rules(config)


def shipped_profiles() -> tuple[str, ...]:
    """The names of the charger profiles that come with Phaeton."""
    folder = Path(__file__).parent.parent / "profiles"
    return tuple(sorted(file.stem for file in folder.glob("*.yaml") if not file.name.startswith("_")))


def _charger(charger: Charger, path: str) -> Iterator[Contradiction]:
    if not _HOST.fullmatch(charger.host):
        yield Contradiction(
            f"{path}.host",
            charger.host,
            "must be a host name or an address, without http:// and without a port",
            "The port has its own key: port",
        )
    limits = charger.limits
    if limits.min_set_current_a > limits.max_set_current_a:
        yield Contradiction(
            f"{path}.limits.min_set_current_a",
            f"{limits.min_set_current_a:g}",
            f"must not be above max_set_current_a ({limits.max_set_current_a:g})",
            others=(f"{path}.limits.max_set_current_a",),
        )
    known = shipped_profiles()
    if charger.profile not in known:
        close = get_close_matches(charger.profile, known, n=1)
        remedy = f"Did you mean {close[0]}?" if close else f"There are: {', '.join(known)}"
        yield Contradiction(f"{path}.profile", charger.profile, "is no charger profile that is known here", remedy)
    elif charger.profile_overlay or charger.profile_file:
        yield from _overlay(charger, path)
    lines = charger.phase_map
    if any(line not in (1, 2, 3) for line in lines):
        yield Contradiction(f"{path}.phase_map", str(list(lines)), "must name phases of the grid: 1, 2 or 3")
    elif limits.max_phases == 3 and len(set(lines)) == 2:
        yield Contradiction(
            f"{path}.phase_map",
            str(list(lines)),
            "must name each phase of the grid once (or one phase three times, for a house that has one)",
            others=(f"{path}.limits.max_phases",),
        )


def _overlay(charger: Charger, path: str) -> Iterator[Contradiction]:
    from phaeton.profiles.load import ProfileError, load_profile  # noqa: PLC0415 - few have an overlay

    try:
        load_profile(charger.profile, charger.profile_overlay, file=charger.profile_file)
    except ProfileError as error:
        if charger.profile_file:
            yield Contradiction(
                f"{path}.profile_file",
                charger.profile_file,
                f"is no profile that can be used: {error}",
                "phaeton profile check FILE tells more",
            )
            return
        yield Contradiction(f"{path}.profile_overlay", "", f"does not fit the profile: {error}")


def _twice(config: Config) -> Iterator[Contradiction]:
    """Names, instances and addresses that two chargers would share."""
    names: dict[str, str] = {}
    instances: dict[int, int] = {}
    links: dict[tuple[str, int, int], int] = {}
    both_sockets = {charger.host: 2 for charger in config.chargers}
    for point in charging_points(config, both_sockets):
        index = next(index for index, charger in enumerate(config.chargers) if charger is point.charger)
        first = names.setdefault(point.id, f"chargers[{index}]")
        if first != f"chargers[{index}]":
            yield Contradiction(
                f"chargers[{index}].id",
                point.charger.id,
                f"gives a charging point the name {point.id}, which one of {first} has",
                "Give each charger an id of its own",
                (f"{first}.id",),
            )
    for index, charger in enumerate(config.chargers):
        if charger.device_instance is not None:
            other = instances.setdefault(charger.device_instance, index)
            if other != index:
                yield Contradiction(
                    f"chargers[{index}].device_instance",
                    str(charger.device_instance),
                    f"is the instance of chargers[{other}] already",
                    "Leave it empty and the GX gives each its own",
                    (f"chargers[{other}].device_instance",),
                )
        for unit in _units(charger):
            link = (charger.host.lower().rstrip("."), charger.port or _DEFAULT_PORT, unit)
            other = links.setdefault(link, index)
            if other != index:
                yield Contradiction(
                    f"chargers[{index}].host",
                    charger.host,
                    f"chargers[{other}] has unit {unit} of this address already",
                    "Two sockets of one charger are one entry with sockets: 2; behind a gateway each has its unit",
                    (f"chargers[{other}].host", f"chargers[{index}].unit", f"chargers[{other}].unit"),
                )


def _units(charger: Charger) -> tuple[int, ...]:
    unit = _DEFAULT_UNIT if charger.unit is None else charger.unit
    return (unit, unit + 1) if charger.sockets == 2 else (unit,)


def _site(config: Config) -> Iterator[Contradiction]:
    site, limits = config.site, config.site.limits
    if site.off_grid and site.inverter_rating_w is None:
        yield Contradiction(
            "site.off_grid",
            "true",
            "needs the rating of the inverter: without it nothing says how much may flow while the grid is away",
            "Set site.inverter_rating_w, in W",
            ("site.inverter_rating_w",),
        )
    if limits.fuse_a is not None and limits.fuse_margin_a >= limits.fuse_a:
        yield Contradiction(
            "site.limits.fuse_margin_a",
            f"{limits.fuse_margin_a:g}",
            f"must be below fuse_a ({limits.fuse_a:g}), or nothing is left",
            others=("site.limits.fuse_a",),
        )
    for key in ("fuse_a", "import_w"):
        limit = getattr(limits, key)
        if limit is not None and site.source == "none":
            yield Contradiction(
                f"site.limits.{key}",
                f"{limit:g}",
                "must not be set while nothing measures the house (site.source: none)",
                "Set source: gx, or take the limit away and lower max_set_current_a of the charger",
                ("site.source",),
            )
    if site.stale_stop_s < site.stale_hold_s:
        yield Contradiction(
            "site.stale_stop_s",
            f"{site.stale_stop_s:g}",
            f"must not be below stale_hold_s ({site.stale_hold_s:g})",
            others=("site.stale_hold_s",),
        )
    if site.timezone and zones.problem(site.timezone) and not zones.missing_files():
        close = zones.close_to(site.timezone)
        remedy = f"Did you mean {close}?" if close else "Zones are named like Europe/Amsterdam"
        yield Contradiction("site.timezone", site.timezone, "is no known time zone", remedy)


def _battery(config: Config) -> Iterator[Contradiction]:
    battery = config.battery
    feeds, least, full = battery.feed_car_soc_pct, battery.min_soc_pct, battery.full_soc_pct
    if feeds is not None and least is not None and feeds < least:
        yield Contradiction(
            "battery.feed_car_soc_pct",
            f"{feeds:g}",
            f"must not be below min_soc_pct ({least:g}): below that the car does not charge in auto",
            others=("battery.min_soc_pct",),
        )
    if feeds is not None and battery.priority == "battery" and feeds < full:
        yield Contradiction(
            "battery.feed_car_soc_pct",
            f"{feeds:g}",
            f"must not be below full_soc_pct ({full:g}): up to there the battery comes first",
            "Lower full_soc_pct, or set priority: car",
            ("battery.full_soc_pct", "battery.priority"),
        )
    if least is not None and full < least:
        yield Contradiction(
            "battery.full_soc_pct",
            f"{full:g}",
            f"must not be below min_soc_pct ({least:g})",
            others=("battery.min_soc_pct",),
        )


def _windows(config: Config) -> Iterator[Contradiction]:
    most = max((charger.limits.max_set_current_a for charger in config.chargers), default=None)
    least = min((charger.limits.min_set_current_a for charger in config.chargers), default=None)
    for index, window in enumerate(config.schedule.windows):
        path = f"schedule.windows[{index}]"
        if window.start == window.end:
            yield Contradiction(
                f"{path}.end",
                window.end,
                "is the start: the window has no length",
                'The whole day is start: "00:00", end: "24:00"',
                (f"{path}.start",),
            )
        if len(set(window.days)) < len(window.days):
            yield Contradiction(f"{path}.days", ", ".join(window.days), "names a day twice")
        current_a = window.current_a
        if current_a is None or most is None or least is None:
            continue
        if current_a > most:
            yield Contradiction(
                f"{path}.current_a",
                f"{current_a:g}",
                f"is above the max_set_current_a of every charger ({most:g})",
                others=("chargers",),
            )
        if current_a < least:
            yield Contradiction(
                f"{path}.current_a",
                f"{current_a:g}",
                f"is below the min_set_current_a of every charger ({least:g})",
                others=("chargers",),
            )


def _strategy(config: Config) -> Iterator[Contradiction]:
    schedule = config.schedule
    if schedule.strategy == "threshold" and schedule.threshold_per_kwh is None:
        yield Contradiction(
            "schedule.threshold_per_kwh",
            "",
            "must be set for the strategy threshold",
            "The price up to which the car charges, for instance 0.20",
            ("schedule.strategy",),
        )
    if schedule.strategy == "level" and not schedule.levels:
        yield Contradiction(
            "schedule.levels",
            "[]",
            "must name at least one level for the strategy level",
            others=("schedule.strategy",),
        )
