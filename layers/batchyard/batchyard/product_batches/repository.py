"""Product batches as items (`sort_keys`)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from unicodedata import normalize

from batchyard.actor import Actor
from batchyard.jsontext import dumps
from batchyard.product_batches import rules
from batchyard.product_batches.by_expiry import BY_EXPIRY
from batchyard.product_batches.rules import BatchKey, Block, ProductBatch, Told
from batchyard.product_batches.sort_keys import key_of
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.tables import PRODUCT_BATCHES, Table
from batchyard.store.unit import Unit

_EXPIRING = "active"


def reads(parameters: Mapping[str, str]) -> list[tuple[Table, Key]]:
    """What the store is asked for a batch, by the parameters of its path."""
    batch = BatchKey(parameters["collectionId"], parameters["productId"], parameters["batchId"])
    return [(PRODUCT_BATCHES, key_of(batch))]


def get(unit: Unit, batch: BatchKey) -> ProductBatch | None:
    """A batch as this unit will leave it."""
    item = unit.get(PRODUCT_BATCHES, key_of(batch))
    return None if item is None else decode(item)


def put(unit: Unit, batch: ProductBatch) -> ProductBatch:
    """Stages a batch; returns it with its new version."""
    return replace(batch, version=int(unit.put(PRODUCT_BATCHES, encode(batch))["version"]))


def delete(unit: Unit, batch: ProductBatch) -> None:
    """Stages the removal of a batch that `get` found."""
    unit.delete(PRODUCT_BATCHES, key_of(batch.key))


def encode(batch: ProductBatch) -> Item:
    """The item of a batch."""
    item: Item = {
        **key_of(batch.key),
        "batch_id": batch.id,
        "product_id": batch.product,
        "search_text": search_text(batch.id, batch.fields.get("name")),
        "fields": dumps(batch.fields),
        "status": batch.status,
        "length": batch.length,
        "blocks": json.dumps([[block.first, block.size, block.key, block.made] for block in batch.blocks]),
        "created": batch.created,
        "updated": batch.updated,
        "version": batch.version,
        **items.present(batch.actor.to_attributes()),
    }
    if batch.exports:
        item["exports"] = True
    if batch.printed:
        item["printed"] = True
    if batch.told:
        item["told"] = dumps(batch.told)
    if batch.status == rules.ACTIVE and batch.expires_us is not None:
        item |= BY_EXPIRY.attributes(_EXPIRING, key_of(batch.key), batch.expires_us)
    return item


def decode(item: Item) -> ProductBatch:
    """The batch of an item."""
    return ProductBatch(
        collection=str(item["collection_id"]),
        product=str(item["product_id"]),
        id=str(item["batch_id"]),
        fields=json.loads(str(item["fields"])),
        status=str(item["status"]),
        length=int(item["length"]),
        blocks=tuple(Block(*block) for block in json.loads(str(item["blocks"]))),
        created=int(item["created"]),
        updated=int(item["updated"]),
        version=int(item["version"]),
        exports=bool(item.get("exports")),
        printed=bool(item.get("printed")),
        told=tuple(Told(*told) for told in json.loads(str(item.get("told", "[]")))),
        actor=Actor.from_attributes(item),
    )


def search_text(batch: str, name: str | None) -> str:
    """What a search for a batch looks at."""
    return folded(f"{batch}\n{name or ''}")


def contains(item: Item, text: str) -> bool:
    """Whether the ID or the name of an item that has a `search_text` contains a text, in any case and form."""
    # No ID has a line end, but a name may.
    return any(folded(text) in part for part in str(item["search_text"]).split("\n", 1))


def folded(text: str) -> str:
    """A text as it is compared with others, whatever its case and its form (Unicode, D145).

    Composed, so that a letter is not found by the one that an accent stands on.
    """
    return normalize("NFC", normalize("NFD", text).casefold())


def due(moment_us: int) -> Iterator[BatchKey]:
    """Batches that are to expire at a moment, as the index has them.

    Raises:
        Unavailable: The store did not answer.
    """
    for item in BY_EXPIRY.until(_EXPIRING, moment_us):
        _, batch, product = str(item["sort_key"]).split(" ")
        yield BatchKey(str(item["collection_id"]), product, batch)
