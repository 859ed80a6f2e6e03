"""The tally of entities behind `$count`: each change counted once, however often and in whatever pieces it comes."""

import json
import random
from typing import Any

import pytest

from batchyard.catalogue import entity_lists, operations, repository
from batchyard.catalogue import tally as entity_tally
from batchyard.catalogue.entity_sets import reading
from batchyard.catalogue.rules import Product
from batchyard.errors import Contended, Unavailable
from batchyard.store import clients
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import transact
from catalogue import recount, tally
from tests.integration.conftest import Calls
from tests.support.api import Api, Context
from tests.support.catalogue import product
from tests.support.permissions import by_the_test
from tests.support.streams import Stream, deliver, held
from tools.template import resources

Records = list[dict[str, Any]]

MOST = 20


@pytest.fixture(autouse=True)
def restless(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Recounts do not wait, and few are many."""
    monkeypatch.setattr(entity_tally, "_rest", lambda: None)
    monkeypatch.setattr(reading, "_MOST_COUNTED", MOST)


@pytest.fixture
def changes(stores: dict[str, str]) -> Stream:
    return Stream(CATALOGUE)


def put(handle: str, *skus: str, by: str = "req-1") -> Product:
    return transact(lambda unit: repository.put(unit, product(handle, *skus, by=by), None))


def several(count: int) -> list[Product]:
    return [put(f"handle-{number}", f"C-{number}") for number in range(count)]


def there() -> int:
    return sum("shard" in item for item in held(CATALOGUE))


def told(stream: Stream) -> Records:
    """What the mapping lets through."""
    return [
        record
        for record in stream.read()
        if record["dynamodb"]["Keys"]["part"]["S"] == "entity" and record["eventName"] != "MODIFY"
    ]


def count(records: Records) -> None:
    assert deliver(tally.handler, records) == {"batchItemFailures": []}


def recounted() -> Any:
    return recount.handler({"detail-type": "Scheduled Event"}, Context())


@pytest.fixture
def history(changes: Stream) -> Records:
    """Products that came, changed and went, some of them with several entities, or made by a job."""
    made = [
        put("boots", "A"),
        put("shoes", "S-1", "S-2", by="batch_01J"),
        put("hats", "H-1", "H-2", "H-3"),
        put("caps", "B", by="batch_01J"),
    ]
    operations.set_quantities(made[0].variants[0].entity, {0: 5}, "req-1")
    operations.remove(made[2].id)
    put("hats", "H-1")
    records = told(changes)
    assert len(records) == 14
    return records


def test_the_filter_of_the_entity_tally_lets_inserts_and_removals_through() -> None:
    mapping = resources("AWS::Lambda::EventSourceMapping")["TallyEntitiesChanges"]
    patterns = [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]
    assert patterns == [{"eventName": ["INSERT", "REMOVE"], "dynamodb": {"Keys": {"part": {"S": ["entity"]}}}}]


def test_every_entity_is_counted_by_one_transaction(history: Records, calls: Calls) -> None:
    count(history)
    assert calls == ["dynamodb.TransactWriteItems"]
    assert entity_tally.number() == there() == 6


@pytest.mark.parametrize("seed", range(4))
def test_records_delivered_again_with_more_records_are_counted_once_by_the_entity_tally(
    history: Records, seed: int
) -> None:
    source, start = random.Random(seed), 0
    while start < len(history):
        end = start
        while end < len(history) and source.random() < 0.7:
            end = min(len(history), end + source.randint(1, 5))
            count(history[start:end])
            count(history[start:end])
        start = end
    assert entity_tally.number() == there()


def test_a_delivery_that_breaks_off_or_meets_another_is_counted_once_by_the_entity_tally(
    history: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients.dynamodb()
    write = client.transact_write_items

    def lost(**request: Any) -> Any:
        write(**request)
        raise Unavailable

    monkeypatch.setattr(client, "transact_write_items", lost)
    with pytest.raises(Unavailable):
        deliver(tally.handler, history)
    met: list[None] = []

    def meeting(**request: Any) -> Any:
        if not met:
            met.append(None)
            reasons = [{"Code": "None"}, {"Code": "TransactionConflict"}]
            response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            raise client.exceptions.TransactionCanceledException(response, "TransactWriteItems")
        return write(**request)

    monkeypatch.setattr(client, "transact_write_items", meeting)
    count(history)
    assert met
    assert entity_tally.number() == there()


def test_entries_in_lists_and_claims_are_no_entities(changes: Stream, calls: Calls) -> None:
    several(1)
    others = [one for one in changes.read() if one["dynamodb"]["Keys"]["part"]["S"] != "entity"]
    calls.clear()
    count(others)
    assert others
    assert calls == []


# Recounts.


def test_a_recount_repairs_the_entity_tally(history: Records, calls: Calls) -> None:
    assert recounted() == {"repaired": 6, "busy": False}
    calls.clear()
    assert recounted() == {"repaired": 0, "busy": False}
    assert not calls.writes()


def test_a_recount_of_entities_waits_for_the_stream(changes: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    several(3)
    monkeypatch.setattr(entity_tally, "_rest", lambda: count(told(changes)) if not entity_tally.number() else None)
    assert recounted() == {"repaired": 0, "busy": False}
    assert entity_tally.number() == 3


def test_a_catalogue_that_does_not_come_to_rest_waits_for_the_next_night(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(range(100))

    def busy() -> None:
        with by_the_test():
            put(f"new-{next(names)}", f"N-{next(names)}")

    busy()
    monkeypatch.setattr(entity_tally, "_rest", busy)
    assert recounted() == {"repaired": 0, "busy": True}
    with pytest.raises(Contended):
        entity_tally.recount()
    assert entity_tally.number() == 0


# What is told of it.


def test_few_entities_are_counted_exactly_and_many_by_the_tally(api: Api, changes: Stream) -> None:
    def told_of() -> tuple[int, int]:
        page = api.get("/v1/Products?$count=true&$top=1&$select=ID").json()
        return int(api.get("/v1/Products/$count").text), page["@odata.count"]

    several(MOST)
    # The tally does not know of them yet.
    assert told_of() == (MOST, MOST)
    put("one-more", "M")
    # One more than are counted: there are at least so many.
    assert told_of() == (MOST + 1, MOST + 1)
    for number in range(40):
        put(f"more-{number}", f"M-{number}")
    count(told(changes))
    assert told_of() == (MOST + 41, MOST + 41)


def test_counting_asks_each_shard_once(api: Api, calls: Calls) -> None:
    several(MOST + 5)
    calls.clear()
    assert api.get("/v1/Products/$count").text == str(MOST + 5)
    assert sorted(call for call in calls if call != "dynamodb.UpdateItem") == [
        "dynamodb.GetItem",
        *["dynamodb.Query"] * 16,
    ]


def test_a_count_goes_on_where_one_shard_has_all_entities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchyard.catalogue.entity_lists._share", lambda _: 1)
    several(40)
    assert entity_lists.count(40) == entity_lists.count(100) == 40
    assert entity_lists.count(39) == 40
    assert 20 < entity_lists.count(20) <= 40


def test_a_count_of_a_filter_over_too_many_entities_is_refused_or_left_out(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchyard.odata.lists.MOST_LOOKED_AT", MOST)
    several(MOST + 1)
    dense = "$filter=startswith(Sku,'C-')"
    assert api.get(f"/v1/Products/$count?{dense}").status == 501
    page = api.get(f"/v1/Products?{dense}&$count=true&$top=5").json()
    assert "@odata.count" not in page
    assert len(page["value"]) == 5
    # By a key it is cheap.
    assert api.get("/v1/Products/$count?$filter=Sku in ('C-1','C-2')").text == "2"
