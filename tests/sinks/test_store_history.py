"""What the store keeps of the past: stays by page and filter, hours of minutes, and little wear of the flash."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phaeton.config import tree
from phaeton.minutes import BLOCK_S, MINUTES, Block, Lane, decode
from phaeton.model import Session
from phaeton.sinks.store import StayFilter, Store, stay_key
from phaeton.sinks.store import sqlite as sqlite_file
from phaeton.sinks.store import store as store_module
from phaeton.sinks.store.plain import PlainFile
from tests.waiting import until

LOG = logging.getLogger("test")
CONFIG = tree.Store(history_days=36500)
HOUR_S = 1_780_308_000
ALL = StayFilter()


def stay(number: int, *, point: str = "1", vehicle: str = "", energy_kwh: float = 5.0, end: bool = True) -> Session:
    start_s = HOUR_S + 1_000.0 * number
    return Session(
        id=f"{point}-{number:05d}",
        point=point,
        start_utc_s=start_s,
        end_utc_s=start_s + 500 if end else None,
        energy_kwh=energy_kwh,
        vehicle=vehicle,
    )


def block(hour: int, minutes: range = range(MINUTES), value: int = 100, known_s: int = 60) -> Block:
    lane = Lane.empty()
    for minute in minutes:
        lane.put(minute, known_s, value, value - 1, value + 1)
    return Block(HOUR_S + hour * BLOCK_S, {"pv_w": lane})


async def hours(store: Store) -> list[Block]:
    found: list[Block] = []
    await store.blocks(HOUR_S - BLOCK_S, HOUR_S + 5_000 * BLOCK_S, found.append)
    return found


@pytest.fixture(params=["sqlite", "plain"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With SQLite, and as on an interpreter without it."""
    if request.param == "plain":
        monkeypatch.setattr(
            store_module, "_choose", lambda directory, log: (PlainFile(directory / "phaeton-state.json"), "")
        )
    return str(request.param)


async def test_pages_are_whole_and_stable_while_new_stays_end(tmp_path: Path, kind: str) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    for number in range(20):
        await store.add_session(stay(number))
    seen: list[str] = []
    page = await store.stays(ALL, 7)
    while page:
        seen += [one.id for one in page]
        await store.add_session(stay(100 + len(seen)))  # ends between two pages
        page = await store.stays(ALL, 7, stay_key(page[-1]))
    assert seen == [f"1-{number:05d}" for number in reversed(range(20))]
    await store.close()


async def test_stays_of_the_same_second_are_all_paged(tmp_path: Path, kind: str) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    same = [msgspec.structs.replace(stay(1), id=f"1-{n}") for n in range(5)]
    for one in same:
        await store.add_session(one)
    first = await store.stays(ALL, 3)
    rest = await store.stays(ALL, 3, stay_key(first[-1]))
    assert [one.id for one in first + rest] == ["1-4", "1-3", "1-2", "1-1", "1-0"]
    await store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.builds(
        StayFilter,
        from_utc_s=st.none() | st.integers(0, 12).map(lambda n: HOUR_S + 1_000.0 * n),
        until_utc_s=st.none() | st.integers(0, 12).map(lambda n: HOUR_S + 1_000.0 * n),
        point=st.sampled_from((None, "1", "2", "9")),
        vehicle=st.sampled_from((None, "", "ev6")),
        least_kwh=st.sampled_from((0.0, 3.0, 100.0)),
    ),
    written=st.integers(0, 12),
)
async def test_the_disk_finds_the_same_stays_as_the_rule(
    tmp_path_factory: pytest.TempPathFactory, which: StayFilter, written: int
) -> None:
    store = Store.open(tmp_path_factory.mktemp("filter"), CONFIG, LOG)
    stays = [
        stay(n, point="12"[n % 2], vehicle=("", "ev6", "")[n % 3], energy_kwh=float(n % 5), end=n != 11)
        for n in range(12)
    ]
    for one in stays[:written]:
        await store.add_session(one)
    waiting = [store.add_session(one) for one in stays[written:]]
    found = await store.stays(which, 100)
    assert [one.id for one in found] == [one.id for one in reversed(stays) if which.takes(one)]
    for write in waiting:
        await write
    assert await store.stays(which, 100) == found
    await store.close()


async def test_one_stay_is_found_by_its_id_running_or_not(tmp_path: Path, kind: str) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.add_session(stay(1))
    await store.add_session(stay(2, end=False))
    assert await store.stay("1-00001") == stay(1)
    assert await store.stay("1-00002") == stay(2, end=False)
    assert await store.stay("1-00003") is None
    await store.close()


async def test_stays_of_the_first_layout_can_be_filtered_by_energy(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "phaeton.db")
    for statement in sqlite_file.MIGRATIONS[0]:
        db.execute(statement)
    old = msgspec.to_builtins(stay(1, energy_kwh=7.5))
    del old["vehicle"]
    one = stay(1)
    db.execute("INSERT INTO session VALUES (?, ?, ?, ?, ?)", (
        one.id, one.point, one.start_utc_s, one.end_utc_s, msgspec.json.encode(old).decode(),
    ))  # fmt: skip
    db.execute(f"PRAGMA application_id={sqlite_file.APPLICATION_ID}")
    db.execute("PRAGMA user_version=1")
    db.commit()
    db.close()
    store = Store.open(tmp_path, CONFIG, LOG)
    assert store.messages == []
    assert [one.id for one in await store.stays(StayFilter(least_kwh=7.0), 10)] == ["1-00001"]
    assert await store.stays(StayFilter(least_kwh=8.0), 10) == []
    assert [one.id for one in await store.stays(StayFilter(vehicle=""), 10)] == ["1-00001"]
    await store.close()


async def test_an_hour_that_a_restart_cut_in_two_is_whole(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    store.add_block(block(0, range(25)))
    await store.close()
    store = Store.open(tmp_path, CONFIG, LOG)
    store.add_block(block(0, range(24, 60), value=200, known_s=30))
    (whole,) = await hours(store)
    lane = whole.lanes["pv_w"]
    assert list(lane.known_s) == [60] * 25 + [30] * 35
    assert lane.mean[24] == 100  # of which more was known
    await store.close()
    store = Store.open(tmp_path, CONFIG, LOG)
    assert await hours(store) == [whole]
    (packed,) = await store.packed_blocks(HOUR_S, HOUR_S + BLOCK_S)
    assert decode(packed) == whole
    await store.close()


async def test_minutes_make_no_commit_of_their_own(tmp_path: Path) -> None:
    store = Store.open(tmp_path, tree.Store(flush_s=30.0), LOG)
    for minute in range(60):
        store.add_block(block(0, range(minute + 1)))
    assert (store.commits, store._timer) == (0, None)
    assert len(await hours(store)) == 1
    await store.save_state(b"now")
    assert store.commits == 1
    assert len(await hours(store)) == 1
    await store.close()


async def test_a_damaged_hour_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    store.add_block(block(0))
    store.add_block(block(1))
    await store.close()
    db = sqlite3.connect(tmp_path / "phaeton.db")
    db.execute("UPDATE minutes SET blob = ? WHERE start_utc_s = ?", (b"\x01\x00nonsense", HOUR_S))
    db.commit()
    db.close()
    store = Store.open(tmp_path, CONFIG, LOG)
    assert [one.start_s for one in await hours(store)] == [HOUR_S + BLOCK_S]
    store.add_block(block(0, range(5)))
    await store.flush()
    assert len(await hours(store)) == 2
    await store.close()


async def test_minutes_are_forgotten_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module.time, "time", lambda: HOUR_S + 100.0 * BLOCK_S)
    store = Store.open(tmp_path, tree.Store(flush_s=0.005, series_days=2), LOG)
    for hour in range(100):
        store.add_block(block(hour))

    def keep_on() -> bool:
        store.note_state(lambda: b"")
        return store._pruned_mono_s is not None

    await until(keep_on)
    assert [one.start_s for one in await hours(store)] == [HOUR_S + hour * BLOCK_S for hour in range(52, 100)]
    await store.close()


async def test_where_there_is_no_room_minutes_go_before_stays(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.add_session(stay(1))
    await store.close()
    db = sqlite3.connect(tmp_path / "phaeton.db")
    rows = [(HOUR_S + hour * BLOCK_S, bytes(6_000)) for hour in range(300)]
    db.executemany("INSERT INTO minutes VALUES (?, ?)", rows)
    db.commit()
    store = Store.open(tmp_path, tree.Store(flush_s=0.005, history_days=36500, series_days=3650, history_mb=1.0), LOG)

    def keep_on() -> bool:
        store.note_state(lambda: b"")
        return store._pruned_mono_s is not None

    await until(keep_on)
    assert await store.stays(ALL, 10) == [stay(1)]
    await store.close()
    left = [start_s for (start_s,) in db.execute("SELECT start_utc_s FROM minutes ORDER BY start_utc_s")]
    db.close()
    assert 24 <= len(left) < 180
    assert left[-1] == HOUR_S + 299 * BLOCK_S


async def test_the_newest_day_of_minutes_stays_however_little_room_there_is(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.close()
    db = sqlite3.connect(tmp_path / "phaeton.db")
    rows = [(HOUR_S + hour * BLOCK_S, bytes(60_000)) for hour in range(30)]
    db.executemany("INSERT INTO minutes VALUES (?, ?)", rows)
    db.commit()
    store = Store.open(tmp_path, tree.Store(flush_s=0.005, history_days=36500, series_days=3650, history_mb=1.0), LOG)

    def keep_on() -> bool:
        store.note_state(lambda: b"")
        return store._pruned_mono_s is not None

    await until(keep_on)
    await store.close()
    assert db.execute("SELECT count(*) FROM minutes").fetchone() == (24,)
    db.close()
