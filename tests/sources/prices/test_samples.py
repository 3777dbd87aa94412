"""Each sample answer, good and bad, gives what it says or a trouble of the right kind."""

from __future__ import annotations

from itertools import pairwise

import pytest

from phaeton.config.tree_prices import HttpJsonPrices
from phaeton.links.http import TroubleKind
from phaeton.sources.prices import awattar, energy_charts, entsoe, evcc, http_json, nordpool, tibber
from phaeton.sources.prices.table import Table
from phaeton.sources.service.answers import ServiceError
from tests.sources.prices.answers import BERLIN, SAMPLES, at, hours, sample, text, trouble_of


def of_tibber(name: str) -> Table:
    return tibber.parse(tibber.choose(tibber.homes(sample(name)), ""))


@pytest.mark.parametrize(
    ("name", "count", "length_h", "start", "end", "currency"),
    [
        ("tibber_02", 48, 1.0, "2026-11-22T23:00Z", "2026-11-24T23:00Z", "EUR"),
        ("tibber_03", 24, 1.0, "2026-11-22T23:00Z", "2026-11-23T23:00Z", "EUR"),
        ("tibber_04", 192, 0.25, "2026-11-22T23:00Z", "2026-11-24T23:00Z", "EUR"),
        ("tibber_05", 96, 0.25, "2026-11-22T23:00Z", "2026-11-23T23:00Z", "SEK"),
        ("tibber_06", 47, 1.0, "2026-03-28T23:00Z", "2026-03-30T22:00Z", "EUR"),
        ("tibber_07", 92 + 96, 0.25, "2026-03-28T23:00Z", "2026-03-30T22:00Z", "EUR"),
        ("tibber_08", 49, 1.0, "2026-10-24T22:00Z", "2026-10-26T23:00Z", "EUR"),
        ("tibber_09", 100 + 96, 0.25, "2026-10-24T22:00Z", "2026-10-26T23:00Z", "EUR"),
        ("tibber_10", 96 + 92, 0.25, "2026-03-27T23:00Z", "2026-03-29T22:00Z", "EUR"),
        ("tibber_11", 96, 0.25, "2026-05-09T22:00Z", "2026-05-10T22:00Z", "EUR"),
    ],
)
def test_tibbers_days_are_whole_on_every_clock_change(
    name: str, count: int, length_h: float, start: str, end: str, currency: str
) -> None:
    table = of_tibber(name)
    assert (len(table.slots), hours(table), table.currency) == (count, {length_h}, currency)
    assert (text(table.slots[0].start_s), text(table.slots[-1].end_s)) == (start, end)
    assert all(before.end_s == after.start_s for before, after in pairwise(table.slots))
    assert table.dropped == {}


def test_tibbers_values_are_those_of_the_answer() -> None:
    slot = of_tibber("tibber_17").slots[0]
    assert (slot.price, slot.spot, slot.level) == (0.2896, 0.0804, "NORMAL")
    assert any(slot.spot is not None and slot.spot < 0 < slot.price for slot in of_tibber("tibber_11").slots)


def test_rows_without_a_price_or_a_time_are_missing_and_never_free() -> None:
    table = of_tibber("tibber_16")
    assert table.dropped == {"no price": 1, "no time": 1}
    assert len(table.slots) == 10
    assert min(slot.price for slot in table.slots) > 0.2
    starts = {text(slot.start_s) for slot in table.slots}
    assert "2026-11-22T23:30Z" not in starts
    assert not any(slot.start_s <= at("2026-11-23T00:35:00+01:00") < slot.end_s for slot in table.slots)
    assert [slot.level for slot in table.slots][5] == ""


def test_shuffled_rows_are_put_in_order_and_a_gap_stays_one() -> None:
    table = of_tibber("tibber_17")
    assert len(table.slots) == 15
    assert table.dropped == {"twice": 1}
    assert [slot.start_s for slot in table.slots] == sorted(slot.start_s for slot in table.slots)
    gap = at("2026-11-23T01:35:00+01:00")
    assert not any(slot.start_s <= gap < slot.end_s for slot in table.slots)


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("tibber_01", TroubleKind.SERVER, "no prices at the moment"),
        ("tibber_14", TroubleKind.REFUSED, "has a contract"),
        ("tibber_15", TroubleKind.SERVER, "maintenance"),
        ("tibber_20", TroubleKind.AUTH, "set prices.tibber.token"),
        ("tibber_21", TroubleKind.AUTH, "set prices.tibber.token"),
        ("tibber_22", TroubleKind.RATE_LIMIT, "too often"),
        ("tibber_23", TroubleKind.REFUSED, "an update of Phaeton is needed"),
        ("tibber_24", TroubleKind.SERVER, "INTERNAL_SERVER_ERROR"),
        ("tibber_25", TroubleKind.SERVER, "502"),
        ("tibber_26", TroubleKind.SERVER, "an error without a code"),
    ],
)
def test_tibbers_trouble_has_its_kind_and_says_what_to_do(name: str, kind: TroubleKind, says: str) -> None:
    with pytest.raises(ServiceError, match=says) as error:
        of_tibber(name)
    assert trouble_of(error.value) is kind
    assert "sample text" not in str(error.value)


def test_nord_pools_prices_are_per_kwh() -> None:
    table = nordpool.parse(sample("price_01"), "GER")
    assert (len(table.slots), hours(table), table.currency) == (96, {0.25}, "EUR")
    assert table.slots[0].price == pytest.approx(0.08156)
    assert len(nordpool.parse(sample("price_02"), "GER").slots) == 92


def test_a_market_that_has_not_published_yet_is_no_error() -> None:
    for parse in (
        lambda: nordpool.parse(sample("price_03"), "GER"),
        lambda: energy_charts.parse(sample("price_05")),
        lambda: entsoe.parse(sample("price_09")),
    ):
        with pytest.raises(ServiceError) as error:
            parse()
        assert trouble_of(error.value) is TroubleKind.NOT_YET


def test_energy_charts_two_lists_become_slots() -> None:
    table = energy_charts.parse(sample("price_04"))
    assert (len(table.slots), hours(table), table.currency) == (96, {0.25}, "EUR")
    assert table.slots[-1].price == pytest.approx(0.06823)
    assert text(table.slots[0].start_s) == "2026-11-23T23:00Z"


def test_awattars_hours_become_slots() -> None:
    table = awattar.parse(sample("price_06"))
    assert (len(table.slots), hours(table)) == (24, {1.0})
    assert table.slots[0].price == pytest.approx(0.07391)


def test_entsoes_positions_that_are_left_out_repeat_the_one_before() -> None:
    table = entsoe.parse(sample("price_07"))
    assert (len(table.slots), hours(table), table.currency) == (96, {0.25}, "EUR")
    other = energy_charts.parse(sample("price_04"))
    assert [slot.start_s for slot in table.slots] == [slot.start_s for slot in other.slots]
    repeated = sum(before.price == after.price for before, after in pairwise(table.slots))
    assert repeated >= 8
    autumn = entsoe.parse(sample("price_08"))
    assert (len(autumn.slots), text(autumn.slots[-1].end_s)) == (100, "2026-10-25T23:00Z")


def test_evccs_rates_are_taken_as_they_are_with_and_without_the_old_wrapper() -> None:
    answer = sample("price_11")
    table = evcc.parse(answer)
    assert (len(table.slots), hours(table), table.slots[0].price) == (8, {0.25}, 0.2911)
    wrapped = b'{"result": ' + answer.body + b"}"
    assert evcc.parse(type(answer)(200, wrapped)).slots == table.slots


def test_a_service_that_has_no_source_of_its_own_is_read_by_paths() -> None:
    config = HttpJsonPrices(
        url="http://h",
        rows="records",
        start="TimeUTC",
        value="DayAheadPriceDKK",
        scale=0.001,
        times="utc",
        currency="DKK",
    )
    table = http_json.parse(sample("price_10"), config, BERLIN)
    assert (len(table.slots), hours(table), table.currency) == (8, {0.25}, "DKK")
    assert text(table.slots[0].start_s) == "2026-11-23T23:00Z"
    assert table.slots[0].price == pytest.approx(0.60844)


def test_every_sample_is_looked_at() -> None:
    here = "".join((SAMPLES.parent / f).read_text() for f in ("test_samples.py", "test_tibber.py"))
    unseen = [file.name for file in SAMPLES.glob("*.json") if "_".join(file.name.split("_")[:2]) not in here]
    assert unseen == []
