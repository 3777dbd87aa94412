"""Answers of the services, good and bad, made into quarter hours or trouble in words."""

from __future__ import annotations

import json
import math

import pytest

from phaeton.config.tree_forecast import Plane
from phaeton.links.http import Answer, TroubleKind
from phaeton.sources.forecast import forecast_solar, open_meteo
from phaeton.sources.forecast.sun import Row, quarters, rows_before
from phaeton.sources.service.answers import ServiceError

PLANE = Plane(kwp=8.0)
T0 = 1_780_300_800.0  # 2026-06-01 08:00 UTC


def answer(body: object, status: int = 200) -> Answer:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, raw, {"content-type": "application/json"})


def meteo(values: list[object], unit: str = "W/m²") -> Answer:
    times = [int(T0 + 3600 * n) for n in range(len(values))]
    hourly = {"time": times, "global_tilted_irradiance": values}
    return answer({"hourly_units": {"global_tilted_irradiance": unit}, "hourly": hourly})


def test_open_meteo_tells_the_mean_of_the_hour_before() -> None:
    rows = open_meteo.parse(meteo([0.0, 500.0, 1000.0]), PLANE, 80.0)
    assert rows == [Row(T0, T0 + 3600, 3200.0), Row(T0 + 3600, T0 + 7200, 6400.0)]


def test_dusk_below_zero_is_zero_and_nonsense_is_a_gap() -> None:
    rows = open_meteo.parse(meteo([0.0, -1.6, -900.0, None, 9000.0, "x", 300.0]), PLANE, 100.0)
    assert [(row.start_s - T0, row.power_w) for row in rows] == [(0.0, 0.0), (18000.0, 2400.0)]


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (answer({"error": True, "reason": "Latitude must be in range"}, 400), TroubleKind.REFUSED, "Latitude must be"),
        (answer({"error": True, "reason": "Daily limit"}, 429), TroubleKind.RATE_LIMIT, "too often"),
        (answer("<html>", 200), TroubleKind.GARBAGE, "no JSON"),
        (answer({}), TroubleKind.GARBAGE, "holds no"),
        (meteo([None, None]), TroubleKind.GARBAGE, "no row"),
        (meteo([1.0, 2.0], "MJ/m²"), TroubleKind.GARBAGE, "MJ/m²"),
        (answer({"hourly": {"time": [1, 2], "global_tilted_irradiance": [3]}}), TroubleKind.GARBAGE, "holds no"),
        (answer([], 500), TroubleKind.SERVER, "trouble of its own"),
        (answer({}, 403), TroubleKind.AUTH, "forecast.open_meteo.key"),
    ],
)
def test_what_open_meteo_does_not_tell_is_trouble_in_words(said: Answer, kind: TroubleKind, words: str) -> None:
    with pytest.raises(ServiceError) as error:
        open_meteo.parse(said, PLANE, 85.0)
    assert error.value.trouble.kind is kind
    assert words in error.value.trouble.message


def solar(energies: dict[str, object], status: int = 200, **message: object) -> Answer:
    return answer({"result": {"watt_hours_period": energies} if energies else None, "message": message}, status)


def test_forecast_solar_tells_energy_since_the_time_before_from_sunrise_on() -> None:
    said = solar(
        {
            "2026-06-01T08:30:00+00:00": 0,
            "2026-06-01T09:00:00+00:00": 1000,
            "2026-06-01T10:00:00+00:00": 3000,
            "2026-06-02T04:12:40+00:00": 0,
            "2026-06-02T05:00:00+00:00": 400,
        }
    )
    rows = forecast_solar.parse(said, PLANE)
    assert [(row.start_s - T0, row.power_w) for row in rows][:2] == [(1800.0, 2000.0), (3600.0, 3000.0)]
    assert len(rows) == 3  # the night is a gap


@pytest.mark.parametrize(
    ("said", "kind", "words", "patience_s"),
    [
        (solar({}), TroubleKind.GARBAGE, "watt_hours_period", None),
        (solar({"noon": 1, "": 2}), TroubleKind.GARBAGE, "no row", None),
        (solar({}, 400, text="Invalid API key"), TroubleKind.REFUSED, "Invalid API key", None),
        (solar({}, 401), TroubleKind.AUTH, "forecast.forecast_solar.key", None),
        (solar({}, 429, ratelimit={"period": 3600}), TroubleKind.RATE_LIMIT, "too often", 3600.0),
        (
            solar(
                {},
                429,
                info={"time_utc": "2026-06-01T08:00:00+00:00"},
                ratelimit={"period": 3600, "retry-at": "2026-06-01T10:12:00+02:00"},
            ),
            TroubleKind.RATE_LIMIT,
            "too often",
            720.0,
        ),
        (answer("busy", 503), TroubleKind.SERVER, "trouble", None),
        (answer("not json", 429), TroubleKind.RATE_LIMIT, "too often", None),
    ],
)
def test_what_forecast_solar_does_not_tell_is_trouble_with_its_patience(
    said: Answer, kind: TroubleKind, words: str, patience_s: float | None
) -> None:
    with pytest.raises(ServiceError) as error:
        forecast_solar.parse(said, PLANE)
    assert (error.value.trouble.kind, error.value.trouble.retry_after_s) == (kind, patience_s)
    assert words in error.value.trouble.message


def test_planes_are_added_up_where_all_of_them_are_told() -> None:
    east = [Row(T0, T0 + 3600, 1000.0)]
    west = [Row(T0 + 1800, T0 + 5400, 500.0)]
    slots = quarters([east, west], T0)
    assert [(slot.start_s - T0, slot.pv_w) for slot in slots] == [(1800.0, 1500.0), (2700.0, 1500.0)]


def test_energy_is_kept_when_rows_do_not_begin_with_a_quarter() -> None:
    slots = quarters([[Row(T0, T0 + 600, 600.0), Row(T0 + 600, T0 + 1800, 1200.0)]], T0)
    assert [slot.pv_w for slot in slots] == [800.0, 1200.0]


def test_a_quarter_that_is_told_of_in_part_is_not_told() -> None:
    assert [s.start_s - T0 for s in quarters([[Row(T0 + 400, T0 + 1800, 600.0)]], T0)] == [900.0]


def test_what_is_long_past_or_far_ahead_costs_nothing() -> None:
    rows = rows_before([(n * 3600.0, 5.0) for n in range(50_000)], 10.0)
    assert len(rows) < 2000
    assert quarters([rows], T0) == ()
    assert rows_before([(math.nan, 1.0), (None, 1.0), (T0 + 0.5, 1.0)], 10.0) == []
