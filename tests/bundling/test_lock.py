"""The lock has all that a bundle needs, and fits to what the project asks for."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bundling import lock
from bundling.architectures import ALL, PYTHON, Architecture
from bundling.lock import LOCK
from bundling.parts import CARRIED, COMPILE_ONLY, COMPILED, COMPILER, ONLY_FOR, pins, requirements
from bundling.problem import BundlingError

every_processor = pytest.mark.parametrize("arch", [pytest.param(one, id=one.name) for one in ALL.values()])


@every_processor
def test_each_requirement_of_the_project_is_locked_in_a_version_that_fits(arch: Architecture) -> None:
    versions = {canonicalize_name(part.name): part.version for part in lock.load().python_for(arch)}
    for text in requirements():
        wanted = Requirement(text)
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), f"{text}: python -m bundling lock"


@every_processor
def test_what_is_carried_is_what_the_tests_run_with(arch: Architecture) -> None:
    versions = {canonicalize_name(part.name): part.version for part in lock.load().python_for(arch)}
    for pinned in map(Requirement, pins()):
        carried = versions.get(canonicalize_name(pinned.name))
        if carried is not None and (pinned.marker is None or pinned.marker.evaluate({"python_version": PYTHON})):
            assert pinned.specifier.contains(carried), f"{pinned}: python -m bundling lock"


def test_all_processors_get_the_same_versions() -> None:
    found = lock.load()
    versions = [{(part.name, part.version) for part in found.python_for(arch)} for arch in ALL.values()]
    assert versions[0] == versions[1] == versions[2]


@every_processor
def test_each_package_of_debian_is_locked(arch: Architecture) -> None:
    found = lock.load()
    carried = {part.package for part in found.debian_for(arch, carried=True)}
    assert carried == {*CARRIED, *ONLY_FOR.get(arch.debian, ())}
    assert {part.package for part in found.debian_for(arch, carried=False)} == set(COMPILE_ONLY)


@every_processor
def test_only_what_can_be_compiled_is_locked_as_source(arch: Architecture) -> None:
    found = lock.load()
    assert {part.name for part in found.python_for(arch) if part.compiled_here} <= COMPILED
    assert found.tool(COMPILER).sha256


def test_it_is_written_as_it_was_read(tmp_path: Path) -> None:
    lock.save(lock.load(), tmp_path / "lock.json")
    assert (tmp_path / "lock.json").read_bytes() == LOCK.read_bytes()


def test_one_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text('{"debian": [], "python": 3}')
    with pytest.raises(BundlingError, match=r"lock\.json cannot be read.*\$\.python"):
        lock.load(tmp_path / "lock.json")
