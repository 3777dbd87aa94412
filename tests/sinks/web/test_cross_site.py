"""Attacks by pages of other sites: changes, reads with side effects, rebinding, frames; and sites that are allowed."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from phaeton.config.tree_web import Web
from phaeton.model import SetMode
from phaeton.sinks.web.endpoint import Ask, Endpoint, Media, Nothing, Scope, routes
from phaeton.sinks.web.gate import Gate
from phaeton.sinks.web.guard import guard
from phaeton.sinks.web.headers import header_writer
from tests.sinks.web.guarded import PAGE, PASSWORD, house, log_in, raw, status

EVIL = "http://evil.example"
FOREIGN = [
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
]
CHANGES = [
    ("POST", "/api/mode", {"mode": 1}),
    ("PUT", "/api/vehicles/ev6/goal", {"departure": "2026-06-01T20:00:00Z", "soc_pct": 80}),
    ("DELETE", "/api/vehicles/ev6/goal", None),
    ("POST", "/api/login", {"password": PASSWORD}),
    ("POST", "/api/logout", {}),
    ("PUT", "/api/access/password", {"old": PASSWORD, "new": "another password"}),
    ("POST", "/api/access/tokens", {"name": "evil", "scope": "admin"}),
]


@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_no_change_comes_from_another_site(tmp_path: Path, password: str | None) -> None:
    async with house(tmp_path, password=password) as home, home.client() as browser:
        if password is not None:
            await log_in(browser)
        for method, path, body in CHANGES:
            for headers in FOREIGN:
                assert await status(browser, path, method, json=body, headers=headers) == 403, (path, headers)
        assert (home.asked.orders, home.access.tokens) == ([], [])
        assert await status(browser) == 200


async def test_an_upload_of_another_site_is_refused_whatever_its_content_type(tmp_path: Path) -> None:
    taken: list[bytes] = []

    async def take(ask: Ask[Nothing, Nothing]) -> web.Response:
        taken.extend([piece async for piece in ask.upload(1000)])
        return web.Response()

    async with house(tmp_path, password=None) as home:
        gate = Gate(Web(), home.access, loopback=True)
        app = web.Application(middlewares=[guard(gate)])
        app.on_response_prepare.append(header_writer(gate))
        upload = Endpoint("POST", "/up", take, Scope.ADMIN, "", upload=Media("application/zip", binary=True))
        app.add_routes(routes([upload]))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with aiohttp.ClientSession(f"http://{host}:{port}") as browser:
            for kind in ("application/zip", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"):
                for headers in FOREIGN:
                    answer = await status(browser, "/up", "POST", data=b"x", headers={"Content-Type": kind, **headers})
                    assert answer == 403
                own = {"Content-Type": kind, "Origin": f"http://{host}:{port}"}
                expected = 200 if kind == "application/zip" else 415
                assert await status(browser, "/up", "POST", data=b"x", headers=own) == expected
            zipped = {"Content-Type": "application/zip"}
            assert await status(browser, "/up", "POST", data=b"x" * 1001, headers=zipped) == 413
        gate.close()
        await runner.cleanup()
    assert taken == [b"x"]


async def test_a_login_alone_is_no_proof_that_the_page_asks(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as browser:
        await log_in(browser)
        body = {"mode": 1}
        assert await status(browser, "/api/mode", "POST", json=body) == 403
        for proof in (PAGE, {"Origin": home.address}, {"Sec-Fetch-Site": "same-origin"}):
            assert await status(browser, "/api/mode", "POST", json=body, headers=proof) == 200
        assert [order for _, order, _ in home.asked.orders] == [SetMode(1)] * 3


@pytest.mark.parametrize("password", [None, PASSWORD])
async def test_another_site_reads_with_no_right_of_the_browser(tmp_path: Path, password: str | None) -> None:
    async with house(tmp_path, password=password) as home, home.client() as browser:
        if password is not None:
            await log_in(browser)
        for headers in FOREIGN:
            expected = 200 if headers.get("Sec-Fetch-Mode") == "navigate" else 401
            assert await status(browser, headers=headers) == expected
            assert await status(browser, "/api/events", headers=headers) == expected


async def test_reading_changes_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, password=None) as home, home.client() as browser:
        assert await status(browser, "/api/health") == 200
        assert home.server.site is not None
        for endpoint in home.server.site.endpoints:
            if endpoint.method == "GET" and "{" not in endpoint.path:
                await status(browser, endpoint.path)
        assert (home.asked.orders, home.access.password_set, home.access.tokens) == ([], False, [])


async def test_a_token_needs_no_origin_but_a_cookie_beside_it_does(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(await home.token("control")) as program:
        body = {"mode": 1}
        assert await status(program, "/api/mode", "POST", json=body) == 200
        assert await status(program, "/api/mode", "POST", json=body, headers={"Origin": EVIL}) == 200
        both = {"Origin": EVIL, "Cookie": "phaeton=x"}
        assert await status(program, "/api/mode", "POST", json=body, headers=both) == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8088", "127.0.0.1.evil.example", "", "charger.example.org.evil.example"]
)
async def test_a_name_that_points_here_is_not_enough(tmp_path: Path, host: str) -> None:
    config = Web(port=0, hosts=("charger.example.org",))
    async with house(tmp_path, config) as home, home.client(await home.token("admin")) as client:
        for path in ("/", "/api/status", "/api/access", "/assets/x/main.js"):
            assert await status(client, path, headers={"Host": host}) == 421
        assert await status(client, "/api/mode", "POST", json={"mode": 1}, headers={"Host": host}) == 421


async def test_a_name_of_the_configuration_is_served(tmp_path: Path) -> None:
    config = Web(port=0, hosts=("Charger.Example.org",))
    async with house(tmp_path, config) as home, home.client(await home.token("admin")) as client:
        for host in ("charger.example.org", "CHARGER.example.org:8443"):
            assert await status(client, headers={"Host": host}) == 200


async def test_a_request_without_a_host_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path, password=None) as home:
        answer = await raw(home.port, b"GET /api/status HTTP/1.0\r\n\r\n")
        assert answer.startswith((b"HTTP/1.0 421 ", b"HTTP/1.1 421 "))


async def test_sites_that_are_not_named_get_no_answer_to_their_preflight(tmp_path: Path) -> None:
    config = Web(port=0, cors_origins=("https://dash.example.org",))
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with house(tmp_path, config) as home, home.client() as browser:
        for origin in (EVIL, "null", "https://dash.example.org.evil.example", "http://dash.example.org", "*"):
            async with browser.options("/api/mode", headers={"Origin": origin, **asks}) as answer:
                assert answer.status == 403
                assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_a_site_that_is_named_works_with_a_token_and_without_cookies(tmp_path: Path) -> None:
    dash = {"Origin": "https://dash.example.org", "Sec-Fetch-Site": "cross-site"}
    asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    config = Web(port=0, cors_origins=("https://dash.example.org",))
    async with house(tmp_path, config) as home, home.client() as browser:
        async with browser.options("/api/mode", headers=dash | asks) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == dash["Origin"]
            assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
            assert "Access-Control-Allow-Credentials" not in answer.headers
        bearer = {"Authorization": f"Bearer {await home.token('control')}"}
        async with browser.post("/api/mode", json={"mode": 1}, headers=dash | bearer) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, dash["Origin"])
            assert "Origin" in answer.headers["Vary"]
        await log_in(browser)
        assert await status(browser, headers=dash) == 401
        assert await status(browser, "/api/mode", "POST", json={"mode": 1}, headers=dash | PAGE) == 403
        assert len(home.asked.orders) == 1


async def test_on_an_open_machine_a_named_site_still_needs_a_token(tmp_path: Path) -> None:
    config = Web(port=0, cors_origins=("https://dash.example.org",))
    async with house(tmp_path, config, password=None) as home, home.client() as browser:
        assert await status(browser, headers={"Origin": "https://dash.example.org"}) == 401


async def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as client:
        found = [
            await client.get("/"),
            await client.get("/docs"),
            await client.get("/api/health"),
            await client.get("/api/status"),
            await client.get("/api/nothing"),
            await client.get("/ui", allow_redirects=False),
            await client.get("/assets/x/none.js"),
            await client.post("/api/health"),
            await client.post("/api/login", data=b"{"),
            await client.get("/api/status", headers={"Host": "evil.example"}),
            await client.options("/api/status", headers={"Access-Control-Request-Method": "GET"}),
            await client.get("/api/events", headers={"Authorization": f"Bearer {await home.token('read')}"}),
        ]
        assert [answer.status for answer in found] == [200, 200, 200, 401, 404, 308, 404, 405, 415, 421, 403, 200]
        for answer in found:
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "frame-ancestors 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert "camera=()" in answer.headers["Permissions-Policy"]
            assert answer.headers["Server"] == "Phaeton"
            assert "Strict-Transport-Security" not in answer.headers
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
            if answer.url.path.startswith("/api"):
                assert answer.headers["Cache-Control"] in ("no-store", "no-cache")
            answer.close()


async def test_a_frame_on_a_named_site_is_allowed(tmp_path: Path) -> None:
    config = Web(port=0, frame_ancestors=("https://dash.example.org",))
    async with house(tmp_path, config) as home, home.client() as client:
        for path in ("/", "/docs"):
            async with client.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert policy.endswith("frame-ancestors 'self' https://dash.example.org")
                assert "X-Frame-Options" not in answer.headers
