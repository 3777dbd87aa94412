"""Who may come in: what a request proves to be, whether another site sent it, and what ends when a right ends.

A login (cookie) and the machine itself are rights that a browser sends along by itself; so a request of another site
never has them, and a change that relies on them must show that it comes from this very page. A token is sent by
those who know it only.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from msgspec import Struct

from phaeton.config.tree_web import Web
from phaeton.sinks.web.access import Access, Token
from phaeton.sinks.web.access.client import Client, client_of, networks
from phaeton.sinks.web.access.logins import Login
from phaeton.sinks.web.access.rates import Rates
from phaeton.sinks.web.endpoint import Caller, Scope
from phaeton.sinks.web.problem import ProblemError

COOKIE = "phaeton"
PAGE_HEADER = "X-Phaeton-Page"
"""The page sends it; another site cannot without being asked about it first."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_SUFFIXES = (".local", ".localhost", ".lan", ".home", ".home.arpa", ".internal", ".fritz.box")
MOST_AT_ONCE = 32
"""Requests of one address that run at the same time, open streams among them; this machine itself may have more."""
LOOK_AGAIN_S = 60.0
"""How long a stream may outlive the time of its login or token."""
SCOPES = {"read": Scope.READ, "control": Scope.CONTROL, "admin": Scope.ADMIN}

CLIENT = web.RequestKey("phaeton.client", Client)
LOGIN = web.RequestKey("phaeton.login", Login)
TOKEN = web.RequestKey("phaeton.token", Token)
LOCAL = "local"
"""The name of whoever sits at the machine itself."""

STRANGER = Client("", "", local=False, secure=False, host="", prefix="")


class Visit(Struct, eq=False):
    """A request that runs, and what lets it in."""

    request: web.Request
    client: Client
    caller: Caller
    login: Login | None
    token: Token | None


class Gate:
    """The door of one server; ``loopback`` = it listens on this machine alone."""

    def __init__(self, config: Web, access: Access, *, loopback: bool) -> None:
        self.access = access
        self.config = config
        self.loopback = loopback
        self.days = (config.access.session_days, config.access.session_max_days)
        self._proxies = networks(config.trusted_proxies)
        self._names = frozenset(name.lower() for name in (config.host, socket.gethostname(), *config.hosts) if name)
        self._rates = Rates()
        self._visits: set[Visit] = set()
        self._at_once: Counter[str] = Counter()
        self._sweeping: asyncio.TimerHandle | None = None
        access.audit.most_mb = config.access.audit_mb
        access.changed = self.sweep

    # Before anything else.

    def client(self, request: web.Request) -> Client:
        """The other end of the request."""
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        return client_of(peer[0] if peer else "", request.headers, self._proxies)

    def check_name(self, client: Client) -> None:
        """Refuse names that are none of ours: anyone can point one at a private address (DNS rebinding)."""
        if not local_name(client.host, self._names):
            raise ProblemError(
                421,
                f"{client.host!r} is no name of this device; use its address or its local name, "
                "or add the name to web.hosts",
            )

    def check_rate(self, client: Client, *, change: bool) -> None:
        """Refuse who asks too often; programs on this machine may."""
        if client.local:
            return
        wait_s = self._rates.take(client.group, self.access.mono(), change=change)
        if wait_s > 0.0:
            raise too_often("too many requests", wait_s)

    @contextmanager
    def visit(self, request: web.Request, client: Client, caller: Caller) -> Iterator[None]:
        """While the request runs; what it needs is looked at again when rights change."""
        if not client.local and self._at_once[client.group] >= MOST_AT_ONCE:
            raise too_often("too many requests at once, or too many pages open", 5.0)
        visit = Visit(request, client, caller, request.get(LOGIN), request.get(TOKEN))
        self._visits.add(visit)
        self._at_once[client.group] += 1
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._sweep_later)
        try:
            yield
        finally:
            self._visits.discard(visit)
            self._at_once[client.group] -= 1
            if not self._at_once[client.group]:
                del self._at_once[client.group]

    def close(self) -> None:
        """The server ends."""
        if self._sweeping is not None:
            self._sweeping.cancel()

    # Who it is.

    def caller(self, request: web.Request, client: Client) -> Caller:
        """Who asks; raises `ProblemError` (401) for a token that is none."""
        origin = "page" if request.headers.get(PAGE_HEADER) else "rest"
        secret = bearer(request)
        if secret is not None:
            token = self.access.token(secret)
            if token is None:
                raise ProblemError(401, "this token is unknown, has ended or was revoked", headers=ASK_FOR_TOKEN)
            request[TOKEN] = token
            return Caller(f"token {token.name}", SCOPES[token.scope], f"{origin}:{token.name}")
        if not self.foreign(request, client):
            login = self.login(request)
            if login is not None:
                request[LOGIN] = login
                return Caller("owner", Scope.ADMIN, f"{origin}:owner")
            if self.open_to(client):
                return Caller(LOCAL, Scope.ADMIN, origin)
        if self.config.access.guest:
            return Caller("guest", Scope.GUEST, origin)
        return Caller("", Scope.OPEN, origin)

    def login(self, request: web.Request) -> Login | None:
        """The login of the cookie, while it lives."""
        secret = request.cookies.get(COOKIE)
        return self.access.login(secret, self.days) if secret else None

    def open_to(self, client: Client) -> bool:
        """Whether somebody at this machine needs no login: it serves only itself, and nobody set a password."""
        return self.loopback and client.local and not self.access.password_set

    # Whose page it was.

    def foreign(self, request: web.Request, client: Client) -> bool:
        """Whether a page of another site asks; a link that was followed from there is none of its requests."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and not same_origin(origin, client.host):
            return True
        site = request.headers.get("Sec-Fetch-Site", "none")
        return site in ("cross-site", "same-site") and request.headers.get("Sec-Fetch-Mode") != "navigate"

    def check_site(self, request: web.Request, client: Client) -> None:
        """Refuse changes that another site may have sent."""
        if request.method in SAFE_METHODS:
            return
        cookie = COOKIE in request.cookies
        if bearer(request) is not None and not cookie:
            return  # no browser sends a token by itself
        origin = request.headers.get(hdrs.ORIGIN)
        site = request.headers.get("Sec-Fetch-Site")
        if (origin is not None and not same_origin(origin, client.host)) or site not in (None, "same-origin", "none"):
            raise ProblemError(403, "pages of other sites may not control the charger")
        if cookie and origin is None and site != "same-origin" and PAGE_HEADER not in request.headers:
            raise ProblemError(403, f"a request with a login needs the header Origin or {PAGE_HEADER}")

    def allowed_origin(self, request: web.Request) -> str | None:
        """The other site that may read the answer, where the configuration names it."""
        origin = request.headers.get(hdrs.ORIGIN)
        return origin if origin in self.config.cors_origins else None

    def prefix(self, request: web.Request, client: Client) -> str:
        """The path that the browser sees before ours; empty or ``/phaeton``."""
        own = self.config.path_prefix
        return client.prefix or (own if own and request.path.startswith(f"{own}/") else "")

    # When a right ends.

    def sweep(self) -> None:
        """End the streams of those who may no longer see them; changes that run may end by themselves."""
        for visit in list(self._visits):
            request = visit.request
            if request.method in SAFE_METHODS and not self._still(visit):
                request.task.cancel()
                if request.transport is not None:
                    request.transport.abort()

    def _still(self, visit: Visit) -> bool:
        """Costs next to nothing, because there may be hundreds."""
        if visit.token is not None:
            return self.access.is_valid(visit.token)
        if visit.login is not None:
            return self.access.is_alive(visit.login, self.days)
        return visit.caller.name != LOCAL or self.open_to(visit.client)

    def _sweep_later(self) -> None:
        self._sweeping = None
        self.sweep()
        if self._visits:
            self._sweeping = asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._sweep_later)


ASK_FOR_TOKEN: dict[str, str] = {hdrs.WWW_AUTHENTICATE: 'Bearer realm="phaeton"'}


def bearer(request: web.Request) -> str | None:
    """The token of the request; other schemes are a proxy's own affair."""
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def too_often(why: str, wait_s: float) -> ProblemError:
    """A refusal that says when to come again."""
    seconds = max(1, int(wait_s + 0.999))
    return ProblemError(
        429,
        f"{why}; try again in {seconds} s",
        headers={hdrs.RETRY_AFTER: str(seconds)},
        code="too_often",
        values={"seconds": seconds},
    )


def local_name(host: str, own_names: frozenset[str]) -> bool:
    """Whether a Host header (with or without a port) is an address, a local name or a name of this machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        bare = name.rstrip(".")
        return bool(bare) and ("." not in bare or bare.endswith(LOCAL_SUFFIXES) or bare in own_names)
    return True


def same_origin(origin: str, host: str) -> bool:
    """Whether a page of ``origin`` was served under ``host``; the scheme may differ behind a proxy."""
    try:
        page, own = urlsplit(origin), urlsplit(f"//{host}")
        ports = {None, 80, 443}
        same_port = page.port == own.port or (page.port in ports and own.port in ports)
    except ValueError:
        return False
    return bool(page.hostname) and page.hostname == own.hostname and same_port
