"""What a forerunner was set to last: its state file, as the settings that a new installation begins with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct, structs

from phaeton.config.tree import Config, Initial

_MODES: tuple[Literal["manual", "auto", "scheduled"], ...] = ("manual", "auto", "scheduled")
"""By the number that both wrote."""
MOST_A = 80.0


class ForerunnerState(Struct, frozen=True):
    """The part that has a meaning here; both wrote it alike. None = it is not told, or makes no sense."""

    mode: int | None = None
    start_stop: int | None = None
    set_current: float | None = None

    def over(self, initial: Initial) -> Initial:
        """What was set last in the place of what would hold for anybody."""
        if self.mode is not None and 0 <= self.mode < len(_MODES):
            initial = structs.replace(initial, mode=_MODES[self.mode])
        if self.start_stop is not None:
            initial = structs.replace(initial, start=self.start_stop != 0)
        if self.set_current is not None and math.isfinite(self.set_current) and 0.0 <= self.set_current <= MOST_A:
            initial = structs.replace(initial, set_current_a=self.set_current)
        return initial


def read(path: Path) -> ForerunnerState:
    """Read ``/data/phaeton_state.json`` or ``/data/alfen_driver_config.json``; raises `OSError`, `ValueError`.

    They were written over in place: a file that was cut off is no reason to stop, but it is told.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ForerunnerState, strict=False)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path} is no state of a forerunner: {error}") from None


def applied(config: Config, state: ForerunnerState) -> Config:
    """The configuration with the state as the beginning of its charger; the forerunners had one."""
    chargers = tuple(
        structs.replace(charger, initial=state.over(charger.initial)) if index == 0 else charger
        for index, charger in enumerate(config.chargers)
    )
    return structs.replace(config, chargers=chargers)
