"""Secrets: given as a text or as a place, read when they are needed, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.config.change import compare
from phaeton.config.load import load, parse
from phaeton.config.node import Secret
from phaeton.config.problems import ConfigError
from phaeton.config.secret import SecretError, reveal
from phaeton.config.writing import hidden_yaml, to_plain, to_yaml

BASE = "charger: a\nprices:\n  source: tibber\n  tibber: {token: %s}\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("abc", Secret(value="abc")),
        ('"007"', Secret(value="007")),
        ("{value: abc}", Secret(value="abc")),
        ("{file: /run/token}", Secret(file="/run/token")),
        ("{env: TIBBER}", Secret(env="TIBBER")),
    ],
)
def test_a_secret_is_a_text_or_a_place_and_is_written_back_as_short_as_it_was(written: str, meant: Secret) -> None:
    config = parse(BASE % written).config
    assert config.prices.tibber.token == meant
    assert parse(to_yaml(config)).config == config
    if written != "{value: abc}":
        assert f"token: {written}\n" in to_yaml(config)


def test_it_can_be_set_by_the_environment() -> None:
    environ = {"PHAETON_PRICES__TIBBER__TOKEN": "xyz", "PHAETON_PRICES__SOURCE": "tibber"}
    assert parse("charger: a", environ=environ).config.prices.tibber.token.value == "xyz"


def test_nothing_that_is_shown_holds_it() -> None:
    text = BASE % "hunter2" + (
        "  http_json: {url: 'https://me:hunter2@h/x?api_key=hunter2', headers: [{name: X-Own, value: hunter2}]}\n"
    )
    config = parse(text).config
    shown = hidden_yaml(config) + str(to_plain(config)) + repr(config.prices.tibber) + repr(config.prices)
    assert "hunter2" not in shown.replace(repr(config.prices.http_json.url), "")
    assert "file: /run/x" in hidden_yaml(parse(BASE % "{file: /run/x}").config)


def test_no_message_about_a_mistake_holds_it() -> None:
    with pytest.raises(ConfigError) as error:
        parse(BASE % "{vlue: hunter2}" + "  http_json: {url: 'ftp://hunter2@h', refresh_min: x}\n")
    assert "hunter2" not in str(error.value)
    assert "prices.tibber.token.vlue" in str(error.value)


def test_a_changed_secret_is_a_change_and_is_not_told() -> None:
    found = compare(parse(BASE % "hunter2").config, parse(BASE % "hunter3").config)
    assert found.prices
    assert not found.nothing
    assert "hunter" not in str(found.keys)


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(" one\n")
    secret = Secret(file=str(file))
    assert reveal(secret) == "one"
    file.write_text("two")
    assert reveal(secret) == "two"


@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "cannot be read"), (b"", "is empty"), (b"\xff\xfe\xff", "no text"), (b"a\nb", "one line")],
)
def test_a_file_without_a_secret_says_which_file_and_what_is_wrong(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SecretError, match=says) as error:
        reveal(Secret(file=str(file)))
    assert str(file) in str(error.value)


def test_a_variable_is_looked_up_when_it_is_needed() -> None:
    assert reveal(Secret(env="T"), {"T": " abc "}) == "abc"
    with pytest.raises(SecretError, match="T is not set"):
        reveal(Secret(env="T"), {})
    assert reveal(Secret()) == ""


def test_a_file_of_the_configuration_may_name_a_file_of_a_secret(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc")
    path = tmp_path / "c.yaml"
    path.write_text(BASE % f"{{file: {tmp_path / 'token'}}}")
    assert reveal(load(path, {}).config.prices.tibber.token) == "abc"
