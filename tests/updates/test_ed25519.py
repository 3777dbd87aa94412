"""Signatures: the vectors of RFC 8032, another implementation, and what a forger would try."""

from __future__ import annotations

import random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from phaeton.updates.ed25519 import verify

ORDER = 2**252 + 27742317777372353535851937790883648493
VECTORS = [
    # RFC 8032, section 7.1: TEST 1, TEST 2, TEST 3, TEST SHA(abc)
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
        "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_rfc_hold_and_no_other_message_does(key: str, message: str, signature: str) -> None:
    raw_key, raw, signed = bytes.fromhex(key), bytes.fromhex(message), bytes.fromhex(signature)
    assert verify(raw_key, raw, signed)
    assert not verify(raw_key, raw + b"x", signed)


def test_it_agrees_with_another_implementation_on_good_and_on_changed_signatures() -> None:
    chance = random.Random(8032)
    for length in (0, 1, 63, 200):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), chance.randbytes(length)
        signature = key.sign(message)
        assert verify(public, message, signature)
        for _ in range(4):
            place, bit = chance.randrange(64), 1 << chance.randrange(8)
            assert not verify(public, message, _changed(signature, place, bit))
            assert not verify(_changed(public, place % 32, bit), message, signature)


def test_the_same_signature_in_another_spelling_is_none() -> None:
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[1])
    scalar = int.from_bytes(signature[32:], "little") + ORDER
    assert not verify(key, message, signature[:32] + scalar.to_bytes(32, "little"))


def test_a_key_that_vouches_for_everything_is_none() -> None:
    neutral = (1).to_bytes(32, "little")
    assert not verify(neutral, b"anything", neutral + bytes(32))


def test_wrong_lengths_and_points_beyond_the_field_are_refused() -> None:
    key, message, signature = (bytes.fromhex(text) for text in VECTORS[0])
    assert not verify(key[:31], message, signature)
    assert not verify(key, message, signature[:63])
    assert not verify(b"\xff" * 32, message, signature)
    assert not verify(key, message, b"\xff" * 32 + signature[32:])


def _changed(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]
