"""A file is rewritten in the present layout, the old one is kept, and a failure changes nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from phaeton.config.load import load
from phaeton.config.migrate import migrate_file
from phaeton.config.problems import ConfigError
from tests.config.test_forerunner import RUST


def test_the_new_file_means_the_same_and_explains_itself(tmp_path: Path) -> None:
    file = tmp_path / "phaeton_config.yaml"
    file.write_text(RUST)
    before = load(file, {}).config
    done = migrate_file(file)
    assert done.written == file
    assert load(file, {}).config == before
    assert load(file, {}).notices == ()
    text = file.read_text()
    assert "# Most current that Phaeton ever asks for, in A\n      max_set_current_a: 25.0\n" in text
    assert "token: hunter2\n" in text  # Tibber's goes along, as secret as it was
    assert text.count("hunter2") == 1  # the car's does not
    assert "priority" not in text  # defaults are not written


def test_the_old_file_is_kept_under_the_next_free_name(tmp_path: Path) -> None:
    file = tmp_path / "phaeton_config.yaml"
    file.write_text(RUST)
    (tmp_path / "phaeton_config.yaml.bak-1").write_text("older")
    done = migrate_file(file)
    assert done.kept == tmp_path / "phaeton_config.yaml.bak-2"
    assert done.kept.read_text() == RUST
    assert (tmp_path / "phaeton_config.yaml.bak-1").read_text() == "older"
    assert len(list(tmp_path.iterdir())) == 3


def test_who_may_read_the_file_does_not_change(tmp_path: Path) -> None:
    file = tmp_path / "phaeton_config.yaml"
    file.write_text(RUST)
    file.chmod(0o640)
    migrate_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text(RUST)
    link = tmp_path / "phaeton_config.yaml"
    link.symlink_to(real)
    migrate_file(link)
    assert link.is_symlink()
    assert "version: 1" in real.read_text()


def test_a_file_in_the_present_layout_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("charger: a  # mine\n")
    assert migrate_file(file).written is None
    assert file.read_text() == "charger: a  # mine\n"


def test_a_wrong_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("modbus: {ip: a, port: x}\n")
    with pytest.raises(ConfigError):
        migrate_file(file)
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_another_name_leaves_the_old_file_alone_and_is_never_overwritten(tmp_path: Path) -> None:
    old = tmp_path / "alfen_driver_config.yaml"
    old.write_text(RUST)
    new = tmp_path / "phaeton_config.yaml"
    done = migrate_file(old, new)
    assert (done.written, done.kept) == (new, None)
    assert old.read_text() == RUST
    assert load(new, {}).config == load(old, {}).config
    with pytest.raises(FileExistsError):
        migrate_file(old, new)


def test_what_a_forerunner_was_set_to_last_is_the_beginning(tmp_path: Path) -> None:
    old, state, new = tmp_path / "old.yaml", tmp_path / "phaeton_state.json", tmp_path / "new.yaml"
    old.write_text(RUST)
    state.write_text('{"mode": 2, "start_stop": 0, "set_current": 13.5, "session": {"history": []}}')
    migrate_file(old, new, state)
    initial = load(new, {}).config.chargers[0].initial
    assert (initial.mode, initial.start, initial.set_current_a) == ("scheduled", False, 13.5)


def test_a_state_without_sense_changes_nothing_and_one_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    old, state = tmp_path / "old.yaml", tmp_path / "phaeton_state.json"
    old.write_text(RUST)
    state.write_text('{"mode": 7, "start_stop": null, "set_current": 4000.0}')
    migrate_file(old, tmp_path / "new.yaml", state)
    assert load(tmp_path / "new.yaml", {}).config == load(old, {}).config
    state.write_text('{"mode": 1, "sta')
    with pytest.raises(ValueError, match="no state of a forerunner"):
        migrate_file(old, None, state)
    assert old.read_text() == RUST
