"""Cars and strategies: contradictions are told with their key and their remedy."""

from __future__ import annotations

import pytest

from phaeton.config.load import parse
from phaeton.config.problems import ConfigError


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("vehicles:\n  - {id: a, battery_kwh: 60}\n  - {id: a, battery_kwh: 60}", "vehicles[1].id"),
        ("vehicles: [{id: a, min_current_a: 10, max_current_a: 8}]", "vehicles[0].min_current_a"),
        ("vehicles: [{id: a, battery_kwh: 60, min_soc_pct: 50, limit_soc_pct: 40}]", "vehicles[0].min_soc_pct"),
        ("vehicles: [{id: a, min_soc_pct: 30}]", "vehicles[0].min_soc_pct"),
        ('vehicles: [{id: a, departures: [{time: "07:00"}]}]', "vehicles[0].departures[0].soc_pct"),
        (
            'vehicles: [{id: a, battery_kwh: 60, departures: [{time: "07:00", soc_pct: 80, energy_kwh: 10}]}]',
            "vehicles[0].departures[0].soc_pct",
        ),
        ('vehicles: [{id: a, departures: [{time: "07:00", soc_pct: 80}]}]', "vehicles[0].departures[0].soc_pct"),
        (
            'vehicles: [{id: a, battery_kwh: 60, limit_soc_pct: 70, departures: [{time: "07:00", soc_pct: 80}]}]',
            "vehicles[0].departures[0].soc_pct",
        ),
        (
            'vehicles: [{id: a, departures: [{time: "07:00", energy_kwh: 9, days: [mon, mon]}]}]',
            "vehicles[0].departures[0].days",
        ),
        ("schedule: {strategy: threshold}", "schedule.threshold_per_kwh"),
        ("schedule: {strategy: level, levels: []}", "schedule.levels"),
    ],
)
def test_a_contradiction_names_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(f"charger: 192.168.1.100\n{text}\n")
    assert key in str(refused.value)


def test_cars_and_departures_load() -> None:
    config = parse(
        """
charger: 192.168.1.100
schedule:
  strategy: plan
  plan: {start_cost: 0.05, precondition_min: 20}
vehicles:
  - id: ev6
    battery_kwh: 77.4
    min_soc_pct: 20
    departures:
      - {time: "07:00", days: [mon, tue], soc_pct: 80}
      - {time: "09:30", days: [sat], energy_kwh: 12}
"""
    ).config
    assert config.vehicles[0].departures[1].energy_kwh == 12
    assert config.schedule.plan.start_cost == 0.05
    assert config.schedule.plan.margin_s == 900
