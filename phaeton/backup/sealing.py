"""Encryption of a backup by a password: scrypt for the key, AES-256-GCM for the content, both of libraries.

The head of the file is authenticated with the content. A second part of scrypt's output in the head tells a wrong
password from a changed file; it says nothing about the key.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import IO, TYPE_CHECKING

from msgspec import Struct

from phaeton.backup.problem import BackupError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext

N, R, P = 1 << 15, 8, 1
"""32 MB of memory and about a second on a small device."""
_MOST_N, _MOST_R, _MOST_P = 1 << 17, 16, 4
"""No file may make us spend more than 256 MB."""
_CHUNK = 1 << 16
TAG_BYTES = 16
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024
NO_LIBRARY = (
    "a backup with secrets is encrypted by the library `cryptography`, which is not installed here: install "
    "phaeton[backup], or make a backup without secrets"
)


class Seal(Struct, frozen=True):
    """What the head of the file tells about its encryption."""

    salt: str
    nonce: str
    check: str
    cipher: str = "AES-256-GCM"
    kdf: str = "scrypt"
    n: int = 0
    r: int = 0
    p: int = 0


def available() -> bool:
    """Whether the library is there."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher  # noqa: F401, PLC0415 - optional
    except ImportError:
        return False
    return True


def made(password: str) -> tuple[Seal, bytes]:
    """A fresh seal, and its key; takes about a second."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BackupError(
            f"the password must have {SHORTEST_PASSWORD} characters or more, and at most {LONGEST_PASSWORD}", "password"
        )
    salt = secrets.token_bytes(16)
    key, check = _derived(password, salt, N, R, P)
    return Seal(salt.hex(), secrets.token_bytes(12).hex(), check.hex(), n=N, r=R, p=P), key


def key_of(seal: Seal, password: str) -> bytes:
    """The key; raises `BackupError` where the password is not the one, or the seal asks for too much."""
    if seal.cipher != "AES-256-GCM" or seal.kdf != "scrypt":
        raise BackupError("the backup is encrypted in a way that this Phaeton does not know; update Phaeton", "newer")
    cheap = 1 < seal.n <= _MOST_N and 0 < seal.r <= _MOST_R and 0 < seal.p <= _MOST_P
    try:
        salt, check = bytes.fromhex(seal.salt), bytes.fromhex(seal.check)
        cheap = cheap and seal.n & (seal.n - 1) == 0 and len(bytes.fromhex(seal.nonce)) == 12
    except ValueError:
        cheap = False
    if not cheap:
        raise BackupError("the head of the backup is damaged: it cannot be decrypted")
    if not password:
        raise BackupError("the backup is encrypted: its password is needed", "password")
    key, found = _derived(password, salt, seal.n, seal.r, seal.p)
    if not hmac.compare_digest(found, check):
        raise BackupError("the password is not that of this backup", "password")
    return key


def _derived(password: str, salt: bytes, n: int, r: int, p: int) -> tuple[bytes, bytes]:
    memory = 128 * r * (n + p + 2) + (1 << 20)
    both = hashlib.scrypt(password.encode(), salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=48)
    return both[:32], both[32:]


class SealedFile:
    """A file that takes plain bytes and keeps them encrypted; a ZIP is written through it."""

    def __init__(self, file: IO[bytes], seal: Seal, key: bytes, head: bytes) -> None:
        self._file = file
        self._sealer = _encryptor(seal, key)
        self._sealer.authenticate_additional_data(head)

    def write(self, data: bytes) -> int:
        """Encrypt and write."""
        self._file.write(self._sealer.update(bytes(data)))
        return len(data)

    def flush(self) -> None:
        """As files have it."""
        self._file.flush()

    def finish(self) -> None:
        """The end, with the tag that shows any change."""
        self._file.write(self._sealer.finalize() + self._sealer.tag)


def opened(file: IO[bytes], size: int, seal: Seal, key: bytes, head: bytes, target: Path) -> None:
    """Decrypt the ``size`` bytes of the file into ``target``, which is only there when all of them are genuine."""
    try:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - optional
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415
    except ImportError:
        raise BackupError(NO_LIBRARY, "library") from None
    cut = BackupError("the backup was changed or cut short since it was made")
    if size < TAG_BYTES:
        raise cut
    opener = Cipher(algorithms.AES(key), modes.GCM(bytes.fromhex(seal.nonce))).decryptor()
    opener.authenticate_additional_data(head)
    left = size - TAG_BYTES
    try:
        with target.open("wb") as plain:
            while left:
                piece = file.read(min(left, _CHUNK))
                left = left - len(piece) if piece else 0
                plain.write(opener.update(piece))
            plain.write(opener.finalize_with_tag(file.read(TAG_BYTES)))
    except InvalidTag:
        target.unlink()
        raise cut from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _encryptor(seal: Seal, key: bytes) -> AEADEncryptionContext:
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - optional
    except ImportError:
        raise BackupError(NO_LIBRARY, "library") from None
    return Cipher(algorithms.AES(key), modes.GCM(bytes.fromhex(seal.nonce))).encryptor()
