"""The past over the API, from a real store: stays, energy and series, as pages, files and charts."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import logging
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import Struct
from msgspec.structs import replace

from phaeton import zones
from phaeton.app.minutes import MinuteKeeper
from phaeton.config.tree import Store as StoreConfig
from phaeton.config.tree_web import Web
from phaeton.model import EnergySlot, ForecastCurve, ForecastSlot, Session
from phaeton.price_report import SourceReport
from phaeton.sinks.store import Store
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from tests import outputs

NOON_S = outputs.NOON_UTC_S
DAY_S = 86_400.0
BERLIN = zones.zone("Europe/Berlin", NOON_S)


class Past(Struct):
    """A server with a store behind it."""

    server: WebServer
    store: Store
    minutes: MinuteKeeper
    client: aiohttp.ClientSession

    async def get(self, path: str, status: int = 200) -> Any:
        async with self.client.get(path) as answer:
            assert answer.status == status, await answer.text()
            return json.loads(await answer.text())

    async def table(self, path: str, accept: str = "*/*") -> list[dict[str, str]]:
        async with self.client.get(path, headers={"Accept": accept}) as answer:
            assert (answer.status, answer.content_type, answer.charset) == (200, "text/csv", "utf-8")
            raw = await answer.read()
        assert raw.endswith(b"\r\n")
        assert raw.count(b"\n") == raw.count(b"\r\n")
        return list(csv.DictReader(io.StringIO(raw.decode(), newline="")))

    def live(self, first: int, last: int) -> None:
        for second in range(first, last):
            made = outputs.output(1000.0 + second, read=replace(outputs.reading(), power_w=1000.0 + second % 60 * 10))
            self.minutes.publish(made)
            self.server.publish(made)


async def nobody(*_: object) -> None:
    raise AssertionError("nobody ordered anything")


async def opened(folder: Path) -> Past:
    config = StoreConfig(history_days=36500, series_days=3650)
    store = Store.open(folder, config, logging.getLogger("test"))
    minutes = MinuteKeeper(store, ["1", "2"])
    report = SourceReport(title="Solcast", answered_utc_s=NOON_S - 60.0)
    parts = Parts(
        submit=nobody,
        sessions=store,
        minutes=minutes,
        zone=lambda: BERLIN,
        diagnostics=lambda: Diagnostics(forecast=report),
    )
    server = WebServer(Web(port=0), [PointName("1"), PointName("2")], parts)
    await server.start()
    assert server.address is not None
    return Past(server, store, minutes, aiohttp.ClientSession(server.address))


async def closed(past: Past) -> None:
    await past.client.close()
    await past.server.stop()
    past.minutes.hand_over()
    await past.store.close()


@pytest.fixture
async def past(tmp_path: Path) -> AsyncIterator[Past]:
    found = await opened(tmp_path)
    found.live(0, 2)
    yield found
    await closed(found)


def stay(number: int, **changes: Any) -> Session:
    made = outputs.session("12"[number % 2], ended=True, start_utc_s=NOON_S - number * DAY_S)
    return replace(made, vehicle=("ev6", "")[number % 2], energy_kwh=float(number), **changes)


async def kept(past: Past, *stays: Session) -> None:
    for one in stays:
        await past.store.add_session(one)


# Stays.


async def test_pages_go_on_where_they_were_while_stays_end(past: Past) -> None:
    await kept(past, *(stay(number) for number in range(1, 13)))
    page = await past.get("/api/sessions?limit=5")
    assert page["current_session"]["status"] == "Active"
    seen = [one["id"] for one in page["history"]]
    while page["next"]:
        await kept(past, replace(stay(1), id=f"new-{len(seen)}", start_utc_s=NOON_S - 10.0 - len(seen)))
        page = await past.get(f"/api/sessions?limit=5&cursor={page['next']}")
        assert page["last_session"] is None
        seen += [one["id"] for one in page["history"]]
    assert seen == [stay(number).id for number in range(1, 13)]
    assert not page["more"]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("vehicle=ev6", [2, 4, 6]),
        ("vehicle=", [1, 3, 5]),
        ("charger=2", [1, 3, 5]),
        ("min_kwh=5", [5, 6]),
        (f"from={NOON_S - 3 * DAY_S}&to={NOON_S - DAY_S}", [2, 3]),
        ("from=2026-05-29T12:00:00%2B02:00", [1, 2, 3]),
        ("vehicle=ev6&min_kwh=3", [4, 6]),
    ],
)
async def test_stays_are_filtered(past: Past, query: str, numbers: list[int]) -> None:
    await kept(past, *(stay(number) for number in range(1, 7)))
    found = await past.get(f"/api/sessions?{query}")
    assert [one["id"] for one in found["history"]] == [stay(number).id for number in numbers]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/sessions?from=monday", "from"),
        ("/api/sessions?from=2026-06-02T00:00:00", "from"),
        ("/api/sessions?from=1e300", "from"),
        ("/api/sessions?from=2026-06-02T00:00:00Z&to=2026-06-01T00:00:00Z", "to"),
        ("/api/sessions?cursor=nonsense", "cursor"),
        ("/api/sessions?cursor=bnVsbA", "cursor"),
        ("/api/sessions?cursor=WzEsMV0&before=1", "cursor"),
        ("/api/sessions?min_kwh=-1", "min_kwh"),
        ("/api/sessions?min_kwh=nan", "min_kwh"),
        ("/api/sessions?form=xml", "form"),
        ("/api/sessions?since=1", "since"),
        ("/api/sessions/summary?by=week", "by"),
        ("/api/energy?by=week", "by"),
        ("/api/energy?by=hour&from=0", "from"),
        ("/api/energy?from=2100-01-01T00:00:00Z", "from"),
        ("/api/series?window=600&points=5", "window"),
        ("/api/series?points=1", "points"),
        ("/api/series?points=5000", "points"),
        ("/api/series?from=2099-01-01T00:00:00Z", "from"),
        ("/api/series?from=5&to=4", "to"),
    ],
)
async def test_what_is_wrong_is_named(past: Past, path: str, field: str) -> None:
    assert (await past.get(path, 422))["field"] == field


async def test_all_stays_are_a_table_with_local_times_and_harmless_names(past: Past) -> None:
    await kept(
        past,
        stay(1, charger_serial='=HYPERLINK("http://evil.example")'),
        replace(stay(2, cost=-0.25), vehicle='@car, "x"\r\n2'),
        stay(180),
    )
    for path, accept in (
        ("/api/sessions?form=csv", "*/*"),
        ("/api/sessions", "text/csv;q=0.9, application/json;q=0.8"),
    ):
        rows = await past.table(path, accept)
        assert [row["id"] for row in rows] == [stay(1).id, stay(2).id, stay(180).id]
        assert rows[0]["charger_serial"] == '\'=HYPERLINK("http://evil.example")'
        assert rows[1]["vehicle"] == '\'@car, "x"\r\n2'
        assert rows[1]["cost"] == "-0.25"
        assert (rows[0]["start"], rows[0]["end"]) == ("2026-05-31T12:00:00+02:00", "2026-05-31T14:00:00+02:00")
        assert rows[2]["start"].endswith("+01:00")
        assert rows[2]["energy_kwh"] == "180.0"


async def test_all_stays_are_lines_of_json(past: Past) -> None:
    await kept(past, *(stay(number) for number in range(1, 7)))
    async with past.client.get("/api/sessions?form=ndjson&vehicle=ev6") as answer:
        lines = [json.loads(line) for line in (await answer.text()).splitlines()]
    assert answer.content_type == "application/x-ndjson"
    assert [line["id"] for line in lines] == [stay(number).id for number in (2, 4, 6)]
    assert (
        lines[0] == (await past.get(f"/api/sessions/{lines[0]['id']}") | {"slots": None}) | {}
        or "slots" not in lines[0]
    )


async def test_many_stays_go_out_piece_by_piece_and_hold_nobody_up(past: Past) -> None:
    count = 6_000
    past.store._pending.sessions.update(
        {f"1-{number}": replace(stay(1), id=f"1-{number}", start_utc_s=float(number)) for number in range(count)}
    )
    await past.store.flush()
    loop = asyncio.get_running_loop()
    late_s = 0.0
    done = asyncio.Event()

    async def ticks() -> None:
        nonlocal late_s
        while not done.is_set():
            began_s = loop.time()
            await asyncio.sleep(0.01)
            late_s = max(late_s, loop.time() - began_s - 0.01)

    ticking = asyncio.create_task(ticks())
    tracemalloc.start()
    rows = 0
    async with past.client.get("/api/sessions?form=csv") as answer:
        async for line in answer.content:
            rows += line.startswith(b"1-")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    done.set()
    await ticking
    assert rows == count
    assert peak_bytes < 4_000_000
    assert late_s < 1.0


async def test_one_stay_has_its_energy_by_price(past: Past) -> None:
    one = stay(1)
    await kept(past, one, replace(stay(3), point=one.point))
    slots = [
        EnergySlot(one.point, session, one.start_utc_s + 900.0 * number, 1.0, 0.5, 0.1, 0.4, 0.15, 0.3, unpriced)
        for number, session, unpriced in ((0, one.id, 0.0), (1, one.id, 1.0), (2, "another", 0.0))
    ]
    past.store.add_slots(slots)
    found = await past.get(f"/api/sessions/{one.id}")
    assert (found["id"], found["vehicle"], found["status"]) == (one.id, "", "Completed")
    assert [(slot["price_per_kwh"], slot["pv_kwh"]) for slot in found["slots"]] == [(0.3, 0.5), (None, 0.5)]
    assert (await past.get("/api/sessions/nothing", 404))["status"] == 404
    running = (await past.get("/api/sessions"))["current_session"]["id"]
    assert (await past.get(f"/api/sessions/{running}"))["status"] == "Active"


async def test_stays_are_added_up_by_month_day_car_and_charger(past: Past) -> None:
    await kept(past, *(stay(number) for number in range(1, 41)), replace(stay(50), currency="SEK"))
    months = (await past.get("/api/sessions/summary"))["totals"]
    assert [(one["key"], one["sessions"], one["currency"]) for one in months] == [
        ("2026-04", 9, "EUR"),
        ("2026-04", 1, "SEK"),
        ("2026-05", 31, "EUR"),
    ]
    assert sum(one["energy_kwh"] for one in months) == sum(range(1, 41)) + 50
    cars = (await past.get("/api/sessions/summary?by=vehicle&to=2026-06-01T00:00:00Z&min_kwh=31"))["totals"]
    assert [(one["key"], one["sessions"], one["energy_kwh"]) for one in cars if one["currency"] == "EUR"] == [
        ("", 5, 31 + 33 + 35 + 37 + 39),
        ("ev6", 5, 32 + 34 + 36 + 38 + 40),
    ]
    chargers = await past.table("/api/sessions/summary?by=charger&form=csv")
    assert {row["charger"] for row in chargers} == {"1", "2"}
    days = (await past.get("/api/sessions/summary?by=day&vehicle=ev6&charger=1"))["totals"]
    assert days[-1]["key"] == "2026-05-30"
    assert days[-1]["charging_s"] == 6500


# Energy.


async def test_energy_is_added_up_by_local_hours_days_and_months(past: Past) -> None:
    midnight_s = NOON_S - 12 * 3600.0  # 2026-06-01 00:00 in Berlin
    past.store.add_slots(
        EnergySlot("12"[n % 2], "", midnight_s - 1800.0 + 900.0 * n, 1.0, 0.5, 0.25, 0.25, 0.1, 0.3, 0.0)
        for n in range(8)
    )
    days = await past.get("/api/energy?by=day&from=2026-05-25T00:00:00Z&to=2026-06-02T00:00:00Z")
    assert (days["timezone"], days["currency"]) == ("Europe/Berlin", "EUR")
    assert [(row["key"], row["energy_kwh"], row["cost"]) for row in days["rows"]] == [
        ("2026-05-31", 2.0, 0.2),
        ("2026-06-01", 6.0, 0.6),
    ]
    assert (days["rows"][1]["start"], days["rows"][1]["end"]) == (
        "2026-06-01T00:00:00+02:00",
        "2026-06-02T00:00:00+02:00",
    )
    hours = (await past.get("/api/energy?by=hour"))["rows"]
    assert [(row["key"], row["energy_kwh"]) for row in hours] == [
        ("2026-05-31T23:00:00+02:00", 2.0),
        ("2026-06-01T00:00:00+02:00", 4.0),
        ("2026-06-01T01:00:00+02:00", 2.0),
    ]
    one = (await past.get("/api/chargers/2/energy?by=month"))["rows"]
    assert [(row["key"], row["energy_kwh"]) for row in one] == [("2026-05", 1.0), ("2026-06", 3.0)]
    table = await past.table("/api/energy?by=month&form=csv")
    assert [(row["key"], row["pv_kwh"]) for row in table] == [("2026-05", "1.0"), ("2026-06", "3.0")]


async def test_both_hours_of_an_autumn_night_are_told_apart(past: Past) -> None:
    first_s = 1_761_436_800.0  # 2025-10-26 02:00 summer time in Berlin
    past.store.add_slots(EnergySlot("1", "", first_s + 3600.0 * n, 1.0, 0, 0, 1.0, 0.3, 0.3, 0.0) for n in range(2))
    found = await past.get(f"/api/energy?by=hour&from={first_s}&to={first_s + 7200}")
    assert [row["key"] for row in found["rows"]] == ["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]


# Series.


async def test_the_days_before_a_restart_go_on_into_the_present_without_a_seam(tmp_path: Path) -> None:
    past = await opened(tmp_path)
    past.live(0, 1200)
    await closed(past)
    past = await opened(tmp_path)
    past.live(1500, 2400)
    found = await past.get(f"/api/series?from={NOON_S}&to={NOON_S + 2400}&points=40")
    assert (found["step_s"], len(found["t"])) == (60, 40)
    powers = found["power_w"]
    assert powers[:20] == [1295] * 20
    assert powers[20:25] == [None] * 5
    assert powers[25:] == [1295] * 15
    assert (found["least"]["power_w"][0], found["most"]["power_w"][0]) == (1000, 1590)
    assert (found["battery_soc_pct"][0], found["import_per_kwh"][0]) == (87.0, 0.25)
    wide = await past.get(f"/api/series?from={NOON_S}&to={NOON_S + 2400}&points=4")
    assert (wide["step_s"], wide["power_w"]) == (600, [1295] * 4)
    assert wide["most"]["power_w"] == [1590] * 4
    window = await past.get("/api/series?window=3600")
    assert window["t"][0] <= NOON_S + 60
    assert window["t"] == sorted(set(window["t"]))
    assert None in window["power_w"]
    assert window["t"][-1] >= NOON_S + 2380
    await closed(past)


async def test_the_last_minutes_are_told_by_the_second(past: Past) -> None:
    past.live(2, 200)
    found = await past.get(f"/api/series?from={NOON_S + 60}&to={NOON_S + 120}&points=60")
    assert (found["step_s"], len(found["t"])) == (1, 60)
    assert found["power_w"] == [1000 + 10 * second for second in range(60)]
    coarse = await past.get(f"/api/chargers/1/series?from={NOON_S + 60}&to={NOON_S + 120}&points=6")
    assert (coarse["step_s"], coarse["power_w"][0]) == (10, 1045)
    assert (coarse["least"]["power_w"][0], coarse["most"]["power_w"][0]) == (1000, 1090)


async def test_a_day_without_a_beginning_is_the_last_day(past: Past) -> None:
    found = await past.get("/api/series?points=25")
    assert found["step_s"] == 3600
    assert len(found["t"]) == 25
    assert found["power_w"][-1] is not None


# The forecast.


async def test_the_forecast_is_told_from_now_on(past: Past) -> None:
    empty = await past.get("/api/forecast")
    assert (empty["made"], empty["pv_kwh"], empty["slots"]) == (None, None, [])
    assert empty["source"]["title"] == "Solcast"
    made = outputs.output(1001.0)
    slots = (
        ForecastSlot(NOON_S - 7200.0, NOON_S - 3600.0, 900.0),
        ForecastSlot(NOON_S - 3600.0, NOON_S + 1801.0, 4000.0, 500.0),
        ForecastSlot(NOON_S + 1801.0, NOON_S + 5401.0, None, 450.0, 1200.0),
    )
    curve = ForecastCurve(0.0, NOON_S - 60.0, slots)
    past.server.publish(replace(made, situation=replace(made.situation, forecast=curve)))
    found = await past.get("/api/forecast")
    assert (found["made"], found["pv_kwh"]) == ("2026-06-01T09:59:00Z", 2.0)
    assert [(slot["pv_w"], slot["consumption_w"], slot["surplus_w"]) for slot in found["slots"]] == [
        (4000, 500, 3500),
        (None, 450, 1200),
    ]
