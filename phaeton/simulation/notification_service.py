"""Simulated receivers of events: a webhook that keeps what it is sent, and a server of ntfy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web
from msgspec import Struct

from phaeton.simulation.misbehaving import SimulatedService


class Received(Struct, frozen=True):
    """One call of the webhook."""

    body: bytes
    headers: Mapping[str, str]
    """Names in small letters."""


class NtfyMessage(Struct, frozen=True):
    """One message as it is published; the fields of ntfy that are used."""

    topic: str
    message: str
    title: str = ""
    priority: int = 3
    tags: tuple[str, ...] = ()


class NotificationService(SimulatedService):
    """Both on one port: ``/hook`` and ``/ntfy/``."""

    def __init__(self, port: int = 0, *, token: str = "") -> None:
        """With a ``token`` only who sends it is let in."""
        super().__init__(port)
        self._token = token
        self.received: list[Received] = []
        self.messages: list[NtfyMessage] = []

    def _routes(self) -> list[web.RouteDef]:
        return [web.post("/hook", self._hook), web.post("/ntfy/", self._ntfy)]

    def _let_in(self, request: web.Request) -> bool:
        return not self._token or request.headers.get("Authorization") == f"Bearer {self._token}"

    async def _hook(self, request: web.Request) -> web.Response:
        if not self._let_in(request):
            return web.Response(status=401)
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(Received(await request.read(), headers))
        return web.Response(status=204)

    async def _ntfy(self, request: web.Request) -> web.Response:
        if not self._let_in(request):
            return web.json_response({"code": 40101, "http": 401, "error": "unauthorized"}, status=401)
        try:
            message = msgspec.json.decode(await request.read(), type=NtfyMessage)
        except msgspec.MsgspecError as error:
            return web.json_response({"code": 40017, "http": 400, "error": str(error)}, status=400)
        if not 1 <= message.priority <= 5 or not message.topic:
            return web.json_response({"code": 40007, "http": 400, "error": "priority or topic invalid"}, status=400)
        self.messages.append(message)
        return web.json_response({"id": "simulated", "event": "message", "topic": message.topic})
