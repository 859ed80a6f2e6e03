"""Batch jobs at work: the table's stream, the queue, and the functions before and behind it."""

from typing import Any

import pytest

from batch_jobs import start, work
from batchyard.identity import operations as identity
from batchyard.scope import Scope
from batchyard.store import clients
from batchyard.store.tables import BATCH_JOBS
from tests.support import permissions
from tests.support.api import Api, Context
from tests.support.streams import Stream, deliver
from tools import aws_events

PLENTY_MS = 90_000

JOBS = "/admin/batch-jobs"


class TimeLeft(Context):
    """A Lambda context whose time is up after so many looks at the clock."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return PLENTY_MS if self.looks >= 0 else 0


class JobWorkers:
    """Those who work on batch jobs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = clients.sqs().create_queue(QueueName="batch-jobs")["QueueUrl"]
        self.stream = Stream(BATCH_JOBS)
        monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", self.url)
        monkeypatch.setattr("batchyard.work.deliveries._PAUSE_S", 0)
        # moto loses writes that come at the same time.
        monkeypatch.setattr("batchyard.batch_jobs.imports.gates.GATES", 1)

    def follow(self) -> Any:
        """Hands the table's changes to the trigger."""
        return deliver(start.handler, self.stream.read())

    def receive(self) -> list[dict[str, Any]]:
        """The messages that are there, as Lambda gets them."""
        found = clients.sqs().receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
        )
        return [
            {
                **aws_events.message(message["Body"], id=message["MessageId"]),
                "receiptHandle": message["ReceiptHandle"],
                "attributes": message["Attributes"],
            }
            for message in found.get("Messages", [])
        ]

    def work(self, message: dict[str, Any], looks: int = 10_000) -> bool:
        """Hands over one message, and removes it from the queue unless it failed."""
        with permissions.acting("batch_jobs.work.handler"):
            answer = work.handler({"Records": [message]}, TimeLeft(looks))
        if answer["batchItemFailures"]:
            return False
        clients.sqs().delete_message(QueueUrl=self.url, ReceiptHandle=message["receiptHandle"])
        return True

    def run(self, looks: int = 10_000) -> int:
        """Works on messages until none is left, changes of the table included; returns how many those were."""
        count = 0
        self.follow()
        while messages := self.receive():
            for message in messages:
                count += 1
                assert count < 2000
                assert self.work(message, looks)
            self.follow()
        return count


def let_in(api: Api) -> None:
    """Makes the user of a client's token, whom the work looks up."""
    assert api.caller is not None
    with permissions.by_the_test():
        identity.create_user(api.caller.user, "correct horse battery", api.caller.scope)


def create(api: Api, context: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A new export, as it is answered."""
    made = api.post(JOBS, {"type": "product-export", "context": context or {}, **more})
    assert made.status == 201, made.text
    return dict(made.json()["batch_job"])


def job_of(api: Api, id: str) -> dict[str, Any]:
    """A job, as it is answered."""
    found = api.get(f"{JOBS}/{id}")
    assert found.status == 200, found.text
    return dict(found.json()["batch_job"])


READS = Scope(writes=False, channels=frozenset(), collections=frozenset(), catalogue="read")
