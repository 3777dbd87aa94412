"""The page about a comparison: what each strategy cost against the least possible, from where, and month by month."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from html import escape
from typing import NamedTuple

from phaeton import __version__
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.simulation.compare.comparison import Comparison, Outcome
from phaeton.simulation.report import charts, parts, words
from phaeton.simulation.result import Result

_COLOURS = 8
_CENT = 0.005
_SEEN = 0.005
"""A smaller share is not told."""
_BOUND = "bound"


class _Line(NamedTuple):
    """One strategy with what came of it, and its colour."""

    name: str
    kind: str
    outcome: Outcome
    result: Result


def comparison_page(found: Comparison, zone: Zone, configs: Mapping[str, Config], base: Config) -> str:
    """The whole page as HTML; ``configs`` are those of the strategies by name, ``base`` is what they start from."""
    first = next(iter(found.runs.values()))
    begin, end = words.local(zone, first.run.start), words.local(zone, first.run.end) - timedelta(seconds=1)
    lines = _lines(found)
    run = parts.run_told(first)
    return parts.filled(
        "comparison.html",
        {
            "title": f"{words.day(begin)} \N{EN DASH} {words.day(end)}",
            "subtitle": f"{len(found.runs)} ways to charge, over the same history from the same start: {run}",
            "cards": _cards(found, lines),
            "costs-about": _costs_about(found),
            "costs": _costs(found, lines),
            "energy": _energy(lines),
            "months-about": _months_about(found),
            "months": _months(found, lines),
            "table": _table(found, lines),
            "table-note": _table_note(found),
            "strategies": _strategies(lines, configs, base),
            "notes": _notes(found, first, zone),
            "settings": parts.settings(base, first.run.house),
            "version": escape(__version__),
            "css": parts.look(),
        },
    )


def _lines(found: Comparison) -> list[_Line]:
    """Each with the colour that it has in all plots."""
    lines = [
        _Line(name, f"k{number % _COLOURS}", found.outcomes[name], result)
        for number, (name, result) in enumerate(found.runs.items())
    ]
    if found.bound is not None:
        lines.append(_Line(_BOUND, "kb", found.outcomes[_BOUND], found.bound))
    return lines


def _best(lines: Sequence[_Line]) -> _Line:
    """The cheapest strategy; the first of equal ones."""
    return min((line for line in lines if line.name != _BOUND), key=lambda line: round(line.outcome.settled_cost, 2))


def _cards(found: Comparison, lines: Sequence[_Line]) -> str:
    best, first = _best(lines), lines[0]
    saved, currency = best.outcome.saving, found.currency
    share = best.outcome.share_pct
    if best is first or saved < _CENT:
        told, note = words.money(0.0, currency), f"nothing beats “{first.outcome.title}” here"
    else:
        told = words.money(saved, currency)
        note = f"less than with “{first.outcome.title}”"
        if share is not None and found.possible_saving is not None:
            possible = words.money(found.possible_saving, currency)
            note += f", {words.number(share)}\N{NO-BREAK SPACE}% of the {possible} that were possible"
    meter = ""
    if share is not None:
        part = min(max(share, 0.0), 100.0)
        meter = parts.bar([(best.kind, part), ("rest", 100.0 - part)])
    wide = (
        f'<div class="card wide"><h2>Saved by “{escape(best.outcome.title)}”</h2><p class="big huge">{told}</p>{meter}'
        f'<p class="note">{escape(note)}</p></div>'
    )
    shown = [first] if best is first else [first, best]
    cards = [_cost_card(line.outcome, currency) for line in (*shown, *(one for one in lines if one.name == _BOUND))]
    return wide + "".join(parts.card(*one) for one in cards)


def _cost_card(one: Outcome, currency: str) -> parts.Card:
    missed = f"{one.goals_missed} of {one.goals} cars left without what they wanted" if one.goals_missed else ""
    note = missed or ("every car left with what it wanted" if one.goals else "no car came")
    return one.title, words.money(one.settled_cost, currency), note, " bad" if one.goals_missed else ""


def _costs_about(found: Comparison) -> str:
    text = "Of the whole house"
    if any(one.settled_cost < -_CENT for one in found.outcomes.values()):
        text += "; a minus is earned"
    if found.unmet_per_kwh:
        text += (
            f"; a kWh that was missing at a departure counts with {words.number(found.unmet_per_kwh, 3)} "
            f"{found.currency}, as if it had been charged elsewhere"
        )
    if any(one.battery_cycles is not None for one in found.outcomes.values()):
        text += "; what is left in the house battery at the end is taken off"
    bound = ". Hatched: what could have been saved with everything known beforehand" if found.bound else ""
    return escape(f"{text}{bound}.")


def _costs(found: Comparison, lines: Sequence[_Line]) -> str:
    amounts = [line.outcome.settled_cost for line in lines]
    least = found.outcomes[_BOUND].settled_cost if found.bound is not None else None
    lowest, highest = min(0.0, *amounts), max(0.0, *amounts)
    best = _best(lines)
    rows = []
    for line in lines:
        one = line.outcome
        track = charts.against(charts.Against(one.settled_cost, least, lowest, highest))
        badge = ' <span class="badge">best</span>' if line is best and one.saving >= _CENT else ""
        rows.append(
            f'<li class="{line.kind}"><div class="what"><b>{escape(one.title)}</b>{badge}'
            f'<small class="note about">{escape(one.about)}</small></div>{track}'
            f'<div class="much"><b>{words.money(one.settled_cost, found.currency)}</b>'
            f'<small class="note">{escape(_reached(found, line))}</small></div></li>'
        )
    return f'<ol class="rows">{"".join(rows)}</ol>'


def _reached(found: Comparison, line: _Line) -> str:
    """The share of the possible saving in words."""
    one = line.outcome
    if line.name == found.baseline:
        return "what the others are compared with"
    if line.name == _BOUND:
        return f"{words.money(one.saving, found.currency)} less, the most possible"
    if one.saving <= -_CENT:
        return f"{words.money(-one.saving, found.currency)} more"
    if one.saving < _CENT:
        return "no difference"
    told = f"{words.money(one.saving, found.currency)} less"
    share = one.share_pct
    return told if share is None else f"{told}, {words.number(share)}\N{NO-BREAK SPACE}% of the possible"


def _energy(lines: Sequence[_Line]) -> str:
    most_kwh = max((line.outcome.ev_kwh + line.outcome.unmet_kwh for line in lines), default=0.0) or 1.0
    rows = []
    for line in lines:
        one = line.outcome
        found = parts.sources(line.result.totals)
        whole = one.ev_kwh + one.unmet_kwh
        bar = parts.bar(
            [*((kind, kwh) for kind, _, kwh in found), ("missing", one.unmet_kwh)], 100.0 * whole / most_kwh
        )
        told = ", ".join(
            f"{words.share(kwh, one.ev_kwh)} {name.lower()}" for _, name, kwh in found if kwh >= _SEEN * one.ev_kwh > 0
        )
        goals = f"{one.goals_missed} of {one.goals} missed, by {words.energy(one.unmet_kwh)}"
        if not one.goals_missed:
            goals = "no goal missed" if one.goals else "no car came"
        rows.append(
            f'<li><div class="what"><b>{escape(one.title)}</b><small class="note">{goals}</small></div>'
            f'<div class="length">{bar}</div>'
            f'<div class="much"><b>{words.energy(one.ev_kwh)}</b><small class="note">{told}</small></div></li>'
        )
    return f'<ol class="rows">{"".join(rows)}</ol>'


def _months_about(found: Comparison) -> str:
    title = found.outcomes[found.baseline].title
    return escape(
        f"What each saved against “{title}” in each month, with what was missing at departures; the house battery "
        "carries energy from one month into the next."
    )


def _months(found: Comparison, lines: Sequence[_Line]) -> str:
    def cost(result: Result) -> list[float]:
        return [one.cost + one.unmet_kwh * found.unmet_per_kwh for one in result.months]

    first = lines[0]
    base = cost(first.result)
    columns = [
        (
            line.kind,
            line.outcome.title,
            [before - now for before, now in zip(base, cost(line.result), strict=True)],
        )
        for line in lines[1:]
    ]
    legend = "".join(f'<li class="{kind}">{escape(title)}</li>' for kind, title, _ in columns)
    label = f"Saved against {first.outcome.title} by month"
    months = [one.month for one in first.result.months]
    return f'<ul class="legend">{legend}</ul>{charts.side_by_side(months, columns, found.currency, label)}'


_Column = tuple[str, str, Callable[[Outcome], str]]
"""Name, unit, and the cell of a strategy."""


def _table(found: Comparison, lines: Sequence[_Line]) -> str:
    """The bill, and below it where the energy went and how often contactors moved."""
    money = found.currency
    cycles = any(line.outcome.battery_cycles is not None for line in lines)
    bill: list[_Column] = [
        ("Bill", money, lambda one: words.number(one.cost, 2)),
        ("Missing energy", money, lambda one: words.number(one.unmet_cost, 2)),
        ("Compared", money, lambda one: f"<b>{words.number(one.settled_cost, 2)}</b>"),
        ("Saved", money, lambda one: words.number(one.saving, 2)),
        ("Share of the possible", "%", lambda one: _maybe(one.share_pct)),
    ]
    if cycles:
        bill.insert(2, ("Left in the battery", money, lambda one: words.number(-one.battery_worth, 2)))
    use: list[_Column] = [
        ("Sun", "kWh", lambda one: words.number(one.pv_kwh, 1)),
        ("Battery", "kWh", lambda one: words.number(one.battery_kwh, 1)),
        ("Grid", "kWh", lambda one: words.number(one.grid_kwh, 1)),
        ("Missing", "kWh", lambda one: words.number(one.unmet_kwh, 1)),
        ("Missed", "goals", lambda one: f"{one.goals_missed} of {one.goals}"),
        ("Sun used", "%", lambda one: _maybe(one.self_consumption_pct)),
    ]
    if not found.not_valid:
        use += [
            ("Starts", "contactor", lambda one: words.number(one.starts)),
            ("Switches", "phases", lambda one: words.number(one.phase_switches)),
            ("Writes", "setpoint", lambda one: words.number(one.setpoint_writes)),
        ]
    if cycles:
        use.append(("Cycles", "battery", lambda one: _maybe(one.battery_cycles, 1)))
    return _numbers(bill, lines) + _numbers(use, lines)


def _numbers(columns: Sequence[_Column], lines: Sequence[_Line]) -> str:
    head = "".join(f"<th>{name}<small>{escape(unit)}</small></th>" for name, unit, _ in columns)
    rows = "".join(f"<tr><th scope=row>{escape(line.outcome.title)}</th>{_cells(columns, line)}</tr>" for line in lines)
    table = f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="scroll" tabindex="0">{table}</div>'


def _cells(columns: Sequence[_Column], line: _Line) -> str:
    """The optimum has no contactor to count."""
    uncounted = ("Starts", "Switches", "Writes") if line.name == _BOUND else ()
    return "".join(f"<td>{_maybe(None) if name in uncounted else told(line.outcome)}</td>" for name, _, told in columns)


def _maybe(value: float | None, decimals: int = 0) -> str:
    return "\N{EN DASH}" if value is None else words.number(value, decimals)


def _table_note(found: Comparison) -> str:
    if not found.not_valid:
        return ""
    return (
        '<p class="note">Starts, phase switches and writes cannot be counted with steps or data this coarse; try '
        "--step 10s --texture.</p>"
    )


def _strategies(lines: Sequence[_Line], configs: Mapping[str, Config], base: Config) -> str:
    """What each is, and what it sets on top of the configuration."""
    items = []
    for line in lines:
        config = configs.get(line.name)
        table = "" if config is None else parts.changed(config, base)
        details = f"<details><summary>What it sets</summary>{table}</details>" if table else ""
        items.append(
            f'<li class="{line.kind}"><b>{escape(line.outcome.title)}</b>'
            f'<p class="note">{escape(line.outcome.about)}.</p>{details}</li>'
        )
    return f'<ul class="strategies">{"".join(items)}</ul>'


def _notes(found: Comparison, first: Result, zone: Zone) -> str:
    items = parts.notes_told(found.notes, first.gaps, zone)
    wall_s = sum(run.wall_s for run in found.runs.values())
    steps = sum(run.steps for run in found.runs.values())
    items.append(f"<li>{words.number(steps)} steps in {wall_s:.1f} s of one core.</li>")
    return f"<ul>{''.join(items)}</ul>"
