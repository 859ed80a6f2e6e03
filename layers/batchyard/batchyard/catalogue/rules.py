"""The catalogue as the business has it: products with their variants, and what OData calls a product. No I/O.

A product is one aggregate: what its variants are, cost and look like is part of it and changes with it. What moves by
itself, its stock above all, belongs to an entity: each variant is one, and so is the product itself as long as it is a
parent. Entities have integer IDs, from 1, which are never used again.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from batchyard.errors import Invalid

type Scalar = str | int | float | bool
"""A plain value; what is null is absent."""

DRAFT, PROPOSED, PUBLISHED, REJECTED = "draft", "proposed", "published", "rejected"

STATUSES = (DRAFT, PROPOSED, PUBLISHED, REJECTED)

LARGEST_QUANTITY = 2_147_483_647
"""Pieces of one variant in one distribution centre: Edm.Int32."""

MOST_VARIANTS = 2048
MOST_IMAGES = MOST_TAGS = 250
MOST_ATTRIBUTES = MOST_LABELS = MOST_PLACEMENTS = 250
MOST_COMPONENTS = 100
"""Of a bundle."""

MOST_CENTRES = 100
"""Distribution centres in which one entity is kept."""

LARGEST_PRODUCT = 4 * 1024 * 1024
"""Bytes of a product as JSON, and of what an entity stores itself."""

LONGEST_NAME, LONGEST_URL, LONGEST_DESCRIPTION = 255, 2048, 100_000
"""Characters of titles, handles, SKUs, barcodes, options and tags; of addresses; of descriptions and other texts."""

LONGEST_TEXT = 4000
"""Characters of what OData writes without a length of its own."""

LONGEST: Mapping[str, int] = {
    "description": LONGEST_DESCRIPTION,
    "thumbnail": LONGEST_URL,
    **dict.fromkeys(("brand", "manufacturer", "short_description", "subtitle", "type", "hs_code"), LONGEST_TEXT),
}
"""Characters of plain fields of products, where these are not `LONGEST_NAME`."""

MEASURES = ("weight", "length", "width", "height")

CUSTOMS = ("hs_code", "origin_country", "mid_code", "material")

PRODUCT_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(
        ("title", "subtitle", "description", "thumbnail", "type", "external_id", "collection", *CUSTOMS), str
    ),
    **dict.fromkeys(("short_description", "brand", "manufacturer"), str),
    **dict.fromkeys(MEASURES, float),
    "discountable": bool,
}
"""Plain fields of a product and their types; a `float` that is whole is an `int`. `collection` is a handle."""

VARIANT_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("title", "sku", "barcode", *CUSTOMS), str),
    **dict.fromkeys(MEASURES, float),
    "allow_backorder": bool,
    "manage_inventory": bool,
}
"""Plain fields of a variant and their types."""

ENTITY_MOMENTS = ("blocked_date_utc", "blocked_from_advertising_date_utc", "received_date_utc")
"""Fields of an entity that are dates."""

ENTITY_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("asin", "ean", "upc", "isbn", "mpn", "condition", "tax_product_code"), str),
    **dict.fromkeys(("warehouse_location", "warranty", "flag_description", "block_comment"), str),
    **dict.fromkeys(("supplier_name", "supplier_code", "supplier_po", "store_title", "store_description"), str),
    **dict.fromkeys(("relationship_name", "vary_by"), str),
    **dict.fromkeys((*MEASURES, "cost", "margin", "retail_price", "starting_price", "reserve_price"), float),
    **dict.fromkeys(("buy_it_now_price", "store_price", "second_chance_price", "min_price", "max_price"), float),
    "estimated_shipping_cost": float,
    **dict.fromkeys(("flag", "bundle_type", "multipack_quantity"), int),
    **dict.fromkeys(ENTITY_MOMENTS, int),
    **dict.fromkeys(
        ("is_available_in_store", "is_display_in_store", "is_blocked", "is_blocked_from_advertising"), bool
    ),
    **dict.fromkeys(("is_external_quantity_blocked", "infinite_quantity"), bool),
}
"""Plain fields of an entity and their types: OData's, those apart that are the product's or the variant's.

A `float` that is whole is an `int`. Dates are microseconds since the Unix epoch, enumerations are their numbers.
"""

PRODUCT_DEFAULTS: Mapping[str, Scalar] = {"discountable": True}

VARIANT_DEFAULTS: Mapping[str, Scalar] = {"allow_backorder": False, "manage_inventory": True}


class Price(NamedTuple):
    """What a variant costs.

    Attributes:
        currency: ISO 4217 code in lower case.
        amount: In the currency's minor unit.
        region: Name of the region that it is for; None for everywhere.
    """

    currency: str
    amount: int
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """A variant of a product.

    Args:
        id: `variant_` and a ULID.
        entity: The integer ID of its entity.
        fields: Its plain values by `VARIANT_FIELDS`.
        prices: In the order of `(currency, region)`, that for everywhere first; each pair once.
        options: A value for each of the product's options, in their order; None where it has none.
    """

    id: str
    entity: int
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    options: tuple[str | None, ...] = ()

    @property
    def sku(self) -> str | None:
        """Its stock keeping unit, unique over the catalogue."""
        sku = self.fields.get("sku")
        return None if sku is None else str(sku)


@dataclass(frozen=True, slots=True)
class Product:
    """A product with its variants.

    Args:
        id: `prod_` and a ULID.
        handle: Its name in addresses, unique over the catalogue.
        status: One of `STATUSES`.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it was last changed, stock apart.
        by: The job or the request that last changed it.
        parent: The integer ID that it has as a parent; None for one that is none.
        fields: Its plain values by `PRODUCT_FIELDS`.
        tags: In the order that they were given.
        images: Their addresses, in order.
        options: The titles of its options, in order.
        sales_channels: The IDs of the sales channels that it is sold in, in order.
        variants: In order.
        version: Counts its changes; 0 before it is stored.
    """

    id: str
    handle: str
    status: str
    created: int
    updated: int
    by: str
    parent: int | None = None
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    sales_channels: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    version: int = 0

    @property
    def skus(self) -> Iterator[str]:
        """The SKUs of its variants."""
        return (variant.sku for variant in self.variants if variant.sku is not None)

    @property
    def entities(self) -> tuple[int, ...]:
        """The integer IDs of what OData calls products in it: the parent's, if there is one, and its variants'."""
        own = () if self.parent is None else (self.parent,)
        return own + tuple(variant.entity for variant in self.variants)


@dataclass(frozen=True, slots=True)
class Own:
    """What an entity stores itself, beside what is its variant's or its product's; what is null or empty is absent.

    Args:
        fields: Its plain values by `ENTITY_FIELDS`.
        attributes: Values by the names that the business has given them.
        labels: Sorted, each once.
        placements: URLs of images by placement; the product's images have no place here.
        components: Of a bundle: pieces by the integer ID of the component.
    """

    fields: Mapping[str, Scalar] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    placements: Mapping[str, str] = field(default_factory=dict)
    components: Mapping[int, int] = field(default_factory=dict)


NOTHING = Own()
"""What an entity stores itself until somebody says something."""


@dataclass(frozen=True, slots=True)
class Entity:
    """What OData calls a product: a variant, or a product as a parent.

    Args:
        id: Its integer ID, Int32.
        product: ID of the product that it belongs to.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When what it stores itself was last changed, quantities apart.
        stocked: When a quantity last changed.
        by: The job or the request that last changed it, quantities apart.
        quantities: Pieces by the ID of the distribution centre; those that were ever set.
        version: Counts its changes; 0 before it is stored.
        variant: ID of the variant that it is; None for a parent.
        sku: The variant's SKU.
        stocked_by: The job or the request that last changed a quantity.
        handle: The product's handle, of a parent.
        components: How many components it has, as a bundle.
        bundles: In how many bundles it is a component.
        named: When its product last wrote it, where it was changed by itself since; else that is when it was updated.
        stored: What it stores itself, as its item has it: not read from S3 nor unpacked before it is needed.
    """

    id: int
    product: str
    created: int
    updated: int
    stocked: int
    by: str
    quantities: Mapping[int, int] = field(default_factory=dict)
    version: int = 0
    variant: str | None = None
    sku: str | None = None
    stocked_by: str = ""
    handle: str | None = None
    components: int = 0
    bundles: int = 0
    named: int | None = None
    stored: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quantity(self) -> int:
        """Pieces in all distribution centres: the inventory quantity."""
        return sum(self.quantities.values())


def becomes_parent(product: Product) -> bool:
    """Whether a product that is no parent has to become one: it has options, or not exactly one variant."""
    return product.parent is None and (bool(product.options) or len(product.variants) != 1)


def unnumbered(product: Product) -> int:
    """How many integer IDs a product lacks: a variant without one has 0."""
    missing = sum(variant.entity == 0 for variant in product.variants)
    return missing + (product.parent == 0 or becomes_parent(product))


def numbered(product: Product, next_id: Callable[[], int]) -> Product:
    """A product with all of its integer IDs; those that it has stay.

    Args:
        next_id: Gives an ID that was never used.
    """
    parent = next_id() if product.parent == 0 or becomes_parent(product) else product.parent
    variants = tuple(one if one.entity else replace(one, entity=next_id()) for one in product.variants)
    return replace(product, parent=parent, variants=variants)


def of_variant(entity: Entity, variant: Variant | None, handle: str) -> Entity:
    """An entity with what it repeats.

    Args:
        variant: Its variant; None for a parent's.
        handle: The product's handle.
    """
    if variant is None:
        return replace(entity, variant=None, sku=None, handle=handle)
    return replace(entity, variant=variant.id, sku=variant.sku, handle=None)


def tidy(own: Own) -> Own:
    """The same with its labels sorted, each once."""
    return replace(own, labels=tuple(sorted(set(own.labels))))


def own_values(product: Product) -> dict[int, Any]:
    """What each entity of a product stores itself, to be compared, by its ID.

    What the product has once belongs to the parent, or to the only variant of a product that is no parent.
    """
    shared = (
        product.handle,
        product.status,
        dict(product.fields),
        product.tags,
        product.images,
        product.options,
        product.sales_channels,
    )
    own: dict[int, Any] = {
        variant.entity: (
            variant.id,
            product.parent,
            dict(variant.fields),
            variant.prices,
            variant.options,
            None if product.parent is not None else shared,
        )
        for variant in product.variants
    }
    if product.parent is not None:
        own[product.parent] = shared
    return own


def stocked(entity: Entity, quantities: Mapping[int, int], moment: int, by: str) -> Entity:
    """An entity with pieces set in distribution centres; itself where that changes nothing.

    Args:
        quantities: Pieces by distribution centre.
        moment: When, in microseconds since the Unix epoch.
        by: The job or the request that sets them.

    Raises:
        Invalid: A quantity is none, or it would be kept in too many distribution centres.
    """
    wanted = {**entity.quantities, **quantities}
    if wanted == entity.quantities:
        return entity
    if any(not 0 <= pieces <= LARGEST_QUANTITY for pieces in quantities.values()):
        raise Invalid({"quantity": [f"A quantity is from 0 to {LARGEST_QUANTITY}."]})
    if len(wanted) > MOST_CENTRES:
        raise Invalid({"quantity": [f"Kept in {len(wanted)} distribution centres, of {MOST_CENTRES} that can be."]})
    return replace(entity, quantities=wanted, stocked=max(moment, entity.stocked), stocked_by=by)


def is_same(product: Product, other: Product) -> bool:
    """Whether two states of a product are the same, apart from when and by whom they came about."""
    return replace(product, updated=0, by="", version=0) == replace(other, updated=0, by="", version=0)
