"""Libraries of PyPI, laid into a bundle: wheels as they are, sources compiled for the processor."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path

from msgspec import Struct

from bundling.architectures import PYTHON, Architecture
from bundling.problem import BundlingError
from bundling.runtime import LIBRARIES

_NOT_CARRIED = (".c", ".h", ".pyi", ".pyx", ".pxd", ".pxi", ".hash", ".typed")
"""What only a compiler or a type checker reads."""


class Source(Struct, frozen=True):
    """How a library is compiled that PyPI does not have for all processors."""

    package: str
    """Its folder, within the source."""
    c_file: str
    module: str
    """The compiled module, below the libraries."""
    linked: tuple[str, ...] = ()
    defines: tuple[str, ...] = ()


SOURCES = {
    "cffi": Source("src/cffi", "src/c/_cffi_backend.c", "_cffi_backend", ("libffi.so.8",), ("USE__THREAD",)),
    "msgspec": Source("src/msgspec", "src/msgspec/_core.c", "msgspec/_core"),
}


def lay_wheel(wheel: Path, tree: Path) -> None:
    """Unpack a wheel; what its records say is in the manifest of the bundle."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = Path(member.filename)
            if member.is_dir() or name.suffix in _NOT_CARRIED or name.name == "RECORD" or ".data" in name.parts[0]:
                continue
            path = tree / LIBRARIES / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(archive.read(member))


class Compiler:
    """zig, from its wheel, against the headers and libraries of an unpacked system."""

    def __init__(self, wheel: Path, system: Path, arch: Architecture, folder: Path) -> None:
        self._system = system
        self._arch = arch
        self._folder = folder
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "zig")
        self._program = folder / "zig/ziglang/zig"
        self._program.chmod(0o755)

    def lay_source(self, archive: Path, name: str, tree: Path) -> None:
        """Compile the C file of a source and lay the library; raises `BundlingError`."""
        source = SOURCES[name]
        with tarfile.open(archive) as unpacking:
            unpacking.extractall(self._folder / name, filter="data")
        (root,) = (self._folder / name).iterdir()
        package = Path(source.package).name
        target = tree / LIBRARIES
        shutil.copytree(
            root / source.package, target / package, ignore=lambda _, names: {n for n in names if _left_out(n)}
        )
        self._compile(root / source.c_file, target / f"{source.module}{self._suffix}", source)
        information = target / f"{root.name}.dist-info"
        information.mkdir()
        shutil.copyfile(root / "PKG-INFO", information / "METADATA")
        for licence in sorted(root.glob("LICEN*")):
            shutil.copyfile(licence, information / licence.name)

    @property
    def _suffix(self) -> str:
        return f".cpython-{PYTHON.replace('.', '')}-{self._arch.multiarch}.so"

    def _compile(self, file: Path, module: Path, source: Source) -> None:
        headers = self._system / "usr/include"
        libraries = self._system / "usr/lib" / self._arch.multiarch
        command = [
            str(self._program), "cc", "-target", self._arch.zig, f"-mcpu={self._arch.cpu}", "-shared", "-fPIC", "-O2",
            "-g0", "-w", "-Wl,-s", "-fno-sanitize=all", f"-ffile-prefix-map={self._folder}=.", "-DNDEBUG",
            # Debian's time is of 64 bits on every processor.
            "-D_TIME_BITS=64", "-D_FILE_OFFSET_BITS=64", *(f"-D{name}" for name in source.defines),
            f"-I{headers}/python{PYTHON}", f"-isystem{headers}/{self._arch.multiarch}", "-idirafter", str(headers),
            str(file), *(str(libraries / name) for name in source.linked), "-o", str(module),
        ]  # fmt: skip
        cache = {f"ZIG_{which}_CACHE_DIR": str(self._folder / "cache") for which in ("LOCAL", "GLOBAL")}
        done = subprocess.run(command, env={**os.environ, **cache}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BundlingError(f"{file.name} cannot be compiled for {self._arch.name}:\n{done.stderr.strip()}")


def _left_out(name: str) -> bool:
    return name.endswith(_NOT_CARRIED)
