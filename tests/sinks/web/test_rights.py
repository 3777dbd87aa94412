"""What each kind of caller may do: the whole table of the API against strangers, guests and tokens of each scope."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest

from phaeton.config.tree_web import Web, WebAccess
from phaeton.sinks.web.access import Access
from phaeton.sinks.web.access.tokens import hash_of
from phaeton.sinks.web.endpoint import Endpoint, Scope
from tests.sinks.web.conftest import Asked, build
from tests.sinks.web.guarded import PAGE, House, ended, house, log_in, status

OPEN_CHANGES = {("POST", "/api/login"), ("POST", "/api/logout"), ("PUT", "/api/access/password")}
"""They ask for the password themselves, or end what the caller has."""
NARROW = re.compile(r"{(\w+):(?:[^{}]|{[^}]*})*}")
"""A part of an address that says which texts it takes."""
GUESTS = Web(port=0, access=WebAccess(guest=True))


async def table(home: House) -> list[Endpoint[object, object]]:
    async with home.client() as client:
        assert await status(client, "/api/health") == 200
    assert home.server.site is not None
    return home.server.site.endpoints


async def answer_to(client: aiohttp.ClientSession, endpoint: Endpoint[object, object]) -> int:
    """Call without a body and with names that do not exist: enough to be refused, too little to change a thing."""
    path = re.sub(r"{\w+}", "nobody", NARROW.sub("1", endpoint.path))
    async with client.request(endpoint.method, path, allow_redirects=False) as answer:
        return answer.status


@pytest.mark.parametrize("who", ["stranger", "guest", "read", "control", "admin", "owner"])
async def test_every_endpoint_answers_whom_it_may_and_nobody_else(tmp_path: Path, who: str) -> None:
    scope = {"stranger": Scope.OPEN, "guest": Scope.GUEST, "owner": Scope.ADMIN}.get(who)
    async with house(tmp_path, GUESTS if who == "guest" else None) as home:
        token = "" if scope is not None else await home.token(who)  # type: ignore[arg-type]
        scope = Scope[who.upper()] if scope is None else scope
        async with home.client(token, **PAGE) as client:
            if who == "owner":
                await log_in(client)
            for endpoint in sorted(await table(home), key=lambda one: one.path == "/api/logout"):
                found = await answer_to(client, endpoint)
                expected = scope >= endpoint.needs
                told = f"{who}: {endpoint.method} {endpoint.path} answers {found}"
                assert (found not in (401, 403)) is expected, told
                assert expected or found == (401 if scope <= Scope.GUEST else 403), told
        assert home.asked.orders == []


async def test_no_change_is_open_to_strangers_or_guests(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        found = await table(home)
        changes = {(e.method, e.path) for e in found if e.method != "GET" and e.needs < Scope.READ}
        assert changes == OPEN_CHANGES
        assert {e.needs for e in found if "/access/" in e.path and (e.method, e.path) not in OPEN_CHANGES} == {
            Scope.ADMIN
        }


async def test_the_table_holds_all_that_is_served_but_the_page_and_the_reference(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        known = {NARROW.sub(r"{\1}", endpoint.path) for endpoint in await table(home)}
        assert home.server.site is not None
        served = {
            resource.canonical
            for resource in home.server.site.runner.app.router.resources()
            if resource.canonical not in known
        }
    assert not any(path.startswith("/api") for path in served), served


async def test_a_guest_sees_and_does_nothing_else(tmp_path: Path) -> None:
    async with house(tmp_path, GUESTS) as home, home.client(**PAGE) as guest:
        assert await status(guest) == 200
        assert await status(guest, "/api/mode", "POST", json={"mode": 1}) == 401
        assert await status(guest, "/api/audit") == 401
        async with guest.get("/api/access") as answer:
            told = await answer.json()
        assert (told["who"], told["scope"], told["guest"]) == ("guest", "guest", True)
        await log_in(guest)
        assert await status(guest, "/api/mode", "POST", json={"mode": 1}) == 200


async def test_a_token_does_what_its_scope_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        async with home.client(await home.token("read")) as reader:
            assert await status(reader) == 200
            async with reader.post("/api/mode", json={"mode": 1}) as answer:
                assert answer.status == 403
                assert "control" in (await answer.json(content_type=None))["detail"]
        async with home.client(await home.token("control")) as driver:
            assert await status(driver, "/api/mode", "POST", json={"mode": 1}) == 200
            assert await status(driver, "/api/access/tokens") == 403
        assert [origin for _, _, origin in home.asked.orders] == ["rest:my control 1"]


async def test_a_token_ends_with_its_time_and_when_it_is_revoked(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(await home.token("admin"), **PAGE) as admin:
        async with home.client(await home.token("read", days=2)) as reader:
            assert await status(reader) == 200
            home.clock.ahead_s += 2.1 * 86_400
            assert await status(reader) == 401
        async with home.client(await home.token("read")) as reader:
            stream = await reader.get("/api/events")
            assert stream.status == 200
            listed = await (await admin.get("/api/access/tokens")).json()
            newest = listed[0]
            assert newest["used"] is not None
            assert await status(admin, f"/api/access/tokens/{newest['id']}", "DELETE") == 200
            assert await status(reader) == 401
            assert await ended(stream)


async def test_an_open_stream_ends_with_the_time_of_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phaeton.sinks.web.gate.LOOK_AGAIN_S", 0.05)
    async with house(tmp_path) as home, home.client(await home.token("read", days=1)) as reader:
        stream = await reader.get("/api/events")
        home.clock.ahead_s += 1.1 * 86_400
        assert await ended(stream)


async def test_a_token_is_told_once_and_only_its_hash_is_kept(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(await home.token("admin")) as admin:
        async with admin.post("/api/access/tokens", json={"name": "dash", "scope": "read", "expires_days": 7}) as made:
            assert made.status == 201
            told = await made.json()
        async with home.client(told["token"]) as reader:
            assert await status(reader) == 200
        text = await (await admin.get("/api/access/tokens")).text()
        assert told["token"] not in text
        assert hash_of(told["token"]) not in text
        assert told["token"] not in home.files()
        assert await status(admin, "/api/access/tokens", "POST", json={"name": "dash", "scope": "read"}) == 409
        for wrong in (
            {"name": "", "scope": "read"},
            {"name": "x", "scope": "owner"},
            {"name": "x"},
            {"name": "x", "scope": "read", "expires_days": 0},
            {"name": "x" * 41, "scope": "read"},
        ):
            assert await status(admin, "/api/access/tokens", "POST", json=wrong) == 422


@pytest.mark.parametrize("token", ["nonsense", "pht_" + "A" * 43, "", "ä" * 20])
async def test_a_wrong_token_is_refused_even_where_nobody_needs_one(tmp_path: Path, token: str) -> None:
    async with house(tmp_path, password=None) as home, home.client() as client:
        assert await status(client, headers={"Authorization": f"Bearer {token}"}) == 401
        assert await status(client, headers={"Authorization": "Basic dXNlcjpwYXNz"}) == 200


async def test_a_new_token_from_the_terminal_is_known_at_the_first_use(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        token = await Access(tmp_path).add_token("cron", "control", None)
        home.clock.ahead_s += 2
        async with home.client(token[1]) as client:
            assert await status(client) == 200
            await Access(tmp_path).revoke_token("cron")
            home.clock.ahead_s += 2
            assert await status(client) == 401


async def test_the_last_use_is_kept_on_disk_but_not_with_every_request(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(await home.token("read")) as reader:
        for _ in range(3):
            await status(reader)
            await home.access.audit.page(1, None)
    kept = json.loads((tmp_path / "access" / "tokens.json").read_text())
    assert kept["tokens"][0]["used_s"] is not None


async def test_a_machine_that_serves_itself_alone_is_open_until_there_is_a_password(tmp_path: Path) -> None:
    server = build(Asked(), access=Access(tmp_path))
    await server.start()
    async with aiohttp.ClientSession(server.address, headers=PAGE) as client:
        assert await status(client, "/api/audit") == 200
        async with client.get("/api/access") as answer:
            told = await answer.json()
        assert (told["who"], told["scope"], told["may_set_password"]) == ("local", "admin", True)
    await server.stop()
