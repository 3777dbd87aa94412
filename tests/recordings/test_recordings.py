"""What was decided once is decided again."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.recording import open_recording
from tests.recorded import judged

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.phaeton"))
LARGEST_BYTES = 200_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_is_decided_as_it_was(path: Path) -> None:
    recording = open_recording(path)
    assert recording.lost_bytes == 0
    for part in recording.parts:
        judge = judged(part)
        assert judge.decisions > 0
        assert judge.first is None, f"see `phaeton replay {path}`; when this is wanted: --accept"


def test_every_recording_is_told_of_and_they_stay_small() -> None:
    told = (HERE / "README.md").read_text()
    assert [path.name for path in FILES if f"`{path.name}`" not in told] == []
    assert sum(path.stat().st_size for path in [*FILES, *HERE.rglob("*.csv")]) < LARGEST_BYTES
