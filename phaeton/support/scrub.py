"""Takes secrets, places and serial numbers out of texts that are given to others.

What the configuration itself shows is hidden by its types already. This is for everything else, such as a log line
with an answer of a service in it: there each known secret is looked for as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, urlsplit

import msgspec

from phaeton.config.document import Plain
from phaeton.config.hiding import secrets
from phaeton.config.node import Secret
from phaeton.config.secret import SecretError, reveal
from phaeton.config.tree import Config
from phaeton.config.writing import expanded, to_plain
from phaeton.redaction import HIDDEN, is_secret, redacted

SHORTEST = 4
"""A shorter secret is found in every number."""
_DECIMALS = range(2, 8)


class Scrub:
    """Texts without what must not be in them; serial numbers become ``serial-1``, ``serial-2`` and so on."""

    def __init__(self, config: Config, facts: Mapping[str, str], serials: Iterable[str]) -> None:
        """``facts`` are those of the store, where logins of cars are kept."""
        found = [*_of_config(config), *_of_facts(facts)]
        hidden = {text for text in found if len(text) >= SHORTEST}
        known = dict.fromkeys(serial for serial in serials if len(serial) >= SHORTEST)
        self._names = {serial: f"serial-{number}" for number, serial in enumerate(known, 1)}
        digits = {serial.encode().hex(): name for serial, name in self._names.items()}
        places = {text for degrees in _places(config) for text in _written(degrees)}
        self._pattern = _any_of([*hidden, *self._names], places, digits)
        self._names |= digits

    def text(self, text: str) -> str:
        """A line or a few; a long text costs time in which nothing else runs."""
        text = redacted(text)
        return text if self._pattern is None else self._pattern.sub(self._instead, text)

    def _instead(self, found: re.Match[str]) -> str:
        return self._names.get(found[0]) or self._names.get(found[0].lower()) or HIDDEN

    def json(self, value: object) -> bytes:
        """A document with its texts scrubbed; what its keys call a secret goes too."""
        plain = msgspec.json.decode(msgspec.json.encode(value, enc_hook=str))
        return msgspec.json.format(msgspec.json.encode(self._scrubbed(plain, "")), indent=1)

    def _scrubbed(self, value: Plain, key: str) -> Plain:
        if isinstance(value, dict):
            return {self.text(name): self._scrubbed(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [self._scrubbed(item, key) for item in value]
        if isinstance(value, str):
            return HIDDEN if value and is_secret(key) else self.text(value)
        return value


def _of_config(config: Config) -> Iterator[str]:
    for text in secrets(expanded(config), to_plain(config)):
        yield text
        if "://" in text:
            yield from _of_address(text)
    for secret in _kept_elsewhere(config):
        try:
            yield reveal(secret)
        except SecretError:
            continue


def _of_address(url: str) -> Iterator[str]:
    """The password and the secret parameters of an address."""
    parts = urlsplit(url)
    yield parts.password or ""
    yield from (value for name, value in parse_qsl(parts.query) if is_secret(name))


def _kept_elsewhere(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        if value.file or value.env:
            yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _kept_elsewhere(getattr(value, name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _kept_elsewhere(item)


def _of_facts(facts: Mapping[str, str]) -> Iterator[str]:
    """The texts whose keys call them secret, wherever they are in what the store keeps."""
    for key, text in facts.items():
        try:
            value = msgspec.json.decode(text)
        except msgspec.MsgspecError:
            if is_secret(key):
                yield text
            continue
        yield from _secret_texts(value, secret=is_secret(key))


def _secret_texts(value: object, *, secret: bool) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _secret_texts(item, secret=secret or is_secret(str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _secret_texts(item, secret=secret)
    elif isinstance(value, str) and secret:
        yield value


def _places(config: Config) -> Iterator[float]:
    home = config.site.home
    yield from (degrees for degrees in (home.latitude, home.longitude) if degrees is not None)


def _written(degrees: float) -> Iterator[str]:
    """The ways in which a coordinate is written, coarse ones too."""
    yield from (f"{degrees:.{decimals}f}" for decimals in _DECIMALS)
    yield repr(degrees)


def _any_of(texts: Iterable[str], numbers: Iterable[str], digits: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for all; a number is not found in the middle of a longer one, hexadecimal digits are."""
    parts = [_bounded(text, r"\d") for text in texts] + [_bounded(number, r"[\d.]") for number in numbers]
    parts += map(re.escape, digits)
    if not parts:
        return None
    return re.compile("|".join(sorted(parts, key=len, reverse=True)), re.IGNORECASE)


def _bounded(text: str, inside: str) -> str:
    if not re.fullmatch(r"[-\d.]+", text):
        return re.escape(text)
    return rf"(?<!{inside}){re.escape(text)}(?!\d)"
