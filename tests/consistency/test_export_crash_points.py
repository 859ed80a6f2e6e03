"""The worker of an export, stopped at each of its calls to AWS in turn, or left without an answer: the file is whole.

The steps are the engine's own for long work; here they meet multipart uploads and conditions of a real engine.
"""

import itertools
import json
import uuid
from contextlib import suppress
from typing import Any

import pytest

from batchyard.product_batches.exports import files as export_files
from batchyard.store import blobs, clients
from product_batches import write_export
from tests.consistency.faults import Crash, Fault, at_call, crash_after, crash_before, lost_answer, never_sent
from tests.consistency.lots import PRODUCT, Collection
from tests.consistency.world import World
from tests.support.api import Context
from tests.support.engines import MINISTACK
from tools import aws_events

pytestmark = pytest.mark.engine

MOST_CALLS = 60
SERIALS = 35


@pytest.fixture
def lots(lasting_world: World, monkeypatch: pytest.MonkeyPatch) -> Collection:
    """A collection with a batch whose file has a few parts, which the engine takes however small they are."""
    queue = clients.sqs().create_queue(QueueName=f"exports-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    monkeypatch.setenv("EXPORTS_QUEUE_URL", queue)
    monkeypatch.setattr(export_files, "PIECE", 10)
    monkeypatch.setattr(export_files, "PART", 400)
    made = Collection(lasting_world)
    assert made.create("L1", SERIALS).status == 200
    return made


def work(lots: Collection, export: str, delivery: int) -> bool:
    """Delivers the message that an export has work left; returns whether it is done with."""
    named = {"collection": lots.id, "product": PRODUCT, "batch": "L1", "export": export}
    message = aws_events.message(json.dumps(named))
    message["attributes"]["ApproximateReceiveCount"] = str(delivery)
    return bool(write_export.handler({"Records": [message]}, Context()) == {"batchItemFailures": []})


def started(lots: Collection) -> str:
    return str(lots.api.post(lots.path("L1", "/export"), {"format": "csv"}).json()["id"])


def must_be_whole(lots: Collection, export: str) -> Any:
    """Its file holds the serials of the batch's page; returns how many bytes it has."""
    found = lots.api.get(lots.path("L1", f"/export/{export}")).json()
    assert (found["status"], found["rows"]) == ("done", SERIALS)
    content = blobs.read(f"exports/{lots.id}/{PRODUCT}/L1/{export}.csv")
    assert len(content) == found["bytes"]
    page = lots.api.get(lots.path("L1", f"/getSN?startIndex=0&count={SERIALS}")).json()["items"]
    assert [line.split(",")[1] for line in content.decode().splitlines()[1:]] == [one["code"] for one in page]
    return len(content)


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("fault", [crash_before, crash_after, lost_answer, never_sent])
def test_an_export_that_crashes_at_any_call_writes_a_whole_file(lots: Collection, fault: Fault) -> None:
    for number in itertools.count(1):
        assert number < MOST_CALLS
        export = started(lots)
        done = False
        with at_call(number, fault) as strike, suppress(Crash):
            done = work(lots, export, 1)
        # What botocore repeats goes unnoticed.
        assert done is not (bool(strike) and fault in {crash_before, crash_after}), strike.call
        if not done:
            assert work(lots, export, 2)
        must_be_whole(lots, export)
        if not strike:
            break
    assert number > 12
