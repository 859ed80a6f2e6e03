"""Events published from the change stream: moves of statuses, and blobs that were let go of."""

import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from batch_requests import fail_stale, publish
from batchyard.errors import Unavailable
from batchyard.store import clients
from batchyard.store.tables import BATCH_REQUESTS
from tests.integration.conftest import SECRET
from tests.support.api import EVERYTHING, Api, Context, batches
from tests.support.batch import request, run_change_set
from tests.support.load import many
from tests.support.messages import drained, refusing
from tests.support.streams import Stream, deliver
from tools import aws_events

pytestmark = pytest.mark.usefixtures("sweep_queue")


def digest(one: dict[str, Any]) -> str:
    """Something that does not compress."""
    return hashlib.sha256(one["remote_id"].encode()).hexdigest()


def failed(records: list[dict[str, Any]]) -> str | None:
    """The sequence number from which the records are to be delivered again; None if there is none."""
    failures = deliver(publish.handler, records)["batchItemFailures"]
    assert len(failures) <= 1
    return failures[0]["itemIdentifier"] if failures else None


def test_each_status_change_of_a_batch_request_is_published_with_its_outcome(
    api: Api, channel: int, stream: Stream, event_queue: str
) -> None:
    opened = api.open_batch(channel)
    url = batches(channel, opened["pk"])
    objects = [{"pk": pk} for pk in range(5)]
    outcome = [{"pk": 1, "failed_reason_type": "mapping"}, {"pk": 2, "failed_reason_type": "remote"}]
    # Clients that know no null for texts leave them empty.
    outcome.append({"pk": 3, "failed_reason_type": ""})
    answers = [
        api.patch(url, {"status": "commit", "objects": objects, "content_type": "product"}),
        api.patch(url, {"status": "sent_to_remote", "remote_batch_id": "R-1"}),
        api.patch(url, {"log_file": SECRET}),
        api.patch(url, {"status": "done", "objects": outcome}),
    ]
    api.delete(url)
    records = stream.read()
    assert failed(records) is None
    events = drained(event_queue)
    assert {(event["source"], event["detail-type"]) for event in events} == {
        ("batchyard.batch_requests", "BatchRequest Status Changed")
    }
    details = [event["detail"] for event in events]
    assert [(detail["old_status"], detail["new_status"]) for detail in details] == [
        (None, "initialized"),
        ("initialized", "commit"),
        ("commit", "sent_to_remote"),
        ("sent_to_remote", "done"),
        ("done", None),
    ]
    assert [detail["objects"] for detail in details] == [
        {"total": 0, "failed": 0, "succeeded": 0},
        {"total": 5, "failed": 0, "succeeded": 5},
        {"total": 5, "failed": 0, "succeeded": 5},
        {"total": 5, "failed": 2, "succeeded": 3},
        {"total": 5, "failed": 2, "succeeded": 3},
    ]
    done = answers[-1].json()
    assert details[3] == {
        "channel": channel,
        "pk": done["pk"],
        "local_batch_id": done["local_batch_id"],
        "remote_batch_id": "R-1",
        "content_type": "product",
        "old_status": "sent_to_remote",
        "new_status": "done",
        "objects": {"total": 5, "failed": 2, "succeeded": 3},
        "modified_date": done["modified_date"],
        "by": "tester",
        "trigger": None,
        "change": records[4]["dynamodb"]["SequenceNumber"],
    }
    assert SECRET not in json.dumps(events)
    assert len({detail["change"] for detail in details}) == 5


def actors(url: str) -> list[tuple[str | None, str | None, str | None]]:
    """Of each move that was told, the new status, and who made it."""
    details = [event["detail"] for event in drained(url)]
    return [(detail.get("new_status"), detail["by"], detail["trigger"]) for detail in details]


def test_each_status_change_of_a_batch_request_names_its_user(
    api: Api, channel: int, stream: Stream, event_queue: str, at: Callable[[float], None]
) -> None:
    worker = Api(EVERYTHING._replace(user="worker"))
    at(0)
    api.patch(f"/api/v1/channels/{channel}/", {"stale_after": 60})
    pk = api.open_batch(channel)["pk"]
    worker.patch(batches(channel, pk), {"status": "commit"})
    # Who changes it without a move is not who moved it.
    api.patch(batches(channel, pk), {"objects": [{"pk": 1}], "content_type": "stock"})
    api.patch(batches(channel, pk), {"status": "sent_to_remote"})
    worker.put(batches(channel, pk), {"status": "sent_to_remote"})
    at(61)
    assert fail_stale.handler({}, Context()) == {"failed": 1}
    worker.delete(batches(channel, pk))
    assert failed(stream.read()) is None
    assert actors(event_queue) == [
        ("initialized", "tester", None),
        ("commit", "worker", None),
        ("sent_to_remote", "tester", None),
        ("fail", None, "stale"),
        # The item is gone that could say who did it; the log does.
        (None, None, None),
    ]


def test_status_changes_within_a_change_set_name_their_user(
    api: Api, channel: int, stream: Stream, event_queue: str
) -> None:
    opening = request("POST", batches(channel), {"channel": channel}, Content_ID="1")
    answers = run_change_set(
        Api(EVERYTHING._replace(user="worker")), opening, request("PATCH", "$1", {"status": "done"})
    )
    assert isinstance(answers, list)
    assert failed(stream.read()) is None
    assert actors(event_queue) == [("done", "worker", None)]


def test_a_batch_request_stored_without_a_user_is_published_without_a_user(
    api: Api, channel: int, stream: Stream, event_queue: str
) -> None:
    pk = api.open_batch(channel)["pk"]
    key = {"channel": {"N": str(channel)}, "pk": {"N": str(pk)}}
    table = BATCH_REQUESTS.name
    clients.dynamodb().update_item(
        TableName=table, Key=key, UpdateExpression="REMOVE #by", ExpressionAttributeNames={"#by": "by"}
    )
    item = clients.dynamodb().get_item(TableName=table, Key=key)["Item"]
    stream.read()
    moved = {**item, "status": {"S": "commit"}}
    assert failed([aws_events.change(1, key, item, moved)]) is None
    assert actors(event_queue) == [("commit", None, None)]
    assert api.patch(batches(channel, pk), {"status": "commit"}).status == 200
    assert failed(stream.read()) is None
    assert actors(event_queue) == [("commit", "tester", None)]


def test_batch_request_updates_within_a_status_are_not_published(
    api: Api, channel: int, stream: Stream, event_queue: str
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    stream.read()
    api.patch(url, {"objects": [{"pk": 1}], "content_type": "stock"})
    api.patch(url, {"log_file": SECRET})
    assert failed(stream.read()) is None
    assert drained(event_queue) == []


MOVES = ["initialized", "commit", "sent_to_remote", "ongoing", "done"]


def moved(api: Api, channel: int, number: int) -> dict[int, list[str]]:
    """Opens batch requests and moves them, each between moves of others; returns their statuses."""
    source = random.Random(number)
    found = {api.open_batch(channel)["pk"]: MOVES[: source.randint(1, len(MOVES))] for _ in range(number)}
    left = {pk: moves[1:] for pk, moves in found.items() if moves[1:]}
    while left:
        pk = source.choice(list(left))
        status, *left[pk] = left[pk]
        assert api.patch(batches(channel, pk), {"status": status}).status == 200
        left = {pk: moves for pk, moves in left.items() if moves}
    return found


def told_of(event_queue: str) -> dict[int, list[str]]:
    """The statuses of batch requests, in the order in which they were told."""
    found: dict[int, list[str]] = {}
    for event in drained(event_queue):
        found.setdefault(event["detail"]["pk"], []).append(event["detail"]["new_status"])
    return found


@pytest.fixture
def slow_bus(event_queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events take a while, each call another one."""
    client = clients.events()
    put, source, lock = client.put_events, random.Random(3), threading.Lock()

    def slowly(**request: Any) -> Any:
        time.sleep(source.uniform(0.01, 0.05))
        with lock:
            return put(**request)

    monkeypatch.setattr(client, "put_events", slowly)


def test_changes_of_a_batch_request_are_told_in_their_order(
    api: Api, channel: int, stream: Stream, event_queue: str, slow_bus: None
) -> None:
    found = moved(api, channel, 40)
    records = stream.read()
    for start in range(0, len(records), 100):
        assert failed(records[start : start + 100]) is None
    assert told_of(event_queue) == found


def test_a_hundred_status_events_are_put_in_parallel(
    api: Api, channel: int, stream: Stream, event_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients.events()
    put, lock, sizes = client.put_events, threading.Lock(), []
    # Whoever is alone waits in vain, so that all ten must be under way at once.
    all_of_them = threading.Barrier(10, timeout=60)

    def together(**request: Any) -> Any:
        all_of_them.wait()
        with lock:
            sizes.append(len(request["Entries"]))
            return put(**request)

    monkeypatch.setattr(client, "put_events", together)
    for _ in range(100):
        api.open_batch(channel)
    assert failed(stream.read()) is None
    assert sizes == [10] * 10
    assert len(told_of(event_queue)) == 100


@pytest.mark.parametrize("seed", range(5))
def test_status_events_published_again_are_in_order(
    api: Api, channel: int, stream: Stream, event_queue: str, slow_bus: None, seed: int
) -> None:
    source = random.Random(seed)
    found = moved(api, channel, 12)
    records = stream.read()[:100]
    for _ in range(6):
        bad = source.choice(records)["dynamodb"]["SequenceNumber"]
        with refusing(lambda detail, bad=bad: detail["change"] == bad):  # type: ignore[misc]
            assert failed(records) == bad
        records = [record for record in records if record["dynamodb"]["SequenceNumber"] >= bad]
    assert failed(records) is None
    # Whoever takes each by its number, the last time that it is told, has all of them in their order.
    told = told_of(event_queue)
    assert {pk: list(dict.fromkeys(reversed(moves)))[::-1] for pk, moves in told.items()} == found


@pytest.mark.parametrize("bad", [0, 9, 10, 17, 24])
def test_status_events_refused_by_the_bus_and_later_ones_are_delivered_again(
    api: Api, channel: int, stream: Stream, event_queue: str, bad: int
) -> None:
    opened = [api.open_batch(channel)["pk"] for _ in range(25)]
    records = stream.read()
    with refusing(lambda detail: detail["pk"] == opened[bad]):
        again = failed(records)
        assert again == records[bad]["dynamodb"]["SequenceNumber"]
    assert failed(records[bad:]) is None
    told = [event["detail"]["pk"] for event in drained(event_queue)]
    # Each at least once, and none told again of those before the refused one.
    assert sorted(set(told)) == opened
    assert all(told.count(pk) == 1 for pk in opened[:bad])


def test_status_events_are_delivered_again_when_the_bus_is_down(
    api: Api, channel: int, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        api.open_batch(channel)
    records = stream.read()

    def down(**_: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(clients.events(), "put_events", down)
    assert failed(records) == records[0]["dynamodb"]["SequenceNumber"]


def test_blobs_that_a_batch_request_no_longer_uses_are_queued_for_the_sweep(
    api: Api, channel: int, stream: Stream, event_queue: str, sweep_queue: str
) -> None:
    source = [{**one, "failed_reason_type": digest(one)} for one in many(9_000, 11)]
    url = batches(channel, api.open_batch(channel, objects=source, log_file="s3cret 1")["pk"])

    def images() -> tuple[dict[str, Any], ...]:
        records = stream.read()
        assert failed(records) is None
        return tuple(records[-1]["dynamodb"].get(name) or {} for name in ("OldImage", "NewImage"))

    _, first = images()
    assert drained(sweep_queue) == []
    api.patch(url, {"log_file": "s3cret 2"})
    old, second = images()
    assert old["log_key"] == first["log_key"] != second["log_key"]
    named = {body["key"] for body in drained(sweep_queue)}
    assert first["log_key"]["S"] in named
    assert not named & {value["S"] for name, value in second.items() if name in {"log_key", "objects_key"}}
    api.put(url, {"objects": [{"pk": 1}]})
    third, fourth = images()
    assert {body["key"] for body in drained(sweep_queue)} == {third["objects_key"]["S"]}
    assert "objects_key" not in fourth
    api.delete(url)
    images()
    assert {body["key"] for body in drained(sweep_queue)} == {fourth["log_key"]["S"]}


def test_many_blobs_are_queued_for_the_sweep_in_portions(
    api: Api, channel: int, stream: Stream, event_queue: str, sweep_queue: str
) -> None:
    opened = [api.open_batch(channel, log_file=f"s3cret {number}")["pk"] for number in range(23)]
    stream.read()
    for pk in opened:
        api.delete(batches(channel, pk))
    assert failed(stream.read()) is None
    assert len({body["key"] for body in drained(sweep_queue)}) == 23


def test_changes_are_delivered_again_if_the_sweep_queue_takes_no_blobs(
    api: Api, channel: int, stream: Stream, event_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = api.open_batch(channel, log_file=SECRET)["pk"]
    stream.read()
    api.delete(batches(channel, pk))
    records = stream.read()
    client = clients.sqs()
    send = client.send_message_batch
    monkeypatch.setattr(client, "send_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    assert failed(records) == records[0]["dynamodb"]["SequenceNumber"]
    monkeypatch.setattr(client, "send_message_batch", send)
    assert failed(records) is None
