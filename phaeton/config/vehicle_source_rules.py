"""What the source of a car's values needs: an address, a login, a topic, a charging point that is there."""

from __future__ import annotations

from collections.abc import Iterator

from phaeton.config.contradiction import Contradiction
from phaeton.config.points import charging_points
from phaeton.config.tree import Config
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_vehicles import Tesla


def vehicle_source_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of the sources of all cars, and of the home position."""
    home = config.site.home
    if (home.latitude is None) != (home.longitude is None):
        yield Contradiction(
            "site.home.latitude", "", "a position needs latitude and longitude", others=("site.home.longitude",)
        )
    points = [point.id for point in charging_points(config, {charger.host: 2 for charger in config.chargers})]
    for index, vehicle in enumerate(config.vehicles):
        path = f"vehicles[{index}]"
        if vehicle.charger and vehicle.charger not in points:
            known = f"There is {', '.join(points)}"
            yield Contradiction(f"{path}.charger", vehicle.charger, "is no charging point", known, ("chargers",))
        for key, given, remedy in _needs(vehicle):
            if not given:
                yield Contradiction(
                    f"{path}.{key}", "", f"is needed by source: {vehicle.source}", remedy, (f"{path}.source",)
                )
        if vehicle.source == "tesla":
            yield from _tesla(vehicle.tesla, f"{path}.tesla")


def _needs(vehicle: Vehicle) -> Iterator[tuple[str, bool, str]]:
    """Key, whether it is given, and what it looks like, for each thing that the source cannot do without."""
    match vehicle.source:
        case "kia":
            yield "kia.username", vehicle.kia.username.given, "It is the login of the app"
            yield "kia.password", vehicle.kia.password.given, "It is the password of the app"
        case "mqtt":
            yield "mqtt.soc", bool(vehicle.mqtt.soc), "Name the topic, as car/soc"
        case "homeassistant":
            yield "homeassistant.url", bool(vehicle.homeassistant.url), "As http://192.168.1.20:8123"
            yield "homeassistant.token", vehicle.homeassistant.token.given, "It is made in your profile there"
            yield "homeassistant.soc", bool(vehicle.homeassistant.soc), "As sensor.car_battery_level"
        case "http_json":
            yield "http_json.url", bool(vehicle.http_json.url), "As http://192.168.1.20/car.json"
        case "evcc":
            yield "evcc.url", bool(vehicle.evcc.url), "As http://192.168.1.20:7070"
        case _:
            return


def _tesla(tesla: Tesla, path: str) -> Iterator[Contradiction]:
    if tesla.kind != "fleet" and not tesla.vin.given:
        yield Contradiction(f"{path}.vin", "", f"is needed by kind: {tesla.kind}", others=(f"{path}.kind",))
    if tesla.kind != "fleet" and not tesla.base_url:
        example = "https://api.tessie.com" if tesla.kind == "tessie" else "http://192.168.1.20:8080"
        yield Contradiction(
            f"{path}.base_url", "", f"is needed by kind: {tesla.kind}", f"As {example}", (f"{path}.kind",)
        )
    if tesla.kind == "fleet" and tesla.token.given and not tesla.base_url:
        yield Contradiction(
            f"{path}.base_url",
            "",
            "is needed with token: Tesla itself takes no token for good",
            "As https://api.teslemetry.com, or log in with client_id",
            (f"{path}.token",),
        )
    if tesla.kind == "fleet" and not tesla.token.given and not tesla.client_id:
        yield Contradiction(
            f"{path}.client_id",
            "",
            "is needed to log in, or token for a proxy such as Teslemetry",
            others=(f"{path}.token",),
        )
