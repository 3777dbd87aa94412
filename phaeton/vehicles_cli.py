"""``phaeton vehicles [list | login | refresh | soc | simulate]``: the cars, by the API of the running daemon.

The daemon alone holds the tokens, because a Tesla refresh token can be spent by one program only.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from urllib.parse import quote

from phaeton.daemon_client import FAILED, OK, add_address, call, say, told


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``vehicles`` with its commands."""
    parser = subparsers.add_parser("vehicles", help="the cars of the running daemon: list, log in, try again")
    add_address(parser)
    parser.set_defaults(handler=list_vehicles)
    commands = parser.add_subparsers(metavar="COMMAND")
    listing = commands.add_parser("list", help="a table of the cars (this is also what no command does)")
    listing.set_defaults(handler=list_vehicles)
    login = commands.add_parser("login", help="connect a Tesla account")
    login.add_argument("id", help="id of the car")
    login.set_defaults(handler=log_in)
    refresh = commands.add_parser("refresh", help="ask the service of a car again now; never wakes it")
    refresh.add_argument("id", help="id of the car")
    refresh.set_defaults(handler=refresh_vehicle)
    soc = commands.add_parser("soc", help="say how full a car is")
    soc.add_argument("id", help="id of the car")
    soc.add_argument("percent", help="state of charge in percent")
    soc.set_defaults(handler=type_in)
    simulated = commands.add_parser("simulate", help="simulated services of cars on this machine, to try settings")
    simulated.add_argument("--port", type=int, default=8099, help="port (8099)")
    simulated.add_argument("--trouble", default="", help="misbehave: rate_limit, server, login_required, hang, ...")
    simulated.set_defaults(handler=simulate)


def list_vehicles(options: argparse.Namespace) -> int:
    """Print the table."""
    return told(lambda: say(table(call(options, "GET", "/api/vehicles"))))


def log_in(options: argparse.Namespace) -> int:
    """Show the address to agree at, take the one where the browser landed."""

    def work() -> None:
        path = f"/api/vehicles/{quote(options.id, safe='')}/login"
        begun = call(options, "POST", path, {})
        address = begun.get("url") if isinstance(begun, dict) else None
        say(f"Open this address in a browser, log in and agree:\n\n{address}\n")
        say("Then paste the whole address of the page where the browser landed (it may show an error):")
        call(options, "POST", path, {"redirected": sys.stdin.readline().strip()})
        say("Logged in.")

    return told(work)


def refresh_vehicle(options: argparse.Namespace) -> int:
    """Let the daemon ask again."""

    def work() -> None:
        call(options, "POST", f"/api/vehicles/{quote(options.id, safe='')}/refresh", {})
        say("Asked; see `phaeton vehicles`.")

    return told(work)


def type_in(options: argparse.Namespace) -> int:
    """Tell the daemon how full the car is."""

    def work() -> None:
        call(options, "PUT", f"/api/vehicles/{quote(options.id, safe='')}/soc", {"soc_pct": options.percent})
        say("Taken.")

    return told(work)


def simulate(options: argparse.Namespace) -> int:
    """Run the simulated services until Ctrl-C."""
    return asyncio.run(_simulate(options.port, options.trouble))


async def _simulate(port: int, trouble: str) -> int:
    from phaeton.simulation.vehicle_service import SimulatedVehicleService  # noqa: PLC0415 - heavy

    service = SimulatedVehicleService()
    service.trouble = trouble
    try:
        await service.start(port)
    except OSError as error:
        sys.stderr.write(f"port {port} cannot be used: {error.strerror}\n")
        return FAILED
    say(
        f"""Simulated cars at {service.address}; stop with Ctrl-C. A configuration to try:

vehicles:
  - id: tesla
    battery_kwh: 75
    source: tesla
    tesla: {{base_url: "{service.address}", client_id: {service.client_id}, refresh_token: first-refresh,
            token_url: "{service.address}/oauth2/v3/token", authorize_url: "{service.address}/oauth2/v3/authorize"}}
  - id: json
    source: http_json
    http_json: {{url: "{service.address}/car.json", soc: car.soc, plugged: car.plugged, time: car.ts}}
  - id: homeassistant
    source: homeassistant
    homeassistant: {{url: "{service.address}", token: fixed-token, soc: sensor.car_battery_level}}"""
    )
    try:
        await asyncio.Event().wait()
    finally:
        await service.stop()
    return OK


def table(cars: object) -> str:
    """The cars as columns for people."""
    rows = [("CAR", "AT", "CHARGE", "READ", "LIMIT", "GOAL", "SOURCE", "NEXT", "TODAY")]
    notes = []
    for car in cars if isinstance(cars, list) else []:
        info, goal = car["info"], car["goal"]
        left = info["requests_left"]
        rows.append(
            (
                car["name"],
                car["point"] or "away",
                _charge(car),
                _ago(car["soc_age_s"]),
                _percent(car["limit_soc_pct"]),
                _goal(goal),
                info["source"] + (f" ({info['reach']})" if info["reach"] != "unknown" else ""),
                _ago(info["next_read_s"]) if info["next_read_s"] is not None else "-",
                f"{info['requests_today']} asked, {info['wakes_today']} woken"
                + ("" if left is None else f", {left} left"),
            )
        )
        if info["note"] or info["refused"]:
            notes.append(f"{car['name']}: {info['note'] or info['refused']}")
    if len(rows) == 1:
        return "No car is configured: add `vehicles:` to the configuration."
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def _charge(car: dict[str, float | None]) -> str:
    soc, sigma = car["soc_pct"], car["soc_sigma_pct"]
    if soc is None:
        return "unknown"
    return f"{soc:.0f} %" + ("" if sigma is None or sigma < 1.5 else f" ±{sigma:.0f}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} %"


def _goal(goal: dict[str, object]) -> str:
    if goal["departure"] is None:
        return "-"
    what = f"{goal['soc_pct']:.0f} %" if goal["soc_pct"] is not None else f"{goal['energy_kwh']} kWh"
    return f"{what} by {goal['departure']}"


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
