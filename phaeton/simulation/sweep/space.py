"""The settings that a sweep tries: ranges and choices of keys, all of their combinations or a sample of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import product
from math import prod
from pathlib import Path
from random import Random

from msgspec import Struct

from phaeton.config.document import Plain
from phaeton.config.tree import Config
from phaeton.config.writing import keys
from phaeton.simulation.scope import SimulationError
from phaeton.simulation.settings import canonical, configured

MOST = 100_000
"""More combinations than this are a mistake, or a case for --samples."""
_DRAWS_EACH = 50


class Axis(Struct, frozen=True):
    """One key and what is tried for it."""

    key: str
    """As ``chargers[0].limits.max_phases``."""
    values: tuple[str, ...] = ()
    between: tuple[float, float] | None = None
    """Anything from the one to the other, instead of values; for samples only."""

    def draw(self, random: Random) -> str:
        """One value."""
        if self.between is not None:
            return f"{round(random.uniform(*self.between), 3):g}"
        return random.choice(self.values)


class Trial(Struct, frozen=True):
    """One combination: the values as they are written, in the order of the axes, and the configuration they make."""

    values: tuple[str, ...]
    config: Config


def range_axis(text: str) -> Axis:
    """``KEY=LOW..HIGH:STEP``, or without the step; raises `SimulationError`."""
    key, mark, span = text.partition("=")
    ends, with_step, step_text = span.partition(":")
    low_text, dots, high_text = ends.partition("..")
    try:
        low, high = float(low_text), float(high_text)
        step = float(step_text) if with_step else None
    except ValueError:
        low = high = step = 0.0
    if not (mark and dots) or not low < high or (step is not None and not step > 0):
        raise SimulationError(f"--set-range {text}: write KEY=LOW..HIGH:STEP, as in auto.start_delay_s=0..600:60")
    if step is None:
        return Axis(canonical(key), between=(low, high))
    count = int((high - low) / step + 1e-9) + 1
    if count > MOST:
        raise SimulationError(f"--set-range {text}: makes {count:,} values; take larger steps")
    return Axis(canonical(key), tuple(f"{low + step * n:.10g}" for n in range(count)))


def choice_axis(text: str) -> Axis:
    """``KEY=ONE,OTHER``; an empty value is that of an empty key. Raises `SimulationError`."""
    key, mark, values = text.partition("=")
    found = tuple(dict.fromkeys(value.strip() for value in values.split(",")))
    if not mark or len(found) < 2:
        raise SimulationError(f"--set-choice {text}: write KEY=VALUE,VALUE, as in battery.priority=car,battery")
    return Axis(canonical(key), found)


def combinations(axes: Sequence[Axis], samples: int | None, seed: int) -> list[tuple[str, ...]]:
    """All combinations, or so many different ones; raises `SimulationError`.

    More samples with the same seed begin with the same ones.
    """
    twice = {one.key for one in axes if [other.key for other in axes].count(one.key) > 1}
    if not axes or twice:
        raise SimulationError(
            f"{twice.pop()} is varied twice" if twice else "nothing is varied: give --set-range or --set-choice"
        )
    endless = [one.key for one in axes if one.between is not None]
    if samples is None and endless:
        raise SimulationError(f"--set-range {endless[0]}: give it a step (LOW..HIGH:STEP), or --samples N")
    size = 0 if endless else prod(len(one.values) for one in axes)
    if samples is None or 0 < size <= samples:
        if size > MOST:
            raise SimulationError(f"these are {size:,} combinations: take fewer values, or --samples N")
        return list(product(*(one.values for one in axes)))
    random = Random(seed)
    drawn: dict[tuple[str, ...], None] = {}
    for _ in range(samples * _DRAWS_EACH):
        drawn.setdefault(tuple(one.draw(random) for one in axes))
        if len(drawn) == samples:
            break
    return list(drawn)


def trials(
    path: Path | None, settings: Sequence[str], axes: Sequence[Axis], found: Sequence[tuple[str, ...]]
) -> Iterator[Trial]:
    """The present settings first, then each combination that differs from them; raises `ConfigError`."""
    present = configured(path, settings).config
    known = keys(present)
    yield Trial(tuple(written(known.get(axis.key)) for axis in axes), present)
    for values in found:
        chosen = [f"{axis.key}={value}" for axis, value in zip(axes, values, strict=True)]
        config = configured(path, [*settings, *chosen]).config
        if config != present:
            yield Trial(values, config)


def written(value: Plain) -> str:
    """A value of the configuration as one writes it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.10g}"
        case str():
            return value
        case _:
            return json.dumps(value)
