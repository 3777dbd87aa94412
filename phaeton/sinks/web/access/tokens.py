"""Tokens of programs: made once, shown once, kept as a hash with their name, scope, end and last use.

A token is 256 random bits, so a plain hash of it gives nothing away and needs no salt.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

from phaeton.sinks.web.access.files import TOKENS, AccessFiles

TokenScope = Literal["read", "control", "admin"]
TOKEN_SCOPES: tuple[TokenScope, ...] = get_args(TokenScope)
PREFIX = "pht_"
"""Lets people and scanners of secrets know one when they see it."""
MOST_TOKENS = 100
MOST_NAME = 40


class Token(Struct, frozen=True):
    """One token; times are UTC seconds."""

    id: str
    name: str
    scope: TokenScope
    hash: str
    created_s: float
    expires_s: float | None = None
    used_s: float | None = None

    def expired(self, utc_s: float) -> bool:
        """Whether its time is over."""
        return self.expires_s is not None and utc_s >= self.expires_s


class TokenFile(Struct, frozen=True):
    """All tokens."""

    tokens: tuple[Token, ...] = ()
    version: int = 1


class TokenError(ValueError):
    """It cannot be done; the text says why."""


def hash_of(secret: str) -> str:
    """What is kept of a secret of 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def load(files: AccessFiles) -> tuple[Token, ...]:
    """All tokens; raises `UnreadableError`."""
    found = files.read(TOKENS, TokenFile)
    return () if found is None else found.tokens


def add(files: AccessFiles, name: str, scope: TokenScope, expires_s: float | None, utc_s: float) -> tuple[Token, str]:
    """Make one; its secret is told here and never again. Raises `TokenError`, `UnreadableError`, OSError."""
    name = name.strip()
    if not 0 < len(name) <= MOST_NAME or not name.isprintable():
        raise TokenError(f"the name must be one line of 1 to {MOST_NAME} characters")
    if expires_s is not None and expires_s <= utc_s:
        raise TokenError("the token would have ended already")
    secret = PREFIX + secrets.token_urlsafe(32)
    with files.locked():
        tokens = load(files)
        if any(token.name == name for token in tokens):
            raise TokenError(f"there is a token named {name} already: revoke it first or take another name")
        if len(tokens) >= MOST_TOKENS:
            raise TokenError(f"there are {MOST_TOKENS} tokens already: revoke some")
        token = Token(secrets.token_hex(4), name, scope, hash_of(secret), utc_s, expires_s)
        files.write(TOKENS, TokenFile((*tokens, token)))
    return token, secret


def revoke(files: AccessFiles, which: str) -> Token | None:
    """End the token of this id or name; None = there is none. Raises `UnreadableError`, OSError."""
    with files.locked():
        tokens = load(files)
        found = next((token for token in tokens if which in (token.id, token.name)), None)
        if found is not None:
            files.write(TOKENS, TokenFile(tuple(token for token in tokens if token is not found)))
    return found


def note_uses(files: AccessFiles, used: dict[str, float]) -> None:
    """Keep when the tokens of these ids were used last; raises `UnreadableError`, OSError."""
    with files.locked():
        tokens = load(files)
        noted = tuple(replace(token, used_s=used.get(token.id, token.used_s)) for token in tokens)
        if noted != tokens:
            files.write(TOKENS, TokenFile(noted))
