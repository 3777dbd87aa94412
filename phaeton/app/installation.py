"""How this Phaeton came here, and by what means its owner updates it."""

from __future__ import annotations

import json
import shlex
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import phaeton
from phaeton.sinks.web.updates import Installation

NAME = "phaeton"
RESTART = ", and a restart"


def installation(package: Path | None = None, found: Distribution | None = None) -> Installation:
    """Look at the folder of the program and at what its installer wrote down; reads two small files at most."""
    package = Path(phaeton.__file__).parent if package is None else package
    root = package.parent
    folder = installation_folder(package)
    if folder is not None:
        return Installation(installed_as="bundle", where=str(folder), how_to_update="")
    if (root / ".git").exists():
        how = f"`git -C {shlex.quote(str(root))} pull`{RESTART}"
        return Installation(installed_as="git", where=str(root), how_to_update=how)
    found = _distribution() if found is None else found
    if found is None:
        return Installation(installed_as="unknown", where=str(root), how_to_update=f"a new copy of {root}{RESTART}")
    return Installation(installed_as="pip", where=str(root), how_to_update=f"`{_command(found)}`{RESTART}")


def installation_folder(package: Path | None = None) -> Path | None:
    """The folder with the versions that this program is one of; None where it did not come as a bundle."""
    package = Path(phaeton.__file__).parent if package is None else package
    for folder in package.resolve().parents:
        if folder.parent.name == "versions" and (folder / "MANIFEST.json").is_file():
            return folder.parent.parent
    return None


def _distribution() -> Distribution | None:
    try:
        return distribution(NAME)
    except PackageNotFoundError:
        return None


def _command(found: Distribution) -> str:
    """By the installer that was used, from where it was taken (PEP 610)."""
    tool = "pip install"
    installer = (found.read_text("INSTALLER") or "").strip()
    if installer == "uv":
        tool = "uv pip install"
    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
    except ValueError:
        origin = {}
    url = origin.get("url", "") if isinstance(origin, dict) else ""
    vcs = origin.get("vcs_info") if isinstance(origin, dict) else None
    if isinstance(vcs, dict) and isinstance(url, str) and url:
        requirement = f"{NAME} @ {vcs.get('vcs', 'git')}+{url}"
        return f"{tool} --upgrade {shlex.quote(requirement)}"
    return f"{tool} --upgrade {NAME}"
