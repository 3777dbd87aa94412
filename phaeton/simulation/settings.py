"""The configuration of a simulation: a file as for the daemon, or none, and what the command line sets on top."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from msgspec.structs import replace

from phaeton.config.environment import PREFIX
from phaeton.config.load import Loaded, parse, text_of
from phaeton.config.nodes import Step
from phaeton.config.problems import ConfigError, Notice, Place, Problem
from phaeton.config.reading import kind_at
from phaeton.config.writing import keys

_NO_FILE = "charger: simulated\n"


def configured(path: Path | None, settings: Sequence[str]) -> Loaded:
    """Load the file, or the defaults, and put each ``key=value`` on top; raises `ConfigError`.

    The environment has no say: the same command gives the same result on any machine.
    """
    environ: dict[str, str] = {}
    written: dict[str, str] = {}
    known = keys(parse(_NO_FILE).config)
    for setting in settings:
        key, mark, value = setting.partition("=")
        key = key.strip()
        steps = _steps(key)
        if not mark or kind_at(steps) is None:
            raise ConfigError([_unknown(setting, key, bool(mark), list(known))])
        variable = PREFIX + "__".join(str(step).upper() for step in steps)
        environ[variable] = value
        written[variable] = f"--set {key}"
    text = _NO_FILE if path is None else text_of(path)
    try:
        loaded = parse(text, None if path is None else path.absolute(), environ)
    except ConfigError as error:
        renamed = [replace(problem, place=_named(problem.place, written)) for problem in error.problems]
        raise ConfigError(renamed, error.path) from None
    notices = [Notice(n.key, n.text, _named(n.place, written)) for n in loaded.notices]
    return replace(loaded, notices=tuple(notices))


def canonical(key: str) -> str:
    """The key as the configuration names it: ``chargers[0].host``; the same where it is none."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in _steps(key.strip())).lstrip(".")


def _steps(key: str) -> tuple[Step, ...]:
    """``chargers[0].host`` and ``chargers.0.host`` are the same; ``charger.x`` is the first charger's."""
    parts = re.sub(r"\[(\d+)\]", r".\1", key).split(".")
    if parts[0] == "charger":
        parts[:1] = ["chargers", "0"]
    return tuple(int(part) if part.isdecimal() else part for part in parts)


def _unknown(setting: str, key: str, has_value: bool, known: list[str]) -> Problem:
    place = Place(variable=f"--set {setting}")
    if not has_value:
        return Problem("", "has no value", place=place, remedy="Write key=value, as in auto.start_delay_s=60")
    close = get_close_matches(key, known, n=1)
    remedy = f"Did you mean {close[0]}?" if close else "`phaeton config schema --markdown` lists all keys"
    return Problem(key, "is no key of the configuration", place=place, remedy=remedy)


def _named(place: Place, written: dict[str, str]) -> Place:
    return replace(place, variable=written[place.variable]) if place.variable in written else place
