"""The invariants over what was recorded: the recordings of this repository, and values of real Victron devices."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.recording import open_recording, start
from phaeton.replay.victron import site_of
from phaeton.streams.graph import site_graph
from tests.property.events import points_of
from tests.property.invariants import LONG, Watch
from tests.scenarios.site import UTC, charger, config

RECORDINGS = Path(__file__).parents[1] / "recordings"
EVENTS = Path(__file__).parents[2].parent / "shared" / "data" / "history"
"""Tables of Victron's events that are not passed on with this repository; looked at where they are."""
FILES = sorted(RECORDINGS.glob("*.phaeton"))
VICTRON = {"devices": sorted((RECORDINGS / "victron").glob("*.csv"))}
VICTRON |= {path.name.partition(".")[0]: [path] for path in sorted(EVENTS.glob("victron_dbus_*_events.csv.gz"))}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_invariants_hold_over_a_recording(path: Path) -> None:
    for part in open_recording(path).parts:
        watch = Watch(LONG)
        state = start(part.header).state
        for step in part.steps():
            state, _ = watch.step(state, step.event)
        assert watch.decisions > 0


@pytest.mark.parametrize("mode", ["auto", "manual"])
@pytest.mark.parametrize("name", VICTRON)
def test_the_invariants_hold_over_the_values_of_real_devices(name: str, mode: str) -> None:
    setup = config(charger(mode=mode))
    watch = Watch(LONG)
    for _ in site_of(VICTRON[name], watch.graph(site_graph(setup, points_of(setup), UTC).initial)):
        pass
    assert watch.decisions > 0
