"""The rules of Home Assistant's MQTT discovery for a device (2024.11 and newer) as a JSON Schema.

Facts from its documentation of the MQTT integration and of the sensor, binary sensor, number, select, switch and button
entities: keys, types, which unit a device class may have, and which keys exclude each other.
"""

from __future__ import annotations

from typing import Any

TOPIC = {"type": "string", "pattern": "^[^+#\\u0000]+$", "maxLength": 1000}
TEXT = {"type": "string", "minLength": 1}

UNITS: dict[str, list[str]] = {
    "battery": ["%"],
    "current": ["A", "mA"],
    "duration": ["d", "h", "min", "s", "ms"],
    "energy": ["J", "kJ", "MJ", "GJ", "Wh", "kWh", "MWh", "GWh"],
    "power": ["mW", "W", "kW", "MW"],
    "temperature": ["°C", "°F", "K"],
    "voltage": ["V", "mV"],
}
STATE_CLASSES: dict[str, list[str]] = {
    "battery": ["measurement"],
    "current": ["measurement"],
    "duration": ["measurement", "total", "total_increasing"],
    "energy": ["total", "total_increasing"],
    "monetary": ["total"],
    "power": ["measurement"],
    "temperature": ["measurement"],
    "voltage": ["measurement"],
    "enum": [],
    "timestamp": [],
}
BINARY = ["battery_charging", "plug", "problem", "power", "connectivity", "running"]

_COMMON: dict[str, Any] = {
    "platform": TEXT,
    "unique_id": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
    "name": {"type": "string", "minLength": 1, "maxLength": 60},
    "enabled_by_default": {"type": "boolean"},
    "icon": {"type": "string", "pattern": "^mdi:"},
    "state_topic": TOPIC,
}
_COMMANDED = {"command_topic": TOPIC}


def _entity(platform: str, required: list[str], rules: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    properties = {**_COMMON, "platform": {"const": platform}, **more}
    category = ["diagnostic"] if platform in ("sensor", "binary_sensor") else ["config", "diagnostic"]
    properties["entity_category"] = {"enum": category}
    return {
        "type": "object",
        "properties": properties,
        "required": ["platform", "unique_id", "name", *required],
        "additionalProperties": False,
        "allOf": rules or [{}],
    }


def _if(condition: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    return {"if": condition, "then": then}


def _with(key: str, value: Any) -> dict[str, Any]:
    return {"properties": {key: {"const": value}}, "required": [key]}


_NOT_NUMERIC = {"not": {"anyOf": [{"required": ["state_class"]}, {"required": ["unit_of_measurement"]}]}}
_SENSOR_RULES = [
    _if({"required": ["options"]}, _with("device_class", "enum")),
    _if(_with("device_class", "enum"), {"required": ["options"], **_NOT_NUMERIC}),
    _if(_with("device_class", "timestamp"), _NOT_NUMERIC),
    _if(
        _with("device_class", "monetary"),
        {"required": ["unit_of_measurement"], "properties": {"unit_of_measurement": {"pattern": "^[A-Z]{3}$"}}},
    ),
    *(
        _if(
            _with("device_class", device_class),
            {"required": ["unit_of_measurement"], "properties": {"unit_of_measurement": {"enum": units}}},
        )
        for device_class, units in UNITS.items()
    ),
    *(
        _if(_with("device_class", device_class), {"properties": {"state_class": {"enum": classes or ["never"]}}})
        for device_class, classes in STATE_CLASSES.items()
    ),
]
_NUMBER_RULES = [
    _if(
        _with("device_class", device_class),
        {"required": ["unit_of_measurement"], "properties": {"unit_of_measurement": {"enum": units}}},
    )
    for device_class, units in UNITS.items()
]
_OPTIONS = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"type": "string", "minLength": 1}}
_UNIT = {"unit_of_measurement": TEXT}

_ENTITIES = [
    _entity(
        "sensor",
        ["state_topic"],
        _SENSOR_RULES,
        device_class={"enum": sorted(STATE_CLASSES)},
        state_class={"enum": ["measurement", "total", "total_increasing"]},
        options=_OPTIONS,
        suggested_display_precision={"type": "integer", "minimum": 0},
        expire_after={"type": "integer", "minimum": 0},
        **_UNIT,
    ),
    _entity("binary_sensor", ["state_topic"], [], device_class={"enum": BINARY}, payload_on=TEXT, payload_off=TEXT),
    _entity(
        "number",
        ["command_topic", "min", "max"],
        _NUMBER_RULES,
        min={"type": "number"},
        max={"type": "number"},
        step={"type": "number", "minimum": 0.001},
        mode={"enum": ["auto", "box", "slider"]},
        device_class={"enum": sorted(UNITS)},
        **_UNIT,
        **_COMMANDED,
    ),
    _entity("select", ["command_topic", "options"], [], options=_OPTIONS, **_COMMANDED),
    _entity("switch", ["command_topic"], [], payload_on=TEXT, payload_off=TEXT, **_COMMANDED),
    _entity("button", ["command_topic"], [], payload_press=TEXT, **_COMMANDED),
]
_REMOVED = {
    "type": "object",
    "properties": {"platform": {"enum": ["sensor", "binary_sensor", "number", "select", "switch", "button"]}},
    "required": ["platform"],
    "additionalProperties": False,
}

DEVICE_MESSAGE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["device", "origin", "components"],
    "additionalProperties": False,
    "properties": {
        "device": {
            "type": "object",
            "required": ["identifiers"],
            "additionalProperties": False,
            "properties": {
                "identifiers": {"type": "array", "minItems": 1, "items": TEXT},
                **dict.fromkeys(("name", "manufacturer", "model", "serial_number", "sw_version", "hw_version"), TEXT),
                "configuration_url": {"type": "string", "pattern": "^(https?|homeassistant)://.+"},
            },
        },
        "origin": {
            "type": "object",
            "required": ["name"],
            "additionalProperties": False,
            "properties": {
                "name": TEXT,
                "sw_version": TEXT,
                "support_url": {"type": "string", "pattern": "^https?://"},
            },
        },
        "availability_topic": TOPIC,
        "qos": {"enum": [0, 1, 2]},
        "components": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"oneOf": [_REMOVED, *_ENTITIES]},
        },
    },
}
DISCOVERY_TOPIC = r"^homeassistant/device/[a-zA-Z0-9_-]+/config$"
