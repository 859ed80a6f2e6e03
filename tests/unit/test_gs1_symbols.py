"""Symbols: a scanner reads from them what was to be encoded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zxingcpp import BarcodeFormat

from batchyard.gs1.symbols import data_matrix, gs1_data_matrix, qr_code
from tests.support.sheets import scanned

LINK = "https://id.gs1.org/01/09521234543213/22/2A/10/LOT-1/21/7K2ABCD0001?17=271231"
GTIN = ("01", "09521234543213")
GS = b"\x1d"  # what scanners send for a separator
EVERY_CHARACTER = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
values = st.text(EVERY_CHARACTER, min_size=1, max_size=20)


def test_a_qr_code_of_a_link() -> None:
    symbol = qr_code(LINK)
    found = scanned(symbol)
    assert (found.format, found.text, found.ec_level) == (BarcodeFormat.QRCode, LINK, "M")
    assert (symbol.size, symbol.quiet, symbol.width) == (33, 4, 41)


def test_runs_of_a_symbol_are_its_dark_modules() -> None:
    symbol = qr_code(LINK)
    dark = {(column, row) for first, row, end in symbol.runs() for column in range(first, end)}
    assert dark == {(x, y) for y, modules in enumerate(symbol.rows) for x, shade in enumerate(modules) if shade == 0}
    assert next(symbol.runs()) == (0, 0, 7)


@given(values, values)
def test_gs1_data_matrix_says_element_strings(lot: str, serial: str) -> None:
    symbol = gs1_data_matrix([GTIN, ("17", "271231"), ("10", lot), ("21", serial)])
    found = scanned(symbol)
    assert found.symbology_identifier == "]d2"  # FNC1 stands in front
    assert found.bytes == b"01095212345432131727123110" + lot.encode() + GS + b"21" + serial.encode()
    assert {len(modules) for modules in symbol.rows} == {symbol.size}
    assert symbol.quiet == 1


def test_the_longest_element_strings() -> None:
    longest = EVERY_CHARACTER[-20:]
    found = scanned(gs1_data_matrix([GTIN, ("17", "271231"), ("22", longest), ("10", longest), ("21", longest)]))
    assert found.bytes.split(GS) == [b"0109521234543213" + b"17271231" + b"22" + longest.encode()] + [
        name + longest.encode() for name in (b"10", b"21")
    ]


@pytest.mark.parametrize("wrong", [("05", "1"), ("17", "2712"), ("10", "L" * 21), ("21", "")])
def test_an_invalid_element_string_is_refused(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match=r"AI|Empty"):
        gs1_data_matrix([GTIN, wrong])


@pytest.mark.parametrize("code", ["7K2ABCD0001", "7K2ABCD00017K2ABCD00", "1"])
def test_a_plain_code_as_data_matrix_is_square_and_not_gs1(code: str) -> None:
    symbol = data_matrix(code)
    found = scanned(symbol)
    assert (found.text, found.symbology_identifier) == (code, "]d1")
    assert {len(modules) for modules in symbol.rows} == {symbol.size}


def test_a_text_that_no_code_holds_is_refused() -> None:
    assert qr_code("x" * 2331).size == 177
    with pytest.raises(ValueError, match="too long"):
        qr_code("x" * 2332)
    with pytest.raises(ValueError, match="too long"):
        data_matrix("x" * 3000)
