"""The support bundle of the running daemon: gathered on the event loop, written beside it."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from phaeton import log
from phaeton.sinks.store import Store
from phaeton.sinks.web.settings import SettingsError, Wish

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon
    from phaeton.support.bundle import Gathered

SESSIONS = 50
IN_MEMORY_BYTES = 2_000_000
"""A longer bundle is written to the disk's place for temporary files."""


class LiveSupport:
    """Makes one bundle at a time."""

    def __init__(self, daemon: Daemon, store: Store) -> None:
        self._daemon = daemon
        self._store = store
        self._making = asyncio.Lock()

    async def bundle(self, *, recording: bool) -> IO[bytes]:
        """A zip as an open file at its beginning, to be closed by the caller; raises OSError."""
        async with self._making:
            gathered = await self._gather(recording)
            return await asyncio.to_thread(_written, gathered)

    async def _gather(self, recording: bool) -> Gathered:
        from phaeton.support.bundle import Gathered  # noqa: PLC0415 - hardly ever needed

        daemon, inspection = self._daemon, self._daemon.inspection
        documents: dict[str, object] = {
            "diagnostics": inspection.diagnose(),
            "dbus": inspection.services(),
            "output": daemon.output,
            "sessions": await self._store.sessions(SESSIONS),
        }
        documents |= {f"registers-{point}": inspection.registers(point) for point in daemon.live}
        serials = [*self._store.facts("serial:").values()]
        if daemon.output is not None:
            serials += [point.identity.serial for point in daemon.output.situation.points if point.identity is not None]
        kept = log.ring.records()
        return Gathered(
            config=daemon.config,
            notices=await self._notices(),
            documents=documents,
            log_lines=await asyncio.to_thread(lambda: [record.human() for record in kept]),
            log_file=log.file_path(),
            recordings=await self._recordings() if recording else [],
            database=self._store.path,
            facts=self._store.facts(),
            serials=serials,
        )

    async def _notices(self) -> list[str]:
        """What is to say about the configuration as it is in the file now."""
        if self._daemon.settings is None:
            return []
        try:
            found = await self._daemon.settings.check(Wish(patch={}))
        except SettingsError as error:
            return [str(error)]
        return [
            *(f"mistake: {mistake.path}: {mistake.rule} {mistake.remedy}".rstrip() for mistake in found.problems),
            *(f"{remark.key}: {remark.text}" for remark in found.notices),
        ]

    async def _recordings(self) -> list[Path]:
        """The newest one, with all that was recorded until now."""
        recordings = self._daemon.recordings
        with suppress(OSError):
            found = (await recordings.all()).recordings
            path = await recordings.path(found[-1].name) if found else None
            if path is not None:
                return [path]
        return []


def _written(gathered: Gathered) -> IO[bytes]:
    from phaeton.support.bundle import write  # noqa: PLC0415 - hardly ever needed

    with ExitStack() as stack:
        file = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
        write(file, gathered)
        file.seek(0)
        stack.pop_all()
    return file
