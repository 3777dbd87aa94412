"""The files of both forerunners load, and each of their keys is accounted for."""

from __future__ import annotations

import re

import pytest
import yaml

from phaeton.config.load import Loaded, parse
from phaeton.config.problems import ConfigError
from phaeton.config.tree_schedule import Window
from phaeton.profiles.load import shipped

RUST = """\
modbus: {ip: "192.168.1.100", port: 503, socket_slave_id: 2, station_slave_id: 201}
device_instance: 7
require_dbus: true
registers:
  voltages: 306
  currents: 320
  power: 338
  energy: 374
  status: 1201
  amps_config: 1210
  phases: 1215
  firmware_version: 123
  firmware_version_count: 17
  station_serial: 157
  station_serial_count: 11
  manufacturer: 117
  manufacturer_count: 5
  platform_type: 140
  platform_type_count: 17
  station_max_current: 1100
  station_status: 1201
defaults: {intended_set_current: 10.0, station_max_current: 32.0}
logging:
  level: WARNING
  console_level: ERROR
  file: /var/log/phaeton.log
  format: structured
  max_file_size_mb: 10
  backup_count: 5
  console_output: true
  json_format: true
schedule: {mode: time, items: []}
tibber: {access_token: hunter2, home_id: "", charge_on_cheap: true}
controls:
  current_tolerance: 0.5
  update_difference_threshold: 0.1
  verification_delay: 0.1
  verify_delay: 100
  retry_delay: 1.0
  max_retries: 10
  watchdog_interval_seconds: 30
  current_update_interval: 30000
  max_set_current: 25.0
  min_set_current: 8.0
  min_charge_duration_seconds: 240
  ev_reporting_lag_ms: 2000
  pv_excess_ema_alpha: 0.25
  phase_switch_grace_seconds: 900
  phase_switch_settle_seconds: 5
  auto_phase_switch: false
  auto_phase_hysteresis_watts: 400
web: {host: 0.0.0.0, port: 8089}
pricing: {source: static, static_rate_eur_per_kwh: 0.31, currency_symbol: "€"}
updates: {enabled: true, auto_check: false, auto_update: true, include_prereleases: true,
  check_interval_hours: 6, repository: ""}
vehicles: [{name: car, provider: tesla, tesla_access_token: hunter2}]
poll_interval_ms: 2000
timezone: Europe/Amsterdam
"""

LEAST = "modbus: {ip: 10.0.0.5}\n"


def notices(loaded: Loaded) -> dict[str, str]:
    return {notice.key: notice.text for notice in loaded.notices}


def schedule(items: str, more: str = "") -> Loaded:
    return parse(f"{LEAST}{more}schedule:\n  items:\n{items}")


def test_every_key_that_lives_on_is_at_its_new_place() -> None:
    config = parse(RUST).config
    charger = config.chargers[0]
    assert (charger.host, charger.port, charger.unit, charger.station_unit) == ("192.168.1.100", 503, 2, 201)
    assert charger.device_instance == 7
    assert charger.initial.set_current_a == 10.0
    assert (charger.limits.min_set_current_a, charger.limits.max_set_current_a) == (8.0, 25.0)
    assert charger.poll_interval_s == 2.0
    assert charger.profile_overlay == {}
    assert (config.site.require_dbus, config.site.timezone) == (True, "Europe/Amsterdam")
    assert (config.auto.min_charge_duration_s, config.auto.smoothing_s) == (240.0, 3.0)
    assert (config.phases.auto_switch, config.phases.up_margin_w, config.phases.min_gap_s) == (False, 400.0, 900.0)
    assert (config.prices.import_per_kwh, config.prices.currency) == (0.31, "EUR")
    assert (config.web.host, config.web.port) == ("0.0.0.0", 8089)
    assert (config.log.console.level, config.log.console.format) == ("error", "json")
    assert (config.log.file.level, config.log.file.format) == ("warning", "json")
    assert (config.log.file.path, config.log.file.max_mb, config.log.file.backups) == ("/var/log/phaeton.log", 10.0, 5)


def test_each_key_that_moved_or_means_nothing_has_one_notice_with_its_line() -> None:
    loaded = parse(RUST)
    said = notices(loaded)
    assert len(said) == len(loaded.notices)
    assert said["modbus.ip"] == "is now chargers[0].host"
    assert said["defaults.station_max_current"].startswith("means nothing any more")
    assert said["registers.voltages"].startswith("means nothing any more")
    assert said["tibber.access_token"] == "is now prices.tibber.token"
    assert said["updates.repository"].startswith("means nothing any more")
    assert said["vehicles"] == "means nothing any more: it had no effect; cars are described anew, under vehicles"
    assert "web.port" not in said  # it did not move
    lines = {notice.key: notice.place.line for notice in loaded.notices}
    assert (lines["modbus.ip"], lines["device_instance"], lines["timezone"]) == (1, 2, 58)


def test_no_notice_holds_a_secret() -> None:
    assert "hunter2" not in "\n".join(str(notice) for notice in parse(RUST).notices)


def test_the_address_alone_is_enough() -> None:
    assert parse(LEAST).config == parse("charger: 10.0.0.5").config


def test_registers_that_are_not_the_usual_ones_change_the_profile() -> None:
    loaded = parse(LEAST + "registers: {voltages: 310, power: 400, energy: 374, firmware_version_count: 12}\n")
    assert loaded.config.chargers[0].profile_overlay == {
        "points": {"voltage": {"at": 310}, "power_phase": {"at": 400}, "power": {"at": 406}, "firmware": {"count": 12}}
    }
    assert "points.voltage.at" in notices(loaded)["registers.voltages"]


def test_every_register_key_fits_the_shipped_profile() -> None:
    text = RUST.partition("registers:\n")[2].partition("defaults:")[0]
    text = re.sub("[0-9]+", lambda register: str(int(register[0]) + 1), text)
    overlay = parse(f"{LEAST}registers:\n{text}").config.chargers[0].profile_overlay
    points = yaml.safe_load((shipped() / "alfen_ng9xx.yaml").read_text("utf-8"))["points"]
    assert set(overlay["points"]) <= set(points)
    assert len(overlay["points"]) == 13


def test_the_power_register_of_either_forerunner_is_the_usual_one() -> None:
    for register in (338, 344):
        assert parse(f"{LEAST}registers: {{power: {register}}}").config.chargers[0].profile_overlay == {}


@pytest.mark.parametrize(
    ("alpha", "smoothing_s"), [("0.4", 1.5), ("0.2", 4.0), ("1", 0.0), ("0", 0.0), ("0.001", 300.0), ("7", 0.0)]
)
def test_the_share_per_second_becomes_a_time_constant(alpha: str, smoothing_s: float) -> None:
    assert parse(f"{LEAST}controls: {{pv_excess_ema_alpha: {alpha}}}").config.auto.smoothing_s == smoothing_s


@pytest.mark.parametrize(
    ("old", "new"),
    [("INFO", "info"), ("WARN", "warning"), ("WARNING", "warning"), ("CRITICAL", "error"), ("trace", "debug")],
)
def test_log_levels_of_both_have_their_present_names(old: str, new: str) -> None:
    config = parse(f"{LEAST}logging: {{level: {old}}}").config
    assert (config.log.console.level, config.log.file.level) == (new, new)


def test_the_level_of_a_sink_wins_over_the_base_level_wherever_it_stands() -> None:
    config = parse(f"{LEAST}logging: {{console_level: ERROR, level: INFO}}").config
    assert (config.log.console.level, config.log.file.level) == ("error", "info")


def test_numbers_that_were_allowed_are_taken_to_the_edge_and_it_is_said() -> None:
    loaded = parse(f"{LEAST}controls: {{min_set_current: 0, max_set_current: 200}}\npoll_interval_ms: 100\n")
    charger = loaded.config.chargers[0]
    assert (charger.limits.min_set_current_a, charger.limits.max_set_current_a) == (6.0, 80.0)
    assert charger.poll_interval_s == 0.5
    assert "200 became 80" in notices(loaded)["controls.max_set_current"]


def test_a_time_zone_that_counted_as_utc_goes_on_as_utc() -> None:
    loaded = parse(f"{LEAST}timezone: Mars/Phobos\n")
    assert loaded.config.site.timezone == "UTC"
    assert "Mars/Phobos" in notices(loaded)["timezone"]


def test_keys_that_nobody_knew_are_left_out_with_a_notice() -> None:
    said = notices(parse(f"{LEAST}controls: {{bogus: 1}}\nfoo: 2\n"))
    assert said.keys() >= {"controls.bogus", "foo"}


def test_a_wrong_value_is_refused_by_its_old_name_and_line() -> None:
    with pytest.raises(ConfigError, match=r"line 2 \(modbus.port\): chargers\[0\].port = x: must be a whole number"):
        parse("modbus:\n  port: x\n  ip: a\n")


def test_without_an_address_it_is_no_configuration() -> None:
    with pytest.raises(ConfigError, match="charger"):
        parse("modbus: {}\n")


def test_windows_in_the_newer_words() -> None:
    loaded = schedule("  - {active: true, days: [0, 4], start_time: 08:00, end_time: '16:30'}\n")
    assert loaded.config.schedule.windows == (Window(start="08:00", end="16:30", days=("mon", "fri")),)
    assert notices(loaded)["schedule.items[0]"] == "is now schedule.windows[0]"


def test_windows_in_the_older_words_begin_the_week_on_sunday() -> None:
    loaded = schedule("  - {enabled: 1, days_mask: 67, start: '12:00', end: '15:00'}\n")
    assert loaded.config.schedule.windows == (Window(start="12:00", end="15:00", days=("mon", "sat", "sun")),)


def test_no_day_is_every_day_in_the_newer_words_and_none_in_the_older() -> None:
    assert schedule("  - {active: true, start_time: '12:00', end_time: '15:00'}\n").config.schedule.windows == (
        Window(start="12:00", end="15:00"),
    )
    loaded = schedule("  - {enabled: 1, days_mask: 0, start: '12:00', end: '15:00'}\n")
    assert loaded.config.schedule.windows == ()
    assert "names no day" in notices(loaded)["schedule.items[0]"]


def test_a_window_that_was_off_stays_off() -> None:
    for item in (
        "{active: false, start_time: '12:00', end_time: '15:00', enabled: 1, days_mask: 9, start: '1:00', end: '2:00'}",
        "{enabled: 0, days_mask: 127, start: '12:00', end: '15:00'}",
    ):
        windows = schedule(f"  - {item}\n").config.schedule.windows
        assert windows == (Window(start="12:00", end="15:00", active=False),)


def test_where_both_vocabularies_stand_the_one_with_a_window_counts() -> None:
    newer = "active: false, days: [], start_time: '00:00', end_time: '00:00'"
    item = f"{{{newer}, enabled: 1, days_mask: 2, start: '01:00', end: '5:00'}}"
    assert schedule(f"  - {item}\n").config.schedule.windows == (Window(start="01:00", end="05:00", days=("mon",)),)


@pytest.mark.parametrize(
    "times", ["'06:00', end_time: '06:00'", "'00:00', end_time: '24:00'", "'bad', end_time: '0:00'"]
)
def test_a_window_without_length_is_left_out_with_a_notice(times: str) -> None:
    loaded = schedule(f"  - {{active: true, start_time: {times}}}\n")
    assert loaded.config.schedule.windows == ()
    assert "never charged" in notices(loaded)["schedule.items[0]"]


def test_a_window_over_midnight_with_days_asks_to_check_them() -> None:
    loaded = schedule("  - {active: true, days: [4], start_time: '23:00', end_time: '07:00'}\n")
    assert loaded.config.schedule.windows == (Window(start="23:00", end="07:00", days=("fri",)),)
    assert "belongs to the day that it starts on" in notices(loaded)["schedule.items[0]"]


def test_odd_times_are_read_as_they_were_and_it_is_said() -> None:
    loaded = schedule("  - {active: true, start_time: '25:70', end_time: '24:00'}\n")
    assert loaded.config.schedule.windows == (Window(start="01:10", end="24:00"),)
    assert "'25:70' counted as 01:10" in notices(loaded)["schedule.items[0]"]


def test_items_that_are_no_windows_are_left_out() -> None:
    loaded = schedule("  - 5\n  - {}\n  - {active: true, start_time: '01:00', end_time: '02:00'}\n")
    assert len(loaded.config.schedule.windows) == 1
    assert notices(loaded)["schedule.items[2]"] == "is now schedule.windows[0]"
