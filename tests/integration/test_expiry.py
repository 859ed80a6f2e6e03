"""What goes on by schedule: batches whose expiry date is over are expired, and can be made active again."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from batchyard import clock
from batchyard.clock import iso
from batchyard.store import clients, due
from batchyard.store.tables import PRODUCT_BATCHES
from batchyard.store.unit import Unit
from product_batches import expire, publish
from tests.integration.conftest import SECRET, Calls
from tests.support.api import Api, Context
from tests.support.clean_up import Hurried
from tests.support.lots import BATCHES, COLLECTION, GTIN, LOT, PUBLIC, codes, make
from tests.support.messages import drained
from tests.support.streams import Stream, deliver

HOUR = 3600


def run(context: Context | None = None) -> dict[str, Any]:
    """What a run by the schedule answers."""
    answer = expire.handler({"detail-type": "Scheduled Event"}, context or Context())
    assert list(answer) == ["expired", "finished", "announced"]
    return answer


def expired() -> int:
    """How many batches a run has expire that comes to its end."""
    answer = run()
    assert answer["finished"]
    return int(answer["expired"])


def states(api: Api, *ids: str) -> list[str]:
    """The statuses of batches."""
    return [api.get(f"{BATCHES}/{id}").json()["status"] for id in ids]


@pytest.fixture
def soon(at: Callable[[float], None]) -> str:
    """A moment one hour from now; the clock stands still."""
    at(HOUR)
    moment = iso(clock.now())
    at(0)
    return moment


def test_a_lot_expires_at_its_moment_and_the_change_is_published(
    api: Api, soon: str, at: Callable[[float], None], lot_stream: Stream, event_queue: str, leftovers_queue: str
) -> None:
    made = make(api, expiryDate=soon, quantity=7, theirs={"kept": True})
    lot_stream.read()
    at(HOUR - 0.000001)
    assert expired() == 0
    assert api.get(f"{BATCHES}/L1").json() == made
    at(HOUR)
    assert expired() == 1
    found = api.get(f"{BATCHES}/L1").json()
    assert found == {**made, "status": "expired", "version": 2, "updatedAt": soon}
    assert api.get("/public/collection/wines/product/barolo/batch/L1").json()["status"] == "expired"
    at(2 * HOUR)
    assert expired() == 0
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    [event] = drained(event_queue)
    assert (event["detail"]["oldStatus"], event["detail"]["newStatus"]) == ("active", "expired")


def test_an_expiry_date_is_over_at_the_end_of_its_day(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    end = int(datetime(2031, 6, 1, tzinfo=UTC).timestamp())
    make(api, "day", expiryDate="2031-05-31")
    make(api, "seconds", expiryDate={"seconds": end - 86_400})
    found = []
    for moment in (end - 86_400, end - 1, end):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment * 1_000_000)
        run()
        found.append(states(api, "day", "seconds"))
    assert found == [["active", "active"], ["active", "active"], ["expired", "expired"]]


def test_an_expired_lot_is_shown_as_expired_before_the_schedule_runs(
    api: Api, soon: str, at: Callable[[float], None], lot_stream: Stream, event_queue: str, leftovers_queue: str
) -> None:
    make(api, expiryDate=soon, quantity=1, gtin=GTIN)
    [code] = codes(api)
    at(HOUR)
    public = Api(None).get(f"{PUBLIC}/product/barolo/batch/L1").json()
    verified = Api(None).get(f"{PUBLIC}/verifySN/{code}").json()["batch"]
    listed = (
        api.get(f"{COLLECTION}/batch").json() + api.get(BATCHES).json() + api.get(f"{COLLECTION}/batch?search=l").json()
    )
    found = [api.get(f"{COLLECTION}/batch/L1").json(), api.get(f"{COLLECTION}/lookupSN/{code}").json()["batch"]]
    assert {one["status"] for one in (public, verified, *listed, *found, api.get(LOT).json())} == {"expired"}
    # Whoever changes it then has it stored, as the schedule would have.
    lot_stream.read()
    assert api.put(LOT, {"name": "x"}).json()["status"] == "expired"
    assert expired() == 0
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    [event] = drained(event_queue)
    detail = event["detail"]
    assert (detail["oldStatus"], detail["newStatus"], detail["trigger"]) == ("active", "expired", "expiry")
    assert make(api, "L2", expiryDate="2020-01-01")["status"] == "expired"
    assert make(api, "L2", expiryDate="2020-01-01")["version"] == 1


def test_only_active_lots_expire(api: Api, soon: str, at: Callable[[float], None], calls: Calls) -> None:
    ids = ["draft", "active", "recalled", "expired", "withdrawn", "archived"]
    for id in ids:
        make(api, id, status=id, expiryDate=soon)
    make(api, "for-ever")
    at(2 * HOUR)
    calls.clear()
    assert expired() == 1
    # One of each shard, and then the same for exports that nobody works on.
    shards = ["dynamodb.Query"] * due.SHARDS
    assert calls == [*shards, "dynamodb.GetItem", "dynamodb.PutItem", *shards]
    assert states(api, *ids, "for-ever") == ["draft", "expired", *ids[2:], "active"]


def test_the_index_of_lots_by_expiry_is_spread_over_partitions(api: Api, soon: str) -> None:
    """A partition takes 1,000 write units a second, and the index is of all collections."""
    for number in range(200):
        make(api, f"L{number}", expiryDate=soon)
    rows = clients.dynamodb().scan(TableName=PRODUCT_BATCHES.name, IndexName="by_expiry")["Items"]
    partitions = Counter(row["expiring"]["S"] for row in rows)
    assert partitions.total() == 200
    assert len(partitions) == due.SHARDS
    assert max(partitions.values()) < 40


def test_the_lot_due_the_longest_expires_first(
    api: Api, soon: str, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "_AT_ONCE", 2)
    moments = random.Random(5).sample(range(HOUR), 40)
    for number, seconds in enumerate(moments):
        at(seconds)
        moment = iso(clock.now())
        at(0)
        make(api, f"L{number}", expiryDate=moment)
    at(HOUR)
    assert run(Hurried(25)) == {"expired": 25, "finished": False, "announced": 0}
    found = states(api, *(f"L{number}" for number in range(40)))
    stored = {row["batch_id"]["S"] for row in scanned() if row["status"]["S"] == "expired"}
    assert set(found) == {"expired"}
    assert stored == {f"L{moments.index(seconds)}" for seconds in sorted(moments)[:25]}


def scanned() -> list[Any]:
    """The items of batches."""
    rows = clients.dynamodb().scan(TableName=PRODUCT_BATCHES.name)["Items"]
    return [row for row in rows if row["sort_key"]["S"].startswith("batch ")]


def test_a_later_expiry_date_allows_an_expired_lot_to_be_active_again(
    api: Api, soon: str, at: Callable[[float], None]
) -> None:
    make(api, expiryDate=soon)
    at(3 * HOUR)
    later = iso(clock.now())
    at(HOUR)
    assert expired() == 1
    # The date alone does not.
    assert api.put(f"{BATCHES}/L1", {"expiryDate": later}).json()["status"] == "expired"
    assert api.put(f"{BATCHES}/L1", {"status": "active"}).json()["status"] == "active"
    assert expired() == 0
    at(3 * HOUR)
    assert expired() == 1
    assert api.put(f"{BATCHES}/L1", {"status": "active", "expiryDate": None}).json()["status"] == "active"
    at(100 * HOUR)
    assert expired() == 0
    assert states(api, "L1") == ["active"]


def test_a_lot_changed_during_its_expiry_is_left_alone(
    api: Api, soon: str, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for id in ("L1", "L2", "L3"):
        make(api, id, expiryDate=soon)
    at(HOUR)
    commit = Unit.commit
    others: Iterator[tuple[str, str, Any]] = iter(
        [("PUT", f"{BATCHES}/L1", {"expiryDate": "2999-01-01", "status": "active"}), ("DELETE", f"{BATCHES}/L2", None)]
    )

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        if (other := next(others, None)) is not None:
            assert api(*other).status == 200
            monkeypatch.setattr(Unit, "commit", overtaken)
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    assert expired() == 1
    monkeypatch.setattr(Unit, "commit", commit)
    assert states(api, "L1", "L3") == ["active", "expired"]
    assert api.get(f"{BATCHES}/L2").status == 404


def test_a_lot_that_fails_to_expire_keeps_no_other_lot_and_is_logged(
    api: Api, soon: str, at: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    for id in ("L1", "L2", "L3"):
        make(api, id, expiryDate=soon)
    key = {"collection_id": {"S": "wines"}, "sort_key": {"S": "batch L2 barolo"}}

    def write_fields(text: str) -> None:
        clients.dynamodb().update_item(
            TableName=PRODUCT_BATCHES.name,
            Key=key,
            UpdateExpression="SET #fields = :fields",
            ExpressionAttributeNames={"#fields": "fields"},
            ExpressionAttributeValues={":fields": {"S": text}},
        )

    write_fields(f'{{"{SECRET}')
    at(HOUR)
    with pytest.raises(RuntimeError, match="1 batches could not expire, 2 did"):
        run()
    assert states(api, "L1", "L3") == ["expired", "expired"]
    assert [record.message.partition(" at ")[0] for record in caplog.records if record.levelname == "ERROR"] == [
        "unforeseen JSONDecodeError"
    ]
    with pytest.raises(RuntimeError, match="1 batches could not expire, 0 did"):
        run()
    write_fields("{}")
    assert expired() == 0
    write_fields(f'{{"expiryDate":"{soon}"}}')
    assert expired() == 1


def test_expiry_goes_on_in_the_next_run_when_time_runs_out(api: Api, soon: str, at: Callable[[float], None]) -> None:
    ids = [f"L{number}" for number in range(7)]
    for id in ids:
        make(api, id, expiryDate=soon)
    at(HOUR)
    found = [run(Hurried(3)) for _ in range(3)]
    assert found == [
        {"expired": 3, "finished": False, "announced": 0},
        {"expired": 3, "finished": False, "announced": 0},
        {"expired": 1, "finished": True, "announced": 0},
    ]
    assert states(api, *ids) == ["expired"] * 7


def test_a_lot_created_again_after_its_expiry_is_answered_as_it_is(
    api: Api, soon: str, at: Callable[[float], None]
) -> None:
    given = {"id": "L1", "gtin": GTIN, "expiryDate": soon, "quantity": 3}
    made = api.post(BATCHES, given).json()
    at(HOUR)
    for stored in (False, True):
        if stored:
            assert expired() == 1
        found = api.get(LOT).json()
        # As it was made, with the default said, and as it is answered now.
        for again in (given, {**given, "status": "active"}, made, {**given, "status": "expired"}, found):
            answer = api.post(BATCHES, again)
            assert (answer.status, answer.json()) == (200, found)
        for other in ({**given, "status": "recalled"}, {**given, "expiryDate": "2020-01-01"}):
            assert api.post(BATCHES, other).status == 409


def test_a_lot_that_was_made_expired_before_its_time_is_not_the_active_one(api: Api, soon: str) -> None:
    make(api, expiryDate=soon, status="expired")
    assert api.post(BATCHES, {"id": "L1", "expiryDate": soon}).status == 409


def test_an_expired_lot_is_not_made_active_while_its_date_is_over(
    api: Api, soon: str, at: Callable[[float], None], lot_stream: Stream, event_queue: str
) -> None:
    make(api, expiryDate=soon)
    at(HOUR)
    assert expired() == 1
    found = api.get(LOT).json()
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    drained(event_queue)
    # It would expire in the same moment: no change, no events back and forth.
    for _ in range(2):
        answer = api.put(LOT, {"status": "active"}, headers={"If-Match": '"2"'})
        assert (answer.status, answer.json()) == (200, found)
    assert api.put(LOT, {"status": "active", "name": "x"}).json()["version"] == 3
    assert expired() == 0
    assert deliver(publish.handler, lot_stream.read()) == {"batchItemFailures": []}
    assert [event["detail-type"] for event in drained(event_queue)] == []
    assert states(api, "L1") == ["expired"]


@pytest.mark.parametrize("path", [LOT, f"{COLLECTION}/batch/L1"])
def test_the_entity_tag_of_a_lot_tells_that_it_is_expired(
    api: Api, soon: str, at: Callable[[float], None], path: str
) -> None:
    made = api.post(BATCHES, {"id": "L1", "expiryDate": soon})
    tag = made.headers["ETag"]
    assert api.get(path, headers={"If-None-Match": tag}).status == 304
    at(HOUR)
    found = api.get(path, headers={"If-None-Match": tag})
    assert (found.status, found.json()["status"]) == (200, "expired")
    assert api.get(path, headers={"If-None-Match": found.headers["ETag"]}).status == 304
    # Nobody has changed it, so whoever read it before may change it now.
    changed = api.put(LOT, {"name": "x"}, headers={"If-Match": tag})
    assert (changed.status, changed.json()["version"]) == (200, 2)
    assert api.get(path, headers={"If-None-Match": changed.headers["ETag"]}).status == 304
    assert api.put(LOT, {"name": "y"}, headers={"If-Match": changed.headers["ETag"]}).status == 200
    assert api.put(LOT, {"name": "z"}, headers={"If-Match": changed.headers["ETag"]}).status == 412
