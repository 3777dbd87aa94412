"""Made-up seconds: every mean is kept, broken skies move as recorded ones do, even ones stay even."""

from __future__ import annotations

from statistics import fmean, pstdev

from hypothesis import given
from hypothesis import strategies as st

from phaeton.simulation.texture import Texture
from tests.simulation.tables import JUNE_S

CELL_S = 600.0
BROKEN = [4800.0, 2900.0, 4100.0, 5300.0, 3200.0, 4700.0, 2600.0, 4400.0, 5100.0, 3900.0, 2800.0, 4600.0]
CLEAR = [2000.0, 2300.0, 2590.0, 2870.0, 3140.0, 3400.0, 3650.0, 3890.0, 4120.0, 4340.0, 4550.0, 4750.0]
LOAD = [300.0, 300.0, 900.0, 320.0, 1700.0, 310.0, 300.0, 2400.0, 300.0, 305.0, 300.0, 300.0]

powers = st.lists(st.floats(0, 12_000), min_size=1, max_size=12)


def drawn(pv: list[float], load: list[float], seed: int = 1, step_s: float = 1.0) -> tuple[list[float], list[float]]:
    steps = list(Texture(seed).steps(JUNE_S, pv, load, CELL_S, step_s))
    return [sun for sun, _ in steps], [house for _, house in steps]


@given(powers, st.integers(0, 99), st.sampled_from([1.0, 5.0, 10.0, 60.0]))
def test_every_cell_keeps_its_mean_and_nothing_is_negative(watts: list[float], seed: int, step_s: float) -> None:
    sun, house = drawn(watts, watts, seed, step_s)
    each = int(CELL_S / step_s)
    for made in (sun, house):
        assert len(made) == each * len(watts)
        assert min(made) >= -1e-6
        for index, mean_w in enumerate(watts):
            assert abs(fmean(made[index * each : (index + 1) * each]) - mean_w) < 1e-6


def test_a_broken_sky_moves_as_fast_as_the_recorded_one() -> None:
    sun, _ = drawn(BROKEN, LOAD)
    steps = sorted(abs(after - before) for before, after in zip(sun, sun[10:], strict=False))
    assert 800 < steps[int(len(steps) * 0.99)] < 3500
    assert pstdev(sun) > 900


def test_a_clear_morning_stays_smooth() -> None:
    sun, _ = drawn(CLEAR, LOAD)
    for index, mean_w in enumerate(CLEAR):
        assert pstdev(sun[index * 600 : (index + 1) * 600]) < 0.05 * mean_w


def test_the_house_switches_and_falls_back_to_its_standby() -> None:
    _, house = drawn(BROKEN, LOAD)
    busy = house[7 * 600 : 8 * 600]
    assert max(busy) > 2600
    assert min(busy) < 2200
    assert max(house[600:1200]) < 310


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert drawn(BROKEN, LOAD, 3) == drawn(BROKEN, LOAD, 3)
    assert drawn(BROKEN, LOAD, 3) != drawn(BROKEN, LOAD, 4)


def test_cells_as_short_as_the_step_are_left_as_they_are() -> None:
    assert list(Texture(1).steps(JUNE_S, [5.0, 7.0], [1.0, 2.0], 60.0, 60.0)) == [(5.0, 1.0), (7.0, 2.0)]
