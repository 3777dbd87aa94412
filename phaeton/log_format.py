"""Records as text: lines for people, JSON for programs, with the context they were written in and without secrets."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

import msgspec

from phaeton.redaction import HIDDEN, is_secret, redacted

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; everything else was given by the caller."""

_NONE: Mapping[str, object] = {}
_context: ContextVar[Mapping[str, object]] = ContextVar("log_context")


@contextmanager
def context(**values: object) -> Iterator[None]:
    """Add values to all records within: ``point`` and ``step`` of the control, ``request`` of the web server."""
    token = _context.set({**_context.get(_NONE), **values})
    try:
        yield
    finally:
        _context.reset(token)


class HumanFormatter(logging.Formatter):
    """``2026-01-01T12:00:00Z info    charger[1]: written current_a=8.0``.

    Only records begin at the margin: further lines of a text and exceptions are indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and what belongs to it below."""
        details = details_of(record)
        point = details.pop("point", None)
        source = source_of(record) + (f"[{point}]" if point is not None else "")
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in details.items())
        first, *more = map(_one_line, message_of(record).split("\n"))
        line = f"{_time(record)} {_level(record):<7} {source}: {first}{pairs}"
        return "\n    ".join([line, *more, *exception_of(self, record).splitlines()])


class JsonFormatter(logging.Formatter):
    """One JSON object for each record: ``time``, ``level``, ``logger``, ``message``, then the context."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": _level(record),
            "logger": source_of(record),
            "message": message_of(record),
        }
        entry |= {key: value for key, value in details_of(record).items() if key not in entry}
        exception = exception_of(self, record)
        if exception:
            entry["exception"] = exception
        return msgspec.json.encode(entry, enc_hook=str).decode()


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def source_of(record: logging.LogRecord) -> str:
    """The module that speaks."""
    return (
        record.name.removeprefix("phaeton.").rpartition(".")[2] if record.name.startswith("phaeton.") else record.name
    )


def message_of(record: logging.LogRecord) -> str:
    """The text with its values in it, modes and states by their names, secrets hidden."""
    arguments = record.args
    if isinstance(arguments, tuple) and any(isinstance(argument, Enum) for argument in arguments):
        arguments = tuple(_worded(argument) for argument in arguments)
    try:
        text = str(record.msg) % arguments if arguments else str(record.msg)
    except (TypeError, ValueError):
        text = f"{record.msg} {record.args}"
    return redacted(text)


def details_of(record: logging.LogRecord) -> dict[str, object]:
    """Context and the caller's own values, secrets hidden."""
    own = {key: value for key, value in vars(record).items() if key not in _ORDINARY}
    return {key: _safe(key, value) for key, value in {**_context.get(_NONE), **own}.items()}


def _safe(key: str, value: object) -> object:
    if is_secret(key):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(name): _safe(str(name), item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_safe(key, item) for item in value]
    value = _worded(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def _worded(value: object) -> object:
    """A mode, a status or a state by its name."""
    return value.name.lower() if isinstance(value, Enum) else value


def exception_of(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The exception and the stack of the record, secrets hidden."""
    texts = [formatter.formatException(record.exc_info)] if record.exc_info and record.exc_info[0] else []
    if record.stack_info:
        texts.append(record.stack_info)
    return redacted("\n".join(texts))


def _quoted(value: object) -> str:
    text = _one_line(str(value))
    return f'"{text}"' if not text or " " in text or "=" in text else text


def _one_line(text: str) -> str:
    """Line ends and control characters made visible: nobody forges a record or colours the console."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
