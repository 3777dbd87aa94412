"""One TCP connection to a Modbus server: one request at a time, answered, too late, or lost with the connection.

It sits on asyncio's transport directly. It runs twice a second for ever, so it has neither tasks nor locks of its
own: `phaeton.links.modbus` gives it one request after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from phaeton.links.modbus_errors import BadAnswerError, UnreachableError
from phaeton.links.modbus_frame import Framing, MisfitError, Request

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
        transport.write(self._framing.frame(request, self._transaction))
        timer = loop.call_later(timeout_s, self._late, timeout_s)
        try:
            return await answer
        finally:
            timer.cancel()
            self._answer = None
            self._received = b""

    def close(self) -> None:
        """Close at once, without a word to ``lost``; a request in flight fails."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._fail(UnreachableError("closed"))

    def _late(self, timeout_s: float) -> None:
        self._fail(UnreachableError(f"no answer within {timeout_s:.1f} s"))

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
        if self._transport is not None:
            self._transport = None
            self._fail(UnreachableError(CLOSED_BY_PEER))
            self._lost()
