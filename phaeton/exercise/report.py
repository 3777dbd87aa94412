"""What an exercise found, as data for an issue and as text for people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct, field

from phaeton import __version__
from phaeton.model import Phases
from phaeton.redaction import HIDDEN

FORMAT = "phaeton-exercise/1"


class Result(StrEnum):
    """How one step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """How the whole ended."""

    UNFINISHED = "unfinished"
    """It is under way, or it was killed: then the charger may not be as it was."""
    PASSED = "passed"
    FAILED = "failed"
    """The charger did not do what its profile says."""
    ABORTED = "aborted"
    """Something came up, or the owner ended it."""
    REFUSED = "refused"
    """Nothing was written."""


class StepReport(Struct, frozen=True):
    """One step of the sequence."""

    name: str
    result: Result
    words: str
    at_s: float
    """Since the beginning."""


class Seen(Struct, frozen=True):
    """One poll in short."""

    at_s: float
    state: str
    current_a: Phases
    limit_set_a: float | None
    limit_actual_a: float | None
    limit_remaining_s: float | None
    phases_set: int | None


class Report(Struct, kw_only=True):
    """All that is worth knowing; it can be sent as it is once it is `redacted`."""

    format: str = FORMAT
    phaeton: str = __version__
    profile: str
    profile_name: str
    confidence: str
    host: str
    port: int
    unit: int
    most_a: float
    """The current that was allowed at most."""
    least_a: float
    started_utc_s: float
    outcome: Outcome = Outcome.UNFINISHED
    why: str = ""
    confirms: bool = False
    """The profile is confirmed by it: every step went well, and a car took the current that was set."""
    identity: dict[str, str] = field(default_factory=dict)
    before: dict[str, float] = field(default_factory=dict)
    """The points that the sequence writes, as they were before it."""
    phases: int | None = None
    """The phases that were chosen before, where the charger tells."""
    unreadable: tuple[str, ...] = ()
    """Points that are written and cannot be read: what was in them is not known."""
    values: dict[str, float | int | str | None] = field(default_factory=dict)
    """Every point that can be read, before anything was written."""
    steps: list[StepReport] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    not_restored: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Everything went well, and the charger is as it was."""
        return self.outcome is Outcome.PASSED and not self.not_restored

    def json(self) -> bytes:
        """The document."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def text(self) -> str:
        """For people."""
        who = ", ".join(f"{name} {value}" for name, value in self.identity.items() if value)
        lines = [f"{self.profile_name} ({self.profile}, {self.confidence} confidence)", f"  {who}"]
        lines.append(f"  at {self.host}:{self.port}, unit {self.unit}; at most {self.most_a:g} A were allowed")
        lines += [f"{step.at_s:7.1f} s  {step.result.value:7}  {step.name}: {step.words}" for step in self.steps]
        lines += [f"NOT RESTORED: {words}" for words in self.not_restored]
        lines.append(f"{self.outcome.value}{': ' if self.why else ''}{self.why}")
        if self.confirms and self.confidence != "high":
            lines.append(
                "This charger does what its profile says. To let Phaeton control it, set for it in the configuration:\n"
                "    profile_confirmed: true"
            )
        elif self.outcome is Outcome.PASSED and not self.confirms:
            lines.append("No car took current, so the profile is not confirmed: do it again while a car charges.")
        return "\n".join(lines)

    def redacted(self) -> Report:
        """The same without address, name and serial number."""
        names: dict[str, str] = {}
        for known, instead in (("serial", "serial-1"), ("name", "name-1")):
            text = self.identity.get(known, "")
            if len(text) >= _SHORTEST:
                names[text] = instead
        if self.host:
            names[self.host] = "charger-1"
        plain = msgspec.to_builtins(self)
        scrubbed = _scrubbed(plain, names)
        copy = msgspec.convert(scrubbed, Report)
        for hidden in ("serial", "name"):
            if isinstance(copy.values.get(hidden), int | float):
                copy.values[hidden] = HIDDEN
        return copy


_SHORTEST = 3
"""A shorter name is found in every word."""


def _scrubbed(value: object, names: Mapping[str, str]) -> object:
    if isinstance(value, dict):
        return {key: _scrubbed(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrubbed(item, names) for item in value]
    if isinstance(value, str):
        for text, instead in names.items():
            value = value.replace(text, instead)
    return value


def read_report(data: bytes) -> Report:
    """A report from its document; raises `ValueError`."""
    try:
        report = msgspec.json.decode(data, type=Report)
    except msgspec.MsgspecError as error:
        raise ValueError(f"this is no report of an exercise: {error}") from None
    if report.format != FORMAT:
        raise ValueError(f"a report of the form {report.format} is not known")
    return report
