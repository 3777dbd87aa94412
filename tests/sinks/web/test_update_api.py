"""Updates over the API: honest where there is no means, the forerunner's fields where there is one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from msgspec import Struct, field

from phaeton import __version__
from phaeton.config.tree_web import Web
from phaeton.sinks.web import Diagnostics, Parts, PointName, WebServer
from phaeton.sinks.web.updates import Installation, ReleaseInfo, UpdateError, UpdateStatus
from tests.kept import KeptInMemory


class Means(Struct):
    """An update mechanism in memory."""

    done: list[object] = field(default_factory=list)
    trouble: str = ""

    def status(self) -> UpdateStatus:
        return UpdateStatus(
            current_version="1.0", latest_version="1.1", update_available=True, last_check=5.0, installed_as="bundle",
            how_to_update="",
        )  # fmt: skip

    async def check(self) -> UpdateStatus:
        self.done.append("check")
        return self.status()

    async def releases(self) -> list[ReleaseInfo]:
        return [
            ReleaseInfo(tag="v1.1", name="1.1", draft=False, prerelease=False, published_at=None, body="", body_html="")
        ]

    async def apply(self, version: str | None, *, at_rest: bool) -> bool:
        self._try((version, "at rest") if at_rest else version)
        return not at_rest

    def forget_order(self) -> None:
        self.done.append("forgotten")

    async def rollback(self) -> None:
        self._try("rollback")

    async def upload(self, pieces: AsyncIterator[bytes]) -> None:
        self._try(b"".join([piece async for piece in pieces]))

    def _try(self, what: object) -> None:
        if self.trouble:
            raise UpdateError(self.trouble)
        self.done.append(what)


async def submit(*_: object) -> None:
    raise AssertionError("nobody ordered anything")


@asynccontextmanager
async def site(means: Means | None) -> AsyncIterator[aiohttp.ClientSession]:
    here = Installation(installed_as="pip", where="/opt", how_to_update="`pip install --upgrade phaeton`")
    parts = Parts(
        submit=submit, sessions=KeptInMemory(), diagnostics=Diagnostics, installation=here, updates=means
    )  # fmt: skip
    server = WebServer(Web(port=0), [PointName("1")], parts)
    await server.start()
    async with aiohttp.ClientSession(server.address) as client:
        yield client
    await server.stop()


async def post(client: aiohttp.ClientSession, path: str, body: object = None) -> tuple[int, Any]:
    async with client.post(path, json=body) as answer:
        return answer.status, json.loads(await answer.text())


async def test_without_a_means_the_owner_is_told_how() -> None:
    async with site(None) as client:
        async with client.get("/api/update/status") as answer:
            found = await answer.json()
        assert found == {
            "current_version": __version__,
            "latest_version": None,
            "update_available": False,
            "last_check": None,
            "error": None,
            "installed_as": "pip",
            "how_to_update": "`pip install --upgrade phaeton`",
            "previous_version": None,
            "busy": "",
            "step": None,
            "trial": False,
            "waits": False,
            "taken_back": [],
        }
        status, checked = await post(client, "/api/update/check", {})
        assert (status, checked["update_available"]) == (200, False)
        assert "update it with" in checked["error"]
        for path, body in (("apply", {"version": "v9"}), ("apply", {}), ("rollback", {})):
            status, problem = await post(client, f"/api/update/{path}", body)
            assert status == 409
            assert "update it with `pip install --upgrade phaeton`" in problem["detail"]
        async with client.get("/api/update/releases") as answer:
            assert answer.status == 409
        headers = {"Content-Type": "application/octet-stream"}
        async with client.post("/api/update/upload", data=b"x", headers=headers) as answer:
            assert answer.status == 409


async def test_with_a_means_the_forerunners_answers_are_kept() -> None:
    means = Means()
    async with site(means) as client:
        assert (await post(client, "/api/update/check", {}))[1]["latest_version"] == "1.1"
        assert await post(client, "/api/update/apply", {"version": "v1.1"}) == (200, {"ok": True, "restarting": True})
        assert await post(client, "/api/update/apply", {}) == (200, {"ok": True, "restarting": True})
        later = await post(client, "/api/update/apply", {"when": "at_rest"})
        assert later == (200, {"ok": True, "restarting": False})
        async with client.delete("/api/update/apply") as answer:
            assert answer.status == 200
        assert await post(client, "/api/update/rollback", {}) == (200, {"ok": True, "restarting": True})
        async with client.get("/api/update/releases") as answer:
            assert (await answer.json())[0]["tag"] == "v1.1"
        headers = {"Content-Type": "application/octet-stream"}
        async with client.post("/api/update/upload", data=b"a bundle", headers=headers) as answer:
            assert answer.status == 200
        assert means.done == ["check", "v1.1", None, (None, "at rest"), "forgotten", "rollback", b"a bundle"]
        means.trouble = "the car is charging: try again when it is not"
        status, problem = await post(client, "/api/update/apply", {"version": "v1.1"})
        assert (status, problem["detail"], problem["field"]) == (409, means.trouble, "version")
        status, problem = await post(client, "/api/update/apply", {"tag": "v1.1"})
        assert (status, problem["field"]) == (422, "tag")
