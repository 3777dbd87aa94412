"""What is laid into a bundle, and that its programs start wherever it lies."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from bundling.architectures import ALL
from bundling.build import LAUNCHER, lay_phaeton
from bundling.libraries import lay_wheel
from bundling.licences import lay_licences
from bundling.lock import load
from bundling.problem import BundlingError
from bundling.runtime import LIBRARIES, STANDARD, lay_c_libraries, lay_runtime
from bundling.sbom import bill
from bundling.source import Source
from tests.bundling.test_elf import library

ARCH = ALL["armv7"]
TELLS = '#!/bin/sh\nprintf "%s\\n" "$@" "trusts $SSL_CERT_FILE $SSL_CERT_DIR"\n'
"""In the place of the loader: says what it was told to start."""


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """Packages of Debian, unpacked; of each kind of file there is one."""
    folder = tmp_path / "system/usr"
    files = {
        "bin/python3.13": "interpreter",
        "lib/python3.13/os.py": "",
        "lib/python3.13/test/test_os.py": "",
        "lib/python3.13/lib-dynload/_ssl.so": "",
        "lib/python3.13/lib-dynload/_testcapi.so": "",
        "lib/python3.13/config-3.13-arm/Makefile": "",
        "lib/python3/dist-packages/yaml/__init__.py": "",
        "lib/python3/dist-packages/yaml/__pycache__/old.pyc": "",
        f"lib/{ARCH.multiarch}/{ARCH.loader}": TELLS,
        f"lib/{ARCH.multiarch}/libother.so.1": "needed by nobody",
        "share/doc/libc6/copyright": "LGPL\n",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for name in ("libgcc_s.so.1", "libc.so.6", "libm.so.6"):
        (folder / "lib" / ARCH.multiarch / name).write_bytes(library(wide=False))
    return tmp_path / "system"


@pytest.fixture
def tree(tmp_path: Path, system: Path) -> Path:
    """A bundle in a folder whose name has a blank, with a Phaeton of two files."""
    source = tmp_path / "source"
    (source / "phaeton/updates").mkdir(parents=True)
    (source / "phaeton/__init__.py").write_text("")
    (source / "phaeton/updates/launcher.sh").write_text("launcher")
    (source / "LICENSE").write_text("MIT\n")
    made = tmp_path / "with a blank"
    lay_runtime(system, ARCH, made)
    lay_c_libraries(system, ARCH, made)
    lay_phaeton(Source(source, "1.2.0", 0), made)
    return made


def test_what_a_controller_does_not_need_is_left_out(tree: Path) -> None:
    kept = {str(path.relative_to(tree / STANDARD)) for path in (tree / STANDARD).rglob("*") if path.is_file()}
    assert kept == {"os.py", "lib-dynload/_ssl.so"}
    assert [path.name for path in (tree / LIBRARIES / "yaml").iterdir()] == ["__init__.py"]


def test_only_libraries_that_something_is_linked_with_are_taken_and_theirs_too(tree: Path) -> None:
    found = {path.name for path in (tree / "lib").iterdir() if path.is_file()}
    assert found == {ARCH.loader, "libgcc_s.so.1", "libc.so.6", "libm.so.6"}


def test_a_library_that_is_in_no_package_is_told(system: Path, tree: Path) -> None:
    (system / "usr/lib" / ARCH.multiarch / "libm.so.6").unlink()
    (tree / "lib/libm.so.6").unlink()
    (tree / LIBRARIES / "fast.so").write_bytes(library(wide=False))
    with pytest.raises(BundlingError, match=r"libm\.so\.6 is in no package"):
        lay_c_libraries(system, ARCH, tree)


def test_the_program_starts_the_interpreter_with_the_libraries_beside_it(tmp_path: Path, tree: Path) -> None:
    link = tmp_path / "phaeton-link"
    link.symlink_to(tree / "bin/phaeton")

    told = subprocess.run(
        [str(link), "run", "-c", "a file"], cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    here = tree.resolve()
    assert told.stdout.splitlines() == [
        "--inhibit-cache", "--library-path", f"{here}/lib", "--argv0", f"{here}/bin/python", f"{here}/bin/python3.13",
        "-I", "-m", "phaeton", "run", "-c", "a file",
        f"trusts {here}/{LIBRARIES}/certifi/cacert.pem /etc/ssl/certs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "trusted"),
    [
        ("/own.pem", "/own.pem"),
        (f"/versions/1.1.0/{LIBRARIES}/certifi/cacert.pem", "{here}/lib/python3/dist-packages/certifi/cacert.pem"),
    ],
)
def test_whom_the_owner_trusts_is_kept_but_not_the_list_of_the_version_before(
    tree: Path, given: str, trusted: str
) -> None:
    environment = {"PATH": "/usr/bin:/bin", "SSL_CERT_FILE": given}
    told = subprocess.run([str(tree / "bin/python")], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == f"trusts {trusted.format(here=tree.resolve())} /etc/ssl/certs"


def test_an_installer_finds_the_launcher_at_the_root(tree: Path) -> None:
    assert (tree / LAUNCHER).read_text() == "launcher"


def test_of_a_wheel_only_what_runs_is_laid_and_licences_are_gathered(tmp_path: Path, system: Path) -> None:
    wheel = tmp_path / "fast-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name in (
            "fast/__init__.py", "fast/_core.c", "fast/_core.pyx", "fast/__init__.pyi", "fast-1.0.data/scripts/fast",
            "fast-1.0.dist-info/METADATA", "fast-1.0.dist-info/RECORD", "fast-1.0.dist-info/licenses/LICENSE.txt",
        ):  # fmt: skip
            archive.writestr(name, "x")
    made = tmp_path / "made"
    package = next(part for part in load().debian_for(ARCH, carried=True) if part.package == "libc6")

    lay_wheel(wheel, made)
    lay_licences(made, system, [package], "trixie")

    found = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert found == {
        f"{LIBRARIES}/fast/__init__.py",
        f"{LIBRARIES}/fast-1.0.dist-info/METADATA",
        "licences/README",
        "licences/debian/libc6.txt",
        "licences/python/fast-1.0/LICENSE.txt",
    }


def test_the_bill_of_materials_names_each_part_once_with_its_checksum() -> None:
    lock = load()
    debian, python = list(lock.debian_for(ARCH, carried=True)), list(lock.python_for(ARCH))

    document = json.loads(bill("1.2.0", "armv7", "2026-01-01T00:00:00Z", debian, python))

    parts = document["components"]
    assert len({part["purl"] for part in parts}) == len(parts) == len(debian) + len(python)
    assert {part["hashes"][0]["content"] for part in parts} == {part.sha256 for part in (*debian, *python)}
    assert set(document["dependencies"][0]["dependsOn"]) == {part["bom-ref"] for part in parts}
    aiohttp = next(part for part in parts if part["name"] == "aiohttp")
    assert aiohttp["licenses"] == [{"expression": "Apache-2.0 AND MIT"}]
