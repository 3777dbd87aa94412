"""From a USB stick as Venus OS does it at boot, and by SetupHelper's PackageManager."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from phaeton.updates.place import Place
from tests.venus.gx import PATIENCE_S, Gx
from venus.archives import ArchiveError, package, stick

BOOT = """\
# What Venus OS does with venus-data.tar.gz: the hooks first, then the rest.
tmp=$(mktemp -d)
{tar} xzf "$1" -C "$tmp" rc || exit 9
{tar} xzf "$1" -C "$ROOT/data" --exclude rc
sh "$tmp/rc/post-hook.sh" success
code=$?
rm -rf "$tmp"
exit $code
"""
HELPERS = """\
scriptDir=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
EXIT_ERROR=255
case $1 in install) scriptAction=INSTALL ;; uninstall) scriptAction=UNINSTALL ;; *) scriptAction=NONE ;; esac
logMessage() { echo "log: $*" >>"$TRACE"; }
setInstallFailed() { echo "failed $1: $2" >>"$TRACE"; }
standardActionPrompt() { echo prompt >>"$TRACE"; }
endScript() { wait; echo "end" >>"$TRACE"; exit 0; }
"""
"""What SetupHelper lends to a setup script, as far as ours uses it."""


def booted(gx: Gx, archive: Path) -> tuple[int, str]:
    """Start the device with a stick in it; the exit code, and what is on the stick afterwards."""
    media = gx.root / "media/sda1"
    media.mkdir(parents=True, exist_ok=True)
    on_stick = media / "venus-data.tar.gz"
    shutil.copy(archive, on_stick)
    script = gx.root.parent / "boot.sh"
    tar = shutil.which("tar")  # not that of busybox: here it has no --exclude
    assert tar is not None
    script.write_text(BOOT.replace("{tar}", tar))
    done = gx.sh(script, on_stick)
    return done.returncode, (media / "phaeton-install.log").read_text()


def test_a_stick_installs_at_boot_and_once_more_without_harm(gx: Gx, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("charger: 192.0.2.9\n")
    archive = stick([gx.release("1.0")], tmp_path / "out", mine)
    first = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert hashlib.sha256(stick([gx.release("1.0")], tmp_path / "out", mine).read_bytes()).hexdigest() == first
    (gx.root / "service").rmdir()  # so early in a boot there is none
    code, log = booted(gx, archive)
    assert code == 0
    assert "Phaeton starts at the next boot" in log
    assert log.endswith("Phaeton 1.0 is installed\n")
    assert gx.config.read_text() == "charger: 192.0.2.9\n"
    assert not (gx.data / "phaeton-install").exists()
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]
    assert booted(gx, archive) == (0, "Phaeton 1.0 is installed already; nothing had to be changed\n")


def test_a_stick_tells_why_it_does_not_install(gx: Gx, tmp_path: Path) -> None:
    archive = stick([gx.release("1.0")], tmp_path / "out")
    (gx.data / "rc.local.disabled").touch()
    before = gx.files()
    code, log = booted(gx, archive)
    assert code == 1
    assert "modifications are disabled" in log
    assert gx.files(ignored=["media"]) == before


def test_what_does_not_belong_together_makes_no_archive(gx: Gx, tmp_path: Path) -> None:
    one, other = gx.release("1.0"), gx.release("1.1")
    with pytest.raises(ArchiveError, match="several releases"):
        stick([one, other], tmp_path)
    with pytest.raises(ArchiveError, match="no bundle"):
        stick([tmp_path / "else.tar.gz"], tmp_path)
    one.write_bytes(b"else")
    with pytest.raises(ArchiveError, match="must lie beside"):
        stick([one], tmp_path)
    with pytest.raises(ArchiveError, match="is no repository"):
        package("1.0", "phaeton", tmp_path)


def _unpacked(gx: Gx, archive: Path) -> Path:
    """The package where PackageManager puts it, and the helpers."""
    helpers = gx.data / "SetupHelper/HelperResources/IncludeHelpers"
    helpers.parent.mkdir(parents=True, exist_ok=True)
    helpers.write_text(HELPERS)
    folder = gx.data / "PhaetonSetup"
    shutil.unpack_archive(archive, gx.data, filter="data")
    (gx.data / "PhaetonSetup-latest").rename(folder)
    return folder


def _setup(gx: Gx, folder: Path, action: str) -> list[str]:
    gx.trace.unlink(missing_ok=True)
    subprocess.run(
        [shutil.which("bash") or "bash", folder / "setup", action], env=gx.environ, timeout=PATIENCE_S, check=True
    )
    return gx.started()


def test_package_manager_installs_and_uninstalls_it(gx: Gx, tmp_path: Path) -> None:
    folder = _unpacked(gx, package("1.0", "OWNER/phaeton", tmp_path, [gx.release("1.0")], "what is new\n"))
    assert (folder / "version").read_text() == "v1.0\n"
    assert (folder / "gitHubInfo").read_text() == "OWNER:latest\n"
    told = _setup(gx, folder, "install")
    assert "log: Phaeton 1.0 is installed" in told
    assert Place(gx.home).current == "1.0"
    told = _setup(gx, folder, "install")  # after an update of the firmware
    assert "log: Phaeton 1.0 is installed already; nothing had to be changed" in told
    told = _setup(gx, folder, "uninstall")
    assert any(line.endswith("is uninstalled") for line in told)
    assert not (gx.home / "versions").exists()


def test_package_manager_is_told_what_cannot_work(gx: Gx, tmp_path: Path) -> None:
    folder = _unpacked(gx, package("1.0rc2", "OWNER/phaeton", tmp_path))
    assert (folder / "version").read_text() == "v1.0~2\n"
    (gx.data / "rcS.local.disabled").touch()
    failed, end = _setup(gx, folder, "install")
    assert failed.startswith("failed 255: install.sh: modifications are disabled")
    assert end == "end"
