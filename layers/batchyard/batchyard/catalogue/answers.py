"""Products as Medusa's administration shows them: every field, null where there is nothing. Pure: no request, no store.

What is no thing of its own in this catalogue (an image, an option, a tag) has an ID there; it follows from what it is,
so that it is the same each time.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from batchyard import ulids
from batchyard.catalogue.rules import CUSTOMS, MEASURES, VARIANT_DEFAULTS, Price, Product, Variant
from batchyard.clock import iso_milliseconds

if TYPE_CHECKING:
    from batchyard.catalogue.reference import Collection, SalesChannel

type Json = dict[str, Any]

_SHAPE = (*MEASURES, *CUSTOMS)
_TEXTS = ("subtitle", "description", "thumbnail", "external_id")


def product(
    shown: Product,
    quantities: Mapping[int, int],
    collections: "Mapping[str, Collection]",
    channels: "Mapping[str, SalesChannel]",
) -> Json:
    """A product with all that belongs to it.

    Args:
        shown: The product.
        quantities: Pieces by the integer IDs of its variants; none where one is missing.
        collections: Collections by their handles.
        channels: Sales channels by their IDs.
    """
    dates = _dates(shown)
    fields = shown.fields
    collection = collections.get(str(fields.get("collection")))
    kind = fields.get("type")
    option_ids = [_id("opt", shown.id, title) for title in shown.options]
    return {
        "id": shown.id,
        **dates,
        "title": fields.get("title"),
        **{name: fields.get(name) for name in _TEXTS},
        "handle": shown.handle,
        "is_giftcard": False,
        "status": shown.status,
        "discountable": fields.get("discountable", True),
        **{name: fields.get(name) for name in _SHAPE},
        "collection_id": None if collection is None else collection.id,
        "collection": None if collection is None else _collection(collection),
        "type_id": None if kind is None else _id("ptyp", kind),
        "type": None if kind is None else {"id": _id("ptyp", kind), "value": kind, **dates, "metadata": None},
        "tags": [{"id": _id("ptag", tag), "value": tag, **dates, "metadata": None} for tag in shown.tags],
        "images": [
            {"id": _id("img", shown.id, str(place)), "url": url, **dates, "metadata": None}
            for place, url in enumerate(shown.images)
        ],
        "options": [
            {"id": id, "title": title, "product_id": shown.id, **dates, "metadata": None}
            for id, title in zip(option_ids, shown.options, strict=True)
        ],
        "variants": [
            _variant(shown, variant, rank, option_ids, quantities.get(variant.entity, 0))
            for rank, variant in enumerate(shown.variants)
        ],
        "sales_channels": [_channel(channels[id]) for id in shown.sales_channels if id in channels],
        "metadata": None,
    }


def _variant(shown: Product, variant: Variant, rank: int, options: list[str], quantity: int) -> Json:
    dates = _dates(shown)
    fields = {**VARIANT_DEFAULTS, **variant.fields}
    return {
        "id": variant.id,
        **dates,
        "title": fields.get("title"),
        "product_id": shown.id,
        "sku": fields.get("sku"),
        "barcode": fields.get("barcode"),
        "ean": None,
        "upc": None,
        "variant_rank": rank,
        "inventory_quantity": quantity,
        "allow_backorder": fields["allow_backorder"],
        "manage_inventory": fields["manage_inventory"],
        **{name: fields.get(name) for name in _SHAPE},
        "prices": [_price(variant, price) | dates for price in variant.prices],
        "options": [
            {
                "id": _id("optval", variant.id, option),
                "value": value,
                "option_id": option,
                "variant_id": variant.id,
                **dates,
                "metadata": None,
            }
            for option, value in zip(options, variant.options, strict=False)
            if value is not None
        ],
        "metadata": None,
    }


def _price(variant: Variant, price: Price) -> Json:
    return {
        "id": _id("ma", variant.id, price.currency, price.region or ""),
        "currency_code": price.currency,
        "amount": price.amount,
        "min_quantity": None,
        "max_quantity": None,
        "price_list_id": None,
        "variant_id": variant.id,
        "region_id": None if price.region is None else _id("reg", price.region),
    }


def _collection(found: "Collection") -> Json:
    return {"id": found.id, "title": found.title, "handle": found.handle, "metadata": None}


def _channel(found: "SalesChannel") -> Json:
    return {"id": found.id, "name": found.name, "description": found.description, "is_disabled": False}


def _dates(shown: Product) -> Json:
    return {
        "created_at": iso_milliseconds(shown.created),
        "updated_at": iso_milliseconds(shown.updated),
        "deleted_at": None,
    }


def _id(kind: str, *named: object) -> str:
    """The ID of what has none of its own."""
    digest = hashlib.sha256("\n".join([kind, *map(str, named)]).encode(errors="surrogatepass")).digest()
    return f"{kind}_{ulids.of_digest(digest)}"
