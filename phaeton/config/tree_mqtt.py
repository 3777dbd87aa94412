"""The section `mqtt` of the configuration: the broker that values are published to, and that orders may come from."""

from __future__ import annotations

from typing import Annotated

from phaeton.config.node import Node, Secret
from phaeton.config.node import meta as _meta


class HomeAssistantDiscovery(Node, frozen=True):
    """Home Assistant finds the charging points by itself."""

    enabled: Annotated[bool, _meta("Tell Home Assistant what there is")] = True
    prefix: Annotated[
        str, _meta("Its discovery prefix; another one only where it was changed there", min_length=1, max_length=100)
    ] = "homeassistant"


class Mqtt(Node, frozen=True):
    """Values on an MQTT broker, and orders from it (the optional part `mqtt`); see docs/mqtt.md for the topics."""

    enabled: Annotated[bool, _meta("Publish to the broker")] = False
    host: Annotated[str, _meta("Broker; by default the one on this device", min_length=1, max_length=253)] = "127.0.0.1"
    port: Annotated[int, _meta("Its port; 1883 when empty, 8883 with tls", ge=1, le=65535)] | None = None
    tls: Annotated[bool, _meta("Encrypt the connection; the broker's certificate is checked")] = False
    ca_file: Annotated[
        str, _meta("Certificate of the authority that signed the broker's, where the system does not know it")
    ] = ""
    username: Annotated[Secret, _meta("User")] = Secret()
    password: Annotated[Secret, _meta("Password")] = Secret()
    client_id: Annotated[
        str,
        _meta(
            "Name of the connection, once on the broker; empty = made once and kept", pattern="^[A-Za-z0-9_-]{0,64}$"
        ),
    ] = ""
    prefix: Annotated[str, _meta("First part of all topics", min_length=1, max_length=100)] = "phaeton"
    control: Annotated[bool, _meta("Take orders from the broker; whoever may publish there controls the charger")] = (
        True
    )
    retain: Annotated[bool, _meta("Let the broker keep the newest values for those who come later")] = True
    interval_s: Annotated[
        float,
        _meta("Least time between two messages about measured values, in s; states are told at once", ge=1, le=3600),
    ] = 5.0
    min_change_w: Annotated[float, _meta("A power that changes by less is not told again, in W", ge=0, le=10000)] = 20.0
    discovery: HomeAssistantDiscovery = HomeAssistantDiscovery()
