"""Rows that were left out of an import, as a file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.product_files.error_rows import ErrorRows, cut
from batchyard.product_files.faults import INVALID, RowError
from batchyard.product_files.header import read_header
from batchyard.product_files.reading import Row
from tests.support.imports import Catalogue

PIECES = st.sampled_from(
    ["Product Handle", "Variant SKU", "Price EUR", ";", ",", "\r\n", "\n", '"', "a", "'=1", "é", "\0", "1.5"]
)


def error(line: int, message: str = "wrong") -> RowError:
    return RowError(INVALID, message, line)


def rows_of(data: bytes) -> tuple[ErrorRows, list[Row]]:
    header = read_header([data], {})
    return ErrorRows(header), list(header.reader([data[header.end :]], header.beginning, is_last=True))


def test_an_error_file_has_the_original_rows_and_their_errors() -> None:
    writer, rows = rows_of(b'Product Title,Product Handle\n"a;b","c ""d"""\nx\ny,z,,q\n')
    assert writer.header() == "Product Title;Product Handle;Error Line;Error Message\r\n"
    assert writer.row(rows[0], [error(1, 'not "so"'), error(1)]) == '"a;b";"c ""d""";1;"not ""so""; wrong"\r\n'
    assert writer.row(rows[1], []) == "x;;2;\r\n"
    assert writer.row(rows[2], [error(3)]) == "y;z;3;wrong;;q\r\n"


def test_errors_of_an_earlier_import_are_left_out() -> None:
    writer, [row] = rows_of(b"Error Line;Product Handle;Error Message;Product Title\n7;a;old;b\n")
    assert writer.header() == "Product Handle;Product Title;Error Line;Error Message\r\n"
    assert writer.row(row, [error(1)]) == "a;b;1;wrong\r\n"


def test_an_error_of_the_whole_file_is_a_row_of_its_own() -> None:
    writer = ErrorRows(None)
    assert writer.header() + writer.whole([RowError(INVALID, "empty")]) == "Error Line;Error Message\r\n;empty\r\n"
    assert writer.whole([error(4), RowError(INVALID, "b")]) == '4;"wrong; b"\r\n'


def test_suggestions_stand_behind_their_errors() -> None:
    errors = [RowError(INVALID, "wrong", suggestion="Price EUR"), RowError(INVALID, "b")]
    assert ErrorRows(None).whole(errors) == ';"wrong (suggestion: Price EUR); b"\r\n'


@pytest.mark.parametrize("encoding", ["cp1252", "iso-8859-15", "utf-16"])
def test_a_file_of_another_encoding_is_not_taken_for_it_again(encoding: str) -> None:
    context = {"encoding": encoding, "on_error": "skip"}
    data = "Product Handle;Product Title;Price EUR\na;Größe;x\n".encode(encoding)
    left_out = Catalogue().load(data, context).error_file.replace(";x;", ";1;").encode()
    [error] = Catalogue().load(left_out, context).errors
    assert "set context.encoding to utf-8" in error.message
    catalogue = Catalogue()
    assert catalogue.load(left_out).errors == []
    assert catalogue.by_handle("a").fields == {"title": "Größe"}


def test_messages_in_an_error_file_are_cut() -> None:
    assert cut("x" * 300) == "x" * 300
    assert cut("x" * 301) == "x" * 299 + "…"
    writer, [row] = rows_of(b"Product Handle\na")
    assert writer.row(row, [error(1, "x" * 400)] * 30).count("x") == 20 * 299


@given(st.lists(PIECES, max_size=20).map("".join), st.booleans())
def test_any_text_of_a_product_file_is_imported_or_has_errors(text: str, escaped: bool) -> None:
    catalogue = Catalogue()
    outcome = catalogue.load(f"Product Handle{text}".encode(), {"escape_formulas": escaped})
    if outcome.status == "failed":
        assert outcome.errors
        again = Catalogue().load(outcome.error_file.encode(), {"escape_formulas": escaped})
        assert again.status == "failed"
    else:
        assert outcome.operations.products_created == len(catalogue.products) > 0


@given(st.binary(max_size=80), st.sampled_from([None, "utf-16", "cp1252"]))
def test_any_bytes_of_a_product_file_are_imported_or_have_errors(data: bytes, encoding: str | None) -> None:
    catalogue = Catalogue()
    outcome = catalogue.load(data, {"encoding": encoding})
    assert all(error.message for error in outcome.errors)
    # Bytes that are made up may be those of a header and a row: they are taken from the tests' own, too.
    assert (outcome.status == "failed") == bool(outcome.errors) == (not catalogue.products)
