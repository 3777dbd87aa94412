"""Simulation jobs: a real process over real minutes, one at a time, that fails, ends and leaves in good order."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from phaeton.app.jobs import MOST_KEPT, MOST_WAITING, Jobs
from phaeton.app.live_web import as_asked
from phaeton.config.tree_web import Web
from phaeton.model import Mode, Session
from phaeton.sinks.recorder import folder_of
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.simulations import JobRefusedError, JobsFullError, SimulationBody, SimulationStatus, VariantBody
from tests import outputs
from tests.app import recorded_days
from tests.waiting import PATIENCE_S, until

CLOUD = Path(__file__).parents[1] / "recordings" / "cloud.phaeton"
TWO_DAYS = SimulationBody(days=2, set={"auto": {"start_delay_s": 600}}, compare=["immediate"])
LONG = SimulationBody(days=2, compare=["immediate", "windows", "auto", "price_plan"], step_s=1)
"""Some minutes of work."""


@asynccontextmanager
async def running(folder: Path, **how: Any) -> AsyncIterator[Jobs]:
    store = await recorded_days.filled(folder)
    jobs = recorded_days.jobs(store, folder, **how)
    yield jobs
    await jobs.close()
    await store.close()


async def over(jobs: Jobs, key: str, within_s: float = PATIENCE_S) -> SimulationStatus:
    await until(lambda: (found := jobs.status(key)) is not None and found.ended is not None, within_s)
    found = jobs.status(key)
    assert found is not None
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def of_process(pid: int, what: str) -> str:
    return Path(f"/proc/{pid}/{what}").read_text(encoding="ascii")


async def process_of(jobs: Jobs) -> int:
    await until(lambda: jobs._process is not None and jobs._process.pid)
    assert jobs._process is not None
    return jobs._process.pid


async def test_settings_are_compared_over_recorded_days(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        first = await jobs.begin(TWO_DAYS)
        assert (first.state, first.runs) == ("queued", ["today", "variant", "immediate"])
        assert (first.start, first.end) == ("2026-05-30T22:00:00Z", "2026-06-01T22:00:00Z")
        done = await over(jobs, first.id)
        assert (done.state, done.error, done.progress) == ("done", "", 1.0)
        assert done.result is not None
        assert (done.result.data, done.result.step_s, done.result.known_h) == ("minutes", 60.0, 48.0)
        today, variant, immediate = done.result.outcomes
        assert today.saving == 0.0
        assert today.ev_kwh == pytest.approx(40.0, abs=0.1)
        assert immediate.grid_kwh > today.grid_kwh
        assert immediate.saving < 0.0
        assert immediate.ev_cost > today.ev_cost
        assert (variant.stays, variant.unmet_kwh, variant.starts) == (2, 0.0, None)
        assert "too coarse" in " ".join(done.result.notes)
        assert [one.day for one in today.days] == ["2026-05-31", "2026-06-01"]
        assert sum(one.pv_kwh for one in today.days) == pytest.approx(today.pv_kwh, abs=0.01)
        assert sum(one.cost for one in immediate.days) == pytest.approx(immediate.cost, abs=0.01)
        assert done.tried[1].set == {"auto": {"start_delay_s": 600.0}}
        assert done.tried[1].changed == ("auto.start_delay_s: 120.0 -> 600.0",)
        assert [one.set for one in done.tried] == [{}, done.tried[1].set, {}]
        (listed,) = jobs.all()
        assert listed.result is not None
        assert [one.days for one in listed.result.outcomes] == [(), (), ()]
        page = await jobs.report(first.id, "immediate")
        assert page is not None
        assert page.startswith(b"<!doctype html>")
        assert await jobs.report(first.id, "nothing") is None


async def test_the_days_that_are_known_are_told(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    shutil.copy(CLOUD, recordings / "2026-05-29.phaeton")
    store = await recorded_days.filled(tmp_path)
    jobs = recorded_days.jobs(store, tmp_path, recorder=str(recordings))
    found = await jobs.days()
    assert [(one.day, one.hours, one.recorded, one.stays, one.energy_kwh) for one in found.days] == [
        ("2026-05-29", 0, True, 0, 0.0),
        ("2026-05-31", 24, False, 1, 20.0),
        ("2026-06-01", 24, False, 1, 20.0),
    ]
    assert (found.records, found.keeps_days) == (False, 30)
    await jobs.close()
    await store.close()


async def test_nothing_secret_is_given_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    environments: list[dict[str, str]] = []
    real = asyncio.create_subprocess_exec

    async def watched(*command: str, **how: Any) -> Any:
        environments.append(how["env"])
        process = await real(*command, **how)
        write = process.stdin.write
        process.stdin.write = lambda data: (seen.append(data), write(data))[1]  # type: ignore[union-attr]
        return process

    monkeypatch.setattr(asyncio, "create_subprocess_exec", watched)
    monkeypatch.setenv("PHAETON_PRICES__TIBBER__TOKEN", "secret-of-tibber")
    async with running(tmp_path) as jobs:
        changed = {"prices": {"tibber": {"token": "another-secret"}}}
        done = await over(jobs, (await jobs.begin(SimulationBody(days=2, set=changed))).id)
    assert done.state == "done"
    told = b"".join(seen)
    assert b"start_delay_s" in told
    for secret in ("secret-of-tibber", "another-secret"):
        assert secret.encode() not in told
        assert secret not in " ".join(environments[0].values())
    assert not list((tmp_path / "simulations").rglob("*.json"))


async def test_one_runs_and_the_others_wait_their_turn(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        first = await jobs.begin(LONG)
        pid = await process_of(jobs)
        waiting = [await jobs.begin(TWO_DAYS) for _ in range(MOST_WAITING)]
        assert [job.state for job in jobs.all()] == ["queued"] * MOST_WAITING + ["running"]
        with pytest.raises(JobsFullError):
            await jobs.begin(TWO_DAYS)
        gone = await jobs.cancel(waiting[0].id)
        assert gone is not None
        assert gone.state == "cancelled"
        cancelled = await jobs.cancel(first.id)
        assert cancelled is not None
        assert (cancelled.state, cancelled.result) == ("cancelled", None)
        assert not alive(pid)
        assert (await over(jobs, waiting[1].id)).state == "done"


async def test_progress_is_told_and_the_process_stands_back(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        job = await jobs.begin(LONG)
        pid = await process_of(jobs)
        await until(lambda: jobs.all()[0].progress > 0.02)
        found = jobs.status(job.id)
        assert found is not None
        assert 0.02 < found.progress < 1.0
        assert found.eta_s is not None
        assert os.getpriority(os.PRIO_PROCESS, pid) == 19
        assert of_process(pid, "oom_score_adj").strip() == "1000"
        assert "400000000" in of_process(pid, "limits")


async def test_a_process_that_is_killed_is_a_failure_in_words(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        job = await jobs.begin(LONG)
        os.kill(await process_of(jobs), signal.SIGKILL)
        failed = await over(jobs, job.id)
        assert (failed.state, failed.result) == ("failed", None)
        assert "ended by signal 9" in failed.error
        assert (await over(jobs, (await jobs.begin(TWO_DAYS)).id)).state == "done"


async def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    async with running(tmp_path, longest_s=2.0) as jobs:
        job = await jobs.begin(LONG)
        pid = await process_of(jobs)
        failed = await over(jobs, job.id)
        assert failed.state == "failed"
        assert "took longer" in failed.error
        assert not alive(pid)


async def test_one_that_wants_too_much_memory_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, memory_bytes=30_000_000) as jobs:
        failed = await over(jobs, (await jobs.begin(TWO_DAYS)).id)
        assert failed.state == "failed"
        assert "memory" in failed.error


async def test_the_end_of_the_daemon_ends_it(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        await jobs.begin(LONG)
        pid = await process_of(jobs)
        await jobs.close()
        assert not alive(pid)
        assert [job.state for job in jobs.all()] == ["cancelled"]


async def test_it_ends_by_itself_when_the_daemon_is_gone(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        await jobs.begin(LONG)
        pid = await process_of(jobs)
        await until(lambda: jobs.all()[0].progress > 0.0)
        assert jobs._process is not None
        assert jobs._process.stdin is not None
        jobs._process.stdin.close()  # as the kernel does when the daemon dies
        await until(lambda: not alive(pid) or jobs._process is None)
        assert (await over(jobs, jobs.all()[0].id)).state == "failed"


async def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        first = await jobs.begin(TWO_DAYS)
        await over(jobs, first.id)
        keys = []
        for _ in range(MOST_KEPT + 1):
            job = await jobs.begin(TWO_DAYS)
            await jobs.cancel(job.id)
            keys.append(job.id)
        assert jobs.status(first.id) is None
        assert not (tmp_path / "simulations" / first.id).exists()
        assert len(jobs.all()) <= MOST_KEPT + 1
        forgotten = await jobs.cancel(keys[-1])
        assert forgotten is not None
        assert jobs.status(keys[-1]) is None


def nested(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(depth):
        found = {"auto": found}
    return found


def variants(*names: str) -> list[VariantBody]:
    return [VariantBody(name=name, set={}) for name in names]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (SimulationBody(), "set"),
        (SimulationBody(days=2, from_="2026-05-31T00:00:00Z", set={}), "days"),
        (SimulationBody(from_="2026-09-01T00:00:00Z", set={}), "from"),
        (SimulationBody(from_="2025-01-01T00:00:00Z", set={}), "from"),
        (SimulationBody(from_="2026-06-02T00:00:00Z", to="2026-06-01T00:00:00Z", set={}), "to"),
        (SimulationBody(from_="monday", set={}), "from"),
        (SimulationBody(to="2026-05-20T00:00:00Z", set={}), "days"),
        (SimulationBody(days=2, set={}, data="recordings"), "data"),
        (SimulationBody(days=2, set={"auto": {"start_delay_s": -1}}), "set.auto.start_delay_s"),
        (SimulationBody(days=2, set={"auto": {"start_delay": 1}}), "set.auto.start_delay"),
        (SimulationBody(days=2, set={"web": {"port": 80}}), "set.web"),
        (SimulationBody(days=2, variants=[VariantBody(name="a", set={"auto": 5})]), "variants[0].set.auto"),
        (SimulationBody(days=2, set=nested(100)), "set"),
        (SimulationBody(days=2, set=nested(5000)), "set"),
        (SimulationBody(days=2, variants=variants("a", "a")), "variants[1].name"),
        (SimulationBody(days=2, variants=variants("today")), "variants[0].name"),
        (SimulationBody(days=2, compare=["auto", "auto"]), "compare[1]"),
    ],
)
async def test_what_cannot_be_run_is_refused_with_its_field(tmp_path: Path, wanted: SimulationBody, field: str) -> None:
    async with running(tmp_path) as jobs:
        with pytest.raises((JobRefusedError, ProblemError)) as refused:
            await jobs.begin(wanted)
        assert refused.value.field == field  # type: ignore[union-attr]
        assert jobs.all() == []


async def test_too_many_steps_are_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        with pytest.raises(JobRefusedError, match="steps") as refused:
            await jobs.begin(SimulationBody(days=90, step_s=1, compare=["auto"], set={}))
        assert refused.value.field == "step_s"


async def test_a_house_without_minutes_fails_in_words(tmp_path: Path) -> None:
    store = await recorded_days.filled(tmp_path, days=0)
    jobs = recorded_days.jobs(store, tmp_path)
    failed = await over(jobs, (await jobs.begin(TWO_DAYS)).id)
    assert failed.state == "failed"
    assert "series_days" in failed.error
    await jobs.close()
    await store.close()


async def test_recorded_seconds_are_taken_where_they_cover_the_time(tmp_path: Path) -> None:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    shutil.copy(CLOUD, recordings / "2025-06-20.phaeton")
    store = await recorded_days.filled(tmp_path, stays=0)
    ten_s = 1_750_413_600.0  # 2025-06-20 10:00 UTC
    here = Session(
        id="car-1", point="car", start_utc_s=ten_s + 60.0, end_utc_s=ten_s + 2400.0, energy_kwh=1.0, vehicle="ev6"
    )
    await store.add_session(here)
    jobs = recorded_days.jobs(store, tmp_path, recorder=str(recordings))
    wanted = SimulationBody(from_="2025-06-20T10:00:00Z", to="2025-06-20T10:41:00Z", compare=["immediate"])
    done = await over(jobs, (await jobs.begin(wanted)).id)
    assert (done.state, done.error) == ("done", "")
    assert done.result is not None
    assert (done.result.data, done.result.step_s) == ("recordings", 10.0)
    today, immediate = done.result.outcomes
    assert immediate.starts == 1
    assert today.starts is not None
    assert immediate.ev_kwh == pytest.approx(1.0, abs=0.05)
    await jobs.close()
    await store.close()


# Over the API.


async def test_a_job_over_the_api(tmp_path: Path) -> None:
    async with running(tmp_path) as jobs:
        parts = Parts(
            submit=lambda *_: asyncio.sleep(0),
            sessions=jobs._store,
            diagnostics=Diagnostics,
            simulations=jobs,
        )
        server = WebServer(Web(port=0), [PointName("car")], parts)
        await server.start()
        try:
            async with aiohttp.ClientSession(server.address) as client:
                await _asked(client)
        finally:
            await server.stop()


async def _asked(client: aiohttp.ClientSession) -> None:
    async def get(path: str, status: int = 200) -> Any:
        async with client.get(path) as answer:
            assert answer.status == status, await answer.text()
            return json.loads(await answer.text())

    body = {"days": 2, "variants": [{"name": "late", "set": {"auto": {"start_delay_s": 600}}}]}
    async with client.post("/api/simulations", json=body) as answer:
        assert answer.status == 202
        made = await answer.json()
        where = f"/api/{answer.headers['Location']}"
    assert where == f"/api/simulations/{made['id']}"
    assert (await get(f"{where}/report", 404))["field"] == "run"

    tag = ""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + 30.0
    while loop.time() < end_s:
        async with client.get(where, headers={"If-None-Match": tag}) as answer:
            if answer.status == 304:
                assert await answer.read() == b""
            else:
                tag = answer.headers["ETag"]
                found = await answer.json()
                if found["state"] == "done":
                    break
        await asyncio.sleep(0.02)
    assert found["state"] == "done"
    assert [one["name"] for one in found["result"]["outcomes"]] == ["today", "late"]
    async with client.get(where, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    assert [job["id"] for job in await get("/api/simulations")] == [made["id"]]

    async with client.get(f"{where}/report?run=late") as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "sandbox allow-scripts" in policy
        assert "allow-same-origin" not in policy
        assert "default-src 'none'" in policy
        assert "<h2>" in await answer.text()
    async with client.delete(where) as answer:
        assert answer.status == 200
    assert (await get(where, 404))["status"] == 404

    for wrong, field in (
        ({"days": 0, "set": {}}, "days"),
        ({"days": 2, "set": {"auto": {"start_delay_s": "soon"}}}, "set.auto.start_delay_s"),
        ({"days": 2, "compare": ["best"]}, "compare[0]"),
        ({"days": 2, "variants": [{"name": "../x", "set": {}}]}, "variants[0].name"),
        ({"days": 2, "step_s": 7, "set": {}}, "step_s"),
        ({"weeks": 1}, "weeks"),
    ):
        async with client.post("/api/simulations", json=wrong) as answer:
            assert answer.status == 422, await answer.text()
            assert (await answer.json())["field"] == field


async def test_a_house_without_jobs_says_so(tmp_path: Path) -> None:
    store = await recorded_days.filled(tmp_path)
    parts = Parts(submit=lambda *_: asyncio.sleep(0), sessions=store, diagnostics=Diagnostics)
    server = WebServer(Web(port=0), [PointName("car")], parts)
    await server.start()
    async with aiohttp.ClientSession(server.address) as client, client.get("/api/simulations") as answer:
        assert answer.status == 503
    await server.stop()
    await store.close()


def test_a_simulation_begins_with_the_mode_that_was_asked_for_last() -> None:
    before = recorded_days.config()
    now = as_asked(before, outputs.output(1000.0, point=replace(outputs.decided("car"), mode=Mode.SCHEDULED)))
    assert (before.chargers[0].initial.mode, now.chargers[0].initial.mode) == ("auto", "scheduled")
    assert as_asked(before, None) is before
    elsewhere = outputs.output(1000.0, point=outputs.decided("another"))
    assert as_asked(before, elsewhere) == before


def test_the_tests_do_not_meet_recordings_of_this_machine() -> None:
    assert folder_of(recorded_days.config()) == Path(recorded_days.RECORDER)
