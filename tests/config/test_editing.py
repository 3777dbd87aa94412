"""A change is made in the owner's own text: everything else stays as it was written."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.config.document import Plain, parse
from phaeton.config.editing import comments_of, edited, of_text
from phaeton.config.tree import Config
from phaeton.config.writing import expanded, to_yaml
from tests.config.test_roundtrip import configs

OWN = """\
# My house
chargers:
- host: 10.0.0.5   # garage
  name: 007
  limits: {max_phases: 3,  # three
           max_set_current_a: 25}
site:
    timezone:   Europe/Paris   # home

auto:
  start_delay_s:    60     # long
  # between
  smoothing_s: 3
schedule:
  windows:
      # the night
      - {start: 12:30, end: "13:00", days: [mon,   tue]}
      - start: 22:00  # cheap
        end: 06:00
      # last
"""


def changed(text: str, change: dict[str, Any]) -> tuple[Config, dict[str, Plain]]:
    """The configuration of the text with a change merged into all of it, and the whole document."""
    now = of_text(text)
    assert now is not None
    document = expanded(now)
    assert isinstance(document, dict)
    _merge(document, change)
    return msgspec.convert(document, Config), document


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def after(text: str, change: dict[str, Any]) -> str:
    """The text after the change, which was made in place and lost no comment."""
    wanted, document = changed(text, change)
    done = edited(text, wanted, document)
    assert not done.anew
    assert done.lost == ()
    assert of_text(done.text) == wanted
    return done.text


def lines_that_differ(old: str, new: str) -> tuple[list[str], list[str]]:
    before, behind = old.splitlines(), new.splitlines()
    return [line for line in before if line not in behind], [line for line in behind if line not in before]


def test_one_value_changes_and_nothing_else() -> None:
    gone, come = lines_that_differ(OWN, after(OWN, {"auto": {"start_delay_s": 30.0}}))
    assert gone == ["  start_delay_s:    60     # long"]
    assert come == ["  start_delay_s:    30.0     # long"]


def test_a_new_key_stands_at_the_end_of_its_section() -> None:
    assert after(OWN, {"auto": {"rest_s": 50.0}}) == OWN.replace(
        "  smoothing_s: 3\n", "  smoothing_s: 3\n  rest_s: 50.0\n"
    )


def test_a_new_section_stands_at_the_end() -> None:
    text = after(OWN, {"web": {"port": 9000}, "battery": {"full_soc_pct": 90.0}})
    assert text == f"{OWN}".replace(
        "      # last\n", "battery:\n  full_soc_pct: 90.0\nweb:\n  port: 9000\n      # last\n"
    )


def test_a_key_that_goes_leaves_its_comment() -> None:
    assert after(OWN, {"auto": {"start_delay_s": None}}) == OWN.replace(
        "  start_delay_s:    60     # long\n", "  # long\n"
    )


def test_inside_of_braces_only_the_value_changes() -> None:
    document = expanded(of_text(OWN))
    assert isinstance(document, dict)
    charger: Any = document["chargers"]
    charger[0]["limits"]["max_set_current_a"] = 16.0
    charger[0]["limits"]["min_set_current_a"] = 8.0
    text = after(OWN, {"chargers": charger})
    assert "limits: {max_phases: 3,  # three\n           max_set_current_a: 16.0, min_set_current_a: 8.0}" in text


def test_entries_of_a_list_come_and_go_and_the_others_stay() -> None:
    document: Any = expanded(of_text(OWN))
    windows = document["schedule"]["windows"]
    text = after(OWN, {"schedule": {"windows": [windows[1], {"start": "01:00", "end": "02:00"}]}})
    assert text.endswith(
        "      # the night\n      - start: 22:00  # cheap\n        end: 06:00\n"
        '      - start: "01:00"\n        end: "02:00"\n      # last\n'
    )


def test_entries_in_another_order_keep_their_text() -> None:
    document: Any = expanded(of_text(OWN))
    windows = document["schedule"]["windows"]
    text = after(OWN, {"schedule": {"windows": [windows[1], windows[0]]}})
    assert text.endswith(
        "      - start: 22:00  # cheap\n        end: 06:00\n"
        '      # the night\n      - {start: 12:30, end: "13:00", days: [mon,   tue]}\n      # last\n'
    )


def test_the_one_charger_stays_short_while_it_can() -> None:
    text = "charger: 10.0.0.5  # garage\n"
    assert after(text, {"chargers": [{"host": "10.0.0.6"}]}) == "charger: 10.0.0.6  # garage\n"
    text = after(text, {"chargers": [{"host": "10.0.0.5", "id": "a"}, {"host": "b"}]})
    assert text.startswith("# garage\nchargers:\n  - host: 10.0.0.5\n    id: a\n  - host: b\n")


def test_json_stays_json() -> None:
    text = after(
        '{"charger": "a", "auto": {"start_delay_s": 60}}\n', {"auto": {"start_delay_s": 30.0}, "web": {"port": 1}}
    )
    assert msgspec.json.decode(text) == {"charger": "a", "auto": {"start_delay_s": 30.0}, "web": {"port": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "charger: a\r\nauto:\r\n  start_delay_s: 60 # x\r\n",
        "charger: a\nauto: {start_delay_s: 60}",
        "---\ncharger: a # é 😀\nauto:\n\n  start_delay_s: 60\n...\n",
        "charger: a\nauto:\n  # only a comment\n",
        "charger: a\nauto:  # nothing yet\nweb: {port: 1}\n",
        "charger:\n  host: a\n  name: 'it''s'\n\nauto: {\n  # c\n  start_delay_s: 60,\n}\n",
        "charger: a\n'auto': {\"start_delay_s\": 60, }\n",
    ],
)
def test_odd_texts_are_changed_in_place(text: str) -> None:
    for change in ({"start_delay_s": 30.0}, {"smoothing_s": 4.0}, {"start_delay_s": None, "smoothing_s": 9.0}):
        after(text, {"auto": change})


def test_what_cannot_be_changed_in_place_is_written_anew_and_told() -> None:
    text = "charger: a\nsite: &here\n  home: {latitude: 1, longitude: 2}  # home\n"
    wanted, document = changed(text, {"auto": {"start_delay_s": 30.0}})
    forerunner = "modbus: {ip: a}  # the box\n"
    done = edited(forerunner, wanted, document)
    assert done.anew
    assert done.lost == ("# the box",)
    assert of_text(done.text) == wanted


@settings(max_examples=70, deadline=None)
@given(configs, configs, st.booleans(), st.integers(0, 2**32))
def test_whatever_changes_reads_back_and_no_comment_vanishes_untold(
    before: Config, wanted: Config, comments: bool, seed: int
) -> None:
    text = commented(to_yaml(before, comments=comments), seed)
    done = edited(text, wanted, None)
    assert of_text(done.text) == wanted
    left = comments_of(done.text)
    assert all(comment in left or comment in done.lost for comment in comments_of(text))


@settings(max_examples=70, deadline=None)
@given(configs, configs, st.sampled_from(Config.__struct_fields__[1:]), st.integers(0, 2**32))
def test_a_change_of_one_section_is_made_in_place(before: Config, other: Config, section: str, seed: int) -> None:
    text = commented(to_yaml(before), seed)
    wanted = msgspec.structs.replace(before, **{section: getattr(other, section)})
    done = edited(text, wanted, None)
    assert of_text(done.text) == wanted
    assert not done.anew
    assert done.lost == ()


@settings(max_examples=50, deadline=None)
@given(configs, configs, st.sets(st.sampled_from(Config.__struct_fields__[1:])), st.integers(0, 2**32))
def test_what_shall_not_be_written_is_not_in_the_text(before: Config, other: Config, gone: set[str], seed: int) -> None:
    text = commented(to_yaml(before, defaults=seed % 2 == 0), seed)
    wanted = msgspec.structs.replace(other, **{name: getattr(Config(), name) for name in gone})
    document = expanded(wanted)
    assert isinstance(document, dict)
    done = edited(text, wanted, {key: value for key, value in document.items() if key not in gone})
    assert of_text(done.text) == wanted
    assert not gone & parse(done.text).entries.keys()
    left = comments_of(done.text)
    assert all(comment in left or comment in done.lost for comment in comments_of(text))


def commented(text: str, seed: int) -> str:
    """The text with comments where they may stand."""
    chance = random.Random(seed)
    lines = []
    for number, line in enumerate(text.splitlines()):
        if chance.random() < 0.3:
            lines.append(" " * chance.randrange(6) + f"# above {number}")
        if chance.random() < 0.1:
            lines.append("")
        lines.append(f"{line}  # beside {number}" if chance.random() < 0.3 else line)
    return "\n".join([*lines, ""])
