"""Logins of browsers: a random id in a cookie, its hash here, and when it ends.

A login is bound to the password it was made with: a new password ends all of them, without a list to clear.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from msgspec import Struct

from phaeton.sinks.web.access.tokens import hash_of

MOST_LOGINS = 50
KEEP_USE_S = 3600.0
"""How old the kept time of the last use may become before the file is written again."""
_DAY_S = 86_400.0


class Login(Struct):
    """One browser that is logged in; times are UTC seconds."""

    id: str
    """For lists; it opens nothing."""
    hash: str
    password: str
    """Which password it was made with."""
    created_s: float
    seen_s: float
    address: str
    agent: str


class LoginFile(Struct, frozen=True):
    """All logins."""

    logins: tuple[Login, ...] = ()
    version: int = 1


class Logins:
    """Those that are alive; in memory, kept in a file by whoever owns this."""

    def __init__(self, kept: Iterable[Login] = ()) -> None:
        self._by_hash = {login.hash: login for login in kept}
        self._kept_s = {login.hash: login.seen_s for login in kept}

    def begin(self, password: str, address: str, agent: str, utc_s: float) -> tuple[Login, str]:
        """A new login and its secret; of too many the one unused for longest ends."""
        secret = secrets.token_urlsafe(32)
        login = Login(secrets.token_hex(4), hash_of(secret), password, utc_s, utc_s, address, agent[:200])
        while len(self._by_hash) >= MOST_LOGINS:
            self.end(min(self._by_hash.values(), key=lambda old: old.seen_s))
        self._by_hash[login.hash] = login
        return login, secret

    def find(self, secret: str, password: str, days: tuple[float, float], utc_s: float) -> Login | None:
        """The login of this cookie while it lives; ``days`` are those unused and those at most."""
        login = self._by_hash.get(hash_of(secret))
        return login if login is not None and self.use(login, password, days, utc_s) else None

    def use(self, login: Login, password: str, days: tuple[float, float], utc_s: float) -> bool:
        """Whether it lives; if so, it is used now."""
        if login.hash not in self._by_hash:
            return False
        if login.password != password or utc_s >= ends_s(login, days):
            self.end(login)
            return False
        login.seen_s = max(login.seen_s, utc_s)
        return True

    def end(self, login: Login) -> None:
        """It opens nothing from here on."""
        self._by_hash.pop(login.hash, None)
        self._kept_s.pop(login.hash, None)

    def alive(self, password: str, days: tuple[float, float], utc_s: float) -> list[Login]:
        """All that live, the newest use first."""
        found = [one for one in self._by_hash.values() if one.password == password and utc_s < ends_s(one, days)]
        return sorted(found, key=lambda login: -login.seen_s)

    def knows(self, address: str) -> bool:
        """Whether somebody is logged in from there."""
        return any(login.address == address for login in self._by_hash.values())

    @property
    def due(self) -> bool:
        """Whether the file should be written: it lacks a login, or a use that is long after the one it has."""
        return len(self._kept_s) != len(self._by_hash) or any(
            login.seen_s > self._kept_s.get(login.hash, 0.0) + KEEP_USE_S for login in self._by_hash.values()
        )

    def to_keep(self) -> LoginFile:
        """What to write; counts as written."""
        self._kept_s = {login.hash: login.seen_s for login in self._by_hash.values()}
        return LoginFile(tuple(self._by_hash.values()))


def ends_s(login: Login, days: tuple[float, float]) -> float:
    """When it ends, when it is not used any more."""
    unused, most = days
    return min(login.seen_s + unused * _DAY_S, login.created_s + most * _DAY_S)
