"""The file of a day: parts one behind the other, each of frames that stand for themselves.

A part begins with its header and replays alone. A frame holds what was flushed at once, with its length and checksum;
the frames of a part are one compressed stream. A file that was cut off anywhere, by a crash, a power cut or a full
disk, is read up to its last whole frame.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from phaeton.model import Decision, Event
from phaeton.recording.events import (
    CHECKSUM,
    CODE_BITS,
    DECISION,
    FAILED,
    FIRST_STREAM,
    OPEN,
    EventReader,
    EventWriter,
)
from phaeton.recording.header import FORMAT, Header
from phaeton.recording.numbers import Bytes, Damaged, write_whole

SUFFIX = ".phaeton"
MAGIC = b"phaeton recording\n"
_FRAME = struct.Struct("<cII")
"""Kind, length, checksum of the content."""
_BEGIN, _MORE = b"P", b"F"
_CRC = struct.Struct("<I")
_LONGEST_FRAME = 1 << 28
_REASONS_TOLD = 3


class RecordingError(ValueError):
    """A file that is no recording, or one that cannot be used; the message names the file and the cause."""


class Step(Struct, frozen=True):
    """One event and what was decided upon it."""

    event: Event
    checksum: int | None
    """Of the whole decision; None where the event led to none."""
    decision: bytes | None = None
    """The whole decision, where it is kept in full."""
    failed: bool = False
    """The graph did not take the event; nothing follows in this part."""


def packed(decision: Decision) -> bytes:
    """A decision as the bytes that are compared.

    A whole number in a field of a float comes out as a float: MessagePack would keep them apart, the types do not.
    """
    return _encode(_decode(_encode(decision)))


def checksum(decision: bytes) -> int:
    """The checksum of a packed decision."""
    return zlib.crc32(decision)


def gist(decision: Decision) -> tuple[object, ...]:
    """What a person would call another decision: setpoint, phases, mode, status and the first reasons of each point."""
    return tuple(
        (
            point.point,
            point.current_a,
            point.phases,
            point.mode,
            point.start,
            point.status,
            tuple([reason.why for reason in point.reasons[:_REASONS_TOLD]]),
        )
        for point in decision.points
    )


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Decision).decode


class PartWriter:
    """One part as bytes: give it events and decisions in order, and append what `flush` returns to the file."""

    def __init__(self, header: Header) -> None:
        self._events = EventWriter()
        self._compressor = zlib.compressobj(6)
        self._out = bytearray()
        self._kind = _BEGIN
        self._gist: tuple[object, ...] | None = None
        """Of the last decision kept in full; None: the next one is."""
        head = _encode(header)
        write_whole(self._out, len(head))
        self._out += head

    @property
    def waiting(self) -> bool:
        """Something was written since the last flush."""
        return bool(self._out)

    def event(self, event: Event) -> None:
        """The next event."""
        self._events.write(self._out, event)

    def decision(self, decision: Decision) -> None:
        """What was decided upon the last event: in full when its gist changed, and once in each frame."""
        out, whole = self._out, packed(decision)
        main = gist(decision)
        if main == self._gist:
            out.append(CHECKSUM)
            out += _CRC.pack(checksum(whole))
            return
        self._gist = main
        out.append(DECISION)
        write_whole(out, len(whole))
        out += whole

    def failed(self) -> None:
        """The graph did not take the last event."""
        self._out.append(FAILED)

    def recorded(self, step: Step) -> None:
        """A step of another recording, with its decision as it was."""
        self.event(step.event)
        if step.decision is not None:
            self._out.append(DECISION)
            write_whole(self._out, len(step.decision))
            self._out += step.decision
        elif step.checksum is not None:
            self._out.append(CHECKSUM)
            self._out += _CRC.pack(step.checksum)
        elif step.failed:
            self.failed()

    def flush(self) -> bytes:
        """Everything since the last flush as one frame."""
        content = self._compressor.compress(bytes(self._out)) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        self._out.clear()
        self._gist = None
        kind, self._kind = self._kind, _MORE
        return _FRAME.pack(kind, len(content), zlib.crc32(content)) + content


class Part(Struct, frozen=True):
    """One part of a file: its header, and its steps when they are asked for."""

    path: Path
    header: Header
    frames: tuple[tuple[int, int], ...]
    """Place and length of the content of each frame."""

    def steps(self) -> Iterator[Step]:
        """Each event with its decision, in order; raises `RecordingError`. A pass over the file, a frame at a time."""
        decompress = zlib.decompressobj().decompress
        reader = EventReader(self.header.schema)
        pending: Event | None = None
        with self.path.open("rb") as file:
            for number, (place, length) in enumerate(self.frames):
                data = _content(file, place, length, decompress)
                try:
                    if number == 0:
                        data.take(data.whole())
                    while not data.ended:
                        head = data.byte()
                        code = head & (1 << CODE_BITS) - 1
                        if code == OPEN:
                            reader.open(data)
                            continue
                        done = _result(data, code, pending)
                        if done is not None:
                            yield done
                        pending = reader.event(data, head) if code >= FIRST_STREAM else None
                except (Damaged, zlib.error) as error:
                    raise RecordingError(f"{self.path}: damaged at byte {place}: {error}") from None
        if pending is not None:
            yield Step(pending, None)


def _result(data: Bytes, code: int, event: Event | None) -> Step | None:
    """What stands behind an event: its decision, its failure, or already the next event."""
    check, whole = None, None
    if code == CHECKSUM:
        check = int(_CRC.unpack(data.take(4))[0])
    elif code == DECISION:
        whole = data.take(data.whole())
        check = checksum(whole)
    return None if event is None else Step(event, check, whole, failed=code == FAILED)


class Recording(Struct, frozen=True):
    """A file of recorded parts."""

    path: Path
    parts: tuple[Part, ...]
    good_bytes: int
    """Up to here the file is whole."""
    lost_bytes: int
    """Behind that: the file was cut off there, or is damaged."""


def open_recording(path: Path) -> Recording:
    """Look through a file; raises `RecordingError` when it is none of ours, `OSError` when it cannot be read."""
    parts: list[Part] = []
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if file.read(len(MAGIC)) != MAGIC:
            raise RecordingError(f"{path}: is no recording of Phaeton")
        good = len(MAGIC)
        frames: list[tuple[int, int]] = []
        header: Header | None = None
        for kind, place, length in _frames(file, size):
            if kind == _BEGIN:
                if header is not None:
                    parts.append(Part(path, header, tuple(frames)))
                header = _header(file, path, place, length)
                file.seek(place + length)
                frames = []
            if header is not None:
                frames.append((place, length))
            good = place + length
        if header is not None:
            parts.append(Part(path, header, tuple(frames)))
    return Recording(path, tuple(parts), good, size - good)


def first_header(path: Path) -> Header | None:
    """The header of the first part, without looking at the rest; None for a file that is none of ours or has no part.

    Raises `OSError`.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        if file.read(len(MAGIC)) != MAGIC:
            return None
        for kind, place, length in _frames(file, size):
            try:
                return _header(file, path, place, length) if kind == _BEGIN else None
            except RecordingError:
                return None
    return None


def whole_length(file: IO[bytes]) -> int | None:
    """Up to where a file is whole; None when it is none of ours. Leaves the file where it likes."""
    size = file.seek(0, 2)
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        return None
    good = len(MAGIC)
    for _, place, length in _frames(file, size):
        good = place + length
    return good


def _frames(file: IO[bytes], size: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and length of each whole frame up to the first that is not."""
    while len(head := file.read(_FRAME.size)) == _FRAME.size:
        kind, length, check = _FRAME.unpack(head)
        place = file.tell()
        if kind not in (_BEGIN, _MORE) or length > min(_LONGEST_FRAME, size - place):
            return
        if zlib.crc32(file.read(length)) != check:
            return
        yield kind, place, length


def _content(file: IO[bytes], place: int, length: int, decompress: Callable[[bytes], bytes]) -> Bytes:
    file.seek(place)
    return Bytes(decompress(file.read(length)))


def _header(file: IO[bytes], path: Path, place: int, length: int) -> Header:
    try:
        data = _content(file, place, length, zlib.decompressobj().decompress)
        packed_header = data.take(data.whole())
        form = msgspec.msgpack.decode(packed_header, type=_Form).format
        if form != FORMAT:
            raise RecordingError(f"{path}: has format {form}, this version reads {FORMAT}")
        return msgspec.msgpack.decode(packed_header, type=Header)
    except (Damaged, zlib.error, msgspec.MsgspecError) as error:
        raise RecordingError(f"{path}: the header at byte {place} cannot be read: {error}") from None


class _Form(Struct, frozen=True):
    format: int
