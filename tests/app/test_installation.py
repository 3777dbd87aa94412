"""How Phaeton was installed, and what its owner has to do for a newer one."""

from __future__ import annotations

import json
from importlib.metadata import PathDistribution
from pathlib import Path

from phaeton.app.installation import installation, installation_folder


def installed(folder: Path, **files: str) -> PathDistribution:
    where = folder / "phaeton-0.1.0.dist-info"
    where.mkdir()
    for name, text in {"METADATA": "Name: phaeton\nVersion: 0.1.0\n", **files}.items():
        (where / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return PathDistribution(where)


def test_a_checkout_is_pulled(tmp_path: Path) -> None:
    (tmp_path / "my copy" / ".git").mkdir(parents=True)
    found = installation(tmp_path / "my copy" / "phaeton")
    assert found.installed_as == "git"
    assert found.how_to_update == f"`git -C '{tmp_path}/my copy' pull`, and a restart"


def test_a_package_is_upgraded_by_its_installer(tmp_path: Path) -> None:
    found = installation(tmp_path / "phaeton", installed(tmp_path, INSTALLER="uv\n"))
    assert (found.installed_as, found.how_to_update) == ("pip", "`uv pip install --upgrade phaeton`, and a restart")


def test_a_package_from_a_repository_is_taken_from_there_again(tmp_path: Path) -> None:
    origin = json.dumps({"url": "https://git.example/phaeton", "vcs_info": {"vcs": "git", "commit_id": "abc"}})
    found = installation(tmp_path / "phaeton", installed(tmp_path, INSTALLER="pip\n", direct_url__json=origin))
    assert found.how_to_update.startswith("`pip install --upgrade 'phaeton @ git+https://git.example/phaeton'`")


def test_a_note_of_the_installer_that_cannot_be_read_hinders_nothing(tmp_path: Path) -> None:
    found = installation(tmp_path / "phaeton", installed(tmp_path, direct_url__json="[nonsense"))
    assert found.how_to_update == "`pip install --upgrade phaeton`, and a restart"


def test_a_version_in_an_installation_folder_is_a_bundle(tmp_path: Path) -> None:
    package = tmp_path / "phaeton/versions/1.0/lib/phaeton"
    package.mkdir(parents=True)
    assert installation_folder(package) is None  # no manifest: somebody has a folder of this name
    (tmp_path / "phaeton/versions/1.0/MANIFEST.json").write_text("{}")
    assert installation_folder(package) == tmp_path / "phaeton"
    found = installation(package)
    assert (found.installed_as, found.where, found.how_to_update) == ("bundle", str(tmp_path / "phaeton"), "")
