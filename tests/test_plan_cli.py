"""What `phaeton plan` prints, and what it says when nobody answers."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from phaeton.cli import main
from phaeton.model import Plan
from phaeton.plan_cli import table
from phaeton.price_report import PriceReport
from phaeton.sinks.web.plan import plan_list
from tests import plans


def told(plan: Plan | None = plans.PLAN, report: PriceReport | None = None) -> Any:
    return json.loads(msgspec.json.encode(plan_list(plans.planning(plan=plan), report or plans.report())))


def test_a_plan_is_a_table_with_goal_cost_and_next_slot() -> None:
    assert table(told(), UTC).splitlines() == [
        "1: scheduled mode, strategy plan, ev6",
        "  goal: 80 % by Tue 05:00, every time",
        "  needs 24.2 kWh, 1.10 EUR, done Tue 01:48",
        "  next: Tue 00:00",
        "  FROM        UNTIL      POWER     ENERGY   EUR/kWh   WHY",
        "  Mon 10:00   12:00     2.2 kW   4.40 kWh    0.0800   the sun is expected to give it",
        "  Tue 00:00   01:00    11.0 kW  11.00 kWh   -0.0200   the energy is cheapest here",
        '  Tue 01:00   01:48    11.0 kW   8.80 kWh    0.1100   "',
    ]


def test_lateness_is_loud() -> None:
    text = table(told(plans.LATE), UTC)
    assert "LATE by 72 min: 15.9 kWh will be missing at the departure" in text
    assert "unknown cost" in text
    assert "charging now" in text


def test_a_price_strategy_shows_its_cheap_slots() -> None:
    report = plans.report(strategy="threshold", cheap=plans.report().slots[26:27])
    lines = table(told(None, report), UTC).splitlines()
    assert lines[0] == "1: scheduled mode, strategy threshold, ev6"
    assert lines[-1] == "  Tue 00:00   01:00          -          -   -0.0200   the price is low enough"


@pytest.mark.parametrize(
    ("mode", "says"), [("auto", "followed in scheduled mode"), ("scheduled", "nothing is planned")]
)
def test_where_nothing_is_planned_it_says_so(mode: str, says: str) -> None:
    said = told(None)
    said["points"][0]["mode"] = mode
    assert says in table(said, UTC)


def test_a_goal_in_energy_and_a_guest() -> None:
    found = plan_list(plans.planning(), plans.report())
    said = json.loads(msgspec.json.encode(replace(found)))
    said["points"][0]["vehicle"] = ""
    said["points"][0]["goal"] = {"departure": "2026-06-02T05:00:00Z", "soc_pct": None, "energy_kwh": 12.0}
    assert "a guest" in table(said, UTC)
    assert "goal: 12.0 kWh by Tue 05:00" in table(said, UTC)


def test_nobody_at_home_is_said_with_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--url", "http://127.0.0.1:9"]) == 1
    assert "nobody answers at http://127.0.0.1:9" in capsys.readouterr().err
