"""Sources of cars: what is missing or cannot be is told with its key."""

from __future__ import annotations

import pytest

from phaeton.config.change import compare
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError
from phaeton.config.writing import hidden_yaml, to_yaml


def car(text: str) -> str:
    return f"charger: 192.168.1.100\nvehicles: [{{id: a, {text}}}]\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (car("source: tesla"), "vehicles[0].tesla.client_id"),
        (car("source: tesla, tesla: {token: x}"), "vehicles[0].tesla.base_url"),
        (car("source: tesla, tesla: {kind: tessie, token: x, vin: y}"), "vehicles[0].tesla.base_url"),
        (car('source: tesla, tesla: {kind: ble, base_url: "http://x"}'), "vehicles[0].tesla.vin"),
        (car('source: tesla, tesla: {client_id: x, base_url: "ftp://x"}'), "vehicles[0].tesla.base_url"),
        (car("source: kia, kia: {username: x}"), "vehicles[0].kia.password"),
        (car("source: mqtt"), "vehicles[0].mqtt.soc"),
        (car("source: homeassistant, homeassistant: {soc: sensor.x}"), "vehicles[0].homeassistant.token"),
        (car("source: homeassistant, homeassistant: {soc: no entity}"), "vehicles[0].homeassistant.soc"),
        (car("source: http_json"), "vehicles[0].http_json.url"),
        (car("source: evcc"), "vehicles[0].evcc.url"),
        (car("source: telepathy"), "vehicles[0].source"),
        (car("charger: nowhere"), "vehicles[0].charger"),
        ("charger: 192.168.1.100\nsite: {home: {latitude: 52.5}}\n", "site.home.latitude"),
        ("charger: 192.168.1.100\nsite: {home: {latitude: 152.5, longitude: 1}}\n", "site.home.latitude"),
    ],
)
def test_a_mistake_names_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(text)
    assert key in str(refused.value)


GOOD = """
charger: 192.168.1.100
site: {home: {latitude: 52.5, longitude: 13.4}}
vehicles:
  - id: model3
    charger: "1"
    source: tesla
    tesla: {client_id: abc, vin: 5YJTEST0000000001, client_secret: hush, refresh_token: {env: TESLA}}
  - {id: ev6, source: kia, kia: {username: me@example.org, password: hush, pin: {file: /data/pin}}}
  - {id: zoe, source: manual, publish: true}
"""


def test_sources_load_and_are_written_back() -> None:
    config = parse(GOOD).config
    assert parse(to_yaml(config)).config == config
    assert (config.vehicles[0].tesla.refresh_token.env, config.vehicles[1].kia.pin.file) == ("TESLA", "/data/pin")


def test_what_is_shown_holds_no_secret() -> None:
    shown = hidden_yaml(parse(GOOD).config)
    assert "model3" in shown
    assert not [word for word in ("hush", "5YJTEST0000000001", "me@example.org") if word in shown]


def test_a_change_of_secrets_and_places_is_told_without_them() -> None:
    before = parse(GOOD).config
    after = parse(GOOD.replace("hush", "other-secret").replace("52.5", "53.55").replace("0001", "0002")).config
    change = compare(before, after)
    assert change.vehicles
    told = "\n".join(change.keys)
    assert "site.home.latitude" in told
    assert not [word for word in ("hush", "other-secret", "52.5", "53.55", "5YJTEST") if word in told]
