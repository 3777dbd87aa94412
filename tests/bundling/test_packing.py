"""A packed bundle depends on its content alone, and the updater takes it."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from bundling.packing import pack, when, write_manifest, write_sums
from bundling.signing import secret_key
from phaeton.updates.bundle import MANIFEST, architecture, bundle_name, unpack, verify
from phaeton.updates.place import Place
from phaeton.updates.signature import keys_in
from tests.bundling.test_signing import WITHOUT_PASSWORD

EPOCH_S = 1_767_225_600
FILES = {"bin/phaeton": "#!/bin/sh\nexit 0\n", "lib/a.py": "A = 1\n", "lib/a b/ä.txt": "", "licences/LICENSE": "MIT\n"}


def tree(folder: Path, names: list[str]) -> Path:
    """A small bundle, unpacked; its files are made in the order of the names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name])
    (folder / "bin/phaeton").chmod(0o755)
    (folder / "launcher.sh").symlink_to("bin/phaeton")
    return folder


def packed(folder: Path, bundle: Path, arch: str = "armv7") -> bytes:
    write_manifest(folder, "1.2.0", arch, EPOCH_S)
    pack(folder, bundle, EPOCH_S)
    return bundle.read_bytes()


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = packed(tree(tmp_path / "one", list(FILES)), tmp_path / "one.tar.gz")
    other = tree(tmp_path / "two", list(reversed(FILES)))
    os.utime(other / "lib/a.py", (1, 1))
    (other / "lib/a.py").chmod(0o600)

    assert packed(other, tmp_path / "two.tar.gz") == first


def test_other_content_gives_other_bytes(tmp_path: Path) -> None:
    first = packed(tree(tmp_path / "one", list(FILES)), tmp_path / "one.tar.gz")
    other = tree(tmp_path / "two", list(FILES))
    (other / "bin/phaeton").chmod(0o644)

    assert packed(other, tmp_path / "two.tar.gz") != first


def test_nobody_of_this_machine_is_named_in_it_and_the_manifest_comes_first(tmp_path: Path) -> None:
    packed(tree(tmp_path / "one", list(FILES)), tmp_path / "one.tar.gz")

    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        members = archive.getmembers()

    assert members[0].name == MANIFEST
    assert {(one.uid, one.gid, one.uname, one.gname, int(one.mtime)) for one in members} == {(0, 0, "", "", EPOCH_S)}


@pytest.mark.parametrize("arch", [architecture(), "another"])
def test_the_updater_unpacks_it_as_it_was(tmp_path: Path, arch: str) -> None:
    made = tree(tmp_path / "one", list(FILES))
    bundle = tmp_path / bundle_name("1.2.0", arch)
    packed(made, bundle, arch)
    place = Place(tmp_path / "place")
    place.root.mkdir()

    manifest = unpack(bundle, place, "1.2.0", arch)

    assert (manifest.created, manifest.python) == (when(EPOCH_S), "")
    assert place.has("1.2.0")
    there = place.versions / "1.2.0"
    assert {name: (there / name).read_text() for name in FILES} == FILES
    assert os.readlink(there / "launcher.sh") == "bin/phaeton"


def test_the_updater_believes_a_signed_release(tmp_path: Path) -> None:
    bundle = tmp_path / bundle_name("1.2.0", architecture())
    packed(tree(tmp_path / "one", list(FILES)), bundle, architecture())
    key = secret_key(WITHOUT_PASSWORD)
    sums = write_sums(tmp_path, [bundle.name]).read_bytes()

    assert verify(bundle, sums, key.sign(sums, "a release"), keys_in(key.public_line)) == ("1.2.0", architecture())
