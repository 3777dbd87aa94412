"""The look at a charger: what it says of a good one, and of each mistake of an installer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from phaeton.cli import main
from phaeton.config.tree import Charger
from phaeton.probe import Report, probe, probe_any
from phaeton.profiles import load_profile
from phaeton.simulation.alfen_registers import StationLabel
from phaeton.simulation.charger import SimulatedAlfen
from phaeton.simulation.charger_plant import ChargerPlant
from phaeton.simulation.modbus_server import ModbusServer
from phaeton.simulation.profile_charger import ProfileCharger


@pytest.fixture
async def alfen() -> AsyncIterator[SimulatedAlfen]:
    charger = SimulatedAlfen()
    await charger.start()
    yield charger
    await charger.stop()


async def look(alfen: SimulatedAlfen, **overlay: object) -> Report:
    return await probe(Charger(host="127.0.0.1", port=alfen.port, profile_overlay=overlay))


async def test_a_good_charger_is_described_and_not_written_to(alfen: SimulatedAlfen) -> None:
    report = await look(alfen)
    assert report.ok
    assert "Alfen NV, model NG910, serial number ACE0000001, firmware 6.6.0-4284" in report.text
    assert "state disconnected (A)" in report.text
    assert "without Phaeton the car charges at 6 A" in report.text
    assert report.text.endswith("All good: this charger can be controlled.")
    assert alfen.writes == []


async def test_ignored_setpoints_are_a_problem_with_the_installers_list(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).ignores_writes = True
    report = await look(alfen)
    assert not report.ok
    assert "PROBLEM: the charger ignores the current" in report.text
    assert "Energy Management System" in report.text
    assert report.text.endswith("Control would not work.")


async def test_a_missing_safe_current_is_a_problem(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).safe_a = 0.0
    report = await look(alfen)
    assert not report.ok
    assert "safe current is not set" in report.text


async def test_a_live_setpoint_and_a_short_validity_are_told(alfen: SimulatedAlfen) -> None:
    alfen.socket(1).validity_s = 8.0
    alfen.socket(1).write_current(12.0)
    report = await look(alfen)
    assert report.ok
    assert "something controls this charger now" in report.text
    assert "validity time of setpoints may be very short" in report.text


@pytest.mark.parametrize(
    ("firmware", "ok", "text"),
    [
        ("3.9.1-2000", False, "firmware 3.9.1-2000 is too old"),
        ("6.1.0-4159", True, "firmware 6.1.0-4159 is older than 6.4.0-4210"),
        ("6.4.0-4210", True, ""),
        ("7.4.5", True, ""),
    ],
)
async def test_old_firmware_is_told(alfen: SimulatedAlfen, firmware: str, ok: bool, text: str) -> None:
    alfen.label = StationLabel(firmware=firmware)
    report = await look(alfen)
    assert report.ok is ok
    assert text in report.text
    assert ("than 6.4.0" in report.text) is ("than 6.4.0" in text)


async def test_another_word_order_is_told(alfen: SimulatedAlfen) -> None:
    alfen.faults.low_word_first = True
    report = await look(alfen)
    assert report.ok
    assert "word_order: little" in report.text


async def test_another_make_is_a_problem(alfen: SimulatedAlfen) -> None:
    alfen.label = StationLabel(manufacturer="ABB")
    report = await look(alfen)
    assert not report.ok
    assert "does not look like a Alfen" in report.text
    assert "'ABB'" in report.text


async def test_two_sockets_and_a_dead_meter_are_told() -> None:
    charger = SimulatedAlfen(plants=[ChargerPlant(meter_is_nan=True), ChargerPlant()])
    await charger.start()
    report = await look(charger)
    await charger.stop()
    assert report.ok
    assert "2 sockets" in report.text
    assert "the meter gives no values" in report.text


async def test_a_refused_connection_names_the_causes(alfen: SimulatedAlfen) -> None:
    await alfen.stop()
    report = await look(alfen)
    assert not report.ok
    assert "Modbus is not enabled in the charger, or 2 other programs are connected already" in report.text


async def test_a_charger_that_refuses_to_be_read_is_told(alfen: SimulatedAlfen) -> None:
    alfen.faults.read_exception = 4
    report = await look(alfen)
    assert not report.ok
    assert "refused with exception 4" in report.text


async def test_a_silent_charger_is_told(alfen: SimulatedAlfen) -> None:
    alfen.faults.silent = True
    report = await look(alfen, transport={"request_timeout_s": 0.2})
    assert not report.ok
    assert "takes the connection, but no answer" in report.text


@pytest.mark.parametrize("fault", ["garbage", "short", "wrong_transaction"])
async def test_a_wrong_answer_is_not_taken_for_a_missing_network(alfen: SimulatedAlfen, fault: str) -> None:
    setattr(alfen.faults, fault, True)
    report = await look(alfen)
    assert not report.ok
    assert f"127.0.0.1:{alfen.port} answers, but wrongly" in report.text
    assert "is the charger on" not in report.text


async def test_a_charger_that_hangs_up_is_told(alfen: SimulatedAlfen) -> None:
    alfen.faults.hang_up = True
    report = await look(alfen)
    assert not report.ok
    assert "takes the connection, but the charger closed the connection" in report.text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["probe", "127.0.0.1", "--port", "99999"], "a port is from 1 to 65535"),
        (["demo", "--port", "-1"], "a port is from 1 to 65535"),
        (["demo", "--speed", "0"], "the speed is from 0.1 to 1000"),
        (["demo", "--speed", "nan"], "the speed is from 0.1 to 1000"),
    ],
)
def test_numbers_at_the_command_line_have_their_range(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


async def test_an_unknown_host_and_an_unknown_profile_are_told() -> None:
    report = await probe(Charger(host="no-such-charger.invalid"))
    assert not report.ok
    assert "no-such-charger.invalid" in report.text
    report = await probe(Charger(host="127.0.0.1", profile="nonesuch"))
    assert "profile nonesuch is not known" in report.text


async def test_a_charger_is_recognised_without_its_profile(alfen: SimulatedAlfen) -> None:
    report = await probe_any("127.0.0.1", alfen.port)
    assert report.ok
    assert report.text.startswith("recognised by itself (certain): Alfen Eve")
    assert "profile: alfen_ng9xx" in report.text
    assert "Alfen NV, model NG910, serial number ACE0000001" in report.text
    assert alfen.writes == []


async def test_another_unit_look_alikes_and_an_unproven_profile_are_told() -> None:
    profile = load_profile("wallbe_eco", {"transport": {"unit": 180}})
    async with ProfileCharger(profile) as charger:
        report = await probe_any("127.0.0.1", charger.port)
        assert charger.writes == []
    assert "unit: 180" in report.text
    assert "it may as well be" in report.text
    assert "--profile wallbe_eco" in report.text
    assert "medium confidence: Phaeton only reads it" in report.text


async def test_a_device_that_is_no_charger_is_not_taken_for_one() -> None:
    server = ModbusServer(lambda _unit, pdu: bytes((pdu[0] | 0x80, 2)))
    await server.start()
    report = await probe_any("127.0.0.1", server.port)
    await server.stop()
    assert not report.ok
    assert "none of the chargers that Phaeton knows fits" in report.text


async def test_where_nothing_answers_the_usual_causes_are_named(alfen: SimulatedAlfen) -> None:
    await alfen.stop()
    report = await probe_any("127.0.0.1", alfen.port)
    assert not report.ok
    assert "Modbus is not enabled in the charger" in report.text
