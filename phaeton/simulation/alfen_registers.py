"""The register image of the simulated Alfen, by its "Implementation of Modbus Slave TCP/IP" (v2.3)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from phaeton.model import WriteResult
from phaeton.simulation.charger_plant import ChargerPlant

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3

_UNAVAILABLE = b"\xff\xff"


class RegisterError(Exception):
    """The request is answered by an exception."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code}")


@dataclass(frozen=True, kw_only=True)
class StationLabel:
    """What the station says of itself."""

    name: str = "ALF-0000001"
    manufacturer: str = "Alfen NV"
    firmware: str = "6.6.0-4284"
    platform: str = "NG910"
    serial: str = "ACE0000001"
    limit_a: float = 32.0
    temperature_c: float = 31.5
    ocpp_connected: bool = False


class _Image:
    """Registers by address; what nobody put there reads all ones, as on the charger."""

    def __init__(self, first: int, last: int, *, little: bool) -> None:
        self.first = first
        self.data = bytearray(_UNAVAILABLE * (last - first + 1))
        self._little = little

    def put(self, address: int, form: str, *values: float | None) -> None:
        for value in values:
            if form in ("f", "d"):
                data = b"\xff" * struct.calcsize(form) if value is None else struct.pack(">" + form, value)
            else:
                data = struct.pack(">" + form, int(value or 0))
            if self._little:
                data = b"".join(data[i : i + 2] for i in range(len(data) - 2, -1, -2))
            start = 2 * (address - self.first)
            self.data[start : start + len(data)] = data
            address += len(data) // 2

    def text(self, address: int, count: int, text: str) -> None:
        start = 2 * (address - self.first)
        self.data[start : start + 2 * count] = text.encode("ascii")[: 2 * count].ljust(2 * count, b"\0")

    def cut(self, address: int, count: int) -> bytes | None:
        start = 2 * (address - self.first)
        end = start + 2 * count
        return bytes(self.data[start:end]) if 0 <= start < end <= len(self.data) else None


def station_registers(
    label: StationLabel, plants: Sequence[ChargerPlant], address: int, count: int, *, little: bool = False
) -> bytes:
    """Registers of unit 200; raises `RegisterError` where there are none."""
    if address < 1000:
        image = _Image(100, 178, little=little)
        image.text(100, 17, label.name)
        image.text(117, 5, label.manufacturer)
        image.put(122, "h", 1)
        image.text(123, 17, label.firmware)
        image.text(140, 17, label.platform)
        image.text(157, 11, label.serial)
        image.put(168, "h", 2025, 6, 20, 12, 0, 0)
        image.put(174, "Q", 86_400_000)
        image.put(178, "h", 60)
    else:
        image = _Image(1100, 1105, little=little)
        image.put(1100, "f", label.limit_a, label.temperature_c)
        image.put(1104, "H", label.ocpp_connected, len(plants))
    return _checked(image.cut(address, count))


def socket_registers(
    plant: ChargerPlant, address: int, count: int, *, per_phase: bool = False, little: bool = False
) -> bytes:
    """Registers of unit 1 or 2; raises `RegisterError` where there are none."""
    return _checked((_meter if address < 1000 else _status)(plant, per_phase, little).cut(address, count))


def _checked(data: bytes | None) -> bytes:
    if data is None:
        raise RegisterError(ILLEGAL_ADDRESS)
    return data


def _meter(plant: ChargerPlant, per_phase: bool, little: bool) -> _Image:
    now = plant.reading(0.0, 0.0)
    image = _Image(300, 425, little=little)
    image.put(300, "H", 3)
    image.put(301, "Q", 400)
    image.put(305, "H", 0)
    image.put(306, "f", *now.voltage_v)
    image.put(320, "f", *now.current_a)
    image.put(336, "f", None if plant.meter_is_nan else 50.0)
    if per_phase:
        image.put(338, "f", *now.power_phase_w)
    image.put(344, "f", now.power_w)
    image.put(374, "d", None if now.energy_kwh is None else now.energy_kwh * 1000)
    return image


def _status(plant: ChargerPlant, _per_phase: bool, little: bool) -> _Image:
    now = plant.reading(0.0, 0.0)
    image = _Image(1200, 1215, little=little)
    image.put(1200, "H", not plant.unavailable)
    image.text(1201, 5, now.state_text)
    image.put(1206, "f", now.limit_actual_a)
    image.put(1208, "I", now.limit_remaining_s)
    image.put(1210, "f", now.limit_set_a, now.limit_safe_a)
    image.put(1214, "H", bool(now.limit_used), now.phases_set)
    return image


def write_socket(plant: ChargerPlant, address: int, registers: Sequence[int], *, little: bool = False) -> None:
    """Write to unit 1 or 2; raises `RegisterError` for what the charger refuses.

    A value must come with all of its registers in one request.
    """
    if address == 1210 and len(registers) == 2:
        words = registers[::-1] if little else registers
        current_a = struct.unpack(">f", struct.pack(">2H", *words))[0]
        if not 0.0 <= current_a <= 80.0:
            raise RegisterError(ILLEGAL_VALUE)
        result = plant.write_current(current_a)
    elif address == 1215 and len(registers) == 1:
        if registers[0] not in (1, 3):
            raise RegisterError(ILLEGAL_VALUE)
        result = plant.write_phases(registers[0])
    else:
        raise RegisterError(ILLEGAL_ADDRESS)
    if result is WriteResult.REFUSED:
        raise RegisterError(ILLEGAL_VALUE)
