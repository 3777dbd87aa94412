"""The types of a charger profile: what a YAML file of `evcharger-modbus/1` may say.

A profile is data: registers, types, state rules and write sequences. The rule language is deliberately small: ordered
rules, conditions on points, and steps that write or wait. There are no expressions.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from phaeton.model import ChargerState, Fault

SCHEMA = "evcharger-modbus/1"

Space = Literal["holding", "input", "coil", "discrete"]
Order = Literal["big", "little"]
Group = Literal["once", "fast", "slow", "never"]
RegisterType = Literal[
    "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "str", "utf16", "char_hi", "char_lo", "bool", "raw"
]
Scalar = bool | int | float | str
Value = float | int | str | None
"""What a point holds after decoding; None means that the charger has no value there."""

REGISTERS: dict[str, int] = {
    "u16": 1,
    "i16": 1,
    "u32": 2,
    "i32": 2,
    "u64": 4,
    "i64": 4,
    "f32": 2,
    "f64": 4,
    "char_hi": 1,
    "char_lo": 1,
    "bool": 1,
}
"""Registers of the types that have a fixed width; the others say their ``count``."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of a profile."""


class Test(Part, frozen=True):
    """Comparisons that must all hold for one point."""

    eq: Scalar | None = None
    ne: Scalar | None = None
    lt: float | None = None
    le: float | None = None
    gt: float | None = None
    ge: float | None = None
    in_: tuple[Scalar, ...] | None = field(default=None, name="in")
    bits: int | None = None
    """All of these bits are set."""
    clear: int | None = None
    """None of these bits is set."""
    prefix: str | None = None


Condition = dict[str, Scalar | tuple[Scalar, ...] | Test]
"""Every entry must hold: a point with the value, one of the values, or the comparisons that it must meet."""


class Evidence(Part, frozen=True):
    """How well the profile is founded."""

    confidence: Literal["high", "medium", "low"]
    sources: tuple[str, ...]
    unverified: tuple[str, ...] = ()


class SerialLine(Part, frozen=True):
    """The serial line behind a gateway, for the owner's information."""

    baud: int | None = None
    parity: str | None = None
    stop: float | None = None
    bits: int | None = None


class Transport(Part, frozen=True):
    """How the charger is spoken to."""

    unit: Annotated[int, Meta(ge=0, le=255)]
    kind: Literal["tcp", "rtu_over_tcp", "rtu"] = "tcp"
    port: Annotated[int, Meta(ge=1, le=65535)] = 502
    serial: SerialLine | None = None
    station_unit: Annotated[int, Meta(ge=0, le=255)] | None = None
    unit_alternatives: tuple[int, ...] = ()
    max_clients: int | None = None
    connect_timeout_s: Annotated[float, Meta(gt=0)] = 10.0
    request_timeout_s: Annotated[float, Meta(gt=0)] = 3.0
    idle_close_s: float | None = None
    """The charger closes a connection without requests after this time."""
    connect_delay_ms: Annotated[int, Meta(ge=0)] = 0
    gap_ms: Annotated[int, Meta(ge=0)] = 0
    """Least time between an answer and the next request."""
    write_gap_ms: Annotated[int, Meta(ge=0)] | None = None
    """The same before a write; ``gap_ms`` when not given."""


class Connectors(Part, frozen=True):
    """How the sockets of one charger are told apart."""

    max: int = 1
    count: str | None = None
    """The point that holds how many there are."""
    by: Literal["unit", "offset", "port"] = "unit"
    values: tuple[int, ...] = ()
    """Unit, address offset or port of socket 1, 2, ..."""


class Wire(Part, frozen=True):
    """How values lie in registers, and what may be read in one request."""

    space: Space = "holding"
    word_order: Order = "big"
    byte_order: Order = "big"
    max_read: Annotated[int, Meta(ge=1, le=125)] = 125
    max_gap: Annotated[int, Meta(ge=0)] = 0
    """Unused registers that a read may span."""
    block_reads: bool = True
    """False: one point per request."""
    address_shift: int = 0
    """Added to every address."""
    write_fc: Literal[6, 16] = 16
    """Function for writes of one register; wider ones are always 16."""
    forbid: tuple[tuple[int, int], ...] = ()
    """Ranges of addresses that no read may touch."""
    invalid: dict[RegisterType, tuple[int, ...]] = {}
    """Raw values that mean "no value", by type."""


class PointSpec(Part, frozen=True):
    """One value of the charger and where it lies."""

    at: Annotated[int, Meta(ge=0, le=65535)]
    type: RegisterType
    count: Annotated[int, Meta(ge=1)] | None = None
    phases: Annotated[int, Meta(ge=1)] | None = None
    """Step from L1 to L2 to L3: the point stands for NAME_l1 to NAME_l3."""
    space: Space | None = None
    scope: Literal["connector", "station"] = "connector"
    unit: Annotated[int, Meta(ge=0, le=255)] | None = None
    access: Literal["r", "w", "rw"] = "r"
    read: Group = "fast"
    alone: bool = False
    optional: bool = False
    scale: float = 1.0
    offset: float = 0.0
    mask: int | None = None
    """Bits that belong to the value; it is shifted down to its lowest one."""
    word_order: Order | None = None
    byte_order: Order | None = None
    write_fc: Literal[5, 6, 16] | None = None
    invalid: tuple[float, ...] = ()
    valid: tuple[float, float] | None = None
    map: dict[int, Scalar] = {}
    """What numbers mean, for people; rules compare the number."""
    uom: str = ""
    note: str = ""
    when_refused: str = ""
    """What the owner must do when the charger refuses to have this point written."""

    @property
    def registers(self) -> int:
        """How many registers (or coils) the value takes."""
        return REGISTERS.get(self.type) or self.count or 1


class Detect(Part, frozen=True):
    """What tells that the expected kind of charger answers."""

    all: Condition = {}
    serial: str | None = None
    """The point that holds the serial number."""
    plausible: Condition = {}
    """Checks that address base and word order are right."""


class StateRule(Part, frozen=True):
    """One rule for the state; the first that holds wins."""

    then: ChargerState
    if_: Condition = field(default_factory=dict, name="if")
    note: str = ""


class FaultRule(Part, frozen=True):
    """One rule for the cause of a fault; the first that holds wins."""

    then: Fault
    if_: Condition = field(default_factory=dict, name="if")
    text: str = ""


class States(Part, frozen=True):
    """From values to a state and a fault."""

    rules: Annotated[tuple[StateRule, ...], Meta(min_length=1)]
    faults: tuple[FaultRule, ...] = ()


class UntilSpec(Part, frozen=True):
    """Wait until a condition holds."""

    if_: Condition = field(name="if")
    timeout_s: float


class StepSpec(Part, frozen=True):
    """One step of a sequence; exactly one of its fields is set."""

    write: dict[str, int | float | str] | None = None
    """Point to number, or to a variable: ``$limit $phases $power $phase_limit_w`` or the name of a point."""
    wait: float | None = None
    until: UntilSpec | None = None
    expect: Condition | None = None

    def __post_init__(self) -> None:
        """Refuse a step with no action or with two."""
        if sum(part is not None for part in (self.write, self.wait, self.until, self.expect)) != 1:
            raise ValueError("a step is exactly one of write, wait, until, expect")


StepSpecs = tuple[StepSpec, ...]


class LimitSpec(Part, frozen=True):
    """The point that limits the current (A) or the power (W), and its range."""

    point: str
    min: float
    max: float
    step: float = 0.1
    max_point: str | None = None
    min_point: str | None = None
    below_min: Literal["pauses", "rejected", "ignored", "unknown"] = "unknown"


class Verify(Part, frozen=True):
    """Where a write shows."""

    point: str
    tolerance: float = 0.1
    within_s: float = 5.0


class Period(Part, frozen=True):
    """How often the charger must hear from us."""

    default_s: float
    of: str | None = None
    sample: Literal["connect", "after_write"] | None = None
    divide: float = 1.0
    min_s: float | None = None
    max_s: float | None = None


class Keepalive(Part, frozen=True):
    """What keeps a setpoint alive."""

    kind: Literal["rewrite", "write", "read", "none"]
    point: str | None = None
    value: int | float | str | None = None
    echo: Literal["cleared", "kept", "none"] | None = None
    period: Period | None = None
    if_: str | None = field(default=None, name="if")
    """The capability without which nothing is written to stay alive."""


class Failsafe(Part, frozen=True):
    """What the charger does when it hears nothing from us."""

    current: str | None = None
    timeout: str | None = None
    set_current: str | None = None
    set_timeout: str | None = None
    then: Literal["safe_current", "stop", "error", "free", "unknown"] = "unknown"
    note: str = ""


class PhaseReadback(Part, frozen=True):
    """The point that tells the phases, and what its numbers mean."""

    point: str
    values: dict[int, int]


class PhaseSpec(Part, frozen=True):
    """How one or three phases are chosen."""

    switch: Literal["none", "command", "implicit"]
    if_: str | None = field(default=None, name="if")
    """The capability that must hold."""
    to: dict[int, StepSpecs] = {}
    needs_pause: bool = True
    settle_s: float = 10.0
    gap_s: float | None = None
    readback: PhaseReadback | None = None
    trust_readback: bool = False


class Control(Part, frozen=True):
    """How the charger is controlled."""

    kind: Literal["current", "power", "none"]
    limit: LimitSpec | None = None
    take: StepSpecs = ()
    """Once before the first write after each connect."""
    apply: StepSpecs | None = None
    pause: StepSpecs | None = None
    resume: StepSpecs | None = None
    release: StepSpecs = ()
    enabled: Condition = {}
    """Holds while charging is released; where it does not, the setpoint counts as 0. Told by ``pause`` when empty."""
    verify: Verify | None = None
    min_change_gap_s: float | None = None
    """A current is raised no sooner than so long after the last change; it is lowered at once."""
    keepalive: Keepalive | None = None
    failsafe: Failsafe | None = None
    phases: PhaseSpec = PhaseSpec(switch="none")


class Firmware(Part, frozen=True):
    """Versions that matter, compared number by number."""

    least: str = ""
    """Older ones cannot be controlled."""
    better: str = ""
    why: str = ""
    """What is wrong with those older than ``better``."""


class Profile(Part, frozen=True):
    """A loaded profile: merged with what it extends and with its overlay, expanded and checked."""

    schema: Literal["evcharger-modbus/1"]
    id: str
    name: str
    evidence: Evidence
    transport: Transport
    points: dict[str, PointSpec]
    """By name; a point with ``phases`` has become three."""
    state: States
    control: Control
    extends: str | None = None
    vendor: str = ""
    models: tuple[str, ...] = ()
    install: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    connectors: Connectors = Connectors()
    wire: Wire = Wire()
    firmware: Firmware = Firmware()
    detect: Detect = Detect()
    capabilities: dict[str, Condition] = {}
