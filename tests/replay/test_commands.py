"""``phaeton record`` and ``phaeton replay`` as a person uses them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from phaeton.cli import main
from phaeton.config.tree import Charger
from phaeton.model import ChargerReading, Event, Output, Tick, Zone
from phaeton.recording import MAGIC, PartWriter, Recording, open_recording, packed, start
from phaeton.replay import run as run_module
from phaeton.replay.run import replay
from phaeton.simulation.profiles import steps
from phaeton.streams.graph import GraphState
from tests.recorded import write_recording
from tests.scenarios.site import NOON_UTC_S, charger, config, site

AMSTERDAM = Zone("Europe/Amsterdam", ((-1e18, 7200.0),))
DAY = "2025-06-20"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten minutes from noon in Amsterdam: the car starts after two minutes of sun; a cloud comes after seven."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    run = site(config(charger()), pv=steps(8000.0, (420.0, 1000.0)), load=300.0, zone=AMSTERDAM)
    return write_recording(folder / f"{DAY}.phaeton", run, 600.0).path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A configuration that starts sooner."""
    path = tmp_path / "other.yaml"
    path.write_text("charger: {host: charger-1, id: '1'}\nauto: {start_delay_s: 10}\n")
    return path


def changed(file: Path, number: int, to_w: float) -> None:
    """Forge the house's surplus in the readings from one on, as another version would see it; decisions stay."""
    (part,) = open_recording(file).parts
    writer = PartWriter(part.header)
    for count, step in enumerate(part.steps()):
        event = step.event
        if count >= number and isinstance(event, ChargerReading) and event.current_a[0]:
            event = structs.replace(event, temperature_c=20.0, power_w=to_w)
        writer.recorded(structs.replace(step, event=event))
    file.write_bytes(MAGIC + writer.flush())


def of_version(file: Path, version: str) -> None:
    """Make the file one of another version."""
    parts = open_recording(file).parts
    data = MAGIC
    for part in parts:
        writer = PartWriter(structs.replace(part.header, version=version))
        for step in part.steps():
            writer.recorded(step)
        data += writer.flush()
    file.write_bytes(data)


def test_a_replay_tells_what_was_decided_and_why(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(file)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{DAY}.phaeton from {DAY} 12:00:00, recorded by Phaeton ")
    assert lines[1].startswith("12:00:01  1: 0.0 A on 3 phases, auto, wait_sun: The sun leaves 7,")
    assert any(line.startswith("12:02:01  1: 6.0 A on 3 phases, auto, connected: The sun leaves") for line in lines)
    assert lines[-1].endswith("decisions, identical")


def test_quiet_says_only_whether_it_is_the_same(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "-q", str(file)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_difference_is_an_error_with_the_first_step_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed(file, 900, 100.0)
    assert main(["replay", "-q", str(file)]) == 1
    out = capsys.readouterr().out
    first = out.index("first difference at 2025-06-20 12:0")
    assert "  decided upon:  12:0" in out[first:]
    assert "  after:         12:0" in out[first:]
    assert "ChargerReading" in out[first:]
    assert "recorded -> now  points[1]." in out[first:]


def test_the_first_difference_is_found_at_its_step(file: Path) -> None:
    (part,) = open_recording(file).parts
    steps_of = list(part.steps())
    wrong = next(n for n, step in enumerate(steps_of) if n > 700 and step.checksum is not None)
    again = list(replay(start(part.header).state, part.steps()))
    assert all(step.same for step in again)
    one = steps_of[wrong]
    forged = structs.replace(one, checksum=(one.checksum or 0) ^ 1, decision=None)
    mixed = [*steps_of[:wrong], forged, *steps_of[wrong + 1 :]]
    differing = [n for n, step in enumerate(replay(start(part.header).state, mixed)) if not step.same]
    assert differing == [wrong]


def test_across_versions_a_difference_is_shown_and_can_be_accepted(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(file, 900, 100.0)
    of_version(file, "0.0.1")
    assert main(["replay", "-q", str(file)]) == 0
    assert "--accept makes this the expected" in capsys.readouterr().out
    assert main(["replay", "-q", "--accept", str(file)]) == 0
    assert "are now the expected ones" in capsys.readouterr().out
    assert main(["replay", "-q", str(file)]) == 0
    assert "identical" in capsys.readouterr().out
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_another_configuration_shows_what_would_have_been(
    file: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(file), "--config", str(other)]) == 0
    out = capsys.readouterr().out
    assert "they do not answer to what is decided now" in out
    assert "12:00:11  1: 6.0 A on 3 phases, auto, connected (recorded: 0.0 A on 3 phases, auto, wait_sun): " in out
    assert "differ from the recording" in out


def test_another_configuration_must_know_the_points(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "strange.yaml"
    path.write_text("charger: {host: a, id: somebody}\n")
    assert main(["replay", str(file), "--config", str(path)]) == 2
    assert "give them the same id" in capsys.readouterr().err


def test_json_is_one_document_with_each_change_and_a_summary(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert main(["replay", str(file), "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["schema"] == "phaeton-replay/1"
    assert found["identical"] is True
    assert [entry["status"] for entry in found["decisions"]][:3] == ["wait_sun", "connected", "charging"]
    assert found["decisions"][0]["time"] == f"{DAY} 12:00:01"
    assert found["decisions"][0]["reasons"][0].startswith("The sun leaves")
    (part,) = found["parts"]
    assert part["decisions"] > 600
    assert part["first_difference"] is None


def test_json_holds_the_difference(file: Path, tmp_path: Path) -> None:
    changed(file, 900, 100.0)
    out = tmp_path / "out.json"
    assert main(["replay", str(file), "--json", str(out)]) == 1
    found = json.loads(out.read_text())
    assert found["identical"] is False
    first = found["parts"][0]["first_difference"]
    assert first["fields"][0]["path"].startswith("points[1].")
    assert first["since"]


def test_a_file_that_was_cut_off_is_replayed_as_far_as_it_goes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(file, file.stat().st_size - 7)
    assert main(["replay", "-q", str(file)]) == 0
    said = capsys.readouterr()
    assert "cut off" in said.err
    assert "identical" in said.out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "is neither a recording of Phaeton nor a CSV file of dbus-recorder"),
        (MAGIC, "nothing is left of this recording"),
    ],
)
def test_a_file_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, words: str
) -> None:
    path = tmp_path / "x.phaeton"
    path.write_bytes(content)
    assert main(["replay", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "no.phaeton")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_later_format_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = open_recording(file).parts
    file.write_bytes(MAGIC + PartWriter(structs.replace(part.header, format=99)).flush())
    assert main(["replay", str(file)]) == 2
    assert "has format 99, this version reads 1" in capsys.readouterr().err


def test_accept_and_another_configuration_exclude_each_other(
    file: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file.read_bytes()
    assert main(["replay", "--accept", str(file), "-c", str(other)]) == 2
    assert "exclude each other" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_graph_that_fails_is_told_with_its_event(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_module.step

    def fails(state: GraphState, event: Event) -> tuple[GraphState, Output | None]:
        if event.utc_s >= NOON_UTC_S + 100.0 and isinstance(event, Tick):
            raise ZeroDivisionError("by a test")
        return whole(state, event)

    monkeypatch.setattr(run_module, "step", fails)
    assert main(["replay", "-q", str(file)]) == 1
    said = capsys.readouterr()
    assert "the graph fails: ZeroDivisionError: by a test" in said.err
    assert "first difference at 2025-06-20 12:01:40" in said.out
    assert "decided upon:  12:01:40  Tick" in said.out


def test_the_list_names_days_and_parts(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "2025-06-19.phaeton").write_bytes(b"spoiled")
    assert main(["record", "list", "--directory", str(file.parent)]) == 1
    said = capsys.readouterr()
    assert f"{file}  0.0" in said.out
    assert f"  from {DAY} 12:00:00  Phaeton " in said.out
    assert "2025-06-19.phaeton: is no recording of Phaeton" in said.err


def test_without_recordings_the_list_says_how_to_begin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"charger: a\nstore: {{directory: {tmp_path}}}\n")
    assert main(["record", "list", "-c", str(path)]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path}/recordings: no recordings; `record: {{enabled: true}}`")


def test_a_day_is_exported_whole(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.phaeton"
    assert main(["record", "export", "--directory", str(file.parent), "--day", DAY, "-o", str(out)]) == 0
    assert contents(open_recording(out)) == contents(open_recording(file))
    assert main(["replay", "-q", str(out)]) == 0


def test_a_span_of_a_day_replays_alone(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.phaeton"
    arguments = ["--directory", str(file.parent), "--day", DAY, "--from", "12:03", "--to", "12:05", "-o", str(out)]
    assert main(["record", "export", *arguments]) == 0
    (part,) = open_recording(out).parts
    times = [step.event.utc_s - NOON_UTC_S for step in part.steps()]
    assert (min(times), max(times)) == (180.0, 299.0)
    assert part.header.cause == "export"
    assert main(["replay", "-q", str(out)]) == 0


def contents(recording: Recording) -> list[object]:
    return [
        (type(step.event), msgspec.msgpack.encode(step.event), step.checksum)
        for part in recording.parts
        for step in part.steps()
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--day", "yesterday"], "--day must be a day such as"),
        (["--day", "2025-06-21"], "there is no recording of 2025-06-21"),
        (["--day", DAY, "--from", "25:00"], "--from must be a time such as"),
        (["--day", DAY, "--from", "12:00", "--to", "11:00"], "--from must be before --to"),
        (["--day", DAY, "--from", "15:00", "--to", "16:00"], "nothing was recorded on"),
    ],
)
def test_an_export_that_cannot_be_is_told(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    out = tmp_path / "report.phaeton"
    assert main(["record", "export", "--directory", str(file.parent), "-o", str(out), *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not out.exists()


def test_an_export_never_writes_over_its_source(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = file.read_bytes()
    assert main(["record", "export", "--directory", str(file.parent), "--day", DAY, "-o", str(file)]) == 2
    assert "is the recording itself" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_state_that_cannot_be_read_begins_afresh_and_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = open_recording(file).parts
    spoiled = structs.replace(part.header, state=b"\x81\xa6points\x01", version="0.0.1")
    writer = PartWriter(spoiled)
    for step in part.steps():
        writer.recorded(step)
    file.write_bytes(MAGIC + writer.flush())
    assert main(["replay", "-q", str(file)]) == 0
    assert "it begins afresh" in capsys.readouterr().err


def test_keys_of_another_version_are_left_out_and_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (part,) = open_recording(file).parts
    config_then = msgspec.msgpack.decode(part.header.config)
    config_then["web"]["colour"] = "blue"
    writer = PartWriter(structs.replace(part.header, config=msgspec.Raw(msgspec.msgpack.encode(config_then))))
    for step in part.steps():
        writer.recorded(step)
    file.write_bytes(MAGIC + writer.flush())
    assert main(["replay", "-q", str(file)]) == 0
    said = capsys.readouterr()
    assert "this version does not have web.colour" in said.err
    assert "identical" in said.out


def test_a_decision_is_compared_to_the_last_bit(file: Path) -> None:
    (part,) = open_recording(file).parts
    last = [step for step in replay(start(part.header).state, part.steps()) if step.decision is not None][-1]
    assert last.decision is not None
    surplus_w = last.decision.surplus_w
    assert surplus_w is not None
    nearly = packed(structs.replace(last.decision, surplus_w=surplus_w + 1e-12 * abs(surplus_w)))
    assert not structs.replace(last, packed=nearly).same


def test_points_of_two_sockets_are_known_under_another_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two = config(Charger(host="both", id="both", sockets=2))
    path = write_recording(tmp_path / "two.phaeton", site(two, pv=9000.0), 30.0).path
    configuration = tmp_path / "auto.yaml"
    configuration.write_text("charger: {host: both, id: both}\n")
    assert main(["replay", "-q", str(path), "-c", str(configuration)]) == 0
    assert "identical" in capsys.readouterr().out
    assert isinstance(list(open_recording(path).parts[0].steps())[-1].event, Tick)
