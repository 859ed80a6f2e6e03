"""The products of a selection, read from the catalogue: all of it is scanned, unless keys lead to them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import batched

from batchyard import errors, threads
from batchyard.batch_jobs.selection import Selection
from batchyard.catalogue import reference, repository
from batchyard.catalogue.rules import LONGEST_NAME, Product
from batchyard.store.unit import Unit

MOST_IN_A_STEP = 20_000
"""Products that one step selects, about."""

_AT_ONCE = 100
_READERS = 4

type Lost = Callable[[str], None]
"""Takes what is left out because its contents are lost: its ID, or its handle where it is asked for by that."""

type Pages = Iterator[tuple[Sequence[Product], str | None]]
"""Some products, and where the next ones begin; None behind the last."""


def pages(asked: Selection, position: str | None, lost: Lost = lambda _: None) -> Pages:
    """The products of a selection page by page, read consistently, in no order and whatever their places.

    Args:
        asked: The selection.
        position: Where to begin; None at the beginning.
        lost: Takes each product that cannot be read, of which nobody knows whether it was selected.

    Raises:
        Unavailable: The store did not answer.
    """
    ids = {collection.handle: collection.id for collection in reference.collections()}
    found = _scanned(position, lost) if asked.keys is None else _by_key(*asked.keys, position, lost)
    for products, following in found:
        yield [product for product in products if asked.has(product, ids)], following


def _scanned(position: str | None, lost: Lost) -> Pages:
    while True:
        products, position = repository.scan_page(position, lost=lost)
        yield products, position
        if position is None:
            return


def _by_key(name: str, values: Iterable[str], position: str | None, lost: Lost) -> Pages:
    wanted = sorted(value for value in values if is_key(value) and (position is None or value > position))
    some = list(batched(wanted, _AT_ONCE, strict=False))
    for number, page in enumerate(some, 1):
        products = repository.read_products(page, lost) if name == "id" else with_handles(page, lost)
        yield products, page[-1] if number < len(some) else None


def is_key(value: str) -> bool:
    """Whether a product may have this ID or handle; DynamoDB refuses keys that are empty or too long."""
    return 0 < len(value) <= LONGEST_NAME


def with_handles(handles: Sequence[str], lost: Lost = lambda _: None) -> list[Product]:
    """The products of some handles, read consistently; those that are not there or cannot be read are left out.

    Args:
        lost: Takes each handle of a product that cannot be read.

    Raises:
        Unavailable: The store did not answer.
    """

    def find(handle: str) -> Product | None:
        try:
            return repository.find(Unit(), handle)
        except errors.Lost:
            lost(handle)
            return None

    found = threads.each(find, handles, _READERS)
    return [product for product in found if product is not None]
