"""Variables override the file, by the present names and by those of the forerunners."""

from __future__ import annotations

import pytest

from phaeton.config.load import Loaded, load, parse
from phaeton.config.problems import ConfigError


def with_variables(text: str = "charger: a\n", **environ: str) -> Loaded:
    return parse(text, environ=environ)


def test_a_variable_wins_over_the_file() -> None:
    loaded = with_variables("charger: a\nsite: {timezone: Europe/Paris}\n", PHAETON_SITE__TIMEZONE="Europe/Berlin")
    assert loaded.config.site.timezone == "Europe/Berlin"


def test_deeper_levels_and_places_in_lists() -> None:
    loaded = with_variables(
        PHAETON_CHARGERS__0__HOST="10.0.0.5",
        PHAETON_CHARGERS__0__LIMITS__MAX_SET_CURRENT_A="20",
        PHAETON_CHARGERS__1__HOST="10.0.0.6",
    )
    assert [charger.host for charger in loaded.config.chargers] == ["10.0.0.5", "10.0.0.6"]
    assert loaded.config.chargers[0].limits.max_set_current_a == 20


def test_the_tenth_entry_comes_after_the_ninth() -> None:
    names = {f"PHAETON_CHARGERS__{index}__HOST": f"host{index}" for index in range(12)}
    assert [charger.host for charger in with_variables(**names).config.chargers][-2:] == ["host10", "host11"]


def test_lists_and_sections_are_written_as_in_yaml() -> None:
    loaded = with_variables(
        PHAETON_CHARGERS__0__PHASE_MAP="[2, 3, 1]",
        PHAETON_CHARGERS__0__PROFILE_OVERLAY="{points: {power: {at: 350}}}",
    )
    assert loaded.config.chargers[0].phase_map == (2, 3, 1)
    assert loaded.config.chargers[0].profile_overlay == {"points": {"power": {"at": 350}}}


def test_text_may_hold_what_yaml_would_read_otherwise() -> None:
    loaded = with_variables(PHAETON_CHARGERS__0__NAME="Garage: left # 1")
    assert loaded.config.chargers[0].name == "Garage: left # 1"


def test_quotes_around_a_text_are_taken_off() -> None:
    assert with_variables(PHAETON_SITE__TIMEZONE='"Europe/Paris"').config.site.timezone == "Europe/Paris"


def test_an_empty_value_empties_an_optional_key() -> None:
    loaded = with_variables("charger: a\nsite: {limits: {fuse_a: 25}}\n", PHAETON_SITE__LIMITS__FUSE_A="")
    assert loaded.config.site.limits.fuse_a is None


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PHAETON_WEB__PORT", "abc", "PHAETON_WEB__PORT: web.port = abc: must be a whole number"),
        ("PHAETON_AUTO__SMOTHING_S", "1", "Did you mean smoothing_s?"),
        ("PHAETON_CHARGERS__3__HOST", "b", "the list has 1 entries"),
        ("PHAETON_CHARGERS__0__PHASE_MAP", "[1, 2", "PHAETON_CHARGERS__0__PHASE_MAP: this is not YAML"),
        ("PHAETON_SITE", "x", "PHAETON_SITE: site = x: must hold `key: value` lines"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        with_variables(**{name: value})
    assert expected in str(caught.value)


def test_variables_that_are_nobodys_change_nothing_and_are_mentioned() -> None:
    loaded = with_variables(PHAETON_FLAVOUR="vanilla", PHAETON_DBUS="dbus_next", OTHER="1")
    assert loaded.config == with_variables().config
    assert [notice.key for notice in loaded.notices] == ["PHAETON_FLAVOUR"]


def test_the_names_of_the_forerunners_work_and_say_where_they_went() -> None:
    loaded = with_variables(
        "",
        PHAETON_MODBUS__IP="10.0.0.5",
        PHAETON_MODBUS__PORT="503",
        PHAETON_TIMEZONE="Europe/Paris",
        PHAETON_WEB__PORT="9000",
        PHAETON_CONTROLS__PV_EXCESS_EMA_ALPHA="0.4",
        PHAETON_REGISTERS__VOLTAGES="310",
        PHAETON_TIBBER__ACCESS_TOKEN="hunter2",
    )
    charger = loaded.config.chargers[0]
    assert (charger.host, charger.port) == ("10.0.0.5", 503)
    assert charger.profile_overlay == {"points": {"voltage": {"at": 310}}}
    assert loaded.config.site.timezone == "Europe/Paris"
    assert loaded.config.web.port == 9000
    assert loaded.config.auto.smoothing_s == 1.5
    said = [str(notice) for notice in loaded.notices]
    assert "PHAETON_MODBUS__IP: modbus.ip: is now chargers[0].host" in said
    assert not any("web.port" in line or "hunter2" in line for line in said)


def test_the_present_name_wins_over_the_old_one() -> None:
    loaded = with_variables(PHAETON_TIMEZONE="Europe/Paris", PHAETON_SITE__TIMEZONE="Europe/Berlin")
    assert loaded.config.site.timezone == "Europe/Berlin"


def test_the_python_drivers_variables_work() -> None:
    loaded = with_variables(ALFEN_WEB_PORT="8099", ALFEN_WEB_HOST="0.0.0.0")
    assert (loaded.config.web.host, loaded.config.web.port) == ("0.0.0.0", 8099)


@pytest.mark.parametrize("name", ["PHAETON_CHARGER", "PHAETON_CHARGERS__0__HOST", "PHAETON_MODBUS__IP"])
def test_no_file_is_needed_when_a_variable_names_the_charger(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phaeton.config.load.PLACES", ())
    loaded = load(None, {name: "10.0.0.5"})
    assert loaded.config.chargers[0].host == "10.0.0.5"
    assert loaded.path is None
