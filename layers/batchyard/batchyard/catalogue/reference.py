"""What products refer to: regions, collections, sales channels and distribution centres, made by the operator.

A few hundred of each at most: each kind is one partition.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from batchyard import clock, ulids
from batchyard.catalogue import currencies, repository
from batchyard.catalogue.rules import LARGEST_QUANTITY, LONGEST_NAME, Product
from batchyard.errors import Conflict, Invalid, NotFound
from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.queries import query, scan
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import Unit, transact

_REGIONS, _COLLECTIONS = "regions", "collections"
_SALES_CHANNELS, _CENTRES = "sales_channels", "distribution_centres"


@dataclass(frozen=True, slots=True)
class Region:
    """Where prices of its own hold.

    Args:
        name: What prices call it, unique.
        currency: ISO 4217 code in lower case.
    """

    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What products are collected in.

    Args:
        id: `pcol_` and a ULID.
        handle: What products call it, unique.
        title: What people call it.
    """

    id: str
    handle: str
    title: str


@dataclass(frozen=True, slots=True)
class SalesChannel:
    """Where products are sold.

    Args:
        id: `sc_` and a ULID.
        name: Its name, unique.
        description: What it is.
    """

    id: str
    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DistributionCentre:
    """Where stock is kept.

    Args:
        id: Its number.
    """

    id: int
    name: str


FIRST_CENTRE = DistributionCentre(0, "Default")
"""The distribution centre that is there from the start."""


def regions() -> list[Region]:
    """All regions, in order of their names.

    Raises:
        Unavailable: The store did not answer.
    """
    return [Region(str(item["part"]), str(item["currency"])) for item in _every(_REGIONS)]


def create_region(name: str, currency: str) -> Region:
    """Makes a region.

    Raises:
        Invalid: The currency is none, or the name cannot be one.
        Conflict: There is a region of this name.
    """
    if currencies.digits(currency) is None:
        raise Invalid({"currency": [f"{currency} is no currency of ISO 4217."]})
    region = Region(_name(name), currency.lower())
    _create(_REGIONS, region.name, f"region {region.name}", {"currency": region.currency})
    return region


def delete_region(name: str) -> None:
    """Removes a region.

    Raises:
        NotFound: There is none.
        Conflict: A product has a price for it.
    """
    _delete(_REGIONS, name, f"region {name}", _used_by(lambda product: name in _regions_of(product)))


def collections() -> list[Collection]:
    """All collections, in order of their handles.

    Raises:
        Unavailable: The store did not answer.
    """
    return [Collection(str(item["collection"]), str(item["part"]), str(item["title"])) for item in _every(_COLLECTIONS)]


def create_collection(handle: str, title: str) -> Collection:
    """Makes a collection.

    Raises:
        Invalid: The handle or title cannot be one.
        Conflict: There is a collection of this handle.
    """
    collection = Collection(f"pcol_{ulids.new(clock.now())}", _name(handle), _name(title))
    attributes: Item = {"collection": collection.id, "title": collection.title}
    _create(_COLLECTIONS, collection.handle, f"collection {collection.handle}", attributes)
    return collection


def delete_collection(handle: str) -> None:
    """Removes a collection.

    Raises:
        NotFound: There is none.
        Conflict: A product is in it.
    """
    used = _used_by(lambda product: handle in _collections_of(product))
    _delete(_COLLECTIONS, handle, f"collection {handle}", used)


def sales_channels() -> list[SalesChannel]:
    """All sales channels, the first one first.

    Raises:
        Unavailable: The store did not answer.
    """
    return [
        SalesChannel(str(item["part"]), str(item["name"]), items.text(item, "description"))
        for item in _every(_SALES_CHANNELS)
    ]


def create_sales_channel(name: str, description: str | None = None) -> SalesChannel:
    """Makes a sales channel.

    Raises:
        Invalid: The name cannot be one.
        Conflict: There is a sales channel of this name.
    """
    channel = SalesChannel(f"sc_{ulids.new(clock.now())}", _name(name), description or None)
    if any(other.name == channel.name for other in sales_channels()):
        raise Conflict(f"There is a sales channel {channel.name}.")
    attributes = items.present({"name": channel.name, "description": channel.description})
    _create(_SALES_CHANNELS, channel.id, f"sales channel {channel.id}", attributes)
    return channel


def delete_sales_channel(id: str) -> None:
    """Removes a sales channel.

    Raises:
        NotFound: There is none.
        Conflict: A product is sold in it.
    """
    _delete(_SALES_CHANNELS, id, f"sales channel {id}", _used_by(lambda product: id in product.sales_channels))


def centres() -> list[DistributionCentre]:
    """All distribution centres, in order of their numbers; the first one is always there.

    Raises:
        Unavailable: The store did not answer.
    """
    made = [DistributionCentre(int(str(item["part"])), str(item["name"])) for item in _every(_CENTRES)]
    return [FIRST_CENTRE, *sorted(made, key=lambda centre: centre.id)]


def create_centre(id: int, name: str) -> DistributionCentre:
    """Makes a distribution centre.

    Raises:
        Invalid: The number or name cannot be one.
        Conflict: There is a distribution centre of this number.
    """
    if not 0 <= id <= LARGEST_QUANTITY:
        raise Invalid({"id": [f"A distribution centre has a number up to {LARGEST_QUANTITY}."]})
    centre = DistributionCentre(id, _name(name))
    if id == FIRST_CENTRE.id:
        raise Conflict(f"There is a distribution centre {id}.")
    _create(_CENTRES, str(id), f"distribution centre {id}", {"name": centre.name})
    return centre


def delete_centre(id: int) -> None:
    """Removes a distribution centre.

    Raises:
        NotFound: There is none.
        Conflict: It holds stock, or is the first one.
    """
    if id == FIRST_CENTRE.id:
        raise Conflict(f"The distribution centre {id} is always there.")
    _delete(_CENTRES, str(id), f"distribution centre {id}", lambda: _holder_of_stock(id))


def unknown(product: Product, before: Product | None = None) -> dict[str, list[str]]:
    """What a product refers to that is not there, told by the name of its part; only what it did not refer to before.

    Raises:
        Unavailable: The store did not answer.
    """
    kinds: list[tuple[str, str, Callable[[Product], set[str]], Callable[[], set[str]]]] = [
        ("prices", "region", _regions_of, lambda: {one.name for one in regions()}),
        ("collection", "collection", _collections_of, lambda: {one.handle for one in collections()}),
        (
            "sales_channels",
            "sales channel",
            lambda one: set(one.sales_channels),
            lambda: {c.id for c in sales_channels()},
        ),
    ]
    found: dict[str, list[str]] = {}
    for part, what, of, known in kinds:
        added = of(product) - (set() if before is None else of(before))
        missing = sorted(added - known()) if added else []
        if missing:
            found[part] = [f"There is no {what} {name}." for name in missing]
    return found


def _name(given: str) -> str:
    name = given.strip()
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid({"name": [f"A name has 1 to {LONGEST_NAME} characters that can be printed."]})
    return name


def _regions_of(product: Product) -> set[str]:
    return {price.region for variant in product.variants for price in variant.prices if price.region is not None}


def _channels_of(product: Product) -> set[str]:
    return set(product.sales_channels)


def _collections_of(product: Product) -> set[str]:
    return {str(product.fields["collection"])} if "collection" in product.fields else set()


def _used_by(uses: Callable[[Product], bool]) -> Callable[[], str | None]:
    """Looks through all products for one that uses something; its handle."""

    def search() -> str | None:
        after, more = None, True
        while more:
            page, after = repository.scan_page(after)
            found = next((product.handle for product in page if uses(product)), None)
            if found is not None:
                return found
            more = after is not None
        return None

    return search


def _holder_of_stock(centre: int) -> str | None:
    """Looks through all entities for one with stock in a distribution centre; the ID of its product."""
    request = {
        "TableName": CATALOGUE.name,
        "ConsistentRead": True,
        "FilterExpression": "part = :entity",
        "ExpressionAttributeValues": {":entity": {"S": "entity"}},
    }
    held = (item for item in scan(request) if json.loads(str(item["quantities"])).get(str(centre)))
    return next((str(item["product"]) for item in held), None)


def _every(partition: str) -> list[Item]:
    request = {
        "TableName": CATALOGUE.name,
        "KeyConditionExpression": "id = :partition",
        "ExpressionAttributeValues": {":partition": {"S": partition}},
        "ConsistentRead": True,
    }
    return list(query(request))


def _create(partition: str, part: str, what: str, attributes: Item) -> None:
    key: Key = {"id": partition, "part": part}

    def operation(unit: Unit) -> None:
        if unit.get(CATALOGUE, key) is not None:
            raise Conflict(f"There is a {what}.")
        unit.put(CATALOGUE, {**key, **attributes})

    transact(operation)


def _delete(partition: str, part: str, what: str, user: Callable[[], str | None]) -> None:
    key: Key = {"id": partition, "part": part}

    def operation(unit: Unit) -> None:
        if unit.get(CATALOGUE, key) is None:
            raise NotFound(f"There is no {what}.")
        used_by = user()
        if used_by is not None:
            raise Conflict(f"The {what} is in use, by the product {used_by}.")
        unit.delete(CATALOGUE, key)

    transact(operation)
