"""The newest records in memory: bounded, numbered, without secrets, with a level of their own."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest

from phaeton import log
from phaeton.config.tree import Log, LogSink, LogWeb
from phaeton.log_ring import Kept, LogRing
from phaeton.model import Mode

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


@pytest.fixture
def ring() -> Iterator[LogRing]:
    made = LogRing(most_records=5, most_bytes=2000)
    logging.getLogger().addHandler(made)
    logging.getLogger().setLevel(logging.DEBUG)
    yield made
    logging.getLogger().removeHandler(made)


def texts(kept: list[Kept]) -> list[str]:
    return [record.message() for record in kept]


def test_the_oldest_goes_by_number_and_by_size(ring: LogRing) -> None:
    for number in range(8):
        logger.info("record %d", number)
    assert texts(ring.records()) == [f"record {number}" for number in range(3, 8)]
    logger.info("x" * 1900)
    assert len(ring) == 1
    logger.info("y" * 10_000)
    assert len(ring) == 1  # one that is too long alone is kept all the same
    assert ring.newest == 10


def test_who_comes_back_gets_each_record_once_and_is_told_what_is_gone(ring: LogRing) -> None:
    for number in range(4):
        logger.info("record %d", number)
    assert (ring.after(2)[0], texts(ring.after(2)[1])) == (0, ["record 2", "record 3"])
    for number in range(4, 10):
        logger.info("record %d", number)
    left_out, found = ring.after(2)
    assert (left_out, texts(found)) == (3, [f"record {number}" for number in range(5, 10)])
    assert ring.after(ring.newest) == (0, [])


def test_the_id_of_another_run_is_none_of_ours(ring: LogRing) -> None:
    logger.info("one")
    ident = ring.records()[0].line(ring.run).id
    assert ring.number_of(ident) == 1
    assert LogRing().number_of(ident) is None
    assert ring.number_of("nonsense") is None
    assert ring.number_of(f"{ring.run}-99") == 1
    assert ring.number_of(f"{ring.run}-{'9' * 5000}") is None


def test_a_line_is_that_of_the_console_and_has_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log())
    before = log.ring.newest
    with log.context(point="1"):
        logger.info("mode %s, password=%s", Mode.AUTO, "hunter2", extra={"token": "abc", "current_a": 8.5})
    [kept] = log.ring.after(before)[1]
    with log.context(request="another"):
        assert kept.human() == capsys.readouterr().err.rstrip("\n")
    line = kept.line(log.ring.run)
    assert line.message == "mode auto, password=***"
    assert line.details == {"point": "1", "token": "***", "current_a": 8.5}
    assert (line.level, line.logger) == ("info", "charger")


def test_values_that_change_later_do_not_change_the_record(ring: LogRing) -> None:
    values = [1, 2]
    logger.info("values %s", values)
    values.append(3)
    assert texts(ring.records()) == ["values [1, 2]"]


def test_an_exception_is_kept_as_text_and_not_as_the_frames_of_its_variables(ring: LogRing) -> None:
    try:
        int("no number, password=hunter2")
    except ValueError:
        logger.exception("it failed")
    [kept] = ring.records()
    assert "ValueError" in kept.human()
    assert "hunter2" not in kept.human()
    assert kept.human().splitlines()[1].startswith("    Traceback")


def test_its_level_is_its_own_and_survives_until_the_log_is_set_up_anew(capsys: pytest.CaptureFixture[str]) -> None:
    log.setup(Log(console=LogSink(level="error"), web=LogWeb(level="warning")))
    before = log.ring.newest
    logger.info("nobody wants it")
    log.set_web_level("debug")
    logger.debug("only the page wants it")
    assert texts(log.ring.after(before)[1]) == ["only the page wants it"]
    assert capsys.readouterr().err == ""
    assert log.web_level() == "debug"
    log.setup(Log())
    assert log.web_level() == "info"
    logger.debug("nobody wants it")
    assert len(log.ring.after(before)[1]) == 1


async def test_records_of_other_threads_wake_who_watches(ring: LogRing) -> None:
    woken = asyncio.Event()
    unwatch = ring.watch(woken.set)
    thread = threading.Thread(target=logger.info, args=("from a thread",))
    thread.start()
    async with asyncio.timeout(2):
        await woken.wait()
    thread.join()
    unwatch()
    woken.clear()
    logger.info("nobody watches")
    await asyncio.sleep(0)
    assert not woken.is_set()
