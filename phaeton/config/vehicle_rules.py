"""What no single key of a car can say: goals that cannot be computed, limits that exclude each other."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.contradiction import Contradiction
from phaeton.config.tree import Config
from phaeton.config.tree_cars import Departure, Vehicle


def vehicle_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of all cars."""
    first: dict[str, int] = {}
    for index, vehicle in enumerate(config.vehicles):
        path = f"vehicles[{index}]"
        other = first.setdefault(vehicle.id, index)
        if other != index:
            yield Contradiction(
                f"{path}.id",
                vehicle.id,
                f"is the id of vehicles[{other}] already",
                "Give each car an id of its own",
                (f"vehicles[{other}].id",),
            )
        yield from _limits(vehicle, path)
        for number, departure in enumerate(vehicle.departures):
            yield from _departure(vehicle, departure, path, f"{path}.departures[{number}]")


def _limits(vehicle: Vehicle, path: str) -> Iterator[Contradiction]:
    most_a = vehicle.max_current_a
    if most_a is not None and vehicle.min_current_a > most_a:
        yield Contradiction(
            f"{path}.min_current_a",
            f"{vehicle.min_current_a:g}",
            f"must not be above max_current_a ({most_a:g})",
            others=(f"{path}.max_current_a",),
        )
    if vehicle.min_soc_pct > vehicle.limit_soc_pct:
        yield Contradiction(
            f"{path}.min_soc_pct",
            f"{vehicle.min_soc_pct:g}",
            f"must not be above limit_soc_pct ({vehicle.limit_soc_pct:g})",
            others=(f"{path}.limit_soc_pct",),
        )
    if vehicle.min_soc_pct and vehicle.battery_kwh is None:
        yield Contradiction(
            f"{path}.min_soc_pct",
            f"{vehicle.min_soc_pct:g}",
            "cannot be kept without the size of the battery",
            "Set battery_kwh",
            (f"{path}.battery_kwh",),
        )


def _departure(vehicle: Vehicle, departure: Departure, car: str, path: str) -> Iterator[Contradiction]:
    if (departure.soc_pct is None) == (departure.energy_kwh is None):
        yield Contradiction(
            f"{path}.soc_pct",
            "" if departure.soc_pct is None else f"{departure.soc_pct:g}",
            "a departure needs either soc_pct or energy_kwh",
            others=(f"{path}.energy_kwh",),
        )
    if departure.soc_pct is not None and vehicle.battery_kwh is None:
        yield Contradiction(
            f"{path}.soc_pct",
            f"{departure.soc_pct:g}",
            "cannot be planned without the size of the battery",
            "Set battery_kwh, or ask for energy_kwh",
            (f"{car}.battery_kwh",),
        )
    if departure.soc_pct is not None and departure.soc_pct > vehicle.limit_soc_pct:
        yield Contradiction(
            f"{path}.soc_pct",
            f"{departure.soc_pct:g}",
            f"is above limit_soc_pct ({vehicle.limit_soc_pct:g}): charging ends there",
            others=(f"{car}.limit_soc_pct",),
        )
    if len(set(departure.days)) < len(departure.days):
        yield Contradiction(f"{path}.days", ", ".join(departure.days), "names a day twice")
