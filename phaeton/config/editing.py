"""A change of the configuration in the owner's own text: comments, order and style of everything else stay.

A library that writes a whole YAML document anew (ruamel.yaml was tried) moves what it does not lose: indents, columns,
comments inside of brackets. So a change replaces, adds and removes lines at the places that `layout` knows. What comes
out is read again and must be what was wanted; where it is not, the whole is written anew and the owner is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import yaml
from msgspec import Struct, inspect

from phaeton.config import document, environment, forerunner, nodes, reading, versions
from phaeton.config.document import Node, Plain, Section
from phaeton.config.layout import Layout
from phaeton.config.load import one_charger
from phaeton.config.nodes import Step
from phaeton.config.problems import NOWHERE, ConfigError, Problem
from phaeton.config.splicing import AwkwardError, Splicer, plain_of
from phaeton.config.tree import VERSION, Config
from phaeton.config.writing import HEADING, default_of, to_yaml


class Edited(Struct, frozen=True):
    """The new text."""

    text: str
    anew: bool = False
    """It was written as a whole: its order and its style are Phaeton's."""
    lost: tuple[str, ...] = ()
    """Comments of the old text that are not in the new one."""


def edited(
    text: str, wanted: Config, written: dict[str, Plain] | None = None, environ: Mapping[str, str] | None = None
) -> Edited:
    """The text with the wanted configuration in it, as it shall be in force together with the environment.

    ``written`` says which keys shall be there: one that it lacks is taken out of the text, or not put in. None = all
    that differ from their defaults. What comes from the environment is not written. Raises `ConfigError` where that
    leaves a text that does not stand.
    """
    environ = environ or {}
    written = _without_variables(written if written is not None else plain_of(wanted), text, environ)
    try:
        now = of_text(text, environ)
        if now is not None and versions.version_of(document.parse(text)) == VERSION:
            fresh = Splicer(text, now, wanted, written).run()
            if of_text(fresh, environ) == wanted and not _leaked(text, fresh, environ):
                return Edited(fresh, lost=_lost(text, fresh))
    except (ConfigError, AwkwardError, RecursionError):
        pass
    fresh = _whole(written)
    if of_text(fresh, environ) != wanted:
        raise ConfigError([Problem("", "cannot be written so that it reads back as the same")])
    return Edited(fresh, anew=True, lost=_lost(text, fresh))


def of_text(text: str, environ: Mapping[str, str] | None = None) -> Config | None:
    """What the text says, before the rules; None where it has mistakes.

    Raises `ConfigError` where it is no document at all.
    """
    root, _ = versions.to_present(document.parse(text))
    root, problems = one_charger(root)
    root, _, more = environment.overridden(root, environ or {})
    found = reading.read(root, forerunner.home)
    return None if problems or more or found.problems else found.config


def _without_variables(written: dict[str, Plain], text: str, environ: Mapping[str, str]) -> dict[str, Plain]:
    """Keys of the environment are as the text has them, or are not there."""
    variables = environment.named(environ)
    if not variables:
        return written
    try:
        root, _ = one_charger(versions.to_present(document.parse(text))[0])
    except ConfigError:
        root = Section({}, NOWHERE)
    for steps in variables:
        written = _restored(written, steps, root)
    for key in {steps[0] for steps in variables if len(steps) > 1 and isinstance(steps[1], int)}:
        if nodes.at(root, key) is None and not any(map(_says_something(str(key)), _items(written.get(str(key))))):
            written = {name: value for name, value in written.items() if name != key}
    return written


def _items(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []


def _says_something(key: str) -> Callable[[Plain], bool]:
    """Whether an entry of a list has anything that is not at its default."""
    kind = reading.kind_at((key, 0))
    fields = kind.fields if isinstance(kind, inspect.StructType) else ()
    return lambda item: (
        not isinstance(item, dict)
        or any(field.name in item and (field.required or item[field.name] != default_of(field)) for field in fields)
    )


def _restored(value: Plain, steps: tuple[Step, ...], node: Node | None) -> Any:
    """The value with what the node has at the path, or without that key."""
    step, rest = steps[0], steps[1:]
    below = nodes.at(node, step)
    if isinstance(value, dict) and isinstance(step, str):
        if rest and step in value:
            return value | {step: _restored(value[step], rest, below)}
        others = {key: item for key, item in value.items() if key != step}
        return others if below is None else others | {step: document.plain(below)}
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        if rest:
            return [_restored(item, rest, below) if index == step else item for index, item in enumerate(value)]
        return value if below is None else [*value[:step], document.plain(below), *value[step + 1 :]]
    return value


def _leaked(old: str, new: str, environ: Mapping[str, str]) -> bool:
    """Whether a key of the environment stands in the new text that did not in the old one."""
    before, after = (one_charger(document.parse(text))[0] for text in (old, new))
    return any(_at(after, steps) is not None and _at(before, steps) is None for steps in environment.named(environ))


def _at(node: Node | None, steps: tuple[Step, ...]) -> Node | None:
    for step in steps:
        node = nodes.at(node, step)
    return node


def _whole(written: dict[str, Plain]) -> str:
    """All that shall be written, anew."""
    root, problems = one_charger(_section_of(written))
    found = reading.read(root)
    if problems or found.problems or found.config is None:
        remedy = "Move what environment variables set into the file first"
        raise ConfigError([msgspec.structs.replace(one, remedy=remedy) for one in (*problems, *found.problems)])
    return HEADING + to_yaml(found.config)


def _section_of(document_: dict[str, Plain]) -> Section:
    found = nodes.made(document_)
    assert isinstance(found, Section)
    return found


def comments_of(text: str) -> list[str]:
    """The comments of a text; none of one that is no YAML."""
    try:
        return Layout(text).comments()
    except (yaml.YAMLError, RecursionError, ValueError):
        return []


def _lost(old: str, new: str) -> tuple[str, ...]:
    return tuple((Counter(comments_of(old)) - Counter(comments_of(new))).elements())
