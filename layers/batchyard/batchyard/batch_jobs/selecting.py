"""The products of a selection, read from the catalogue: all of it is scanned, unless keys lead to them."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched

from batchyard import threads
from batchyard.batch_jobs.selection import Selection
from batchyard.catalogue import reference, repository
from batchyard.catalogue.rules import Product
from batchyard.store.unit import Unit

MOST_IN_A_STEP = 20_000
"""Products that one step selects, about."""

_AT_ONCE = 100
_READERS = 4

type Pages = Iterator[tuple[Sequence[Product], str | None]]
"""Some products, and where the next ones begin; None behind the last."""


def pages(asked: Selection, position: str | None) -> Pages:
    """The products of a selection page by page, read consistently, in no order and whatever their places.

    Args:
        asked: The selection.
        position: Where to begin; None at the beginning.

    Raises:
        Unavailable: The store did not answer.
    """
    ids = {collection.handle: collection.id for collection in reference.collections()}
    found = _scanned(position) if asked.keys is None else _by_key(*asked.keys, position)
    for products, following in found:
        yield [product for product in products if asked.has(product, ids)], following


def _scanned(position: str | None) -> Pages:
    while True:
        products, position = repository.scan_page(position)
        yield products, position
        if position is None:
            return


def _by_key(name: str, values: Iterable[str], position: str | None) -> Pages:
    wanted = sorted(value for value in values if position is None or value > position)
    some = list(batched(wanted, _AT_ONCE, strict=False))
    for number, page in enumerate(some, 1):
        products = repository.read_products(page) if name == "id" else with_handles(page)
        yield products, page[-1] if number < len(some) else None


def with_handles(handles: Sequence[str]) -> list[Product]:
    """The products of some handles, read consistently; those that are not there are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    found = threads.each(lambda handle: repository.find(Unit(), handle), handles, _READERS)
    return [product for product in found if product is not None]
