"""The log of changes: who did what and how it ended, without secrets, in pages, within its size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phaeton.config.tree_web import Web, WebAccess
from phaeton.sinks.web.access import Audit
from phaeton.sinks.web.endpoint import Media
from phaeton.sinks.web.summary import summary
from phaeton.sinks.worker import Worker
from tests.sinks.web.guarded import BEHIND_PROXY, PAGE, PASSWORD, house, log_in, status


async def test_changes_are_kept_with_who_where_and_what(tmp_path: Path) -> None:
    async with house(tmp_path, BEHIND_PROXY) as home, home.client(X_Forwarded_For="203.0.113.5", **PAGE) as owner:
        await log_in(owner, "wrong password", 401)
        await log_in(owner)
        await status(owner, "/api/mode", "POST", json={"mode": "auto"})
        await status(owner, "/api/mode", "POST", json={"mode": "turbo"})
        await status(owner)
        async with home.client(await home.token("read")) as reader:
            await status(reader, "/api/mode", "POST", json={"mode": 0})
        await status(owner, headers={"Authorization": "Bearer guess"})
        async with owner.get("/api/audit") as answer:
            entries = (await answer.json())["entries"]
    told = [(e["who"], e["address"], e["what"], e.get("detail", ""), e["status"]) for e in reversed(entries)]
    assert told == [
        ("", "203.0.113.5", "POST /api/login", "log in", 401),
        ("owner", "203.0.113.5", "POST /api/login", "log in", 200),
        ("owner", "203.0.113.5", "POST /api/mode", '{"mode":"auto"}', 200),
        ("owner", "203.0.113.5", "POST /api/mode", '{"mode":"turbo"}', 422),
        ("token my read 0", "127.0.0.1", "POST /api/mode", "", 403),
        ("", "203.0.113.5", "GET /api/status", "", 401),
    ]
    assert len({entry["time"] for entry in entries}) == len(entries)


async def test_no_secret_comes_into_the_log_of_changes_the_log_or_an_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as owner:
        cookie = (await log_in(owner)).headers["Set-Cookie"].partition(";")[0].partition("=")[2]
        body = {"old": PASSWORD, "new": "another password"}
        assert await status(owner, "/api/access/password", "PUT", json=body) == 200
        await status(owner, "/api/access/password", "PUT", json=body)
        async with owner.post("/api/access/tokens", json={"name": "dash", "scope": "read"}) as answer:
            token = (await answer.json())["token"]
        redirected = "https://evil.example/landed?code=SECRETCODE&state=s"
        await status(owner, "/api/vehicles/ev6/login", "POST", json={"redirected": redirected})
        await status(owner, "/api/mode", "POST", json={"mode": 1, "token": "SECRETCODE"})
        await status(owner, "/api/mode", "POST", data=b"SECRETCODE", headers={"Content-Type": "application/json"})
        answers = ""
        assert home.server.site is not None
        for endpoint in home.server.site.endpoints:
            streams = endpoint.answer == Media("text/event-stream")
            if endpoint.method == "GET" and "{" not in endpoint.path and not streams:
                async with owner.get(endpoint.path) as answer:
                    if answer.content_type.startswith(("application/json", "text/")):
                        answers += await answer.text()
    text = caplog.text
    for secret in (PASSWORD, "another password", cookie, token, "SECRETCODE"):
        for place in (answers, home.files(), text):
            assert secret not in place


async def test_the_log_of_changes_is_read_in_pages_also_over_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(await home.token("admin"), **PAGE) as admin:
        for mode in (0, 1, 2, 0, 1):
            await status(admin, "/api/mode", "POST", json={"mode": mode})
    async with house(tmp_path, password=None) as home, home.client(await home.token("admin"), **PAGE) as admin:
        await status(admin, "/api/mode", "POST", json={"mode": 2})
        found, before, more = [], "", True
        while more:
            async with admin.get(
                "/api/audit", params={"limit": "2"} | ({"before": before} if before else {})
            ) as answer:
                page = await answer.json()
            found += [json.loads(entry["detail"])["mode"] for entry in page["entries"]]
            before, more = page["entries"][-1]["time"], page["more"]
        assert found == [2, 1, 0, 2, 1, 0]
        assert await status(admin, "/api/audit?before=yesterday") == 422
        assert await status(admin, "/api/audit?limit=0") == 422


async def test_its_size_is_bounded_and_the_newest_stay(tmp_path: Path) -> None:
    config = Web(port=0, access=WebAccess(audit_mb=0.01))
    async with house(tmp_path, config, password=None) as home, home.client(**PAGE) as local:
        for number in range(400):
            await status(local, "/api/mode", "POST", json={"mode": 1, "colour": f"number {number:04}"})
        async with local.get("/api/audit?limit=1") as answer:
            assert "number 0399" in (await answer.json())["entries"][0]["detail"]
        await home.access.close()
        kept = {path.name: path.stat().st_size for path in tmp_path.glob("audit*")}  # noqa: ASYNC240
    assert set(kept) == {"audit.jsonl", "audit.1.jsonl", "audit.2.jsonl", "audit.3.jsonl"}
    assert max(kept.values()) < 12_000


async def test_whoever_is_refused_a_thousand_times_does_not_fill_the_disk(tmp_path: Path) -> None:
    async with house(tmp_path) as home, home.client(**PAGE) as stranger:
        for _ in range(100):
            await status(stranger, "/api/mode", "POST", json={"mode": 1})
        home.clock.ahead_s += 61
        await status(stranger, "/api/mode", "POST", json={"mode": 1})
        entries, _ = await home.access.audit.page(100, None)
    assert 20 <= len(entries) <= 44
    assert any("more requests in one minute" in entry.detail for entry in entries)


async def test_a_disk_that_takes_nothing_is_told_once_and_nothing_is_lost_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "store"
    blocked.write_text("a file in the place of the directory")
    worker = Worker()
    audit = Audit(blocked, worker)
    for number in range(3):
        audit.note("owner", "", f"change {number}")
        await worker.run(lambda: None)
    blocked.unlink()
    audit.note("owner", "", "change 3")
    await worker.run(lambda: None)
    lines = (blocked / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["what"] for line in lines] == [f"change {number}" for number in range(4)]
    assert caplog.text.count("cannot be written") == 1


async def test_half_a_line_after_a_power_cut_is_passed_over(tmp_path: Path) -> None:
    worker = Worker()
    audit = Audit(tmp_path, worker)
    audit.note("owner", "", "before")
    await worker.run(lambda: None)
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(b'{"time":"2026\n')
    audit.note("owner", "", "after")
    assert [entry.what for entry in (await audit.page(10, None))[0]] == ["after", "before"]


def test_a_body_is_told_short_and_without_secrets() -> None:
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"deeper": deep}
    assert summary(None) == summary({}) == ""
    assert summary({"mode": 1}) == '{"mode":1}'
    assert summary({"prices": {"tibber": {"token": {"value": "abc"}}}}) == '{"prices":{"tibber":{"token":"***"}}}'
    assert len(summary({"x": "y" * 1000})) == 300
    assert len(summary(deep)) < 200
    assert len(summary([{"a": 1}] * 1000)) <= 300
