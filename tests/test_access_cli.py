"""``phaeton password`` and ``phaeton token``, and the token that other commands send along."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from phaeton.cli import main
from phaeton.config.tree_web import Web
from phaeton.sinks.web.access import Access, tokens
from phaeton.sinks.web.access.files import PASSWORD, AccessFiles
from phaeton.sinks.web.access.passwords import PasswordHash, matches
from tests import outputs
from tests.sinks.web.conftest import Asked, build


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(f"charger: 192.0.2.5\nstore: {{directory: {tmp_path / 'store'}}}\n")
    return path


def kept(config: Path) -> AccessFiles:
    return AccessFiles(config.parent / "store" / "access")


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_password_from_standard_input_is_kept_as_its_hash(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, "correct horse\n")
    assert main(["password", "-c", str(config)]) == 0
    found = kept(config).read(PASSWORD, PasswordHash)
    assert found is not None
    assert matches("correct horse", found)
    assert "set the password" in (config.parent / "store" / "audit.jsonl").read_text()
    assert main(["password", "--remove", "-c", str(config)]) == 0
    assert kept(config).read(PASSWORD, PasswordHash) is None


def test_a_password_that_is_none_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "short\n")
    assert main(["password", "-c", str(config)]) == 1
    assert "8 characters or more" in capsys.readouterr().err
    assert kept(config).read(PASSWORD, PasswordHash) is None


@pytest.mark.parametrize(("again", "code"), [("correct horse", 0), ("correct hrose", 1)])
def test_at_a_terminal_it_is_asked_twice_and_not_shown(config: Path, again: str, code: int) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "phaeton", "password", "-c", str(config)]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, close_fds=True
    ) as running:
        os.close(theirs)
        shown = b""
        for question, answer in ((b"New password: ", "correct horse"), (b"Once more: ", again)):
            while question not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, answer.encode() + b"\n")
        assert running.wait(20) == code
    os.close(ours)
    assert b"horse" not in shown
    assert (kept(config).read(PASSWORD, PasswordHash) is not None) is (code == 0)


def test_tokens_are_made_listed_and_revoked(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = ["-c", str(config)]
    assert main(["token", "list", *at]) == 0
    assert "There are no tokens" in capsys.readouterr().out
    assert main(["token", "add", "home assistant", "--scope", "control", "--days", "365", *at]) == 0
    secret = capsys.readouterr().out.strip()
    (token,) = tokens.load(kept(config))
    assert (token.name, token.scope, token.hash) == ("home assistant", "control", tokens.hash_of(secret))
    assert main(["token", *at, "list"]) == 0
    table = capsys.readouterr().out
    assert "home assistant" in table
    assert "never" in table
    assert secret not in table
    assert main(["token", "add", "home assistant", *at]) == 1
    assert "already" in capsys.readouterr().err
    assert main(["token", "revoke", "home assistant", *at]) == 0
    assert main(["token", "revoke", "home assistant", *at]) == 1
    assert tokens.load(kept(config)) == ()


@pytest.mark.parametrize("days", ["0", "-1", "nan", "1e9"])
def test_a_token_that_would_not_be_valid_is_not_made(config: Path, days: str) -> None:
    assert main(["token", "add", "x", "--days", days, "-c", str(config)]) == 1
    assert tokens.load(kept(config)) == ()


def test_a_store_that_cannot_be_written_is_told(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "store").write_text("a file in the place of the directory")
    assert main(["token", "add", "x", "-c", str(config)]) == 1
    assert "cannot be used" in capsys.readouterr().err


def test_a_spoiled_file_of_tokens_is_not_overwritten(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(config).directory.mkdir(parents=True)
    (kept(config).directory / "tokens.json").write_text("{")
    assert main(["token", "add", "x", "-c", str(config)]) == 1
    assert "is spoiled" in capsys.readouterr().err
    assert (kept(config).directory / "tokens.json").read_text() == "{"


async def test_commands_that_ask_the_daemon_send_their_token(tmp_path: Path) -> None:
    access = Access(tmp_path)
    await access.set_password("correct horse")
    _, secret = await access.add_token("terminal", "read", None)
    server = build(Asked(), config=Web(port=0), access=access)
    await server.start()
    server.publish(outputs.output())
    command = [sys.executable, "-m", "phaeton", "plan", "--url", str(server.address)]
    ran = [
        await _run(command, {}),
        await _run(command, {"PHAETON_TOKEN": secret}),
        await _run([*command, "--token", secret], {}),
        await _run([*command, "--token", "wrong"], {}),
    ]
    await server.stop()
    assert [code for code, _ in ran] == [1, 0, 0, 1]
    assert "phaeton token add" in ran[0][1]
    assert "revoked" in ran[3][1]


async def _run(command: list[str], more: dict[str, str]) -> tuple[int | None, str]:
    environment = {k: v for k, v in os.environ.items() if k != "PHAETON_TOKEN"} | more
    child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    out, _ = await child.communicate()
    return child.returncode, out.decode()
