"""The vocabulary: the immutable values that flow from the sources through the streams to the sinks.

Units are in the names: ``_w`` watts, ``_a`` amperes, ``_v`` volts, ``_kwh``, ``_pct`` percent, ``_s`` seconds.
Grid power is positive for import, battery power positive for charging, as on the GX. A value that is not known
is ``None``; it is never 0.

Every event has two times. ``mono_s`` runs evenly and never back: timers, ages and leases use it. ``utc_s`` is the
wall clock (seconds since 1970): windows, prices and sessions use it, and a step of it moves no timer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum, StrEnum

from msgspec import Struct

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


class Mode(IntEnum):
    """How a point decides: Victron's ``/Mode``."""

    MANUAL = 0
    AUTO = 1
    SCHEDULED = 2


class Status(IntEnum):
    """Victron's ``/Status``; the numbers are those of the GX."""

    DISCONNECTED = 0
    CONNECTED = 1
    CHARGING = 2
    CHARGED = 3
    WAIT_SUN = 4
    WAIT_RFID = 5
    WAIT_START = 6
    LOW_SOC = 7
    GROUND_FAULT = 8
    WELDED_CONTACTS = 9
    CP_SHORTED = 10
    RESIDUAL_CURRENT = 11
    UNDERVOLTAGE = 12
    OVERVOLTAGE = 13
    OVERHEATING = 14
    CHARGING_LIMIT = 20
    START_CHARGING = 21
    SWITCH_TO_3 = 22
    SWITCH_TO_1 = 23
    STOP_CHARGING = 24


# Events: what enters the graph.


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


# Orders: what people and programs ask of a charging point.


class SetMode(Struct, frozen=True, gc=False, tag=True):
    """Choose how the point decides."""

    mode: Mode


class SetStart(Struct, frozen=True, gc=False, tag=True):
    """Set ``/StartStop``: False stops in the same step, True lets the mode decide."""

    start: bool


class SetCurrent(Struct, frozen=True, gc=False, tag=True):
    """The current asked for in manual mode, in A."""

    current_a: float


class SetPhases(Struct, frozen=True, gc=False, tag=True):
    """Fix the phases to 1 or 3; 0 leaves the choice to the mode."""

    phases: int


class SetAutoStart(Struct, frozen=True, gc=False, tag=True):
    """Set ``/AutoStart``: with True a stop lasts for this stay of the car only."""

    auto_start: bool


class Boost(Struct, frozen=True, gc=False, tag=True, kw_only=True):
    """Charge fast for once, until the first end that is met; without any, until unplugged."""

    on: bool = True
    until_utc_s: float | None = None
    energy_kwh: float | None = None
    """So much more, counted from now."""
    soc_pct: float | None = None
    """Until the car is so full, where its SoC is known."""


class SetEnergyLimit(Struct, frozen=True, gc=False, tag=True):
    """Stop after so many kWh in this stay; None takes the limit away."""

    energy_kwh: float | None


class AcceptCharger(Struct, frozen=True, tag=True):
    """Take the charger with this serial number, another one than last time, as the right one."""

    serial: str


class SetPowerCap(Struct, frozen=True, gc=False, tag=True):
    """The grid operator's cap on the point's power in W; None takes it away."""

    power_w: float | None


class SetVehicle(Struct, frozen=True, tag=True):
    """Say which car is at the point for this stay: its id, ``""`` for a guest, None to find out."""

    vehicle: str | None


class SetGoal(Struct, frozen=True, tag=True, kw_only=True):
    """Have so much in the car at the departure, once; the newest goal of a car counts."""

    departure_utc_s: float
    soc_pct: float | None = None
    energy_kwh: float | None = None
    """So much more, counted from now; exactly one of the two is given."""
    vehicle: str = ""
    """The car's id; empty = the car at the point of the command."""


class ClearGoal(Struct, frozen=True, tag=True):
    """Take back the goal of once; repeating departures stay."""

    vehicle: str = ""


class SetMinSoc(Struct, frozen=True, tag=True):
    """Below this the car charges at once; None = as configured, 0 = never."""

    soc_pct: float | None
    vehicle: str = ""


class SetLimitSoc(Struct, frozen=True, tag=True):
    """Charging ends here; None = as configured."""

    soc_pct: float | None
    vehicle: str = ""


PointOrder = (
    SetMode | SetStart | SetCurrent | SetPhases | SetAutoStart | Boost | SetEnergyLimit | SetPowerCap | AcceptCharger
)
CarOrder = SetVehicle | SetGoal | ClearGoal | SetMinSoc | SetLimitSoc
"""Orders about the car at a point, or about the car that they name."""
Order = PointOrder | CarOrder


class Command(Event, frozen=True, gc=False, tag=True):
    """An order for a point; checked where it came in, in force in the step that it enters."""

    point: str
    order: Order
    origin: str = ""
    """Who asked: ``dbus``, ``rest``, ``page``, ``cli``."""


# Decisions: what leaves the graph.


class Why(StrEnum):
    """The reasons that a decision can have; ``Reason`` holds one with its numbers."""

    NO_READING = "no_reading"
    UNREACHABLE = "unreachable"
    NO_CAR = "no_car"
    FAULT = "fault"
    UNAVAILABLE = "unavailable"
    AWAITING_AUTH = "awaiting_auth"
    STOPPED = "stopped"
    MANUAL = "manual"
    BOOST = "boost"
    ENERGY_LIMIT = "energy_limit"
    WINDOW = "window"
    OUTSIDE_WINDOWS = "outside_windows"
    PRICE_LOW = "price_low"
    PRICE_WAIT = "price_wait"
    PRICE_MISSING = "price_missing"
    PLAN_SLOT = "plan_slot"
    PLAN_WAIT = "plan_wait"
    PLAN_SUN = "plan_sun"
    PLAN_LATE = "plan_late"
    PLAN_PRICES = "plan_prices"
    PLAN_DONE = "plan_done"
    NO_GOAL = "no_goal"
    MIN_SOC = "min_soc"
    LIMIT_SOC = "limit_soc"
    SOC_UNKNOWN = "soc_unknown"
    SOC_OLD = "soc_old"
    SURPLUS = "surplus"
    START_DELAY = "start_delay"
    REST = "rest"
    STARTS_SPENT = "starts_spent"
    WAIT_SUN = "wait_sun"
    HOLD = "hold"
    MIN_SOLAR = "min_solar"
    CURTAILED = "curtailed"
    SHARED = "shared"
    LOW_SOC = "low_soc"
    BATTERY_FIRST = "battery_first"
    BATTERY_FEEDS = "battery_feeds"
    BATTERY_NOT_PROTECTED = "battery_not_protected"
    DESS = "dess"
    SITE_STALE = "site_stale"
    SITE_FROZEN = "site_frozen"
    OFF_GRID = "off_grid"
    OFF_GRID_REST = "off_grid_rest"
    PHASE_SEQUENCE = "phase_sequence"
    PHASE_WAIT = "phase_wait"
    PHASES_REFUSED = "phases_refused"
    PHASES_MEASURED = "phases_measured"
    LIMIT_CONFIG = "limit_config"
    LIMIT_CHARGER = "limit_charger"
    LIMIT_CAR = "limit_car"
    LIMIT_FUSE = "limit_fuse"
    LIMIT_IMPORT = "limit_import"
    LIMIT_UNBALANCED = "limit_unbalanced"
    LIMIT_OPERATOR = "limit_operator"
    LIMIT_BLIND = "limit_blind"
    LIMIT_REST = "limit_rest"
    BELOW_MINIMUM = "below_minimum"
    SETTLING = "settling"
    RAISE_PACE = "raise_pace"
    RAISE_BUDGET = "raise_budget"
    ADOPTED = "adopted"
    ASLEEP = "asleep"
    WAKING = "waking"
    CHARGED = "charged"
    NOT_TAKEN = "not_taken"
    FOREIGN_WRITER = "foreign_writer"
    WRITES_IGNORED = "writes_ignored"
    READ_ONLY = "read_only"


class Reason(Struct, frozen=True, gc=False):
    """One reason with its numbers; ``phaeton.streams.reasons`` puts it into words."""

    why: Why
    value: float | None = None
    limit: float | None = None
    left_s: float | None = None
    """Seconds until this reason may end, where that is known."""
    text: str = ""


class ChargerWrite(Struct, frozen=True, gc=False):
    """What the charger sink shall write now; fields that are None are left alone."""

    current_a: float | None = None
    phases: int | None = None


class SlotWhy(StrEnum):
    """Why a plan charges in a slot."""

    PRICE = "price"
    SUN = "sun"
    PRECONDITION = "precondition"
    UNPRICED = "unpriced"
    """No price is known for this time, and the rest of the time does not suffice."""
    LATE = "late"
    """The departure cannot be met; charging goes on until the goal."""


class PlanSlot(Struct, frozen=True, gc=False):
    """One stretch of a plan at one price (UTC seconds)."""

    start_s: float
    end_s: float
    power_w: float
    why: SlotWhy
    price_per_kwh: float | None = None
    """What a kWh costs here, the sun in it counted with what feeding in would bring."""


class Plan(Struct, frozen=True, kw_only=True):
    """When the car charges so that the goal is met at the least cost."""

    made_utc_s: float
    departure_utc_s: float
    deadline_utc_s: float
    """The departure less the margin: the plan is to be done by then."""
    need_kwh: float
    """From the socket, counted from when the plan was made."""
    power_w: float
    """What the car is expected to take."""
    slots: tuple[PlanSlot, ...] = ()
    done_utc_s: float | None = None
    """When the goal is expected to be met; None where nothing is needed."""
    cost: float | None = None
    """Expected; None where a price is not known."""
    sun_kwh: float = 0.0
    """Of the need, what the sun is expected to bring outside of the paid slots."""
    late_s: float = 0.0
    """After the departure, 0 when the goal is met by then."""
    missing_kwh: float = 0.0
    """What will be missing at the deadline."""
    missing_pct: float = 0.0
    """... as a share of the need."""
    waits_for_prices: bool = False
    """The prices end before the deadline and the time after them suffices; the slots are the last that do."""


class CarState(Struct, frozen=True, kw_only=True):
    """What is known of a car, as the control sees it."""

    vehicle: str
    """The id in the configuration; empty for a guest."""
    point: str = ""
    """The charging point where it is."""
    soc_pct: float | None = None
    """Estimated for now."""
    soc_sigma_pct: float | None = None
    soc_age_s: float | None = None
    """Since the car measured the SoC that the estimate begins at."""
    read_soc_pct: float | None = None
    """The last accepted reading."""
    wh_per_pct: float | None = None
    """Energy from the socket for one percent: learnt, else from the battery's size."""
    limit_soc_pct: float | None = None
    """The lowest of the car's own limit, the configured and the ordered one."""
    min_soc_pct: float | None = None
    goal_soc_pct: float | None = None
    goal_kwh: float | None = None
    """What the goal still needs is in the plan; this is what was asked for."""
    departure_utc_s: float | None = None
    repeating: bool = False
    """The departure is one of the configured ones."""
    power_w: float | None = None
    """What the car takes, once learnt."""


class Lease(Struct, frozen=True, gc=False):
    """How long the charger keeps the setpoint, and what it does without us."""

    asked_a: float
    accepted_a: float | None
    applied_a: float | None
    safe_a: float | None
    remaining_s: float | None
    validity_s: float | None
    """The longest remaining time seen after a write: the charger's configured validity."""
    foreign_a: float | None = None
    """A value that somebody else wrote, while it stands."""
    foreign_every_s: float | None = None
    foreign_count: int = 0


class Session(Struct, frozen=True, gc=False):
    """One stay of the car: plugged in to unplugged."""

    id: str
    """Point and start, unique for this installation."""
    point: str
    start_utc_s: float
    end_utc_s: float | None = None
    meter_start_kwh: float | None = None
    meter_end_kwh: float | None = None
    energy_kwh: float = 0.0
    pv_kwh: float = 0.0
    battery_kwh: float = 0.0
    grid_kwh: float = 0.0
    cost: float = 0.0
    """Grid energy at the import price and the rest at the feed-in price of its slot."""
    reference_cost: float = 0.0
    """What the same energy would have cost from the grid alone."""
    unpriced_kwh: float = 0.0
    """Energy that was drawn while no price was known; it is in no cost."""
    currency: str = ""
    charging_s: float = 0.0
    peak_power_w: float = 0.0
    starts: int = 0
    charger_serial: str = ""
    vehicle: str = ""
    """The id of the car that drew it; empty for a guest, and where it is not known."""


class EnergySlot(Struct, frozen=True, gc=False):
    """What one point drew in one price slot, with its cost."""

    point: str
    session: str
    """The session's id; empty for energy that belongs to no stay."""
    start_utc_s: float
    energy_kwh: float
    pv_kwh: float
    battery_kwh: float
    grid_kwh: float
    cost: float
    reference_cost: float
    unpriced_kwh: float


class PointDecision(Struct, frozen=True, gc=False):
    """What was decided for one charging point in one step, and why."""

    point: str
    mode: Mode
    start: bool
    auto_start: bool
    requested_a: float
    """What manual mode would charge with."""
    current_a: float
    """The setpoint: 0, or from the minimum up to every limit."""
    phases: int
    """The phases that the control counts with: measured while charging, else chosen."""
    chosen_phases: int
    """0 when the mode chooses."""
    status: Status | None
    """None while the charger cannot be reached or reports a fault that the GX has no number for."""
    reasons: tuple[Reason, ...]
    write: ChargerWrite | None = None
    min_a: float = 6.0
    max_a: float = 32.0
    """The highest current that the charger and its configuration allow, without the site's limits."""
    limit_a: float | None = None
    """The smallest of all limits known in this step, None before the first reading."""
    reachable: bool = False
    plugged: bool = False
    surplus_w: float | None = None
    """What the sun leaves for this point, its own power included."""
    boost: bool = False
    boost_until_utc_s: float | None = None
    energy_limit_kwh: float | None = None
    power_cap_w: float | None = None
    lease: Lease | None = None
    session: Session | None = None
    """The running stay, else the last one."""
    closed: Session | None = None
    """Set in the one step in which a stay ended."""
    slots: tuple[EnergySlot, ...] = ()
    """Price slots that were completed in this step."""
    vehicle: str | None = None
    """Id of the car at this point; empty for a guest, None where no car is configured and no goal is set."""
    plan: Plan | None = None


class Decision(Struct, frozen=True, gc=False):
    """One evaluation of the graph for the whole site."""

    mono_s: float
    utc_s: float
    points: tuple[PointDecision, ...]
    surplus_w: float | None = None
    """What the sun leaves for all cars together, their power included."""
    site_age_s: float | None = None
    site_fresh: bool = False
    site_delay_s: float | None = None
    """How much later the site shows a change of the car than the charger does, once measured."""
    import_per_kwh: float | None = None
    feed_in_per_kwh: float | None = None
    currency: str = ""
    cars: tuple[CarState, ...] = ()
    """The configured cars, and guests that have a goal."""


class PointSituation(Struct, frozen=True, gc=False):
    """The latest of everything known of one charging point."""

    id: str
    reading: ChargerReading | None = None
    identity: ChargerIdentity | None = None
    unavailable: Unavailable | None = None
    """Set while the charger does not answer; the last reading stays for the record."""


class Situation(Struct, frozen=True, gc=False):
    """The latest of everything, folded from the sources; each part keeps its own times."""

    mono_s: float = 0.0
    utc_s: float = 0.0
    points: tuple[PointSituation, ...] = ()
    site: SiteReading | None = None
    site_unavailable: Unavailable | None = None
    prices: PriceCurve | None = None
    forecast: ForecastCurve | None = None
    vehicles: tuple[VehicleReading, ...] = ()
    """The latest of each car, as it was read."""


class Output(Struct, frozen=True, gc=False):
    """What the sinks get after each evaluation of the graph."""

    situation: Situation
    decision: Decision


Now = Callable[[], tuple[float, float]]
"""The clock of the edges: the present ``(mono_s, utc_s)``."""

Submit = Callable[[str, Order, str], Awaitable[None]]
"""Give an order for a point, with its origin: in force at once, returns when it is stored."""

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
