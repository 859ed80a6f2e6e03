"""What entities store themselves, in their items: written with them, or beside them in S3 where it is large.

A component of a bundle knows in how many bundles it is, so that nobody has to search before it is removed: whoever
gives a bundle a component, or takes one away, writes the component's entity in the same transaction.

Why: docs/decisions.md#what-an-entity-stores-itself-is-unpacked-when-it-is-wanted
Why: docs/decisions.md#a-component-counts-its-bundles
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from batchyard.catalogue import codec, rules
from batchyard.catalogue.rules import Entity, Own
from batchyard.errors import Conflict, TooLarge
from batchyard.jsontext import dumps
from batchyard.store import blobs, contents, items
from batchyard.store.blobs import Blob
from batchyard.store.items import Item
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import Unit, transact

_COMPONENTS_AT_ONCE = 50


class InBundle(Conflict):
    """An entity cannot be removed, since it is a component of a bundle.

    Args:
        id: Its integer ID.
        name: Its SKU, or what else it is known by.
    """

    def __init__(self, id: int, name: str) -> None:
        super().__init__(f"The product {id} ({name}) is a component of a bundle.", code="IN_BUNDLE")
        self.id, self.name = id, name


def own(unit: Unit, entity: Entity) -> Own:
    """What an entity stores itself.

    Raises:
        Unavailable: S3 did not answer.
    """
    return codec.decode_own(dict(entity.stored), unit.read_blob)


def owns(found: Iterable[Entity]) -> dict[int, Own]:
    """What entities store themselves, by their IDs, outside of any unit; those whose content is lost are left out.

    Contents in S3 are read a few at once.

    Raises:
        Unavailable: S3 did not answer.
    """
    rows = ({"entity": entity.id, **entity.stored} for entity in found)
    decoded = contents.readable(codec.OWN, rows, lambda row, read: (int(row["entity"]), codec.decode_own(row, read)))
    return dict(decoded)


def holding(entity: Entity, own: Own, write_blob: Callable[[Blob], None]) -> Entity:
    """An entity that stores something of its own.

    Args:
        own: What it stores instead of what it stored.
        write_blob: Is given what is to be in S3 before the entity's item is written.

    Raises:
        TooLarge: It has more bytes than an entity may.
    """
    told = codec.own_told(own)
    if not told:
        return replace(entity, stored={}, components=0) if entity.stored else entity
    text = dumps(told)
    size = len(text.encode())
    if size > rules.LARGEST_PRODUCT:
        raise TooLarge(f"The product {entity.id} stores {size} bytes, of {rules.LARGEST_PRODUCT} that it can.")
    stored, blob = contents.pack(codec.OWN, text, lambda: blobs.new_key(blobs.ENTITIES, entity.id))
    if blob is not None:
        write_blob(blob)
    return replace(entity, stored={**stored, codec.OWN_SIZE: size}, components=len(own.components))


# Bundles.


def let_go(unit: Unit, removed: Iterable[Item]) -> Counter[int]:
    """By how much the counts of components fall when bundles go, by the components' IDs.

    Args:
        removed: Items that go; only those of bundles matter.

    Raises:
        Unavailable: S3 did not answer.
    """
    steps: Counter[int] = Counter()
    for item in removed:
        if codec.COMPONENTS in item:
            steps.subtract(codec.decode_own(item, unit.read_blob).components.keys())
    return steps


def must_be_in_no_bundle(removed: Iterable[Item], steps: Mapping[int, int]) -> None:
    """Raises `InBundle` where one of the entities that go is a component of a bundle that stays.

    Args:
        removed: Items that go.
        steps: By how much the counts of components change with that.
    """
    for item in removed:
        id = items.number(item, codec.ENTITY) if item["part"] == codec.ENTITY else None
        if id is not None and (items.number(item, codec.BUNDLES) or 0) + steps.get(id, 0) > 0:
            raise InBundle(id, str(item.get("sku", item.get("variant"))))


def count(unit: Unit, steps: Mapping[int, int]) -> None:
    """Stages in how many bundles more, or fewer, components are; those that are gone are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    moved = {id: step for id, step in sorted(steps.items()) if step}
    unit.load(CATALOGUE, map(codec.entity_key, moved))
    for id, step in moved.items():
        item = unit.get(CATALOGUE, codec.entity_key(id))
        if item is not None:
            bundles = (items.number(item, codec.BUNDLES) or 0) + step
            rest = {name: value for name, value in item.items() if name != codec.BUNDLES}
            unit.put(CATALOGUE, rest | ({codec.BUNDLES: bundles} if bundles > 0 else {}))


def take_apart(id: int) -> None:
    """Takes all components from a bundle that has too many to be removed with it, in several transactions.

    Raises:
        Contended: Somebody else changes it all the time.
        Unavailable: The store did not answer.
    """

    def operation(unit: Unit) -> bool:
        item = unit.get(CATALOGUE, codec.entity_key(id))
        if item is None or codec.COMPONENTS not in item:
            return True
        entity = codec.decode_entity(item)
        held = own(unit, entity)
        some = list(held.components)[:_COMPONENTS_AT_ONCE]
        rest = {one: pieces for one, pieces in held.components.items() if one not in some}
        unit.put(CATALOGUE, codec.encode_entity(holding(entity, replace(held, components=rest), unit.write_blob)))
        count(unit, dict.fromkeys(some, -1))
        return not rest

    while not transact(operation):
        pass
