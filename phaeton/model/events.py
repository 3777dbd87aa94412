"""Events: what enters the graph, each with its own two times.

``mono_s`` runs evenly and never back: timers, ages and leases use it. ``utc_s`` is the wall clock (seconds since 1970):
windows, prices and sessions use it, and a step of it moves no timer.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from phaeton.model.orders import Order

Phases = tuple[float | None, float | None, float | None]
"""One value for each of L1, L2 and L3 as the charger counts them."""

NO_PHASES: Phases = (None, None, None)


class ChargerState(StrEnum):
    """What the charger says of itself, in the canonical words of the profiles."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    AWAITING_AUTH = "awaiting_auth"
    PAUSED_EVSE = "paused_evse"
    PAUSED_EV = "paused_ev"
    STARTING = "starting"
    CHARGING = "charging"
    FINISHED = "finished"
    SWITCHING = "switching"
    UNAVAILABLE = "unavailable"
    FAULT = "fault"
    UNKNOWN = "unknown"


class Fault(StrEnum):
    """The cause of a fault, in the canonical words of the profiles."""

    GROUND = "ground"
    WELD = "weld"
    CP = "cp"
    RCD = "rcd"
    UNDERVOLTAGE = "undervoltage"
    OVERVOLTAGE = "overvoltage"
    OVERTEMPERATURE = "overtemperature"
    OVERCURRENT = "overcurrent"
    PHASE = "phase"
    COMMUNICATION = "communication"
    LOCK = "lock"
    VENT = "vent"
    OTHER = "other"


class Event(Struct, frozen=True, gc=False, tag=True):
    """Something that happened, with its own two times."""

    mono_s: float
    utc_s: float


class Tick(Event, frozen=True, gc=False, tag=True):
    """Time passes; the graph is evaluated."""


class ChargerIdentity(Event, frozen=True, gc=False, tag=True):
    """Who the charger says it is; read at each connect."""

    point: str
    manufacturer: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    name: str = ""
    sockets: int = 1
    can_switch_phases: bool = True
    """False when the profile knows no way to choose the phases."""
    step_a: float = 0.1
    """The charger takes setpoints in steps of this."""
    settle_s: float = 10.0
    """Rest after a phase switch before current flows again."""
    stranger: bool = False
    """Another charger than last time, or none of this kind: nothing is written to it until it is accepted."""
    warning: str = ""
    """What the owner should know, for instance that another charger answers at this address than last time."""
    read_only: bool = False
    """Its profile is not proven and the owner has not confirmed it: nothing is written to it."""


class ChargerReading(Event, frozen=True, gc=False, tag=True, kw_only=True):
    """One poll of one charging point, decoded and validated."""

    point: str
    state: ChargerState = ChargerState.UNKNOWN
    state_text: str = ""
    """The charger's own word, for the log and for states that no rule knows (``C2``)."""
    fault: Fault | None = None
    fault_text: str = ""
    voltage_v: Phases = NO_PHASES
    current_a: Phases = NO_PHASES
    power_phase_w: Phases = NO_PHASES
    power_w: float | None = None
    energy_kwh: float | None = None
    """The meter's lifetime total."""
    limit_set_a: float | None = None
    """The setpoint as the charger has it now; proof only while ``limit_remaining_s`` is above 0."""
    limit_actual_a: float | None = None
    """The current the charger really allows after all of its own limits."""
    limit_safe_a: float | None = None
    """What the charger falls to when the setpoint lapses."""
    limit_max_a: float | None = None
    """The charger's own maximum."""
    limit_remaining_s: float | None = None
    limit_used: bool | None = None
    """False: the charger is set up to ignore what we write."""
    phases_set: int | None = None
    temperature_c: float | None = None


class SiteReading(Event, frozen=True, gc=False, tag=True, kw_only=True):
    """A full snapshot of the house as the GX measures it; its arrival is the proof of life."""

    grid_w: float | None = None
    grid_phase_w: Phases = NO_PHASES
    grid_phase_a: Phases = NO_PHASES
    grid_metered: bool = False
    """A grid meter measures (``/Ac/Grid/DeviceType`` is valid)."""
    pv_w: float | None = None
    """AC on output, input and genset, and DC."""
    consumption_w: float | None = None
    """All loads, the car included."""
    battery_w: float | None = None
    battery_soc_pct: float | None = None
    battery_charge_limit_w: float | None = None
    """What the battery may charge with at most: the least of CCL x CVL, the ESS's maximum."""
    ac_source: int | None = None
    """``/Ac/ActiveIn/Source``: 1 grid, 2 generator, 3 shore, 240 inverting."""
    system_state: int | None = None
    """``/SystemState/State``: 3 bulk, 4 absorption, 5 float, 9 inverting, ..."""
    ess: bool = False
    """An ESS assistant regulates the grid."""
    ess_setpoint_w: float | None = None
    """What the ESS regulates the grid to, import positive."""
    ess_min_soc_pct: float | None = None
    """The minimum SoC in force now."""
    feed_in_limit_w: float | None = None
    """0 = nothing may be fed in; None = no limit known."""
    dess_active: bool = False
    dess_charge_w: float | None = None
    """What Dynamic ESS charges the battery with by its own schedule."""
    battery_use: int | None = None
    """``/Settings/CGwacs/BatteryUse``: 1 = the battery feeds only the loads on the AC output."""


class PriceSlot(Struct, frozen=True, gc=False):
    """What energy costs from ``start_s`` until ``end_s`` (UTC seconds)."""

    start_s: float
    end_s: float
    import_per_kwh: float
    feed_in_per_kwh: float
    level: str = ""
    """The source's own word for it, in capitals (``VERY_CHEAP``, ``CHEAP``, ...); empty where it has none."""


class PriceCurve(Event, frozen=True, gc=False, tag=True):
    """The known prices, in order of time and without overlaps."""

    slots: tuple[PriceSlot, ...]
    currency: str = ""


class ForecastSlot(Struct, frozen=True, gc=False):
    """What the sun is expected to give from ``start_s`` until ``end_s`` (UTC seconds), as mean power."""

    start_s: float
    end_s: float
    pv_w: float | None = None
    consumption_w: float | None = None
    """The house without the cars."""
    surplus_w: float | None = None
    """What is left of the sun; where it is None it is ``pv_w`` less the consumption."""


class ForecastCurve(Event, frozen=True, tag=True):
    """The expected sun, in order of time and without overlaps."""

    slots: tuple[ForecastSlot, ...]


class VehicleReading(Event, frozen=True, tag=True, kw_only=True):
    """What a car says of itself. Positions and identities stay in the source."""

    vehicle: str
    """The id in the configuration."""
    soc_pct: float | None = None
    soc_utc_s: float | None = None
    """When the car measured its SoC; None = it does not say, the time of the event counts."""
    soc_sigma_pct: float = 1.0
    """How sure the SoC is: 1 for a car's own value, 3 for a person's."""
    limit_soc_pct: float | None = None
    """The car's own charge limit."""
    plugged: bool | None = None
    charging: bool | None = None
    at_home: bool | None = None
    range_km: float | None = None
    note: str = ""
    """What the owner should know, for instance that the account must be connected again."""


class Zone(Struct, frozen=True, gc=False):
    """A time zone as data: the offset from UTC that holds from each instant on."""

    name: str = "UTC"
    transitions: tuple[tuple[float, float], ...] = ((-1e18, 0.0),)
    """Pairs of (UTC seconds, offset in seconds), in order of time."""


class Unavailable(Event, frozen=True, gc=False, tag=True):
    """A source has no values: since when and why. The next reading of that source ends it."""

    source: str
    """``site``, or the id of a charging point."""
    since_mono_s: float
    why: str


class WriteResult(StrEnum):
    """What became of a write to the charger."""

    WRITTEN = "written"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class WriteOutcome(Event, frozen=True, gc=False, tag=True, kw_only=True):
    """What the charger sink reports of one write."""

    point: str
    result: WriteResult
    current_a: float | None = None
    """The setpoint that the write carried, if it carried one."""
    phases: int | None = None
    """The phases that the write carried, if it carried them."""
    detail: str = ""


class Command(Event, frozen=True, gc=False, tag=True):
    """An order for a point; checked where it came in, in force in the step that it enters."""

    point: str
    order: Order
    origin: str = ""
    """Who asked: ``dbus``, ``rest``, ``page``, ``cli``."""


AnyEvent = (
    Tick
    | ChargerIdentity
    | ChargerReading
    | SiteReading
    | PriceCurve
    | ForecastCurve
    | VehicleReading
    | Unavailable
    | WriteOutcome
    | Command
)
