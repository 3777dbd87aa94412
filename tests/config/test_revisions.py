"""Earlier texts are kept for their owner only, within bounds, and a damaged one does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.config import revisions
from phaeton.config.revisions import Revisions


def test_they_are_numbered_and_the_newest_comes_first(tmp_path: Path) -> None:
    kept = Revisions(tmp_path)
    assert (kept.all(), kept.newest()) == ([], None)
    for number in range(1, 4):
        assert kept.add(1.0, "someone", f"text {number}").number == number
    assert [one.text for one in kept.all()] == ["text 3", "text 2", "text 1"]
    found = kept.get(2)
    assert found is not None
    assert found.text == "text 2"
    assert kept.get(9) is None


def test_nobody_else_reads_them(tmp_path: Path) -> None:
    Revisions(tmp_path).add(1.0, "someone", "token: x")
    assert (tmp_path / "revisions").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "revisions").iterdir()} == {0o600}


def test_they_never_fill_a_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Revisions(tmp_path)
    for number in range(revisions.MOST + 10):
        kept.add(1.0, "someone", f"text {number}")
    assert [one.number for one in kept.all()] == list(range(revisions.MOST + 10, 10, -1))
    monkeypatch.setattr(revisions, "MOST_BYTES", 1000)
    kept.add(1.0, "someone", "x" * 2000)
    assert [one.number for one in kept.all()] == [revisions.MOST + 11], "the newest stays, however long"


def test_a_damaged_one_is_left_out_and_its_number_is_not_used_again(tmp_path: Path) -> None:
    kept = Revisions(tmp_path)
    kept.add(1.0, "someone", "one")
    kept.add(1.0, "someone", "two")
    (tmp_path / "revisions" / "00000002.json").write_bytes(b"\xff{")
    assert [one.text for one in kept.all()] == ["one"]
    assert kept.add(1.0, "someone", "three").number == 3
