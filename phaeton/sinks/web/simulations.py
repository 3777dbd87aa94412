"""Simulation jobs as the API asks for them and tells them; `phaeton.app.jobs` runs them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from msgspec import Meta, Struct, field

from phaeton.sinks.web.times import From, To
from phaeton.trial import TrialResult

MOST_DAYS = 92
JobState = Literal["queued", "running", "done", "failed", "cancelled"]

Patch = Annotated[
    dict[str, Any],
    Meta(description="Settings on top of the running configuration, as a JSON merge patch (RFC 7396)"),
]
Name = Annotated[str, Meta(pattern=r"^\w[\w .,+()%-]{0,39}$", description="What the run is called")]


class VariantBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other settings to try."""

    name: Name
    set: Patch


class SimulationBody(Struct, frozen=True, kw_only=True):
    """What to try, over which days."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS, description="The last so many whole days (7)")] | None = None
    from_: From | None = field(name="from", default=None)
    to: To | None = None
    set: Patch | None = None
    """One variant, short for ``variants`` with one entry."""
    variants: Annotated[list[VariantBody], Meta(max_length=8)] = []
    compare: Annotated[
        list[Literal["immediate", "windows", "forerunner_auto", "auto", "price_plan"]], Meta(max_length=5)
    ] = []
    """Strategies to compare with as well."""
    step_s: Literal[1, 2, 5, 10, 20, 30, 60] | None = None
    """Null = 10 over recordings, 60 over minutes."""
    data: Literal["recordings", "minutes"] | None = None
    """Null = recordings where they cover all of the days, else the minutes of the store."""
    battery_kwh: Annotated[float, Meta(ge=0, le=10_000)] = 0.0
    """Capacity of the house battery; 0 = the house is simulated without one."""
    battery_w: Annotated[float, Meta(gt=0, le=1_000_000)] = 3000.0
    feed_in_limit_w: Annotated[float, Meta(ge=0, le=1_000_000)] | None = None


class Tried(Struct, frozen=True, kw_only=True):
    """A run, and what it changes of the settings of today."""

    name: str
    set: Patch = {}
    """As a JSON merge patch, secrets hidden; empty for today and for strategies."""
    changed: tuple[str, ...] = ()
    """Each key, as ``auto.start_delay_s: 120.0 -> 30.0``."""


class SimulationStatus(Struct, frozen=True, kw_only=True):
    """How a job fares."""

    id: str
    state: JobState
    progress: float
    """0 to 1."""
    eta_s: float | None
    """Expected seconds to go; null while that is not known."""
    made: str
    began: str | None
    ended: str | None
    start: str
    """Of the simulated time."""
    end: str
    runs: list[str]
    """Names; the first is the settings of today."""
    tried: tuple[Tried, ...]
    """The same runs with their settings."""
    error: str
    """Why it failed, and what to do."""
    result: TrialResult | None


class RecordedDay(Struct, frozen=True, kw_only=True):
    """A day of which something is known."""

    day: str
    """On the site's clock."""
    hours: int
    """Hours of which minutes are kept."""
    recorded: bool
    """A recording by the second is there."""
    stays: int
    """Of cars that came on this day, charged and have left."""
    energy_kwh: float
    """That they took."""


class RecordedDays(Struct, frozen=True, kw_only=True):
    """What can be simulated."""

    days: tuple[RecordedDay, ...]
    """The oldest first; a day that is missing is not known at all."""
    records: bool
    """Whether Phaeton records each second now (``record.enabled``)."""
    keeps_days: float
    """How long minutes are kept (``store.series_days``)."""


class JobRefusedError(ValueError):
    """A job that cannot be begun; ``field`` is to blame."""

    def __init__(self, detail: str, field: str) -> None:
        super().__init__(detail)
        self.field = field


class JobsFullError(RuntimeError):
    """So many jobs wait that no other is taken."""


class Simulations(Protocol):
    """The jobs."""

    async def begin(self, wanted: SimulationBody) -> SimulationStatus:
        """Queue a job; raises `JobRefusedError` and `JobsFullError`."""

    async def days(self) -> RecordedDays:
        """The days that are known."""

    def all(self) -> list[SimulationStatus]:
        """Those that are known, the newest first, without their single days."""

    def status(self, key: str) -> SimulationStatus | None:
        """One of them."""

    async def cancel(self, key: str) -> SimulationStatus | None:
        """End it where it is not over yet, else forget it; None where there is none."""

    async def report(self, key: str, run: str) -> bytes | None:
        """The page about one of its runs; None where there is none."""
