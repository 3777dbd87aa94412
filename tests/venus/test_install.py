"""The installer puts Phaeton on a device, renews it, looks after it and takes it out again."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from phaeton.updates.bundle import architecture, bundle_name
from phaeton.updates.place import Place
from phaeton.updates.version import newer
from tests.venus.gx import INSTALLER, PATIENCE_S, REAL, Gx, stand_in

RC_LOCAL = b"#!/bin/sh\n# mine\necho mine >/dev/null\r\n\texit 0"
"""Somebody else's, with an end without a line end and an exit before it."""


def test_a_fresh_device_gets_everything_and_starts_phaeton_at_each_boot(gx: Gx) -> None:
    gx.trust()
    said = gx.installed(gx.release("1.0", REAL), "--charger", "192.0.2.7")
    assert "the signature is right" in said
    assert gx.config.read_text() == "charger: 192.0.2.7\n"
    assert gx.config.stat().st_mode & 0o777 == 0o600
    assert Place(gx.home).current == "1.0"
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]  # the links in /service do not outlive a boot
    log = (gx.home / "service/log/run").read_text()
    assert f'exec multilog t s25000 n4 "{gx.root}/var/log/phaeton"' in log


def test_the_second_time_nothing_changes(gx: Gx) -> None:
    bundle = gx.release("1.0")
    gx.trust()
    gx.installed(bundle, "--charger", "192.0.2.7")
    before = gx.files()
    assert gx.installed(bundle).endswith("Phaeton 1.0 is installed already; nothing had to be changed\n")
    assert gx.installed() == "Phaeton 1.0 is installed; nothing had to be changed\n"
    assert gx.files() == before


def test_what_is_missing_is_put_in_place_again(gx: Gx) -> None:
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    before = gx.files()
    for path in (gx.rc_local, gx.root / "service/phaeton", gx.home / "run", gx.home / "service/run"):
        path.unlink()
    gx.installed()
    assert gx.files() == before


def test_a_newer_version_is_tried_and_the_one_before_is_kept(gx: Gx) -> None:
    gx.trust()
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7")
    said = gx.installed(gx.release("1.1"))
    assert "the signature is right, says the version that runs now" in said
    place = Place(gx.home)
    assert (place.current, place.pending and place.pending.old) == ("1.1", "1.0")
    # It ends again and again without having said that it is well.
    assert gx.boot() == [*[f"phaeton 1.1 {gx.runs}"] * 3, f"phaeton 1.0 {gx.runs}"]


def test_an_older_version_is_installed_only_by_force(gx: Gx) -> None:
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    before = gx.files()
    older = gx.release("0.9")
    assert "0.9 is older than 1.0" in gx.refused(older, "--unsigned")
    assert gx.files() == before
    gx.installed(older, "--unsigned", "--force")
    assert Place(gx.home).current == "0.9"


@pytest.mark.parametrize("content", [RC_LOCAL, b"echo without a shebang\n", b"#!/bin/bash\n", b"#!/bin/sh", b"", None])
def test_other_lines_of_rc_local_stay_as_they_are(gx: Gx, content: bytes | None) -> None:
    if content is not None:
        gx.rc_local.write_bytes(content)
        gx.rc_local.chmod(0o750)
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    now = gx.rc_local.read_bytes()
    start, _, rest = now.partition(b"# >>> phaeton >>>")
    _, _, rest = rest.partition(b"# <<< phaeton <<<")
    if content is not None:
        assert start + rest.removeprefix(b"\n") == content or start.removesuffix(b"\n") + rest == content
    assert gx.boot() == [f"phaeton 1.0 {gx.runs}"]
    gx.installed("--uninstall", "--keep-data")
    if content is None:
        assert not gx.rc_local.exists()
    else:
        assert gx.rc_local.read_bytes() == content
        assert gx.rc_local.stat().st_mode & 0o777 == 0o750


def test_uninstalling_leaves_nothing_or_what_is_to_be_kept(gx: Gx) -> None:
    before = gx.files()
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    (gx.home / "phaeton.sqlite").write_bytes(b"history")
    gx.boot()
    assert "say --keep-data or --yes" in gx.refused("--uninstall")
    said = gx.installed("--uninstall", "--keep-data")
    assert f"removed: {gx.home}/versions\n" in said
    assert f"kept: {gx.config}\n" in said
    assert sorted(set(gx.files()) - set(before)) == [
        "data/phaeton",
        "data/phaeton/phaeton.sqlite",
        "data/phaeton_config.yaml",
    ]
    assert gx.boot() == []
    gx.installed(gx.release("1.1"), "--unsigned")
    gx.installed("--uninstall", "--yes")
    assert gx.files() == before


def test_a_device_without_a_configuration_waits_for_one(gx: Gx) -> None:
    assert "there is no" in gx.installed(gx.release("1.0"), "--unsigned")
    assert not gx.config.exists()
    stand_in(gx.own_tools, "sleep", 'echo "waits $*" >>"$TRACE"')
    assert gx.boot() == ["waits 60"]


def _setting(value: int) -> str:
    return f'<AllModificationsEnabled default="1" max="1" min="0" type="i">{value}</AllModificationsEnabled>'


def test_what_cannot_work_is_refused_and_nothing_is_done(gx: Gx) -> None:
    bundle = gx.release("1.0")
    before = gx.files()

    def refused(*arguments: str | Path) -> str:
        why = gx.refused(*(arguments or (bundle,)))
        assert why.startswith("install.sh: ")
        return why

    other = bundle.with_name(bundle_name("1.0", "armv7"))
    other.write_bytes(bundle.read_bytes())
    assert "is for armv7, and this device is" in refused(other)
    assert "has no bundle for this device" in refused(gx.data)
    assert "there is no file" in refused(gx.data / bundle_name("1.0", architecture()))
    assert "is no bundle" in refused(gx.data / "else.tar.gz")
    assert "there is no file" in refused(bundle, "--config", gx.data / "none.yaml")
    assert "is no address" in refused(bundle, "--charger", "192.0.2.7 # mine")

    stand_in(gx.own_tools, "df", 'echo "Filesystem\\ndisk 9 9 19999 9 /data"')
    assert "20 MB are needed in" in refused()
    (gx.own_tools / "df").unlink()
    stand_in(gx.own_tools, "id", "echo 1000")
    assert "only root can do this" in refused()
    (gx.own_tools / "id").unlink()

    version = gx.root / "opt/victronenergy/version"
    version.write_text("v3.09~7\n")
    assert "the firmware is v3.09~7, and v3.10 or newer is needed" in refused()
    version.unlink()
    assert "this is no Venus OS" in refused()
    gx.new_firmware()

    settings = gx.data / "conf/settings.xml"
    settings.write_text(_setting(0))
    assert "modifications are disabled" in refused()
    settings.unlink()
    disabled = gx.data / "rc.local.disabled"
    disabled.touch()
    assert "modifications are disabled" in refused()
    disabled.unlink()

    gx.rc_local.write_text("#!/bin/sh\n")
    assert "is not executable" in refused()
    gx.rc_local.write_text("#!/usr/bin/python3\n")
    gx.rc_local.chmod(0o755)
    assert "is no shell script" in refused()
    gx.rc_local.unlink()

    gx.home.write_text("a program")
    assert "is a file, perhaps a forerunner's program" in refused()
    gx.home.unlink()
    assert gx.files() == before
    settings.write_text(_setting(1))
    gx.installed(bundle, "--unsigned")


def test_a_bundle_that_is_not_right_is_refused(gx: Gx) -> None:
    good = gx.release("1.0", REAL)
    before = gx.files()
    sums, content = good.with_name("SHA256SUMS"), good.read_bytes()
    good.write_bytes(content[:-1] + b"x")
    assert "is damaged or was changed" in gx.refused(good)
    good.write_bytes(content)
    assert "is not signed by somebody who is trusted here" in gx.refused(good)  # no key is known yet
    listed = sums.read_text()
    sums.write_text(listed.replace(good.name, "else.tar.gz"))
    assert "is not in SHA256SUMS" in gx.refused(good)
    sums.unlink()
    assert "SHA256SUMS of the release must lie beside" in gx.refused(good)
    assert gx.files() == before


def test_without_a_signature_it_is_told(gx: Gx) -> None:
    bundle = gx.release("1.0")
    bundle.with_name("SHA256SUMS.minisig").unlink()
    assert "nobody says who made it" in gx.installed(bundle)


def test_versions_have_the_order_that_updates_have() -> None:
    versions = (
        "0.9.0",
        "0.9.0-rc1",
        "v0.9.0rc2",
        "0.10",
        "1.0",
        "1.0.0",
        "1.0.dev3",
        "1.0b2",
        "1.0-alpha",
        "2.0+x1",
        "main",
        "",
    )
    script = INSTALLER.read_text()
    function = script[script.index("newer() {") : script.index("works() {")]
    pairs = list(itertools.product(versions, versions))
    calls = "".join(f"newer '{this}' '{other}' && echo newer || echo not\n" for this, other in pairs)
    done = subprocess.run(
        ["busybox", "sh", "-s"], input=function + calls, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert done.stdout.split() == ["newer" if newer(this, other) else "not" for this, other in pairs]


def test_the_scripts_are_clean() -> None:
    scripts = [str(path) for path in sorted(INSTALLER.parent.rglob("*.sh"))]
    for shell, checked in (("sh", scripts), ("bash", [str(INSTALLER.parent / "setuphelper/setup")])):
        done = subprocess.run(
            ["shellcheck", "-s", shell, "-e", "SC1091,SC2154", *checked],  # what SetupHelper lends is not here
            capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip
        assert done.stdout == ""
