"""Signs like minisign, with a key that everybody knows: for tries and tests, never for releases."""

from __future__ import annotations

from base64 import b64encode
from hashlib import blake2b, sha256

MISSING = "signing needs the library `cryptography`: pip install cryptography"


class Signer:
    """One key, made of a word."""

    def __init__(self, word: str = "phaeton simulation") -> None:
        try:
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - optional
        except ImportError:
            raise RuntimeError(MISSING) from None
        seed = sha256(word.encode()).digest()
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._number = sha256(seed).digest()[:8]

    @property
    def public_key(self) -> str:
        """A line as in a file of public keys."""
        return b64encode(b"Ed" + self._number + self._key.public_key().public_bytes_raw()).decode()

    def sign(self, content: bytes, *, hashed: bool = True, comment: str = "made by a simulation") -> str:
        """The text of a signature file."""
        signature = self._key.sign(blake2b(content).digest() if hashed else content)
        whole = self._key.sign(signature + comment.encode())
        first = b64encode((b"ED" if hashed else b"Ed") + self._number + signature).decode()
        return f"untrusted comment: {comment}\n{first}\ntrusted comment: {comment}\n{b64encode(whole).decode()}\n"
