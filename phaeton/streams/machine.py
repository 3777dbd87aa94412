"""The one combinator: a machine is a pure step with an initial state, and it has two lives.

Offline a machine is folded over events at the speed of a loop; live the same step runs as an Rx operator. That both
give the same is a property test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct
from reactivex import Observable
from reactivex import operators as ops

S = TypeVar("S")
In = TypeVar("In")
Out = TypeVar("Out")


class Machine(Struct, Generic[S, In, Out], frozen=True, gc=False):
    """A pure ``step(state, input) -> (state, output)`` and the state that it begins with."""

    initial: S
    step: Callable[[S, In], tuple[S, Out]]

    def resumed(self, state: S) -> Machine[S, In, Out]:
        """The same machine, going on from a saved state."""
        return Machine(initial=state, step=self.step)

    def fold(self, events: Iterable[In]) -> Iterator[tuple[S, Out]]:
        """Run over the events in a plain loop; yields each state with its output."""
        state = self.initial
        step = self.step
        for event in events:
            state, output = step(state, event)
            yield state, output

    def operator(self) -> Callable[[Observable[In]], Observable[tuple[S, Out]]]:
        """The same run as an Rx operator; each subscription begins at the initial state."""
        step = self.step

        def accumulate(before: tuple[S, Out | None], event: In) -> tuple[S, Out | None]:
            return step(before[0], event)

        def run(events: Observable[In]) -> Observable[tuple[S, Out]]:
            seed: tuple[S, Out | None] = (self.initial, None)
            return events.pipe(ops.scan(accumulate, seed))  # type: ignore[arg-type]

        return run
