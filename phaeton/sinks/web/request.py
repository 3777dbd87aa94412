"""Texts and values of requests become values of ours, or a problem that names the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from phaeton import orders
from phaeton.orders import OrderError
from phaeton.sinks.web.problem import ProblemError

Made = TypeVar("Made")


def named(make: Callable[[], Made], name: str) -> Made:
    """Make an order; what is wrong with it is told with the name of the field."""
    try:
        return make()
    except OrderError as error:
        raise ProblemError(422, str(error), name, code=error.code, values=error.values) from None


def instant(text: str, name: str) -> float:
    """UTC seconds from a number or from RFC 3339 text with its offset."""
    return named(lambda: orders.instant(text, name), name)
