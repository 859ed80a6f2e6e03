"""The files that are imported: made-up products as another shop would have them, without IDs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from batchyard import ulids
from batchyard.catalogue import currencies
from batchyard.catalogue.rules import Product
from batchyard.product_files.columns import Shape
from batchyard.product_files.rows import Layout, Names, shape_of
from batchyard.uploads.rules import FileKey
from batchyard.user_ids import user_id
from tests.benchmarks.jobs import USER
from tools import catalogue

PRODUCTS, VARIANTS = 1_000, 2
MATCH = {"match": "handle"}
OTHERWISE = " (renamed)"

_NUMBER = "@@"


def pieces(products: int, *, titles: str = "") -> Iterator[str]:
    """A file of so many products, in pieces: its header, and then the rows of a product each.

    Args:
        products: How many. After a thousand they come again, with other handles and SKUs.
        titles: What stands behind each title.
    """
    layout = Layout()
    made = [_foreign(one.product, titles) for one in catalogue.made_up(min(products, PRODUCTS), variants=VARIANTS)]
    names = Names(catalogue.COLLECTIONS, {}, lambda currency: currencies.digits(currency) or 0)
    records = [layout.record(one, {variant.entity: 5 for variant in one.variants}, names) for one in made]
    shape = Shape()
    for record in records:
        shape = shape.merged(shape_of(record))
    rows = [layout.rows(record, shape) for record in records]
    yield layout.header(shape)
    for place in range(products):
        yield rows[place % PRODUCTS].replace(_NUMBER, str(place // PRODUCTS))


def _foreign(product: Product, titles: str) -> Product:
    """A product as a file has it that is from elsewhere: without IDs."""
    variants = tuple(
        replace(
            variant,
            id="",
            fields={**variant.fields, **({"sku": f"{variant.sku}-{_NUMBER}"} if variant.sku else {})},
        )
        for variant in product.variants
    )
    fields = {**product.fields, "title": f"{product.fields['title']}{titles}"}
    return replace(product, id="", handle=f"{product.handle}-{_NUMBER}", fields=fields, variants=variants)


def file_of(products: int, *, titles: str = "") -> bytes:
    """A whole file."""
    return "".join(pieces(products, titles=titles)).encode()


def key_of(moment: int) -> str:
    """Where an upload of the benchmarks' user lies."""
    return str(FileKey(user_id(USER), ulids.of(moment, "upload"), "products.csv"))
