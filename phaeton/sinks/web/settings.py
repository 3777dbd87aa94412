"""What the API needs of the configuration: to show it, to judge a wish, to save one, and to go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

from phaeton.config.problems import ConfigError
from phaeton.config.tree import Config

PlainDocument = dict[str, Any]


class Wish(Struct, frozen=True):
    """What somebody wants: exactly one of these."""

    document: PlainDocument | None = None
    """All of the configuration."""
    patch: PlainDocument | None = None
    """A JSON merge patch (RFC 7396)."""
    text: str | None = None
    """The file's text."""
    revision: int | None = None
    """The text of an earlier revision."""


class Mistake(Struct, frozen=True):
    """One thing that is wrong."""

    path: str
    """The key; empty for the whole."""
    rule: str
    """What would be right."""
    value: str = ""
    """What was there, in short and without secrets."""
    line: int | None = None
    """Line of the text, where a text was sent."""
    remedy: str = ""


def mistakes(error: ConfigError) -> tuple[Mistake, ...]:
    """All that is wrong with a configuration."""
    return tuple(
        Mistake(problem.path, problem.rule, problem.value, problem.place.line, problem.remedy)
        for problem in error.problems
    )


class Remark(Struct, frozen=True):
    """Something to know about a configuration that stands all the same."""

    key: str
    text: str


class Judgement(Struct, frozen=True):
    """What saving a wish would do; nothing was changed."""

    valid: bool
    problems: tuple[Mistake, ...] = ()
    notices: tuple[Remark, ...] = ()
    changed: tuple[str, ...] = ()
    """Each key that would change, as ``auto.start_delay_s: 120.0 -> 30.0``."""
    effects: tuple[str, ...] = ()
    """What would be connected anew or begun, in words."""
    comments_kept: bool = True
    """Whether all comments of the file would stay in it; else they are in the revision before."""
    lost_comments: tuple[str, ...] = ()


class Saved(Struct, frozen=True):
    """What was saved and is in force."""

    ok: bool
    file: str
    revision: int | None
    """Its number; None where nothing changed or the revision could not be kept."""
    etag: str
    changed: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    comments_kept: bool = True
    lost_comments: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    """What the owner should know."""


class KeyInfo(Struct, frozen=True):
    """One key of the configuration in force."""

    path: str
    value: Any
    """Secrets are hidden."""
    default: bool
    """Whether it is at its default."""
    origin: Literal["default", "file", "environment"]
    line: int | None = None
    variable: str | None = None


class Keys(Struct, frozen=True):
    """Where the configuration comes from."""

    file: str | None
    """None = the environment says it all."""
    saves_to: str | None
    """Where a change would be saved; None where nothing can be."""
    why_not: str
    """Why it cannot be saved, and what to do; empty where it can."""
    etag: str
    overridden: Mapping[str, str]
    """Keys that environment variables set, with the variable's name: these cannot be changed here."""
    notices: tuple[Remark, ...]
    keys: tuple[KeyInfo, ...]


class RevisionInfo(Struct, frozen=True):
    """An earlier or the present text."""

    number: int
    time: str
    """RFC 3339, UTC."""
    who: str
    """``file`` = by hand; ``before`` = the text that was there before the first kept change."""
    changed: tuple[str, ...]
    note: str
    in_force: bool


class RevisionText(Struct, frozen=True):
    """A revision with its text, secrets hidden."""

    number: int
    time: str
    who: str
    changed: tuple[str, ...]
    note: str
    in_force: bool
    text: str
    diff: str
    """From this revision to the text in force, as a unified diff; empty where they are the same."""


class SettingsError(Exception):
    """Something that cannot be done; the status and the words are for the caller."""

    def __init__(self, status: int, detail: str, path: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.path = path


class Settings(Protocol):
    """The configuration of the running daemon. Every method may raise `SettingsError`."""

    def etag(self) -> str:
        """Changes with each change of the file or of what is in force."""

    def document(self) -> PlainDocument:
        """All keys with their defaults, secrets hidden."""

    async def text(self) -> str:
        """The file's text, secrets hidden."""

    async def keys(self) -> Keys:
        """Where each value comes from."""

    async def check(self, wish: Wish) -> Judgement:
        """What saving would do."""

    async def wished(self, wish: Wish) -> Config:
        """The configuration as it would be; raises `ConfigError` where it has mistakes."""

    async def save(self, wish: Wish, who: str, if_match: str | None) -> Saved:
        """Save and take over; ``if_match`` is the ETag that the wish was made for."""

    async def revisions(self) -> list[RevisionInfo]:
        """The newest first."""

    async def revision(self, number: int) -> RevisionText:
        """One of them."""
