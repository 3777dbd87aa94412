"""Errors that end a request, with the field that is wrong."""

from __future__ import annotations

from collections.abc import Mapping

PROBLEM_TYPE = "application/problem+json"
"""The content type of a problem document (RFC 9457)."""


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        code: str = "",
        values: Mapping[str, float | str] | None = None,
    ) -> None:
        """``code`` names the problem for who says it in another language, with the ``values`` of its words."""
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.code = code
        self.values = dict(values or {})
