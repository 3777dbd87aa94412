"""An update cut off at its n-th change of the disk, for each n: by the power (SIGKILL), or by a disk that is full.

A program of its own, because it forks and listens to what Python does to files. It prints a line for each n as JSON.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from phaeton.simulation.signer import Signer
from phaeton.updates.bundle import architecture, bundle_name
from phaeton.updates.install import stage
from phaeton.updates.place import Place
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import keys_in

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.chmod", "os.truncate"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
KEYS = keys_in(Signer().public_key)
DONE, REFUSED, DISK, UNHARMED = 0, 3, 4, 5
"""Unharmed: what could not be done was not needed."""
Cut = Literal["power", "full"]


def work(root: Path, bundle: Path) -> int:
    """What is cut: an update from the bundle to the confirmation, and then a rollback with its confirmation."""
    place = Place(root)
    try:
        place.tidy()
        place.begin_trial(stage(bundle, place, KEYS, older=True))
        place.confirm()
        place.note_failed("2.0", "it was taken back")
        place.begin_trial("1.0")
        place.confirm()
    except UpdateRefusedError:
        return REFUSED
    except OSError:
        return DISK
    return DONE


def cut_at(number: int, root: Path, cut: Cut) -> Callable[[], bool]:
    """Let the n-th change of this process below the folder be the last, or fail; tells whether it came to it."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES
        if event not in CHANGES and not writes:
            return
        path = str(arguments[0])
        if path.startswith("/") and not path.startswith(str(root)):
            return
        seen += 1
        if seen != number:
            return
        if cut == "power":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError(errno.ENOSPC, "No space left on device")

    sys.addaudithook(hook)
    return lambda: seen >= number


def forked(work_of_child: Callable[[], int]) -> int:
    """Do it in a child; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            code = work_of_child()
        except BaseException:
            code = 99
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(template: Path, folder: Path, cut: Cut) -> None:
    """Cut at each change in turn, until one run goes through.

    Nothing is synced meanwhile: a killed process loses nothing that it has written, and hundreds of syncs take minutes
    on a slow disk. That everything is synced before it gets its name is tested beside the unpacking.
    """
    os.fsync = lambda _: None
    tools = folder / "tools"
    tools.mkdir()
    (tools / "sync").write_text("#!/bin/sh\n")
    (tools / "sync").chmod(0o755)
    environ = {"PATH": f"{tools}:{os.environ['PATH']}"}
    bundle = template.parent / "release-2.0" / bundle_name("2.0", architecture())
    for number in range(1, 1000):
        root = folder / str(number)
        shutil.copytree(template, root, symlinks=True)

        def cut_off(root: Path = root, number: int = number) -> int:
            met = cut_at(number, root, cut)
            code = work(root, bundle)
            return UNHARMED if code == DONE and met() else code

        code = forked(cut_off)
        place = Place(root)
        told: dict[str, object] = {"number": number, "code": code, "current": place.current}
        if cut == "power":
            started = subprocess.run(
                [root / "run"], capture_output=True, text=True, timeout=20, check=False, env=environ
            )
            told |= {"starts": started.stdout.split("\n")[:-1], "exit": started.returncode}
        told["after"] = place.current
        told["again"] = forked(lambda root=root: work(root, bundle)) if place.current == "1.0" else DONE
        sys.stdout.write(json.dumps(told) + "\n")
        shutil.rmtree(root)
        if code == DONE:
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "power" if sys.argv[3] == "power" else "full")
