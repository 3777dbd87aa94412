"""What the store is given, and how seldom while nothing happens."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec.structs import replace

from phaeton.app.keeper import IDLE_S, Keeper
from phaeton.config.tree import Store as StoreConfig
from phaeton.model import Output, Session
from phaeton.sinks.store import Store
from tests.scenarios import site as world


def outputs(seconds: int, *, plugged: bool) -> list[Output]:
    """Decisions of a house at night, one each second."""
    run = world.site(world.config(), cars=[world.car() if plugged else None])
    found: list[Output] = []
    for _ in range(seconds):
        run.step()
        assert run.output is not None
        found.append(run.output)
    return found


class Counting(Store):
    """A store that counts the notes of the state."""

    notes = 0

    def note_state(self, make: object) -> None:
        self.notes += 1


def keeper(folder: Path) -> tuple[Keeper, Counting]:
    store = Counting.open(folder, StoreConfig(), logging.getLogger("test"))
    assert isinstance(store, Counting)
    return Keeper(store, lambda: b""), store


async def test_an_idle_house_is_noted_once_in_ten_minutes(tmp_path: Path) -> None:
    keep, store = keeper(tmp_path)
    for output in outputs(int(IDLE_S) + 100, plugged=False)[5:]:
        keep.publish(output)
    assert store.notes <= 3
    await store.close()


async def test_with_a_car_every_decision_may_be_kept(tmp_path: Path) -> None:
    keep, store = keeper(tmp_path)
    for output in outputs(30, plugged=True):
        keep.publish(output)
    assert store.notes == 30
    await keep.close()
    await store.close()


async def test_a_stay_is_kept_at_its_start_and_at_its_end(tmp_path: Path) -> None:
    keep, store = keeper(tmp_path)
    run = world.site(world.config())
    run.at(20, run.plant.chargers[0].unplug)
    for _ in range(40):
        run.step()
        assert run.output is not None
        keep.publish(run.output)
        if run.time_s == 10:
            await keep.close()
            (begun,) = await store.sessions()
            assert begun.end_utc_s is None
    await keep.close()
    (ended,) = await store.sessions()
    assert ended.end_utc_s is not None
    assert replace(ended, end_utc_s=None).id == begun.id
    await store.close()


async def test_a_stay_that_a_lost_state_left_open_is_closed_at_the_next_start(tmp_path: Path) -> None:
    keep, store = keeper(tmp_path)
    (output,) = outputs(1, plugged=False)
    await store.add_session(Session(id="1-5-1", point="1", start_utc_s=5.0, charging_s=60.0))
    keep.publish(output)
    await keep.close()
    (stay,) = await store.sessions()
    assert stay.end_utc_s == 65.0
    await store.close()
