"""Charging by Tibber's prices in the forerunners: what really decided there decides here."""

from __future__ import annotations

import pytest

from phaeton.config.load import Loaded, parse
from phaeton.config.node import Secret

LEAST = "modbus: {ip: 10.0.0.5}\n"


def migrated(*lines: str) -> Loaded:
    return parse(LEAST + "\n".join(lines) + "\n")


def test_tibber_mode_becomes_a_strategy_with_tibber_as_the_source() -> None:
    config = migrated(
        "schedule: {mode: tibber}", "tibber: {access_token: abc, home_id: h-1, strategy: percentile}"
    ).config
    assert config.prices.source == "tibber"
    assert config.prices.tibber.token == Secret(value="abc")
    assert config.prices.tibber.home == "h-1"
    assert config.schedule.strategy == "percentile"


def test_the_other_program_said_it_by_enabled() -> None:
    config = migrated("tibber: {enabled: true, access_token: abc, strategy: threshold, max_price_total: 0.21}").config
    assert (config.prices.source, config.schedule.strategy) == ("tibber", "threshold")
    assert config.schedule.threshold_per_kwh == 0.21


def test_without_a_named_strategy_levels_decided() -> None:
    config = migrated("tibber: {enabled: true, access_token: abc}").config
    assert (config.prices.source, config.schedule.strategy) == ("tibber", "level")


def test_a_token_without_the_mode_is_kept_and_changes_nothing() -> None:
    config = migrated("schedule: {mode: time}", "tibber: {access_token: abc, strategy: level}").config
    assert config.prices.tibber.token.value == "abc"
    assert (config.prices.source, config.schedule.strategy) == ("fixed", "windows")


@pytest.mark.parametrize(
    ("settings", "strategy", "levels"),
    [
        ("strategy: level", "level", ("very_cheap", "cheap")),
        ("strategy: level, charge_on_cheap: false", "level", ("very_cheap",)),
        ("strategy: level, charge_on_cheap: false, charge_on_very_cheap: false", "windows", ("very_cheap", "cheap")),
        ("strategy: nonsense", "level", ("very_cheap", "cheap")),
        ("strategy: threshold, max_price_total: 0", "level", ("very_cheap", "cheap")),
        ("strategy: threshold, max_price_total: 0.2", "threshold", ("very_cheap", "cheap")),
    ],
)
def test_the_strategy_is_the_one_that_was_followed(settings: str, strategy: str, levels: tuple[str, ...]) -> None:
    schedule = migrated("schedule: {mode: tibber}", f"tibber: {{access_token: a, {settings}}}").config.schedule
    assert (schedule.strategy, schedule.levels) == (strategy, levels)


@pytest.mark.parametrize(("old", "new"), [("0.3", 30.0), ("0", 1.0), ("-1", 1.0), ("7", 100.0)])
def test_the_percentile_becomes_percent(old: str, new: float) -> None:
    assert (
        migrated(f"tibber: {{enabled: true, access_token: a, cheap_percentile: {old}}}").config.schedule.percentile_pct
        == new
    )


def test_windows_that_did_not_count_are_kept_switched_off() -> None:
    items = "  items: [{active: true, days: [0], start_time: '01:00', end_time: '05:00'}]"
    config = migrated("schedule:", "  mode: tibber", items, "tibber: {access_token: a}").config
    assert [window.active for window in config.schedule.windows] == [False]
    config = migrated("schedule:", "  mode: time", items).config
    assert [window.active for window in config.schedule.windows] == [True]


@pytest.mark.parametrize("token", ["{access_token: ''}", "{strategy: level}", "{}"])
def test_tibber_mode_without_a_token_charges_nothing_as_before_and_loads(token: str) -> None:
    items = "  items: [{active: true, days: [0], start_time: '01:00', end_time: '05:00'}]"
    loaded = migrated("schedule:", "  mode: tibber", items, f"tibber: {token}")
    assert (loaded.config.prices.source, loaded.config.schedule.strategy) == ("fixed", "windows")
    assert [window.active for window in loaded.config.schedule.windows] == [False]
    assert "without an access token" in "\n".join(map(str, loaded.notices))


def test_every_key_has_one_notice_and_none_tells_the_token() -> None:
    loaded = migrated(
        "schedule: {mode: tibber}",
        "pricing: {source: victron}",
        "tibber: {access_token: hunter2, home_id: '', charge_on_cheap: true, charge_on_very_cheap: true,",
        "  strategy: level, max_price_total: 0.0, cheap_percentile: 0.3}",
    )
    keys = [notice.key for notice in loaded.notices]
    assert len(keys) == len(set(keys)) == 10
    assert "hunter2" not in "\n".join(map(str, loaded.notices))


def test_the_price_of_the_gx_goes_along() -> None:
    assert migrated("pricing: {source: victron}").config.prices.source == "victron"
    assert migrated("pricing: {source: static, static_rate_eur_per_kwh: 0.3}").config.prices.source == "fixed"


def test_the_environment_names_go_on_working() -> None:
    environ = {
        "PHAETON_CHARGER": "10.0.0.5",
        "PHAETON_TIBBER__ACCESS_TOKEN": "abc",
        "PHAETON_SCHEDULE__MODE": "tibber",
        "PHAETON_TIBBER__CHEAP_PERCENTILE": "0.2",
    }
    config = parse("", environ=environ).config
    assert config.prices.tibber.token.value == "abc"
    assert (config.prices.source, config.schedule.strategy) == ("tibber", "level")
    assert config.schedule.percentile_pct == 20.0
