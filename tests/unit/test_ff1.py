"""FF1: NIST's samples, and for everything else the standard's own steps, one number at a time."""

from __future__ import annotations

import math
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import assume, example, given
from hypothesis import strategies as st

from batchyard.serial_codes.ff1 import SMALLEST_DOMAIN, Ff1

NIST_KEY = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3CEF4359D8D580AA4F7F036D6F04FC6A94")
DIGITS = "0123456789"
LETTERS_TOO = "0123456789abcdefghi"
TENS, SEVENS = "39383736353433323130", "3737373770717273373737"

SAMPLES = [
    (16, 10, "", DIGITS, "2433477484"),
    (16, 10, TENS, DIGITS, "6124200773"),
    (16, 36, SEVENS, LETTERS_TOO, "a9tv40mll9kdu509eum"),
    (24, 10, "", DIGITS, "2830668132"),
    (24, 10, TENS, DIGITS, "2496655549"),
    (24, 36, SEVENS, LETTERS_TOO, "xbj3kv35jrawxv32ysr"),
    (32, 10, "", DIGITS, "6657667009"),
    (32, 10, TENS, DIGITS, "1001623463"),
    (32, 36, SEVENS, LETTERS_TOO, "xs8a0azh2avyalyzuwd"),
]


def by_the_book(key: bytes, radix: int, length: int, tweak: bytes, value: int) -> int:
    """Algorithm 7 of SP 800-38G, step by step."""
    u = length // 2
    v = length - u
    a, b = divmod(value, radix**v)
    b_bytes = math.ceil((radix**v - 1).bit_length() / 8)
    d = 4 * math.ceil(b_bytes / 4) + 4
    p = bytes([1, 2, 1]) + radix.to_bytes(3) + bytes([10, u % 256]) + length.to_bytes(4) + len(tweak).to_bytes(4)
    for i in range(10):
        q = tweak + bytes((-len(tweak) - b_bytes - 1) % 16) + bytes([i]) + b.to_bytes(b_bytes)
        r = Cipher(AES(key), CBC(bytes(16))).encryptor().update(p + q)[-16:]
        m = u if i % 2 == 0 else v
        a, b = b, (a + int.from_bytes(r[:d])) % radix**m
    return a * radix**v + b


@st.composite
def settings_of_ff1(draw: st.DrawFn) -> tuple[bytes, int, int, bytes]:
    """What this implementation takes, powers of two and others, halves of up to twelve bytes."""
    radix = draw(st.one_of(st.sampled_from([2, 4, 32, 256, 65536]), st.integers(2, 65536)))
    shortest = max(2, next(n for n in range(1, 21) if radix**n >= SMALLEST_DOMAIN))
    longest = next(n for n in range(1, 200) if (radix ** (n + 1 - (n + 1) // 2) - 1).bit_length() > 96)
    assume(shortest <= longest)
    length = draw(st.integers(shortest, longest))
    return draw(st.binary(min_size=32, max_size=32)), radix, length, draw(st.binary(max_size=40))


@pytest.mark.parametrize(("key_bytes", "radix", "tweak", "plain", "secret"), SAMPLES)
def test_ff1_samples_of_nist(key_bytes: int, radix: int, tweak: str, plain: str, secret: str) -> None:
    ff1 = Ff1(NIST_KEY[:key_bytes], radix, len(plain), bytes.fromhex(tweak))
    assert ff1.encrypt([int(plain, radix)]) == [int(secret, radix)]
    assert ff1.decrypt([int(secret, radix)]) == [int(plain, radix)]


@given(settings_of_ff1(), st.data())
@example((NIST_KEY, 2, 46, b""), None)
@example((NIST_KEY, 32, 10, b""), None)
@example((NIST_KEY, 32, 19, b""), None)
@example((NIST_KEY, 2, 192, b""), None)
@example((NIST_KEY, 10, 56, b""), None)
def test_ff1_of_many_numbers_is_as_one_by_one(settings: tuple[bytes, int, int, bytes], data: Any) -> None:
    key, radix, length, tweak = settings
    ff1 = Ff1(*settings)
    values = [0, 1, ff1.size // 2, ff1.size - 1]
    if data is not None:
        values += data.draw(st.lists(st.integers(0, ff1.size - 1), max_size=5))
    encrypted = ff1.encrypt(values)
    assert encrypted == [by_the_book(key, radix, length, tweak, value) for value in values]
    assert ff1.decrypt(encrypted) == values


@pytest.mark.parametrize("radix", [10, 16])
def test_ff1_of_five_thousand_numbers(radix: int) -> None:
    ff1 = Ff1(NIST_KEY, radix, 6)
    values = range(7, 7 + 5000)
    encrypted = ff1.encrypt(values)
    assert encrypted[4999] == by_the_book(NIST_KEY, radix, 6, b"", 7 + 4999)
    assert len(set(encrypted)) == 5000
    assert ff1.decrypt(encrypted) == list(values)
    assert ff1.encrypt([]) == []


@pytest.mark.parametrize("value", [-1, 10**6, 2**64])
def test_numbers_outside_of_ff1s_domain_are_refused(value: int) -> None:
    ff1 = Ff1(NIST_KEY, 10, 6)
    for method in (ff1.encrypt, ff1.decrypt):
        with pytest.raises(ValueError, match="not a number from 0 to 999999"):
            method([5, value])


@pytest.mark.parametrize(
    ("radix", "length", "message"),
    [
        (1, 30, "radix"),
        (65537, 2, "radix"),
        (10, 5, "1,000,000 numerals"),
        (2, 19, "1,000,000 numerals"),
        (1000, 1, "1,000,000 numerals"),
        (2, 193, "12 bytes"),
        (10, 59, "12 bytes"),
    ],
)
def test_radix_and_length_that_ff1_is_not_defined_for_are_refused(radix: int, length: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ff1(NIST_KEY, radix, length)


def test_a_key_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="key size"):
        Ff1(NIST_KEY[:20], 10, 10)
