"""Samples of what follows changes of product batches: events, exports, clean-up; and of their expiry."""

import json

from batchyard.product_batches import leftovers
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches.exports import repository as exports_repository
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.tables import PRODUCT_BATCHES
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.samples import looks
from tools.samples.sample import TAKEN, Sample


def _changes(*changes: tuple[Item | None, Item | None]) -> Event:
    """What the table's stream tells of items that were and are now."""
    told = []
    for number, (before, after) in enumerate(changes):
        key = items.encode(PRODUCT_BATCHES.key_of(after or before or {}))
        old, new = (items.encode(item) if item else None for item in (before, after))
        told.append(aws_events.change(number, key, old, new))
    return aws_events.stream("ProductBatchesTable", *told)


_ACTIVATED = (product_batches.encode(world.LOT_BEFORE), product_batches.encode(world.LOT))
_NAMES = {"collectionId": world.COLLECTION, "productId": "runner", "batchId": "L38"}
_EXPORT = {"collection": world.COLLECTION, "product": "runner", "batch": "L38", "export": world.EXPORT.id}

SAMPLES = {
    "publish": Sample(
        _changes(
            _ACTIVATED,
            (None, world.item_of_change(world.SPOILT)),
            world.SCANNED,
            (product_batches.encode(world.REMOVED), None),
        ),
        TAKEN,
        looks.told,
        [
            [
                (
                    "ProductBatch Status Changed",
                    {
                        "collectionId": world.COLLECTION,
                        "productId": "runner",
                        "id": "L38",
                        "oldStatus": "draft",
                        "newStatus": "active",
                        "quantity": 20,
                        "updatedAt": "2025-09-15T08:21:00.000000Z",
                        "by": "sample",
                        "trigger": None,
                        "change": None,
                    },
                ),
                (
                    "ProductBatch Serials Changed",
                    {
                        **_NAMES,
                        "changeId": world.SPOILT.id,
                        "status": "decommissioned",
                        "changed": 5,
                        "by": "sample",
                        "at": "2025-09-15T08:25:00.000000Z",
                        "undone": False,
                        "change": None,
                    },
                ),
                (
                    "ProductBatch Serial Suspicious",
                    {**_NAMES, "index": 3, "scans": 21, "at": "2025-09-15T08:29:00.000000Z", "change": None},
                ),
                (
                    "ProductBatch Status Changed",
                    {
                        "collectionId": world.OUTLET,
                        "productId": "runner",
                        "id": "L35",
                        "oldStatus": "active",
                        "newStatus": None,
                        "quantity": 5,
                        "updatedAt": "2025-09-15T08:26:00.000000Z",
                        "by": None,
                        "trigger": None,
                        "change": None,
                    },
                ),
            ],
            [
                {
                    "collection": world.OUTLET,
                    "product": "runner",
                    "batch": "L35",
                    "created": world.REMOVED.created,
                    "blocks": [[0, 5, 1, world.REMOVED.created]],
                }
            ],
        ],
    ),
    "clean_up": Sample(
        aws_events.queue("ProductBatchLeftoversQueue", leftovers.notice(world.REMOVED)),
        TAKEN,
        looks.in_outlet,
        ["change"],
        repeatable=True,
    ),
    "start_export": Sample(
        _changes(_ACTIVATED, (None, exports_repository.encode(world.EXPORT))),
        TAKEN,
        lambda: looks.messages("EXPORTS_QUEUE_URL"),
        [_EXPORT],
        like="product_batches/publish",
    ),
    "write_export": Sample(
        aws_events.queue("ExportsQueue", json.dumps(_EXPORT)),
        TAKEN,
        looks.all_of(looks.content(world.EXPORT.key), lambda: looks.messages("EXPORTS_QUEUE_URL")),
        [
            "index,code,digitalLink\r\n"
            + "".join(
                f"{number},{code},https://id.gs1.org/01/{world.GTIN}/10/L38/21/{code}\r\n"
                for number, code in enumerate(world.code_of_serial(world.LOT, number) for number in range(20))
            ),
            [],
        ],
        repeatable=True,
    ),
    "expire": Sample(
        aws_events.schedule("batchyard-expire"),
        {"expired": 1, "finished": True, "announced": 0},
        looks.all_of(looks.product_batch(world.LOT), looks.status(world.OVERDUE)),
        [world.LOT, "expired"],
        like="batch_requests/fail_stale",
    ),
}
