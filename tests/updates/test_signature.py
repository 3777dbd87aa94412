"""Signatures in minisign's format: what its own program writes is understood, what is not whole is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from phaeton.simulation.signer import Signer
from phaeton.updates.problem import UpdateRefusedError
from phaeton.updates.signature import check, keys_in, trusted_keys

MINISIGN_KEY = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
MINISIGN_SIGNATURE = """untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1556193335\tfile:test
y/rUw2y8/hOUYjZU71eHp/Wo1KZ40fGy2VJEDl34XMJM+TX48Ss/17u3IvIfbVR1FkZZSNCisQbuQY+bHwhEBg==
"""


def test_a_signature_of_the_program_minisign_is_understood() -> None:
    keys = keys_in(f"untrusted comment: minisign public key\n{MINISIGN_KEY}\n")
    check(b"test", MINISIGN_SIGNATURE, keys)
    with pytest.raises(UpdateRefusedError, match="does not fit"):
        check(b"Test", MINISIGN_SIGNATURE, keys)


@pytest.mark.parametrize("hashed", [True, False])
def test_both_forms_are_taken_and_the_trusted_comment_is_signed_too(hashed: bool) -> None:
    signer = Signer()
    keys, signature = keys_in(signer.public_key), signer.sign(b"sums", hashed=hashed, comment="version 1")
    check(b"sums", signature, keys)
    with pytest.raises(UpdateRefusedError, match="does not fit"):
        check(b"sums", signature.replace("trusted comment: version 1", "trusted comment: version 2"), keys)


def test_another_signer_is_not_trusted() -> None:
    with pytest.raises(UpdateRefusedError, match="not trusted"):
        check(b"sums", Signer("another").sign(b"sums"), keys_in(Signer().public_key))


@pytest.mark.parametrize("text", ["", "one line", "a\nb\nc\nd", "a\nRUQ=\ntrusted comment: \nRUQ="])
def test_what_is_no_signature_is_refused_in_words(text: str) -> None:
    with pytest.raises(UpdateRefusedError, match="no signature of minisign"):
        check(b"sums", text, keys_in(Signer().public_key))


def test_the_owners_keys_are_believed_instead_of_the_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "trusted.pub").write_text(f"# mine\n{Signer('mine').public_key}\n{MINISIGN_KEY}\n")
    assert trusted_keys(tmp_path) == keys_in(f"{Signer('mine').public_key}\n{MINISIGN_KEY}")


def test_a_file_of_keys_that_holds_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "trusted.pub").write_text("hello\n")
    with pytest.raises(UpdateRefusedError, match="no public key"):
        trusted_keys(tmp_path)
