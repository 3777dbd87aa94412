"""The service under the real daemontools: it starts, is renewed, writes its log and is gone afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from phaeton.updates.place import Place
from tests.venus.gx import PATIENCE_S, STAYS, Gx
from tests.waiting import until


@pytest.fixture
def supervised(gx: Gx) -> Iterator[Gx]:
    """A device with Phaeton, whose services are looked after."""
    gx.installed(gx.release("1.0", STAYS), "--charger", "192.0.2.7", "--unsigned")
    with subprocess.Popen(
        ["svscan", gx.root / "service"], env=gx.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        yield gx
        process.kill()
        process.wait()
        service = gx.home / "service"
        if service.exists():
            subprocess.run(["svc", "-dx", service, service / "log"], env=gx.environ, timeout=PATIENCE_S, check=False)


def up(gx: Gx) -> bool:
    said = subprocess.run(
        ["svstat", gx.home / "service"], env=gx.environ, capture_output=True, timeout=PATIENCE_S, check=False
    )
    return b": up" in said.stdout


async def test_it_runs_is_renewed_and_goes(supervised: Gx) -> None:
    gx = supervised
    old, new = f"phaeton 1.0 {gx.runs}", f"phaeton 1.1 {gx.runs}"
    await until(lambda: gx.started() == [old])
    log = gx.root / "var/log/phaeton/current"
    await until(lambda: log.exists() and b"phaeton 1.0 says" in log.read_bytes())
    gx.installed(gx.release("1.1", STAYS), "--unsigned")
    await until(lambda: gx.started() == [old, new])
    Place(gx.home).confirm()
    assert Place(gx.home).previous == "1.0"
    gx.installed("--uninstall", "--yes")
    assert not up(gx)
    assert not gx.home.exists()
    assert not log.exists()
