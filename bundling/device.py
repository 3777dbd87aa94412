"""A device that a bundle can be run on: folders in which its programs run by an emulated processor (qemu-user, binfmt).

``root`` is a Debian with a dbus-daemon. ``bare``, within it, has a busybox and nothing else: no Python, no C library.
What runs in a bundle there needs nothing of any firmware. Only root can make and use them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bundling.apt import mirrors
from bundling.architectures import SUITE, Architecture
from bundling.problem import BundlingError
from phaeton.updates.bundle import parts_of, unpack
from phaeton.updates.place import LAUNCHER, Place

PLACE = Path("data/phaeton")
_COMMANDS = ("cat", "dirname", "kill", "ln", "ls", "mv", "readlink", "rm", "sh", "sleep", "sync")
_MADE = "made"
_CHROOT = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "chroot"
_NEEDED = (
    "programs of {arch} cannot be run here. Needed are the packages qemu-user-static, binfmt-support and debootstrap, "
    "and perhaps `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc` and `update-binfmts --enable`"
)


class Device:
    """The two folders for one processor."""

    def __init__(self, arch: Architecture, folder: Path) -> None:
        self.arch = arch
        self.root = folder
        self.bare = folder / "srv/bare"

    def make(self) -> None:
        """Lay them, where that has not been done yet; takes some minutes. Raises `BundlingError`."""
        if (self.root / _MADE).exists():
            return
        if os.getuid() != 0 or shutil.which("debootstrap") is None:
            raise BundlingError("a device is made by root, with the package debootstrap")
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.parent.mkdir(parents=True, exist_ok=True)
        _run(
            "debootstrap", f"--arch={self.arch.debian}", "--variant=minbase", "--include=dbus,busybox-static",
            SUITE, str(self.root), mirrors()[0],
        )  # fmt: skip
        for folder in ("bin", "dev", "etc", "proc", "tmp"):
            (self.bare / folder).mkdir(parents=True)
        shutil.copy2(self.root / "usr/bin/busybox", self.bare / "bin/busybox")
        for command in _COMMANDS:
            (self.bare / "bin" / command).symlink_to("busybox")
        _run("mknod", "-m", "666", str(self.bare / "dev/null"), "c", "1", "3")
        (self.root / _MADE).touch()

    def install(self, bundle: Path) -> None:
        """Put a bundle into both as an installer does, held against its manifest. Raises `UpdateRefusedError`."""
        parts = parts_of(bundle.name)
        assert parts is not None
        for folder in (self.root, self.bare):
            root = folder / PLACE
            shutil.rmtree(root, ignore_errors=True)
            root.mkdir(parents=True)
            unpack(bundle, Place(root), *parts)
            (root / "current").symlink_to(f"versions/{parts[0]}")
            shutil.copy2(root / "current" / LAUNCHER.name, root / "run")
            (root / "run").chmod(0o755)

    @contextmanager
    def up(self, shared: Path) -> Iterator[None]:
        """The time that it is used; ``shared`` is a folder that has the same name inside of both and outside."""
        mounts = []
        try:
            for folder in (self.root, self.bare):
                inside = folder / shared.relative_to("/")
                inside.mkdir(parents=True, exist_ok=True)
                for options in (("-t", "proc", "proc", str(folder / "proc")), ("--bind", str(shared), str(inside))):
                    _run("mount", *options)
                    mounts.append(options[-1])
            if subprocess.run([_CHROOT, str(self.bare), "/bin/sh", "-c", ":"], check=False).returncode != 0:
                raise BundlingError(_NEEDED.format(arch=self.arch.name))
            yield
        finally:
            for mount in reversed(mounts):
                subprocess.run(["umount", "--lazy", mount], check=False)

    def command(self, folder: Path, *arguments: str, cwd: Path) -> tuple[str, ...]:
        """What runs Phaeton in one of the two, in a folder that is shared."""
        script = 'cd "$0" && exec "$@"'
        return (_CHROOT, str(folder), "/bin/sh", "-c", script, str(cwd), f"/{PLACE}/run", *arguments)

    def python(self, *arguments: str) -> tuple[str, ...]:
        """What runs the Python of the bundle in the bare folder."""
        return (_CHROOT, str(self.bare), f"/{PLACE}/current/bin/python", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BundlingError(f"{command[0]} failed:\n{(done.stdout + done.stderr).strip()[-2000:]}")
