"""Latency and failures of a Modbus link, counted for each block and write."""

from __future__ import annotations

from msgspec import Struct

_SMOOTHING = 0.1


class BlockStats(Struct, frozen=True):
    """One kind of request; ``1:306x72`` is a read of 72 registers at unit 1, ``1:w1210`` a write."""

    name: str
    answered: int = 0
    failed: int = 0
    """Exceptions, time-outs and answers that did not fit."""
    last_ms: float = 0.0
    mean_ms: float = 0.0
    """Smoothed over about ten requests."""
    longest_ms: float = 0.0


class LinkStats(Struct, frozen=True):
    """A link and its requests, as the page shows them."""

    host: str
    port: int
    connected: bool
    connects: int
    connects_failed: int
    outage_s: float | None
    """How long nothing was answered; None when all is well."""
    why: str
    """The last failure of an outage."""
    blocks: tuple[BlockStats, ...]
    waiting: int = 0
    """Requests that wait for their turn."""


class _Count:
    """One kind of request, while it is counted."""

    __slots__ = ("answered", "failed", "last_s", "longest_s", "mean_s")

    def __init__(self) -> None:
        self.answered = self.failed = 0
        self.last_s = self.mean_s = self.longest_s = 0.0

    def shown(self, name: str) -> BlockStats:
        return BlockStats(
            name=name,
            answered=self.answered,
            failed=self.failed,
            last_ms=_ms(self.last_s),
            mean_ms=_ms(self.mean_s),
            longest_ms=_ms(self.longest_s),
        )


class Tally:
    """Counts; the frozen structs are made when somebody asks."""

    def __init__(self) -> None:
        self._blocks: dict[str, _Count] = {}
        self._connects = 0
        self._connects_failed = 0

    def connected(self) -> None:
        """A connection was made."""
        self._connects += 1

    def connect_failed(self) -> None:
        """An attempt to connect failed."""
        self._connects_failed += 1

    def answered(self, name: str, took_s: float) -> None:
        """A request was answered after ``took_s``."""
        count = self._blocks.get(name) or self._blocks.setdefault(name, _Count())
        count.mean_s += (_SMOOTHING if count.answered else 1.0) * (took_s - count.mean_s)
        count.answered += 1
        count.last_s = took_s
        count.longest_s = max(count.longest_s, took_s)

    def failed(self, name: str) -> None:
        """A request was refused, not answered, or answered wrongly."""
        self._blocks.setdefault(name, _Count()).failed += 1

    def stats(
        self, host: str, port: int, *, connected: bool, outage_s: float | None, why: str, waiting: int = 0
    ) -> LinkStats:
        """The counts so far."""
        return LinkStats(
            host=host,
            port=port,
            connected=connected,
            connects=self._connects,
            connects_failed=self._connects_failed,
            outage_s=None if outage_s is None else round(outage_s, 1),
            why=why if outage_s is not None else "",
            blocks=tuple(self._blocks[name].shown(name) for name in sorted(self._blocks)),
            waiting=waiting,
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
