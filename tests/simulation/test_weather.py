"""The made-up day looks like a day, and is the same each time."""

from __future__ import annotations

from phaeton.simulation.weather import DAY_S, clear_sky, cloudy, household

HOUR_S = 3600.0


def test_the_sun_rises_peaks_and_sets_every_day() -> None:
    sun = clear_sky(6000)
    assert [sun(hour * HOUR_S) for hour in (0, 5, 22, 24)] == [0, 0, 0, 0]
    assert max(sun(minute * 60.0) for minute in range(1440)) > 5950
    assert sun(13 * HOUR_S) == sun(13 * HOUR_S + DAY_S) > 5800


def test_clouds_bring_shade_and_leave_sun() -> None:
    clear = clear_sky(6000)
    sky = cloudy(clear, seed=3)
    shares = [sky(t) / clear(t) for t in range(10 * 3600, 17 * 3600, 30)]
    assert all(0.2 < share <= 1.0 for share in shares)
    assert sum(share > 0.9 for share in shares) > 0.3 * len(shares)
    assert sum(share < 0.5 for share in shares) > 0.1 * len(shares)
    assert shares == [cloudy(clear, seed=3)(t) / clear(t) for t in range(10 * 3600, 17 * 3600, 30)]
    assert shares != [cloudy(clear, seed=4)(t) / clear(t) for t in range(10 * 3600, 17 * 3600, 30)]


def test_the_house_uses_about_ten_kwh_a_day() -> None:
    load = household(seed=1)
    powers_w = [load(t) for t in range(0, 86400, 30)]
    assert min(powers_w) > 200
    assert max(powers_w) > 2000
    assert 8 < sum(powers_w) * 30 / 3.6e6 < 20
