"""Load and PV of a house from whatever its meters measured, in W."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phaeton.simulation.csv_rows import InputError, utc_text
from phaeton.simulation.history_files import PHASES, Part

SLACK_W = 300.0
"""A power that is worked out from others may be so much below 0: meters differ and are read one after the other."""
_THIRD = 1.0 / 3.0

Values = tuple[float, ...]


class MeteredHouse:
    """Turns the values of a row into PV and load, and their shares on the phases where those are known."""

    def __init__(self, parts: Sequence[Part]) -> None:
        """``parts`` hold the columns; raises `InputError` when they do not tell enough."""
        self._path: Path = parts[0].sources[0].path
        self._at = {name: index for index, name in enumerate(name for part in parts for name in part.names)}
        self._pv = self._at.get("pv_w")
        self._load = self._at.get("load_w")
        self._grid = self._at.get("grid_w")
        self._battery = self._at.get("battery_w")
        if self._grid is None and self._load is None:
            raise InputError(self._path, "tells the PV, but not what the house draws", remedy="Add load_w or grid_w")
        self._phases = [
            [self._at.get(f"{what}_{phase}_w") for phase in PHASES] if f"{what}_l1_w" in self._at else []
            for what in ("load", "pv")
        ]
        self.width = 8 if any(self._phases) else 2
        """Numbers in a row: PV and load, and perhaps three shares of the load and three of the PV."""
        self._below = 0
        self._lowest_w = 0.0

    def row(self, values: Values, utc_s: float) -> Values:
        """PV and load, with the shares on the phases; ``utc_s`` is only told in a complaint."""
        pv, load = self._pv, self._load
        if pv is not None and load is not None:
            pv_w, load_w = values[pv], values[load]
        else:
            pv_w, load_w = self._worked_out(values)
            if pv_w < 0.0 or load_w < 0.0:
                self._judge(min(pv_w, load_w), "pv_w" if pv_w < 0.0 else "load_w", utc_s)
                pv_w, load_w = max(pv_w, 0.0), max(load_w, 0.0)
        if self.width == 2:
            return pv_w, load_w
        return (pv_w, load_w, *self._shares(values, self._phases[0]), *self._shares(values, self._phases[1]))

    def _worked_out(self, values: Values) -> tuple[float, float]:
        """What is not measured follows from the grid: grid = load - PV + battery."""
        if self._grid is None:
            return 0.0, values[self._load or 0]
        rest_w = values[self._grid] - (0.0 if self._battery is None else values[self._battery])
        if self._pv is not None:
            return values[self._pv], rest_w + values[self._pv]
        if self._load is not None:
            return values[self._load] - rest_w, values[self._load]
        return (0.0, rest_w) if rest_w > 0.0 else (-rest_w, 0.0)

    def _judge(self, power_w: float, name: str, utc_s: float) -> None:
        if power_w < -SLACK_W:
            raise InputError(
                self._path,
                f"at {utc_text(utc_s)} the other columns make {power_w:.0f} W of it, and it cannot be negative",
                column=name,
                remedy="Is grid_w positive for import and battery_w positive for charging? Is one of them missing?",
            )
        self._below += 1
        self._lowest_w = min(self._lowest_w, power_w)

    def _shares(self, values: Values, places: Sequence[int | None]) -> Values:
        powers = [values[place] for place in places if place is not None]
        total_w = sum(powers)
        return tuple([power / total_w for power in powers]) if total_w > 0.0 else (_THIRD, _THIRD, _THIRD)

    def notes(self) -> list[str]:
        """What a reader of the result should know."""
        found = []
        if self._grid is None and self._pv is None:
            found.append("The history has no PV: it is simulated without any")
        if self._grid is not None and self._pv is None and self._load is None:
            found.append(
                "The history knows only the grid: import counts as load and export as PV. The sun that the house used "
                "itself is not seen, so self-consumption is that of the rest which was exported"
            )
        elif self._pv is None or self._load is None:
            missing = "load" if self._load is None else "PV"
            if self._grid is not None:
                found.append(f"The {missing} is worked out from the other columns")
        if self._below:
            found.append(
                f"Worked out, it was slightly below 0 in {self._below} cells (at least {self._lowest_w:.0f} W), where "
                "the meters do not agree; it counts as 0 there"
            )
        return found
