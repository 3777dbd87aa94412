"""The power is cut before each file that gets its name: what ran before runs again, or the new one does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from phaeton.updates.place import Place
from tests.venus import forerunners
from tests.venus.gx import Gx, stand_in

CHANGES = ("cp", "ln", "mv", "tar")
COUNTS = """\
read -r number <"$COUNT"
number=$((number + 1))
echo $number >"$COUNT"
[ $number -ne "$CUT" ] || kill -KILL $PPID
[ $number -lt "$CUT" ] || exit 1
exec busybox {name} "$@"
"""
EACH = 4
"""After every fourth cut it is done again: it goes through then."""


class Cut:
    """Runs the same thing again and again from the same beginning, each time cut a step later."""

    def __init__(self, gx: Gx, folder: Path) -> None:
        self.gx = gx
        self._template = folder / "template"
        self._count = folder / "count"
        folder.mkdir(exist_ok=True)

    def steps(self, *arguments: str | Path) -> Iterator[int]:
        """Yield the number of the step before which it was cut; ends with the run that came through."""
        gx = self.gx
        shutil.copytree(gx.root, self._template, symlinks=True)
        for name in CHANGES:
            stand_in(gx.own_tools, name, COUNTS.replace("{name}", name))
        for number in range(1, 200):
            shutil.rmtree(gx.root)
            shutil.copytree(self._template, gx.root, symlinks=True)
            self._count.write_text("0\n")
            gx.environ |= {"CUT": str(number), "COUNT": str(self._count)}
            done = gx.install(*arguments)
            gx.environ["CUT"] = "1000000"
            yield number
            if done.returncode == 0:
                return
            assert done.returncode == -9, done.stderr
        raise AssertionError("it does not come to an end")


@pytest.fixture
def cut(gx: Gx, tmp_path: Path) -> Cut:
    return Cut(gx, tmp_path)


def test_an_upgrade(cut: Cut) -> None:
    gx = cut.gx
    gx.installed(gx.release("1.0"), "--charger", "192.0.2.7", "--unsigned")
    bundle = gx.release("1.1")
    old, new = f"phaeton 1.0 {gx.runs}", f"phaeton 1.1 {gx.runs}"
    seen = []
    for number in cut.steps(bundle, "--unsigned"):
        seen.append(gx.boot())
        assert seen[-1] in ([old], [new, new, new, old]), number
        if number % EACH == 0:
            gx.installed(bundle, "--unsigned")
            assert Place(gx.home).current == "1.1", number
    assert seen[0] == [old]
    assert seen[-1] == [new, new, new, old]


def test_taking_the_place_of_a_forerunner_and_going_back(cut: Cut) -> None:
    gx = cut.gx
    forerunners.rust(gx)
    (gx.home / "phaeton").write_text('#!/bin/sh\necho forerunner >>"$TRACE"\n')
    gx.rc_local.write_text(f"#!/bin/sh\n{gx.home}/phaeton\n")
    rc_local, config = gx.rc_local.read_bytes(), gx.config.read_bytes()
    bundle = gx.release("1.0")
    old, new = ["forerunner"], [f"phaeton 1.0 {gx.runs}"]
    seen = []
    for number in cut.steps(bundle, "--unsigned"):
        seen.append(gx.boot())
        assert seen[-1] in (old, new), number
        if number % EACH == 0:
            gx.installed(bundle, "--unsigned")
            assert gx.boot() == new, number
    assert (seen[0], seen[-1]) == (old, new)

    again = Cut(gx, gx.root.parent / "back")
    seen.clear()
    for number in again.steps("--back"):
        seen.append(sorted(set(gx.boot())))  # the last run has started it, too
        assert seen[-1] in (old, new), number
        if seen[-1] == old:
            assert (gx.rc_local.read_bytes(), gx.config.read_bytes()) == (rc_local, config), number
    assert (seen[0], seen[-1]) == (new, old)
