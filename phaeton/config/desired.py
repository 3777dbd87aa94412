"""What somebody wants the configuration to be, judged as a whole: a document, or a merge patch (RFC 7396).

Secrets are shown as ``***``; the same in what comes back means that the secret stays as it is. It stays with the
address that it was given for: whoever changes the address has to tell the secret again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from phaeton.config import document, environment, nodes
from phaeton.config.alignment import aligned
from phaeton.config.change import Change, compare
from phaeton.config.document import Plain, Section
from phaeton.config.editing import Edited, edited
from phaeton.config.load import Loaded, judged, parse
from phaeton.config.nodes import Step
from phaeton.config.problems import ConfigError, Problem
from phaeton.config.tree import VERSION, Config
from phaeton.config.versions import version_of
from phaeton.config.writing import expanded, to_plain
from phaeton.redaction import HIDDEN, is_secret

_ADDRESSES = ("url", "host")
"""A key that is or ends with one of these says where a secret of its section goes."""


class Desired(Struct, frozen=True):
    """A configuration that may come into force."""

    loaded: Loaded
    """As it will be read from the file."""
    change: Change
    """What it changes."""
    edited: Edited
    migrated: bool = False
    """The file had an older layout."""


def merged(value: Plain, patch: Plain) -> Plain:
    """The value after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(value) if isinstance(value, dict) else {}
    for key, change in patch.items():
        if change is None:
            found.pop(key, None)
        else:
            found[key] = merged(found.get(key), change)
    return found


def from_patch(now: Loaded, patch: dict[str, Plain], environ: Mapping[str, str]) -> Desired:
    """What is in force with a merge patch on it; raises `ConfigError`."""
    whole = merged(to_plain(now.config), patch)
    assert isinstance(whole, dict)
    return from_document(now.config, now.text, now.path, whole, environ)


def from_document(
    now: Config, text: str, path: Path | None, whole: dict[str, Plain], environ: Mapping[str, str]
) -> Desired:
    """A whole document in the place of ``text``; ``now`` is what is in force. Raises `ConfigError`."""
    shown, actual = to_plain(now), expanded(now)
    problems: list[Problem] = []
    written = revealed(_listed(whole), shown, actual, (), problems)
    if problems:
        raise ConfigError(problems, path)
    assert isinstance(written, dict)
    root = nodes.made(written)
    assert isinstance(root, Section)
    wanted, _ = judged(root, path)
    after = expanded(wanted)
    problems += _overridden(actual, after, environ)
    for steps, key in moved(actual, shown, after):
        rule = f"must be told again, because {key} changes"
        remedy = "So nobody can have a secret sent to another address who does not know it"
        problems.append(Problem(nodes.written(steps), rule, remedy=remedy))
    if problems:
        raise ConfigError(problems, path)
    if version_of(root) != VERSION:
        assert isinstance(after, dict)
        written = after
    done = edited(text, wanted, written, environ)
    return _judged(now, text, parse(done.text, path, environ), done)


def from_text(now: Config, text: str, path: Path | None, wanted: str, environ: Mapping[str, str]) -> Desired:
    """Another text in the place of ``text``; raises `ConfigError`."""
    return _judged(now, text, parse(wanted, path, environ), Edited(wanted))


def _judged(now: Config, text: str, loaded: Loaded, done: Edited) -> Desired:
    try:
        migrated = bool(text) and version_of(document.parse(text)) != VERSION
    except ConfigError:
        migrated = False
    return Desired(loaded, compare(now, loaded.config), done, migrated and done.anew)


def _listed(whole: dict[str, Plain]) -> dict[str, Plain]:
    """`charger` is short for a list of one."""
    if "charger" not in whole or "chargers" in whole:
        return whole
    short = whole["charger"]
    rest = {key: value for key, value in whole.items() if key != "charger"}
    return rest | {
        "chargers": short if isinstance(short, list) else [{"host": short} if isinstance(short, str) else short]
    }


def revealed(value: Plain, shown: Plain, actual: Plain, path: tuple[Step, ...], problems: list[Problem]) -> Plain:
    """The value with the secrets that its markers stand for; a marker for none stays, and is a problem."""
    if isinstance(value, str) and HIDDEN in value:
        if value == shown:
            return actual
        if value == HIDDEN and isinstance(shown, dict) and shown.get("value") == HIDDEN:
            return actual
        if value == HIDDEN or "://" in value:
            rule = f"holds {HIDDEN}, which stands for the secret that is there already, and there is none"
            problems.append(Problem(nodes.written(path), rule, remedy="Send the secret itself, or leave the key out"))
        return value
    if isinstance(value, dict):
        known, held = _dict(shown), _dict(actual)
        return {
            key: revealed(item, known.get(key), held.get(key), (*path, key), problems) for key, item in value.items()
        }
    if isinstance(value, list):
        known_items, held_items = _list(shown), _list(actual)
        found: list[Plain] = []
        for index, (item, mate) in enumerate(zip(value, aligned(known_items, value), strict=True)):
            there = (None, None) if mate is None else (known_items[mate], held_items[mate])
            found.append(revealed(item, *there, (*path, index), problems))
        return found
    return value


def _overridden(now: Plain, wanted: Plain, environ: Mapping[str, str]) -> Iterator[Problem]:
    """What the environment sets cannot be changed here."""
    for steps, variable in environment.named(environ).items():
        if _at(now, steps) != _at(wanted, steps):
            yield Problem(
                nodes.written(steps),
                f"comes from the environment variable {variable}, which wins over the file",
                remedy="Change it there, or take the variable away",
            )


def moved(
    now: Plain, shown: Plain, wanted: Plain, path: tuple[Step, ...] = ()
) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Secrets that would go to another address than the one they were given for, each with the key that changes."""
    if isinstance(now, dict) and isinstance(wanted, dict):
        known = _dict(shown)
        changed = [
            key
            for key in now
            if key.endswith(_ADDRESSES) and now[key] and wanted.get(key) and now[key] != wanted.get(key)
        ]
        if changed:
            for steps in _secrets(now, known, ()):
                held = _at(now, steps)
                if held and _at(wanted, steps) == held:
                    yield (*path, *steps), changed[0]
        for key in now.keys() & wanted.keys():
            yield from moved(now[key], known.get(key), wanted[key], (*path, key))
    elif isinstance(now, list) and isinstance(wanted, list):
        items = _list(shown)
        for index, mate in enumerate(aligned(now, wanted)):
            if mate is not None:
                yield from moved(now[mate], items[mate], wanted[index], (*path, index))


def _secrets(now: Plain, shown: Plain, path: tuple[Step, ...]) -> Iterator[tuple[Step, ...]]:
    """Where a value is hidden that is shown to nobody."""
    if isinstance(now, dict):
        for key, value in now.items():
            if not key.endswith(_ADDRESSES) or is_secret(key):
                yield from _secrets(value, _dict(shown).get(key), (*path, key))
    elif isinstance(now, list):
        for index, value in enumerate(now):
            yield from _secrets(value, _list(shown)[index], (*path, index))
    elif isinstance(now, str) and now != shown:
        yield path


def _at(value: Plain, steps: tuple[Step, ...]) -> Plain:
    for step in steps:
        if isinstance(value, dict) and step in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _dict(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _list(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []
