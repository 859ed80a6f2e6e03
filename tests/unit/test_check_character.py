"""The check character: published examples, and what it is there to catch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.serial_codes.check_character import ALPHABET, check_character, check_column

TEXTS = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=24)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The Global Release Identifier's own example, and samples that several libraries share.
        ("A12425GABC1234002", "M"),
        ("RABD", "A"),
        ("X0H", "X"),
        ("TBR", "1"),
        ("9", "J"),
        ("B3739U6CR", "K"),
        ("C8AWF5G0CE8U9VTKSPPS2JAP09ZFEGFEAV", "L"),
        ("H0DJFUS8HHGZNEE9H6ZWW", "O"),
        ("UFSYYJO9FCID766EJYAEINTG43UZDD84MT6ZUDH08OM4N1K", "N"),
        ("ROYL38YZ9TDGPNB5MT40CEWGURAOKF07XEYTV3M", "6"),
    ],
)
def test_published_examples_of_check_characters(text: str, expected: str) -> None:
    assert check_character(text) == expected


@given(TEXTS)
def test_every_wrong_character_is_caught(text: str) -> None:
    right = text + check_character(text)
    for place in range(len(right)):
        for other in set(ALPHABET) - {right[place]}:
            wrong = right[:place] + other + right[place + 1 :]
            assert check_character(wrong[:-1]) != wrong[-1]


@given(st.integers(1, 24).flatmap(lambda length: st.lists(st.text(ALPHABET, min_size=length, max_size=length))))
def test_check_characters_of_many_codes_are_as_one_by_one(texts: list[str]) -> None:
    columns = [bytes(ALPHABET.index(character) for character in column) for column in zip(*texts, strict=True)]
    found = check_column(columns, len(texts))
    assert [ALPHABET[value] for value in found] == [check_character(text) for text in texts]


@pytest.mark.parametrize("text", ["a", "A-B", "Ä", "1 2", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_characters_outside_of_0_to_9_and_a_to_z_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="0-9 and A-Z only"):
        check_character(text)
