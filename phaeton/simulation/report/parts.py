"""What all pages share: the template that is filled, the bar of sources, the settings, the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

import msgspec
from msgspec.structs import replace

from phaeton.config.document import Plain
from phaeton.config.tree import Charger, Config
from phaeton.config.tree_cars import Vehicle
from phaeton.config.writing import keys
from phaeton.model import Zone
from phaeton.simulation.house_setup import HouseSetup
from phaeton.simulation.report import words
from phaeton.simulation.result import GapTime, Result, Totals

_HERE = "simulation/report"
_MOST_GAPS = 20


def asset(path: str) -> str:
    """A file of the package as text."""
    return (files("phaeton") / path).read_text(encoding="utf-8")


def look() -> str:
    """The style sheet."""
    return asset(f"{_HERE}/look.css")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A page of this folder with its ``{{names}}`` replaced."""
    pieces = []
    for piece in asset(f"{_HERE}/{template}").split("{{"):
        name, mark, rest = piece.partition("}}")
        pieces.append(parts[name] + rest if mark else piece)
    return "".join(pieces)


Card = tuple[str, str, str, str]
"""Name, value, note and a class for the look."""


def card(name: str, value: str, note: str, kind: str) -> str:
    """One headline number."""
    told = f'<p class="big">{escape(value)}</p><p class="note">{escape(note)}</p>'
    return f'<div class="card{kind}"><h2>{escape(name)}</h2>{told}</div>'


Source = tuple[str, str, float]
"""Class for the look, name, kWh."""


def sources(totals: Totals) -> tuple[Source, Source, Source]:
    """Where the energy of the cars came from."""
    return (
        ("pv", "Sun", totals.ev_from_pv_kwh),
        ("battery", "House battery", totals.ev_from_battery_kwh),
        ("grid-power", "Grid", totals.ev_from_grid_kwh),
    )


def bar(shares: Sequence[tuple[str, float]], width_pct: float = 100.0) -> str:
    """A bar of parts beside each other; what it says stands beside it."""
    whole = sum(kwh for _, kwh in shares)
    spans = "".join(
        f'<span class="{kind}" style="flex-grow:{kwh / whole:.5f}"></span>' for kind, kwh in shares if kwh > 0
    )
    width = "" if width_pct >= 100.0 else f' style="width:{width_pct:.2f}%"'
    return f'<div class="bar" aria-hidden="true"{width}>{spans}</div>'


def run_told(result: Result) -> str:
    """Steps, data and gaps of a run, as HTML."""
    run = result.run
    hours = sum(gap.hours for gap in result.gaps)
    gaps = f", without {words.number(hours, 1)} h that the history does not know" if hours else ""
    texture = ", with made-up seconds" if run.texture else ""
    data = words.length(run.data_s / 60) if run.data_s >= 60 else f"{run.data_s:g} s"
    return escape(
        f"{words.number(result.steps)} steps of {run.step_s:g} s over data in steps of {data}{texture}{gaps}; "
        f"times are those of {run.timezone}"
    )


def notes_told(notes: Sequence[str], gaps: Sequence[GapTime], zone: Zone) -> list[str]:
    """Notes and gaps as items of a list."""
    items = [f"<li>{escape(note)}.</li>" for note in notes]
    for gap in gaps[:_MOST_GAPS]:
        begin, end = words.local(zone, gap.start), words.local(zone, gap.end)
        items.append(
            f"<li>Left out: {words.moment(begin)} {begin.year} to {words.moment(end)} "
            f"({words.length(gap.hours * 60)}): {escape(gap.why)}.</li>"
        )
    if len(gaps) > _MOST_GAPS:
        items.append(f"<li>… and {len(gaps) - _MOST_GAPS} more gaps.</li>")
    return items


def house_told(house: HouseSetup) -> str:
    """The simulated house."""
    battery = "no house battery"
    if house.battery_kwh:
        battery = f"a house battery of {words.energy(house.battery_kwh)} and {words.number(house.battery_w)} W"
    limit = "" if house.feed_in_limit_w is None else f", at most {words.number(house.feed_in_limit_w)} W fed in"
    phases = "one phase" if house.car_phases == 1 else f"{house.car_phases} phases"
    return f'<p class="note">A car with {phases} of {house.car_max_a:g} A, {battery}{limit}.</p>'


def changed(config: Config, usual: Config | None = None) -> str:
    """A table of the keys that differ from ``usual`` (the defaults); empty when none does."""
    known = keys(_as_long(Config(chargers=(Charger(host="simulated"),)) if usual is None else usual, config))
    rows = "".join(
        f"<tr><th scope=row><code>{escape(key)}</code></th><td class=left>{_shown(value)}</td></tr>"
        for key, value in keys(config).items()
        if known.get(key) != value
    )
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""


def _as_long(usual: Config, config: Config) -> Config:
    """With as many chargers and cars as ``config``: of those it has more only what they set is told."""
    chargers = [Charger(host="")] * (len(config.chargers) - len(usual.chargers))
    vehicles = [Vehicle(id="")] * (len(config.vehicles) - len(usual.vehicles))
    return replace(usual, chargers=(*usual.chargers, *chargers), vehicles=(*usual.vehicles, *vehicles))


def settings(config: Config, house: HouseSetup) -> str:
    """The simulated house, and what differs from the defaults of the configuration."""
    table = changed(config)
    if not table:
        return f'{house_told(house)}<p class="note">All settings of the control at their defaults.</p>'
    return f"{house_told(house)}<details open><summary>What differs from the defaults</summary>{table}</details>"


def _shown(value: Plain) -> str:
    return escape(msgspec.json.encode(value).decode())
