"""The first start: without a configuration the page comes up, and leads its owner through making one."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from phaeton.config import document, environment, forerunner, reading, saving
from phaeton.config.load import PLACES, Loaded
from phaeton.config.problems import ConfigError, Problem
from phaeton.sinks.store.place import GX_DATA, default_directory

EVERYWHERE = "0.0.0.0"


def is_first(environ: Mapping[str, str] = os.environ, places: Sequence[Path] = PLACES) -> bool:
    """Whether nothing names a charger: there is no file at any of the places, and no variable does."""
    return not environment.names_a_charger(environ) and not any(place.exists() for place in places)


def beginning(
    environ: Mapping[str, str] = os.environ, places: Sequence[Path] = PLACES, gx_data: Path = GX_DATA
) -> Loaded:
    """A configuration without a charger, to be saved to the first place that can be written.

    On a GX the page listens on all addresses, since nobody sits at the device: it lets nobody in before there is a
    password. Raises `ConfigError` where no place can be written, or a variable is wrong.
    """
    root, notices, problems = environment.overridden(document.parse(""), environ)
    found = reading.read(root, forerunner.home)
    if problems or found.problems or found.config is None:
        raise ConfigError([*problems, *found.problems])
    try:
        path = saving.target(None, places)
    except saving.NowhereError as error:
        raise ConfigError([Problem("", str(error))]) from None
    config = found.config
    on_gx = default_directory(gx_data, environ) == gx_data / "phaeton"
    if on_gx and config.web.host == type(config.web)().host:
        config = replace(config, web=replace(config.web, host=EVERYWHERE))
    return Loaded(config, path, tuple(notices), "")
