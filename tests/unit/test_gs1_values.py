"""What GS1 lets values be: lots, serials, variants, GTINs, dates."""

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, ValidationError

from batchyard.gs1.application_identifiers import CSET_82_UP_TO_20, is_lot, yymmdd
from batchyard.gs1.gtin import GTIN_14, is_gtin14

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def test_character_set_82_has_82_characters() -> None:
    assert len(CSET_82) == 82
    assert "".join(character for character in map(chr, range(0x3000)) if is_lot(character)) == CSET_82


@given(st.text(CSET_82, min_size=1, max_size=20))
def test_any_1_to_20_characters_of_set_82_are_a_lot_number(text: str) -> None:
    assert is_lot(text)


@given(st.text(max_size=22))
def test_a_lot_number_is_1_to_20_characters_of_set_82(text: str) -> None:
    valid = 1 <= len(text) <= 20 and set(text) <= set(CSET_82)
    assert is_lot(text) is valid


@pytest.mark.parametrize("text", ["", "x" * 21, "a b", "a#b", "LOT-1\n", "\nLOT-1", "Ä", "\u0661"])
def test_invalid_lot_numbers(text: str) -> None:
    assert not is_lot(text)


class Lot(BaseModel):
    number: str = Field(pattern=CSET_82_UP_TO_20)


@given(st.text(CSET_82 + " #\n\u0661\u017f", max_size=22))
def test_pydantic_reads_the_pattern_of_lot_numbers_alike(text: str) -> None:
    try:
        Lot(number=text)
        valid = True
    except ValidationError:
        valid = False
    assert valid is is_lot(text)


def test_the_pattern_of_lot_numbers_needs_no_escapes() -> None:
    assert "\\" not in CSET_82_UP_TO_20
    assert Lot.model_json_schema()["properties"]["number"]["pattern"] == CSET_82_UP_TO_20


@pytest.mark.parametrize(
    "gtin", ["09521234543213", "09506000134352", "00000096385074", "10614141543219", "70614141123451", "00614141999996"]
)
def test_gtins(gtin: str) -> None:
    assert is_gtin14(gtin)
    assert re.fullmatch(GTIN_14, gtin)


@pytest.mark.parametrize(
    "text",
    ["", "9521234543213", "009521234543213", "09521234543214", "0952123454321X", "09521234543213\n", "٠٩٥٢١٢٣٤٥٤٣٢١٣"],
)
def test_invalid_gtins(text: str) -> None:
    assert not is_gtin14(text)


@given(st.text("0123456789", min_size=13, max_size=13))
def test_one_of_ten_check_digits_of_a_gtin_is_right(body: str) -> None:
    assert sum(is_gtin14(f"{body}{digit}") for digit in range(10)) == 1


@given(st.text("0123456789", min_size=13, max_size=13), st.integers(0, 13), st.integers(1, 9))
def test_a_mistyped_digit_of_a_gtin_is_found(body: str, place: int, off: int) -> None:
    gtin = next(f"{body}{digit}" for digit in range(10) if is_gtin14(f"{body}{digit}"))
    mistyped = f"{gtin[:place]}{(int(gtin[place]) + off) % 10}{gtin[place + 1 :]}"
    assert not is_gtin14(mistyped)


@pytest.mark.parametrize(
    ("day", "text"), [(date(2027, 12, 31), "271231"), (date(2000, 2, 29), "000229"), (date(1999, 1, 5), "990105")]
)
def test_dates_of_element_strings(day: date, text: str) -> None:
    assert yymmdd(day) == text
