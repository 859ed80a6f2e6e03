"""Reading product files: the same rows in whatever pieces, and a plain word for whatever is none."""

import csv
import gzip
import io
import itertools
import re
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchyard.product_files import header as headers
from batchyard.product_files.faults import RowError, Unreadable
from batchyard.product_files.header import Header, read_header
from batchyard.product_files.reading import BLOCK, LARGEST_CELL, LARGEST_ROW, Position, Reader, Row
from tests.support.imports import steps

FAILED = "The csv file parsing failed due to: "
PIECES = st.sampled_from(
    [
        *(
            "a",
            "b c",
            "é",
            "\u20ac",
            "\U0001f600",
            ";",
            ",",
            "\t",
            '"',
            '""',
            "'",
            "\r",
            "\n",
            "\r\n",
            "\u2028",
            "\x0b",
        ),
        "\x85",
    ]
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)


def read(data: bytes, context: Mapping[str, Any] | None = None, *, size: int = 1 << 24) -> list[list[str]]:
    """The cells of all rows."""
    header = read_header([data], context or {})
    return [row.cells for row in steps(data, header, size)]


def errors_of(data: bytes, context: Mapping[str, Any] | None = None) -> list[RowError]:
    with pytest.raises(Unreadable) as raised:
        read(data, context)
    return list(raised.value.errors)


def message(data: bytes, context: Mapping[str, Any] | None = None) -> str:
    [error] = errors_of(data, context)
    assert error.message.startswith(FAILED)
    return error.message.removeprefix(FAILED)


def whole(reader: Reader) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    try:
        rows.extend(reader)
    except Unreadable as error:
        return rows, [one.message for one in error.errors]
    return rows, []


# Pieces.


@given(
    st.lists(TEXTS, max_size=8).map("".join),
    st.sampled_from(["utf-8", "iso-8859-15", "utf-16-le"]),
    st.lists(st.integers(1, 40), min_size=1, max_size=8),
    st.integers(1, 60),
)
@example('a;"b\r\n', "utf-8", [1], 1)
@example('a\r\n\r"b"\r;c', "utf-16-le", [1], 3)
def test_a_file_has_the_same_rows_in_whatever_pieces(text: str, encoding: str, blocks: list[int], size: int) -> None:
    data = text.encode(encoding, "ignore")
    rows, errors = whole(Reader([data], encoding, ";", Position(0, 0), is_last=True))
    in_blocks = whole(Reader(in_pieces(data, blocks), encoding, ";", Position(0, 0), is_last=True))
    assert in_blocks == (rows, errors)
    header = Header(encoding, ";", 0, [], [], [])
    found: list[Row] = []
    told: list[str] = []
    try:
        found.extend(steps(data, header, size))
    except Unreadable as error:
        told = [one.message for one in error.errors]
    assert told == errors
    assert found == rows[: len(found)]
    if not errors:
        assert found == rows


def in_pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    start = number = 0
    while start < len(data):
        size = sizes[number % len(sizes)]
        yield data[start : start + size]
        start, number = start + size, number + 1


@given(st.binary(max_size=60), st.integers(1, 20))
def test_a_file_of_anything_has_the_same_faults_in_whatever_pieces(data: bytes, size: int) -> None:
    once = whole(Reader([data], "utf-8", ";", Position(0, 0), is_last=True))
    assert whole(Reader(in_pieces(data, [size]), "utf-8", ";", Position(0, 0), is_last=True)) == once


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=3), max_size=6), st.sampled_from(["\n", "\r", "\r\n"]))
def test_rows_are_those_of_the_standard_library(cells: list[list[str]], end: str) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator=end).writerows(cells)
    rows, errors = whole(Reader([written.getvalue().encode()], "utf-8", ";", Position(0, 0), is_last=True))
    assert not errors
    assert [row.cells for row in rows] == cells
    assert [row.line for row in rows] == list(range(1, len(cells) + 1))


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=3), min_size=1, max_size=6), st.data())
def test_reading_a_product_file_resumes_behind_any_row(cells: list[list[str]], data: st.DataObject) -> None:
    written = io.StringIO()
    csv.writer(written, delimiter=";").writerows(cells)
    content = written.getvalue().encode()
    reader = Reader([content], "utf-8", ";", Position(0, 0), is_last=True)
    rows = iter(reader)
    for _ in range(data.draw(st.integers(0, len(cells)))):
        next(rows)
    position = reader.position
    rest, errors = whole(Reader([content[position.byte :]], "utf-8", ";", position, is_last=True))
    assert not errors
    assert [row.cells for row in rest] == cells[position.line :]
    assert [row.line for row in rest] == list(range(position.line + 1, len(cells) + 1))


def test_long_rows_are_read_over_many_blocks() -> None:
    long = "x" * (LARGEST_CELL - 1) + "é"
    data = f'Product Handle;Product Title\r\na;"{long}"\r\nb;"\r\n{long[2:]}"\r\nc;d'.encode()
    assert read(data, size=3 * BLOCK) == [["a", long], ["b", f"\r\n{long[2:]}"], ["c", "d"]]


# Encodings.


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        ("é€", None),
        ("\ufeffé€", None),
        ("é€", "utf-8"),
        ("\ufeffé€", "UTF-8"),
        ("é€", "cp1252"),
        ("é", "iso-8859-1"),
        ("é€", "iso-8859-15"),
        ("\ufeffé€", "utf-16"),
        ("é€", "utf-16"),
    ],
)
def test_a_file_is_read_in_its_encoding(data: str, encoding: str | None) -> None:
    title = data.removeprefix("\ufeff")
    text = ("\ufeff" if title != data else "") + f"Product Handle;Product Title\na;{title}\n"
    codecs = ["utf-16-le", "utf-16-be"] if encoding == "utf-16" else [encoding or "utf-8"]
    for codec in codecs:
        context = {} if encoding is None else {"encoding": encoding}
        for size in (1, 7, 1000):
            assert read(text.encode(codec), context, size=size) == [["a", title]]


def test_bytes_that_are_no_utf_8_are_told_with_line_and_position() -> None:
    data = b"Product Handle;Product Title\r\na;ok\r\n\r\nb;caf" + b"\xe9\r\nc;ok\r\n"
    [error] = errors_of(data)
    assert error.line == 2
    assert (
        error.message
        == f"{FAILED}Byte 0xe9 at position 43 is not UTF-8 (see context.encoding) in line 2 of the given csv file"
    )
    assert data[43] == 0xE9
    assert read(data, {"encoding": "cp1252"})[1] == ["b", "café"]


def test_a_character_that_is_cut_off_at_the_end_is_told() -> None:
    assert "position 19 is not UTF-8" in message("Product Handle\nab€".encode()[:-1].replace(b"ab", b"abcd"))


def test_a_byte_that_an_encoding_does_not_have_is_told() -> None:
    assert message(b"Product Handle\n\x81", {"encoding": "cp1252"}).startswith("Byte 0x81 at position 15 is not CP1252")


@pytest.mark.parametrize("encoding", ["iso-8859-1", "iso-8859-15"])
def test_files_of_windows_are_not_taken_for_iso_8859(encoding: str) -> None:
    data = "Product Handle;Product Title\na;ü\n\nb;“5 €”\n".encode("cp1252")
    [error] = errors_of(data, {"encoding": encoding})
    assert (error.line, data[36]) == (2, 0x93)
    assert f"A control character of {encoding.upper()} at position 36 (see context.encoding)" in error.message
    assert read(data, {"encoding": "cp1252"}) == [["a", "ü"], ["b", "“5 €”"]]


@pytest.mark.parametrize("encoding", ["latin9", "", 5, ["utf-8"]])
def test_other_encodings_are_refused(encoding: object) -> None:
    assert message(b"Product Handle\na", {"encoding": encoding}).startswith("encoding must be one of utf-8, cp1252")


def test_a_nul_character_is_told_with_its_line() -> None:
    [error] = errors_of(b"Product Handle\na\n\nb\0c\n")
    assert (error.line, error.message) == (
        2,
        f"{FAILED}A NUL character at position 19 in line 2 of the given csv file",
    )


def zipped(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (zipped("products.csv"), "a zip archive"),
        (zipped("[Content_Types].xml"), "an Excel workbook (xlsx)"),
        (zipped("xl/workbook.xml"), "an Excel workbook (xlsx)"),
        (gzip.compress(b"Product Handle"), "a gzip file"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel file of the old format (xls)"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        ("\ufeffProduct Handle".encode("utf-32-le"), "text in UTF-32"),
        (b"<!DOCTYPE html>\n<title>Sign in; please</title>", "an HTML page"),
        (b"\xef\xbb\xbf\r\n <HTML><body>Not found", "an HTML page"),
        (b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>', "an XML document"),
        (b'[\n  {"Product Handle": "a"}\n]', "a JSON document"),
        (b'{"Product Handle": "a"}\n{"Product Handle": "b"}\n', "a JSON document"),
        (b"{\\rtf1\\ansi Product Handle;Product Title", "an RTF document"),
    ],
    # The first bytes of archives have a time in them.
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_files_without_rows_are_told_by_their_kind(data: bytes, what: str) -> None:
    assert message(data) == f"The file is {what}, not a csv file"
    assert message(data, {"encoding": "utf-16"}) == f"The file is {what}, not a csv file"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_told_as_what_it_is(codec: str) -> None:
    assert message("Product Handle\na".encode(codec)) == (
        "The file is text in UTF-16, not in UTF-8: set context.encoding to utf-16"
    )


def test_an_encoding_that_the_file_does_not_have_is_told() -> None:
    assert message("\ufeffProduct Handle\na".encode(), {"encoding": "cp1252"}) == (
        "The file is text in UTF-8, not in CP1252: set context.encoding to utf-8"
    )
    assert message(b"Product Handle\na", {"encoding": "utf-16"}).startswith("The file is not text in UTF-16")
    assert message(b"", {"encoding": "utf-16"}) == "The file is empty"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_without_a_mark_whatever_its_columns_are_called(codec: str) -> None:
    context = {"encoding": "utf-16", "mapping": {"\u540d\u524d": "Product Handle"}}
    assert read("\u540d\u524d\n\u8d64\n".encode(codec), context) == [["\u8d64"]]


# Form.


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_delimiters_and_line_ends_are_those_of_the_file(delimiter: str, end: str) -> None:
    lines = [["Product Handle", "Product Title"], ["a", "x"], [], ["b", '5" pipe'], ["c", "'"]]
    text = end.join(delimiter.join(line) for line in lines)
    for data in (text, text + end, text + end * 3):
        assert read(data.encode()) == [["a", "x"], ["b", '5" pipe'], ["c", "'"]]


@pytest.mark.parametrize(
    ("line", "delimiter"),
    [
        ("Product Handle", ";"),
        ("Product Title,Product Handle", ","),
        ("Product Handle;Price A, B, C [USD]", ";"),
        ('Product Handle,"Price A; B; C [USD]"', ","),
        ('"Price A,B [EUR]"\tProduct Handle', "\t"),
        ("Product Handle,Product Title,,,", ","),
    ],
)
def test_the_delimiter_is_what_splits_the_header_into_known_names(line: str, delimiter: str) -> None:
    header = read_header([line.encode()], {})
    assert header.delimiter == delimiter
    assert all(header.titles)


@pytest.mark.parametrize(
    ("rows", "line", "why"),
    [
        ('a;"b"c\n', 1, "Text follows the closing quote of a cell"),
        ('a;b\n\nc;"d" \n', 2, "Text follows the closing quote of a cell"),
        ('a;b\nc;"d\ne;f\n', 2, "A quote is never closed"),
        ('a;"', 1, "A quote is never closed"),
        (f"a;b\na;{'x' * (LARGEST_CELL + 1)}\n", 2, f"A cell has more than {LARGEST_CELL} characters"),
    ],
)
def test_rows_are_taken_strictly(rows: str, line: int, why: str) -> None:
    [error] = errors_of(b"Product Handle;Product Title\n" + rows.encode())
    assert (error.line, error.message) == (line, f"{FAILED}{why} in line {line} of the given csv file")


def test_rows_before_a_fault_are_read() -> None:
    data = b'Product Handle\na\nb\n"c"d\n'
    reader = read_header([data], {}).reader([data[15:]], Position(15, 0), is_last=True)
    assert whole(reader)[0] == [Row(1, ["a"]), Row(2, ["b"])]


@pytest.mark.parametrize("line", [";", ";;;;", '"";""'])
def test_a_row_of_delimiters_alone_is_a_row(line: str) -> None:
    data = f"Product Handle;Product Title\r\na;A\r\n{line}\r\n\r\n;B\r\n".encode()
    for size in (1, 1000):
        found = read(data, size=size)
        assert [found[0], found[2]] == [["a", "A"], ["", "B"]]
        assert set(found[1]) == {""}


@pytest.mark.parametrize("line", [" ", "\t", "\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}", "\x1a"])
def test_a_line_that_looks_empty_is_no_row(line: str) -> None:
    data = f"Product Handle;Product Title\r\n{line}\r\na;A\r\n{line}\r\n;B\r\n{line}".encode()
    for size in (1, 1000):
        # A tab is a delimiter of other files alone.
        assert read(data, size=size) == [["a", "A"], ["", "B"]]
    [error] = errors_of(f"Product Handle;Product Title\n{line}\na;A\n{line}\nb;".encode() + b"\xe9\n")
    assert error.line == 2


# Headers.


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"\n" * 1_000_000, b"sep=;\r\n"])
def test_an_empty_file_is_told(data: bytes) -> None:
    assert message(data) == "The file is empty"


def test_a_million_empty_lines_are_no_rows() -> None:
    assert read(b"Product Handle" + b"\r\n" * 1_000_000 + b"a") == [["a"]]


def test_a_header_may_be_alone() -> None:
    assert read(b"Product Handle;Product Title") == []
    assert "no data rows" in headers.no_rows().message


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\ufeff"])
@pytest.mark.parametrize("hint", ["", "sep=;\r\n", "SEP=,\n", "sep=\t\r", '"sep=;"\r\n'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_hints_of_programs_before_a_header_are_none(mark: str, hint: str, encoding: str) -> None:
    codec = "utf-16-be" if encoding == "utf-16" else encoding
    data = f"{mark}{hint}Product Handle;Product Title\r\na;A,\tB\r\n".encode(codec)
    for size in (1, 1000):
        assert read(data, {"encoding": encoding}, size=size) == [["a", "A,\tB"]]


@pytest.mark.parametrize("line", ["sep=|", "sep=", "sep=;;", " sep=;", "sep"])
def test_other_lines_before_a_header_are_taken_for_it(line: str) -> None:
    assert any(
        "Missing column(s)" in error.message
        for error in errors_of(f"{line}\nProduct Handle;Product Title\na;A\n".encode())
    )


def test_a_header_that_comes_twice_is_told() -> None:
    assert message(b"Product Handle;Product Title;Product Title\na;b;c") == (
        "Column Product Title comes twice in the given csv file"
    )


def test_a_file_has_2000_columns_at_most() -> None:
    titles = ["Product Handle", *(f"Image {number} Url" for number in range(1, 5000))]
    assert len(read_header([";".join(titles[:2000]).encode()], {}).titles) == 2000
    assert message(";".join(titles).encode()) == "There are 5000 columns, of 2000 that can be"


def test_titles_have_1000_characters_and_96_kb_together_at_most() -> None:
    longest = f"Price {'x' * 988} [EUR]"
    assert len(read_header([f"Product Handle;{longest}".encode()], {}).titles[1]) == 1000
    errors = errors_of(f"Product Handle;x{longest};y{longest}".encode())
    assert [error.message.removeprefix(FAILED) for error in errors] == [
        f"The title of column {place} has 1001 characters, of 1000 that can be" for place in (2, 3)
    ]
    assert {error.suggestion for error in errors} == {"The first row must name the columns"}
    titles = ["Product Handle", *(f"Price {number}{'é' * 400} [EUR]" for number in range(115))]
    assert len(read_header([";".join(titles).encode()], {}).titles) == 116
    titles += [f"Price y{title}" for title in titles[-10:]]
    assert re.fullmatch(r"All titles have \d+ bytes, of 98304 that can be", message(";".join(titles).encode()))


@pytest.mark.parametrize(
    "title",
    [
        *(
            "product handle",
            "Product Handle ",
            "Product\N{NO-BREAK SPACE}Title",
            "Product\nTitle",
            "Price eur",
            "Price EURO",
            "Price X [eur]",
            "Price [EUR]",
            "Option Name",
        ),
        *("Option 0 Name", "Option 01 Name", "Option 1 Url", "Image 1 Name", "Image x Url", "Sales Channel 1"),
        *("Product MID code", "Variant Price EUR", "Option \u0661 Name"),
    ],
)
def test_names_of_columns_are_exact(title: str) -> None:
    cell = f'"{title}"' if "\n" in title else title
    assert message(f"Product Handle;{cell};Variant SKU\na".encode()) == (
        f"Unable to treat column {title} from the csv file. No target column found in the provided schema"
    )


@pytest.mark.parametrize(
    ("title", "suggestion"),
    [
        *(
            ("product handle ", "Product Handle"),
            ("\ufeffproduct_handle", "Product Handle"),
            ("Handle", "Product Handle"),
        ),
        *(
            ("Variant\N{NO-BREAK SPACE}SKU", "Variant SKU"),
            ("Sku", "Variant SKU"),
            ("'Variant Barcode'", "Variant Barcode"),
        ),
        *(("Product MID code", "Product MID Code"), ("Product\nTitle", "Product Title"), ("Tags", "Product Tags")),
        *(
            ("Price eur", "Price EUR"),
            ("price_usd", "Price USD"),
            ("Price [EUR]", "Price EUR"),
            ("PRICE (EUR)", "Price EUR"),
        ),
        *(("Price North America [usd]", "Price North America [USD]"), ("Variant Price EUR", "Price EUR")),
        *(
            ("Option Name", "Option 1 Name"),
            ("Option2 Value", "Option 2 Value"),
            ("Product Image 3 Url", "Image 3 Url"),
        ),
        *(("image", "Image 1 Url"), ("Sales Channel Name", "Sales Channel 1 Name")),
        # Of these it is not clear what they mean.
        *(
            ("Weight", None),
            ("Title", None),
            ("Colour", None),
            ("price xyz", None),
            ("Price", None),
            ("Sale Price EUR", None),
        ),
        *(("Image 1 Name", None), ("Option 0 Name", None), ("Product Type Id", None), ("x" * 500, None)),
    ],
)
def test_an_unknown_column_is_told_with_the_one_that_may_be_meant(title: str, suggestion: str | None) -> None:
    cell = f'"{title}"' if "\n" in title else title
    [*_, error] = errors_of(f"Product Id;{cell};Variant Id\na".encode())
    assert error.message == (
        f"{FAILED}Unable to treat column {title} from the csv file. No target column found in the provided schema"
    )
    assert error.suggestion == suggestion


def test_a_column_that_is_there_is_not_suggested() -> None:
    [error] = errors_of(b"Product Handle;handle\na;b")
    assert error.suggestion is None


def test_columns_of_another_shop_are_suggested_for_its_files() -> None:
    context = {"dialect": "shopify", "currency": "eur"}
    found = {
        error.column: error.suggestion for error in errors_of(b"Handle,Title,variant price,vendor,Colour\n", context)
    }
    assert found == {"variant price": "Variant Price", "vendor": "Vendor", "Colour": None}


def test_columns_of_a_file_that_looks_like_one_of_another_shop_are_not_suggested_one_by_one() -> None:
    found = errors_of(b"Handle,Title,Body (HTML),Vendor,Tags,Image Src\n")
    assert [error.suggestion for error in found] == [None] * len(found)


@pytest.mark.parametrize(
    ("header", "suggestion"),
    [
        ("Product Handle|Product Title", "Separate columns by ; or , or a tab, not by |"),
        ("handle^title", "Separate columns by ; or , or a tab, not by ^"),
        ('"Product Handle,Product Title"', "Each row as a whole is in quotes: only cells can be"),
        ('"Product Handle;Product Title"', "Each row as a whole is in quotes: only cells can be"),
        ("a|b", None),
    ],
)
def test_a_header_that_is_one_cell_is_told_with_what_may_be_the_matter(header: str, suggestion: str | None) -> None:
    missing, unknown = errors_of(f"{header}\na|A\n".encode())
    assert "Missing column" in missing.message
    assert unknown.suggestion == suggestion


@pytest.mark.parametrize("first", ["My products;;", "a;A;1.00"])
def test_a_first_row_that_is_no_header_is_told_as_that(first: str) -> None:
    missing, *_ = errors_of(f"{first}\nProduct Handle;Product Title;Variant SKU\na;A;1\n".encode())
    assert missing.message == f'{FAILED}Missing column(s) "Product Handle" from the given csv file'
    assert missing.suggestion == "The first row must name the columns"


@pytest.mark.parametrize("first", [";;", ",", "\t\t", '""', '"";""'])
def test_an_empty_row_before_a_header_is_told(first: str) -> None:
    assert [error.message.removeprefix(FAILED) for error in errors_of(f"{first}\nProduct Handle\na\n".encode())] == [
        'Missing column(s) "Product Handle" from the given csv file',
        "The first row, which must name the columns, is empty",
    ]


def test_columns_without_a_title_are_told_by_their_places() -> None:
    found = [error.message.removeprefix(FAILED) for error in errors_of(b",Product Handle,,Product Title\n0,a,,A")]
    assert found == [
        f"Unable to treat column {place} (which has no title) from the csv file. "
        "No target column found in the provided schema"
        for place in (1, 3)
    ]


def test_columns_without_a_title_are_left_out_by_a_mapping() -> None:
    data = b",Product Handle,,Product Title\n0,a,,A"
    header = read_header([data], {"mapping": {"": None}})
    assert (header.targets, header.ignored) == ([None, "Product Handle", None, "Product Title"], [""])
    assert "comes twice" in message(data, {"mapping": {"": "Variant SKU"}})


def test_all_errors_of_a_header_are_told() -> None:
    found = [error.message.removeprefix(FAILED) for error in errors_of(b"Colour;Product Title;Size;Product Title\nx")]
    assert found == [
        'Missing column(s) "Product Handle" from the given csv file',
        "Unable to treat column Colour from the csv file. No target column found in the provided schema",
        "Unable to treat column Size from the csv file. No target column found in the provided schema",
        "Column Product Title comes twice in the given csv file",
    ]


def test_the_columns_of_errors_are_left_out() -> None:
    header = read_header([b"Product Handle;Error Line;Error Message\n"], {})
    assert (header.targets, header.ignored) == (["Product Handle", None, None], [])


def test_a_header_is_kept_as_json_has_it() -> None:
    header = read_header(["Product Handle;Price Füssen [EUR]\r\n".encode()], {})
    kept: list[Any] = list(header)
    assert Header(*kept) == header
    assert header.beginning == Position(36, 0)


def test_a_header_is_read_from_as_many_blocks_as_it_needs() -> None:
    data = ("Product Handle;" + ";".join(f'"Price {"x" * 38}{n} [EUR]"' for n in range(1500)) + "\r\na\r\n").encode()
    for size in (1000, BLOCK, len(data)):
        header = read_header(in_pieces(data, [size]), {})
        assert (len(header.titles), header.end) == (1501, len(data) - 3)


def test_columns_are_mapped() -> None:
    data = b"Name,Product Title,Ref,Stock\na,b,c,d"
    context = {"mapping": {"Name": "Product Handle", "Ref": "Variant SKU", "Stock": None}}
    header = read_header([data], context)
    assert header.titles == ["Name", "Product Title", "Ref", "Stock"]
    assert header.targets == ["Product Handle", "Product Title", "Variant SKU", None]
    assert header.ignored == ["Stock"]


@pytest.mark.parametrize(
    ("mapping", "why"),
    [
        ({"Name": "Handle"}, "Handle in context.mapping is no column of product files"),
        (["Name"], "mapping must be an object of titles of columns, or null"),
        ({"Name": 5}, "mapping must be an object of titles of columns, or null"),
        ({"Nome": "Product Title"}, "Column Nome of context.mapping is not in the given csv file"),
        ({"Name": "Product Handle"}, "Columns Product Handle and Name are both mapped to Product Handle"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told(mapping: object, why: str) -> None:
    found = [
        error.message.removeprefix(FAILED) for error in errors_of(b"Product Handle;Name\na;b", {"mapping": mapping})
    ]
    assert why in found


@pytest.mark.parametrize(
    ("mapping", "told", "suggestion"),
    [
        ({"Name": "handle"}, "handle in context.mapping is no column", "Product Handle"),
        (
            {"Product Handle": "Name"},
            "Name in context.mapping is no column",
            "A mapping is from titles of the file to ours",
        ),
        ({"Name": ""}, '"" in context.mapping is no column', "null leaves a column out"),
        ({"Name": "Colour"}, "Colour in context.mapping is no column", None),
    ],
)
def test_a_mapping_to_no_column_is_told_with_what_may_be_meant(
    mapping: dict[str, str], told: str, suggestion: str | None
) -> None:
    [error] = errors_of(b"Name\na", {"mapping": mapping})
    assert error.message.startswith(FAILED + told)
    assert (error.column, error.suggestion) == (next(iter(mapping)), suggestion)


@pytest.mark.parametrize(
    ("titles", "dialect"),
    [
        ("Handle,Title,Body (HTML),Vendor,Type", "shopify"),
        ("Title,URL handle,Description,Vendor,Option1 name", "shopify"),
        ("Product Id,Product Handle,Variant Price EUR,Variant Option 1 Name,Product Image 1 Url", "medusa-v2"),
    ],
)
def test_a_file_that_looks_like_one_of_another_shop_is_told_so(titles: str, dialect: str) -> None:
    hint = errors_of(titles.encode())[-1]
    assert f'set context.dialect to "{dialect}"' in hint.message


# Bounds.


@pytest.mark.parametrize(
    ("endless", "why"),
    [
        (lambda: (b"x" * BLOCK for _ in range(1600)), "More than"),
        (lambda: itertools.chain([b'a;"'], (b"abc\r\n" * 13000 for _ in range(1600))), "A cell has more than"),
        (lambda: (b"a;" * (BLOCK // 2) for _ in range(1600)), "More than"),
        (lambda: (b'"b";' * (BLOCK // 4) for _ in range(1600)), "More than"),
    ],
    ids=["one cell", "a quote that is never closed", "cells without end", "quoted cells without end"],
)
def test_a_hundred_megabytes_without_a_row_do_not_pile_up(endless: Callable[[], Iterator[bytes]], why: str) -> None:
    tracemalloc.start()
    try:
        rows, errors = whole(Reader(endless(), "utf-8", ";", Position(0, 0), is_last=True))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == []
    assert why in errors[0]
    assert peak < 20 * LARGEST_ROW
    assert re.search(r"in line 1 of the given csv file$", errors[0])


def test_an_endless_header_is_told() -> None:
    with pytest.raises(Unreadable) as raised:
        read_header((b"Product Title;" * 10000 for _ in range(1000)), {})
    assert "header" in str(raised.value)
