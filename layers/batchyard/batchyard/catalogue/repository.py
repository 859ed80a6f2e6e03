"""Products in the store: an aggregate each, a claim to its handle and to each SKU, and its entities, changed together.

A claim counts only while the aggregate of its product names it. So a product whose items do not fit one transaction
has its claims and entities written first, in several, and the aggregate last: until then nothing of it is there. What
such a product lets go of stays behind until the change stream's handler has removed it (`leftovers`). Who can be called
off in between is told what is about to be written ahead, and keeps it until the product is written (`Ahead`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched
from typing import Any, NamedTuple

from batchyard.catalogue import codec, entities, rules
from batchyard.catalogue.rules import Entity, Own, Product
from batchyard.errors import Conflict, Contended, Invalid, NotFound, TooLarge
from batchyard.store import blobs, clients, contents, items
from batchyard.store.blobs import Blob
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item, Key
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import MAX_ACTIONS, Unit, is_joined, read_many

type Lost = Callable[[str], None]
"""Takes the ID of a product whose contents are lost."""


def _passed_over(_: str) -> None:
    """What becomes of it where nobody asks: the log tells."""


MOST_AT_ONCE = MAX_ACTIONS - 10
"""Items of one product in one transaction; the others are for what is written with it."""

ABANDONED_US = 86_400_000_000
"""Microseconds after which a claim or an entity that its product does not name belongs to whoever wants it."""

LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes of JSON of the products of a page that are read at once."""

_COUNTER: Key = {"id": "counter", "part": "entities"}
_HIGHEST_ID = 2_147_483_647


class Taken(Conflict):
    """Another product has this handle or SKU, or is about to.

    Args:
        kind: `handle` or `sku`.
        value: The handle or SKU.
        product: ID of the product that has it.
        handle: Its handle; None as long as it is not stored.
    """

    def __init__(self, kind: str, value: str, product: str, handle: str | None) -> None:
        named = product if handle is None else f"{product} ({handle})"
        word = "SKU" if kind == "sku" else kind
        facts = {"kind": kind, "value": value, "product": product, "handle": handle}
        super().__init__(f"The {word} {value} belongs to the product {named}.", code="TAKEN", details=facts)
        self.kind, self.value, self.product, self.handle = kind, value, product, handle


class Ahead(NamedTuple):
    """What is written ahead of a product.

    Attributes:
        keys: The keys of claims and entities.
        at: The moments that the product was about to be of, and its claims are.
    """

    keys: Sequence[Key]
    at: Sequence[int]


def get(unit: Unit, id: str) -> Product | None:
    """A product as this unit will leave it."""
    return unit.get_as(PRODUCTS, codec.product_key(id), lambda item: codec.decode_product(item, unit.read_blob))


def find(unit: Unit, handle: str) -> Product | None:
    """The product of a handle as this unit will leave it."""
    claim = unit.get(CATALOGUE, codec.handle_key(handle))
    product = None if claim is None else get(unit, str(claim["product"]))
    return product if product is not None and product.handle == handle else None


def load(
    unit: Unit,
    ids: Iterable[str] = (),
    *,
    handles: Iterable[str] = (),
    skus: Iterable[str] = (),
    entities: Iterable[int] = (),
) -> None:
    """Reads at once what a unit will be asked for: products, claims to handles and SKUs, and entities.

    Who puts many products in a unit, new ones too, saves a call for each of them.

    Raises:
        Unavailable: The store did not answer.
    """
    unit.load(PRODUCTS, map(codec.product_key, ids))
    unit.load(CATALOGUE, [*map(codec.handle_key, handles), *map(codec.sku_key, skus), *map(codec.entity_key, entities)])


def load_whole(unit: Unit, ids: Iterable[str]) -> None:
    """Reads at once what is asked of products that are changed as a whole: themselves, their claims and their entities.

    Of those that take several transactions it reads themselves alone.

    Raises:
        Unavailable: The store did not answer.
    """
    wanted = list(ids)
    load(unit, wanted)
    keys: list[Key] = []
    for product in filter(None, (get(unit, id) for id in wanted)):
        if not leaves_something(len(product.variants)):
            keys += [*map(_claim_key, codec.claims(product)), *map(codec.entity_key, product.entities)]
    unit.load(CATALOGUE, keys)


def sku_holder(unit: Unit, sku: str) -> tuple[str, str] | None:
    """The IDs of the product and of the variant that have a SKU as this unit will leave them."""
    claim = unit.get(CATALOGUE, codec.sku_key(sku))
    product = None if claim is None else get(unit, str(claim["product"]))
    if product is None:
        return None
    return next(((product.id, variant.id) for variant in product.variants if variant.sku == sku), None)


def put(
    unit: Unit,
    product: Product,
    before: Product | None,
    stock: Mapping[int, Mapping[int, int]] | None = None,
    *,
    stocked_by: Mapping[int, str] | None = None,
    own: Mapping[int, Own] | None = None,
    taken: Mapping[int, Entity] | None = None,
    given_away: Collection[int] = (),
    quiet: bool = False,
    announce: Callable[[Ahead], Callable[[Unit], None]] | None = None,
) -> Product:
    """Stages a product: what differs from before of its aggregate, claims and entities, and nothing where nothing does.

    Of what is too much for one transaction, claims and entities are written at once, unless the unit is a joined one.

    Args:
        unit: The unit; `before` was read in it.
        product: The product, with all of its IDs; `updated` is the moment of this change, `by` who makes it.
        before: The product as it is; None for a new one.
        stock: Pieces by entity and distribution centre that are set.
        stocked_by: Who has set the stock of new entities, where that is not who makes the product.
        own: What new entities store themselves, by their IDs; components are there, and no bundles.
        taken: Entities that another product gives away in this unit, by their IDs: they stay what they are.
        given_away: The IDs of entities that another product takes in this unit.
        quiet: No event tells of it, whoever it is by: a job takes something back.
        announce: Is told of what is about to be written ahead; returns what each transaction of that goes through.

    Returns:
        The product as it will be stored; `before` where it stays that.

    Raises:
        Contended: `before` is not what the unit found.
        Taken: Another product has its handle or one of its SKUs.
        InBundle: A variant that goes is a component of a bundle.
        Invalid: Two of its variants have the same SKU, or a quantity cannot be.
        TooLarge: It has more bytes than a product may.
    """
    if len(set(product.skus)) < len(list(product.skus)):
        raise Invalid({"sku": ["Two variants have the same SKU."]})
    stock = stock or {}
    changed = True
    if before is not None:
        stored = unit.get(PRODUCTS, codec.product_key(product.id))
        if stored is None or stored["version"] != before.version:
            raise Contended
        product = replace(product, created=before.created, updated=max(product.updated, before.updated + 1))
        changed = not rules.is_same(product, before)
    # What cannot be stored is refused before anything is.
    rest = _content(unit, product, before) if changed else {}
    reached = _Reached.of(product, before, stock) if changed else _Reached(entities=set(stock), former=product.entities)
    unit.load(CATALOGUE, reached.keys())
    making = _Making(unit, product, before, stock, stocked_by or {}, own or {}, taken or {})
    written = [*_claims(unit, product, reached.claims), *making.entities(reached)]
    if quiet:
        written = [{**item, "quiet": True} for item in written]
    released = [item for item in map(partial(unit.get, CATALOGUE), reached.released) if item is not None]
    released = [item for item in released if item["product"] == product.id]
    gone = [item for item in released if item["part"] == codec.ENTITY and item[codec.ENTITY] not in given_away]
    steps = entities.let_go(unit, gone)
    entities.must_be_in_no_bundle(gone, steps)
    if len(written) + len(released) + changed > MOST_AT_ONCE and not is_joined(unit):
        last = codec.handle_key(product.handle)["id"]
        # A bundle is written with the counts of its components.
        with_product = [item for item in written if item["id"] == last or codec.COMPONENTS in item]
        ahead = [item for item in written if item not in with_product]
        told = Ahead([*map(CATALOGUE.key_of, ahead)], [product.updated])
        _write_at_once(unit, ahead, making.blobs, None if announce is None else announce(told))
        written = with_product
    left = len(written) + len(released) + changed > MOST_AT_ONCE and not is_joined(unit)
    for item in written:
        unit.put(CATALOGUE, item)
        making.write_blob_of(item)
    if not left:
        for item in released:
            unit.delete(CATALOGUE, CATALOGUE.key_of(item))
        making.steps.update(steps)
    entities.count(unit, making.steps)
    if not changed:
        return before or product
    notes: Item = {name: True for name, holds in (("left", left), ("quiet", quiet)) if holds}
    return _put_aggregate(unit, product, rest | notes)


def delete(unit: Unit, product: Product) -> None:
    """Stages the removal of a product. Of one that is too large, the rest is removed behind it.

    Raises:
        InBundle: One of its variants is a component of a bundle that stays.
        Unavailable: The store did not answer.
    """
    keys = [_claim_key(id) for id in codec.claims(product)]
    keys += map(codec.entity_key, product.entities)
    unit.load(CATALOGUE, keys)
    found = [item for item in map(partial(unit.get, CATALOGUE), keys) if item is not None]
    found = [item for item in found if item["product"] == product.id]
    steps = entities.let_go(unit, found)
    entities.must_be_in_no_bundle(found, steps)
    unit.delete(PRODUCTS, codec.product_key(product.id))
    is_large = len(keys) >= MOST_AT_ONCE
    for item in found:
        if not is_large or item["id"] == keys[0]["id"]:
            unit.delete(CATALOGUE, CATALOGUE.key_of(item))
    if not is_large:
        entities.count(unit, steps)


def delete_lost(unit: Unit, id: str) -> int:
    """Stages the removal of a product whose contents are lost; returns its version.

    Which SKUs and entities were its own nobody knows: entities stay, SKUs are anybody's after `ABANDONED_US`.
    """
    item = unit.get(PRODUCTS, codec.product_key(id))
    if item is None:
        raise NotFound
    unit.delete(PRODUCTS, codec.product_key(id))
    handle = codec.handle_key(str(item["handle"]))
    claim = unit.get(CATALOGUE, handle)
    if claim is not None and claim["product"] == id:
        unit.delete(CATALOGUE, handle)
    return int(item["version"])


def leaves_something(variants: int) -> bool:
    """Whether a product of so many variants may leave claims or entities behind when it is removed."""
    return 2 * variants + 2 >= MOST_AT_ONCE


def items_of(product: Product) -> int:
    """How many items of a new product are written, at most: at most `MOST_AT_ONCE` of them in the unit itself."""
    return 1 + len(codec.claims(product)) + len(product.entities)


def get_entity(unit: Unit, id: int) -> Entity | None:
    """An entity as this unit will leave it."""
    return unit.get_as(CATALOGUE, codec.entity_key(id), codec.decode_entity)


def put_entity(unit: Unit, entity: Entity, *, quiet: bool = False) -> Entity:
    """Stages an entity that `get_entity` gave; returns it with its new version. If `quiet`, no event tells of it."""
    item = codec.encode_entity(entity) | ({"quiet": True} if quiet else {})
    return replace(entity, version=int(unit.put(CATALOGUE, item)["version"]))


def reserve_ids(count: int) -> int:
    """The first of so many neighbouring integer IDs that nobody ever had, nor will have; outside of any unit.

    Raises:
        TooLarge: There are not as many left.
        Unavailable: The store did not answer.
    """
    with reaching_aws():
        answer = clients.dynamodb().update_item(
            TableName=CATALOGUE.name,
            Key=items.encode(_COUNTER),
            UpdateExpression="ADD taken :count",
            ExpressionAttributeValues={":count": {"N": str(count)}},
            ReturnValues="UPDATED_NEW",
        )
    taken = int(answer["Attributes"]["taken"]["N"])
    if taken > _HIGHEST_ID:
        raise TooLarge(f"There are no {count} IDs of {_HIGHEST_ID} left.")
    return taken - count + 1


# Many, outside of units.


def read_entities(ids: Iterable[int]) -> dict[int, Entity]:
    """Entities by their IDs, read consistently; those that are gone are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    found = map(codec.decode_entity, read_many(CATALOGUE, map(codec.entity_key, ids)))
    return {entity.id: entity for entity in found}


def read_quantities(ids: Iterable[int]) -> dict[int, int]:
    """How many pieces there are of entities in all, read consistently; those that are gone are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    # Of an item with all of its attributes, botocore spends most of an export's time on those that no row has.
    found = read_many(CATALOGUE, map(codec.entity_key, ids), only=(codec.ENTITY, codec.QUANTITIES))
    return {int(item[codec.ENTITY]): sum(codec.decode_quantities(item).values()) for item in found}


def read_product(id: str) -> Product | None:
    """A product, read consistently; None where there is none.

    Raises:
        Lost: What it holds is not there any more.
        Unavailable: The store did not answer.
    """
    return next((codec.decode_product(row, blobs.read) for row in read_many(PRODUCTS, [codec.product_key(id)])), None)


def read_products(ids: Iterable[str], lost: Lost = _passed_over) -> list[Product]:
    """Products in the order of their IDs, read consistently; those that are gone or cannot be read are left out.

    Args:
        lost: Takes each ID of one that cannot be read.

    Raises:
        Unavailable: The store did not answer.
    """
    return _decoded(read_many(PRODUCTS, map(codec.product_key, ids)), lost)


def scan_page(
    after: str | None, segment: int = 0, segments: int = 1, lost: Lost = _passed_over
) -> tuple[list[Product], str | None]:
    """Some products of all, or of one of several segments, read consistently, in no order.

    Args:
        after: The product behind which the page begins; None for the first one.
        segment: The segment, from 0.
        segments: How many segments there are.
        lost: Takes each ID of a product that cannot be read.

    Returns:
        The products, 1 MB of items at most and `LARGEST_PAGE` bytes of JSON; and behind which one the next page
        begins, None for the last page. A page may be empty and not the last.

    Raises:
        Unavailable: The store did not answer.
    """
    request: dict[str, Any] = {"TableName": PRODUCTS.name, "ConsistentRead": True}
    if segments > 1:
        request |= {"Segment": segment, "TotalSegments": segments}
    if after is not None:
        request["ExclusiveStartKey"] = items.encode(codec.product_key(after))
    with reaching_aws():
        answer = clients.dynamodb().scan(**request)
    found = [items.decode(row) for row in answer["Items"]]
    size = 0
    for number, row in enumerate(found):
        size += int(row["content_size"])
        if size > LARGEST_PAGE and number:
            return _decoded(found[:number], lost), str(found[number - 1]["id"])
    last = answer.get("LastEvaluatedKey")
    return _decoded(found, lost), None if last is None else str(items.decode(last)["id"])


def _decoded(rows: Iterable[Item], lost: Lost) -> list[Product]:
    return list(contents.readable(codec.CONTENT, rows, codec.decode_product, lambda row: lost(str(row["id"]))))


# What a change of a product reaches.


@dataclass(slots=True)
class _Reached:
    """What a change of a product reaches in the table of claims and entities.

    Args:
        claims: The claims that are made, or made anew, without when.
        entities: The IDs of the entities that are made or touched, or whose quantities are set.
        released: The keys of claims and entities that the product lets go of.
        touched: The IDs of those entities of which the product's part changes.
        former: The IDs of the entities that the product had.
    """

    claims: list[Item] = field(default_factory=list)
    entities: set[int] = field(default_factory=set)
    released: list[Key] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    former: Collection[int] = ()

    @classmethod
    def of(cls, product: Product, before: Product | None, stock: Iterable[int]) -> "_Reached":
        """What a product that changes reaches."""
        claims, own = codec.claims(product), rules.own_values(product)
        former_claims, former = ({}, {}) if before is None else (codec.claims(before), rules.own_values(before))
        touched = {id for id, values in own.items() if values != former.get(id)}
        return cls(
            [claim for id, claim in claims.items() if claim != former_claims.get(id)],
            touched | set(stock),
            [
                *(_claim_key(id) for id in former_claims if id not in claims),
                *(codec.entity_key(id) for id in former if id not in own),
            ],
            touched,
            former.keys(),
        )

    def keys(self) -> list[Key]:
        """The keys of all of it."""
        return [*map(CATALOGUE.key_of, self.claims), *map(codec.entity_key, sorted(self.entities)), *self.released]


def _claims(unit: Unit, product: Product, claims: Iterable[Item]) -> Iterator[Item]:
    """The items of claims that are not stored like that."""
    for claim in claims:
        held = unit.get(CATALOGUE, CATALOGUE.key_of(claim))
        if held is not None and held["product"] != product.id:
            kind, _, value = str(claim["id"]).partition(" ")
            _must_be_abandoned(unit, held, product.updated, kind, value)
        # Made anew even where it is the product's own: the clean-up then knows that it is no former one.
        item = {**claim, "at": product.updated}
        if not _is_stored(item, held):
            yield item


@dataclass(slots=True)
class _Making:
    """The making of a product's entities.

    Args:
        before: The product as it is; None for a new one.
        stock: Pieces by entity and distribution centre that are set.
        stocked_by: Who has set the stock of new entities, where that is not who makes the product.
        own: What new entities store themselves.
        taken: Entities that were another product's until now.
        blobs: What of that is to be in S3, by the IDs of the items.
        steps: By how much the counts of components rise or fall.
    """

    unit: Unit
    product: Product
    before: Product | None
    stock: Mapping[int, Mapping[int, int]]
    stocked_by: Mapping[int, str]
    own: Mapping[int, Own]
    taken: Mapping[int, Entity]
    blobs: dict[str, Blob] = field(default_factory=dict)
    steps: Counter[int] = field(default_factory=Counter)

    def entities(self, reached: _Reached) -> Iterator[Item]:
        """The items of entities that are not stored like that."""
        product = self.product
        variants = {variant.entity: variant for variant in product.variants}
        for id in sorted(reached.entities):
            held = self.unit.get(CATALOGUE, codec.entity_key(id))
            if held is not None and held["product"] != product.id:
                _must_be_abandoned(self.unit, held, product.updated, "ID", str(id))
            entity = self._new(id, held) if held is None or id not in reached.former else codec.decode_entity(held)
            if id in reached.touched:
                entity = replace(entity, updated=product.updated, by=product.by, named=None)
                entity = rules.of_variant(entity, variants.get(id), product.handle)
            entity = rules.stocked(entity, self.stock.get(id, {}), product.updated, product.by)
            if id in self.stocked_by:
                entity = replace(entity, stocked_by=self.stocked_by[id])
            item = codec.encode_entity(entity)
            if not _is_stored(item, held):
                yield item

    def _new(self, id: int, held: Item | None) -> Entity:
        """A new entity, also where there is one that the product had before, or was about to have."""
        product = self.product
        if id in self.taken:
            return replace(self.taken[id], product=product.id)
        created = product.created if self.before is None else product.updated
        moment, by = product.updated, product.by
        entity = Entity(id, product.id, created, moment, moment, by, stocked_by=by)
        if held is not None:
            entity = replace(entity, bundles=items.number(held, codec.BUNDLES) or 0)
            self.steps.subtract(codec.decode_own(held, self.unit.read_blob).components.keys())
        own = self.own.get(id, rules.NOTHING)
        self.steps.update(own.components.keys())
        return entities.holding(entity, own, lambda blob: self._note(id, blob))

    def _note(self, id: int, blob: Blob) -> None:
        self.blobs[str(codec.entity_key(id)["id"])] = blob

    def write_blob_of(self, item: Item) -> None:
        """Stages what an item points at."""
        blob = self.blobs.get(str(item["id"]))
        if blob is not None:
            self.unit.write_blob(blob)


def _must_be_abandoned(unit: Unit, held: Item, moment: int, kind: str, value: str) -> None:
    """Raises `Taken` unless the product that holds a claim or an entity does not name it, nor is about to."""
    id = str(held["product"])
    holder = get(unit, id)
    if holder is not None:
        named = {"handle": {holder.handle}, "sku": set(holder.skus), "ID": set(map(str, holder.entities))}
        if value in named[kind]:
            raise Taken(kind, value, id, holder.handle)
    if moment - int(held["at" if "at" in held else "updated"]) < ABANDONED_US:
        raise Taken(kind, value, id, None if holder is None else holder.handle)


def _is_stored(item: Item, held: Item | None) -> bool:
    return held is not None and {**item, "version": held["version"]} == held


def _write_at_once(
    unit: Unit, written: Iterable[Item], blobs: Mapping[str, Blob], go_through: Callable[[Unit], None] | None
) -> None:
    """Writes items in as many transactions as it takes, each on condition that none is another than the unit read.

    Args:
        written: The items.
        blobs: What some of them point at, by their IDs.
        go_through: Stages what else each transaction writes.

    Raises:
        Contended: One of them is.
        Unavailable: The store did not take all of them.
    """
    # With room for what each goes through.
    for some in batched(written, MAX_ACTIONS if go_through is None else MOST_AT_ONCE, strict=False):
        part = Unit()
        if go_through is not None:
            go_through(part)
        for item in some:
            held = unit.get(CATALOGUE, CATALOGUE.key_of(item))
            if held is not None:
                part.adopt(CATALOGUE, held)
            part.put(CATALOGUE, item)
            if item["id"] in blobs:
                part.write_blob(blobs[str(item["id"])])
        part.commit()


def _content(unit: Unit, product: Product, before: Product | None) -> Item:
    """The attributes of a product's content; its blob is staged where it needs one and has none yet."""
    if before is not None and codec.has_content_of(product, before):
        stored = unit.get(PRODUCTS, codec.product_key(product.id)) or {}
        return {**contents.kept(codec.CONTENT, stored), "content_size": stored["content_size"]}
    text = codec.content(product)
    size = len(text.encode())
    if size > rules.LARGEST_PRODUCT:
        raise TooLarge(f"The product has {size} bytes, of {rules.LARGEST_PRODUCT} that it can have.")
    attributes, blob = contents.pack(codec.CONTENT, text, lambda: blobs.new_key(blobs.PRODUCTS, product.id))
    if blob is not None:
        unit.write_blob(blob)
    return {**attributes, "content_size": size}


def _put_aggregate(unit: Unit, product: Product, rest: Item) -> Product:
    written = unit.put(PRODUCTS, codec.encode_product(product, rest))
    return replace(product, version=int(written["version"]))


def _claim_key(id: str) -> Key:
    return {"id": id, "part": codec.CLAIM}
