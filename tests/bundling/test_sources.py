"""Where the parts come from: a commit, and this machine's mirror of Debian."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bundling.apt import MIRROR, mirrors
from bundling.problem import BundlingError
from bundling.source import export


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_a_bundle_has_what_was_committed_and_nothing_that_lies_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
    root = tmp_path / "checkout"
    (root / "phaeton").mkdir(parents=True)
    (root / "phaeton/__init__.py").write_text('"""Phaeton."""\n\n__version__ = "1.2.0"\n')
    (root / "LICENSE").write_text("MIT\n")
    (root / "README.md").write_text("read me\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    (root / "phaeton/secret.txt").write_text("not committed")
    (root / "LICENSE").write_text("changed")

    source = export("HEAD", tmp_path / "exported", root)

    assert (source.version, source.epoch_s) == ("1.2.0", 1_767_225_600)
    exported = {str(path.relative_to(source.folder)) for path in source.folder.rglob("*") if path.is_file()}
    assert exported == {"LICENSE", "phaeton/__init__.py"}
    assert (source.folder / "LICENSE").read_text() == "MIT\n"


def test_a_commit_that_is_not_there_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    with pytest.raises(BundlingError, match="git ls-tree"):
        export("v9.9.9", tmp_path / "exported", tmp_path)


def test_debian_comes_from_where_this_machine_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR, raising=False)
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d/other.list").write_text("deb https://example.org/other stable main\n")
    (tmp_path / "sources.list.d/debian.sources").write_text(
        "Types: deb\n# https://example.net/debian\nURIs: https://example.org/debian/\nSuites: bookworm\n\n"
        "Types: deb\nURIs: https://example.org/debian-security\nSuites: bookworm-security\n"
    )

    assert mirrors(tmp_path) == ("https://example.org/debian/", "https://example.org/debian-security")


def test_another_mirror_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR, "https://example.org/debian")
    assert mirrors(tmp_path) == ("https://example.org/debian", "")
    monkeypatch.delenv(MIRROR)
    with pytest.raises(BundlingError, match=MIRROR):
        mirrors(tmp_path)
