"""The document of the API without a daemon: the tables for people are those of the table itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phaeton.cli import main

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
BEGIN, END = "<!-- made by phaeton api --markdown -->\n", "<!-- end -->"


def test_the_tables_of_the_documentation_are_those_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api", "--markdown"]) == 0
    written = DOCS.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert written.strip() == capsys.readouterr().out.strip(), (
        "put what `phaeton api --markdown` prints into docs/api.md"
    )


def test_the_document_is_printed_without_a_daemon(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["api"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/api/mode"]["post"]["x-needs"] == "control"
    assert len({told["operationId"] for path in document["paths"].values() for told in path.values()}) == sum(
        len(path) for path in document["paths"].values()
    )
