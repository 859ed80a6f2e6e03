"""Samples of product batches and their serials: the routes."""

import re
from dataclasses import replace
from typing import Any

from batchyard.product_batches.rules import Block, ProductBatch
from tools import sample_world as world
from tools.samples import looks
from tools.samples.sample import ADDRESS, Sample, coded, http, route

_LINKS = "https://id.gs1.org"
_LOT_LINK = f"{_LINKS}/01/{world.GTIN}/10/L38"
_COLLECTION = f"/admin/collection/{world.COLLECTION}"
_RUNNER = f"{_COLLECTION}/product/{world.RUNNER}"
_BATCHES = f"{_RUNNER}/batch"
_LOT = f"{_BATCHES}/{world.LOT.id}"
_CHANGES = f"{_LOT}/serialChange"

_GOOD, _SPOILT_CODE, _OF_TWIN = (
    world.code_of_serial(*place) for place in ((world.LOT, 3), (world.LOT, 17), (world.TWIN, 2))
)
_TAGS = [
    {"code": code, "claimSetId": "autumn", "productId": batch.product, "batchId": batch.id}
    for code, batch in (("TAG-3", world.TWIN), ("TAG-1", world.LOT))
]
_NEW = {
    "id": "L40",
    "name": "Green runners",
    "gtin": world.GTIN,
    "expiryDate": "2069-06-30",
    "quantity": 1000,
    "data": {"colour": "green"},
    "orderedBy": {"shop": 17},
}
_NEW_BATCH = ProductBatch(world.COLLECTION, world.RUNNER, "L40")
_GROWN = replace(world.LOT, blocks=(*world.LOT.blocks, Block(25, 10, 1, 0)))
_LOT_STATUSES = [(0, 14, "commissioned"), (15, 19, "decommissioned")]
_SPOILT = {
    "id": world.SPOILT.id,
    "status": "decommissioned",
    "ranges": [{"startIndex": 15, "count": 5}],
    "changed": 5,
    "left": 0,
    "reason": "spoilt",
    "by": "sample",
    "at": "2025-09-15T08:25:00.000000Z",
    "undoneBy": None,
    "undoneAt": None,
}
_SHOWN = {
    "id": "L38",
    "collectionId": world.COLLECTION,
    "productId": "runner",
    "name": "Red runners of September",
    "gtin": world.GTIN,
    "lotNumber": "L38",
    "manufactureDate": "2025-09-12",
    "packagingDate": "2025-09-13T16:30:00+02:00",
    "expiryDate": {"seconds": 3155673600},
    "status": "active",
    "data": {"colour": "red"},
    "digitalLink": f"{_LOT_LINK}?17=691231",
}


def _route(method: str, url: str, *arguments: Any, **rest: Any) -> Sample:
    """Clients of this family call the token an API key."""
    return route(method, url, *arguments, scheme="Bearer", **rest)


def _public(url: str, *arguments: Any, **rest: Any) -> Sample:
    return route("GET", url.replace("/admin/", "/public/"), *arguments, caller=None, **rest)


def _in_full(batch: ProductBatch) -> dict[str, object]:
    """A product batch as it is answered."""
    return batch.to_answer(_LINKS)


def _serial(batch: ProductBatch, number: int, status: str, **facts: object) -> dict[str, object]:
    """A serial as it is looked up."""
    return {
        "valid": True,
        "code": world.code_of_serial(batch, number),
        "index": number,
        "collectionId": batch.collection,
        "productId": batch.product,
        "batchId": batch.id,
        "status": status,
        "changeId": None,
        "scans": 0,
        "suspicious": False,
        "batch": _in_full(batch),
        **facts,
    }


def _blocks(sample: ProductBatch) -> list[tuple[int, int, int, bool]] | None:
    """A batch's blocks, and whether each was made when the batch was last changed."""
    batch = looks.product_batch(sample)()
    if batch is None:
        return None
    return [(block.first, block.size, block.key, block.made == batch.updated) for block in batch.blocks]


SAMPLES = {
    "list": _route(
        "GET",
        _BATCHES,
        http(200, [_in_full(world.LOT), _in_full(world.DRAFT)]),
        repeatable=True,
        like="product_batches/retrieve",
    ),
    "create": _route(
        "POST",
        _BATCHES,
        http(
            200,
            {
                "id": "L40",
                "collectionId": world.COLLECTION,
                "productId": "runner",
                "lotNumber": "L40",
                "expiryDate": "2069-06-30",
                "status": "active",
                "quantity": 1000,
                "serialFormat": {"length": 10},
                "orderedBy": {"shop": 17},
                "digitalLink": f"{_LINKS}/01/{world.GTIN}/10/L40?17=690630",
                "version": 1,
            },
            etag='"1"',
            location=f"{ADDRESS}{_BATCHES}/L40",
        ),
        lambda: _blocks(_NEW_BATCH),
        [(25, 1000, 1, True)],
        body=_NEW,
        repeatable=True,
    ),
    "create.bad_fields": _route(
        "POST",
        _BATCHES,
        coded(
            400,
            "VALIDATION_ERROR",
            {"fields": {"id": [str], "gtin": [str], "expiryDate": [str], "quantity": [str], "status": [str]}},
        ),
        looks.product_batch(_NEW_BATCH),
        body={"id": "L 41", "gtin": "09521234543214", "expiryDate": "soon", "quantity": -1, "status": "lost"},
    ),
    # Its exports go on without a change of the batch.
    "retrieve": _route(
        "GET", _LOT, http(200, _in_full(world.LOT), etag=re.compile(r'"2\.[0-9a-f-]{36}"')), repeatable=True
    ),
    "update": _route(
        "PUT",
        _LOT,
        http(
            200,
            {"name": "Dark red runners", "status": "recalled", "quantity": 30, "inspector": "Ada", "version": 3},
            etag='"3"',
        ),
        looks.all_of(lambda: _blocks(world.LOT), looks.statuses(_GROWN)),
        [[(0, 20, 1, False), (25, 10, 1, True)], [*_LOT_STATUSES, (25, 34, "commissioned")]],
        body={"name": "Dark red runners", "packagingDate": None, "quantity": 30, "status": "recalled"},
        headers={"If-Match": '"2"'},
        repeatable=True,
        like="product_batches/create",
    ),
    "delete": _route(
        "DELETE",
        f"{_COLLECTION}/product/{world.HIKER}/batch/{world.WITHOUT_SERIALS.id}",
        http(200, {}),
        looks.product_batch(world.WITHOUT_SERIALS),
        like="product_batches/create",
    ),
    "search": _route(
        "GET",
        f"{_COLLECTION}/batch?search=RUNNERS",
        http(200, [_in_full(world.LOT), _in_full(world.DRAFT)]),
        repeatable=True,
        like="product_batches/retrieve",
    ),
    "find": _route(
        "GET",
        f"{_COLLECTION}/batch/{world.DRAFT.id}",
        http(200, _in_full(world.DRAFT), etag='"1"'),
        repeatable=True,
        like="product_batches/retrieve",
    ),
    "tags": _route(
        "GET",
        f"{_COLLECTION}/batch/{world.LOT.id}/tags?claimSetId=autumn",
        http(200, _TAGS),
        like="product_batches/retrieve",
    ),
    "public": _public(_LOT, http(200, _SHOWN), repeatable=True, like="product_batches/retrieve"),
    # Serials.
    "get_serials": _route(
        "GET",
        f"{_LOT}/getSN?startIndex=14&count=2",
        http(
            200,
            {
                "items": [
                    {
                        "index": number,
                        "code": world.code_of_serial(world.LOT, number),
                        "digitalLink": f"{_LOT_LINK}/21/{world.code_of_serial(world.LOT, number)}?17=691231",
                        "status": status,
                    }
                    for number, status in ((14, "commissioned"), (15, "decommissioned"))
                ],
                "startIndex": 14,
                "count": 2,
                "total": 20,
                "nextStartIndex": 16,
            },
        ),
        repeatable=True,
    ),
    "sheet": _route(
        "GET",
        f"{_LOT}/sheet?startIndex=4&count=2",
        http(200, re.compile(r"<svg .+>L38 · 4-5<.+</svg>\n", re.DOTALL), content_type="image/svg+xml"),
    ),
    "lookup": _route(
        "GET", f"{_LOT}/lookupSN/{_GOOD}", http(200, _serial(world.LOT, 3, "commissioned")), repeatable=True
    ),
    "lookup_in_product": _route(
        "GET",
        f"{_RUNNER}/lookupSN/{_SPOILT_CODE}",
        http(200, _serial(world.LOT, 17, "decommissioned", changeId=world.SPOILT.id)),
        repeatable=True,
        like="product_batches/lookup",
    ),
    "lookup_in_collection": _route(
        # As somebody reads it off a label.
        "GET",
        f"{_COLLECTION}/lookupSN/" + f"{_OF_TWIN[:4]}-{_OF_TWIN[4:8]}-{_OF_TWIN[8:]}".lower(),
        http(200, _serial(world.TWIN, 2, "commissioned", digitalLink=None)),
        repeatable=True,
        like="product_batches/lookup",
    ),
    "verify": _public(
        f"{_COLLECTION}/verifySN/{_GOOD}",
        http(200, {"valid": True, "status": None, "batch": _SHOWN}),
        looks.scans(3),
        1,
    ),
    "verify.out_of_use": _public(
        f"{_COLLECTION}/verifySN/{_SPOILT_CODE}",
        http(200, {"valid": False, "status": None, "batch": None}),
        looks.scans(17),
        1,
    ),
    "change_serial": _route(
        "PATCH",
        f"{_LOT}/serial/{_GOOD}",
        http(200, {"code": _GOOD, "index": 3, "status": "dispensed", "changeId": str}),
        looks.statuses(world.LOT),
        [(0, 2, "commissioned"), (3, 3, "dispensed"), (4, 14, "commissioned"), (15, 19, "decommissioned")],
        body={"status": "dispensed", "reason": "sold"},
    ),
    "change_serials": _route(
        "POST",
        _CHANGES,
        http(200, {"id": str, "status": "stolen", "changed": 7, "left": 2, "by": "sample", "undoneBy": None}),
        looks.statuses(world.LOT),
        [(0, 3, "stolen"), (4, 11, "commissioned"), (12, 14, "stolen"), (15, 19, "decommissioned")],
        body={"status": "stolen", "ranges": [{"startIndex": 0, "count": 4}, {"startIndex": 12, "count": 5}]},
        like="product_batches/change_serial",
    ),
    "list_serial_changes": _route(
        "GET", _CHANGES, http(200, [_SPOILT]), repeatable=True, like="product_batches/change_serial"
    ),
    "undo_serial_change": _route(
        "POST",
        f"{_CHANGES}/{world.SPOILT.id}/undo",
        http(200, {**_SPOILT, "undoneBy": "sample", "undoneAt": str}),
        looks.statuses(world.LOT),
        [(0, 19, "commissioned")],
        repeatable=True,
        like="product_batches/change_serial",
    ),
    # Exports.
    "export": _route(
        "POST",
        f"{_LOT}/export",
        http(
            202,
            {"id": re.compile("[0-9a-f]{22}"), "format": "ndjson", "status": "queued", "rows": 0, "total": 20},
            location=re.compile(rf"{re.escape(f'{ADDRESS}{_LOT}')}/export/[0-9a-f]{{22}}"),
        ),
        looks.product_batch(world.LOT),
        world.LOT,
        body={"format": "ndjson"},
        repeatable=True,
    ),
    "retrieve_export": _route(
        "GET",
        f"{_LOT}/export/{world.EXPORTED.id}",
        http(
            200,
            {
                "id": world.EXPORTED.id,
                "format": "ndjson",
                "status": "done",
                "rows": 20,
                "total": 20,
                "createdAt": "2099-09-15T00:00:00.000000Z",
                "updatedAt": "2099-09-15T00:00:00.000000Z",
                "finishedAt": "2099-09-15T00:00:00.000000Z",
                "bytes": 1900,
                "downloadUrl": re.compile(rf"http.+/{re.escape(world.EXPORTED.key)}\?.*X-Amz-Expires=300.*"),
            },
            cache_control="no-store",
        ),
        like="product_batches/retrieve",
    ),
}
