"""From the lock and a commit to the files of a release."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bundling.architectures import SUITE, Architecture, host
from bundling.libraries import Compiler, lay_wheel
from bundling.licences import FOLDER, lay_licences
from bundling.lock import Lock
from bundling.packing import pack, when, write_manifest, write_sums
from bundling.parts import COMPILER
from bundling.precompile import precompile
from bundling.runtime import LIBRARIES, lay_c_libraries, lay_runtime, unpack_packages
from bundling.sbom import NAME as BILL
from bundling.sbom import bill
from bundling.source import INSTALLER, PACKAGE, Source, export
from bundling.store import Store
from phaeton.updates.bundle import bundle_name
from phaeton.updates.place import PROGRAM

LAUNCHER = "launcher.sh"
"""At the root of a bundle: what an installer copies to ``run``."""
_PROGRAM = """\
#!/bin/sh
here=$(readlink -f "$0")
exec "${here%/*}/python" -m phaeton "$@"
"""


def build(
    lock: Lock, store: Store, architectures: Iterable[Architecture], commit: str, out: Path, say: Callable[[str], None]
) -> list[Path]:
    """Make the bundles, each with its bill of materials beside it, and the checksums. Raises `BundlingError`."""
    out.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    with tempfile.TemporaryDirectory(prefix="bundling") as name:
        folder = Path(name)
        source = export(commit, folder / "source")
        compiling = _with_runtime(lock, store, host(), folder / "host")
        for arch in architectures:
            say(f"{arch.name}: Phaeton {source.version}")
            tree = _with_runtime(lock, store, arch, folder / arch.name)
            lay_libraries(lock, store, arch, tree, folder / arch.name)
            lay_phaeton(source, tree)
            lay_licences(tree, _system(folder / arch.name), lock.debian_for(arch, carried=True), SUITE)
            precompile(tree, compiling, host())
            made += finish(lock, source, arch, tree, out)
            say(f"{arch.name}: {made[-2].name}, {made[-2].stat().st_size / 1e6:.1f} MB")
        made += _installer(source, out)
    made.append(write_sums(out, [path.name for path in made]))
    return made


def lay_libraries(lock: Lock, store: Store, arch: Architecture, tree: Path, folder: Path) -> None:
    """Everything from PyPI, and then the C libraries that all of it needs."""
    compiler: Compiler | None = None
    for part in lock.python_for(arch):
        file = store.python(part, arch)
        if not part.compiled_here:
            lay_wheel(file, tree)
            continue
        if compiler is None:
            needed = [store.debian(one) for one in lock.debian_for(arch, carried=False)]
            unpack_packages(needed, _system(folder))
            zig = store.python(lock.tool(COMPILER), None)
            compiler = Compiler(zig, _system(folder), arch, folder / "compiler")
        compiler.lay_source(file, part.name, tree)
    lay_c_libraries(_system(folder), arch, tree)


def lay_phaeton(source: Source, tree: Path) -> None:
    """The package, the program, the launcher and what the installer needs."""
    package = LIBRARIES / PACKAGE
    shutil.copytree(source.folder / PACKAGE, tree / package)
    (tree / PROGRAM).write_text(_PROGRAM)
    (tree / PROGRAM).chmod(0o755)
    (tree / LAUNCHER).symlink_to(package / "updates/launcher.sh")
    if (source.folder / INSTALLER).is_dir():
        shutil.copytree(source.folder / INSTALLER, tree / INSTALLER, symlinks=True)
    (tree / FOLDER).mkdir(exist_ok=True)
    shutil.copyfile(source.folder / "LICENSE", tree / FOLDER / "LICENSE")


def finish(lock: Lock, source: Source, arch: Architecture, tree: Path, out: Path) -> tuple[Path, Path]:
    """Bill of materials, manifest, packed file."""
    parts = lock.debian_for(arch, carried=True), lock.python_for(arch)
    (tree / BILL).write_bytes(bill(source.version, arch.name, when(source.epoch_s), *parts))
    write_manifest(tree, source.version, arch.name, source.epoch_s)
    bundle = out / bundle_name(source.version, arch.name)
    pack(tree, bundle, source.epoch_s)
    beside = out / f"{bundle.name.removesuffix('.tar.gz')}.cdx.json"
    shutil.copyfile(tree / BILL, beside)
    return bundle, beside


def _with_runtime(lock: Lock, store: Store, arch: Architecture, folder: Path) -> Path:
    tree = folder / "tree"
    unpack_packages([store.debian(part) for part in lock.debian_for(arch, carried=True)], _system(folder))
    lay_runtime(_system(folder), arch, tree)
    lay_c_libraries(_system(folder), arch, tree)
    return tree


def _system(folder: Path) -> Path:
    return folder / "system"


def _installer(source: Source, out: Path) -> list[Path]:
    """The installer stands beside the bundles of a release, too."""
    script = source.folder / INSTALLER / "install.sh"
    if not script.is_file():
        return []
    shutil.copy2(script, out / script.name)
    return [out / script.name]
