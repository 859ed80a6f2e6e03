"""Samples of products, as people look for them."""

from tools import sample_world as world
from tools.samples.sample import http, route, typed

_VARIANTS = [
    {
        "id": variant.id,
        "sku": variant.sku,
        "product_id": world.BOOTS.id,
        "inventory_quantity": quantity,
        "manage_inventory": True,
        "prices": [{"currency_code": "eur", "amount": 8990, "region_id": None, "variant_id": variant.id}],
        "options": [{"value": size, "variant_id": variant.id}],
    }
    for variant, quantity, size in zip(world.BOOTS.variants, (0, 12), ("41", "42"), strict=True)
]
_PRODUCT = {
    "id": world.BOOTS.id,
    "handle": "sample-boots",
    "title": "Sample boots",
    "subtitle": None,
    "status": "published",
    "created_at": "2025-09-15T08:00:00.000Z",
    "updated_at": "2025-09-15T08:30:00.000Z",
    "deleted_at": None,
    "tags": [],
    "images": [],
    "options": [{"title": "Size", "product_id": world.BOOTS.id}],
    "variants": _VARIANTS,
    "type": None,
    "collection": None,
}

SAMPLES = {
    "list_products": route(
        "GET",
        "/admin/products?q=BOOTS&status%5B0%5D=published&limit=10",
        http(200, {"products": [_PRODUCT], "count": 1, "offset": 0, "limit": 10}),
        scheme="Bearer",
        repeatable=True,
    ),
    "retrieve_product": route(
        "GET",
        f"/admin/products/{world.BOOTS.id}",
        http(200, {"product": _PRODUCT}),
        scheme="Bearer",
        repeatable=True,
        like="catalogue/list_products",
    ),
    "retrieve_product.missing": route(
        "GET",
        f"/admin/products/{world.MISSING_PRODUCT}",
        typed(404, "not_found", f"Product with id: {world.MISSING_PRODUCT} was not found"),
        scheme="Bearer",
        repeatable=True,
    ),
}
