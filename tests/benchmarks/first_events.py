"""A first event for each function, with what it needs in the stores."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from itertools import count
from typing import Any

from batchyard.channels import repository as channels
from batchyard.channels.rules import Channel
from batchyard.identity import operations as identity
from batchyard.identity.repository import Scope
from batchyard.product_batches import leftovers, sort_keys
from batchyard.product_batches import repository as product_batches
from batchyard.product_batches.rules import BatchKey
from batchyard.store import blobs, clients, items
from batchyard.store.items import Key
from batchyard.store.tables import BATCH_REQUESTS, PRODUCT_BATCHES, Table
from batchyard.store.unit import read_one, transact
from tests.benchmarks.load import objects
from tests.benchmarks.world import CHANNEL, call
from tests.support.api import EVERYTHING, Api, batches

Event = dict[str, Any]

SIZE = 100
PASSWORD = "a password of some length"
CHANNELS = "/api/v1/channels/"
COLLECTION = "/admin/collection/shoes"
PRODUCT = f"{COLLECTION}/product/runner"
GTIN = "09521234543213"
DECOMMISSIONING = {"status": "decommissioned", "ranges": [{"startIndex": 0, "count": SIZE}]}


def request(method: str, path: str, body: object = None) -> Event:
    return Api().event(method, path, body)[0]


def committed() -> str:
    """The path of a new batch request with objects."""
    path = batches(CHANNEL, call("POST", batches(CHANNEL), {"channel": CHANNEL})["pk"])
    call("PATCH", path, {"status": "commit", "objects": objects(SIZE)})
    return path


def product_batch() -> str:
    """The path of a new product batch with serials."""
    made = call("POST", f"{PRODUCT}/batch", {"id": f"L{uuid.uuid4().hex}", "gtin": GTIN, "quantity": SIZE})
    return f"{PRODUCT}/batch/{made['id']}"


def exported() -> tuple[str, Key]:
    """The path of a new export, and the key of its item."""
    path = product_batch()
    made = call("POST", f"{path}/export")
    key: Key = {"collection_id": "shoes", "sort_key": f"export {id_in(path)} runner {made['id']}"}
    return f"{path}/export/{made['id']}", key


def export_asked_for() -> Event:
    """What a queue tells of a new export."""
    _, batch, product, made = str(exported()[1]["sort_key"]).split(" ")
    body = json.dumps({"collection": "shoes", "product": product, "batch": batch, "export": made})
    message = {"messageId": str(uuid.uuid4()), "receiptHandle": "AQEB", "eventSource": "aws:sqs", "body": body}
    return {"Records": [{**message, "attributes": {"ApproximateReceiveCount": "1"}}]}


def code_in(path: str) -> str:
    """The code of a batch's first serial."""
    return str(call("GET", f"{path}/getSN?count=1")["items"][0]["code"])


def serial(prefix: str) -> str:
    """The path of a new serial behind that of its batch, say `lookupSN`."""
    path = product_batch()
    return f"{path}/{prefix}/{code_in(path)}"


def decommissioned() -> str:
    """The path of a new change of serials."""
    path = f"{product_batch()}/serialChange"
    return f"{path}/{call('POST', path, DECOMMISSIONING)['id']}"


def id_in(path: str) -> str:
    return path.rpartition("/")[2]


def public(path: str) -> str:
    return path.replace("/admin/", "/public/")


def pk_in(path: str) -> int:
    return int(path.rstrip("/").rpartition("/")[2])


def with_log() -> str:
    path = committed()
    call("PATCH", path, {"log_file": "all is well\n" * 100})
    return path


def login() -> Event:
    return request("POST", "/api/v1/auth/login/", {"username": EVERYTHING.user, "password": PASSWORD})


def batch() -> Event:
    """A batch of one request."""
    return request("POST", "/v1/$batch", {"requests": [{"id": "1", "method": "GET", "url": committed()}]})


def authorizer() -> Event:
    event = request("GET", batches(CHANNEL))
    key = identity.create_token(EVERYTHING.user, Scope(admin=True))
    arn = f"arn:aws:execute-api:eu-central-1:123456789012:abc123/prod/GET{batches(CHANNEL)}"
    return {
        **event,
        "type": "REQUEST",
        "methodArn": arn,
        "headers": {**event["headers"], "Authorization": f"Token {key}"},
    }


def change() -> Event:
    """What the change stream tells of a new batch request."""
    return inserted(BATCH_REQUESTS, {"channel": CHANNEL, "pk": pk_in(committed())})


def lot_change() -> Event:
    """What the change stream tells of a new product batch."""
    return inserted(PRODUCT_BATCHES, place_of(product_batch()))


def place_of(path: str) -> Key:
    """The key of a product batch's item."""
    return sort_keys.key_of(BatchKey("shoes", "runner", id_in(path)))


def inserted(table: Table, key: Key) -> Event:
    """What a table's change stream tells of a new item."""
    item = clients.dynamodb().get_item(TableName=table.name, Key=items.encode(key))["Item"]
    # JSON holds no bytes, and the functions take no notice of the objects.
    image = {name: value for name, value in item.items() if name != "objects"}
    record = {
        "eventID": str(uuid.uuid4()),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": str(uuid.uuid4().int),
            "Keys": {name: image[name] for name in table.key},
            "NewImage": image,
        },
    }
    return {"Records": [record]}


def stored(kind: str) -> Event:
    """What a queue tells of a new object in the bucket."""
    key = blobs.new_key(kind, CHANNEL, pk_in(committed()))
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=b"all is well\n" * 100)
    notice = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}}]}
    return {"Records": [{"messageId": str(uuid.uuid4()), "eventSource": "aws:sqs", "body": json.dumps(notice)}]}


def lot_removed() -> Event:
    """What a queue tells of a product batch that was removed and left its serials."""
    path = product_batch()
    item = read_one(PRODUCT_BATCHES, place_of(path))
    assert item is not None
    call("DELETE", f"{path}?force=true")
    told = leftovers.notice(product_batches.decode(item))
    return {"Records": [{"messageId": str(uuid.uuid4()), "eventSource": "aws:sqs", "body": told}]}


def events() -> dict[str, Callable[[], Event]]:
    """How to make the event of each function, by the function's logical ID; each time anew, for a first time."""
    identity.create_user(EVERYTHING.user, PASSWORD, Scope(admin=True))
    numbers = count(CHANNEL + 1)

    def channel() -> str:
        pk = next(numbers)
        transact(lambda unit: channels.put(unit, Channel(pk, "Another")))
        return f"{CHANNELS}{pk}/"

    return {
        "ListBatchRequestsFunction": lambda: request("GET", batches(CHANNEL)),
        "CreateBatchRequestFunction": lambda: request("POST", batches(CHANNEL), {"channel": CHANNEL}),
        "RetrieveBatchRequestFunction": lambda: request("GET", committed()),
        "UpdateBatchRequestFunction": lambda: request("PUT", committed(), {"status": "sent_to_remote"}),
        "PartialUpdateBatchRequestFunction": lambda: request("PATCH", committed(), {"status": "sent_to_remote"}),
        "DeleteBatchRequestFunction": lambda: request("DELETE", committed()),
        "DownloadLogFileFunction": lambda: request("GET", f"{with_log()}log_file/"),
        "UploadLogFileFunction": lambda: request("POST", f"{committed()}log_file/upload/"),
        "TallyBatchRequestsFunction": change,
        "PublishBatchRequestsFunction": change,
        "AttachLogFileFunction": lambda: stored(blobs.UPLOADS),
        "FailStaleBatchRequestsFunction": dict,
        "SweepBlobsFunction": lambda: stored(blobs.LOGS),
        "RecountBatchRequestsFunction": dict,
        "ListChannelsFunction": lambda: request("GET", CHANNELS),
        "CreateChannelFunction": lambda: request("POST", CHANNELS, {"name": "New"}),
        "RetrieveChannelFunction": lambda: request("GET", channel()),
        "UpdateChannelFunction": lambda: request("PATCH", channel(), {"name": "Renamed"}),
        "DeleteChannelFunction": lambda: request("DELETE", channel()),
        "ListProductBatchesFunction": lambda: request("GET", product_batch().rpartition("/")[0]),
        "CreateProductBatchFunction": lambda: request(
            "POST", f"{PRODUCT}/batch", {"id": f"L{uuid.uuid4().hex}", "gtin": GTIN, "quantity": SIZE}
        ),
        "RetrieveProductBatchFunction": lambda: request("GET", product_batch()),
        "UpdateProductBatchFunction": lambda: request("PUT", product_batch(), {"name": "Renamed"}),
        "DeleteProductBatchFunction": lambda: request("DELETE", product_batch()),
        "SearchProductBatchesFunction": lambda: request("GET", f"{COLLECTION}/batch?search={id_in(product_batch())}"),
        "FindProductBatchFunction": lambda: request("GET", f"{COLLECTION}/batch/{id_in(product_batch())}"),
        "ListProductBatchTagsFunction": lambda: request("GET", f"{COLLECTION}/batch/{id_in(product_batch())}/tags"),
        "GetSerialsFunction": lambda: request("GET", f"{product_batch()}/getSN?count={SIZE}"),
        "LookupSerialFunction": lambda: request("GET", serial("lookupSN")),
        "LookupSerialInProductFunction": lambda: request("GET", f"{PRODUCT}/lookupSN/{code_in(product_batch())}"),
        "LookupSerialInCollectionFunction": lambda: request("GET", f"{COLLECTION}/lookupSN/{code_in(product_batch())}"),
        "ChangeSerialFunction": lambda: request("PATCH", serial("serial"), {"status": "dispensed"}),
        "ChangeSerialsFunction": lambda: request("POST", f"{product_batch()}/serialChange", DECOMMISSIONING),
        "ListSerialChangesFunction": lambda: request("GET", decommissioned().rpartition("/")[0]),
        "UndoSerialChangeFunction": lambda: request("POST", f"{decommissioned()}/undo"),
        "RetrievePublicProductBatchFunction": lambda: request("GET", public(product_batch())),
        "VerifySerialFunction": lambda: request("GET", public(f"{COLLECTION}/verifySN/{code_in(product_batch())}")),
        "ExportProductBatchFunction": lambda: request("POST", f"{product_batch()}/export"),
        "RetrieveProductBatchExportFunction": lambda: request("GET", exported()[0]),
        "SerialSheetFunction": lambda: request("GET", f"{product_batch()}/sheet?count={SIZE}"),
        "StartExportFunction": lambda: inserted(PRODUCT_BATCHES, exported()[1]),
        "WriteExportFunction": export_asked_for,
        "PublishProductBatchesFunction": lot_change,
        "CleanUpProductBatchesFunction": lot_removed,
        "ExpireProductBatchesFunction": dict,
        "ActiveUserFunction": lambda: request("GET", "/api/v1/active_user/"),
        "LoginFunction": login,
        "AuthorizerFunction": authorizer,
        "KeyAuthorizerFunction": authorizer,
        "ODataServiceFunction": batch,
        "OpenApiDocumentFunction": lambda: request("GET", "/openapi.json"),
        "DocsPageFunction": lambda: request("GET", "/docs"),
        "FallbackFunction": lambda: request("GET", "/api/v1/nothing/"),
        "ProductBatchesFallbackFunction": lambda: request("POST", "/admin/collection/shoes/batch"),
        "SerialsFallbackFunction": lambda: request("POST", f"{product_batch()}/getSN"),
    }
