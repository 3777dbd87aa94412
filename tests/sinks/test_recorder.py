"""The recorder on real files: days, restarts, kills, full disks, old files, secrets."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import subprocess
import sys
import threading
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from phaeton.config import tree
from phaeton.config.points import charging_points
from phaeton.model import Output, Tick, Unavailable, VehicleReading, Zone
from phaeton.recording import MAGIC, Recording, open_recording
from phaeton.sinks import recorder as recorder_module
from phaeton.sinks.recorder import Recorder, recordings_in
from phaeton.sinks.worker import Worker
from phaeton.streams.situation import ConfigChanged
from tests.recorded import identical, tapped
from tests.scenarios.site import Run, charger, config, site
from tests.waiting import until

LOG = logging.getLogger("test")
EVENING_UTC_S = datetime(2026, 6, 20, 21, 55, tzinfo=UTC).timestamp()
"""Five minutes before midnight in Amsterdam."""
AMSTERDAM = Zone("Europe/Amsterdam", ((-1e18, 7200.0),))


class Bench:
    """A recorder and a worker of its own."""

    def __init__(self, folder: Path, record: tree.Record) -> None:
        self.folder = folder
        self.worker = Worker()
        self.recorder = Recorder(folder, record, self.worker, LOG)

    def of(self, run: Run) -> Run:
        self.recorder.begin(run.state)
        return tapped(run, (self.recorder.event, self.recorder.stepped))

    def names(self) -> list[str]:
        return [name for name, _ in recordings_in(self.folder)]

    def opened(self) -> list[Recording]:
        return [open_recording(self.folder / name) for name in self.names()]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    made = Bench(tmp_path / "recordings", tree.Record(enabled=True, flush_s=3600.0))
    yield made
    await made.recorder.close()
    made.worker.stop()


def sunny(start_utc_s: float = EVENING_UTC_S) -> Run:
    return site(config(), pv=6000.0, start_utc_s=start_utc_s, zone=AMSTERDAM)


async def test_each_day_of_the_site_has_its_file_and_each_file_replays_alone(bench: Bench) -> None:
    run = bench.of(sunny())
    run.run(600.0)
    await bench.recorder.flush()
    assert bench.names() == ["2026-06-20.phaeton", "2026-06-21.phaeton"]
    before, behind = bench.opened()
    assert [part.header.cause for part in (*before.parts, *behind.parts)] == ["start", "day"]
    assert all(sum(identical(recording)) > 300 for recording in (before, behind))
    first = next(behind.parts[0].steps())
    assert isinstance(first.event, Tick)
    assert first.event.utc_s == EVENING_UTC_S + 300.0


async def test_a_late_reading_of_yesterday_does_not_turn_the_page_back(bench: Bench) -> None:
    run = bench.of(sunny())
    run.run(310.0)
    run.feed(run.plant.chargers[0].reading(run.now()[0], EVENING_UTC_S + 299.0))
    run.run(320.0)
    await bench.recorder.flush()
    assert [len(recording.parts) for recording in bench.opened()] == [1, 1]


async def test_a_restart_goes_on_in_the_same_file(bench: Bench, tmp_path: Path) -> None:
    bench.of(sunny()).run(60.0)
    await bench.recorder.close()
    again = Bench(bench.folder, tree.Record(enabled=True, flush_s=3600.0))
    run = sunny(EVENING_UTC_S + 90.0)
    again.of(run).run(60.0)
    await again.recorder.close()
    (recording,) = bench.opened()
    assert [part.header.cause for part in recording.parts] == ["start", "start"]
    assert len(list(identical(recording))) == 2


async def test_nothing_is_written_before_its_time_and_then_at_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tree.Record(enabled=True, flush_s=0.2))
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    run = bench.of(sunny())
    while bench.recorder.flushes < 3:
        run.run(run.time_s + 1.0)
        await asyncio.sleep(0.001)
    assert loop.time() - began_s >= 3 * 0.2
    await bench.recorder.close()
    assert sum(sum(identical(recording)) for recording in bench.opened()) > 0


async def test_a_graph_that_began_anew_begins_a_new_part(bench: Bench) -> None:
    run = bench.of(sunny())
    run.run(30.0)
    bench.recorder.event(Tick(*run.now()))  # upon this the graph failed: nothing comes behind it
    bench.recorder.event(Tick(*run.now()))  # it does not take this one either
    bench.recorder.begin(run.state, "graph")
    run.run(60.0)
    await bench.recorder.flush()
    (recording,) = bench.opened()
    first, second = recording.parts
    assert second.header.cause == "graph"
    *_, before, last = first.steps()
    assert (before.failed, last.failed, last.checksum) == (False, True, None)
    assert sum(identical(structs.replace(recording, parts=(second,)))) > 60


def test_what_was_flushed_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    dice = random.Random(3)
    for parts in range(1, 7):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.sinks.recorder_child", "write", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        timer = threading.Timer(dice.uniform(0.0, 0.3), process.kill)
        timer.start()
        said = process.stdout.read()
        process.wait(10)
        assert process.stderr.read() == ""
        process.stdout.close()
        process.stderr.close()
        acknowledged = max([0, *(int(n) for n in said.split("\n")[:-1])])
        (file,) = tmp_path.iterdir()
        recording = open_recording(file)
        assert len(recording.parts) == parts
        assert list(identical(recording))[-1] >= acknowledged
    assert acknowledged > 0


def test_a_full_disk_costs_the_time_that_it_was_full(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sinks.recorder_child", "full", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["trouble File too large", "trouble File too large", "well ''"]
    assert "charging goes on" in done.stderr
    (file,) = tmp_path.iterdir()
    recording = open_recording(file)
    assert recording.lost_bytes == 0
    assert [part.header.cause for part in recording.parts] == ["start", "gap"]
    assert all(count > 100 for count in identical(recording))


async def test_a_disk_that_hangs_costs_no_memory(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 500)
    hung = threading.Event()
    stuck = bench.worker.run(hung.wait)
    run = bench.of(sunny())
    run.run(200.0)
    assert len(bench.recorder._waiting) < 502
    assert "does not answer" in bench.recorder.trouble
    hung.set()
    await stuck
    await bench.recorder.flush()
    assert bench.recorder.trouble == ""
    (recording,) = bench.opened()
    assert [part.header.cause for part in recording.parts] == ["gap"]
    assert sum(identical(recording)) > 0


async def test_the_last_of_the_disk_is_left_to_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "KEPT_FREE_BYTES", 1 << 60)
    bench.of(sunny()).run(10.0)
    await bench.recorder.flush()
    assert "of the disk are free" in bench.recorder.trouble
    assert bench.names() == []


def old(folder: Path, name: str, size: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(MAGIC + os.urandom(size - len(MAGIC)))


async def test_old_days_go_and_strange_files_stay(tmp_path: Path) -> None:
    for day in ("2026-06-16", "2026-06-17", "2026-06-18", "2026-06-19"):
        old(tmp_path, f"{day}.phaeton", 1000)
    old(tmp_path, "notes.phaeton", 1000)
    bench = Bench(tmp_path, tree.Record(enabled=True, days=3))
    bench.of(sunny()).run(10.0)
    await bench.recorder.close()
    assert bench.names() == ["2026-06-18.phaeton", "2026-06-19.phaeton", "2026-06-20.phaeton"]
    assert (tmp_path / "notes.phaeton").exists()


async def test_the_oldest_go_when_all_are_too_large(tmp_path: Path) -> None:
    for day in ("2026-06-17", "2026-06-18", "2026-06-19"):
        old(tmp_path, f"{day}.phaeton", 600_000)
    bench = Bench(tmp_path, tree.Record(enabled=True, mb=1.0))
    bench.of(sunny()).run(10.0)
    await bench.recorder.close()
    assert bench.names() == ["2026-06-19.phaeton", "2026-06-20.phaeton"]


async def test_a_day_that_alone_is_too_large_ends_and_the_next_one_is_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tree.Record(enabled=True, mb=0.006))
    run = bench.of(sunny())
    while not bench.recorder.trouble and run.time_s < 290.0:
        run.run(run.time_s + 20.0)
        await bench.recorder.flush()
    assert "record.mb" in bench.recorder.trouble
    for until_s in (310.0, 330.0):
        run.run(until_s)
        await bench.recorder.flush()
    assert bench.names()[-1] == "2026-06-21.phaeton"
    await bench.recorder.close()
    assert all(size <= 6_000 for _, size in recordings_in(tmp_path))


async def test_a_file_of_somebody_else_is_left_alone(bench: Bench) -> None:
    bench.folder.mkdir()
    strange = bench.folder / "2026-06-20.phaeton"
    strange.write_bytes(b"something else")
    bench.of(sunny()).run(10.0)
    await bench.recorder.flush()
    assert strange.read_bytes() == b"something else"
    assert sum(identical(open_recording(bench.folder / "2026-06-20_2.phaeton"))) > 0


async def test_an_unusable_folder_is_told_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    bench = Bench(tmp_path / "file" / "recordings", tree.Record(enabled=True))
    run = bench.of(sunny())
    run.run(10.0)
    await bench.recorder.flush()
    assert bench.recorder.trouble == "Not a directory"
    assert run.output is not None


async def test_secrets_do_not_enter(bench: Bench) -> None:
    setup = config(charger(profile_overlay={"api_key": "geheim-1"}))
    run = bench.of(site(setup, start_utc_s=EVENING_UTC_S))
    run.run(5.0)
    run.feed(Unavailable(*run.now(), "site", 1.0, "https://me:geheim-2@host refused token=geheim-3"))
    run.feed(VehicleReading(*run.now(), vehicle="car", note="the account refused password=geheim-5"))
    changed = config(charger(profile_overlay={"password": "geheim-4"}))
    run.feed(ConfigChanged(*run.now(), changed, charging_points(changed, {}), AMSTERDAM))
    run.run(10.0)
    await bench.recorder.flush()
    (recording,) = bench.opened()
    assert sum(identical(recording)) > 0
    (part,) = recording.parts
    whole = b""
    content = recording.path.read_bytes()
    expand = zlib.decompressobj()
    for place, length in part.frames:
        whole += expand.decompress(content[place : place + length])
    assert b"refused" in whole
    assert b"geheim" not in whole


async def test_recording_costs_a_step_next_to_nothing(bench: Bench) -> None:
    run = sunny()
    run.run(5.0)
    assert run.output is not None
    output: Output = run.output
    bench.recorder.begin(run.state)
    loop = asyncio.get_running_loop()
    events = [Tick(1000.0 + n, EVENING_UTC_S + n * 1e-3) for n in range(10_000)]
    began_s = loop.time()
    for event in events:
        bench.recorder.event(event)
        bench.recorder.stepped(run.state, output)
    assert (loop.time() - began_s) / len(events) < 100e-6


async def test_the_timer_flushes_by_itself(tmp_path: Path) -> None:
    bench = Bench(tmp_path, tree.Record(enabled=True, flush_s=0.01))
    bench.of(sunny()).run(5.0)
    await until(lambda: bench.recorder.flushes == 1)
    await bench.recorder.close()
    assert sum(identical(bench.opened()[0])) > 0
