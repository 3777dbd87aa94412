"""Devices for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.venus.gx import Gx, tools_in


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tools_in(tmp_path_factory.mktemp("tools"))


@pytest.fixture
def gx(tmp_path: Path, tools: Path) -> Gx:
    return Gx(tmp_path, tools)
