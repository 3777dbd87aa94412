"""The settings of the page: what cannot be a name, a network or an origin is told with its key."""

from __future__ import annotations

import pytest

from phaeton.config.load import parse
from phaeton.config.problems import ConfigError


def web(text: str) -> str:
    return f"charger: 192.168.1.100\nweb: {{{text}}}\n"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('hosts: ["http://charger.example.org"]', "web.hosts[0]"),
        ("hosts: [fine.example.org, '*.example.org']", "web.hosts[1]"),
        ("path_prefix: phaeton", "web.path_prefix"),
        ("path_prefix: /phaeton/", "web.path_prefix"),
        ("path_prefix: /a/../b", "web.path_prefix"),
        ("trusted_proxies: [0.0.0.0/0]", "web.trusted_proxies[0]"),
        ("trusted_proxies: [proxy]", "web.trusted_proxies[0]"),
        ("trusted_proxies: [192.168.1.7/24]", "web.trusted_proxies[0]"),
        ('cors_origins: ["*"]', "web.cors_origins[0]"),
        ('cors_origins: ["https://a.example.org/"]', "web.cors_origins[0]"),
        ('frame_ancestors: ["https://*.example.org"]', "web.frame_ancestors[0]"),
        ("access: {session_days: 300}", "web.access.session_max_days"),
        ("access: {password: secret}", "web.access.password"),
    ],
)
def test_a_mistake_names_its_key(text: str, key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(web(text))
    assert key in str(refused.value)


def test_a_page_behind_a_proxy() -> None:
    found = parse(
        web(
            "hosts: [charger.example.org, venus], path_prefix: /phaeton, trusted_proxies: [172.30.32.0/23, '::1'], "
            'cors_origins: ["https://dash.example.org", "http://[fd00::1]:3000"], access: {guest: true}'
        )
    ).config.web
    assert found.trusted_proxies == ("172.30.32.0/23", "::1")
    assert found.access.guest


def test_the_token_of_the_commands_is_no_key_of_the_configuration() -> None:
    for name in ("PHAETON_TOKEN", "PHAETON_LAUNCHER", "PHAETON_TRIAL_S"):
        assert parse("charger: 192.168.1.100\n", {name: "x"}).notices == ()
