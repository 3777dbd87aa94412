"""The log: records with context for people or for programs, a level for each way out, no secrets.

Modules use the standard library: ``logging.getLogger(__name__)`` and ``log.info("written", extra={"current_a": 8})``.
What belongs to all records of a stretch of work is set once: ``with context(point="garage"): ...``.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from phaeton.config.tree import Level, Log
from phaeton.log_file import LogFileHandler
from phaeton.log_format import HumanFormatter, JsonFormatter, context
from phaeton.log_ring import LogRing

__all__ = ["HumanFormatter", "JsonFormatter", "context", "file_path", "ring", "set_web_level", "setup", "web_level"]

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

_logger = logging.getLogger(__name__)

ring = LogRing()
"""The newest records, for the page and the API; those of before a reload are still in it."""


def setup(config: Log) -> None:
    """Let the log go where the configuration says; may be called again at any time.

    A log file that cannot be written is reported on the console, and the rest goes on.
    """
    root = logging.getLogger()
    for handler in _ours():
        root.removeHandler(handler)
        handler.close()
    console = _Console()
    console.setLevel(_LEVELS[config.console.level])
    console.setFormatter(_formatter(config.console.format))
    root.addHandler(console)
    ring.setLevel(_LEVELS[config.web.level])
    root.addHandler(ring)
    if config.file.path:
        try:
            file = LogFileHandler(config.file, report=_logger.warning)
        except OSError as error:
            _logger.warning("the log file cannot be written: %s", error.strerror, extra={"path": config.file.path})
        else:
            file.setLevel(_LEVELS[config.file.level])
            file.setFormatter(_formatter(config.file.format))
            root.addHandler(file)
    root.setLevel(min(handler.level for handler in _ours()))
    for name, level in _TAMED.items():
        logging.getLogger(name).setLevel(level)


def _ours() -> list[logging.Handler]:
    return [handler for handler in logging.getLogger().handlers if getattr(handler, "of_phaeton", False)]


def web_level() -> Level:
    """The least level that the page and the API are shown."""
    return next(name for name, level in _LEVELS.items() if level >= ring.level)


def set_web_level(level: Level) -> None:
    """Show the page and the API more or less, until the log is set up anew; console and file stay as they are."""
    ring.setLevel(_LEVELS[level])
    logging.getLogger().setLevel(min((handler.level for handler in _ours()), default=ring.level))


def file_path() -> Path | None:
    """The log file, where one is written."""
    return next((Path(handler.baseFilename) for handler in _ours() if isinstance(handler, LogFileHandler)), None)


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
