"""The writer of a charging point, against a simulated Alfen behind a real socket, whole and faulty."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import pytest

from phaeton.links.modbus import LinkSettings
from phaeton.model import ChargerWrite, WriteResult
from phaeton.profiles import load_profile
from tests.charger_bench import bench, decided, quick
from tests.waiting import until


async def test_a_decided_current_reaches_the_register_and_is_read_back() -> None:
    async with bench() as tried:
        point = tried.watch(poll_s=3600.0)
        await point.read_on()
        outcome = await point.write(current_a=10.3)
        assert (outcome.point, outcome.result, outcome.current_a) == ("1", WriteResult.WRITTEN, 10.3)
        (written,) = tried.charger.writes
        assert (written.unit, written.address, written.function) == (1, 1210, 16)
        assert written.value == pytest.approx(10.3, abs=1e-5)
        await until(lambda: point.readings[-1].limit_set_a == 10.3)
        assert 40.0 < (point.readings[-1].limit_remaining_s or 0.0) <= 60.0


async def test_outputs_without_a_write_or_for_other_points_write_nothing() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        point.sink.publish(decided(None))
        point.sink.publish(decided(ChargerWrite(16.0), point="2"))
        assert (await point.write(current_a=6.0)).result is WriteResult.WRITTEN
        assert [written.value for written in tried.charger.writes] == [6.0]


async def test_the_second_socket_is_written_at_its_own_unit() -> None:
    async with bench(sockets=2) as tried:
        right = tried.watch(2)
        await right.read_on()
        await right.write(current_a=12.0)
        await right.write(phases=1)
        assert [(written.unit, written.address, written.value) for written in tried.charger.writes] == [
            (2, 1210, 12.0),
            (2, 1215, 1.0),
        ]


async def test_behind_a_slow_charger_only_the_newest_setpoint_is_written() -> None:
    async with bench(quick(request_timeout_s=2.0)) as tried:
        point = tried.watch(poll_s=5.0)
        await point.read_on()
        tried.charger.faults.delay_s = 0.1
        for current_a in (7.0, 8.0, 9.0, 10.0, 11.0):
            point.sink.publish(decided(ChargerWrite(current_a)))
            await asyncio.sleep(0.005)
        await until(lambda: tried.plant.set_a == 11.0)
        await until(lambda: len(point.outcomes) == 2)
        assert [written.value for written in tried.charger.writes] == [7.0, 11.0]


async def test_an_order_for_phases_is_not_lost_to_a_later_current() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        point.sink.publish(decided(ChargerWrite(phases=1)))
        point.sink.publish(decided(ChargerWrite(current_a=7.0)))
        await until(lambda: len(point.outcomes) == 2)
        assert [written.address for written in tried.charger.writes] == [1215, 1210]


async def test_a_stop_goes_before_the_phases() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        point.sink.publish(decided(ChargerWrite(current_a=0.0, phases=1)))
        await until(lambda: len(point.outcomes) == 2)
        assert [(written.address, written.value) for written in tried.charger.writes] == [(1210, 0.0), (1215, 1.0)]


async def test_a_refusal_is_told_with_its_number_and_what_the_owner_must_do() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.plant.refuses_phases = True
        outcome = await point.write(phases=1)
        assert (outcome.result, outcome.phases, outcome.current_a) == (WriteResult.REFUSED, 1, None)
        assert "exception 3" in outcome.detail
        assert "Allow 1- and 3-phased charging" in outcome.detail
        assert (await point.write(current_a=8.0)).result is WriteResult.WRITTEN


@pytest.mark.parametrize("code", [1, 2, 3, 4, 6, 10])
async def test_any_exception_on_a_write_is_a_refusal_and_the_readings_go_on(code: int) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.faults.write_exception = code
        outcome = await point.write(current_a=8.0)
        assert (outcome.result, outcome.current_a) == (WriteResult.REFUSED, 8.0)
        assert f"exception {code}" in outcome.detail
        await point.read_on()
        assert point.outages == []
        tried.charger.faults.write_exception = None
        assert (await point.write(current_a=8.0)).result is WriteResult.WRITTEN


async def test_where_function_16_is_refused_function_6_is_used_and_remembered() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.faults.multiple_write_exception = 1
        assert (await point.write(phases=1)).result is WriteResult.WRITTEN
        assert (await point.write(phases=3)).result is WriteResult.WRITTEN
        assert [written.function for written in tried.charger.writes] == [6, 6]
        assert tried.charger.requests["1:w1215"] == 3


async def test_a_charger_that_hangs_up_at_function_6_is_still_a_refusal() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.plant.refuses_phases = True
        tried.charger.faults.hang_up_at_single_write = True
        first, second = await point.write(phases=1), await point.write(phases=1)
        assert first.result is WriteResult.REFUSED
        if second.result is WriteResult.UNREACHABLE:  # it came before the connection was made again
            await point.read_on()
            second = await point.write(phases=1)
        assert second.result is WriteResult.REFUSED
        assert tried.charger.connections == 2, "function 6 is not tried a second time"


@pytest.mark.parametrize("fault", ["silent", "garbage", "truncated", "wrong_transaction", "hang_up"])
async def test_a_faulty_wire_is_unreachable_and_the_next_write_after_it_is_written(fault: str) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        setattr(tried.charger.faults, fault, True)
        outcome = await point.write(current_a=9.0)
        assert (outcome.result, outcome.current_a) == (WriteResult.UNREACHABLE, 9.0)
        assert outcome.detail
        setattr(tried.charger.faults, fault, False)
        await until(lambda: not point.source.blocked())
        assert (await point.write(current_a=10.0)).result is WriteResult.WRITTEN
        assert tried.plant.set_a == 10.0


async def test_acknowledged_but_ignored_writes_are_written_and_the_read_back_tells() -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        tried.plant.ignores_writes = True
        assert (await point.write(current_a=9.0)).result is WriteResult.WRITTEN
        reading = await point.read_on()
        assert (reading.limit_set_a, reading.limit_used) == (6.0, False)


async def test_nothing_is_written_before_the_charger_is_known() -> None:
    async with bench() as tried:
        await tried.charger.stop()
        point = tried.watch()
        outcome = await point.write(current_a=9.0)
        assert (outcome.result, outcome.detail) == (WriteResult.UNREACHABLE, "the charger is not connected")


@pytest.mark.parametrize(("delay_s", "most_s"), [(0.0, 0.05), (0.03, 0.09)])
async def test_from_the_decision_to_the_register_passes_little_more_than_a_request(
    delay_s: float, most_s: float
) -> None:
    async with bench(LinkSettings.of(load_profile("alfen_ng9xx").transport)) as tried:
        point = tried.watch(poll_s=1.0)
        await point.read_on()
        tried.charger.faults.delay_s = delay_s
        loop = asyncio.get_running_loop()
        took_s = []
        for n in range(15):
            came: asyncio.Future[float] = loop.create_future()
            tried.charger.on_write = lambda written, came=came: came.set_result(written.at_s)  # type: ignore[misc]
            published_s = loop.time()
            point.sink.publish(decided(ChargerWrite(6.0 + n / 10)))
            took_s.append(await came - published_s)
            read_back = len(point.readings)
            await until(lambda read_back=read_back: len(point.readings) > read_back)  # type: ignore[misc]
        assert statistics.median(took_s) < most_s


@pytest.mark.parametrize(("on_exit", "values"), [("lapse", [9.0]), ("pause", [9.0, 0.0]), ("keep", [9.0, 9.0])])
async def test_an_orderly_end_leaves_what_was_asked_for(on_exit: Any, values: list[float]) -> None:
    async with bench() as tried:
        point = tried.watch()
        await point.read_on()
        await point.write(current_a=9.0)
        await point.sink.close(on_exit)
        assert [written.value for written in tried.charger.writes] == values
        point.sink.publish(decided(ChargerWrite(16.0)))
        await point.read_on()
        assert len(tried.charger.writes) == len(values), "nothing is written after the end"


async def test_the_end_does_not_wait_for_a_silent_charger() -> None:
    async with bench(quick(request_timeout_s=30.0)) as tried:
        point = tried.watch()
        await point.read_on()
        tried.charger.faults.silent = True
        point.sink.publish(decided(ChargerWrite(9.0)))
        began_s = asyncio.get_running_loop().time()
        await point.sink.close("pause")
        assert asyncio.get_running_loop().time() - began_s < 15.0


# Sequences of other chargers, on registers that the simulated one has.


async def test_a_charger_is_taken_once_for_each_connection_and_released_at_the_end() -> None:
    control = {"take": [{"write": {"phases_set": 3}}], "release": [{"write": {"phases_set": 1}}]}
    async with bench(overlay={"control": control}) as tried:
        point = tried.watch()
        await point.read_on()
        await point.write(current_a=8.0)
        await point.write(current_a=9.0)
        assert [written.address for written in tried.charger.writes] == [1215, 1210, 1210]
        tried.charger.drop_connections()
        await until(lambda: tried.charger.connections == 2 and not point.source.blocked())
        await point.write(current_a=9.0)
        await point.sink.close("lapse")
        assert [written.address for written in tried.charger.writes[3:]] == [1215, 1210, 1215]


async def test_resume_differs_from_apply_and_a_heartbeat_follows() -> None:
    control = {
        "resume": [{"write": {"limit_set": "$limit"}}, {"expect": {"limit_set": {"ge": 6}}}],
        "keepalive": {"kind": "rewrite", "point": "phases_set", "value": "$phases_set"},
    }
    async with bench(overlay={"control": control}) as tried:
        point = tried.watch(poll_s=5.0)
        await point.read_on()
        tried.charger.requests.clear()
        await point.write(current_a=8.0)
        assert tried.charger.requests["1:1210x2"] == 1, "expect reads the point"
        assert [written.address for written in tried.charger.writes] == [1210, 1215]
        await point.write(current_a=9.0)
        assert tried.charger.requests["1:1210x2"] == 1
        assert tried.charger.writes[-1].value == 3.0


async def test_a_condition_that_does_not_come_true_is_a_refusal() -> None:
    control = {"apply": [{"until": {"if": {"limit_used": 0}, "timeout_s": 0.1}}], "resume": None}
    async with bench(overlay={"control": control}) as tried:
        point = tried.watch()
        await point.read_on()
        outcome = await point.write(current_a=8.0)
        assert (outcome.result, outcome.detail) == (
            WriteResult.REFUSED,
            "the charger did not come to limit_used as expected",
        )


async def test_a_stop_does_not_wait_for_what_the_charger_is_working_on() -> None:
    control = {"phases": {"to": {1: [{"write": {"phases_set": 1}}, {"wait": 20}]}}}
    async with bench(overlay={"control": control}) as tried:
        point = tried.watch()
        await point.read_on()
        point.sink.publish(decided(ChargerWrite(phases=1)))
        await until(lambda: tried.charger.writes)
        assert (await point.write(current_a=0.0)).current_a == 0.0
        assert tried.plant.set_a == 0.0


async def test_a_charger_that_can_only_be_read_refuses() -> None:
    async with bench(overlay={"control": {"kind": "none", "limit": None}}) as tried:
        point = tried.watch()
        await point.read_on()
        outcome = await point.write(current_a=8.0)
        assert outcome.result is WriteResult.REFUSED
        assert "can only be read" in outcome.detail
