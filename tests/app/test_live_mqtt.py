"""The broker and the daemon: nothing is loaded without one, and the page's address is one that others reach."""

from __future__ import annotations

import ipaddress
import subprocess
import sys

import pytest

from phaeton.app.live_mqtt import page_of
from phaeton.config.tree_mqtt import Mqtt
from phaeton.config.tree_web import Web


def test_without_a_broker_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys, phaeton.app.daemon, phaeton.app.main;"
        "names = ('aiomqtt', 'paho', 'phaeton.sinks.mqtt', 'phaeton.links.mqtt');"
        "print([name for name in names if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("web", "wanted"),
    [
        (Web(), None),
        (Web(host="localhost"), None),
        (Web(host="192.168.1.5", enabled=False), None),
        (Web(host="192.168.1.5"), "http://192.168.1.5:8088/"),
        (Web(host="fd00::5"), "http://[fd00::5]:8088/"),
        (Web(host="0.0.0.0", hosts=("charger.home.arpa",)), "http://charger.home.arpa:8088/"),
        (Web(host="192.168.1.5", port=80, path_prefix="/phaeton"), "http://192.168.1.5:80/phaeton/"),
    ],
)
def test_the_address_of_the_page(web: Web, wanted: str | None) -> None:
    assert page_of(web, Mqtt()) == wanted


def test_a_page_that_listens_everywhere_has_the_address_that_the_broker_sees() -> None:
    assert page_of(Web(host="0.0.0.0"), Mqtt(host="127.0.0.1")) is None, "the broker is on this device too"
    found = page_of(Web(host="0.0.0.0"), Mqtt(host="broker.home.arpa"))
    assert found is None or not ipaddress.ip_address(found.split("/")[2].rpartition(":")[0]).is_loopback
