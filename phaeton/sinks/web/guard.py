"""What every request passes: the gate, the log of changes, and errors as problem details."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import ClientConnectionResetError, hdrs, web
from aiohttp.typedefs import Handler, Middleware

from phaeton.orders import OrderError
from phaeton.sinks.web.endpoint import BODY, CALLER, DID, NOBODY
from phaeton.sinks.web.gate import ASK_FOR_TOKEN, CLIENT, LOGIN, SAFE_METHODS, STRANGER, Gate, bearer
from phaeton.sinks.web.headers import is_preflight, preflight
from phaeton.sinks.web.problem import PROBLEM_TYPE, ProblemError
from phaeton.sinks.web.summary import summary

_log = logging.getLogger(__name__)

REFUSALS = frozenset({401, 403, 429})
NO_PASSWORD = (
    "there is no password yet, so this page lets nobody in: set one with `phaeton password` on the device itself"
)


def guard(gate: Gate) -> Middleware:
    """The middleware around all handlers."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        answer = await _answer(request, handler, gate)
        _note(request, answer.status, gate)
        return answer

    return middleware


async def _answer(request: web.Request, handler: Handler, gate: Gate) -> web.StreamResponse:
    try:
        return await _passed(request, handler, gate)
    except ProblemError as problem:
        return _refusal(problem, gate)
    except OrderError as error:
        return response(422, str(error), code=error.code, values=error.values)
    except web.HTTPRequestEntityTooLarge:
        return response(413, "the body is larger than any request of this API")
    except web.HTTPException as error:
        return _plain(request, error)
    except (ConnectionResetError, ClientConnectionResetError):
        raise
    except web.RequestPayloadError:
        return response(400, "the body is not what its headers say")
    except Exception:
        _log.exception("%s %s failed", request.method, request.rel_url.raw_path)
        return response(500, "Phaeton failed on this request; its log says why")


async def _passed(request: web.Request, handler: Handler, gate: Gate) -> web.StreamResponse:
    client = request[CLIENT] = gate.client(request)
    gate.check_name(client)
    gate.check_rate(client, change=request.method not in SAFE_METHODS)
    if is_preflight(request):
        if gate.allowed_origin(request) is None:
            raise ProblemError(403, "this site may not use the API; web.cors_origins names those that may")
        return preflight()
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
        raise ProblemError(415, "bodies are taken as they are, without a Content-Encoding")
    gate.check_site(request, client)
    await gate.access.look()
    caller = request[CALLER] = gate.caller(request, client)
    with gate.visit(request, client, caller):
        return await handler(request)


def _refusal(problem: ProblemError, gate: Gate) -> web.Response:
    detail, code, headers = problem.detail, problem.code, problem.headers
    if problem.status == 401:
        headers = ASK_FOR_TOKEN | headers
        if not gate.access.password_set and not problem.headers:
            detail, code = NO_PASSWORD, "no_password"
    return response(problem.status, detail, problem.field, headers, code=code, values=problem.values)


def _note(request: web.Request, status: int, gate: Gate) -> None:
    """Into the log of changes: what changed something, or wanted to."""
    did = request.get(DID)
    wrong_token = status == 401 and bearer(request) is not None
    if did is None and request.method in SAFE_METHODS and not wrong_token:
        return
    caller, client = request.get(CALLER, NOBODY), request.get(CLIENT, STRANGER)
    who = caller.name or ("owner" if request.get(LOGIN) else "")
    what = f"{request.method} {request.path}"
    detail = summary(request.get(BODY)) if did is None else did
    audit = gate.access.audit
    (audit.note_refused if status in REFUSALS else audit.note)(who, client.address, what, detail, status)


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


def response(
    status: int,
    detail: str,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    code: str = "",
    values: Mapping[str, float | str] | None = None,
) -> web.Response:
    """A problem document (RFC 9457), with the ``field`` to blame and the ``code``, where there are some."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    if code:
        body["code"] = code
        body["values"] = dict(values or {})
    return web.Response(status=status, text=json.dumps(body), content_type=PROBLEM_TYPE, headers=headers)
