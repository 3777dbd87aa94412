"""The store when things go wrong: killed, full, read-only, spoiled, locked, hanging, or without SQLite."""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phaeton.sinks.store import Store, StoreError
from phaeton.sinks.store import store as store_module
from phaeton.sinks.store.kept import Batch
from phaeton.sinks.store.sqlite import SqliteFile
from tests.sinks.test_store import CONFIG, LOG, slot, stay
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def child(what: str, where: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.sinks.store_child", what, str(where)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def words_of_child(what: str, where: Path) -> list[str]:
    process = child(what, where)
    said, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    return said.splitlines()


def aside(where: Path, name: str = "phaeton.db") -> list[Path]:
    """What was kept aside, the oldest first."""
    return sorted(path for path in where.glob(f"{name}.corrupt-*") if path.name.endswith("Z"))


async def filled(where: Path) -> None:
    """A file with something of everything in it."""
    store = Store.open(where, CONFIG, LOG)
    store.add_slots(slot(900.0 * n) for n in range(300))
    for number in range(40):
        store._pending.sessions[f"1-{number}"] = stay(number)
    await store.set_fact("number", "42")
    await store.save_state(b"the state" * 1_000)
    await store.close()


async def test_what_was_acknowledged_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    dice = random.Random(20)
    acknowledged = -1
    for _ in range(20):
        process = child("write", tmp_path)
        assert process.stdout is not None
        assert int(process.stdout.readline()) > acknowledged
        timer = threading.Timer(dice.uniform(0.0, 0.1), process.kill)
        timer.start()
        said = process.stdout.read()
        process.wait(10)
        timer.join()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.stderr.close()
        # The last line may have been cut off by the kill.
        acknowledged = max([acknowledged, *(int(n) for n in said.split("\n")[:-1])])

        store = Store.open(tmp_path, CONFIG, LOG)
        assert store.messages == []
        assert store.state is not None
        assert int(store.state.blob) >= acknowledged
        assert int(store.fact("number") or -1) >= acknowledged
        newest = (await store.sessions(limit=1))[0]
        assert int(newest.start_utc_s) >= acknowledged
        acknowledged = int(store.state.blob)
        await store.close()
    assert acknowledged > 20


async def test_a_full_disk_is_told_and_what_waited_is_written_when_there_is_room(tmp_path: Path) -> None:
    stored, refused, session, trouble, well = words_of_child("full", tmp_path)
    assert stored == "stored 5"
    assert refused.startswith("refused not stored yet: ")
    assert "check that it is not full" in refused
    assert session == "session ['1-1']"
    assert "check that it is not full" in trouble
    assert well.startswith("well ")
    store = Store.open(tmp_path, CONFIG, LOG)
    assert store.messages == []
    assert store.state is not None
    assert store.state.blob == bytes(500_000)
    assert [s.id for s in await store.sessions()] == ["1-1"]
    await store.close()


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A directory that everybody may read and that a process without privileges may not write."""
    where = Path(tempfile.mkdtemp(prefix="phaeton-read-only-"))
    asyncio.run(filled(where))
    for path in where.iterdir():
        path.chmod(0o444)
    where.chmod(0o555)
    yield where
    where.chmod(0o755)
    shutil.rmtree(where)


def test_a_read_only_disk_still_gives_what_it_holds(read_only: Path) -> None:
    before = {path: path.read_bytes() for path in read_only.iterdir()}
    state, fact, trouble, refused = words_of_child("read-only", read_only)
    assert state == f"state {b'the state' * 1_000!r}"
    assert fact == "fact 42"
    assert trouble.startswith(f"trouble {read_only}")
    assert refused.startswith("refused not stored yet: ")
    assert {path: path.read_bytes() for path in read_only.iterdir()} == before


async def test_a_directory_that_cannot_be_used_leaves_the_store_in_memory_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RETRY_S", (0.02,))
    in_the_way = tmp_path / "phaeton"
    in_the_way.write_text("a file")
    store = Store.open(in_the_way, CONFIG, LOG)
    assert store.trouble is not None
    assert str(in_the_way) in store.trouble
    with pytest.raises(StoreError, match="not stored yet"):
        await store.save_state(b"waits")
    with pytest.raises(StoreError):
        await store.add_session(stay(1))
    with pytest.raises(StoreError):
        await store.set_fact("number", "1")
    assert store.fact("number") == "1"
    assert await store.sessions() == [stay(1)]
    in_the_way.unlink()
    await until(lambda: store.trouble is None)
    await store.close()

    again = Store.open(in_the_way, CONFIG, LOG)
    assert again.state is not None
    assert (again.state.blob, again.fact("number"), await again.sessions()) == (b"waits", "1", [stay(1)])
    await again.close()


async def test_trouble_is_logged_once_and_so_is_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(store_module, "RETRY_S", (0.01,))
    in_the_way = tmp_path / "phaeton"
    in_the_way.write_text("a file")
    store = Store.open(in_the_way, CONFIG, LOG)
    for _ in range(3):
        with pytest.raises(StoreError):
            await store.save_state(b"waits")
    in_the_way.unlink()
    await until(lambda: store.trouble is None)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    await store.close()


async def test_a_file_that_another_program_locks_is_trouble_that_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "RETRY_S", (0.02,))
    store = Store.open(tmp_path, CONFIG, LOG)
    other = sqlite3.connect(tmp_path / "phaeton.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another program keeps the file locked"):
        await store.save_state(b"waits")
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: store.trouble is None)
    await store.close()


async def test_a_disk_that_hangs_holds_up_neither_the_caller_nor_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "ACKNOWLEDGE_WITHIN_S", 0.05)
    goes_on = threading.Event()

    class Hanging(SqliteFile):
        def write(self, batch: Batch, *, durable: bool) -> None:
            goes_on.wait(10)
            super().write(batch, durable=durable)

    store = Store(Hanging(tmp_path / "phaeton.db", LOG), CONFIG, LOG)
    with pytest.raises(StoreError, match="has not answered"):
        await store.save_state(b"slow")
    assert store.trouble is not None
    goes_on.set()
    await until(lambda: store.trouble is None)
    goes_on.clear()
    store.note_state(lambda: b"last")
    async with asyncio.timeout(1):
        await store.close(within_s=0.1)
    goes_on.set()


@pytest.mark.parametrize("content", [b"no database at all" * 500, b"SQLite format 3\0" + bytes(4080), b"\xff" * 100])
async def test_a_file_that_is_no_database_is_kept_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "phaeton.db").write_bytes(content)
    store = Store.open(tmp_path, CONFIG, LOG)
    assert (store.state, store.trouble) == (None, None)
    [kept] = aside(tmp_path)
    assert kept.read_bytes() == content
    [message] = store.messages
    assert str(tmp_path / "phaeton.db") in message
    assert kept.name in message
    await store.save_state(b"fresh")
    await store.close()
    again = Store.open(tmp_path, CONFIG, LOG)
    assert again.messages == []
    await again.close()


async def test_a_file_of_a_newer_phaeton_or_of_another_program_is_kept_aside(tmp_path: Path) -> None:
    for name, statements, words in (
        ("newer", ("PRAGMA application_id=1349017925", "PRAGMA user_version=99", "CREATE TABLE a (b)"), "newer"),
        ("other", ("CREATE TABLE a (b)",), "another program"),
    ):
        where = tmp_path / name
        where.mkdir()
        db = sqlite3.connect(where / "phaeton.db")
        for statement in statements:
            db.execute(statement)
        db.close()
        store = Store.open(where, CONFIG, LOG)
        assert len(aside(where)) == 1
        assert words in store.messages[0]
        await store.save_state(b"fresh")
        await store.close()


async def test_damage_that_shows_only_later_loses_neither_state_nor_facts(tmp_path: Path) -> None:
    await filled(tmp_path)
    path = tmp_path / "phaeton.db"
    db = sqlite3.connect(path)
    page, size = (
        db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'session'").fetchone()[0],
        db.execute("PRAGMA page_size").fetchone()[0],
    )
    db.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xee" * size
    path.write_bytes(content)

    store = Store.open(tmp_path, CONFIG, LOG)
    assert store.messages == []
    await store.add_session(stay(100))
    assert len(store.messages) == 1
    assert await store.sessions() == [stay(100)]
    await store.close()
    again = Store.open(tmp_path, CONFIG, LOG)
    assert again.state is not None
    assert again.state.blob == b"the state" * 1_000
    assert again.fact("number") == "42"
    assert await again.sessions() == [stay(100)]
    await again.close()


async def test_damage_that_a_query_meets_is_answered_with_a_fresh_file(tmp_path: Path) -> None:
    await filled(tmp_path)
    path = tmp_path / "phaeton.db"
    db = sqlite3.connect(path)
    page = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'slot'").fetchone()[0]
    db.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xee" * 4096
    path.write_bytes(content)
    store = Store.open(tmp_path, CONFIG, LOG)
    assert await store.energy(0, 1e12) == []
    await until(lambda: store.commits == 1)
    assert len(store.messages) == 1
    await store.close()
    again = Store.open(tmp_path, CONFIG, LOG)
    assert again.state is not None
    assert again.fact("number") == "42"
    await again.close()


async def test_a_header_that_forbids_writing_is_damage_and_no_full_disk(tmp_path: Path) -> None:
    await filled(tmp_path)
    path = tmp_path / "phaeton.db"
    content = bytearray(path.read_bytes())
    content[18] = 3
    path.write_bytes(content)
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.save_state(b"after")
    assert store.trouble is None
    assert len(store.messages) == 1
    await store.close()
    again = Store.open(tmp_path, CONFIG, LOG)
    assert again.state is not None
    assert again.state.blob == b"after"
    await again.close()


FIRST_PAGE = 4096
DAMAGE = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 100), st.integers(0, FIRST_PAGE), st.integers(0, 10**6)),  # the head means most
        st.binary(min_size=1, max_size=200),
    ),
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(with_log=st.booleans(), in_log=st.booleans(), damage=DAMAGE, cut=st.none() | st.integers(0, 10**6))
async def test_no_damage_stops_the_daemon_or_gives_a_wrong_state(
    with_log: bool,
    in_log: bool,
    damage: list[tuple[int, bytes]],
    cut: int | None,
    good_files: Path,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        where = Path(name)
        for file in ("phaeton.db", "phaeton.db-wal") if with_log else ("phaeton.db",):
            content = bytearray((good_files / ("killed" if with_log else "closed") / file).read_bytes())
            if file.endswith("-wal") == (in_log and with_log):
                for place, change in damage:
                    start = place % len(content)
                    content[start : start + len(change)] = change
                if cut is not None:
                    del content[cut % len(content) :]
            (where / file).write_bytes(content)

        store = Store.open(where, CONFIG, LOG)
        assert store.trouble is None
        assert store.state is None or store.state.blob in (b"the state" * 1_000, b"newest")
        await store.sessions()
        await store.energy(0, 1e12)
        store.add_slots([slot(5.0)])
        await asyncio.gather(store.save_state(b"after"), store.add_session(stay(7)), store.set_fact("a", "b"))
        assert (await store.sessions(limit=1000, point="1")).count(stay(7)) == 1
        await store.close()
        again = Store.open(where, CONFIG, LOG)
        assert again.state is not None
        assert (again.state.blob, again.fact("a")) == (b"after", "b")
        await again.close()


@pytest.fixture(scope="module")
def good_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that was ``closed``, and the file and its log of one that was ``killed``."""
    where = tmp_path_factory.mktemp("good")

    async def make() -> None:
        await filled(where / "closed")
        await filled(where / "running")
        store = Store.open(where / "running", CONFIG, LOG)
        await store.save_state(b"newest")
        shutil.copytree(where / "running", where / "killed")
        await store.close()

    asyncio.run(make())
    assert not (where / "closed" / "phaeton.db-wal").exists()
    return where


async def test_spoiled_files_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"phaeton.db.corrupt-2020010{number}T000000Z").write_bytes(b"")
    (tmp_path / "phaeton.db").write_bytes(b"spoiled" * 100)
    store = Store.open(tmp_path, CONFIG, LOG)
    await store.close()
    kept = aside(tmp_path)
    assert len(kept) == 3
    assert kept[0].name == "phaeton.db.corrupt-20200104T000000Z"


async def test_a_state_that_the_caller_cannot_read_is_kept_aside(tmp_path: Path) -> None:
    await filled(tmp_path)
    store = Store.open(tmp_path, CONFIG, LOG)
    store.set_aside_state("unknown field")
    assert store.state is None
    [kept] = aside(tmp_path, "phaeton-state.bin")
    assert kept.read_bytes() == b"the state" * 1_000
    [message] = store.messages
    assert "unknown field" in message
    assert str(kept) in message
    assert len(await store.sessions()) == 40, "the history stays"
    await store.close()


def test_without_sqlite_a_plain_file_keeps_the_state_and_the_last_sessions(tmp_path: Path) -> None:
    _, messages, state, stored, energy = words_of_child("no-sqlite", tmp_path)
    assert "has no sqlite3" in messages
    assert state == "state None None 0"
    assert stored == "stored 3"
    assert energy == "energy []"
    assert [path.name for path in tmp_path.iterdir()] == ["phaeton-state.json"]
    assert words_of_child("no-sqlite", tmp_path)[2] == "state b'new' 7 100"
    (tmp_path / "phaeton-state.json").write_bytes(b'{"version": 1, "state": {"blob": 7')
    _, messages, state, *_ = words_of_child("no-sqlite", tmp_path)
    assert "a fresh one is begun" in messages
    assert state == "state None None 0"
    assert len(aside(tmp_path, "phaeton-state.json")) == 1
