"""Properties: what is written reads back as the same, and no text does more than be refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import msgspec
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from phaeton.config import document, reading
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.reading import bare
from phaeton.config.tree import Config
from phaeton.config.writing import to_yaml

printable = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
plain: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Anything that the type allows, as plain data."""
    inner, optional = bare(kind)
    found = _values(inner)
    return st.none() | found if optional else found


def _values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    if isinstance(kind, inspect.StructType):
        required = {field.name: values(field.type) for field in kind.fields if field.required}
        others = {field.name: values(field.type) for field in kind.fields if not field.required}
        return st.fixed_dictionaries(required, optional=others)
    if isinstance(kind, inspect.VarTupleType):
        return st.lists(values(kind.item_type), max_size=2)
    if isinstance(kind, inspect.TupleType):
        return st.tuples(*(values(item) for item in kind.item_types))
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.BoolType):
        return st.booleans()
    if isinstance(kind, inspect.IntType):
        return st.integers(-1000 if kind.ge is None else kind.ge, 10**6 if kind.le is None else kind.le)
    if isinstance(kind, inspect.FloatType):
        least = kind.ge if kind.ge is not None else kind.gt
        return st.floats(least, 1e12 if kind.le is None else kind.le, exclude_min=kind.gt is not None)
    if isinstance(kind, inspect.StrType):
        if kind.pattern is not None:
            return st.from_regex(kind.pattern, fullmatch=True).filter(lambda text: "\n" not in text)
        return st.text(printable, min_size=kind.min_length or 0, max_size=kind.max_length or 20)
    assert isinstance(kind, inspect.DictType)
    return st.dictionaries(st.text(), plain, max_size=2)


configs = values(reading.tree()).map(lambda found: msgspec.convert(found | {"version": 1}, Config))


@settings(max_examples=150, deadline=None)
@given(configs, st.booleans(), st.booleans())
def test_a_configuration_reads_back_as_it_was_written(config: Config, defaults: bool, comments: bool) -> None:
    text = to_yaml(config, defaults=defaults, comments=comments)
    found = reading.read(document.parse(text))
    assert found.problems == []
    assert found.config == config


@settings(max_examples=100, deadline=None)
@given(configs)
def test_other_readers_of_yaml_see_the_same(config: Config) -> None:
    read = yaml.safe_load(to_yaml(config))
    assert msgspec.convert(without_short_secrets(read, reading.tree()), Config) == config


def without_short_secrets(value: Any, kind: inspect.Type) -> Any:
    """``token: TEXT`` written out as ``token: {value: TEXT}``, which is what it is short for."""
    inner, _ = bare(kind)
    if reading.is_secret_kind(inner) and isinstance(value, str):
        return {"value": value}
    if isinstance(inner, inspect.StructType) and isinstance(value, dict):
        kinds = {field.name: field.type for field in inner.fields}
        return {name: without_short_secrets(item, kinds[name]) for name, item in value.items()}
    if isinstance(inner, inspect.VarTupleType) and isinstance(value, list):
        return [without_short_secrets(item, inner.item_type) for item in value]
    return value


@settings(max_examples=200, deadline=None)
@given(st.text() | st.text("abc: -[]{}&*!|>'\"\n\t#%@,?~0123456789<"))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        parse(text)


WORDS = [
    *("charger", "chargers", "host", "version", "site", "limits", "fuse_a", "schedule", "windows", "items", "start"),
    *("end", "start_time", "days", "active", "modbus", "ip", "registers", "power", "controls", "pv_excess_ema_alpha"),
    *("logging", "level", "timezone", "web", "port", "phase_map", "profile_overlay"),
]
TOP = [
    *("charger", "chargers", "site", "schedule", "modbus", "registers", "controls", "logging", "version", "timezone")
]
LEVELS = ["CHARGER", "CHARGERS", "0", "1", "HOST", "SITE", "LIMITS", "MODBUS", "IP", "PORT", "WEB", "AUTO", ""]

shapes: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(WORDS), below, max_size=4),
    max_leaves=15,
)
names = st.lists(st.sampled_from(LEVELS), min_size=1, max_size=4).map(lambda parts: "PHAETON_" + "__".join(parts))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(TOP), shapes, max_size=4))
def test_no_shape_of_known_keys_does_more_than_be_refused(shape: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        parse(yaml.safe_dump(shape))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(names, st.text(max_size=12), max_size=4))
def test_no_variable_does_more_than_be_refused(environ: Mapping[str, str]) -> None:
    with contextlib.suppress(ConfigError):
        parse("charger: a", environ=environ)
