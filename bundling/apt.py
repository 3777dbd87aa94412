"""Debian's packages for any processor, by apt with a folder of its own: the machine's lists stay as they are."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from bundling.architectures import ALL, SUITE
from bundling.problem import BundlingError

MIRROR = "PHAETON_DEBIAN"
"""Environment: addresses of Debian and of its security updates, with a blank between; else those of the machine."""
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_URI = re.compile(r"https?://[^\s\]]+")
_SETTINGS = Path("/etc/apt")


class Apt:
    """apt for all processors of `ALL`, in a folder; needs the packages apt and debian-archive-keyring."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        architectures = [one.debian for one in ALL.values()]
        self._options = [
            f"-oDir={folder}",
            f"-oDir::State={folder}/state",
            f"-oDir::State::status={folder}/status",
            f"-oDir::Cache={folder}/cache",
            f"-oDir::Etc={folder}/etc",
            f"-oAPT::Architecture={architectures[0]}",
            f"-oAPT::Architectures={','.join(architectures)}",
            "-oAPT::Sandbox::User=root",
            "-oAcquire::Languages=none",
            "-oAcquire::Retries=3",
        ]

    def update(self) -> str:
        """Fetch the lists; what could not be had, as apt tells it. Raises `BundlingError` where nothing came."""
        for folder in ("state/lists/partial", "cache/archives/partial", "etc/sources.list.d", "etc/apt.conf.d"):
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        (self._folder / "etc/sources.list").write_text(self._sources())
        done = self._run("apt-get", "update", "-q")
        if not any((self._folder / "state/lists").glob("*_Packages*")):
            raise BundlingError(f"the lists of Debian's packages cannot be had:\n{done.stderr.strip()}")
        return "" if done.returncode == 0 else done.stderr.strip()

    def newest(self, packages: Iterable[str]) -> list[Mapping[str, str]]:
        """The fields of the newest version of each; they are ``NAME:ARCHITECTURE``. Raises `BundlingError`."""
        wanted = list(packages)
        shown = self._run("apt-cache", "show", "--no-all-versions", *wanted).stdout
        found: dict[str, Mapping[str, str]] = {}
        for stanza in shown.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in stanza.splitlines() if line[:1].isalpha() and ": " in line)
            if "SHA256" in fields:
                found[f"{fields['Package']}:{fields['Architecture']}"] = fields
        missing = [one for one in wanted if one not in found]
        if missing:
            raise BundlingError(f"Debian {SUITE} has no {', '.join(missing)}")
        return [found[one] for one in wanted]

    def download(self, package: str, version: str, folder: Path) -> Path:
        """Fetch one; raises `BundlingError`."""
        done = self._run("apt-get", "download", "-q", f"{package}={version}", cwd=folder)
        found = list(folder.glob("*.deb"))
        if done.returncode != 0 or len(found) != 1:
            why = done.stderr.strip()
            raise BundlingError(
                f"{package} {version} cannot be had; where Debian has a newer one, renew the lock with "
                f"`python -m bundling lock`:\n{why}"
            )
        return found[0]

    def _sources(self) -> str:
        debian, security = mirrors()
        wanted = [(debian, SUITE), *([(security, f"{SUITE}-security")] if security else [])]
        return "".join(f"deb [signed-by={KEYRING}] {address} {suite} main\n" for address, suite in wanted)

    def _run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LC_ALL": "C"}
        try:
            return subprocess.run(
                [command[0], *self._options, *command[1:]],
                cwd=cwd, env=environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise BundlingError(f"{command[0]} is missing: bundles are built on Debian") from None


def mirrors(settings: Path = _SETTINGS) -> tuple[str, str]:
    """Where Debian and its security updates ('' where unknown) come from; raises `BundlingError`."""
    given = os.environ.get(MIRROR, "").split()
    if given:
        return given[0], given[1] if len(given) > 1 else ""
    found: dict[str, str] = {}
    for path in (settings / "sources.list", *sorted((settings / "sources.list.d").glob("*"))):
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
        for address in _URI.findall("\n".join(lines)):
            found.setdefault(urlsplit(address).path.strip("/").rpartition("/")[2], address)
    if "debian" not in found:
        raise BundlingError(f"no address of Debian in {settings}: set {MIRROR} to one")
    return found["debian"], found.get("debian-security", "")
