"""What somebody wants is judged as a whole; secrets stay where they belong, the environment wins."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phaeton.config.desired import Desired, from_document, from_patch, merged
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.writing import to_plain

HOUSE = """\
charger: 10.0.0.5   # garage
prices:
  source: homeassistant  # hourly
  homeassistant:
    url: http://ha.local:8123
    token: s3cret-token  # never tell
    entity: sensor.price
vehicles:
  - id: a
    source: http_json
    http_json: {url: "http://a.local/x", headers: [{name: X-Key, value: key-of-a}], soc: soc}
"""


def patched(patch: dict[str, Any], text: str = HOUSE, **environ: str) -> Desired:
    return from_patch(parse(text, environ=environ), patch, environ)


def put(change: Any, text: str = HOUSE, **environ: str) -> Desired:
    now = parse(text, environ=environ)
    document: Any = to_plain(now.config)
    change(document)
    return from_document(now.config, text, None, document, environ)


def refusal(patch: dict[str, Any], text: str = HOUSE, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        patched(patch, text, **environ)
    return [f"{problem.path}: {problem.rule}" for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("value", "patch", "result"),
    [  # the examples of RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_merge_patches_are_those_of_the_rfc(value: Any, patch: Any, result: Any) -> None:
    assert merged(value, patch) == result


def test_a_patch_changes_its_keys_and_tells_what() -> None:
    found = patched({"auto": {"start_delay_s": 30}})
    assert found.loaded.config.auto.start_delay_s == 30
    assert found.change.keys == ("auto.start_delay_s: 120.0 -> 30.0",)
    assert found.loaded.text == HOUSE + "auto:\n  start_delay_s: 30.0\n"


def test_what_is_sent_back_as_it_was_changes_nothing() -> None:
    found = put(lambda document: None)
    assert found.loaded.text == HOUSE
    assert found.change.nothing


def test_a_key_that_a_document_lacks_has_its_default() -> None:
    found = put(lambda document: document.pop("vehicles"))
    assert found.loaded.config.vehicles == ()
    assert "vehicles" not in found.loaded.text


def test_the_hidden_marker_keeps_the_secret_and_null_takes_it_away() -> None:
    found = patched({"prices": {"homeassistant": {"entity": "sensor.other"}}})
    assert found.loaded.config.prices.homeassistant.token.value == "s3cret-token"
    with pytest.raises(ConfigError, match="token"):
        patched({"prices": {"homeassistant": {"token": None}}})
    found = patched({"prices": {"homeassistant": {"token": "fresh-token"}}})
    assert "token: fresh-token  # never tell" in found.loaded.text


def test_a_secret_stays_with_its_car_when_the_list_changes() -> None:
    def add(document: Any) -> None:
        document["vehicles"].insert(0, {"id": "b", "source": "manual"})

    found = put(add)
    assert [car.id for car in found.loaded.config.vehicles] == ["b", "a"]
    assert found.loaded.config.vehicles[1].http_json.headers[0].value.value == "key-of-a"


def test_a_marker_for_a_secret_that_is_not_there_is_refused() -> None:
    assert refusal({"prices": {"tibber": {"token": "***"}}}) == [
        "prices.tibber.token: holds ***, which stands for the secret that is there already, and there is none"
    ]


@pytest.mark.parametrize(
    ("patch", "path"),
    [
        ({"prices": {"homeassistant": {"url": "http://evil.example"}}}, "prices.homeassistant.token"),
        (
            {"vehicles": [{"id": "a", "source": "http_json", "http_json": {
                "url": "http://evil.example", "soc": "soc", "headers": [{"name": "X-Key", "value": "***"}]}}]},
            "vehicles[0].http_json.headers[0].value.value",
        ),
    ],
)  # fmt: skip
def test_a_secret_is_not_sent_to_another_address_unasked(patch: dict[str, Any], path: str) -> None:
    assert [line.partition(":")[0].removesuffix(".value") for line in refusal(patch)] == [path.removesuffix(".value")]


def test_a_secret_that_is_told_again_goes_to_the_other_address() -> None:
    found = patched({"prices": {"homeassistant": {"url": "http://new.local", "token": "again"}}})
    assert found.loaded.config.prices.homeassistant.token.value == "again"


def test_all_mistakes_are_named_with_their_keys() -> None:
    found = refusal({"auto": {"start_delay_s": "soon", "nonsense": 1}, "web": {"port": 70000}})
    assert [line.partition(":")[0] for line in found] == ["auto.start_delay_s", "auto.nonsense", "web.port"]


def test_a_key_of_the_environment_is_not_changed_and_not_written() -> None:
    environ = {"PHAETON_AUTO__START_DELAY_S": "45"}
    assert refusal({"auto": {"start_delay_s": 30}}, **environ) == [
        "auto.start_delay_s: comes from the environment variable PHAETON_AUTO__START_DELAY_S, which wins over the file"
    ]
    found = patched({"auto": {"rest_s": 200}}, **environ)
    assert found.loaded.config.auto.start_delay_s == 45
    assert found.loaded.text == HOUSE + "auto:\n  rest_s: 200.0\n"


def test_a_key_that_file_and_environment_have_stays_in_the_file_as_it_is() -> None:
    text = "charger: a\nauto: {start_delay_s: 99}\n"
    found = patched({"auto": {"rest_s": 200}}, text, PHAETON_AUTO__START_DELAY_S="45")
    assert found.loaded.text == "charger: a\nauto: {start_delay_s: 99, rest_s: 200.0}\n"


def test_without_a_file_only_what_the_environment_lacks_is_written() -> None:
    found = patched({"auto": {"rest_s": 200}}, "", PHAETON_CHARGER="10.0.0.5")
    assert found.loaded.text == "auto:\n  rest_s: 200.0\n"


def test_what_only_half_comes_from_the_environment_cannot_be_written() -> None:
    charger = {"host": "10.0.0.5", "name": "Garage"}
    assert refusal({"chargers": [charger]}, "", PHAETON_CHARGER="10.0.0.5") == ["chargers[0].host: is missing"]


def test_a_file_of_a_forerunner_is_written_in_the_present_layout() -> None:
    found = patched({"auto": {"rest_s": 200}}, "modbus: {ip: 10.0.0.5}  # the box\n")
    assert found.migrated
    assert found.edited.lost == ("# the box",)
    assert "host: 10.0.0.5" in found.loaded.text


def test_a_forerunners_document_is_taken_too() -> None:
    now = parse(HOUSE)
    found = from_document(now.config, HOUSE, None, {"modbus": {"ip": "10.0.0.9"}}, {})
    assert found.loaded.config.chargers[0].host == "10.0.0.9"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=2) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["charger", "chargers", "auto", "web", "prices", "x"]), values))
def test_no_patch_does_more_than_be_refused(patch: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        assert patched(patch).loaded.config.chargers
