"""Keys that contradict each other are refused, and what merely looks odd is not."""

from __future__ import annotations

import pytest

from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.rules import shipped_profiles

CONTRADICTIONS = [
    ("charger: http://10.0.0.1", "chargers[0].host"),
    ("charger: 10.0.0.1:502", "chargers[0].host"),
    (
        "charger: {host: a, limits: {min_set_current_a: 16, max_set_current_a: 10}}",
        "chargers[0].limits.min_set_current_a",
    ),
    ("charger: {host: a, profile: alfen}", "chargers[0].profile"),
    ("charger: {host: a, phase_map: [1, 2, 4]}", "chargers[0].phase_map"),
    ("charger: {host: a, phase_map: [1, 1, 2]}", "chargers[0].phase_map"),
    ("charger: {host: a, profile_overlay: {points: {voltage: {at: x}}}}", "chargers[0].profile_overlay"),
    ("charger: {host: a, profile_overlay: {pionts: {}}}", "chargers[0].profile_overlay"),
    ("chargers: [{host: a, id: x}, {host: b, id: x}]", "chargers[1].id"),
    ("chargers: [{host: a, id: '2'}, {host: b}]", "chargers[1].id"),
    ("chargers: [{host: a, id: x, sockets: 2}, {host: b, id: x_2}]", "chargers[1].id"),
    ("chargers: [{host: a, id: x}, {host: a, id: x}]", "chargers[1].id"),
    (
        "chargers: [{host: a, id: x, device_instance: 5}, {host: b, id: y, device_instance: 5}]",
        "chargers[1].device_instance",
    ),
    ("chargers: [{host: a}, {host: A.}]", "chargers[1].host"),
    ("chargers: [{host: a, port: 502}, {host: a, unit: 1}]", "chargers[1].host"),
    ("chargers: [{host: a, sockets: 2}, {host: a, unit: 2}]", "chargers[1].host"),
    ("charger: a\nsite: {limits: {fuse_a: 10, fuse_margin_a: 10}}", "site.limits.fuse_margin_a"),
    ("charger: a\nsite: {source: none, limits: {fuse_a: 25}}", "site.limits.fuse_a"),
    ("charger: a\nsite: {source: none, limits: {import_w: 9000}}", "site.limits.import_w"),
    ("charger: a\nsite: {stale_hold_s: 60, stale_stop_s: 59}", "site.stale_stop_s"),
    ("charger: a\nsite: {timezone: Europe/Amsterdm}", "site.timezone"),
    ("charger: a\nsite: {timezone: ../../etc/passwd}", "site.timezone"),
    ("charger: a\nbattery: {priority: car, min_soc_pct: 50, feed_car_soc_pct: 40}", "battery.feed_car_soc_pct"),
    ("charger: a\nbattery: {full_soc_pct: 80, feed_car_soc_pct: 60}", "battery.feed_car_soc_pct"),
    ("charger: a\nbattery: {min_soc_pct: 50, full_soc_pct: 40}", "battery.full_soc_pct"),
    ("charger: a\nschedule: {windows: [{start: '07:00', end: '07:00'}]}", "schedule.windows[0].end"),
    ("charger: a\nschedule: {windows: [{start: '07:00', end: '08:00', days: [mon, mon]}]}", "schedule.windows[0].days"),
    (
        "charger: a\nschedule: {windows: [{start: '07:00', end: '08:00', current_a: 40}]}",
        "schedule.windows[0].current_a",
    ),
    (
        "charger: {host: a, limits: {min_set_current_a: 8}}\n"
        "schedule: {windows: [{start: '07:00', end: '08:00', current_a: 6}]}",
        "schedule.windows[0].current_a",
    ),
]


@pytest.mark.parametrize(("text", "path"), CONTRADICTIONS)
def test_a_contradiction_is_refused_and_named(text: str, path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert path in [problem.path for problem in caught.value.problems]


@pytest.mark.parametrize(
    "text",
    [
        "charger: fe80::1%eth0",
        "charger: alfen-garage.lan.",
        "charger: {host: a, profile_overlay: {points: {voltage: {at: 310}}}}",
        "charger: {host: a, phase_map: [3, 1, 2]}",
        "charger: {host: a, phase_map: [2, 2, 2]}",
        "charger: {host: a, phase_map: [2, 2, 1], limits: {max_phases: 1}}",
        "chargers: [{host: a}, {host: a, unit: 2}]",
        "chargers: [{host: a}, {host: a, port: 503}]",
        "charger: a\nsite: {source: none, limits: {unbalanced_a: 20}}",
        "charger: a\nbattery: {priority: car, feed_car_soc_pct: 60}",
        "charger: a\nsite: {timezone: Europe/Amsterdam, stale_hold_s: 60, stale_stop_s: 60}",
        "charger: a\nschedule: {windows: [{start: '00:00', end: '24:00'}, {start: '22:00', end: '06:00'}]}",
    ],
)
def test_what_makes_sense_is_taken(text: str) -> None:
    assert parse(text).config.chargers


def test_an_unknown_zone_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean Europe/Amsterdam\?"):
        parse("charger: a\nsite: {timezone: Europe/Amsterdm}")


def test_a_rule_about_a_key_that_is_wrong_by_itself_stays_silent() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("charger: {host: a, limits: {min_set_current_a: 16, max_set_current_a: x}}")
    assert [problem.path for problem in caught.value.problems] == ["chargers[0].limits.max_set_current_a"]


def test_the_alfen_profile_is_there() -> None:
    assert "alfen_ng9xx" in shipped_profiles()
