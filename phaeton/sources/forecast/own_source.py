"""The own history as a source: told every six hours, so that plans are not made anew for each hour that was learnt."""

from __future__ import annotations

from reactivex import Observable
from reactivex.subject import Subject

from phaeton.model import ForecastCurve, Now, Unavailable
from phaeton.price_report import SourceReport
from phaeton.sources.forecast.own_history import HOUR_S, LEAST_DAYS, OwnHistory

TITLE = "this house's own history"
EVERY_H = 6


class OwnSource:
    """The forecast by the own history. Subscribe, then `start`; `learnt_more` is to be called when it has learnt."""

    def __init__(self, history: OwnHistory, now: Now, name: str) -> None:
        """``name`` is what it is called in `Unavailable`."""
        self._history = history
        self._now = now
        self._name = name
        self._curves: Subject[ForecastCurve | Unavailable] = Subject()
        self._since_s = now()[0]
        self._known = False
        self._running = False

    @property
    def curves(self) -> Observable[ForecastCurve | Unavailable]:
        """The forecast each time it changes, or why there is none."""
        return self._curves

    def start(self) -> None:
        """Tell what is known."""
        self._running = True
        self._since_s = self._now()[0]
        self._tell()

    def stop(self) -> None:
        """Tell nothing more."""
        self._running = False

    def learnt_more(self) -> None:
        """An hour was learnt."""
        _, utc_s = self._now()
        hour = int((utc_s + self._history.wall.offset_s(utc_s)) // HOUR_S)
        if self._running and (hour % EVERY_H == 0 or not self._known):
            self._tell()

    def describe(self) -> SourceReport:
        """How much is known."""
        return SourceReport(title=TITLE, note=self._why() if not self._known else "")

    def _tell(self) -> None:
        mono_s, utc_s = self._now()
        slots = self._history.slots(utc_s)
        self._known = bool(slots)
        self._curves.on_next(ForecastCurve(mono_s, utc_s, slots))
        if not slots:
            self._curves.on_next(Unavailable(mono_s, utc_s, self._name, self._since_s, self._why()))

    def _why(self) -> str:
        return f"the sun of {LEAST_DAYS} days must be seen first, {min(self._history.known_days(), LEAST_DAYS)} were"
