"""Each column of product files is read by imports, too: with a title alone it would count as known, and stay unread."""

import pytest

from batchyard.catalogue.rules import PRODUCT_FIELDS, VARIANT_FIELDS
from batchyard.product_files.columns import PRODUCT_COLUMNS, VARIANT_COLUMNS, Column
from tests.support.imports import Catalogue

CELLS = {str: ("text", "text"), float: ("12.5", 12.5), bool: ("false", False)}
"""By the type of a field, a cell and what it means; none of them is what a product without the cell has."""

# A collection must be there already.
OF_PRODUCT = [column for column in PRODUCT_COLUMNS if column.field in PRODUCT_FIELDS and column.field != "collection"]
OF_VARIANT = [column for column in VARIANT_COLUMNS if column.field in VARIANT_FIELDS]


def imported(column: Column, cell: str) -> Catalogue:
    """A catalogue after the import of one product, with a cell below this column."""
    catalogue = Catalogue()
    found = {"Product Handle": "boots", "Product Title": "Boots", "Variant SKU": "B-1", column.title: cell}
    outcome = catalogue.load(f"{';'.join(found)}\r\n{';'.join(found.values())}\r\n".encode())
    assert (outcome.status, outcome.errors) == ("completed", [])
    return catalogue


@pytest.mark.parametrize("column", OF_PRODUCT, ids=lambda column: column.title)
def test_a_cell_of_a_product_is_read(column: Column) -> None:
    cell, meant = CELLS[PRODUCT_FIELDS[column.field]]
    assert imported(column, cell).by_handle("boots").fields[column.field] == meant


@pytest.mark.parametrize("column", OF_VARIANT, ids=lambda column: column.title)
def test_a_cell_of_a_variant_is_read(column: Column) -> None:
    # A new variant manages its inventory and allows no backorder unless it is told.
    cell, meant = ("true", True) if column.field == "allow_backorder" else CELLS[VARIANT_FIELDS[column.field]]
    [variant] = imported(column, cell).by_handle("boots").variants
    assert variant.fields[column.field] == meant
