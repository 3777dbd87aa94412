"""The Modbus link against a real TCP server, whole and faulty."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from phaeton.links.modbus import (
    BadAnswerError,
    LinkError,
    LinkSettings,
    ModbusLink,
    ModbusLinks,
    RefusedError,
    UnreachableError,
)
from phaeton.profiles import load_profile
from tests.charger_bench import HOST, Bench, bench, quick
from tests.waiting import until


@pytest.fixture
async def tried() -> AsyncIterator[Bench]:
    async with bench() as made:
        yield made


async def limit_a(link: ModbusLink) -> float:
    return float(struct.unpack(">f", struct.pack(">2H", *await link.read(1, 1210, 2)))[0])


def setpoint(current_a: float) -> tuple[int, ...]:
    return struct.unpack(">2H", struct.pack(">f", current_a))


async def test_what_is_written_reads_back(tried: Bench) -> None:
    assert await limit_a(tried.link) == 6.0
    await tried.link.write(1, 1210, setpoint(10.5))
    assert await limit_a(tried.link) == 10.5


async def test_all_who_name_the_same_host_and_port_share_one_connection(tried: Bench) -> None:
    tried.charger.faults.delay_s = 0.02
    again = tried.links.get(HOST, tried.charger.port, quick())
    assert again is tried.link
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await asyncio.gather(*(link.read(1, 306, 72) for link in (tried.link, again, tried.link, again)))
    assert tried.charger.connections == 1
    assert loop.time() - began_s >= 4 * 0.02, "requests go one after the other"


async def test_a_write_passes_the_reads_that_wait() -> None:
    async with bench() as tried:
        await tried.link.read(1, 1200, 16)
        tried.charger.faults.delay_s = 0.03
        reads_before_write: list[int] = []
        tried.charger.on_write = lambda _: reads_before_write.append(tried.charger.requests["1:306x72"])
        reads = [asyncio.ensure_future(tried.link.read(1, 306, 72)) for _ in range(6)]
        await until(lambda: tried.charger.requests["1:306x72"] == 1)
        await tried.link.write(1, 1210, setpoint(8.0))
        assert reads_before_write[0] <= 2, "only the request in flight goes before"
        await asyncio.gather(*reads)


async def test_a_write_does_not_wait_for_the_gap_between_reads() -> None:
    async with bench(quick(gap_s=1.5)) as tried:
        loop = asyncio.get_running_loop()
        await tried.link.read(1, 1200, 16)
        read = asyncio.ensure_future(tried.link.read(1, 306, 72))
        await asyncio.sleep(0)
        began_s = loop.time()
        await tried.link.write(1, 1210, setpoint(8.0))
        assert loop.time() - began_s < 1.2
        await read
        assert loop.time() - began_s > 1.3


async def test_an_exception_is_told_by_its_number_and_keeps_the_connection(tried: Bench) -> None:
    with pytest.raises(RefusedError) as refused:
        await tried.link.read(1, 5000, 2)
    assert refused.value.code == 2
    await limit_a(tried.link)
    assert tried.charger.connections == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("garbage", BadAnswerError),
        ("wrong_transaction", BadAnswerError),
        ("short", BadAnswerError),
        ("truncated", UnreachableError),
        ("silent", UnreachableError),
        ("hang_up", UnreachableError),
    ],
)
async def test_after_a_bad_answer_or_none_the_socket_is_not_used_again(
    tried: Bench, fault: str, error: type[LinkError]
) -> None:
    await limit_a(tried.link)
    setattr(tried.charger.faults, fault, True)
    with pytest.raises(error):
        await tried.link.read(1, 306, 72)
    assert not tried.link.connected
    setattr(tried.charger.faults, fault, False)
    await until(lambda: tried.link.retry_in_s(1) == 0)
    assert await limit_a(tried.link) == 6.0
    assert tried.charger.connections == 2


async def test_a_late_answer_is_never_taken_for_that_of_the_next_request(tried: Bench) -> None:
    await limit_a(tried.link)
    tried.charger.faults.delay_s = 0.25
    with pytest.raises(UnreachableError):
        await tried.link.read(1, 1215, 1)
    tried.charger.faults.delay_s = 0.0
    await until(lambda: tried.link.retry_in_s(1) == 0)
    for _ in range(20):
        assert await tried.link.read(1, 1214, 1) == [1]
        await asyncio.sleep(0.005)


async def test_a_dropped_connection_fails_the_request_at_once(tried: Bench) -> None:
    link = tried.links.get("localhost", tried.charger.port, quick(request_timeout_s=30.0))
    await limit_a(link)
    tried.charger.faults.silent = True
    waiting = asyncio.ensure_future(limit_a(link))
    await until(lambda: tried.charger.requests["unanswered"])
    lost: list[bool] = []
    link.watch(lambda: lost.append(True))
    tried.charger.drop_connections()
    with pytest.raises(UnreachableError, match="closed the connection"):
        await asyncio.wait_for(waiting, 1.0)
    assert lost == [True]


async def test_there_is_one_attempt_to_connect_in_each_pause(tried: Bench) -> None:
    await tried.charger.stop()
    link = ModbusLink(HOST, tried.charger.port, quick(pause_s=0.2))
    loop = asyncio.get_running_loop()
    end_s = loop.time() + 0.7
    asked = 0
    while loop.time() < end_s:
        with pytest.raises(UnreachableError, match="refused"):
            await limit_a(link)
        asked += 1
        await asyncio.sleep(0.01)
    assert asked > 20
    assert 3 <= link.stats.connects_failed <= 4


async def test_the_pause_counts_from_the_beginning_of_the_attempt(tried: Bench) -> None:
    link = ModbusLink(HOST, tried.charger.port, quick(pause_s=0.5, request_timeout_s=0.3))
    tried.charger.faults.silent = True
    with pytest.raises(UnreachableError, match="no answer within"):
        await limit_a(link)
    assert 0.1 < link.retry_in_s(1) <= 0.25
    assert link.retry_in_s(2) == 0, "another unit need not wait"
    await link.close()


async def test_a_write_never_opens_a_connection(tried: Bench) -> None:
    with pytest.raises(UnreachableError):
        await tried.link.write(1, 1210, setpoint(8.0))
    assert tried.charger.connections == 0


@pytest.mark.parametrize("last_first", [True, False])
async def test_a_cancelled_request_leaves_the_link_fit_for_use(tried: Bench, last_first: bool) -> None:
    await limit_a(tried.link)
    tried.charger.faults.silent = True
    waiting = asyncio.ensure_future(tried.link.read(1, 306, 72))
    behind = asyncio.ensure_future(tried.link.read(1, 306, 72))
    await until(lambda: tried.charger.requests["unanswered"])
    tried.charger.faults.silent = False
    for request in (behind, waiting) if last_first else (waiting, behind):
        request.cancel()
    ended = await asyncio.gather(waiting, behind, return_exceptions=True)
    assert all(isinstance(error, asyncio.CancelledError) for error in ended)
    assert await limit_a(tried.link) == 6.0
    assert tried.charger.connections == 2


async def test_a_connection_that_the_charger_closes_for_idleness_is_renewed_before(tried: Bench) -> None:
    link = ModbusLink(HOST, tried.charger.port, quick(idle_close_s=5.05))
    await limit_a(link)
    loop = asyncio.get_running_loop()
    rested_s = loop.time() + 0.1
    await until(lambda: loop.time() > rested_s)
    await limit_a(link)
    assert tried.charger.connections == 2
    assert link.stats.outage_s is None
    await link.close()


async def test_a_closed_link_fails_what_waits_and_what_comes(tried: Bench) -> None:
    tried.charger.faults.silent = True
    waiting = [asyncio.ensure_future(limit_a(tried.link)) for _ in range(2)]
    await until(lambda: tried.charger.requests["unanswered"])
    await tried.link.close()
    for result in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(result, UnreachableError)


async def test_an_unknown_host_name_is_said(tried: Bench) -> None:
    link = tried.links.get("no-such-charger.invalid", 502, quick())
    with pytest.raises(UnreachableError, match=r"no-such-charger\.invalid:502"):
        await limit_a(link)


async def test_latency_and_failures_are_counted_for_each_block_and_write(tried: Bench) -> None:
    await tried.link.read(1, 306, 72)
    await tried.link.read(1, 306, 72)
    await tried.link.write(1, 1210, setpoint(7.0))
    with pytest.raises(RefusedError):
        await tried.link.read(1, 5000, 2)
    blocks = {block.name: block for block in tried.link.stats.blocks}
    assert blocks["1:306x72"].answered == 2
    assert 0 < blocks["1:306x72"].mean_ms <= blocks["1:306x72"].longest_ms
    assert blocks["1:w1210"].answered == 1
    assert blocks["1:5000x2"].failed == 1
    assert tried.links.stats[0].connected


def test_the_profile_says_how_the_link_is_spoken_to() -> None:
    settings = LinkSettings.of(load_profile("alfen_ng9xx").transport)
    assert (settings.connect_timeout_s, settings.request_timeout_s) == (10.0, 4.0)
    assert (settings.gap_s, settings.write_gap_s, settings.idle_close_s) == (0.03, 0.0, 60.0)


@pytest.mark.parametrize("framer", [FramerType.SOCKET, FramerType.RTU])
async def test_a_server_of_other_make_is_understood_in_both_framings(framer: FramerType) -> None:
    device = SimDevice(1, simdata=[SimData(10, count=4, values=7, datatype=DataType.REGISTERS)])
    server = ModbusTcpServer(device, framer=framer, address=(HOST, 0))
    await server.serve_forever(background=True)
    try:
        port = server.transport.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        async with ModbusLinks() as links:
            link = links.get(HOST, port, quick(rtu_framing=framer is FramerType.RTU))
            assert await link.read(1, 10, 4) == [7, 7, 7, 7]
            await link.write(1, 11, (9,), 6)
            await link.write(1, 12, (1, 2))
            assert await link.read(1, 10, 4) == [7, 9, 1, 2]
            with pytest.raises(RefusedError):
                await link.read(1, 500, 2)
    finally:
        await server.shutdown()
