"""Zeros, nulls, wrong clocks and other cars: what is believed of a report."""

from __future__ import annotations

import pytest

from phaeton.sources.vehicles.report import Report
from phaeton.sources.vehicles.sanitation import Believed, Context, moved, step, typed_in

NOW = 1_795_441_200.0


def told(*reports: tuple[float, Report], linked: bool = False, before: Believed | None = None) -> Believed:
    """The belief after reports at seconds from the beginning."""
    believed = before or Believed()
    for at_s, report in reports:
        believed = step(believed, report, Context(at_s, NOW + at_s, linked))
    return believed


def soc(value: float | None, measured_s: float | None = None) -> Report:
    return Report(soc_pct=value, measured_utc_s=None if measured_s is None else NOW + measured_s)


def test_a_plain_value_is_believed_with_its_time() -> None:
    believed = told((10.0, soc(63, 4.0)))
    assert (believed.soc_pct, believed.soc_utc_s, believed.sigma_pct) == (63, NOW + 4.0, 1.0)


def test_a_value_without_a_time_is_of_now() -> None:
    assert told((10.0, soc(63))).soc_utc_s == NOW + 10.0


def test_a_zero_is_believed_only_when_a_later_measurement_says_it_again() -> None:
    first = told((0.0, soc(40, 0.0)), (60.0, soc(0, 60.0)))
    assert (first.soc_pct, first.refused) == (40, "soc_zero_unconfirmed")
    assert told((120.0, soc(0, 120.0)), before=first).soc_pct == 40
    assert told((400.0, soc(0, 60.0)), before=first).soc_pct == 40
    assert told((400.0, soc(0, 400.0)), before=first).soc_pct == 0


def test_an_empty_car_may_become_emptier() -> None:
    assert told((0.0, soc(4, 0.0)), (60.0, soc(0, 60.0))).soc_pct == 0


def test_a_zero_does_not_hide_the_good_value_that_comes_after_it() -> None:
    believed = told((0.0, soc(40, 0.0)), (60.0, soc(0, 60.0)), (120.0, soc(41, 30.0)))
    assert (believed.soc_pct, believed.soc_utc_s) == (41, NOW + 30.0)


def test_nulls_keep_what_was() -> None:
    full = Report(soc_pct=63, plugged=True, charging=True, limit_soc_pct=80, range_km=300, at_home=True)
    believed = told((0.0, full), (60.0, Report()))
    kept = (believed.soc_pct, believed.plugged, believed.charging, believed.limit_soc_pct, believed.at_home)
    assert kept == (63, True, True, 80, True)


@pytest.mark.parametrize(
    ("ahead_s", "soc_utc_s", "sigma"), [(90.0, NOW, 1.0), (5400.0, NOW, 1.0), (3 * 86400.0, NOW, 2.0)]
)
def test_a_clock_that_is_ahead_says_now_and_one_far_ahead_says_nothing(
    ahead_s: float, soc_utc_s: float, sigma: float
) -> None:
    believed = told((0.0, soc(63, ahead_s)))
    assert (believed.soc_utc_s, believed.sigma_pct) == (soc_utc_s, sigma)
    assert told((600.0, soc(64, 600.0)), before=believed).soc_pct == 64


def test_what_is_older_than_the_last_is_ignored() -> None:
    believed = told((0.0, soc(63, 0.0)), (60.0, soc(50, -3600.0)))
    assert (believed.soc_pct, believed.refused) == (63, "soc_older_than_the_last")


def test_the_same_answer_again_is_no_news() -> None:
    believed = told((0.0, soc(63, 0.0)), (3600.0, soc(63, 0.0)))
    assert believed.soc_utc_s == NOW


def test_our_own_clock_that_is_not_set_judges_nobody() -> None:
    believed = step(Believed(), soc(63, 0.0), Context(0.0, 86_400.0))
    assert believed.soc_utc_s == 86_400.0


def test_an_odometer_does_not_run_back() -> None:
    believed = told((0.0, Report(odometer_km=20_000)), (60.0, Report(odometer_km=19_000)))
    assert believed.odometer_km == 20_000


def test_a_car_that_drives_is_not_the_one_at_the_charger() -> None:
    reports = ((0.0, Report(odometer_km=20_000, plugged=True)), (60.0, Report(odometer_km=20_002, plugged=True)))
    assert told(*reports, linked=False).plugged is True
    believed = told(*reports, linked=True)
    assert (believed.plugged, believed.at_home) == (False, False)
    assert "choose the right car" in believed.note
    assert moved(believed, here=True).plug_odometer_km is None


def test_the_charger_knows_that_a_car_has_left() -> None:
    here = told((0.0, Report(plugged=True, charging=True)))
    assert (moved(here, here=True).plugged, moved(here, here=False).plugged) == (True, False)


def test_the_owner_is_believed_at_once() -> None:
    believed = typed_in(told((0.0, soc(20, 0.0))), 80.0, 3.0, Context(60.0, NOW + 60.0))
    assert (believed.soc_pct, believed.sigma_pct, believed.soc_utc_s) == (80, 3.0, NOW + 60.0)
