"""What becomes of products by the rows of a file."""

import itertools
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.catalogue.rules import (
    CUSTOMS,
    LARGEST_PRODUCT,
    MEASURES,
    MOST_VARIANTS,
    STATUSES,
    Price,
    Product,
    Scalar,
    Variant,
)
from batchyard.product_files import cells, claims
from batchyard.product_files.claims import Claim
from batchyard.product_files.counting import Operations
from batchyard.product_files.gathering import gather
from batchyard.product_files.header import read_header
from batchyard.product_files.parsing import Parser
from batchyard.product_files.planning import Notice, Plan
from batchyard.product_files.reading import Row
from tests.support.imports import Catalogue, Outcome

NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
) | st.sampled_from(["'=1", "=1+1", '"', '";"', "\r", "a\r\nb", ",", " ", "\u2028", "\ufeff", "true", "00", "1e3", "'"])


def file_of(*rows: Mapping[str, str]) -> bytes:
    """A file of rows, with all columns that one of them names; each row has cells for all."""
    titles = list(dict.fromkeys(title for row in rows for title in row))
    lines = [cells.row(titles), *(cells.row([row.get(title, "") for title in titles]) for row in rows)]
    return "".join(line + cells.LINE_END for line in lines).encode()


def load(catalogue: Catalogue, *rows: Mapping[str, str], **context: Any) -> Outcome:
    return catalogue.load(file_of(*rows), context)


def shop(*products: Product, stock: Mapping[int, Mapping[int, int]] | None = None) -> Catalogue:
    found = Catalogue({product.id: product for product in products}, entities=itertools.count(1000), moment=50)
    found.stock = {entity: dict(centres) for entity, centres in (stock or {}).items()}
    return found


def messages(outcome: Outcome) -> list[tuple[int | None, str]]:
    assert outcome.status == "failed"
    assert tuple(outcome.operations) == (0, 0, 0, 0)
    return [(error.line, error.message) for error in outcome.errors]


BAG = Product(
    id="prod_bag",
    handle="bag",
    status="published",
    created=1,
    updated=2,
    by="old",
    fields={"title": "Bag", "description": "Long", "weight": 5, "collection": "shoes", "brand": "Ours"},
    tags=("red",),
    images=("a", "b"),
    sales_channels=("sc_1",),
    variants=(
        Variant("variant_bag", 7, {"title": "Std", "sku": "BAG", "ean": "1"}, (Price("eur", 1), Price("usd", 2))),
    ),
    version=3,
)
SHIRT = Product(
    id="prod_shirt",
    handle="shirt",
    status="draft",
    created=1,
    updated=2,
    by="old",
    parent=10,
    options=("Size", "Colour"),
    variants=(
        Variant("variant_s", 11, {"sku": "S"}, (), ("S", "blue")),
        Variant("variant_m", 12, {"sku": "M"}, (), ("M", "blue")),
        Variant("variant_x", 13, {}, (), ("S", None)),
    ),
    version=3,
)
BARE = Product(id="prod_bare", handle="bare", status="draft", created=1, updated=2, by="old", parent=20, version=1)
THIS_BAG = {"Product Id": "prod_bag", "Product Handle": "bag"}
THIS_SHIRT = {"Product Id": "prod_shirt", "Product Handle": "shirt"}
OTHER = {"Product Handle": "other"}


# An export that is imported again.


def fields(draw: st.DrawFn, texts: Sequence[str], flags: Mapping[str, bool]) -> dict[str, Scalar]:
    # Whoever writes by OData may leave an empty text, which a file has no other cell for than for none.
    text = st.dictionaries(st.sampled_from(texts), NAMES | st.just(""))
    number = st.dictionaries(st.sampled_from(MEASURES), st.integers(0, 2**53) | st.floats(0, 2.0**53))
    flag = st.dictionaries(st.sampled_from(list(flags)), st.booleans())
    return {**draw(text), **draw(number), **draw(flag)}


PRODUCT_TEXTS = ("title", "subtitle", "description", "thumbnail", "type", "external_id", "brand", *CUSTOMS)
VARIANT_TEXTS = ("title", "barcode", *CUSTOMS)
KEYS = [("eur", None), ("eur", "A[1]; B"), ("jpy", None), ("kwd", None), ("usd", None), ("usd", "North America")]


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Any products, with the stock of their variants in distribution centre 0."""
    handles = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    skus = iter(draw(st.permutations([f"{n}{draw(NAMES)}" for n in range(10)])))
    entities = itertools.count(1)
    found = Catalogue(entities=itertools.count(1000), moment=50)
    for number, handle in enumerate(handles):
        options = tuple(draw(st.lists(NAMES, max_size=2, unique=True)))
        values = st.tuples(*(st.none() | NAMES for _ in options))
        combinations = draw(st.lists(values, max_size=3, unique=bool(options)))
        variants = []
        for place, combination in enumerate(combinations):
            own = fields(draw, VARIANT_TEXTS, {"allow_backorder": False, "manage_inventory": True})
            if draw(st.booleans()):
                own["sku"] = next(skus)
            priced = sorted(draw(st.sets(st.sampled_from(range(len(KEYS))), max_size=4)))
            prices = tuple(Price(KEYS[key][0], draw(st.integers(0, 2**53)), KEYS[key][1]) for key in priced)
            variant = Variant(f"variant_{number}_{place}", next(entities), own, prices, combination)
            variants.append(variant)
            if draw(st.booleans()):
                found.stock[variant.entity] = {0: draw(st.integers(0, 2**31 - 1)), 5: 0}
        own = fields(draw, PRODUCT_TEXTS, {"discountable": True})
        if draw(st.booleans()):
            own["collection"] = draw(st.sampled_from(sorted(found.collections)))
        product = Product(
            id=f"prod_{number}",
            handle=handle,
            status=draw(st.sampled_from(STATUSES)),
            created=1,
            updated=2,
            by="old",
            parent=next(entities) if options or len(variants) != 1 else None,
            fields=own,
            tags=tuple(draw(st.lists(NAMES, max_size=3))),
            images=tuple(draw(st.lists(NAMES, max_size=3))),
            options=options,
            sales_channels=tuple(draw(st.lists(st.sampled_from(["sc_1", "sc_2"]), max_size=2, unique=True))),
            variants=tuple(variants),
            version=4,
        )
        found.products[product.id] = product
    return found


@settings(max_examples=100, deadline=None)
@given(
    catalogues(),
    st.booleans(),
    st.sampled_from([{}, {"match": "handle"}, {"quantities": "ignore"}]),
    st.integers(1, 999),
)
def test_an_export_that_is_imported_again_changes_nothing(
    catalogue: Catalogue, escaped: bool, context: dict[str, Any], size: int
) -> None:
    exported = catalogue.export(escape_formulas=escaped)
    before = dict(catalogue.products)
    stock = {entity: dict(centres) for entity, centres in catalogue.stock.items()}
    outcome = catalogue.load(exported, {**context, "escape_formulas": escaped}, size=size)
    variants = sum(len(product.variants) for product in before.values())
    assert outcome.errors == []
    assert outcome.operations == Operations(0, len(before), 0, variants)
    assert list(catalogue.products) == list(before)
    assert catalogue.products == before
    assert all(catalogue.products[id] is product for id, product in before.items())
    assert catalogue.stock == stock
    assert catalogue.export(escape_formulas=escaped) == exported


@settings(max_examples=50, deadline=None)
@given(catalogues())
def test_an_export_without_ids_makes_the_same_catalogue_and_matches_it(catalogue: Catalogue) -> None:
    lines = catalogue.export()
    context = {"mapping": {"Product Id": None, "Variant Id": None}}
    copy = Catalogue()
    assert copy.load(lines, context).errors == []
    parts = ("handle", "status", "tags", "images", "sales_channels")
    for product, other in zip(catalogue.products.values(), copy.products.values(), strict=True):
        assert [getattr(product, part) for part in parts] == [getattr(other, part) for part in parts]
        if product.variants:
            assert len(product.variants) == len(other.variants)
            assert [one.prices for one in product.variants] == [one.prices for one in other.variants]
            assert [one.sku for one in product.variants] == [one.sku for one in other.variants]
            assert (other.parent is None) == (product.parent is None)


# What is made.


def test_a_new_product_is_made_with_its_variants() -> None:
    catalogue = shop()
    red = {**OTHER, "Product Title": "T", "Option 1 Name": "Colour", "Option 1 Value": "red", "Price EUR": "1.50"}
    blue = {**OTHER, "Option 1 Name": "Colour", "Option 1 Value": "blue", "Variant Inventory Quantity": "3"}
    outcome = load(catalogue, red, blue)
    assert outcome.operations == Operations(1, 0, 2, 0)
    assert catalogue.by_handle("other") == Product(
        id="prod_50_1",
        handle="other",
        status="draft",
        created=50,
        updated=50,
        by="batch_1",
        parent=1000,
        fields={"title": "T"},
        options=("Colour",),
        variants=(
            Variant("variant_50_1", 1001, {}, (Price("eur", 150),), ("red",)),
            Variant("variant_50_2", 1002, {}, (), ("blue",)),
        ),
    )
    assert catalogue.stock == {1002: {0: 3}}


def test_a_product_of_one_variant_without_options_is_no_parent() -> None:
    catalogue = shop()
    load(catalogue, OTHER)
    assert catalogue.by_handle("other").parent is None
    load(catalogue, {"Product Id": "prod_50_1", **OTHER, "Variant SKU": "second"})
    product = catalogue.by_handle("other")
    assert [variant.entity for variant in product.variants] == [1000, 1002]
    assert product.parent == 1001


def test_the_same_rows_make_the_same_plan() -> None:
    given = {**OTHER, "Variant SKU": "x"}
    first, second = shop(), shop()
    load(first, given)
    load(second, given)
    assert first.products == second.products


def test_rows_of_one_handle_stand_anywhere() -> None:
    catalogue = shop()
    outcome = load(catalogue, {**OTHER, "Variant SKU": "1"}, {"Product Handle": "b"}, {**OTHER, "Variant SKU": "2"})
    assert outcome.operations == Operations(2, 0, 3, 0)
    assert list(catalogue.by_handle("other").skus) == ["1", "2"]


def test_product_columns_are_taken_from_the_first_row() -> None:
    catalogue = shop()
    load(
        catalogue,
        {**OTHER, "Product Title": "first", "Product Tags": "a"},
        {**OTHER, "Product Title": "", "Variant SKU": "2"},
    )
    product = catalogue.by_handle("other")
    assert (product.fields, product.tags) == ({"title": "first"}, ("a",))


@pytest.mark.parametrize(
    ("first", "second", "notices"),
    [
        ({"Product Title": "T", "Product Weight": "1.5"}, {"Product Title": "T", "Product Weight": "1.50"}, 0),
        ({"Product Title": "T", "Product Tags": "a", "Image 1 Url": "u"}, {"Product Title": "", "Image 1 Url": ""}, 0),
        ({"Product Title": "T"}, {"Product Title": "U"}, 1),
        ({"Product Title": ""}, {"Product Title": "U"}, 1),
        ({"Product Status": ""}, {"Product Status": "published"}, 1),
        ({"Product Tags": "a"}, {"Product Tags": "b"}, 1),
        ({"Image 1 Url": ""}, {"Image 1 Url": "u"}, 1),
        ({"Sales Channel 1 Name": "Web"}, {"Sales Channel 1 Id": "sc_2"}, 1),
        ({"Product Title": "T", "Product Tags": "a"}, {"Product Title": "U", "Product Tags": "b"}, 1),
    ],
)
def test_later_rows_that_contradict_their_product_are_told(
    first: dict[str, str], second: dict[str, str], notices: int
) -> None:
    catalogue = shop()
    outcome = load(catalogue, {**OTHER, "Variant SKU": "1", **first}, {**OTHER, "Variant SKU": "2", **second})
    assert (outcome.errors, outcome.notices) == ([], notices)
    assert catalogue.by_handle("other").fields.get("title", "") == first.get("Product Title", "")


def test_variants_may_be_without_sku_and_options() -> None:
    catalogue = shop()
    assert load(catalogue, {**OTHER, "Variant Title": "a"}, {**OTHER, "Variant Title": "b"}).errors == []
    assert [one.options for one in catalogue.by_handle("other").variants] == [(), ()]


# What is changed.


def test_columns_that_are_missing_change_nothing() -> None:
    catalogue = shop(BAG)
    outcome = load(catalogue, {**THIS_BAG, "Variant Id": "variant_bag", "Variant Barcode": "0999"})
    assert outcome.operations == Operations(0, 1, 0, 1)
    [variant] = BAG.variants
    changed = replace(variant, fields={**variant.fields, "barcode": "0999"})
    assert catalogue.by_handle("bag") == replace(BAG, updated=50, by="batch_1", variants=(changed,))


def test_empty_cells_clear_fields() -> None:
    catalogue = shop(BAG)
    names = ("Product Title", "Product Weight", "Product Collection Handle", "Product Tags", "Image 1 Url")
    more = ("Sales Channel 1 Id", "Product Status", "Product Discountable", "Variant SKU", "Price EUR")
    load(catalogue, {**THIS_BAG, "Variant Id": "variant_bag", **dict.fromkeys((*names, *more), "")})
    product = catalogue.by_handle("bag")
    assert product.fields == {"description": "Long", "brand": "Ours"}
    assert (product.tags, product.images, product.sales_channels, product.status) == ((), (), (), "published")
    assert product.variants == (Variant("variant_bag", 7, {"title": "Std", "ean": "1"}),)


def test_missing_cells_of_a_short_row_change_nothing() -> None:
    catalogue = shop(BAG)
    outcome = catalogue.load(
        b"Product Id;Product Handle;Product Title;Product Tags;Image 1 Url;Price EUR\nprod_bag;bag;New\n"
    )
    assert outcome.errors == []
    assert catalogue.by_handle("bag") == replace(BAG, fields={**BAG.fields, "title": "New"}, updated=50, by="batch_1")


def test_images_tags_and_prices_are_replaced() -> None:
    catalogue = shop(BAG)
    given = {"Variant Id": "variant_bag", "Product Tags": "x,y", "Image 1 Url": "c", "Price North America [USD]": "3"}
    load(catalogue, {**THIS_BAG, **given})
    product = catalogue.by_handle("bag")
    assert (product.tags, product.images) == (("x", "y"), ("c",))
    assert product.variants[0].prices == (Price("usd", 300, "North America"),)


def test_a_product_is_given_another_handle_by_its_id() -> None:
    catalogue = shop(BAG)
    assert load(catalogue, {"Product Id": "prod_bag", "Product Handle": "sack"}).operations == Operations(0, 1, 0, 0)
    assert catalogue.products["prod_bag"].handle == "sack"


@pytest.mark.parametrize("product", [BAG, BARE])
def test_a_row_that_says_nothing_of_variants_touches_none(product: Product) -> None:
    catalogue = shop(product)
    row = {"Product Id": product.id, "Product Handle": product.handle, "Product Title": "New"}
    outcome = load(catalogue, {**row, "Variant SKU": "", "Option 1 Name": "", "Price EUR": "", "Variant Id": ""})
    assert outcome.operations == Operations(0, 1, 0, 0)
    assert catalogue.products[product.id].variants == product.variants


def test_new_variants_stand_behind_those_that_are_there() -> None:
    catalogue = shop(SHIRT)
    new = {"Option 1 Name": "Size", "Option 1 Value": "L", "Option 2 Name": "Fit", "Option 2 Value": "slim"}
    assert load(catalogue, {**THIS_SHIRT, **new}).operations == Operations(0, 1, 1, 0)
    product = catalogue.by_handle("shirt")
    assert product.options == ("Size", "Colour", "Fit")
    assert [one.id for one in product.variants] == ["variant_s", "variant_m", "variant_x", "variant_50_1"]
    assert [one.options for one in product.variants[1:]] == [
        ("M", "blue", None),
        ("S", None, None),
        ("L", None, "slim"),
    ]


def test_empty_options_are_cleared() -> None:
    catalogue = shop(SHIRT)
    cleared = {"Option 1 Name": "", "Option 1 Value": "", "Option 2 Name": "", "Option 2 Value": ""}
    load(catalogue, {**THIS_SHIRT, "Variant Id": "variant_m", **cleared})
    assert catalogue.by_handle("shirt").variants[1].options == (None, None)


def test_skus_change_places_within_a_product() -> None:
    catalogue = shop(SHIRT)
    first = {**THIS_SHIRT, "Variant Id": "variant_s", "Variant SKU": "M"}
    second = {**THIS_SHIRT, "Variant Id": "variant_m", "Variant SKU": "S"}
    assert load(catalogue, first, second).errors == []
    assert list(catalogue.by_handle("shirt").skus) == ["M", "S"]


# Options.


def test_an_option_that_a_row_does_not_name_stays_where_the_file_has_fewer_columns() -> None:
    catalogue = shop(SHIRT)
    load(catalogue, {**THIS_SHIRT, "Variant Id": "variant_m", "Option 1 Name": "Size", "Option 1 Value": "L"})
    product = catalogue.by_handle("shirt")
    assert product.options == ("Size", "Colour")
    assert product.variants[1].options == ("L", "blue")


def test_options_are_renamed_where_the_file_has_them_all() -> None:
    catalogue = shop(SHIRT)
    rows = [
        {
            **THIS_SHIRT,
            "Variant Id": variant.id,
            "Option 1 Name": "Gr\u00f6\u00dfe",
            "Option 1 Value": variant.options[0] or "",
            "Option 2 Name": "Colour",
            "Option 2 Value": variant.options[1] or "",
        }
        for variant in SHIRT.variants
    ]
    assert load(catalogue, *rows).errors == []
    product = catalogue.by_handle("shirt")
    assert product.options == ("Colour", "Gr\u00f6\u00dfe")
    assert [one.options for one in product.variants] == [("blue", "S"), ("blue", "M"), (None, "S")]


def test_an_option_stays_as_long_as_a_variant_has_a_value_for_it() -> None:
    catalogue = shop(SHIRT)
    cells = {"Option 1 Name": "Size", "Option 1 Value": "M", "Option 2 Name": "", "Option 2 Value": ""}
    load(catalogue, {**THIS_SHIRT, "Variant Id": "variant_m", **cells})
    product = catalogue.by_handle("shirt")
    assert product.options == ("Size", "Colour")
    assert product.variants[1].options == ("M", None)


@pytest.mark.parametrize(
    "rows",
    [
        [{"Variant Id": "variant_m", "Option 1 Name": "Size", "Option 1 Value": "S"}],
        [{"Option 1 Name": "Size", "Option 1 Value": "S", "Option 2 Name": "Colour", "Option 2 Value": "blue"}],
        [{"Option 1 Name": "Size", "Option 1 Value": "L"}, {"Option 1 Name": "Size", "Option 1 Value": "L"}],
    ],
)
def test_each_combination_of_option_values_is_there_once(rows: list[dict[str, str]]) -> None:
    outcome = load(shop(SHIRT), *({**THIS_SHIRT, **row} for row in rows))
    [(line, message)] = messages(outcome)
    assert line == len(rows)
    assert message.startswith("Two variants of product shirt have the option values ")


def test_several_variants_may_be_without_options_beside_others() -> None:
    catalogue = shop()
    sized = {"Option 1 Name": "Size", "Option 1 Value": "S"}
    rows = [{**OTHER, "Variant SKU": "1", **sized}, {**OTHER, "Variant SKU": "2"}, {**OTHER, "Variant SKU": "3"}]
    assert load(catalogue, *rows).errors == []
    assert [one.options for one in catalogue.by_handle("other").variants] == [("S",), (None,), (None,)]


def test_option_values_change_places() -> None:
    catalogue = shop(SHIRT)
    first = {**THIS_SHIRT, "Variant Id": "variant_s", "Option 1 Name": "Size", "Option 1 Value": "M"}
    second = {**THIS_SHIRT, "Variant Id": "variant_m", "Option 1 Name": "Size", "Option 1 Value": "S"}
    assert load(catalogue, first, second).errors == []
    assert [one.options for one in catalogue.by_handle("shirt").variants[:2]] == [("M", "blue"), ("S", "blue")]


# What is found by handle.


def test_a_file_that_matches_is_imported_again_and_again() -> None:
    catalogue = shop()
    rows = [
        {**OTHER, "Product Title": "T", "Variant SKU": "A", "Variant Title": "a"},
        {**OTHER, "Variant SKU": "B", "Variant Title": "b"},
        {"Product Handle": "single", "Variant Title": "only"},
        {"Product Handle": "sized", "Option 1 Name": "Size", "Option 1 Value": "S"},
        {"Product Handle": "sized", "Option 1 Name": "Size", "Option 1 Value": "M"},
    ]
    assert load(catalogue, *rows, match="handle").operations == Operations(3, 0, 5, 0)
    before = dict(catalogue.products)
    assert load(catalogue, *rows, match="handle").operations == Operations(0, 3, 0, 5)
    assert catalogue.products == before
    rows[2]["Variant Title"] = "other"
    load(catalogue, *rows, match="handle")
    assert catalogue.by_handle("single").variants[0].fields == {"title": "other"}


def test_a_variant_is_matched_by_its_sku_before_its_options() -> None:
    catalogue = shop(SHIRT)
    row = {"Product Handle": "shirt", "Variant SKU": "M", "Option 1 Name": "Size", "Option 1 Value": "XL"}
    more = {"Option 2 Name": "Colour", "Option 2 Value": "blue"}
    assert load(catalogue, {**row, **more}, match="handle").operations == Operations(0, 1, 0, 1)
    assert catalogue.by_handle("shirt").variants[1].options == ("XL", "blue")


def test_a_variant_is_matched_by_its_options_and_given_another_sku() -> None:
    catalogue = shop(SHIRT)
    row = {"Product Handle": "shirt", "Variant SKU": "NEW", "Option 1 Name": "Size", "Option 1 Value": "M"}
    more = {"Option 2 Name": "Colour", "Option 2 Value": "blue"}
    assert load(catalogue, {**row, **more}, match="handle").operations == Operations(0, 1, 0, 1)
    assert list(catalogue.by_handle("shirt").skus) == ["S", "NEW"]


def test_a_variant_id_wins_over_a_match() -> None:
    catalogue = shop(SHIRT)
    named = {"Product Handle": "shirt", "Variant Id": "variant_s", "Variant SKU": "NEW"}
    matched = {"Product Handle": "shirt", "Variant SKU": "S", "Variant Title": "new one"}
    assert load(catalogue, named, matched, match="handle").operations == Operations(0, 1, 1, 1)
    assert list(catalogue.by_handle("shirt").skus) == ["NEW", "M", "S"]


def test_a_row_that_matches_several_variants_is_ambiguous() -> None:
    row = {"Product Handle": "shirt", "Variant Title": "x"}
    [(line, message)] = messages(load(shop(SHIRT), row, match="handle"))
    assert (line, "which variant of product shirt is meant" in message) == (1, True)
    again = {"Product Handle": "bag", "Variant Title": "x"}
    assert [line for line, _ in messages(load(shop(BAG), again, again, match="handle"))] == [2]


def test_a_row_without_sku_and_options_stands_beside_others() -> None:
    catalogue = shop(BAG)
    rows = [{"Product Handle": "bag", "Variant SKU": "BAG"}, {"Product Handle": "bag", "Variant Title": "bare"}]
    assert load(catalogue, *rows, match="handle").operations == Operations(0, 1, 1, 1)
    assert load(catalogue, *rows, match="handle").operations == Operations(0, 1, 0, 2)
    assert [line for line, _ in messages(load(catalogue, *rows, rows[1], match="handle"))] == [3]


CELLS: Mapping[str, Sequence[str]] = {
    "Product Title": ["", "x", "'=x"],
    "Product Tags": ["", "a", 'a,"b,c"'],
    "Product Status": ["", "published"],
    "Variant SKU": ["", "A", "B", "C"],
    "Variant Title": ["", "t"],
    "Variant Inventory Quantity": ["", "0", "5"],
    "Price EUR": ["", "1.50"],
    "Price North America [USD]": ["", "3"],
    "Option 1 Name": ["", "Size", "Colour"],
    "Option 1 Value": ["", "S", "M"],
    "Option 2 Name": ["", "Colour"],
    "Option 2 Value": ["", "S", "blue"],
    "Image 1 Url": ["", "u"],
    "Sales Channel 1 Name": ["", "Web"],
}
ROWS = st.lists(
    st.fixed_dictionaries(
        {"Product Handle": st.sampled_from(["a", "b", "=c"])},
        optional={title: st.sampled_from(values) for title, values in CELLS.items()},
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=100, deadline=None)
@given(ROWS, ROWS, st.booleans())
def test_any_file_that_matches_is_imported_again_without_a_change(
    first: list[dict[str, str]], second: list[dict[str, str]], skip: bool
) -> None:
    catalogue = shop()
    for rows in (first, second):
        outcome = load(catalogue, *rows, match="handle", on_error="skip")
        assert_is_sound(catalogue)
        before, stock = dict(catalogue.products), {id: dict(centres) for id, centres in catalogue.stock.items()}
        again = load(catalogue, *rows, match="handle", on_error="skip" if skip else "fail")
        assert catalogue.products == before
        assert catalogue.stock == stock
        assert tuple(again.operations)[::2] == (0, 0)
        if not outcome.errors:
            assert again.errors == []


def assert_is_sound(catalogue: Catalogue) -> None:
    products = list(catalogue.products.values())
    skus = [sku for product in products for sku in product.skus]
    assert len(set(skus)) == len(skus)
    assert len({product.handle for product in products}) == len(products)
    entities = [entity for product in products for entity in product.entities]
    assert len(set(entities)) == len(entities)
    for product in products:
        assert product.parent is not None or (len(product.variants) == 1 and not product.options)
        combinations = [variant.options for variant in product.variants]
        assert {len(values) for values in combinations} == {len(product.options)}
        chosen = [values for values in combinations if any(value is not None for value in values)]
        assert len(set(chosen)) == len(chosen)
        for variant in product.variants:
            keys = [(price.currency, price.region is not None, price.region) for price in variant.prices]
            assert keys == sorted(set(keys))


def test_a_match_that_says_nothing_of_variants_changes_the_product_alone_where_it_has_several() -> None:
    catalogue = shop(SHIRT)
    outcome = load(catalogue, {"Product Handle": "shirt", "Product Title": "New"}, match="handle")
    assert outcome.operations == Operations(0, 1, 0, 0)
    assert catalogue.by_handle("shirt").fields == {"title": "New"}


def test_a_new_sku_is_a_new_variant() -> None:
    catalogue = shop(BAG)
    outcome = load(catalogue, {"Product Handle": "bag", "Variant SKU": "BAG-2"}, match="handle")
    assert outcome.operations == Operations(0, 1, 1, 0)
    assert list(catalogue.by_handle("bag").skus) == ["BAG", "BAG-2"]


def test_a_product_id_must_agree_with_the_product_of_the_handle() -> None:
    [(line, message)] = messages(
        load(shop(BAG, SHIRT), {"Product Id": "prod_bag", "Product Handle": "shirt"}, match="handle")
    )
    assert line == 1
    assert "Product Handle shirt of product shirt already belongs to another product (shirt)" in message


# What is the matter.


def test_unknown_product_and_variant_ids_are_told() -> None:
    row = {"Product Id": "prod_x", "Product Handle": "bag"}
    outcome = load(shop(BAG), {**row, "Variant Id": "variant_x"}, {**row, "Variant Id": "variant_bag"})
    assert messages(outcome) == [
        (1, "Product with id: prod_x was not found"),
        (1, "Variant with id: variant_x was not found"),
        (2, "Variant with id: variant_bag was not found"),
    ]
    assert {error.code for error in outcome.errors} == {"not_found"}


def test_unknown_ids_are_told_with_how_to_leave_them_out() -> None:
    [error] = load(shop(BAG), {"Product Id": "prod_x", "Product Handle": "hat"}).errors
    assert '{"Product Id": null' in (error.suggestion or "")


@pytest.mark.parametrize("column", ["Variant SKU", "Variant Id"])
def test_a_product_given_as_a_new_one_is_told_with_how_to_change_it(column: str) -> None:
    row = {"Product Handle": "bag", column: {"Variant SKU": "NEW", "Variant Id": "variant_bag"}[column]}
    errors = load(shop(BAG), row).errors
    assert {error.suggestion for error in errors} == {claims.TO_CHANGE_IT}
    assert load(shop(BAG), {**row, "Product Id": "prod_bag"}).errors == []
    if column == "Variant Id":
        assert load(shop(BAG), row, match="handle").errors == []


def test_a_handle_that_another_product_gets_is_no_product_to_be_changed() -> None:
    renamed = {**THIS_BAG, "Variant Id": "variant_bag", "Product Handle": "shirt"}
    [error] = load(shop(BAG, SHIRT), renamed).errors
    assert "already belongs to another product (shirt)" in error.message
    assert error.suggestion is None


def test_a_variant_does_not_move_between_products() -> None:
    row = {**THIS_BAG, "Variant Id": "variant_s"}
    assert messages(load(shop(BAG, SHIRT), row)) == [(1, "Variant with id: variant_s was not found")]


def test_a_variant_comes_once() -> None:
    row = {**THIS_BAG, "Variant Id": "variant_bag"}
    assert messages(load(shop(BAG), row, row)) == [(2, "Variant with id: variant_bag is already in line 1")]


def test_a_handle_has_one_product_id_and_a_product_id_one_handle() -> None:
    outcome = load(shop(BAG, SHIRT), THIS_BAG, {**THIS_BAG, "Product Id": "prod_shirt"})
    assert messages(outcome) == [(2, "Product bag has two Product Ids: prod_bag and prod_shirt")]
    outcome = load(shop(BAG), THIS_BAG, {**THIS_BAG, "Product Handle": "sack"})
    assert messages(outcome) == [(2, "Product Id prod_bag of product sack is already in line 1 (product bag)")]


def test_a_later_row_may_leave_the_product_id_out() -> None:
    catalogue = shop(SHIRT)
    second = {"Product Handle": "shirt", "Variant Id": "variant_m", "Variant Title": "M"}
    assert load(catalogue, {**THIS_SHIRT, "Variant Id": "variant_s"}, second).operations == Operations(0, 1, 0, 2)


def test_a_handle_that_is_there_is_a_duplicate_unless_it_matches() -> None:
    outcome = load(shop(BAG), {"Product Handle": "bag"})
    [(line, message)] = messages(outcome)
    assert line == 1
    assert message.startswith("Product Handle bag of product bag already belongs to another product (bag)")
    assert outcome.errors[0].code == "duplicate_error"


def test_a_sku_of_another_product_is_a_duplicate_even_where_the_file_frees_it() -> None:
    freed = {**THIS_BAG, "Variant Id": "variant_bag", "Variant SKU": "FREE"}
    [(line, message)] = messages(load(shop(BAG), freed, {**OTHER, "Variant SKU": "BAG"}))
    assert line == 2
    assert "Variant SKU BAG of product other already belongs to another product (bag)" in message
    assert "import in two steps" in message


def test_a_sku_that_comes_twice_is_told_at_each_later_row() -> None:
    rows = [{**OTHER, "Variant SKU": "A"}, {"Product Handle": "b", "Variant SKU": "A"}, {**OTHER, "Variant SKU": "A"}]
    found = messages(load(shop(), *rows))
    assert sorted(found) == [
        (2, "Variant SKU A of product b is already in line 1 (product other)"),
        (3, "Variant SKU A of product other is already in line 1 (product other)"),
    ]


def test_a_sku_of_a_variant_that_no_row_is_about_is_a_duplicate() -> None:
    row = {**THIS_SHIRT, "Variant Id": "variant_s", "Variant SKU": "M"}
    assert messages(load(shop(SHIRT), row)) == [
        (1, "Variant SKU M of product shirt already belongs to its variant variant_m")
    ]


def test_a_handle_has_2048_rows_and_variants_at_most() -> None:
    rows = [{**OTHER, "Variant SKU": f"{number}"} for number in range(MOST_VARIANTS + 1)]
    catalogue = shop()
    assert load(catalogue, *rows[:-1]).operations == Operations(1, 0, MOST_VARIANTS, 0)
    [(line, message)] = messages(load(shop(), *rows))
    assert (line, message) == (2049, "Product other has more than 2048 rows")
    [(line, message)] = messages(
        load(catalogue, {"Product Id": "prod_50_1", **OTHER, "Variant SKU": "x"}, {**OTHER, "Variant SKU": "y"})
    )
    assert (line, message) == (1, "2050 variants of product other, of 2048 that can be")


def rows_with_options(count: int, letter: str) -> list[dict[str, str]]:
    long = {f"Option {n} {part}": f"{n}{letter * 250}" for n in range(1, 11) for part in ("Name", "Value")}
    return [{**OTHER, "Variant SKU": f"{number}", **long, "Option 1 Value": str(number)} for number in range(count)]


def test_a_product_has_4_mb_at_most() -> None:
    assert load(shop(), *rows_with_options(1500, "x")).errors == []
    [(line, message)] = messages(load(shop(), *rows_with_options(1000, "é")))
    assert line == 1
    assert message.startswith("Product other has 46")


def test_no_more_of_a_product_is_gathered_than_it_can_have() -> None:
    [(line, message)] = messages(load(shop(), *rows_with_options(2048, "x")))
    assert line == 1851
    assert message == f"Product other has more than {LARGEST_PRODUCT} bytes"
    catalogue = shop()
    data = file_of({**OTHER, "Product Description": "x" * 100_000, "Variant SKU": "x" * 10_000})
    header = read_header([data], {})
    [row] = header.reader([data[header.end :]], header.beginning, is_last=True)
    many = (Row(number + 1, ["other", str(number) + row.cells[1][10:], row.cells[2]]) for number in range(3000))
    tracemalloc.start()
    try:
        gathered = gather(Parser(header, catalogue.known), many)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(gathered) == 2049
    assert held < 8_000_000


def test_errors_of_cells_and_of_the_plan_are_told_together() -> None:
    row = {"Product Id": "prod_x", "Product Handle": "bag", "Price EUR": "x"}
    found = messages(load(shop(), row, {**OTHER, "Product Status": "x"}))
    assert [line for line, _ in found] == [1, 1, 2]


# Quantities.


def test_a_quantity_is_set_in_centre_0() -> None:
    catalogue = shop(BAG, stock={7: {0: 2, 3: 0}})
    outcome = load(catalogue, {**THIS_BAG, "Variant Id": "variant_bag", "Variant Inventory Quantity": "9"})
    assert catalogue.stock == {7: {0: 9, 3: 0}}
    assert catalogue.by_handle("bag") is BAG
    assert outcome.notices == 0


def test_a_quantity_is_left_out_where_other_centres_have_stock() -> None:
    catalogue = shop(BAG, stock={7: {0: 2, 3: 1}})
    plan = plan_of(catalogue, {**THIS_BAG, "Variant Id": "variant_bag", "Variant Inventory Quantity": "9"})
    assert (plan.quantities, plan.notices) == ({}, [Notice("quantity_left_out", 1)])


def plan_of(catalogue: Catalogue, *rows: Mapping[str, str]) -> Plan:
    data = file_of(*rows)
    header = read_header([data], {})
    [plan] = catalogue.plans(header, list(header.reader([data[header.end :]], header.beginning, is_last=True)), {})
    return plan


def test_claims_of_a_product_in_a_plan() -> None:
    plan = plan_of(shop(SHIRT), {**THIS_SHIRT, "Variant SKU": "A"}, {**THIS_SHIRT, "Variant SKU": "A"})
    assert list(plan.claims) == [
        Claim("handle", "shirt", 1),
        Claim("product", "prod_shirt", 1),
        Claim("sku", "A", 1),
    ]
    assert [error.line for error in plan.errors] == [2]


def test_no_id_is_asked_for_where_there_are_errors() -> None:
    catalogue = shop()
    assert load(catalogue, {**OTHER, "Variant SKU": "A"}, {**OTHER, "Variant SKU": "A"}).status == "failed"
    assert next(catalogue.entities) == 1000


# What is told of it.


def test_operations_are_told_in_the_words_that_clients_know() -> None:
    operations = Operations(2, 0, 3, 0).plus(Operations(0, 1, 0, 4))
    assert operations.to_answer() == {
        "PRODUCT_CREATE": 2,
        "PRODUCT_UPDATE": 1,
        "VARIANT_CREATE": 3,
        "VARIANT_UPDATE": 4,
    }
    assert operations.total == 10
    assert Operations(2, 0, 3, 0).told() == (
        "There will be 2 products created (0  updated).\n             3 variants will be created and 0 updated"
    )


def test_a_duplicate_names_itself_and_the_handle_of_its_product() -> None:
    error = claims.is_held(Claim("sku", "A-1", 4), "tea", "pot")
    assert (error.line, error.column) == (4, "Variant SKU")
    assert "A-1" in error.message
    assert "tea" in error.message
