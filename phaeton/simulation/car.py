"""The simulated car: what it draws of the current that is offered to it, and what arrives in its battery."""

from __future__ import annotations

from dataclasses import dataclass

MIN_OFFER_A = 6.0
"""Below this the pilot signal of IEC 61851 offers nothing."""

_TAPER_END = 0.1
"""Share of its power that a car still takes just below its charge limit."""


@dataclass(slots=True, kw_only=True)
class Car:
    """One car with its on-board charger and its battery. Change the fields at any time; each step reads them."""

    max_a: float = 16.0
    """Most current per phase of the on-board charger, in A."""
    phases: int = 3
    """Phases of the on-board charger: 1, 2 or 3."""
    min_a: float = MIN_OFFER_A
    """The car draws nothing from a smaller offer."""
    capacity_kwh: float = 60.0
    soc_pct: float = 40.0
    limit_soc_pct: float = 100.0
    """The car ends charging here."""
    wanted_kwh: float | None = None
    """The car ends charging after so much more from the socket; None = as much as fits."""
    taper_soc_pct: float = 90.0
    """From here on the power falls in a line to a tenth at the limit."""
    efficiency: float = 0.9
    """Energy into the battery for each kWh from the socket."""
    start_s: float = 5.0
    """From an offer to the first current."""
    raise_a_per_s: float = 2.0
    lower_a_per_s: float = 8.0
    sleeps_after_pauses: int | None = None
    """The car falls asleep in so many pauses; None = never."""
    wakes_after_pulses: int | None = None
    """An asleep car wakes when the offer has gone and come back so often; None = only by its owner."""

    current_a: float = 0.0
    """What it draws now on each of its phases."""
    taken_kwh: float = 0.0
    """What it drew from the socket since it was plugged in."""
    asleep: bool = False
    _offered_s: float = 0.0
    _pauses: int = 0
    _pulses: int = 0

    @property
    def full(self) -> bool:
        """The car has what it wants."""
        return self.soc_pct >= self.limit_soc_pct or (self.wanted_kwh is not None and self.wanted_kwh <= 0.0)

    def wake(self) -> None:
        """The owner opens the car."""
        self.asleep = False
        self._pulses = self._pauses = 0

    def no_offer(self) -> None:
        """No current is offered: the car stops at once."""
        if self._offered_s > 0.0:
            self._offered_s = 0.0
            if self.asleep:
                self._pulses += 1
            elif self.current_a > 0.0:
                self._pauses += 1
                self.asleep = self.sleeps_after_pauses is not None and self._pauses >= self.sleeps_after_pauses
        self.current_a = 0.0

    def draw(self, offered_a: float, phases: int, voltage_v: float, dt_s: float) -> float:
        """Draw for ``dt_s`` from an offer of at least 6 A; returns the power from the socket in W."""
        if self.asleep and self.wakes_after_pulses is not None and self._pulses >= self.wakes_after_pulses:
            self.wake()
        before_s = self._offered_s
        self._offered_s = before_s + dt_s
        if (
            self.asleep
            or self.soc_pct >= self.limit_soc_pct
            or offered_a < self.min_a
            or before_s + dt_s <= self.start_s
        ):
            self.current_a = 0.0
            return 0.0
        target_a = offered_a if offered_a < self.max_a else self.max_a
        if self.soc_pct > self.taper_soc_pct:
            left = (self.limit_soc_pct - self.soc_pct) / (self.limit_soc_pct - self.taper_soc_pct)
            most_a = self.max_a * (left if left > _TAPER_END else _TAPER_END)
            target_a = min(target_a, most_a)
        current_a = self.current_a
        if target_a > current_a:
            current_a = min(target_a, current_a + self.raise_a_per_s * dt_s)
        else:
            current_a = max(target_a, current_a - self.lower_a_per_s * dt_s)
        power_w = current_a * voltage_v * (phases if phases < self.phases else self.phases)
        power_w = self._take(power_w, dt_s)
        self.current_a = power_w / voltage_v / (phases if phases < self.phases else self.phases)
        return power_w

    def _take(self, power_w: float, dt_s: float) -> float:
        """Store the energy of the step, less where not all of it is wanted; returns the power that was taken."""
        energy_kwh = power_w * dt_s / 3.6e6
        room_kwh = (self.limit_soc_pct - self.soc_pct) / 100.0 * self.capacity_kwh / self.efficiency
        wanted_kwh = self.wanted_kwh
        if wanted_kwh is not None and wanted_kwh < room_kwh:
            room_kwh = wanted_kwh
        if energy_kwh >= room_kwh:
            power_w *= room_kwh / energy_kwh if energy_kwh > 0.0 else 0.0
            energy_kwh = room_kwh
        self.taken_kwh += energy_kwh
        if wanted_kwh is not None:
            self.wanted_kwh = max(0.0, wanted_kwh - energy_kwh)
        soc_pct = self.soc_pct + energy_kwh * self.efficiency / self.capacity_kwh * 100.0
        self.soc_pct = soc_pct if soc_pct < self.limit_soc_pct - 1e-9 else self.limit_soc_pct
        return power_w
