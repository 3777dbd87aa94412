"""Local days and months, against the zone files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.calendar_days import day, instant, midnight, month, next_midnight, next_month
from phaeton.zones import zone

NAMES = ("Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
START_S = datetime(2024, 1, 1, tzinfo=UTC).timestamp()
ZONES = {name: zone(name, START_S) for name in NAMES}


@given(st.sampled_from(NAMES), st.integers(0, 700 * 86400))
def test_days_months_and_weeks_begin_where_the_zone_files_say(name: str, after_s: int) -> None:
    utc_s = START_S + after_s
    here = datetime.fromtimestamp(utc_s, ZoneInfo(name))
    today = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = (today.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=ZoneInfo(name))
    following = datetime(here.year + here.month // 12, here.month % 12 + 1, 1, tzinfo=ZoneInfo(name))
    assert midnight(ZONES[name], utc_s) == today.timestamp()
    assert next_midnight(ZONES[name], utc_s) == tomorrow.timestamp()
    assert next_month(ZONES[name], utc_s) == following.timestamp()
    assert month(ZONES[name], utc_s) == f"{here:%Y-%m}"
    assert day(ZONES[name], utc_s) == f"{here:%Y-%m-%d}"


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2024-03-31T02:30", "2024-03-31T01:30"),  # does not exist: an hour later on the clock
        ("2024-10-27T02:30", "2024-10-27T00:30"),  # comes twice: the first
        ("2024-07-01T12:00", "2024-07-01T10:00"),
    ],
)
def test_times_around_the_clock_changes(wall: str, utc: str) -> None:
    on_wall_s = datetime.fromisoformat(wall).replace(tzinfo=UTC).timestamp()
    expected_s = datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()
    assert instant(ZONES["Europe/Amsterdam"], on_wall_s) == expected_s
