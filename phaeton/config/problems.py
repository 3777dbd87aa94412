"""What can be said about a configuration: problems that refuse it, and notices that do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct


class Place(Struct, frozen=True):
    """Where a key was written."""

    line: int | None = None
    """Line of the file, from 1."""
    variable: str = ""
    """The environment variable, for a key that comes from one."""
    key: str = ""
    """The name it was written under, where that is an older one."""

    def __str__(self) -> str:
        """``line 12``, ``line 12 (modbus.ip)``, the variable, or nothing."""
        if self.variable:
            return self.variable
        if self.line is None:
            return self.key
        return f"line {self.line} ({self.key})" if self.key else f"line {self.line}"


NOWHERE = Place()


class Problem(Struct, frozen=True):
    """One thing that is wrong, with what to do about it."""

    path: str
    """The key, as ``chargers[0].limits.max_set_current_a``; empty for the file as a whole."""
    rule: str
    """What would be right: ``must be from 6 to 80``."""
    value: str = ""
    """What was written, in short and without secrets; empty where there is nothing to show."""
    place: Place = NOWHERE
    remedy: str = ""

    def __str__(self) -> str:
        """One line for people."""
        subject = f"{self.path} = {self.value}" if self.path and self.value else self.path
        parts = [part for part in (str(self.place), subject, self.rule) if part]
        text = ": ".join(parts)
        return f"{text}. {self.remedy}" if self.remedy else text


class Notice(Struct, frozen=True):
    """Something that the owner should know about a configuration that is in force all the same."""

    key: str
    """The key as it was written."""
    text: str
    place: Place = NOWHERE

    def __str__(self) -> str:
        """One line for people."""
        where = self.place.variable or (f"line {self.place.line}" if self.place.line is not None else "")
        return f"{where}: {self.key}: {self.text}" if where and where != self.key else f"{self.key}: {self.text}"


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], path: Path | None = None) -> None:
        """``path`` is the file, where there is one."""
        self.problems = tuple(problems)
        self.path = path
        super().__init__(str(self))

    def __str__(self) -> str:
        """A heading and one line for each problem."""
        count = len(self.problems)
        subject = str(self.path) if self.path is not None else "configuration"
        heading = f"{subject}: {count} mistakes" if count > 1 else f"{subject}: a mistake"
        return "\n  ".join([heading, *(str(problem) for problem in self.problems)])
