"""Signatures in the format of minisign: who vouches for a list of checksums.

The format was chosen because owners can check a release themselves with a well-known program:
``minisign -Vm SHA256SUMS -P KEY``. https://jedisct1.github.io/minisign/ describes it. Both of its forms are taken, over
the file and over its BLAKE2b hash; the trusted comment must be signed as well.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

from phaeton.updates.ed25519 import verify
from phaeton.updates.problem import UpdateRefusedError

TRUSTED = "trusted.pub"
"""In the installation folder: keys that are believed instead of the shipped ones, one a line, as minisign has them."""
SHIPPED = Path(__file__).with_name("release.pub")
"""The keys of the releases, in the same form."""
_PLAIN, _HASHED = b"Ed", b"ED"
_COMMENT = "trusted comment: "


class PublicKey(Struct, frozen=True):
    """A key that is believed."""

    number: bytes
    """8 bytes that tell keys apart; nothing is proven by them."""
    key: bytes


def keys_in(text: str) -> tuple[PublicKey, ...]:
    """The keys of a file; comments and empty lines are passed over. Raises `UpdateRefusedError`."""
    found = []
    for line in text.splitlines():
        if not line.strip() or line.startswith(("untrusted comment:", "#")):
            continue
        raw = _decoded(line.strip())
        if len(raw) != 42 or raw[:2] != _PLAIN:
            raise UpdateRefusedError(f"{line.strip()[:20]}... is no public key of minisign")
        found.append(PublicKey(raw[2:10], raw[10:]))
    return tuple(found)


def trusted_keys(root: Path | None) -> tuple[PublicKey, ...]:
    """The owner's keys where there are some, else those of the releases; raises `UpdateRefusedError`.

    They are files and no setting: who may change settings over the network does not say whose programs run here.
    """
    own = root / TRUSTED if root is not None else SHIPPED
    for path in (own, SHIPPED):
        try:
            found = keys_in(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise UpdateRefusedError(f"the public keys in {path} cannot be read: {error}") from None
        if found:
            return found
    raise UpdateRefusedError(f"no public key is known that a bundle could be checked with; put one into {own}")


def check(content: bytes, signature: str, keys: Iterable[PublicKey]) -> None:
    """Return when one of the keys signed the content; else raises `UpdateRefusedError`."""
    lines = signature.splitlines()
    if len(lines) < 4 or not lines[2].startswith(_COMMENT):
        raise UpdateRefusedError("the signature is no signature of minisign")
    raw, whole = _decoded(lines[1].strip()), _decoded(lines[3].strip())
    if len(raw) != 74 or raw[:2] not in (_PLAIN, _HASHED):
        raise UpdateRefusedError("the signature is no signature of minisign")
    signed = content if raw[:2] == _PLAIN else blake2b(content).digest()
    comment = lines[2].removeprefix(_COMMENT).encode()
    numbered = [key for key in keys if key.number == raw[2:10]]
    if not numbered:
        raise UpdateRefusedError("it is signed with a key that is not trusted here")
    if not any(verify(key.key, signed, raw[10:]) and verify(key.key, raw[10:] + comment, whole) for key in numbered):
        raise UpdateRefusedError("the signature does not fit: it was made for something else, or something was changed")


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
