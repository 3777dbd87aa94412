"""The part of the API about backups: one file out, one file in, a look before it is taken over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from aiohttp import hdrs, web
from msgspec import Meta, Struct

from phaeton.backup.content import Content
from phaeton.sinks.web.backups import MOST_UPLOAD_BYTES, BackupRefusedError, Backups, Part, Uploaded
from phaeton.sinks.web.endpoint import Ask, Endpoint, Endpoints, Example, Media, Nothing, Scope
from phaeton.sinks.web.parts import Parts
from phaeton.sinks.web.problem import ProblemError

FILE = Media("application/octet-stream", binary=True)
_CHUNK = 1 << 16

Password = Annotated[str, Meta(max_length=1024)]


class BackupBody(Struct, frozen=True):
    """What goes into the backup."""

    include: tuple[Part, ...] = ("config", "sessions")
    password: Password = ""
    """Of 8 characters or more; needed for secrets, which are only kept encrypted."""


class RestoreBody(Struct, frozen=True):
    """Which backup, and what of it."""

    upload: str
    password: Password = ""
    include: tuple[Part, ...] | None = None
    """null = all that it holds."""


class BackupApi:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._there = parts.backups

    def endpoints(self) -> Endpoints:
        """All of this part."""
        admin = Scope.ADMIN
        away = {503: "this daemon has nothing to back up"}
        disk = away | {507: "the disk is full"}
        body = {"upload": "0" * 32, "password": "correct horse battery"}
        return [
            Endpoint(
                "POST", "/api/backup", self.make, admin,
                "Download a backup of configuration, sessions, secrets and recordings; encrypted with the password",
                FILE, body=BackupBody, problems=disk | {501: "the library for the encryption is not installed"},
                example=Example(body={"include": ["config", "sessions"]}),
            ),
            Endpoint(
                "POST", "/api/restore", self.take_in, admin,
                "Upload a backup; it is only kept for a look", Uploaded, upload=FILE, problems=disk,
                example=Example(status=422),
            ),
            Endpoint(
                "POST", "/api/restore/check", self.check, admin,
                "Judge an uploaded backup: what it holds, and what taking it over would change; nothing is changed",
                Content, body=RestoreBody, problems=disk | {404: "there is no such upload"},
                example=Example(body=body, status=404),
            ),
            Endpoint(
                "POST", "/api/restore/apply", self.apply, admin,
                "Take an uploaded backup over: Phaeton begins anew with it within seconds; what was there is set aside",
                Content, body=RestoreBody, problems=disk | {404: "there is no such upload"},
                example=Example(body=body, status=404),
            ),
        ]  # fmt: skip

    async def make(self, ask: Ask[Nothing, BackupBody]) -> web.StreamResponse:
        """The file, streamed."""
        name = f"phaeton-{datetime.now(UTC):%Y%m%dT%H%MZ}.phaeton-backup"
        try:
            async with self._backups.made(ask.body.include, ask.body.password) as path:
                answer = web.StreamResponse(
                    headers={
                        hdrs.CONTENT_TYPE: FILE.content_type,
                        hdrs.CONTENT_DISPOSITION: f'attachment; filename="{name}"',
                    }
                )
                answer.content_length = path.stat().st_size
                await answer.prepare(ask.request)
                with path.open("rb") as file:
                    while piece := await asyncio.to_thread(file.read, _CHUNK):
                        await answer.write(piece)
                await answer.write_eof()
                return answer
        except BackupRefusedError as error:
            raise ProblemError(error.status, str(error), error.field) from None

    async def take_in(self, ask: Ask[Nothing, Nothing]) -> Uploaded:
        """The file, to the disk."""
        try:
            return await self._backups.take_in(ask.upload(MOST_UPLOAD_BYTES))
        except BackupRefusedError as error:
            raise ProblemError(error.status, str(error), error.field) from None

    async def check(self, ask: Ask[Nothing, RestoreBody]) -> Content:
        """A look."""
        try:
            return await self._backups.check(ask.body.upload, ask.body.password, ask.body.include)
        except BackupRefusedError as error:
            raise ProblemError(error.status, str(error), error.field) from None

    async def apply(self, ask: Ask[Nothing, RestoreBody]) -> Content:
        """Take it over."""
        body = ask.body
        try:
            return await self._backups.apply(body.upload, body.password, body.include, ask.caller.name)
        except BackupRefusedError as error:
            raise ProblemError(error.status, str(error), error.field) from None

    @property
    def _backups(self) -> Backups:
        if self._there is None:
            raise ProblemError(503, "this daemon has nothing to back up")
        return self._there
