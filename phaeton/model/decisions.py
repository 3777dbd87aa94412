"""Decisions: what leaves the graph, with what was known and the reasons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import IntEnum, StrEnum

from msgspec import Struct

from phaeton.model.events import (
    ChargerIdentity,
    ChargerReading,
    ForecastCurve,
    PriceCurve,
    SiteReading,
    Unavailable,
    VehicleReading,
)
from phaeton.model.orders import Mode, Order


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
