"""Samples of what follows changes of the catalogue: events, and clean-up."""

from dataclasses import replace

from batchyard.catalogue import codec, leftovers
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.tables import CATALOGUE, PRODUCTS, Table
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.samples import looks
from tools.samples.sample import TAKEN, Sample


def _change(number: int, table: Table, before: Item | None, after: Item | None) -> Event:
    key = items.encode(table.key_of(after or before or {}))
    old, new = (items.encode(item) if item else None for item in (before, after))
    return aws_events.change(number, key, old, new)


_MANY = {**world.item_of_product(world.SANDALS), "variants": 60}
_FORMER = world.item_of_product(world.BOOTS_BEFORE)
_CONTENT = _change(0, PRODUCTS, _MANY, None)["dynamodb"]["OldImage"]["content"]["B"]
_FACTS = {"id": world.BOOTS.id, "handle": "sample-boots", "title": "Sample boots", "change": None}

SAMPLES = {
    "publish": Sample(
        aws_events.stream(
            "ProductsTable",
            _change(0, PRODUCTS, None, _FORMER),
            # A job tells a summary of what it brings about.
            _change(1, PRODUCTS, _FORMER, world.item_of_product(world.BOOTS)),
            _change(2, PRODUCTS, _MANY, None),
        ),
        TAKEN,
        lambda: looks.told_with("PRODUCT_LEFTOVERS_QUEUE_URL"),
        [
            [
                (
                    "Product Created",
                    {
                        **_FACTS,
                        "old_status": None,
                        "new_status": "draft",
                        "version": 1,
                        "updated_at": "2025-09-15T08:00:00.000000Z",
                        "by": "sample-request-1",
                    },
                ),
                (
                    "Product Removed",
                    {
                        **_FACTS,
                        "id": world.SANDALS.id,
                        "handle": "sample-sandals",
                        "title": "Sample sandals",
                        "old_status": "published",
                        "new_status": None,
                        "version": 2,
                        "updated_at": "2025-09-15T08:30:00.000000Z",
                        "by": None,
                    },
                ),
            ],
            # Of so many variants, claims and entities are left.
            [
                {
                    "product": world.SANDALS.id,
                    "handle": "sample-sandals",
                    "until": world.SANDALS.updated + 1,
                    "key": None,
                    "content": _CONTENT,
                }
            ],
        ],
    ),
    "publish.quantity": Sample(
        aws_events.stream(
            "CatalogueTable",
            _change(
                3,
                CATALOGUE,
                codec.encode_entity(replace(world.STOCKED, quantities={0: 3}, version=1)),
                codec.encode_entity(world.STOCKED),
            ),
        ),
        TAKEN,
        lambda: looks.told_with("PRODUCT_LEFTOVERS_QUEUE_URL"),
        [
            [
                (
                    "Quantity Changed",
                    {
                        "id": world.STOCKED.id,
                        "product": world.BOOTS.id,
                        "variant": world.STOCKED.variant,
                        "sku": "SAMPLE-42",
                        "old_quantity": 3,
                        "new_quantity": 12,
                        "quantities": {"0": 12},
                        "updated_at": "2025-09-15T08:31:00.000000Z",
                        "by": "sample-request-3",
                        "change": None,
                    },
                )
            ],
            [],
        ],
        like="catalogue/publish",
    ),
    "clean_up": Sample(
        aws_events.queue(
            "ProductLeftoversQueue",
            aws_events.stored(world.ORPHAN_CONTENT_KEY, "what a crash left behind"),
            leftovers.notice(
                {**_FORMER, "content_key": world.FORMER_CONTENT_KEY}, world.item_of_product(world.BOOTS), {}
            ),
        ),
        TAKEN,
        looks.all_of(
            looks.content(world.ORPHAN_CONTENT_KEY),
            looks.entity(world.STOCKED.id),
            lambda: looks.messages("PRODUCT_LEFTOVERS_QUEUE_URL")[:1],
        ),
        [None, world.STOCKED, [{"key": world.FORMER_CONTENT_KEY}]],
        repeatable=True,
    ),
    "tally": Sample(
        aws_events.stream(
            "CatalogueTable",
            _change(4, CATALOGUE, None, codec.encode_entity(world.STOCKED)),
            # A change is none more.
            _change(5, CATALOGUE, codec.encode_entity(world.STOCKED), codec.encode_entity(world.STOCKED)),
        ),
        TAKEN,
        looks.entities,
        1,
        repeatable=True,
    ),
    "recount": Sample(
        aws_events.schedule("batchyard-recount-items"),
        {"repaired": 1, "busy": False},
        looks.entities,
        1,
    ),
}
