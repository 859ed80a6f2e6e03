"""The mapping in the documents brings simple products of WooCommerce's export in, and tells what it does not know."""

import csv
import io
import json
from pathlib import Path

import pytest

from batchyard.catalogue.rules import DRAFT, Price
from tests.support.imports import Catalogue
from tools.jobs import arguments

MAPPING = Path(__file__).parents[2] / "docs" / "woocommerce.json"

# As its exporter writes it, with all columns chosen; line ends are LF, and a cell that looks like a formula has a '.
HEADER = (
    'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,"Is featured?","Visibility in catalog","Short description",'
    'Description,"Date sale price starts","Date sale price ends","Tax status","Tax class","In stock?",Stock,'
    '"Low stock amount","Backorders allowed?","Sold individually?","Weight (kg)","Length (cm)","Width (cm)",'
    '"Height (cm)","Allow customer reviews?","Purchase note","Sale price","Regular price",Categories,Tags,'
    '"Shipping class",Images,"Download limit","Download expiry days",Parent,"Grouped products",Upsells,Cross-sells,'
    '"External URL","Button text",Position,Brands\n'
)
TEA = (
    '29,simple,TEA-1,0952112345670,"Green tea, loose",1,0,visible,"<p>New.</p>","<p>First flush.</p>\\n<p>100 g.</p>",'
    ',,taxable,,1,14,,0,0,.1,,,,1,,,12.50,"Drinks, Drinks > Tea","gift, new",,"https://images.example/tea-1.jpg, '
    'https://images.example/tea-2.jpg",,,,,,,,,0,Nørre\n'
)
POT = "32,simple,,,'-20 °C pot,-1,0,visible,,,,,taxable,,1,,,notify,0,,,,,0,,19.90,24,Kitchen,,,,,,,,,,,,1,\n"
CONTEXT = {"mapping": arguments.mapping(MAPPING), "match": "handle", "escape_formulas": True}


def test_the_mapping_names_each_column_once() -> None:
    [titles] = csv.reader(io.StringIO(HEADER))
    assert list(json.loads(MAPPING.read_text(encoding="utf-8"))) == titles


def test_simple_products_of_woocommerce_come_in_as_drafts_and_once() -> None:
    catalogue = Catalogue()
    for _ in range(2):
        assert catalogue.load((HEADER + TEA + POT).encode(), CONTEXT).errors == []
    assert len(catalogue.products) == 2
    tea, pot = catalogue.by_handle("29"), catalogue.by_handle("32")
    assert (tea.fields["title"], tea.tags, tea.status) == ("Green tea, loose", ("gift", "new"), DRAFT)
    assert tea.fields["description"] == "<p>First flush.</p>\\n<p>100 g.</p>"
    [variant] = tea.variants
    assert (variant.sku, variant.fields["barcode"]) == ("TEA-1", "0952112345670")
    assert variant.prices == (Price("eur", 1250),)
    assert catalogue.stock[variant.entity] == {0: 14}
    [variant] = pot.variants
    assert (pot.fields["title"], variant.sku, variant.prices) == ("-20 °C pot", None, (Price("eur", 2400),))
    assert variant.entity not in catalogue.stock


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        ("Weight (kg)", "Weight (lbs)", ["Weight (lbs)", "Weight (kg)"]),
        ("Brands", "Meta: _wpcom_is_markdown", ["Meta: _wpcom_is_markdown", "Brands"]),
    ],
)
def test_columns_that_differ_are_named(ours: str, theirs: str, told: list[str]) -> None:
    outcome = Catalogue().load((HEADER.replace(ours, theirs) + TEA).encode(), CONTEXT)
    assert outcome.status == "failed"
    assert [error.column for error in outcome.errors] == told
