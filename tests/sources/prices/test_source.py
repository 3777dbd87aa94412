"""The source over days in virtual time: when it asks, what stays in force, and that it is never in a hurry."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import cast

import pytest
from msgspec.structs import replace

from phaeton.config.node import Secret
from phaeton.config.tree_prices import (
    EnergyChartsPrices,
    Formula,
    Prices,
    PriceSourceKind,
    Rate,
    TibberPrices,
)
from phaeton.model import Unavailable
from phaeton.simulation.misbehaving import RETRY_AFTER_S, Misbehaviour
from tests.sources.prices.answers import BERLIN, at
from tests.sources.prices.virtual import MORNING, TIMEOUT_S, days

ONLINE = ["tibber", "energy_charts", "nordpool", "awattar", "entsoe", "evcc", "homeassistant", "http_json"]
MARKET = ["tibber", "energy_charts", "nordpool", "awattar", "entsoe"]


@pytest.mark.parametrize("kind", ONLINE)
async def test_each_source_keeps_the_price_of_now_known_over_three_days(kind: PriceSourceKind) -> None:
    async with days() as world:
        world.begin(world.service.prices(kind))
        for _ in range(72):
            await world.until(world.utc_s + 3600.0)
            assert world.known, world.source and world.source.describe()
        assert world.curve.currency == "EUR"
        assert any("phaeton/" in agent for agent in world.service.agents)


@pytest.mark.parametrize(("kind", "most"), [("tibber", 5), ("energy_charts", 5), ("entsoe", 5), ("nordpool", 9)])
async def test_a_market_is_asked_twice_on_the_first_day_and_once_a_day_after(kind: PriceSourceKind, most: int) -> None:
    async with days() as world:
        world.begin(world.service.prices(kind))
        await world.days(4)
        assert world.requests <= most
        assert world.curve.slots[-1].end_s >= BERLIN.day_start_s(world.utc_s, 1)


FAILURES = {
    Misbehaviour.UNAUTHORIZED: 3,
    Misbehaviour.TOO_MANY: 16,
    Misbehaviour.TOO_MANY_WITHOUT_PATIENCE: 18,
    Misbehaviour.BROKEN: 36,
    Misbehaviour.GATEWAY: 36,
    Misbehaviour.GARBAGE: 20,
    Misbehaviour.NOTHING: 60,
    Misbehaviour.CUT: 140,
    Misbehaviour.HUGE: 20,
    Misbehaviour.SILENT: 140,
}
"""The most requests in a whole day of each failure, with nothing in the cache. An outage of the network costs nobody
anything; whoever answers at all is left in peace. Tibber without prices is asked for quarters and then for hours."""
ANSWERED = [wrong for wrong in FAILURES if wrong is not Misbehaviour.SILENT]


@pytest.mark.parametrize("wrong", FAILURES)
async def test_a_day_of_failure_is_no_storm_of_requests(wrong: Misbehaviour) -> None:
    async with days(timeout_s=0.02 if wrong is Misbehaviour.SILENT else TIMEOUT_S) as world:
        world.service.misbehaviour = wrong
        source = world.begin(world.service.prices("tibber"))
        await world.days(1)
        report = source.describe()
        assert 2 <= world.requests <= FAILURES[wrong]
        assert not world.known
        assert world.curve.slots == ()
        assert isinstance(world.seen[-1], Unavailable)
        assert report.in_force == ""
        assert report.sources[0].trouble or wrong is Misbehaviour.NOTHING
        assert world.saves <= 20


@pytest.mark.parametrize("wrong", ANSWERED)
@pytest.mark.parametrize("kind", ["energy_charts", "evcc"])
async def test_other_sources_hurry_no_more(kind: PriceSourceKind, wrong: Misbehaviour) -> None:
    async with days() as world:
        world.service.misbehaviour = wrong
        world.begin(world.service.prices(kind))
        await world.days(1)
        assert world.requests <= max(FAILURES[wrong], 80 if wrong is Misbehaviour.NOTHING else 0)


@pytest.mark.parametrize("wrong", [*ANSWERED, Misbehaviour.NO_TOMORROW])
async def test_what_is_known_stays_in_force_until_it_ends_with_its_age_shown(wrong: Misbehaviour) -> None:
    async with days() as world:
        source = world.begin(world.service.prices("tibber"))
        await world.until(MORNING + 60)
        before = world.curve
        world.service.misbehaviour = wrong
        await world.until(at("2026-11-23T23:50:00+01:00"))
        assert world.known
        assert world.curve == before
        report = source.describe()
        assert report.in_force == "Tibber"
        assert report.sources[0].answered_utc_s is not None
        assert world.utc_s - report.sources[0].answered_utc_s > 0
        await world.until(at("2026-11-24T00:30:00+01:00"))
        if wrong is not Misbehaviour.NO_TOMORROW:
            assert not world.known
            assert isinstance(world.seen[-1], Unavailable)
            assert world.seen[-1].source == "prices"
        world.service.misbehaviour = None
        await world.until(at("2026-11-25T23:30:00+01:00"))
        assert world.known
        assert source.describe().sources[0].trouble == ""


@pytest.mark.parametrize("wrong", ANSWERED)
@pytest.mark.parametrize("kind", ["evcc", "homeassistant", "nordpool"])
async def test_a_failure_while_all_is_known_hurries_nobody(kind: PriceSourceKind, wrong: Misbehaviour) -> None:
    async with days() as world:
        world.begin(world.service.prices(kind))
        await world.until(at("2026-11-23T14:00:00+01:00"))
        before = world.requests
        world.service.misbehaviour = wrong
        await world.until(at("2026-11-24T14:00:00+01:00"))
        assert world.requests - before <= 150
        assert world.known


async def test_retry_after_is_respected() -> None:
    async with days() as world:
        world.service.misbehaviour = Misbehaviour.TOO_MANY
        world.begin(world.service.prices("tibber"))
        await world.until(MORNING + 1)
        asked = world.requests
        await world.until(MORNING + RETRY_AFTER_S - 5)
        assert world.requests == asked == 1
        await world.until(MORNING + RETRY_AFTER_S * 1.5)
        assert world.requests == 2


async def test_tomorrow_is_asked_for_after_the_auction_and_in_no_second_of_its_own() -> None:
    async with days() as world:
        world.begin(world.service.prices("tibber"))
        await world.until(at("2026-11-23T13:04:00+01:00"))
        assert world.requests == 1
        await world.until(at("2026-11-23T13:31:00+01:00"))
        assert world.requests == 2
        assert world.curve.slots[-1].end_s == at("2026-11-25T00:00:00+01:00")


async def test_while_tomorrow_is_late_it_is_asked_every_20_minutes_then_hourly() -> None:
    async with days() as world:
        world.service.misbehaviour = Misbehaviour.NO_TOMORROW
        world.begin(world.service.prices("tibber"))
        await world.until(at("2026-11-23T13:00:00+01:00"))
        before = world.requests
        await world.until(at("2026-11-23T16:00:00+01:00"))
        assert 5 <= world.requests - before <= 13
        before = world.requests
        await world.until(at("2026-11-23T23:59:00+01:00"))
        assert 5 <= world.requests - before <= 13


@pytest.mark.parametrize("kind", MARKET)
async def test_a_restart_asks_nobody_for_what_is_known(kind: PriceSourceKind) -> None:
    async with days() as world:
        config = world.service.prices(kind)
        world.begin(config)
        await world.until(MORNING + 60)
        asked, slots = world.requests, world.curve.slots
        for _ in range(20):
            world.begin(config)
            await world.until(world.utc_s + 30)
        assert world.requests == asked
        assert world.curve.slots == slots
        assert len(world.kept[kind]) < 50_000


@pytest.mark.parametrize("wrong", [Misbehaviour.UNAUTHORIZED, Misbehaviour.TOO_MANY_WITHOUT_PATIENCE])
async def test_a_restart_does_not_forget_that_it_was_sent_away(wrong: Misbehaviour) -> None:
    async with days() as world:
        world.service.misbehaviour = wrong
        config = world.service.prices("tibber")
        for _ in range(20):
            world.begin(config)
            await world.until(world.utc_s + 10)
        assert world.requests == 1
        assert world.source is not None
        assert world.source.describe().sources[0].trouble


async def test_another_home_or_token_does_not_see_the_prices_of_the_one_before() -> None:
    async with days() as world:
        config = world.service.prices("tibber")
        world.begin(config)
        await world.until(MORNING + 60)
        assert world.known
        for other in (
            replace(config.tibber, home="Cabin"),
            replace(config.tibber, token=Secret(value="other")),
        ):
            world.begin(replace(config, tibber=other))
            await world.until(world.utc_s + 60)
            assert not world.known


async def test_a_new_token_in_its_file_is_tried_without_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("secret") / "token"
    file.write_text("old")
    async with days() as world:
        config = world.service.prices("tibber")
        world.begin(replace(config, tibber=replace(config.tibber, token=Secret(file=str(file)))))
        await world.until(MORNING + 7 * 3600)
        assert world.requests <= 2
        file.write_text(world.service.token)
        await world.until(world.utc_s + 1000)
        assert world.known


@pytest.mark.parametrize("text", ["", "{}", "null", "[]", "nonsense", '{"version":1,"identity":"x"}', "\x00"])
async def test_a_cache_that_is_not_understood_is_no_cache(text: str) -> None:
    async with days() as world:
        world.kept["tibber"] = text
        world.begin(world.service.prices("tibber"))
        await world.until(MORNING + 60)
        assert world.known


async def test_the_formula_holds_for_cached_prices_too() -> None:
    async with days() as world:
        config = world.service.prices("energy_charts")
        world.begin(config)
        await world.until(MORNING + 60)
        bare = world.curve.slots[0].import_per_kwh
        world.begin(replace(config, formula=Formula(add_per_kwh=0.1, factor=2.0)))
        await world.until(world.utc_s + 60)
        assert world.curve.slots[0].import_per_kwh == pytest.approx((bare + 0.1) * 2)
        assert world.requests == 1


async def test_the_fallback_is_asked_only_while_the_source_has_nothing_for_now() -> None:
    async with days() as world:
        config = replace(
            world.service.prices("tibber"),
            fallback="energy_charts",
            fallback_formula=Formula(add_per_kwh=0.1485, factor=1.19),
            energy_charts=EnergyChartsPrices(zone="DE-LU", url=f"{world.service.url}/energy-charts/price"),
        )
        source = world.begin(config)
        await world.until(MORNING + 3600)
        assert world.service.requests["energy-charts"] == 0
        prices = world.curve.slots
        world.begin(replace(config, tibber=replace(config.tibber, token=Secret(value="wrong"))))
        await world.until(world.utc_s + 3600)
        assert world.service.requests["energy-charts"] == 1
        assert world.known
        assert [slot.import_per_kwh for slot in world.curve.slots] == pytest.approx(
            [slot.import_per_kwh for slot in prices], abs=1e-4
        )
        assert world.source is not None
        report = world.source.describe()
        assert report.in_force == "energy-charts"
        assert "token" in report.sources[0].trouble
        assert source is not world.source


async def test_rates_can_be_the_fallback_and_the_source_takes_over_again() -> None:
    async with days() as world:
        world.service.misbehaviour = Misbehaviour.BROKEN
        rates = (Rate(start="22:00", end="06:00", import_per_kwh=0.2),)
        config = replace(world.service.prices("tibber"), fallback="time_of_use", time_of_use=rates, import_per_kwh=0.4)
        source = world.begin(config)
        await world.until(MORNING + 600)
        assert world.known
        assert source.describe().in_force == "the time-of-use rates"
        assert {slot.import_per_kwh for slot in world.curve.slots} == {0.2, 0.4}
        world.service.misbehaviour = None
        await world.until(MORNING + 7200)
        assert source.describe().in_force == "Tibber"
        assert not any(isinstance(event, Unavailable) for event in world.seen)


async def test_the_fallback_is_not_taken_for_the_prices_of_tomorrow() -> None:
    async with days() as world:
        config = replace(world.service.prices("tibber"), fallback="fixed", import_per_kwh=0.01)
        world.begin(config)
        await world.until(at("2026-11-23T10:00:00+01:00"))
        assert world.curve.slots[-1].end_s == at("2026-11-24T00:00:00+01:00")
        assert min(slot.import_per_kwh for slot in world.curve.slots) > 0.01


async def test_a_fallback_in_another_currency_is_not_mixed_in() -> None:
    async with days() as world:
        source = world.begin(replace(world.service.prices("tibber"), fallback="fixed", currency="SEK"))
        await world.until(MORNING + 60)
        assert source.describe().currency == "EUR"
        assert any("set it to EUR" in note for note in source.describe().notes)
        world.service.misbehaviour = Misbehaviour.BROKEN
        await world.until(at("2026-11-24T00:30:00+01:00"))
        assert not world.known
        assert any("the fallback is not used" in note for note in source.describe().notes)


async def test_a_clock_that_is_not_set_yet_asks_nobody() -> None:
    async with days(1000.0) as world:
        world.begin(world.service.prices("tibber"))
        await world.until(4000.0)
        assert world.requests == 0
        assert world.seen == []
        world.utc_s = MORNING
        await world.until(MORNING + 100)
        assert world.known


async def test_a_clock_that_is_set_back_a_day_hurries_nobody() -> None:
    async with days() as world:
        world.begin(world.service.prices("tibber"))
        await world.days(1)
        asked = world.requests
        world.utc_s -= 86400.0
        await world.until(world.utc_s + 43200.0)
        assert world.requests - asked <= 4


async def test_fixed_prices_need_nobody_and_are_told_once_a_day() -> None:
    async with days() as world:
        source = world.begin(Prices(import_per_kwh=0.3))
        await world.days(2.5)
        assert world.requests == 0
        assert len(world.seen) == 3
        assert world.known
        assert source.describe().in_force == "the fixed price"


async def test_new_prices_are_logged_as_hours_and_trouble_once_and_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "phaeton.sources.prices")
    async with days() as world:
        world.service.misbehaviour = Misbehaviour.BROKEN
        world.begin(world.service.prices("tibber", token=world.service.token))
        await world.until(MORNING + 7200)
        assert sum("trouble of its own (500)" in record.message for record in caplog.records) == 1
        world.service.misbehaviour = None
        await world.until(MORNING + 14400)
        messages = [record.message for record in caplog.records]
        assert sum("answers again" in message for message in messages) == 1
        (news,) = [message for message in messages if "new prices from Tibber" in message]
        assert "2026-11-23" in news
        assert len(news.splitlines()) == 26
        assert world.service.token not in "".join(messages)


async def test_several_homes_are_said_with_their_names() -> None:
    async with days() as world:
        world.service.homes = ["Home", "Cabin"]
        source = world.begin(world.service.prices("tibber"))
        await world.days(1)
        assert "Home, Cabin" in source.describe().sources[0].trouble
        assert world.requests <= 3
        config = world.service.prices("tibber")
        world.begin(
            replace(config, tibber=TibberPrices(token=config.tibber.token, url=config.tibber.url, home="Cabin"))
        )
        await world.until(world.utc_s + 60)
        assert world.known


@pytest.mark.parametrize("day", ["2026-03-28T12:00:00+01:00", "2026-10-24T12:00:00+02:00"])
@pytest.mark.parametrize("kind", ONLINE)
async def test_no_minute_of_a_day_of_a_clock_change_is_without_a_price(kind: PriceSourceKind, day: str) -> None:
    async with days(at(day)) as world:
        world.begin(world.service.prices(kind))
        await world.until(at(day) + 7200)
        curve = world.curve
        after_s = BERLIN.day_start_s(at(day), 2) - (3600.0 if kind == "awattar" else 0.0)
        slots = [slot for slot in curve.slots if slot.start_s >= BERLIN.day_start_s(at(day))]
        assert slots[0].start_s == BERLIN.day_start_s(at(day))
        assert all(a.end_s == b.start_s for a, b in pairwise(slots))
        assert slots[-1].end_s >= after_s
        lengths = {slot.end_s - slot.start_s for slot in slots}
        assert lengths == ({3600.0} if kind == "awattar" else {900.0})


async def test_the_stream_goes_on_after_a_fault_of_our_own(caplog: pytest.LogCaptureFixture) -> None:
    async with days() as world:
        source = world.begin(world.service.prices("tibber"))
        failing = [True]

        def stumble(event: object) -> None:
            if failing.pop() if failing else False:
                raise RuntimeError("a sink stumbled")

        source.curves.subscribe(cast("object", stumble))  # type: ignore[arg-type]
        await world.until(MORNING + 3600)
        assert world.known
        assert "stumbled" in caplog.text
