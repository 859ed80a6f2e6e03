"""Files of products: every cell comes back as it was, and every row has the cells that the header promises."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.catalogue.rules import Price, Product, Variant
from batchyard.product_files import cells
from batchyard.product_files.columns import PROFILE, Shape, titles
from batchyard.product_files.rows import Layout, Names, shape_of

NAMES = Names(
    {"shoes": "Shoes; and more"}, {"sc_1": ("Web", "The shop")}, lambda currency: 0 if currency == "jpy" else 2
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)

SHIRT = Product(
    id="prod_1",
    handle="shirt",
    status="published",
    created=0,
    updated=0,
    by="test",
    fields={"title": 'Shirt, "blue"', "weight": 1.5, "length": 12, "collection": "shoes", "discountable": False},
    tags=("red", "big, tall", 'a"b'),
    images=("https://img.example/a.png",),
    options=("Size", "Colour"),
    sales_channels=("sc_1", "sc_gone"),
    variants=(
        Variant(
            "variant_1",
            1,
            {"title": "S", "sku": "00123", "allow_backorder": True},
            (Price("eur", 1990), Price("jpy", 250), Price("usd", 1, "North America")),
            ("S", None),
        ),
        Variant("variant_2", 2, {}, (), ("M", "blue")),
    ),
)


def parsed(text: str) -> list[dict[str, str]]:
    """The rows of a file, by their columns."""
    assert text.endswith("\r\n")
    found = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))
    assert all(None not in row and None not in row.values() for row in found)
    return found


def file_of(*products: Product, quantities: dict[int, int] | None = None, escape_formulas: bool = False) -> str:
    layout = Layout(escape_formulas=escape_formulas)
    records = [layout.record(product, quantities or {}, NAMES) for product in products]
    shape = Shape()
    for record in records:
        shape = shape.merged(shape_of(record))
    return layout.header(shape) + "".join(layout.rows(record, shape) for record in records)


def test_the_header_of_product_files_is_that_of_medusa_v1() -> None:
    assert titles(Shape((("eur", None), ("usd", "North America")), 1, 1, 1)) == [
        "Product Id",
        "Product Handle",
        "Product Title",
        "Product Subtitle",
        "Product Description",
        "Product Status",
        "Product Thumbnail",
        "Product Weight",
        "Product Length",
        "Product Width",
        "Product Height",
        "Product HS Code",
        "Product Origin Country",
        "Product MID Code",
        "Product Material",
        "Product Collection Title",
        "Product Collection Handle",
        "Product Type",
        "Product Tags",
        "Product Discountable",
        "Product External Id",
        "Product Profile Name",
        "Product Profile Type",
        "Variant Id",
        "Variant Title",
        "Variant SKU",
        "Variant Barcode",
        "Variant Inventory Quantity",
        "Variant Allow Backorder",
        "Variant Manage Inventory",
        "Variant Weight",
        "Variant Length",
        "Variant Width",
        "Variant Height",
        "Variant HS Code",
        "Variant Origin Country",
        "Variant MID Code",
        "Variant Material",
        "Price EUR",
        "Price North America [USD]",
        "Option 1 Name",
        "Option 1 Value",
        "Image 1 Url",
        "Sales Channel 1 Id",
        "Sales Channel 1 Name",
        "Sales Channel 1 Description",
    ]


def test_a_product_is_a_row_for_each_variant() -> None:
    first, second = parsed(file_of(SHIRT, quantities={1: 7}))
    shared = {
        "Product Id": "prod_1",
        "Product Handle": "shirt",
        "Product Title": 'Shirt, "blue"',
        "Product Subtitle": "",
        "Product Status": "published",
        "Product Weight": "1.5",
        "Product Length": "12",
        "Product Collection Title": "Shoes; and more",
        "Product Collection Handle": "shoes",
        "Product Tags": 'red,"big, tall","a""b"',
        "Product Discountable": "false",
        "Product Profile Name": PROFILE[0],
        "Image 1 Url": "https://img.example/a.png",
        "Sales Channel 1 Id": "sc_1",
        "Sales Channel 1 Name": "Web",
        "Sales Channel 1 Description": "The shop",
        "Sales Channel 2 Id": "sc_gone",
        "Sales Channel 2 Name": "",
    }
    for row in (first, second):
        assert shared.items() <= row.items()
    assert {
        "Variant Id": "variant_1",
        "Variant Title": "S",
        "Variant SKU": "00123",
        "Variant Inventory Quantity": "7",
        "Variant Allow Backorder": "true",
        "Variant Manage Inventory": "true",
        "Price EUR": "19.90",
        "Price JPY": "250",
        "Price North America [USD]": "0.01",
        "Option 1 Name": "Size",
        "Option 1 Value": "S",
        "Option 2 Name": "Colour",
        "Option 2 Value": "",
    }.items() <= first.items()
    assert {
        "Variant SKU": "",
        "Variant Inventory Quantity": "0",
        "Variant Allow Backorder": "false",
        "Price EUR": "",
        "Option 2 Value": "blue",
    }.items() <= second.items()


def test_a_product_without_variants_is_a_row_that_is_about_none() -> None:
    bare = Product("prod_2", "bare", "draft", 0, 0, "test", parent=9, options=("Size",), images=("https://i/1",))
    *_, row = parsed(file_of(SHIRT, bare))
    assert row["Product Handle"] == "bare"
    assert row["Image 1 Url"] == "https://i/1"
    about_variants = [name for name in row if name.startswith(("Variant", "Price", "Option"))]
    assert len(about_variants) == 15 + 3 + 4
    assert {row[name] for name in about_variants} == {""}


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), min_size=1, max_size=5))
def test_any_text_comes_back_from_a_cell(found: list[list[str]]) -> None:
    written = "".join(cells.row(row) + cells.LINE_END for row in found)
    assert list(csv.reader(io.StringIO(written, newline=""), delimiter=";", strict=True)) == found


@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_comma_never_splits_a_cell(delimiter: str) -> None:
    written = delimiter.join([cells.row(["a,b"]), cells.row(["c"])])
    assert next(csv.reader([written], delimiter=delimiter, strict=True)) == ["a,b", "c"]


@given(st.lists(TEXTS, max_size=5))
def test_any_tags_come_back_from_their_cell(tags: list[str]) -> None:
    cell = cells.tags(tags)
    found = next(csv.reader(io.StringIO(cell, newline=""), strict=True)) if cell else []
    assert found == tags


@given(st.integers(-(10**12), 10**12), st.integers(0, 4))
def test_an_amount_is_its_minor_units_in_decimals(minor: int, digits: int) -> None:
    text = cells.amount(minor, digits)
    assert Decimal(text) == Decimal(minor).scaleb(-digits)
    assert len(text.partition(".")[2]) == digits


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_a_number_has_digits_alone(value: float) -> None:
    text = cells.number(value)
    assert set(text) <= set("-.0123456789")
    assert float(text) == pytest.approx(value, abs=1e-20)


@given(TEXTS)
def test_a_formula_is_told_by_an_apostrophe_that_can_be_taken_away(text: str) -> None:
    written = cells.row([text, "behind"], escape_formulas=True)
    cell, _ = next(csv.reader(io.StringIO(written, newline=""), delimiter=";", strict=True))
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    taken_away = cell[1:] if cell.lstrip("'")[:1] in tuple("=+-@\t\r") and cell.startswith("'") else cell
    assert taken_away == text


def test_formulas_in_cells_are_left_alone_unless_asked() -> None:
    odd = Product("prod_3", "=1+1", "draft", 0, 0, "test", variants=(Variant("variant_3", 3, {"sku": "-1"}),))
    [row] = parsed(file_of(odd))
    assert (row["Product Handle"], row["Variant SKU"]) == ("=1+1", "-1")
    [row] = parsed(file_of(odd, escape_formulas=True))
    assert (row["Product Handle"], row["Variant SKU"]) == ("'=1+1", "'-1")


@given(st.lists(st.builds(Shape, st.just((("eur", None),)), *[st.integers(0, 3)] * 3), min_size=1, max_size=4))
def test_a_shape_has_room_for_all_its_products(shapes: list[Shape]) -> None:
    whole = Shape()
    for shape in shapes:
        whole = whole.merged(shape)
    assert whole.options == max(shape.options for shape in shapes)
    assert len(titles(whole)) == 38 + 1 + 2 * whole.options + whole.images + 3 * whole.sales_channels
