"""``phaeton vehicles [list | login | refresh | soc | simulate]``: the cars, by the API of the running daemon.

The daemon alone holds the tokens, because a Tesla refresh token can be spent by one program only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

OK = 0
FAILED = 1
WRONG_CONFIG = 2
TIMEOUT_S = 30.0


class _FailedError(Exception):
    """The text is for the person at the terminal."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``vehicles`` with its commands."""
    parser = subparsers.add_parser("vehicles", help="the cars of the running daemon: list, log in, try again")
    parser.add_argument("--url", default="", help="address of the page (from the configuration)")
    parser.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file")
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
    return _told(lambda: _say(table(_call(options, "GET", "/api/vehicles"))))


def log_in(options: argparse.Namespace) -> int:
    """Show the address to agree at, take the one where the browser landed."""

    def work() -> None:
        path = f"/api/vehicles/{quote(options.id, safe='')}/login"
        begun = _call(options, "POST", path, {})
        address = begun.get("url") if isinstance(begun, dict) else None
        _say(f"Open this address in a browser, log in and agree:\n\n{address}\n")
        _say("Then paste the whole address of the page where the browser landed (it may show an error):")
        _call(options, "POST", path, {"redirected": sys.stdin.readline().strip()})
        _say("Logged in.")

    return _told(work)


def refresh_vehicle(options: argparse.Namespace) -> int:
    """Let the daemon ask again."""

    def work() -> None:
        _call(options, "POST", f"/api/vehicles/{quote(options.id, safe='')}/refresh", {})
        _say("Asked; see `phaeton vehicles`.")

    return _told(work)


def type_in(options: argparse.Namespace) -> int:
    """Tell the daemon how full the car is."""

    def work() -> None:
        _call(options, "PUT", f"/api/vehicles/{quote(options.id, safe='')}/soc", {"soc_pct": options.percent})
        _say("Taken.")

    return _told(work)


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
    _say(
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


def _told(work: Callable[[], None]) -> int:
    try:
        work()
    except _FailedError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return OK


def _call(options: argparse.Namespace, method: str, path: str, body: object = None) -> object:
    """One request to the daemon; raises `_FailedError` with words for people."""
    base = options.url.rstrip("/") or _configured(options)
    data = None if body is None else json.dumps(body).encode()
    request = Request(base + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            found: object = json.load(answer)
            return found
    except HTTPError as error:
        try:
            detail = json.load(error).get("detail", "")
        except (ValueError, AttributeError):
            detail = ""
        raise _FailedError(detail or f"the daemon refused ({error.code})") from None
    except (URLError, OSError, ValueError):
        raise _FailedError(
            f"nobody answers at {base}: does the daemon run, is web.enabled on? Else name --url"
        ) from None


def _configured(options: argparse.Namespace) -> str:
    from phaeton.config.load import load  # noqa: PLC0415
    from phaeton.config.problems import ConfigError  # noqa: PLC0415

    try:
        web = load(options.config).config.web
    except ConfigError as error:
        raise _FailedError(str(error)) from None
    host = "127.0.0.1" if web.host in ("0.0.0.0", "::", "") else web.host
    return f"http://[{host}]:{web.port}" if ":" in host else f"http://{host}:{web.port}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
