"""Orders: what is taken for one, what is refused, and how one is told in the log."""

from __future__ import annotations

import pytest

from phaeton import orders
from phaeton.model import Boost, Mode, SetMode, SetPowerCap


@pytest.mark.parametrize(
    ("text", "value"), [("16", 16.0), ("16,5", 16.5), ("16.5", 16.5), (" 13 ", 13.0), ("1e1", 10.0), (".5", 0.5)]
)
def test_a_number_may_be_written_as_text(text: str, value: float) -> None:
    assert orders.number(text, "current") == value


@pytest.mark.parametrize("text", ["1_6", "\uff11\uff16", "16,5,5", "1,000.5", "0x10", "nan", "inf", "", "16 A", "--1"])
def test_what_only_looks_like_a_number_is_refused(text: str) -> None:
    with pytest.raises(orders.OrderError, match="current must be a number"):
        orders.number(text, "current")


def test_a_number_beyond_all_measure_is_refused() -> None:
    with pytest.raises(orders.OrderError):
        orders.set_current("9" * 400)
    with pytest.raises(orders.OrderError):
        orders.set_current(10**400)


def test_the_log_tells_an_order_by_its_names() -> None:
    assert orders.told(SetMode(Mode.SCHEDULED)) == "SetMode: mode scheduled"
    assert orders.told(SetPowerCap(None)) == "SetPowerCap: power_w None"
    assert "energy_kwh 10.0" in orders.told(Boost(energy_kwh=10.0))
