"""The page and its files: read and compressed once, cached by the browser for as long as they are the same.

The addresses of the files hold a digest of all of them, so that a new version is never mixed with an old one. They
are relative, so that the page works under any prefix of a proxy.
"""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

from aiohttp import hdrs, web
from msgspec import Struct

from phaeton.sinks.web.problem import ProblemError

PAGE = Path(__file__).parent / "page"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_EVER = "public, max-age=31536000, immutable"


class Asset(Struct, frozen=True):
    """One file in memory."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str


def _asset(body: bytes, suffix: str) -> Asset:
    digest = hashlib.sha256(body).hexdigest()[:16]
    return Asset(body, gzip.compress(body, 9, mtime=0), TYPES[suffix], f'"{digest}"')


class Assets:
    """All files of the page."""

    def __init__(self, prefix: str = "", directory: Path = PAGE) -> None:
        self._prefix = prefix
        paths = sorted(path for path in directory.rglob("*") if path.suffix in TYPES and path.name != "index.html")
        bodies = {path.relative_to(directory).as_posix(): path.read_bytes() for path in paths}
        digest = hashlib.sha256()
        for name, body in bodies.items():
            digest.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
        self.version = digest.hexdigest()[:12]
        self.files = {name: _asset(body, Path(name).suffix) for name, body in bodies.items()}
        html = (directory / "index.html").read_text(encoding="utf-8")
        self._pages = {
            root: _asset(html.replace("{{assets}}", f"{root}assets/{self.version}").encode(), ".html")
            for root in ("", "../")
        }

    async def page(self, request: web.Request) -> web.StreamResponse:
        """The page at ``/``, ``/ui/`` and ``/app/``."""
        root = "" if request.path.removeprefix(self._prefix) == "/" else "../"
        return _answer(request, self._pages[root], "no-cache")

    async def to_page(self, request: web.Request) -> web.StreamResponse:
        """``/ui/index.html`` was the forerunner's address."""
        raise web.HTTPPermanentRedirect("./")

    async def file(self, request: web.Request) -> web.StreamResponse:
        """``/assets/<version>/<name>``."""
        asset = self.files.get(request.match_info["name"])
        if asset is None:
            raise ProblemError(404, f"there is nothing at {request.path}")
        return _answer(request, asset, FOR_EVER if request.match_info["version"] == self.version else "no-cache")

    async def icon(self, request: web.Request) -> web.StreamResponse:
        """Browsers ask for this without being told to."""
        return _answer(request, self.files["icon.svg"], "no-cache")


async def to_directory(request: web.Request) -> web.StreamResponse:
    """``/ui`` and ``/app`` lead to their directory, relative to wherever the page is."""
    raise web.HTTPPermanentRedirect(f"{request.path.rsplit('/', 1)[-1]}/")


def _answer(request: web.Request, asset: Asset, caching: str) -> web.Response:
    headers = {
        hdrs.ETAG: asset.etag,
        hdrs.CACHE_CONTROL: caching,
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        hdrs.CONTENT_TYPE: asset.content_type,
    }
    if asset.etag in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        return web.Response(status=304, headers=headers)
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=asset.packed, headers=headers)
    return web.Response(body=asset.body, headers=headers)
