"""A configuration's own text fit to be shown: comments and style as they are, secrets hidden."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from phaeton.config import nodes
from phaeton.config.desired import moved, revealed
from phaeton.config.document import Plain
from phaeton.config.editing import edited, of_text
from phaeton.config.layout import Layout
from phaeton.config.load import parse
from phaeton.config.nodes import Step
from phaeton.config.problems import ConfigError, Problem
from phaeton.config.tree import Config
from phaeton.config.writing import expanded, to_plain
from phaeton.redaction import HIDDEN, redacted

UNREADABLE = "# This text cannot be read by this version of Phaeton, so its secrets cannot be told from the rest.\n"
_SHORTEST = 4
"""A shorter secret is not looked for in comments: it would be found in every word."""


def hidden_text(text: str) -> str:
    """The text with ``***`` in the place of secrets; `UNREADABLE` where it cannot be told what is one."""
    try:
        config = of_text(text)
    except ConfigError:
        config = None
    if config is None:
        return UNREADABLE
    shown = to_plain(config)
    found = edited(text, msgspec.convert(shown, Config)).text
    told = [secret for secret in secrets(expanded(config), shown) if len(secret) >= _SHORTEST]
    pieces: list[str] = []
    at = 0
    for start, end in Layout(found).comment_spans:
        pieces += [found[at:start], _without(told, redacted(found[start:end]))]
        at = end
    return "".join([*pieces, found[at:]])


def _without(told: list[str], comment: str) -> str:
    for secret in sorted(told, key=len, reverse=True):
        comment = comment.replace(secret, HIDDEN)
    return comment


def with_secrets_of(text: str, known: Config) -> tuple[str, tuple[str, ...]]:
    """A hidden text with the secrets of a configuration, and the keys of those that it does not have.

    Raises `ConfigError` where the text is no configuration.
    """
    config = of_text(text)
    if config is None:
        parse(text)  # says what is wrong
        return text, ()
    missing: list[Problem] = []
    shown, actual = to_plain(known), expanded(known)
    document = revealed(expanded(config), shown, actual, (), missing)
    paths = [problem.path for problem in missing]
    for steps, _ in moved(actual, shown, document):
        document = _hidden_at(document, steps)
        paths.append(nodes.written(steps))
    done = edited(text, msgspec.convert(document, Config))
    return done.text, tuple(path.removesuffix(".value") for path in paths)


def _hidden_at(value: Plain, steps: tuple[Step, ...]) -> Plain:
    if not steps:
        return HIDDEN
    step, rest = steps[0], steps[1:]
    if isinstance(value, dict):
        return {key: _hidden_at(item, rest) if key == step else item for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden_at(item, rest) if index == step else item for index, item in enumerate(value)]
    return value


def secrets(actual: Plain, shown: Plain) -> Iterator[str]:
    """The values that differ from how they are shown."""
    if isinstance(actual, dict):
        for key, value in actual.items():
            yield from secrets(value, shown.get(key) if isinstance(shown, dict) else None)
    elif isinstance(actual, list):
        for index, value in enumerate(actual):
            yield from secrets(value, shown[index] if isinstance(shown, list) else None)
    elif isinstance(actual, str) and isinstance(shown, str) and actual != shown:
        yield actual
