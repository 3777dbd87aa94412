"""The store on a good disk: what is acknowledged is there again, and the flash is spared."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
from pathlib import Path

import pytest

from phaeton.config import tree
from phaeton.model import EnergySlot, Session
from phaeton.sinks.store import Store, default_directory, directory
from phaeton.sinks.store import sqlite as sqlite_file
from phaeton.sinks.store import store as store_module
from tests.waiting import until

LOG = logging.getLogger("test")
CONFIG = tree.Store(history_days=36500)
"""The sessions of these tests are of 1970."""


def stay(number: int, *, point: str = "1", end: bool = True, energy_kwh: float = 1.0) -> Session:
    start_s = 1_000.0 * number
    return Session(
        id=f"{point}-{number}",
        point=point,
        start_utc_s=start_s,
        end_utc_s=start_s + 500 if end else None,
        energy_kwh=energy_kwh,
    )


def slot(start_utc_s: float, *, point: str = "1", session: str = "1-1", energy_kwh: float = 0.5) -> EnergySlot:
    return EnergySlot(
        point=point,
        session=session,
        start_utc_s=start_utc_s,
        energy_kwh=energy_kwh,
        pv_kwh=0.2,
        battery_kwh=0.1,
        grid_kwh=0.2,
        cost=0.07,
        reference_cost=0.12,
        unpriced_kwh=0.0,
    )


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "new" / "directory", CONFIG, LOG)
    assert (store.state, store.fact("serial/charger"), store.trouble, store.messages) == (None, None, None, [])
    store.use_clock(lambda: (12.5, 1_700_000_000.25))
    store.add_slots([slot(900.0), slot(0.0, energy_kwh=0.25)])
    await store.save_state(b"\x00graph\xff")
    await store.set_fact("serial/charger", "ACE0012345")
    await store.add_session(stay(1, energy_kwh=7.4))
    await store.close()

    again = Store.open(tmp_path / "new" / "directory", CONFIG, LOG)
    assert again.state is not None
    assert (again.state.blob, again.state.mono_s, again.state.utc_s) == (b"\x00graph\xff", 12.5, 1_700_000_000.25)
    assert again.facts("serial/") == {"charger": "ACE0012345"}
    assert await again.sessions() == [stay(1, energy_kwh=7.4)]
    assert await again.energy(0, 1e9) == [slot(0.0, energy_kwh=0.25), slot(900.0)]
    await again.close()


async def test_saves_that_come_together_share_a_commit_and_the_newest_wins(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await asyncio.gather(*(store.save_state(b"%d" % n) for n in range(50)))
    assert store.commits <= 2
    await store.close()
    state = Store.open(tmp_path, CONFIG, LOG).state
    assert state is not None
    assert state.blob == b"49"


async def test_an_acknowledged_save_is_on_the_disk_before_the_store_is_closed(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.save_state(b"now")
    reader = sqlite3.connect(tmp_path / "phaeton.db")
    assert reader.execute("SELECT blob FROM state").fetchone() == (b"now",)
    reader.close()
    await store.close()


async def test_an_hour_of_ticks_costs_at_most_one_commit_per_flush(tmp_path: Path) -> None:
    # 600 steps, with a flush in the time of about 30 of them: what ten minutes of one-second ticks are.
    flush_s = 0.06
    store = Store.open(tmp_path, tree.Store(flush_s=flush_s), LOG)
    begun_s = asyncio.get_running_loop().time()
    made = 0

    def make() -> bytes:
        nonlocal made
        made += 1
        return b"%d" % made

    for _ in range(600):
        store.note_state(make)
        await asyncio.sleep(0.002)
    took_s = asyncio.get_running_loop().time() - begun_s
    assert 3 <= store.commits <= took_s / flush_s + 1
    assert made == store.commits, "the state is made only for a commit"
    await store.close()


async def test_a_quiet_daemon_writes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path, tree.Store(flush_s=0.01), LOG)
    store.note_state(lambda: b"once")
    await until(lambda: store.commits == 1)
    await store.set_fact("known", "value")
    await store.set_fact("known", "value")
    await asyncio.sleep(0.05)
    assert store.commits == 2
    await store.close()


async def test_detail_goes_along_with_a_durable_commit(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    store.note_state(lambda: b"of the step")
    store.add_slots([slot(0.0)])
    await store.add_session(stay(1))
    assert store.commits == 1
    reader = sqlite3.connect(tmp_path / "phaeton.db")
    assert reader.execute("SELECT blob FROM state").fetchone() == (b"of the step",)
    assert reader.execute("SELECT count(*) FROM slot").fetchone() == (1,)
    reader.close()
    await store.close()


async def test_a_session_is_in_the_next_commit_even_before_anybody_waits_for_it(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    ending = store.add_session(stay(1))
    await store.flush()
    reader = sqlite3.connect(tmp_path / "phaeton.db")
    assert reader.execute("SELECT id FROM session").fetchall() == [("1-1",)]
    reader.close()
    await ending
    assert store.commits == 1
    await store.close()


async def test_a_state_that_was_noted_earlier_does_not_replace_a_saved_one(tmp_path: Path) -> None:
    store = Store.open(tmp_path, tree.Store(flush_s=0.01), LOG)
    store.note_state(lambda: b"older")
    await store.save_state(b"newer")
    await store.set_fact("some", "thing")
    assert store.state is not None
    assert store.state.blob == b"newer"
    await store.close()


async def test_a_state_that_cannot_be_made_costs_nothing_else(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)

    def make() -> bytes:
        raise ValueError("not this time")

    store.note_state(make)
    await store.add_session(stay(1))
    assert await store.sessions() == [stay(1)]
    await store.close()


async def test_sessions_come_newest_first_by_page_and_by_point(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await asyncio.gather(
        *(store.add_session(stay(n)) for n in range(1, 6)), store.add_session(stay(3, point="garage", end=False))
    )
    assert [s.id for s in await store.sessions(limit=2)] == ["1-5", "1-4"]
    assert {s.id for s in await store.sessions(before_utc_s=4_000.0)} == {"1-3", "garage-3", "1-2", "1-1"}
    assert [s.id for s in await store.sessions(point="garage")] == ["garage-3"]
    await store.add_session(stay(3, point="garage", energy_kwh=9.0))
    assert await store.sessions(point="garage") == [stay(3, point="garage", energy_kwh=9.0)]
    await store.close()


async def test_energy_is_asked_by_time_and_point_before_and_after_its_commit(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    store.add_slots([slot(0.0), slot(900.0), slot(900.0, point="garage"), slot(1800.0)])
    for _ in ("waiting", "committed"):
        assert await store.energy(900.0, 1800.0) == [slot(900.0), slot(900.0, point="garage")]
        assert await store.energy(0.0, 1e9, "1") == [slot(0.0), slot(900.0), slot(1800.0)]
        await store.flush()
    store.add_slots([slot(900.0, energy_kwh=0.75)])
    await store.flush()
    assert await store.energy(900.0, 901.0, "1") == [slot(900.0, energy_kwh=0.75)]
    await store.close()


async def test_a_reader_of_another_program_holds_nothing_up(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.save_state(b"0")
    stop = threading.Event()
    seen: list[int] = []

    def read() -> None:
        reader = sqlite3.connect(tmp_path / "phaeton.db", isolation_level=None)
        while not stop.is_set():
            reader.execute("BEGIN")
            seen.append(int(reader.execute("SELECT blob FROM state").fetchone()[0]))
            reader.execute("SELECT * FROM session").fetchall()
            reader.execute("COMMIT")
        reader.close()

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 60):
        await asyncio.gather(store.save_state(b"%d" % number), store.add_session(stay(number)))
    await until(lambda: seen and seen[-1] == 59)
    stop.set()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert store.trouble is None
    await store.close()


async def test_history_is_forgotten_by_age_but_never_a_running_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 400 * 86400.0
    monkeypatch.setattr(store_module.time, "time", lambda: now_s)
    monkeypatch.setattr(sqlite_file, "PRUNE_ROWS", 100)
    store = Store.open(tmp_path, tree.Store(flush_s=0.01, history_days=100), LOG)
    store.add_slots(slot(day * 86400.0) for day in range(400))
    await store.add_session(stay(1, end=False))
    await store.add_session(stay(2))
    assert len(await store.energy(0, 1e12)) == 400

    def keep_on() -> bool:  # a step each turn, as in the daemon; each flush forgets a part
        store.note_state(lambda: b"")
        return store._pruned_mono_s is not None

    await until(keep_on)
    left = await store.energy(0, 1e12)
    assert [s.start_utc_s for s in left] == [day * 86400.0 for day in range(300, 400)]
    assert await store.sessions() == [stay(1, end=False)]
    await store.close()


async def test_history_is_forgotten_by_size_the_oldest_first(tmp_path: Path) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    for part in range(10):
        start = part * 2_000
        store.add_slots(slot(900.0 * n, session=f"session-{n}") for n in range(start, start + 2_000))
        await store.add_session(stay(900 * start // 1000))
    await store.close()
    size_before = (tmp_path / "phaeton.db").stat().st_size
    store = Store.open(tmp_path, tree.Store(flush_s=0.005, history_days=36500, history_mb=1.0), LOG)

    def keep_on() -> bool:
        store.note_state(lambda: b"")
        return store._pruned_mono_s is not None

    await until(keep_on)
    left = await store.energy(0, 1e12)
    sessions = await store.sessions()
    await store.close()
    size_after = (tmp_path / "phaeton.db").stat().st_size
    assert size_after <= 1_000_000 < size_before, "the room is given back to the disk"
    assert left[-1] == slot(900.0 * 19_999, session="session-19999")
    assert left == sorted(left, key=lambda s: s.start_utc_s)
    assert 1_000 < len(left) < 15_000
    assert sessions[0].id == "1-16200"
    assert len(sessions) < 10


async def test_a_file_of_an_older_layout_is_brought_forward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.save_state(b"old")
    await store.add_session(stay(1))
    await store.close()
    monkeypatch.setattr(
        sqlite_file, "MIGRATIONS", (*sqlite_file.MIGRATIONS, ("ALTER TABLE session ADD COLUMN note TEXT DEFAULT ''",))
    )
    # The new layout's own writes are not the subject: reading is.
    newer = Store.open(tmp_path, CONFIG, LOG)
    assert newer.messages == []
    assert newer.state is not None
    assert newer.state.blob == b"old"
    assert await newer.sessions() == [stay(1)]
    await newer.close()
    db = sqlite3.connect(tmp_path / "phaeton.db")
    assert db.execute("PRAGMA user_version").fetchone() == (len(sqlite_file.MIGRATIONS),)
    assert db.execute("SELECT note FROM session").fetchall() == [("",)]
    db.close()


def test_the_directory_is_the_configured_one_else_that_of_the_gx_else_the_users(tmp_path: Path) -> None:
    assert directory("/somewhere/else") == Path("/somewhere/else")
    assert directory("~/phaeton") == Path.home() / "phaeton"
    assert default_directory(tmp_path, {}) == tmp_path / "phaeton"
    missing = tmp_path / "missing"
    assert default_directory(missing, {"XDG_STATE_HOME": "/x/state"}) == Path("/x/state/phaeton")
    assert default_directory(missing, {"HOME": "/h/me"}) == Path("/h/me/.local/state/phaeton")
    assert default_directory(missing, {"HOME": "/h/me", "XDG_STATE_HOME": "odd"}) == Path("/h/me/.local/state/phaeton")


def open_to_others(folder: Path) -> set[str]:
    """The files that somebody else than their owner may read or write."""
    return {file.name for file in folder.iterdir() if file.stat().st_mode & 0o077}


def loosen(folder: Path) -> None:
    """Let everybody read what is there, as older versions did."""
    for file in folder.iterdir():
        file.chmod(0o644)


@pytest.mark.parametrize("loose", [False, True])
async def test_nobody_else_may_read_what_is_kept(tmp_path: Path, loose: bool) -> None:
    """The facts hold the tokens of the cars' services."""
    if loose:
        first = Store.open(tmp_path, CONFIG, LOG)
        await first.close()
        loosen(tmp_path)
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.set_fact("tesla:x", "token")
    await store.close()
    assert open_to_others(tmp_path) == set()
