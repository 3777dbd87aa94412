"""From a release: what GitHub has at the addresses of the newest one and of one by its name, fetched by busybox."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from phaeton.updates.place import Place
from tests.venus.gx import Gx

NEWEST = "1.1"


class Releases(BaseHTTPRequestHandler):
    """Files of releases, by GitHub's addresses."""

    folder: Path
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        _, _, release, kind, version, *name = self.path.split("/")
        if (release, kind) == ("releases", "latest"):
            folder = self.folder / f"release-{NEWEST}"
        else:
            folder = self.folder / f"release-{version.removeprefix('v')}"
        path = folder / name[-1] if kind == "download" else folder / self.path.rsplit("/", 1)[1]
        if not path.exists():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def address(gx: Gx) -> Iterator[str]:
    Releases.folder, Releases.asked = gx.root.parent, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Releases) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/phaeton"
        server.shutdown()
        thread.join()


def test_the_newest_one_by_its_name_and_nothing_twice(gx: Gx, address: str) -> None:
    for version in ("1.0", NEWEST):
        gx.release(version)
    before = gx.files()
    assert "cannot be fetched" in gx.refused("--release", "3.0", "--repository", address)
    assert "where are the releases?" in gx.refused("--release")
    assert gx.files() == before

    gx.installed("--release", "v1.0", "--repository", address, "--charger", "192.0.2.7")
    assert Place(gx.home).current == "1.0"
    said = gx.installed("--release", "--repository", address)
    assert "the signature is right" in said
    assert Place(gx.home).current == "1.1"
    assert not (gx.home / "download").exists()
    Place(gx.home).confirm()
    Releases.asked.clear()
    assert "nothing had to be changed" in gx.installed("--release", "--repository", address)
    assert Releases.asked == ["/phaeton/releases/latest/download/SHA256SUMS"]


def test_what_arrives_damaged_is_not_installed(gx: Gx, address: str) -> None:
    bundle = gx.release(NEWEST)
    before = gx.files()
    bundle.write_bytes(bundle.read_bytes()[:-10])
    assert "is damaged or was changed" in gx.refused("--release", "--repository", address)
    sums = bundle.with_name("SHA256SUMS")
    sums.write_text(sums.read_text().replace(bundle.name, "phaeton-1.1-venus-other.tar.gz"))
    assert "this release has no bundle for" in gx.refused("--release", "--repository", address)
    assert gx.files() == before
