"""How the catalogue's entity sets are read: by which keys, and what rows they have."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from batchyard.catalogue import codec, entity_lists, reference, tally
from batchyard.catalogue.entity_sets.model import MODEL
from batchyard.catalogue.entity_sets.names import PROFILE_ID
from batchyard.catalogue.entity_sets.rows import ProductRow, Row, Rows
from batchyard.catalogue.rules import Entity, Product
from batchyard.odata.entities import Tag
from batchyard.odata.sets import Key, Lookup, Membership, NextPositions, Position, Range, Readable, listed
from batchyard.store import items
from batchyard.store.tables import CATALOGUE, PRODUCTS, Table
from batchyard.store.unit import Known

_MOST_COUNTED = 5000
"""Products that are counted one by one, where they are asked to be."""

_PARTS = {
    "AttributeValues": "Attributes",
    "Images": "Images",
    "DCQuantities": "DCQuantities",
    "ProductLabels": "Labels",
    "ProductBundleComponents": "BundleComponents",
    "Children": "Children",
}
"""Entity sets of what belongs to products, by the navigation property that leads there."""


def readable(name: str) -> Readable:
    """How an entity set is read."""
    found = MODEL.sets[name]
    if name == "Products":
        return _Products().readable()
    if name in _PARTS:
        number = found.type.key[0]
        return Readable(found, number, partial(_parts, _PARTS[name]), _every, (Lookup(number, _of_numbers),))
    few = _FEW[name]()
    rows = {int(row["ID"]): [row] for row in few}
    number = found.type.key[0]
    return Readable(found, number, lambda _: lambda id: rows.get(id, []), listed(rows), total=lambda: len(rows))


def reads(name: str, key: Key) -> Iterator[tuple[Table, items.Key]]:
    """The item that a request about an entity begins with."""
    if name in {"Products", *_PARTS}:
        yield CATALOGUE, codec.entity_key(int(key[0]))


def reads_then(name: str, key: Key, known: Known) -> Iterator[tuple[Table, items.Key]]:
    """The item that this leads to."""
    for table, first in reads(name, key):
        item = known(table, first)
        if item is not None:
            yield PRODUCTS, codec.product_key(str(item["product"]))


def tag(row: Row) -> Tag | None:
    """The entity tag of a product: `If-Match` compares what it is, and not its stock."""
    return tag_of(row.found.product, row.found.entity) if isinstance(row, ProductRow) else None


def tag_of(product: Product, entity: Entity) -> Tag:
    """The same of a product that is no row."""
    own = f"{product.version}-{entity.updated}"
    return Tag(f'"{own}.{entity.stocked}"', f'"{own}"')


class _Products:
    """The products of one request: which product an entity found by its SKU belongs to is known already."""

    def __init__(self) -> None:
        self._products: dict[int, str] = {}

    def readable(self) -> Readable:
        """How they are read."""
        return Readable(
            MODEL.sets["Products"],
            "ID",
            lambda ids: Rows(ids, self._products).of,
            _every,
            (Lookup("ID", _of_numbers), Lookup("Sku", self._of_skus), Lookup("ParentProductID", _of_parents)),
            (Membership("Labels", "Name", _labelled),),
            (
                Range("UpdateDateUtc", _range("updated")),
                Range("QuantityUpdateDateUtc", _range("stocked")),
                Range("CreateDateUtc", _range("created")),
            ),
            _total,
        )

    def _of_skus(self, values: Collection[Any]) -> Iterable[int]:
        found = entity_lists.by_sku([str(value) for value in values]).values()
        self._products |= {place.id: place.product for place in found}
        return [place.id for place in found]


def _parts(navigation: str, ids: Sequence[int]) -> Callable[[int], Sequence[Row]]:
    rows = Rows(ids)
    return lambda id: [part for row in rows.of(id) for part in row[navigation]]


def _every(after: Position | None, count: int, descending: bool) -> Sequence[Position]:
    found = entity_lists.ids(None if after is None else after[-1], count, descending=descending)
    return [(id,) for id in found]


def _of_numbers(values: Collection[Any]) -> Iterable[int]:
    # What is no whole number is no ID.
    return (int(value) for value in values if isinstance(value, int | float) and value == int(value))


def _of_parents(values: Collection[Any]) -> Iterable[int]:
    return (id for row in Rows(sorted(_of_numbers(values))) for id in row.child_ids())


def _range(attribute: entity_lists.Moment) -> Callable[[int | None, int | None], NextPositions]:
    def between(low: int | None, high: int | None) -> NextPositions:
        def next_positions(after: Position | None, count: int, descending: bool) -> Sequence[Position]:
            # One that is not of this order is none of ours.
            behind = None if after is None else (after[0], after[-1])
            return entity_lists.ids_between(attribute, low, high, behind, count, descending=descending)

        return next_positions

    return between


def _labelled(name: str) -> NextPositions:
    def next_positions(after: Position | None, count: int, descending: bool) -> Sequence[Position]:
        behind = None if after is None else after[-1]
        return [(id,) for id in entity_lists.ids_with_label(name, behind, count, descending=descending)]

    return next_positions


def _profiles() -> list[Row]:
    return [
        {
            "ID": PROFILE_ID,
            "AccountName": "Batchyard",
            "CompanyName": "Batchyard",
            "CurrencyCode": None,
            "TimeZoneRegion": "UTC",
            "TimeZoneDescription": "Coordinated Universal Time",
            "DefaultDistributionCenterID": reference.FIRST_CENTRE.id,
        }
    ]


def _centres() -> list[Row]:
    return [
        {
            "ID": centre.id,
            "ProfileID": PROFILE_ID,
            "Name": centre.name,
            "Code": centre.name,
            "Type": "Warehouse",
            "IsExternallyManaged": False,
            "IsDeleted": False,
        }
        for centre in reference.centres()
    ]


def _total() -> int:
    """How many products there are: of many, a moment behind."""
    found = entity_lists.count(_MOST_COUNTED)
    return found if found <= _MOST_COUNTED else max(found, tally.number())


_FEW: Mapping[str, Callable[[], list[Row]]] = {
    "AliasRelationships": list,
    "DistributionCenters": _centres,
    "Profiles": _profiles,
}
