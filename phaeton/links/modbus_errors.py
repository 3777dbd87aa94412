"""What can go wrong on a Modbus link."""

from __future__ import annotations

EXCEPTIONS = {
    1: "illegal function",
    2: "illegal address",
    3: "illegal value",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "busy",
    8: "memory error",
    10: "no path to the device",
    11: "the device behind the gateway does not answer",
}
"""Exception numbers of Modbus in words."""


class LinkError(Exception):
    """Something went wrong on a Modbus link; the message says what."""


class UnreachableError(LinkError):
    """No connection, or no answer in time."""


class BadAnswerError(LinkError):
    """An answer that does not fit the request; the connection was closed."""


class RefusedError(LinkError):
    """The charger answered with an exception; the connection stays."""

    def __init__(self, code: int, detail: str = "") -> None:
        self.code = code
        super().__init__(detail or f"refused with exception {code} ({EXCEPTIONS.get(code, 'unknown')})")
