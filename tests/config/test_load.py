"""A configuration is found, read and judged as a whole, and what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.config.load import load, parse
from phaeton.config.problems import ConfigError, Problem
from phaeton.config.tree import Charger, Config


def problems_of(text: str, environ: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        parse(text, environ=environ)
    return list(caught.value.problems)


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


def test_one_line_is_a_whole_configuration() -> None:
    assert parse("charger: 192.168.1.100").config == Config(chargers=(Charger(host="192.168.1.100"),))


def test_one_charger_with_keys_needs_no_list() -> None:
    config = parse("charger:\n  host: garage.local\n  priority: 3\n").config
    assert config.chargers == (Charger(host="garage.local", priority=3),)


def test_several_chargers_are_a_list() -> None:
    config = parse("chargers:\n  - host: 10.0.0.1\n  - host: 10.0.0.2\n").config
    assert [charger.host for charger in config.chargers] == ["10.0.0.1", "10.0.0.2"]


def test_json_is_read_as_well() -> None:
    config = parse('{"charger": "a", "site": {"timezone": "Europe/Paris"}}').config
    assert config.site.timezone == "Europe/Paris"


def test_several_mistakes_are_reported_at_once_with_path_value_rule_line_and_remedy() -> None:
    found = problems_of(
        "chargers:\n"
        "  - host: 10.0.0.1\n"
        "    limits:\n"
        "      max_set_current_a: 100\n"
        "    prioritty: 1\n"
        "web:\n"
        "  port: abc\n"
        "site: {stale_stop_s: 20}\n"
    )
    assert [(problem.path, problem.value, problem.place.line) for problem in found] == [
        ("chargers[0].limits.max_set_current_a", "100", 4),
        ("chargers[0].prioritty", "", 5),
        ("web.port", "abc", 7),
        ("site.stale_stop_s", "20", 8),
    ]
    assert found[0].rule == "must be from 6 to 80"
    assert found[1].remedy == "Did you mean priority?"
    assert found[2].rule == "must be a whole number"
    assert "stale_hold_s (30)" in found[3].rule


def test_the_text_of_the_error_has_a_line_for_each_problem() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("charger: a\nweb: {port: 70000}\nauto: {rest_s: x}\n", Path("/etc/phaeton/config.yaml"))
    lines = str(caught.value).splitlines()
    assert lines[0] == "/etc/phaeton/config.yaml: 2 mistakes"
    assert lines[1].startswith("  line 2: web.port = 70000: must be from 0 to 65535")
    assert lines[2].startswith("  line 3: auto.rest_s = x: must be a number")


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("web: {port: '502'}", "without quotes"),
        ("web: {port: 502.0}", "whole number"),
        ("web: {port: true}", "whole number"),
        ("web: {port: [1]}", "not a list"),
        ("web: {enabled: maybe}", "true or false"),
        ("web: {enabled: 1}", "true or false"),
        ("web: {host: ''}", "must not be empty"),
        ("web: {host: }", "must not be empty"),
        ("web: {host: null}", "must be text"),
        ("web: 5", "`key: value` lines"),
        ("auto: {smoothing_s: .nan}", "must be a number"),
        ("auto: {smoothing_s: .inf}", "must be a number"),
        ("auto: {smoothing_s: 1e400}", "must be a number"),
        ("auto:\n  smoothing_s: 1,5", "with a point: 1.5"),
        ("log: {console: {level: INFO}}", "in small letters: info"),
        ("schedule: {windows: 3}", "each entry begins with `- `"),
        ("schedule: {windows: [{start: '07:00'}]}", "is missing"),
        (
            "schedule: {windows: [{start: '7:00', end: '08:00'}]}",
            "must have the form HH:MM from 00:00 to 23:59, such as 07:30",
        ),
        ("schedule: {windows: [{start: '07:00', end: '08:00', days: mon}]}", "must be a list"),
        ("schedule: {windows: [{start: '07:00', end: '08:00', days: [monday]}]}", "must be one of"),
        ("version: 2", "the newest that this Phaeton knows"),
        ("version: x", "whole number"),
        ("version: 0", "from 1"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(line: str, rule: str) -> None:
    assert rule in only(problems_of(f"charger: a\n{line}\n")).rule


def test_a_time_without_quotes_is_a_time() -> None:
    config = parse("charger: a\nschedule: {windows: [{start: 12:30, end: 22:00}]}").config
    assert (config.schedule.windows[0].start, config.schedule.windows[0].end) == ("12:30", "22:00")


def test_numbers_are_good_names() -> None:
    assert parse("charger: {host: a, id: 007, name: 12}").config.chargers[0].id == "007"


def test_sections_without_content_have_their_defaults() -> None:
    assert parse("charger: a\nsite:\nschedule:\n  windows:\n").config == parse("charger: a").config


def test_a_key_that_may_be_empty_may_be_written_so() -> None:
    assert parse("charger: {host: a, port: }\nsite: {limits: {fuse_a: null}}").config == parse("charger: a").config


def test_a_key_that_is_there_twice_is_refused_with_both_lines() -> None:
    problem = only(problems_of("charger: a\nweb:\n  port: 1\n  host: b\n  port: 2\n"))
    assert (problem.path, problem.place.line, problem.remedy) == ("port", 5, "It stands at line 3 already")


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "just words",
        "a: [1, 2\nb: 3",
        "a: b: c",
        "\tcharger: a",
        "charger: a\x00",
        "charger: !file /etc/passwd",
        "[1]: 2",
        "--- a: 1\n--- b: 2\n",
        "a: &x [*x]",
        "a: *nowhere",
        "[" * 5000,
        "a: &a [1,2,3,4,5,6,7,8,9]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
        "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
        "x" * 2_000_000,
        "charger: \ud800",
    ],
)
def test_what_is_no_yaml_or_too_much_of_it_is_a_problem_and_no_crash(text: str) -> None:
    assert problems_of(text)


def test_an_empty_file_shows_the_least_configuration() -> None:
    for text in ("", "# nothing\n", "~", "chargers: []", "charger:"):
        problem = problems_of(text)[0]
        assert "charger: 192.168.1.100" in problem.remedy or problem.path == "chargers[0].host"


def test_a_key_of_former_days_names_its_new_place() -> None:
    problem = only(problems_of("charger: a\ntimezone: Europe/Paris\n"))
    assert problem.remedy == "It is site.timezone now"


def test_secrets_are_not_shown() -> None:
    text = "\n".join(str(problem) for problem in problems_of("charger: a\ntibber: {access_token: hunter2}\n"))
    assert "hunter2" not in text


def test_both_forms_of_chargers_at_once_are_refused() -> None:
    assert only(problems_of("charger: a\nchargers: [{host: b}]\n")).path == "charger"


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml", {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path, {})


def test_text_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"charger: a\n# caf\xe9\n")
    with pytest.raises(ConfigError, match="line 2 is not UTF-8"):
        load(file, {})


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"\xef\xbb\xbfcharger: a\n")
    assert load(file, {}).config.chargers[0].host == "a"


def test_the_file_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phaeton_config.yaml").write_text("charger: here\n")
    loaded = load(None, {})
    assert loaded.config.chargers[0].host == "here"
    assert loaded.path == tmp_path / "phaeton_config.yaml"
    assert loaded.text == "charger: here\n"


def test_without_any_file_the_error_shows_the_least_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phaeton.config.load.PLACES", (tmp_path / "a.yaml", tmp_path / "b.yaml"))
    with pytest.raises(ConfigError) as caught:
        load(None, {})
    assert "charger: 192.168.1.100" in str(caught.value)
    assert str(tmp_path / "b.yaml") in str(caught.value)
