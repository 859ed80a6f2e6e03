"""What each sample event in `events/` must bring about: the answer of its function, and what is in the stores then."""

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from batchyard.batch_requests import repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches import sort_keys
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.store import blobs, clients, items
from batchyard.store.items import Item
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_REQUESTS, CHANNELS, IDENTITY, PRODUCT_BATCHES, TALLIES
from batchyard.store.unit import Unit, read_one
from tests.support import aws
from tools import sample_world as world

ADDRESS = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod"
BATCHES = f"{ADDRESS}/api/v1/channel/{world.MARKETPLACE.pk}/batch_requests/"


@dataclass(frozen=True)
class Outcome:
    """What an event must bring about.

    Args:
        answer: What the answer must hold: fields of mappings, whole lists, patterns for texts, types for values.
        look: Looks at the stores afterwards.
        left: What must be found there, whole.
        repeatable: A second delivery of the event brings about the same.
    """

    answer: object
    look: Callable[[], object] = lambda: None
    left: object = None
    repeatable: bool = False


def facts(result: Any) -> Any:
    """A function's result in the terms of `Outcome.answer`: of an HTTP answer its status, headers and parsed body."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return result
    headers = {name.lower(): value for name, value in (result.get("headers") or {}).items()}
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ", ".join(values)
    body = result.get("body") or ""
    if body and headers["content-type"] == "application/json":
        body = json.loads(body)
    return {"status": result["statusCode"], "headers": headers, "body": body}


def differences(expected: object, found: object) -> list[str]:
    """Where an answer is not what an outcome wants."""
    return list(_differences(expected, found, "answer"))


def _differences(expected: object, found: object, where: str) -> Iterator[str]:
    match expected:
        case dict() if isinstance(found, dict) and expected.keys() <= found.keys():
            for name, value in expected.items():
                yield from _differences(value, found[name], f"{where}.{name}")
        case list() if isinstance(found, list) and len(found) == len(expected):
            for position, pair in enumerate(zip(expected, found, strict=True)):
                yield from _differences(*pair, f"{where}[{position}]")
        case re.Pattern() if isinstance(found, str) and expected.fullmatch(found):
            pass
        case type() if isinstance(found, expected):
            pass
        case _ if type(found) is not type(expected) or found != expected:
            yield f"{where} is {found!r}, not {expected!r}"


def create_queues(variables: dict[str, str]) -> None:
    """Makes the queues that functions send to, and the bus with one that shows what came; adds their URLs."""
    for variable in ("SWEEP_QUEUE_URL", "LEFTOVERS_QUEUE_URL", "EXPORTS_QUEUE_URL"):
        name = f"{variables['EVENT_BUS']}-{variable.partition('_')[0].lower()}"
        variables[variable] = clients.sqs().create_queue(QueueName=name)["QueueUrl"]
    variables["PUBLISHED_QUEUE_URL"] = aws.create_queue(variables)


# Looks at the stores.


def _batch(sample: BatchRequest) -> Callable[[], BatchRequest | None]:
    """A batch request of the sample world as it is now."""

    def look() -> BatchRequest | None:
        item = read_one(BATCH_REQUESTS, repository.key_of(sample.channel, sample.pk))
        return None if item is None else repository.decode(item, blobs.read)

    return look


def _some(sample: BatchRequest, *names: str) -> Callable[[], object]:
    """Some attributes of a batch request of the sample world."""

    def look() -> object:
        batch = _batch(sample)()
        return batch and {name: getattr(batch, name) for name in names}

    return look


def _item(table: Any, key: dict[str, str | int]) -> Callable[[], Item | None]:
    return lambda: read_one(table, key)


def _how_many() -> int:
    """Batch requests of the sample marketplace."""
    return len(_rows(BATCH_REQUESTS, world.MARKETPLACE.pk))


def _tallies() -> dict[int, dict[str, int]]:
    return {
        channel: {
            str(row["tally"]): int(row["batch_requests"]) for row in _rows(TALLIES, channel) if row["batch_requests"]
        }
        for channel in (world.MARKETPLACE.pk, world.SLOW.pk)
    }


def _rows(table: Any, channel: int) -> list[Item]:
    answer = clients.dynamodb().query(
        TableName=table.name,
        KeyConditionExpression="channel = :channel",
        ExpressionAttributeValues=items.encode({":channel": channel}),
        ConsistentRead=True,
    )
    return [items.decode(row) for row in answer["Items"]]


def _text(key: str) -> str | None:
    """The content of a blob, unzipped where it is a log file; None where there is none."""
    with blobs.reading(key) as body:
        content = None if body is None else body.read()
    if content is None:
        return None
    return (gzip.decompress(content) if key.startswith("logs/") else content).decode()


def _log_of(sample: BatchRequest) -> str | None:
    batch = _batch(sample)()
    return _text(batch.log_key) if batch and batch.log_key else None


def _all(*looks: Callable[[], object]) -> Callable[[], object]:
    return lambda: [look() for look in looks]


def _published() -> object:
    """What went to the bus and to the sweep."""
    details = [message["detail"] for message in _messages("PUBLISHED_QUEUE_URL")]
    moves = sorted((detail["pk"], detail["old_status"], detail["new_status"], detail["objects"]) for detail in details)
    return [moves, _messages("SWEEP_QUEUE_URL")]


def _told() -> object:
    """What of product batches went to the bus and to their clean-up."""
    events = sorted(_messages("PUBLISHED_QUEUE_URL"), key=lambda event: str(event["detail"]["change"]))
    facts = [(event["detail-type"], {**event["detail"], "change": None}) for event in events]
    return [facts, _messages("LEFTOVERS_QUEUE_URL")]


def _in_outlet() -> list[str]:
    """What is in the other collection of the sample world, without the batch that is to expire."""
    request = {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection",
        "ExpressionAttributeValues": items.encode({":collection": world.OUTLET}),
        "ConsistentRead": True,
    }
    kinds = [str(item["sort_key"]).partition(" ")[0] for item in query(request)]
    return sorted(set(kinds) - {"batch"})


def _messages(variable: str) -> list[Any]:
    found = clients.sqs().receive_message(
        QueueUrl=os.environ[variable], MaxNumberOfMessages=10, VisibilityTimeout=0, WaitTimeSeconds=1
    )
    return [json.loads(message["Body"]) for message in found.get("Messages", [])]


# What is expected.


def _http(status: int, body: object = "", **headers: object) -> dict[str, object]:
    wanted = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"status": status, "body": body, "headers": wanted}


def _detail(status: int, detail: object, **headers: object) -> dict[str, object]:
    return _http(status, {"detail": detail}, **headers)


def _whole(sample: BatchRequest) -> dict[str, object]:
    """A batch request as it is answered."""
    return dict(json.loads(sample.to_json()))


def _refused(sample: BatchRequest, answer: object) -> Outcome:
    """A refusal changes nothing."""
    return Outcome(answer, _batch(sample), sample, repeatable=True)


def _at_rest(sample: BatchRequest) -> dict[str, object]:
    """What its page in the list, and every other read, answers for a batch request that nobody changes."""
    return {"pk": sample.pk, "status": sample.status, "modified_date": _whole(sample)["modified_date"]}


_NOT_FOUND = _detail(404, "Not found.")
_FORBIDDEN = _detail(403, "You do not have permission to perform this action.")
_TAKEN: dict[str, object] = {"batchItemFailures": []}
_UNAUTHORIZED = {"errorType": "Exception", "errorMessage": "Unauthorized"}
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MARKETPLACE = {"pk": 7001, "name": "Sample marketplace", "is_active": True, "stale_after": None}

_BATCH_REQUESTS = {
    "list": Outcome(
        _http(
            200,
            {
                "count": 4,
                "next": None,
                "previous": None,
                "results": [_whole(batch) for batch in (world.OPENED, world.COMMITTED, world.SENT, world.DONE)],
            },
        ),
        repeatable=True,
    ),
    "list.filtered": Outcome(
        _http(
            200,
            {
                "count": 2,
                "next": f"{BATCHES}?status=commit&status=sent_to_remote&ordering=-modified_date&limit=1&page=2",
                "previous": None,
                "results": [_at_rest(world.SENT)],
            },
        ),
        repeatable=True,
    ),
    "list.bad_status": Outcome(
        _http(400, {"status": ["Select a valid choice. bogus is not one of the available choices."]})
    ),
    "list.missing_channel": Outcome(_NOT_FOUND),
    "create": Outcome(
        _http(
            201,
            {
                "channel": 7001,
                "status": "initialized",
                "objects": None,
                "remote_batch_id": None,
                "content_type": None,
                "local_batch_id": re.compile(_UUID),
            },
            location=re.compile(re.escape(BATCHES) + r"\d{16}/"),
            etag='"1"',
        ),
        _how_many,
        5,
    ),
    "create.repeatable": Outcome(_http(201, {"channel": 7001, "status": "initialized"}), _how_many, 5, repeatable=True),
    "create.without_channel": Outcome(_http(400, {"channel": ["This field is required."]}), _how_many, 4),
    "create.other_channel": Outcome(
        _http(400, {"channel": ["Channel 7002 is not the channel of the path, 7001."]}), _how_many, 4
    ),
    "create.reader": Outcome(_FORBIDDEN, _how_many, 4),
    "retrieve": Outcome(_http(200, _whole(world.COMMITTED), etag='"2"'), repeatable=True),
    "retrieve.missing": Outcome(_NOT_FOUND),
    "retrieve.foreign_channel": Outcome(_FORBIDDEN),
    "update": Outcome(
        _http(
            200,
            {
                "pk": world.COMMITTED.pk,
                "status": "commit",
                "objects": [
                    {"pk": 111, "version_date": "2025-09-15T08:19:59.5+02:00", "remote_id": None},
                ],
            },
            etag='"3"',
        ),
        _some(world.COMMITTED, "version", "object_count"),
        {"version": 3, "object_count": 1},
    ),
    "update.stale": _refused(world.COMMITTED, _detail(412, "The resource has changed since it was read.")),
    "partial_update": Outcome(
        _http(
            200,
            {
                "status": "sent_to_remote",
                "remote_batch_id": "feed-42",
                "content_type": "product",
                "objects": [
                    {"pk": 101, "failed_reason_type": None, "version_date": "2025-09-15T07:55:00Z"},
                    {"pk": 102, "failed_reason_type": None, "version_date": "2025-09-15T07:56:30.250000Z"},
                    {"pk": 103, "failed_reason_type": "channel_app"},
                    {"pk": 104, "failed_reason_type": None, "remote_id": "90104"},
                ],
            },
            etag='"3"',
        ),
        _all(_some(world.COMMITTED, "version", "object_count", "failed_count"), lambda: _log_of(world.COMMITTED)),
        [{"version": 3, "object_count": 4, "failed_count": 1}, "3 products sent\n103: refused by the app\n"],
    ),
    "partial_update.repeated": Outcome(
        _http(200, _whole(world.DONE), etag='"5"'), _batch(world.DONE), world.DONE, repeatable=True
    ),
    "partial_update.bad_move": _refused(
        world.OPENED,
        _http(
            400,
            {
                "status": [
                    'Status cannot be changed from "initialized" to "ongoing". '
                    'Allowed from "initialized": "commit", "done", "fail".'
                ]
            },
        ),
    ),
    "partial_update.bad_fields": _refused(
        world.COMMITTED,
        _http(
            400,
            {
                "status": ['"bogus" is not a valid choice.'],
                "objects": {"1": {"pk": ["A valid integer is required."]}},
            },
        ),
    ),
    "partial_update.bad_json": _refused(world.COMMITTED, _detail(400, re.compile("JSON parse error - .+"))),
    "partial_update.form": _refused(
        world.COMMITTED, _detail(415, 'Unsupported media type "application/x-www-form-urlencoded" in request.')
    ),
    "delete": Outcome(_http(204), _batch(world.DONE), None),
    "delete.missing": Outcome(_NOT_FOUND, _how_many, 4),
    "log_file": Outcome(
        _http(303, location=re.compile(rf"https?://.+/{world.DONE.log_key}\?.*X-Amz-Signature=.+")), repeatable=True
    ),
    "log_file.none": Outcome(_detail(404, "The batch request has no log file.")),
    "log_file_upload": Outcome(
        _http(
            201,
            {
                "url": re.compile("https?://.+"),
                "fields": {
                    "key": re.compile(f"uploads/{world.SENT.channel}/{world.SENT.pk}/{_UUID}"),
                    "policy": str,
                },
                "expires_at": re.compile(r"[-\dT:.]+Z"),
            },
            cache_control="no-store",
        )
    ),
    "log_file_upload.reader": Outcome(_FORBIDDEN),
}

_TRIGGERS = {
    "tally": Outcome(
        _TAKEN,
        _tallies,
        {
            # One was opened and one left that status again, within this delivery.
            7001: {
                "status#commit": 1,
                "status#done": 1,
                "status#ongoing": -1,
                "status#fail": -1,
                "type#1product#commit": 1,
                "type#1product#done": 1,
                "type#1product#ongoing": -1,
                "type#1stock#fail": -1,
            },
            7002: {},
        },
        repeatable=True,
    ),
    "publish": Outcome(
        _TAKEN,
        _published,
        [
            [
                (world.OPENED.pk, None, "initialized", {"total": 0, "failed": 0, "succeeded": 0}),
                (world.COMMITTED.pk, "initialized", "commit", {"total": 3, "failed": 0, "succeeded": 3}),
                (world.DONE.pk, "ongoing", "done", {"total": 3, "failed": 1, "succeeded": 2}),
                (world.DELETED.pk, "fail", None, {"total": 2, "failed": 0, "succeeded": 2}),
            ],
            [{"key": world.DONE_BEFORE.log_key}],
        ],
    ),
    "attach_log": Outcome(
        _TAKEN,
        _all(
            _some(world.SENT, "version", "status"),
            lambda: _log_of(world.SENT),
            lambda: _text(world.UPLOAD_KEY),
        ),
        [
            {"version": 4, "status": "sent_to_remote"},
            world.UPLOADED_LOG,
            None,
        ],
        repeatable=True,
    ),
    "attach_log.gone": Outcome(_TAKEN, _batch(world.SENT), world.SENT, repeatable=True),
    "attach_log.test": Outcome(_TAKEN, _batch(world.SENT), world.SENT, repeatable=True),
    "sweep": Outcome(
        _TAKEN,
        _all(lambda: _text(world.ORPHAN_KEY), lambda: _text(str(world.DONE.log_key))),
        [None, world.LOG],
        repeatable=True,
    ),
    "sweep.unreadable": Outcome(
        {"batchItemFailures": [{"itemIdentifier": "fb10af1e-e62c-53b4-8cde-3663cb05be4d"}]},
        lambda: _text(world.ORPHAN_KEY),
        None,
        repeatable=True,
    ),
    "sweep.test": Outcome(_TAKEN, repeatable=True),
    "fail_stale": Outcome(
        {"failed": 1},
        _all(_some(world.STANDING_STILL, "status", "version", "objects"), _batch(world.SENT)),
        [{"status": "fail", "version": 5, "objects": world.STANDING_STILL.objects}, world.SENT],
    ),
    "recount": Outcome(
        {
            "repaired": {
                "7001": {
                    "status#initialized": 1,
                    "status#commit": 1,
                    "status#sent_to_remote": 1,
                    "status#done": 1,
                    "type#1product#commit": 1,
                    "type#1product#done": 1,
                    "type#1stock#sent_to_remote": 1,
                    "type#2#initialized": 1,
                },
                "7002": {"status#ongoing": 1, "type#1price#ongoing": 1},
            },
            "busy": [],
        },
        _tallies,
        {
            7001: {
                "status#initialized": 1,
                "status#commit": 1,
                "status#sent_to_remote": 1,
                "status#done": 1,
                "type#1product#commit": 1,
                "type#1product#done": 1,
                "type#1stock#sent_to_remote": 1,
                "type#2#initialized": 1,
            },
            7002: {"status#ongoing": 1, "type#1price#ongoing": 1},
        },
    ),
}


def _channel(pk: int) -> Callable[[], Item | None]:
    return _item(CHANNELS, {"yard": "channels", "pk": pk})


_CHANNELS = {
    "list": Outcome(
        _http(
            200,
            {"count": 3, "next": None, "previous": None, "results": [_MARKETPLACE, {"pk": 7002}, {"pk": 7003}]},
        )
    ),
    "list.reader": Outcome(_http(200, {"count": 1, "results": [_MARKETPLACE]})),
    "list.bad_page": Outcome(_detail(404, "Invalid page.")),
    "create": Outcome(
        _http(
            201,
            {"pk": int, "name": "Second marketplace", "is_active": True, "stale_after": 86400},
            location=re.compile(rf"{re.escape(ADDRESS)}/api/v1/channels/\d+/"),
        ),
        lambda: bool(_channel(1)()),
        True,
    ),
    "create.bad_fields": Outcome(
        _http(
            400,
            {
                "name": ["This field is required."],
                "stale_after": ["Ensure this value is greater than or equal to 60."],
            },
        ),
        _channel(1),
        None,
    ),
    "create.reader": Outcome(_FORBIDDEN, _channel(1), None),
    "retrieve": Outcome(_http(200, _MARKETPLACE)),
    "retrieve.missing": Outcome(_NOT_FOUND),
    "partial_update": Outcome(
        _http(200, {**_MARKETPLACE, "is_active": False}),
        lambda: (_channel(world.MARKETPLACE.pk)() or {}).get("is_active"),
        False,
        repeatable=True,
    ),
    "delete": Outcome(_http(204), _channel(world.EMPTY.pk), None),
    "delete.in_use": Outcome(
        _detail(409, "The channel has batch requests. Delete them first, or set is_active to false."),
        lambda: bool(_channel(world.MARKETPLACE.pk)()),
        True,
    ),
}


# Product batches.

_LINKS = "https://id.gs1.org"
_LOT_LINK = f"{_LINKS}/01/{world.GTIN}/10/L38"


def _product_batch(sample: ProductBatch) -> Callable[[], ProductBatch | None]:
    """A product batch of the sample world as it is now."""

    def look() -> ProductBatch | None:
        item = read_one(PRODUCT_BATCHES, sort_keys.key_of(sample.key))
        return None if item is None else product_batches.decode(item)

    return look


def _statuses(sample: ProductBatch) -> Callable[[], list[tuple[int, int, str]]]:
    """The statuses of its serials: first and last index, and what they are."""

    def look() -> list[tuple[int, int, str]]:
        stretches = serials_repository.every_stretch(Unit(), sample)
        return [(run.first, run.last, run.status) for stretch in stretches for run in stretch.runs]

    return look


def _scans(index: int) -> int:
    """How often a serial of the sample world was verified."""
    item = read_one(PRODUCT_BATCHES, {"collection_id": world.COLLECTION, "sort_key": f"scan {index:015}"})
    return int(item["scans"]) if item else 0


def _in_full(sample: ProductBatch) -> dict[str, object]:
    """A product batch as it is answered."""
    return sample.to_answer(_LINKS)


def _error(status: int, code: str, details: object = None, **headers: object) -> dict[str, object]:
    body = {"code": status, "errorCode": code, "message": str, "details": details or {}}
    return _http(status, body, **headers)


def _wrong(**fields: object) -> dict[str, object]:
    return _error(400, "VALIDATION_ERROR", {"fields": fields})


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


def _undisturbed(answer: object) -> Outcome:
    """A refusal changes nothing of the lot."""
    look = _all(_product_batch(world.LOT), _statuses(world.LOT))
    return Outcome(answer, look, [world.LOT, _LOT_STATUSES], repeatable=True)


def _blocks(batch: ProductBatch) -> list[tuple[int, int, int, bool]]:
    """A batch's blocks, and whether each was made when the batch was last changed."""
    return [(block.first, block.size, block.key, block.made == batch.updated) for block in batch.blocks]


_GROWN = (*world.LOT.blocks, Block(25, 10, 1, 0))
_NEW_BATCH = ProductBatch(world.COLLECTION, world.RUNNER, "L40")
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
    "expiryDate": {"seconds": 4102358400},
    "status": "active",
    "data": {"colour": "red"},
    "digitalLink": f"{_LOT_LINK}?17=991231",
}
_INVALID = {"valid": False, "batch": None}

_PRODUCT_BATCHES = {
    "list": Outcome(_http(200, [_in_full(world.LOT), _in_full(world.DRAFT)]), repeatable=True),
    "list.no_key": Outcome(_error(401, "UNAUTHORIZED", www_authenticate="Bearer")),
    "create": Outcome(
        _http(
            200,
            {
                "id": "L40",
                "collectionId": world.COLLECTION,
                "productId": "runner",
                "lotNumber": "L40",
                "expiryDate": "2099-06-30",
                "status": "active",
                "quantity": 1000,
                "serialFormat": {"length": 10},
                "orderedBy": {"shop": 17},
                "digitalLink": f"{_LINKS}/01/{world.GTIN}/10/L40?17=990630",
                "version": 1,
            },
            etag='"1"',
            location=f"{ADDRESS}/admin/collection/{world.COLLECTION}/product/runner/batch/L40",
        ),
        lambda: (batch := _product_batch(_NEW_BATCH)()) and _blocks(batch),
        [(25, 1000, 1, True)],
        repeatable=True,
    ),
    "create.same": _undisturbed(_http(200, _in_full(world.LOT), etag='"2"')),
    "create.other": _undisturbed(_error(409, "BATCH_EXISTS")),
    "create.bad_fields": Outcome(
        _wrong(id=[str], gtin=[str], expiryDate=[str], quantity=[str], status=[str]), _product_batch(_NEW_BATCH), None
    ),
    "create.reader": Outcome(_error(403, "FORBIDDEN"), _product_batch(_NEW_BATCH), None),
    "retrieve": Outcome(_http(200, _in_full(world.LOT), etag='"2"'), repeatable=True),
    "retrieve.missing": Outcome(_error(404, "NOT_FOUND")),
    "retrieve.foreign_collection": Outcome(_error(403, "FORBIDDEN")),
    "update": Outcome(
        _http(
            200,
            {"name": "Dark red runners", "status": "recalled", "quantity": 30, "inspector": "Ada", "version": 3},
            etag='"3"',
        ),
        _all(
            lambda: (batch := _product_batch(world.LOT)()) and (_blocks(batch), "packagingDate" in batch.fields),
            _statuses(replace(world.LOT, blocks=_GROWN)),
        ),
        [([(0, 20, 1, False), (25, 10, 1, True)], False), [*_LOT_STATUSES, (25, 34, "commissioned")]],
        repeatable=True,
    ),
    "update.stale": _undisturbed(_error(412, "PRECONDITION_FAILED")),
    "update.fewer": _undisturbed(_wrong(quantity=["It may grow, never shrink: there are 20 serials."])),
    "delete": Outcome(_http(200, {}), _product_batch(world.WITHOUT_SERIALS), None),
    "delete.in_use": _undisturbed(_error(409, "SERIALS_IN_USE", {"index": 15, "status": "decommissioned"})),
    "delete.forced": Outcome(_http(200, {}), _product_batch(world.LOT), None),
    "search": Outcome(_http(200, [_in_full(world.LOT), _in_full(world.DRAFT)]), repeatable=True),
    "search.page": Outcome(
        _http(
            200,
            [_in_full(world.WITHOUT_SERIALS), _in_full(world.TWIN)],
            link=re.compile(
                rf'<{re.escape(ADDRESS)}/admin/collection/{world.COLLECTION}/batch\?limit=2&cursor=[\w-]+>; rel="next"'
            ),
        ),
        repeatable=True,
    ),
    "search.bad_cursor": Outcome(_wrong(cursor=["It is none that an answer gave."])),
    "find": Outcome(_http(200, _in_full(world.DRAFT), etag='"1"'), repeatable=True),
    "find.of_product": Outcome(_http(200, _in_full(world.TWIN), etag='"1"'), repeatable=True),
    "find.ambiguous": Outcome(_error(409, "AMBIGUOUS_BATCH", {"productIds": ["hiker", "runner"]})),
    "tags": Outcome(_http(200, [{"code": "TAG-3", "claimSetId": "autumn"}, {"code": "TAG-1", "claimSetId": "autumn"}])),
    "public": Outcome(_http(200, _SHOWN), repeatable=True),
    "public.draft": Outcome(_error(404, "NOT_FOUND")),
    "get_serials": Outcome(
        _http(
            200,
            {
                "items": [
                    {
                        "index": number,
                        "code": world.code_of_serial(world.LOT, number),
                        "digitalLink": f"{_LOT_LINK}/21/{world.code_of_serial(world.LOT, number)}?17=991231",
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
    "get_serials.too_many": Outcome(_wrong(count=["Input should be less than or equal to 10000"])),
    "export": Outcome(
        _http(
            202,
            {"id": re.compile("[0-9a-f]{22}"), "format": "ndjson", "status": "queued", "rows": 0, "total": 20},
            location=re.compile(
                rf"{re.escape(ADDRESS)}/admin/collection/{world.COLLECTION}/product/runner/batch/L38/export/[0-9a-f]{{22}}"
            ),
        ),
        lambda: (batch := _product_batch(world.LOT)()) and batch.version,
        world.LOT.version,
        repeatable=True,
    ),
    "export.no_gtin": Outcome(_error(409, "NO_GTIN"), _product_batch(world.TWIN), world.TWIN, repeatable=True),
    "retrieve_export": Outcome(
        _http(
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
        )
    ),
    "retrieve_export.queued": Outcome(
        _http(200, {"id": world.EXPORT.id, "format": "csv", "status": "queued", "rows": 0, "total": 20})
    ),
    "retrieve_export.missing": Outcome(_error(404, "NOT_FOUND")),
    "sheet": Outcome(_http(200, re.compile(r"<svg .+>L38 · 4-5<.+</svg>\n", re.DOTALL), content_type="image/svg+xml")),
    "sheet.too_many": Outcome(_wrong(count=["Input should be less than or equal to 300"])),
    "lookup": Outcome(_http(200, _serial(world.LOT, 3, "commissioned")), repeatable=True),
    "lookup.mistyped": Outcome(_error(400, "INVALID_CODE"), repeatable=True),
    "lookup.other_batch": Outcome(_error(404, "UNKNOWN_SERIAL", {"productId": "hiker", "batchId": "L38"})),
    "lookup_in_product": Outcome(
        _http(200, _serial(world.LOT, 17, "decommissioned", changeId=world.SPOILT.id)), repeatable=True
    ),
    "lookup_in_collection": Outcome(
        _http(200, _serial(world.TWIN, 2, "commissioned", digitalLink=None)), repeatable=True
    ),
    "change_serial": Outcome(
        _http(
            200,
            {"code": world.code_of_serial(world.LOT, 3), "index": 3, "status": "dispensed", "changeId": str},
        ),
        _statuses(world.LOT),
        [(0, 2, "commissioned"), (3, 3, "dispensed"), (4, 14, "commissioned"), (15, 19, "decommissioned")],
    ),
    "change_serial.final": _undisturbed(_error(409, "FINAL_STATUS")),
    "change_serials": Outcome(
        _http(200, {"id": str, "status": "stolen", "changed": 7, "left": 2, "by": "sample", "undoneBy": None}),
        _statuses(world.LOT),
        [(0, 3, "stolen"), (4, 11, "commissioned"), (12, 14, "stolen"), (15, 19, "decommissioned")],
    ),
    "change_serials.overlapping": _undisturbed(_wrong(ranges=["Ranges must not overlap."])),
    "change_serials.reader": _undisturbed(_error(403, "FORBIDDEN")),
    "list_serial_changes": Outcome(_http(200, [_SPOILT]), repeatable=True),
    "undo_serial_change": Outcome(
        _http(200, {**_SPOILT, "undoneBy": "sample", "undoneAt": str}),
        _statuses(world.LOT),
        [(0, 19, "commissioned")],
        repeatable=True,
    ),
    "undo_serial_change.missing": _undisturbed(_error(404, "NOT_FOUND")),
    "verify": Outcome(_http(200, {"valid": True, "batch": _SHOWN}), lambda: _scans(3), 1),
    "verify.out_of_use": Outcome(_http(200, _INVALID), lambda: _scans(17), 1),
    "verify.mistyped": Outcome(_error(400, "INVALID_CODE"), repeatable=True),
}


def _policy(effect: str) -> dict[str, object]:
    resource = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/*"
    return {"policyDocument": {"Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}]}}


_LET_IN = {"principalId": "sample", "context": world.TOKEN.caller.to_context(), **_policy("Allow")}
_LET_IN_UNKNOWN = {"principalId": "nobody", "context": {}, **_policy("Allow")}

_IDENTITY = {
    "active_user": Outcome(_http(200, {"pk": 7001, "username": "sample", "is_active": True, "is_staff": True})),
    "login": Outcome(
        _http(200, {"key": re.compile("by_.{43}")}),
        lambda: clients.dynamodb().scan(TableName=IDENTITY.name, ConsistentRead=True)["Count"],
        # The user, the token of the sample world, and the new one.
        3,
    ),
    "login.wrong_password": Outcome(_http(400, {"non_field_errors": ["Unable to log in with provided credentials."]})),
    "login.without_password": Outcome(_http(400, {"password": ["This field is required."]})),
    "authorizer": Outcome(_LET_IN, repeatable=True),
    "authorizer.bearer": Outcome({"principalId": "sample", **_policy("Allow")}),
    "authorizer.bad_token": Outcome(_policy("Deny")),
    "authorizer.other_scheme": Outcome(_UNAUTHORIZED),
    "authorizer.no_token": Outcome(_UNAUTHORIZED),
    "key_authorizer": Outcome(_LET_IN, repeatable=True),
    "key_authorizer.api_key": Outcome(_LET_IN, repeatable=True),
    "key_authorizer.bad_key": Outcome(_LET_IN_UNKNOWN, repeatable=True),
    "key_authorizer.no_key": Outcome(_LET_IN_UNKNOWN, repeatable=True),
}

_ODATA = {
    "service": Outcome(
        _http(
            200,
            {
                "responses": [
                    {"id": "new", "status": 201, "body": {"status": "initialized"}},
                    {"id": "fill", "status": 200, "body": {"status": "commit", "objects": [{"pk": 401}]}},
                    {"id": "see", "status": 200, "body": _whole(world.SENT)},
                    {"id": "none", "status": 404},
                ]
            },
            odata_version="4.01",
        ),
        _how_many,
        5,
    ),
    "service.undone": Outcome(
        _http(
            200,
            {
                "responses": [
                    {"id": "wrong", "status": 400, "body": {"status": list}},
                    {"id": "see", "status": 424},
                ]
            },
        ),
        _how_many,
        4,
        repeatable=True,
    ),
    "service.multipart": Outcome(
        _http(
            200,
            re.compile(
                ".+\r\n"
                + f"HTTP/1.1 200 OK\r\n.+{re.escape(world.COMMITTED.to_json())}\r\n.+"
                + f"HTTP/1.1 200 OK\r\n.+{re.escape(world.DONE.to_json())}\r\n.+",
                re.DOTALL,
            ),
            content_type=re.compile("multipart/mixed; boundary=batchresponse_.+"),
        ),
        _batch(world.DONE),
        world.DONE,
        repeatable=True,
    ),
    "service.method": Outcome(_http(405, {"error": {"code": "MethodNotAllowed"}}, allow="POST")),
    "service.missing": Outcome(_http(404, {"error": {"code": "NotFound"}})),
}

_OTHERS = {
    "docs/openapi": Outcome(
        _http(200, {"openapi": re.compile(r"3\.1\.\d"), "servers": [{"url": ADDRESS}], "paths": dict})
    ),
    "docs/page": Outcome(
        _http(200, re.compile(r"<!DOCTYPE html>.*SwaggerUIBundle.*</html>\n", re.DOTALL), content_type=str)
    ),
    "gateway/fallback": Outcome(_NOT_FOUND),
    "gateway/fallback.method": Outcome(_detail(405, 'Method "PUT" not allowed.', allow="GET, POST")),
    "gateway/fallback.root": Outcome(_NOT_FOUND),
    "gateway/fallback.coded": Outcome(_http(404, {"code": 404, "errorCode": "NOT_FOUND", "details": {}})),
}

_LOT_NAMES = {"collectionId": world.COLLECTION, "productId": "runner", "batchId": "L38"}

_PRODUCT_BATCH_TRIGGERS = {
    "publish": Outcome(
        _TAKEN,
        _told,
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
                        "change": None,
                    },
                ),
                (
                    "ProductBatch Serials Changed",
                    {
                        **_LOT_NAMES,
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
                    {**_LOT_NAMES, "index": 3, "scans": 21, "at": "2025-09-15T08:29:00.000000Z", "change": None},
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
    "clean_up": Outcome(_TAKEN, _in_outlet, [], repeatable=True),
    "clean_up.unreadable": Outcome(
        {"batchItemFailures": [{"itemIdentifier": re.compile(_UUID)}]}, _in_outlet, [], repeatable=True
    ),
    "start_export": Outcome(
        {"batchItemFailures": []},
        lambda: _messages("EXPORTS_QUEUE_URL"),
        [{"collection": world.COLLECTION, "product": "runner", "batch": "L38", "export": world.EXPORT.id}],
    ),
    "write_export": Outcome(
        _TAKEN,
        _all(lambda: _text(world.EXPORT.key), lambda: _messages("EXPORTS_QUEUE_URL")),
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
    "write_export.gone": Outcome(_TAKEN, lambda: _messages("EXPORTS_QUEUE_URL"), [], repeatable=True),
    "expire": Outcome(
        {"expired": 1, "finished": True},
        _all(_product_batch(world.LOT), lambda: (batch := _product_batch(world.OVERDUE)()) and batch.status),
        [world.LOT, "expired"],
    ),
}

OUTCOMES: dict[str, Outcome] = {
    **{f"batch_requests/{name}": outcome for name, outcome in {**_BATCH_REQUESTS, **_TRIGGERS}.items()},
    **{f"channels/{name}": outcome for name, outcome in _CHANNELS.items()},
    **{f"product_batches/{name}": outcome for name, outcome in {**_PRODUCT_BATCHES, **_PRODUCT_BATCH_TRIGGERS}.items()},
    **{f"identity/{name}": outcome for name, outcome in _IDENTITY.items()},
    **{f"odata/{name}": outcome for name, outcome in _ODATA.items()},
    **_OTHERS,
}
"""Outcomes by the names of the events, in a store that holds the sample world alone."""
