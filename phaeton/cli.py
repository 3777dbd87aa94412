"""The commands, from run and demo to token and config. Heavy imports wait until one needs them.

Exit codes: 0 all well, 1 it failed, 2 the configuration or the command line is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from phaeton import __version__

FAILED = 1
WRONG_CONFIG = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    command = options.handler
    try:
        return int(command(options))
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    from phaeton.access_cli import add_parsers as add_access  # noqa: PLC0415
    from phaeton.backup.cli import add_parsers as add_backup  # noqa: PLC0415
    from phaeton.config.cli import add_parser  # noqa: PLC0415
    from phaeton.exercise.cli import add_arguments as add_exercise  # noqa: PLC0415
    from phaeton.plan_cli import add_parser as add_plan  # noqa: PLC0415
    from phaeton.profile_cli import add_parser as add_profile  # noqa: PLC0415
    from phaeton.replay.cli import add_parser as add_replay  # noqa: PLC0415
    from phaeton.simulation.cli import add_parser as add_simulate  # noqa: PLC0415
    from phaeton.sources.prices.cli import add_parser as add_prices  # noqa: PLC0415
    from phaeton.support.cli import add_parser as add_support  # noqa: PLC0415
    from phaeton.update_cli import add_parser as add_update  # noqa: PLC0415
    from phaeton.vehicles_cli import add_parser as add_vehicles  # noqa: PLC0415

    parser = argparse.ArgumentParser(
        prog="phaeton",
        description="EV charging for Victron Venus OS.",
        epilog="Exit codes: 0 well, 1 failed, 2 configuration.",
    )
    parser.add_argument("--version", action="version", version=f"phaeton {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="control the charger, as a daemon")
    run.add_argument("-c", "--config", type=Path, metavar="FILE", help="the configuration file")
    run.set_defaults(handler=_run)
    demo = commands.add_parser("demo", help="a simulated charger, car and house, and the page")
    demo.add_argument("--speed", type=_speed, default=20.0, metavar="N", help="how fast weather and batteries run (20)")
    demo.add_argument("--port", type=_port, default=8088, help="port of the page (8088)")
    demo.add_argument("--seed", type=int, default=1, help="which day (1)")
    demo.add_argument("--profile", type=_profile, default=None, help="kind of charger (alfen_ng9xx)")
    demo.set_defaults(handler=_demo)
    probe = commands.add_parser("probe", help="look at a charger and tell what is wrong with its settings")
    probe.add_argument("host", help="host name or address of the charger")
    probe.add_argument("--port", type=_port, default=None, help="TCP port (the profile's)")
    probe.add_argument("--profile", default=None, help="kind of charger; found by itself when left out")
    probe.add_argument("--profile-file", default="", metavar="FILE", help="a profile of your own")
    add_exercise(probe)
    probe.set_defaults(handler=_probe)
    add_profile(commands)
    add_replay(commands)
    add_simulate(commands)
    add_prices(commands)
    add_plan(commands)
    add_vehicles(commands)
    add_support(commands)
    add_update(commands)
    add_access(commands)
    add_backup(commands)
    add_parser(commands)
    api = commands.add_parser("api", help="print the API's document (OpenAPI)")
    api.add_argument("--markdown", action="store_true", help="as tables for people")
    api.set_defaults(handler=_api)
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError("a port is from 1 to 65535")
    return port


def _profile(text: str) -> str:
    from phaeton.config.rules import shipped_profiles  # noqa: PLC0415

    if text not in shipped_profiles():
        raise argparse.ArgumentTypeError(f"no profile is called {text!r}; phaeton profile list prints them")
    return text


def _speed(text: str) -> float:
    speed = float(text)
    if not 0.1 <= speed <= 1000:
        raise argparse.ArgumentTypeError("the speed is from 0.1 to 1000")
    return speed


def _run(options: argparse.Namespace) -> int:
    from phaeton.app.first_start import beginning, is_first  # noqa: PLC0415
    from phaeton.config.load import load  # noqa: PLC0415
    from phaeton.config.problems import ConfigError  # noqa: PLC0415
    from phaeton.sinks.store.place import directory  # noqa: PLC0415

    while True:
        try:
            loaded = beginning() if options.config is None and is_first() else load(options.config)
            if _put_in_place(directory(loaded.config.store.directory)):
                loaded = load(options.config)
        except ConfigError as error:
            print(error, file=sys.stderr)
            return WRONG_CONFIG
        from phaeton.app.main import ANEW, RESTART, serve  # noqa: PLC0415

        code = asyncio.run(serve(loaded))
        if code == RESTART:
            from phaeton.updates.restart import start_again  # noqa: PLC0415 - an update is rare

            return start_again()
        if code != ANEW:
            return code


def _put_in_place(store: Path) -> bool:
    """A backup that was made ready to be restored, before anything uses the store."""
    from phaeton.backup import STAGED, waits  # noqa: PLC0415

    if not waits(store) and not (store / STAGED).exists():
        return False
    from phaeton.backup.restoring import finish  # noqa: PLC0415 - rarely needed

    try:
        done = finish(store)
    except OSError as error:
        print(f"the backup cannot be put in place yet, it is tried again at the next start: {error}", file=sys.stderr)
        return True
    if done is not None:
        print(f"a backup was taken over; what was there before is in {done.aside}", file=sys.stderr)
    return done is not None


def _api(options: argparse.Namespace) -> int:
    from phaeton.sinks.web.api_document import show  # noqa: PLC0415

    return show(options)


def _demo(options: argparse.Namespace) -> int:
    from phaeton.app.main import RESTART  # noqa: PLC0415

    code = asyncio.run(_demonstrate(options))
    if code == RESTART:
        from phaeton.updates.restart import start_again  # noqa: PLC0415 - an update is rare

        return start_again()
    return code


async def _demonstrate(options: argparse.Namespace) -> int:
    from phaeton.config.load import parse  # noqa: PLC0415
    from phaeton.config.writing import to_yaml  # noqa: PLC0415
    from phaeton.simulation.demo_world import DemoWorld  # noqa: PLC0415

    async with DemoWorld(speed=options.speed, seed=options.seed, profile=options.profile or "alfen_ng9xx") as world:
        if world.bus_address is not None:
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = world.bus_address
            print("demo: a simulated GX on a private D-Bus", flush=True)
        else:
            os.environ["DBUS_SESSION_BUS_ADDRESS"] = (
                "unix:path=/nonexistent/phaeton-demo"  # never the machine's own bus
            )
            print("demo: without D-Bus, because dbus-daemon is not installed", flush=True)
        print(
            f"demo: a simulated charger ({world.profile}) on {world.charger_host}:{world.charger_port}, "
            f"weather at {options.speed:g}x",
            flush=True,
        )
        print(f"demo: open http://127.0.0.1:{options.port} - stop with Ctrl-C", flush=True)
        from phaeton.app.main import ANEW, serve  # noqa: PLC0415

        config = world.config(options.port)
        file = Path(config.store.directory).with_name("phaeton_config.yaml")
        file.write_text(to_yaml(config))
        site = None if world.bus_address is not None else world.site_readings
        while True:
            code = await serve(parse(file.read_text(), file), site=site)
            if code != ANEW:
                return code
            _put_in_place(Path(config.store.directory))


def _probe(options: argparse.Namespace) -> int:
    if options.exercise or options.restore is not None:
        from phaeton.exercise.cli import exercise  # noqa: PLC0415

        return exercise(options)
    from phaeton.config.tree import Charger  # noqa: PLC0415
    from phaeton.probe import probe, probe_any  # noqa: PLC0415

    named = options.profile or options.profile_file
    if not named:
        report = asyncio.run(probe_any(options.host, options.port))
    else:
        charger = Charger(
            host=options.host,
            port=options.port,
            profile=options.profile or "alfen_ng9xx",
            profile_file=options.profile_file,
        )
        report = asyncio.run(probe(charger))
    print(report.text)
    return 0 if report.ok else FAILED
