"""The files that the demonstration imports: they are what it says of them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from batchyard.catalogue.reference import SalesChannel
from batchyard.product_files.counting import Operations
from tests.support.imports import Catalogue
from tools import catalogue as made_up
from tools.demo import sheets
from tools.demo.goods import Row, rows_in

CHANNELS = {"sc_1": SalesChannel("sc_1", "Web shop", None), "sc_2": SalesChannel("sc_2", "Fairs; markets", "All year")}
DIGITS: Mapping[str, int] = {"eur": 2, "gbp": 2, "usd": 2, "chf": 2, "jpy": 0, "kwd": 3}
COUNT = 60


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr("tests.support.imports.DIGITS", DIGITS)
    channels = {id: channel.name for id, channel in CHANNELS.items()}
    return Catalogue(regions=made_up.REGIONS, collections=frozenset(made_up.COLLECTIONS), sales_channels=channels)


def written(sheet: sheets.Sheet) -> bytes:
    sheet.write()
    return sheet.path.read_bytes()


def without_ids(rows: list[Row]) -> list[Row]:
    return [{title: cell for title, cell in row.items() if title not in sheets.IDS} for row in rows]


def test_the_demo_sheet_of_a_season_creates_new_products_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    sheet = sheets.season(tmp_path / "s.csv", COUNT, "spring-1", CHANNELS)
    outcome = catalogue.load(written(sheet))
    assert outcome.errors == []
    assert outcome.operations == Operations(products_created=COUNT, variants_created=len(sheet.rows))
    assert all("spring-1" in product.tags for product in catalogue.products.values())
    found = without_ids(list(rows_in(catalogue.export().decode())))
    for one, wanted in zip(found, sheet.rows, strict=True):
        # Reference data has other titles and descriptions here.
        same = wanted.keys() - {
            "Product Collection Title",
            *(f"Sales Channel {number} Description" for number in (1, 2)),
        }
        assert {title: one.get(title) for title in same} == {title: wanted[title] for title in same}


def test_demo_sheets_of_two_seasons_share_no_product(catalogue: Catalogue, tmp_path: Path) -> None:
    for tag in ("spring-1", "spring-2"):
        assert catalogue.load(written(sheets.season(tmp_path / "s.csv", COUNT, tag, CHANNELS))).errors == []
    assert len(catalogue.products) == 2 * COUNT


@pytest.mark.parametrize("count", [30, COUNT])
def test_each_mistake_of_the_demo_sheet_is_an_error_at_its_cell(
    catalogue: Catalogue, tmp_path: Path, count: int
) -> None:
    sheet = sheets.season(tmp_path / "s.csv", count, "spring-1", CHANNELS)
    faulty, mistakes = sheets.with_mistakes(sheet, tmp_path / "f.csv")
    outcome = catalogue.load(written(faulty))
    assert outcome.status == "failed"
    assert len(mistakes) == 8
    assert sorted((error.line, error.column) for error in outcome.errors) == sorted(mistakes)
    assert catalogue.load(written(sheet)).errors == []


def test_the_file_of_shopify_becomes_what_is_wanted(catalogue: Catalogue) -> None:
    outcome = catalogue.load(sheets.SHOPIFY.read_bytes(), {"dialect": "shopify", "currency": "eur", "match": "handle"})
    assert outcome.errors == []
    assert outcome.notices == 1
    rows = list(rows_in(catalogue.export().decode()))
    assert len(rows) == len(sheets.FROM_SHOPIFY)
    for row, wanted in zip(rows, sheets.FROM_SHOPIFY, strict=True):
        assert {title: row.get(title) for title in wanted} == wanted
    shirt = catalogue.by_handle("shopify-linen-shirt")
    assert [image.rpartition("/")[2] for image in shirt.images] == ["front.jpg", "back.jpg", "detail.jpg"]
    assert [variant.fields["barcode"] for variant in shirt.variants] == [f"095211234567{number}" for number in range(3)]
