"""Whatever a service sends, reading it gives a report or the one typed error, and nothing out of range."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from phaeton.config.tree_vehicles import HttpJsonCar
from phaeton.links.http import Answer
from phaeton.sources.vehicles import asking, evcc, homeassistant, http_json, kia, kia_state, mqtt, tesla
from phaeton.sources.vehicles.home import Home
from phaeton.sources.vehicles.report import Report, VehicleError
from phaeton.sources.vehicles.sanitation import Believed, Context, step
from phaeton.sources.vehicles.tesla_account import refused_login
from phaeton.sources.vehicles.values import found, instant, number, wall_clock
from tests.sources.vehicles.answers import FOLDER, NOW_UTC_S, answer_of, sample

HOME = Home(52.5, 13.4)
CONFIG = HttpJsonCar(
    soc="response.charge_state.battery_level",
    time="ts",
    plugged="a",
    charging="b.0.c",
    limit="x[id=1].y",
    range_km="r",
    latitude="lat",
    longitude="lon",
)

ODD = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        255,
        1e300,
        10**40,
        "",
        "NaN",
        "63,0 %",
        "Infinity",
        "null",
        [],
        {},
        "20261301000000",
        1795441200000,
    ]
)
LEAVES = ODD | st.floats(allow_nan=True) | st.integers() | st.text(max_size=12)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def bodies() -> list[Any]:
    """The bodies of all samples that are JSON."""
    trees = []
    for path in sorted(FOLDER.glob("*.json")):
        whole = sample(path.stem)
        for exchange in whole.get("exchanges", [whole] if "response" in whole else []):
            if "json" in exchange["response"]:
                trees.append(exchange["response"]["json"])
    return trees


@st.composite
def spoiled(draw: st.DrawFn) -> Any:
    """A sample in which some places hold something else."""
    return spoil(draw, draw(st.sampled_from(bodies())), 0)


def spoil(draw: st.DrawFn, node: Any, depth: int) -> Any:
    """Go down and exchange now and then."""
    if draw(st.integers(0, 11)) == 0 and depth:
        return draw(LEAVES)
    if isinstance(node, dict):
        return {key: spoil(draw, value, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [spoil(draw, value, depth + 1) for value in node[:3]]
    return node


def sound(report: Report) -> None:
    """Every number is in its range."""
    ranges = {
        "soc_pct": (0, 100), "limit_soc_pct": (20, 100), "aux_battery_pct": (0, 100), "range_km": (0, 4e6),
        "odometer_km": (0, 4e6), "capacity_kwh": (10, 250), "charge_power_w": (0, 4e5), "minutes_to_limit": (0, 1e4),
        "measured_utc_s": (1.4e9, 4.2e9),
    }  # fmt: skip
    for name, (least, most) in ranges.items():
        value = getattr(report, name)
        assert value is None or (math.isfinite(value) and least <= value <= most), name
    for name in ("plugged", "charging", "at_home"):
        assert getattr(report, name) in (None, True, False)


def read_all(tree: Any) -> None:
    """Let every reader have a go."""
    try:
        body = msgspec.json.encode(tree)
    except (msgspec.MsgspecError, ValueError, OverflowError, TypeError):
        return
    readers = (
        lambda: tesla.parse(body, HOME),
        lambda: evcc.parse(body, ""),
        lambda: evcc.parse(body, "ev6"),
        lambda: http_json.parse(body, CONFIG, HOME),
    )
    for reader in readers:
        with suppress(VehicleError):
            sound(reader())
    for other in (tesla.reach_of, tesla.sleep_of, tesla.only_car):
        with suppress(VehicleError):
            other(body)
    for state in (tree, tree.get("resMsg") if isinstance(tree, dict) else tree):
        for offset in (False, True):
            report = kia_state.parse_state(state, HOME, NOW_UTC_S, offset_counts=offset)
            if report is not None:
                sound(report)
    sound(homeassistant.parse(dict.fromkeys(("soc", "limit", "plugged", "range_km", "odometer"), tree)))
    sound(mqtt.parse(dict.fromkeys(mqtt.FIELDS, tree)))


@given(TREES)
def test_any_tree(tree: Any) -> None:
    read_all(tree)


@given(spoiled())
def test_samples_with_odd_places(tree: Any) -> None:
    read_all(tree)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    for reader in (
        lambda: tesla.parse(body, HOME),
        lambda: evcc.parse(body, ""),
        lambda: http_json.parse(body, CONFIG, HOME),
    ):
        with suppress(VehicleError):
            sound(reader())
    mqtt.inside(body, "a.b")


@given(st.integers(100, 599), st.binary(max_size=60), st.sampled_from(["", "abc", "-5", "1e9", "120", "99999999999"]))
def test_any_refusal(status: int, body: bytes, patience: str) -> None:
    answer = Answer(status, body, {"retry-after": patience, "ratelimit-reset": patience})
    for failure in (tesla.refusal(answer), refused_login(answer)):
        assert (failure is None) == (200 <= status < 300)
        if failure is not None and failure.retry_s is not None:
            assert 1 <= failure.retry_s <= 86_400
    with suppress(VehicleError):
        asking.checked(answer, "it")


@given(st.dictionaries(st.sampled_from(sorted(sample("kia_60")["vehicles"][0])), LEAVES))
def test_any_attributes_of_the_library(attributes: dict[str, Any]) -> None:
    class Vehicle:
        pass

    vehicle = Vehicle()
    vehicle.__dict__.update(attributes)
    with suppress(VehicleError):
        sound(kia.read_vehicle(vehicle, "australia", HOME, NOW_UTC_S))


@given(LEAVES, st.text(max_size=20))
def test_any_value(value: Any, path: str) -> None:
    for result in (number(value), instant(value)):
        assert result is None or math.isfinite(result)
    kia_clock = wall_clock(value, kia_state.berlin(), NOW_UTC_S)
    assert kia_clock is None or math.isfinite(kia_clock)
    found({"a": [value, {"id": value}]}, path)


REPORTS = st.builds(
    Report,
    soc_pct=st.none() | st.sampled_from([0.0, 1.0, 50.0, 100.0]),
    measured_utc_s=st.none() | st.sampled_from([1.5e9, NOW_UTC_S, NOW_UTC_S + 60.0, NOW_UTC_S + 1e6, 4e9]),
    odometer_km=st.none() | st.sampled_from([10.0, 20.0, 1e6]),
    plugged=st.none() | st.booleans(),
    at_home=st.none() | st.booleans(),
)


@given(st.lists(st.tuples(st.floats(0, 1e6), REPORTS, st.booleans()), max_size=12))
def test_any_reports_leave_a_sound_belief(reports: list[tuple[float, Report, bool]]) -> None:
    believed = Believed()
    for at_s, report, linked in reports:
        utc_s = NOW_UTC_S + at_s
        believed = step(believed, report, Context(at_s, utc_s, linked))
        assert believed.soc_utc_s is None or believed.soc_utc_s <= NOW_UTC_S + 1e6
        assert (believed.soc_pct is None) == (believed.soc_utc_s is None)


def test_the_samples_are_all_read() -> None:
    assert len(bodies()) > 60
    for tree in bodies():
        read_all(tree)
    assert answer_of(sample("tesla_46")).status == 503
