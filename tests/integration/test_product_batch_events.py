"""What the change stream of product batches tells the world: moves, changes of serials, and suspicious serials."""

import json
from typing import Any

import pytest

from batchyard.errors import Unavailable
from batchyard.product_batches.serials import scans
from batchyard.store import clients
from batchyard.store.tables import PRODUCT_BATCHES
from product_batches import expire, publish
from tests.integration.conftest import SECRET
from tests.support.api import EVERYTHING, Api, Context
from tests.support.lots import BATCHES, change, codes, make, make_anew, path_of, verify
from tests.support.messages import drained, refusing
from tests.support.streams import Stream, deliver
from tools.template import resources

pytestmark = pytest.mark.usefixtures("leftovers_queue")

PATTERNS = [
    json.loads(one["Pattern"])
    for one in resources("AWS::Lambda::EventSourceMapping")["PublishProductBatchesChanges"]["FilterCriteria"]["Filters"]
]


def failed(records: list[dict[str, Any]]) -> str | None:
    """The sequence number from which the records are to be delivered again; None if there is none."""
    failures = deliver(publish.handler, records)["batchItemFailures"]
    assert len(failures) <= 1
    return failures[0]["itemIdentifier"] if failures else None


def fits(pattern: Any, value: Any) -> bool:
    """Whether Lambda's event filtering lets a value through: what our patterns use of it."""
    if isinstance(pattern, dict):
        return all(fits(part, value.get(name) if isinstance(value, dict) else None) for name, part in pattern.items())
    return any(_fits_rule(rule, value) for rule in pattern)


def _fits_rule(rule: Any, value: Any) -> bool:
    match rule:
        case {"prefix": prefix}:
            return isinstance(value, str) and value.startswith(prefix)
        case {"exists": wanted}:
            return (value is not None) is wanted
    raise AssertionError(f"no rule of ours: {rule}")


def let_through(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records that the mapping hands to the function."""
    return [record for record in records if any(fits(pattern, record) for pattern in PATTERNS)]


def test_each_status_change_of_a_lot_is_published(api: Api, lot_stream: Stream, event_queue: str) -> None:
    make(api, status="draft", quantity=3, admin={"note": SECRET})
    answers = [
        api.put(f"{BATCHES}/L1", {"status": "active"}),
        api.put(f"{BATCHES}/L1", {"name": "Renamed"}),
        api.put(f"{BATCHES}/L1", {"status": "recalled", "quantity": 12}),
    ]
    assert api.delete(f"{BATCHES}/L1").status == 200
    records = let_through(lot_stream.read())
    assert failed(records) is None
    events = drained(event_queue)
    assert {(event["source"], event["detail-type"]) for event in events} == {
        ("batchyard.product_batches", "ProductBatch Status Changed")
    }
    details = [event["detail"] for event in events]
    assert [(detail["oldStatus"], detail["newStatus"], detail["quantity"]) for detail in details] == [
        (None, "draft", 3),
        ("draft", "active", 3),
        ("active", "recalled", 12),
        ("recalled", None, 12),
    ]
    assert details[2] == {
        "collectionId": "wines",
        "productId": "barolo",
        "id": "L1",
        "oldStatus": "active",
        "newStatus": "recalled",
        "quantity": 12,
        "updatedAt": answers[-1].json()["updatedAt"],
        "by": "tester",
        "trigger": None,
        "change": records[3]["dynamodb"]["SequenceNumber"],
    }
    assert len({detail["change"] for detail in details}) == 4
    assert SECRET not in json.dumps(events)


def test_each_status_change_of_a_lot_in_a_batch_names_its_user(api: Api, lot_stream: Stream, event_queue: str) -> None:
    other = Api(EVERYTHING._replace(user="other"))
    make(api, status="draft", quantity=3)
    other.put(f"{BATCHES}/L1", {"status": "active"})
    # Who changes it without a move is not who moved it.
    api.put(f"{BATCHES}/L1", {"name": "Renamed", "expiryDate": "2020-01-01"})
    assert expire.handler({}, Context())["expired"] == 1
    api.put(f"{BATCHES}/L1", {"status": "recalled"})
    other.delete(f"{BATCHES}/L1")
    assert failed(let_through(lot_stream.read())) is None
    details = [event["detail"] for event in drained(event_queue)]
    assert [(detail["newStatus"], detail["by"], detail["trigger"]) for detail in details] == [
        ("draft", "tester", None),
        ("active", "other", None),
        ("expired", None, "expiry"),
        ("recalled", "tester", None),
        # The item is gone that could say who did it; the log does.
        (None, None, None),
    ]


def test_changes_of_serials_and_their_undoing_are_told(api: Api, lot_stream: Stream, event_queue: str) -> None:
    make(api, quantity=1000)
    lot_stream.read()
    made = change(api, "stolen", (0, 10), (500, 500), path=path_of("L1"), reason=SECRET)
    undone = api.post(f"{BATCHES}/L1/serialChange/{made['id']}/undo").json()
    assert api.post(f"{BATCHES}/L1/serialChange/{made['id']}/undo").json() == undone
    records = let_through(lot_stream.read())
    assert failed(records) is None
    events = drained(event_queue)
    assert {event["detail-type"] for event in events} == {"ProductBatch Serials Changed"}
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    told = {
        "collectionId": "wines",
        "productId": "barolo",
        "batchId": "L1",
        "changeId": made["id"],
        "status": "stolen",
        "changed": 510,
        "by": "tester",
    }
    assert [event["detail"] for event in events] == [
        {**told, "at": made["at"], "undone": False, "change": numbers[0]},
        {**told, "at": undone["undoneAt"], "undone": True, "change": numbers[1]},
    ]
    assert SECRET not in json.dumps(events)


def test_a_serial_that_is_seen_too_often_is_told_once(api: Api, lot_stream: Stream, event_queue: str) -> None:
    make(api, quantity=5)
    make(api, "L2", quantity=5)
    [often, seldom] = codes(api, path_of("L2"))[1:3]
    lot_stream.read()
    verify(api, seldom)
    for _ in range(scans.SUSPICIOUS + 3):
        verify(api, often)
    records = lot_stream.read()
    assert len(records) > scans.SUSPICIOUS + 3
    [record, *later] = let_through(records)
    assert len(later) == 3
    assert failed(records) is None
    [event] = drained(event_queue)
    assert event["detail-type"] == "ProductBatch Serial Suspicious"
    assert event["detail"] == {
        "collectionId": "wines",
        "productId": "barolo",
        "batchId": "L2",
        "index": 6,
        "scans": scans.SUSPICIOUS,
        "at": event["detail"]["at"],
        "change": record["dynamodb"]["SequenceNumber"],
    }
    assert often not in json.dumps(event)


def test_the_stream_filter_of_lots_passes_published_changes(api: Api, lot_stream: Stream, event_queue: str) -> None:
    make(api, quantity=40)
    make(api, "L2", quantity=5)
    made = change(api, "decommissioned", (3, 4), path=path_of("L1"), reason=SECRET)
    api.post(f"{BATCHES}/L1/serialChange/{made['id']}/undo")
    for code in codes(api, path_of("L1"))[:10]:
        verify(api, code)
    for _ in range(scans.SUSPICIOUS):
        verify(api, codes(api, path_of("L2"))[0])
    api.put(f"{BATCHES}/L1", {"status": "recalled"})
    api.delete(f"{BATCHES}/L2?force=true")
    records = lot_stream.read()
    assert failed(records) is None
    told = sorted(event["detail"]["change"] for event in drained(event_queue))
    passed = let_through(records)
    assert failed(passed) is None
    assert sorted(event["detail"]["change"] for event in drained(event_queue)) == told
    assert [record["dynamodb"]["SequenceNumber"] for record in passed] == told
    assert len(passed) == 7
    kinds = [record["dynamodb"]["Keys"]["sort_key"]["S"].partition(" ")[0] for record in records]
    assert set(kinds) == {"batch", "counter", "serials", "change", "scan"}


def test_items_removed_by_clean_up_are_not_published(api: Api, lot_stream: Stream, event_queue: str) -> None:
    make(api, quantity=5)
    made = change(api, "decommissioned", (0, 1), path=path_of("L1"), reason=SECRET)
    lot_stream.read()
    key = {"collection_id": {"S": "wines"}, "sort_key": {"S": f"change L1 barolo {made['id']}"}}
    clients.dynamodb().delete_item(TableName=PRODUCT_BATCHES.name, Key=key)
    [record] = records = lot_stream.read()
    assert record["eventName"] == "REMOVE"
    assert let_through(records) == []
    assert failed(records) is None
    assert drained(event_queue) == []


def test_a_lot_made_anew_in_one_change_set_is_told_as_two(
    api: Api, lot_stream: Stream, event_queue: str, leftovers_queue: str
) -> None:
    removed = make(api, quantity=3)
    change(api, "decommissioned", (0, 1), path=path_of("L1"), reason=SECRET)
    lot_stream.read()
    make_anew(api, "L1")
    made = api.get(f"{BATCHES}/L1").json()
    records = let_through(lot_stream.read())
    assert [record["eventName"] for record in records] == ["MODIFY"]
    assert failed(records) is None
    events = drained(event_queue)
    assert {event["detail-type"] for event in events} == {"ProductBatch Status Changed"}
    number = records[0]["dynamodb"]["SequenceNumber"]
    batch = {"collectionId": "wines", "productId": "barolo", "id": "L1"}
    assert [event["detail"] for event in events] == [
        {
            **batch,
            "oldStatus": "active",
            "newStatus": None,
            "quantity": 3,
            "updatedAt": removed["updatedAt"],
            "by": None,
            "trigger": None,
            "change": number,
        },
        {
            **batch,
            "oldStatus": None,
            "newStatus": "active",
            "quantity": 2,
            "updatedAt": made["updatedAt"],
            "by": "tester",
            "trigger": None,
            "change": f"{number}.1",
        },
    ]
    assert [told["batch"] for told in drained(leftovers_queue)] == ["L1"]


@pytest.mark.parametrize("bad", [0, 4, 5, 8])
def test_two_events_of_one_change_are_delivered_again_together(
    api: Api, lot_stream: Stream, event_queue: str, bad: int
) -> None:
    ids = [f"L{number}" for number in range(9)]
    for id in ids:
        make(api, id)
    lot_stream.read()
    make_anew(api, *ids)
    records = let_through(lot_stream.read())
    with refusing(lambda detail: detail["id"] == ids[bad] and detail["oldStatus"] is None) as sizes:
        again = failed(records)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert again == numbers[bad]
    assert failed(records[bad:]) is None
    assert max(sizes) <= 10
    told = {event["detail"]["change"] for event in drained(event_queue)}
    assert told == {change for number in numbers for change in (number, f"{number}.1")}


@pytest.mark.parametrize("bad", [0, 9, 10, 17, 24])
def test_lot_events_refused_by_the_bus_and_later_ones_are_delivered_again(
    api: Api, lot_stream: Stream, event_queue: str, bad: int
) -> None:
    ids = [f"L{number:02}" for number in range(25)]
    for id in ids:
        make(api, id)
    records = lot_stream.read()
    with refusing(lambda detail: detail["id"] == ids[bad]):
        assert failed(records) == records[bad]["dynamodb"]["SequenceNumber"]
    assert failed(records[bad:]) is None
    told = [event["detail"]["id"] for event in drained(event_queue)]
    assert sorted(set(told)) == ids
    assert all(told.count(id) == 1 for id in ids[:bad])


def test_lot_events_are_delivered_again_when_the_bus_is_down(
    api: Api, lot_stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        make(api, f"L{number}")
    records = lot_stream.read()

    def down(**_: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(clients.events(), "put_events", down)
    assert failed(records) == records[0]["dynamodb"]["SequenceNumber"]


def test_a_change_that_is_delivered_again_is_told_under_the_same_number(
    api: Api, lot_stream: Stream, event_queue: str
) -> None:
    make(api)
    records = lot_stream.read()
    assert (failed(records), failed(records)) == (None, None)
    first, second = (event["detail"] for event in drained(event_queue))
    assert first == second
