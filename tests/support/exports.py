"""Exports of serials in tests: asked for, written by workers, downloaded."""

from typing import Any

import requests

from batchyard.store import clients
from product_batches import start_export, write_export
from tests.support import permissions
from tests.support.api import Api, Context
from tests.support.lots import BATCHES
from tests.support.streams import Stream, deliver
from tools import aws_events

PLENTY = 900_000
NONE_LEFT = 34_999


class TimeLeft(Context):
    """A Lambda context whose time is up after so many looks at the clock."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return PLENTY if self.looks >= 0 else NONE_LEFT


class Workers:
    """The queue of exports, and the functions before and behind it."""

    def __init__(self, stream: Stream) -> None:
        self.url = clients.sqs().create_queue(QueueName="exports")["QueueUrl"]
        self.stream = stream

    def follow(self) -> Any:
        """Hands the table's changes to the trigger."""
        return deliver(start_export.handler, self.stream.read())

    def receive(self) -> list[dict[str, Any]]:
        """The messages that are there, as Lambda gets them."""
        found = clients.sqs().receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        return [
            {
                **aws_events.message(message["Body"], id=message["MessageId"]),
                "receiptHandle": message["ReceiptHandle"],
                "attributes": message["Attributes"],
                "messageAttributes": {
                    name: {"dataType": told["DataType"], "stringValue": told["StringValue"]}
                    for name, told in message.get("MessageAttributes", {}).items()
                },
            }
            for message in found.get("Messages", [])
        ]

    def work(self, message: dict[str, Any], looks: int = 10_000) -> bool:
        """Hands over one message, and removes it from the queue unless it failed."""
        with permissions.acting("product_batches.write_export.handler"):
            answer = write_export.handler({"Records": [message]}, TimeLeft(looks))
        if answer["batchItemFailures"]:
            assert answer == {"batchItemFailures": [{"itemIdentifier": message["messageId"]}]}
            return False
        clients.sqs().delete_message(QueueUrl=self.url, ReceiptHandle=message["receiptHandle"])
        return True

    def run(self, looks: int = 10_000) -> int:
        """Works on messages until none is left; returns how many those were."""
        self.follow()
        count = 0
        while messages := self.receive():
            for message in messages:
                count += 1
                assert count < 500
                assert self.work(message, looks)
        return count


def start(api: Api, kind: str | None = None, batch: str = "L1", **headers: str) -> dict[str, Any]:
    """A new export."""
    body = None if kind is None else {"format": kind}
    made = api.post(f"{BATCHES}/{batch}/export", body, headers={n.replace("_", "-"): v for n, v in headers.items()})
    assert made.status == 202, made.text
    return dict(made.json())


def look(api: Api, export: dict[str, Any], batch: str = "L1") -> dict[str, Any]:
    """The export as it is now."""
    found = api.get(f"{BATCHES}/{batch}/export/{export['id']}")
    assert found.status == 200, found.text
    return dict(found.json())


def download(api: Api, export: dict[str, Any], batch: str = "L1") -> bytes:
    """The file, as a client without a key gets it."""
    found = look(api, export, batch)
    assert found["status"] == "done", found
    answer = requests.get(found["downloadUrl"], timeout=5)
    assert answer.status_code == 200
    assert len(answer.content) == found["bytes"]
    return answer.content
