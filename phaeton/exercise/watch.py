"""What is looked at with every poll while a charger is exercised, and when it has to end at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phaeton.model import ChargerIdentity, ChargerReading, ChargerState, Event, Unavailable

_OVER_A = 1.0
"""Cars and meters may differ from the setpoint by so much."""
_DIFFERS_A = 0.25
_LEASE_JUMP_S = 3.0


class AbortError(Exception):
    """The sequence must end now; the text is for the owner."""


class Watch:
    """The newest of a charging point; `until` waits for something in it and ends when there is danger.

    Subscribe it to the point's events.
    """

    def __init__(self, most_a: float, follow_s: float, note: Callable[[ChargerReading], None]) -> None:
        self.reading: ChargerReading | None = None
        self.identity: ChargerIdentity | None = None
        self.held_a: float | None = None
        """The setpoint that was seen to be taken; another one is somebody else's."""
        self.allowed_a: float | None = None
        """What the car may draw; None while nothing was written."""
        self._allowed_since_s = 0.0
        self._drawn_a = 0.0
        """What the car drew when it was told."""
        self._most_a = most_a
        self._follow_s = follow_s
        self._note = note
        self._news = asyncio.Event()
        self._danger = ""
        self.away = ""
        """Why there are no readings; empty while there are."""
        self.guarding = False
        """Whether what is seen may end the sequence; restoring goes on whatever happens."""
        self._lease_s: float | None = None
        self._lapsing = False

    @property
    def worst_a(self) -> float:
        """The highest of the measured currents."""
        return 0.0 if self.reading is None else max(value or 0.0 for value in self.reading.current_a)

    @property
    def phases_used(self) -> int:
        """Phases that carry current."""
        return 0 if self.reading is None else sum((value or 0.0) > _OVER_A for value in self.reading.current_a)

    @property
    def plugged(self) -> bool:
        """A car is there."""
        return self.reading is not None and self.reading.state not in (
            ChargerState.DISCONNECTED,
            ChargerState.UNKNOWN,
            ChargerState.UNAVAILABLE,
            ChargerState.FAULT,
        )

    def allow(self, current_a: float, *, lapsing: bool = False) -> None:
        """From now on the car may draw so much, after some time to follow; with ``lapsing`` nobody writes."""
        self.held_a = None
        self.allowed_a = current_a
        self._lapsing = lapsing
        self._lease_s = None
        self._allowed_since_s = asyncio.get_running_loop().time()
        self._drawn_a = self.worst_a

    def take(self, event: Event) -> None:
        """One event of the charging point."""
        if isinstance(event, ChargerIdentity):
            self.identity = event
            if event.stranger:
                self._stop(event.warning)
        elif isinstance(event, Unavailable):
            self.away = event.why
            self._stop(f"the charger does not answer: {event.why}")
        elif isinstance(event, ChargerReading):
            self.reading, self.away = event, ""
            self._note(event)
            self._judge(event)
        self._news.set()

    def _stop(self, why: str) -> None:
        if self.guarding and not self._danger:
            self._danger = why

    def _judge(self, reading: ChargerReading) -> None:
        if reading.state is ChargerState.FAULT or reading.fault is not None:
            self._stop(f"the charger reports a fault: {reading.fault_text or reading.fault or reading.state_text}")
        if reading.state is ChargerState.UNAVAILABLE:
            self._stop("the charger was taken out of service")
        if self.allowed_a is None:
            return
        followed = asyncio.get_running_loop().time() - self._allowed_since_s >= self._follow_s
        bound_a = self.allowed_a if followed else max(self._most_a, self._drawn_a)
        if self.worst_a > bound_a + _OVER_A:
            self._stop(f"the car draws {self.worst_a:g} A, {bound_a:g} A are allowed")
        set_a = reading.limit_set_a
        if self.held_a is not None and set_a is not None and abs(set_a - self.held_a) > _DIFFERS_A:
            self._stop(f"somebody else set {set_a:g} A; end what else controls this charger")
        left_s, before_s = reading.limit_remaining_s, self._lease_s
        self._lease_s = left_s
        if self._lapsing and left_s is not None and before_s is not None and left_s > before_s + _LEASE_JUMP_S:
            self._stop("somebody else renews the setpoint; end what else controls this charger")

    async def until(self, met: Callable[[], bool], within_s: float) -> bool:
        """Wait for news until ``met``; tells whether it was. Raises `AbortError` as soon as there is danger."""
        end_s = asyncio.get_running_loop().time() + within_s
        while True:
            if self._danger and self.guarding:
                raise AbortError(self._danger)
            if met():
                return True
            left_s = end_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                return False
            self._news.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    def wake(self) -> None:
        """Something that is waited for may have happened."""
        self._news.set()

    async def rest(self, seconds: float) -> None:
        """Let time pass, watching."""
        await self.until(lambda: False, seconds)
