"""A part of a recording through the graph, step by step, and the judgement whether it decides as it did then."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from phaeton.config.document import Plain
from phaeton.model import Decision, Event
from phaeton.recording import Step, checksum, gist, packed
from phaeton.replay.words import FieldDifference, differences
from phaeton.streams.graph import GraphState, step
from phaeton.streams.situation import ConfigChanged

EVENTS_TOLD = 12


class Replayed(Struct, frozen=True):
    """One step of a recording, decided once more."""

    recorded: Step
    state: GraphState
    """Behind the step."""
    decision: Decision | None
    packed: bytes | None
    """The decision as the bytes that are compared."""
    failure: str = ""
    """The graph could not take the event; nothing follows."""

    @property
    def same(self) -> bool:
        """What was decided now is what was decided then, to the byte."""
        if self.failure or self.recorded.failed:
            return bool(self.failure) and self.recorded.failed
        if self.recorded.decision is not None:
            return self.packed == self.recorded.decision
        return (None if self.packed is None else checksum(self.packed)) == self.recorded.checksum


def replay(state: GraphState, steps: Iterable[Step], *, keep_config: bool = False) -> Iterator[Replayed]:
    """Fold the events from a state on; with ``keep_config`` recorded changes of the configuration change nothing."""
    for recorded in steps:
        event = recorded.event
        if keep_config and isinstance(event, ConfigChanged):
            continue
        try:
            state, output = step(state, event)
        except Exception as error:
            # whatever the graph cannot take is just what the recording is there to show
            yield Replayed(recorded, state, None, None, f"{type(error).__name__}: {error}")
            return
        if output is None:
            yield Replayed(recorded, state, None, None)
        else:
            yield Replayed(recorded, state, output.decision, packed(output.decision))


class Difference(Struct, frozen=True, kw_only=True):
    """The first step of a part that was decided in another way."""

    event: Event
    since: tuple[Event, ...]
    """The newest events since the last step that was the same, without this one."""
    fields: tuple[FieldDifference, ...]
    """What differs, as far as the recording holds it for this step."""
    later_utc_s: float | None = None
    """When the recording next holds a whole decision, where it does not hold that of this step."""
    later: tuple[FieldDifference, ...] = ()


class Judge:
    """Looks at each replayed step; finds the first difference and counts them all."""

    def __init__(self) -> None:
        self.events = 0
        self.decisions = 0
        self.different = 0
        self.failure = ""
        """Why the graph could not take the last event."""
        self.first: Difference | None = None
        self._since: deque[Event] = deque(maxlen=EVENTS_TOLD)
        self._known: Decision | None = None
        """The newest recorded decision in full; its gist holds until the next one."""

    @property
    def known(self) -> Decision | None:
        """The newest decision that the recording holds in full; what it says in the main holds now."""
        return self._known

    def look(self, step: Replayed) -> None:
        """Take the next step."""
        self.events += 1
        recorded = step.recorded
        self.failure = step.failure or self.failure
        self.decisions += step.decision is not None
        if recorded.decision is not None:
            self._known = decision_of(recorded.decision) or self._known
            if self.first is not None and self.first.later_utc_s is None and not self.first.fields and step.packed:
                self._later(step)
        if step.same:
            if step.decision is not None:
                self._since.clear()
        else:
            self.different += 1
            if self.first is None:
                self.first = Difference(
                    event=recorded.event, since=tuple(self._since), fields=tuple(self._fields(step))
                )
        if self.first is None:
            self._since.append(recorded.event)

    def _later(self, step: Replayed) -> None:
        assert self.first is not None
        found = tuple(differences(_plain(step.recorded.decision), _plain(step.packed)))
        self.first = msgspec.structs.replace(self.first, later_utc_s=step.recorded.event.utc_s, later=found)

    def _fields(self, step: Replayed) -> Iterator[FieldDifference]:
        recorded = step.recorded
        if step.failure or recorded.failed:
            now = f"(the graph fails: {step.failure})" if step.failure else "(the graph takes it)"
            yield FieldDifference("decision", "(the graph failed)" if recorded.failed else "(the graph took it)", now)
        elif recorded.decision is not None or recorded.checksum is None or step.decision is None:
            yield from differences(_plain(recorded.decision), _plain(step.packed))
        elif self._known is not None:
            yield from _main_differences(self._known, step.decision)


def _main_differences(recorded: Decision, now: Decision) -> Iterator[FieldDifference]:
    """What a checksum alone still tells: the gist is that of the last whole decision."""
    for one, other in zip(gist(recorded), gist(now), strict=False):
        if one != other:
            before, after = msgspec.to_builtins(one), msgspec.to_builtins(other)
            names = ("point", "current_a", "phases", "mode", "start", "status", "reasons")
            path = f"points[{after[0]}]"
            yield from differences(dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True)), path)


def decision_of(whole: bytes) -> Decision | None:
    """A packed decision, ``None`` where this version cannot read it."""
    try:
        return msgspec.msgpack.decode(whole, type=Decision)
    except msgspec.MsgspecError:
        return None


def _plain(whole: bytes | None) -> Plain:
    if whole is None:
        return "(no decision)"
    found: Plain = msgspec.msgpack.decode(whole)
    return found
