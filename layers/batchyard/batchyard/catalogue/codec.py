"""Products, entities and claims as items, and back: what is null is absent.

Why: docs/decisions.md#a-product-is-an-aggregate-a-claim-to-each-name-and-an-entity-for-each-integer-id
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from batchyard.catalogue.rules import Entity, Own, Price, Product, Variant
from batchyard.jsontext import dumps
from batchyard.store import contents, items
from batchyard.store.items import Item, Key

CONTENT = "content"
"""What the rest of a product is called in its item."""

SHARDS = 16
"""Partitions of a list of products: one takes 1,000 write units a second."""

CLAIM = "claim"
ENTITY = "entity"
"""What keys of entities begin with, and which attribute holds the integer ID."""

QUANTITIES = "quantities"

OWN = "own"
"""What the content of an entity is called in its item."""

OWN_SIZE = "own_size"
"""Bytes of that content as JSON."""

COMPONENTS, BUNDLES = "components", "bundles"
"""How many components a bundle has, and in how many bundles a component is; absent for none."""


def product_key(id: str) -> Key:
    """The key of a product's item."""
    return {"id": id}


def entity_key(id: int) -> Key:
    """The key of an entity's item."""
    return {"id": f"{ENTITY} {id}", "part": ENTITY}


def handle_key(handle: str) -> Key:
    """The key of the claim to a handle."""
    return {"id": f"handle {handle}", "part": CLAIM}


def sku_key(sku: str) -> Key:
    """The key of the claim to a SKU."""
    return {"id": f"sku {sku}", "part": CLAIM}


def label_partition(name: str, shard: int) -> str:
    """The partition with the entities of a shard that have a label."""
    return f"label {shard} {name}"


def label_part(id: int) -> str:
    """What an entity is called there: in the order of IDs."""
    return f"{id:010d}"


# Products.


def content(product: Product) -> str:
    """The rest of a product as JSON: what is no attribute of its item."""
    rest = {
        "parent": product.parent,
        "fields": {name: value for name, value in product.fields.items() if name != "title"},
        "tags": product.tags,
        "images": product.images,
        "options": product.options,
        "sales_channels": product.sales_channels,
        "variants": list(map(_variant, product.variants)),
    }
    return dumps(_present(rest))


def has_content_of(product: Product, other: Product) -> bool:
    """Whether two states of a product have the same content, without telling it."""
    return (
        product.parent == other.parent
        and product.variants == other.variants
        and {**product.fields, "title": ""} == {**other.fields, "title": ""}
        and (product.tags, product.images) == (other.tags, other.images)
        and (product.options, product.sales_channels) == (other.options, other.sales_channels)
    )


def encode_product(product: Product, rest: Item) -> Item:
    """The item of a product.

    Args:
        rest: The attributes of its content.
    """
    attributes = {
        "id": product.id,
        "handle": product.handle,
        "title": product.fields.get("title"),
        "status": product.status,
        "created": product.created,
        "updated": product.updated,
        "by": product.by,
        "version": product.version,
        "shard": zlib.crc32(product.id.encode()) % SHARDS,
        "created_id": f"{product.created:016d}#{product.id}",
        "variants": len(product.variants),
        **rest,
    }
    return items.present(attributes)  # type: ignore[arg-type]


def decode_product(item: Item, read_blob: Callable[[str], bytes]) -> Product:
    """The product of an item.

    Args:
        read_blob: Reads a content that is kept in S3.
    """
    rest = json.loads(contents.unpack(CONTENT, item, read_blob) or "{}")
    title = items.text(item, "title")
    return Product(
        id=str(item["id"]),
        handle=str(item["handle"]),
        status=str(item["status"]),
        created=int(item["created"]),
        updated=int(item["updated"]),
        by=str(item["by"]),
        parent=rest.get("parent"),
        fields=({} if title is None else {"title": title}) | rest.get("fields", {}),
        tags=tuple(rest.get("tags", ())),
        images=tuple(rest.get("images", ())),
        options=tuple(rest.get("options", ())),
        sales_channels=tuple(rest.get("sales_channels", ())),
        variants=tuple(map(_variant_of, rest.get("variants", ()))),
        version=int(item["version"]),
    )


def keys_of_content(packed: bytes, handle: str) -> list[Key]:
    """The keys of the claims and entities of a product, by its content as it is stored and its handle."""
    rest = json.loads(zlib.decompress(packed))
    variants = rest.get("variants", [])
    skus = (variant.get("fields", {}).get("sku") for variant in variants)
    ids = [*([rest["parent"]] if "parent" in rest else []), *(variant["entity"] for variant in variants)]
    return [handle_key(handle), *(sku_key(sku) for sku in skus if sku is not None), *map(entity_key, ids)]


def _variant(variant: Variant) -> dict[str, Any]:
    return _present(
        {
            "id": variant.id,
            "entity": variant.entity,
            "fields": dict(variant.fields),
            "prices": [price[:2] if price.region is None else price for price in variant.prices],
            "options": variant.options,
        }
    )


def _variant_of(told: Mapping[str, Any]) -> Variant:
    return Variant(
        id=told["id"],
        entity=told["entity"],
        fields=told.get("fields", {}),
        prices=tuple(Price(*price) for price in told.get("prices", ())),
        options=tuple(told.get("options", ())),
    )


def _present(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value not in (None, {}, (), [])}


# Entities and claims.


def encode_entity(entity: Entity) -> Item:
    """The item of an entity. Its numbers and dates are what indexes of entities are ordered by."""
    attributes = {
        **entity_key(entity.id),
        ENTITY: entity.id,
        "shard": entity.id % SHARDS,
        "product": entity.product,
        "variant": entity.variant,
        "sku": entity.sku,
        "created": entity.created,
        "updated": entity.updated,
        "stocked": entity.stocked,
        "by": entity.by,
        "stocked_by": entity.stocked_by,
        QUANTITIES: dumps({str(centre): pieces for centre, pieces in sorted(entity.quantities.items())}),
        "version": entity.version,
        "handle": entity.handle,
        COMPONENTS: entity.components or None,
        BUNDLES: entity.bundles or None,
        "at": entity.named,
        **entity.stored,
    }
    return items.present(attributes)


def decode_entity(item: Item) -> Entity:
    """The entity of an item."""
    return Entity(
        id=int(item["entity"]),
        product=str(item["product"]),
        created=int(item["created"]),
        updated=int(item["updated"]),
        stocked=int(item["stocked"]),
        by=str(item["by"]),
        quantities=decode_quantities(item),
        version=int(item["version"]),
        variant=items.text(item, "variant"),
        sku=items.text(item, "sku"),
        stocked_by=str(item["stocked_by"]),
        handle=items.text(item, "handle"),
        components=items.number(item, COMPONENTS) or 0,
        bundles=items.number(item, BUNDLES) or 0,
        named=items.number(item, "at"),
        stored={name: item[name] for name in (OWN, contents.pointer(OWN), OWN_SIZE) if name in item},
    )


def decode_quantities(item: Item) -> dict[int, int]:
    """Pieces by distribution centre of an entity's item."""
    return {int(centre): pieces for centre, pieces in json.loads(str(item[QUANTITIES])).items()}


def own_told(own: Own) -> dict[str, Any]:
    """What an entity stores itself as JSON takes it; empty for nothing."""
    return _present(
        {
            "fields": dict(own.fields),
            "attributes": dict(own.attributes),
            "labels": own.labels,
            "placements": dict(own.placements),
            "components": {str(id): pieces for id, pieces in own.components.items()},
        }
    )


def own_of(told: Mapping[str, Any]) -> Own:
    """What `own_told` told of."""
    return Own(
        fields=told.get("fields", {}),
        attributes=told.get("attributes", {}),
        labels=tuple(told.get("labels", ())),
        placements=told.get("placements", {}),
        components={int(id): pieces for id, pieces in told.get("components", {}).items()},
    )


def decode_own(stored: Item, read_blob: Callable[[str], bytes]) -> Own:
    """What an entity stores itself.

    Args:
        stored: The entity's item, or `stored` of the entity.
        read_blob: Reads a content that is kept in S3.
    """
    return own_of(json.loads(contents.unpack(OWN, stored, read_blob) or "{}"))


def claims(product: Product) -> dict[str, Item]:
    """The claims of a product, by the partition keys of their items, without when they were made."""
    owner: Item = {"product": product.id}
    handle: Item = {**handle_key(product.handle), **owner}
    if product.parent is not None:
        handle[ENTITY] = product.parent
    skus: list[Item] = [
        {**sku_key(variant.sku), **owner, "variant": variant.id, "entity": variant.entity}
        for variant in product.variants
        if variant.sku is not None
    ]
    return {str(claim["id"]): claim for claim in (handle, *skus)}
