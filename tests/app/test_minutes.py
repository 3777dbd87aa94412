"""The minutes of the daemon: collected from outputs, complete after a restart, and read by who asks for the past."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec.structs import replace

from phaeton.app.minutes import HAND_OVER_S, MinuteKeeper
from phaeton.config.tree import Store as StoreConfig
from phaeton.minutes import Block, decode
from phaeton.model import Output
from phaeton.sinks.store import Store
from tests import outputs

NOON_S = outputs.NOON_UTC_S


def opened(folder: Path) -> Store:
    return Store.open(folder, StoreConfig(history_days=36500, series_days=3650), logging.getLogger("test"))


def at(second: float, power_w: float = 6480.0) -> Output:
    return outputs.output(1000.0 + second, read=replace(outputs.reading(), power_w=power_w))


async def known(keeper: MinuteKeeper) -> list[Block]:
    found: list[Block] = []
    await keeper.fold(NOON_S - 7200.0, NOON_S + 86_400.0, found.append)
    return found


async def test_the_present_hour_is_known_to_the_second(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"])
    for second in range(90):
        keeper.publish(at(second, 6000.0 if second < 60 else 3000.0))
        keeper.publish(at(second + 0.3, 99_000.0))  # a command within the second
    (block,) = await known(keeper)
    power = block.lanes["power_w/1"]
    assert (list(power.known_s[:2]), list(power.mean[:2])) == ([60, 30], [6000, 3000])
    assert block.lanes["pv_w"].mean[0] == 8240
    assert block.lanes["house_w"].mean[0] == 7090 - 6000
    assert block.lanes["import_per_kwh"].mean[0] == 25_000
    await store.close()


async def test_a_restart_within_the_hour_loses_nothing_that_was_handed_over(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"])
    for second in range(130):
        keeper.publish(at(second))
    keeper.hand_over()
    await store.close()
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"])
    for second in range(125, 185):
        keeper.publish(at(second))
    (block,) = await known(keeper)
    assert list(block.lanes["power_w/1"].known_s[:5]) == [60, 60, 55, 5, 0]
    packed = [decode(raw) for raw in await keeper.packed(NOON_S, NOON_S + 3600.0)]
    assert [one.start_s for one in packed] == [NOON_S, NOON_S]
    await store.close()


async def test_it_is_handed_over_every_ten_minutes_and_at_the_end_of_the_hour(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"])
    given: list[int] = []
    store.add_block = lambda block: given.append(sum(block.lanes["pv_w"].known_s))  # type: ignore[method-assign]
    for second in range(3700):
        keeper.publish(at(second))
    every = int(HAND_OVER_S)
    assert given == [*range(every + 1, 3600, every), 3600]
    await store.close()


async def test_points_that_come_and_go_have_lanes_of_their_own(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"])
    for second in range(60):
        keeper.publish(at(second))
    keeper.use(["1", "2"])
    for second in range(60, 120):
        made = outputs.output(1000.0 + second, more=(outputs.waiting("2"),))
        keeper.publish(made)
    (block,) = await known(keeper)
    assert list(block.lanes["power_w/1"].known_s[:2]) == [60, 60]
    assert list(block.lanes["power_w/2"].known_s[:2]) == [0, 60]
    await store.close()


async def test_nothing_goes_to_the_disk_where_none_is_wanted(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keeper = MinuteKeeper(store, ["1"], keep=False)
    for second in range(3700):
        keeper.publish(at(second))
    keeper.hand_over()
    blocks = await known(keeper)
    assert [block.start_s for block in blocks] == [NOON_S + 3600]
    await store.close()
