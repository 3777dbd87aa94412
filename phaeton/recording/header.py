"""The beginning of a part of a recording: version, configuration and the whole state of the graph, nothing secret."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct, structs

from phaeton import __version__
from phaeton.config.tree import Config
from phaeton.model import Zone
from phaeton.recording.configuration import config_of, points_of, shareable
from phaeton.recording.events import SCHEMA, Schema
from phaeton.streams.graph import GraphState, initial_state

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
        config=msgspec.Raw(msgspec.msgpack.encode(shareable(state.config))),
        points=msgspec.Raw(msgspec.msgpack.encode(shareable(state.points))),
        zone=state.zone,
        state=msgspec.Raw(msgspec.msgpack.encode(bare)),
    )


def start(found: Header) -> Start:
    """The state that a part begins with; raises `HeaderError`.

    A state that this version cannot read is replaced by that of a fresh installation, which is told.
    """
    try:
        config, strange = config_of(bytes(found.config))
        points = points_of(bytes(found.points))
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
    notice = f"this version does not have {', '.join(strange)}" if strange else ""
    return Start(structs.replace(state, config=config, points=points, zone=found.zone), notice)
