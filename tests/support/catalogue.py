"""Products for tests: any, as Hypothesis makes them, and simple ones; and what the tables hold of them."""

import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from batchyard import ulids
from batchyard.catalogue import codec, leftovers, rules
from batchyard.catalogue.entities import owns as owns_of
from batchyard.catalogue.repository import get
from batchyard.catalogue.rules import Entity, Own, Price, Product, Variant
from batchyard.store import clients, items
from batchyard.store.items import Item
from batchyard.store.tables import CATALOGUE, PRODUCTS, Table
from batchyard.store.unit import Unit
from tests.support.streams import Stream

BEGAN = 1_790_000_000_000_000
"""A moment, in microseconds since the Unix epoch."""

# Of no ID that the store gives in a test: it begins with 1.
_numbers = itertools.count(1_000_001)


def product(handle: str = "boots", *skus: str | None, **given: Any) -> Product:
    """A product with a variant for each SKU, and all of its IDs; `given` replaces its values."""
    variants = tuple(
        Variant(
            id=f"variant_{ulids.new(BEGAN)}",
            entity=0,
            fields={"title": f"Variant {number}"} | ({} if sku is None else {"sku": sku}),
            prices=(Price("eur", 4990), Price("usd", 5490, "North America")),
            options=(f"size {number}",) if len(skus) > 1 else (),
        )
        for number, sku in enumerate(skus)
    )
    values: dict[str, Any] = {
        "id": f"prod_{ulids.new(BEGAN)}",
        "handle": handle,
        "status": rules.PUBLISHED,
        "created": BEGAN,
        "updated": BEGAN,
        "by": "req-1",
        "fields": {"title": f"The {handle}", "discountable": True, "weight": 850},
        "tags": ("leather", "big, tall"),
        "images": ("https://img.example/1.jpg", "https://img.example/2.jpg"),
        "options": ("Size",) if len(skus) > 1 else (),
        "variants": variants,
    }
    return rules.numbered(Product(**(values | given)), lambda: next(_numbers))


# Any product.

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
_measures = st.integers(0, 2**53) | st.floats(0, 1e6).filter(lambda number: not number.is_integer())
_of_kind: Mapping[type, st.SearchStrategy[Any]] = {
    str: _texts,
    float: _measures,
    int: st.integers(0, 2**53),
    bool: st.booleans(),
}


def _fields(kinds: Mapping[str, type]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: _of_kind[kind] for name, kind in kinds.items()})


_prices = st.lists(
    st.builds(Price, st.sampled_from(["eur", "jpy", "kwd"]), st.integers(0, 2**53), st.none() | _texts),
    max_size=4,
    unique_by=lambda price: (price.currency, price.region),
).map(tuple)


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Any product that there can be."""
    options = draw(st.lists(_texts, max_size=3, unique=True).map(tuple))
    given = draw(
        st.lists(
            st.tuples(_fields(rules.VARIANT_FIELDS), _prices, st.tuples(*[st.none() | _texts] * len(options))),
            max_size=5,
            unique_by=lambda one: one[0].get("sku", object()),
        )
    )
    variants = tuple(
        Variant(f"variant_{ulids.new(BEGAN)}", 0, fields, prices, values) for fields, prices, values in given
    )
    return product(
        draw(_texts.filter(bool)),
        status=draw(st.sampled_from(rules.STATUSES)),
        fields=draw(_fields(rules.PRODUCT_FIELDS)),
        tags=draw(st.lists(_texts, max_size=3).map(tuple)),
        images=draw(st.lists(_texts, max_size=3).map(tuple)),
        sales_channels=draw(st.lists(_texts, max_size=2).map(tuple)),
        options=options,
        variants=variants,
    )


_names = _texts.filter(bool)

owns: st.SearchStrategy[Own] = st.builds(
    Own,
    fields=_fields(rules.ENTITY_FIELDS),
    attributes=st.dictionaries(_names, _texts, max_size=4),
    labels=st.sets(_names, max_size=4).map(lambda labels: tuple(sorted(labels))),
    placements=st.dictionaries(_names, _texts, max_size=3),
    components=st.dictionaries(st.integers(1, 2**31 - 1), st.integers(1, 9), max_size=3),
)
"""Anything that an entity may store itself; its components need not be there."""


# What the tables hold.


def rows(table: Table) -> list[Item]:
    """All items of a table."""
    pages = clients.dynamodb().get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    return [items.decode(row) for page in pages for row in page["Items"]]


def entities() -> dict[int, Entity]:
    """All entities by their IDs."""
    found = [codec.decode_entity(row) for row in rows(CATALOGUE) if row["part"] == "entity"]
    return {entity.id: entity for entity in found}


def claimed() -> dict[str, Item]:
    """All claims, without what changes with each writing."""
    return {
        str(row["id"]): {name: value for name, value in row.items() if name not in {"at", "quiet", "version"}}
        for row in rows(CATALOGUE)
        if row["part"] == "claim"
    }


def stored_products() -> dict[str, Product]:
    """All products by their IDs."""
    unit = Unit()
    found = [get(unit, str(row["id"])) for row in rows(PRODUCTS)]
    return {one.id: one for one in found if one is not None}


def must_be_whole(*, abandoned: bool = False) -> None:
    """Claims and entities are exactly those that the products name.

    Args:
        abandoned: There may be entities that nothing names: of a process that ended before it wrote the aggregate.
    """
    found = stored_products().values()
    wanted = {id: claim for one in found for id, claim in codec.claims(one).items()}
    assert claimed() == wanted
    own = {
        id: (one.id, {variant.entity: variant.id for variant in one.variants}.get(id))
        for one in found
        for id in one.entities
    }
    found_entities = entities()
    held = {id: (entity.product, entity.variant) for id, entity in found_entities.items()}
    assert {id: held[id] for id in own} == own
    assert abandoned or held.keys() == own.keys()
    must_be_counted(found_entities)
    must_point_at_what_is_there()


def must_be_counted(found: Mapping[int, Entity]) -> None:
    """Components are in as many bundles as they say, and bundles have as many components.

    Args:
        found: All entities by their IDs.
    """
    bundles = {id: one.components for id, one in stored_owns().items() if one.components}
    assert {id: len(components) for id, components in bundles.items()} == {
        id: one.components for id, one in found.items() if one.components
    }
    counts = Counter(id for components in bundles.values() for id in components if id in found)
    assert dict(counts) == {id: one.bundles for id, one in found.items() if one.bundles}


def stored_owns() -> dict[int, Own]:
    """What entities store themselves, by their IDs."""
    return owns_of(entities().values())


def must_be_safe() -> None:
    """Each product has its claims and entities, whatever else there is."""
    held, of_entity = claimed(), entities()
    for one in stored_products().values():
        for id, claim in codec.claims(one).items():
            assert held[id] == claim
        assert {of_entity[id].product for id in one.entities} <= {one.id}
    must_point_at_what_is_there()


def must_point_at_what_is_there() -> None:
    """Reading all products reads all of their contents."""
    for row in rows(PRODUCTS):
        assert ("content" in row) is not ("content_key" in row)


def clean_up(products: Stream) -> None:
    """Removes what large products have left behind, as the handler of their change stream has it done.

    Args:
        products: The stream of products, as far as nobody has read it.
    """
    for record in products.read():
        old, new = (_without_content(record["dynamodb"].get(name, {})) for name in ("OldImage", "NewImage"))
        if old and (not new or new.get("left")):
            leftovers.look_at(leftovers.notice(old, new or None, record["dynamodb"]["OldImage"]))


def _without_content(image: Mapping[str, Any]) -> Item:
    return items.decode({name: value for name, value in image.items() if "B" not in value})


def contents_of_catalogue() -> dict[str, Any]:
    """All that the catalogue holds, by IDs, apart from versions and moments: the same once a change is taken back."""
    found = {id: replace(one, version=0, created=0, updated=0) for id, one in stored_products().items()}
    held = {id: replace(one, version=0, created=0, updated=0, stocked=0, stored={}) for id, one in entities().items()}
    return {"products": found, "entities": held, "owns": stored_owns(), "claims": claimed()}


def told_catalogue() -> dict[str, Any]:
    """What the catalogue holds by handles, without IDs, moments and who it is by: the same after the same import."""
    stock = {id: dict(entity.quantities) for id, entity in entities().items()}
    return {
        one.handle: {
            **{name: getattr(one, name) for name in ("status", "fields", "tags", "images", "options")},
            "variants": [
                (variant.fields, variant.prices, variant.options, stock[variant.entity]) for variant in one.variants
            ],
        }
        for one in stored_products().values()
    }
