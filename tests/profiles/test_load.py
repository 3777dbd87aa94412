"""Loading profiles: what is shipped, what it extends, the owner's overlay, and what is wrong with a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.config.rules import shipped_profiles
from phaeton.profiles import ProfileError, blocks_of, identity_of, load_profile, place_of, reading_of
from phaeton.profiles.load import merge

MINIMAL = """
schema: evcharger-modbus/1
id: small
name: Small
evidence: {confidence: low, sources: [nobody]}
transport: {unit: 1}
points:
  state: {at: 1, type: u16}
  limit_set: {at: 2, type: u16, access: rw}
state: {rules: [{if: {state: 2}, then: charging}]}
control: {kind: current, limit: {point: limit_set, min: 6, max: 16}}
"""


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_profile_loads_and_plans_and_decodes(name: str) -> None:
    profile = load_profile(name)
    for socket in (1, 2):
        place = place_of(profile, socket)
        values = {}
        for group in ("once", "slow", "fast"):
            for block in blocks_of(profile, place, group):
                assert 1 <= block.count <= profile.wire.max_read or len(block.fields) == 1
                values |= block.decode([0] * block.count)
        assert reading_of(profile, values, "1", 0.0, 0.0).point == "1"
        assert identity_of(profile, values, "1", 0.0, 0.0).point == "1"


def written(folder: Path, text: str, name: str = "small") -> Path:
    (folder / f"{name}.yaml").write_text(text)
    return folder


def test_an_unknown_profile_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ProfileError, match=r"profile nonesuch is not known; there is: .*alfen_ng9xx"):
        load_profile("nonesuch")


def test_the_overlay_changes_what_it_names_and_null_takes_away() -> None:
    profile = load_profile(
        "alfen_ng9xx", {"transport": {"port": 1502}, "points": {"frequency": None}, "detect": {"plausible": None}}
    )
    assert profile.transport.port == 1502
    assert profile.transport.unit == 1
    assert "frequency" not in profile.points


def test_a_profile_that_extends_another_has_its_points(tmp_path: Path) -> None:
    written(tmp_path, MINIMAL)
    child = "extends: small\nid: child\nname: Child\npoints: {state: {at: 7}}\n"
    profile = load_profile("child", folder=written(tmp_path, child, "child"))
    assert (profile.id, profile.points["state"].at, profile.points["state"].type) == ("child", 7, "u16")


def test_a_profile_that_extends_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="extends itself"):
        load_profile("small", folder=written(tmp_path, MINIMAL + "extends: small\n"))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("type: u16}", "type: u17}", r"points\.state.*type: Invalid enum value 'u17'"),
        ("at: 1,", "at: one,", r"points\.state.*at: Expected `int`, got `str`"),
        ("type: u16}", "type: str}", r"points\.state: type str needs a count"),
        ("unit: 1", "unit: 300", r"transport\.unit: Expected `int` <= 255"),
        ("unit: 1", "unt: 1", r"transport.*`unt`"),
        ("then: charging", "then: loading", r"state\.rules.*'loading'"),
        ("{if: {state: 2}", "{if: {stat: 2}", r"state\.rules\[0\]\.if: there is no point stat"),
        ("point: limit_set", "point: state", r"control\.limit\.point: state cannot be written"),
        (", limit: {point: limit_set, min: 6, max: 16}", "", r"control\.limit: needed"),
        ("max: 16}", "max: 16}, pause: [{write: {limit_set: $off}}]", r"pause\[0\]\.write\.limit_set: .*\$off"),
        ("max: 16}", "max: 16}, pause: [{write: {limit_set: 0}, wait: 2}]", r"exactly one of"),
        ("max: 16}", "max: 16}, phases: {switch: command, to: {2: []}}", r"phases\.to: 2 is neither 1 nor 3"),
        ("schema: evcharger-modbus/1", "schema: other/2", r"schema: Invalid enum value"),
        ("points:", "points: [", r"not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_path(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in MINIMAL
    with pytest.raises(ProfileError, match=message) as error:
        load_profile("small", folder=written(tmp_path, MINIMAL.replace(before, after, 1)))
    assert str(error.value).startswith("profile small")


VALUES = st.recursive(
    st.none() | st.integers(0, 9), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from("abc"), VALUES))
def test_a_merge_leaves_no_null_and_is_the_same_done_twice(changes: dict[str, object]) -> None:
    once = merge({"a": 1, "b": {"c": 2}}, changes)
    assert merge(once, changes) == once

    def nulls(value: object) -> bool:
        return value is None or (isinstance(value, dict) and any(nulls(inner) for inner in value.values()))

    assert not nulls(once)
