"""``phaeton explain`` on recordings: the step in force at a time, and every room that had a part in it."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from phaeton.cli import main
from phaeton.recording import open_recording, start
from phaeton.replay.trace import ROOMS, trace
from phaeton.streams.graph import step

RECORDINGS = Path(__file__).parents[1] / "recordings"
WINDOW, CLOUD = RECORDINGS / "window.phaeton", RECORDINGS / "cloud.phaeton"


def explained(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["explain", *arguments]) == code
    told = capsys.readouterr()
    return told.out if code == 0 else told.err


def test_the_decision_of_a_time_is_told_with_its_reasons_and_rooms(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "--at", "2026-06-20 23:59", "--recording", str(WINDOW))
    assert text.startswith("2026-06-20 23:59:00: decided upon Tick\n")
    assert "charging point 1: 10.0 A on 3 phases, scheduled, charging\n" in text
    assert "  because A time window is open: up to 10 A (23:50-00:15)\n" in text
    assert "  intent.intend - nothing, as much as asked, or what the sun gives?\n" in text
    assert "      gave (PointMemory(" in text
    assert explained(capsys, "--at", "2026-06-20T21:59:00Z", "--recording", str(WINDOW)) == text


def test_one_room_is_shown_with_everything_and_all_of_it_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = explained(capsys, "--at", "23:59", "--recording", str(WINDOW), "--room", "status")
    assert text.startswith("status.status - the status on the GX\n")
    assert text.rstrip().endswith("gave 2")
    found = json.loads(explained(capsys, "--at", "23:59", "--recording", str(WINDOW), "--json"))
    assert found["schema"] == "phaeton-explain/1"
    assert found["decision"]["points"][0]["current_a"] == 10.0
    rooms = {room["room"]: room for room in found["rooms"]}
    assert rooms["limits.own"]["gave"]["now_a"] == 32.0
    assert all(room["question"] for room in found["rooms"])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--at", "noon", "--recording", str(WINDOW)], "--at must be a time such as"),
        (["--at", "2020-01-01 10:00", "--recording", str(WINDOW)], "the recording begins later, at 2026-06-20"),
        (["--at", "23:59", "--recording", str(WINDOW), "--room", "kitchen"], "the room kitchen had no part"),
        (["--at", "23:59", "--recording", str(RECORDINGS / "README.md")], "is no recording"),
    ],
)
def test_what_cannot_be_explained_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str], why: str) -> None:
    assert why in explained(capsys, *arguments, code=2)


def test_a_step_that_is_watched_decides_the_same() -> None:
    (part,) = open_recording(CLOUD).parts
    state = start(part.header).state
    for recorded in list(part.steps())[:400]:
        found = trace(state, recorded.event)
        state, output = step(state, recorded.event)
        assert found.after == state
        assert found.output == output


def test_every_room_is_a_function_of_the_streams() -> None:
    for room in ROOMS:
        module, _, name = room.partition(".")
        assert callable(getattr(importlib.import_module(f"phaeton.streams.{module}"), name))
