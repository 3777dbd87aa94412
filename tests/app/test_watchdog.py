"""What is stuck is noticed and begun anew; a loop that hangs ends the process with a trace."""

from __future__ import annotations

import asyncio
import faulthandler
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from phaeton.app.daemon import Daemon
from phaeton.app.watchdog import NO_DECISION_S, NO_WORD_S
from phaeton.config.tree import Charger, Config, Site, Store
from phaeton.config.tree_web import Web
from phaeton.simulation.charger import SimulatedAlfen
from tests.waiting import until


@pytest.fixture
async def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Daemon]:
    """A daemon in this process, with a charger and without a bus."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    charger = SimulatedAlfen()
    await charger.start()
    running = Daemon(
        Config(
            chargers=(Charger(host="127.0.0.1", port=charger.port, id="car"),),
            store=Store(directory=str(tmp_path / "state")),
            web=Web(enabled=False),
        )
    )
    await running.start()
    await until(lambda: running.output is not None and running.output.decision.points[0].reachable)
    yield running
    await running.stop()
    await charger.stop()


def later(daemon: Daemon, by_s: float) -> None:
    """Let the daemon's even clock stand further on."""
    mono_s, utc_s = daemon.now()
    daemon.now = lambda: (mono_s + by_s, utc_s)  # type: ignore[method-assign]


async def test_a_graph_that_no_longer_decides_is_begun_anew(daemon: Daemon) -> None:
    assert daemon._ticking is not None
    daemon._ticking.dispose()
    before = daemon.output
    clock = daemon.now
    later(daemon, NO_DECISION_S + 1)
    daemon.watchdog.look()
    daemon.now = clock  # type: ignore[method-assign]
    assert daemon.watchdog.restarts >= 1
    await until(lambda: daemon.output is not before)
    assert daemon.output is not None
    assert daemon.output.decision.points[0].reachable, "it goes on from its last state"


async def test_a_source_that_says_nothing_is_begun_anew(daemon: Daemon) -> None:
    live = daemon.live["car"]
    live._subscription.dispose()  # type: ignore[union-attr]
    clock = daemon.now
    live.heard_s = daemon.now()[0] - NO_WORD_S - 1
    daemon.watchdog.look()
    heard_s = live.heard_s
    await until(lambda: live.heard_s > heard_s)
    assert daemon.now == clock


async def test_a_healthy_daemon_is_left_alone(daemon: Daemon) -> None:
    daemon.watchdog.look()
    assert daemon.watchdog.restarts == 0


async def test_a_required_bus_may_be_away_for_longer_than_a_loop_may_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus")
    armed: list[float] = []
    monkeypatch.setattr(faulthandler, "dump_traceback_later", lambda after_s, **_: armed.append(after_s))
    waiting = Daemon(
        Config(
            chargers=(Charger(host="127.0.0.1", id="car"),),
            site=Site(require_dbus=True),
            store=Store(directory=str(tmp_path / "state")),
        )
    )
    starting = asyncio.create_task(waiting.start())
    await until(lambda: "no connection to D-Bus" in caplog.text)
    assert not starting.done()
    assert armed == []
    starting.cancel()
    await waiting.stop()


def test_a_loop_that_hangs_ends_the_process_with_a_trace() -> None:
    hang = (
        "import threading\n"
        "from phaeton.app import watchdog\n"
        "watchdog.LOOP_STUCK_S = 0.3\n"
        "def the_place_where_it_hangs():\n"
        "    threading.Event().wait(30)\n"
        "watchdog.Watchdog(None).arm()\n"
        "the_place_where_it_hangs()\n"
    )
    ended = subprocess.run([sys.executable, "-c", hang], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 1
    assert "the_place_where_it_hangs" in ended.stderr
