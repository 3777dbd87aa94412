"""Prices of the past: what they were, and when they were known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from phaeton.simulation.csv_rows import InputError, utc_text
from phaeton.simulation.tariff import next_publication, read_tariff
from phaeton.zones import zone
from tests.simulation.tables import table

AMSTERDAM = "Europe/Amsterdam"
HEADER = "start,price_per_kwh"


def local(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(AMSTERDAM)).timestamp()


def hours(path: Path, count: int, first: int = -2) -> Path:
    """Prices of so many hours: 0.20, 0.21, ..."""
    return table(path, HEADER, [((first + n) * 3600, f"{0.2 + n / 100:.2f}") for n in range(count)])


def test_a_slot_lasts_until_the_next_and_the_last_as_long_as_usual(tmp_path: Path) -> None:
    tariff = read_tariff(hours(tmp_path / "p.csv", 3), 0.08, "EUR")
    assert [slot.end_s - slot.start_s for slot in tariff.slots] == [3600, 3600, 3600]
    assert [slot.import_per_kwh for slot in tariff.slots] == [0.2, 0.21, 0.22]
    assert {slot.feed_in_per_kwh for slot in tariff.slots} == {0.08}


def test_a_missing_price_stays_missing(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", HEADER, [(0, 0.2), (3600, ""), (7200, 0.3), (4 * 3600, 0.4), (5 * 3600, 0.5)])
    slots = read_tariff(path, 0.08).slots
    assert [slot.import_per_kwh for slot in slots] == [0.2, 0.3, 0.4, 0.5]
    assert [slot.end_s - slot.start_s for slot in slots] == [3600] * 4


def test_the_feed_in_price_may_be_in_the_file(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", f"{HEADER},feed_in_per_kwh", [(0, 0.2, 0.05), (900, 0.3, -0.01)])
    assert [slot.feed_in_per_kwh for slot in read_tariff(path, 0.08).slots] == [0.05, -0.01]


def test_the_prices_of_tomorrow_are_known_from_13_00_on(tmp_path: Path) -> None:
    tariff = read_tariff(hours(tmp_path / "p.csv", 100), 0.08)
    at = zone(AMSTERDAM, local("2024-06-01T00:00"))

    def known_until(text: str) -> str:
        return utc_text(tariff.curve(0.0, local(text), at).slots[-1].end_s)

    assert known_until("2024-06-01T12:59") == "2024-06-01T22:00:00Z"
    assert known_until("2024-06-01T13:00") == "2024-06-02T22:00:00Z"
    assert tariff.curve(0.0, local("2024-06-01T13:00"), at).slots[0].start_s == local("2024-06-01T13:00")


@pytest.mark.parametrize(
    ("day", "slots"), [("2024-03-31T00:00", 23), ("2024-10-27T00:00", 25), ("2024-06-02T00:00", 24)]
)
def test_the_days_of_the_clock_changes_have_their_own_length(tmp_path: Path, day: str, slots: int) -> None:
    start_s = local(day) - 48 * 3600
    rows = [(utc_text(start_s + n * 3600), 0.25) for n in range(120)]
    tariff = read_tariff(table(tmp_path / "p.csv", HEADER, rows), 0.08)
    assert len(tariff.curve(0.0, local(day), zone(AMSTERDAM, start_s)).slots) == slots


def test_prices_come_out_once_a_day_also_over_the_clock_change() -> None:
    at = zone(AMSTERDAM, local("2024-03-29T00:00"))
    now_s, found = local("2024-03-29T13:30"), []
    for _ in range(3):
        now_s = next_publication(at, now_s)
        found.append(now_s)
    assert found == [local(f"2024-03-{day}T13:00") for day in (30, 31)] + [local("2024-04-01T13:00")]


BAD: dict[str, tuple[str, Sequence[Sequence[object]], int | None, str, str]] = {
    "duplicate": (HEADER, [(0, 0.2), (3600, 0.2), (3600, 0.2)], 4, "start", "there already, in row 3"),
    "unsorted": (HEADER, [(3600, 0.2), (0, 0.2)], 3, "start", "earlier than row 2"),
    "local time": (HEADER, [("2024-06-01T00:00", 0.2)], 2, "start", "no time zone"),
    "word": (HEADER, [(0, 0.2), (3600, "-")], 3, "price_per_kwh", "is no number"),
    "per MWh": (HEADER, [(0, 82.1), (3600, 60.5)], None, "price_per_kwh", "price of a MWh"),
    "no price column": ("start,price", [(0, 0.2)], 1, "", "Is it 'price'? Rename that column to price_per_kwh"),
    "one price": (HEADER, [(0, 0.2)], None, "", "fewer than two prices"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_its_row_and_column(tmp_path: Path, case: str) -> None:
    header, rows, row, column, phrase = BAD[case]
    with pytest.raises(InputError) as raised:
        read_tariff(table(tmp_path / "p.csv", header, rows), 0.08)
    assert (raised.value.row, raised.value.column) == (row, column)
    assert phrase in str(raised.value)


def test_a_currency_of_large_numbers_may_be_trusted(tmp_path: Path) -> None:
    path = table(tmp_path / "p.csv", HEADER, [(0, 38.5), (3600, 41.0)])
    assert read_tariff(path, 8.0, "JPY", trust_units=True).slots[0].import_per_kwh == 38.5
