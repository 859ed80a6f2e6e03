"""What products leave behind: claims and entities of large ones, and contents in S3 that no product points at."""

import base64
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any

from batchyard.catalogue import codec, entities, repository, rules
from batchyard.catalogue.rules import Product
from batchyard.errors import TooLarge
from batchyard.store import blobs, contents, notices, queues
from batchyard.store.items import Item, Key
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import MAX_ACTIONS, Unit, read_one, transact

_CONTENT_KEY = contents.pointer(codec.CONTENT)


def notice(old: Item, new: Item | None, image: Mapping[str, Any]) -> str:
    """The message that a product let go of more than it could remove at once.

    Args:
        old: The product's item before.
        new: The item after it; None where it was removed.
        image: The item before as the stream has it, with its content.
    """
    told = {
        "product": old["id"],
        "handle": old["handle"],
        # What was written from then on is not what it let go of.
        "until": int(old["updated"]) + 1 if new is None else new["updated"],
        "key": old.get(_CONTENT_KEY),
        "content": image.get(codec.CONTENT, {}).get("B"),
    }
    return json.dumps(told)


def look_at(body: str) -> None:
    """Does what a message is for: removes what a product left behind, or a content that no product points at.

    Args:
        body: A message of `notice`, one of ours that names a key, or S3's that something was stored.

    Raises:
        Unavailable: The store did not take it.
    """
    told = json.loads(body)
    if "product" not in told:
        for key in notices.keys(told):
            sweep(key)
        return
    _remove(told)
    if told["key"] is not None:
        # Whoever has just read the item may still be about to read its content.
        queues.send(os.environ["PRODUCT_LEFTOVERS_QUEUE_URL"], [notices.message(told["key"])])


def sweep(key: str) -> None:
    """Removes a content unless its product or its entity points at it.

    Args:
        key: `products/<product>/<uuid>`, or `entities/<integer ID>/<uuid>`.
    """
    [id] = blobs.owner_of(key)
    if key.startswith(f"{blobs.ENTITIES}/"):
        item, pointer = read_one(CATALOGUE, codec.entity_key(int(id))), contents.pointer(codec.OWN)
    else:
        item, pointer = read_one(PRODUCTS, codec.product_key(id)), _CONTENT_KEY
    if item is None or item.get(pointer) != key:
        blobs.delete(key)


def call_off(id: str, ahead: repository.Ahead, by: str) -> None:
    """Has what was written ahead of a product be as the stored product has it: what it does not name goes.

    What others have written since is left alone: they may be about to write the product.

    Args:
        id: ID of the product.
        ahead: What was written ahead.
        by: Who wrote it.

    Raises:
        Unavailable: The store did not answer.
    """
    for some in batched(ahead.keys, MAX_ACTIONS, strict=False):

        def operation(unit: Unit, some: Sequence[Key] = some) -> None:
            unit.load(CATALOGUE, some)
            as_named = _as_named(repository.get(unit, id))
            for key in some:
                item = unit.get(CATALOGUE, key)
                if item is None or item["product"] != id or not _is_written(item, ahead, by):
                    continue
                wanted = as_named(item)
                if wanted is None:
                    unit.delete(CATALOGUE, key)
                else:
                    unit.put(CATALOGUE, wanted)

        transact(operation)


def _is_written(item: Item, ahead: repository.Ahead, by: str) -> bool:
    return item["at"] in ahead.at if item["part"] == codec.CLAIM else item["by"] == by


def _as_named(product: Product | None) -> Callable[[Item], Item | None]:
    """What makes a claim or an entity as a product has it, and None of one that it does not name."""
    if product is None:
        return lambda _: None
    claims, ids = codec.claims(product), set(product.entities)
    variants = {variant.entity: variant for variant in product.variants}

    def as_named(item: Item) -> Item | None:
        if item["part"] == codec.CLAIM:
            claim = claims.get(str(item["id"]))
            return None if claim is None else {**claim, "at": product.updated}
        entity = replace(codec.decode_entity(item), updated=product.updated, by=product.by, named=None)
        if entity.id not in ids:
            return None
        return codec.encode_entity(rules.of_variant(entity, variants.get(entity.id), product.handle))

    return as_named


def _remove(told: Mapping[str, Any]) -> None:
    """Removes the claims and entities that a product named and names no more.

    What it has claimed or touched since it let go of them is not removed, as it may be about to name that.
    """
    for some in batched(_keys(told), MAX_ACTIONS, strict=False):
        _remove_some(told, some)


def _remove_some(told: Mapping[str, Any], keys: Sequence[Key]) -> None:
    def operation(unit: Unit) -> None:
        unit.load(CATALOGUE, keys)
        product = repository.get(unit, told["product"])
        named = set(codec.claims(product)) if product else set()
        named |= {str(codec.entity_key(id)["id"]) for id in product.entities} if product else set()
        removed = []
        for key in keys:
            item = unit.get(CATALOGUE, key)
            if item is None or item["product"] != told["product"] or key["id"] in named:
                continue
            if int(item["at" if "at" in item else "updated"]) < told["until"]:
                removed.append(item)
        steps = entities.let_go(unit, removed)
        for item in removed:
            unit.delete(CATALOGUE, CATALOGUE.key_of(item))
        entities.count(unit, steps)

    try:
        transact(operation)
    except TooLarge:
        # There are bundles among them.
        if len(keys) == 1:
            entities.take_apart(int(str(keys[0]["id"]).removeprefix(f"{codec.ENTITY} ")))
            transact(operation)
            return
        middle = len(keys) // 2
        _remove_some(told, keys[:middle])
        _remove_some(told, keys[middle:])


def _keys(told: Mapping[str, Any]) -> list[Key]:
    """The keys of all claims and entities that a product named; none where its content is gone already."""
    if told["content"] is not None:
        packed = base64.b64decode(told["content"])
    else:
        with blobs.reading(told["key"]) as body:
            if body is None:
                return []
            packed = body.read()
    return codec.keys_of_content(packed, told["handle"])
