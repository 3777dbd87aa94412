"""The shared HTTP client: one request, one answer or one `Trouble` in words; nothing is retried here.

Certificates are verified, answers are bounded in time and size, and a host that asked for patience (``Retry-After``) is
not called before that time. Errors are values. No message and no log line holds a query, a header or a body.
The library is loaded by the first request, beside the event loop.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from enum import StrEnum
from functools import cache
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from msgspec import Struct

from phaeton import __version__

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_S = 20.0
LIMIT_BYTES = 4_000_000
MOST_REDIRECTS = 3
LONGEST_PATIENCE_S = 86400.0
"""A host that asks for more than a day is asked again after one."""
MOST_KEPT = 8
KEPT_BYTES = 256_000
"""Answers up to this size are kept for ``If-None-Match``."""

_VENUS_VERSION = Path("/opt/victronenergy/version")
_REDIRECTS = (301, 302, 303, 307, 308)
_NOT_MODIFIED = 304


class TroubleKind(StrEnum):
    """What sort of trouble it is: it decides when to ask again, and who must do something."""

    AUTH = "auth"
    """The token, key or password is not accepted; only the owner can mend it."""
    RATE_LIMIT = "rate_limit"
    NOT_YET = "not_yet"
    """All is well, the values are not published yet."""
    SERVER = "server"
    NETWORK = "network"
    GARBAGE = "garbage"
    """The answer cannot be understood."""
    REFUSED = "refused"
    """The request itself is not accepted: a zone, a home or an address that is not there. The owner must look."""


class Trouble(Struct, frozen=True):
    """Why there is no answer that can be used."""

    kind: TroubleKind
    message: str
    """What is wrong and what to do, for the owner; never holds a secret."""
    retry_after_s: float | None = None
    """What the server asked for."""


class Ask(Struct, frozen=True, kw_only=True):
    """One request."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    json: object = None
    form: Mapping[str, str] | None = None
    body: bytes | None = None
    """Sent as it is, with the ``Content-Type`` of the headers."""
    conditional: bool = False
    """Ask only for what is new (``ETag``, ``Last-Modified``); an unchanged answer is given again."""

    def __repr__(self) -> str:
        return f"Ask({self.method} {shown(self.url)})"


class Answer(Struct, frozen=True):
    """What the server said, whatever its status."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}
    """Names in small letters."""
    unchanged: bool = False
    """Not modified since the last time; the body is that of the last time."""

    @property
    def content_type(self) -> str:
        """Such as ``application/json``, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> object:
        """The body as JSON; raises ``ValueError`` when it is none."""
        import json  # noqa: PLC0415 - with the first answer; msgspec refuses the NaN that some services send

        try:
            value: object = json.loads(self.body)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        return value


class HostStats(Struct):
    """What was asked of one host since the start."""

    host: str
    requests: int = 0
    answered: int = 0
    failed: int = 0
    """No answer: connection, certificate, time or size."""
    held_back: int = 0
    """Not sent, because the host had asked for patience."""
    bytes_read: int = 0
    last_status: int | None = None
    last_s: float | None = None
    """Of the last request, by the client's clock."""


class _Kept(Struct, frozen=True):
    answer: Answer
    etag: str
    modified: str


class HttpClient:
    """Requests to the outside; one for all who ask, closed by whoever made it."""

    def __init__(
        self,
        *,
        timeout_s: float = TIMEOUT_S,
        limit_bytes: int = LIMIT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_s = timeout_s
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._stats: dict[str, HostStats] = {}
        self._patience: dict[str, float] = {}
        self._kept: dict[str, _Kept] = {}

    @property
    def stats(self) -> tuple[HostStats, ...]:
        """The counters of each host."""
        return tuple(self._stats.values())

    async def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def send(self, ask: Ask) -> Answer | Trouble:
        """Send one request; gives the answer of any status, or why there is none."""
        if not _is_address(ask.url):
            return Trouble(
                TroubleKind.REFUSED, f"{shown(ask.url)!r} is no address: it must begin with http:// or https://"
            )
        url = ask.url
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._send(ask, url)
            if isinstance(answer, Trouble) or answer.status not in _REDIRECTS:
                return answer
            target = _target(url, answer.headers.get("location", ""))
            if not _is_address(target) or not _may_follow(ask, url, target):
                text = f"{_host(url)} sends us to {shown(target)}; if that is right, put it into the configuration"
                return Trouble(TroubleKind.REFUSED, text)
            url = target
        return Trouble(TroubleKind.SERVER, f"{_host(ask.url)} sends us round in circles")

    async def download(
        self, url: str, take: Callable[[bytes], Awaitable[None]], most_bytes: int, within_s: float
    ) -> Trouble | None:
        """Fetch a large file piece by piece, by GET, wherever the server sends us; None when it is there as a whole.

        It is asked without headers of our own, so that redirects to other hosts are followed. ``take`` gets each
        piece; what it raises goes through.
        """
        session = await self._opened()
        import aiohttp  # noqa: PLC0415 - loaded by now

        ask = Ask(url=url)
        for _ in range(MOST_REDIRECTS + 1):
            if not _is_address(url):
                return Trouble(TroubleKind.REFUSED, f"{shown(url)!r} is no address")
            host = _host(url)
            stats = self._stats.setdefault(host, HostStats(host))
            stats.requests += 1
            stats.last_s = self._clock()
            try:
                async with (
                    asyncio.timeout(within_s),
                    session.get(url, headers={"User-Agent": user_agent()}, allow_redirects=False) as response,
                ):
                    stats.last_status = response.status
                    if response.status in _REDIRECTS:
                        target = _target(url, response.headers.get("location", ""))
                        if not _may_follow(ask, url, target):
                            return Trouble(
                                TroubleKind.REFUSED, f"{host} sends us to {shown(target)}, which is not safe"
                            )
                        url = target
                        continue
                    trouble = refusal(Answer(response.status), host)
                    if trouble is not None:
                        return trouble
                    read = 0
                    async for chunk in response.content.iter_any():
                        read += len(chunk)
                        stats.bytes_read += len(chunk)
                        if read > most_bytes:
                            response.close()
                            text = f"the file of {host} is larger than {most_bytes / 1e6:g} MB and was not read"
                            return Trouble(TroubleKind.GARBAGE, text)
                        await take(chunk)
            except (TimeoutError, aiohttp.ClientError, ValueError) as error:
                stats.failed += 1
                return _network_trouble(error, host, within_s)
            stats.answered += 1
            return None
        return Trouble(TroubleKind.SERVER, f"{_host(url)} sends us round in circles")

    async def _send(self, ask: Ask, url: str) -> Answer | Trouble:
        host = _host(url)
        stats = self._stats.setdefault(host, HostStats(host))
        left_s = self._patience.get(host, 0.0) - self._clock()
        if left_s > 0:
            stats.held_back += 1
            return Trouble(TroubleKind.RATE_LIMIT, f"{host} asked for patience", left_s)
        stats.requests += 1
        stats.last_s = self._clock()
        try:
            answer = await self._exchange(ask, url)
        except Exception as error:  # whatever goes wrong outside is a value in here
            stats.failed += 1
            return _network_trouble(error, host, self._timeout_s)
        if answer is None:
            stats.failed += 1
            return Trouble(
                TroubleKind.GARBAGE,
                f"the answer of {host} is larger than {self._limit_bytes / 1e6:g} MB and was not read",
            )
        stats.answered += 1
        stats.last_status = answer.status
        stats.bytes_read += 0 if answer.unchanged else len(answer.body)
        patience_s = retry_after_s(answer.headers, time.time())
        if answer.status in (429, 503) and patience_s:
            self._patience[host] = self._clock() + patience_s
        return answer

    async def _exchange(self, ask: Ask, url: str) -> Answer | None:
        key = f"{url} {sorted(ask.params.items())}"
        kept = self._kept.get(key) if ask.conditional else None
        headers = {"User-Agent": user_agent(), "Accept": "*/*", **ask.headers}
        if kept is not None and kept.etag:
            headers["If-None-Match"] = kept.etag
        elif kept is not None:
            headers["If-Modified-Since"] = kept.modified
        session = await self._opened()
        async with (
            asyncio.timeout(self._timeout_s),
            session.request(
                ask.method,
                url,
                headers=headers,
                params=ask.params or None,
                json=ask.json,
                data=ask.form if ask.body is None else ask.body,
                allow_redirects=False,
            ) as response,
        ):
            told = {name.lower(): value for name, value in response.headers.items()}
            if response.status == _NOT_MODIFIED and kept is not None:
                return Answer(kept.answer.status, kept.answer.body, kept.answer.headers, unchanged=True)
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._limit_bytes:
                    response.close()
                    return None
            answer = Answer(response.status, bytes(body), told)
        if ask.conditional:
            self._keep(key, answer)
        return answer

    def _keep(self, key: str, answer: Answer) -> None:
        etag, modified = answer.headers.get("etag", ""), answer.headers.get("last-modified", "")
        self._kept.pop(key, None)
        if answer.status == 200 and (etag or modified) and len(answer.body) <= KEPT_BYTES:
            self._kept[key] = _Kept(answer, etag, modified)
            while len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            await asyncio.to_thread(importlib.import_module, "phaeton.links.http_names")  # a second on a small device
            import aiohttp  # noqa: PLC0415 - loaded by now

            from phaeton.links.http_names import DaemonResolver  # noqa: PLC0415

            if self._session is None:  # another request may have opened it meanwhile
                self._session = aiohttp.ClientSession(
                    connector=aiohttp.TCPConnector(resolver=DaemonResolver()),
                    cookie_jar=aiohttp.DummyCookieJar(),
                    timeout=aiohttp.ClientTimeout(total=None),
                )
        return self._session


def refusal(answer: Answer, who: str, key: str = "") -> Trouble | None:
    """What the status says, when it is not success; ``who`` is the service, ``key`` where its token is configured."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if status in (401, 403):
        what = f"check {key}" if key else "it may need a key, or not be meant for programs"
        return Trouble(TroubleKind.AUTH, f"{who} does not let us in ({status}): {what}")
    patience_s = retry_after_s(answer.headers, time.time())
    if status == 429:
        text = f"{who} says that it was asked too often (429); it is left alone for a while"
        return Trouble(TroubleKind.RATE_LIMIT, text, patience_s)
    if status >= 500:
        return Trouble(
            TroubleKind.SERVER, f"{who} has trouble of its own ({status}); nothing to do but wait", patience_s
        )
    if status in (404, 410):
        return Trouble(TroubleKind.REFUSED, f"{who} has nothing at this address ({status}): check the configuration")
    return Trouble(TroubleKind.REFUSED, f"{who} refuses the request ({status}): check the configuration")


def retry_after_s(headers: Mapping[str, str], utc_s: float) -> float | None:
    """The patience that a server asks for, in s: a number or a date; None where it asks for none."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PATIENCE_S)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - a date is rare

    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return min(max(until.timestamp() - utc_s, 0.0), LONGEST_PATIENCE_S)


def shown(url: str) -> str:
    """The address fit for people: without user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that is none"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"


@cache
def user_agent() -> str:
    """Who we are: some services ask for platform and program with their versions."""
    try:
        version = _VENUS_VERSION.read_text(encoding="ascii").split()[0]
    except (OSError, ValueError, IndexError):
        return f"Python/{python_version()} phaeton/{__version__}"
    return f"VenusOS/{version} phaeton/{__version__}"


def _host(url: str) -> str:
    return shown(url).partition("://")[2].partition("/")[0]


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _may_follow(ask: Ask, url: str, target: str) -> bool:
    """Own headers and bodies are for the host that was named; nothing goes from https to http."""
    old, new = urlsplit(url), urlsplit(target)
    if ask.method != "GET" or (old.scheme == "https" and new.scheme == "http"):
        return False
    return (old.scheme, old.netloc) == (new.scheme, new.netloc) or not (ask.headers or ask.params)


def _network_trouble(error: Exception, host: str, timeout_s: float) -> Trouble:
    """Words for what the library raised; its own may hold the whole address."""
    import aiohttp  # noqa: PLC0415 - it is loaded already

    if isinstance(error, TimeoutError):
        text = f"{host} did not answer within {timeout_s:g} s"
    elif isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        text = f"the certificate of {host} is not trusted: is the clock right, is the address?"
    elif isinstance(error, aiohttp.ClientConnectorDNSError):
        text = f"{host} is not found: is there internet, is the name right?"
    elif isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or "no connection"
        text = f"{host} cannot be reached: {reason.lower()}"
    elif isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        text = f"{host} closed the connection"
    elif isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError):
        return Trouble(TroubleKind.GARBAGE, f"the answer of {host} is broken")
    elif isinstance(error, ValueError):  # InvalidURL is one, and so is a header that cannot be sent
        text = f"the request to {host} cannot be sent: check address and token for stray characters"
        return Trouble(TroubleKind.REFUSED, text)
    else:
        text = f"{host} cannot be asked ({type(error).__name__})"
    return Trouble(TroubleKind.NETWORK, text)
