"""The API's reference for people: Swagger UI over our own document, from the package and never from the internet."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from aiohttp import hdrs, web

from phaeton.sinks.web.assets import TYPES
from phaeton.sinks.web.problem import ProblemError

FOLDER = Path(__file__).parent / "reference"
FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "start.js")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""As everywhere, but for the pictures that the style sheet carries in itself."""


def routes() -> list[web.RouteDef]:
    """``/docs`` and its files; they are read when somebody asks, and not kept."""
    return [web.get("/docs", _page), web.get("/docs/{name}", _file)]


async def _page(request: web.Request) -> web.StreamResponse:
    headers = {
        hdrs.CONTENT_TYPE: TYPES[".html"],
        hdrs.CACHE_CONTROL: "no-cache",
        "Content-Security-Policy": POLICY,
    }
    return web.Response(body=(FOLDER / "index.html").read_bytes(), headers=headers)


async def _file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    if name not in FILES:
        raise ProblemError(404, f"there is nothing at {request.path}")
    packed = FOLDER / f"{name}.gz"
    body = packed.read_bytes() if packed.exists() else (FOLDER / name).read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {
        hdrs.CONTENT_TYPE: TYPES[Path(name).suffix],
        hdrs.CACHE_CONTROL: "no-cache",
        hdrs.ETAG: etag,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
    }
    if etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    if packed.exists() and "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
    elif packed.exists():
        body = gzip.decompress(body)
    return web.Response(body=body, headers=headers)
