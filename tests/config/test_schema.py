"""The descriptions come from the types, and the committed reference is the present one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from phaeton.config.schema import json_schema, reference, unit_of
from phaeton.config.tree import Config

REFERENCE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_committed_reference_is_current() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), (
        "run: phaeton config schema --markdown > docs/configuration.md"
    )


def test_every_section_of_the_tree_is_in_the_reference() -> None:
    text = reference()
    for section in Config.__struct_fields__:
        assert f"`{section}" in text


def test_a_key_has_title_description_default_range_and_unit() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    auto = definitions["Auto"]
    assert isinstance(auto, dict)
    properties = auto["properties"]
    assert isinstance(properties, dict)
    assert properties["smoothing_s"] == {
        "type": "number",
        "description": "Time constant of the smoothing, in s; 0 = none",
        "default": 1.5,
        "minimum": 0,
        "maximum": 300,
        "title": "Smoothing",
        "x-unit": "s",
    }


def test_the_short_form_is_in_the_schema() -> None:
    assert b'"charger"' in msgspec.json.encode(json_schema())


def test_units_come_from_the_names() -> None:
    assert [unit_of(key) for key in ("fuse_a", "import_w", "full_soc_pct", "bridge_wh", "import_per_kwh", "port")] == [
        "A", "W", "%", "Wh", "", "",
    ]  # fmt: skip


def test_every_key_is_described() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    for name, definition in definitions.items():
        assert isinstance(definition, dict)
        properties = definition["properties"]
        assert isinstance(properties, dict)
        for key, entry in properties.items():
            assert isinstance(entry, dict)
            assert entry.get("description") or "$ref" in entry, f"{name}.{key} has no description"
