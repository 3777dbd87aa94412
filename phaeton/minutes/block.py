"""An hour of minutes, and its form on the disk: about a kilobyte for one charging point and its house.

Values are whole numbers of a unit (1 W, 0.1 %, 0.00001 of the currency). On the disk the planes of a lane follow each
other byte by byte of equal weight, because the high bytes hardly differ and then compress to nothing.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterable
from operator import add, sub

import msgspec
from msgspec import Struct

MINUTE_S = 60
MINUTES = 60
BLOCK_S = MINUTE_S * MINUTES

POINT_QUANTITIES = ("power_w", "setpoint_w", "surplus_w")
SITE_QUANTITIES = (
    "pv_w",
    "grid_w",
    "house_w",
    "battery_w",
    "battery_soc_pct",
    "import_per_kwh",
    "feed_in_per_kwh",
)
_UNITS = {"battery_soc_pct": 0.1, "import_per_kwh": 1e-5, "feed_in_per_kwh": 1e-5}

_INT = array("i").itemsize
HIGHEST = 2**31 - 1
LOWEST = -HIGHEST
"""Where nothing is known the lowest value is above, the highest below all others, so that min() and max() pass over."""
MOST_SECONDS = 255
_FORMAT = 1
_LARGEST_BYTES = 4_000_000


class DamagedBlock(ValueError):  # noqa: N818 - a property of the bytes
    """Bytes that are no block of this version."""


def lane_name(quantity: str, point: str = "") -> str:
    """What a lane is called: ``pv_w``, and ``power_w/garage`` for a charging point."""
    return f"{quantity}/{point}" if point else quantity


def unit(lane: str) -> float:
    """What a 1 in a lane means."""
    return _UNITS.get(lane.partition("/")[0], 1.0)


class Lane(Struct):
    """One quantity over the minutes of an hour."""

    known_s: array[int]
    """Seconds of each minute in which the value was known; 0 = a gap."""
    mean: array[int]
    least: array[int]
    most: array[int]

    @classmethod
    def empty(cls) -> Lane:
        """Nothing known yet."""
        return cls(
            array("B", bytes(MINUTES)),
            array("i", bytes(_INT * MINUTES)),
            array("i", [HIGHEST]) * MINUTES,
            array("i", [LOWEST]) * MINUTES,
        )

    def put(self, minute: int, known_s: int, mean: int, least: int, most: int) -> None:
        """Write one minute."""
        self.known_s[minute] = min(known_s, MOST_SECONDS)
        self.mean[minute], self.least[minute], self.most[minute] = mean, least, most

    def completed(self, older: Lane) -> Lane:
        """The lane with each minute of ``older`` of which more was known then."""
        whole = Lane(self.known_s[:], self.mean[:], self.least[:], self.most[:])
        for minute, known_s in enumerate(older.known_s):
            if known_s > whole.known_s[minute]:
                whole.put(minute, known_s, older.mean[minute], older.least[minute], older.most[minute])
        return whole


class Block(Struct):
    """An hour, beginning at a whole hour of UTC."""

    start_s: int
    lanes: dict[str, Lane] = {}

    def over(self, older: Block) -> Block:
        """Both in one: after a restart within the hour, or a clock that was set back into it."""
        lanes = dict(older.lanes)
        for name, lane in self.lanes.items():
            before = lanes.get(name)
            lanes[name] = lane if before is None else lane.completed(before)
        return Block(self.start_s, lanes)

    @property
    def empty(self) -> bool:
        """Nothing is known in it."""
        return not any(any(lane.known_s) for lane in self.lanes.values())


class _Head(Struct, array_like=True):
    format: int
    start_s: int
    lanes: tuple[str, ...]
    check: int
    """Of the planes as they are behind."""


def encode(block: Block) -> bytes:
    """A block as bytes; lanes without any value are left out."""
    names = tuple(name for name, lane in block.lanes.items() if any(lane.known_s))
    planes = bytearray()
    for name in names:
        lane = block.lanes[name]
        known = lane.known_s
        planes += known.tobytes()
        planes += _split(lane.mean)
        planes += _split([m - low if n else 0 for n, m, low in zip(known, lane.mean, lane.least, strict=True)])
        planes += _split([high - m if n else 0 for n, m, high in zip(known, lane.mean, lane.most, strict=True)])
    packed = zlib.compress(bytes(planes), 9)
    head = msgspec.msgpack.encode(_Head(_FORMAT, block.start_s, names, zlib.crc32(packed)))
    return len(head).to_bytes(2, "little") + head + packed


def decode(raw: bytes) -> Block:
    """The block again; raises `DamagedBlock`."""
    try:
        length = int.from_bytes(raw[:2], "little")
        head = msgspec.msgpack.decode(raw[2 : 2 + length], type=_Head)
        packed = raw[2 + length :]
        if head.format != _FORMAT:
            raise DamagedBlock(f"it has format {head.format}, this version reads {_FORMAT}")
        if zlib.crc32(packed) != head.check:
            raise DamagedBlock("its checksum does not fit")
        planes = zlib.decompressobj().decompress(packed, _LARGEST_BYTES)
    except (msgspec.MsgspecError, zlib.error) as error:
        raise DamagedBlock(str(error)) from None
    width = MINUTES * (1 + 3 * _INT)
    if len(planes) != width * len(head.lanes):
        raise DamagedBlock("its length does not fit")
    lanes = {name: _lane(planes[at * width : (at + 1) * width]) for at, name in enumerate(head.lanes)}
    return Block(head.start_s, lanes)


def _lane(planes: bytes) -> Lane:
    known = array("B", planes[:MINUTES])
    size = MINUTES * _INT
    mean, below, above = (_joined(planes[MINUTES + n * size : MINUTES + (n + 1) * size]) for n in range(3))
    least, most = array("i", map(sub, mean, below)), array("i", map(add, mean, above))
    for minute, known_s in enumerate(known if 0 in known else ()):
        if not known_s:
            least[minute], most[minute] = HIGHEST, LOWEST
    return Lane(known, mean, least, most)


def _split(values: Iterable[int]) -> bytes:
    """The lowest bytes of all values, then the next ones."""
    raw = array("i", values).tobytes()
    return b"".join(raw[place::_INT] for place in range(_INT))


def _joined(planes: bytes) -> array[int]:
    raw = bytearray(len(planes))
    count = len(planes) // _INT
    for place in range(_INT):
        raw[place::_INT] = planes[place * count : (place + 1) * count]
    return array("i", bytes(raw))
