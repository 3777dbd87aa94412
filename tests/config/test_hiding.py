"""An owner's text is shown without its secrets, and gets them back."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from phaeton.config.editing import of_text
from phaeton.config.hiding import UNREADABLE, hidden_text, with_secrets_of
from phaeton.config.load import parse
from phaeton.config.tree import Config
from phaeton.config.writing import to_plain, to_yaml
from tests.config.test_desired import HOUSE
from tests.config.test_editing import commented
from tests.config.test_roundtrip import configs


def test_only_the_secrets_are_hidden() -> None:
    assert hidden_text(HOUSE) == HOUSE.replace("s3cret-token", '"***"').replace("key-of-a", '"***"')


def test_a_secret_in_a_comment_is_hidden_too() -> None:
    text = HOUSE + "# before: token=old-one, vin WVWZZZ1JZXW000001\n# s3cret-token is from May\n"
    shown = hidden_text(text)
    assert "old-one" not in shown
    assert "WVWZZZ" not in shown
    assert "# *** is from May" in shown


def test_a_word_that_is_also_a_secret_stays_where_it_is_none() -> None:
    text = HOUSE.replace("entity: sensor.price", "entity: sensor.key").replace("key-of-a", "sensor.key")
    assert "entity: sensor.key" in hidden_text(text)


def test_what_cannot_be_read_is_not_shown() -> None:
    assert hidden_text("charger: [") == UNREADABLE
    assert hidden_text("charger: a\nprices: {tibber: {tokn: secret}}\n") == UNREADABLE


@settings(max_examples=60, deadline=None)
@given(configs, st.integers(0, 2**32))
def test_hidden_and_back_is_the_same(config: Config, seed: int) -> None:
    shown = hidden_text(commented(to_yaml(config), seed))
    assert to_plain(of_text(shown) or Config()) == to_plain(config)
    text, missing = with_secrets_of(shown, config)
    assert of_text(text) == config
    assert missing == ()


def test_secrets_of_another_house_are_missing() -> None:
    _, missing = with_secrets_of(hidden_text(HOUSE), parse("charger: a\n").config)
    assert missing == ("prices.homeassistant.token", "vehicles[0].http_json.headers[0].value")
