"""Secrets are hidden, and nothing else is."""

from __future__ import annotations

import time

import pytest

from phaeton.redaction import HIDDEN, is_secret, redacted


@pytest.mark.parametrize(
    "key", ["password", "access_token", "accessToken", "kia_pin", "pin", "Authorization", "api-key"]
)
def test_names_of_secrets(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize("key", ["mapping", "spinning", "host", "tokens_left", "keyboard", "pinned", "soc"])
def test_names_of_other_things(key: str) -> None:
    assert not is_secret(key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=hunter2 user=me", "password=*** user=me"),
        ('{"access_token": "hunter2", "a": 1}', '{"access_token": ***, "a": 1}'),
        ("Authorization: Bearer hunter2", "Authorization: ***"),
        ("sent Bearer hunter2, again", "sent Bearer ***, again"),
        ("GET https://me:hunter2@host/path", "GET https://***@host/path"),
        ("https://host/?token=hunter2&x=1", "https://host/?token=***&x=1"),
        ("pin: 1234", "pin: ***"),
        ("3 tokens=2, opinion: good, spin=1", "3 tokens=2, opinion: good, spin=1"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize("text", ["5YJTEST0000000001", "GET /api/1/vehicles/KNATESTEV60000001/vehicle_data?x=1"])
def test_the_identity_of_a_car_is_hidden(text: str) -> None:
    shown = redacted(text)
    assert "0000001" not in shown
    assert HIDDEN in shown


@pytest.mark.parametrize("text", ["ACE0123456", "12345678901234567", "ABCDEFGHABCDEFGHA", "2026-11-25T14:00:00Z"])
def test_what_only_looks_like_one_is_shown(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("word", ["x", "x.", "x-", "token-", "a_b-", "'\"", "://", "A1"])
def test_a_long_word_does_not_hold_up_the_loop(word: str) -> None:
    short, long = (min(_spent_s(f"pin {word * times}") for _ in range(3)) for times in (5_000, 40_000))
    assert long < 30 * short  # eight times the text; by its square it would be 64 times


def _spent_s(text: str) -> float:
    began_s = time.process_time()
    redacted(text)
    return time.process_time() - began_s
