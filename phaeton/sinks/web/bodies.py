"""The bodies of orders. What a person may write for a value is wider than one type: `phaeton.orders` judges it.

The schemas here say which forms are right; whatever is not gets the words of `phaeton.orders`.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

_DECIMALS = "([.,][0-9]{1,3})?"


def _forms(description: str, *forms: dict[str, object]) -> Meta:
    return Meta(description=description, extra_json_schema={"anyOf": list(forms)})


def _number(least: float, most: float) -> dict[str, object]:
    return {"type": "number", "minimum": least, "maximum": most}


def _above_0(most: float) -> dict[str, object]:
    return {"type": "number", "exclusiveMinimum": 0, "maximum": most}


def _word(*words: object) -> dict[str, object]:
    return {"enum": list(words)}


def _text(pattern: str) -> dict[str, object]:
    return {"type": "string", "pattern": f"^{pattern}$"}


NONE: dict[str, object] = {"type": "null"}
INSTANT = ({"type": "number"}, {"type": "string", "format": "date-time"})
SWITCH = (_word(0, 1), {"type": "boolean"}, _word("on", "off", "true", "false"))
PERCENT = _text(f"(100|[1-9]?[0-9]{_DECIMALS})")

Switch = Annotated[Any, _forms("On or off", *SWITCH)]
Energy = Annotated[Any, _forms("In kWh, above 0; null = none", _above_0(1000), NONE)]
Instant = Annotated[Any, _forms("UTC seconds, or RFC 3339 with its offset", *INSTANT)]
SocOrNone = Annotated[Any, _forms("In %", _number(1, 100), NONE)]


class ModeBody(Struct, frozen=True):
    """How the point is controlled."""

    mode: Annotated[
        Any,
        _forms(
            "0 or manual, 1 or auto, 2 or scheduled",
            _word(0, 1, 2),
            _word("manual", "auto", "scheduled"),
        ),
    ]


class StartStopBody(Struct, frozen=True):
    """Whether it may charge; `value` where both are there."""

    value: Switch | UnsetType = UNSET
    enabled: Switch | UnsetType = UNSET


class CurrentBody(Struct, frozen=True):
    """The current in manual mode."""

    amps: Annotated[Any, _forms("0 to 80 A", _number(0, 80), _text(f"(80([.,]0{{1,3}})?|[0-7]?[0-9]{_DECIMALS})"))]


class PhasesBody(Struct, frozen=True):
    """The phases."""

    phases: Annotated[Any, _forms("1 or 3; 0 or auto = the mode chooses", _word(0, 1, 3), _word("auto"))]


class BoostBody(Struct, frozen=True):
    """Charge as fast as may be, until one of the ends is reached."""

    on: Switch = True
    energy_kwh: Energy = None
    until: Annotated[Any, _forms("In the future and within a week", *INSTANT, NONE)] = None
    soc_pct: SocOrNone = None


class EnergyLimitBody(Struct, frozen=True):
    """How much this stay may take."""

    energy_kwh: Energy


class PowerCapBody(Struct, frozen=True):
    """The most that the point may draw."""

    power_w: Annotated[Any, _forms("0 to 100000 W; null takes the cap away", _number(0, 100_000), NONE)]


class AcceptBody(Struct, frozen=True):
    """Take a charger over that is another one than last time."""

    serial: Annotated[str, Meta(description="The serial number of the charger that answers now")]


class GoalBody(Struct, frozen=True):
    """So much in the car at a time, once: by state of charge or by energy, one of them."""

    departure: Instant
    soc_pct: SocOrNone = None
    energy_kwh: Annotated[Any, _forms("In kWh", _above_0(1000), _text(f"[1-9][0-9]{{0,2}}{_DECIMALS}"), NONE)] = None


class SocLimitsBody(Struct, frozen=True):
    """Least and most state of charge; null = as configured."""

    min_soc_pct: Annotated[Any, _forms("0 to 100 %", _number(0, 100), NONE)] | UnsetType = UNSET
    limit_soc_pct: Annotated[Any, _forms("1 to 100 %", _number(1, 100), NONE)] | UnsetType = UNSET


class SocBody(Struct, frozen=True):
    """How full the car is."""

    soc_pct: Annotated[Any, _forms("0 to 100 %", _number(0, 100), PERCENT)]


class LoginBody(Struct, frozen=True):
    """Empty to begin; the address that the browser landed on to end."""

    redirected: str | UnsetType = UNSET


class VehicleBody(Struct, frozen=True):
    """Which car is here."""

    vehicle: Annotated[str | None, Meta(description="Its id; empty = a guest, null = find out")]
