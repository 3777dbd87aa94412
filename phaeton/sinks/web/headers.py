"""The security headers of all answers, and the answers to browsers that ask what another site may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from phaeton.sinks.web.gate import CLIENT, STRANGER, Gate

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), midi=(), payment=(), usb=()",
    hdrs.CACHE_CONTROL: "no-store",
}
YEAR_S = 31_536_000
PREFLIGHT_S = 600
FOR_OTHERS = "Authorization, Content-Type, If-Match, If-None-Match, Last-Event-ID"
SEEN_BY_OTHERS = "ETag, Retry-After, Content-Disposition, Link"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def header_writer(gate: Gate) -> Signal:
    """The signal handler that puts the headers on each answer, streams and errors too."""
    framed = " ".join(gate.config.frame_ancestors)

    async def write(request: web.Request, answer: web.StreamResponse) -> None:
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        answer.headers[hdrs.SERVER] = "Phaeton"
        if framed:
            policy = answer.headers["Content-Security-Policy"]
            own = "frame-ancestors 'self'"
            answer.headers["Content-Security-Policy"] = policy.replace(own, f"{own} {framed}")
            answer.headers.popall("X-Frame-Options", None)
        if request.get(CLIENT, STRANGER).secure:
            answer.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"
        if gate.config.cors_origins:
            answer.headers.add(hdrs.VARY, hdrs.ORIGIN)
            origin = gate.allowed_origin(request)
            if origin is not None:
                answer.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
                answer.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = SEEN_BY_OTHERS
                answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"

    return write


def is_preflight(request: web.Request) -> bool:
    """Whether a browser asks if another site may send something."""
    return request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers


def preflight() -> web.Response:
    """Yes, with a token; the origin is named by the header writer."""
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: FOR_OTHERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_S),
        },
    )
