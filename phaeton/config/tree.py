"""The configuration as one tree of types: schema, defaults, ranges and descriptions in one place.

The names carry their units. A key that is here has an effect; a key that has none is not here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import field

from phaeton.config.node import Node
from phaeton.config.node import meta as _meta
from phaeton.config.tree_cars import Vehicle
from phaeton.config.tree_forecast import Forecast
from phaeton.config.tree_mqtt import Mqtt
from phaeton.config.tree_notify import Notify
from phaeton.config.tree_prices import Prices
from phaeton.config.tree_schedule import Schedule
from phaeton.config.tree_updates import UpdateSettings
from phaeton.config.tree_vehicles import HomePosition
from phaeton.config.tree_web import Web

VERSION = 1

Level = Literal["debug", "info", "warning", "error"]


class PointLimits(Node, frozen=True):
    """What the wiring of this charger bears."""

    min_set_current_a: Annotated[
        float, _meta("Least current that the car charges with, in A; 8 suits some cars better", ge=6, le=32)
    ] = 6.0
    max_set_current_a: Annotated[float, _meta("Most current that Phaeton ever asks for, in A", ge=6, le=80)] = 32.0
    max_phases: Annotated[Literal[1, 3], _meta("Phases that the charger is wired to")] = 3


class Initial(Node, frozen=True):
    """What holds before anybody asked for something; afterwards the last wish is restored."""

    mode: Annotated[Literal["manual", "auto", "scheduled"], _meta("Mode of a new installation")] = "auto"
    start: Annotated[bool, _meta("Whether charging is enabled")] = True
    set_current_a: Annotated[float, _meta("Current of manual mode, in A", ge=0, le=80)] = 16.0
    auto_start: Annotated[bool, _meta("A stop lasts for the present stay of the car only")] = True


class Charger(Node, frozen=True):
    """One charger; a charger with two sockets gives two charging points."""

    host: Annotated[str, _meta("Host name or address", min_length=1, max_length=253)]
    id: Annotated[
        str, _meta("Own name for paths and the D-Bus service: letters, digits and _", pattern="^[A-Za-z0-9_]{0,32}$")
    ] = ""
    name: Annotated[str, _meta("Name shown on the GX and the page", max_length=32)] = ""
    port: Annotated[int, _meta("TCP port; the profile's (502) when empty", ge=1, le=65535)] | None = None
    unit: Annotated[int, _meta("Modbus unit of the first socket; the profile's when empty", ge=0, le=255)] | None = None
    station_unit: Annotated[int, _meta("Modbus unit of the station; the profile's when empty", ge=0, le=255)] | None = (
        None
    )
    sockets: Annotated[Literal[1, 2, "auto"], _meta("Sockets of this charger; auto = what it said last, else 1")] = (
        "auto"
    )
    profile: Annotated[str, _meta("The kind of charger", pattern="^[a-z0-9_]+$")] = "alfen_ng9xx"
    profile_file: Annotated[str, _meta("A profile of your own in this YAML file, instead of `profile`")] = ""
    profile_overlay: Annotated[dict[str, Any], _meta("Changes to the profile, merged into it")] = field(
        default_factory=dict
    )
    profile_confirmed: Annotated[
        bool,
        _meta(
            "Let Phaeton write to a charger whose profile is of medium or low confidence; until then it is only read. "
            "First try it out with `phaeton probe HOST --exercise`, and send its report"
        ),
    ] = False
    device_instance: (
        Annotated[int, _meta("Instance number that the GX is asked for; 40 when empty", ge=0, le=10000)] | None
    ) = None
    position: Annotated[
        Literal["input", "output"] | None, _meta("Where the charger is wired: AC input or AC output of the inverter")
    ] = None
    limits: PointLimits = PointLimits()
    phase_map: Annotated[tuple[int, int, int], _meta("The grid's phase (1-3) behind L1, L2 and L3 of the charger")] = (
        1,
        2,
        3,
    )
    priority: Annotated[int, _meta("Higher is served first", ge=0, le=100)] = 0
    initial: Initial = Initial()
    on_exit: Annotated[
        Literal["lapse", "pause", "keep"],
        _meta("What an orderly stop leaves: let the setpoint lapse, pause the car, or renew the setpoint once more"),
    ] = "lapse"
    poll_interval_s: Annotated[
        float, _meta("Time between two polls while a car is plugged in, in s", ge=0.5, le=30)
    ] = 1.0


class SiteLimits(Node, frozen=True):
    """What the house connection bears; a limit that is not set does not exist."""

    fuse_a: Annotated[float, _meta("Main fuse of each phase, in A", ge=6, le=1000)] | None = None
    fuse_margin_a: Annotated[float, _meta("Kept free below the fuse, in A", ge=0, le=50)] = 1.0
    import_w: Annotated[float, _meta("Most power drawn from the grid in total, in W", ge=0)] | None = None
    unbalanced_a: Annotated[float, _meta("Most current while the car uses one phase, in A", ge=6, le=80)] | None = None
    safe_current_a: Annotated[float, _meta("Most current while a limit cannot be measured, in A", ge=0, le=32)] = 6.0
    missing_after_s: Annotated[float, _meta("A measurement older than this counts as missing, in s", ge=2, le=120)] = (
        10.0
    )
    raise_after_s: Annotated[
        float, _meta("A limit must leave room for this long before the current rises, in s", ge=0, le=3600)
    ] = 60.0
    resume_after_s: Annotated[float, _meta("Pause after a limit stopped the car, in s", ge=0, le=3600)] = 300.0


class Site(Node, frozen=True):
    """The house and where its values come from."""

    source: Annotated[Literal["gx", "none"], _meta("gx = the GX over D-Bus; none = no values of the house")] = "gx"
    require_dbus: Annotated[
        bool,
        _meta(
            "Wait for D-Bus before the first decision; without, control starts at once and D-Bus joins when it is there"
        ),
    ] = False
    timezone: Annotated[str, _meta("Time zone such as Europe/Amsterdam; the GX's when empty", max_length=64)] = ""
    limits: SiteLimits = SiteLimits()
    home: HomePosition = HomePosition()
    off_grid: Annotated[bool, _meta("Charge from the inverter while the grid is away")] = False
    off_grid_share_pct: Annotated[
        float, _meta("Share of the inverter's rating that may be used then", ge=0, le=100)
    ] = 80.0
    inverter_rating_w: Annotated[float, _meta("Continuous rating of the inverter, in W", ge=0)] | None = None
    stale_hold_s: Annotated[
        float, _meta("Without values of the house for this long auto holds at most the minimum, in s", ge=5, le=600)
    ] = 30.0
    stale_stop_s: Annotated[
        float, _meta("Without values of the house for this long auto stops, in s", ge=10, le=3600)
    ] = 60.0


class Auto(Node, frozen=True):
    """Charging from the surplus of the sun."""

    grid_target_w: (
        Annotated[
            float,
            _meta(
                "What the grid is regulated to, import positive; empty = the ESS's own setpoint, else -50 W",
                ge=-20000,
                le=20000,
            ),
        ]
        | None
    ) = None
    smoothing_s: Annotated[float, _meta("Time constant of the smoothing, in s; 0 = none", ge=0, le=300)] = 1.5
    start_delay_s: Annotated[
        float, _meta("The surplus must be there on average for this long before a start, in s", ge=0, le=3600)
    ] = 120.0
    min_charge_duration_s: Annotated[
        float, _meta("Longest time at minimum current without enough sun, in s", ge=0, le=7200)
    ] = 300.0
    bridge_wh: (
        Annotated[
            float,
            _meta(
                "Energy from grid or battery that may bridge a cloud, in Wh; empty = 100, with three phases only 150",
                ge=0,
                le=5000,
            ),
        ]
        | None
    ) = None
    rest_s: Annotated[float, _meta("Pause between a stop and the next start, in s", ge=0, le=7200)] = 300.0
    max_starts_per_hour: Annotated[int, _meta("Most starts in an hour", ge=1, le=60)] = 3
    starts_per_day_before_long_rest: Annotated[
        int, _meta("After so many starts in a day the pause is 15 minutes", ge=1, le=200)
    ] = 10
    min_solar_share_pct: Annotated[
        float, _meta("Share of the minimum power that the sun must give; 0 = at least the minimum always", ge=0, le=100)
    ] = 100.0
    raise_step_a: Annotated[float, _meta("Smallest raise, in A", ge=0.1, le=6)] = 0.5
    raise_interval_s: Annotated[float, _meta("Time between two raises, in s", ge=0, le=600)] = 10.0
    deficit_w: Annotated[float, _meta("A deficit above this lowers the current at once, in W", ge=0, le=10000)] = 500.0
    lower_after_s: Annotated[
        float, _meta("A smaller deficit lowers the current after this time, in s", ge=0, le=600)
    ] = 10.0
    settle_s: Annotated[float, _meta("Longest time that a car takes to follow a change, in s", ge=1, le=120)] = 20.0
    curtailed_probe: Annotated[bool, _meta("Try whether curtailed PV has more to give")] = True


class PhaseSwitching(Node, frozen=True):
    """One phase or three."""

    auto_switch: Annotated[bool, _meta("Let auto choose between one and three phases")] = True
    up_margin_w: Annotated[
        float, _meta("Surplus above the three-phase minimum that is needed to switch up, in W", ge=0, le=5000)
    ] = 300.0
    up_delay_s: Annotated[float, _meta("... for this long, in s", ge=0, le=3600)] = 180.0
    down_delay_s: Annotated[
        float, _meta("Surplus below the three-phase minimum for this long switches down, in s", ge=0, le=3600)
    ] = 120.0
    min_gap_s: Annotated[float, _meta("Least time between two automatic switches, in s", ge=60, le=7200)] = 600.0
    max_per_hour: Annotated[int, _meta("Most automatic switches in an hour", ge=0, le=20)] = 3
    max_per_day: Annotated[int, _meta("Most automatic switches in a day", ge=0, le=200)] = 10
    pause_s: Annotated[float, _meta("Time at 0 A before the contactor moves, in s", ge=10, le=180)] = 30.0


class Battery(Node, frozen=True):
    """The house battery beside the car."""

    priority: Annotated[
        Literal["battery", "car"], _meta("Who gets the sun first while the battery is below full_soc_pct")
    ] = "battery"
    full_soc_pct: Annotated[float, _meta("From this SoC on the battery counts as full", ge=0, le=100)] = 80.0
    feed_car_soc_pct: (
        Annotated[float, _meta("Above this SoC the battery may feed the car; empty = never", ge=0, le=100)] | None
    ) = None
    feed_car_w: Annotated[float, _meta("Power with which it may feed the car then, in W", ge=0, le=50000)] = 3000.0
    min_soc_pct: (
        Annotated[float, _meta("Own minimum SoC for charging in auto; the ESS's holds besides", ge=0, le=100)] | None
    ) = None
    max_charge_w: (
        Annotated[
            float, _meta("Power that the battery charges with at most, in W; used where the GX does not tell", ge=0)
        ]
        | None
    ) = None


class Store(Node, frozen=True):
    """What is kept on disk."""

    directory: Annotated[str, _meta("Where; empty = /data/phaeton on a GX, else the user's state directory")] = ""
    history_days: Annotated[int, _meta("Sessions and energy slots are kept for this long", ge=1, le=36500)] = 730
    history_mb: Annotated[float, _meta("... and up to this size, in MB", ge=1, le=10000)] = 100.0
    series_days: Annotated[
        int, _meta("Means and peaks of each minute, for charts and simulations, are kept for this long", ge=0, le=3650)
    ] = 30
    flush_s: Annotated[float, _meta("Longest time that measured detail waits for the disk, in s", ge=30, le=3600)] = (
        30.0
    )


class Record(Node, frozen=True):
    """The recorder: everything that led to a decision, one file a day, to be replayed with `phaeton replay`."""

    enabled: Annotated[bool, _meta("Record")] = False
    directory: Annotated[str, _meta("Where; empty = recordings/ in the store's directory")] = ""
    days: Annotated[int, _meta("Recordings are kept for this long", ge=1, le=3650)] = 7
    mb: Annotated[float, _meta("... and up to this size, in MB; a day takes up to 10", ge=1, le=100000)] = 50.0
    flush_s: Annotated[float, _meta("Time between two writes to the disk, in s", ge=60, le=3600)] = 60.0


class LogSink(Node, frozen=True):
    """One way out for the log."""

    level: Annotated[Level, _meta("Least level shown")] = "info"
    format: Annotated[Literal["human", "json"], _meta("Lines for people or for programs")] = "human"


class LogFile(Node, frozen=True):
    """A log file, rotated by size."""

    path: Annotated[str, _meta("Where; empty = no file (on a GX multilog keeps the log)")] = ""
    level: Annotated[Level, _meta("Least level written")] = "info"
    format: Annotated[Literal["human", "json"], _meta("Lines for people or for programs")] = "human"
    max_mb: Annotated[float, _meta("Size at which the file is rotated, in MB", gt=0, le=1000)] = 1.0
    backups: Annotated[int, _meta("Old files kept", ge=0, le=100)] = 3


class LogWeb(Node, frozen=True):
    """What the page and the API show of the log: the newest records, from memory."""

    level: Annotated[Level, _meta("Least level shown; it can be changed while Phaeton runs")] = "info"


class Log(Node, frozen=True):
    """The log."""

    console: LogSink = LogSink()
    file: LogFile = LogFile()
    web: LogWeb = LogWeb()


class Config(Node, frozen=True):
    """The whole configuration; the least one names a charger."""

    version: Annotated[int, _meta("Version of this layout", ge=1)] = VERSION
    chargers: Annotated[tuple[Charger, ...], _meta("The chargers; `charger: HOST` is short for a list of one")] = ()
    site: Site = Site()
    auto: Auto = Auto()
    phases: PhaseSwitching = PhaseSwitching()
    battery: Battery = Battery()
    schedule: Schedule = Schedule()
    prices: Prices = Prices()
    forecast: Forecast = Forecast()
    vehicles: Annotated[tuple[Vehicle, ...], _meta("The cars that charge here")] = ()
    web: Web = Web()
    mqtt: Mqtt = Mqtt()
    notify: Notify = Notify()
    updates: UpdateSettings = UpdateSettings()
    store: Store = Store()
    record: Record = Record()
    log: Log = Log()
