"""Python and the C libraries that it needs, out of Debian's packages, in a folder that can lie anywhere.

bin/python           sh: starts the interpreter by the loader and with the libraries beside it
bin/python3.13       the interpreter
lib/ld-linux-*, lib/lib*.so.*
lib/python3.13/      its library
lib/python3/dist-packages/    all others; Debian's Python looks for them there
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path

from bundling.architectures import PYTHON, Architecture
from bundling.elf import is_elf, needed
from bundling.parts import UNUSED, UNUSED_MODULES
from bundling.problem import BundlingError

LIBRARIES = Path("lib/python3/dist-packages")
STANDARD = Path(f"lib/python{PYTHON}")
INTERPRETER = f"bin/python{PYTHON}"

# glibc loads it by name when a thread is cancelled.
_LOADED_LATER = ("libgcc_s.so.1",)

_START = """\
#!/bin/sh
# Python with the C libraries of this folder: nothing of it is the machine's, whatever that is.
here=$(readlink -f "$0")
here=${{here%/bin/*}}
# Which websites are trusted: those of the bundle's list, not of the version that started this one, and the machine's.
list={libraries}/certifi/cacert.pem
case ${{SSL_CERT_FILE-}} in '' | */"$list") SSL_CERT_FILE=$here/$list ;; esac
: "${{SSL_CERT_DIR=/etc/ssl/certs}}"
OPENSSL_CONF=/dev/null
export SSL_CERT_FILE SSL_CERT_DIR OPENSSL_CONF
exec "$here/lib/{loader}" --inhibit-cache --library-path "$here/lib" --argv0 "$here/bin/python" \\
    "$here/{interpreter}" -I "$@"
"""


def unpack_packages(packages: Iterable[Path], folder: Path) -> None:
    """Lay Debian's packages one over the other; raises `BundlingError`."""
    for package in packages:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking:
            assert unpacking.stdout is not None
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as archive:
                archive.extractall(folder, filter="tar")
        if unpacking.returncode != 0:
            raise BundlingError(f"{package} cannot be unpacked")


def lay_runtime(system: Path, arch: Architecture, tree: Path) -> None:
    """Take interpreter, library and Debian's Python packages out of an unpacked system; `lay_libraries` comes later."""
    (tree / "bin").mkdir(parents=True)
    shutil.copyfile(system / f"usr/{INTERPRETER}", tree / INTERPRETER)
    start = _START.format(loader=arch.loader, libraries=LIBRARIES, interpreter=INTERPRETER)
    (tree / "bin/python").write_text(start)
    for program in (INTERPRETER, "bin/python"):
        (tree / program).chmod(0o755)
    shutil.copytree(system / "usr" / STANDARD, tree / STANDARD, ignore=_unused)
    shutil.copytree(system / "usr" / LIBRARIES, tree / LIBRARIES, ignore=_unused)


def lay_c_libraries(system: Path, arch: Architecture, tree: Path) -> None:
    """Take the C libraries that anything in the tree is linked with; raises `BundlingError` where one is not there."""
    libraries = tree / "lib"
    shutil.copyfile(_library(system, arch, arch.loader), libraries / arch.loader)
    (libraries / arch.loader).chmod(0o755)
    waiting = {*_LOADED_LATER}
    for path in sorted(tree.rglob("*")):
        if path.is_file() and is_elf(path):
            waiting.update(needed(path))
    while waiting:
        name = waiting.pop()
        if (libraries / name).exists():
            continue
        shutil.copyfile(_library(system, arch, name), libraries / name)
        waiting.update(needed(libraries / name))


def command(tree: Path, arch: Architecture) -> list[str]:
    """How a program starts the interpreter of a tree itself, so that it can give options that ``-I`` forbids."""
    return [str(tree / "lib" / arch.loader), "--library-path", str(tree / "lib"), str(tree / INTERPRETER)]


def _library(system: Path, arch: Architecture, name: str) -> Path:
    path = system / "usr/lib" / arch.multiarch / name
    if not path.exists():
        raise BundlingError(f"the library {name} is in no package of the lock: add it to bundling/parts.py")
    return path


def _unused(folder: str, names: list[str]) -> set[str]:
    found = {name for name in names if name == "__pycache__" or name.startswith("config-")}
    if Path(folder).name == f"python{PYTHON}":
        found |= UNUSED.intersection(names)
    elif Path(folder).name == "lib-dynload":
        found |= {name for name in names if name.startswith(UNUSED_MODULES)}
    return found
