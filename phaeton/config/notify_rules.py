"""What who is told must have: an address that is one, a topic, and no target twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from phaeton.config.contradiction import Contradiction
from phaeton.config.tree import Config


def notify_rules(config: Config) -> Iterator[Contradiction]:
    """The broken rules of `notify`."""
    notify = config.notify
    for index, hook in enumerate(notify.webhooks):
        path = f"notify.webhooks[{index}]"
        yield from _address(f"{path}.url", hook.url, "As https://192.168.1.20/phaeton")
        yield from _events(f"{path}.events", hook.events)
    for index, ntfy in enumerate(notify.ntfy):
        path = f"notify.ntfy[{index}]"
        yield from _address(f"{path}.server", ntfy.server, "As https://ntfy.sh")
        yield from _events(f"{path}.events", ntfy.events)
    yield from _events("notify.mqtt", notify.mqtt, may_be_none=True)


def _address(path: str, url: str, remedy: str) -> Iterator[Contradiction]:
    try:
        parts = urlsplit(url)
        right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        right = False
    if not right or any(letter.isspace() for letter in url):
        yield Contradiction(path, url, "must be an address that begins with http:// or https://", remedy)
    elif parts.username or parts.password:
        yield Contradiction(path, "", "must hold no user and no password", "A token has its own key: token")


def _events(path: str, events: Sequence[str], *, may_be_none: bool = False) -> Iterator[Contradiction]:
    if not events and not may_be_none:
        yield Contradiction(path, "[]", "must name at least one event", "Take the target away to tell it nothing")
    if len(set(events)) < len(events):
        yield Contradiction(path, ", ".join(events), "names an event twice")
