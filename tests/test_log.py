"""The log says what happened, where and to which point, to people or to programs."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from phaeton import log
from phaeton.config.tree import Log, LogFile, LogSink
from phaeton.log_file import LogFileHandler
from phaeton.model import ChargerState, Mode

logger = logging.getLogger("phaeton.sinks.charger")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    for handler in [handler for handler in root.handlers if handler not in handlers]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_line_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    with log.context(point="1"):
        logger.info("setpoint written", extra={"current_a": 8.5, "note": "two words"})
    (line,) = said(capsys)
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ info    charger\[1\]: setpoint written current_a=8.5 note="two words"', line
    )


def test_a_line_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log(console=LogSink(format="json")))
    with log.context(point="1", step=12):
        logger.warning(
            "mode is %s", Mode.AUTO, extra={"current_a": 8.5, "state": ChargerState.CHARGING, "odd": float("nan")}
        )
    entry = json.loads(said(capsys)[0])
    del entry["time"]
    assert entry == {
        "level": "warning", "logger": "charger", "message": "mode is auto", "point": "1", "step": 12, "current_a": 8.5,
        "state": "charging", "odd": None,
    }  # fmt: skip


def test_modes_and_states_go_by_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    logger.info("from %s to %s", Mode.MANUAL, ChargerState.PAUSED_EV, extra={"mode": Mode.SCHEDULED})
    assert said(capsys)[0].endswith("from manual to paused_ev mode=scheduled")


def test_context_ends_with_its_block_and_nests(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    with log.context(point="1"), log.context(step=3):
        logger.info("in")
    logger.info("out")
    inside, outside = said(capsys)
    assert inside.endswith("charger[1]: in step=3")
    assert outside.endswith("charger: out")


def test_secrets_are_hidden_wherever_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    for style in ("human", "json"):
        log.setup(Log(console=LogSink(format=style)))
        logger.info("sent token=hunter2", extra={"password": "hunter2", "sent": {"api_key": "hunter2", "a": [1]}})
        try:
            int("https://me:hunter2@host")
        except ValueError:
            logger.exception("failed with %s", "Bearer hunter2")
        text = capsys.readouterr().err
        assert "hunter2" not in text
        assert "***" in text


def test_an_exception_follows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    try:
        int("boom")
    except ValueError:
        logger.exception("step failed")
    lines = said(capsys)
    assert lines[0].endswith("charger: step failed")
    assert lines[-1] == "    ValueError: invalid literal for int() with base 10: 'boom'"


def test_no_text_can_look_like_another_record(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    logger.info("from the charger: %s", "A\n2026-01-01T00:00:00Z error forged\x1b[31m\r", extra={"x": "a\nb"})
    first, second = said(capsys)
    assert first.endswith("from the charger: A x=a\\nb")
    assert second == "    2026-01-01T00:00:00Z error forged\\x1b[31m\\r"


def test_a_message_that_does_not_fit_its_values_is_shown_all_the_same() -> None:
    record = logging.makeLogRecord({"name": "phaeton.app", "msg": "%d amps", "args": ("many",)})
    assert log.HumanFormatter().format(record).endswith("app: %d amps ('many',)")


def test_each_way_out_has_its_level(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "logs" / "phaeton.log"
    log.setup(Log(console=LogSink(level="error"), file=LogFile(path=str(file), level="debug", format="json")))
    logger.debug("detail")
    logger.error("bad")
    assert [line.rpartition(": ")[2] for line in said(capsys)] == ["bad"]
    assert [json.loads(line)["message"] for line in file.read_text().splitlines()] == ["detail", "bad"]


def test_setting_up_again_replaces_what_was_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "phaeton.log"
    before = len(logging.getLogger().handlers)
    for _ in range(3):
        log.setup(Log(file=LogFile(path=str(file))))
    logger.info("once")
    assert len(said(capsys)) == 1
    assert len(file.read_text().splitlines()) == 1
    log.setup(Log())
    assert len(logging.getLogger().handlers) == before + 2  # console and memory


def test_the_file_is_rotated_by_size_and_the_oldest_goes(tmp_path: Path) -> None:
    file = tmp_path / "phaeton.log"
    log.setup(Log(console=LogSink(level="error"), file=LogFile(path=str(file), max_mb=0.001, backups=2)))
    for number in range(60):
        logger.info("number %d %s", number, "x" * 50)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["phaeton.log", "phaeton.log.1", "phaeton.log.2"]
    assert all(path.stat().st_size < 1200 for path in tmp_path.iterdir())
    kept = "".join((tmp_path / name).read_text() for name in reversed(names))
    numbers = [int(number) for number in re.findall(r"number (\d+)", kept)]
    assert numbers == list(range(numbers[0], 60))


def test_without_backups_the_file_begins_anew(tmp_path: Path) -> None:
    file = tmp_path / "phaeton.log"
    log.setup(Log(console=LogSink(level="error"), file=LogFile(path=str(file), max_mb=0.001, backups=0)))
    for _ in range(60):
        logger.info("x" * 50)
    assert [path.name for path in tmp_path.iterdir()] == ["phaeton.log"]
    assert file.stat().st_size < 1200


def test_a_file_that_cannot_be_opened_is_reported_and_the_console_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file, not a folder")
    log.setup(Log(file=LogFile(path=str(tmp_path / "logs" / "phaeton.log"))))
    logger.info("still here")
    first, second = said(capsys)
    assert "warning" in first
    assert "the log file cannot be written" in first
    assert second.endswith("still here")


def test_a_disk_that_fills_is_reported_once_and_used_again_later(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.setup(Log(file=LogFile(path="/dev/full")))
    for number in range(3):
        logger.info("number %d", number)
    lines = said(capsys)
    assert len([line for line in lines if "/dev/full cannot be written" in line]) == 1
    assert len([line for line in lines if "number" in line]) == 3
    handler = next(one for one in logging.getLogger().handlers if isinstance(one, LogFileHandler))
    monkeypatch.setattr(handler, "baseFilename", str(tmp_path / "room.log"))
    logger.info("room again")
    assert "room again" in (tmp_path / "room.log").read_text()


def test_a_console_that_is_gone_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "phaeton.log"
    log.setup(Log(file=LogFile(path=str(file))))
    closed = (tmp_path / "console").open("w")
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    logger.info("to the file")
    assert "to the file" in file.read_text()


def test_libraries_do_not_chatter(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log(console=LogSink(level="debug")))
    logging.getLogger("pymodbus.logging").error("unexpected frame")
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("asyncio").debug("using selector")
    assert said(capsys) == []
