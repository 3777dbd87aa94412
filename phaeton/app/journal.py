"""The log of decisions: one line when a setpoint, a status or its first reason changes, in words."""

from __future__ import annotations

import logging

from phaeton.model import Output, PointDecision, Why
from phaeton.streams.reasons import describe

_log = logging.getLogger("phaeton.decision")

_URGENT = {
    Why.FAULT,
    Why.FOREIGN_WRITER,
    Why.WRITES_IGNORED,
    Why.NOT_TAKEN,
    Why.PHASES_REFUSED,
    Why.LIMIT_BLIND,
    Why.SITE_FROZEN,
    Why.SITE_STALE,
    Why.UNREACHABLE,
    Why.BATTERY_NOT_PROTECTED,
}
"""Reasons that an owner should read of."""

_FIRST_S = 5.0
"""How long the house may take to speak after the start."""


class Journal:
    """Writes what changed; a decision like the one before says nothing."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._told: dict[str, tuple[object, ...]] = {}
        self._whys: dict[str, list[Why]] = {}
        self._warned: dict[str, frozenset[Why]] = {}

    def publish(self, output: Output) -> None:
        """Look at the newest decisions."""
        now_s = output.decision.mono_s
        if self._began_s is None:
            self._began_s = now_s
        young = 0.0 <= now_s - self._began_s < _FIRST_S
        for point in output.decision.points:
            reasons = point.reasons
            if young and reasons and reasons[0].why is Why.SITE_STALE:
                continue  # the house has not spoken yet, which is no news
            now = (point.current_a, point.status, point.mode, reasons[0].why if reasons else None)
            if self._told.get(point.point) != now:
                self._told[point.point] = now
                self._tell(point)
            whys = [reason.why for reason in reasons]
            if self._whys.get(point.point) == whys:
                continue
            self._whys[point.point] = whys
            warnings = frozenset(_URGENT.intersection(whys))
            fresh = warnings - self._warned.get(point.point, frozenset())
            self._warned[point.point] = warnings
            for reason in reasons:
                if reason.why in fresh:
                    _log.warning("%s", describe(reason), extra={"point": point.point, "why": reason.why.value})

    def _tell(self, point: PointDecision) -> None:
        status = "unknown" if point.status is None else point.status.name.lower()
        words = "; ".join(describe(reason) for reason in point.reasons[:3])
        _log.info(
            "%.1f A on %d phase%s, %s, %s: %s",
            point.current_a,
            point.phases,
            "" if point.phases == 1 else "s",
            point.mode.name.lower(),
            status,
            words,
            extra={"point": point.point},
        )
