"""Product files of other shops, from their bytes to the catalogue: each row of the tables, and each rule."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.catalogue.rules import MOST_IMAGES, Price, Product, Variant
from batchyard.product_files.dialects.shopify import BECAME_DRAFT
from batchyard.product_files.faults import RowError, Unreadable
from batchyard.product_files.gathering import gather
from batchyard.product_files.header import Header, read_header
from batchyard.product_files.parsing import Parser
from batchyard.product_files.reading import Row
from tests.support.imports import Catalogue, Outcome

FAILED = "The csv file parsing failed due to: "
SHOPIFY = {"dialect": "shopify", "currency": "eur"}
MEDUSA = {"dialect": "medusa-v2"}
URL = "https://img.example/"

OLD = [
    *("Handle", "Title", "Body (HTML)", "Type", "Tags", "Published", "Option1 Name", "Option1 Value"),
    *("Option2 Name", "Option2 Value", "Option3 Name", "Option3 Value", "Variant SKU", "Variant Barcode"),
    *("Variant Price", "Variant Grams", "Variant Inventory Qty", "Variant Inventory Tracker"),
    *("Variant Inventory Policy", "Image Src", "Image Position", "Variant Image", "Status"),
]
NEW = [
    *("URL handle", "Title", "Description", "Type", "Tags", "Published on online store", "Option1 name"),
    *("Option1 value", "Option2 name", "Option2 value", "Option3 name", "Option3 value", "SKU", "Barcode", "Price"),
    *("Weight value (grams)", "Inventory quantity", "Inventory tracker", "Continue selling when out of stock"),
    *("Product image URL", "Image position", "Variant image URL", "Status"),
]
RENEWED = dict(zip(OLD, NEW, strict=True))
GENERATIONS = pytest.mark.parametrize("names", [{name: name for name in OLD}, RENEWED], ids=["2013", "2025"])

IGNORED = [
    *("Image Position", "Image Alt Text", "Vendor", "Product Category", "Variant Compare At Price", "Cost per item"),
    *("Variant Taxable", "Variant Tax Code", "Variant Requires Shipping", "Variant Fulfillment Service", "Gift Card"),
    *("SEO Title", "SEO Description", "Google Shopping / MPN", "Google Shopping / AdWords Grouping"),
    *("Google Shopping / AdWords Labels", "Google Shopping / Custom Label 4", "Included / International"),
    *("Compare At Price / International", "Variant Weight Unit", "Image position", "Image alt text"),
    *("Product category", "Compare-at price", "Charge tax", "Tax code", "Requires shipping", "Fulfillment service"),
    *("Gift card", "SEO title", "SEO description", "Google Shopping / Manufacturer part number (MPN)"),
    *("Google Shopping / Ad group name", "Google Shopping / Ads labels", "Option1 Linked To", "Option2 Linked To"),
    *("Option3 Linked To", "Unit price total measure", "Unit price total measure unit", "Unit price base measure"),
    *("Unit price base measure unit", "Color (product.metafields.shopify.color-pattern)"),
    *("Fit (EU) (product.metafields.custom.fit)", "Compare-at price / International", "Weight unit for display"),
]


def file_of(*rows: Mapping[str, str], delimiter: str = ",") -> bytes:
    """A file of rows with all columns that one of them names."""
    titles = list(dict.fromkeys(title for row in rows for title in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, titles, restval="", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def load(catalogue: Catalogue, *rows: Mapping[str, str], **context: Any) -> Outcome:
    return catalogue.load(file_of(*rows), {**SHOPIFY, **context})


def loaded(*rows: Mapping[str, str], **context: Any) -> Product:
    """The only product of a file of Shopify."""
    catalogue = Catalogue()
    outcome = load(catalogue, *rows, **context)
    assert outcome.errors == []
    [product] = catalogue.products.values()
    return product


def of_variant(row: Mapping[str, str], **context: Any) -> Variant:
    """The only variant of such a product."""
    [variant] = loaded({"Handle": "h", "Title": "H", **row}, **context).variants
    return variant


def errors(*rows: Mapping[str, str], **context: Any) -> list[tuple[int | None, str | None, str]]:
    """The errors of a file of Shopify."""
    outcome = load(Catalogue(), *rows, **context)
    assert outcome.status == "failed"
    return [(error.line, error.column, error.message) for error in outcome.errors]


def header_of(titles: Sequence[str], context: Mapping[str, Any], regions: Mapping[str, str] | None = None) -> Header:
    return read_header([file_of(dict.fromkeys(titles, ""))], context, lambda: regions or {})


def refused(titles: Sequence[str], context: Mapping[str, Any]) -> list[RowError]:
    with pytest.raises(Unreadable) as raised:
        header_of(titles, context)
    return list(raised.value.errors)


# Shopify: columns.


@GENERATIONS
def test_columns_of_either_generation_are_those_of_ours(names: Mapping[str, str]) -> None:
    catalogue = Catalogue()
    first = {
        "Handle": "tea",
        "Title": "Tea",
        "Body (HTML)": "<p>Green &amp; black</p>",
        "Type": "Drink",
        "Tags": "new, gift",
        "Published": "TRUE",
        "Option1 Name": "Size",
        "Option1 Value": "S",
        "Option2 Name": "Kind",
        "Option2 Value": "Green",
        "Option3 Name": "Pack",
        "Option3 Value": "Tin",
        "Variant SKU": "T-1",
        "Variant Barcode": "'0012345678905",
        "Variant Price": "12.50",
        "Variant Grams": "100",
        "Variant Inventory Qty": "7",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Policy": "continue",
        "Image Src": URL + "1",
        "Image Position": "1",
        "Variant Image": URL + "2",
        "Status": "active",
    }
    outcome = load(catalogue, {names[title]: cell for title, cell in first.items()})
    assert (outcome.status, outcome.errors, tuple(outcome.operations)) == ("completed", [], (1, 0, 1, 0))
    product = catalogue.by_handle("tea")
    assert product.fields == {
        "title": "Tea",
        "description": "<p>Green &amp; black</p>",
        "type": "Drink",
        "thumbnail": URL + "1",
    }
    assert (product.status, product.tags, product.images) == ("published", ("new", "gift"), (URL + "1", URL + "2"))
    assert product.options == ("Size", "Kind", "Pack")
    [variant] = product.variants
    assert variant.options == ("S", "Green", "Tin")
    assert variant.fields == {
        "title": "S / Green / Tin",
        "sku": "T-1",
        "barcode": "0012345678905",
        "weight": 100,
        "allow_backorder": True,
    }
    assert variant.prices == (Price("eur", 1250),)
    assert catalogue.stock == {variant.entity: {0: 7}}


def test_columns_of_both_generations_may_be_mixed_but_not_repeated() -> None:
    assert loaded({"Handle": "h", "Title": "H", "SKU": "1", "Variant Price": "2"}).variants[0].sku == "1"
    [error] = errors({"Handle": "h", "URL handle": "h", "Title": "H"})
    assert error[2] == FAILED + "Columns Handle and URL handle are both mapped to Product Handle"


def test_all_columns_of_a_template_are_known() -> None:
    """The template of 2025, in its order, with the prices of one market."""
    google = "Google Shopping / "
    template = [
        *("Title", "URL handle", "Description", "Vendor", "Product category", "Type", "Tags"),
        *("Published on online store", "Status", "SKU", "Barcode", "Option1 name", "Option1 value"),
        *("Option1 Linked To", "Option2 name", "Option2 value", "Option2 Linked To", "Option3 name", "Option3 value"),
        *("Option3 Linked To", "Price", "Compare-at price", "Cost per item", "Charge tax", "Tax code"),
        *("Unit price total measure", "Unit price total measure unit", "Unit price base measure"),
        *("Unit price base measure unit", "Inventory tracker", "Inventory quantity"),
        *("Continue selling when out of stock", "Weight value (grams)", "Weight unit for display"),
        *("Requires shipping", "Fulfillment service", "Product image URL", "Image position", "Image alt text"),
        *("Variant image URL", "Gift card", "SEO title", "SEO description"),
        *("Color (product.metafields.shopify.color-pattern)", f"{google}Google product category", f"{google}Gender"),
        *(f"{google}Age group", f"{google}Manufacturer part number (MPN)", f"{google}Ad group name"),
        *(f"{google}Ads labels", f"{google}Condition", f"{google}Custom product"),
        *(f"{google}Custom label {number}" for number in range(5)),
        *("Included / Asia", "Price / Asia", "Compare-at price / Asia"),
    ]
    header = header_of(template, SHOPIFY)
    read = {*NEW, "Price"}
    assert header.ignored == [title for title in template if title not in read or title == "Image position"]


@pytest.mark.parametrize("title", IGNORED)
def test_ignored_columns_are_told(title: str) -> None:
    header = header_of(["Handle", "Title", title], SHOPIFY)
    assert (header.targets, header.ignored) == (["Product Handle", "Product Title", None], [title])


def test_ignored_columns_are_told_in_the_order_of_the_file() -> None:
    header = header_of(["Vendor", "Handle", "Gift Card", "Title", "Error Line", "Published", "Type"], SHOPIFY)
    assert header.ignored == ["Vendor", "Gift Card"]


@pytest.mark.parametrize(
    "title",
    ["handle", "Option4 Name", "Option1 NAME", "Image src", "Vendors", "Price/X", "Google Shopping", "Metafield: x"],
)
def test_names_of_columns_of_a_dialect_are_exact(title: str) -> None:
    [error] = refused(["Handle", "Title", title], SHOPIFY)
    why = f"Unable to treat column {title} from the csv file. No target column found in the provided schema"
    assert error.message == FAILED + why


def test_a_mapping_wins_over_a_dialect_and_adds_to_it() -> None:
    mapping = {"Vendor": "Product Material", "Type": None, "Composer": "Product Subtitle"}
    header = header_of(["Handle", "Title", "Vendor", "Type", "Composer"], {**SHOPIFY, "mapping": mapping})
    assert header.targets == ["Product Handle", "Product Title", "Product Material", None, "Product Subtitle"]
    assert header.ignored == ["Type"]


def test_mapped_columns_are_not_derived_from_other_columns() -> None:
    row = {"Handle": "h", "Title": "H", "Option1 Name": "Size", "Option1 Value": "S", "Image Src": URL}
    mapping = {"Label": "Variant Title", "Cover": "Product Thumbnail"}
    product = loaded({**row, "Label": "Small", "Cover": URL + "cover"}, mapping=mapping)
    assert (product.fields["thumbnail"], product.images) == (URL + "cover", (URL,))
    assert product.variants[0].fields["title"] == "Small"


@pytest.mark.parametrize("published", ["Published", "Published on online store"])
def test_a_column_that_a_mapping_ignores_has_no_effect_on_others(published: str) -> None:
    row = {"Handle": "h", "Title": "H", "Status": "active", published: "FALSE"}
    assert loaded(row).status == "draft"
    assert loaded(row, mapping={published: None}).status == "published"


def test_a_region_has_its_own_price_where_there_is_one_of_the_currency() -> None:
    regions = {"North America": "usd", "Europe": "eur", "A [1]": "eur"}
    titles = ["Handle", "Title", "Price / North America", "Price / Europe", "Price / A [1]", "Price / Nowhere"]
    header = header_of(titles, SHOPIFY, regions)
    assert header.targets[2:] == [None, "Price Europe [EUR]", "Price A [1] [EUR]", None]
    assert header.ignored == ["Price / North America", "Price / Nowhere"]
    variant = of_variant({"Price": "5", "Price / North America": "4.50"}, currency="USD")
    assert variant.prices == (Price("usd", 500), Price("usd", 450, "North America"))


def test_regions_are_looked_for_only_where_they_are_needed() -> None:
    asked = []

    def regions() -> Mapping[str, str]:
        asked.append(1)
        return {"Europe": "eur"}

    read_header([b"Handle,Title,Price\nh,H,1"], SHOPIFY, regions)
    read_header([b"Product Handle\nh"], {}, regions)
    assert asked == []
    read_header([b"Handle,Title,Price / Europe,Price / Asia\nh,H,1,2"], SHOPIFY, regions)
    assert asked == [1]


# Shopify: the context.


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ({"dialect": "shopify"}, 'context.currency must say what the prices are in, as "eur": files of Shopify do not'),
        ({**SHOPIFY, "currency": None}, "context.currency must say what"),
        ({**SHOPIFY, "currency": "euro"}, 'context.currency must be a code of ISO 4217, as "eur"'),
        ({**SHOPIFY, "currency": "xxx"}, 'context.currency must be a code of ISO 4217, as "eur"'),
        ({**SHOPIFY, "currency": 978}, 'context.currency must be a code of ISO 4217, as "eur"'),
        ({**SHOPIFY, "dialect": "Shopify"}, "context.dialect must be shopify or medusa-v2, or left out"),
        ({**SHOPIFY, "dialect": ["shopify"]}, "context.dialect must be shopify or medusa-v2, or left out"),
    ],
)
def test_a_missing_context_value_is_told_once(context: Mapping[str, Any], why: str) -> None:
    [error] = refused(["Handle", "Title", "Variant Price"], context)
    assert error.message.startswith(FAILED + why)
    assert error.line is None


@pytest.mark.parametrize(("currency", "amount"), [("EUR", 1999), ("kwd", 19990)])
def test_amounts_are_of_the_currency(currency: str, amount: int) -> None:
    assert of_variant({"Price": "19.99"}, currency=currency).prices == (Price(currency.lower(), amount),)


def test_an_amount_that_is_finer_than_its_currency_is_told() -> None:
    [(line, column, message)] = errors({"Handle": "h", "Title": "H", "Variant Price": "19.99"}, currency="jpy")
    assert (line, column) == (1, "Variant Price")
    assert message == "Variant Price: 19.99 is no amount of JPY (no decimals)"


@pytest.mark.parametrize("cell", ["1,50", "€ 5", "-1", "1e3"])
def test_amounts_have_a_decimal_point_only(cell: str) -> None:
    [(line, column, message)] = errors({"Handle": "h", "Title": "H", "Price": cell})
    assert (line, column) == (1, "Price")
    assert cell in message


def test_a_blank_price_is_no_price() -> None:
    assert of_variant({"SKU": "1", "Price": ""}).prices == ()


def test_missing_columns_are_told_by_the_dialects_names() -> None:
    titles = ["Vendor", "Option1 Name", "Variant Price"]
    [error] = refused(titles, SHOPIFY)
    assert error.message == f'{FAILED}Missing column(s) "Handle" or "URL handle", "Title" from the given csv file'
    [error] = refused(titles, {**SHOPIFY, "match": "handle"})
    assert error.message == f'{FAILED}Missing column(s) "Handle" or "URL handle" from the given csv file'


@pytest.mark.parametrize(("context", "hint"), [({}, True), (MEDUSA, True), ({"mapping": {"Handle": None}}, False)])
def test_a_file_of_a_dialect_that_is_not_set_is_told_which_to_set(context: Mapping[str, Any], hint: bool) -> None:
    told = [error.message for error in refused(["Handle", "Title", "Vendor", "Variant Grams"], context)]
    assert any('set context.dialect to "shopify"' in message for message in told) is hint


def test_a_file_of_the_dialect_that_is_set_gets_no_hint() -> None:
    assert [error.column for error in refused(["Handle", "Title", "Vendor", "Variant Grams", "X"], SHOPIFY)] == ["X"]


def test_a_dialect_of_product_files_is_never_guessed() -> None:
    outcome = Catalogue().load(file_of({"Handle": "h", "Title": "H", "Vendor": "V", "Variant Price": "1"}), {})
    assert outcome.status == "failed"


# Shopify: products.


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({"Status": "active"}, "published"),
        ({"Status": "Active"}, "published"),
        ({"Status": "DRAFT"}, "draft"),
        ({"Status": "active", "Published": "TRUE"}, "published"),
        ({"Status": "active", "Published": ""}, "published"),
        ({"Status": "active", "Published": "false"}, "draft"),
        ({"Status": "draft", "Published": "true"}, "draft"),
        ({"Status": "", "Published": "true"}, "published"),
        ({"Status": "", "Published": ""}, "published"),
        ({"Status": "", "Published": "FALSE"}, "draft"),
        ({"Published": "TRUE"}, "published"),
        ({"Published": "true"}, "published"),
        ({"Published": ""}, "published"),
        ({"Published": "FALSE"}, "draft"),
        ({"Published on online store": "FALSE"}, "draft"),
        ({}, "draft"),
        ({"Status": ""}, "draft"),
    ],
)
def test_a_status_of_a_dialect_becomes_one_of_ours(cells: Mapping[str, str], status: str) -> None:
    assert loaded({"Handle": "h", "Title": "H", **cells}).status == status


@pytest.mark.parametrize("status", ["archived", "Unlisted"])
def test_archived_and_unlisted_products_become_drafts_and_that_is_told(status: str) -> None:
    catalogue = Catalogue()
    rows = [
        {"Handle": "h", "Title": "H", "Status": status, "SKU": "1", "Option1 name": "S", "Option1 value": "1"},
        {"Handle": "h", "Status": status, "SKU": "2", "Option1 value": "2"},
        {"Handle": "i", "Title": "I", "Status": "draft"},
    ]
    outcome = load(catalogue, *rows)
    assert [product.status for product in catalogue.products.values()] == ["draft", "draft"]
    assert outcome.notices == 1
    data = file_of(*rows)
    header = read_header([data], SHOPIFY)
    [plan, other] = Catalogue().plans(
        header, list(header.reader([data[header.end :]], header.beginning, is_last=True)), {}
    )
    assert [(notice.code, notice.line) for notice in plan.notices] == [(BECAME_DRAFT, 1)]
    assert other.notices == []


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("Status", "live", "active, draft, archived, unlisted"),
        ("Published", "yes", "true, false"),
        ("Published on online store", "1", "true, false"),
        ("Variant Inventory Policy", "maybe", "continue, deny, true, false"),
        ("Continue selling when out of stock", "no", "continue, deny, true, false"),
    ],
)
def test_unknown_words_in_a_cell_are_told(column: str, cell: str, words: str) -> None:
    found = errors({"Handle": "h", "Title": "H", "SKU": "1", column: cell})
    assert found == [(1, column, f"{column}: {cell} is none of {words}")]


def test_every_word_of_a_row_is_told() -> None:
    row = {"Published": "yes", "Status": "live", "Variant Inventory Policy": "maybe", "Variant Price": "1,5"}
    found = errors({"Handle": "h", "Title": "H", **row})
    assert [column for _, column, _ in found] == [*row]


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ("", ()),
        ("a", ("a",)),
        (" a ,b c,, d ,", ("a", "b c", "d")),
        ('5" pipe, "x"', ('5" pipe', '"x"')),
        ("it's, ü", ("it's", "ü")),
    ],
)
def test_tags_are_split_at_commas(cell: str, tags: tuple[str, ...]) -> None:
    assert loaded({"Handle": "h", "Title": "H", "Tags": cell}).tags == tags


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0,"), max_size=8), max_size=5))
def test_any_tags_are_split_at_commas(tags: list[str]) -> None:
    found = loaded({"Handle": "h", "Title": "H", "Tags": ",".join(tags)}).tags
    assert found == tuple(tag.strip() for tag in tags if tag.strip())


def test_the_first_row_needs_a_title_and_a_handle_each() -> None:
    rows = [{"Handle": "a", "Title": "", "SKU": "1"}, {"Handle": "", "Title": "", "SKU": "2"}]
    assert errors(*rows) == [
        (1, "Title", "Title: the first row of product a has none"),
        (2, "Handle", f'{FAILED}No value found for target column "Product Handle" in line 2 of the given csv file'),
    ]


# Shopify: variants.


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("'00123", "00123"),
        ("'1e3", "1e3"),
        ("''1", "''1"),
        ("'A-1", "'A-1"),
        ("00123", "00123"),
        ("'", "'"),
        ("'\u0661", "'\u0661"),
    ],
)
def test_one_apostrophe_before_digits_is_dropped(cell: str, code: str) -> None:
    variant = of_variant({"SKU": cell, "Barcode": cell})
    assert (variant.sku, variant.fields["barcode"]) == (code, code)


def test_a_sku_is_never_invented() -> None:
    assert of_variant({"SKU": "", "Price": "1"}).sku is None


def test_a_sku_that_another_product_has_is_told_whatever_stands_before_it() -> None:
    rows = [{"Handle": "a", "Title": "A", "SKU": "'123"}, {"Handle": "b", "Title": "B", "SKU": "123"}]
    [(line, _, message)] = errors(*rows)
    assert line == 2
    assert message == "Variant SKU 123 of product b is already in line 1 (product a)"
    header = header_of(["Handle", "Title", "SKU"], SHOPIFY)
    assert Parser(header, Catalogue().known).sku(Row(1, ["a", "A", "'123"])) == "123"


def test_an_error_of_a_plan_has_the_title_of_the_shop() -> None:
    header = header_of(["URL handle", "Title", "SKU"], SHOPIFY)
    for column, own in [("Product Handle", "URL handle"), ("Variant SKU", "SKU"), ("Title", "Title"), (None, None)]:
        assert header.own(RowError("invalid_data", "x", 3, column)) == RowError("invalid_data", "x", 3, own)
    assert header.own(RowError("not_found", "x", 1, "Product Id")).column == "Product Id"


@pytest.mark.parametrize(
    ("column", "cell", "managed"),
    [
        ("Variant Inventory Tracker", "shopify", True),
        ("Inventory tracker", "other", True),
        ("Variant Inventory Tracker", "", False),
        ("Inventory tracker", "", False),
    ],
)
@pytest.mark.parametrize("row", [{"SKU": "1"}, {"Product image URL": URL}], ids=["said", "untold"])
def test_a_variant_with_an_inventory_tracker_is_managed(
    column: str, cell: str, managed: bool, row: Mapping[str, str]
) -> None:
    assert of_variant({**row, column: cell}).fields.get("manage_inventory", True) is managed


@pytest.mark.parametrize("column", ["Variant Inventory Policy", "Continue selling when out of stock"])
@pytest.mark.parametrize(
    ("cell", "allowed"),
    [("continue", True), ("CONTINUE", True), ("TRUE", True), ("deny", False), ("DENY", False), ("false", False)],
)
def test_the_inventory_policy_decides_backorders(column: str, cell: str, allowed: bool) -> None:
    assert of_variant({"SKU": "1", column: cell}).fields.get("allow_backorder", False) is allowed


def test_options_are_called_as_in_the_first_row() -> None:
    product = loaded(
        {"Handle": "h", "Title": "H", "Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Colour"}
        | {"Option2 Value": "red"},
        {"Handle": "h", "Option1 Value": "M", "Option2 Value": "red"},
        {"Handle": "h", "Option1 Name": "Size", "Option1 Value": "L", "Option2 Value": "blue"},
    )
    assert product.options == ("Size", "Colour")
    assert [variant.options for variant in product.variants] == [("S", "red"), ("M", "red"), ("L", "blue")]
    assert [variant.fields["title"] for variant in product.variants] == ["S / red", "M / red", "L / blue"]


def test_rows_of_a_handle_stand_anywhere() -> None:
    catalogue = Catalogue()
    outcome = load(
        catalogue,
        {"Handle": "a", "Title": "A", "Option1 Name": "Size", "Option1 Value": "S", "Image Src": URL + "a1"},
        {"Handle": "b", "Title": "B", "Option1 Name": "Title", "Option1 Value": "Default Title"},
        {"Handle": "a", "Image Src": URL + "a2"},
        {"Handle": "a", "Option1 Value": "M"},
        {"Handle": "b", "Image Src": URL + "b1"},
    )
    assert (outcome.errors, tuple(outcome.operations)) == ([], (2, 0, 3, 0))
    assert catalogue.by_handle("a").images == (URL + "a1", URL + "a2")
    assert catalogue.by_handle("a").options == ("Size",)
    assert catalogue.by_handle("b").images == (URL + "b1",)


def test_another_name_of_an_option_is_told() -> None:
    found = errors(
        {"Handle": "h", "Title": "H", "Option1 Name": "Size", "Option1 Value": "S"},
        {"Handle": "h", "Option1 Name": "Colour", "Option1 Value": "red"},
    )
    assert found == [(2, "Option1 Name", "Option1 Name: Colour is called Size in the first row of the product")]


def test_a_value_without_a_name_is_told() -> None:
    [(line, column, message)] = errors({"Handle": "h", "Title": "H", "Option1 Name": "", "Option1 Value": "S"})
    assert (line, column, message) == (1, "Option1 Value", "Option value S has no option name")


def test_a_row_without_a_handle_has_that_error_alone() -> None:
    found = errors(
        {"Handle": "h", "Title": "H", "Option1 Name": "Size", "Option1 Value": "S"},
        {"Handle": "", "Title": "", "Option1 Name": "", "Option1 Value": "M"},
    )
    assert [(line, column) for line, column, _ in found] == [(2, "Handle")]


@pytest.mark.parametrize(
    ("second", "notices"),
    [
        ({"Title": "", "Tags": "", "Status": "", "Image Src": "b"}, 0),
        ({"Title": "H", "Tags": "x", "Status": "draft", "Image Src": "b"}, 0),
        ({"Title": "Other", "Tags": "", "Status": "", "Image Src": "b"}, 1),
        ({"Title": "", "Tags": "y", "Status": "", "Image Src": ""}, 1),
    ],
)
def test_later_rows_of_a_shop_that_contradict_their_product_are_told(second: dict[str, str], notices: int) -> None:
    catalogue = Catalogue()
    option = {"Handle": "h", "Option1 Name": "Size"}
    first = {"Title": "H", "Tags": "x", "Status": "active", "Image Src": "a"}
    outcome = load(catalogue, {**option, "Option1 Value": "S", **first}, {**option, "Option1 Value": "M", **second})
    assert (outcome.errors, outcome.notices) == ([], notices)
    assert catalogue.by_handle("h").fields["title"] == "H"


def test_default_title_is_no_option() -> None:
    product = loaded({"Handle": "h", "Title": "Card", "Option1 Name": "Title", "Option1 Value": "Default Title"})
    assert (product.options, product.parent) == ((), None)
    assert product.variants[0].fields == {"title": "Card"}


def test_an_option_may_be_called_title_and_a_value_default_title() -> None:
    product = loaded({"Handle": "h", "Title": "H", "Option1 Name": "Title", "Option1 Value": "Large"})
    assert product.options == ("Title",)
    product = loaded({"Handle": "h", "Title": "H", "Option1 Name": "Name", "Option1 Value": "Default Title"})
    assert product.variants[0].options == ("Default Title",)


@pytest.mark.parametrize(
    ("first", "second", "line", "column"),
    [
        ({"Option1 Name": "Size", "Option1 Value": "S"}, {"SKU": "2"}, 2, "Option1 Value"),
        ({"Option1 Name": "Size", "Option1 Value": "", "SKU": "1"}, {"Option1 Value": "M"}, 1, "Option1 Value"),
        (
            {"Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Colour", "Option2 Value": "red"},
            {"Option1 Value": "M", "Option2 Value": ""},
            2,
            "Option2 Value",
        ),
        (
            {"Option1 Name": "Title", "Option1 Value": "Default Title"},
            {"Option1 Value": "Large"},
            1,
            "Option1 Value",
        ),
    ],
)
def test_of_several_variants_each_has_a_value(
    first: dict[str, str], second: dict[str, str], line: int, column: str
) -> None:
    found = errors({"Handle": "h", "Title": "H", **first}, {"Handle": "h", **second})
    why = "a value is missing, and product h has more than one variant"
    assert found == [(line, column, f"{column}: {why}")]


def test_of_several_variants_without_names_of_options_each_is_told() -> None:
    rows = [{"Handle": "h", "Title": "H", "Option1 Name": "", "Option1 Value": "", "SKU": str(n)} for n in range(2)]
    assert [(line, column) for line, column, _ in errors(*rows)] == [(1, "Option1 Value"), (2, "Option1 Value")]


def test_a_short_row_lacks_the_cells_behind_its_end() -> None:
    head = b"Handle,Title,SKU,Option1 Name,Option1 Value,Inventory tracker,Tags,Status,Published\n"
    catalogue = Catalogue()
    assert catalogue.load(head + b"a,A,1\nb\n", {**SHOPIFY, "match": "handle"}).errors[0].column == "Title"
    assert catalogue.load(head + b"a,A,1\n", SHOPIFY).errors == []
    product = catalogue.by_handle("a")
    assert (product.status, product.tags, product.variants[0].fields) == ("draft", (), {"title": "A", "sku": "1"})
    [error] = catalogue.load(head + b"b,B,2,Size,S\nb,,3\n", SHOPIFY).errors
    assert (error.line, error.column) == (2, "Option1 Value")


def test_a_long_title_of_a_variant_is_told() -> None:
    row = {"Handle": "h", "Title": "H"}
    for number in (1, 2, 3):
        row |= {f"Option{number} Name": f"N{number}", f"Option{number} Value": "x" * 100}
    why = "306 characters of all values together, of 255 that can be"
    assert errors(row) == [(1, "Option1 Value", f"Option1 Value: {why}")]


# Shopify: images.


def test_images_of_all_rows_are_ordered_by_position_and_then_by_row() -> None:
    product = loaded(
        {"Handle": "h", "Title": "H", "Option1 Name": "S", "Option1 Value": "1", "Image Src": URL + "c"}
        | {"Image Position": "10", "Variant Image": URL + "v1"},
        {
            "Handle": "h",
            "Option1 Value": "2",
            "Image Src": URL + "b",
            "Image Position": "2",
            "Variant Image": URL + "a",
        },
        {"Handle": "h", "Image Src": URL + "last", "Image Position": ""},
        {"Handle": "h", "Image Src": URL + "a", "Image Position": "1"},
        {"Handle": "h", "Image Src": URL + "b2", "Image Position": "2"},
        {"Handle": "h", "Image Src": "", "Image Position": "x", "Option1 Value": "3", "Variant Image": URL + "v1"},
    )
    assert product.images == tuple(URL + name for name in ("a", "b", "b2", "c", "last", "v1"))
    assert product.fields["thumbnail"] == URL + "a"
    assert [variant.options for variant in product.variants] == [("1",), ("2",), ("3",)]


@given(st.lists(st.tuples(st.integers(0, 20).map(str) | st.just(""), st.integers(0, 9)), min_size=1, max_size=12))
def test_any_images_are_ordered(found: list[tuple[str, int]]) -> None:
    first = {"Handle": "h", "Title": "H", "SKU": "1"}
    rows = [{"Handle": "h", "Image Src": f"{URL}{image}", "Image Position": position} for position, image in found]
    ordered = sorted(found, key=lambda one: int(one[0]) if one[0] else 99)
    product = loaded(first, *rows)
    assert product.images == tuple(dict.fromkeys(f"{URL}{image}" for _, image in ordered))
    assert len(product.variants) == 1


def test_a_first_row_of_an_image_alone_makes_no_variant_beside_others() -> None:
    product = loaded(
        {"Handle": "h", "Title": "H", "Option1 Name": "S", "Option1 Value": "", "Image Src": URL + "1"},
        {"Handle": "h", "Option1 Value": "1", "SKU": "1"},
        {"Handle": "h", "Option1 Value": "2", "SKU": "2"},
    )
    assert [variant.sku for variant in product.variants] == ["1", "2"]
    assert (product.fields["title"], product.options, product.images) == ("H", ("S",), (URL + "1",))


def test_a_product_of_images_alone_has_a_variant() -> None:
    product = loaded({"Handle": "h", "Title": "H", "Image Src": URL + "1"}, {"Handle": "h", "Image Src": URL + "2"})
    assert (len(product.variants), product.images) == (1, (URL + "1", URL + "2"))
    assert product.variants[0].fields == {"title": "H"}


def test_an_image_row_is_about_no_variant_whatever_else_it_has() -> None:
    product = loaded(
        {"Handle": "h", "Title": "H", "SKU": "1", "Inventory tracker": "shopify"},
        {"Handle": "h", "Product image URL": URL, "Inventory tracker": "shopify", "Inventory quantity": "3"},
    )
    assert [variant.sku for variant in product.variants] == ["1"]


def test_faults_of_images_are_told_where_they_stand() -> None:
    found = errors(
        {"Handle": "h", "Title": "H", "SKU": "1", "Product image URL": URL, "Image position": "first"},
        {"Handle": "h", "Product image URL": URL + "x" * 2048, "Image position": "2"},
    )
    assert [(line, column) for line, column, _ in found] == [(1, "Image position"), (2, "Product image URL")]


def test_a_product_has_250_images_at_most() -> None:
    rows = [{"Handle": "h", "Title": "H", "SKU": "1", "Image Src": URL + "0"}]
    rows += [{"Handle": "h", "Image Src": f"{URL}{number}"} for number in range(1, MOST_IMAGES)]
    assert len(loaded(*rows).images) == MOST_IMAGES
    rows.append({"Handle": "h", "Image Src": URL + "one more"})
    rows.append({"Handle": "h", "Image Src": URL + "one more"})
    assert errors(*rows) == [(251, "Image Src", "Image Src: 251 images of product h, of 250 that can be")]


# Shopify: again.

# Of a real shape: most products without options and SKUs, with images that are more than their variants.
SHOP = [
    {
        "Handle": "silver-chain",
        "Title": "Silver Chain",
        "Body (HTML)": "<p>Thin, 45&nbsp;cm</p>\n<p>Gift</p>",
        "Vendor": "Made Up",
        "Type": "Necklace",
        "Tags": "silver, women",
        "Published": "true",
        "Option1 Name": "Title",
        "Option1 Value": "Default Title",
        "Variant SKU": "",
        "Variant Grams": "20",
        "Variant Inventory Tracker": "shopify",
        "Variant Inventory Qty": "3",
        "Variant Inventory Policy": "deny",
        "Variant Price": "49.90",
        "Variant Compare At Price": "",
        "Variant Requires Shipping": "true",
        "Image Src": URL + "chain.jpg",
        "Image Position": "1",
        "Gift Card": "false",
        "Variant Weight Unit": "g",
    },
    {"Handle": "silver-chain", "Image Src": URL + "chain-2.jpg", "Image Position": "2"},
    {"Handle": "silver-chain", "Image Src": URL + "chain-3.jpg", "Image Position": "3"},
    {
        "Handle": "ring",
        "Title": 'Ring, "Nord"',
        "Body (HTML)": "",
        "Vendor": "Made Up",
        "Published": "false",
        "Option1 Name": "Color",
        "Option1 Value": "Gold",
        "Variant Grams": "5",
        "Variant Inventory Qty": "1",
        "Variant Inventory Policy": "continue",
        "Variant Price": "120",
        "Image Src": URL + "ring.jpg",
        "Image Position": "1",
        "Variant Image": URL + "ring-gold.jpg",
        "Variant Barcode": "'4006381333931",
    },
    {
        "Handle": "ring",
        "Option1 Value": "Rose",
        "Variant Grams": "5",
        "Variant Inventory Qty": "0",
        "Variant Inventory Policy": "continue",
        "Variant Price": "125.5",
        "Variant Image": URL + "ring-rose.jpg",
    },
]


@GENERATIONS
def test_a_file_of_a_shop_is_imported_and_exported_and_nothing_changes(names: Mapping[str, str]) -> None:
    catalogue = Catalogue()
    data = file_of(*({names.get(title, title): cell for title, cell in row.items()} for row in SHOP))
    outcome = catalogue.load(data, SHOPIFY)
    assert (outcome.errors, tuple(outcome.operations)) == ([], (2, 0, 3, 0))
    assert catalogue.by_handle("silver-chain").options == ()
    assert len(catalogue.by_handle("silver-chain").images) == 3
    assert catalogue.by_handle("ring").images == tuple(
        URL + name for name in ("ring.jpg", "ring-gold.jpg", "ring-rose.jpg")
    )
    before, stock = dict(catalogue.products), json.dumps(catalogue.stock)
    exported = catalogue.export()
    assert tuple(catalogue.load(exported).operations) == (0, 2, 0, 3)
    assert tuple(catalogue.load(data, {**SHOPIFY, "match": "handle"}).operations) == (0, 2, 0, 3)
    assert (catalogue.products, json.dumps(catalogue.stock), catalogue.export()) == (before, stock, exported)
    assert catalogue.load(data, SHOPIFY).status == "failed"


def test_a_file_is_read_alike_in_whatever_steps_and_after_the_header_was_kept() -> None:
    whole = Catalogue()
    whole.load(file_of(*SHOP), SHOPIFY)
    pieces = Catalogue()
    assert pieces.load(file_of(*SHOP), SHOPIFY, size=64).errors == []
    assert pieces.products == whole.products
    header = read_header([file_of(*SHOP)], SHOPIFY)
    kept = Header(*json.loads(json.dumps(header)))
    assert kept == header
    rows = [Row(number, list(row.values())) for number, row in enumerate(csv_rows(file_of(*SHOP)), 1)]
    known = Catalogue().known
    assert gather(Parser(kept, known), rows[:3]) == gather(Parser(header, known), rows[:3])


def csv_rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_an_import_with_match_changes_only_columns_of_the_file() -> None:
    catalogue = Catalogue()
    rows = [
        {"Handle": "h", "Title": "H", "Tags": "a", "Status": "active", "Option1 Name": "S", "Option1 Value": "1"}
        | {"Variant SKU": "1", "Variant Price": "1", "Image Src": URL},
        {"Handle": "h", "Option1 Value": "2", "Variant SKU": "2", "Variant Price": "2"},
    ]
    assert load(catalogue, *rows).errors == []
    before = catalogue.by_handle("h")
    again = {"match": "handle"}
    outcome = load(catalogue, {"Handle": "h", "Variant SKU": "2", "Variant Price": "3"}, **again)
    assert (outcome.errors, tuple(outcome.operations)) == ([], (0, 1, 0, 1))
    after = catalogue.by_handle("h")
    assert after.variants[1].prices == (Price("eur", 300),)
    assert (after.fields, after.images, after.tags, after.options, after.status, after.variants[0]) == (
        *(before.fields, before.images, before.tags, before.options, before.status),
        before.variants[0],
    )
    assert after.variants[1].fields == before.variants[1].fields
    outcome = load(catalogue, {"Handle": "h", "Title": "H", "SKU": "2", "Inventory tracker": "x"}, **again)
    assert (outcome.errors, catalogue.by_handle("h")) == ([], after)
    outcome = load(catalogue, {"Handle": "h", "Title": "New", "Inventory tracker": ""}, **again)
    assert (outcome.errors, tuple(outcome.operations)) == ([], (0, 1, 0, 0))
    assert catalogue.by_handle("h").fields["title"] == "New"
    assert catalogue.by_handle("h").variants == after.variants
    assert load(catalogue, {"Handle": "h", "Title": "New", "Image Src": ""}, **again).errors == []
    assert catalogue.by_handle("h").images == ()
    assert "thumbnail" not in catalogue.by_handle("h").fields


def test_the_title_of_a_variant_follows_its_option_values() -> None:
    catalogue = Catalogue()
    row = {"Handle": "h", "Title": "H", "SKU": "1", "Option1 name": "Size"}
    assert load(catalogue, {**row, "Option1 value": "S"}).errors == []
    assert load(catalogue, {**row, "Option1 value": "M"}, match="handle").errors == []
    [variant] = catalogue.by_handle("h").variants
    assert (variant.options, variant.fields["title"]) == (("M",), "M")


def test_rows_that_were_left_out_are_mended_and_imported() -> None:
    catalogue = Catalogue()
    rows = [
        {"Handle": "a", "Title": "A", "Variant SKU": "1", "Variant Price": "x", "Vendor": "V"},
        {"Handle": "b", "Title": "B", "Variant SKU": "2", "Variant Price": "2", "Vendor": "V"},
    ]
    outcome = load(catalogue, *rows, on_error="skip")
    assert [product.handle for product in catalogue.products.values()] == ["b"]
    assert (
        outcome.error_file.splitlines()[0] == "Handle;Title;Variant SKU;Variant Price;Vendor;Error Line;Error Message"
    )
    mended = outcome.error_file.replace(";x;", ";1;")
    assert catalogue.load(mended.encode(), SHOPIFY).errors == []
    assert catalogue.by_handle("a").variants[0].prices == (Price("eur", 100),)


CELLS = st.sampled_from(
    ["", "", "1", "'1", "x", "Size", "Title", "Default Title", "true", "FALSE", "active", "deny", "a, b", '"', "1.50"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", ""]), st.fixed_dictionaries(dict.fromkeys(OLD[1:], CELLS))), min_size=1
    )
)
def test_any_file_of_a_dialect_is_imported_or_its_errors_name_its_columns(
    found: list[tuple[str, dict[str, str]]],
) -> None:
    catalogue = Catalogue()
    outcome = load(catalogue, *({"Handle": handle, **row} for handle, row in found))
    assert all(1 <= (error.line or 0) <= len(found) for error in outcome.errors)
    header = header_of(OLD, SHOPIFY)
    assert {header.own(error).column for error in outcome.errors} <= {*OLD, None}
    if outcome.status == "completed":
        exported, before = catalogue.export(), dict(catalogue.products)
        assert catalogue.load(exported).errors == []
        assert (catalogue.products, catalogue.export()) == (before, exported)


# Medusa v2.


@pytest.mark.parametrize(
    ("title", "target"),
    [
        ("Variant Price EUR", "Price EUR"),
        ("Variant Price North America [USD]", "Price North America [USD]"),
        ("Variant Option 1 Name", "Option 1 Name"),
        ("Variant Option 12 Value", "Option 12 Value"),
        ("Product Image 1 Url", "Image 1 Url"),
        ("Product Image 10", "Image 10 Url"),
        ("Product Tag 1", "Product Tags"),
        ("Variant Sku", "Variant SKU"),
        ("Variant SKU", "Variant SKU"),
        ("Product Hs Code", "Product HS Code"),
        ("Product Mid Code", "Product MID Code"),
        ("Variant Hs Code", "Variant HS Code"),
        ("Variant Mid Code", "Variant MID Code"),
        ("Product Sales Channel 2", "Sales Channel 2 Id"),
        ("Product Id", "Product Id"),
        ("Variant Id", "Variant Id"),
        ("Variant Manage Inventory", "Variant Manage Inventory"),
    ],
)
def test_columns_of_medusa_v2_are_called_otherwise(title: str, target: str) -> None:
    header = header_of(["Product Handle", title], MEDUSA)
    assert (header.targets, header.ignored) == (["Product Handle", target], [])


def test_all_columns_of_a_template_of_medusa_v2_are_known() -> None:
    template = [
        *("Product Id", "Product Handle", "Product Title", "Product Subtitle", "Product Description"),
        *("Product Status", "Product Thumbnail", "Product Weight", "Product Length", "Product Width"),
        *("Product Height", "Product HS Code", "Product Origin Country", "Product MID Code", "Product Material"),
        *("Shipping Profile Id", "Product Sales Channel 1", "Product Collection Id", "Product Type Id"),
        *("Product Tag 1", "Product Discountable", "Product External Id", "Variant Id", "Variant Title"),
        *("Variant SKU", "Variant Barcode", "Variant Allow Backorder", "Variant Manage Inventory", "Variant Weight"),
        *("Variant Length", "Variant Width", "Variant Height", "Variant HS Code", "Variant Origin Country"),
        *("Variant MID Code", "Variant Material", "Variant Price EUR", "Variant Price USD"),
        *("Variant Option 1 Name", "Variant Option 1 Value", "Product Image 1 Url", "Product Image 2 Url"),
    ]
    header = header_of(template, MEDUSA)
    assert header.ignored == ["Shipping Profile Id", "Product Collection Id", "Product Type Id"]


@pytest.mark.parametrize(
    "title",
    [
        *(
            "Product Collection Id",
            "Product Type Id",
            "Shipping Profile Id",
            "Product Created At",
            "Product Updated At",
        ),
        *("Product Deleted At", "Variant Upc", "Variant Ean", "Variant Variant Rank", "Variant Metadata"),
        *(
            "Product Metadata",
            "Product Metadata colour",
            "Product Is Giftcard",
            "Variant Created At",
            "Variant Product Id",
        ),
    ],
)
def test_ignored_columns_of_medusa_v2_are_told(title: str) -> None:
    header = header_of(["Product Handle", title], MEDUSA)
    assert (header.targets, header.ignored) == (["Product Handle", None], [title])


@pytest.mark.parametrize("title", ["Variant Price eur", "Product Tag", "Variant Option 0 Name", "Product Image", "Foo"])
def test_other_columns_of_medusa_v2_are_told(title: str) -> None:
    assert [error.column for error in refused(["Product Handle", title], MEDUSA)] == [title]


def test_a_file_of_medusa_v2_is_imported() -> None:
    catalogue = Catalogue()
    common = {
        "Product Handle": "shirt",
        "Product Title": "Shirt",
        "Product Status": "published",
        "Product Description": "Soft",
        "Product Thumbnail": URL + "1",
        "Product Discountable": "TRUE",
        "Product Weight": "400",
        "Product Hs Code": "6109",
        "Product Collection Id": "pcol_1",
        "Product Image 1": URL + "1",
        "Product Image 2": URL + "2",
        "Product Tag 1": "red",
        "Product Tag 2": "",
        "Product Tag 10": "ten",
        "Product Tag 3": "big, tall",
        "Product Sales Channel 1": "sc_1",
        "Product Created At": "2025-01-01T00:00:00.000Z",
        "Shipping Profile Id": "sp_1",
    }
    rows = [
        {
            **common,
            "Variant Title": size,
            "Variant Sku": f"SHIRT-{size}",
            "Variant Allow Backorder": "false",
            "Variant Manage Inventory": "true",
            "Variant Option 1 Name": "Size",
            "Variant Option 1 Value": size,
            "Variant Price EUR": "10",
            "Variant Price North America [USD]": "15.50",
            "Variant Ean": "4006381333931",
        }
        for size in ("S", "M")
    ]
    outcome = catalogue.load(file_of(*rows, delimiter=";"), MEDUSA)
    assert (outcome.errors, tuple(outcome.operations)) == ([], (1, 0, 2, 0))
    product = catalogue.by_handle("shirt")
    assert product.tags == ("red", "big, tall", "ten")
    assert (product.images, product.sales_channels) == ((URL + "1", URL + "2"), ("sc_1",))
    assert (product.fields["hs_code"], product.options) == ("6109", ("Size",))
    assert [variant.sku for variant in product.variants] == ["SHIRT-S", "SHIRT-M"]
    assert product.variants[0].prices == (Price("eur", 1000), Price("usd", 1550, "North America"))
    before, exported = dict(catalogue.products), catalogue.export()
    assert tuple(catalogue.load(exported).operations) == (0, 1, 0, 2)
    again = catalogue.load(file_of(*rows), {**MEDUSA, "match": "handle"})
    assert (again.errors, catalogue.products, catalogue.export()) == ([], before, exported)


def test_ids_of_medusa_v2_are_unknown_here() -> None:
    row = {
        "Product Id": "prod_v2",
        "Product Handle": "h",
        "Variant Id": "variant_v2",
        "Product Sales Channel 1": "sc_v2",
    }
    outcome = Catalogue().load(file_of(row), MEDUSA)
    assert sorted((error.line, error.message) for error in outcome.errors) == [
        (1, "Product with id: prod_v2 was not found"),
        (1, "Sales channel with id: sc_v2 was not found"),
        (1, "Variant with id: variant_v2 was not found"),
    ]
    assert {error.column for error in outcome.errors} == {"Product Id", "Variant Id", "Product Sales Channel 1"}


def test_tags_of_medusa_v2_are_cleared_where_all_cells_are_empty_and_kept_where_they_are_missing() -> None:
    catalogue = Catalogue()
    context = {**MEDUSA, "match": "handle"}
    catalogue.load(b"Product Handle,Product Tag 2,Product Tag 1\nh,b,a", context)
    assert catalogue.by_handle("h").tags == ("a", "b")
    catalogue.load(b"Product Handle,Product Tag 2,Product Tag 1\nh", context)
    assert catalogue.by_handle("h").tags == ("a", "b")
    catalogue.load(b"Product Handle,Product Tag 2,Product Tag 1\nh,c", context)
    assert catalogue.by_handle("h").tags == ("c",)
    catalogue.load(b"Product Handle,Product Tag 2,Product Tag 1\nh,,", context)
    assert catalogue.by_handle("h").tags == ()


def test_a_mapping_takes_a_tag_away() -> None:
    catalogue = Catalogue()
    context = {**MEDUSA, "mapping": {"Product Tag 1": None, "Product Tag 2": "Product Type"}}
    catalogue.load(file_of({"Product Handle": "h", **{f"Product Tag {n}": str(n) for n in (1, 2, 3, 4)}}), context)
    product = catalogue.by_handle("h")
    assert (product.tags, product.fields) == (("3", "4"), {"type": "2"})


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), max_size=6))
def test_any_tags_of_medusa_v2_are_joined(tags: list[str]) -> None:
    catalogue = Catalogue()
    row = {"Product Handle": "h", "Product Title": "H"}
    row |= {f"Product Tag {number}": tag for number, tag in enumerate(tags, 1)}
    assert catalogue.load(file_of(row), MEDUSA).errors == []
    assert catalogue.by_handle("h").tags == tuple(tag for tag in tags if tag)


# Any other shop: a mapping.

# It names no handle, so the ID has to be one; and of several images in one cell none can be told.
WOOCOMMERCE = {
    "ID": "Product Handle",
    "SKU": "Variant SKU",
    "GTIN, UPC, EAN, or ISBN": "Variant Barcode",
    "Name": "Product Title",
    "Short description": "Product Subtitle",
    "Description": "Product Description",
    "Stock": "Variant Inventory Quantity",
    "Weight (g)": "Variant Weight",
    "Regular price": "Price EUR",
    "Tags": "Product Tags",
    **dict.fromkeys(
        [
            *("Type", "Published", "Is featured?", "Visibility in catalog", "Date sale price starts"),
            *(
                "Date sale price ends",
                "Tax status",
                "Tax class",
                "In stock?",
                "Low stock amount",
                "Backorders allowed?",
            ),
            *("Sold individually?", "Length (cm)", "Width (cm)", "Height (cm)", "Allow customer reviews?"),
            *("Purchase note", "Sale price", "Categories", "Shipping class", "Images", "Download limit"),
            *("Download expiry days", "Parent", "Grouped products", "Upsells", "Cross-sells", "External URL"),
            *("Button text", "Position", "Attribute 1 name", "Attribute 1 value(s)", "Attribute 1 visible"),
            *("Attribute 1 global",),
        ]
    ),
}


def test_a_flat_file_of_woocommerce_is_imported_through_a_mapping() -> None:
    row = dict.fromkeys(WOOCOMMERCE, "") | {
        "ID": "44",
        "Type": "simple",
        "SKU": "MUG",
        "Name": "Mug",
        "Published": "1",
        "Description": "Blue, large",
        "Stock": "5",
        "Weight (g)": ".5",
        "Regular price": "9.90",
        "Tags": "blue, kitchen",
    }
    catalogue = Catalogue()
    outcome = catalogue.load(file_of(row), {"mapping": WOOCOMMERCE})
    assert outcome.errors == []
    product = catalogue.by_handle("44")
    assert (product.fields["title"], product.tags) == ("Mug", ("blue", "kitchen"))
    [variant] = product.variants
    assert (variant.sku, variant.fields["weight"], variant.prices) == ("MUG", 0.5, (Price("eur", 990),))
    assert catalogue.stock == {variant.entity: {0: 5}}
    header = header_of(list(row), {"mapping": WOOCOMMERCE})
    assert header.ignored == [title for title, target in WOOCOMMERCE.items() if target is None]
