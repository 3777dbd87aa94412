"""Byte code for every module, made once and by the very Python that is carried.

It is never held against its source (``unchecked-hash``): nothing is compiled or written on the device, whatever the
times of its files are. Byte code is the same for all processors. Only Phaeton's own sources stay beside it, for
tracebacks that show lines; without the others a bundle is smaller by a quarter and has half as many files.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from bundling.architectures import Architecture
from bundling.problem import BundlingError
from bundling.runtime import LIBRARIES, command
from bundling.source import PACKAGE

# Runs in the Python of the bundle, in the folder of the tree. The names in the byte code are from there; for a module
# with its source Python puts the right folder before them when it loads it.
_SCRIPT = """\
import os, py_compile, sys
kept = sys.argv[1]
for folder, folders, files in os.walk("."):
    folders.sort()
    for name in sorted(files):
        if not name.endswith(".py"):
            continue
        path = os.path.normpath(os.path.join(folder, name))
        target = None if path.startswith(kept) else path + "c"
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(path, target, path, doraise=True, quiet=2, invalidation_mode=mode)
        if target:
            os.remove(path)
"""


def precompile(tree: Path, runtime: Path, host: Architecture) -> None:
    """Compile all modules of a tree with the runtime of this machine's processor; raises `BundlingError`."""
    done = subprocess.run(
        [*command(runtime, host), "-s", "-B", "-c", _SCRIPT, f"{LIBRARIES / PACKAGE}/"], cwd=tree,
        env={"PYTHONHASHSEED": "0", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BundlingError(f"the modules cannot be compiled:\n{done.stderr.strip()}")
