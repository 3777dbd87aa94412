"""Vouches for the checksums of a release with a secret key of minisign, as ``minisign -Sm SHA256SUMS`` does.

The key is that of ``minisign -G`` (with a password) or ``minisign -GW`` (without, for a service that builds).
https://jedisct1.github.io/minisign/ describes the formats.
"""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode, b64encode
from hashlib import blake2b, scrypt

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from bundling.problem import BundlingError

_KIND, _SCRYPT, _NO_PASSWORD, _BLAKE2B = b"Ed", b"Sc", b"\0\0", b"B2"
_LENGTH = 158
_MOST_MEMORY = (1 << 31) - 1


class SecretKey(Struct, frozen=True):
    """A key that signs."""

    number: bytes
    seed: bytes

    @property
    def public_line(self) -> str:
        """Its public half, as a line of ``release.pub`` or ``trusted.pub``."""
        return b64encode(_KIND + self.number + self._private.public_key().public_bytes_raw()).decode()

    def sign(self, content: bytes, comment: str) -> str:
        """The text of a signature file; the comment is signed as well."""
        signature = self._private.sign(blake2b(content).digest())
        first = b64encode(b"ED" + self.number + signature).decode()
        whole = b64encode(self._private.sign(signature + comment.encode())).decode()
        return f"untrusted comment: signature of Phaeton\n{first}\ntrusted comment: {comment}\n{whole}\n"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


def secret_key(text: str, password: str = "") -> SecretKey:
    """Read the file of a secret key; raises `BundlingError`."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("untrusted comment:")]
    try:
        raw = b64decode(lines[0], validate=True) if lines else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _LENGTH or raw[:2] != _KIND or raw[4:6] != _BLAKE2B:
        raise BundlingError("this is no secret key of minisign")
    body = raw[54:]
    if raw[2:4] == _SCRYPT:
        if not password:
            raise BundlingError("the secret key has a password, and none was given")
        body = bytes(a ^ b for a, b in zip(body, _stream(password, raw[6:38], raw[38:54]), strict=True))
    elif raw[2:4] != _NO_PASSWORD:
        raise BundlingError("the secret key is locked in a way that is not known here")
    number, secret, checksum = body[:8], body[8:72], body[72:]
    if raw[2:4] == _SCRYPT and blake2b(_KIND + number + secret, digest_size=32).digest() != checksum:
        raise BundlingError("the password does not fit the secret key")
    return SecretKey(number, secret[:32])


def _stream(password: str, salt: bytes, limits: bytes) -> bytes:
    """What the body of a key is mixed with; the parameters are chosen from the limits as libsodium does it."""
    operations, memory = struct.unpack("<QQ", limits)
    operations = max(operations, 32768)
    blocks = 8
    if operations < memory // 32:
        most, parallel = operations // (blocks * 4), 1
        power = _power(most)
    else:
        power = _power(memory // (blocks * 128))
        parallel = min((operations // 4) // (1 << power), 0x3FFFFFFF) // blocks
    try:
        return scrypt(
            password.encode(), salt=salt, n=1 << power, r=blocks, p=max(parallel, 1), maxmem=_MOST_MEMORY, dklen=104
        )
    except (ValueError, MemoryError):
        raise BundlingError("the secret key asks for more memory than there is") from None


def _power(most: int) -> int:
    """The largest power of two that is at most twice this, as libsodium counts."""
    power = 1
    while power < 63 and (1 << power) <= most // 2:
        power += 1
    return power
