"""A dbus-daemon of our own, on a socket in a directory of its own: the demo touches nothing of the system."""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path

_log = logging.getLogger(__name__)

_PROGRAM = "dbus-daemon"
_START_DEADLINE_S = 5.0
_END_DEADLINE_S = 2.0

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


class PrivateBus:
    """The daemon process; ``address`` is what clients connect to once `start` returned True."""

    def __init__(self, directory: Path) -> None:
        socket = directory / "bus"
        self.address = f"unix:path={socket}"
        self._config = directory / "bus.conf"
        self._config.write_text(_CONFIG.format(socket=socket), encoding="utf-8")
        self._complaints = directory / "bus.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> bool:
        """Start it and wait until it listens; False when the program is not there or does not come up."""
        program = shutil.which(_PROGRAM)
        if program is None:
            return False
        with self._complaints.open("wb") as complaints:
            self._process = await asyncio.create_subprocess_exec(
                program,
                f"--config-file={self._config}",
                "--nofork",
                "--nopidfile",
                "--print-address=1",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # Ctrl-C in the terminal must not end it before those who use it
            )
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_DEADLINE_S)
        except TimeoutError:
            line = b""
        if not line.startswith(b"unix:"):
            said = self._complaints.read_text(encoding="utf-8", errors="replace").strip()
            _log.warning("%s did not start: %s", _PROGRAM, said or "it said nothing")
            await self.stop()
            return False
        return True

    async def stop(self) -> None:
        """End it; may be called at any time."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.communicate(), _END_DEADLINE_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
