"""A changed configuration asks for no more to be built anew than must be."""

from __future__ import annotations

import pytest

from phaeton.config.change import Change, compare
from phaeton.config.load import parse

BASE = "chargers:\n  - {host: a, id: left}\n  - {host: b, id: right}\n"


def change(before: str, after: str) -> Change:
    return compare(parse(before).config, parse(after).config)


def test_the_same_is_no_change() -> None:
    assert change(BASE, BASE + "auto: {smoothing_s: 1.5}\n").nothing


def test_settings_of_the_control_take_effect_by_themselves() -> None:
    found = change(BASE, BASE + "auto: {smoothing_s: 3}\nschedule: {windows: [{start: '01:00', end: '02:00'}]}\n")
    assert found.keys[0] == "auto.smoothing_s: 1.5 -> 3.0"
    assert any(key.startswith("schedule.windows[0].start: none -> ") for key in found.keys)
    assert Change(keys=found.keys) == found


@pytest.mark.parametrize(
    "keys",
    ["port: 503", "unit: 2", "station_unit: 9", "sockets: 2", "profile_overlay: {points: {}}", "poll_interval_s: 2"],
)
def test_a_new_address_reconnects_just_that_charger(keys: str) -> None:
    found = change(BASE, BASE.replace("id: right", f"id: right, {keys}"))
    assert found.links == {"right"}
    assert Change(keys=found.keys, links=found.links) == found


def test_limits_of_a_charger_reconnect_nothing() -> None:
    found = change(BASE, BASE.replace("id: right", "id: right, limits: {max_set_current_a: 16}, priority: 2"))
    assert found.links == frozenset()
    assert len(found.keys) == 2


def test_chargers_come_and_go_by_their_names() -> None:
    found = change(BASE, "chargers:\n  - {host: a, id: left}\n  - {host: c, id: new}\n")
    assert found.added == {"new"}
    assert found.removed == {"right"}
    assert found.links == frozenset()


def test_the_order_of_named_chargers_changes_no_link() -> None:
    found = change(BASE, "chargers:\n  - {host: b, id: right}\n  - {host: a, id: left}\n")
    assert (found.added, found.removed, found.links) == (frozenset(), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("after", "part"),
    [
        ("web: {port: 1}", "web"),
        ("web: {enabled: false}", "web"),
        ("store: {directory: /tmp/x}", "store"),
        ("log: {console: {level: debug}}", "log"),
        ("site: {timezone: Europe/Paris}", "zone"),
        ("site: {source: none}", "site"),
    ],
)
def test_each_part_is_named(after: str, part: str) -> None:
    found = change(BASE, BASE + after)
    assert [name for name in ("web", "store", "log", "zone", "site") if getattr(found, name)] == [part]


def test_what_the_gx_is_told_puts_that_service_up_anew() -> None:
    assert change(BASE, BASE.replace("id: left", "id: left, position: output")).services == {"left"}


def test_the_recorder_begins_anew_and_nothing_else_does() -> None:
    found = change(BASE, BASE + "record: {enabled: true, days: 3}\n")
    assert found.record
    assert Change(keys=found.keys, record=True) == found
