"""The sample answers of the services: invented values in the shapes that their documents and sources tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from phaeton.links.http import Answer

FOLDER = Path(__file__).parents[2] / "recordings" / "vehicle_answers"

MEASURED_UTC_S = 1_795_441_200.0
"""2026-11-23 13:40:00, when most of them were measured."""
NOW_UTC_S = MEASURED_UTC_S + 60.0

SECRETS = (
    "5YJTEST0000000001",
    "LRWTEST0000000002",
    "KNATESTEV60000001",
    "KMHTESTKONA000002",
    "52.500012",
    "13.400034",
    "53.55",
    "37.77",
    "-122.41",
)
"""Identities and positions in the samples: they must appear nowhere outside of the sources."""


def sample(name: str) -> dict[str, Any]:
    """A file by the beginning of its name."""
    (path,) = FOLDER.glob(f"{name}*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def answer_of(exchange: dict[str, Any]) -> Answer:
    """The response of an exchange as the HTTP client gives it."""
    response = exchange["response"]
    body = json.dumps(response["json"]) if "json" in response else response.get("text", "")
    headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
    return Answer(response["status"], body.encode(), headers)


def answer(name: str) -> Answer:
    """The only response of a sample."""
    return answer_of(sample(name))


def expected(name: str) -> dict[str, Any]:
    """What an adapter should make of a sample."""
    found: dict[str, Any] = sample("normalised_expectations")["expect"][name]
    return found
