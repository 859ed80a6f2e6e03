"""A first event for each function, with what it needs in the stores."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from itertools import count
from typing import Any

from batchyard.channels import repository as channels
from batchyard.channels.repository import Channel
from batchyard.identity import operations as identity
from batchyard.identity.repository import Scope
from batchyard.store import blobs, clients
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import transact
from tests.benchmarks.load import objects
from tests.benchmarks.world import CHANNEL, call
from tests.support.api import EVERYTHING, Api, batches

Event = dict[str, Any]

SIZE = 100
PASSWORD = "a password of some length"
CHANNELS = "/api/v1/channels/"


def request(method: str, path: str, body: object = None) -> Event:
    return Api().event(method, path, body)[0]


def committed() -> str:
    """The path of a new batch request with objects."""
    path = batches(CHANNEL, call("POST", batches(CHANNEL), {"channel": CHANNEL})["pk"])
    call("PATCH", path, {"status": "commit", "objects": objects(SIZE)})
    return path


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
    item = clients.dynamodb().get_item(
        TableName=BATCH_REQUESTS.name,
        Key={"channel": {"N": str(CHANNEL)}, "pk": {"N": str(pk_in(committed()))}},
    )["Item"]
    # JSON holds no bytes, and the functions take no notice of the objects.
    image = {name: value for name, value in item.items() if name != "objects"}
    record = {
        "eventID": str(uuid.uuid4()),
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"SequenceNumber": str(uuid.uuid4().int), "NewImage": image},
    }
    return {"Records": [record]}


def stored(kind: str) -> Event:
    """What a queue tells of a new object in the bucket."""
    key = blobs.new_key(kind, CHANNEL, pk_in(committed()))
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=b"all is well\n" * 100)
    notice = {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"object": {"key": key}}}]}
    return {"Records": [{"messageId": str(uuid.uuid4()), "eventSource": "aws:sqs", "body": json.dumps(notice)}]}


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
        "ActiveUserFunction": lambda: request("GET", "/api/v1/active_user/"),
        "LoginFunction": login,
        "AuthorizerFunction": authorizer,
        "ODataServiceFunction": batch,
        "OpenApiDocumentFunction": lambda: request("GET", "/openapi.json"),
        "DocsPageFunction": lambda: request("GET", "/docs"),
        "FallbackFunction": lambda: request("GET", "/api/v1/nothing/"),
    }
