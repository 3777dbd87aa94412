"""What is kept of passwords and tokens: whole files for their owner only, and hashes that say how they were made."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import msgspec
import pytest

from phaeton.sinks.web.access import passwords, tokens
from phaeton.sinks.web.access.files import PASSWORD, AccessFiles, UnreadableError
from phaeton.sinks.web.access.passwords import PasswordError, PasswordHash, checked, hashed, matches


def test_a_file_is_replaced_as_a_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    files = AccessFiles(tmp_path / "access")
    before = files.signature()
    old = os.umask(0)
    try:
        files.write(PASSWORD, hashed("correct horse"))
    finally:
        os.umask(old)
    assert (tmp_path / "access").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "access" / PASSWORD).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "access").iterdir()] == [PASSWORD]
    assert files.signature() != before


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = AccessFiles(tmp_path / "access")
    files.write(PASSWORD, hashed("correct horse"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        files.write(PASSWORD, hashed("another one"))
    kept = files.read(PASSWORD, PasswordHash)
    assert kept is not None
    assert matches("correct horse", kept)
    assert [path.name for path in (tmp_path / "access").iterdir()] == [PASSWORD]


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    files = AccessFiles(tmp_path / "access")
    files.write(PASSWORD, hashed("correct horse"))
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "access" / PASSWORD).unlink()
    (tmp_path / "access" / PASSWORD).symlink_to(victim)
    files.write(PASSWORD, hashed("correct horse"))
    assert victim.read_text() == "mine"


def test_a_spoiled_file_is_told(tmp_path: Path) -> None:
    files = AccessFiles(tmp_path)
    assert files.read(PASSWORD, PasswordHash) is None
    (tmp_path / PASSWORD).write_bytes(b"\xff{")
    with pytest.raises(UnreadableError, match=r"password\.json is spoiled"):
        files.read(PASSWORD, PasswordHash)


def test_tokens_made_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    def make(number: int) -> None:
        tokens.add(AccessFiles(tmp_path / "access"), f"token {number}", "read", None, 1000.0)

    threads = [threading.Thread(target=make, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens.load(AccessFiles(tmp_path / "access"))) == 12


def test_a_token_is_256_bits_and_known_by_its_beginning(tmp_path: Path) -> None:
    made = {tokens.add(AccessFiles(tmp_path), str(number), "read", None, 0.0)[1] for number in range(5)}
    assert len(made) == 5
    assert {(secret[:4], len(secret)) for secret in made} == {("pht_", 47)}


def test_so_many_tokens_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    tokens.add(AccessFiles(tmp_path), "a", "read", None, 0.0)
    with pytest.raises(tokens.TokenError, match="revoke some"):
        tokens.add(AccessFiles(tmp_path), "b", "read", None, 0.0)


def test_the_same_password_gives_another_hash_each_time() -> None:
    one, two = hashed("correct horse"), hashed("correct horse")
    assert one.digest != two.digest
    assert one.id != two.id
    assert (one.kind, one.n, one.r, one.p) == ("scrypt", 16384, 8, 1)
    assert (matches("correct horse", one), matches("correct horse ", one)) == (True, False)


def test_a_hash_is_checked_with_the_parameters_it_was_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "SCRYPT_N", 2**10)
    kept = msgspec.json.decode(msgspec.json.encode(hashed("correct horse")), type=PasswordHash)
    monkeypatch.setattr(passwords, "SCRYPT_N", 2**14)
    assert kept.n == 2**10
    assert matches("correct horse", kept)


@pytest.mark.parametrize("n", [0, 3, 2**30])
def test_a_hash_that_cannot_be_checked_is_told(n: int) -> None:
    with pytest.raises(PasswordError, match="set it anew"):
        matches("correct horse", PasswordHash("scrypt", b"salt", b"digest", n=n, r=8, p=1))


def test_without_scrypt_there_is_another_hash_and_an_old_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    old = hashed("correct horse")
    monkeypatch.delattr(hashlib, "scrypt")
    monkeypatch.setattr(passwords, "PBKDF2_ROUNDS", 1000)
    kept = hashed("correct horse")
    assert (kept.kind, kept.rounds) == ("pbkdf2", 1000)
    assert (matches("correct horse", kept), matches("wrong horse", kept)) == (True, False)
    with pytest.raises(PasswordError, match="set the password anew"):
        matches("correct horse", old)


def test_letters_are_the_same_however_the_keyboard_writes_them() -> None:
    assert matches("scho\u0308nes Pferd", hashed("sch\u00f6nes Pferd"))
    assert not matches("\ud800 half a letter", hashed("sch\u00f6nes Pferd"))


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, "        ", "a tab\tin it", "new\nline here"])
def test_what_cannot_be_a_password(password: str) -> None:
    with pytest.raises(PasswordError):
        checked(password)
