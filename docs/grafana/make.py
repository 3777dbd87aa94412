"""Makes phaeton.json, the dashboard for Grafana: ``python docs/grafana/make.py``. The tables below are its panels."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("phaeton.json")
ONE = 'instance=~"$instance"'
AT = f'{ONE}, point=~"$point"'

STATS: list[tuple[str, str, str]] = [
    ("Ready", f"phaeton_ready{{{ONE}}}", "bool_yes_no"),
    ("Car", f"phaeton_charger_power_watts{{{AT}}}", "watt"),
    ("Setpoint", f"phaeton_charger_setpoint_amperes{{{AT}}}", "amp"),
    ("Surplus", f"phaeton_site_surplus_watts{{{ONE}}}", "watt"),
    ("This stay", f'phaeton_session_energy_joules{{{AT}, source="all"}} / 3.6e6', "kwatth"),
    ("Price", f"phaeton_price_import_per_kwh{{{ONE}}}", "none"),
]
"""Title, expression, unit."""

ROWS: list[tuple[str, list[tuple[str, str, list[tuple[str, str]]]]]] = [
    (
        "Charging",
        [
            (
                "Power",
                "watt",
                [
                    (f"phaeton_charger_power_watts{{{AT}}}", "car {{point}}"),
                    (f"phaeton_site_pv_watts{{{ONE}}}", "sun"),
                    (f"phaeton_site_grid_watts{{{ONE}}}", "grid"),
                    (f"phaeton_site_battery_watts{{{ONE}}}", "house battery"),
                    (f"phaeton_site_surplus_watts{{{ONE}}}", "surplus"),
                ],
            ),
            (
                "Current",
                "amp",
                [
                    (f"phaeton_charger_setpoint_amperes{{{AT}}}", "setpoint {{point}}"),
                    (f"phaeton_charger_limit_amperes{{{AT}}}", "limit {{point}}"),
                    (f"phaeton_charger_current_amperes{{{AT}}}", "{{point}} {{phase}}"),
                ],
            ),
            ("Why", "none", [(f"phaeton_charger_reason{{{AT}}}", "{{point}} {{why}}")]),
            (
                "State of charge",
                "percentunit",
                [
                    (f"phaeton_vehicle_soc_ratio{{{ONE}}}", "{{vehicle}}"),
                    (f"phaeton_site_battery_soc_ratio{{{ONE}}}", "house battery"),
                ],
            ),
            (
                "Energy in the last day, by charging point",
                "kwatth",
                [(f"increase(phaeton_charger_energy_joules_total{{{AT}}}[1d]) / 3.6e6", "{{point}}")],
            ),
            (
                "Price",
                "none",
                [
                    (f"phaeton_price_import_per_kwh{{{ONE}}}", "from the grid ({{currency}})"),
                    (f"phaeton_price_feed_in_per_kwh{{{ONE}}}", "feeding in ({{currency}})"),
                ],
            ),
        ],
    ),
    (
        "Is it well?",
        [
            ("Not ready", "none", [(f"phaeton_not_ready{{{ONE}}}", "{{code}}")]),
            ("Age of the sources", "s", [(f"phaeton_source_age_seconds{{{ONE}}}", "{{source}}")]),
            ("Lease left", "s", [(f"phaeton_charger_lease_remaining_seconds{{{AT}}}", "{{point}}")]),
            (
                "Modbus",
                "s",
                [
                    (f"phaeton_modbus_latency_seconds{{{ONE}}}", "{{block}}"),
                    (f"phaeton_modbus_outage_seconds{{{ONE}}}", "outage {{link}}"),
                ],
            ),
            (
                "Failures a minute",
                "none",
                [
                    (f'60 * rate(phaeton_modbus_requests_total{{{ONE}, result="failed"}}[5m])', "Modbus {{block}}"),
                    (f"60 * rate(phaeton_charger_foreign_writes_total{{{AT}}}[5m])", "foreign writes {{point}}"),
                    (f"60 * rate(phaeton_graph_failures_total{{{ONE}}}[5m])", "control"),
                    (f"60 * rate(phaeton_watchdog_restarts_total{{{ONE}}}[5m])", "watchdog"),
                ],
            ),
            (
                "Time of a step, 99 %",
                "s",
                [
                    (f"histogram_quantile(0.99, rate(phaeton_{timed}_seconds_bucket{{{ONE}}}[5m]))", name)
                    for timed, name in (
                        ("step_duration", "step"),
                        ("publish_duration", "publish"),
                        ("loop_lag", "lag of the loop"),
                        ("store_commit_duration", "commit"),
                    )
                ],
            ),
            (
                "Process",
                "percentunit",
                [(f"rate(process_cpu_seconds_total{{{ONE}}}[5m])", "processor")],
            ),
            ("Memory", "bytes", [(f"process_resident_memory_bytes{{{ONE}}}", "in use")]),
        ],
    ),
]
"""Title, and panels: title, unit, and expressions with their legends."""

SOURCE = {"type": "prometheus", "uid": "${source}"}


def dashboard() -> dict[str, Any]:
    """The whole dashboard, in the form that Grafana imports."""
    panels: list[dict[str, Any]] = []
    width = 24 // len(STATS)
    for index, (title, expression, unit) in enumerate(STATS):
        place = {"x": index * width, "y": 0, "w": width, "h": 4}
        panels.append(_panel("stat", title, unit, [(expression, "")], place))
    y = 4
    for name, of_row in ROWS:
        panels.append({"type": "row", "title": name, "collapsed": False, "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
        y += 1
        for index, (title, unit, targets) in enumerate(of_row):
            place = {"x": 12 * (index % 2), "y": y + index // 2 * 8, "w": 12, "h": 8}
            panels.append(_panel("timeseries", title, unit, targets, place))
        y += (len(of_row) + 1) // 2 * 8
    for number, panel in enumerate(panels, start=1):
        panel["id"] = number
    return {
        "title": "Phaeton",
        "uid": "phaeton",
        "tags": ["ev", "charging"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {
            "list": [
                {"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"},
                _choice("instance", "label_values(phaeton_build_info, instance)", "Installation"),
                _choice("point", f"label_values(phaeton_charger_info{{{ONE}}}, point)", "Charging point"),
            ]
        },
        "panels": panels,
    }


def _panel(kind: str, title: str, unit: str, targets: list[tuple[str, str]], place: dict[str, int]) -> dict[str, Any]:
    return {
        "type": kind,
        "title": title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(65 + n), "expr": expression, "legendFormat": legend, "datasource": SOURCE}
            for n, (expression, legend) in enumerate(targets)
        ],
    }


def _choice(name: str, query: str, label: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "label": label,
        "includeAll": True,
        "multi": True,
        "refresh": 2,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
    sys.stdout.write(f"{FILE.name}\n")
