"""A GX device in a folder: its root, the programs of busybox and daemontools, and a boot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from phaeton.simulation.signer import Signer
from tests.updates.folder import bundle_in

REPOSITORY = Path(__file__).resolve().parents[2]
INSTALLER = REPOSITORY / "venus/install.sh"
FIRMWARE = "v3.60\n20250326123456\n"
PATIENCE_S = 600.0
"""A script that takes longer hangs, also on a busy machine."""
DAEMONTOOLS = ("multilog", "softlimit", "supervise", "svc", "svok", "svscan", "svstat")

QUICK = """#!/bin/sh
[ "$1" != run ] || echo "phaeton {version} $*" >>"$TRACE"
[ "$1 $2" != "config migrate" ] || [ "$4" != --output ] || cp "$3" "$5"
"""
"""A program that says yes to everything."""
REAL = f"""#!/bin/sh
[ "$1" != run ] || {{ echo "phaeton {{version}} $*" >>"$TRACE"; exit; }}
exec {sys.executable} -m phaeton "$@"
"""
"""One whose other commands are those of Phaeton."""
STAYS = QUICK + """[ "$1" != run ] || { echo "phaeton {version} says"; exec sleep 1000; }\n"""


def tools_in(folder: Path) -> Path:
    """All that a script finds there: the applets of busybox, daemontools, and Python for the forerunner."""
    busybox = shutil.which("busybox")
    assert busybox is not None, "busybox is missing: ./dev test installs it"
    subprocess.run([busybox, "--install", "-s", str(folder)], check=True, timeout=PATIENCE_S)
    (folder / "busybox").symlink_to(busybox)
    for name in DAEMONTOOLS:
        program = shutil.which(name)
        assert program is not None, f"{name} is missing: the package daemontools has it, and ./dev test installs it"
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(program)
    stand_in(folder, "id", "echo 0")
    stand_in(folder, "sync", ":")  # it would wait for all that this machine writes
    return folder


def stand_in(folder: Path, name: str, script: str) -> None:
    """Another program under a name."""
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


class Gx:
    """One device."""

    def __init__(self, folder: Path, tools: Path) -> None:
        self.root = folder.resolve() / "root"
        self.data = self.root / "data"
        self.home = self.data / "phaeton"
        self.config = self.data / "phaeton_config.yaml"
        self.rc_local = self.data / "rc.local"
        self.own_tools = folder.resolve() / "tools"
        self.own_tools.mkdir(parents=True)
        self.trace = folder / "trace"
        (self.data / "conf").mkdir(parents=True)
        self.environ = {"PATH": f"{self.own_tools}:{tools}", "ROOT": str(self.root), "TRACE": str(self.trace)}
        self.new_firmware()

    def new_firmware(self) -> None:
        """What a boot after an update of the firmware finds: nothing of before but ``/data``."""
        for path in self.root.iterdir():
            if path != self.data:
                shutil.rmtree(path)
        version = self.root / "opt/victronenergy/version"
        version.parent.mkdir(parents=True)
        version.write_text(FIRMWARE)
        (self.root / "service").mkdir()

    def install(self, *arguments: str | Path, input_: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the installer."""
        return self.sh(INSTALLER, *arguments, input_=input_)

    def sh(self, script: Path, *arguments: str | Path, input_: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script by the shell of busybox."""
        return subprocess.run(
            ["busybox", "sh", script, *arguments], env=self.environ, cwd=self.root, timeout=PATIENCE_S, check=False,
            capture_output=True, text=True, input=input_, stdin=subprocess.DEVNULL if input_ is None else None,
        )  # fmt: skip

    def installed(self, *arguments: str | Path) -> str:
        """Run the installer, which has to do well; what it said."""
        done = self.install(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout

    def refused(self, *arguments: str | Path) -> str:
        """Run the installer, which has to refuse; why."""
        done = self.install(*arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr

    def boot(self) -> list[str]:
        """Do what the device does after a new firmware; what was started."""
        self.new_firmware()
        self.trace.unlink(missing_ok=True)
        if os.access(self.rc_local, os.X_OK):
            subprocess.run(
                ["busybox", "sh", "-c", f"{self.rc_local}; wait"], env=self.environ, cwd="/",
                timeout=PATIENCE_S, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        service = self.root / "service/phaeton/run"
        if service.exists():
            subprocess.run([service], env=self.environ, cwd=service.parent, timeout=PATIENCE_S, check=False)
        return self.started()

    def started(self) -> list[str]:
        """What has been started."""
        return self.trace.read_text().splitlines() if self.trace.exists() else []

    def release(self, version: str, program: str = QUICK) -> Path:
        """A bundle with its checksums and signature."""
        return bundle_in(self.root.parent / f"release-{version}", version, program)

    def trust(self) -> None:
        """The owner's key, as docs/install.md says."""
        self.home.mkdir(exist_ok=True)
        (self.home / "trusted.pub").write_text(Signer().public_key)

    def files(self, ignored: Sequence[str] = ()) -> dict[str, bytes | str]:
        """All that is on the disk."""
        found: dict[str, bytes | str] = {}
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if not name.startswith(tuple(ignored)):
                found[name] = (
                    os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
                )
        return found

    @property
    def runs(self) -> str:
        """How Phaeton is started."""
        return f"run -c {self.config}"
