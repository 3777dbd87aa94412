"""The wall clock over the changes of the clock: days, instants, hours, rates and fees."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton import zones
from phaeton.config.tree_prices import Fee, FeedIn, Formula, Hours, Prices, Rate
from phaeton.sources.prices.formula import priced
from phaeton.sources.prices.rates import fixed, time_of_use
from phaeton.sources.prices.table import RawSlot
from phaeton.sources.service.days import Wall
from phaeton.sources.service.times import instant_s
from tests.sources.prices.answers import BERLIN, UTC_WALL, at, text

SPRING = "2026-03-29T12:00:00+02:00"
AUTUMN = "2026-10-25T12:00:00+01:00"


@pytest.mark.parametrize(("day", "length_h"), [(SPRING, 23), (AUTUMN, 25), ("2026-05-10T12:00:00+02:00", 24)])
def test_a_day_is_as_long_as_the_clock_makes_it(day: str, length_h: int) -> None:
    start_s = BERLIN.day_start_s(at(day))
    assert (BERLIN.day_start_s(at(day), 1) - start_s) / 3600 == length_h
    assert BERLIN.day_start_s(start_s) == start_s
    assert BERLIN.day_start_s(start_s - 1, 1) == start_s


@pytest.mark.parametrize("name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])
@given(st.dates(date(2025, 6, 1), date(2030, 1, 1)), st.integers(0, 86399))
def test_instants_are_those_of_the_zone(name: str, day: date, second: int) -> None:
    wall, zone = Wall(zones.zone(name, 1_790_000_000.0)), ZoneInfo(name)
    wanted = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)
    meant = wanted.replace(tzinfo=zone)
    found_s = wall.instant_s(wanted.timestamp())
    exists = datetime.fromtimestamp(meant.timestamp(), zone).replace(tzinfo=None) == meant.replace(tzinfo=None)
    if exists:
        assert found_s == meant.timestamp()
    assert wall.date(meant.timestamp()) == datetime.fromtimestamp(meant.timestamp(), zone).strftime("%Y-%m-%d")
    assert wall.clock(meant.timestamp()) == datetime.fromtimestamp(meant.timestamp(), zone).strftime("%H:%M")


@pytest.mark.parametrize(
    ("value", "wall", "meant"),
    [
        ("2026-11-23T00:00:00.000+01:00", None, "2026-11-22T23:00Z"),
        ("2026-11-23T00:00Z", None, "2026-11-23T00:00Z"),
        ("2026-11-23T00:00:00", BERLIN, "2026-11-22T23:00Z"),
        ("2026-11-23 00:00:00", None, "2026-11-23T00:00Z"),
        (1795474800, None, "2026-11-23T23:00Z"),
        (1795474800000, None, "2026-11-23T23:00Z"),
        ("1795474800", None, "2026-11-23T23:00Z"),
        ("2026-11-23", BERLIN, "2026-11-22T23:00Z"),
    ],
)
def test_times_are_understood_as_services_write_them(value: object, wall: Wall | None, meant: str) -> None:
    found_s = instant_s(value, wall)
    assert found_s is not None
    assert text(found_s) == meant


@pytest.mark.parametrize(
    "value", [None, True, "", "noon", "12:00", "2026-13-01", [], {}, 10**400, float("nan"), "9" * 50]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert instant_s(value, BERLIN) is None


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        (
            Hours(start="22:00", end="06:00"),
            ["2026-11-23T22:00", "2026-11-24T05:59"],
            ["2026-11-24T06:00", "2026-11-24T21:59"],
        ),
        (
            Hours(start="22:00", end="06:00", days=("mon",)),
            ["2026-11-23T23:00", "2026-11-24T05:00"],
            ["2026-11-24T23:00", "2026-11-23T05:00"],
        ),
        (Hours(days=("sat", "sun")), ["2026-11-28T00:00", "2026-11-29T23:59"], ["2026-11-30T00:00"]),
        (Hours(months=(1, 11)), ["2026-11-30T23:59"], ["2026-12-01T00:00"]),
    ],
)
def test_hours_mean_the_local_clock(hours: Hours, inside: list[str], outside: list[str]) -> None:
    assert all(BERLIN.fits(hours, at(f"{when}+01:00")) for when in inside)
    assert not any(BERLIN.fits(hours, at(f"{when}+01:00")) for when in outside)


def test_the_hour_that_is_left_out_and_the_one_that_comes_twice() -> None:
    night = Hours(start="02:00", end="03:00")
    spring, autumn = at("2026-03-29T00:00:00+01:00"), at("2026-10-25T00:00:00+02:00")
    assert sum(BERLIN.fits(night, spring + 900 * n) for n in range(92)) == 0
    assert sum(BERLIN.fits(night, autumn + 900 * n) for n in range(100)) == 8


def slot(start: str, hours: float, price: float, spot: float | None = None) -> RawSlot:
    return RawSlot(at(start), at(start) + hours * 3600, price, spot)


def test_taxes_and_fees_come_onto_the_price_and_a_slot_is_cut_where_a_fee_begins() -> None:
    fees = (
        Fee(start="17:00", end="20:00", per_kwh=0.1, months=(11, 12)),
        Fee(start="19:30", end="24:00", per_kwh=0.05),
        Fee(start="00:00", end="24:00", per_kwh=1.0, months=(7,)),
    )
    formula = Formula(add_per_kwh=0.02, factor=1.5, fees=fees)
    found = priced(
        [slot("2026-11-23T16:00:00+01:00", 1, 0.08), slot("2026-11-23T19:00:00+01:00", 2, 0.08)],
        formula,
        Prices(),
        BERLIN,
    )
    assert [(text(s.start_s)[11:16], text(s.end_s)[11:16], s.import_per_kwh) for s in found] == [
        ("15:00", "16:00", 0.15),
        ("18:00", "18:30", 0.25),
        ("18:30", "19:00", 0.3),
        ("19:00", "20:00", 0.2),
    ]


def test_without_a_formula_a_negative_price_stays_what_it_is() -> None:
    (found,) = priced([slot("2026-05-10T13:00:00+02:00", 1, -0.021)], Formula(), Prices(), BERLIN)
    assert found.import_per_kwh == -0.021


@pytest.mark.parametrize(
    ("feed_in", "spot", "brings"),
    [
        (FeedIn(), -0.05, 0.08),
        (FeedIn(follows="spot"), -0.05, -0.05),
        (FeedIn(follows="spot", least_per_kwh=0.0), -0.05, 0.0),
        (FeedIn(follows="spot", add_per_kwh=-0.004, factor=0.5), 0.104, 0.05),
        (FeedIn(follows="spot"), None, 0.08),
    ],
)
def test_feeding_in_brings_the_fixed_price_or_that_of_the_market(
    feed_in: FeedIn, spot: float | None, brings: float
) -> None:
    config = Prices(feed_in=feed_in)
    (found,) = priced([slot("2026-05-10T13:00:00+02:00", 1, 0.3, spot)], Formula(), config, BERLIN)
    assert found.feed_in_per_kwh == brings


@pytest.mark.parametrize(("day", "count"), [(SPRING, 23 + 48), (AUTUMN, 25 + 48)])
def test_the_fixed_price_has_every_hour_of_three_days(day: str, count: int) -> None:
    slots = fixed(Prices(import_per_kwh=0.3, feed_in_per_kwh=0.1), BERLIN, at(day))
    assert len(slots) == count
    assert {(s.import_per_kwh, s.feed_in_per_kwh) for s in slots} == {(0.3, 0.1)}
    assert all(before.end_s == after.start_s for before, after in pairwise(slots))


def test_rates_hold_in_their_hours_and_the_first_that_fits_counts() -> None:
    config = Prices(
        import_per_kwh=0.4,
        time_of_use=(
            Rate(days=("sun",), import_per_kwh=0.1, feed_in_per_kwh=0.02),
            Rate(start="22:30", end="06:15", import_per_kwh=0.2),
        ),
    )
    slots = time_of_use(config, BERLIN, at("2026-11-27T12:00:00+01:00"))  # Friday
    found = {text(s.start_s): (s.import_per_kwh, s.feed_in_per_kwh) for s in slots}
    assert found["2026-11-27T21:30Z"] == (0.2, 0.08)  # Friday 22:30
    assert found["2026-11-28T05:00Z"] == (0.2, 0.08)
    assert found["2026-11-28T05:15Z"] == (0.4, 0.08)  # Saturday 06:15
    assert found["2026-11-28T22:00Z"] == (0.2, 0.08)
    assert found["2026-11-28T23:00Z"] == (0.1, 0.02)  # Sunday
    assert slots[-1].end_s == at("2026-11-30T00:00:00+01:00")


def test_a_zone_without_changes_needs_no_special_case() -> None:
    assert UTC_WALL.day_start_s(at("2026-03-29T23:59:59Z")) == at("2026-03-29T00:00:00Z")
