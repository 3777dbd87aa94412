"""What the settings of the MQTT broker must be, beyond their types: an address, topics, keys that belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from phaeton.config.contradiction import Contradiction
from phaeton.config.points import charger_names
from phaeton.config.tree import Config

SITE = "site"
"""The topics of the house are beside those of the charging points."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|(?=.*:.*:)[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_TOPIC = re.compile(r"[^+#$/\s\x00-\x1f\x7f][^+#/\s\x00-\x1f\x7f]*(/[^+#/\s\x00-\x1f\x7f]+)*")


def mqtt_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of `mqtt`."""
    mqtt = config.mqtt
    if not _HOST.fullmatch(mqtt.host):
        yield Contradiction(
            "mqtt.host",
            mqtt.host,
            "must be a host name or an address, without mqtt:// and without a port",
            "The port has its own key: port; encryption too: tls",
        )
    if mqtt.ca_file and not mqtt.tls:
        yield Contradiction(
            "mqtt.ca_file", mqtt.ca_file, "has no meaning without encryption", "Set tls: true", ("mqtt.tls",)
        )
    if mqtt.password.given and not mqtt.username.given:
        yield Contradiction(
            "mqtt.username",
            "",
            "is needed with a password",
            "A broker knows a password by its user",
            ("mqtt.password",),
        )
    for key, prefix, example in (
        ("mqtt.prefix", mqtt.prefix, "phaeton or house/charger"),
        ("mqtt.discovery.prefix", mqtt.discovery.prefix, "homeassistant"),
    ):
        if not _TOPIC.fullmatch(prefix):
            yield Contradiction(
                key,
                prefix,
                "must be the beginning of a topic: no +, #, spaces, no / at an end and no $ at the beginning",
                f"As {example}",
            )
    if _within(mqtt.prefix, mqtt.discovery.prefix) or _within(mqtt.discovery.prefix, mqtt.prefix):
        yield Contradiction(
            "mqtt.prefix",
            mqtt.prefix,
            f"must not share topics with the discovery of Home Assistant ({mqtt.discovery.prefix})",
            "As phaeton",
            ("mqtt.discovery.prefix",),
        )
    if mqtt.enabled and SITE in charger_names(config):
        number = charger_names(config).index(SITE)
        yield Contradiction(
            f"chargers[{number}].id",
            SITE,
            "is the name of the house among the topics of MQTT",
            "Choose another id for this charger",
            ("mqtt.enabled",),
        )


def _within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}/")
