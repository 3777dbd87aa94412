"""The access of one house: what the daemon holds of password, tokens and logins, and who they say somebody is.

Disk and hashing are on threads. What the commands at the terminal change is seen within a second. A file of the
password that cannot be used locks everybody out who has no token: never the other way round.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from phaeton.sinks.web.access import passwords, tokens
from phaeton.sinks.web.access.audit import Audit
from phaeton.sinks.web.access.files import (
    FOLDER,
    LOGINS,
    PASSWORD,
    AccessFiles,
    FilesInMemory,
    UnreadableError,
)
from phaeton.sinks.web.access.logins import Login, LoginFile, Logins
from phaeton.sinks.web.access.passwords import PasswordHash
from phaeton.sinks.web.access.throttle import Throttle
from phaeton.sinks.web.access.tokens import Token, TokenScope
from phaeton.sinks.worker import Worker

LOOK_EVERY_S = 1.0
LOOK_WITHIN_S = 2.0
"""A disk that hangs holds a request up for no longer than this."""
MOST_WAITING = 8
"""Passwords that wait for their turn to be checked; each takes up to a second on a small device."""
KEEP_USE_S = 3600.0
LOCKED = PasswordHash("scrypt", b"", b"")
"""Stands for a password that is there and cannot be read: nothing matches it."""

_log = logging.getLogger(__name__)
T = TypeVar("T")


class BusyError(Exception):
    """Too many passwords wait to be checked."""


class _Held(Struct, frozen=True):
    password: PasswordHash | None
    tokens: dict[str, Token]


class Access:
    """One for the daemon's life; a server that is set up anew goes on with it. Without a directory all is in memory."""

    def __init__(
        self,
        directory: Path | None = None,
        worker: Worker | None = None,
        *,
        utc: Callable[[], float] = time.time,
        mono: Callable[[], float] = time.monotonic,
    ) -> None:
        self.utc = utc
        self.mono = mono
        self._worker = worker or Worker("phaeton-access")
        self._hashing = Worker("phaeton-password")
        self._waiting = 0
        self.audit = Audit(directory, self._worker, utc)
        self.throttle = Throttle()
        self.changed: Callable[[], None] = lambda: None
        """Called when the password or a token changed: what is open may have to end."""
        self._files = FilesInMemory() if directory is None else AccessFiles(directory / FOLDER)
        self._complaint = ""
        self._used: dict[str, float] = {}
        self._used_kept: dict[str, float] = {}
        self._looked_s = mono()
        self._looking: asyncio.Future[None] | None = None
        self._signature = self._files.signature()
        self._held = _Held(None, {})
        self._held = self._load()
        self.logins = self._load_logins()

    # What is known.

    @property
    def password_set(self) -> bool:
        """Whether a login is possible, and nothing is without one."""
        return self._held.password is not None

    @property
    def password_id(self) -> str:
        """Which password it is now."""
        return "" if self._held.password is None else self._held.password.id

    @property
    def tokens(self) -> list[Token]:
        """All tokens with their last use, the newest first."""
        found = [replace(one, used_s=self._used.get(one.id, one.used_s)) for one in self._held.tokens.values()]
        return sorted(found, key=lambda token: -token.created_s)

    def token(self, secret: str) -> Token | None:
        """The token with this secret while it is valid; notes its use."""
        found = self._held.tokens.get(tokens.hash_of(secret))
        now_s = self.utc()
        if found is None or found.expired(now_s):
            return None
        self._used[found.id] = now_s
        kept_s = self._used_kept.get(found.id, found.used_s or 0.0)
        if now_s > kept_s + KEEP_USE_S:
            self._keep_uses()
        return found

    def is_valid(self, token: Token) -> bool:
        """Whether a token that was found before is one still."""
        return token.hash in self._held.tokens and not token.expired(self.utc())

    async def look(self) -> None:
        """Take over what was changed at the terminal, at most once a second."""
        if self._looking is None:
            if self.mono() < self._looked_s + LOOK_EVERY_S:
                return
            self._looking = asyncio.ensure_future(self._look())
        try:
            async with asyncio.timeout(LOOK_WITHIN_S):
                await asyncio.shield(self._looking)
        except TimeoutError:
            _log.warning("the disk is slow; the access goes by what was read before")

    async def _look(self) -> None:
        try:
            signature = await self._worker.run(self._files.signature)
            if signature != self._signature:
                self._signature = signature
                self._take(await self._worker.run(self._load))
        finally:
            self._looked_s = self.mono()
            self._looking = None

    # Passwords.

    async def is_password(self, password: str) -> bool:
        """Whether it is the password; one is checked at a time. Raises `BusyError`."""
        kept = self._held.password
        if kept is None or kept is LOCKED or len(password) > passwords.LONGEST:
            return False
        return await self._hash(lambda: passwords.matches(password, kept))

    async def set_password(self, password: str) -> None:
        """From here on this one holds, and all logins end; raises `PasswordError`, `BusyError`, OSError."""
        passwords.checked(password)
        made = await self._hash(lambda: passwords.hashed(password))
        await self._worker.run(lambda: self._files.write(PASSWORD, made))
        self._take(_Held(made, self._held.tokens))

    async def _hash(self, job: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            return await self._hashing.run(job)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._hashing.stop()  # the thread is not needed for days

    # Logins.

    def log_in(self, address: str, agent: str) -> tuple[Login, str]:
        """A new login after the right password; returns it and the secret for the cookie."""
        begun = self.logins.begin(self.password_id, address, agent, self.utc())
        self.keep_logins()
        return begun

    def login(self, secret: str, days: tuple[float, float]) -> Login | None:
        """The login of a cookie while it lives."""
        if not self.password_set:
            return None
        found = self.logins.find(secret, self.password_id, days, self.utc())
        if self.logins.due:
            self.keep_logins()
        return found

    def is_alive(self, login: Login, days: tuple[float, float]) -> bool:
        """Whether a login that was found before lives still; it is used by this."""
        return self.password_set and self.logins.use(login, self.password_id, days, self.utc())

    def log_out(self, login: Login) -> None:
        """End one."""
        self.logins.end(login)
        self.keep_logins()
        self.changed()

    def keep_logins(self) -> None:
        """Write them down."""
        kept = self.logins.to_keep()
        self._later(lambda files: files.write(LOGINS, kept), "the logins")

    # Tokens.

    async def add_token(self, name: str, scope: TokenScope, expires_s: float | None) -> tuple[Token, str]:
        """Make one, see `tokens.add`."""
        now_s = self.utc()
        token, secret = await self._worker.run(lambda: tokens.add(self._files, name, scope, expires_s, now_s))
        self._take(_Held(self._held.password, {**self._held.tokens, token.hash: token}))
        return token, secret

    async def revoke_token(self, which: str) -> Token | None:
        """End the token of this id or name; None = there is none."""
        found = await self._worker.run(lambda: tokens.revoke(self._files, which))
        if found is not None:
            left = {key: token for key, token in self._held.tokens.items() if token.id != found.id}
            self._take(_Held(self._held.password, left))
        return found

    async def close(self) -> None:
        """Write what is not on disk yet, the last uses among it."""
        self.keep_logins()
        if self._used != self._used_kept:
            self._keep_uses()
        await self._worker.run(lambda: None)

    # Files.

    def _keep_uses(self) -> None:
        used = self._used_kept = dict(self._used)
        self._later(lambda files: tokens.note_uses(files, used), "the last use of a token")

    def _take(self, held: _Held) -> None:
        before, self._held = self._held, held
        if held.password != before.password or held.tokens.keys() != before.tokens.keys():
            self.changed()

    def _load(self) -> _Held:
        """Blocking: at the start, then on the worker's thread."""
        complaints = []
        try:
            password = self._files.read(PASSWORD, PasswordHash)
        except UnreadableError as error:
            password = LOCKED
            complaints.append(f"{error}. Nobody can log in: set the password anew with `phaeton password`")
        try:
            found = {token.hash: token for token in tokens.load(self._files)}
        except UnreadableError as error:
            found = {}
            complaints.append(f"{error}. No token is accepted: remove the file and make new ones")
        complaint = "; ".join(complaints)
        if complaint and complaint != self._complaint:
            _log.error("%s", complaint)
        self._complaint = complaint
        return _Held(password, found)

    def _load_logins(self) -> Logins:
        try:
            kept = self._files.read(LOGINS, LoginFile)
        except UnreadableError as error:
            _log.warning("%s; everybody has to log in again", error)
            kept = None
        return Logins(() if kept is None else kept.logins)

    def _later(self, write: Callable[[AccessFiles], None], what: str) -> None:
        def job() -> None:
            try:
                write(self._files)
            except (OSError, UnreadableError) as error:
                _log.warning("%s cannot be written to disk: %s", what, error)

        self._worker.run(job)
