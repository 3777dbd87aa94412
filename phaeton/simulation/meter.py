"""What stands between the house and the site source: the delay, the noise and the faults of its measurement."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from random import Random

from msgspec import structs

from phaeton.model import SiteReading


@dataclass(slots=True, kw_only=True)
class Meter:
    """Passes snapshots of the house on, late and noisy. Change the fields at any time."""

    delay_s: float = 0.0
    """Age of what is shown."""
    noise_w: float = 0.0
    """Standard deviation of the grid power."""
    seed: int = 0
    frozen: bool = False
    """The same values again and again, with fresh times."""
    silent: bool = False
    """No values at all."""
    _late: deque[SiteReading] = field(default_factory=deque)
    _shown: SiteReading | None = None
    _random: Random | None = None

    def show(self, now: SiteReading) -> SiteReading | None:
        """What the source would give at the time of this snapshot; None when it gives nothing."""
        if self.silent:
            return None
        if self.frozen and self._shown is not None:
            return structs.replace(self._shown, mono_s=now.mono_s, utc_s=now.utc_s)
        shown = self._delayed(now) if self.delay_s > 0.0 else now
        if self.noise_w > 0.0 and shown is not None:
            shown = self._noisy(shown)
        if shown is not None:
            self._shown = shown
        return shown

    def _delayed(self, now: SiteReading) -> SiteReading | None:
        late = self._late
        late.append(now)
        due_s = now.mono_s - self.delay_s + 1e-6
        shown: SiteReading | None = None
        while late and late[0].mono_s <= due_s:
            shown = late.popleft()
        if shown is None:
            return None
        late.appendleft(shown)
        return structs.replace(shown, mono_s=now.mono_s, utc_s=now.utc_s)

    def _noisy(self, shown: SiteReading) -> SiteReading:
        if self._random is None:
            self._random = Random(self.seed)
        grid_w, phases_w = shown.grid_w, shown.grid_phase_w
        if grid_w is None or phases_w[0] is None:
            return shown
        noise_w = round(self._random.gauss(0.0, self.noise_w), 1)
        return structs.replace(
            shown,
            grid_w=round(grid_w + noise_w, 1),
            grid_phase_w=(round(phases_w[0] + noise_w, 1), phases_w[1], phases_w[2]),
            consumption_w=None if shown.consumption_w is None else max(0.0, round(shown.consumption_w + noise_w, 1)),
        )
