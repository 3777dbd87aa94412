"""What can be seen of the daemon inside: diagnostics, D-Bus tree and registers as documents, and who gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from phaeton.links.modbus_stats import LinkStats
from phaeton.timing import Spread, Timing

BusValue = int | float | str | list[str] | None
Space = Literal["holding", "input", "coil", "discrete"]
Quality = Literal["good", "no_value", "out_of_range", "not_read"]


class NotReady(Struct, frozen=True):
    """One reason why Phaeton is not ready."""

    code: Literal["control", "charger", "bus", "site", "store"]
    text: str


class Readiness(Struct, frozen=True):
    """Whether charger, bus and control are well."""

    ready: bool
    reasons: Sequence[NotReady] = ()


class ProcessStatus(Struct, frozen=True, kw_only=True):
    """The process."""

    pid: int
    started: str
    uptime_s: float
    python: str
    platform: str
    cpu_s: float
    """Processor time since the start, of user and system."""
    cpu_pct: float
    """The mean over that time, of one core."""
    rss_bytes: int | None
    """Null where the system does not tell."""
    peak_rss_bytes: int | None
    open_fds: int | None
    threads: int
    gc_collections: tuple[int, ...]
    """By generation."""


class ControlStatus(Struct, frozen=True, kw_only=True):
    """The graph and its loop."""

    decided_age_s: float | None
    """Since the last decision; null before the first one."""
    events: int
    decisions: int
    overruns: int
    """Ticks that came so late that the next one was due."""
    graph_failures: int
    restarts: int
    """What the watchdog has begun anew."""
    tasks: int
    """Of the event loop."""
    loop_lag: Spread
    """How much later than a second after the one before a tick came."""
    step: Spread
    """The evaluation of the graph."""
    publish: Spread
    """Handing a decision to all sinks."""


class SourceAge(Struct, frozen=True, kw_only=True):
    """A source of values and how old its newest one is."""

    name: str
    age_s: float | None
    """Null before the first value."""
    trouble: str = ""
    left_out: Mapping[str, int] = {}
    """Values that were not believed, by why."""


class StoreStatus(Struct, frozen=True, kw_only=True):
    """The database and the thread that writes it."""

    path: str
    trouble: str
    """Why nothing reaches the disk now; empty when all is well."""
    messages: Sequence[str]
    commits: int
    waiting: int
    """Callers that wait for a commit."""
    queue: int
    """Jobs that wait for the thread."""
    commit: Spread


class RecorderStatus(Struct, frozen=True, kw_only=True):
    """The recorder, where it is on."""

    folder: str
    trouble: str
    flushes: int
    waiting: int
    """Events and decisions that wait for the next flush."""
    flush: Spread


class WebStatus(Struct, frozen=True):
    """The page."""

    clients: int = 0
    """Pages that follow the events."""
    log_clients: int = 0
    snapshot_ms: float | None = None
    """How long the newest snapshot took to build and to encode."""


class BusServiceStatus(Struct, frozen=True, kw_only=True):
    """One of our services on D-Bus."""

    name: str
    registered: bool
    problem: str
    backlog: int
    """Messages that wait because the bus does not take them."""


class BusStatus(Struct, frozen=True, kw_only=True):
    """D-Bus."""

    connected: bool
    why: str
    backlog: int
    services: Sequence[BusServiceStatus]


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Everything that is measured and counted."""

    time: str
    version: str
    ready: Readiness
    process: ProcessStatus
    control: ControlStatus
    modbus: Sequence[LinkStats]
    sources: Sequence[SourceAge]
    dbus: BusStatus
    store: StoreStatus
    recorder: RecorderStatus | None
    web: WebStatus = WebStatus()


class BusItem(Struct, frozen=True):
    """A value on D-Bus."""

    value: BusValue
    text: str
    writable: bool


class BusService(Struct, frozen=True, kw_only=True):
    """A service of ours with all of its items."""

    name: str
    point: str = ""
    """The charging point that it is of; empty for a car's."""
    registered: bool
    items: Mapping[str, BusItem]


class BusTree(Struct, frozen=True):
    """Our services as they are published."""

    services: Sequence[BusService]


class RegisterBlock(Struct, frozen=True, kw_only=True):
    """One read request and the words that came last."""

    unit: int
    space: Space
    address: int
    count: int
    age_s: float
    words: str
    """Four hexadecimal digits for each register; for coils, four for each coil."""


class Register(Struct, frozen=True, kw_only=True):
    """One value of the charger where its profile says that it lies."""

    name: str
    unit: int
    space: Space
    address: int
    count: int
    type: str
    access: str
    read: str
    """When it is read: ``once``, ``fast``, ``slow`` or ``never``."""
    raw: str | None
    value: float | int | str | None
    text: str
    """What the number means, where the profile tells."""
    uom: str
    """The unit of the value, such as A."""
    age_s: float | None
    quality: Quality


class LiveRead(Struct, frozen=True, kw_only=True):
    """Registers that were read upon request."""

    unit: int
    space: Space
    address: int
    words: str


class RegisterView(Struct, frozen=True, kw_only=True):
    """What the charger's registers held when they were read last."""

    point: str
    profile: str
    unit: int
    station_unit: int
    blocks: Sequence[RegisterBlock]
    registers: Sequence[Register]
    live: LiveRead | None = None


class ReadError(Exception):
    """Registers that cannot be read; the text says why."""


class Inspection(Protocol):
    """Who can look inside."""

    def ready(self) -> Readiness:
        """Whether charger, bus and control are well."""

    def diagnose(self) -> Diagnosis:
        """Everything that is measured and counted."""

    def timings(self) -> Mapping[str, Timing]:
        """What is timed: ``loop_lag``, ``step``, ``publish``, ``store_commit`` and ``recorder_flush``."""

    def services(self) -> Sequence[BusService]:
        """Our services on D-Bus, those of the charging points first."""

    def registers(self, point: str) -> RegisterView:
        """What the registers of a charging point held; raises KeyError."""

    async def read(self, point: str, unit: int | None, space: Space, address: int, count: int) -> LiveRead:
        """Read registers in turn with all others; raises `ReadError`, and ValueError for a unit that is none."""
        ...
