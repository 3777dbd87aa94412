"""The layouts that configuration files have had, and the way from each to the present one."""

from __future__ import annotations

from collections.abc import Callable

from phaeton.config import forerunner
from phaeton.config.document import Scalar, Section, integer
from phaeton.config.problems import ConfigError, Notice, Problem
from phaeton.config.tree import VERSION

_FORERUNNER = 0
_FIRST = 1
"""The layout of a file that does not tell."""

_STEPS: dict[int, Callable[[Section], tuple[Section, list[Notice]]]] = {_FORERUNNER: forerunner.migrated}
"""From each version to the next."""


def version_of(root: Section) -> int:
    """The version of a document's layout; a value that is none is left for the reading to judge."""
    if forerunner.recognised(root):
        return _FORERUNNER
    node = root.entries.get("version")
    return (integer(node.text) if isinstance(node, Scalar) else None) or _FIRST


def to_present(root: Section) -> tuple[Section, list[Notice]]:
    """The document in the present layout, with what the owner should know of the way; raises `ConfigError`."""
    version = version_of(root)
    if version > VERSION:
        place = root.entries["version"].place
        remedy = "Update Phaeton, or go back to the file from before"
        raise ConfigError(
            [
                Problem(
                    "version",
                    f"must be at most {VERSION}, the newest that this Phaeton knows",
                    str(version),
                    place,
                    remedy,
                )
            ]
        )
    notices: list[Notice] = []
    while version < VERSION and version in _STEPS:
        root, more = _STEPS[version](root)
        notices += more
        version += 1
    return root, notices
