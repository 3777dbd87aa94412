"""``phaeton prices``: a table for people, from the daemon that runs or from the source itself."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from phaeton.model import PriceSlot
from phaeton.price_report import PriceReport, SourceReport, hour_rows, table
from phaeton.simulation.misbehaving import Misbehaviour
from phaeton.simulation.price_service import SimulatedPrices
from phaeton.sources.prices.terminal import lines, of_api
from tests.sources.prices.answers import BERLIN, at

START = at("2026-11-23T14:00:00+01:00")


def quarters(*prices: float, start_s: float = START) -> tuple[PriceSlot, ...]:
    return tuple(
        PriceSlot(start_s + n * 900.0, start_s + (n + 1) * 900.0, price, 0.08) for n, price in enumerate(prices)
    )


def test_hours_have_mean_least_and_most_and_say_whether_it_charges() -> None:
    rows = hour_rows(quarters(0.1, 0.2, 0.3, 0.4, 0.5), [(START + 1800.0, START + 2700.0)])
    first, second = rows
    assert (first.mean, first.least, first.most) == (pytest.approx(0.25), 0.1, 0.4)
    assert (first.charge, first.complete) == (True, True)
    assert (second.charge, second.complete) == (False, False)
    assert hour_rows(quarters(0.1))[0].charge is None


def test_a_long_slot_fills_each_of_its_hours() -> None:
    rows = hour_rows([PriceSlot(START + 1800.0, START + 9000.0, 0.2, 0.0)])
    assert [(row.start_s - START, row.complete) for row in rows] == [(0.0, False), (3600.0, True), (7200.0, False)]


def test_the_table_has_a_heading_for_each_day_and_a_mark_at_the_present_hour() -> None:
    rows = hour_rows(quarters(*[0.25] * 48), [(START, START + 900.0)])
    text = table(rows, "EUR", START + 3700.0, BERLIN.date, BERLIN.clock)
    assert [line.split()[0] for line in text.splitlines() if "mean" in line] == ["2026-11-23", "2026-11-24"]
    (present,) = [line for line in text.splitlines() if line.startswith(">")]
    assert present.split() == [">", "15:00", "0.2500", "0.2500", "0.2500", "no"]
    assert "14:00" in next(line for line in text.splitlines() if line.endswith("yes"))


def test_the_hour_that_comes_twice_is_there_twice() -> None:
    start_s = at("2026-10-25T00:00:00+02:00")
    rows = hour_rows(quarters(*[0.25] * 100, start_s=start_s))
    assert len(rows) == 25
    assert [BERLIN.clock(row.start_s) for row in rows[1:5]] == ["01:00", "02:00", "02:00", "03:00"]


def test_trouble_is_shown_with_what_to_do() -> None:
    source = SourceReport(title="Tibber", trouble="do this", dropped={"no price": 2}, answered_utc_s=START - 7200.0)
    report = PriceReport(kind="tibber", sources=(source,), in_force="", currency="EUR", notes=("set that",))
    text = "\n".join(lines(report, "here", BERLIN, START))
    for part in ("trouble: do this", "left out: 2 no price", "told prices 2 h ago", "note: set that", "now: unknown"):
        assert part in text


def test_any_answer_of_another_program_is_a_report_without_prices() -> None:
    for said in (None, [], {"now": 5, "slots": [1, {"start": "x"}], "sources": [None]}, {"slots": {"a": 1}}):
        assert of_api(said).slots == ()


async def run(config: Path, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "phaeton", "prices", "-c", str(config), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_the_command_asks_the_source_where_no_daemon_runs(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    async with SimulatedPrices() as service:
        url = f"{service.url}/tibber"
        config.write_text(
            "charger: a\nweb: {enabled: false}\nsite: {timezone: Europe/Berlin}\n"
            f"prices: {{source: tibber, tibber: {{token: {service.token}, url: '{url}'}}}}\n"
        )
        code, text = await run(config)
        assert (code, "asked just now" in text) == (0, True), text
        assert sum(":00 " in line for line in text.splitlines()) >= 24
        assert service.token not in text
        service.misbehaviour = Misbehaviour.UNAUTHORIZED
        code, text = await run(config, "--ask")
        assert (code, "set prices.tibber.token" in text) == (1, True), text


async def test_a_configuration_that_is_wrong_is_said(tmp_path: Path) -> None:
    config = tmp_path / "c.yaml"
    config.write_text("charger: a\nprices: {source: tibber}\n")
    code, text = await run(config)
    assert (code, "prices.tibber.token" in text) == (2, True)
