"""Codes of serials: there and back, unique, nobody else's, and safe to type."""

from __future__ import annotations

import string
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.errors import Malformed
from batchyard.serial_codes import codes
from batchyard.serial_codes.check_character import check_character
from batchyard.serial_codes.codes import ALPHABET, Codebook, Place, capacity, normalize
from batchyard.serial_codes.ff1 import Ff1

KEYS = {version: bytes([version]) * 32 for version in range(1, 17)}
BOOKS = {length: Codebook(KEYS, "spring", length) for length in range(8, 20)}
BOOK = BOOKS[10]
LENGTHS = st.integers(8, 19)
VERSIONS = st.integers(1, 16)


def indices(length: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, 1000), st.integers(0, capacity(length) - 1), st.just(capacity(length) - 1))


@given(LENGTHS, VERSIONS, st.data())
def test_a_code_leads_back_to_its_index(length: int, version: int, data: st.DataObject) -> None:
    index = data.draw(indices(length))
    book = BOOKS[length]
    (code,) = book.codes(version, [index])
    assert len(code) == length + 1
    assert set(code) <= set(ALPHABET)
    assert code[-1] == check_character(code[:-1])
    assert normalize(code) == code
    assert book.find(code) == Place(version, index)
    assert book.version_of(code) == version


@pytest.mark.parametrize("version", [1, 2, 16])
def test_a_page_of_codes_is_the_same_as_codes_one_by_one(version: int) -> None:
    page = BOOK.codes(version, range(5000, 8000))
    assert page[::100] == [BOOK.codes(version, [index])[0] for index in range(5000, 8000, 100)]
    assert page == BOOK.codes(version, list(range(5000, 8000)))
    assert BOOK.places(page) == [Place(version, index) for index in range(5000, 8000)]
    assert BOOK.codes(version, []) == []
    assert BOOK.places([]) == []


def test_codes_do_not_change() -> None:
    """What is printed must be read by every later release."""
    assert BOOK.codes(1, range(3)) == ["DKTWVK2M8JH", "YGVFS6FH9ZN", "D86V8W3MKX8"]
    assert BOOK.codes(2, range(3)) == ["T3XRSM0V9WY", "4GWCMGRCDCN", "AE1A0T3NQQM"]
    assert BOOKS[19].codes(16, [capacity(19) - 1]) == ["Z9AZ6RN92MB9BCEN2GVD"]


def test_many_codes_are_all_different() -> None:
    """Of all versions and all salts: about every ninth index has another salt than 0."""
    made = [code for version in (1, 2, 3) for code in BOOK.codes(version, range(50_000))]
    assert len(set(made)) == 150_000


def test_codes_show_neither_order_nor_version() -> None:
    made = BOOK.codes(1, range(2000)) + BOOK.codes(2, range(2000))
    for place in range(10):
        counts = [sum(code[place] == character for code in made) for character in ALPHABET]
        # 125 expected each; eight standard deviations.
        assert 37 < min(counts) <= max(counts) < 213


@given(st.integers(0, 1000), VERSIONS)
def test_a_code_has_no_place_in_another_collection(index: int, version: int) -> None:
    """Known exactly: these codes are not among the ten thousand indices that the other collection has in use."""
    (code,) = BOOK.codes(version, [index])
    for other in (Codebook(KEYS, "autumn"), Codebook({**KEYS, 1: b"x" * 32}, "spring")):
        place = other.find(code)
        assert place is None or place.index >= 10_000


def test_keys_are_bound_to_their_use() -> None:
    """Each of purpose, collection, length and version has a part in them; nothing is joined ambiguously."""
    made = [
        Codebook(KEYS, collection, length)._key(purpose, version)
        for collection in ("a", "a1", "a\x00", "ä", '"', "\ud800")
        for length in (10, 11)
        for purpose in ("outer", "inner")
        for version in (1, 11)
    ]
    assert len(set(made)) == len(made)


@settings(max_examples=30)
@given(st.integers(0, 10**6), LENGTHS)
def test_every_single_typo_is_caught(index: int, length: int) -> None:
    (code,) = BOOKS[length].codes(1, [index])
    for place, right in enumerate(code):
        for typed in string.ascii_uppercase + string.digits:
            text = code[:place] + typed + code[place + 1 :]
            if {"I": "1", "L": "1", "O": "0"}.get(typed, typed) == right:
                assert normalize(text) == code
            else:
                with pytest.raises(Malformed) as refused:
                    normalize(text)
                assert refused.value.code == "INVALID_CODE"


def test_only_the_first_fitting_salt_is_the_indexs_own() -> None:
    spare = 0
    for index in range(300):
        alternatives = [BOOK._salted(3, salt, [index])[0] for salt in range(16)]
        fitting = [code for code in alternatives if code[-1] in ALPHABET]
        assert BOOK.codes(3, [index]) == fitting[:1]
        assert BOOK.places(fitting) == [Place(3, index)] + [None] * (len(fitting) - 1)
        spare += alternatives[0] != fitting[0]
    assert spare > 10


def is_number(code: str) -> bool:
    with suppress(ValueError):
        float(code)
        return True
    return False


def test_no_code_of_a_newer_version_is_a_number_to_a_spreadsheet() -> None:
    """Eight characters and a check character: about one code in 20,000 is."""
    plain = Codebook(KEYS, "spring", 8, no_numbers=[2])
    before, after = BOOKS[8].codes(2, range(300_000)), plain.codes(2, range(300_000))
    numbers = [index for index, code in enumerate(before) if is_number(code)]
    assert len(numbers) > 3
    assert any("E" in before[index] for index in numbers)
    assert not any(map(is_number, after))
    assert [index for index, (one, other) in enumerate(zip(before, after, strict=True)) if one != other] == numbers
    # Each leads back, whole and alone, and what it would have been is nobody's.
    for index in numbers:
        assert plain.codes(2, [index]) == [after[index]]
        assert plain.places([after[index], before[index]]) == [Place(2, index), None]
    # What is printed stays.
    assert plain.codes(1, range(300_000)) == BOOKS[8].codes(1, range(300_000))


def test_an_index_without_a_printable_code_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Codebook, "_salted", lambda self, version, salt, indices: ["0000000000U" for _ in indices])
    with pytest.raises(RuntimeError, match="index 7 has no code"):
        BOOK.codes(1, [7])


def test_a_code_of_an_unknown_version_has_no_place() -> None:
    (code,) = BOOK.codes(3, [42])
    older = Codebook({1: KEYS[1], 2: KEYS[2]}, "spring")
    assert older.find(code) is None
    assert older.version_of(code) == 3
    with pytest.raises(ValueError, match="no version 3"):
        older.codes(3, [42])


def test_a_code_of_another_length_is_refused() -> None:
    for call in (BOOK.find, BOOK.version_of):
        with pytest.raises(ValueError, match="10 characters"):
            call(BOOKS[11].codes(1, [0])[0])


def test_a_code_with_a_wrong_check_character_has_no_place() -> None:
    (code,) = BOOK.codes(1, [5])
    assert [BOOK.find(code[:-1] + other) for other in ALPHABET if other != code[-1]] == [None] * 31


@pytest.mark.parametrize("index", [-1, capacity(10), 1 << 70])
def test_indices_beyond_the_capacity_are_refused(index: int) -> None:
    with pytest.raises(ValueError, match="indices of 10 characters"):
        BOOK.codes(1, [0, index])


def test_capacity_leaves_room_for_version_and_salt() -> None:
    assert capacity(10) == 2**42
    assert [BOOKS[length].codes(1, [capacity(length) - 1])[0][-1] in ALPHABET for length in BOOKS] == [True] * 12


@pytest.mark.parametrize(
    ("keys", "length", "message"),
    [
        (KEYS, 7, "8 to 19"),
        (KEYS, 20, "8 to 19"),
        ({2: KEYS[2]}, 10, "1 is always"),
        ({**KEYS, 17: b""}, 10, "1 to 16"),
    ],
)
def test_an_impossible_codebook_is_refused(keys: dict[int, bytes], length: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Codebook(keys, "spring", length)


def test_a_codebook_does_not_show_its_keys() -> None:
    book = Codebook({1: b"unspeakable" * 4}, "spring")
    book.codes(1, [1])
    assert "unspeakable" not in repr(book) + repr(vars(book)["_inner"]) + repr(vars(book)["_outer"])


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_a_code_is_read_however_it_is_typed(index: int, random: Random) -> None:
    (code,) = BOOK.codes(1, [index])
    typed = ""
    for character in code:
        looks = {"1": "1IiLl", "0": "0Oo"}.get(character, character + character.lower())
        typed += random.choice(looks) + random.choice(["", "", "-", " ", "\t", "\r\n"])
    assert normalize("  " + typed) == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "9 to 20 characters, not 0"),
        ("12345678", "9 to 20 characters, not 8"),
        ("0" * 21, "9 to 20 characters, not 21"),
        (" " * 101, "too long"),
        ("0" * 10_000_000, "too long"),
        ("U000000000", "digits and the letters"),
        ("0000_00000", "digits and the letters"),
        ("00000000000", "check character"),
        # Letters that become ASCII by changing their case, and digits of other scripts.
        ("\N{LATIN SMALL LETTER LONG S}000000000", "digits and the letters"),
        ("\N{LATIN SMALL LETTER DOTLESS I}00000000", "digits and the letters"),
        ("\N{ARABIC-INDIC DIGIT ONE}00000000", "digits and the letters"),
        ("\N{FULLWIDTH DIGIT ONE}00000000", "digits and the letters"),
        ("\N{EM SPACE}00000000", "digits and the letters"),
        ("\x0000000000", "digits and the letters"),
        ("\ud80000000000", "digits and the letters"),
    ],
)
def test_a_malformed_code_is_refused(text: str, message: str) -> None:
    with pytest.raises(Malformed, match=message) as refused:
        normalize(text)
    assert refused.value.code == "INVALID_CODE"


@given(st.text(max_size=120))
def test_any_text_is_a_code_or_refused(text: str) -> None:
    with suppress(Malformed):
        assert normalize(normalize(text)) == normalize(text)


def test_the_layout_of_a_code_is_as_documented() -> None:
    """Built anew from its parts: the outer permutation of the version and the inner one of salt and index."""
    inner = Ff1(BOOK._key("inner", 5), 2, 46)
    outer = Ff1(BOOK._key("outer", 1), 32, 10)
    bits = outer.encrypt([4 << 46 | inner.encrypt([3 << 42 | 99])[0]])[0]
    body = "".join(ALPHABET[bits >> place & 31] for place in range(45, -1, -5))
    assert BOOK._salted(5, 3, [99]) == [body + check_character(body)]
    assert codes.DEFAULT_LENGTH == 10


@pytest.mark.parametrize(
    "separator", "-\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{MINUS SIGN}\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}"
)
def test_typeset_separators_are_separators(separator: str) -> None:
    code = BOOK.codes(1, [7])[0]
    assert normalize(f"{code[:4]}{separator}{code[4:]}") == code
