"""Looks at a charger once, without writing to it, and tells in words what is wrong with the installer's settings."""

from __future__ import annotations

import contextlib
import re
import time

from msgspec import Struct

from phaeton.config.rules import shipped_profiles
from phaeton.config.tree import Charger
from phaeton.links.modbus import BadAnswerError, LinkError, LinkSettings, ModbusLinks, RefusedError
from phaeton.model import ChargerIdentity, ChargerReading, Phases
from phaeton.profiles import Profile, ProfileError, identity_of, load_profile, place_of, port_of, reading_of
from phaeton.sources.charger_blocks import BlockReader
from phaeton.sources.charger_recognition import recognise
from phaeton.sources.charger_search import search

_SHORT_VALIDITY_S = 10.0
_LEAST_CURRENT_A = 6.0


class Report(Struct, frozen=True):
    """What was found; ``ok`` is False when control would not work."""

    ok: bool
    text: str
    seen: tuple[str, ...] = ()
    """What was found, line by line."""
    problems: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


class _Lines:
    """Collects what was seen and what is wrong."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.problems: list[str] = []
        self.hints: list[str] = []

    def report(self) -> Report:
        lines = list(self.seen)
        lines += [f"PROBLEM: {problem}" for problem in self.problems]
        lines += [f"note: {hint}" for hint in self.hints]
        lines.append("Control would not work." if self.problems else "All good: this charger can be controlled.")
        return Report(
            ok=not self.problems,
            text="\n".join(lines),
            seen=tuple(line.strip() for line in self.seen),
            problems=tuple(self.problems),
            hints=tuple(self.hints),
        )


async def probe(charger: Charger, running: ModbusLinks | None = None) -> Report:
    """Connect, read identity and one poll of the first socket, and judge them.

    A charger that cannot be reached or is set up wrongly is a finding, not an error. With ``running`` the charger is
    read in turn with all others who do over those links, which stay open; a charger bears few connections.
    """
    lines = _Lines()
    try:
        profile = load_profile(charger.profile, charger.profile_overlay, file=charger.profile_file)
    except ProfileError as error:
        lines.problems.append(str(error))
        return lines.report()
    port = port_of(profile, 1, charger.port)
    async with contextlib.AsyncExitStack() as stack:
        links = running
        if links is None:
            links = await stack.enter_async_context(ModbusLinks())
        link = links.get(charger.host, port, LinkSettings.of(profile.transport))
        place = place_of(profile, 1, charger.unit, charger.station_unit)
        try:
            found = await recognise(profile, place, BlockReader(link, charger.host))
        except LinkError as error:
            lines.problems.append(_unreadable(error, charger.host, port, profile))
            return lines.report()
        times = (time.monotonic(), time.time())
        identity = identity_of(found.profile, found.values, "", *times)
        reading = reading_of(found.profile, found.values, "", *times)
    lines.seen.append(f"{profile.name} at {charger.host}:{port}")
    _describe(lines, identity, reading)
    if found.problem:
        lines.problems.append(f"this does not look like a {profile.name}: {found.problem}")
    elif found.note:
        lines.hints.append(f"{found.note}; Phaeton finds that by itself at each connect")
    _judge_settings(lines, profile, reading)
    _judge_firmware(lines, profile, identity.firmware)
    if lines.problems and profile.install:
        lines.hints.append("what the installer must have set: " + "; ".join(profile.install))
    return lines.report()


async def probe_any(host: str, port: int | None = None) -> Report:
    """Find out which kind of charger answers, by reads alone, and look at it as `probe` does."""
    found = await search(host, [load_profile(name) for name in shipped_profiles()], port)
    if not found.best:
        if not found.answered:
            return await probe(Charger(host=host, port=port))
        lines = _Lines()
        lines.problems.append(
            f"{host} speaks Modbus, but none of the chargers that Phaeton knows fits; name it with --profile, or see "
            "docs/chargers.md for a profile of your own"
        )
        return lines.report()
    best = found.best[0]
    profile = best.profile
    unit = None if best.unit == profile.transport.unit else best.unit
    report = await probe(Charger(host=host, port=port, profile=profile.id, unit=unit))
    said = [f"recognised by itself ({best.sure}): {profile.name}; in the configuration: profile: {profile.id}"]
    if unit is not None:
        said.append(f"  and unit: {unit}, which is not the usual one")
    said += [f"  it may as well be: {other.profile.name} (--profile {other.profile.id})" for other in found.best[1:]]
    return Report(ok=report.ok, text="\n".join([*said, report.text]))


def _unreadable(error: LinkError, host: str, port: int, profile: Profile) -> str:
    why = str(error)
    if isinstance(error, RefusedError):
        return f"{host}:{port} answers, but {why}: reading is not allowed, or it is no {profile.name}"
    if isinstance(error, BadAnswerError):
        return (
            f"{host}:{port} answers, but wrongly ({why}): it speaks no Modbus TCP, or another program or a gateway "
            "between disturbs it; end other programs that read it and try again"
        )
    lower = why.lower()
    if "closed the connection" in lower:
        return f"{host}:{port} takes the connection, but {why}: it serves other programs already, or it is no charger"
    if "refused" in lower:
        clients = profile.transport.max_clients
        many = f", or {clients} other programs are connected already" if clients else ""
        return f"{why}: Modbus is not enabled in the charger{many}"
    if "name or service" in lower or "not known" in lower or "resolution" in lower:
        return f"{why}: the network knows no {host}; use the charger's address"
    if "no answer" in lower:
        return (
            f"{host}:{port} takes the connection, but {why}: wrong unit, another kind of charger, or it hangs; "
            "end other programs that read it and try again"
        )
    return f"{why}: is the charger on, wired to this network, and is {host} its address?"


def _describe(lines: _Lines, identity: ChargerIdentity, reading: ChargerReading) -> None:
    parts = [("", identity.manufacturer), ("model ", identity.model), ("serial number ", identity.serial)]
    parts += [("firmware ", identity.firmware), ("name ", identity.name)]
    lines.seen.append("  " + ", ".join(label + text for label, text in parts if text))
    if identity.sockets > 1:
        lines.seen.append(f"  {identity.sockets} sockets; this is the first")
    state = f"{reading.state} ({reading.state_text})" if reading.state_text else str(reading.state)
    fault = f", fault: {reading.fault_text or reading.fault}" if reading.fault else ""
    lines.seen.append(f"  state {state}{fault}")
    lines.seen.append(
        f"  {_listed(reading.voltage_v)} V, {_listed(reading.current_a)} A, "
        f"power {_shown(reading.power_w, 'W')}, meter {_shown(reading.energy_kwh, 'kWh')}"
    )
    lines.seen.append(
        f"  limits: set {_shown(reading.limit_set_a, 'A')} for another {_shown(reading.limit_remaining_s, 's')}, "
        f"applied {_shown(reading.limit_actual_a, 'A')}, without control {_shown(reading.limit_safe_a, 'A')}, "
        f"at most {_shown(reading.limit_max_a, 'A')}"
    )
    phases = "can be chosen" if identity.can_switch_phases else "cannot be chosen"
    lines.seen.append(f"  phases {phases}{'' if reading.phases_set is None else f', now {reading.phases_set}'}")


def _judge_settings(lines: _Lines, profile: Profile, reading: ChargerReading) -> None:
    if profile.control.kind == "none":
        lines.problems.append("this kind of charger can only be read")
    if reading.limit_used is False:
        lines.problems.append(
            "the charger ignores the current that is written to it: let the installer switch on control by an energy "
            "management system for this socket"
        )
    safe_a = reading.limit_safe_a
    if "limit_safe" in profile.points:
        if not safe_a:
            lines.problems.append("the safe current is not set: without it the charger takes no setpoints")
        elif safe_a < _LEAST_CURRENT_A:
            lines.hints.append(f"without Phaeton the car does not charge (safe current {safe_a:g} A)")
        else:
            lines.hints.append(f"without Phaeton the car charges at {safe_a:g} A")
    if "limit_remaining" in profile.points:
        left_s = reading.limit_remaining_s or 0.0
        if left_s > 0:
            lines.hints.append(f"a setpoint is alive for another {left_s:g} s: something controls this charger now")
        if 0 < left_s < _SHORT_VALIDITY_S:
            lines.hints.append(
                "the validity time of setpoints may be very short; let the installer set it to 60 s or more"
            )
    if reading.power_w is None and reading.energy_kwh is None:
        lines.hints.append("the meter gives no values: energy and cost will be missing")
    if profile.evidence.confidence != "high":
        lines.hints.append(
            f"the profile of this charger is of {profile.evidence.confidence} confidence: Phaeton only reads it until "
            "profile_confirmed: true is set for it; compare the values above with the charger first"
        )


def _judge_firmware(lines: _Lines, profile: Profile, firmware: str) -> None:
    rules = profile.firmware
    if not firmware:
        return
    if rules.least and _version(firmware) < _version(rules.least):
        lines.problems.append(f"firmware {firmware} is too old, it must be {rules.least} or newer")
    elif rules.better and _version(firmware) < _version(rules.better):
        lines.hints.append(f"firmware {firmware} is older than {rules.better}: {rules.why}")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _shown(value: float | None, unit: str) -> str:
    return "unknown" if value is None else f"{value:g} {unit}"


def _listed(values: Phases) -> str:
    return " / ".join("-" if value is None else f"{value:g}" for value in values)
