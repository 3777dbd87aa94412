"""The power is cut, or the disk is full, at each single change of the disk: a version that works is always started."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from tests.updates.folder import ONCE, bundle_in, installed
from tests.updates.power_cut import DISK, DONE, REFUSED, UNHARMED


class Told(Struct):
    """What became of one try."""

    number: int
    code: int
    current: str | None
    after: str | None
    again: int
    starts: list[str] = []
    exit: int = 0


def cut_everywhere(tmp_path: Path, cut: str) -> list[Told]:
    installed(tmp_path / "phaeton", "1.0", "0.9")
    bundle_in(tmp_path / "release-2.0", "2.0", ONCE)
    (tmp_path / "tries").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "tests.updates.power_cut", tmp_path / "phaeton", tmp_path / "tries", cut],
        capture_output=True, text=True, timeout=300, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [msgspec.convert(json.loads(line), Told) for line in done.stdout.splitlines()]


def test_after_a_power_cut_at_any_change_the_next_start_finds_a_version_that_works(tmp_path: Path) -> None:
    tries = cut_everywhere(tmp_path, "power")
    assert len(tries) > 40
    assert {one.code for one in tries[:-1]} == {-9}
    assert tries[-1].code == DONE
    for one in tries:
        assert one.current in ("1.0", "2.0"), one  # never 0.9, never none
        assert one.exit == 0, one
        assert one.starts, one
        assert set(one.starts) <= {"1.0 starts", "2.0 starts"}, one
        assert one.after in ("1.0", "2.0"), one
        assert one.again == DONE, one  # what is left over does not hinder the next update
    assert {one.current for one in tries} == {"1.0", "2.0"}


def test_a_disk_that_is_full_at_any_change_ends_the_update_and_not_the_program(tmp_path: Path) -> None:
    tries = cut_everywhere(tmp_path, "full")
    assert len(tries) > 40
    for one in tries:
        assert one.code in (DONE, REFUSED, DISK, UNHARMED), one
        assert one.current in ("1.0", "2.0"), one
        assert one.again == DONE, one
