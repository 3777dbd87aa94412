"""The installation folder: versions side by side, a link to the one that runs, and the trial of a new one.

    run                      the launcher; whatever starts Phaeton starts this
    versions/<version>/      bin/phaeton and all that it needs; MANIFEST.json
    current -> versions/...  the one that runs
    previous -> versions/... the one before, for a rollback
    pending                  two lines, the new and the old version, while the new one is on trial
    starts                   how often the launcher has started it meanwhile
    failed                   versions that were taken back, a line each: version, tab, why
    download/                what is being fetched
    trusted.pub              the owner's own public keys, if any

Each change is one rename: a power cut leaves the state before or after it, and the launcher repairs what is between.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from phaeton.updates import disk
from phaeton.updates.problem import UpdateRefusedError

LAUNCHER = Path(__file__).with_name("launcher.sh")
PROGRAM = "bin/phaeton"
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")
"""Names of versions are names of folders."""
BY_ORDER = "it was taken back by order"


class Pending(Struct, frozen=True):
    """A version on trial."""

    new: str
    old: str


class Place:
    """One installation folder; all methods block."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions = root / "versions"
        self.download = root / "download"

    # What is there.

    @property
    def current(self) -> str | None:
        """The version that the next start runs."""
        return self._target("current")

    @property
    def previous(self) -> str | None:
        """The version that a rollback goes back to."""
        found = self._target("previous")
        return None if found == self.current else found

    @property
    def pending(self) -> Pending | None:
        """The trial that is running; one that never began, because the link was not switched any more, is none."""
        try:
            lines = (self.root / "pending").read_text(encoding="utf-8").split()
        except OSError:
            return None
        if len(lines) != 2 or lines[0] != self.current:
            return None
        return Pending(*lines)

    @property
    def failed(self) -> dict[str, str]:
        """Versions that were taken back, and why."""
        try:
            lines = (self.root / "failed").read_text(encoding="utf-8").splitlines()
        except OSError:
            return {}
        return {version: why for version, _, why in (line.partition("\t") for line in lines) if version}

    def has(self, version: str) -> bool:
        """Whether this version is unpacked as a whole."""
        return bool(VERSION.fullmatch(version)) and os.access(self.versions / version / PROGRAM, os.X_OK)

    # What changes it.

    def tidy(self) -> None:
        """Remove all that neither runs nor is kept for a rollback, such as the rest of an update that was cut off."""
        self.tidy_download()
        pending = self.pending
        kept = {self.current, self.previous, *((pending.new, pending.old) if pending is not None else ())}
        if self.current is None or not self.versions.is_dir():
            return
        for folder in self.versions.iterdir():
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def tidy_download(self) -> None:
        """Remove what was fetched."""
        shutil.rmtree(self.download, ignore_errors=True)

    def begin_trial(self, version: str) -> None:
        """Let the next start run another version that is there, on trial; raises `UpdateRefusedError`."""
        old = self.current
        if not self.has(version):
            raise UpdateRefusedError(f"version {version} is not there as a whole")
        if old is None:
            raise UpdateRefusedError(f"there is no current version in {self.root}; install it anew")
        if old == version:
            raise UpdateRefusedError(f"version {version} runs already")
        (self.root / "starts").unlink(missing_ok=True)
        disk.write(self.root / "pending", f"{version}\n{old}\n")
        disk.link(self.root / "current", f"versions/{version}")

    def take_back(self) -> str:
        """End a trial by going back to the version before, which is returned; raises `UpdateRefusedError`."""
        pending = self.pending
        if pending is None or not self.has(pending.old):
            raise UpdateRefusedError("no version is on trial")
        self.note_failed(pending.new, BY_ORDER)
        disk.link(self.root / "current", f"versions/{pending.old}")
        (self.root / "pending").unlink(missing_ok=True)
        disk.sync_folder(self.root)
        return pending.old

    def confirm(self) -> None:
        """The version on trial is well: it stays, the one before is kept, all others go."""
        pending = self.pending
        if pending is None:
            return
        disk.link(self.root / "previous", f"versions/{pending.old}")
        self._renew_launcher(self.versions / pending.new)
        self.forget_failed(pending.new)
        (self.root / "pending").unlink(missing_ok=True)
        (self.root / "starts").unlink(missing_ok=True)
        disk.sync_folder(self.root)
        self.tidy()

    def note_failed(self, version: str, why: str) -> None:
        """Remember that this version is not wanted again, unless somebody asks for it."""
        known = {**self.failed, version: " ".join(why.split())}
        disk.write(self.root / "failed", "".join(f"{one}\t{text}\n" for one, text in list(known.items())[-20:]))

    def forget_failed(self, version: str) -> None:
        """Somebody asks for it again, or it runs well now."""
        known = self.failed
        if known.pop(version, None) is not None:
            disk.write(self.root / "failed", "".join(f"{one}\t{text}\n" for one, text in known.items()))

    def install_launcher(self) -> None:
        """Put the launcher of this program in place."""
        beside = self.root / ".run.new"
        with beside.open("wb") as file:
            file.write(LAUNCHER.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(0o755)
        beside.replace(self.root / "run")
        disk.sync_folder(self.root)

    def _renew_launcher(self, version: Path) -> None:
        """A version that runs well brings its launcher; one that is open stays as it is until the next start."""
        if not Path(__file__).resolve().is_relative_to(version.resolve()):
            return
        with suppress(OSError):
            if (self.root / "run").read_bytes() == LAUNCHER.read_bytes():
                return
        self.install_launcher()

    def _target(self, name: str) -> str | None:
        try:
            target = Path(os.readlink(self.root / name))
        except OSError:
            return None
        return target.name if self.has(target.name) else None
