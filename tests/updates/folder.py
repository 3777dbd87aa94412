"""An installation folder of small programs, with the real launcher."""

from __future__ import annotations

from pathlib import Path

from phaeton.simulation.release_service import released
from phaeton.simulation.signer import Signer
from phaeton.updates.bundle import architecture, bundle_name
from phaeton.updates.install import stage
from phaeton.updates.place import Place
from phaeton.updates.signature import keys_in

TELL = 'echo "{version} starts${*:+ $*}"\n'
GOOD = "#!/bin/sh\ntrap 'echo {version} ends; exit 0' TERM\n" + TELL + "while :; do sleep 0.05; done\n"
"""Runs until it is told to end; whether it is well is for the test to say."""
ONCE = "#!/bin/sh\n" + TELL
CRASHES = ONCE + "exit 3\n"
HANGS = "#!/bin/sh\ntrap '' TERM\n" + TELL + "exec sleep 60\n"


def bundle_in(folder: Path, version: str, program: str = ONCE, signer: Signer | None = None) -> Path:
    """The three files of a release."""
    folder.mkdir(parents=True, exist_ok=True)
    arch = architecture()
    for name, content in released(version, arch, program.replace("{version}", version), signer or Signer()).items():
        (folder / name).write_bytes(content)
    return folder / bundle_name(version, arch)


def add(place: Place, version: str, program: str = ONCE) -> None:
    """Put a version beside the others."""
    stage(
        bundle_in(place.root.parent / f"release-{version}", version, program), place, keys_in(Signer().public_key),
        older=True,
    )  # fmt: skip


def installed(root: Path, *versions: str, program: str = ONCE) -> Place:
    """A folder with versions, the first of them current, the second previous."""
    root.mkdir(parents=True)
    place = Place(root)
    for version in versions:
        add(place, version, program)
    (root / "current").symlink_to(f"versions/{versions[0]}")
    if len(versions) > 1:
        (root / "previous").symlink_to(f"versions/{versions[1]}")
    (root / "trusted.pub").write_text(Signer().public_key)
    place.install_launcher()
    return place
