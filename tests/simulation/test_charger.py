"""The simulated Alfen as a client of other make sees it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient

from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def hands() -> Hands:
    return Hands()


@pytest.fixture
async def alfen(hands: Hands) -> AsyncIterator[SimulatedAlfen]:
    charger = SimulatedAlfen(plants=[ChargerPlant(car=Car(start_s=2.0))], clock=hands)
    await charger.start()
    yield charger
    await charger.stop()


@pytest.fixture
async def client(alfen: SimulatedAlfen) -> AsyncIterator[AsyncModbusTcpClient]:
    client = AsyncModbusTcpClient("127.0.0.1", port=alfen.port, retries=0, reconnect_delay=0, timeout=1)
    assert await client.connect()
    yield client
    client.close()


async def floats(client: AsyncModbusTcpClient, address: int, count: int, form: str = "f") -> tuple[float, ...]:
    size = struct.calcsize(form) // 2
    answer = await client.read_holding_registers(address, count=size * count, device_id=1)
    return struct.unpack(f">{count}{form}", struct.pack(f">{size * count}H", *answer.registers))


async def write(client: AsyncModbusTcpClient, current_a: float) -> None:
    answer = await client.write_registers(1210, list(struct.unpack(">2H", struct.pack(">f", current_a))), device_id=1)
    assert not answer.isError()


async def test_a_setpoint_lives_for_its_validity_then_reads_the_safe_current(
    client: AsyncModbusTcpClient, hands: Hands
) -> None:
    await write(client, 16.0)
    hands.now_s = 20.0
    assert await floats(client, 1208, 1, "I") == (40,)
    assert await floats(client, 1210, 1) == (16.0,)
    hands.now_s = 61.0
    assert await floats(client, 1208, 1, "I") == (0,)
    assert await floats(client, 1210, 2) == (6.0, 6.0)
    assert await floats(client, 1214, 1, "H") == (1,), "1214 stays 1, also without a live setpoint"


async def test_a_car_follows_the_setpoint_and_the_meter_counts(client: AsyncModbusTcpClient, hands: Hands) -> None:
    await write(client, 10.0)
    hands.now_s = 30.0
    assert await floats(client, 320, 3) == pytest.approx((10.0, 10.0, 10.0))
    assert await floats(client, 344, 1) == pytest.approx((6900.0,))
    (energy_wh,) = await floats(client, 374, 1, "d")
    assert 1_000_000 < energy_wh < 1_000_000 + 6900 * 30 / 3600
    state = await client.read_holding_registers(1201, count=5, device_id=1)
    assert state.registers[0] == 0x4332  # C2


async def test_missing_registers_read_all_ones(client: AsyncModbusTcpClient) -> None:
    answer = await client.read_holding_registers(338, count=6, device_id=1)
    assert answer.registers == [0xFFFF] * 6


@pytest.mark.parametrize(
    ("address", "values", "code"), [(1210, [0x4100], 2), (1215, [2], 3), (1206, [0x4100, 0], 2), (1210, [0xC100, 0], 3)]
)
async def test_writes_that_the_charger_refuses(
    client: AsyncModbusTcpClient, address: int, values: list[int], code: int
) -> None:
    answer = await client.write_registers(address, values, device_id=1)
    assert answer.exception_code == code


async def test_unknown_units_registers_and_functions_are_exceptions(client: AsyncModbusTcpClient) -> None:
    assert (await client.read_holding_registers(306, count=2, device_id=3)).exception_code == 11
    assert (await client.read_holding_registers(420, count=10, device_id=1)).exception_code == 2
    assert (await client.read_input_registers(306, count=2, device_id=1)).exception_code == 1


async def test_another_writer_changes_the_setpoint(client: AsyncModbusTcpClient, alfen: SimulatedAlfen) -> None:
    await write(client, 16.0)
    alfen.foreign_write(8.0)
    assert await floats(client, 1210, 1) == (8.0,)
    assert [written.value for written in alfen.writes] == [16.0]


async def test_without_a_clock_the_plant_belongs_to_its_owner(
    client: AsyncModbusTcpClient, alfen: SimulatedAlfen
) -> None:
    alfen.clock = None
    await write(client, 16.0)
    alfen.socket(1).step(5.0)
    assert await floats(client, 1208, 1, "I") == (55,)


async def test_requests_in_one_packet_are_answered_one_by_one(alfen: SimulatedAlfen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", alfen.port)
    writer.write(bytes.fromhex("0001 0000 0006 01 03 04be 0001 0002 0000 0006 01 03 04bf 0001".replace(" ", "")))
    answers = await reader.readexactly(22)
    assert answers.hex() == "000100000005010302000100020000000501030200" + "03"
    writer.close()
    await writer.wait_closed()
