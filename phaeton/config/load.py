"""From a file and the environment to a configuration: finding, reading, overriding, judging."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from phaeton.config import document, environment, forerunner, reading, rules, versions
from phaeton.config.document import Scalar, Section, Sequence
from phaeton.config.problems import ConfigError, Notice, Place, Problem
from phaeton.config.tree import Config

PLACES = (Path("phaeton_config.yaml"), Path("/data/phaeton_config.yaml"), Path("/etc/phaeton/config.yaml"))
"""Where a configuration is looked for when none is named; the first that exists is it."""


class Loaded(Struct, frozen=True):
    """A configuration that holds, and where it comes from."""

    config: Config
    path: Path | None
    """The file; None when the environment says it all."""
    notices: tuple[Notice, ...]
    text: str
    """The file as it was read."""


def load(explicit: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Load the named file, or the first of `PLACES`, with the overrides of the environment; raises `ConfigError`."""
    environ = os.environ if environ is None else environ
    path = explicit if explicit is not None else next((place for place in PLACES if place.exists()), None)
    if path is None and not environment.names_a_charger(environ):
        raise ConfigError(
            [
                Problem(
                    "",
                    f"there is none; looked for {', '.join(map(str, PLACES))}",
                    remedy=f"The least one is a file with this one line: {rules.MINIMAL}",
                )
            ]
        )
    text = text_of(path) if path is not None else ""
    return parse(text, path.absolute() if path is not None else None, environ)


def parse(text: str, path: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Judge the text of a configuration as a whole (YAML or JSON); raises `ConfigError` with all that is wrong."""
    try:
        root = document.parse(text)
    except ConfigError as error:
        raise ConfigError(error.problems, path) from None
    config, notices = judged(root, path, environ)
    return Loaded(config, path, notices, text)


def judged(
    root: Section, path: Path | None = None, environ: Mapping[str, str] | None = None
) -> tuple[Config, tuple[Notice, ...]]:
    """Judge a document as a whole; raises `ConfigError` with all that is wrong."""
    try:
        root, notices = versions.to_present(root)
        root, problems = one_charger(root)
        root, more, wrong = environment.overridden(root, environ or {})
    except ConfigError as error:
        raise ConfigError(error.problems, path) from None
    found = reading.read(root, forerunner.home)
    problems += [*wrong, *found.problems]
    if found.config is not None:
        problems += _contradictions(found.config, root, {problem.path for problem in problems})
    if problems or found.config is None:
        problems.sort(key=lambda problem: (problem.place.line is None, problem.place.line or 0))
        raise ConfigError(problems, path)
    return found.config, (*notices, *more)


def text_of(path: Path) -> str:
    """The text of a file; raises `ConfigError`."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem("", f"line {line} is not UTF-8 text")], path) from None
    except FileNotFoundError:
        raise ConfigError([Problem("", "there is no such file", remedy="Check the path")], path) from None
    except OSError as error:
        raise ConfigError([Problem("", f"cannot be read: {error.strerror}")], path) from None


def places(text: str, environ: Mapping[str, str]) -> dict[str, Place]:
    """Where each key comes from: its line in the text, or its variable; raises `ConfigError`."""
    root, _ = one_charger(versions.to_present(document.parse(text))[0])
    return reading.places(environment.overridden(root, environ)[0])


def one_charger(root: Section) -> tuple[Section, list[Problem]]:
    """`charger: HOST` and `charger: {host: HOST, ...}` are short for a list of one."""
    short = root.entries.get("charger")
    if short is None:
        return root, []
    rest = {key: node for key, node in root.entries.items() if key != "charger"}
    if "chargers" in rest:
        remedy = "Move it into the list"
        return Section(rest, root.place), [
            Problem("charger", "must not stand beside chargers", place=short.place, remedy=remedy)
        ]
    if isinstance(short, Sequence):
        return Section(rest | {"chargers": short}, root.place), []
    entry = Section({"host": short}, short.place) if isinstance(short, Scalar) else short
    return Section(rest | {"chargers": Sequence((entry,), short.place)}, root.place), []


def _contradictions(config: Config, root: Section, wrong: set[str]) -> list[Problem]:
    """The broken rules; those about a key that is wrong by itself say nothing."""
    known = reading.places(root)
    found = []
    for broken in rules.contradictions(config):
        mine = (broken.path, *broken.others)
        if any(bad == path or bad.startswith((f"{path}.", f"{path}[")) for bad in wrong for path in mine):
            continue
        found.append(
            Problem(broken.path, broken.rule, broken.value, reading.place_of(known, broken.path), broken.remedy)
        )
    return found
