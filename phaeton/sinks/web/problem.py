"""Errors as problem details (RFC 9457), with the field that is wrong."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: int, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field


def response(status: int, detail: str, field: str | None = None) -> web.Response:
    """The document: ``type``, ``title``, ``status``, ``detail``, and ``field`` where one is to blame."""
    body: dict[str, str | int] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    return web.Response(status=status, text=json.dumps(body), content_type=MEDIA_TYPE)
