"""Phaeton takes the place of a forerunner, with its configuration and state, and gives it back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from phaeton.config.load import load
from tests.config.test_forerunner import RUST
from tests.venus import forerunners
from tests.venus.forerunners import running
from tests.venus.gx import REAL, Gx
from tests.waiting import until


@pytest.fixture
def gx(gx: Gx) -> Iterator[Gx]:
    yield gx
    forerunners.end(gx)


async def test_the_one_in_rust_makes_room_and_comes_back(gx: Gx) -> None:
    forerunners.rust(gx)
    before, rc_local = gx.files(), gx.rc_local.read_bytes()
    gx.boot()
    await until(lambda: running(gx))
    said = gx.installed(gx.release("1.0", REAL), "--unsigned")
    assert "a forerunner is in use here (rust): Phaeton takes its place\n" in said
    assert "its configuration and what it was set to last are taken over\n" in said
    assert not running(gx)
    config = load(gx.config, {}).config
    assert (config.chargers[0].initial.mode, config.chargers[0].initial.set_current_a) == ("auto", 9.0)
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]
    assert not running(gx)
    assert gx.installed() == "Phaeton 1.0 is installed; nothing had to be changed\n"

    gx.installed("--back")
    assert (gx.rc_local.read_bytes(), gx.config.read_text()) == (rc_local, RUST)
    await until(lambda: running(gx))
    assert gx.boot() == []

    forerunners.end(gx)
    await until(lambda: not running(gx))
    gx.installed("--uninstall", "--yes")
    gx.new_firmware()
    assert gx.files(ignored=["data/phaeton.log"]) == before


async def test_the_one_in_python_makes_room_and_comes_back(gx: Gx) -> None:
    forerunners.python(gx)
    before = gx.files()
    gx.boot()
    await until(lambda: running(gx))
    said = gx.installed(gx.release("1.0", REAL), "--unsigned")
    assert "a forerunner is in use here (python): Phaeton takes its place\n" in said
    assert not running(gx)
    config = load(gx.config, {}).config
    assert (config.chargers[0].initial.mode, config.chargers[0].initial.set_current_a) == ("auto", 9.0)
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]

    gx.installed("--uninstall", "--yes")  # what is there after that is what was there before
    await until(lambda: running(gx))
    gx.new_firmware()
    assert gx.files() == before


def test_a_configuration_that_cannot_be_taken_over_changes_nothing(gx: Gx) -> None:
    forerunners.rust(gx)
    gx.config.write_text(RUST.replace("port: 503", "port: none"))
    before = gx.rc_local.read_bytes(), gx.config.read_bytes()
    why = gx.refused(gx.release("1.0", REAL), "--unsigned")
    assert "cannot be taken over; the forerunner runs on" in why
    assert (gx.rc_local.read_bytes(), gx.config.read_bytes()) == before


def test_what_cannot_be_taken_out_line_by_line_is_left_to_the_owner(gx: Gx) -> None:
    forerunners.rust(gx, "if {data}/phaeton/phaeton --version; then\n  true\nfi")
    before = gx.files()
    assert "by hand" in gx.refused(gx.release("1.0"), "--unsigned")
    assert gx.files() == before


def test_without_a_forerunner_there_is_no_way_back(gx: Gx) -> None:
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    assert "did not take the place of a forerunner" in gx.refused("--back")
