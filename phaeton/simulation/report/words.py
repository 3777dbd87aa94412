"""Numbers and times as a person reads them, with their units."""

from __future__ import annotations

from datetime import UTC, datetime

from phaeton.calendar_days import wall_s
from phaeton.model import Zone

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_THIN = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"


def number(value: float, decimals: int = 0) -> str:
    """``1,234.5``, with a true minus and without a negative zero."""
    text = f"{value:,.{decimals}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else _MINUS + text[1:]
    return text


def energy(kwh: float) -> str:
    """``12.3 kWh`` or ``1.23 MWh``."""
    if abs(kwh) >= 10_000:
        return f"{number(kwh / 1000, 1)}{_THIN}MWh"
    return f"{number(kwh, 1 if abs(kwh) < 1000 else 0)}{_THIN}kWh"


def money(amount: float, currency: str) -> str:
    """``12.34 EUR``."""
    return f"{number(amount, 2)}{_THIN}{currency}"


def share(part: float, whole: float) -> str:
    """``12 %``; nothing of nothing is 0."""
    return f"{number(100 * part / whole if whole else 0.0)}{_THIN}%"


def length(minutes: float) -> str:
    """``35 min`` or ``2 h 05 min``."""
    whole = round(minutes)
    if whole < 60:
        return f"{whole}{_THIN}min"
    return f"{whole // 60}{_THIN}h {whole % 60:02d}{_THIN}min"


def month(name: str) -> tuple[str, str]:
    """``2024-06`` as ("Jun", "2024")."""
    return _MONTHS[int(name[5:]) - 1], name[:4]


def local(zone: Zone, text: str) -> datetime:
    """The wall clock at an instant of the result, as if it were UTC."""
    return datetime.fromtimestamp(wall_s(zone, datetime.fromisoformat(text).timestamp()), UTC)


def day(at: datetime) -> str:
    """``1 Jun 2024``."""
    return f"{at.day}{_THIN}{_MONTHS[at.month - 1]}{_THIN}{at.year}"


def moment(at: datetime) -> str:
    """``Sat 1 Jun, 17:05``."""
    return f"{at:%a} {at.day}{_THIN}{_MONTHS[at.month - 1]}, {at:%H:%M}"
