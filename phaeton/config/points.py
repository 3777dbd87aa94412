"""The charging points that a configuration makes: one for each socket of each charger."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from phaeton.config.tree import Charger, Config


class Point(Struct, frozen=True):
    """One socket of one charger."""

    id: str
    """Stable name in paths, state and sessions; never depends on the charger being reachable."""
    charger: Charger
    socket: int
    """1 or 2."""


def charger_names(config: Config) -> tuple[str, ...]:
    """The name of each charger: its id, else its configured device instance, else its number in the file."""
    return tuple(
        charger.id or (str(charger.device_instance) if charger.device_instance is not None else str(number))
        for number, charger in enumerate(config.chargers, start=1)
    )


def charging_points(config: Config, known_sockets: Mapping[str, int]) -> tuple[Point, ...]:
    """The points in the order of the file; ``known_sockets`` is what each host said of itself last."""
    points = []
    for name, charger in zip(charger_names(config), config.chargers, strict=True):
        sockets = known_sockets.get(charger.host, 1) if charger.sockets == "auto" else charger.sockets
        points += [Point(name if n == 1 else f"{name}_{n}", charger, n) for n in range(1, sockets + 1)]
    return tuple(points)
