"""The part of the API about access: login, password, who is logged in, tokens, and the log of changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from aiohttp import hdrs, web
from msgspec import Meta, Struct, json

from phaeton.sinks.web.access import Entry, TokenScope
from phaeton.sinks.web.access.access import BusyError
from phaeton.sinks.web.access.client import Client
from phaeton.sinks.web.access.files import UnreadableError
from phaeton.sinks.web.access.logins import Login, ends_s
from phaeton.sinks.web.access.passwords import LONGEST, SHORTEST, PasswordError
from phaeton.sinks.web.access.tokens import MOST_NAME, TokenError
from phaeton.sinks.web.endpoint import DID, JSON, Ask, Endpoint, Endpoints, Example, Nothing, Scope
from phaeton.sinks.web.gate import CLIENT, COOKIE, LOGIN, Gate, bearer, too_often
from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.problem import ProblemError
from phaeton.sinks.web.state import WebState

MOST_ENTRIES = 500
_DAY_S = 86_400.0

Password = Annotated[str, Meta(max_length=LONGEST)]


class AccessStatus(Struct, frozen=True, kw_only=True):
    """How the door is, and who you are."""

    who: str
    """``owner`` after a login, ``local`` on the device itself, ``token NAME``, ``guest``, or empty."""
    scope: str
    """open, guest, read, control or admin: each may do what those before it may."""
    password_set: bool
    """Without a password only the device itself is let in, and only where the page listens there alone."""
    may_set_password: bool
    """There is no password yet, and you are on the device itself, so that you may set the first one."""
    guest: bool
    """Whoever is not logged in sees what happens."""
    configured: bool
    """There is a charger in the configuration; without one the page leads through the first start."""
    hint: str
    """What to do, where something is to be done."""


class PasswordLogin(Struct, frozen=True):
    """The password of the house."""

    password: Password


class PasswordBody(Struct, frozen=True):
    """The new password, and the present one where there is one."""

    new: Annotated[str, Meta(min_length=SHORTEST, max_length=LONGEST)]
    old: Password = ""


class OkAnswer(Struct, frozen=True):
    """It is done."""

    ok: bool = True


class LoginStatus(Struct, frozen=True):
    """A browser that is logged in."""

    id: str
    created: str
    used: str
    ends: str
    """When it ends if it is not used any more."""
    address: str
    agent: str
    """What the browser calls itself."""
    current: bool
    """It is the one that asks."""


class TokenBody(Struct, frozen=True):
    """A token to make."""

    name: Annotated[str, Meta(min_length=1, max_length=MOST_NAME)]
    scope: TokenScope
    expires_days: Annotated[float, Meta(gt=0, le=36_500, description="null = it does not end by itself")] | None = None


class TokenStatus(Struct, frozen=True):
    """A token; nothing tells its secret."""

    id: str
    name: str
    scope: TokenScope
    created: str
    expires: str | None
    expired: bool
    used: str | None
    """The last use, as far as it is known."""


class NewToken(Struct, frozen=True):
    """A token that was made: its secret is told here and never again."""

    id: str
    name: str
    scope: TokenScope
    expires: str | None
    token: str


class AuditQuery(Struct, frozen=True):
    """Which entries."""

    limit: Annotated[int, Meta(ge=1, le=MOST_ENTRIES, description="At most so many")] = 100
    before: Annotated[str, Meta(description="Only those older than the entry of this `time`", max_length=40)] = ""


class AuditPage(Struct, frozen=True):
    """The newest first."""

    entries: list[Entry]
    more: bool
    """There are older ones; ask again with ``before`` set to the last ``time``."""


class AccessApi:
    """The handlers."""

    def __init__(self, gate: Gate, state: WebState) -> None:
        self._gate = gate
        self._state = state
        self._access = gate.access

    def endpoints(self) -> Endpoints:
        """All of this part."""
        admin = Scope.ADMIN
        disk = {503: "the disk does not take it"}
        slow = {429: "too many wrong passwords; `Retry-After` says when the next is taken"}
        return [
            Endpoint(
                "GET", "/api/access", self.status, Scope.OPEN, "Whether a login is needed, and who you are",
                AccessStatus,
            ),
            Endpoint(
                "POST", "/api/login", self.log_in, Scope.OPEN,
                "Log a browser in: the answer sets a cookie. Programs use a token instead", OkAnswer,
                body=PasswordLogin,
                problems={401: "the password is wrong", 409: "there is no password yet"} | slow,
                example=Example(body={"password": "correct horse"}, status=409), tag="access",
            ),
            Endpoint(
                "POST", "/api/logout", self.log_out, Scope.OPEN, "End the login of this browser", OkAnswer,
                tag="access", example=Example(answer={"ok": True}),
            ),
            Endpoint(
                "PUT", "/api/access/password", self.set_password, Scope.OPEN,
                "Set the first password (on the device itself only), or another one; all other logins end", OkAnswer,
                body=PasswordBody, example=Example(body={"old": "correct horse", "new": "staple"}, status=422),
                problems={401: "the present password is wrong", 403: "the first password is set on the device itself"}
                | slow | disk,
            ),
            Endpoint(
                "GET", "/api/access/sessions", self.sessions, admin, "The browsers that are logged in",
                list[LoginStatus],
            ),
            Endpoint(
                "DELETE", "/api/access/sessions", self.end_sessions, admin, "Log all other browsers out", OkAnswer,
            ),
            Endpoint(
                "DELETE", "/api/access/sessions/{session}", self.end_session, admin, "Log one browser out", OkAnswer,
                problems={404: "there is no such login"}, example=Example({"session": "0badcafe"}, status=404),
            ),
            Endpoint("GET", "/api/access/tokens", self.tokens, admin, "The tokens of programs", list[TokenStatus]),
            Endpoint(
                "POST", "/api/access/tokens", self.add_token, admin,
                "Make a token for a program; the answer holds its secret, which is never told again", NewToken,
                body=TokenBody, status=201, problems={409: "there is one of this name, or no room for more"} | disk,
                example=Example(body={"name": "dashboard", "scope": "read", "expires_days": 365}),
            ),
            Endpoint(
                "DELETE", "/api/access/tokens/{token}", self.revoke_token, admin, "End a token, by its id or name",
                OkAnswer, problems={404: "there is no such token"} | disk,
                example=Example({"token": "0badcafe"}, status=404),
            ),
            Endpoint(
                "GET", "/api/audit", self.audit, admin, "Who changed what, the newest first", AuditPage, AuditQuery,
                example=Example(query={"limit": "10"}), tag="access",
            ),
        ]  # fmt: skip

    async def status(self, ask: Ask[Nothing, Nothing]) -> AccessStatus:
        """How the door is."""
        client = ask.request[CLIENT]
        password_set = self._access.password_set
        first = not password_set and client.local
        hint = ""
        if not password_set and not self._gate.open_to(client):
            hint = "Run \u201cphaeton password\u201d on the device itself. Until then nobody is let in here."
        return AccessStatus(
            who=ask.caller.name,
            scope=ask.caller.scope.name.lower(),
            password_set=password_set,
            may_set_password=first,
            guest=self._gate.config.access.guest,
            configured=bool(self._state.points),
            hint=hint,
        )

    # Login and password.

    async def log_in(self, ask: Ask[Nothing, PasswordLogin]) -> web.Response:
        """The password becomes a cookie."""
        ask.request[DID] = "log in"
        if not self._access.password_set:
            raise ProblemError(
                409,
                "there is no password yet: set one with `phaeton password` on the device itself",
                code="no_password",
            )
        client = ask.request[CLIENT]
        await self._prove(client, ask.body.password, "password")
        before = self._gate.login(ask.request)
        if before is not None:  # whoever fixed a cookie in advance gains nothing, and no login is left behind
            self._access.logins.end(before)
        answer = _json(OkAnswer())
        self._give_cookie(ask.request, client, answer)
        return answer

    async def log_out(self, ask: Ask[Nothing, Nothing]) -> web.Response:
        """The cookie opens nothing any more."""
        ask.request[DID] = "log out"
        login = self._gate.login(ask.request)
        if login is not None:
            self._access.log_out(login)
        answer = _json(OkAnswer())
        client = ask.request[CLIENT]
        answer.del_cookie(COOKIE, path=self._path(ask.request, client), httponly=True, samesite="Strict")
        return answer

    async def set_password(self, ask: Ask[Nothing, PasswordBody]) -> web.Response:
        """The first one, or another one."""
        client = ask.request[CLIENT]
        if not self._access.password_set:
            ask.request[DID] = "set the first password"
            if not client.local:
                raise ProblemError(
                    403,
                    "the first password is set on the device itself: with `phaeton password`, or its own browser",
                    code="no_password",
                )
        else:
            ask.request[DID] = "change the password"
            await self._prove(client, ask.body.old, "old")
        try:
            await self._access.set_password(ask.body.new)
        except PasswordError as error:
            raise ProblemError(422, str(error), "new") from None
        except BusyError:
            raise too_often("too many passwords wait to be checked", 2.0) from None
        except OSError as error:
            raise _disk(error) from None
        answer = _json(OkAnswer())
        if bearer(ask.request) is None:
            self._give_cookie(ask.request, client, answer)
        return answer

    async def _prove(self, client: Client, password: str, field: str) -> None:
        """Refuse a wrong password, and who tries too many."""
        throttle, now_s = self._access.throttle, self._access.mono()
        known = client.local or self._access.logins.knows(client.address)
        wait_s = throttle.begin(client.group, now_s, known=known)
        if wait_s > 0.0:
            raise too_often("too many wrong passwords", wait_s)
        try:
            right = await self._access.is_password(password)
        except BusyError:
            raise too_often("too many passwords wait to be checked", 2.0) from None
        except PasswordError as error:
            raise ProblemError(503, str(error)) from None
        if not right:
            raise ProblemError(
                401,
                "the password is wrong",
                field,
                {hdrs.WWW_AUTHENTICATE: 'Bearer realm="phaeton"'},
                code="wrong_password",
            )
        throttle.right(client.group, known=known)

    def _give_cookie(self, request: web.Request, client: Client, answer: web.Response) -> None:
        login, secret = self._access.log_in(client.address, request.headers.get(hdrs.USER_AGENT, ""))
        request[LOGIN] = login
        answer.set_cookie(
            COOKIE,
            secret,
            path=self._path(request, client),
            max_age=int(self._gate.config.access.session_max_days * _DAY_S),
            httponly=True,
            samesite="Strict",
            secure=client.secure,
        )

    def _path(self, request: web.Request, client: Client) -> str:
        return self._gate.prefix(request, client) or "/"

    # Who is logged in.

    async def sessions(self, ask: Ask[Nothing, Nothing]) -> list[LoginStatus]:
        """All that live."""
        current = ask.request.get(LOGIN)
        return [self._shown(login, login is current) for login in self._alive()]

    async def end_sessions(self, ask: Ask[Nothing, Nothing]) -> OkAnswer:
        """All but the one that asks."""
        current = ask.request.get(LOGIN)
        others = [login for login in self._alive() if login is not current]
        ask.request[DID] = f"log {len(others)} other browsers out"
        for login in others:
            self._access.log_out(login)
        return OkAnswer()

    async def end_session(self, ask: Ask[Nothing, Nothing]) -> OkAnswer:
        """One of them."""
        wanted = ask.request.match_info["session"]
        login = next((one for one in self._alive() if one.id == wanted), None)
        if login is None:
            raise ProblemError(404, f"there is no login {wanted!r}")
        ask.request[DID] = f"log out {login.agent or 'a browser'} at {login.address}"
        self._access.log_out(login)
        return OkAnswer()

    def _alive(self) -> list[Login]:
        access = self._access
        return access.logins.alive(access.password_id, self._gate.days, access.utc()) if access.password_set else []

    def _shown(self, login: Login, current: bool) -> LoginStatus:
        return LoginStatus(
            id=login.id,
            created=moment(login.created_s),
            used=moment(login.seen_s),
            ends=moment(ends_s(login, self._gate.days)),
            address=login.address,
            agent=login.agent,
            current=current,
        )

    # Tokens.

    async def tokens(self, ask: Ask[Nothing, Nothing]) -> list[TokenStatus]:
        """All of them, also those that have ended."""
        now_s = self._access.utc()
        return [
            TokenStatus(
                id=token.id,
                name=token.name,
                scope=token.scope,
                created=moment(token.created_s),
                expires=moment(token.expires_s),
                expired=token.expired(now_s),
                used=moment(token.used_s),
            )
            for token in self._access.tokens
        ]

    async def add_token(self, ask: Ask[Nothing, TokenBody]) -> NewToken:
        """Make one."""
        body = ask.body
        ask.request[DID] = f"make the token {body.name!r} ({body.scope})"
        expires_s = None if body.expires_days is None else self._access.utc() + body.expires_days * _DAY_S
        try:
            token, secret = await self._access.add_token(body.name, body.scope, expires_s)
        except TokenError as error:
            raise ProblemError(409, str(error), "name") from None
        except (OSError, UnreadableError) as error:
            raise _disk(error) from None
        return NewToken(token.id, token.name, token.scope, moment(token.expires_s), secret)

    async def revoke_token(self, ask: Ask[Nothing, Nothing]) -> OkAnswer:
        """End one."""
        which = ask.request.match_info["token"]
        ask.request[DID] = f"revoke the token {which!r}"
        try:
            found = await self._access.revoke_token(which)
        except (OSError, UnreadableError) as error:
            raise _disk(error) from None
        if found is None:
            raise ProblemError(404, f"there is no token {which!r}")
        return OkAnswer()

    # The log of changes.

    async def audit(self, ask: Ask[AuditQuery, Nothing]) -> AuditPage:
        """A page of it."""
        before = ask.query.before or None
        if before is not None:
            _moment(before)
        return AuditPage(*await self._access.audit.page(ask.query.limit, before))


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise ProblemError(422, "before must be the time of an entry, as 2026-05-01T07:00:00.000Z", "before") from None


def _disk(error: Exception) -> ProblemError:
    return ProblemError(503, f"it could not be kept, and is not in force: {error}")


def _json(value: object) -> web.Response:
    return web.Response(body=json.encode(value), content_type=JSON)
