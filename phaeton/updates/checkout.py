"""A git checkout that follows a branch or a tag: only forward, never over somebody's own changes, and one step back.

Git has checked who may be fetched from: the remote of the checkout, by its own means (https, ssh). All here blocks.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from phaeton.updates import disk
from phaeton.updates.problem import UpdateRefusedError

WITHIN_S = 300.0
REMOTE = "origin"
KEPT = "phaeton-previous"
"""In the folder `.git`: the commit before the last update, and the branch that it was on."""
TRIED = "import phaeton.app.main, phaeton.cli"
"""What must work before the new commit is started."""


class Found(Struct, frozen=True):
    """What the remote has."""

    commit: str
    name: str
    """For people: the tag, or branch and short commit."""
    new: bool


class Checkout:
    """One checkout."""

    def __init__(self, root: Path, environ: Mapping[str, str] | None = None) -> None:
        self.root = root
        given = os.environ if environ is None else environ
        self._environ = {**given, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}

    @property
    def current(self) -> str:
        """The commit that is checked out; raises `UpdateRefusedError`."""
        return self._git("rev-parse", "HEAD")

    @property
    def previous(self) -> str | None:
        """The commit that a rollback goes back to."""
        kept = self._kept()
        return None if kept is None else kept[0]

    def look(self, follow: str) -> Found:
        """Fetch, and say what there is; nothing is checked out. Raises `UpdateRefusedError`."""
        self._git("fetch", "--quiet", "--tags", REMOTE)
        branch = follow or self._branch()
        if not branch:
            raise UpdateRefusedError("no branch is checked out; say in updates.follow what this checkout follows")
        remote = self._commit(f"refs/remotes/{REMOTE}/{branch}")
        tagged = self._commit(f"refs/tags/{branch}") if remote is None else None
        commit = remote or tagged
        if commit is None:
            raise UpdateRefusedError(f"the remote has no branch and no tag {branch}")
        name = branch if tagged is not None else f"{branch} {commit[:10]}"
        return Found(commit, name, commit != self.current)

    def apply(self, found: Found, follow: str) -> None:
        """Check it out; raises `UpdateRefusedError` with the checkout as it was."""
        self._must_be_clean()
        before, branch = self.current, self._branch()
        if not self._contains(found.commit, before) and not self._commit(f"refs/tags/{follow}"):
            raise UpdateRefusedError(
                f"{found.name} does not contain the commit that is checked out ({before[:10]}): its history was "
                "rewritten, or there are commits of your own; look at it with git"
            )
        self._check_out(found.commit, branch if branch and branch == (follow or branch) else "", before, branch)
        disk.write(self._folder() / KEPT, f"{before}\n{branch}\n")

    def back(self) -> None:
        """Check out the commit before the last update; raises `UpdateRefusedError`."""
        kept = self._kept()
        if kept is None:
            raise UpdateRefusedError("there was no update that could be taken back")
        self._must_be_clean()
        before, branch = self.current, self._branch()
        self._check_out(kept[0], kept[1], before, branch)
        (self._folder() / KEPT).unlink(missing_ok=True)

    def _check_out(self, commit: str, branch: str, before: str, branch_before: str) -> None:
        self._switch(commit, branch)
        tried = self._run([sys.executable, "-c", TRIED])
        if tried.returncode != 0:
            self._switch(before, branch_before)
            said = (tried.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise UpdateRefusedError(
                f"{commit[:10]} does not start here, so {before[:10]} is checked out again: {said} - "
                "does it need other libraries?"
            )

    def _switch(self, commit: str, branch: str) -> None:
        if branch:
            self._git("checkout", "--quiet", "-B", branch, commit)
        else:
            self._git("checkout", "--quiet", "--detach", commit)

    def _must_be_clean(self) -> None:
        changed = self._git("status", "--porcelain", "--untracked-files=no")
        if changed:
            raise UpdateRefusedError(f"{self.root} has changes of your own; commit them or take them back: {changed}")

    def _branch(self) -> str:
        return self._run(["git", "symbolic-ref", "--quiet", "--short", "HEAD"]).stdout.strip()

    def _contains(self, commit: str, older: str) -> bool:
        return self._run(["git", "merge-base", "--is-ancestor", older, commit]).returncode == 0

    def _commit(self, name: str) -> str | None:
        return self._run(["git", "rev-parse", "--quiet", "--verify", f"{name}^{{commit}}"]).stdout.strip() or None

    def _folder(self) -> Path:
        return self.root / self._git("rev-parse", "--git-dir")

    def _kept(self) -> tuple[str, str] | None:
        try:
            lines = (self._folder() / KEPT).read_text(encoding="utf-8").splitlines()
        except (OSError, UpdateRefusedError):
            return None
        return (lines[0], lines[1]) if len(lines) == 2 else None

    def _git(self, *arguments: str) -> str:
        done = self._run(["git", *arguments])
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
            raise UpdateRefusedError(f"git {arguments[0]} failed in {self.root}: {said}")
        return done.stdout.strip()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                command, cwd=self.root, env=self._environ, capture_output=True, text=True, timeout=WITHIN_S,
                stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise UpdateRefusedError(f"{command[0]} took more than {WITHIN_S:g} s") from None
        except OSError as error:
            raise UpdateRefusedError(f"{command[0]} cannot be run: {error.strerror or error}") from None
