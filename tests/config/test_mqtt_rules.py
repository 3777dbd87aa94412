"""The settings of the MQTT broker: what cannot be an address or a topic is told with its key and what to do."""

from __future__ import annotations

import pytest

from phaeton.config.change import compare
from phaeton.config.effects import effects
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError


def with_mqtt(text: str, charger: str = "charger: 192.168.1.100") -> str:
    return f"{charger}\nmqtt: {{{text}}}\n"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("host: 'mqtt://broker'", "mqtt.host", "The port has its own key"),
        ("host: 'broker:1883'", "mqtt.host", "without a port"),
        ("port: 0", "mqtt.port", "from 1 to 65535"),
        ("ca_file: /etc/ca.crt", "mqtt.ca_file", "Set tls: true"),
        ("password: hush", "mqtt.username", "is needed with a password"),
        ("prefix: 'a/#'", "mqtt.prefix", "no +, #"),
        ("prefix: 'a/'", "mqtt.prefix", "no / at an end"),
        ("prefix: /a", "mqtt.prefix", "As phaeton"),
        ("prefix: $SYS", "mqtt.prefix", "no $"),
        ("prefix: 'two words'", "mqtt.prefix", "spaces"),
        ("discovery: {prefix: 'x/+'}", "mqtt.discovery.prefix", "As homeassistant"),
        ("prefix: homeassistant", "mqtt.prefix", "must not share topics"),
        ("prefix: homeassistant/phaeton", "mqtt.prefix", "must not share topics"),
        ("client_id: 'a b'", "mqtt.client_id", ""),
        ("interval_s: 0.1", "mqtt.interval_s", ""),
        ("brooker: x", "mqtt.brooker", ""),
    ],
)
def test_a_mistake_names_its_key_and_what_to_do(text: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(with_mqtt(text))
    assert key in str(refused.value)
    assert says in str(refused.value)
    assert "hush" not in str(refused.value)


def test_a_charger_may_not_be_called_like_the_house() -> None:
    with pytest.raises(ConfigError) as refused:
        parse(with_mqtt("enabled: true", "chargers: [{host: 192.168.1.100, id: site}]"))
    assert "chargers[0].id" in str(refused.value)
    assert parse(with_mqtt("enabled: false", "chargers: [{host: 192.168.1.100, id: site}]"))


@pytest.mark.parametrize("text", ["enabled: true", "host: fe80::1%eth0", "prefix: house/charger", "host: Venus.local."])
def test_what_is_right(text: str) -> None:
    assert parse(with_mqtt(text)).config.mqtt


def test_only_the_connection_to_the_broker_is_made_anew() -> None:
    before, after = (parse(with_mqtt(text)).config for text in ("", "enabled: true, username: u, password: hush"))
    change = compare(before, after)
    assert change.mqtt
    assert not change.web
    assert not change.links
    assert "hush" not in " ".join(change.keys)
    assert effects(change) == ("the connection to the MQTT broker is made anew, or ends",)
