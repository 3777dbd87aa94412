"""Overrides from the environment: ``PHAETON_SITE__TIMEZONE=Europe/Paris``, ``PHAETON_CHARGERS__0__HOST=10.0.0.5``.

Two underscores stand between the levels, a number is the place in a list. The forerunners' names go on working.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from phaeton.config import forerunner
from phaeton.config.document import Node, Scalar, Section, parse_value
from phaeton.config.nodes import Step, put
from phaeton.config.problems import ConfigError, Notice, Place, Problem
from phaeton.config.reading import kind_at
from phaeton.config.tree import Config

PREFIX = "PHAETON_"
_OTHERS = {"ALFEN_WEB_HOST": "PHAETON_WEB__HOST", "ALFEN_WEB_PORT": "PHAETON_WEB__PORT"}
"""Names that one forerunner had outside of the pattern."""
_ELSEWHERE = {"PHAETON_DBUS", "PHAETON_TOKEN", "PHAETON_LAUNCHER", "PHAETON_TRIAL_S"}
"""Variables that choose something outside of the configuration."""
_SHORT = {"CHARGER": ("chargers", 0, "host")}


def overridden(root: Section, environ: Mapping[str, str]) -> tuple[Section, list[Notice], list[Problem]]:
    """The document with the variables in it, what there is to know of them, and those that fit nowhere."""
    values, notices, problems = _settings(environ)
    root, wrong = _put_all(root, values)
    return root, notices, [*problems, *wrong]


def named(environ: Mapping[str, str]) -> dict[tuple[Step, ...], str]:
    """Each key that a variable sets, with the name of the variable."""
    return {steps: node.place.variable for steps, node in _settings(environ)[0]}


def _settings(environ: Mapping[str, str]) -> tuple[list[tuple[tuple[Step, ...], Node]], list[Notice], list[Problem]]:
    """What the variables set, what there is to know of them, and those that cannot be read."""
    notices: list[Notice] = []
    problems: list[Problem] = []
    former: list[tuple[tuple[Step, ...], Node]] = []
    present: list[tuple[tuple[Step, ...], Node]] = []
    for name, key, value in _variables(environ):
        place = Place(variable=name)
        try:
            node = _node(value, place)
        except ConfigError as error:
            problems += [Problem("", problem.rule, place=place) for problem in error.problems]
            continue
        old = key.lower().replace("__", ".")
        if key in _SHORT:
            present.append((_SHORT[key], node))
        elif forerunner.knows(old) and kind_at(_steps(key)) is None:
            moved = forerunner.moved(old, node)
            notices += moved.notices
            former += moved.values
        elif key.partition("__")[0].lower() in Config.__struct_fields__:
            present.append((_steps(key), node))
        else:
            notices.append(Notice(name, "is no key of the configuration and changes nothing", place))
    return [*former, *present], notices, problems


def names_a_charger(environ: Mapping[str, str]) -> bool:
    """Whether the variables alone name a charger."""
    keys = {key for _, key, _ in _variables(environ)}
    return not keys.isdisjoint({"CHARGER", "CHARGERS__0__HOST", "MODBUS__IP"})


def _variables(environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name, key and value, in the order of the names."""
    found = []
    for name in sorted(environ.keys() - _ELSEWHERE, key=_in_order):
        alias = _OTHERS.get(name, name)
        if alias.startswith(PREFIX) and alias != PREFIX and not (alias != name and alias in environ):
            found.append((name, alias.removeprefix(PREFIX), environ[name]))
    return found


def _in_order(name: str) -> str:
    """Entry 10 of a list comes after entry 9."""
    return re.sub("[0-9]+", lambda digits: digits[0].zfill(6), name)


def _node(value: str, place: Place) -> Node:
    value = value.strip()
    if value[:1] in ("[", "{") or (len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"):
        return parse_value(value, place)
    return Scalar(value, place)


def _steps(key: str) -> tuple[Step, ...]:
    return tuple(int(part) if part.isdecimal() else part.lower() for part in key.split("__"))


def _put_all(root: Section, values: list[tuple[tuple[Step, ...], Node]]) -> tuple[Section, list[Problem]]:
    problems = []
    node: Node = root
    for steps, value in values:
        try:
            node = put(node, steps, value)
        except IndexError as error:
            problems.append(Problem("", str(error), place=value.place))
    assert isinstance(node, Section)
    return node, problems
