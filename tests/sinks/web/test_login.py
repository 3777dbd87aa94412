"""Attacks on the login: guessing, fixing, stealing and keeping cookies; and what a change of the password ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from phaeton.config.tree_web import Web, WebAccess
from phaeton.sinks.web.access import access as access_module
from phaeton.sinks.web.access import passwords
from phaeton.sinks.web.access.throttle import FREE
from tests.sinks.web.guarded import BEHIND_PROXY, PAGE, PASSWORD, ended, house, log_in, raw, status


async def test_without_a_login_nothing_is_told_and_nothing_done(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as stranger:
        async with stranger.get("/api/status") as answer:
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="phaeton"')
            assert (await answer.json(content_type=None))["detail"] == "log in first, or send a token"
        assert await status(stranger, "/api/events") == 401
        assert await status(stranger, "/api/mode", "POST", json={"mode": 1}, headers=PAGE) == 401
        assert home.asked.orders == []
        for path in ("/", "/api/health", "/api/access", "/openapi.json"):
            assert await status(stranger, path) == 200


async def test_the_password_opens_and_the_logout_closes(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        answer = await log_in(owner)
        cookie = answer.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert "Secure" not in cookie
        assert await status(owner) == 200
        assert await status(owner, "/api/mode", "POST", json={"mode": 1}) == 200
        assert [origin for _, _, origin in home.asked.orders] == ["page:owner"]
        stolen = {"Cookie": cookie.partition(";")[0]}
        async with owner.post("/api/logout") as left:
            assert "Max-Age=0" in left.headers["Set-Cookie"]
        async with home.client() as thief:
            assert await status(thief, headers=stolen) == 401


async def test_guessing_gets_slower_and_slower_and_the_right_password_must_wait_too(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(X_Forwarded_For="203.0.113.5", **PAGE) as guesser:
        for number in range(FREE):
            await log_in(guesser, f"wrong {number}", 401)
        pauses = []
        for _ in range(6):
            refused = await log_in(guesser, PASSWORD, 429)
            pauses.append(int(refused.headers["Retry-After"]))
            home.clock.ahead_s += pauses[-1]
            await log_in(guesser, "wrong again", 401)
        assert pauses == [1, 2, 4, 8, 16, 32]
        async with home.client(X_Forwarded_For="203.0.113.6") as neighbour:
            await log_in(neighbour)
        home.clock.ahead_s += 64
        await log_in(guesser)
        await log_in(guesser, "one mistake is forgiven again", 401)
        await log_in(guesser)


async def test_many_guesses_at_once_gain_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    right = passwords.matches
    monkeypatch.setattr(passwords, "matches", lambda text, kept: checked.append(text) or right(text, kept))
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(X_Forwarded_For="203.0.113.5") as guesser:

        async def guess(number: int) -> int:
            return await status(guesser, "/api/login", "POST", json={"password": f"guess number {number}"})

        answers = await asyncio.gather(*(guess(number) for number in range(20)))
        assert set(answers) == {401, 429}
        assert len(checked) <= FREE


async def test_guesses_from_everywhere_are_slowed_down_together_but_the_owner_comes_in(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home:
        async with home.client(X_Forwarded_For="198.51.100.7") as owner:
            await log_in(owner)
        refused = 0
        async with home.client() as guessers:
            for number in range(40):
                headers = {"X-Forwarded-For": f"203.0.113.{number}"}
                body = {"password": "guess"}
                refused += await status(guessers, "/api/login", "POST", json=body, headers=headers) == 429
        assert refused >= 8
        async with home.client(X_Forwarded_For="198.51.100.7") as owner:
            await log_in(owner)


async def test_a_guesser_with_a_whole_ipv6_network_is_one_guesser(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home, home.client() as guesser:
        answers = [
            await status(
                guesser,
                "/api/login",
                "POST",
                json={"password": "guess"},
                headers={"X-Forwarded-For": f"2001:db8::{number:x}"},
            )
            for number in range(FREE + 2)
        ]
        assert answers == [401] * FREE + [429] * 2


async def test_the_check_takes_the_slow_way_whatever_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    right = passwords.hmac.compare_digest
    monkeypatch.setattr(passwords.hmac, "compare_digest", lambda a, b: compared.append(len(a)) or right(a, b))
    async with house(tmp_path) as home, home.client() as client:
        for text in ("", "x", PASSWORD[:-1], "y" * 1024):
            await log_in(client, text, 401)
        await log_in(client)
    assert compared == [passwords.DIGEST_BYTES] * 5


async def test_a_cookie_that_was_fixed_in_advance_is_not_taken_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as victim:
        victim.cookie_jar.update_cookies({"phaeton": "fixed-by-the-attacker"}, aiohttp.client.URL(home.address))
        answer = await log_in_with(victim, PAGE)
        assert "fixed-by-the-attacker" not in answer
        async with home.client() as attacker:
            assert await status(attacker, headers={"Cookie": "phaeton=fixed-by-the-attacker"}) == 401


async def log_in_with(client: aiohttp.ClientSession, headers: dict[str, str]) -> str:
    async with client.post("/api/login", json={"password": PASSWORD}, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        return answer.headers["Set-Cookie"]


async def test_a_new_login_ends_the_one_that_the_browser_had(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        first = (await log_in(owner)).headers["Set-Cookie"].partition(";")[0]
        await log_in(owner)
        async with home.client() as thief:
            assert await status(thief, headers={"Cookie": first}) == 401


async def test_a_cookie_ends_when_unused_and_at_the_latest_after_its_longest_time(tmp_path: Path) -> None:
    config = Web(port=0, access=WebAccess(session_days=2, session_max_days=5))
    async with house(tmp_path, config) as home, home.client() as owner:
        await log_in(owner)
        for _ in range(3):
            home.clock.ahead_s += 1.5 * 86_400
            assert await status(owner) == 200
        home.clock.ahead_s += 0.6 * 86_400
        assert await status(owner) == 401
        await log_in_with(owner, PAGE)
        home.clock.ahead_s += 2.1 * 86_400
        assert await status(owner) == 401


async def test_a_restart_logs_nobody_out(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client() as owner:
        cookie = (await log_in(owner)).headers["Set-Cookie"].partition(";")[0]
    async with house(tmp_path, password=None) as home, home.client() as owner:
        assert await status(owner, headers={"Cookie": cookie}) == 200


async def test_a_new_password_ends_all_logins_but_this_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner, home.client(**PAGE) as other:
        await log_in(owner)
        await log_in(other)
        stream = await other.get("/api/events")
        body = {"old": PASSWORD, "new": "another password"}
        assert await status(owner, "/api/access/password", "PUT", json=body) == 200
        assert (await status(owner), await status(other)) == (200, 401)
        assert await ended(stream)
        await log_in(other, PASSWORD, 401)
        await log_in(other, "another password")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"new": "another password"}, 401),
        ({"old": "wrong", "new": "another password"}, 401),
        ({"old": PASSWORD, "new": "short"}, 422),
        ({"old": PASSWORD, "new": "two\nlines of it"}, 422),
        ({"old": PASSWORD, "new": " " * 12}, 422),
        ({"old": PASSWORD, "new": "x" * 1025}, 422),
        ({"old": PASSWORD}, 422),
    ],
)
async def test_the_password_is_changed_by_who_knows_it_to_one_that_can_be_one(
    tmp_path: Path, body: dict[str, str], expected: int
) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        await log_in(owner)
        assert await status(owner, "/api/access/password", "PUT", json=body) == expected
        assert await status(owner) == 200
        await log_in(owner)


async def test_the_first_password_is_set_on_the_device_itself_only(tmp_path: Path) -> None:
    body = {"new": PASSWORD}
    config = Web(host="0.0.0.0", port=0)
    async with house(tmp_path, config, password=None) as home, home.client(**PAGE) as client:
        for header in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
            answer = await status(client, "/api/access/password", "PUT", json=body, headers={header: "127.0.0.1"})
            assert answer == 403
        assert not home.access.password_set
        assert await status(client, "/api/access/password", "PUT", json=body) == 200
        assert await status(client) == 200


async def test_nobody_can_log_in_where_there_is_no_password(tmp_path: Path) -> None:
    async with house(tmp_path, password=None) as home, home.client() as client:
        assert await status(client) == 200
        await log_in(client, "", 409)
        await log_in(client, PASSWORD, 409)


async def test_bound_elsewhere_without_a_password_only_the_shell_of_the_page_is_served(tmp_path: Path) -> None:
    async with house(tmp_path, Web(host="0.0.0.0", port=0), password=None) as home, home.client() as client:
        assert (await status(client, "/"), await status(client, "/api/health")) == (200, 200)
        async with client.get("/api/status") as answer:
            assert answer.status == 401
            assert "phaeton password" in (await answer.json(content_type=None))["detail"]
        assert await status(client, "/api/mode", "POST", json={"mode": 1}) == 401
        async with client.get("/api/access") as answer:
            told = await answer.json()
        assert (told["scope"], told["password_set"], "phaeton password" in told["hint"]) == ("open", False, True)
        assert home.asked.orders == []


async def test_a_password_that_is_set_on_the_device_counts_at_once_and_closes_what_was_open(tmp_path: Path) -> None:
    async with house(tmp_path, password=None) as home, home.client() as client:
        stream = await client.get("/api/events")
        await home.access.look()
        home.access._files.write("password.json", passwords.hashed(PASSWORD))
        home.clock.ahead_s += 2
        assert await status(client) == 401
        assert await ended(stream)


@pytest.mark.parametrize("spoil", ["{", '{"kind": "md5"}', ""])
async def test_a_spoiled_file_lets_nobody_in(tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "access"
    folder.mkdir()
    (folder / "password.json").write_text(spoil)
    (folder / "tokens.json").write_text(spoil)
    async with house(tmp_path, password=None) as home, home.client(**PAGE) as client:
        assert await status(client) == 401
        await log_in(client, "", 401)
        assert await status(client, "/api/access/password", "PUT", json={"new": PASSWORD}) == 401
    assert "set the password anew with `phaeton password`" in caplog.text


async def test_too_many_checks_that_wait_are_refused_and_hold_nobody_else_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "MOST_WAITING", 1)
    async with house(tmp_path) as home, home.client() as client:
        answers = await asyncio.gather(
            *(status(client, "/api/login", "POST", json={"password": PASSWORD}) for _ in range(3))
        )
    assert sorted(answers) == [200, 429, 429]


async def test_the_logins_are_listed_and_ended_one_by_one(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner, home.client(User_Agent="Kiosk", **PAGE) as kiosk:
        await log_in(owner)
        await log_in(kiosk)
        async with owner.get("/api/access/sessions") as answer:
            listed = await answer.json()
        assert {(one["agent"], one["current"]) for one in listed if one["agent"] == "Kiosk"} == {("Kiosk", False)}
        assert [one["current"] for one in listed].count(True) == 1
        kiosks = next(one["id"] for one in listed if one["agent"] == "Kiosk")
        assert await status(owner, f"/api/access/sessions/{kiosks}", "DELETE") == 200
        assert await status(owner, f"/api/access/sessions/{kiosks}", "DELETE") == 404
        assert (await status(owner), await status(kiosk)) == (200, 401)
        await log_in(kiosk)
        assert await status(owner, "/api/access/sessions", "DELETE") == 200
        assert (await status(owner), await status(kiosk)) == (200, 401)


async def test_no_secret_is_kept_in_clear(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        cookie = (await log_in(owner)).headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        token = await home.token("admin")
        await home.access.audit.page(1, None)
    kept = home.files()
    assert '"scrypt"' in kept
    for secret in (PASSWORD, cookie, token):
        assert secret not in kept
    assert home.modes() == {0o600, 0o700}


async def test_a_cookie_is_bound_to_its_prefix_and_to_https_where_the_proxy_says_so(tmp_path: Path) -> None:
    proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.5", "X-Ingress-Path": "/api/hassio/abc"}
    async with house(tmp_path, BEHIND_PROXY) as home, home.client() as client:
        assert {"Secure", "Path=/api/hassio/abc"} <= set((await log_in_with(client, proxied)).split("; "))
    async with house(tmp_path, Web(port=0)) as home, home.client() as client:
        assert "Secure" not in await log_in_with(client, proxied | PAGE)
    async with (
        house(tmp_path, Web(port=0, path_prefix="/phaeton")) as home,
        home.client() as client,
        client.post("/phaeton/api/login", json={"password": PASSWORD}) as answer,
    ):
        assert "Path=/phaeton;" in answer.headers["Set-Cookie"]


async def test_two_cookies_of_the_name_are_no_way_in(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        head = b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        answer = await raw(home.port, head + b"Cookie: phaeton=; phaeton=" + b"x" * 43 + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 401
