"""Secrets stay out of what people see: which key names hold one, and texts without them."""

from __future__ import annotations

import re

HIDDEN = "***"

_WORDS = r"password|passwd|passphrase|token(?!s)|secret|api[_-]?key|authorization|credential|cookie"
_KEY = re.compile(rf"{_WORDS}|(?:^|[^a-z])(?:pin|vin)(?:$|[^a-z])")
_VIN = re.compile(r"\b(?=[A-Z]*[0-9])(?=[0-9]*[A-Z])[A-HJ-NPR-Z0-9]{17}\b")
"""A vehicle identification number: 17 characters, digits and capitals without I, O and Q."""
_IN_TEXT = re.compile(
    rf"""(?P<key>(?<![\w-])(?:[\w-]*(?:{_WORDS})|(?:[\w-]*[_-])?pin)["']?\s*[=:]\s*)"""
    r"""(?P<value>(?:Bearer\s+)?(?:"[^"]*"|'[^']*'|[^\s,;&}\]]+))"""
    r"|(?P<bearer>\bBearer\s+)(?P<held>[^\s,;\"']+)"
    r"|(?P<own>\bpht_[\w-]{20,})"
    r"|(?P<scheme>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://)(?P<user>[^\s/@]+)@",
    re.IGNORECASE,
)
"""Each alternative begins at the beginning of a word only: a long word costs as much as many short ones."""
_SUSPICIOUS = re.compile(rf"{_WORDS}|pin|bearer|pht_|://", re.IGNORECASE)


def is_secret(key: str) -> bool:
    """Whether a key of this name holds a secret: ``access_token``, ``kia.pin``, ``Authorization``."""
    return _KEY.search(key.lower()) is not None


def redacted(text: str) -> str:
    """The text with ``password=...``, ``"token": "..."``, ``Bearer ...``, ``user:pw@`` and cars' identities hidden."""
    if _SUSPICIOUS.search(text) is not None:
        text = _IN_TEXT.sub(_hide, text)
    return _VIN.sub(HIDDEN, text)


def _hide(found: re.Match[str]) -> str:
    if found["key"] is not None:
        return f"{found['key']}{HIDDEN}"
    if found["bearer"] is not None:
        return f"{found['bearer']}{HIDDEN}"
    if found["own"] is not None:
        return f"pht_{HIDDEN}"
    return f"{found['scheme']}{HIDDEN}@"
