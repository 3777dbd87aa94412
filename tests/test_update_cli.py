"""`phaeton update`: it asks the daemon, sends a file with its signature, and switches the link where no daemon is."""

from __future__ import annotations

import argparse
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from phaeton import update_cli
from phaeton.updates.parcel import opened
from tests.updates.folder import bundle_in, installed

STATUS = {
    "current_version": "1.0", "installed_as": "bundle", "latest_version": "1.1", "update_available": True,
    "previous_version": "0.9", "error": None, "busy": "", "how_to_update": "",
}  # fmt: skip


class Daemon(BaseHTTPRequestHandler):
    """Answers as the API does, and keeps what it was asked."""

    asked: list[tuple[str, bytes]]
    refusal: str

    def do_GET(self) -> None:
        self._answer(200, STATUS)

    def do_POST(self) -> None:
        self.asked.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        if self.refusal:
            self._answer(409, {"detail": self.refusal})
        else:
            self._answer(200, STATUS if self.path.endswith("check") else {"ok": True, "restarting": True})

    def _answer(self, code: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Daemon.asked, Daemon.refusal = [], ""
    with ThreadingHTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    update_cli.add_parser(parser.add_subparsers())
    options = parser.parse_args(["update", *arguments])
    return int(options.handler(options))


def test_status_and_check_are_told_for_people(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("status", "check"):
        assert run(command, "--url", url) == 0
        said = capsys.readouterr().out
        assert said == "installed: 1.0 (bundle)\nnewest:    1.1 (newer)\nbefore:    0.9, for a rollback\n"


def test_apply_asks_for_the_newest_or_for_one(url: str) -> None:
    assert run("apply", "--url", url) == 0
    assert run("apply", "v1.1", "--url", url) == 0
    assert run("rollback", "--url", url) == 0
    assert Daemon.asked == [
        ("/api/update/apply", b'{"version": null}'),
        ("/api/update/apply", b'{"version": "v1.1"}'),
        ("/api/update/rollback", b""),
    ]


def test_a_file_is_sent_with_the_signature_beside_it(url: str, tmp_path: Path) -> None:
    path = bundle_in(tmp_path / "new", "1.1")
    assert run("apply", str(path), "--url", url) == 0
    ((where, content),) = Daemon.asked
    assert where == "/api/update/upload"
    (tmp_path / "parcel.tar").write_bytes(content)
    (tmp_path / "out").mkdir()
    assert opened(tmp_path / "parcel.tar", tmp_path / "out").read_bytes() == path.read_bytes()


def test_a_refusal_and_a_missing_file_are_told(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Daemon.refusal = "it is for another machine"
    assert run("apply", "--url", url) == 1
    assert "it is for another machine" in capsys.readouterr().err
    assert run("apply", str(tmp_path / "phaeton-1.1-venus-armv7.tar.gz"), "--url", url) == 1
    assert "is not there" in capsys.readouterr().err


def test_a_rollback_needs_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = installed(tmp_path / "phaeton", "1.0", "0.9")
    nobody = "http://127.0.0.1:1"
    assert run("rollback", "--url", nobody) == 1  # this one here is no bundle
    assert "nobody answers" in capsys.readouterr().err
    monkeypatch.setattr("phaeton.app.installation.installation_folder", lambda: place.root)
    assert run("rollback", "--url", nobody) == 0
    assert "the next start runs version 0.9" in capsys.readouterr().out
    assert place.current == "0.9"


def test_a_bundle_is_verified_packed_and_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = installed(tmp_path / "phaeton", "1.0")
    bundle = bundle_in(tmp_path / "new", "2.0")
    assert run("verify", str(bundle), "--place", str(place.root)) == 0
    assert "version 2.0 for" in capsys.readouterr().out
    unpacked = place.versions / "1.0"
    assert run("verify", str(unpacked)) == 0
    assert "of version 1.0 are as they were made" in capsys.readouterr().out
    (unpacked / "bin" / "phaeton").write_text("else")
    assert run("verify", str(unpacked)) == 1
    assert capsys.readouterr().err == "its manifest and its content differ: bin/phaeton\n"
    bundle.with_name("SHA256SUMS.minisig").unlink()
    assert run("verify", str(bundle), "--place", str(place.root)) == 1
    assert "cannot be verified" in capsys.readouterr().err
