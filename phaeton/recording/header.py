"""The beginning of a part of a recording: version, configuration and the whole state of the graph, nothing secret."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, structs

from phaeton import __version__
from phaeton.config.document import Plain
from phaeton.config.points import Point
from phaeton.config.tree import Config
from phaeton.config.writing import hidden
from phaeton.model import Zone
from phaeton.recording.events import SCHEMA, Schema
from phaeton.streams.graph import GraphState, initial_state
from phaeton.streams.situation import ConfigChanged

_PLACES = ("latitude", "longitude")

FORMAT = 1
"""Raised when a file can no longer be read by what was written for the format before."""

Cause = Literal["start", "day", "graph", "gap", "export"]
"""Why a part begins: Phaeton or a new day began, the graph was begun anew, the disk had taken nothing, or it was cut
out of a longer one."""


class HeaderError(ValueError):
    """A header that this version cannot use; the message says why."""


class Header(Struct, frozen=True, kw_only=True):
    """What stands at the beginning of each part."""

    format: int = FORMAT
    version: str = __version__
    """Of the Phaeton that made the decisions in this part."""
    cause: Cause
    utc_s: float
    """Of the first event."""
    config: msgspec.Raw
    """Every key, those at their defaults too: another version may have other defaults."""
    points: msgspec.Raw
    zone: Zone
    state: msgspec.Raw
    """The state before the first event, without configuration and points."""
    schema: Schema = SCHEMA


class Start(Struct, frozen=True):
    """Where a replay begins."""

    state: GraphState
    notice: str = ""
    """What is not as it was recorded."""


def header(state: GraphState, utc_s: float, cause: Cause) -> Header:
    """The header of a part that begins with this state."""
    bare = structs.replace(state, config=Config(), points=())
    return Header(
        cause=cause,
        utc_s=utc_s,
        config=msgspec.Raw(msgspec.msgpack.encode(_shareable(state.config))),
        points=msgspec.Raw(msgspec.msgpack.encode(_shareable(state.points))),
        zone=state.zone,
        state=msgspec.Raw(msgspec.msgpack.encode(bare)),
    )


def without_secrets(event: ConfigChanged) -> ConfigChanged:
    """The same change of the configuration with secrets and places taken out."""
    config = msgspec.convert(_shareable(event.config), Config)
    points = msgspec.convert(_shareable(event.points), tuple[Point, ...])
    return structs.replace(event, config=config, points=points)


def start(found: Header) -> Start:
    """The state that a part begins with; raises `HeaderError`.

    A state that this version cannot read is replaced by that of a fresh installation, which is told.
    """
    try:
        config = msgspec.msgpack.decode(found.config, type=Config)
        points = msgspec.msgpack.decode(found.points, type=tuple[Point, ...])
    except msgspec.MsgspecError as error:
        raise HeaderError(
            f"its configuration, of Phaeton {found.version}, does not fit Phaeton {__version__}: {error}"
        ) from None
    try:
        state = msgspec.msgpack.decode(found.state, type=GraphState)
        if len(state.memories) != len(points) or len(state.situation.points) != len(points):
            raise HeaderError("the state in its header does not fit its configuration")
    except msgspec.MsgspecError as error:
        fresh = initial_state(config, points, found.zone)
        return Start(fresh, f"the state that Phaeton {found.version} kept cannot be read ({error}): it begins afresh")
    return Start(structs.replace(state, config=config, points=points, zone=found.zone))


def _shareable(value: object) -> Plain:
    """A part of the configuration as it may be shown to others: without secrets, and not telling where people live."""
    return _placeless(hidden(value))


def _placeless(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {
            key: None if key in _PLACES and isinstance(item, float) else _placeless(item) for key, item in value.items()
        }
    return [_placeless(item) for item in value] if isinstance(value, list) else value
