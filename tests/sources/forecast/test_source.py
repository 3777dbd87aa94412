"""The source of a forecast over whole days of virtual time: what it tells, how often it asks, and what trouble does."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from phaeton.config.node import Secret
from phaeton.config.tree_forecast import ForecastSolar, ForecastSourceKind, Plane
from phaeton.model import ForecastCurve, Unavailable
from phaeton.simulation.misbehaving import Misbehaviour
from tests.sources.forecast.virtual import SunnyDays, sunny_days
from tests.sources.prices.virtual import TIMEOUT_S

SERVICES: tuple[ForecastSourceKind, ...] = ("open_meteo", "forecast_solar")


def at(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


NOON = at("2026-11-23T12:00:00+01:00")


@pytest.mark.parametrize(("kind", "noon_w"), [("open_meteo", 6700.0), ("forecast_solar", 7900.0)])
async def test_a_day_is_told_in_quarters_and_asked_for_every_two_hours(kind: ForecastSourceKind, noon_w: float) -> None:
    async with sunny_days() as days:
        days.ask(days.service.forecast(kind))
        await days.until(NOON)
        assert all(slot.end_s - slot.start_s == 900.0 for slot in days.forecast.slots)
        assert days.at(NOON) == pytest.approx(noon_w, rel=0.05)
        assert days.at(NOON + 86400.0) == days.at(NOON)
        await days.days(1)
        assert 13 <= days.requests <= 17
        assert not any(isinstance(event, Unavailable) for event in days.told[2:])


async def test_an_answer_that_tells_the_same_is_not_told_again() -> None:
    async with sunny_days() as days:
        days.ask(days.service.forecast("open_meteo"))
        await days.until(NOON)
        count = sum(isinstance(event, ForecastCurve) for event in days.told)
        await days.until(NOON + 6 * 3600.0)
        assert days.requests > 4
        assert sum(isinstance(event, ForecastCurve) for event in days.told) == count
        days.service.peak_w_m2 = 300.0
        await days.until(NOON + 9 * 3600.0)
        assert sum(isinstance(event, ForecastCurve) for event in days.told) == count + 1


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("wrong", [one for one in Misbehaviour if one.value not in ("slow", "no_tomorrow")])
async def test_a_day_of_trouble_costs_few_requests_and_keeps_the_last_good_forecast_for_a_day(
    kind: ForecastSourceKind, wrong: Misbehaviour
) -> None:
    async with sunny_days() as days:
        source = days.ask(days.service.forecast(kind))
        await days.until(NOON)
        good = days.at(NOON + 6 * 3600.0 - 3600.0)
        days.service.misbehaviour = wrong
        days.http._timeout_s = 0.02
        count = days.requests
        await days.until(NOON + 6 * 3600.0)
        assert source.describe().trouble
        if good is not None:
            assert days.at(NOON + 5 * 3600.0) == good
        await days.days(1)
        assert days.requests - count <= 4 * 30 + 4
        assert days.forecast.slots == ()
        last = days.told[-1]
        assert isinstance(last, Unavailable)
        assert (last.source, last.why) == ("forecast", source.describe().trouble)
        days.service.misbehaviour, days.http._timeout_s = None, TIMEOUT_S
        await days.days(1.1)
        assert days.forecast.slots
        assert source.describe().trouble == ""


async def test_the_limit_of_requests_of_forecast_solar_is_never_reached() -> None:
    async with sunny_days() as days:
        config = days.service.forecast("forecast_solar")
        days.ask(replace(config, refresh_min=30.0, planes=(Plane(kwp=1.0),) * 4))
        await days.days(1)
        assert days.source is not None
        assert days.source.describe().trouble == ""
        assert days.at(days.utc_s - days.utc_s % 86400.0 + 86400.0 + 11 * 3600.0) == pytest.approx(3200.0, rel=0.1)


async def test_its_own_words_about_patience_are_kept() -> None:
    async with sunny_days() as days:
        for _ in range(12):
            days.service._times.append(days.utc_s)
        source = days.ask(days.service.forecast("forecast_solar"))
        await days.until(days.utc_s + 3500.0)
        assert source.describe().trouble_kind == "rate_limit"
        assert days.requests == 1
        await days.until(days.utc_s + 3600.0)
        assert days.forecast.slots


async def test_a_restart_asks_nobody_and_tells_the_same() -> None:
    async with sunny_days() as days:
        days.ask(days.service.forecast("open_meteo"))
        await days.until(days.utc_s + 1800.0)
        before, count = days.forecast.slots, days.requests
        days.told.clear()
        days.ask(days.service.forecast("open_meteo"))
        await days.until(days.utc_s + 60.0)
        assert days.forecast.slots == tuple(slot for slot in before if slot.end_s > days.utc_s - 60.0)
        assert days.requests == count


async def test_other_panels_are_asked_for_at_once() -> None:
    async with sunny_days() as days:
        config = days.service.forecast("open_meteo")
        days.ask(config)
        await days.until(days.utc_s + 1800.0)
        days.ask(replace(config, planes=(Plane(kwp=5.0),)))
        await days.until(NOON)
        assert days.at(NOON) == pytest.approx(3350.0, rel=0.05)


async def test_a_new_key_ends_the_pause_after_a_refusal(tmp_path: Path) -> None:
    async with sunny_days() as days:
        file = tmp_path / "key"
        file.write_text("wrong!")
        config = days.service.forecast("forecast_solar")
        base = config.forecast_solar.url
        source = days.ask(replace(config, forecast_solar=ForecastSolar(key=Secret(file=str(file)), url=base)))
        await days.until(days.utc_s + 60.0)
        assert "letters and digits" in source.describe().trouble
        assert days.requests == 0
        file.write_text("A" * 16)
        await days.until(days.utc_s + 1000.0)
        assert days.requests == 1


async def test_only_a_rounded_position_leaves_the_house() -> None:
    async with sunny_days() as days:
        days.ask(days.service.forecast("open_meteo"))
        await days.until(days.utc_s + 60.0)
        assert days.service.places == {("52.12", "5.99")}


async def test_the_clock_of_a_gx_that_does_not_know_the_time_asks_nobody() -> None:
    async with sunny_days(start_s=3600.0) as days:
        days.ask(days.service.forecast("open_meteo"))
        await days.until(days.utc_s + 3600.0)
        assert days.requests == 0


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("kind", SERVICES)
async def test_noon_stays_noon_when_the_clock_changes(kind: ForecastSourceKind, day: str) -> None:
    summer, winter = ("+02:00", "+01:00") if day.endswith("29") else ("+01:00", "+02:00")
    async with sunny_days(start_s=at(f"{day}T00:30:00{winter}")) as days:
        days.ask(days.service.forecast(kind))
        await days.until(days.utc_s + 60.0)
        noon_s = at(f"{day}T12:00:00{summer}")
        around = [slot for slot in days.forecast.slots if abs(slot.start_s - noon_s) < 6 * 3600.0]
        most = max(around, key=lambda slot: slot.pv_w or 0.0)
        assert abs(most.start_s - noon_s) <= 3600.0
        starts = [slot.start_s for slot in around]
        assert starts == sorted(set(starts))


async def test_the_consumption_of_the_own_history_goes_with_it() -> None:
    async with sunny_days() as days:
        days.history = _OfTheHouse(days)
        days.ask(days.service.forecast("open_meteo"))
        await days.until(NOON)
        assert {slot.consumption_w for slot in days.forecast.slots} == {420.0}


class _OfTheHouse:
    """A history that knows one number."""

    def __init__(self, days: SunnyDays) -> None:
        self.days = days

    def house_w(self, utc_s: float) -> float:
        return 420.0
