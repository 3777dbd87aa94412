"""The password: kept as a slow salted hash with the parameters it was made with, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from typing import Literal

from msgspec import Struct

SHORTEST = 8
LONGEST = 1024
SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 1
SCRYPT_MOST_BYTES = 64 * 1024 * 1024
"""With these parameters scrypt needs 16 MiB for the time of one check."""
PBKDF2_ROUNDS = 300_000
DIGEST_BYTES = 32


class PasswordHash(Struct, frozen=True):
    """What is kept of a password."""

    kind: Literal["scrypt", "pbkdf2"]
    salt: bytes
    digest: bytes
    n: int = 0
    r: int = 0
    p: int = 0
    rounds: int = 0

    @property
    def id(self) -> str:
        """Tells two passwords apart, even two equal ones; logins end when it changes."""
        return hashlib.sha256(self.salt + self.digest).hexdigest()[:16]


class PasswordError(ValueError):
    """The password cannot be used; the text says why."""


def checked(password: str) -> str:
    """The password when it can be one; raises `PasswordError`."""
    if len(password) < SHORTEST:
        raise PasswordError(f"the password must have {SHORTEST} characters or more")
    if len(password) > LONGEST:
        raise PasswordError(f"the password must have at most {LONGEST} characters")
    if not password.isprintable() or password.isspace():
        raise PasswordError("the password must be one line of printable characters")
    return password


def hashed(password: str) -> PasswordHash:
    """A new hash of the password; takes a good part of a second on a small device."""
    salt = secrets.token_bytes(16)
    if hasattr(hashlib, "scrypt"):
        kept = PasswordHash("scrypt", salt, b"", n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    else:  # a Python whose OpenSSL is without scrypt
        kept = PasswordHash("pbkdf2", salt, b"", rounds=PBKDF2_ROUNDS)
    return PasswordHash(kept.kind, salt, _digest(password, kept), kept.n, kept.r, kept.p, kept.rounds)


def matches(password: str, kept: PasswordHash) -> bool:
    """Whether it is the password; raises `PasswordError` where this Python cannot tell."""
    return hmac.compare_digest(_digest(password, kept), kept.digest)


def _digest(password: str, kept: PasswordHash) -> bytes:
    # keyboards write the same letter in more than one way
    text = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    if kept.kind == "pbkdf2":
        return hashlib.pbkdf2_hmac("sha256", text, kept.salt, kept.rounds, DIGEST_BYTES)
    if not hasattr(hashlib, "scrypt"):
        raise PasswordError("this Python knows no scrypt: set the password anew with `phaeton password`")
    try:
        return hashlib.scrypt(
            text, salt=kept.salt, n=kept.n, r=kept.r, p=kept.p, maxmem=SCRYPT_MOST_BYTES, dklen=DIGEST_BYTES
        )
    except ValueError:
        raise PasswordError("the kept password cannot be checked: set it anew with `phaeton password`") from None
