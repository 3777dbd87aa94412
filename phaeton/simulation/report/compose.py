"""Composes the page: headline numbers, months, the average day, a week to look through, missed goals, small print."""

from __future__ import annotations

import base64
from array import array
from collections.abc import Sequence
from datetime import timedelta
from html import escape
from math import ceil, isnan

import msgspec

from phaeton import __version__
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.simulation.report import charts, parts, words
from phaeton.simulation.result import Result, StayTotals
from phaeton.simulation.series import Series

_HERE = "simulation/report"
_UPLOT = "sinks/web/page/vendor/uplot"
_FIRST_STAYS, _MOST_STAYS = 10, 100
_MISSED_KWH = 0.05
_UNKNOWN = -32768
_INT16_MAX = 32767


def page(result: Result, series: Series, zone: Zone, currency: str, config: Config) -> str:
    """The whole page as HTML."""
    begin = words.local(zone, result.run.start)
    end = words.local(zone, result.run.end) - timedelta(seconds=1)
    return parts.filled(
        "page.html",
        {
            "title": f"{words.day(begin)} \N{EN DASH} {words.day(end)}",
            "subtitle": parts.run_told(result),
            "cards": _cards(result, currency),
            "months": charts.by_month(result.months, currency),
            "months-table": _months_table(result, currency),
            "day": _day(charts.average_day(series, zone)),
            "goals": _goals(result, zone),
            "notes": _notes(result, zone),
            "settings": parts.settings(config, result.run.house),
            "version": escape(__version__),
            "css": parts.asset(f"{_UPLOT}/uPlot.min.css") + parts.look(),
            "uplot": parts.asset(f"{_UPLOT}/uPlot.iife.min.js"),
            "data": _data(series, zone),
            "script": parts.asset(f"{_HERE}/week.js"),
        },
    )


def _cards(result: Result, currency: str) -> str:
    totals = result.totals
    met = sum(one.unmet_kwh <= _MISSED_KWH for one in result.sessions)
    count = len(result.sessions)
    per_kwh = (
        f"{words.number(totals.ev_cost / totals.ev_kwh, 3)} {currency} a kWh"
        if totals.ev_kwh > 0
        else "nothing charged"
    )
    own = totals.self_consumption_pct
    cards = [
        ("Cost of the car", words.money(totals.ev_cost, currency), per_kwh, ""),
        (
            "Cost of the whole house",
            words.money(totals.cost, currency),
            f"{words.energy(totals.import_kwh)} bought, {words.energy(totals.export_kwh)} sold",
            "",
        ),
        (
            "Sun used at home",
            "\N{EN DASH}" if own is None else f"{words.number(own)}\N{NO-BREAK SPACE}%",
            "there is no PV" if own is None else "of what the panels gave",
            "",
        ),
        (
            "Goals met",
            f"{met} of {count}",
            f"{words.energy(totals.unmet_kwh)} missing" if met < count else "every car left with what it wanted",
            " bad" if met < count else "",
        ),
        _starts(result),
        _battery(result),
    ]
    return _origin(result) + "".join(parts.card(*one) for one in cards)


def _starts(result: Result) -> parts.Card:
    totals = result.totals
    if "starts" in result.not_valid:
        return "Starts of the contactor", words.number(totals.starts), "not valid: too coarse to count", " doubtful"
    switches, writes = words.number(totals.phase_switches), words.number(totals.setpoint_writes)
    return "Starts of the contactor", words.number(totals.starts), f"{switches} phase switches, {writes} writes", ""


def _battery(result: Result) -> parts.Card:
    capacity_kwh, through_kwh = result.run.house.battery_kwh, result.totals.battery_throughput_kwh
    if not capacity_kwh:
        return "House battery", "\N{EN DASH}", "there is none", ""
    cycles = f"{words.number(through_kwh / capacity_kwh, 1)} full cycles of {words.energy(capacity_kwh)}"
    return "Through the house battery", words.energy(through_kwh), cycles, ""


def _origin(result: Result) -> str:
    """The widest card: how much, and from where."""
    whole = result.totals.ev_kwh
    found = parts.sources(result.totals)
    legend = "".join(
        f'<li class="{kind}"><b>{words.share(kwh, whole)}</b> {name}<small>{words.energy(kwh)}</small></li>'
        for kind, name, kwh in found
    )
    return (
        f'<div class="card wide"><h2>Into the car</h2><p class="big huge">{words.energy(whole)}</p>'
        f'{parts.bar([(kind, kwh) for kind, _, kwh in found])}<ul class="legend origin">{legend}</ul></div>'
    )


def _day(plot: str) -> str:
    if not plot:
        return ""
    names = (("pv", "PV"), ("load", "House"), ("car", "Car"))
    legend = "".join(f'<li class="{kind}">{name}</li>' for kind, name in names)
    return f'<section class="card"><h2>The average day</h2><ul class="legend">{legend}</ul>{plot}</section>'


def _months_table(result: Result, currency: str) -> str:
    rows = []
    for one in result.months:
        name, year = words.month(one.month)
        own = "\N{EN DASH}" if one.self_consumption_pct is None else words.number(one.self_consumption_pct)
        numbers = (
            words.number(one.ev_kwh, 1),
            words.number(one.ev_from_pv_kwh, 1),
            words.number(one.ev_from_battery_kwh, 1),
            words.number(one.ev_from_grid_kwh, 1),
            words.number(one.ev_cost, 2),
            words.number(one.import_kwh, 1),
            words.number(one.export_kwh, 1),
            words.number(one.cost, 2),
            own,
        )
        rows.append(f"<tr><th scope=row>{name} {year}</th>{''.join(f'<td>{cell}</td>' for cell in numbers)}</tr>")
    money = escape(currency)
    head = (
        "<tr><th></th><th>Car<small>kWh</small></th><th>Sun<small>kWh</small></th><th>Battery<small>kWh</small></th>"
        f"<th>Grid<small>kWh</small></th><th>Car<small>{money}</small></th><th>Bought<small>kWh</small></th>"
        f"<th>Sold<small>kWh</small></th><th>House<small>{money}</small></th><th>Sun used<small>%</small></th></tr>"
    )
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _goals(result: Result, zone: Zone) -> str:
    missed = sorted((one for one in result.sessions if one.unmet_kwh > _MISSED_KWH), key=_unmet, reverse=True)
    if not result.sessions:
        return '<p class="note">No car came.</p>'
    if not missed:
        return f'<p class="note">All {len(result.sessions)} cars left with what they wanted.</p>'
    shown = _goal_table(missed[:_FIRST_STAYS], zone)
    rest = missed[_FIRST_STAYS:_MOST_STAYS]
    if rest:
        fewer = f", the largest {_MOST_STAYS}" if len(missed) > _MOST_STAYS else ""
        shown += f"<details><summary>All {len(missed)}{fewer}</summary>{_goal_table(rest, zone)}</details>"
    return shown


def _goal_table(stays: Sequence[StayTotals], zone: Zone) -> str:
    head = (
        "<tr><th>Arrival</th><th>Departure</th><th>Wanted<small>kWh</small></th><th>Got<small>kWh</small></th>"
        "<th>Missing<small>kWh</small></th><th>Needed longer<small>at full power</small></th></tr>"
    )
    rows = "".join(_goal_row(one, zone) for one in stays)
    return f'<div class="scroll" tabindex="0"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _unmet(stay: StayTotals) -> float:
    return stay.unmet_kwh


def _goal_row(one: StayTotals, zone: Zone) -> str:
    arrival, departure = words.local(zone, one.arrival), words.local(zone, one.departure)
    shown = f"{words.moment(departure)}" if departure.date() != arrival.date() else f"{departure:%H:%M}"
    share = 0.0 if not one.wanted_kwh else min(1.0, one.ev_kwh / one.wanted_kwh)
    return (
        f"<tr><th scope=row>{words.moment(arrival)} {arrival.year}</th><td class=left>{shown}</td>"
        f"<td>{words.number(one.wanted_kwh, 1)}</td>"
        f'<td><span class="meter" style="--part:{share:.3f}">{words.number(one.ev_kwh, 1)}</span></td>'
        f"<td><b>{words.number(one.unmet_kwh, 1)}</b></td><td>{words.length(one.late_min)}</td></tr>"
    )


def _notes(result: Result, zone: Zone) -> str:
    items = parts.notes_told(result.notes, result.gaps, zone)
    speed = f"{words.number(result.steps)} steps in {result.wall_s:.1f} s, {words.number(result.steps_per_s)} a second"
    return f"<ul>{''.join(items)}<li>{speed}.</li></ul>"


def _data(series: Series, zone: Zone) -> str:
    """The series for the script: whole steps of some watts as 16-bit numbers."""
    columns = (series.pv_w, series.load_w, series.car_w, series.battery_w, series.grid_w)
    most_w = max((abs(value) for column in columns for value in column if not isnan(value)), default=0.0)
    unit_w = max(1, ceil(most_w / _INT16_MAX))
    packed = []
    for column in columns:
        numbers = array("h", [_UNKNOWN if isnan(value) else round(value / unit_w) for value in column])
        packed.append(base64.b64encode(numbers.tobytes()).decode())
    content = {
        "start": series.start_s,
        "step": series.bin_s,
        "unit": unit_w,
        "zone": zone.name,
        "battery": any(value for value in series.battery_w if not isnan(value)),
        "columns": packed,
    }
    return msgspec.json.encode(content).decode().replace("</", "<\\/")
