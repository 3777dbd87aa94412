"""Secrets stay out of what people see: which key names hold one, and texts without them."""

from __future__ import annotations

import re

HIDDEN = "***"

_WORDS = r"password|passwd|passphrase|token(?!s)|secret|api[_-]?key|authorization|credential|cookie"
_KEY = re.compile(rf"{_WORDS}|(?:^|[^a-z])pin(?:$|[^a-z])")
_IN_TEXT = re.compile(
    rf"""(?P<key>["']?(?:[\w-]*(?:{_WORDS})|\b(?:[\w-]*[_-])?pin)["']?\s*[=:]\s*)"""
    r"""(?P<value>(?:Bearer\s+)?(?:"[^"]*"|'[^']*'|[^\s,;&}\]]+))"""
    r"|(?P<bearer>\bBearer\s+)(?P<held>[^\s,;\"']+)"
    r"|(?P<scheme>\b[a-z][a-z0-9+.-]*://)(?P<user>[^\s/@]+)@",
    re.IGNORECASE,
)


def is_secret(key: str) -> bool:
    """Whether a key of this name holds a secret: ``access_token``, ``kia.pin``, ``Authorization``."""
    return _KEY.search(key.lower()) is not None


def redacted(text: str) -> str:
    """The text with the values of ``password=...``, ``"token": "..."``, ``Bearer ...`` and ``user:pw@`` hidden."""
    return _IN_TEXT.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    if found["key"] is not None:
        return f"{found['key']}{HIDDEN}"
    if found["bearer"] is not None:
        return f"{found['bearer']}{HIDDEN}"
    return f"{found['scheme']}{HIDDEN}@"
