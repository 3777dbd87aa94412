"""Whom a connection belongs to: local programs, proxies that are believed, and headers that anybody can write."""

from __future__ import annotations

import pytest

from phaeton.sinks.web.access.client import PROXY_HEADERS, client_of, group, networks, parsed

PROXIES = networks(("192.168.1.10", "172.30.32.0/23", "::1"))


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_a_program_on_this_machine_is_local(peer: str) -> None:
    client = client_of(peer, {"Host": "localhost:8088"}, PROXIES)
    assert (client.local, client.secure, client.host, client.prefix) == (True, False, "localhost:8088", "")


@pytest.mark.parametrize("peer", ["192.168.1.7", "::ffff:192.168.1.7", "fe80::1%eth0", "2001:db8::1", "", "unix"])
def test_everybody_else_is_not(peer: str) -> None:
    assert not client_of(peer, {"Host": "x"}, PROXIES).local


@pytest.mark.parametrize("name", PROXY_HEADERS)
@pytest.mark.parametrize("value", ["127.0.0.1", "for=127.0.0.1", "localhost", "https", "/x"])
def test_whoever_came_through_a_proxy_is_never_local(name: str, value: str) -> None:
    for proxies in (PROXIES, networks(("127.0.0.1",))):
        assert not client_of("127.0.0.1", {"Host": "x", name: value}, proxies).local


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("127.0.0.1, 203.0.113.5", "203.0.113.5"),
        ("203.0.113.99, 203.0.113.5, 172.30.32.2", "203.0.113.5"),
        ("203.0.113.5:4711", "203.0.113.5"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("unknown", "192.168.1.10"),
        ("203.0.113.5, nonsense", "192.168.1.10"),
        ("203.0.113.5, nonsense, 172.30.32.2", "172.30.32.2"),
        ("", "192.168.1.10"),
        (", ".join(["203.0.113.5"] * 1000), "203.0.113.5"),
    ],
)
def test_a_trusted_proxy_tells_the_address_and_what_a_client_wrote_before_it_does_not_count(
    told: str, address: str
) -> None:
    client = client_of("192.168.1.10", {"Host": "x", "X-Forwarded-For": told}, PROXIES)
    assert client.address == address
    assert not client.local


def test_only_a_trusted_proxy_is_believed() -> None:
    told = {
        "Host": "venus.local",
        "X-Forwarded-For": "203.0.113.5",
        "X-Forwarded-Proto": "http, https",
        "X-Forwarded-Host": "charger.example.org",
        "X-Forwarded-Prefix": "/phaeton/",
    }
    trusted = client_of("192.168.1.10", told, PROXIES)
    assert (trusted.address, trusted.secure, trusted.host, trusted.prefix) == (
        "203.0.113.5",
        True,
        "charger.example.org",
        "/phaeton",
    )
    spoofed = client_of("192.168.1.11", told, PROXIES)
    assert (spoofed.address, spoofed.secure, spoofed.host, spoofed.prefix) == ("192.168.1.11", False, "venus.local", "")


@pytest.mark.parametrize("prefix", ["//evil.example", "/a/../b", "/a;Domain=x", "/a b", "a", "/", "/\r\nX: y", "/."])
def test_a_prefix_that_is_no_path_is_not_taken(prefix: str) -> None:
    assert client_of("192.168.1.10", {"Host": "x", "X-Ingress-Path": prefix}, PROXIES).prefix == ""


@pytest.mark.parametrize("host", ["evil.example/x", "a b", "", "a@b", "[::1", "a:b:c"])
def test_a_host_that_is_none_is_not_taken(host: str) -> None:
    assert client_of("192.168.1.10", {"Host": "venus.local", "X-Forwarded-Host": host}, PROXIES).host == "venus.local"


def test_home_assistant_tells_its_path() -> None:
    told = {"Host": "x", "X-Ingress-Path": "/api/hassio_ingress/Ab-_1", "X-Forwarded-For": "192.168.1.40"}
    client = client_of("172.30.32.2", told, PROXIES)
    assert (client.prefix, client.address) == ("/api/hassio_ingress/Ab-_1", "192.168.1.40")


def test_an_ipv6_home_is_counted_as_one() -> None:
    assert group(parsed("2001:db8:1:2:3::4")) == group(parsed("2001:db8:1:2::9")) == "2001:db8:1:2::/64"
    assert group(parsed("2001:db8:1:3::9")) != group(parsed("2001:db8:1:2::9"))
    assert group(parsed("::ffff:203.0.113.5")) == "203.0.113.5"
