"""The commands say what is there, and end with 2 where it cannot be used."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from phaeton.config import cli
from phaeton.config.load import parse
from phaeton.config.schema import reference
from phaeton.config.tree import Charger, Config
from phaeton.config.writing import hidden_yaml, to_plain
from tests.config.test_forerunner import RUST


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    cli.add_parser(parser.add_subparsers(required=True))
    args = parser.parse_args(["config", *words])
    code = args.handler(args)
    assert isinstance(code, int)
    return code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text("charger: garage\nauto: {smoothing_s: 2}\n")
    return path


def test_check_of_a_right_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check", "--config", str(file)) == 0
    assert "right, 1 charger" in capsys.readouterr().out


def test_check_of_a_wrong_file_names_everything_on_standard_error(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("charger: a\nweb: {port: x}\nauto: {rest_s: -1}\n")
    assert run("check", "--config", str(file)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "web.port" in said.err
    assert "auto.rest_s" in said.err


def test_show_prints_what_is_in_force_with_the_defaults(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--config", str(file)) == 0
    shown = capsys.readouterr().out
    assert "  smoothing_s: 2.0\n" in shown
    assert "  rest_s: 300.0\n" in shown
    assert parse(shown).config == parse(file.read_text()).config


def test_show_as_json(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("show", "--json", "--config", str(file)) == 0
    assert json.loads(capsys.readouterr().out)["auto"]["smoothing_s"] == 2.0


def test_what_is_shown_hides_secrets() -> None:
    overlay = {"login": {"password": "hunter2", "user": "me"}}
    config = Config(chargers=(Charger(host="a", profile_overlay=overlay),))
    for shown in (hidden_yaml(config), str(to_plain(config))):
        assert "hunter2" not in shown
        assert "me" in shown


def test_show_includes_the_environment(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHAETON_AUTO__SMOOTHING_S", "7")
    assert run("show", "--config", str(file)) == 0
    assert "smoothing_s: 7.0" in capsys.readouterr().out


def test_schema_as_json_and_as_reference(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["$ref"] == "#/$defs/Config"
    assert run("schema", "--markdown") == 0
    assert capsys.readouterr().out == reference()


def test_migrate_writes_the_new_file_and_says_where_the_old_one_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "phaeton_config.yaml"
    file.write_text(RUST)
    assert run("migrate", str(file)) == 0
    said = capsys.readouterr()
    assert "phaeton_config.yaml.bak-1" in said.out
    assert "modbus.ip: is now chargers[0].host" in said.err
    assert run("migrate", "--config", str(file)) == 0
    assert "has the present layout already" in capsys.readouterr().out


def test_migrate_of_what_cannot_be_read_or_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("migrate", str(file.parent / "none.yaml")) == 2
    assert "no such file" in capsys.readouterr().err
    assert run("migrate", str(file), "--output", str(file.parent / "no" / "folder.yaml")) == 2
    assert "nothing was changed" in capsys.readouterr().err
    assert run("migrate", str(file), "--output", str(file)) == 2
    assert "is there already" in capsys.readouterr().err
