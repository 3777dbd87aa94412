"""Whatever a service sends: slots, or one error in words that says what sort of trouble it is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.config.tree_prices import HomeAssistantPrices, HttpJsonPrices
from phaeton.links.http import Answer, TroubleKind
from phaeton.sources.prices import awattar, energy_charts, entsoe, evcc, homeassistant, http_json, nordpool, tibber
from phaeton.sources.prices.paths import find
from phaeton.sources.prices.table import Table
from phaeton.sources.service.answers import ServiceError, number
from tests.sources.prices.answers import BERLIN, answer, at, sample

NOW_S = at("2026-11-23T14:20:00+01:00")
HA = HomeAssistantPrices(url="http://h", entity="sensor.x")
GENERIC = HttpJsonPrices(url="http://h", rows="data", start="start_timestamp", value="marketprice", scale=0.001)

PARSERS: dict[str, Callable[[Answer], Table]] = {
    "tibber": lambda found: tibber.parse(tibber.choose(tibber.homes(found), "")),
    "energy_charts": energy_charts.parse,
    "nordpool": lambda found: nordpool.parse(found, "GER"),
    "awattar": awattar.parse,
    "entsoe": entsoe.parse,
    "evcc": evcc.parse,
    "homeassistant": lambda found: homeassistant.parse(found, HA, BERLIN, NOW_S),
    "http_json": lambda found: http_json.parse(found, GENERIC, BERLIN),
}
GOOD = {
    "tibber": sample("tibber_02"),
    "energy_charts": sample("price_04"),
    "nordpool": sample("price_01"),
    "awattar": sample("price_06"),
    "entsoe": sample("price_07"),
    "evcc": sample("price_11"),
    "http_json": sample("price_06"),
}

WORDS = [
    *("data", "viewer", "homes", "home", "currentSubscription", "priceInfo", "today", "tomorrow", "total", "startsAt"),
    *("currency", "errors", "message", "extensions", "code", "unix_seconds", "price", "unit", "multiAreaEntries"),
    *("deliveryStart", "deliveryEnd", "entryPerArea", "GER", "areaStates", "start_timestamp", "marketprice", "rates"),
    *("start", "end", "value", "result", "state", "attributes", "raw_today", "unit_of_measurement", "areas"),
]
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["2026-11-23T00:00:00Z", "2026-11-23", "EUR / MWh", "Eur/MWh", "UNAUTHENTICATED"])
    | st.sampled_from([1795474800, 10**400])
)  # fmt: skip
shapes: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(WORDS), below, max_size=5),
    max_leaves=25,
)
statuses = st.sampled_from([200, 200, 200, 204, 302, 400, 401, 404, 418, 429, 500, 502])


@pytest.mark.parametrize("kind", PARSERS)
@settings(max_examples=80)
@given(shapes, statuses)
def test_any_json_is_a_table_or_the_one_error(kind: str, body: Any, status: int) -> None:
    _parse(kind, answer(body, status))


@pytest.mark.parametrize("kind", PARSERS)
@given(st.binary(max_size=200), statuses)
def test_any_bytes_are_a_table_or_the_one_error(kind: str, body: bytes, status: int) -> None:
    _parse(kind, answer(body, status))


@pytest.mark.parametrize("kind", GOOD)
@given(st.data())
def test_a_good_answer_with_some_bytes_damaged_is_a_table_or_the_one_error(kind: str, data: st.DataObject) -> None:
    body = bytearray(GOOD[kind].body)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    _parse(kind, answer(bytes(body)))


@pytest.mark.parametrize("kind", GOOD)
@given(st.data())
def test_a_good_answer_with_a_value_replaced_never_becomes_free_energy(kind: str, data: st.DataObject) -> None:
    if kind == "entsoe":
        return
    document = json.loads(GOOD[kind].body)
    spots = list(_leaves(document))
    holder, key = spots[data.draw(st.integers(0, len(spots) - 1))]
    holder[key] = data.draw(leaves)
    table = _parse(kind, answer(document))
    replaced = number(holder[key])
    if table is not None and (replaced is None or abs(replaced) > 1e-300):
        assert all(slot.price != 0.0 for slot in table.slots)


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><Publication_MarketDocument>&a;'
        b"</Publication_MarketDocument>",
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'.encode(
            "utf-16"
        ),
        b"<Publication_MarketDocument>" * 5000,
        b"<a/>",
        b"<html><body>no</body></html>",
        b"<Publication_MarketDocument/>",
    ],
    ids=["entity", "entity in utf-16", "deep", "other", "page", "empty"],
)
def test_xml_that_declares_or_is_none_gives_no_prices(body: bytes) -> None:
    with pytest.raises(ServiceError) as error:
        entsoe.parse(answer(body, content_type="text/xml"))
    assert error.value.trouble.kind in (TroubleKind.GARBAGE, TroubleKind.NOT_YET)
    assert "passwd" not in str(error.value)


@given(shapes, st.text("ab.01-", max_size=12))
def test_any_path_into_anything_finds_something_or_nothing(value: Any, path: str) -> None:
    find(value, path)


def _parse(kind: str, found: Answer) -> Table | None:
    with contextlib.suppress(ServiceError):
        return PARSERS[kind](found)
    return None


def _leaves(value: Any) -> Any:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            yield from _leaves(inner)
        else:
            yield value, key
