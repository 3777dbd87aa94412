"""Releases are signed as minisign does it, with its secret keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from bundling.__main__ import KEY, PASSWORD, main
from bundling.problem import BundlingError
from bundling.signing import secret_key
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import check, keys_in

_COMMENT = "untrusted comment: minisign secret key\n"
WITHOUT_PASSWORD = (
    _COMMENT + "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAcGhhZXRvbiEAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHwOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3c"
    "hmQSVTG4SWUX29S+31reDwSnD7qKqMoZlWphmsYOVd2/O0nsEmk="
    "\n"
)
"""Everybody knows it. Both have the same seed, the bytes 0 to 31."""
WITH_PASSWORD = (
    _COMMENT + "RWRTY0IyAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AgAAAAAAA"
    "AAAAEAAAAAAAApt/ueRWOOdi9M2RWl4cALBFK6aOgStmBWBoQj2MDcN4eIVSoZPL4bkDVNMMTqk9tr7RCRDhAoMp/zx9HnDCFEiB"
    "iep55pJ3A1mrKBQn+bk6UkC0r+WyRJTuDmiFm21U1+Yhgh8fnIM="
    "\n"
)
WORD = "open sesame"


@pytest.mark.parametrize(("text", "password"), [(WITHOUT_PASSWORD, ""), (WITH_PASSWORD, WORD)])
def test_the_updater_believes_what_the_key_signed(text: str, password: str) -> None:
    key = secret_key(text, password)
    trusted = keys_in(key.public_line)

    signature = key.sign(b"checksums", "Phaeton 1.2.0")

    check(b"checksums", signature, trusted)
    for changed in ((b"Checksums", signature), (b"checksums", signature.replace("1.2.0", "1.2.1"))):
        with pytest.raises(UpdateRefusedError):
            check(*changed, trusted)


@pytest.mark.parametrize(
    ("text", "password", "why"),
    [
        (WITH_PASSWORD, "", "has a password"),
        (WITH_PASSWORD, "open barley", "does not fit"),
        ("", "", "no secret key"),
        ("RWQ=", "", "no secret key"),
        ("no base64!", "", "no secret key"),
    ],
)
def test_a_key_that_cannot_be_used_is_told(text: str, password: str, why: str) -> None:
    with pytest.raises(BundlingError, match=why):
        secret_key(text, password)


def test_the_command_takes_the_key_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "SHA256SUMS").write_text("00  phaeton-1.2.0-venus-armv7.tar.gz\n")
    monkeypatch.setenv(KEY, WITH_PASSWORD)
    monkeypatch.setenv(PASSWORD, WORD)
    monkeypatch.setattr("sys.argv", ["bundling", "sign", "--out", str(tmp_path)])

    assert main() == 0

    trusted = keys_in(secret_key(WITHOUT_PASSWORD).public_line)
    check((tmp_path / "SHA256SUMS").read_bytes(), (tmp_path / "SHA256SUMS.minisig").read_text(), trusted)


def test_the_command_tells_when_it_has_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr("sys.argv", ["bundling", "sign", "--out", str(tmp_path)])

    assert main() == 1
    assert KEY in capsys.readouterr().err
