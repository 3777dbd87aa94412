"""The part of the configuration about where a car's state of charge comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import ENTITY, URL
from phaeton.config.node import Node, Secret, meta
from phaeton.config.tree_prices import Header

_PATH = "Path in the answer, such as data.0.soc or list[id=x].value; empty = not told"

VehicleSourceKind = Literal["none", "manual", "dbus", "tesla", "kia", "mqtt", "homeassistant", "http_json", "evcc"]


class HomePosition(Node, frozen=True):
    """Where the charger is. A car's position is compared with it inside of the source and goes nowhere else."""

    latitude: Annotated[float, meta("Latitude in degrees, north positive", ge=-90, le=90)] | None = None
    longitude: Annotated[float, meta("Longitude in degrees, east positive", ge=-180, le=180)] | None = None
    radius_m: Annotated[float, meta("So near counts as at home, in m", ge=20, le=10000)] = 200.0


class DbusCar(Node, frozen=True):
    """A car that the GX knows: com.victronenergy.ev on D-Bus, from VRM or Node-RED. No login is needed."""

    service: Annotated[
        str, meta("The service, such as com.victronenergy.ev.vrm_50; empty = the only one, or the one with this name")
    ] = ""


class Tesla(Node, frozen=True):
    """Tesla's Fleet API and what speaks like it. The token must be its own: two programs cannot share one."""

    kind: Annotated[
        Literal["fleet", "tessie", "ble"],
        meta("fleet = Fleet API or Teslemetry; tessie = Tessie; ble = a Bluetooth proxy in the house"),
    ] = "fleet"
    base_url: Annotated[
        str, meta("Address of the API or the proxy; empty = Tesla's own for the account's region", pattern=URL)
    ] = ""
    vin: Annotated[Secret, meta("The car's identification number; empty = the only car of the account")] = Secret()
    token: Annotated[Secret, meta("Access token of a proxy (Teslemetry, Tessie); not for Tesla itself")] = Secret()
    client_id: Annotated[str, meta("Client id of your application at developer.tesla.com", max_length=128)] = ""
    account: Annotated[
        str, meta("Name of the Tesla account, where cars of several share one application", max_length=64)
    ] = ""
    client_secret: Annotated[Secret, meta("Its client secret, needed to log in")] = Secret()
    refresh_token: Annotated[
        Secret, meta("First refresh token, where you have one; used once and kept anew by Phaeton")
    ] = Secret()
    redirect_url: Annotated[str, meta("Redirect address of your application; where the login ends", pattern=URL)] = ""
    authorize_url: Annotated[str, meta("Where the login begins", pattern=URL)] = (
        "https://auth.tesla.com/oauth2/v3/authorize"
    )
    token_url: Annotated[str, meta("Where tokens are exchanged", pattern=URL)] = (
        "https://fleet-auth.prd.vn.cloud.tesla.com/oauth2/v3/token"
    )
    wake: Annotated[bool, meta("Wake the car where a departure plan cannot do without its state of charge")] = True
    wakes_per_day: Annotated[int, meta("Most wakes in 24 hours; each costs as much as ten readings", ge=0, le=10)] = 2
    data_per_day: Annotated[int, meta("Most requests in 24 hours", ge=4, le=2000)] = 80


class Kia(Node, frozen=True):
    """Kia, Hyundai and Genesis, through the library hyundai_kia_connect_api (the optional part `kia`)."""

    brand: Annotated[Literal["kia", "hyundai", "genesis"], meta("Brand")] = "kia"
    region: Annotated[
        Literal["europe", "canada", "usa", "china", "australia", "india", "nz", "brazil", "europe_cci"],
        meta("Region of the account; europe_cci is the new European service"),
    ] = "europe"
    username: Annotated[Secret, meta("Login of the app")] = Secret()
    password: Annotated[Secret, meta("Its password, or the refresh token that takes its place")] = Secret()
    pin: Annotated[Secret, meta("Its PIN, where the region needs one")] = Secret()
    vin: Annotated[Secret, meta("The car's identification number; empty = the only car of the account")] = Secret()
    wake: Annotated[
        bool, meta("Let the car report anew where a departure plan needs it; this drains its 12 V battery")
    ] = False
    wakes_per_day: Annotated[int, meta("Most such reports in 24 hours; at most six a week", ge=0, le=6)] = 2
    data_per_day: Annotated[int, meta("Most requests in 24 hours; the account has about 200", ge=2, le=200)] = 60


class MqttCar(Node, frozen=True):
    """Topics of an MQTT broker (the optional part `mqtt`); `car#battery.soc` is a path in the JSON of topic `car`."""

    host: Annotated[str, meta("Broker; by default the one on this device", min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, meta("Its port", ge=1, le=65535)] = 1883
    tls: Annotated[bool, meta("Encrypt the connection")] = False
    username: Annotated[Secret, meta("User")] = Secret()
    password: Annotated[Secret, meta("Password")] = Secret()
    soc: Annotated[str, meta("Topic of the state of charge", max_length=512)] = ""
    scale: Annotated[float, meta("The state of charge in % is the number times this", gt=0, le=1000)] = 1.0
    time: Annotated[str, meta("Topic of the time of the measurement; empty = when it arrives", max_length=512)] = ""
    limit: Annotated[str, meta("Topic of the car's own charge limit", max_length=512)] = ""
    plugged: Annotated[str, meta("Topic that tells whether it is plugged in", max_length=512)] = ""
    charging: Annotated[str, meta("Topic that tells whether it charges", max_length=512)] = ""
    range_km: Annotated[str, meta("Topic of the range in km", max_length=512)] = ""
    odometer: Annotated[str, meta("Topic of the odometer in km", max_length=512)] = ""
    at_home: Annotated[str, meta("Topic that tells whether it is at home", max_length=512)] = ""


class HomeAssistantCar(Node, frozen=True):
    """Entities of Home Assistant."""

    url: Annotated[str, meta("Address, such as http://192.168.1.20:8123", pattern=URL)] = ""
    token: Annotated[Secret, meta("Long-lived access token, made in your profile there")] = Secret()
    soc: Annotated[str, meta("Entity of the state of charge", pattern=ENTITY)] = ""
    limit: Annotated[str, meta("Entity of the car's own charge limit", pattern=ENTITY)] = ""
    plugged: Annotated[str, meta("Entity that tells whether it is plugged in", pattern=ENTITY)] = ""
    charging: Annotated[str, meta("Entity that tells whether it charges", pattern=ENTITY)] = ""
    range_km: Annotated[str, meta("Entity of the range", pattern=ENTITY)] = ""
    odometer: Annotated[str, meta("Entity of the odometer", pattern=ENTITY)] = ""
    at_home: Annotated[str, meta("Entity that is `home` or `on` when it is at home", pattern=ENTITY)] = ""


class HttpJsonCar(Node, frozen=True):
    """Any service that answers with JSON."""

    url: Annotated[str, meta("Address", pattern=URL)] = ""
    headers: Annotated[tuple[Header, ...], meta("Headers, for instance with a key")] = ()
    interval_s: Annotated[
        float, meta("Least time between two requests, in s; 60 for a service in the house", ge=30, le=86400)
    ] = 60.0
    soc: Annotated[str, meta("State of charge. " + _PATH)] = "soc"
    scale: Annotated[float, meta("The state of charge in % is the number times this", gt=0, le=1000)] = 1.0
    time: Annotated[str, meta("Time of the measurement: seconds, milliseconds or RFC 3339. " + _PATH)] = ""
    limit: Annotated[str, meta("The car's own charge limit. " + _PATH)] = ""
    plugged: Annotated[str, meta("Whether it is plugged in. " + _PATH)] = ""
    charging: Annotated[str, meta("Whether it charges. " + _PATH)] = ""
    range_km: Annotated[str, meta("Range. " + _PATH)] = ""
    range_scale: Annotated[float, meta("The range in km is the number times this", gt=0, le=1000)] = 1.0
    odometer: Annotated[str, meta("Odometer. " + _PATH)] = ""
    at_home: Annotated[str, meta("Whether it is at home. " + _PATH)] = ""
    latitude: Annotated[str, meta("Latitude, compared with home_position. " + _PATH)] = ""
    longitude: Annotated[str, meta("Longitude. " + _PATH)] = ""


class EvccCar(Node, frozen=True):
    """A car that an evcc in the house knows."""

    url: Annotated[str, meta("Address of evcc, such as http://192.168.1.20:7070", pattern=URL)] = ""
    vehicle: Annotated[str, meta("Name of the car there; empty = the car of the only charge point", max_length=64)] = ""
