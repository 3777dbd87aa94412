"""The stays of cars, from a file or the plainest pattern."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from phaeton.simulation.csv_rows import InputError, utc_text
from phaeton.simulation.stays import daily, read_stays
from phaeton.zones import zone
from tests.simulation.tables import JUNE_S, table

HEADER = "arrival,departure,energy_kwh"
HOUR = 3600


def rows(*stays: tuple[float, float, object]) -> list[tuple[object, ...]]:
    return [(begin * HOUR, utc_text(JUNE_S + end * HOUR), energy) for begin, end, energy in stays]


def test_stays_come_in_the_order_of_their_arrivals(tmp_path: Path) -> None:
    path = table(tmp_path / "s.csv", HEADER, rows((30, 40, 5), (0, 8, 12.5)))
    assert [(stay.arrival_s - JUNE_S, stay.energy_kwh) for stay in read_stays(path)] == [(0, 12.5), (30 * HOUR, 5)]


def test_points_may_have_cars_at_the_same_time(tmp_path: Path) -> None:
    found = [
        (*row, point, power) for row, point, power in zip(rows((0, 8, 5), (1, 9, 6)), "ab", (3.7, ""), strict=True)
    ]
    stays = read_stays(table(tmp_path / "s.csv", f"{HEADER},point,max_power_kw", found))
    assert [(stay.point, stay.max_w) for stay in stays] == [("a", 3700), ("b", None)]


def test_the_stays_of_one_user_can_be_chosen(tmp_path: Path) -> None:
    found = [(*row, user) for row, user in zip(rows((0, 8, 5), (1, 9, 6)), ("Ada", "Bob"), strict=True)]
    path = table(tmp_path / "s.csv", f"{HEADER},user_id", found)
    assert [stay.energy_kwh for stay in read_stays(path, {"user_id": "Bob"})] == [6]
    with pytest.raises(InputError, match="has no stay with user_id=Eve"):
        read_stays(path, {"user_id": "Eve"})


def test_the_plainest_car_stays_from_midnight_to_midnight_also_when_the_clocks_change() -> None:
    at = zone("Europe/Amsterdam", JUNE_S)
    first_s, last_s = 1_711_753_200.0, 1_711_753_200.0 + 71 * HOUR  # 2024-03-30 00:00 in Amsterdam
    stays = daily(at, first_s, last_s, 10.0)
    assert [(stay.departure_s + 300 - stay.arrival_s) / HOUR for stay in stays] == [24, 23, 24]
    assert all(stay.energy_kwh == 10 for stay in stays)


def test_a_part_of_a_day_wants_its_part_of_the_energy() -> None:
    at = zone("Europe/Amsterdam", JUNE_S)  # which is 2024-06-01 02:00 there
    stays = daily(at, JUNE_S + 10 * HOUR, JUNE_S + 34 * HOUR, 10.0)
    assert [(stay.departure_s - stay.arrival_s) / HOUR for stay in stays] == [12 - 1 / 12, 12]
    assert [stay.energy_kwh for stay in stays] == [5.0, 5.035]
    assert daily(at, JUNE_S, JUNE_S + HOUR / 2, 10.0) == ()


BAD: dict[str, tuple[str, Sequence[Sequence[object]], int | None, str, str]] = {
    "leaves before": (HEADER, rows((5, 5, 1)), 2, "departure", "is not after the arrival"),
    "overlap": (HEADER, rows((0, 8, 5), (7, 9, 5)), 3, "arrival", "within the stay of row 2"),
    "negative": (HEADER, rows((0, 8, -5)), 2, "energy_kwh", "is negative"),
    "Wh": (HEADER, rows((0, 8, 7400)), 2, "energy_kwh", "Is it in Wh?"),
    "nothing": (HEADER, rows((0, 8, "")), 2, "energy_kwh", "is empty"),
    "local time": (HEADER, [("2024-06-01T18:00", "2024-06-02T07:00", 5)], 2, "arrival", "no time zone"),
    "no stays": (HEADER, [], None, "", "has no stays"),
    "no column": ("arrival,departed,energy_kwh", [], 1, "", "Is it 'departed'?"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_with_its_row_and_column(tmp_path: Path, case: str) -> None:
    header, found, row, column, phrase = BAD[case]
    with pytest.raises(InputError) as raised:
        read_stays(table(tmp_path / "s.csv", header, found))
    assert (raised.value.row, raised.value.column) == (row, column)
    assert phrase in str(raised.value)
