"""The configuration file as a source: a changed file is judged as a whole, and taken over or refused."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from reactivex import Observable
from reactivex.subject import Subject

from phaeton.config.load import Loaded, load
from phaeton.config.problems import ConfigError, Problem

Verdict: TypeAlias = Loaded | ConfigError
"""A configuration that holds, or why the new one does not; the one before stays in force then."""

_Mark: TypeAlias = tuple[int, int, int]


class ConfigFile:
    """Watches the file that was loaded at the start; `reload` reads it at once (SIGHUP).

    A file is read when it has been left alone for ``settle_s``, so that a half-written one is not. A file that is
    away is reported once: editors move files to and fro.
    """

    def __init__(
        self,
        loaded: Loaded,
        environ: Mapping[str, str] | None = None,
        *,
        period_s: float = 5.0,
        settle_s: float = 1.0,
    ) -> None:
        """``environ`` is that of the process when None."""
        self._loaded = loaded
        self._environ = environ
        self._period_s = period_s
        self._settle_s = settle_s
        self.changing = asyncio.Lock()
        """Held by this process from before it writes the file until it `took` it, so that nothing is read half-way."""
        self._seen = _mark(loaded.path)
        self._text = loaded.text
        self._verdicts: Subject[Verdict] = Subject()
        self._there = asyncio.Event()
        if loaded.path is not None:
            self._there.set()

    @property
    def verdicts(self) -> Observable[Verdict]:
        """Each judgement after the first; never ends with an error."""
        return self._verdicts

    @property
    def loaded(self) -> Loaded:
        """The configuration in force."""
        return self._loaded

    @property
    def environ(self) -> Mapping[str, str]:
        """The variables that win over the file."""
        return os.environ if self._environ is None else self._environ

    async def watch(self) -> None:
        """Look at the file every ``period_s`` until cancelled: one ``stat`` each time, none while there is no file."""
        await self._there.wait()
        while True:
            await asyncio.sleep(self._period_s)
            found = _mark(self._loaded.path)
            if found == self._seen:
                continue
            await asyncio.sleep(self._settle_s)
            if found == _mark(self._loaded.path):
                await self._changed(found)

    def took(self, loaded: Loaded) -> None:
        """The file was written by this process and its content is taken over already: finding it is no news."""
        self._loaded = loaded
        self._text = loaded.text
        self._there.set()

    def reload(self) -> Verdict:
        """Read the file now and emit the verdict, also when nothing changed."""
        self._seen = _mark(self._loaded.path)
        verdict = self._judge()
        self._emit(verdict)
        return verdict

    async def _changed(self, found: _Mark | None) -> None:
        async with self.changing:
            self._seen = found
            verdict = await asyncio.to_thread(self._judge)
            if isinstance(verdict, Loaded) and verdict.text == self._text:
                return  # touched, put back as it was, or written by this process
            self._emit(verdict)

    def _judge(self) -> Verdict:
        path = self._loaded.path
        try:
            return load(path, self._environ)
        except ConfigError as error:
            if path is not None and not path.exists():
                remedy = "The configuration in force stays; put the file back"
                return ConfigError([Problem("", "the file is gone", remedy=remedy)], path)
            return error

    def _emit(self, verdict: Verdict) -> None:
        if isinstance(verdict, Loaded):
            self._loaded = verdict
            self._text = verdict.text
        else:
            self._text = ""  # the next good one is news, even when it is the old one again
        self._verdicts.on_next(verdict)


def _mark(path: Path | None) -> _Mark | None:
    """What changes when a file does; None when there is none."""
    if path is None:
        return None
    with contextlib.suppress(OSError):
        now = path.stat()
        return now.st_mtime_ns, now.st_size, now.st_ino
    return None
