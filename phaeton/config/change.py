"""Two configurations compared: what a reload must build anew, and what just takes effect."""

from __future__ import annotations

from msgspec import Struct

from phaeton.config.document import Plain
from phaeton.config.points import charger_names
from phaeton.config.tree import Charger, Config
from phaeton.config.writing import flow, keys
from phaeton.redaction import HIDDEN

LINK_KEYS = (
    "host",
    "port",
    "unit",
    "station_unit",
    "sockets",
    "profile",
    "profile_file",
    "profile_overlay",
    "profile_confirmed",
    "poll_interval_s",
)
"""What the connection to a charger is made of."""
SERVICE_KEYS = ("name", "device_instance", "position")
"""What the GX is told when a charger's D-Bus service is put up."""


class Change(Struct, frozen=True):
    """What differs; chargers are named as their charging points are (`charger_names`).

    Everything that is in none of these sets takes effect with the new configuration itself.
    """

    keys: tuple[str, ...] = ()
    """Each key that differs, as ``auto.smoothing_s: 1.5 -> 3.0``, for the log."""
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    """Chargers whose connection must be made anew."""
    services: frozenset[str] = frozenset()
    """Chargers whose D-Bus service must be put up anew."""
    site: bool = False
    """The source of the house's values must be connected anew."""
    zone: bool = False
    """The time zone must be read anew."""
    prices: bool = False
    """The source of the prices must be made anew."""
    forecast: bool = False
    """The source of the forecast must be made anew."""
    vehicles: bool = False
    """The sources of the cars must be made anew, or what is published of them."""
    web: bool = False
    """The page must listen elsewhere, or begin or end to."""
    mqtt: bool = False
    """The connection to the MQTT broker must be made anew, or begin or end."""
    notify: bool = False
    """Others are told what happens, or of other things."""
    store: bool = False
    """Another folder: the store must be opened anew."""
    record: bool = False
    """The recorder must be begun anew, or begin or end."""
    log: bool = False
    """The log must be set up anew."""

    @property
    def nothing(self) -> bool:
        """Both are the same."""
        return not self.keys


def compare(old: Config, new: Config) -> Change:
    """What a change from one configuration to the other asks for."""
    before, after = _chargers(old), _chargers(new)
    both = before.keys() & after.keys()
    return Change(
        keys=_differences(old, new),
        added=frozenset(after.keys() - before.keys()),
        removed=frozenset(before.keys() - after.keys()),
        links=frozenset(name for name in both if _differ(before[name], after[name], LINK_KEYS)),
        services=frozenset(name for name in both if _differ(before[name], after[name], SERVICE_KEYS)),
        site=(old.site.source, old.site.require_dbus) != (new.site.source, new.site.require_dbus),
        zone=old.site.timezone != new.site.timezone,
        prices=old.prices != new.prices,
        forecast=(old.forecast, old.site.home) != (new.forecast, new.site.home),
        vehicles=(old.vehicles, old.site.home) != (new.vehicles, new.site.home),
        web=old.web != new.web,
        mqtt=old.mqtt != new.mqtt,
        notify=old.notify != new.notify,
        store=old.store.directory != new.store.directory,
        record=old.record != new.record,
        log=old.log != new.log,
    )


def _chargers(config: Config) -> dict[str, Charger]:
    return dict(zip(charger_names(config), config.chargers, strict=True))


def _differ(old: Charger, new: Charger, names: tuple[str, ...]) -> bool:
    return any(getattr(old, name) != getattr(new, name) for name in names)


def _differences(old: Config, new: Config) -> tuple[str, ...]:
    before, after = keys(old, hide=False), keys(new, hide=False)
    shown_before, shown_after = keys(old), keys(new)
    return tuple(
        f"{key}: {_shown(shown_before, key)} -> {_shown(shown_after, key)}"
        for key in [*before, *(key for key in after if key not in before)]
        if key not in before or key not in after or before[key] != after[key]
    )


def _shown(values: dict[str, Plain], key: str) -> str:
    if key.endswith(("latitude", "longitude")) and values.get(key) is not None:
        return HIDDEN  # where people live is nothing for a log
    return flow(values[key]) if key in values else "none"
