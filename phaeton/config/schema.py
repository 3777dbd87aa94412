"""The configuration described, from the types alone: for programs (JSON Schema) and for people (Markdown)."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc

import msgspec
from msgspec import inspect

from phaeton.config.document import Plain
from phaeton.config.reading import bare, described, is_secret_kind, span, tree
from phaeton.config.rules import MINIMAL
from phaeton.config.tree import Config
from phaeton.config.writing import default_of, expanded, flow

_UNITS = {
    "a": "A",
    "w": "W",
    "s": "s",
    "wh": "Wh",
    "kwh": "kWh",
    "pct": "%",
    "mb": "MB",
    "days": "d",
}
"""The unit that the end of a key's name tells."""


def json_schema() -> dict[str, Plain]:
    """JSON Schema (2020-12) with titles, descriptions, defaults, ranges and units (``x-unit``)."""
    decoded = expanded(msgspec.json.schema(Config))
    assert isinstance(decoded, dict)
    definitions = decoded["$defs"]
    assert isinstance(definitions, dict)
    for name, fields in _sections(tree()).items():
        definition = definitions[name]
        assert isinstance(definition, dict)
        properties = definition["properties"]
        assert isinstance(properties, dict)
        for field in fields:
            entry = properties[field.name]
            assert isinstance(entry, dict)
            properties[field.name] = _entry(field, entry)
    root = definitions["Config"]
    assert isinstance(root, dict)
    top = root["properties"]
    assert isinstance(top, dict)
    top["charger"] = {
        "title": "Charger",
        "description": "Short for a list of one charger: its host name or address, or the keys of a charger",
        "anyOf": [{"type": "string", "minLength": 1}, {"$ref": "#/$defs/Charger"}],
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Phaeton's configuration"} | decoded


def reference() -> str:
    """The reference of all keys as Markdown: what ``docs/configuration.md`` holds."""
    lines = [
        "# Configuration",
        "",
        "Every key, its range and its default. This page is generated from the types",
        "(`phaeton config schema --markdown`); `phaeton config schema` prints the same as JSON Schema.",
        "",
        "The least configuration is one line:",
        "",
        "```yaml",
        MINIMAL,
        "```",
        "",
        "`charger: HOST` is short for a list `chargers:` of one. The file is looked for at `--config`,",
        "`./phaeton_config.yaml`, `/data/phaeton_config.yaml` and `/etc/phaeton/config.yaml`, in this order. A",
        "changed file is taken over while the program runs, or refused as a whole with the old one kept. The",
        "configuration files of the forerunners load as they are; `phaeton config migrate` rewrites them.",
        "",
        "Each key can be set by an environment variable: `PHAETON_`, then the key in capitals with two underscores",
        "between the levels and the number of an entry, from 0, for lists: `PHAETON_CHARGERS__0__HOST`,",
        "`PHAETON_SITE__TIMEZONE`. Lists are written as in YAML: `PHAETON_CHARGERS__0__PHASE_MAP='[2, 3, 1]'`.",
        "",
    ]
    kind = tree()
    lines += _table(kind, "")
    for field in kind.fields:
        lines += _part(field, field.name, 2)
    return "\n".join(lines).rstrip() + "\n"


def unit_of(key: str) -> str:
    """The unit that a key's name ends with, or ''."""
    return _UNITS.get(key.rpartition("_")[2], "") if "_" in key and "_per_" not in key else ""


def _part(field: inspect.Field, path: str, level: int) -> Iterator[str]:
    inner = _item(field)
    if not isinstance(inner, inspect.StructType) or is_secret_kind(inner):
        return
    if not isinstance(bare(field.type)[0], inspect.StructType):
        path = f"{path}[]"
    yield f"{'#' * level} `{path}`"
    yield ""
    yield cleandoc(inner.cls.__doc__ or "")
    yield ""
    yield from _table(inner, path)
    for below in inner.fields:
        yield from _part(below, f"{path}.{below.name}", min(level + 1, 4))


def _table(kind: inspect.StructType, path: str) -> Iterator[str]:
    plain = [
        field
        for field in kind.fields
        if is_secret_kind(bare(field.type)[0]) or not isinstance(bare(field.type)[0], inspect.StructType)
    ]
    if not plain:
        return
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for field in plain:
        meaning = described(field.type).replace("|", "\\|")
        yield f"| `{field.name}` | {_values(field.type)} | {_shown_default(field)} | {meaning} |"
    yield ""


def _values(kind: inspect.Type) -> str:
    inner, _ = bare(kind)
    if is_secret_kind(inner):
        return "text, `{file: PATH}` or `{env: NAME}`"
    if isinstance(inner, inspect.LiteralType):
        return ", ".join(f"`{value}`" for value in inner.values)
    if isinstance(inner, inspect.BoolType):
        return "`true`, `false`"
    if isinstance(inner, inspect.IntType | inspect.FloatType):
        what = "whole number" if isinstance(inner, inspect.IntType) else "number"
        return f"{what} {span(inner)}".strip()
    if isinstance(inner, inspect.VarTupleType):
        item = bare(inner.item_type)[0]
        return "list of sections" if isinstance(item, inspect.StructType) else f"list of {_values(item)}"
    if isinstance(inner, inspect.TupleType):
        return f"list of {len(inner.item_types)} whole numbers"
    return "section" if isinstance(inner, inspect.DictType) else "text"


def _shown_default(field: inspect.Field) -> str:
    if field.required:
        return "must be given"
    default = default_of(field)
    if is_secret_kind(bare(field.type)[0]):
        return ""
    return "" if default is None or default in ("", [], {}) else f"`{flow(default)}`"


def _sections(kind: inspect.StructType) -> dict[str, tuple[inspect.Field, ...]]:
    """The keys of each section of the tree, by the section's name in the schema."""
    found = {kind.cls.__name__: kind.fields}
    for field in kind.fields:
        inner = _item(field)
        if isinstance(inner, inspect.StructType):
            found |= _sections(inner)
    return found


def _item(field: inspect.Field) -> inspect.Type:
    """The type of a key, or of the entries of its list."""
    inner, _ = bare(field.type)
    return bare(inner.item_type)[0] if isinstance(inner, inspect.VarTupleType) else inner


def _entry(field: inspect.Field, entry: dict[str, Plain]) -> dict[str, Plain]:
    """The schema of a key with what msgspec does not tell, or tells further inside."""
    told: dict[str, Plain] = {"title": _title(field.name)}
    if described(field.type):
        told["description"] = described(field.type)
    if unit_of(field.name):
        told["x-unit"] = unit_of(field.name)
    kept = {key: value for key, value in entry.items() if key != "default"}
    if not field.required and "$ref" not in entry:
        told["default"] = default_of(field)
    return told | {key: value for key, value in kept.items() if key not in told}


def _title(key: str) -> str:
    unit = key.rpartition("_")[2] if unit_of(key) not in ("", "d") else ""
    return key.removesuffix(f"_{unit}").replace("_", " ").capitalize()
