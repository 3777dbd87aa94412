"""Mean powers over the whole of a run in even bins, for plots: so many that a screen can show them, and no more."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

_BINS_S = (300.0, 900.0, 1800.0, 3600.0, 10800.0, 21600.0, 86400.0)
_MOST_BINS = 40_000
UNKNOWN_W = float("nan")


def bin_length_s(start_s: float, end_s: float) -> float:
    """The finest bins that are not too many."""
    return next((bin_s for bin_s in _BINS_S if (end_s - start_s) / bin_s <= _MOST_BINS), _BINS_S[-1])


@dataclass(slots=True)
class Series:
    """Powers in W; a bin that is not known holds no number."""

    start_s: float = 0.0
    bin_s: float = _BINS_S[0]
    pv_w: array[float] = field(default_factory=lambda: array("f"))
    load_w: array[float] = field(default_factory=lambda: array("f"))
    car_w: array[float] = field(default_factory=lambda: array("f"))
    battery_w: array[float] = field(default_factory=lambda: array("f"))
    grid_w: array[float] = field(default_factory=lambda: array("f"))

    def begin(self, start_s: float, end_s: float) -> None:
        """Empty, for a run over this time."""
        self.bin_s = bin_length_s(start_s, end_s)
        self.start_s = start_s // self.bin_s * self.bin_s

    def add(self, utc_s: float, powers_w: tuple[float, float, float, float, float]) -> None:
        """The means of the bin that begins at ``utc_s``, in the order of the fields; what was left out is unknown."""
        columns = (self.pv_w, self.load_w, self.car_w, self.battery_w, self.grid_w)
        missing = int((utc_s - self.start_s) / self.bin_s) - len(self.pv_w)
        for column, power_w in zip(columns, powers_w, strict=True):
            if missing > 0:
                column.extend([UNKNOWN_W] * missing)
            column.append(power_w)
