"""Backups of the running daemon, for the API: files in the store's folder, all work beside the event loop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from phaeton.backup.content import Content
from phaeton.backup.problem import BackupError
from phaeton.config.load import Loaded
from phaeton.sinks.store import StoreError
from phaeton.sinks.web.backups import BackupRefusedError, Uploaded

if TYPE_CHECKING:
    from phaeton.backup.collect import House
    from phaeton.backup.container import Head

_log = logging.getLogger("phaeton.backup")

SPARE_BYTES = 10_000_000
"""Kept free on the disk."""
UPLOAD_S = 3600.0
"""An upload that nobody asks for is removed after this time."""
_STATUS = {"password": 422, "newer": 422, "library": 501, "space": 507, "missing": 404, "invalid": 422}

T = TypeVar("T")


class LiveBackups:
    """One thing at a time; ``begin_anew`` ends this daemon so that it starts again with what was restored."""

    def __init__(
        self,
        loaded: Callable[[], Loaded],
        store: Path,
        flush: Callable[[], Awaitable[None]],
        begin_anew: Callable[[], None],
    ) -> None:
        self._loaded = loaded
        self._store = store
        self._flush = flush
        self._begin_anew = begin_anew
        self._busy = asyncio.Lock()
        self._upload = ""
        self._removing: asyncio.TimerHandle | None = None

    def clean(self) -> None:
        """Remove what an earlier run left behind; blocks."""
        for left in (*self._store.glob(".upload-*"), *self._store.glob(".made-*")):
            with suppress(OSError):
                left.unlink()
        for folder in (*self._store.glob(".backup-*"), *self._store.glob(".restore-*")):
            with suppress(OSError):
                if time.time() - folder.stat().st_mtime > UPLOAD_S:  # else a command may be using it
                    shutil.rmtree(folder)

    @asynccontextmanager
    async def made(self, include: tuple[str, ...], password: str) -> AsyncIterator[Path]:
        """A backup as a file that is gone afterwards."""
        path = self._store / f".made-{secrets.token_hex(8)}"
        try:
            async with self._busy:
                with suppress(StoreError):
                    await self._flush()
                await _done(lambda: _make(self._house(), path, include, password))
            _log.info("a backup was made")
            yield path
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def take_in(self, pieces: AsyncIterator[bytes]) -> Uploaded:
        """Keep an uploaded file for a look."""
        async with self._busy:
            await self._remove()
            upload = secrets.token_hex(16)
            path = self._path(upload)
            try:
                await self._received(path, pieces)
                head = await _done(lambda: _head_of(path))
            except BaseException:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                raise
            self._upload = upload
            self._removing = asyncio.get_running_loop().call_later(UPLOAD_S, self._expire, upload)
            return Uploaded(upload, head.made, head.by, head.seal is not None, path.stat().st_size)

    async def _received(self, path: Path, pieces: AsyncIterator[bytes]) -> None:
        self._store.mkdir(parents=True, exist_ok=True)
        place = os.statvfs(self._store)
        left = place.f_bavail * place.f_frsize - SPARE_BYTES
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            async for piece in pieces:
                left -= len(piece)
                if left < 0:
                    raise BackupRefusedError(507, "the disk is too full for this upload: free some space")
                await _done(lambda piece=piece: file.write(piece))  # type: ignore[misc]

    async def check(self, upload: str, password: str, include: tuple[str, ...] | None) -> Content:
        """Judge it; nothing is changed."""
        async with self._busy:
            path = self._known(upload)
            return await _done(lambda: _look(self._house(), path, password, include))

    async def apply(self, upload: str, password: str, include: tuple[str, ...] | None, who: str) -> Content:
        """Make it ready, and begin anew."""
        async with self._busy:
            path = self._known(upload)
            found = await _done(lambda: _stage(self._house(), path, password, include))
            await self._remove()
            _log.warning("a backup of %s is taken over for %s; Phaeton begins anew with it", found.made, who)
            self._begin_anew()
            return found

    def _house(self) -> House:
        from phaeton.backup.collect import House  # noqa: PLC0415

        return House(self._loaded(), self._store, dict(os.environ))

    def _path(self, upload: str) -> Path:
        return self._store / f".upload-{upload}"

    def _known(self, upload: str) -> Path:
        if not self._upload or not secrets.compare_digest(upload.encode(), self._upload.encode()):
            raise BackupRefusedError(
                404, "there is no such upload, or it is too old; upload the backup again", "upload"
            )
        return self._path(upload)

    async def _remove(self) -> None:
        if self._removing is not None:
            self._removing.cancel()
            self._removing = None
        upload, self._upload = self._upload, ""
        if upload:
            await asyncio.to_thread(self._path(upload).unlink, missing_ok=True)

    def _expire(self, upload: str) -> None:
        if upload == self._upload:
            self._upload = ""
            self._path(upload).unlink(missing_ok=True)


# Their modules are loaded in the thread that needs them first.


def _make(house: House, path: Path, include: tuple[str, ...], password: str) -> None:
    from phaeton.backup.collect import make  # noqa: PLC0415

    make(house, path, include, password)


def _head_of(path: Path) -> Head:
    from phaeton.backup.container import head_of  # noqa: PLC0415

    return head_of(path)[0]


def _look(house: House, path: Path, password: str, include: tuple[str, ...] | None) -> Content:
    from phaeton.backup.restoring import look  # noqa: PLC0415

    return look(house, path, password, include)


def _stage(house: House, path: Path, password: str, include: tuple[str, ...] | None) -> Content:
    from phaeton.backup.restoring import stage  # noqa: PLC0415

    return stage(house, path, password, include)


async def _done(work: Callable[[], T]) -> T:
    """The work in a thread, its problems with a status."""
    try:
        return await asyncio.to_thread(work)
    except BackupError as error:
        field = "password" if error.kind == "password" else None
        raise BackupRefusedError(_STATUS[error.kind], str(error), field) from None
    except sqlite3.Error as error:
        raise BackupRefusedError(507, f"the sessions cannot be copied: {error}") from None
    except OSError as error:
        raise BackupRefusedError(507, f"the disk does not take it: {error.strerror or error}") from None
