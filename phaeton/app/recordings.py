"""The recordings of the running daemon: what is there, where it is, and its end."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from phaeton.sinks.web.moments import moment
from phaeton.sinks.web.recordings import RecordingInfo, RecordingList

if TYPE_CHECKING:
    from phaeton.app.daemon import Daemon


class LiveRecordings:
    """Reads beside the event loop; what is deleted is deleted in the thread that writes."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon

    @property
    def folder(self) -> Path:
        """Where they are."""
        from phaeton.sinks.recorder import folder_of  # noqa: PLC0415 - few record

        return folder_of(self._daemon.config)

    async def all(self) -> RecordingList:
        """Those that are there; raises OSError."""
        recorder = self._daemon.recorder
        if recorder is not None and not recorder.present:
            await recorder.flush()
        present = "" if recorder is None else recorder.present
        found = await asyncio.to_thread(_look, self.folder, present)
        return RecordingList(recorder is not None, found)

    async def path(self, name: str) -> Path | None:
        """Where one is, all that waits for the disk in it; None where there is none of this name."""
        from phaeton.sinks.recorder import is_recording  # noqa: PLC0415

        recorder = self._daemon.recorder
        if recorder is not None and name == recorder.present:
            await recorder.flush()
        path = self.folder / name
        return path if is_recording(name) and await asyncio.to_thread(path.is_file) else None

    async def remove(self, name: str) -> bool:
        """Delete one; False for the one that is being written. Raises FileNotFoundError and OSError."""
        from phaeton.sinks.recorder import is_recording  # noqa: PLC0415

        if not is_recording(name):
            raise FileNotFoundError(name)
        recorder = self._daemon.recorder
        if recorder is not None:
            return await recorder.remove(name)
        await asyncio.to_thread((self.folder / name).unlink)
        return True


def _look(folder: Path, present: str) -> list[RecordingInfo]:
    from phaeton.recording import first_header  # noqa: PLC0415
    from phaeton.sinks.recorder import recordings_in  # noqa: PLC0415

    found = []
    for name, size in recordings_in(folder):
        path = folder / name
        try:
            header, changed_s = first_header(path), path.stat().st_mtime
        except FileNotFoundError:
            continue
        found.append(
            RecordingInfo(
                name=name,
                day=name[:10],
                bytes=size,
                from_=None if header is None else moment(header.utc_s),
                to=moment(changed_s),
                version="" if header is None else header.version,
                present=name == present,
            )
        )
    return found
