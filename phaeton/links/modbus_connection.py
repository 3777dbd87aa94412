"""One TCP connection to a Modbus server: one request at a time, answered, too late, or lost with the connection.

It sits on asyncio's transport directly. It runs twice a second for ever, so it has neither tasks nor locks of its
own: `phaeton.links.modbus` gives it one request after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phaeton.links.modbus_errors import BadAnswerError, UnreachableError
from phaeton.links.modbus_frame import Framing, MisfitError, Request

_EARLY_S = 0.005
"""A timer may fire a little early."""
CLOSED_BY_PEER = "the charger closed the connection"


class Connection(asyncio.Protocol):
    """An open connection; ``lost`` is called when the peer closes it, not for a `close` of our own."""

    def __init__(self, framing: Framing, lost: Callable[[], None]) -> None:
        self._framing = framing
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._transaction = 0
        self._request: Request | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._received = b""
        self._timeout_s = 0.0
        self._late_s = 0.0
        """When the request in flight has waited too long."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open(self) -> bool:
        """Whether requests can be sent; a silent peer shows at the next one only."""
        return self._transport is not None

    async def ask(self, request: Request, timeout_s: float) -> bytes:
        """Send a request and return the PDU of its answer; raises `LinkError`.

        After an error, or when cancelled, an answer may still be on its way: the connection must be closed then.
        """
        transport = self._transport
        if transport is None:
            raise UnreachableError(CLOSED_BY_PEER)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()
        self._request, self._answer = request, answer
        self._transaction = self._transaction % 0xFFFF + 1
        self._timeout_s = timeout_s
        self._late_s = loop.time() + timeout_s
        if self._timer is None:
            self._timer = loop.call_at(self._late_s, self._look)
        transport.write(self._framing.frame(request, self._transaction))
        try:
            return await answer
        finally:
            self._answer = None
            self._received = b""

    def close(self) -> None:
        """Close at once, without a word to ``lost``; a request in flight fails."""
        transport, self._transport = self._transport, None
        self._rest()
        if transport is not None:
            transport.abort()
            self._fail(UnreachableError("closed"))

    def _look(self) -> None:
        """One timer looks after many requests: when it fires, a later one is in flight than that it was made for."""
        self._timer = None
        if self._answer is None or self._answer.done():
            return
        loop = asyncio.get_running_loop()
        if self._late_s > loop.time() + _EARLY_S:
            self._timer = loop.call_at(self._late_s, self._look)
        else:
            self._fail(UnreachableError(f"no answer within {self._timeout_s:.1f} s"))

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A piece of the answer, mostly all of it."""
        request, answer = self._request, self._answer
        if request is None or answer is None or answer.done():
            self.close()  # nobody asked: what comes next could be taken for the answer to something else
            return
        if self._received:
            data = self._received + data
        try:
            pdu = self._framing.answer(data, self._transaction, request)
        except MisfitError as misfit:
            answer.set_exception(BadAnswerError(str(misfit)))
            return
        if pdu is None:
            self._received = data
        else:
            answer.set_result(pdu)

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer closed it, or we did."""
        self._rest()
        if self._transport is not None:
            self._transport = None
            self._fail(UnreachableError(CLOSED_BY_PEER))
            self._lost()
