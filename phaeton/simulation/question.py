"""One question to the past, asked again and again with other settings; it travels to other processes and machines."""

from __future__ import annotations

import hashlib
import zlib

import msgspec
from msgspec import Struct

from phaeton import __version__
from phaeton.config.tree import Config
from phaeton.simulation.columns import Columns
from phaeton.simulation.compare.forerunner_auto import forerunner_control
from phaeton.simulation.compare.strategies import Decider, goalless_control
from phaeton.simulation.history import Gap, History, Span
from phaeton.simulation.offline_run import site_control
from phaeton.simulation.result import Result, Setup
from phaeton.simulation.simulate import simulate
from phaeton.simulation.stays import Stay
from phaeton.simulation.tariff import Tariff


class Task(Struct, frozen=True):
    """What is tried: a configuration and what decides with it."""

    config: Config
    decider: Decider = "graph"


class Question(Struct, frozen=True):
    """What stays the same for all tasks."""

    history: History
    stays: tuple[Stay, ...]
    tariff: Tariff | None
    setup: Setup

    def answer(self, task: Task) -> Result:
        """Simulate; raises `SimulationError`."""
        parts = (self.history, task.config, self.stays, self.tariff, self.setup)
        match task.decider:
            case "graph":
                return simulate(*parts, make_control=site_control)
            case "goalless":
                return simulate(*parts, make_control=goalless_control)
            case "forerunner":
                return simulate(*parts, make_control=forerunner_control)


class Carried(Struct, frozen=True):
    """A question with its numbers inside, for a machine that does not see our files."""

    digest: str
    """The same for the same question to the same version."""
    numbers: bytes
    width: int
    cell_s: float
    data_s: float
    spans: tuple[Span, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]
    stays: tuple[Stay, ...]
    tariff: Tariff | None
    setup: Setup


def carried(question: Question) -> Carried:
    """Pack a question."""
    history = question.history
    numbers = history.columns.to_bytes()
    rest = (history.cell_s, history.spans, question.stays, question.tariff, question.setup, __version__)
    digest = hashlib.sha256(numbers + msgspec.msgpack.encode(rest)).hexdigest()[:16]
    return Carried(
        digest,
        zlib.compress(numbers, 1),
        history.columns.width,
        history.cell_s,
        history.data_s,
        history.spans,
        history.gaps,
        history.notes,
        question.stays,
        question.tariff,
        question.setup,
    )


def unpacked(packed: Carried) -> Question:
    """The question again, with its numbers in a file of this machine."""
    columns = Columns.from_bytes(packed.width, zlib.decompress(packed.numbers))
    history = History(packed.cell_s, packed.data_s, columns, packed.spans, packed.gaps, packed.notes)
    return Question(history, packed.stays, packed.tariff, packed.setup)
