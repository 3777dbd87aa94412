"""Local days and clocks over the data of a time zone: where a day begins, and which hours a rate means."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta

from phaeton.config.tree_prices import Hours
from phaeton.model import Zone

DAY_S = 86400.0
MINUTE_S = 60.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Wall:
    """The wall clock of a zone."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def offset_s(self, utc_s: float) -> float:
        """The offset from UTC at an instant."""
        index = bisect_right(self.zone.transitions, (utc_s, float("inf"))) - 1
        return self.zone.transitions[max(index, 0)][1]

    def instant_s(self, wall_s: float) -> float:
        """The instant of a wall time (seconds since 1970 as the clock shows them).

        Of an hour that comes twice the first is meant; one that does not exist is when the clock was moved.
        """
        before_s, after_s = self.offset_s(wall_s - DAY_S), self.offset_s(wall_s + DAY_S)
        for offset_s in (before_s, after_s):
            if self.offset_s(wall_s - offset_s) == offset_s:
                return wall_s - offset_s
        moved = [at_s for at_s, _ in self.zone.transitions if abs(at_s - (wall_s - before_s)) <= DAY_S]
        return moved[0] if moved else wall_s - before_s

    def day_start_s(self, utc_s: float, days: int = 0) -> float:
        """When the local day of an instant begins, or one so many days later."""
        wall_s = utc_s + self.offset_s(utc_s)
        return self.instant_s(wall_s - wall_s % DAY_S + days * DAY_S)

    def at_s(self, utc_s: float, second: float, days: int = 0) -> float:
        """The instant at which the clock shows this second of the local day."""
        wall_s = utc_s + self.offset_s(utc_s)
        return self.instant_s(wall_s - wall_s % DAY_S + days * DAY_S + second)

    def date(self, utc_s: float) -> str:
        """The local day of an instant, as 2026-05-01."""
        return (_EPOCH + timedelta(seconds=utc_s + self.offset_s(utc_s))).strftime("%Y-%m-%d")

    def clock(self, utc_s: float) -> str:
        """The local time of an instant, as 13:05."""
        return (_EPOCH + timedelta(seconds=utc_s + self.offset_s(utc_s))).strftime("%H:%M")

    def fits(self, hours: Hours, utc_s: float) -> bool:
        """Whether an instant is in these hours."""
        wall = _EPOCH + timedelta(seconds=utc_s + self.offset_s(utc_s))
        second = wall.hour * 3600.0 + wall.minute * MINUTE_S + wall.second
        start, end = second_of(hours.start), second_of(hours.end)
        if start < end:
            return start <= second < end and _on(hours, wall)
        if second >= start:
            return _on(hours, wall)
        return second < end and _on(hours, wall - timedelta(days=1))

    def borders(self, hours: tuple[Hours, ...], start_s: float, end_s: float) -> list[float]:
        """The instants inside of a stretch at which some of the hours begin or end, the local days among them."""
        if not hours:
            return []
        seconds = {0.0} | {second_of(text) % DAY_S for one in hours for text in (one.start, one.end)}
        days = range(-1, int((end_s - start_s) // DAY_S) + 2)
        found = {self.at_s(start_s, second, day) for second in seconds for day in days}
        found |= {at_s for at_s, _ in self.zone.transitions}
        return sorted(at_s for at_s in found if start_s < at_s < end_s)


def second_of(text: str) -> float:
    """``07:30`` as a second of the day; ``24:00`` is its end."""
    return int(text[:2]) * 3600.0 + int(text[3:]) * MINUTE_S


def _on(hours: Hours, wall: datetime) -> bool:
    on_day = not hours.days or _DAYS[wall.weekday()] in hours.days
    return on_day and (not hours.months or wall.month in hours.months)
