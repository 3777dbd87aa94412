"""What Home Assistant is told: right by its own rules, and about topics and orders that there are."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from phaeton.model import CarState, Output
from phaeton.sinks.mqtt import discovery
from phaeton.sinks.mqtt.commands import BY_NAME, Setting, parse
from phaeton.sinks.mqtt.topics import (
    POINT_TOPICS,
    SITE_TOPICS,
    PointView,
    payload,
    view,
)
from phaeton.sinks.web.status import PointName
from tests.outputs import decided, identity, output, unreachable, waiting
from tests.sinks.mqtt.home_assistant import DEVICE_MESSAGE, DISCOVERY_TOPIC

AROUND = discovery.Surroundings("phaeton", True, "EUR", ("ev6",), "http://192.168.1.5:8088/")


def seen(told: Output) -> PointView:
    return view(told, [PointName("1")], {}).points["1"]


def message(told: Output, around: discovery.Surroundings = AROUND) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(discovery.message(seen(told), around))
    return found


CHARGING = output()
CASES = {
    "charging": (CHARGING, AROUND),
    "waiting": (output(point=waiting()), AROUND),
    "unreachable": (unreachable(), AROUND),
    "no identity": (replace(CHARGING, situation=replace(CHARGING.situation, points=())), AROUND),
    "fixed phases": (output(who=identity(can_switch_phases=False)), AROUND),
    "no control, no currency, no car, no page": (CHARGING, discovery.Surroundings("a/b", False, "", (), None)),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_right_by_the_rules_of_home_assistant(case: str) -> None:
    found = message(*CASES[case])
    jsonschema.validate(found, DEVICE_MESSAGE)
    whole = [one for one in found["components"].values() if len(one) > 1]
    unique = [one["unique_id"] for one in whole]
    assert len(unique) == len(set(unique))
    assert len({(one["platform"], one["name"]) for one in whole}) == len(whole)
    for one in whole:
        if one["platform"] == "number":
            assert one["min"] < one["max"]


@pytest.mark.parametrize(
    "broken",
    [
        {"components": {"x": {"platform": "sensor", "name": "X", "state_topic": "a"}}},
        {"components": {"x": {"platform": "number", "unique_id": "x", "name": "X", "command_topic": "a"}}},
        {
            "components": {
                "x": {
                    "platform": "sensor", "unique_id": "x", "name": "X", "state_topic": "a", "device_class": "energy",
                    "unit_of_measurement": "kWh", "state_class": "measurement",
                }
            }
        },
        {"device": {"name": "no identifier"}},
        {"origin": {}},
    ],
)  # fmt: skip
def test_the_rules_find_mistakes(broken: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(message(CHARGING) | broken, DEVICE_MESSAGE)


def test_the_device() -> None:
    assert message(CHARGING)["device"] == {
        "identifiers": ["phaeton_1"],
        "name": "Garage",
        "manufacturer": "Alfen",
        "model": "Eve Single Pro-line",
        "serial_number": "ACE0123456",
        "sw_version": "7.2.0",
        "configuration_url": "http://192.168.1.5:8088/",
    }
    assert re.fullmatch(DISCOVERY_TOPIC, discovery.topic("homeassistant", "house/charger", "1"))


def test_names_do_not_depend_on_what_the_charger_says() -> None:
    known, unknown = (
        {key: one.get("unique_id") for key, one in message(told)["components"].items()}
        for told in (CHARGING, replace(CHARGING, situation=replace(CHARGING.situation, points=())))
    )
    assert known == unknown


def test_each_entity_shows_a_topic_that_is_told_and_gives_orders_that_are_taken() -> None:
    topics = {f"phaeton/1/{topic.name}" for topic in POINT_TOPICS} | {f"phaeton/site/{t.name}" for t in SITE_TOPICS}
    orders = {f"phaeton/1/{name}/set" for name in BY_NAME}
    for one in message(CHARGING)["components"].values():
        assert "state_topic" not in one or one["state_topic"] in topics
        assert "command_topic" not in one or one["command_topic"] in orders


def test_everything_that_home_assistant_can_send_is_an_order() -> None:
    setting = Setting(point="1", output=CHARGING, battery_kwh={"ev6": 77.4})
    for one in message(CHARGING)["components"].values():
        if "command_topic" not in one:
            continue
        name = one["command_topic"].split("/")[2]
        sent = {
            "select": one.get("options"),
            "switch": ["ON", "OFF"],
            "button": [one.get("payload_press")],
            "number": [str(one.get("min")), str(one.get("max"))],
        }[one["platform"]]
        for value in sent or []:
            assert parse(name, value.encode(), setting)


@pytest.mark.parametrize(
    "told", [CHARGING, output(point=waiting()), unreachable()], ids=["charging", "waiting", "away"]
)
def test_what_is_shown_is_what_the_entity_can_show(told: Output) -> None:
    shown = view(told, [PointName("1")], {})
    for one in message(told)["components"].values():
        if "state_topic" not in one:
            continue
        _, point, name = one["state_topic"].split("/")
        topics = SITE_TOPICS if point == "site" else POINT_TOPICS
        of = shown.site if point == "site" else shown.points[point]
        value = payload(next(topic for topic in topics if topic.name == name).get(of))  # type: ignore[arg-type]
        if value == "None":
            continue
        match one["platform"], one.get("device_class"):
            case ("switch" | "binary_sensor", _):
                assert value in ("ON", "OFF")
            case ("select", _) | ("sensor", "enum"):
                assert value in one["options"]
            case ("number", _):
                assert one["min"] <= float(value) <= one["max"]
            case ("sensor", "timestamp"):
                assert value.endswith("Z")
            case ("sensor", _) if "state_class" in one or "unit_of_measurement" in one:
                assert float(value) == float(value)
            case _:
                assert len(value) <= 255


def test_without_control_there_are_values_but_no_controls() -> None:
    components = message(CHARGING, replace(AROUND, control=False))["components"]
    assert not any("command_topic" in one for one in components.values())
    assert components["mode"] == {"platform": "select"}, "an entity of before is taken away"
    assert "state_topic" in components["power"]


def test_the_car_and_its_goal_are_told() -> None:
    parked = replace(
        CHARGING.decision,
        points=(replace(decided(), vehicle="ev6"),),
        cars=(CarState(vehicle="ev6", point="1", soc_pct=63.21, goal_soc_pct=80.0, departure_utc_s=1_780_376_400.0),),
    )
    told = seen(replace(CHARGING, decision=parked))
    values = {topic.name: payload(topic.get(told)) for topic in POINT_TOPICS}
    assert values["vehicle"] == "ev6"
    assert values["soc"] == "63.2"
    assert values["goal_soc"] == "80"
    assert values["goal_departure"] == "2026-06-02T05:00:00Z"
    assert message(CHARGING)["components"]["vehicle"]["options"] == ["ev6", "guest", "auto"]
