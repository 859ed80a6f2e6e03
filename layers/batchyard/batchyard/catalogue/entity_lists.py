"""Entities in order, by their IDs, moments or labels; by their SKUs; and many at once, with all that is known of them.

Indexes are a moment behind the table, and labels follow by its change stream: what they name has to be looked at. They
are spread over shards by the integer ID, since one partition takes 1,000 write units a second. Of each shard a little
more than its share is read; only one that runs out before the page is full is asked again.

Why: docs/decisions.md#lists-of-entities-are-merged-from-16-shards
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from batchyard import threads
from batchyard.catalogue import codec, entities, limits, repository
from batchyard.catalogue.rules import Entity, Own, Product
from batchyard.store import clients, contents, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import at_hand, read_many

type Moment = Literal["created", "updated", "stocked"]
"""What entities are ordered by: when they were made, what they store themselves changed, or a quantity of theirs."""

_AT_ONCE = 8
_ID_DIGITS = 10


# In order.


def ids(after: int | None, count: int, *, descending: bool = False) -> list[int]:
    """The next integer IDs, in order.

    Args:
        after: The ID behind which they begin, be it still there or not; None for the first ones.
        count: How many, at most: fewer are the last ones.
        descending: They come in the opposite order.

    Raises:
        Unavailable: The store did not answer.
    """

    def ask(shard: int, position: tuple[int, ...] | None, limit: int) -> Iterator[tuple[int, ...]]:
        request = _request("by_entity", shard, limit, descending=descending)
        if position is not None:
            _begin_after(request, {"shard": shard, **_place(position[0])})
        return ((int(row[codec.ENTITY]),) for row in query(request))

    start = None if after is None else (after,)
    return [id for (id,) in _in_order(ask, start, count, descending=descending)]


def count(most: int) -> int:
    """How many entities there are.

    Args:
        most: Where there are more, it is not counted on: a larger number says that there are at least so many.

    Raises:
        Unavailable: The store did not answer.
    """
    limit = _share(most + 1)
    following: dict[int, Item | None] = dict.fromkeys(range(codec.SHARDS))
    found = 0

    def ask(shard: int) -> tuple[int, Item | None]:
        request = _request("by_entity", shard, limit, descending=False) | {"Select": "COUNT"}
        place = following[shard]
        if place is not None:
            _begin_after(request, place)
        with reaching_aws():
            answer = clients.dynamodb().query(**request)
        return answer["Count"], items.decode(answer["LastEvaluatedKey"]) if "LastEvaluatedKey" in answer else None

    while following and found <= most:
        asked = list(following)
        for shard, (number, place) in zip(asked, threads.each(ask, asked, _AT_ONCE), strict=True):
            found += number
            if place is None:
                del following[shard]
            else:
                following[shard] = place
    return found


def ids_between(
    attribute: Moment,
    low: int | None,
    high: int | None,
    after: tuple[int, int] | None,
    count: int,
    *,
    descending: bool = False,
) -> list[tuple[int, int]]:
    """The next integer IDs by a moment, each with it in microseconds since the Unix epoch: `(moment, ID)`, in order.

    Args:
        attribute: Which moment.
        low: The first moment; None for any.
        high: The last moment; None for any.
        after: The place behind which they begin, be it still there or not; None for the first ones.
        count: How many, at most: fewer are the last ones.
        descending: They come in the opposite order.

    Raises:
        Unavailable: The store did not answer.
    """
    if after is not None:
        low, high = (low, _least(high, after[0])) if descending else (_most(low, after[0]), high)
    if low is not None and high is not None and low > high:
        return []
    bounds = {name: value for name, value in ((":low", low), (":high", high)) if value is not None}
    condition = {
        (): "",
        (":low",): f" AND {attribute} >= :low",
        (":high",): f" AND {attribute} <= :high",
        (":low", ":high"): f" AND {attribute} BETWEEN :low AND :high",
    }[tuple(bounds)]

    def ask(shard: int, position: tuple[int, ...] | None, limit: int) -> Iterator[tuple[int, ...]]:
        request = _request(f"by_{attribute}", shard, limit, descending=descending)
        request["KeyConditionExpression"] += condition
        request["ExpressionAttributeValues"] |= items.encode(bounds)
        # A place outside of the bounds is none that a query could begin after.
        if position is not None and _is_within(position[0], low, high):
            _begin_after(request, {"shard": shard, attribute: position[0], **_place(position[1])})
        return ((int(row[attribute]), int(row[codec.ENTITY])) for row in query(request))

    return [(moment, id) for moment, id in _in_order(ask, after, count, descending=descending)]


def ids_with_label(name: str, after: int | None, count: int, *, descending: bool = False) -> list[int]:
    """The next integer IDs of entities with a label, in order.

    Args:
        name: The label.
        after: The ID behind which they begin; None for the first ones.
        count: How many, at most: fewer are the last ones.
        descending: They come in the opposite order.

    Raises:
        Unavailable: The store did not answer.
    """
    if not limits.is_name(name):
        return []

    def ask(shard: int, position: tuple[int, ...] | None, limit: int) -> Iterator[tuple[int, ...]]:
        values: Item = {":id": codec.label_partition(name, shard)}
        condition = "id = :id"
        if position is not None:
            condition += f" AND part {'<' if descending else '>'} :after"
            values[":after"] = codec.label_part(position[0])
        request = {
            "TableName": CATALOGUE.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": items.encode(values),
            "ScanIndexForward": not descending,
            "Limit": limit,
        }
        return ((int(row["part"]),) for row in query(request))

    start = None if after is None else (after,)
    return [id for (id,) in _in_order(ask, start, count, descending=descending)]


type _Ask = Callable[[int, tuple[int, ...] | None, int], Iterator[tuple[int, ...]]]
"""Asks a shard, from behind a position on, for so many positions at a time."""


def _in_order(ask: _Ask, after: tuple[int, ...] | None, count: int, *, descending: bool) -> list[tuple[int, ...]]:
    """The next positions of all shards."""
    found: dict[int, list[tuple[int, ...]]] = {shard: [] for shard in range(codec.SHARDS)}
    following: dict[int, tuple[int, ...] | None] = dict.fromkeys(found, after)
    limit = min(count, _share(count))
    merged: list[tuple[int, ...]] = []
    while following and count > 0:
        asked = list(following)
        pages = threads.each(lambda shard: list(islice(ask(shard, following[shard], limit), limit)), asked, _AT_ONCE)  # noqa: B023 (called at once)
        for shard, page in zip(asked, pages, strict=True):
            found[shard] += page
            if len(page) < limit:
                del following[shard]
            else:
                following[shard] = page[-1]
        merged = sorted((one for some in found.values() for one in some), reverse=descending)[:count]
        if len(merged) == count:
            # Of the others everything up to there is known.
            last = merged[-1]
            following = {
                shard: place
                for shard, place in following.items()
                if place is not None and (place > last if descending else place < last)
            }
        limit = count
    return merged


def _share(count: int) -> int:
    """How many of so many a shard is asked for at first: a little more than its share."""
    return 2 * count // codec.SHARDS + 8


def _request(index: str, shard: int, limit: int, *, descending: bool) -> dict[str, Any]:
    return {
        "TableName": CATALOGUE.name,
        "IndexName": index,
        "KeyConditionExpression": "#shard = :shard",
        "ExpressionAttributeNames": {"#shard": "shard"},
        "ExpressionAttributeValues": items.encode({":shard": shard}),
        "ScanIndexForward": not descending,
        "Limit": limit,
    }


def _begin_after(request: dict[str, Any], place: Item) -> None:
    # Any position in a partition can be begun after, whether there is an item or not.
    request["ExclusiveStartKey"] = items.encode(place)


def _place(id: int) -> Item:
    return {codec.ENTITY: id, **codec.entity_key(id)}


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _most(one: int | None, other: int) -> int:
    return other if one is None else max(one, other)


def _is_within(moment: int, low: int | None, high: int | None) -> bool:
    return (low is None or moment >= low) and (high is None or moment <= high)


# By what they are called.


class Place(NamedTuple):
    """Where an entity is.

    Attributes:
        id: Its integer ID.
        product: ID of the product that it belongs to.
    """

    id: int
    product: str


def by_sku(skus: Iterable[str]) -> dict[str, Place]:
    """What is called so, read consistently: a variant with this SKU, else a parent.

    A parent is called by its handle, or by that with `#` and its ID behind it.

    Raises:
        Unavailable: The store did not answer.
    """
    wanted = list(dict.fromkeys(skus))
    numbered = {sku: sku.rpartition("#")[0] for sku in wanted if _numbered(sku) is not None}
    keys = [codec.sku_key(sku) for sku in filter(limits.is_name, wanted)]
    keys += [codec.handle_key(handle) for handle in filter(limits.is_name, {*wanted, *numbered.values()})]
    claims = {str(claim["id"]): claim for claim in read_many(CATALOGUE, keys)}
    contested = [sku for sku in wanted if _sku_of(claims, sku) is not None and _parent_of(claims, sku) is not None]
    held = _held_skus(filter(None, (_sku_of(claims, sku) for sku in contested)))
    found: dict[str, Item] = {}
    for sku in wanted:
        claim, number = _sku_of(claims, sku), _numbered(sku)
        parent = _parent_of(claims, sku)
        if claim is not None and (parent is None or sku in held):
            found[sku] = claim
        elif parent is not None:
            found[sku] = claims[str(codec.handle_key(sku)["id"])]
        elif number is not None and _parent_of(claims, numbered[sku]) == number:
            found[sku] = claims[str(codec.handle_key(numbered[sku])["id"])]
    return {sku: Place(int(claim[codec.ENTITY]), str(claim["product"])) for sku, claim in found.items()}


def _numbered(sku: str) -> int | None:
    """The ID behind a parent's handle; None where there is none."""
    _, mark, number = sku.rpartition("#")
    return int(number) if mark and number.isascii() and number.isdecimal() and len(number) <= _ID_DIGITS else None


def _sku_of(claims: Mapping[str, Item], sku: str) -> Item | None:
    return claims.get(str(codec.sku_key(sku)["id"]))


def _parent_of(claims: Mapping[str, Item], handle: str) -> int | None:
    return items.number(claims.get(str(codec.handle_key(handle)["id"]), {}), codec.ENTITY)


def _held_skus(claims: Iterable[Item]) -> set[str]:
    """The SKUs of claims that count, as their products name them."""
    products = {str(claim["product"]) for claim in claims}
    return {sku for product in repository.read_products(products) for sku in product.skus} if products else set()


# With all that is known of them.


@dataclass(frozen=True, slots=True)
class Seen:
    """An entity with all that is known of it.

    Args:
        product: The product that it belongs to.
        own: What it stores itself.
        is_shadowed: The product is a parent whose handle is some variant's SKU.
        components: Of a bundle: its components as they are now, by their IDs; those that are gone are left out.
    """

    entity: Entity
    product: Product
    own: Own
    is_shadowed: bool = False
    components: Mapping[int, Entity] = field(default_factory=dict)


class Page(NamedTuple):
    """What was read of some entities.

    Attributes:
        seen: They, in the order of their IDs in the question; those that are gone are left out.
        left: The IDs of those that there was no room for.
    """

    seen: list[Seen]
    left: list[int]


def read(
    ids: Sequence[int], room: int = repository.LARGEST_PAGE, *, products: Mapping[int, str] = MappingProxyType({})
) -> Page:
    """Entities with all that is known of them, read consistently, each as far as its product names it.

    Args:
        ids: Their integer IDs.
        room: Bytes of JSON of all contents that are read; of one entity there may be more.
        products: IDs of their products, where they are known: these are read together with the entities.

    Raises:
        Unavailable: The store did not answer.
    """
    known = [(CATALOGUE, codec.entity_key(id)) for id in ids if id in products]
    known += [(PRODUCTS, codec.product_key(id)) for id in {products[one]: None for one in ids if one in products}]
    with at_hand(known):
        return _read(ids, room)


def _read(ids: Sequence[int], room: int) -> Page:
    found = repository.read_entities(dict.fromkeys(ids))
    rows = {
        str(row["id"]): row
        for row in read_many(PRODUCTS, [codec.product_key(id) for id in {one.product: None for one in found.values()}])
    }
    there = [id for id in dict.fromkeys(ids) if id in found and found[id].product in rows]
    fitting = _fitting(there, found, rows, room)
    wanted = {found[id].product: rows[found[id].product] for id in fitting}
    decoded = contents.readable(codec.CONTENT, wanted.values(), codec.decode_product)
    products = {product.id: product for product in decoded}
    named = [one for one in map(found.__getitem__, fitting) if one.product in products]
    named = [one for one in named if one.id in products[one.product].entities]
    owns = entities.owns(named)
    named = [one for one in named if one.id in owns]
    shadowed = _shadowed(products.values())
    components = repository.read_entities({id: None for one in named for id in owns[one.id].components})
    seen = [
        Seen(
            entity=one,
            product=products[one.product],
            own=owns[one.id],
            is_shadowed=one.product in shadowed,
            components={id: components[id] for id in owns[one.id].components if id in components},
        )
        for one in named
    ]
    return Page(seen, there[len(fitting) :])


def _fitting(there: Sequence[int], found: Mapping[int, Entity], rows: Mapping[str, Item], room: int) -> list[int]:
    """The first of some entities whose contents there is room for: one at least."""
    fitting: list[int] = []
    products: set[str] = set()
    for id in there:
        entity = found[id]
        room -= int(entity.stored.get(codec.OWN_SIZE, 0))
        if entity.product not in products:
            room -= int(rows[entity.product]["content_size"])
            products.add(entity.product)
        if room < 0 and fitting:
            break
        fitting.append(id)
    return fitting


def _shadowed(products: Iterable[Product]) -> set[str]:
    """The IDs of products that are parents whose handles are SKUs of variants."""
    handles = {product.handle: product.id for product in products if product.parent is not None}
    claims = read_many(CATALOGUE, map(codec.sku_key, handles)) if handles else []
    return {handles[sku] for sku in _held_skus(claims) if sku in handles}
