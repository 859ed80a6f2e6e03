"""Cells of product files: what they give, and what is the matter with them."""

import csv
import io
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchyard.catalogue.rules import LARGEST_QUANTITY, Price
from batchyard.product_files import cells
from batchyard.product_files.faults import RowError, quoted
from batchyard.product_files.gathering import gather
from batchyard.product_files.header import read_header
from batchyard.product_files.parsing import Given, Parser
from batchyard.product_files.reading import Row
from tests.support.imports import Catalogue

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def parsed(columns: dict[str, str], *, missing: tuple[str, ...] = (), **options: Any) -> Given:
    """What a row gives: its handle and some more cells; columns behind those that are missing."""
    titles = ["Product Handle", *columns, *missing]
    found = ["h", *columns.values()]
    if "Product Handle" in columns:
        titles, found = titles[1:], found[1:]
    header = read_header([(cells.row(titles) + "\r\n").encode()], {})
    [given] = gather(Parser(header, Catalogue().known, **options), [Row(1, found)])
    return given


def wrong(columns: dict[str, str], **options: Any) -> RowError:
    [error] = parsed(columns, **options).errors
    assert error.line == 1
    assert error.column in columns
    return error


def test_a_row_gives_what_it_has_cells_for() -> None:
    row = parsed(
        {"Product Title": "", "Product Weight": "", "Variant SKU": "", "Variant Barcode": "0012"},
        missing=("Product Material", "Variant Title", "Product Tags", "Image 1 Url", "Price EUR", "Option 1 Name"),
    )
    assert row.product == {"title": None, "weight": None}
    assert row.variant == {"sku": None, "barcode": "0012"}
    assert (row.tags, row.images, row.prices, row.options, row.sales_channels) == (None,) * 5
    assert (row.status, row.quantity, row.errors) == (None, None, [])


def test_empty_cells_of_required_fields_keep_the_value() -> None:
    row = parsed(
        {
            "Product Status": "",
            "Product Discountable": "",
            "Variant Inventory Quantity": "",
            "Variant Allow Backorder": "",
            "Variant Manage Inventory": "",
        }
    )
    assert (row.status, row.quantity, row.product, row.variant, row.errors) == (None, None, {}, {}, [])


def test_empty_lists_are_cleared() -> None:
    row = parsed(
        {
            "Product Tags": "",
            "Image 2 Url": "",
            "Price EUR": "",
            "Option 1 Name": "",
            "Option 1 Value": "",
            "Sales Channel 1 Id": "",
            "Sales Channel 1 Description": "x",
        }
    )
    assert (row.tags, row.images, row.prices, row.options, row.sales_channels) == ((), (), (), {}, ())


def test_the_handle_is_required() -> None:
    [error] = parsed({"Product Title": "x", "Product Handle": ""}).errors
    assert error.message == (
        'The csv file parsing failed due to: No value found for target column "Product Handle" '
        "in line 1 of the given csv file"
    )


@pytest.mark.parametrize(
    ("column", "cell", "suggestion"),
    [
        *(("Product Status", "Published ", "published"), ("Product Status", "active", None)),
        *(("Product Collection Handle", "Shoes ", "shoes"), ("Product Collection Handle", "boots", None)),
        *(("Sales Channel 1 Name", "web", "Web"), ("Sales Channel 1 Name", "!", None)),
        *(("Price north america [USD]", "1", "North America"), ("Price South [USD]", "1", None)),
    ],
)
def test_a_name_that_is_not_known_is_told_with_the_one_that_may_be_meant(
    column: str, cell: str, suggestion: str | None
) -> None:
    assert wrong({column: cell}).suggestion == suggestion


def test_a_row_without_a_handle_is_told_with_what_to_do() -> None:
    outcome = Catalogue().load(b"Product Handle;Variant SKU\n;A\n;\n;;;\n")
    assert [(error.line, error.suggestion) for error in outcome.errors] == [
        (1, "Each row needs the handle of its product"),
        (2, "The row is empty: remove it"),
        (3, "The row is empty: remove it"),
    ]


@pytest.mark.parametrize(
    ("row", "notices"),
    [("a;A;1.50", 1), ("a;A;1,50", 1), ("a\tA\t1.50", 1), ("a", 0), ("a,A", 0), ("a;b,A,1.50", 0), ("a,A;B", 0)],
)
def test_a_row_with_another_delimiter_than_the_header_is_told(row: str, notices: int) -> None:
    outcome = Catalogue().load(f"Product Handle,Product Title,Price EUR\n{row}\n".encode())
    assert (outcome.errors, outcome.notices) == ([], notices)


def test_a_row_longer_than_the_header_may_have_empty_cells() -> None:
    header = read_header([b"Product Handle;Product Title\n"], {})
    parser = Parser(header, Catalogue().known)
    [fits, too_long] = gather(parser, [Row(6, ["a", "b", "", ""]), Row(7, ["a", "b", "", "c"])])
    assert fits.errors == []
    [error] = too_long.errors
    assert error.line == 7
    assert error.message.endswith("4 cells found for 2 columns in line 7 of the given csv file")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["", ";;"])
def test_a_header_that_comes_again_is_told_as_that(mark: str, end: str) -> None:
    """Files that were put behind each other have it once for each."""
    titles = "Product Handle;Product Id;Product Status;Price EUR"
    data = f"{titles}\na;;draft;1\n{mark}{titles}{end}\nb;;;2\n".encode()
    catalogue = Catalogue()
    outcome = catalogue.load(data, {"on_error": "skip"})
    [error] = outcome.errors
    assert (error.line, error.message.rpartition(": ")[2]) == (
        2,
        "The header comes again in line 2 of the given csv file",
    )
    assert [product.handle for product in catalogue.products.values()] == ["a", "b"]


@pytest.mark.parametrize("cell", ["true", "TRUE", "True", "false", "False"])
def test_booleans_are_in_any_case(cell: str) -> None:
    assert parsed({"Variant Allow Backorder": cell}).variant == {"allow_backorder": cell.lower() == "true"}


@pytest.mark.parametrize("cell", ["yes", "1", "0", " true", "wahr", "VRAI", "t", "\u017false"])
def test_invalid_booleans_are_refused(cell: str) -> None:
    assert f"{quoted(cell)} is neither true nor false" in wrong({"Product Discountable": cell}).message


@pytest.mark.parametrize(
    ("column", "cell", "amount"),
    [
        ("Price EUR", "19.99", 1999),
        ("Price EUR", "5", 500),
        ("Price EUR", "5.5", 550),
        ("Price EUR", "0", 0),
        ("Price EUR", "007.10", 710),
        ("Price JPY", "250", 250),
        ("Price KWD", "1.234", 1234),
        ("Price EUR", "90071992547409.91", 9007199254740991),
    ],
)
def test_amounts_are_decimals(column: str, cell: str, amount: int) -> None:
    assert parsed({column: cell}).prices == (Price(column[-3:].lower(), amount),)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        *(("Price EUR", cell) for cell in ("1,50", "7,203.64", "1.234,56", "€ 5", "1.234", "1.500", "-1", "+1", ".5")),
        *(
            ("Price EUR", cell)
            for cell in ("5.", " 5", "5 ", "1e3", "\u0661", "½", "NaN", "1_000", "900719925474099.93")
        ),
        *(("Price EUR", cell) for cell in ("abc", "true", "5\n", "9" * 5000, "5%", "#DIV/0!", "5 EUR")),
        # What separates thousands in Switzerland, in France and by hand; and digits of a Japanese keyboard.
        *(("Price EUR", cell) for cell in ("1'234.50", "1\u202f234,50", "1\u00a0234.50", "1 234.50", "\uff11\uff12")),
        *(("Price JPY", cell) for cell in ("1.5", "250.00", "1.")),
        ("Price KWD", "1.2345"),
    ],
)
def test_an_invalid_amount_is_told_with_its_column(column: str, cell: str) -> None:
    error = wrong({column: cell})
    assert error.column == column
    assert error.message.startswith(f"{column}: {quoted(cell)} is no amount")
    assert cell[:80] in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("Price EUR", "90071992547409.93", "(at most 90071992547409.92)"),
        ("Price JPY", "9007199254740993", "(at most 9007199254740992)"),
        ("Product Weight", "9007199254740993.5", "(at most 9007199254740992)"),
        ("Product Weight", "12345678901234567890", "(at most 9007199254740992)"),
    ],
)
def test_numbers_that_are_too_large_are_told_with_the_largest(column: str, cell: str, why: str) -> None:
    assert wrong({column: cell}).message.endswith(why)


def test_prices_are_in_the_order_of_the_model() -> None:
    row = parsed(
        {
            "Price North America [USD]": "4",
            "Price USD": "3",
            "Price JPY": "",
            "Price A[1]; B [EUR]": "2",
            "Price EUR": "1",
        }
    )
    assert row.prices == (
        Price("eur", 100),
        Price("eur", 200, "A[1]; B"),
        Price("usd", 300),
        Price("usd", 400, "North America"),
    )


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("Price Nowhere [USD]", "Trying to set a price for a region Nowhere that doesn't exist"),
        ("Price north america [USD]", "Trying to set a price for a region north america that doesn't exist"),
        ("Price XYZ", "Trying to set a price in a currency XYZ that doesn't exist"),
        ("Price North America [EUR]", "Trying to set a price in EUR for a region North America that has USD"),
    ],
)
def test_an_unknown_region_or_currency_is_told_where_it_has_a_price(column: str, message: str) -> None:
    assert wrong({column: "1"}).message == message
    assert parsed({column: ""}).errors == []


@pytest.mark.parametrize(
    ("cell", "number"), [("0", 0), ("12", 12), ("1.5", 1.5), ("1.50", 1.5), (".5", 0.5), ("12.0", 12), ("007", 7)]
)
def test_measures_are_numbers(cell: str, number: float) -> None:
    found = parsed({"Variant Weight": cell}).variant["weight"]
    assert found == number
    assert type(found) is type(number)


@pytest.mark.parametrize("cell", ["1,5", "-1", "1e3", "12 g", "inf", "nan", "9" * 400, "9" * 5000, "5.", "\u0661"])
def test_invalid_measures_are_refused(cell: str) -> None:
    assert "is no number" in wrong({"Product Weight": cell}).message


@pytest.mark.parametrize(
    "cell", ["-1", "+1", "1.0", "1,000", "1.000", "1e3", str(LARGEST_QUANTITY + 1), "9" * 5000, "²", " 1", "1 ", "x"]
)
def test_quantities_are_whole_numbers(cell: str) -> None:
    assert "is no whole number from 0" in wrong({"Variant Inventory Quantity": cell}).message
    assert parsed({"Variant Inventory Quantity": cell}, quantities=False).errors == []


def test_quantities_are_left_out_where_they_are_not_wanted() -> None:
    assert parsed({"Variant Inventory Quantity": "5"}).quantity == 5
    row = parsed({"Variant Inventory Quantity": "5"}, quantities=False)
    assert (row.quantity, row.has_variant) == (None, False)


def test_a_status_is_one_of_four() -> None:
    assert parsed({"Product Status": "proposed"}).status == "proposed"
    assert "active is none of draft, proposed, published, rejected" in wrong({"Product Status": "active"}).message


def test_a_collection_is_known_by_its_handle() -> None:
    row = parsed({"Product Collection Handle": "hats; caps", "Product Collection Title": "Other", "Product Type": "t"})
    assert row.product == {"collection": "hats; caps", "type": "t"}
    error = wrong({"Product Collection Handle": "gone"})
    assert (error.code, error.message) == ("not_found", "Product collection with handle: gone was not found")


@pytest.mark.parametrize(
    ("columns", "channels"),
    [
        ({"Sales Channel 1 Id": "sc_2"}, ("sc_2",)),
        ({"Sales Channel 1 Name": "Shop, big"}, ("sc_2",)),
        ({"Sales Channel 1 Id": "sc_2", "Sales Channel 1 Name": "Web"}, ("sc_2",)),
        ({"Sales Channel 1 Id": "sc_other", "Sales Channel 1 Name": "Web"}, ("sc_1",)),
        ({"Sales Channel 2 Id": "sc_1", "Sales Channel 1 Id": "sc_2"}, ("sc_2", "sc_1")),
        ({"Sales Channel 2 Id": "sc_1", "Sales Channel 1 Name": "Web"}, ("sc_1",)),
    ],
)
def test_sales_channels_are_known_by_their_ids_else_their_names(columns: dict[str, str], channels: tuple[str]) -> None:
    row = parsed(columns)
    assert (row.errors, row.sales_channels) == ([], channels)


@pytest.mark.parametrize("part", ["Id", "Name"])
def test_an_unknown_sales_channel_is_told(part: str) -> None:
    error = wrong({f"Sales Channel 1 {part}": "gone"})
    assert (error.code, error.message) == ("not_found", f"Sales channel with {part.lower()}: gone was not found")


def test_images_are_in_the_order_of_their_numbers() -> None:
    row = parsed({"Image 10 Url": "c", "Image 2 Url": "b", "Image 3 Url": "", "Image 1 Url": "a"})
    assert row.images == ("a", "b", "c")


@pytest.mark.parametrize(
    ("column", "most"),
    [
        *((f"{of} Title", 255) for of in ("Product", "Variant")),
        *((title, 255) for title in ("Product Handle", "Variant SKU", "Variant Barcode", "Product Material")),
        ("Product Description", 100_000),
        ("Product Thumbnail", 2048),
        ("Image 1 Url", 2048),
        ("Product Tags", 255),
    ],
)
def test_texts_have_a_limit(column: str, most: int) -> None:
    assert parsed({column: "\U0001f600" * most}).errors == []
    error = wrong({column: "\U0001f600" * (most + 1)})
    assert error.message == f"{column}: {most + 1} characters, of {most} that can be"


def test_options_have_limits() -> None:
    long = "x" * 256
    row = parsed({"Option 1 Name": long, "Option 1 Value": long, "Option 2 Name": "x" * 255})
    assert [error.column for error in row.errors] == ["Option 1 Name", "Option 1 Value"]


def test_lists_have_limits() -> None:
    assert parsed({"Product Tags": ",".join("x" * 250)}).errors == []
    assert "251 tags, of 250" in wrong({"Product Tags": ",".join("x" * 251)}).message
    assert parsed({f"Image {number} Url": "x" for number in range(1, 251)}).errors == []
    assert "251 images, of 250" in wrong({f"Image {number} Url": "x" for number in range(1, 252)}).message


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('red,"big, tall"', ("red", "big, tall")),
        (" red , big ,, ", ("red", "big")),
        ('"a""b" , c', ('a"b', "c")),
        ('5" pipe', ('5" pipe',)),
        ('" x ",""', (" x ", "")),
        ("a;b", ("a;b",)),
        ('"a\r\nb"', ("a\r\nb",)),
        ("a,a", ("a", "a")),
    ],
)
def test_tags_are_a_list_in_a_cell(cell: str, tags: tuple[str, ...]) -> None:
    assert parsed({"Product Tags": cell}).tags == tags


@pytest.mark.parametrize("cell", ['"a"b', '"a', 'a,"b" c,d', '"', 'x,"' + '"' * 100_000])
def test_tags_that_are_no_list_are_told(cell: str) -> None:
    assert "is no list" in wrong({"Product Tags": cell}).message


@given(st.lists(TEXTS, max_size=6))
def test_any_tags_come_back(tags: list[str]) -> None:
    assert cells.tags_in(cells.tags(tags)) == tuple(tags)


@given(TEXTS, st.booleans())
def test_any_cell_comes_back_with_formulas_told(text: str, bare: bool) -> None:
    text = text if bare else "'" + text
    written = cells.row([text, "x"], escape_formulas=True)
    cell, _ = next(csv.reader(io.StringIO(written, newline=""), delimiter=";", strict=True))
    assert cells.unescaped(cell) == text


def test_formulas_are_taken_back_where_they_were_told() -> None:
    columns = {"Product Handle": "'=a", "Product Title": "'-1", "Variant SKU": "''+x", "Variant Title": "'n"}
    assert parsed(columns).product == {"title": "'-1"}
    row = parsed(columns, escape_formulas=True)
    assert (row.handle, row.product, row.variant) == ("=a", {"title": "-1"}, {"sku": "'+x", "title": "'n"})


@given(st.integers(0, 2**53), st.integers(0, 4))
def test_any_amount_comes_back(minor: int, digits: int) -> None:
    assert cells.amount_in(cells.amount(minor, digits), digits) == minor


@given(st.floats(0, 2.0**53) | st.integers(0, 2**53))
@example(2.0**-24)
@example(5e-324)
@example(1e-07)
def test_any_number_comes_back(value: float) -> None:
    assert cells.number_in(cells.number(value)) == value


def test_options_are_pairs() -> None:
    row = parsed({"Option 2 Name": "Size", "Option 2 Value": "M", "Option 1 Name": "Colour", "Option 1 Value": ""})
    assert (row.options, row.option_columns, row.errors) == ({"Colour": None, "Size": "M"}, 2, [])
    assert "has no option name" in wrong({"Option 1 Name": "", "Option 1 Value": "M"}).message
    twice = {"Option 1 Name": "A", "Option 1 Value": "1", "Option 2 Name": "A", "Option 2 Value": "2"}
    assert wrong(twice).message == "Option A is given twice"


def test_errors_name_the_column_as_the_file_does() -> None:
    header = read_header([b"Ref,Cost\n"], {"mapping": {"Ref": "Product Handle", "Cost": "Price EUR"}})
    [[error]] = [given.errors for given in gather(Parser(header, Catalogue().known), [Row(3, ["a", "x"])])]
    assert (error.line, error.column) == (3, "Cost")
    assert "Cost: x is no amount" in error.message


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("19,90", "19,90"),
        (" 19.90", '" 19.90"'),
        ("true ", '"true "'),
        ("1\N{NO-BREAK SPACE}234.50", '"1\N{NO-BREAK SPACE}234.50" (with U+00A0)'),
        ("5\N{ZERO WIDTH SPACE}", '"5\N{ZERO WIDTH SPACE}" (with U+200B)'),
        ("1\n2\N{NARROW NO-BREAK SPACE}", '"1\n2\N{NARROW NO-BREAK SPACE}" (with U+000A, U+202F)'),
        (f"{'x' * 79} y", f"{'x' * 79} …"),
        ("", '""'),
    ],
)
def test_blanks_and_characters_that_nobody_sees_are_told(cell: str, told: str) -> None:
    assert quoted(cell) == told


def test_errors_tell_the_blanks_of_a_cell() -> None:
    titles = "Product Collection Handle;Product Discountable;Price EUR;Variant Inventory Quantity;Product Status"
    data = f"Product Handle;{titles}\na;shoes ;true ;5\N{NO-BREAK SPACE};1 ;draft\N{ZERO WIDTH SPACE}\n"
    messages = {error.column: error.message for error in Catalogue().load(data.encode()).errors}
    assert messages.keys() == set(titles.split(";"))
    assert '"shoes " was not found' in messages["Product Collection Handle"]
    assert '"true " is neither' in messages["Product Discountable"]
    assert "(with U+00A0) is no amount" in messages["Price EUR"]
    assert '"1 " is no whole number' in messages["Variant Inventory Quantity"]
    assert "(with U+200B) is none of" in messages["Product Status"]


def test_every_error_of_a_row_is_told() -> None:
    row = parsed({"Product Handle": "", "Product Status": "x", "Price EUR": "x", "Variant Weight": "x"})
    assert {error.column for error in row.errors} == {"Product Handle", "Product Status", "Price EUR", "Variant Weight"}


@pytest.mark.parametrize(
    ("columns", "has_variant"),
    [
        ({"Product Title": "x", "Image 1 Url": "x", "Sales Channel 1 Id": "sc_1"}, False),
        ({"Variant SKU": "x"}, True),
        ({"Option 1 Name": "x"}, True),
        ({"Price EUR": "1"}, True),
        ({"Variant Inventory Quantity": "0"}, True),
        ({"Variant SKU": "", "Option 1 Name": "", "Price EUR": ""}, False),
    ],
)
def test_a_row_may_say_nothing_of_a_variant(columns: dict[str, str], has_variant: bool) -> None:
    assert parsed(columns).has_variant is has_variant
