"""The API as its own document tells it, asked of the real daemon: every example, and what a fuzzer makes of it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.integration.rig import Rig, eventually, house, rig

PROBLEM = "application/problem+json"
ENDLESS = "_events$|_stream$"
TOO_MUCH = "^(put|patch)_config$|_restore|_test_"
"""What a fuzzer writes here is right as often as not: the page would move to another port, files to other folders, and
any address be asked."""
METHODS = ("get", "put", "post", "patch", "delete")


@asynccontextmanager
async def api(folder: Path, *lines: str) -> AsyncIterator[Rig]:
    """A daemon whose charger, car and house are those of the examples."""
    async with rig(folder) as daemon:
        await daemon.put_up_gx(house())
        daemon.config.write_text(
            "\n".join(
                [
                    f"chargers: [{{host: 127.0.0.1, port: {daemon.charger.port}}}]",
                    f"store: {{directory: {folder / 'state'}}}",
                    "web: {port: 0}",
                    "vehicles: [{id: ev6, name: EV6, battery_kwh: 77.4}]",
                    *lines,
                ]
            )
        )
        daemon.client = None  # it waits for the name of another rig's service
        await daemon.start()
        await eventually(daemon.is_ready)
        yield daemon


class Operation:
    """One operation of the document, and the call that its example makes."""

    def __init__(self, path: str, method: str, told: dict[str, Any]) -> None:
        self.path = path
        self.method = method
        self.told = told
        self.expected: int = told["x-example-status"]
        self.instead = ""
        """A body instead of that of the example."""

    def address(self) -> str:
        """With the places and the query of the example filled in."""
        given = {place["name"]: place for place in self.told["parameters"]}
        path = re.sub(r"{(\w+)}", lambda found: given[found[1]]["example"], self.path)
        query = {
            name: place["example"] for name, place in given.items() if place["in"] == "query" and "example" in place
        }
        return f"{path}?{urlencode(query)}" if query else path

    def body(self) -> dict[str, Any]:
        """The arguments for the client; a file is sent as it is."""
        for kind, content in self.told.get("requestBody", {}).get("content", {}).items():
            if "examples" in content:
                return {
                    "data": self.instead or json.dumps(content["examples"]["example"]["value"]),
                    "headers": {"Content-Type": kind},
                }
        return {}

    def content(self) -> dict[str, Any]:
        """What the document says of the expected answer, by content type."""
        found: dict[str, Any] = self.told["responses"][str(self.expected)]["content"]
        return found


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """All of the document."""
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert method in METHODS
            yield Operation(path, method, told)


def misfit(document: dict[str, Any], schema: dict[str, Any], value: object, operation: Operation) -> str:
    """How the value is not what the schema says; empty when it is."""
    try:
        jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}).validate(value)
    except jsonschema_rs.ValidationError as error:
        return f"{operation.method} {operation.address()}: {error.message[:300]} at {error.instance_path}"
    return ""


async def test_every_example_of_the_document_is_answered_as_the_document_says(tmp_path: Path) -> None:
    async with api(tmp_path) as daemon, aiohttp.ClientSession(daemon.web) as client:
        async with client.get("/openapi.json") as answer:
            document = await answer.json()
        OpenAPIV31SpecValidator(document).validate()
        async with client.get("/api/config") as answer:
            whole = await answer.text()
        wrong = []
        for operation in operations(document):
            if (operation.method, operation.path) == ("put", "/api/config"):
                operation.instead = whole  # that of the example would move the page to another port
            try:
                wrong.append(await trouble(client, document, operation))
            except aiohttp.ClientError as error:
                wrong.append(f"{operation.method} {operation.address()}: {error!r}")
    assert [told for told in wrong if told] == []


async def trouble(client: aiohttp.ClientSession, document: dict[str, Any], operation: Operation) -> str:
    """Make the call of the example; what is wrong with its answer, empty when nothing is."""
    async with client.request(operation.method, operation.address(), **operation.body()) as answer:
        kinds = operation.content()
        if (answer.status, answer.content_type) != (operation.expected, next(iter(kinds))):
            told = (await answer.text())[:300] if answer.status != operation.expected else ""
            return f"{operation.method} {operation.address()}: {answer.status} {answer.content_type} {told}"
        if answer.content_type in ("application/json", PROBLEM):
            value = await answer.json(content_type=None)
            return misfit(document, kinds[answer.content_type]["schema"], value, operation)
        if answer.content_type == "text/event-stream":
            async with asyncio.timeout(5):
                assert (await answer.content.readline()).endswith(b"\n")
            answer.close()
    return ""


async def command(daemon: Rig, *words: str, given: str = "") -> str:
    """What a command at the terminal prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "phaeton",
        *words,
        "-c",
        str(daemon.config),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate(f"{given}\n".encode())
    assert process.returncode == 0
    return told.decode().strip()


async def test_what_a_fuzzer_sends_is_never_too_much_for_it(tmp_path: Path) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(
        """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 412, 422, 429, 503]

# A goal that was taken back is told as none, with all fields null.
[[operations]]
include-path = "/api/vehicles/{vehicle}/goal"
checks.use_after_free.enabled = false

# 503 is what it is for: under so many requests the house may not be heard in time.
[[operations]]
include-path = "/api/ready"
checks.not_a_server_error.enabled = false

[parameters]
"path.id" = "1"
"path.vehicle" = "ev6"
"""
    )
    async with api(tmp_path) as daemon:
        await command(daemon, "password", given="correct horse battery")
        token = await command(daemon, "token", "add", "fuzzer", "--scope", "admin")
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "st"),
            "--config-file",
            str(settings),
            "run",
            f"{daemon.web}/openapi.json",
            "--exclude-operation-id-regex",
            f"{ENDLESS}|{TOO_MUCH}",
            "--max-examples",
            "15",
            "--generation-deterministic",
            "--no-color",
            "--header",
            f"Authorization: Bearer {token}",
            "--header",
            "X-Phaeton-Page: 1",  # it sends odd cookies too
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        told = (await process.stdout.read()).decode()
        assert await process.wait() == 0, told
        assert "failed on this request" not in "\n".join(daemon.log)
