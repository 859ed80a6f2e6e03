"""What ended in a dead-letter queue is brought about by the operator's `replay`, and what is lost is found again."""

import importlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batchyard.batch_requests import recounting, tallies
from batchyard.catalogue import repository
from batchyard.catalogue import tally as entity_tally
from batchyard.dead_letters import DeadLetters, Outcome
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.exports import overdue
from batchyard.product_batches.rules import BatchKey
from batchyard.store import blobs, clients
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import transact
from product_batches import expire, start_export, write_export
from tests.integration.test_product_batch_clean_up import Hurried
from tests.integration.test_product_batch_events import BATCHES, make
from tests.integration.test_status_events import drained
from tests.support.api import Api, Context
from tests.support.catalogue import product
from tests.support.streams import Stream, deliver, deliver_messages
from tools.template import resources

ARN = "arn:aws:lambda:eu-central-1:123456789012:function"
FUNCTIONS = resources("AWS::Serverless::Function")
HOUR = 3600


class Stack:
    """A stack: its queues on the engine, its functions in this process.

    Attributes:
        invoked: The functions that were invoked, and with what.
        broken: Those that fail.
    """

    def __init__(self) -> None:
        self.invoked: list[tuple[str, Any]] = []
        self.broken: set[str] = set()
        self.queues: dict[str, str] = {}
        for name, properties in sorted(resources("AWS::SQS::Queue").items(), key=lambda one: "RedrivePolicy" in one[1]):
            attributes: dict[Any, str] = {}
            if "RedrivePolicy" in properties:
                dead = properties["RedrivePolicy"]["deadLetterTargetArn"]["GetAtt"].partition(".")[0]
                redrive = {"deadLetterTargetArn": self.arn(dead), "maxReceiveCount": 5}
                attributes["RedrivePolicy"] = json.dumps(redrive)
            self.queues[name] = clients.sqs().create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]

    def arn(self, queue: str) -> str:
        answer = clients.sqs().get_queue_attributes(QueueUrl=self.queues[queue], AttributeNames=["QueueArn"])
        return answer["Attributes"]["QueueArn"]

    def create_client(self, service: str, **_: Any) -> Any:
        """As botocore's sessions do."""
        match service:
            case "lambda" | "cloudformation":
                return self
            case _:
                return getattr(clients, service)()

    def get_paginator(self, operation: str) -> "Stack":
        assert operation == "list_stack_resources"
        return self

    def paginate(self, StackName: str) -> Iterator[dict[str, Any]]:
        assert StackName == "yard"
        for kind, found in (
            ("AWS::SQS::Queue", self.queues),
            ("AWS::Lambda::Function", {name: f"yard-{name}-X1" for name in FUNCTIONS}),
        ):
            yield {
                "StackResourceSummaries": [
                    {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind}
                    for logical, physical in found.items()
                ]
            }

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        logical, event = FunctionName.removeprefix("yard-").removesuffix("-X1"), json.loads(Payload)
        self.invoked.append((logical, event))
        if logical in self.broken:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "no"}')}
        module, _, name = FUNCTIONS[logical]["Handler"].rpartition(".")
        answer = getattr(importlib.import_module(module), name)(event, Context())
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def send(self, queue: str, body: Any, **attributes: str) -> None:
        clients.sqs().send_message(
            QueueUrl=self.queues[queue],
            MessageBody=body if isinstance(body, str) else json.dumps(body),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )

    def fail(self, function: str, records: list[dict[str, Any]], *, whole: bool = False) -> str:
        """What Lambda does with records that a stream's handler failed at, and S3 then; returns the object's key."""
        key = f"aws/lambda/5d3f/shardId-0001/2026/11/25/2026-11-25T00.00.00-{len(in_bucket())}"
        event = {"Records": records}
        record = {
            "requestContext": {
                "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
                "functionArn": f"{ARN}:yard-{function}-X1",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 101,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2026-11-25T00:13:49.717Z",
            "DDBStreamBatchInfo": {"shardId": "shardId-0001", "batchSize": len(records)},
            "payload": event if whole else json.dumps(event),
        }
        clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=json.dumps(record).encode())
        self.send(
            "ChangesDeadLetterQueue",
            {
                "version": "0",
                "source": "aws.s3",
                "detail-type": "Object Created",
                "detail": {"version": "0", "bucket": {"name": blobs.bucket()}, "object": {"key": key, "size": 1}},
            },
        )
        return key


def in_bucket() -> list[str]:
    found = clients.s3().list_objects_v2(Bucket=blobs.bucket(), Prefix="aws/lambda/").get("Contents", [])
    return [one["Key"] for one in found]


@pytest.fixture
def stack(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Stack:
    made = Stack()
    for variable, queue in (
        ("SWEEP_QUEUE_URL", "SweepQueue"),
        ("LEFTOVERS_QUEUE_URL", "ProductBatchLeftoversQueue"),
        ("EXPORTS_QUEUE_URL", "ExportsQueue"),
    ):
        monkeypatch.setenv(variable, made.queues[queue])
    monkeypatch.setattr(recounting, "_rest", lambda: None)
    monkeypatch.setattr(entity_tally, "_rest", lambda: None)
    return made


def replay(stack: Stack) -> dict[str, Outcome]:
    letters = DeadLetters("yard", stack.create_client, recounting.recount, entity_tally.recount)
    outcomes = {one.queue: one for one in letters.replay()}
    assert outcomes.keys() == {name for name in resources("AWS::SQS::Queue") if name.endswith("DeadLetterQueue")}
    return {queue: one for queue, one in outcomes.items() if one.done or one.failed}


def left(stack: Stack, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = clients.sqs().get_queue_attributes(QueueUrl=stack.queues[queue], AttributeNames=names)  # type: ignore[arg-type]
    return sum(int(count) for count in answer["Attributes"].values())


@pytest.mark.parametrize("whole", [False, True])
def test_replay_publishes_changes_that_were_not_published(
    api: Api, stack: Stack, stream: Stream, event_queue: str, channel: int, *, whole: bool
) -> None:
    """Whether the records are JSON or its text: the documentation shows them as `"<Whole Event>"`."""
    stream.read()
    made = api.open_batch(channel)
    stack.fail("PublishBatchRequestsFunction", stream.read(), whole=whole)

    assert replay(stack) == {"ChangesDeadLetterQueue": Outcome("ChangesDeadLetterQueue", done=1)}

    [told] = drained(event_queue)
    assert (told["detail"]["pk"], told["detail"]["new_status"]) == (made["pk"], "initialized")
    assert (in_bucket(), left(stack, "ChangesDeadLetterQueue")) == ([], 0)
    assert replay(stack) == {}


def test_a_dead_letter_that_fails_again_stays(api: Api, stack: Stack, stream: Stream, channel: int) -> None:
    stream.read()
    api.open_batch(channel)
    records = stream.read()
    stack.broken.add("PublishBatchRequestsFunction")
    key = stack.fail("PublishBatchRequestsFunction", records)
    outcome = replay(stack)["ChangesDeadLetterQueue"]
    assert (outcome.done, len(outcome.failed)) == (0, 1)
    assert "fails again" in outcome.failed[0]
    assert (in_bucket(), left(stack, "ChangesDeadLetterQueue")) == ([key], 1)


def test_replay_counts_a_handler_that_asks_for_redelivery_as_failed(
    api: Api, stack: Stack, stream: Stream, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.read()
    api.open_batch(channel)
    records = stream.read()
    number = records[0]["dynamodb"]["SequenceNumber"]
    monkeypatch.setattr("batchyard.batch_requests.published.publish", lambda _: number)
    key = stack.fail("PublishBatchRequestsFunction", records)
    assert "again" in replay(stack)["ChangesDeadLetterQueue"].failed[0]
    assert in_bucket() == [key]


def test_changes_that_were_not_counted_are_counted_once_whatever_a_recount_has_done(
    api: Api, stack: Stack, stream: Stream, channel: int
) -> None:
    stream.read()
    api.open_batch(channel)
    stack.fail("TallyBatchRequestsFunction", stream.read())
    recounting.recount(channel)
    assert replay(stack)["ChangesDeadLetterQueue"].done == 1
    assert tallies.count(channel, [], None) == 1
    assert stack.invoked == []


def test_entities_that_were_not_counted_are_counted_once_whatever_a_recount_has_done(stack: Stack) -> None:
    changes = Stream(CATALOGUE)
    transact(lambda unit: repository.put(unit, product("boots", "A"), None))
    stack.fail("TallyEntitiesFunction", changes.read())
    entity_tally.recount()
    assert replay(stack)["ChangesDeadLetterQueue"].done == 1
    assert entity_tally.number() == 1
    assert stack.invoked == []


def test_replay_cleans_up_behind_a_removed_lot(api: Api, stack: Stack, lot_stream: Stream, event_queue: str) -> None:
    make(api, "L1", quantity=5)
    lot_stream.read()
    assert api.delete(f"{BATCHES}/L1").status == 200
    stack.fail("PublishProductBatchesFunction", lot_stream.read())
    assert replay(stack)["ChangesDeadLetterQueue"].done == 1
    [told] = drained(stack.queues["ProductBatchLeftoversQueue"])
    assert told["batch"] == "L1"


def test_a_dead_letter_whose_record_is_gone_is_done(stack: Stack) -> None:
    key = stack.fail("PublishBatchRequestsFunction", [])
    clients.s3().delete_object(Bucket=blobs.bucket(), Key=key)
    assert replay(stack)["ChangesDeadLetterQueue"].done == 1
    assert stack.invoked == []


def test_dead_letters_go_back_to_their_queue(stack: Stack) -> None:
    for queue in ("Uploads", "Sweep", "ProductBatchLeftovers", "Exports", "StatusChanges"):
        for number in range(12):
            stack.send(f"{queue}DeadLetterQueue", {"of": queue, "number": number})
    # As EventBridge puts it there.
    event = {"of": "EventBridge"}
    stack.send("StatusChangesDeadLetterQueue", event, RULE_ARN="arn:…", TARGET_ARN="arn:…", ERROR_CODE="THROTTLING")

    assert {queue: one.done for queue, one in replay(stack).items()} == {
        "UploadsDeadLetterQueue": 12,
        "SweepDeadLetterQueue": 12,
        "ProductBatchLeftoversDeadLetterQueue": 12,
        "ExportsDeadLetterQueue": 12,
        "StatusChangesDeadLetterQueue": 13,
    }
    for queue in ("Uploads", "Sweep", "ProductBatchLeftovers", "Exports"):
        found = drained(stack.queues[f"{queue}Queue"])
        assert sorted(one["number"] for one in found) == list(range(12))
    assert event in drained(stack.queues["StatusChangesQueue"])


def test_replay_runs_a_failed_schedule_once_for_all_its_dead_letters(stack: Stack) -> None:
    stale, recount = (
        f"{ARN}:yard-{name}-X1" for name in ("FailStaleBatchRequestsFunction", "RecountBatchRequestsFunction")
    )
    for _ in range(3):
        # By Lambda, as the destination of invocations that failed, and by the scheduler.
        stack.send(
            "SchedulesDeadLetterQueue",
            {"version": "1.0", "requestContext": {"functionArn": f"{stale}:$LATEST"}, "requestPayload": {}},
        )
        stack.send("SchedulesDeadLetterQueue", {}, TARGET_ARN=recount, SCHEDULE_ARN="arn:…")
    assert replay(stack)["SchedulesDeadLetterQueue"].done == 6
    assert sorted(stack.invoked) == [("FailStaleBatchRequestsFunction", {}), ("RecountBatchRequestsFunction", {})]


@pytest.mark.parametrize(
    ("queue", "body"),
    [
        ("ChangesDeadLetterQueue", "{"),
        ("ChangesDeadLetterQueue", {"Event": "s3:TestEvent"}),
        ("SchedulesDeadLetterQueue", {"requestContext": {"functionArn": f"{ARN}:another"}, "requestPayload": {}}),
    ],
)
def test_an_unknown_dead_letter_stays(stack: Stack, queue: str, body: Any) -> None:
    stack.send(queue, body)
    assert len(replay(stack)[queue].failed) == 1
    assert (left(stack, queue), stack.invoked) == (1, [])


def test_an_object_that_is_no_dead_letter_stays(stack: Stack) -> None:
    key = stack.fail("PublishBatchRequestsFunction", [])
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=b"{}")
    assert len(replay(stack)["ChangesDeadLetterQueue"].failed) == 1
    assert in_bucket() == [key]


# Exports whose message was lost.


LOT = BatchKey("wines", "barolo", "L1")


@pytest.fixture
def export(api: Api, stack: Stack, at: Callable[[float], None]) -> str:
    """The ID of an export that no worker was told of; the clock stands still."""
    at(0)
    make(api, "L1", quantity=5)
    return str(exports.start(LOT, "csv")["id"])


def announced(stack: Stack) -> list[Any]:
    return drained(stack.queues["ExportsQueue"])


def test_an_export_that_nobody_was_told_of_is_announced_once_an_hour_until_it_is_written(
    api: Api, stack: Stack, export: str, at: Callable[[float], None]
) -> None:
    counts = []
    for hours in (0, 0.99, 1, 1.25, 1.99, 2, 2.25):
        at(hours * HOUR)
        counts.append(expire.handler({}, Context())["announced"])
    assert counts == [0, 0, 1, 0, 0, 1, 0]
    message, _ = announced(stack)
    assert deliver_messages(write_export.handler, message) == []
    assert exports.retrieve(LOT, export)["status"] == "done"
    at(9 * HOUR)
    assert expire.handler({}, Context())["announced"] == 0
    assert announced(stack) == []


def test_an_overdue_export_is_announced_by_the_same_message(
    api: Api, stack: Stack, export: str, lot_stream: Stream, at: Callable[[float], None]
) -> None:
    assert deliver(start_export.handler, lot_stream.read()) == {"batchItemFailures": []}
    lost = announced(stack)
    at(HOUR)
    assert overdue.announce_again(lambda: False) == 1
    assert announced(stack) == lost != []


def test_an_export_that_makes_progress_is_left_alone(
    api: Api, stack: Stack, export: str, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchyard.product_batches.exports.files.PIECE", 2)
    monkeypatch.setattr("batchyard.product_batches.exports.files.PART", 1)
    message = {"collection": "wines", "product": "barolo", "batch": "L1", "export": export}
    at(0.5 * HOUR)
    deliver_messages(write_export.handler, message, context=Hurried(2))
    assert exports.retrieve(LOT, export)["status"] == "running"
    announced(stack)
    at(HOUR)
    assert overdue.announce_again(lambda: False) == 0
    at(2 * HOUR)
    assert overdue.announce_again(lambda: False) == 1
    assert announced(stack) == [message]


def test_an_export_removed_with_its_lot_is_not_announced_again(
    api: Api, stack: Stack, export: str, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api.delete(f"{BATCHES}/L1?force=true").status == 200
    monkeypatch.setattr("batchyard.product_batches.exports.repository.get", lambda *_: None)
    at(HOUR)
    assert overdue.announce_again(lambda: False) == 0
    assert announced(stack) == []


def test_overdue_exports_beyond_the_time_limit_wait_for_the_next_run(
    api: Api, stack: Stack, export: str, at: Callable[[float], None]
) -> None:
    exports.start(LOT, "ndjson")
    at(HOUR)
    assert [overdue.announce_again(lambda: True) for _ in range(3)] == [1, 1, 0]
    assert len(announced(stack)) == 2
