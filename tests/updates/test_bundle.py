"""Bundles: a good one is unpacked as it is, everything else is refused and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
from collections import namedtuple
from pathlib import Path

import pytest

from phaeton.simulation.release_service import Flaw, released
from phaeton.simulation.signer import Signer
from phaeton.updates import bundle as bundles
from phaeton.updates.bundle import architecture, bundle_name
from phaeton.updates.install import stage
from phaeton.updates.parcel import opened, packed
from phaeton.updates.place import Place
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import keys_in
from tests.updates.folder import ONCE, bundle_in, installed

KEYS = keys_in(Signer().public_key)
AT_ONCE = {
    Flaw.TAMPERED: "not what was signed",
    Flaw.TAMPERED_SUMS: "the signature does not fit",
    Flaw.WRONG_KEY: "a key that is not trusted",
    Flaw.UNSIGNED: "cannot be read",
    Flaw.NO_SUMS: "cannot be read",
    Flaw.SHORT: "not what was signed",
}
UNPACKED = {
    Flaw.WRONG_CPU: "holds 2.0 for otherarch",
    Flaw.TRAVERSAL: "no plain file within",
    Flaw.ABSOLUTE: "no plain file within",
    Flaw.LINK_OUT: "no plain file within",
    Flaw.HARD_LINK: "no plain file within",
    Flaw.DEVICE: "no plain file within",
    Flaw.BOMB: "larger than any bundle",
    Flaw.NO_MANIFEST: "MANIFEST.json",
    Flaw.STRANGER: "differ: lib/stranger.txt",
    Flaw.OTHER_CONTENT: "differ: lib/phaeton/about.txt",
    Flaw.NO_PROGRAM: "no program",
    Flaw.MISLABELLED: "holds 9.9.9",
    Flaw.NEWER_PYTHON: "needs Python 9.1",
}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return installed(tmp_path / "phaeton", "1.0")


def flawed(folder: Path, flaw: Flaw, arch: str = "") -> Path:
    folder.mkdir()
    for name, content in released("2.0", arch or architecture(), ONCE, Signer(), flaw).items():
        (folder / name).write_bytes(content)
    return folder / bundle_name("2.0", arch or architecture())


def listed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_a_good_one_is_unpacked_as_it_is_and_can_be_tried(place: Place, tmp_path: Path) -> None:
    assert stage(bundle_in(tmp_path / "new", "2.0"), place, KEYS) == "2.0"
    folder = place.versions / "2.0"
    assert listed(folder) == {
        "MANIFEST.json", "bin", "bin/phaeton", "lib", "lib/newest", "lib/phaeton", "lib/phaeton/about.txt",
        "lib/phaeton/updates", "lib/phaeton/updates/launcher.sh",
    }  # fmt: skip
    assert (folder / "lib/newest/about.txt").read_text() == "2.0\n"
    assert place.has("2.0")
    assert place.current == "1.0"  # until it is switched


def test_everything_is_on_the_disk_before_it_gets_its_name(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def noted(handle: int) -> None:
        done.append(os.readlink(f"/proc/self/fd/{handle}"))

    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        done.append("renamed")
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(Path, "rename", renamed)
    stage(bundle_in(tmp_path / "new", "2.0"), place, KEYS)
    before, after = done[: done.index("renamed")], done[done.index("renamed") + 1 :]
    beside = str(place.versions / ".2.0.new")
    files = ["", "/MANIFEST.json", "/bin", "/bin/phaeton", "/lib", "/lib/phaeton", "/lib/phaeton/about.txt"]
    files += ["/lib/phaeton/updates", "/lib/phaeton/updates/launcher.sh"]
    assert sorted(before) == sorted(beside + name for name in files)
    assert after == [str(place.versions)]


@pytest.mark.parametrize("flaw", [*AT_ONCE, *UNPACKED])
def test_a_bad_one_is_refused_in_words_and_leaves_nothing(place: Place, tmp_path: Path, flaw: Flaw) -> None:
    path, before = flawed(tmp_path / "new", flaw), listed(place.root)
    around = listed(tmp_path)
    with pytest.raises(UpdateRefusedError, match=(AT_ONCE | UNPACKED)[flaw]):
        stage(path, place, KEYS)
    assert listed(place.root) == before
    assert listed(tmp_path) == around
    assert not Path("/tmp/phaeton-outside.txt").exists()


def test_every_flaw_is_tried_somewhere() -> None:
    assert set(Flaw) - AT_ONCE.keys() - UNPACKED.keys() == {Flaw.TRUNCATED, Flaw.OVERSIZE, Flaw.ONLY_OTHER_CPU}


def test_one_for_another_processor_is_refused_by_its_name(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for name, content in released("2.0", "otherarch", ONCE, Signer()).items():
        (folder / name).write_bytes(content)
    with pytest.raises(UpdateRefusedError, match=f"is for otherarch, and this machine is {architecture()}"):
        stage(folder / bundle_name("2.0", "otherarch"), place, KEYS)


def test_an_older_one_and_the_same_are_refused_unless_asked_for(place: Place, tmp_path: Path) -> None:
    older = bundle_in(tmp_path / "older", "0.9")
    with pytest.raises(UpdateRefusedError, match=r"older than 1\.0"):
        stage(older, place, KEYS)
    assert stage(older, place, KEYS, older=True) == "0.9"
    with pytest.raises(UpdateRefusedError, match="runs already"):
        stage(bundle_in(tmp_path / "same", "1.0"), place, KEYS, older=True)


def test_a_renamed_bundle_does_not_pass_for_another_version(place: Place, tmp_path: Path) -> None:
    path = bundle_in(tmp_path / "new", "0.9")
    renamed = path.rename(path.with_name(bundle_name("3.0", architecture())))
    with pytest.raises(UpdateRefusedError, match="not among the signed"):
        stage(renamed, place, KEYS)


def test_a_full_disk_is_told_before_anything_is_written(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(bundles.shutil, "disk_usage", lambda _: usage(10, 10, 1_000_000))
    with pytest.raises(UpdateRefusedError, match=r"20 MB are needed in .*, and 1 MB are free"):
        stage(bundle_in(tmp_path / "new", "2.0"), place, KEYS)


@pytest.mark.parametrize(
    ("machine", "bits", "arch"),
    [("armv7l", 2**31 - 1, "armv7"), ("aarch64", 2**63 - 1, "aarch64"), ("aarch64", 2**31 - 1, "armv7"),
     ("x86_64", 2**63 - 1, "x86_64"), ("riscv64", 2**63 - 1, "riscv64")],
)  # fmt: skip
def test_the_processor_is_that_of_the_programs(
    monkeypatch: pytest.MonkeyPatch, machine: str, bits: int, arch: str
) -> None:
    monkeypatch.setattr(bundles.platform, "machine", lambda: machine)
    monkeypatch.setattr(bundles.sys, "maxsize", bits)
    assert architecture() == arch


def test_a_parcel_made_by_any_tar_is_opened(tmp_path: Path) -> None:
    path = bundle_in(tmp_path / "new", "2.0")
    names = [path.name, "SHA256SUMS", "SHA256SUMS.minisig"]
    subprocess.run(["tar", "-cf", str(tmp_path / "theirs.tar"), "-C", str(path.parent), *names], check=True)
    packed(path, tmp_path / "ours.tar")
    for parcel in ("theirs.tar", "ours.tar"):
        folder = tmp_path / parcel.removesuffix(".tar")
        folder.mkdir()
        assert opened(tmp_path / parcel, folder).read_bytes() == path.read_bytes()
        assert listed(folder) == set(names)


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_a_file_that_is_no_parcel_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "parcel.tar").write_bytes(content)
    with pytest.raises(UpdateRefusedError, match="must be a tar"):
        opened(tmp_path / "parcel.tar", tmp_path)


def test_a_bundle_without_its_signature_makes_no_parcel(tmp_path: Path) -> None:
    path = bundle_in(tmp_path / "new", "2.0")
    path.with_name("SHA256SUMS.minisig").unlink()
    with pytest.raises(UpdateRefusedError, match="beside it"):
        packed(path, tmp_path / "parcel.tar")
