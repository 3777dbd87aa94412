"""The graph's state as the store keeps it: one opaque text of bytes, and the times to go on from."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from phaeton import __version__
from phaeton.streams.graph import GraphState

FORMAT = 1
"""Raised when the rooms' memories change in a way that old ones cannot be read with."""


class Saved(Struct, frozen=True):
    """What is written."""

    format: int
    version: str
    state: GraphState


_decoder = msgspec.msgpack.Decoder(Saved)
_encoder = msgspec.msgpack.Encoder()


def dump(state: GraphState) -> bytes:
    """The state as bytes."""
    return _encoder.encode(Saved(FORMAT, __version__, state))


def load(blob: bytes) -> GraphState:
    """The state from bytes; raises `ValueError` with the reason where they are not one."""
    try:
        saved = _decoder.decode(blob)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None
    if saved.format != FORMAT:
        raise ValueError(f"it has format {saved.format}, this version reads {FORMAT}")
    return saved.state
