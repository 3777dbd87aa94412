"""The support bundle: everything that helps, and none of the secrets of a configuration that is full of them."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from phaeton.config.load import parse
from phaeton.config.tree import Config
from phaeton.model import Session
from phaeton.recording import MAGIC
from phaeton.sinks.store import Store
from phaeton.support.bundle import Gathered, write
from phaeton.support.scrub import Scrub
from tests.integration.rig import eventually, rig
from tests.support import secrets
from tests.support.secrets import KNOWN, SECRETS, SERIAL

LOG = logging.getLogger("test")


def config_text(folder: Path) -> str:
    return "\n".join(
        [
            "chargers: [{id: car, host: 127.0.0.1, port: 1}]",
            f"store: {{directory: {folder / 'state'}}}",
            f"log: {{file: {{path: {folder / 'phaeton.log'}}}}}",
            *secrets.lines(folder),
        ]
    )


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse(config_text(tmp_path)).config


def facts() -> dict[str, str]:
    return {
        "vehicle:d": json.dumps({"soc": 50, "keep": {"refresh_token": secrets.REFRESH}}),
        "serial:127.0.0.1": SERIAL,
    }


def contents(bundle: bytes) -> Iterator[tuple[str, bytes]]:
    """Every file of the zip; compressed recordings are opened too."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as found:
        for name in found.namelist():
            data = found.read(name)
            yield name, data
            if data.startswith(MAGIC):
                yield name, b"".join(decompressed(data))


def decompressed(data: bytes) -> Iterator[bytes]:
    for place in range(len(data) - 1):
        if data[place] == 0x78 and data[place + 1] in (0x01, 0x5E, 0x9C, 0xDA):
            try:
                yield zlib.decompressobj().decompress(data[place:])
            except zlib.error:
                continue


def assert_clean(bundle: bytes, *, also: tuple[str, ...] = ()) -> None:
    for name, data in contents(bundle):
        for secret in (*SECRETS, *also):
            assert secret.encode() not in data, f"{secret} is in {name}"
            assert secret.encode().hex().encode() not in data.lower(), f"{secret} is in {name} as hexadecimal digits"


def test_a_line_loses_what_the_configuration_and_the_store_call_secret(config: Config) -> None:
    scrub = Scrub(config, facts(), [SERIAL])
    for secret in KNOWN:
        assert secret not in scrub.text(f"a service answered {secret}, and more")
    assert scrub.text(f"phaeton_{SERIAL}") == "phaeton_serial-1"
    assert scrub.text("https://api/?lat=52.37&lon=4.89") == "https://api/?lat=***&lon=***"
    for harmless in ("152.37 W", "190817 Wh", "4.893 kWh of 52.3 kWh", "nothing secret"):
        assert scrub.text(harmless) == harmless


def test_a_document_keeps_its_numbers_and_loses_its_secrets(config: Config) -> None:
    scrub = Scrub(config, facts(), [SERIAL])
    told = {"power_w": 90817, "energy_kwh": 52.37, "token": "anything", "serial": SERIAL, "note": "kia-password-7777"}
    assert json.loads(scrub.json(told)) == told | {"token": "***", "serial": "serial-1", "note": "***"}
    assert json.loads(scrub.json({"words": SERIAL.encode().hex()})) == {"words": "serial-1"}


def test_the_bundle_of_a_house_full_of_secrets_has_none(config: Config, tmp_path: Path) -> None:
    (tmp_path / "phaeton.log").write_text("\n".join(secrets.log_lines()) + "\n")
    out = io.BytesIO()
    write(
        out,
        Gathered(
            config=config,
            notices=[f"prices.tibber: the token {SECRETS[0]} is odd"],
            documents={"output": {"text": list(KNOWN), "serial": SERIAL}},
            log_lines=secrets.log_lines(),
            log_file=tmp_path / "phaeton.log",
            database=tmp_path / "none.db",
            facts=facts(),
            serials=[SERIAL],
        ),
    )
    assert_clean(out.getvalue(), also=(SERIAL,))
    names = [name for name, _ in contents(out.getvalue())]
    assert names == [
        "README.txt", "version.json", "config.yaml", "notices.txt", "output.json", "log.txt", "log-file.txt",
        "store/schema.sql", "store/schema.sql.missing.txt", "store/tables.json", "store/tables.json.missing.txt",
    ]  # fmt: skip
    found = dict(contents(out.getvalue()))
    assert b"smoothing_s" in found["config.yaml"]
    assert found["log-file.txt"].count(b"\n") == len(secrets.log_lines())
    assert json.loads(found["version.json"])["aiohttp"] == aiohttp.__version__


def session() -> Session:
    return Session(id="s1", point="car", start_utc_s=1.0, charger_serial=SERIAL)


async def fill_the_store(folder: Path) -> None:
    store = Store.open(folder, Config().store, LOG)
    for key, text in facts().items():
        await store.set_fact(key, text)
    await store.add_session(session())
    await store.close()


def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "phaeton", "support-bundle", *arguments], capture_output=True, text=True, check=False
    )


async def test_without_a_daemon_it_is_made_from_the_files(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config_text(tmp_path) + "\nweb: {port: 1}\n")
    await fill_the_store(tmp_path / "state")
    (tmp_path / "phaeton.log").write_text("\n".join(secrets.log_lines()) + "\n")
    out = tmp_path / "bundle.zip"
    done = asked(str(out), "-c", str(file))
    assert done.returncode == 0, done.stderr
    assert "nobody answers" in done.stdout
    assert out.stat().st_mode & 0o777 == 0o600
    assert_clean(out.read_bytes(), also=(SERIAL,))
    found = dict(contents(out.read_bytes()))
    [stay] = json.loads(found["sessions.json"])
    assert (stay["id"], stay["charger_serial"]) == ("s1", "serial-1")
    assert b"CREATE TABLE session" in found["store/schema.sql"]
    assert json.loads(found["store/tables.json"])["session"] == 1
    with sqlite3.connect(tmp_path / "state" / "phaeton.db") as db:
        assert secrets.REFRESH in str(db.execute("SELECT value FROM fact").fetchall())


def test_mistakes_of_the_configuration_are_told_and_not_in_the_way(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(config_text(tmp_path) + "\nauto: {smoothing_s: often}\n")
    out = tmp_path / "bundle.zip"
    done = asked(str(out), "-c", str(file), "--without-recording")
    assert done.returncode == 0, done.stderr
    assert b"smoothing_s" in dict(contents(out.read_bytes()))["notices.txt"]
    assert_clean(out.read_bytes())


async def test_the_running_daemon_puts_what_it_sees_into_it(tmp_path: Path) -> None:
    await fill_the_store(tmp_path / "state")
    async with rig(tmp_path) as daemon:
        daemon.write_config(
            "record: {enabled: true}", f"log: {{file: {{path: {tmp_path / 'phaeton.log'}}}}}", *secrets.lines(tmp_path)
        )
        (tmp_path / "phaeton.log").write_text("\n".join(secrets.log_lines()) + "\n")
        await daemon.start()
        serial = str(await daemon.value("/Serial"))
        async with aiohttp.ClientSession(daemon.web) as client:

            async def is_known() -> bool:
                nonlocal serial
                serial = str(await daemon.value("/Serial"))
                return len(serial) > 4

            await eventually(is_known)
            async with client.get("/api/support-bundle") as answer:
                assert (answer.status, answer.content_type) == (200, "application/zip")
                assert answer.content_disposition is not None
                assert str(answer.content_disposition.filename).startswith("phaeton-support-20")
                bundle = await answer.read()
            async with client.get("/api/support-bundle?recording=none") as answer:
                without = await answer.read()
        out = tmp_path / "bundle.zip"
        done = asked(str(out), "--url", daemon.web)
        assert done.returncode == 0, done.stderr
    assert_clean(bundle)
    assert_clean(without, also=(serial,))
    names = {name for name, _ in contents(bundle)}
    assert names >= {
        "README.txt", "version.json", "config.yaml", "notices.txt", "diagnostics.json", "dbus.json",
        "registers-car.json", "output.json", "sessions.json", "log.txt", "log-file.txt",
        "store/schema.sql", "store/tables.json",
    }  # fmt: skip
    assert not [name for name in names if name.endswith(".missing.txt")]
    assert [name for name in names if name.startswith("recordings/20")]
    assert not [name for name, _ in contents(without) if name.startswith("recordings/")]
    found = dict(contents(without))
    assert json.loads(found["diagnostics.json"])["control"]["decisions"] > 0
    assert json.loads(found["registers-car.json"])["registers"]
    assert b"is on D-Bus" in found["log.txt"]
    assert {name for name, _ in contents(out.read_bytes())} == names
