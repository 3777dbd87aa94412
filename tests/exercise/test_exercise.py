"""The exercise of a charger against simulated ones behind real sockets: good ones, and each way to go wrong."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec import structs

from phaeton.cli import main
from phaeton.config.tree import Charger
from phaeton.exercise import Exercise, Outcome, Report, Result, Terms
from phaeton.exercise.report import read_report
from phaeton.links.modbus import ModbusLinks
from phaeton.model import Fault
from phaeton.profiles import Profile, load_profile
from phaeton.simulation.car import Car
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.profile_charger import ProfileCharger
from phaeton.sinks.store.running import Running
from tests.waiting import PATIENCE_S, until

HOST = "127.0.0.1"
QUICK: dict[str, object] = {"control": {"phases": {"settle_s": 0.1, "gap_s": None}}, "transport": {"gap_ms": 0}}
TERMS = Terms(
    watch_s=0.1, follow_s=1.0, car_s=20.0, lease_margin_s=20.0, restore_s=PATIENCE_S, phases=True, connect_s=PATIENCE_S
)
"""Waits that always last are short; those that end with what is waited for may be long."""


def nimble() -> Car:
    return Car(start_s=0.0, raise_a_per_s=100.0, lower_a_per_s=100.0)


@pytest.fixture
async def alfen() -> AsyncIterator[SimulatedAlfen]:
    charger = SimulatedAlfen(plants=[ChargerPlant(ramp_a_per_s=1000.0, switch_s=0.1, validity_s=4.0, car=nimble())])
    await charger.start()
    yield charger
    await charger.stop()


class Trial:
    """One exercise, with what it told and the reports that it kept."""

    def __init__(self, profile: Profile, port: int, links: ModbusLinks, terms: Terms = TERMS) -> None:
        self.told: list[str] = []
        self.kept: list[Report] = []
        charger = Charger(host=HOST, port=port, profile=profile.id, poll_interval_s=0.05)
        self.exercise = Exercise(charger, profile, links, terms, self.told.append, self._keep)

    def _keep(self, report: Report) -> None:
        self.kept.append(read_report(report.json()))

    def step(self, name: str) -> str:
        (step,) = (step for step in self.exercise.report.steps if step.name == name)
        return f"{step.result.value}: {step.words}"

    async def paused(self) -> asyncio.Task[Report]:
        """Begin, and go on once the charger is paused."""
        task = asyncio.ensure_future(self.exercise.run())
        await until(lambda: task.done() or any("pause:" in line for line in self.told))
        return task


async def tried(alfen: SimulatedAlfen, terms: Terms = TERMS) -> Trial:
    async with ModbusLinks() as links:
        trial = Trial(load_profile("alfen_ng9xx", QUICK), alfen.port, links, terms)
        await trial.exercise.run()
        return trial


async def test_a_good_charger_goes_through_all_steps_and_is_as_before(alfen: SimulatedAlfen) -> None:
    trial = await tried(alfen)
    report = trial.exercise.report
    assert (report.outcome, report.why, report.confirms) == (Outcome.PASSED, "", True)
    assert [step.name for step in report.steps] == ["read", "pause", "least current", "lease", "phases", "restore"]
    assert all(step.result is Result.PASSED for step in report.steps)
    assert trial.step("least current").endswith("the car draws 6 A / 6 A / 6 A")
    assert "fell to its safe current of 6 A" in trial.step("lease")
    assert trial.step("phases") == "passed: from 3 to 1 and back; the car drew on 1"
    assert {round(write.value, 3) for write in alfen.writes if write.address == 1210} == {0.0, 6.0}
    assert (alfen.socket(1).phases_set, alfen.socket(1).set_a) == (3, 6.0)
    assert trial.kept[0].outcome is Outcome.UNFINISHED
    assert trial.kept[0].before == {"limit_set": 6.0}
    assert trial.kept[-1].ok


async def test_without_a_car_and_without_leave_for_phases_the_profile_is_not_confirmed(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).unplug()
    trial = await tried(alfen, structs.replace(TERMS, phases=False))
    report = trial.exercise.report
    assert report.ok
    assert not report.confirms
    assert "no car is plugged in" in trial.step("least current")
    assert trial.step("phases").startswith("skipped: not allowed")
    assert "do it again while a car charges" in report.text()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda plant: plant.write_current(10.0), "something controls this charger"),
        (lambda plant: setattr(plant, "ignores_writes", True), "ignores what is written"),
        (lambda plant: setattr(plant, "safe_a", 0.0), "safe current is not set"),
        (lambda plant: setattr(plant, "fault", Fault.OTHER), "reports a fault"),
    ],
    ids=["controlled", "deaf", "unset", "faulty"],
)
async def test_what_speaks_against_it_beforehand_is_told_and_nothing_is_written(
    alfen: SimulatedAlfen, spoil: Callable[[ChargerPlant], object], why: str
) -> None:
    alfen.socket(1).validity_s = 600.0
    spoil(alfen.socket(1))
    report = (await tried(alfen)).exercise.report
    assert report.outcome is Outcome.REFUSED
    assert why in report.why
    assert alfen.writes == []


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda alfen: setattr(alfen.socket(1), "fault", Fault.OTHER), "reports a fault"),
        (lambda alfen: alfen.foreign_write(13.0), "somebody else set 13 A"),
    ],
    ids=["fault", "foreign writer"],
)
async def test_trouble_on_the_way_ends_it_and_everything_is_put_back(
    alfen: SimulatedAlfen, spoil: Callable[[SimulatedAlfen], object], why: str
) -> None:
    alfen.socket(1).validity_s = 600.0
    async with ModbusLinks() as links:
        # The car is asleep: there is time to spoil it while it is waited for.
        alfen.socket(1).car = Car(asleep=True)
        trial = Trial(load_profile("alfen_ng9xx", QUICK), alfen.port, links, structs.replace(TERMS, car_s=PATIENCE_S))
        task = await trial.paused()
        await until(lambda: alfen.socket(1).set_a == 6.0 and trial.exercise.holds)
        spoil(alfen)
        report = await task
    assert report.outcome is Outcome.ABORTED
    assert why in report.why
    assert report.not_restored == []
    assert alfen.socket(1).set_a == 6.0


async def test_a_car_that_draws_more_than_it_may_ends_it(alfen: SimulatedAlfen) -> None:
    class Greedy(Car):
        def draw(self, offered_a: float, phases: int, voltage_v: float, dt_s: float) -> float:
            return super().draw(offered_a + 5.0, phases, voltage_v, dt_s)

    alfen.socket(1).car = Greedy(start_s=0.0, raise_a_per_s=100.0)
    report = (await tried(alfen)).exercise.report
    assert report.outcome is Outcome.ABORTED
    assert report.why == "the car draws 11 A, 6 A are allowed"
    assert report.not_restored == []


async def test_a_lost_connection_ends_it_and_all_is_put_back_when_the_charger_is_there_again(
    alfen: SimulatedAlfen,
) -> None:
    alfen.socket(1).validity_s = 600.0
    async with ModbusLinks() as links:
        trial = Trial(load_profile("alfen_ng9xx", QUICK), alfen.port, links)
        task = await trial.paused()
        await alfen.stop()
        await until(lambda: any("put back" in line for line in trial.told))
        await alfen.start()
        report = await task
    assert report.outcome is Outcome.ABORTED
    assert report.not_restored == []
    assert alfen.socket(1).set_a == 6.0


async def test_what_could_not_be_put_back_is_told(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).validity_s = 600.0
    async with ModbusLinks() as links:
        trial = Trial(load_profile("alfen_ng9xx", QUICK), alfen.port, links, structs.replace(TERMS, restore_s=0.5))
        task = await trial.paused()
        await alfen.stop()
        report = await task
    assert report.outcome is Outcome.ABORTED
    assert report.not_restored[0].startswith("limit_set was 6 (")
    assert "NOT RESTORED: limit_set was 6" in report.text()
    assert not report.ok


async def test_its_owner_ends_it_and_phases_and_setpoint_come_back(alfen: SimulatedAlfen) -> None:
    async with ModbusLinks() as links:
        trial = Trial(load_profile("alfen_ng9xx", QUICK), alfen.port, links)
        task = asyncio.ensure_future(trial.exercise.run())
        await until(lambda: alfen.socket(1).phases_set == 1)
        task.cancel()
        report = await task
    assert (report.outcome, report.why) == (Outcome.ABORTED, "ended by its owner")
    assert report.not_restored == []
    assert (alfen.socket(1).phases_set, alfen.socket(1).set_a) == (3, 6.0)


@pytest.mark.parametrize("name", ["goodwe_hca", "bender_cc", "wallbe_eco"])
async def test_chargers_of_other_profiles_are_confirmed_and_hold_what_they_held(name: str) -> None:
    """By power, by a lease of another kind and with another point that stops it."""
    profile = load_profile(name, QUICK)
    plant = ChargerPlant(ramp_a_per_s=1000.0, switch_s=0.1, car=nimble())
    async with (
        ProfileCharger(profile, plant, validity_s=2.0 if name == "bender_cc" else 600.0) as charger,
        ModbusLinks() as links,
    ):
        trial = Trial(profile, charger.port, links, structs.replace(TERMS, lease_margin_s=0.5))
        report = await trial.exercise.run()
        now = charger.values()
    assert (report.outcome, report.why, report.not_restored) == (Outcome.PASSED, "", [])
    assert report.confirms
    assert {point: now[point] for point in report.before} == pytest.approx(report.before, rel=0.01)
    assert ("profile_confirmed: true" in report.text()) is (profile.evidence.confidence != "high")


async def test_a_charger_that_takes_no_setpoint_is_not_confirmed() -> None:
    profile = load_profile("wallbe_eco", QUICK)
    async with (
        ProfileCharger(profile, ChargerPlant(car=nimble(), refuses_writes=True)) as charger,
        ModbusLinks() as links,
    ):
        report = await Trial(profile, charger.port, links).exercise.run()
    assert report.outcome is Outcome.ABORTED
    assert "refused" in report.why
    assert not report.confirms


async def test_serial_number_name_and_address_are_left_out_of_a_report_for_others(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).validity_s = 600.0
    alfen.socket(1).write_current(10.0)
    report = (await tried(alfen)).exercise.report
    shared = report.redacted()
    assert report.identity["serial"] == "ACE0000001"
    assert shared.identity["serial"] == "serial-1"
    for secret in ("ACE0000001", HOST):
        assert secret.encode() not in shared.json()
        assert secret not in shared.text()
    assert shared.values["limit_set"] == 10.0


# At the command line.


def configured(alfen: SimulatedAlfen, folder: Path) -> list[str]:
    alfen.socket(1).validity_s = 600.0
    file = folder / "phaeton.yaml"
    file.write_text(f"charger: {{host: {HOST}, port: {alfen.port}}}\nstore: {{directory: {folder}}}\n")
    return ["probe", HOST, "--watch", "0", "--report", str(folder / "report.json"), "-c", str(file)]


async def test_it_is_refused_without_consent_and_while_phaeton_controls_the_charger(
    alfen: SimulatedAlfen, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [*configured(alfen, tmp_path), "--exercise"]
    assert await asyncio.to_thread(main, asked) == 1
    told = capsys.readouterr()
    assert "sets 6 A (never more than 32 A)" in told.out
    assert "--yes agrees" in told.err
    running = Running(tmp_path)
    try:
        assert await asyncio.to_thread(main, [*asked, "--yes"]) == 1
    finally:
        running.release()
    assert "Phaeton runs here and controls 127.0.0.1: stop it first" in capsys.readouterr().err
    assert alfen.writes == []
    assert not (tmp_path / "report.json").exists()


async def test_a_killed_exercise_leaves_what_is_needed_to_put_everything_back(
    alfen: SimulatedAlfen, tmp_path: Path
) -> None:
    plant, report = alfen.socket(1), tmp_path / "report.json"
    command = [sys.executable, "-m", "phaeton", *configured(alfen, tmp_path)]
    killed = await asyncio.create_subprocess_exec(*command, "--exercise", "--yes", stdout=subprocess.DEVNULL)
    await until(lambda: plant.set_a == 0.0)
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    assert read_report(report.read_bytes()).outcome is Outcome.UNFINISHED
    mended = await asyncio.create_subprocess_exec(*command, "--restore", str(report), stdout=subprocess.DEVNULL)
    assert await mended.wait() == 0
    assert plant.set_a == 6.0
    assert read_report(report.read_bytes()).outcome is Outcome.ABORTED
    assert report.with_suffix(".txt").exists()


async def test_a_terminated_exercise_puts_everything_back(alfen: SimulatedAlfen, tmp_path: Path) -> None:
    plant = alfen.socket(1)
    command = [sys.executable, "-m", "phaeton", *configured(alfen, tmp_path), "--exercise", "--yes"]
    ended = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    await until(lambda: plant.set_a == 0.0)
    ended.terminate()
    assert await ended.wait() == 1
    assert plant.set_a == 6.0
    found = read_report((tmp_path / "report.json").read_bytes())
    assert (found.outcome, found.why, found.not_restored) == (Outcome.ABORTED, "ended by its owner", [])
