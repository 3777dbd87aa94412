"""Listening, trying again, and serving the page's files."""

from __future__ import annotations

import gzip
import json
import logging
import re
import socket
import tracemalloc

import aiohttp
import pytest
from msgspec.structs import replace

from phaeton.config.tree_web import Web
from phaeton.sinks.web import WebServer
from tests import outputs
from tests.sinks.web.conftest import Asked, Site, build
from tests.waiting import until


async def test_a_page_that_cannot_be_opened_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    served, refusals = WebServer._serve, [OSError("no more files")]

    async def serve(self: WebServer, listening: socket.socket) -> None:
        if refusals:
            raise refusals.pop()
        await served(self, listening)

    monkeypatch.setattr(WebServer, "_serve", serve)
    server = build(Asked(), retry_s=0.02)
    await server.start()
    server.publish(outputs.output())
    async with aiohttp.ClientSession(server.address) as client, client.get("/api/health") as answer:
        assert answer.status == 200
    assert "could not be opened" in caplog.text
    await server.stop()


async def test_a_port_in_use_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    server = build(Asked(), config=Web(port=port), retry_s=0.02)
    await server.start()
    assert server.address is None
    assert "another program uses this port; set web.port to a free one" in caplog.text
    server.publish(outputs.output())
    taken.close()
    await until(lambda: server.address == f"http://127.0.0.1:{port}")
    assert caplog.text.count("cannot be served") == 1
    async with aiohttp.ClientSession() as client, client.get(f"{server.address}/api/status") as answer:
        assert answer.status == 200
    await server.stop()


async def test_it_ends_while_it_still_tries(caplog: pytest.LogCaptureFixture) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    server = build(Asked(), config=Web(port=taken.getsockname()[1]))
    await server.start()
    await server.stop()
    taken.close()


async def test_an_address_of_another_machine_is_told(caplog: pytest.LogCaptureFixture) -> None:
    server = build(Asked(), config=Web(host="192.0.2.1", port=0))
    await server.start()
    assert "set web.host to one of its own" in caplog.text
    await server.stop()


async def test_it_tells_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = build(Asked())
    await server.start()
    assert f"The page is at {server.address}" in caplog.text
    await server.stop()
    assert server.address is None


async def test_a_stopped_server_is_not_reached(site: Site) -> None:
    await site.server.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await site.client.get("/api/health")


@pytest.mark.parametrize("path", ["/", "/ui/", "/app/", "/ui", "/app", "/ui/index.html"])
async def test_the_page_and_its_files_are_found_under_each_address(site: Site, path: str) -> None:
    async with site.client.get(path) as page:
        html = await page.text()
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-cache")
        links = re.findall(r'(?:href|src)="([^"#]+)"', html)
        assert len(links) > 10
        assert not any("{{" in link or link.startswith(("http", "//", "/")) for link in links)
        for link in links:
            async with site.client.get(page.url.join(aiohttp.client.URL(link))) as file:
                assert file.status == 200, link
                assert "immutable" in file.headers["Cache-Control"]


async def test_the_files_are_compressed_and_cached(site: Site) -> None:
    async with site.client.get("/", headers={"Accept-Encoding": "gzip"}) as page:
        tag = page.headers["ETag"]
        assert page.headers["Content-Encoding"] == "gzip"
    async with site.client.get("/", headers={"If-None-Match": tag}) as again:
        assert (again.status, await again.read()) == (304, b"")
    async with site.client.get("/", headers={"Accept-Encoding": "identity"}) as plain:
        assert (await plain.text()).startswith("<!doctype html>")


async def test_a_file_of_another_version_is_not_kept(site: Site) -> None:
    async with site.client.get("/assets/0000/main.js") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")
    for path in ("/assets/0000/nothing.js", "/assets/0000/../server.py", "/assets/0000/%2e%2e/server.py"):
        async with site.client.get(path) as answer:
            assert answer.status == 404


async def test_the_first_load_is_below_150_kb(site: Site) -> None:
    total = 0
    async with aiohttp.ClientSession(site.server.address, auto_decompress=False) as client:
        async with client.get("/") as page:
            raw = await page.read()
            total += len(raw)
        links = set(re.findall(r'(?:href|src)="([^"#]+)"', gzip.decompress(raw).decode()))
        for link in sorted(links):
            async with client.get(f"/{link}") as file:
                total += len(await file.read())
    assert total < 70_000


async def test_a_day_of_history_takes_no_more_memory_than_six_hours(site: Site) -> None:
    kept = outputs.output(2000.0)

    def publish(hours: range) -> None:
        for second in range(hours.start * 3600, hours.stop * 3600, 10):
            decision = replace(kept.decision, mono_s=2000.0 + second, utc_s=outputs.NOON_UTC_S + second)
            site.server.publish(replace(kept, decision=decision))

    publish(range(7))
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    publish(range(7, 31))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
    async with site.client.get("/api/series?window=21600") as answer:
        series = json.loads(await answer.read())
    assert (len(series["t"]), series["step_s"]) == (720, 30)


async def test_a_page_that_all_may_use_is_told(caplog: pytest.LogCaptureFixture) -> None:
    server = build(Asked(), config=Web(host="0.0.0.0", port=0))
    await server.start()
    assert "there is no password" in caplog.text
    await server.stop()


async def test_without_a_charger_it_says_so() -> None:
    server = build(Asked(), points=())
    await server.start()
    made = outputs.output()
    server.publish(replace(made, decision=replace(made.decision, points=())))
    async with aiohttp.ClientSession(server.address) as client:
        async with client.get("/api/status") as answer:
            assert (answer.status, (await answer.json(content_type=None))["detail"]) == (
                503,
                "no charger is configured",
            )
        async with client.post("/api/mode", json={"mode": 1}) as answer:
            assert answer.status == 404
    await server.stop()
