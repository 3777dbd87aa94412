"""Who is told what happened: what is no address, no topic or no event is told with its key and what to do."""

from __future__ import annotations

import pytest

from phaeton.config.change import compare
from phaeton.config.effects import effects
from phaeton.config.load import parse
from phaeton.config.problems import ConfigError


def with_notify(text: str) -> str:
    return f"charger: 192.168.1.100\nnotify: {{{text}}}\n"


@pytest.mark.parametrize(
    ("text", "key", "says"),
    [
        ("webhooks: [{url: host/path}]", "notify.webhooks[0].url", "As https://"),
        ("webhooks: [{url: 'ftp://x/y'}]", "notify.webhooks[0].url", "begins with http"),
        ("webhooks: [{url: 'http://a b/'}]", "notify.webhooks[0].url", "begins with http"),
        ("webhooks: [{url: 'http://me:hush@x/'}]", "notify.webhooks[0].url", "no password"),
        ("webhooks: [{url: 'http://x/', events: []}]", "notify.webhooks[0].events", "at least one"),
        ("webhooks: [{url: 'http://x/', events: [fault, fault]}]", "notify.webhooks[0].events", "twice"),
        ("webhooks: [{url: 'http://x/', events: [explosion]}]", "notify.webhooks[0].events[0]", ""),
        ("ntfy: [{}]", "notify.ntfy[0].topic", ""),
        ("ntfy: [{topic: 'a/b'}]", "notify.ntfy[0].topic", ""),
        ("ntfy: [{topic: a, server: ntfy.sh}]", "notify.ntfy[0].server", "As https://ntfy.sh"),
        ("ntfy: [{topic: a, priority: 6}]", "notify.ntfy[0].priority", ""),
        ("mqtt: [fault, fault]", "notify.mqtt", "twice"),
    ],
)
def test_a_mistake_names_its_key_and_what_to_do(text: str, key: str, says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(with_notify(text))
    (problem,) = refused.value.problems
    assert problem.path == key
    assert says in str(problem)
    assert "hush" not in str(refused.value)


def test_a_change_tells_what_it_does() -> None:
    before = parse("charger: 192.168.1.100\n").config
    after = parse(with_notify("ntfy: [{topic: house, token: hush}], mqtt: []")).config
    change = compare(before, after)
    assert change.notify
    assert any("events are told" in effect for effect in effects(change))
    assert "hush" not in str(change.keys)
