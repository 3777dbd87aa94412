"""Who knocks: the address of the client, under which name and path it sees us, and whether it sits at this machine.

Headers that say so are believed from the configured proxies only. Whoever came through any proxy is never local, be
the proxy on this machine or not: a proxy would make everybody local otherwise.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from msgspec import Struct

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PROXY_HEADERS = (
    "Forwarded",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Ingress-Path",
    "X-Real-IP",
)
"""Any of these says that a proxy stands between."""
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")


class Client(Struct, frozen=True):
    """The other end."""

    address: str
    """For people and logs."""
    group: str
    """What is counted together: an address, or the network of an IPv6 home."""
    local: bool
    """A program or browser on this machine itself."""
    secure: bool
    """It sees us over https."""
    host: str
    """The name, with a port or not, that it sees us under."""
    prefix: str
    """The path before all of ours, that it sees us under; empty or ``/phaeton``."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The proxies of the configuration."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_of(peer: str, headers: Mapping[str, str], proxies: tuple[Network, ...]) -> Client:
    """The client behind a connection from ``peer``."""
    address = parsed(peer)
    host = headers.get("Host", "")
    through_proxy = any(name in headers for name in PROXY_HEADERS)
    if address is None or not through_proxy or not _among(address, proxies):
        local = address is not None and address.is_loopback and not through_proxy
        return Client(peer if address is None else str(address), group(address), local, False, host, "")
    address = _first_untrusted(headers.get("X-Forwarded-For", ""), address, proxies)
    told_host = _last(headers.get("X-Forwarded-Host", ""))
    told_prefix = headers.get("X-Ingress-Path") or _last(headers.get("X-Forwarded-Prefix", ""))
    return Client(
        address=str(address),
        group=group(address),
        local=False,
        secure=_last(headers.get("X-Forwarded-Proto", "")).lower() == "https",
        host=told_host if _HOST.fullmatch(told_host) else host,
        prefix=told_prefix.rstrip("/") if _PREFIX.fullmatch(told_prefix) else "",
    )


@lru_cache(maxsize=256)
def parsed(text: str) -> Address | None:
    """The address; IPv4 in the clothes of IPv6 is IPv4, and an interface's name does not matter."""
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return address if mapped is None else mapped


@lru_cache(maxsize=256)
def group(address: Address | None) -> str:
    """The address, or for IPv6 its /64: one home has as many addresses as it likes."""
    if address is None:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def _first_untrusted(told: str, peer: Address, proxies: tuple[Network, ...]) -> Address:
    """Proxies append to the list, so it is true from its end up to the first address that is none of them."""
    found = peer
    for part in reversed(told.split(",")[-20:]):
        address = _of_list(part)
        if address is None:
            break
        found = address
        if not _among(address, proxies):
            break
    return found


def _of_list(part: str) -> Address | None:
    """Some proxies write ``192.0.2.1:4711`` or ``[2001:db8::1]:4711``."""
    text = part.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parsed(text)


def _among(address: Address, proxies: tuple[Network, ...]) -> bool:
    return any(address in network for network in proxies)


def _last(told: str) -> str:
    return told.rpartition(",")[2].strip()
