"""Product files that shops really have trouble with, from their bytes to the catalogue."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from batchyard.catalogue.rules import Product, Variant
from tests.support.imports import Catalogue, Outcome

CASES = Path(__file__).parents[1] / "cases" / "imports"
NAMES = sorted(path.stem for path in CASES.glob("*.json"))


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    return found


def file_of(name: str, catalogue: Catalogue) -> bytes:
    text = (CASES / name).read_bytes()
    text = re.sub(rb"@@PROD\((.*?)\)@@", lambda found: catalogue.by_handle(found[1].decode()).id.encode(), text)
    return re.sub(rb"@@VAR\((.*?)\)@@", lambda found: catalogue.variant_id(found[1].decode()).encode(), text)


def imported(told: dict[str, Any]) -> tuple[Catalogue, Outcome]:
    catalogue = Catalogue()
    if "setup" in told:
        assert catalogue.load(file_of(told["setup"], catalogue)).status == "completed"
    outcome = catalogue.load(file_of(told["file"], catalogue), told.get("context"))
    if told["expect"].get("run") == "twice":
        outcome = catalogue.load(file_of(told["file"], catalogue), told.get("context"))
    return catalogue, outcome


@pytest.mark.parametrize("name", NAMES)
def test_an_import_case_has_its_expected_result(name: str) -> None:
    told = case(name)
    expected = told["expect"]
    catalogue, outcome = imported(told)
    assert outcome.status == expected["status"]
    if isinstance(expected["errors"], int):
        assert len(outcome.errors) == expected["errors"], outcome.errors
    else:
        assert len(outcome.errors) >= 2
        assert all(error.line is None for error in outcome.errors)
    for each in expected.get("each", ()):
        assert any(
            each.get("message") in {None, error.message}
            and each.get("line") in {None, error.line}
            and all(text in error.message for text in each.get("contains", ()))
            for error in outcome.errors
        ), (each, outcome.errors)
    if isinstance(expected.get("operations"), dict):
        assert outcome.operations.to_answer() == expected["operations"]
        assert outcome.operations.total == expected["count"]
    if expected.get("written") == "nothing":
        assert catalogue.products == {}
    if isinstance(expected.get("readback"), dict):
        for handle, wanted in expected["readback"].items():
            assert_is(catalogue, catalogue.by_handle(handle), wanted)


def assert_is(catalogue: Catalogue, product: Product, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        match name:
            case "status":
                assert product.status == value
            case "tags" | "images" | "options" if isinstance(value, list):
                assert list(getattr(product, name)) == value
            case "images" | "variants" if isinstance(value, int):
                assert len(getattr(product, name)) == value
            case "variant":
                assert_variant_is(catalogue, product.variants[0], value)
            case "prices":
                assert_variant_is(catalogue, product.variants[0], {"prices": value})
            case "variants":
                found = {one.sku: dict(zip(product.options, one.options, strict=True)) for one in product.variants}
                assert found == value
            case _:
                assert product.fields[name] == value


def assert_variant_is(catalogue: Catalogue, variant: Variant, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        if name == "prices":
            found = {
                price.currency.upper()
                if price.region is None
                else f"region {price.region} [{price.currency.upper()}]": price.amount
                for price in variant.prices
            }
            assert found == {name: amount for name, amount in value.items() if amount is not None}
        elif name == "inventory_quantity":
            assert catalogue.stock[variant.entity] == {0: value}
        else:
            assert variant.fields[name] == value


def test_a_product_needs_a_handle_alone() -> None:
    catalogue, _ = imported(case("only_the_handle"))
    assert [product.handle for product in catalogue.products.values()] == ["x-1", "x-2"]
    assert [[one.sku for one in product.variants] for product in catalogue.products.values()] == [[None], [None]]


def test_skipped_products_are_imported_from_their_mended_error_file() -> None:
    told = case("skip_keeps_good_rows")
    catalogue, outcome = imported(told)
    assert {product.handle for product in catalogue.products.values()} == {"g1", "g3", "g6"}
    lines = outcome.error_file.splitlines()
    assert lines[0] == (
        "Product Handle;Product Title;Product Collection Handle;Variant SKU;Price EUR;Error Line;Error Message"
    )
    assert [line.split(";")[1] for line in lines[1:]] == ["G2", "G4", "G5"]
    mended = outcome.error_file.replace(";x;", ";2;").replace("\r\n;", "\r\ng4;").replace("nocoll;", "shoes;")
    again = catalogue.load(mended.encode(), told["context"])
    assert (again.errors, again.operations.total) == ([], 6)


@pytest.mark.parametrize("name", ["quotes_and_apostrophes", "region_price_roundtrip", "text_stays_text", "tab_file"])
def test_an_import_case_exported_and_imported_again_changes_nothing(name: str) -> None:
    catalogue, _ = imported(case(name))
    before, exported = dict(catalogue.products), catalogue.export()
    outcome = catalogue.load(exported)
    count = len(before)
    assert tuple(outcome.operations) == (0, count, 0, count)
    assert catalogue.products == before
    assert catalogue.export() == exported


def test_a_file_of_another_shop_is_told_what_to_set() -> None:
    _, outcome = imported(case("shopify_file_no_dialect"))
    [hint] = [error for error in outcome.errors if "looks like" in error.message]
    assert "Shopify" in hint.message
    assert "context.dialect" in hint.message
