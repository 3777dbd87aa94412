"""What the settings of the page must be, beyond their types: names, paths, networks and origins."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from phaeton.config.contradiction import Contradiction
from phaeton.config.tree import Config

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def web_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of `web`."""
    web = config.web
    for index, name in enumerate(web.hosts):
        if not _NAME.fullmatch(name):
            yield Contradiction(
                f"web.hosts[{index}]", name, "must be a name, without http:// and without a port", "As charger.home.org"
            )
    if web.path_prefix and not _PREFIX.fullmatch(web.path_prefix):
        yield Contradiction("web.path_prefix", web.path_prefix, "must begin with / and not end with one", "As /phaeton")
    for index, network in enumerate(web.trusted_proxies):
        yield from _proxy(f"web.trusted_proxies[{index}]", network)
    for key, origins in (("cors_origins", web.cors_origins), ("frame_ancestors", web.frame_ancestors)):
        for index, origin in enumerate(origins):
            if not _ORIGIN.fullmatch(origin):
                yield Contradiction(
                    f"web.{key}[{index}]",
                    origin,
                    "must be one exact origin in small letters: http:// or https://, the name, and the port if any",
                    "As https://dash.example.org; * is not taken",
                )
    access = web.access
    if access.session_max_days < access.session_days:
        yield Contradiction(
            "web.access.session_max_days",
            f"{access.session_max_days:g}",
            f"must not be below session_days ({access.session_days:g})",
            others=("web.access.session_days",),
        )


def _proxy(path: str, text: str) -> Iterator[Contradiction]:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        yield Contradiction(path, text, "must be an address or a network", "As 192.168.1.10 or 172.30.32.0/23")
        return
    if network.prefixlen == 0:
        yield Contradiction(path, text, "would believe everybody", "Name the proxy's own address")
