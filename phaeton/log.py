"""The log: records with context for people or for programs, a level for each way out, no secrets.

Modules use the standard library: ``logging.getLogger(__name__)`` and ``log.info("written", extra={"current_a": 8})``.
What belongs to all records of a stretch of work is set once: ``with context(point="garage"): ...``.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum

import msgspec

from phaeton.config.tree import Level, Log
from phaeton.log_file import LogFileHandler
from phaeton.redaction import HIDDEN, is_secret, redacted

_LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_TAMED = {
    "aiohttp.access": logging.WARNING,
    "asyncio": logging.WARNING,
    "dbus_fast": logging.WARNING,
    "dbus_next": logging.WARNING,
    "mqtt": logging.CRITICAL,
    "pymodbus": logging.CRITICAL,
}
"""Libraries that say more than the log of a daemon wants; the Modbus link counts and reports failures itself."""

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; everything else was given by the caller."""

_NONE: Mapping[str, object] = {}
_context: ContextVar[Mapping[str, object]] = ContextVar("log_context")

_logger = logging.getLogger(__name__)


@contextmanager
def context(**values: object) -> Iterator[None]:
    """Add values to all records within: ``point`` and ``step`` of the control, ``request`` of the web server."""
    token = _context.set({**_context.get(_NONE), **values})
    try:
        yield
    finally:
        _context.reset(token)


def setup(config: Log) -> None:
    """Let the log go where the configuration says; may be called again at any time.

    A log file that cannot be written is reported on the console, and the rest goes on.
    """
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if getattr(handler, "of_phaeton", False)]:
        root.removeHandler(handler)
        handler.close()
    console = _Console()
    console.setLevel(_LEVELS[config.console.level])
    console.setFormatter(_formatter(config.console.format))
    root.addHandler(console)
    levels = [console.level]
    if config.file.path:
        try:
            file = LogFileHandler(config.file, report=_logger.warning)
        except OSError as error:
            _logger.warning("the log file cannot be written: %s", error.strerror, extra={"path": config.file.path})
        else:
            file.setLevel(_LEVELS[config.file.level])
            file.setFormatter(_formatter(config.file.format))
            root.addHandler(file)
            levels.append(file.level)
    root.setLevel(min(levels))
    for name, level in _TAMED.items():
        logging.getLogger(name).setLevel(level)


class _Console(logging.Handler):
    """Writes to what is standard error at that moment; a console that is gone is no reason to stop."""

    of_phaeton = True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):  # closed, or its reader has gone
            pass


def _formatter(style: str) -> logging.Formatter:
    return JsonFormatter() if style == "json" else HumanFormatter()


class HumanFormatter(logging.Formatter):
    """``2026-01-01T12:00:00Z info    charger[1]: written current_a=8.0``.

    Only records begin at the margin: further lines of a text and exceptions are indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line, and what belongs to it below."""
        details = _details(record)
        point = details.pop("point", None)
        source = _source(record) + (f"[{point}]" if point is not None else "")
        pairs = "".join(f" {key}={_quoted(value)}" for key, value in details.items())
        first, *more = map(_one_line, _message(record).split("\n"))
        line = f"{_time(record)} {_level(record):<7} {source}: {first}{pairs}"
        return "\n    ".join([line, *more, *_exception(self, record).splitlines()])


class JsonFormatter(logging.Formatter):
    """One JSON object for each record: ``time``, ``level``, ``logger``, ``message``, then the context."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line of JSON."""
        entry: dict[str, object] = {
            "time": _time(record),
            "level": _level(record),
            "logger": _source(record),
            "message": _message(record),
        }
        entry |= {key: value for key, value in _details(record).items() if key not in entry}
        exception = _exception(self, record)
        if exception:
            entry["exception"] = exception
        return msgspec.json.encode(entry, enc_hook=str).decode()


def _time(record: logging.LogRecord) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))


def _level(record: logging.LogRecord) -> str:
    return record.levelname.lower()


def _source(record: logging.LogRecord) -> str:
    return (
        record.name.removeprefix("phaeton.").rpartition(".")[2] if record.name.startswith("phaeton.") else record.name
    )


def _message(record: logging.LogRecord) -> str:
    """The text with its values in it, modes and states by their names, secrets hidden."""
    arguments = record.args
    if isinstance(arguments, tuple) and any(isinstance(argument, Enum) for argument in arguments):
        arguments = tuple(_worded(argument) for argument in arguments)
    try:
        text = str(record.msg) % arguments if arguments else str(record.msg)
    except (TypeError, ValueError):
        text = f"{record.msg} {record.args}"
    return redacted(text)


def _details(record: logging.LogRecord) -> dict[str, object]:
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


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
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
