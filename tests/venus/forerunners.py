"""The two forerunners on a device, as their own instructions put them there."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

from tests.config.test_forerunner import RUST
from tests.venus.gx import Gx

STATE = '{"mode": 1, "start_stop": 1, "set_current": 9.0, "insufficient_solar_start": 0.0, "session": null}'


def rust(gx: Gx, line: str = "{data}/phaeton/phaeton 1000 >> {data}/phaeton.log 2>&1 &") -> None:
    """rhernaus/phaeton: a program that stays, in the folder that is ours as well."""
    gx.home.mkdir()
    program = shutil.which("sleep")
    assert program is not None
    shutil.copy(Path(program).resolve(), gx.home / "phaeton")
    (gx.home / "webui").mkdir()
    (gx.home / "webui/index.html").write_text("its page")
    gx.config.write_text(RUST)
    (gx.data / "phaeton_state.json").write_text(STATE)
    _starts_at_boot(gx, ["cd {data}/phaeton", line, "exit 0"])


def python(gx: Gx) -> None:
    """rhernaus/victron-alfen-charger: a checkout and a virtual environment."""
    folder = gx.data / "victron-alfen-charger"
    folder.mkdir()
    (folder / "main.py").write_text("import time\ntime.sleep(1000)\n")
    (folder / "alfen_driver_config.yaml").write_text(RUST)
    (gx.data / "alfen_driver_config.json").write_text(STATE)
    environment = gx.data / "alfen-venv/bin"
    environment.mkdir(parents=True)
    (environment / "python3").symlink_to(sys.executable)
    path = "export PYTHONPATH=/opt/victronenergy/velib_python:$PYTHONPATH"
    _starts_at_boot(gx, [path, "{data}/alfen-venv/bin/python3 {data}/victron-alfen-charger/main.py &"])


def running(gx: Gx) -> list[int]:
    """The processes of a forerunner."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0") if folder.name.isdigit() else []
        except OSError:
            continue  # it has ended meanwhile
        own = {str(gx.home / "phaeton"), str(gx.data / "victron-alfen-charger/main.py")}
        if own.intersection(words[:2]):
            found.append(int(folder.name))
    return found


def end(gx: Gx) -> None:
    """End what runs."""
    for pid in running(gx):
        os.kill(pid, signal.SIGKILL)


def _starts_at_boot(gx: Gx, lines: list[str]) -> None:
    text = "\n".join(["#!/bin/sh", "true # mine", *lines, ""])
    gx.rc_local.write_text(text.replace("{data}", str(gx.data)))
    gx.rc_local.chmod(0o755)
