"""What a removed batch leaves behind is removed afterwards, and nothing else is."""

import json
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from batchyard.errors import Unavailable
from batchyard.product_batches import leftovers, repository
from batchyard.product_batches.exports import operations as exports
from batchyard.product_batches.rules import BatchKey, Block, ProductBatch
from batchyard.product_batches.serials import runs
from batchyard.store import clients, items, unit
from batchyard.store.tables import PRODUCT_BATCHES
from product_batches import publish
from tests.support.api import Api
from tests.support.clean_up import Hurried, cleaned, left, stored
from tests.support.lots import BATCHES, change, codes, make, make_anew, path_of, verify
from tests.support.messages import drained
from tests.support.streams import Stream, deliver


def kinds(keys: set[str]) -> set[str]:
    return {key.partition(" ")[0] for key in keys}


def full_life(api: Api, id: str = "L1", quantity: int = 120) -> dict[str, Any]:
    """A new batch with changes, scans and an export."""
    made = make(api, id, quantity=quantity)
    change(api, "decommissioned", *((number, 1) for number in range(0, quantity, 2)), path=path_of(id))
    change(api, "stolen", (1, 1), (3, 1), path=path_of(id))
    for code in codes(api, path_of(id))[:4]:
        verify(api, code)
    exports.start(BatchKey("wines", "barolo", id), "csv")
    return made


def removed(api: Api, stream: Stream, queue: str, id: str = "L1") -> list[dict[str, Any]]:
    """Removes a batch by force; returns what the clean-up is told."""
    stream.read()
    assert api.delete(f"{BATCHES}/{id}?force=true").status == 200
    return removals(stream, queue)


def removals(stream: Stream, queue: str) -> list[dict[str, Any]]:
    """What the clean-up is told of the changes since the last call."""
    assert deliver(publish.handler, stream.read()) == {"batchItemFailures": []}
    return drained(queue)


@pytest.fixture(autouse=True)
def bus(event_queue: str) -> str:
    """Events have somewhere to go."""
    return event_queue


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few statuses make many stretches."""
    monkeypatch.setattr(runs, "MOST_RUNS", 4)


@pytest.mark.usefixtures("small_stretches")
def test_all_items_of_a_removed_lot_are_cleaned_up(api: Api, lot_stream: Stream, leftovers_queue: str) -> None:
    full_life(api)
    assert len(stored()) > 2 * unit.MOST_DELETES
    [told] = removed(api, lot_stream, leftovers_queue)
    assert kinds(stored()) == {"counter", "serials", "change", "scan", "export"}
    assert cleaned(told) == []
    assert left() == {"counter"}
    assert drained(leftovers_queue) == []
    assert cleaned(told) == []
    assert left() == {"counter"}


@pytest.mark.usefixtures("small_stretches")
def test_clean_up_of_a_lot_keeps_items_of_other_lots(api: Api, lot_stream: Stream, leftovers_queue: str) -> None:
    full_life(api, "L0", 10)
    full_life(api, "L1", 40)
    # Their blocks lie between one another's, one ID begins like another, and other places have the same one.
    for id, quantity in (("L0", 30), ("L1", 50), ("L0", 40)):
        assert api.put(f"{BATCHES}/{id}", {"quantity": quantity}).status == 200
    full_life(api, "L11", 10)
    for url in (BATCHES.replace("barolo", "barolo2"), BATCHES.replace("wines", "beers")):
        assert api.post(url, {"id": "L1", "quantity": 5}).status == 200
    urls = [f"{BATCHES}/{id}/{what}" for id in ("L0", "L11") for what in ("getSN?count=100", "serialChange")]
    answers = [api.get(url).text for url in urls]
    before, beers = stored(), stored("beers")
    [told] = removed(api, lot_stream, leftovers_queue)
    assert len(told["blocks"]) == 2
    assert cleaned(told) == []
    assert [api.get(url).text for url in urls] == answers
    assert stored("beers") == beers
    indices = {index for first, size, *_ in told["blocks"] for index in range(first, first + size)}
    own = {key for key in before if key.split(" ")[1:3] == ["L1", "barolo"]}
    own |= {key for key in before if key.startswith(("serials ", "scan ")) and int(key.split(" ")[1]) in indices}
    assert kinds(own) == {"batch", "serials", "change", "scan", "export"}
    assert left() == {key for key in before - own if not key.startswith("change ")}
    assert kinds(before - stored()) == {"batch", "serials", "scan", "export"}


@pytest.mark.usefixtures("small_stretches")
def test_clean_up_of_a_lot_keeps_items_of_a_lot_created_anew(
    api: Api, lot_stream: Stream, leftovers_queue: str
) -> None:
    make(api, "L0", quantity=3)
    others = stored()
    full_life(api, "L1", 40)
    [told] = removed(api, lot_stream, leftovers_queue)
    behind = stored() - others
    full_life(api, "L1", 40)
    before = stored()
    urls = [f"{BATCHES}/L1{what}" for what in ("", "/getSN?count=100", "/serialChange")]
    answers = [api.get(url).text for url in urls]
    assert len(json.loads(answers[-1])) == 2
    [former, *_] = (key.rpartition(" ")[2] for key in behind if key.startswith("change "))
    assert api.post(f"{BATCHES}/L1/serialChange/{former}/undo").status == 404
    assert kinds(behind) == {"serials", "change", "scan", "export"}
    assert cleaned(told) == []
    assert stored() == before - {key for key in behind if not key.startswith("change ")}
    assert [api.get(url).text for url in urls] == answers
    former_changes = api.get(f"{BATCHES}/L1/serialChange?removed=true").json()
    assert {one["id"] for one in former_changes} == {
        key.rpartition(" ")[2] for key in behind if key.startswith("change ")
    }
    for made in json.loads(answers[-1]):
        assert api.post(f"{BATCHES}/L1/serialChange/{made['id']}/undo").status == 200


@pytest.mark.usefixtures("small_stretches")
def test_clean_up_of_a_lot_removed_and_created_anew_in_one_change_set(
    api: Api, lot_stream: Stream, leftovers_queue: str
) -> None:
    full_life(api)
    lot_stream.read()
    make_anew(api, "L1")
    change(api, "stolen", (1, 1), path=path_of("L1"))
    own = {key for key in stored() if key.startswith("batch ")}
    [told] = removals(lot_stream, leftovers_queue)
    assert cleaned(told) == []
    assert own < left()
    assert sorted(key.partition(" ")[0] for key in left()) == ["batch", "counter", "serials"]
    assert len(api.get(f"{BATCHES}/L1/serialChange").json()) == 1
    serials = api.get(f"{BATCHES}/L1/getSN").json()["items"]
    assert [serial["status"] for serial in serials] == ["commissioned", "stolen"]


def test_a_lot_that_nothing_happened_to_leaves_nothing(api: Api, lot_stream: Stream, leftovers_queue: str) -> None:
    make(api, quantity=5)
    lot_stream.read()
    assert api.delete(f"{BATCHES}/L1").status == 200
    assert left() == {"counter"}
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    [told] = drained(leftovers_queue)
    assert cleaned(told) == []
    assert left() == {"counter"}


@pytest.mark.usefixtures("small_stretches")
def test_clean_up_of_a_lot_goes_on_by_a_further_message(api: Api, lot_stream: Stream, leftovers_queue: str) -> None:
    full_life(api)
    messages = removed(api, lot_stream, leftovers_queue)
    sizes = [len(stored())]
    while messages:
        [told] = messages
        assert cleaned(told, context=Hurried(1)) == []
        sizes.append(len(stored()))
        messages = drained(leftovers_queue)
    steps = [before - after for before, after in pairwise(sizes)]
    assert steps[:2] == [unit.MOST_DELETES] * 2
    assert left() == {"counter"}


@pytest.mark.usefixtures("small_stretches")
def test_clean_up_of_a_lot_retries_unprocessed_deletions(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_life(api)
    [told] = removed(api, lot_stream, leftovers_queue)
    client = clients.dynamodb()
    write = client.batch_write_item
    left_out: Iterator[int] = iter([3, 25, 0, 24])

    def throttled(RequestItems: Any, **_: Any) -> Any:
        [(table, requests)] = RequestItems.items()
        taken = len(requests) - min(next(left_out, 0), len(requests))
        if taken:
            write(RequestItems={table: requests[:taken]})
        return {"UnprocessedItems": {table: requests[taken:]} if requests[taken:] else {}}

    monkeypatch.setattr(client, "batch_write_item", throttled)
    assert cleaned(told) == []
    assert next(left_out, None) is None
    assert left() == {"counter"}


def test_a_failed_clean_up_message_is_delivered_again_and_keeps_no_other(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_life(api)
    [told] = removed(api, lot_stream, leftovers_queue)
    assert cleaned("{s3cret", told, {"collection": "wines"}) == [0, 2]
    assert left() == {"counter"}


def test_clean_up_of_a_lot_goes_on_by_the_next_message_when_throttled(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_life(api)
    [told] = removed(api, lot_stream, leftovers_queue)
    before = stored()
    client = clients.dynamodb()
    write = client.batch_write_item
    monkeypatch.setattr(unit, "_pause", lambda _: None)
    monkeypatch.setattr(client, "batch_write_item", lambda RequestItems, **_: {"UnprocessedItems": RequestItems})
    assert cleaned(told) == []
    assert stored() == before
    [again] = drained(leftovers_queue)
    assert again == told
    monkeypatch.setattr(client, "batch_write_item", write)
    assert cleaned(again) == []
    assert left() == {"counter"}


@pytest.mark.usefixtures("small_stretches")
@pytest.mark.parametrize("units", [0.0, 100.0])
def test_clean_up_of_a_lot_is_paced(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch, units: float
) -> None:
    full_life(api)
    [told] = removed(api, lot_stream, leftovers_queue)
    count = len(left()) - 1
    client = clients.dynamodb()
    write = client.batch_write_item
    calls: list[Any] = []
    rests: list[Any] = []

    def telling(RequestItems: Any, ReturnConsumedCapacity: str) -> Any:
        assert ReturnConsumedCapacity == "TOTAL"
        calls.append(len(RequestItems[PRODUCT_BATCHES.name]))
        consumed = [{"TableName": PRODUCT_BATCHES.name, "CapacityUnits": units}] if units else []
        return {**write(RequestItems=RequestItems), "ConsumedCapacity": consumed}

    monkeypatch.setattr(client, "batch_write_item", telling)
    monkeypatch.setattr(leftovers, "_rest", rests.append)
    monkeypatch.setattr(leftovers, "time", SimpleNamespace(monotonic=lambda: 5.0))
    assert cleaned(told) == []
    assert sum(calls) == count
    assert rests == [max(units, size) / leftovers.UNITS_A_SECOND for size in calls]


def test_a_clean_up_message_is_delivered_again_if_the_next_cannot_be_sent(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_life(api)
    [told] = removed(api, lot_stream, leftovers_queue)
    monkeypatch.setattr(clients.sqs(), "send_message_batch", lambda **_: {"Failed": [{"Id": "0"}]})
    assert cleaned(told, context=Hurried(1)) == [0]


def test_a_lot_removal_is_delivered_again_if_its_clean_up_cannot_be_queued(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api)
    lot_stream.read()
    api.delete(f"{BATCHES}/L1")
    [record] = records = lot_stream.read()
    client = clients.sqs()
    send = client.send_message_batch

    def down(**_: Any) -> Any:
        raise Unavailable

    for refusing in (down, lambda **_: {"Failed": [{"Id": "0"}]}):
        monkeypatch.setattr(client, "send_message_batch", refusing)
        again = {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        assert deliver(publish.handler, records) == again
    monkeypatch.setattr(client, "send_message_batch", send)
    assert deliver(publish.handler, records) == {"batchItemFailures": []}
    assert len(drained(leftovers_queue)) == 1


def test_many_lot_removals_are_queued_in_portions(
    api: Api, lot_stream: Stream, leftovers_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = tuple(Block(10**13 + 2 * number, 1, 1, 1) for number in range(1000))
    ids = [f"L{number:02}" for number in range(23)]
    for id in ids:
        item = repository.encode(ProductBatch("wines", "barolo", id, blocks=blocks, created=1, updated=1, version=1))
        clients.dynamodb().put_item(TableName=PRODUCT_BATCHES.name, Item=items.encode(item))
    lot_stream.read()
    for id in ids:
        assert api.delete(f"{BATCHES}/{id}?force=true").status == 200
    sizes = []
    client = clients.sqs()
    send = client.send_message_batch

    def measured(**request: Any) -> Any:
        sizes.append(sum(len(entry["MessageBody"]) for entry in request["Entries"]))
        return send(**request)

    monkeypatch.setattr(client, "send_message_batch", measured)
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    assert max(sizes) <= 256 * 1024 < sum(sizes)
    assert sorted(told["batch"] for told in drained(leftovers_queue)) == ids
