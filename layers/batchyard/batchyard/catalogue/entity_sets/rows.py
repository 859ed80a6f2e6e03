"""Entities of the catalogue as rows of the model: every property has a value, worked out where it is asked for.

A product of one variant that is no parent is one OData product; a parent is one, and so is each of its children. What
products have once (`names.OF_PRODUCT`, images) shows in all of them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any

from batchyard.catalogue import entity_lists
from batchyard.catalogue.entity_lists import Seen
from batchyard.catalogue.entity_sets import images, model
from batchyard.catalogue.entity_sets.names import ENUMERATIONS, OF_ENTITY, OF_PRODUCT, PROFILE_ID
from batchyard.catalogue.rules import LARGEST_QUANTITY

type Row = Mapping[str, Any]

_READ_AHEAD = 200
# As many as DynamoDB reads in one call.
_READ_AT_ONCE = 100
_ENUMS = {"Flag": list(model.FLAG.members), "BundleType": list(model.BUNDLE.members)}
_NONE = 0
_BUNDLE_COMPONENT, _BUNDLE_ITEM = 1, 2


class Rows:
    """The OData products of some entities, read a few megabytes at a time as they are asked for, in their order.

    What they lead to is read for many of them at once.

    Args:
        ids: The integer IDs.
        products: IDs of their products, where they are known.
    """

    def __init__(self, ids: Sequence[int], products: Mapping[int, str] = MappingProxyType({})) -> None:
        self._left = list(ids)
        self._products = products
        self._rows: dict[int, ProductRow] = {}
        self._children: dict[int, ProductRow | None] = {}

    def __iter__(self) -> "Iterator[ProductRow]":
        for id in list(self._left):
            yield from self.of(id)

    def of(self, id: int) -> "Sequence[ProductRow]":
        """The product of an ID; nothing where it is gone."""
        while id not in self._rows and id in self._left:
            some, rest = self._left[:_READ_AT_ONCE], self._left[_READ_AT_ONCE:]
            page = entity_lists.read(some, products=self._products)
            self._left = [*page.left, *rest]
            self._rows = {one.entity.id: ProductRow(one, self) for one in page.seen}
            self._children = {}
        return [self._rows[id]] if id in self._rows else []

    def child(self, id: int) -> "ProductRow | None":
        """A child of one of the parents; None where it has gone meanwhile."""
        if id not in self._children:
            others = (one for row in self._rows.values() for one in row.child_ids() if one not in self._children)
            some = list(islice(dict.fromkeys([id, *others]), _READ_AHEAD))
            children = Rows(some)
            # All that one page has room for; what is left is read when it is asked for.
            found = {row["ID"]: row for row in children.of(id)} | children._rows
            self._children |= {one: found.get(one) for one in some if one not in children._left}
        return self._children[id]


class ProductRow(dict[str, Any]):
    """An OData product."""

    def __init__(self, found: Seen, rows: Rows) -> None:
        super().__init__()
        self.found = found
        self._rows = rows

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._value(name)
        return value

    def get(self, name: str, _: Any = None) -> Any:
        """The value of a property, which every one has."""
        return self[name]

    def child_ids(self) -> list[int]:
        """The IDs of its children."""
        if self.found.entity.variant is not None:
            return []
        return sorted(variant.entity for variant in self.found.product.variants)

    def child(self, id: int) -> "ProductRow | None":
        """One of its children."""
        return self._rows.child(id)

    def _value(self, name: str) -> Any:
        if name in OF_ENTITY:
            default = False if name in _FLAGS else None
            return self.found.own.fields.get(OF_ENTITY[name], default)
        if name in OF_PRODUCT:
            return self.found.product.fields.get(OF_PRODUCT[name])
        return _ALWAYS[name] if name in _ALWAYS else _VALUES[name](self)


class PartRow(dict[str, Any]):
    """What belongs to an OData product: a dictionary that leads back to it.

    Args:
        values: Its own properties.
        back: The navigation property that leads to a product.
        product: Finds it.
    """

    def __init__(self, values: Mapping[str, Any], back: str, product: Callable[[], "ProductRow | None"]) -> None:
        super().__init__(values)
        self._back = back
        self._product = product

    def __missing__(self, name: str) -> Any:
        if name != self._back:
            raise KeyError(name)
        return self._product()

    def get(self, name: str, _: Any = None) -> Any:
        """The value of a property, which every one has."""
        return self[name]


def _title(row: ProductRow) -> Any:
    found = row.found
    is_child = found.entity.variant is not None and found.product.parent is not None
    return _variant(row).fields.get("title") if is_child else found.product.fields.get("title")


def _sku(row: ProductRow) -> str | None:
    return row.found.entity.sku if row.found.entity.variant is not None else _sku_of_parent(row.found)


def _sku_of_parent(found: Seen) -> str:
    """What a parent is called: its handle, with its ID where a variant has that as its SKU."""
    return f"{found.product.handle}#{found.product.parent}" if found.is_shadowed else found.product.handle


def _harmonized_code(row: ProductRow) -> Any:
    fields = row.found.product.fields if row.found.entity.variant is None else _variant(row).fields
    return fields.get("hs_code")


def _variant(row: ProductRow) -> Any:
    return next(one for one in row.found.product.variants if one.entity == row.found.entity.id)


def _bundle_type(row: ProductRow) -> str:
    chosen = int(row.found.own.fields.get("bundle_type", _NONE))
    if chosen == _NONE and row.found.entity.components:
        chosen = _BUNDLE_ITEM
    elif chosen == _NONE and row.found.entity.bundles:
        chosen = _BUNDLE_COMPONENT
    return _ENUMS["BundleType"][chosen]


def _kind(row: ProductRow) -> str:
    if row.found.entity.variant is None:
        return "Parent"
    if row.found.product.parent is not None:
        return "Child"
    return "Bundle" if row.found.entity.components else "Item"


def _parent_id(row: ProductRow) -> int | None:
    return None if row.found.entity.variant is None else row.found.product.parent


def _quantities(row: ProductRow) -> Mapping[int, int]:
    """Pieces by distribution centre; as many bundles as the scarcest component is there for."""
    components = row.found.own.components
    if not components:
        return row.found.entity.quantities
    stocks = [
        (row.found.components[id].quantities if id in row.found.components else {}, pieces)
        for id, pieces in components.items()
    ]
    centres = sorted({centre for stock, _ in stocks for centre in stock})
    return {centre: min(stock.get(centre, 0) // pieces for stock, pieces in stocks) for centre in centres}


def _total(row: ProductRow) -> int:
    return min(sum(_quantities(row).values()), LARGEST_QUANTITY)


def _parts(row: ProductRow, entries: Iterable[Mapping[str, Any]]) -> list[PartRow]:
    id = row.found.entity.id
    return [PartRow({"ProductID": id, "ProfileID": PROFILE_ID, **entry}, "Product", lambda: row) for entry in entries]


def _attributes(row: ProductRow) -> list[PartRow]:
    return _parts(row, ({"Name": name, "Value": value} for name, value in sorted(row.found.own.attributes.items())))


def _stock(row: ProductRow) -> list[PartRow]:
    return _parts(
        row,
        (
            {"DistributionCenterID": centre, "AvailableQuantity": pieces}
            for centre, pieces in sorted(_quantities(row).items())
        ),
    )


def _images(row: ProductRow) -> list[PartRow]:
    entries = sorted(images.of(row.found.product, row.found.own).items())
    return _parts(row, ({"PlacementName": name, "Abbreviation": None, "Url": url} for name, url in entries))


def _labels(row: ProductRow) -> list[PartRow]:
    return _parts(row, ({"Name": name} for name in sorted(row.found.own.labels)))


def _components(row: ProductRow) -> list[PartRow]:
    found = row.found
    return _parts(
        row,
        (
            {
                "ComponentID": id,
                "ComponentSku": found.components[id].sku if id in found.components else None,
                "Quantity": pieces,
            }
            for id, pieces in sorted(found.own.components.items())
        ),
    )


def _children(row: ProductRow) -> list[PartRow]:
    own = row.found.entity.id

    def leading_to(id: int) -> PartRow:
        values = {"ParentProductID": own, "ProfileID": PROFILE_ID, "ChildProductID": id}
        return PartRow(values, "ChildProduct", lambda: row.child(id))

    return [leading_to(id) for id in row.child_ids()]


_FLAGS = frozenset(
    {
        "InfiniteQuantity",
        "IsAvailableInStore",
        "IsBlocked",
        "IsBlockedFromAdvertising",
        "IsDisplayInStore",
        "IsExternalQuantityBlocked",
    }
)
"""What is false where nobody has said anything."""

_ALWAYS: Mapping[str, Any] = {
    "ProfileID": PROFILE_ID,
    "LastSaleDateUtc": None,
    **dict.fromkeys(
        (
            f"{what}Quantity{pooled}"
            for what in ("OpenAllocated", "PendingCheckout", "PendingPayment", "PendingShipment")
            for pooled in ("", "Pooled")
        ),
        0,
    ),
    **dict.fromkeys((f"QuantitySoldLast{days}Days" for days in (7, 14, 30, 60, 90)), 0),
    "CopyToChildren": None,
    "CopyToAliases": None,
    "AliasType": "None",
    "ReferenceSku": None,
    "ReferenceProductID": None,
}
"""What nothing here fills."""

_VALUES: Mapping[str, Callable[[ProductRow], Any]] = {
    "ID": lambda row: row.found.entity.id,
    "CreateDateUtc": lambda row: row.found.entity.created,
    "UpdateDateUtc": lambda row: row.found.entity.updated,
    "QuantityUpdateDateUtc": lambda row: row.found.entity.stocked,
    "Flag": lambda row: _ENUMS["Flag"][int(row.found.own.fields.get(ENUMERATIONS["Flag"], _NONE))],
    "HarmonizedCode": _harmonized_code,
    "Sku": _sku,
    "Title": _title,
    "BundleType": _bundle_type,
    "ProductType": _kind,
    "TotalAvailableQuantity": _total,
    "TotalQuantity": _total,
    "TotalQuantityPooled": _total,
    "IsParent": lambda row: row.found.entity.variant is None,
    "IsInRelationship": lambda row: row.found.product.parent is not None,
    "ParentProductID": _parent_id,
    "ParentSku": lambda row: None if _parent_id(row) is None else _sku_of_parent(row.found),
    "Attributes": _attributes,
    "DCQuantities": _stock,
    "Images": _images,
    "Labels": _labels,
    "BundleComponents": _components,
    "Children": _children,
    "AliasRelationships": lambda _: [],
}
