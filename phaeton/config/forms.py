"""The forms that texts of the configuration have, and how each is told to a person."""

from __future__ import annotations

CLOCK = "^([01][0-9]|2[0-3]):[0-5][0-9]$"
CLOCK_END = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
URL = "^(https?://[!-~]+)?$"
ENTITY = r"^([a-z0-9_]+\.[a-z0-9_]+)?$"

_WORDS = {
    CLOCK: "HH:MM from 00:00 to 23:59, such as 07:30",
    CLOCK_END: "HH:MM from 00:00 to 24:00, such as 07:30",
    URL: "http://... or https://..., without spaces",
    ENTITY: "kind.name in small letters, such as sensor.car_soc",
}


def told(pattern: str) -> str:
    """The form in words; a rare one is told as its pattern."""
    return _WORDS.get(pattern, pattern)
