"""Settings change while charging goes on: over the API, by hand, back again; a crash leaves a whole file."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from phaeton.config.load import load
from tests.integration.rig import Rig, eventually, rig
from tests.waiting import PATIENCE_S

OWN = """\
# The box in the garage
chargers:
  - id: car   # Alfen
    host: 127.0.0.1
    port: {port}
    initial: {{mode: manual}}  # as long as we try
store: {{directory: {state}}}
web: {{port: 0}}
auto:
  start_delay_s:  120   # clouds
prices:
  source: homeassistant
  homeassistant:
    url: http://127.0.0.1:9   # nobody is there
    token: tell-nobody-this
    entity: sensor.price
"""


def write(site: Rig, *more: str) -> str:
    text = OWN.format(port=site.charger.port, state=site.folder / "state") + "".join(f"{line}\n" for line in more)
    site.config.write_text(text)
    return text


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Rig]:
    """A daemon that charges with 16 A, with a file of its owner's hand."""
    async with rig(tmp_path, bus=False) as made:
        write(made, "site: {source: none}")
        await made.start()
        await made.register_becomes(16.0)
        yield made


async def ask(site: Rig, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
    """Status, body and headers of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, site.web + path, json=body, headers={key.replace("_", "-"): value for key, value in headers.items()}
        ) as answer,
    ):
        text = await answer.text()
        return answer.status, await answer.json() if "json" in answer.content_type else text, answer.headers


async def test_a_setting_changes_while_charging_goes_on_and_can_be_undone(site: Rig) -> None:
    before = site.config.read_text()
    site.config.chmod(0o640)
    status, saved, _ = await ask(site, "PATCH", "/api/config", {"auto": {"start_delay_s": 90}})
    assert (status, saved["revision"], saved["comments_kept"]) == (200, 2, True)
    assert saved["changed"] == ["auto.start_delay_s: 120.0 -> 90.0"]
    assert saved["effects"] == []
    assert site.config.read_text() == before.replace("start_delay_s:  120 ", "start_delay_s:  90.0 ")
    assert site.config.stat().st_mode & 0o777 == 0o640
    assert (await ask(site, "GET", "/api/config"))[1]["auto"]["start_delay_s"] == 90
    status, saved, _ = await ask(site, "POST", "/api/config/revisions/1/restore", {})
    assert (status, saved["revision"]) == (200, 3)
    assert site.config.read_text() == before
    status, kept, _ = await ask(site, "GET", "/api/config/revisions")
    assert [(one["number"], one["who"] == "before", one["in_force"], one["note"]) for one in kept] == [
        (3, False, True, "back to revision 1"),
        (2, False, False, ""),
        (1, True, False, ""),
    ]
    assert site.register_a == 16.0
    assert site.charger.connections == 1, "the charger was not connected anew"
    assert sum("the configuration changes" in line for line in site.log) == 2
    assert not any("read again" in line or "refused" in line for line in site.log)


async def test_a_change_by_hand_is_kept_too(site: Rig) -> None:
    before = site.config.read_text()
    site.config.write_text(before.replace("120", "77"))
    assert site.process is not None
    site.process.send_signal(signal.SIGHUP)

    async def is_kept() -> bool:
        return len((await ask(site, "GET", "/api/config/revisions"))[1]) == 2

    await eventually(is_kept)
    newest = (await ask(site, "GET", "/api/config/revisions/2"))[1]
    assert newest["who"] == "file"
    assert newest["changed"] == ["auto.start_delay_s: 120.0 -> 77.0"]
    older = (await ask(site, "GET", "/api/config/revisions/1"))[1]
    assert "-  start_delay_s:  120   # clouds\n+  start_delay_s:  77   # clouds\n" in older["diff"]


async def test_of_two_who_read_the_same_only_one_saves(site: Rig) -> None:
    tag = (await ask(site, "GET", "/api/config"))[2]["ETag"]
    found = await asyncio.gather(
        *(ask(site, "PATCH", "/api/config", {"auto": {"rest_s": 100 + n}}, If_Match=tag) for n in range(5))
    )
    assert sorted(status for status, _, _ in found) == [200, 412, 412, 412, 412]
    (saved,) = (body for status, body, _ in found if status == 200)
    site.config.write_text(site.config.read_text() + "# a word by hand, which the daemon has not seen yet\n")
    again = await ask(site, "PATCH", "/api/config", {"auto": {"rest_s": 1}}, If_Match=f'"{saved["etag"]}"')
    assert again[0] == 412
    assert (await ask(site, "PATCH", "/api/config", {"auto": {"rest_s": 1}}))[0] == 200
    assert "a word by hand" in site.config.read_text()


async def test_a_secret_is_never_returned(site: Rig) -> None:
    await ask(site, "PATCH", "/api/config", {"prices": {"homeassistant": {"token": "another-secret-word"}}})
    for path in (
        "/api/config", "/api/config?form=yaml", "/api/config/keys", "/api/config/revisions", "/api/config/revisions/1",
        "/api/config/revisions/2", "/api/config/schema", "/api/status",
    ):  # fmt: skip
        status, body, _ = await ask(site, "GET", path)
        assert status == 200, path
        assert "tell-nobody-this" not in str(body), path
        assert "another-secret-word" not in str(body), path
    assert not any("another-secret-word" in line or "tell-nobody" in line for line in site.log)
    assert "another-secret-word" in site.config.read_text()
    status, body, _ = await ask(
        site, "PATCH", "/api/config", {"prices": {"homeassistant": {"url": "http://evil.example"}}}
    )
    assert (status, body["field"]) == (422, "prices.homeassistant.token.value")


async def test_what_is_wrong_changes_nothing_and_is_named(site: Rig) -> None:
    before = site.config.read_text()
    status, body, _ = await ask(site, "PATCH", "/api/config", {"auto": {"start_delay_s": "soon"}, "web": {"prt": 1}})
    assert (status, body["field"]) == (422, "auto.start_delay_s")
    assert "Did you mean port?" in body["detail"]
    status, body, _ = await ask(site, "POST", "/api/config/check", {"text": before.replace("120", "soon")})
    assert [(one["path"], one["line"]) for one in body["problems"]] == [("auto.start_delay_s", 10)]
    status, body, _ = await ask(site, "POST", "/api/config/check", {"patch": {"chargers": [{"host": "127.0.0.2"}]}})
    assert body["valid"]
    assert body["effects"] == [
        "charger 1 is connected",
        "charger car is let go; it falls back to its own setting when the lease of its current ends",
        "the page closes and opens again, perhaps at another address",
    ]
    assert site.config.read_text() == before
    assert not (site.folder / "state" / "revisions").exists()


async def test_the_answer_is_out_before_the_page_moves(site: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    old = site.web
    status, saved, _ = await ask(site, "PATCH", "/api/config", {"web": {"port": port}})
    assert (status, saved["effects"]) == (200, ["the page closes and opens again, perhaps at another address"])
    site.web = f"http://127.0.0.1:{port}"

    async def is_there() -> bool:
        try:
            return (await ask(site, "GET", "/api/config"))[1]["web"]["port"] == port
        except aiohttp.ClientError:
            return False

    await eventually(is_there)
    site.web = old
    with pytest.raises(aiohttp.ClientError):
        await ask(site, "GET", "/api/config")
    assert site.register_a == 16.0


async def test_the_environment_wins_and_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHAETON_AUTO__REST_S", "111")
    async with rig(tmp_path, bus=False) as site:
        write(site, "site: {source: none}")
        await site.start()
        _, keys, _ = await ask(site, "GET", "/api/config/keys")
        assert keys["overridden"] == {"auto.rest_s": "PHAETON_AUTO__REST_S"}
        known = {one["path"]: (one["origin"], one["line"], one["variable"]) for one in keys["keys"]}
        assert known["auto.rest_s"] == ("environment", None, "PHAETON_AUTO__REST_S")
        assert known["auto.start_delay_s"] == ("file", 10, None)
        assert known["auto.smoothing_s"] == ("default", None, None)
        assert known["prices.homeassistant.token.value"] == ("file", 15, None)
        assert known["chargers[0].limits.max_phases"] == ("default", None, None)
        own = {one["path"] for one in keys["keys"] if not one["default"]}
        assert {path for path in own if path.startswith("chargers[0]")} == {
            "chargers[0].id", "chargers[0].host", "chargers[0].port", "chargers[0].initial.mode"
        }  # fmt: skip
        status, body, _ = await ask(site, "PATCH", "/api/config", {"auto": {"rest_s": 5}})
        assert (status, body["field"]) == (422, "auto.rest_s")
        assert (await ask(site, "PATCH", "/api/config", {"auto": {"start_delay_s": 5}}))[0] == 200
        assert "rest_s" not in site.config.read_text()


async def test_a_kill_while_saving_leaves_a_whole_file(site: Rig) -> None:
    for round_ in range(2):
        async with aiohttp.ClientSession() as session:
            saves = [
                asyncio.create_task(session.patch(f"{site.web}/api/config", json={"auto": {"rest_s": 1000 + n}}))
                for n in range(12)
            ]
            await asyncio.wait(saves, return_when=asyncio.FIRST_COMPLETED)
            await site.stop(signal.SIGKILL)
            await asyncio.gather(*saves, return_exceptions=True)
        text = site.config.read_text()
        assert re.search(r"rest_s: 10\d\d\.0\n", text), round_
        assert 1000 <= load(site.config, {}).config.auto.rest_s < 1012
        await site.start()
        assert not list(site.folder.glob(".phaeton_config*")), "what was begun is swept away"
        assert len((await ask(site, "GET", "/api/config/revisions"))[1]) >= 2
    await site.register_becomes(16.0)


async def test_a_backup_goes_out_and_comes_back_over_the_api(site: Rig) -> None:
    body = {"include": ["config", "sessions", "secrets"], "password": "correct horse battery"}
    async with aiohttp.ClientSession(site.web) as session:
        async with session.post("/api/backup", json=body) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Disposition"].endswith('.phaeton-backup"')
            backup = await answer.read()
        async with session.post("/api/backup", json={"include": ["secrets", "config"]}) as answer:
            assert (answer.status, (await answer.json())["field"]) == (422, "password")
        before = site.config.read_text()
        await session.patch("/api/config", json={"auto": {"rest_s": 999}})
        assert "rest_s: 999" in site.config.read_text()
        octets = {"Content-Type": "application/octet-stream"}
        async with session.post("/api/restore", data=backup[:-1], headers=octets) as answer:
            cut = (await answer.json())["upload"]
        async with session.post("/api/restore/check", json={"upload": cut, "password": body["password"]}) as answer:
            assert (answer.status, "cut short" in (await answer.json())["detail"]) == (422, True)
        async with session.post("/api/restore", data=backup, headers=octets) as answer:
            upload = (await answer.json())["upload"]
        wanted = {"upload": upload, "password": "wrong password"}
        async with session.post("/api/restore/apply", json=wanted) as answer:
            assert (answer.status, (await answer.json())["field"]) == (422, "password")
        wanted["password"] = body["password"]
        async with session.post("/api/restore/check", json=wanted) as answer:
            seen = await answer.json()
            assert seen["changed"] == ["auto.rest_s: 999.0 -> 300.0"]
        assert "rest_s: 999" in site.config.read_text()
        began = len(site.log)
        async with session.post("/api/restore/apply", json=wanted) as answer:
            assert answer.status == 200

    async def is_back() -> bool:
        return any("page is at" in line for line in site.log[began:])

    await eventually(is_back)
    assert site.config.read_text() == before
    site.web = next(line for line in site.log[began:] if "page is at http" in line).rsplit(" ", 1)[1]
    assert (await ask(site, "GET", "/api/config"))[1]["auto"]["rest_s"] == 300
    assert (await ask(site, "GET", "/api/config/revisions"))[1][0]["who"] == "restore"
    assert site.process is not None
    assert site.process.returncode is None, "the process went on"
    assert not list((site.folder / "state").glob(".upload-*"))
    assert site.register_a == 16.0
    assert (await ask(site, "POST", "/api/set_current", {"amps": 9.0}))[0] == 200
    await site.register_becomes(9.0)


async def test_the_terminal_restores_into_a_running_daemon(site: Rig) -> None:
    backup = site.folder / "b.phaeton-backup"
    for words in (("backup", str(backup), "--without-secrets"), ("restore", str(backup))):
        began = len(site.log)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "phaeton", *words, "-c", str(site.config), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0
    assert b"The daemon begins anew with it now." in said

    async def is_back() -> bool:
        return any("page is at" in line for line in site.log[began:])

    await eventually(is_back)
    assert any("a backup was taken over" in line for line in site.log)
    assert "token: tell-nobody-this" in site.config.read_text()


async def test_settings_are_tried_before_they_are_saved_and_the_running_charger_keeps_its_connection(site: Rig) -> None:
    before = site.config.read_text()
    status, tried, _ = await ask(site, "POST", "/api/test/charger", {"index": 0})
    assert (status, tried["ok"], tried["mistakes"]) == (200, True, []), tried
    other = {"chargers": [{"id": "car", "host": "localhost", "port": site.charger.port, "unit": 77}]}
    status, tried, _ = await ask(site, "POST", "/api/test/charger", {"patch": other})
    assert (status, tried["ok"]) == (200, False)
    assert "is under control" in tried["problems"][0]
    assert site.charger.connections == 1
    assert site.register_a == 16.0
    status, tried, _ = await ask(site, "POST", "/api/test/prices", {})
    assert (status, tried["ok"], len(tried["problems"])) == (200, False, 1)
    status, tried, _ = await ask(site, "POST", "/api/test/prices", {"patch": {"prices": {"source": "fixed"}}})
    assert (status, tried["ok"]) == (200, True)
    assert "now 0.25 EUR/kWh" in tried["facts"]
    status, tried, _ = await ask(site, "POST", "/api/test/prices", {"patch": {"prices": {"source": "nobody"}}})
    assert (status, [one["path"] for one in tried["mistakes"]]) == (200, ["prices.source"])
    assert (await ask(site, "POST", "/api/test/vehicle", {"index": 3}))[0] == 422
    assert (await ask(site, "POST", "/api/test/bus", {}))[1]["ok"] is False
    assert site.config.read_text() == before
