"""The part of the API about the forecast: the expected sun and house, and how its source fares."""

from __future__ import annotations

from msgspec import Struct

from phaeton.model import ForecastCurve
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Nothing, Scope
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.prices import PriceSourceStatus, source_status
from phaeton.sinks.web.state import WebState


class ForecastSlotStatus(Struct, frozen=True, kw_only=True):
    """What is expected from ``start`` until ``end``, as mean power."""

    start: str
    end: str
    pv_w: float | None
    consumption_w: float | None
    """The house without the cars."""
    surplus_w: float | None
    """What is left of the sun."""


class Forecast(Struct, frozen=True, kw_only=True):
    """The forecast that the plans go by."""

    made: str | None
    """When it came; null where there is none."""
    pv_kwh: float | None
    """Expected from now until the end of the curve; null where no sun is told."""
    source: PriceSourceStatus | None
    """How the source fares; null where ``forecast.source`` is none."""
    slots: list[ForecastSlotStatus]


class ForecastApi:
    """The handler."""

    def __init__(self, state: WebState, parts: Parts) -> None:
        self._state = state
        self._diagnostics = parts.diagnostics

    def endpoints(self) -> Endpoints:
        """All of this part."""
        about = "The expected sun and house, as the plans go by them"
        return [Endpoint("GET", "/api/forecast", self.forecast, Scope.GUEST, about, Forecast)]

    async def forecast(self, ask: Ask[Nothing, Nothing]) -> Forecast:
        """What is expected from now on; an empty list where there is no forecast."""
        now_s, output = self._state.now_utc_s(), self._state.output
        curve = None if output is None else output.situation.forecast
        report = self._diagnostics().forecast
        slots = [slot for slot in curve.slots if slot.end_s > now_s] if curve is not None else []
        return Forecast(
            made=None if curve is None or not slots else moment(curve.utc_s),
            pv_kwh=_sun_kwh(curve, now_s),
            source=None if report is None else source_status(report, now_s),
            slots=[
                ForecastSlotStatus(
                    start=moment(slot.start_s),
                    end=moment(slot.end_s),
                    pv_w=_whole(slot.pv_w),
                    consumption_w=_whole(slot.consumption_w),
                    surplus_w=_whole(_left(slot.pv_w, slot.consumption_w, slot.surplus_w)),
                )
                for slot in slots
            ],
        )


def _left(pv_w: float | None, consumption_w: float | None, surplus_w: float | None) -> float | None:
    if surplus_w is not None or pv_w is None or consumption_w is None:
        return surplus_w
    return pv_w - consumption_w


def _whole(power_w: float | None) -> float | None:
    return None if power_w is None else round(power_w)


def _sun_kwh(curve: ForecastCurve | None, now_s: float) -> float | None:
    known = [] if curve is None else [slot for slot in curve.slots if slot.end_s > now_s and slot.pv_w is not None]
    if not known:
        return None
    return round(sum((slot.end_s - max(slot.start_s, now_s)) * (slot.pv_w or 0.0) for slot in known) / 3.6e6, 2)
