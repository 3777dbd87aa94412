"""The licences of all that is carried, in the folder ``licences``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from bundling.lock import DebianPart
from bundling.runtime import LIBRARIES

FOLDER = "licences"
_NAMES = ("licen", "copying", "notice", "authors")

_ABOUT = """\
What this bundle carries, and under which terms.

LICENSE  of Phaeton itself
debian/  of packages of Debian {suite}. Their sources are Debian's source packages, whose names and versions are in
         SBOM.cdx.json. Nothing in them was changed, but what a charging controller does not need was left out, and
         modules of Python are there as byte code. The files in lib/ can be replaced by others.
python/  of libraries of the Python Package Index
"""


def lay_licences(tree: Path, system: Path, packages: Iterable[DebianPart], suite: str) -> None:
    """Gather them; the licences of Python libraries are moved there from where their wheels put them."""
    folder = tree / FOLDER
    for package in packages:
        # The folder of a package may be a link to that of another of the same source.
        copyright_file = (system / "usr/share/doc" / package.package).resolve() / "copyright"
        (folder / "debian").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copyright_file, folder / "debian" / f"{package.package}.txt")
    for information in sorted((tree / LIBRARIES).glob("*.dist-info")):
        for path in sorted(information.rglob("*")):
            if path.is_file() and path.name.lower().startswith(_NAMES):
                target = folder / "python" / information.name.removesuffix(".dist-info") / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    (folder / "README").write_text(_ABOUT.format(suite=suite))
