"""Behind a reverse proxy: nobody is local, addresses cannot be made up, and the page works under a path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from phaeton.config.tree_web import Web
from tests.sinks.web.guarded import BEHIND_PROXY, PAGE, PASSWORD, house, log_in, status


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host"])
@pytest.mark.parametrize("config", [Web(port=0), BEHIND_PROXY])
async def test_a_proxy_on_this_machine_makes_nobody_local(tmp_path: Path, name: str, config: Web) -> None:
    async with house(tmp_path, config, password=None) as home, home.client() as client:
        assert await status(client) == 200
        assert await status(client, headers={name: "127.0.0.1"}) == 401
        body = {"mode": 1}
        assert await status(client, "/api/mode", "POST", json=body, headers={name: "127.0.0.1"}) == 401
        assert home.asked.orders == []


async def test_a_made_up_address_neither_opens_nor_escapes_the_throttle(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as guesser:  # no proxy is trusted here
        answers = [
            await status(
                guesser, "/api/login", "POST", json={"password": "guess"}, headers={"X-Forwarded-For": f"203.0.113.{n}"}
            )
            for n in range(7)
        ]
        assert answers == [401] * 5 + [429] * 2
    async with house(tmp_path / "trusting", BEHIND_PROXY) as home, home.client() as guesser:
        answers = [
            await status(
                guesser,
                "/api/login",
                "POST",
                json={"password": "guess"},
                headers={"X-Forwarded-For": f"10.9.9.{n}, 203.0.113.5"},
            )
            for n in range(7)
        ]
        assert answers == [401] * 5 + [429] * 2


async def test_the_name_that_the_proxy_tells_is_checked_as_any_other(tmp_path: Path) -> None:
    config = Web(port=0, trusted_proxies=("127.0.0.1",), hosts=("charger.example.org",))
    async with house(tmp_path, config) as home, home.client(**PAGE) as client:
        proxied = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "https"}
        good = proxied | {"X-Forwarded-Host": "charger.example.org", "Origin": "https://charger.example.org"}
        async with client.post("/api/login", json={"password": PASSWORD}, headers=good) as answer:
            assert answer.status == 200
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert await status(client, headers=proxied | {"X-Forwarded-Host": "evil.example"}) == 421
        evil = good | {"Origin": "https://evil.example"}
        assert await status(client, "/api/login", "POST", json={"password": PASSWORD}, headers=evil) == 403


@pytest.mark.parametrize("prefix", ["/phaeton", "/house/charger", "/app"])
@pytest.mark.parametrize("stripped", [False, True])
async def test_the_page_works_under_a_path(tmp_path: Path, prefix: str, stripped: bool) -> None:
    """A proxy passes the path on, or takes it away; the browser always sees it."""
    async with house(tmp_path, Web(port=0, path_prefix=prefix)) as home, home.client(**PAGE) as client:

        def passed_on(path: str) -> str:
            return path.removeprefix(prefix) if stripped else path

        async with client.get(passed_on(f"{prefix}/")) as page:
            links = re.findall(r'(?:href|src)="([^"]+)"', await page.text())
        assert len(links) > 10
        for link in links:
            assert not link.startswith(("/", "http", ".."))
            assert await status(client, passed_on(f"{prefix}/{link}")) == 200
        async with client.get(prefix, allow_redirects=False) as answer:
            assert answer.status in (200, 308)
        await log_in(client)
        assert await status(client, f"{prefix}/api/access") == 200


async def test_the_login_works_under_the_path_of_the_proxy_and_not_beside_it(tmp_path: Path) -> None:
    async with house(tmp_path, Web(port=0, path_prefix="/phaeton")) as home, home.client(**PAGE) as client:
        async with client.post("/phaeton/api/login", json={"password": PASSWORD}) as answer:
            assert answer.status == 200
        assert await status(client, "/phaeton/api/status") == 200
        assert await status(client, "/api/status") == 401  # the browser keeps the cookie to the path
