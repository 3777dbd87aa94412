"""Reading a secret from where it is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from phaeton.config.node import Secret

LONGEST = 8192
"""Characters; no token is longer."""


class SecretError(ValueError):
    """The secret is not where it should be; the text says where, never what."""


def reveal(secret: Secret, environ: Mapping[str, str] | None = None) -> str:
    """The secret as it is now; a changed file counts at once. Raises `SecretError`.

    A secret that is not given at all is the empty text.
    """
    if secret.value:
        return secret.value
    if secret.env:
        found = (os.environ if environ is None else environ).get(secret.env, "").strip()
        if not found:
            raise SecretError(f"the environment variable {secret.env} is not set")
        return _checked(found, f"the environment variable {secret.env}")
    return _of_file(Path(secret.file)) if secret.file else ""


def _of_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(LONGEST + 1).strip()
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {(error.strerror or 'no such file').lower()}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} holds no text") from None
    if not text:
        raise SecretError(f"{path} is empty")
    return _checked(text, str(path))


def _checked(text: str, where: str) -> str:
    if len(text) > LONGEST or not text.isprintable():
        raise SecretError(f"{where} must hold one line of text")
    return text
