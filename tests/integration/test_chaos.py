"""A few blows in random order; ``python -m tests.chaos`` deals out many."""

from __future__ import annotations

from pathlib import Path

from tests import chaos


async def test_after_each_blow_all_is_as_its_owner_asked(tmp_path: Path) -> None:
    done = (await chaos.run(tmp_path, seed=7, blows=6)).done
    assert len(done) == 6
