"""A git checkout that follows: forward only, never over the owner's changes, and one step back. Real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from phaeton.app.update_means import CheckoutMeans
from phaeton.config.tree_updates import UpdateSettings
from phaeton.updates.checkout import Checkout
from phaeton.updates.problem import UpdateRefusedError

WHO = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *WHO, *arguments], cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True
    )  # fmt: skip
    return done.stdout.strip()


def commit(folder: Path, text: str, broken: bool = False) -> str:
    """A commit of a program that can be loaded, or not."""
    (folder / "phaeton/app").mkdir(parents=True, exist_ok=True)
    for name in ("__init__", "cli", "app/__init__", "app/main"):
        (folder / f"phaeton/{name}.py").write_text(f'"""{text}"""\n')
    if broken:
        (folder / "phaeton/cli.py").write_text("import no_such_library\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", text)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "first")
    return folder


@pytest.fixture
def here(origin: Path, tmp_path: Path) -> Path:
    git(tmp_path, "clone", "-q", str(origin), "here")
    return tmp_path / "here"


@pytest.fixture
def checkout(here: Path) -> Checkout:
    return Checkout(here, ENVIRON)


def test_it_follows_its_branch_and_goes_back(origin: Path, here: Path, checkout: Checkout) -> None:
    first = git(here, "rev-parse", "HEAD")
    assert not checkout.look("main").new
    second = commit(origin, "second")
    found = checkout.look("main")
    assert (found.commit, found.name, found.new) == (second, f"main {second[:10]}", True)
    assert checkout.current == first  # looking changes nothing
    checkout.apply(found, "main")
    assert (checkout.current, checkout.previous) == (second, first)
    assert git(here, "symbolic-ref", "--short", "HEAD") == "main"
    checkout.back()
    assert (checkout.current, checkout.previous) == (first, None)
    with pytest.raises(UpdateRefusedError, match="no update that could be taken back"):
        checkout.back()


def test_it_follows_a_tag_also_to_an_older_one(origin: Path, here: Path, checkout: Checkout) -> None:
    git(origin, "tag", "v1.0")
    first, second = git(here, "rev-parse", "HEAD"), commit(origin, "second")
    git(origin, "tag", "v1.1")
    checkout.apply(checkout.look("v1.1"), "v1.1")
    assert checkout.current == second
    checkout.apply(checkout.look("v1.0"), "v1.0")
    assert (checkout.current, checkout.previous) == (first, second)


def test_changes_of_the_owner_are_left_alone(origin: Path, here: Path, checkout: Checkout) -> None:
    commit(origin, "second")
    before = checkout.current
    (here / "phaeton/cli.py").write_text("# mine\n")
    with pytest.raises(UpdateRefusedError, match="has changes of your own"):
        checkout.apply(checkout.look("main"), "main")
    assert checkout.current == before
    assert (here / "phaeton/cli.py").read_text() == "# mine\n"


def test_commits_of_the_owner_and_a_rewritten_history_are_left_alone(
    origin: Path, here: Path, checkout: Checkout
) -> None:
    commit(origin, "second")
    mine = commit(here, "mine")
    with pytest.raises(UpdateRefusedError, match="does not contain the commit"):
        checkout.apply(checkout.look("main"), "main")
    assert checkout.current == mine


def test_a_commit_that_cannot_be_loaded_is_taken_back_at_once(origin: Path, here: Path, checkout: Checkout) -> None:
    before = checkout.current
    commit(origin, "second", broken=True)
    with pytest.raises(UpdateRefusedError, match="no_such_library"):
        checkout.apply(checkout.look("main"), "main")
    assert (checkout.current, checkout.previous) == (before, None)
    assert git(here, "symbolic-ref", "--short", "HEAD") == "main"


def test_what_the_remote_does_not_have_is_told(origin: Path, checkout: Checkout) -> None:
    with pytest.raises(UpdateRefusedError, match="no branch and no tag nothing"):
        checkout.look("nothing")
    origin.rename(origin.with_name("gone"))
    with pytest.raises(UpdateRefusedError, match="git fetch failed"):
        checkout.look("main")


async def test_a_checkout_is_touched_only_when_the_owner_says_what_it_follows(
    origin: Path, here: Path, checkout: Checkout
) -> None:
    second, follow = commit(origin, "second"), ""
    means = CheckoutMeans(checkout, lambda: follow)
    assert not means.follows(UpdateSettings())
    with pytest.raises(UpdateRefusedError, match=r"updates\.follow"):
        await means.newest(UpdateSettings())
    with pytest.raises(UpdateRefusedError, match=r"updates\.follow"):
        await means.releases(UpdateSettings())
    with pytest.raises(UpdateRefusedError, match=r"updates\.follow"):
        means.switch("main")
    follow = "main"
    assert (await means.newest(UpdateSettings(follow=follow))).newer
    means.switch(await means.stage(UpdateSettings(follow=follow), None, lambda _: None))
    assert checkout.current == second
    assert second[:10] in means.known().current
    with pytest.raises(UpdateRefusedError, match="checked out already"):
        await means.stage(UpdateSettings(follow=follow), None, lambda _: None)
    with pytest.raises(UpdateRefusedError, match="set it to the tag"):
        await means.stage(UpdateSettings(follow=follow), "v1.0", lambda _: None)
