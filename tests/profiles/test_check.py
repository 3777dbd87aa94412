"""The checker of profiles: all that are shipped pass, and each kind of mistake is named with its key."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.cli import main
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.rules import shipped_profiles
from phaeton.profiles import load_profile
from phaeton.profiles.check import problems
from phaeton.profiles.load import shipped
from phaeton.profiles.table import table

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "examples" / "my_charger.yaml"


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_is_right_and_named_as_its_file(name: str) -> None:
    profile = load_profile(name)
    assert problems(profile) == ()
    assert problems(load_profile("", file=shipped() / f"{name}.yaml")) == ()
    assert profile.id == name
    assert profile.vendor
    assert profile.models
    assert profile.evidence.sources


def test_there_are_34() -> None:
    assert len(shipped_profiles()) == 34


def test_the_table_of_the_documents_is_that_of_the_files() -> None:
    """After a change: ``phaeton profile list --markdown`` into docs/chargers.md."""
    assert table([load_profile(name) for name in shipped_profiles()]) in (DOCS / "chargers.md").read_text("utf-8")


def test_the_example_of_the_guide_is_that_of_its_file_and_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert EXAMPLE.read_text("utf-8") in (DOCS / "chargers.md").read_text("utf-8")
    assert main(["profile", "check", str(EXAMPLE)]) == 0
    said = capsys.readouterr().out
    assert "limit: limit_set, 6 to 16 A in steps of 0.1" in said
    assert "This profile can be used" in said


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("at: 107, type: u32", "at: 106, type: u32", "points.power.at: register 106 belongs to points.current_l3"),
        ("at: 107, type: u32,", "at: 107, type: u32, scale: 0,", "points.power.scale: 0 makes every value the same"),
        ("scale: 0.1, uom: A, access", "scale: 0.0001, uom: A, access", "points.limit_set: limit_set cannot hold 16"),
        ("step: 0.1", "step: 0.05", "control.limit.step: 0.05 is finer than the register's scale 0.1"),
        ("min: 6, max: 16", "min: 16, max: 6", "control.limit: min 16 must be above 0 and below max 6"),
        ("max: 16, step", "max: 11000, step", "control.limit.max: 11000 A is no charger's"),
        ("    - {if: {state: 3}, then: charging}\n", "", "state.rules: no rule gives charging"),
        ("    - {if: {state: 1}, then: disconnected}\n", "", "state.rules: no rule gives disconnected"),
        ("{if: {state: 1}, then", "{then", "state.rules[0]: it always holds"),
        ("count: 6", "count: 30", "points.serial: 30 registers, but wire.max_read is 20"),
        (
            "{at: 100, type: u16}",
            "{at: 100, type: u16, read: never}",
            "state.rules[0].if.state: the point is never read",
        ),
        ("type: u32, uom: W", "type: u32, mask: 0, uom: W", "points.power.mask: 0x0 does not fit the type u32"),
        ("{at: 200, type: str", "{at: 65533, type: str", "points.serial.at: the value reaches beyond register 65535"),
        ("  pause: [{write: {enable: 0}}]\n", "", "control.pause: say how charging stops"),
        ("[{write: {limit_set: $limit}}, {write: {enable: 1}}]", "[{write: {enable: 1}}]", "never writes limit_set"),
        ("keepalive: {kind: none}", "keepalive: {kind: write, point: enable}", "control.keepalive.value"),
        ("  state:        {at: 100", "  status:       {at: 100", "there is no point state"),
        ("limit: {point: limit_set, min: 6, max: 16, step: 0.1}", "limit: null", "control.limit: needed"),
        ("type: u32, uom: W", "type: u33, uom: W", "points.power"),
        ("kind: current\n", "kind: curent\n", "control"),
        ("points:", "points: [", "not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, message: str
) -> None:
    text = EXAMPLE.read_text("utf-8")
    assert before in text
    file = tmp_path / "my_charger.yaml"
    file.write_text(text.replace(before, after, 1))
    assert main(["profile", "check", str(file)]) == 1
    assert message in capsys.readouterr().err


def test_a_file_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", "/nonexistent/mine.yaml"]) == 1
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_profile_of_ones_own_may_extend_a_shipped_one_or_one_beside_it(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: webasto_next\nid: mine\nname: Mine\ntransport: {unit: 7}\n")
    assert load_profile("", file=mine).transport.unit == 7
    (tmp_path / "other.yaml").write_text("extends: mine\nid: other\nname: Other\n")
    (tmp_path / "mine.yaml").write_text(EXAMPLE.read_text("utf-8").replace("id: my_charger", "id: mine"))
    assert load_profile("", file=tmp_path / "other.yaml").points["enable"].at == 301


def test_the_configuration_takes_a_profile_of_ones_own_and_refuses_a_wrong_one(tmp_path: Path) -> None:
    good = parse(f"chargers: [{{host: a, profile_file: {EXAMPLE}}}]", tmp_path / "config.yaml")
    assert good.config.chargers[0].profile_file == str(EXAMPLE)
    (tmp_path / "wrong.yaml").write_text("points: 1\n")
    with pytest.raises(ConfigError, match=r"profile_file"):
        parse(f"chargers: [{{host: a, profile_file: {tmp_path / 'wrong.yaml'}}}]", tmp_path / "config.yaml")


def test_list_and_show_tell_confidence_and_what_the_installer_must_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "list"]) == 0
    listed = capsys.readouterr().out
    assert len(listed.splitlines()) == 34
    assert "goodwe_hca             medium  read only until confirmed" in listed
    assert main(["profile", "show", "keba_p30"]) == 0
    assert "confidence high" in capsys.readouterr().out
    assert main(["profile", "show", "nonesuch"]) == 1
    assert "profile nonesuch is not known" in capsys.readouterr().err
