"""The log file read again from either end: whole records, whatever the pieces cut, rotated files too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phaeton import log_reading
from phaeton.log_reading import head, parsed, tail
from phaeton.log_ring import LogLine


def everything(line: LogLine, text: str) -> bool:
    return True


def written(number: int, level: str = "info   ") -> str:
    return f"2026-01-01T12:00:{number % 60:02}Z {level} charger[1]: record {number} ü"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "phaeton.log"


@pytest.mark.parametrize("piece", [1, 7, 64, 65_536])
def test_the_last_records_are_whole_wherever_a_piece_begins(
    path: Path, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_reading, "PIECE_BYTES", piece)
    path.write_text("".join(f"{written(n)}\n    Traceback of {n}\n" for n in range(30)))
    found = tail(path, 3, everything)
    assert [record.text for record in found] == [f"{written(n)}\n    Traceback of {n}" for n in (27, 28, 29)]
    assert len(tail(path, 100, everything)) == 30
    assert [record.text for record in head(path, 2, everything)] == [
        f"{written(n)}\n    Traceback of {n}" for n in (0, 1)
    ]


def test_rotated_files_are_gone_back_to_in_their_order(path: Path) -> None:
    path.with_name("phaeton.log.2").write_text(f"{written(1)}\n")
    path.with_name("phaeton.log.1").write_text(f"{written(2)}\n{written(3)}\n")
    path.with_name("phaeton.log.old").write_text("none of ours\n")
    path.write_text(f"{written(4)}\n")
    assert [record.text for record in tail(path, 3, everything)] == [written(n) for n in (2, 3, 4)]
    assert [record.text for record in head(path, 3, everything)] == [written(n) for n in (1, 2, 3)]


def test_a_search_goes_back_until_it_has_found_enough(path: Path) -> None:
    path.write_text("".join(f"{written(n, 'error  ' if n % 50 == 0 else 'debug  ')}\n" for n in range(1000)))
    found = tail(path, 3, lambda line, _: line.level == "error")
    assert [record.text.split()[4] for record in found] == ["850", "900", "950"]


def test_no_file_and_an_empty_one_hold_nothing(path: Path) -> None:
    assert tail(path, 5, everything) == []
    path.write_text("")
    assert tail(path, 5, everything) == []
    assert head(path, 5, everything) == []


def test_a_line_of_either_format_is_told_by_its_parts() -> None:
    human = parsed(written(7))
    assert (human.time, human.level, human.logger) == ("2026-01-01T12:00:07Z", "info", "charger")
    assert (human.message, human.details) == ("record 7 ü", {"point": "1"})
    entry = {"time": "t", "level": "warning", "logger": "charger", "message": "m", "point": "1", "current_a": 8.0}
    program = parsed(json.dumps(entry))
    assert (program.level, program.message) == ("warning", "m")
    assert program.details == {"point": "1", "current_a": 8.0}
    assert parsed("no record of ours").message == "no record of ours"


def test_what_an_older_version_let_slip_is_hidden(path: Path) -> None:
    path.write_text("2026-01-01T12:00:00Z info    http: token=abcdef\n")
    assert tail(path, 1, everything)[0].text.endswith("token=***")
