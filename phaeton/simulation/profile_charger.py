"""A simulated charger made from any profile: a real Modbus server whose registers follow the profile.

What the charger does is the plant's (`ChargerPlant`); the profile says where everything lies, what a write means, what
stops the car, what keeps a setpoint alive and how much may be read at once. Only the first socket is there.
"""

from __future__ import annotations

import math
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from phaeton.model import WriteResult
from phaeton.profiles import Profile, Value, place_of
from phaeton.profiles.control import NOMINAL_V
from phaeton.profiles.schema import Condition, PointSpec, Space, StepSpecs
from phaeton.simulation.alfen_registers import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, RegisterError
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.modbus_server import ModbusServer
from phaeton.simulation.profile_states import candidates, shown
from phaeton.simulation.profile_words import value_of, words_of

_BUSY = 4
_NO_SUCH_UNIT = 11
_SPACES: dict[int, Space] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_LONGEST_STEP_S = 1.0
_LONGEST_GAP_S = 600.0
_VALIDITY_S = 60.0
_TEXTS = {"str", "utf16", "char_hi", "char_lo", "raw"}


@dataclass(frozen=True, slots=True)
class PointWritten:
    """One write that was accepted."""

    point: str
    value: float
    unit: int
    function: int


@dataclass
class ProfileCharger:
    """The charger: start it, change the plant, read what was written.

    With a ``clock`` the plant runs by it whenever somebody asks; without, whoever owns it steps it.
    """

    profile: Profile
    plant: ChargerPlant = field(default_factory=ChargerPlant)
    clock: Callable[[], float] | None = time.monotonic
    serial: str = "SIM0000001"
    validity_s: float = _VALIDITY_S
    """How long a setpoint lives without a sign of life, where the profile knows such a thing."""
    requests: Counter[str] = field(default_factory=Counter)
    """How often each read came: ``1:306x72``."""
    writes: list[PointWritten] = field(default_factory=list)
    refused: int = 0
    """Requests that were answered by an exception."""

    def __post_init__(self) -> None:
        profile = self.profile
        self.place = place_of(profile, 1)
        self._server = ModbusServer(self.answer, rtu=profile.transport.kind != "tcp")
        self._last_s: float | None = None
        alive = profile.control.keepalive
        self._expires = alive is not None and alive.kind != "none"
        if not self._expires:
            self.validity_s = self.plant.remaining_s = math.inf
        self.plant.validity_s = self.validity_s
        limit = profile.control.limit
        self._limit = "" if limit is None else limit.point
        self._stops = {n: v for n, v in _numbers(profile.control.pause) if n != self._limit}
        self._stopped = False
        self.held: dict[str, float] = dict.fromkeys(self._writable(), 0.0)
        self._about_itself = self._facts()
        self.held |= {name: value for name, value in _numbers(profile.control.resume) if name != self._limit}
        if self._limit:
            self.held[self._limit] = self._as_limit(self.plant.set_a)

    @property
    def port(self) -> int:
        """Where it listens; 0 before `start`."""
        return self._server.port

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.connections

    async def __aenter__(self) -> ProfileCharger:
        """Listen."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close."""
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; returns the port. After `stop` it listens on the same port again."""
        return await self._server.start(host, port)

    async def stop(self) -> None:
        """Refuse connections and drop those that are open; the plant goes on."""
        await self._server.stop()

    # What it shows.

    def values(self) -> dict[str, Value]:
        """What every point that can be read shows now."""
        now = self.plant.reading(0.0, 0.0)
        alive = min(self.plant.remaining_s, self.validity_s)
        values: dict[str, Value] = dict(self._about_itself)
        for name, phases in (
            ("voltage", now.voltage_v),
            ("current", now.current_a),
            ("power_phase", now.power_phase_w),
        ):
            values |= {f"{name}_l{n}": value for n, value in enumerate(phases, start=1)}
        values |= {
            "power": now.power_w,
            "energy_total": now.energy_kwh,
            "frequency": 50.0,
            "temperature": 31.5,
            "limit_actual": now.limit_actual_a,
            "limit_safe": now.limit_safe_a,
            "limit_max": now.limit_max_a,
            "limit_min": 6.0,
            "limit_remaining": 0.0 if math.isinf(alive) else alive,
            "limit_used": int(bool(now.limit_used)),
            "comm_timeout": 0.0 if math.isinf(self.validity_s) else self.validity_s,
        }
        values |= self.held
        readback = self.profile.control.phases.readback
        if readback is not None:
            for raw, count in readback.values.items():
                if count == now.phases_set:
                    values[readback.point] = raw
        values = {name: value for name, value in values.items() if name in self.profile.points}
        return values | shown(self.profile, now.state, values)

    def _facts(self) -> dict[str, Value]:
        """Who it is: whatever the profile's checks and capabilities ask for."""
        profile = self.profile
        known: dict[str, Value] = {"manufacturer": profile.vendor, "x_brand": profile.vendor, "name": "SIM"}
        known |= {"serial": self.serial, "firmware": "9.9.9", "model": profile.vendor, "phases_max": 3}
        for name in ("serial", "firmware", "model"):
            spec = profile.points.get(name)
            if spec is not None and spec.type not in _TEXTS:
                known[name] = 9.99 if name == "firmware" else 4711
        asked: list[Condition] = [profile.detect.all, profile.detect.plausible, *profile.capabilities.values()]
        in_rules = {name for rule in profile.state.rules for name in rule.if_}
        for condition in asked:
            for name, choices in candidates(condition).items():
                if name not in in_rules and known.get(name) not in choices:
                    known[name] = choices[-1] if isinstance(choices[-1], str) else choices[0]
        if profile.connectors.count is not None:
            known[profile.connectors.count] = 1
        for name in known.keys() & self.held.keys():
            value = known.pop(name)
            self.held[name] = float(value) if isinstance(value, int | float) else 0.0
        return known

    def _writable(self) -> Iterator[str]:
        physical = {"comm_timeout", "limit_safe", "limit_max"}
        return (name for name, spec in self.profile.points.items() if spec.access != "r" and name not in physical)

    # Requests.

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """The answer to one request (function and data); counts it."""
        if self.plant.silent:
            return None
        function = pdu[0]
        self._run()
        try:
            return self._reply(unit, pdu)
        except RegisterError as error:
            self.refused += 1
            return bytes((function | 0x80, error.code))

    def _reply(self, unit: int, pdu: bytes) -> bytes:
        function = pdu[0]
        if unit not in {self.place.unit_of(spec) for spec in self.profile.points.values()}:
            raise RegisterError(_NO_SUCH_UNIT)
        if function in _SPACES:
            return self._read(unit, _SPACES[function], pdu)
        if function in (5, 6, 16):
            return self._write(unit, pdu)
        raise RegisterError(ILLEGAL_FUNCTION)

    def _read(self, unit: int, space: Space, pdu: bytes) -> bytes:
        address, count = struct.unpack(">HH", pdu[1:5])
        self.requests[f"{unit}:{address}x{count}"] += 1
        alive = self.profile.control.keepalive
        if alive is not None and alive.kind == "read":
            self._sign_of_life()
        words = self._words(unit, space, address, count)
        if space in ("coil", "discrete"):
            data = bytearray((count + 7) // 8)
            for bit, word in enumerate(words):
                data[bit >> 3] |= bool(word) << (bit & 7)
        else:
            data = bytearray(struct.pack(f">{count}H", *words))
        return bytes((pdu[0], len(data))) + data

    def _words(self, unit: int, space: Space, address: int, count: int) -> list[int]:
        wire, end = self.profile.wire, address + count
        points = sorted(self._points(unit, space), key=lambda point: point[1])
        points = [(name, at, spec) for name, at, spec in points if at < end and at + spec.registers > address]
        whole = any((at, spec.registers) == (address, count) for _, at, spec in points)
        if not points or (not wire.block_reads and not whole):
            raise RegisterError(ILLEGAL_ADDRESS)
        if count > wire.max_read and not whole:
            raise RegisterError(ILLEGAL_VALUE)
        if any(low < end and high >= address for low, high in wire.forbid):
            raise RegisterError(ILLEGAL_ADDRESS)
        reached = address
        values, words = self.values(), [0] * count
        for name, at, spec in points:
            if at - reached > wire.max_gap:
                raise RegisterError(ILLEGAL_ADDRESS)
            reached = max(reached, at + spec.registers)
            for n, word in enumerate(words_of(spec, wire, values.get(name)), start=at - address):
                if 0 <= n < count:
                    words[n] |= word
        if end - reached > wire.max_gap:
            raise RegisterError(ILLEGAL_ADDRESS)
        return words

    def _points(self, unit: int, space: Space) -> Iterator[tuple[str, int, PointSpec]]:
        wire = self.profile.wire
        for name, spec in self.profile.points.items():
            if spec.access != "w" and self.place.unit_of(spec) == unit and (spec.space or wire.space) == space:
                yield name, self.place.address_of(spec, wire.address_shift), spec

    def _write(self, unit: int, pdu: bytes) -> bytes:
        function, address = pdu[0], int.from_bytes(pdu[1:3], "big")
        data = pdu[6:] if function == 16 else pdu[3:5]
        words = list(struct.unpack(f">{len(data) // 2}H", data))
        name, spec = self._written(unit, "coil" if function == 5 else "holding", address)
        if len(words) != spec.registers:
            raise RegisterError(ILLEGAL_VALUE)
        if function == 5:
            words = [words[0] >> 15]
        elif len(words) == 1 and function != (spec.write_fc or self.profile.wire.write_fc):
            raise RegisterError(ILLEGAL_FUNCTION)
        value = value_of(spec, self.profile.wire, words)
        self._take(name, value)
        self.writes.append(PointWritten(name, round(value, 6), unit, function))
        return pdu[:5]

    def _written(self, unit: int, space: Space, address: int) -> tuple[str, PointSpec]:
        wire = self.profile.wire
        for name, spec in self.profile.points.items():
            # Registers that are written are holding registers, also where most of the charger's are for reading.
            of = spec.space or ("holding" if wire.space == "input" else wire.space)
            at = self.place.address_of(spec, wire.address_shift)
            if spec.access != "r" and (self.place.unit_of(spec), of, at) == (unit, space, address):
                return name, spec
        raise RegisterError(ILLEGAL_ADDRESS)

    # What a write does.

    def _take(self, name: str, value: float) -> None:
        plant, alive = self.plant, self.profile.control.keepalive
        if plant.refuses_writes:
            raise RegisterError(_BUSY)
        if name in ("comm_timeout", "limit_safe") and name not in self.held:
            if name == "limit_safe":
                plant.safe_a = value
            elif self._expires and value > 0:
                self.validity_s = plant.validity_s = value
            return
        self.held[name] = value
        if name == self._limit or name in self._stops:
            if name in self._stops:
                self._stopped = value == self._stops[name]
            plant.write_current(0.0 if self._stopped else self._as_current(self.held.get(self._limit, 0.0)))
        self._choose_phases(name, value)
        if alive is not None and alive.point == name:
            self._sign_of_life()
            if alive.echo == "cleared":
                self.held[name] = 0.0

    def _choose_phases(self, name: str, value: float) -> None:
        ways = {phases: set(_numbers(steps)) for phases, steps in self.profile.control.phases.to.items()}
        meant = [n for n, steps in ways.items() if (name, value) in steps]
        if len(meant) == 1 and self.plant.write_phases(meant[0]) is WriteResult.REFUSED:
            raise RegisterError(ILLEGAL_VALUE)

    def _sign_of_life(self) -> None:
        if self.plant.remaining_s > 0:
            self.plant.remaining_s = self.validity_s

    def _as_current(self, limit: float) -> float:
        if self.profile.control.kind != "power":
            return limit
        return round(limit / NOMINAL_V / self.plant.phases_closed, 3)

    def _as_limit(self, current_a: float) -> float:
        return current_a * NOMINAL_V * self.plant.phases_closed if self.profile.control.kind == "power" else current_a

    def _run(self) -> None:
        if self.clock is None:
            return
        now_s = self.clock()
        left_s = 0.0 if self._last_s is None else min(max(now_s - self._last_s, 0.0), _LONGEST_GAP_S)
        self._last_s = now_s
        while left_s > 0.0:
            step_s = min(left_s, _LONGEST_STEP_S)
            lived = self.plant.remaining_s > 0
            self.plant.step(step_s)
            if lived and self.plant.remaining_s <= 0 and self._limit:
                self.held[self._limit] = self._as_limit(self.plant.safe_a)
            left_s -= step_s


def _numbers(steps: StepSpecs | None) -> Iterator[tuple[str, float]]:
    """What a sequence writes, where it is a number."""
    for step in steps or ():
        written: Mapping[str, int | float | str] = step.write or {}
        yield from ((name, float(value)) for name, value in written.items() if not isinstance(value, str))
