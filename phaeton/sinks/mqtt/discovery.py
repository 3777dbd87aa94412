"""What Home Assistant is told of a charging point: one device with all of its entities, in one retained message.

The form is that of device-based discovery (Home Assistant 2024.11 and newer): ``<prefix>/device/<id>/config`` with
``device``, ``origin`` and ``components``. A component that holds only its platform is taken away there.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from phaeton import __version__
from phaeton.sinks.mqtt.commands import SET
from phaeton.sinks.mqtt.topics import (
    AUTO,
    AVAILABILITY,
    GUEST,
    SITE,
    STATUS_OPTIONS,
    PointView,
)

Fields = dict[str, object]


class Surroundings(Struct, frozen=True):
    """What the message holds beside the point itself."""

    prefix: str
    """Of the topics."""
    control: bool
    """Orders are taken."""
    currency: str
    cars: tuple[str, ...]
    page: str | None
    """The address of the page, where others reach it."""


class Entity(Struct, frozen=True, kw_only=True):
    """One entity of Home Assistant; it shows the topic of its key, and its orders go to ``<key>/set``."""

    key: str
    platform: str
    name: str
    fields: Fields = {}
    site: bool = False
    """It shows a topic of the house."""
    unit: str = ""
    """``{currency}`` is put in; without a known currency there is no unit."""
    needs_car: bool = False
    """Only where cars are configured."""


def _sensor(
    key: str, name: str, unit: str = "", device_class: str = "", state_class: str = "", **more: object
) -> Entity:
    fields: Fields = dict(more)
    if device_class:
        fields["device_class"] = device_class
    if state_class:
        fields["state_class"] = state_class
    return Entity(key=key, platform="sensor", name=name, unit=unit, fields=fields)


def _measured(key: str, name: str, unit: str, device_class: str, **more: object) -> Entity:
    fields: Fields = {"device_class": device_class, "state_class": "measurement", **more}
    return Entity(key=key, platform="sensor", name=name, unit=unit, fields=fields)


def _is(key: str, name: str, device_class: str, **more: object) -> Entity:
    return Entity(key=key, platform="binary_sensor", name=name, fields={"device_class": device_class, **more})


def _percent(key: str, name: str, least: int) -> Entity:
    fields: Fields = {"min": least, "max": 100, "step": 1, "entity_category": "config"}
    return Entity(key=key, platform="number", name=name, unit="%", needs_car=True, fields=fields)


_DIAGNOSTIC: Fields = {"entity_category": "diagnostic"}
_DETAIL: Fields = {**_DIAGNOSTIC, "enabled_by_default": False}
_CONFIG: Fields = {"entity_category": "config"}

CONTROLS: tuple[Entity, ...] = (
    Entity(key="mode", platform="select", name="Mode", fields={"options": ["manual", "auto", "scheduled"]}),
    Entity(key="start", platform="switch", name="Charging enabled"),
    Entity(key="current", platform="number", name="Manual current", unit="A", fields={"device_class": "current"}),
    Entity(key="phases", platform="select", name="Phases", fields={"options": [AUTO, "1", "3"]}),
    Entity(key="boost", platform="switch", name="Charge fast"),
    Entity(key="auto_start", platform="switch", name="Stop for this stay only", fields=_CONFIG),
    Entity(key="energy_limit", platform="number", name="Energy limit of this stay", unit="kWh",
           fields={"min": 1, "max": 1000, "step": 0.5, "mode": "box", "device_class": "energy"}),
    Entity(key="power_cap", platform="number", name="Power cap", unit="W",
           fields={"min": 0, "max": 100_000, "step": 10, "mode": "box", "device_class": "power", **_CONFIG}),
    Entity(key="vehicle", platform="select", name="Car", needs_car=True),
    _percent("min_soc", "Minimum charge of the car", 0),
    _percent("limit_soc", "Charge limit of the car", 1),
)  # fmt: skip
BUTTONS: tuple[Entity, ...] = (
    Entity(key="energy_limit", platform="button", name="No energy limit", fields={"payload_press": "none"}),
    Entity(key="power_cap", platform="button", name="No power cap", fields={"payload_press": "none", **_CONFIG}),
    Entity(key="goal", platform="button", name="No goal", fields={"payload_press": "none", **_CONFIG}),
)
SHOWN: tuple[Entity, ...] = (
    _sensor("status", "Status", device_class="enum", options=list(STATUS_OPTIONS)),
    _sensor("reason", "Reason"),
    _is("connected", "Car connected", "plug"),
    _is("charging", "Charging", "battery_charging"),
    _is("fault", "Fault", "problem", **_DIAGNOSTIC),
    _is("stale", "No fresh values", "problem", **_DIAGNOSTIC),
    _measured("power", "Power", "W", "power", suggested_display_precision=0),
    *(_measured(f"power_l{n}", f"Power L{n}", "W", "power", suggested_display_precision=0) for n in (1, 2, 3)),
    *(_measured(f"current_l{n}", f"Current L{n}", "A", "current", **_DETAIL) for n in (1, 2, 3)),
    *(_measured(f"voltage_l{n}", f"Voltage L{n}", "V", "voltage", **_DETAIL) for n in (1, 2, 3)),
    _sensor("energy", "Energy", "kWh", "energy", "total_increasing"),
    _measured("setpoint", "Setpoint", "A", "current"),
    _measured("limit", "Limit", "A", "current", **_DIAGNOSTIC),
    _measured("surplus", "Surplus", "W", "power", suggested_display_precision=0),
    Entity(key="active_phases", platform="sensor", name="Active phases", fields=_DIAGNOSTIC),
    _measured("temperature", "Temperature", "°C", "temperature", **_DIAGNOSTIC),
    _sensor("session_start", "Session start", device_class="timestamp"),
    _sensor("session_energy", "Session energy", "kWh", "energy", "total_increasing"),
    _sensor("session_sun", "Session energy from the sun", "kWh", "energy", "total_increasing"),
    _sensor("session_cost", "Session cost", "{currency}", "monetary", suggested_display_precision=2),
    _sensor("session_time", "Session charging time", "s", "duration", "measurement"),
    _measured("soc", "Car battery", "%", "battery"),
    _sensor("goal_soc", "Goal", "%"),
    _sensor("goal_departure", "Departure", device_class="timestamp"),
    _sensor("plan_next", "Plan: next start", device_class="timestamp"),
    _sensor("plan_done", "Plan: done", device_class="timestamp"),
    _sensor("plan_cost", "Plan: expected cost", "{currency}", "monetary", suggested_display_precision=2),
    _sensor("boost_until", "Charging fast until", device_class="timestamp"),
    Entity(key="warning", platform="sensor", name="Warning", fields=_DIAGNOSTIC),
    Entity(key="price", platform="sensor", name="Energy price", unit="{currency}/kWh", site=True,
           fields={"state_class": "measurement", "suggested_display_precision": 4}),
)  # fmt: skip


def node(prefix: str, point: str) -> str:
    """The name of a point among the devices: stable as long as prefix and point are."""
    return re.sub("[^a-zA-Z0-9_-]", "_", f"{prefix}_{point}")


def topic(discovery_prefix: str, prefix: str, point: str) -> str:
    """Where the message is published."""
    return f"{discovery_prefix}/device/{node(prefix, point)}/config"


def shows(view: PointView) -> object:
    """What of a point the message is made from."""
    status = view.status
    return (
        status.name, view.manufacturer, view.model, status.serial, status.firmware, status.can_switch_phases,
        status.limits.min_a, status.limits.max_a, status.set_current, view.step_a,
    )  # fmt: skip


def message(view: PointView, around: Surroundings) -> bytes:
    """The message of one point."""
    status = view.status
    point, name = status.id, node(around.prefix, status.id)
    device: Fields = {"identifiers": [name], "name": status.name}
    for key, value in (
        ("manufacturer", view.manufacturer),
        ("model", view.model),
        ("serial_number", status.serial),
        ("sw_version", status.firmware),
        ("configuration_url", around.page),
    ):
        if value:
            device[key] = value
    components: Fields = {}
    for entity in SHOWN:
        components[entity.key] = _component(entity, point, name, around, command=False)
    for entity in CONTROLS:
        offered = around.control and (bool(around.cars) or not entity.needs_car)
        offered = offered and (entity.key != "phases" or status.can_switch_phases)
        found: Fields = {"platform": entity.platform}
        if offered:
            found = _component(entity, point, name, around, command=True)
        if offered and entity.key == "current":
            limits = status.limits
            found |= {
                "min": min(limits.min_a, status.set_current),
                "max": max(limits.max_a, status.set_current, limits.min_a + view.step_a),
                "step": view.step_a,
            }
        if offered and entity.key == "vehicle":
            found["options"] = [*around.cars, GUEST, AUTO]
        components[entity.key] = found
    for entity in BUTTONS:
        found = {"platform": "button"}
        if around.control:
            found = {
                **found,
                "unique_id": f"{name}_no_{entity.key}",
                "name": entity.name,
                "command_topic": f"{around.prefix}/{point}/{entity.key}/{SET}",
                **entity.fields,
            }
        components[f"no_{entity.key}"] = found
    return msgspec.json.encode(
        {
            "device": device,
            "origin": {"name": "Phaeton", "sw_version": __version__},
            "availability_topic": f"{around.prefix}/{AVAILABILITY}",
            "qos": 1,
            "components": components,
        }
    )


def _component(entity: Entity, point: str, name: str, around: Surroundings, *, command: bool) -> Fields:
    where = f"{around.prefix}/{SITE if entity.site else point}/{entity.key}"
    found: Fields = {
        "platform": entity.platform,
        "unique_id": f"{name}_{entity.key}",
        "name": entity.name,
        "state_topic": where,
        **entity.fields,
    }
    if command:
        found["command_topic"] = f"{where}/{SET}"
    if "{currency}" in entity.unit and not around.currency:
        found.pop("device_class", None)  # an amount of money must name its currency
    elif entity.unit:
        found["unit_of_measurement"] = entity.unit.format(currency=around.currency)
    return found
