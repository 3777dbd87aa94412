"""The profiles as a table for docs/chargers.md."""

from __future__ import annotations

from collections.abc import Sequence

from phaeton.profiles.schema import Profile

_HEAD = ("Profile", "Charger", "Connection", "Setpoint", "Phases", "Confidence")


def table(profiles: Sequence[Profile]) -> str:
    """Markdown, one row for each profile."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *(_row(profile) for profile in profiles)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(profile: Profile) -> tuple[str, ...]:
    transport, control, limit = profile.transport, profile.control, profile.control.limit
    kind = "TCP" if transport.kind == "tcp" else "RTU over TCP"
    unit = "W" if control.kind == "power" else "A"
    setpoint = "-" if limit is None else f"{limit.min:g} to {limit.max:g} {unit}, steps of {limit.step:g}"
    phases = "no" if control.phases.switch == "none" else "if it can" if control.phases.if_ else "yes"
    proven = profile.evidence.confidence == "high"
    confidence = profile.evidence.confidence + ("" if proven else ", read only until confirmed")
    name = profile.name.replace("|", "/")
    return (f"`{profile.id}`", name, f"{kind} {transport.port}, unit {transport.unit}", setpoint, phases, confidence)
