"""Zones as data give what the zone files say, and nothing worse than UTC where there are none."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton import zones
from phaeton.model import Zone
from phaeton.streams.windows import offset_s

NOW_S = datetime(2026, 7, 1, tzinfo=UTC).timestamp()
NAMES = ["Europe/Amsterdam", "Australia/Lord_Howe", "Africa/Casablanca", "America/New_York", "Asia/Kathmandu", "UTC"]


@pytest.mark.parametrize("name", NAMES)
def test_every_hour_of_the_years_around_has_the_offset_of_the_zone_file(name: str) -> None:
    zone = zones.zone(name, NOW_S)
    start_s = int(NOW_S - 300 * 86400)
    for utc_s in range(start_s, start_s + 9 * 366 * 86400, 5 * 3600 + 1799):
        expected = datetime.fromtimestamp(utc_s, ZoneInfo(name)).utcoffset()
        assert expected is not None
        assert offset_s(zone, utc_s) == expected.total_seconds()


def test_the_clock_changes_to_the_second() -> None:
    changes = dict(zones.zone("Europe/Amsterdam", NOW_S).transitions)
    assert changes[datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()] == 7200
    assert changes[datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()] == 3600


def test_a_clock_that_starts_in_1970_knows_the_zone_of_today() -> None:
    assert offset_s(zones.zone("Europe/Amsterdam", 0.0), NOW_S) == 7200


@settings(max_examples=20, deadline=None)
@given(st.floats() | st.sampled_from([math.nan, -math.inf, 1e300]))
def test_no_present_time_is_too_odd(around_utc_s: float) -> None:
    transitions = zones.zone("Europe/Amsterdam", around_utc_s).transitions
    assert list(transitions) == sorted(transitions)


@pytest.mark.parametrize(
    "name", ["Mars/Phobos", "Europe", "../../etc/passwd", "/etc/passwd", "a\0b", " ", "posixrules/x"]
)
def test_an_unknown_zone_is_utc_with_a_reason(name: str) -> None:
    assert zones.zone(name, NOW_S) == Zone()
    assert "there is no time zone" in zones.problem(name)


def test_a_known_zone_has_no_problem() -> None:
    assert zones.problem("Europe/Amsterdam") == ""
    assert zones.problem("") == ""


def test_no_name_is_the_zone_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert zones.zone("", NOW_S).name == "Asia/Kathmandu"
    monkeypatch.delenv("TZ")
    link = tmp_path / "localtime"
    monkeypatch.setattr(zones, "_LOCALTIME", link)
    assert zones.zone("", NOW_S).name == "UTC"
    link.symlink_to("/usr/share/zoneinfo/Europe/Amsterdam")
    assert zones.zone("", NOW_S).transitions == zones.zone("Europe/Amsterdam", NOW_S).transitions
    link.unlink()
    link.write_bytes(Path("/usr/share/zoneinfo/Europe/Amsterdam").read_bytes())
    assert zones.zone("", NOW_S).transitions == zones.zone("Europe/Amsterdam", NOW_S).transitions
    link.write_bytes(b"nonsense")
    assert zones.zone("", NOW_S) == Zone()
    assert "cannot be read" in zones.problem("")


def test_a_machine_without_zone_files_says_so(tmp_path: Path) -> None:
    ZoneInfo.clear_cache()
    reset_tzpath([str(tmp_path)])
    try:
        assert zones.missing_files()
        assert zones.zone("Europe/Amsterdam", NOW_S) == Zone()
        assert "no time zone files" in zones.problem("Europe/Amsterdam")
    finally:
        reset_tzpath()
