"""The part of the configuration about scheduled mode: windows, price strategies, the plan of a departure."""

from __future__ import annotations

from typing import Annotated, Literal

from phaeton.config.forms import CLOCK, CLOCK_END
from phaeton.config.node import Day, Node, meta

PriceLevel = Literal["very_cheap", "cheap", "normal", "expensive", "very_expensive"]
Strategy = Literal["windows", "level", "threshold", "percentile", "plan"]


class Window(Node, frozen=True):
    """A time to charge; over midnight it belongs to the day that it starts on."""

    start: Annotated[str, meta("Start, HH:MM in local time", pattern=CLOCK)]
    end: Annotated[str, meta("End, HH:MM in local time; 24:00 is the end of the day", pattern=CLOCK_END)]
    days: Annotated[tuple[Day, ...], meta("Days that it starts on; empty = every day")] = ()
    current_a: Annotated[float, meta("Current, in A; empty = as much as the limits allow", ge=6, le=80)] | None = None
    active: Annotated[bool, meta("False keeps the window without using it")] = True


class PlanSettings(Node, frozen=True):
    """How a departure is planned."""

    margin_s: Annotated[float, meta("The goal is to be met this long before the departure, in s", ge=0, le=14400)] = (
        900.0
    )
    start_cost: Annotated[
        float, meta("What each further start of the car must save, in the currency of the prices", ge=0, le=1000)
    ] = 0.02
    continuous: Annotated[bool, meta("Charge in one unbroken block")] = False
    precondition_min: Annotated[
        float, meta("The last minutes before the goal is due are always charged, so that the car is warm", ge=0, le=240)
    ] = 0.0
    forecast_certainty_pct: Annotated[
        float, meta("Share of the forecast surplus that a plan counts on; 0 = no sun is counted on", ge=0, le=100)
    ] = 60.0
    house_load_w: Annotated[
        float,
        meta("Consumption of the house without the car where a forecast tells only the sun, in W", ge=0, le=50000),
    ] = 500.0


class Schedule(Node, frozen=True):
    """Scheduled mode: charge when a window, the price or the plan of a departure says so."""

    windows: Annotated[tuple[Window, ...], meta("Times to charge")] = ()
    auto_outside: Annotated[bool, meta("Outside of the windows and slots the sun charges as in auto")] = False
    strategy: Annotated[
        Strategy,
        meta(
            "What charges besides the windows: nothing, prices of some `levels`, prices up to `threshold_per_kwh`, the "
            "cheapest `percentile_pct` of the time ahead, or departures alone; departures are planned with any"
        ),
    ] = "windows"
    levels: Annotated[
        tuple[PriceLevel, ...], meta("Levels at which `level` charges, as the price source flags them")
    ] = ("very_cheap", "cheap")
    threshold_per_kwh: (
        Annotated[
            float,
            meta(
                "Price up to which `threshold` charges; the sun's share of the power counts with the feed-in price",
                ge=-1000,
                le=1000,
            ),
        ]
        | None
    ) = None
    percentile_pct: Annotated[
        float, meta("Share of the time ahead that `percentile` charges in, the cheapest first", gt=0, le=100)
    ] = 30.0
    outside_solar_share_pct: Annotated[
        float,
        meta(
            "Share of the minimum power that the sun must give outside of slots while prices or a plan decide; "
            "below 100 the grid fills up also in dear hours. auto.min_solar_share_pct does not count then",
            ge=0,
            le=100,
        ),
    ] = 100.0
    plan: PlanSettings = PlanSettings()
