"""The launcher with real processes: it starts what is current, tries what is new, and takes back what does not do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from phaeton.updates.place import Place
from tests.updates.folder import CRASHES, GOOD, HANGS, ONCE, add, installed
from tests.waiting import until

Line = Callable[[], Awaitable[str]]


@asynccontextmanager
async def launched(place: Place, *arguments: str, trial_s: int = 60) -> AsyncIterator[tuple[Process, Line]]:
    """The launcher in its own group of processes, none of which outlives the test."""
    process = await asyncio.create_subprocess_exec(
        place.root / "run", *arguments, stdout=PIPE, stderr=PIPE, start_new_session=True, cwd="/",
        env={"PATH": os.environ["PATH"], "PHAETON_TRIAL_S": str(trial_s)},
    )  # fmt: skip
    assert process.stdout is not None
    output = process.stdout

    async def line() -> str:
        async with asyncio.timeout(5.0):
            return (await output.readline()).decode().strip()

    try:
        yield process, line
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it ended a moment ago
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()


async def told(process: Process) -> tuple[int, list[str], str]:
    """Exit code, what the programs said, what the launcher said."""
    async with asyncio.timeout(10.0):
        output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode().splitlines(), errors.decode()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return installed(tmp_path / "with a space", "1.0")


async def test_it_becomes_the_current_version(tmp_path: Path) -> None:
    place = installed(tmp_path / "phaeton", "1.0", program=GOOD)
    async with launched(place, "run", "-c", "my file") as (process, line):
        assert await line() == "1.0 starts run -c my file"
        process.terminate()  # it is the program itself, there is nobody between
        assert await line() == "1.0 ends"
        assert (await told(process))[0] == 0


async def test_a_new_version_that_is_confirmed_stays_and_gets_the_signals(place: Place) -> None:
    add(place, "2.0", GOOD)
    place.begin_trial("2.0")
    async with launched(place, trial_s=1) as (process, line):
        assert await line() == "2.0 starts"
        place.confirm()
        assert (place.current, place.previous, place.pending) == ("2.0", "1.0", None)
        process.terminate()
        assert await line() == "2.0 ends"
        assert await told(process) == (0, [], "")


async def test_one_that_crashes_three_times_is_taken_back(place: Place) -> None:
    add(place, "2.0", CRASHES)
    place.begin_trial("2.0")
    async with launched(place, "run") as (process, _):
        code, lines, said = await told(process)
    assert lines == ["2.0 starts run"] * 3 + ["1.0 starts run"]
    assert code == 0
    assert "version 2.0 is taken back, 1.0 runs again" in said
    assert (place.current, place.pending) == ("1.0", None)
    assert place.failed == {"2.0": "it ended 3 times before it was well"}


async def test_one_that_hangs_is_killed_and_taken_back(place: Place) -> None:
    add(place, "2.0", HANGS)
    place.begin_trial("2.0")
    async with launched(place, trial_s=1) as (process, _):
        code, lines, _ = await told(process)
    assert (code, lines) == (0, ["2.0 starts", "1.0 starts"])
    assert place.failed == {"2.0": "it was not well within 1 s"}


async def test_one_that_ends_the_machine_with_it_is_taken_back_too(place: Place) -> None:
    add(place, "2.0", HANGS)
    place.begin_trial("2.0")
    for _ in range(3):
        async with launched(place) as (process, line):
            assert await line() == "2.0 starts"
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    async with launched(place) as (process, line):
        assert await line() == "1.0 starts"
    assert place.current == "1.0"


async def test_an_orderly_restart_within_the_trial_is_no_failure(place: Place) -> None:
    add(place, "2.0", GOOD)
    place.begin_trial("2.0")
    for _ in range(4):
        async with launched(place) as (process, line):
            assert await line() == "2.0 starts"
            process.send_signal(signal.SIGTERM)
            code, lines, _ = await told(process)
            assert (code, lines) == (0, ["2.0 ends"])
    assert place.pending is not None


async def test_one_that_asks_to_be_started_again_when_it_is_confirmed_is(place: Place) -> None:
    waits = ONCE + f'while [ ! -f "{place.root}/go" ]; do sleep 0.02; done\nexit 75\n'
    add(place, "2.0", waits)
    place.begin_trial("2.0")
    async with launched(place) as (process, line):
        assert await line() == "2.0 starts"
        place.confirm()
        add(place, "3.0", ONCE)
        place.begin_trial("3.0")
        (place.root / "go").touch()
        assert await line() == "3.0 starts"
        assert process.returncode is None


async def test_without_a_current_version_the_previous_one_is_started(place: Place) -> None:
    add(place, "0.9", ONCE)
    (place.root / "previous").symlink_to("versions/0.9")
    (place.root / "current").unlink()
    async with launched(place) as (process, line):
        assert await line() == "0.9 starts"
        assert "there is no current version: 0.9 is used" in (await told(process))[2]
    assert place.current == "0.9"


async def test_a_folder_without_any_version_says_what_to_do(tmp_path: Path) -> None:
    root = tmp_path / "phaeton"
    root.mkdir()
    place = Place(root)
    place.install_launcher()
    async with launched(place) as (process, _):
        code, _, said = await told(process)
    assert code == 111
    assert "install it anew" in said


async def test_a_trial_whose_link_was_not_switched_any_more_never_began(place: Place) -> None:
    add(place, "2.0", CRASHES)
    (place.root / "pending").write_text("2.0\n1.0\n")
    async with launched(place) as (process, _):
        code, lines, said = await told(process)
    assert (code, lines, said) == (0, ["1.0 starts"], "")
    assert not (place.root / "pending").exists()


async def test_a_rollback_is_tried_as_well_and_comes_back(place: Place) -> None:
    add(place, "2.0", ONCE)
    place.begin_trial("2.0")
    place.confirm()
    (place.versions / "1.0/bin/phaeton").write_text(CRASHES.replace("{version}", "1.0"))
    place.begin_trial("1.0")
    async with launched(place) as (process, _):
        lines = (await told(process))[1]
    assert lines == ["1.0 starts"] * 3 + ["2.0 starts"]


async def test_two_versions_are_kept(place: Place) -> None:
    for version in ("2.0", "3.0"):
        add(place, version)
        place.begin_trial(version)
        place.confirm()
    assert {path.name for path in place.versions.iterdir()} == {"2.0", "3.0"}
    assert (place.current, place.previous) == ("3.0", "2.0")


async def test_the_launcher_needs_few_programs_only(tmp_path: Path) -> None:
    """Those of busybox on the smallest machine; `readlink` and `mv -T` are among them."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "readlink", "mv", "rm", "ln", "sleep", "kill", "sync"):
        found = next(path for folder in ("/bin", "/usr/bin") if (path := Path(folder, name)).exists())
        (tools / name).symlink_to(found)
    place = installed(tmp_path / "phaeton", "1.0", program="#!/bin/sh\necho {version}\n")
    add(place, "2.0", "#!/bin/sh\nexit 3\n")
    place.begin_trial("2.0")
    process = await asyncio.create_subprocess_exec(
        place.root / "run", env={"PATH": str(tools)}, stdout=PIPE, stderr=PIPE
    )
    assert (await told(process))[1] == ["1.0"]
    await until(lambda: place.current == "1.0")
