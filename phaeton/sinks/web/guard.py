"""What every request passes: whose page may ask, security headers, and errors as problem details.

There are no accounts yet, so a request is trusted when it comes from this very page or from a program. A page of
another site is kept out by its Origin, and by the name that it reached us under: names of the public internet can be
pointed at a private address by anyone (DNS rebinding), addresses and local names cannot.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from phaeton.orders import OrderError
from phaeton.sinks.web.endpoint import CALLER, Caller, Scope
from phaeton.sinks.web.problem import PROBLEM_TYPE, ProblemError

_log = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LOCAL_SUFFIXES = (".local", ".localhost", ".lan", ".home", ".home.arpa", ".internal", ".fritz.box")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def local_name(host: str, own_names: frozenset[str]) -> bool:
    """Whether a Host header (with or without a port) is an address, a local name or a name of this machine."""
    name = urlsplit(f"//{host}").hostname or ""
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


def guard(configured_host: str) -> Middleware:
    """The middleware around all handlers."""
    own_names = frozenset(name.lower() for name in (configured_host, socket.gethostname()) if name)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _check(request, own_names)
            request[CALLER] = Caller(request.remote or "", Scope.ADMIN, _origin(request))
            return await handler(request)
        except ProblemError as problem:
            return response(problem.status, problem.detail, problem.field)
        except OrderError as error:
            return response(422, str(error))
        except web.HTTPRequestEntityTooLarge:
            return response(413, "the body is larger than any request of this API")
        except web.HTTPException as error:
            return _plain(request, error)
        except ConnectionResetError:
            raise
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return response(500, "Phaeton failed on this request; its log says why")

    return middleware


def _origin(request: web.Request) -> str:
    """Who orders: the page says so of itself, everything else is ``rest``."""
    return "page" if request.headers.get("X-Phaeton-Page") else "rest"


def _check(request: web.Request, own_names: frozenset[str]) -> None:
    if not local_name(request.host, own_names):
        raise ProblemError(421, f"{request.host!r} is no name of this device; use its address or its local name")
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is not None and not same_origin(origin, request.host):
        raise ProblemError(403, "pages of other sites may not control the charger")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ProblemError(403, "pages of other sites may not control the charger")


def _plain(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    if error.status < 400:
        raise error
    if error.status == 404:
        return response(404, f"there is nothing at {request.path}")
    if isinstance(error, web.HTTPMethodNotAllowed):
        answer = response(405, f"{request.path} takes {', '.join(sorted(error.allowed_methods))} only")
        answer.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return answer
    return response(error.status, error.text or error.reason)


async def add_headers(request: web.Request, answer: web.StreamResponse) -> None:
    """Signal handler: put the security headers on each answer, streams and errors too."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def response(status: int, detail: str, field: str | None = None) -> web.Response:
    """A problem document (RFC 9457): ``type``, ``title``, ``status``, ``detail``, and the ``field`` to blame."""
    body: dict[str, str | int] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    return web.Response(status=status, text=json.dumps(body), content_type=PROBLEM_TYPE)
