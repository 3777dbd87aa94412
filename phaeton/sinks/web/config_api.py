"""The part of the API about the configuration: shown, judged, changed, and earlier texts brought back."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from aiohttp import hdrs, web
from msgspec import UNSET, Struct, UnsetType

from phaeton.config.problems import ConfigError
from phaeton.config.schema import json_schema
from phaeton.sinks.web.endpoint import JSON, Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.settings import (
    Judgement,
    Keys,
    PlainDocument,
    RevisionInfo,
    RevisionText,
    Saved,
    Settings,
    SettingsError,
    Wish,
)

T = TypeVar("T")

MERGE_PATCH = "application/merge-patch+json"
YAML = "application/yaml"
MOST_BYTES = 262_144
"""A whole configuration is some kB."""

CHANGING = {
    409: "it cannot be saved: the file is read-only, or there is none and none can be made",
    412: "somebody else changed it meanwhile; read it again",
    507: "the disk is full",
}
NO_REVISION = {404: "there is no such revision"}
PATCH = {"auto": {"start_delay_s": 90}}


class ConfigQuery(Struct, frozen=True):
    """How the configuration is wanted."""

    form: Literal["json", "yaml"] = "json"
    """``yaml`` = the owner's own file with its comments."""


class CheckBody(Struct, frozen=True):
    """What to judge: exactly one of the three."""

    document: PlainDocument | UnsetType = UNSET
    """All of the configuration."""
    patch: PlainDocument | UnsetType = UNSET
    """A JSON merge patch."""
    text: str | UnsetType = UNSET
    """A file's text, YAML or JSON."""


class ConfigApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._there = parts.settings

    def endpoints(self) -> Endpoints:
        """All of this part."""
        one = "/api/config/revisions/{number:[0-9]+}"
        first = {"number": "1"}
        read, admin = Scope.READ, Scope.ADMIN
        away = {503: "the configuration of this daemon is not kept"}
        changing = CHANGING | away
        return [
            Endpoint(
                "GET", "/api/config", self.show, read,
                "All of the configuration with its defaults; secrets are `***`. The `ETag` is for `If-Match`",
                dict[str, Any], ConfigQuery, problems=away, others=(Media(YAML, binary=True),),
            ),
            Endpoint(
                "PUT", "/api/config", self.replace, admin,
                "Replace all of it; keys that are left out have their defaults, `***` keeps a secret. Comments of the "
                "file stay. With `If-Match` only where nobody changed it since",
                Saved, body=dict[str, Any], body_bytes=MOST_BYTES, problems=changing, schema=_document,
                example=Example(body={"charger": "127.0.0.1"}),
            ),
            Endpoint(
                "PATCH", "/api/config", self.patch, admin,
                "Change a part of it by a JSON merge patch (RFC 7396): null puts a key back to its default, lists are "
                "replaced whole, `***` keeps a secret",
                Saved, body=dict[str, Any], body_bytes=MOST_BYTES, problems=changing, schema=_document,
                takes=(MERGE_PATCH, JSON), example=Example(body=PATCH),
            ),
            Endpoint(
                "POST", "/api/config/check", self.check, read,
                "Judge a configuration, a merge patch or a text without saving: every mistake, what would change, and "
                "what would be connected anew",
                Judgement, body=CheckBody, body_bytes=MOST_BYTES, problems=away, example=Example(body={"patch": PATCH}),
            ),
            Endpoint(
                "GET", "/api/config/schema", self.schema, read, "The JSON Schema of the configuration", dict[str, Any]
            ),
            Endpoint(
                "GET", "/api/config/keys", self.keys, read,
                "Where each value comes from: file and line, environment, default; and where a change is saved",
                Keys, problems=away,
            ),
            Endpoint(
                "GET", "/api/config/revisions", self.revisions, read, "Earlier texts, the newest first",
                list[RevisionInfo], problems=away,
            ),
            Endpoint(
                "GET", one, self.revision, read,
                "One of them, secrets hidden, with the difference to what is in force", RevisionText,
                problems=NO_REVISION | away, example=Example(first),
            ),
            Endpoint(
                "POST", f"{one}/restore", self.restore, admin,
                "Bring that text back, as a new revision; `If-Match` as for PUT", Saved,
                problems=NO_REVISION | changing, example=Example(first, body={}),
            ),
        ]  # fmt: skip

    async def show(self, ask: Ask[ConfigQuery, Nothing]) -> web.Response:
        """Everything, or the owner's own text."""
        settings = self._settings
        etag = {hdrs.ETAG: f'"{settings.etag()}"'}
        if ask.query.form == "yaml":
            return web.Response(text=await _answered(settings.text()), content_type=YAML, headers=etag)
        return web.json_response(settings.document(), headers=etag)

    async def replace(self, ask: Ask[Nothing, PlainDocument]) -> Saved:
        """The whole document."""
        return await self._save(ask, Wish(document=ask.body))

    async def patch(self, ask: Ask[Nothing, PlainDocument]) -> Saved:
        """A merge patch."""
        return await self._save(ask, Wish(patch=ask.body))

    async def restore(self, ask: Ask[Nothing, Nothing]) -> Saved:
        """An earlier text."""
        return await self._save(ask, Wish(revision=_number(ask.request)))

    async def check(self, ask: Ask[Nothing, CheckBody]) -> Judgement:
        """What saving would do."""
        body = ask.body
        given = [name for name in CheckBody.__struct_fields__ if getattr(body, name) is not UNSET]
        if len(given) != 1:
            raise ProblemError(422, "send exactly one of document, patch and text", given[1] if given else "document")
        return await _answered(self._settings.check(Wish(**{given[0]: getattr(body, given[0])})))

    async def schema(self, ask: Ask[Nothing, Nothing]) -> dict[str, Any]:
        """As `phaeton config schema` prints it."""
        return dict(json_schema())

    async def keys(self, ask: Ask[Nothing, Nothing]) -> Keys:
        """Each key and its origin."""
        return await _answered(self._settings.keys())

    async def revisions(self, ask: Ask[Nothing, Nothing]) -> list[RevisionInfo]:
        """All that are kept."""
        return await _answered(self._settings.revisions())

    async def revision(self, ask: Ask[Nothing, Nothing]) -> RevisionText:
        """One of them."""
        return await _answered(self._settings.revision(_number(ask.request)))

    @property
    def _settings(self) -> Settings:
        if self._there is None:
            raise ProblemError(503, "the configuration of this daemon is not kept", code="config_unkept")
        return self._there

    async def _save(self, ask: Ask[Nothing, Any], wish: Wish) -> Saved:
        settings = self._settings
        return await _answered(settings.save(wish, ask.caller.name, _if_match(ask.request)))


async def _answered(work: Coroutine[Any, Any, T]) -> T:
    """The answer, or the problem for the caller."""
    try:
        return await work
    except SettingsError as error:
        code = "config_changed" if error.status == 412 else ""
        raise ProblemError(error.status, str(error), error.path, code=code) from None
    except ConfigError as error:
        first = error.problems[0]
        raise ProblemError(422, "; ".join(str(problem) for problem in error.problems), first.path or None) from None


def _if_match(request: web.Request) -> str | None:
    """The one tag that the change was made for; a list of them matches none but ``*``."""
    found = request.headers.get(hdrs.IF_MATCH)
    return None if found is None else found.strip().removeprefix("W/").strip('"')


def _number(request: web.Request) -> int:
    return int(request.match_info["number"])


def _document() -> dict[str, object]:
    return {"type": "object", "description": "As GET answers; its keys are described by /api/config/schema"}
