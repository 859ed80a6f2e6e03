"""Products as their clients see them, read with all that they refer to, as far as an answer has room."""

from collections.abc import Iterable
from itertools import batched

from batchyard.catalogue import answers, reference, repository
from batchyard.catalogue.rules import Product
from batchyard.errors import NotFound
from batchyard.http.answers import must_have_room, size_in_lambda
from batchyard.jsontext import dumps

# Each may have 4 MB of JSON, so no more are in memory than an answer nearly holds.
_READ_AT_ONCE = 10


def one(id: str) -> str:
    """A product as JSON.

    Raises:
        NotFound: There is none.
        Lost: What it holds is not there any more.
        Unavailable: The store did not answer.
    """
    found = repository.read_product(id)
    if found is None:
        raise NotFound(f"Product with id: {id} was not found")
    [text] = _texts([found])
    must_have_room(size_in_lambda(text))
    return text


def several(ids: Iterable[str]) -> list[str]:
    """Products as JSON, in the order of their IDs; those that are gone or cannot be read are left out.

    Raises:
        TooLarge: No answer can hold them.
        Unavailable: The store did not answer.
    """
    texts: list[str] = []
    size = 0
    for some in batched(ids, _READ_AT_ONCE, strict=False):
        for text in _texts(repository.read_products(some)):
            size += size_in_lambda(text)
            must_have_room(size)
            texts.append(text)
    return texts


def _texts(products: list[Product]) -> list[str]:
    entities = repository.read_entities(variant.entity for product in products for variant in product.variants)
    quantities = {id: entity.quantity for id, entity in entities.items()}
    collections = channels = None
    if any("collection" in product.fields for product in products):
        collections = {collection.handle: collection for collection in reference.collections()}
    if any(product.sales_channels for product in products):
        channels = {channel.id: channel for channel in reference.sales_channels()}
    return [dumps(answers.product(product, quantities, collections or {}, channels or {})) for product in products]
