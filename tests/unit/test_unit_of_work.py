"""The unit of work: what an operation stages is committed together or not at all, and on what was read."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from batchyard.errors import Contended, TooLarge, Unavailable
from batchyard.store import blobs, clients, unit
from batchyard.store.blobs import Blob
from batchyard.store.tables import CHANNELS, EPHEMERA
from batchyard.store.unit import LARGEST_ITEM, MAX_ACTIONS, Unit, joined, read_many, read_one, transact

pytestmark = pytest.mark.usefixtures("stores")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between attempts."""
    monkeypatch.setattr("batchyard.store.unit.time.sleep", lambda _: None)


def key(number: int) -> dict[str, Any]:
    return {"yard": "channels", "pk": number}


def stored(number: int) -> Any:
    """What the table holds under a key, without its version."""
    item = read_one(CHANNELS, key(number))
    return None if item is None else {name: value for name, value in item.items() if name not in {"version", *key(0)}}


def put(number: int, **fields: Any) -> None:
    """Writes an item by a unit of its own."""

    def operation(work: Unit) -> None:
        work.get(CHANNELS, key(number))
        work.put(CHANNELS, {**key(number), **fields})

    transact(operation)


def remove(number: int) -> None:
    """Removes an item by a unit of its own."""

    def operation(work: Unit) -> None:
        work.get(CHANNELS, key(number))
        work.delete(CHANNELS, key(number))

    transact(operation)


def blob(name: str) -> Blob:
    return Blob(f"logs/1/1/{name}", name.encode(), "text/plain")


def in_bucket() -> set[str]:
    return {found["Key"] for found in clients.s3().list_objects_v2(Bucket=blobs.bucket()).get("Contents", [])}


def test_staged_writes_are_read_back_and_committed_at_the_end() -> None:
    work = Unit()
    assert work.get(CHANNELS, key(1)) is None
    work.put(CHANNELS, {**key(1), "name": "a"})
    assert work.get(CHANNELS, key(1)) == {**key(1), "name": "a", "version": 1}
    assert stored(1) is None
    work.commit()
    assert stored(1) == {"name": "a"}


@pytest.mark.parametrize("number_of_writes", [1, 2])
def test_items_expected_to_be_absent_are_not_read_and_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, number_of_writes: int
) -> None:
    def operation(work: Unit) -> None:
        numbers = range(1, number_of_writes + 1)
        if work.attempt == 1:
            with monkeypatch.context() as unread:
                unread.setattr(unit, "read_one", None)
                unread.setattr(unit, "_read", None)
                work.expect_none((CHANNELS, key(number)) for number in numbers)
                assert [work.get(CHANNELS, key(number)) for number in numbers] == [None] * number_of_writes
        attempts.append([(work.get(CHANNELS, key(number)) or {}).get("name") for number in numbers])
        for number in numbers:
            work.put(CHANNELS, {**key(number), "name": "new"})

    attempts: list[list[Any]] = []
    transact(operation)
    assert attempts == [[None] * number_of_writes]
    remove(1)
    put(1, name="another's")
    transact(operation)
    assert attempts[1:] == [[None] * number_of_writes, ["another's", "new"][:number_of_writes]]
    assert stored(1) == {"name": "new"}


def test_an_item_that_was_read_is_not_expected_to_be_absent() -> None:
    put(1, name="a")
    work = Unit()
    work.get(CHANNELS, key(1))
    work.expect_none([(CHANNELS, key(1))])
    assert (work.get(CHANNELS, key(1)) or {})["name"] == "a"


def test_several_writes_of_a_unit_are_one_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    put(1, name="a")
    put(2, name="b")
    work = Unit()
    for number in (1, 2, 3):
        work.get(CHANNELS, key(number))
    work.put(CHANNELS, {**key(1), "name": "changed"})
    work.delete(CHANNELS, key(2))
    work.put(CHANNELS, {**key(3), "name": "new"})
    for single in ("put_item", "delete_item"):
        monkeypatch.setattr(clients.dynamodb(), single, None)
    work.commit()
    assert [stored(number) for number in (1, 2, 3)] == [{"name": "changed"}, None, {"name": "new"}]


@pytest.mark.parametrize("writes", [1, 2])
@pytest.mark.parametrize("meanwhile", ["changed", "removed", "made"])
def test_an_item_changed_by_another_writer_is_contended(writes: int, meanwhile: str) -> None:
    if meanwhile != "made":
        put(1, name="a")
    work = Unit()
    work.get(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "name": "mine"})
    if writes == 2:
        work.put(CHANNELS, {**key(2), "name": "also mine"})
    if meanwhile == "removed":
        remove(1)
    else:
        put(1, name="theirs")
    before = stored(1)
    with pytest.raises(Contended):
        work.commit()
    assert (stored(1), stored(2)) == (before, None)


def test_a_removal_by_another_writer_is_contended() -> None:
    put(1, name="a")
    work = Unit()
    work.get(CHANNELS, key(1))
    work.delete(CHANNELS, key(1))
    remove(1)
    with pytest.raises(Contended):
        work.commit()


def test_an_equal_write_by_another_writer_is_contended() -> None:
    put(1, name="a")
    work = Unit()
    work.get(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "name": "the same"})
    put(1, name="the same")
    with pytest.raises(Contended):
        work.commit()
    assert stored(1) == {"name": "the same"}


def test_an_item_that_was_never_read_is_created_never_overwritten() -> None:
    put(1, name="a")
    work = Unit()
    work.put(CHANNELS, {**key(1), "name": "mine"})
    with pytest.raises(Contended):
        work.commit()
    assert stored(1) == {"name": "a"}


def test_an_item_is_read_once_and_returned_as_a_copy() -> None:
    put(1, name="a")
    work = Unit()
    found = work.get(CHANNELS, key(1))
    assert found is not None
    found["name"] = "scribbled on"
    put(1, name="b")
    again = work.get(CHANNELS, key(1))
    assert again is not None
    assert again["name"] == "a"


def test_an_item_created_and_removed_in_a_unit_is_not_written() -> None:
    work = Unit()
    work.get(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "name": "a"})
    work.delete(CHANNELS, key(1))
    assert work.get(CHANNELS, key(1)) is None
    work.commit()
    assert stored(1) is None


def test_an_item_removed_in_a_unit_can_be_created_anew() -> None:
    put(1, name="a", old=True)
    work = Unit()
    work.get(CHANNELS, key(1))
    work.delete(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "name": "b"})
    work.commit()
    assert stored(1) == {"name": "b"}


def test_an_item_changed_twice_in_a_unit_is_written_once() -> None:
    put(1, name="a")
    work = Unit()
    work.get(CHANNELS, key(1))
    for name in ("b", "c"):
        work.put(CHANNELS, {**key(1), "name": name})
    work.commit()
    assert stored(1) == {"name": "c"}
    put(1, name="d")
    assert stored(1) == {"name": "d"}


def test_only_an_existing_item_can_be_removed() -> None:
    work = Unit()
    work.get(CHANNELS, key(1))
    with pytest.raises(ValueError, match="nothing"):
        work.delete(CHANNELS, key(1))


def test_a_lost_race_runs_the_whole_operation_again() -> None:
    put(1, count=0)
    attempts = []

    def operation(work: Unit) -> int:
        found = work.get(CHANNELS, key(1))
        assert found is not None
        attempts.append(found["count"])
        assert work.attempt == len(attempts)
        if len(attempts) < 4:
            put(1, count=len(attempts))
        return int(work.put(CHANNELS, {**key(1), "count": int(found["count"]) + 10})["count"])

    assert transact(operation) == 13
    assert attempts == [0, 1, 2, 3]
    assert stored(1) == {"count": 13}


def test_an_operation_that_loses_every_race_gives_up() -> None:
    put(1, count=0)

    def operation(work: Unit) -> None:
        work.get(CHANNELS, key(1))
        put(1, count=1)
        work.put(CHANNELS, {**key(1), "count": 2})

    with pytest.raises(Contended):
        transact(operation)
    assert stored(1) == {"count": 1}


def test_an_operation_that_fails_writes_nothing() -> None:
    def operation(work: Unit) -> None:
        work.put(CHANNELS, {**key(1), "name": "a"})
        work.write_blob(blob("a"))
        raise LookupError

    with pytest.raises(LookupError):
        transact(operation)
    assert stored(1) is None
    assert in_bucket() == set()


def test_joined_operations_read_earlier_staged_writes_and_are_committed_together() -> None:
    def rename(work: Unit) -> str:
        found = work.get(CHANNELS, key(1)) or {**key(1), "name": ""}
        return str(work.put(CHANNELS, {**found, "name": str(found["name"]) + "x"})["name"])

    with joined(Unit()) as work:
        assert [transact(rename) for _ in range(3)] == ["x", "xx", "xxx"]
        transact(lambda inner: inner.put(CHANNELS, {**key(2), "name": "y"}))
        assert stored(1) is None
    assert stored(1) is None
    work.commit()
    assert (stored(1), stored(2)) == ({"name": "xxx"}, {"name": "y"})
    # Outside again, each commits by itself.
    assert transact(rename) == "xxxx"
    assert stored(1) == {"name": "xxxx"}


def test_a_joined_unit_that_fails_ends_with_its_block() -> None:
    def broken() -> None:
        with joined(Unit()):
            transact(lambda work: work.put(CHANNELS, {**key(1), "name": "a"}))
            raise LookupError

    with pytest.raises(LookupError):
        broken()
    put(2, name="b")
    assert (stored(1), stored(2)) == (None, {"name": "b"})


# Blobs.


def test_blobs_are_stored_before_items_that_point_at_them(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    for client, name in ((clients.s3(), "put_object"), (clients.dynamodb(), "put_item")):
        call = getattr(client, name)

        def noted(call: Any = call, called: Any = name, **arguments: Any) -> Any:
            order.append(called)
            return call(**arguments)

        monkeypatch.setattr(client, name, noted)
    work = Unit()
    work.put(CHANNELS, {**key(1), "log": "logs/1/1/a"})
    work.write_blob(blob("a"))
    assert work.read_blob("logs/1/1/a") == b"a"
    work.commit()
    assert order == ["put_object", "put_item"]
    assert blobs.read("logs/1/1/a") == b"a"


def test_blobs_of_a_lost_race_are_removed() -> None:
    work = Unit()
    work.get(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "log": "logs/1/1/a"})
    work.write_blob(blob("a"))
    put(1, name="theirs")
    with pytest.raises(Contended):
        work.commit()
    assert in_bucket() == set()


def test_a_unit_without_writes_stores_no_blob() -> None:
    work = Unit()
    work.write_blob(blob("a"))
    work.commit()
    assert in_bucket() == set()


def test_a_blob_is_never_overwritten() -> None:
    blobs.write(blob("a"))
    blobs.write(Blob("logs/1/1/a", b"another", "text/plain"))
    assert blobs.read("logs/1/1/a") == b"a"
    blobs.delete("logs/1/1/a")
    blobs.delete("logs/1/1/a")
    assert in_bucket() == set()


# What the store refuses.


def refusal(code: str, *reasons: str) -> ClientError:
    response: Any = {"Error": {"Code": code}, "CancellationReasons": [{"Code": reason} for reason in reasons]}
    return ClientError(response, "Write")


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (refusal("TransactionCanceledException", "None", "ConditionalCheckFailed"), Contended),
        (refusal("TransactionCanceledException", "TransactionConflict", "None"), Contended),
        (refusal("TransactionCanceledException", "None", "ThrottlingError"), Unavailable),
        (refusal("TransactionCanceledException", "ValidationError", "None"), ClientError),
        (refusal("TransactionInProgressException"), Unavailable),
        (refusal("ProvisionedThroughputExceededException"), Unavailable),
        (refusal("AccessDeniedException"), ClientError),
        (ConnectTimeoutError(endpoint_url="https://x"), Unavailable),
    ],
)
def test_a_refused_transaction_is_told_from_a_lost_race(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    def refused(**_: Any) -> Any:
        raise error

    work = Unit()
    for number in (1, 2):
        work.put(CHANNELS, {**key(number), "name": "a"})
    monkeypatch.setattr(clients.dynamodb(), "transact_write_items", refused)
    monkeypatch.setattr(unit, "_pause", lambda _: None)
    with pytest.raises(raised):
        work.commit()


@pytest.mark.parametrize("reason", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_throttled_transaction_is_tried_again_as_a_single_write_is(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    write = clients.dynamodb().transact_write_items
    tokens: list[str] = []
    pauses: list[int] = []

    def busy(**request: Any) -> Any:
        tokens.append(request["ClientRequestToken"])
        if len(tokens) < 4:
            raise refusal("TransactionCanceledException", "None", reason)
        return write(**request)

    work = Unit()
    for number in (1, 2):
        work.put(CHANNELS, {**key(number), "name": "a"})
    monkeypatch.setattr(clients.dynamodb(), "transact_write_items", busy)
    monkeypatch.setattr(unit, "_pause", pauses.append)
    work.commit()
    assert (stored(1), stored(2)) == ({"name": "a"}, {"name": "a"})
    # The same one, with more time between, so that one of which only the answer says otherwise is not written twice.
    assert (len(tokens), len(set(tokens))) == (4, 1)
    assert pauses == sorted(set(pauses))


def test_a_race_that_is_lost_while_the_table_is_throttled_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refused(**_: Any) -> Any:
        asked.append(1)
        raise refusal("TransactionCanceledException", "ThrottlingError", "ConditionalCheckFailed")

    work = Unit()
    for number in (1, 2):
        work.put(CHANNELS, {**key(number), "name": "a"})
    monkeypatch.setattr(clients.dynamodb(), "transact_write_items", refused)
    with pytest.raises(Contended):
        work.commit()
    assert len(asked) == 1


def test_a_transaction_has_a_token_of_its_own_so_that_a_repeat_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = []
    write = clients.dynamodb().transact_write_items

    def noted(**arguments: Any) -> Any:
        tokens.append(arguments["ClientRequestToken"])
        return write(**arguments)

    monkeypatch.setattr(clients.dynamodb(), "transact_write_items", noted)
    for _ in range(2):

        def both(work: Unit) -> None:
            for number in (1, 2):
                work.get(CHANNELS, key(number))
                work.put(CHANNELS, {**key(number), "name": "a"})

        transact(both)
    assert len(set(tokens)) == 2


def test_a_unit_of_more_writes_than_a_transaction_holds_is_too_large() -> None:
    work = Unit()
    for number in range(MAX_ACTIONS + 1):
        work.put(CHANNELS, {**key(number), "name": "a"})
    work.write_blob(blob("a"))
    with pytest.raises(TooLarge):
        work.commit()
    assert read_many(CHANNELS, [key(number) for number in range(MAX_ACTIONS + 1)]) == []
    assert in_bucket() == set()


@pytest.mark.parametrize("beside", [0, 1])
def test_an_item_larger_than_one_can_be_is_told_so_before_the_store_is_asked(
    beside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("put_item", "transact_write_items"):
        monkeypatch.setattr(clients.dynamodb(), name, lambda name=name, **_: asked.append(name))
    work = Unit()
    for number in range(1, 1 + beside):
        work.put(CHANNELS, {**key(number), "name": "a"})
    work.put(CHANNELS, {**key(0), "name": "é" * (LARGEST_ITEM // 2)})
    work.write_blob(blob("a"))
    with pytest.raises(TooLarge, match=f"of {LARGEST_ITEM} that can be"):
        work.commit()
    assert (asked, in_bucket()) == ([], set())


def test_contents_of_one_commit_have_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    content: Any = blob("a").content
    monkeypatch.setattr("batchyard.store.unit.LARGEST_CONTENTS", 2 * len(content))
    work = Unit()
    work.write_blob(blob("a"))
    work.write_blob(blob("b"))
    with pytest.raises(TooLarge):
        work.write_blob(blob("c"))


# Reading many.


def test_many_items_are_read_in_the_order_of_their_keys() -> None:
    for number in range(0, 130, 2):
        clients.dynamodb().put_item(
            TableName=CHANNELS.name, Item={"yard": {"S": "channels"}, "pk": {"N": str(number)}, "version": {"N": "1"}}
        )
    found = read_many(CHANNELS, [key(number) for number in range(200, -1, -1)])
    assert [item["pk"] for item in found] == list(range(128, -1, -2))
    assert read_many(CHANNELS, []) == []


def test_unprocessed_keys_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(10):
        put(number, name="a")
    client = clients.dynamodb()
    read, asked = client.batch_get_item, []

    def a_few(RequestItems: Any) -> Any:
        keys = RequestItems[CHANNELS.name]["Keys"]
        asked.append(len(keys))
        assert RequestItems[CHANNELS.name]["ConsistentRead"]
        answer = read(RequestItems={CHANNELS.name: {"Keys": keys[:3], "ConsistentRead": True}})
        left = {CHANNELS.name: {"Keys": keys[3:], "ConsistentRead": True}} if keys[3:] else {}
        return {**answer, "UnprocessedKeys": left}

    monkeypatch.setattr(client, "batch_get_item", a_few)
    assert [item["pk"] for item in read_many(CHANNELS, [key(number) for number in range(10)])] == list(range(10))
    assert asked == [10, 7, 4, 1]


def test_a_table_that_answers_nothing_at_all_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def nothing(RequestItems: Any) -> Any:
        calls.append(1)
        return {"Responses": {}, "UnprocessedKeys": RequestItems}

    monkeypatch.setattr(clients.dynamodb(), "batch_get_item", nothing)
    with pytest.raises(Unavailable):
        read_many(CHANNELS, [key(1)])
    assert 1 < len(calls) < 20


def test_items_of_any_table_are_told_apart() -> None:
    work = Unit()
    work.put(EPHEMERA, {"id": "channels", "at": 1, "name": "a"})
    work.put(CHANNELS, {"yard": "channels", "pk": 1, "name": "b"})
    assert work.get(EPHEMERA, {"id": "channels", "at": 1}) == {"id": "channels", "at": 1, "name": "a", "version": 1}
    work.commit()
    assert stored(1) == {"name": "b"}


def queried(number: int) -> Any:
    """An item as a query would find it."""
    return read_one(CHANNELS, key(number))


def test_an_adopted_item_of_a_query_is_the_condition_of_the_commit() -> None:
    put(1, name="a")
    work = Unit()
    assert work.adopt(CHANNELS, queried(1)) == {**key(1), "name": "a", "version": 1}
    work.put(CHANNELS, {**key(1), "name": "mine"})
    work.commit()
    assert stored(1) == {"name": "mine"}
    work = Unit()
    work.adopt(CHANNELS, queried(1))
    put(1, name="theirs")
    work.put(CHANNELS, {**key(1), "name": "mine again"})
    with pytest.raises(Contended):
        work.commit()
    assert stored(1) == {"name": "theirs"}


def test_an_adopted_item_does_not_replace_staged_or_read_items() -> None:
    put(1, name="a")
    put(2, name="b")
    put(3, name="c")
    work = Unit()
    work.get(CHANNELS, key(1))
    work.put(CHANNELS, {**key(1), "name": "staged"})
    work.get(CHANNELS, key(2))
    work.delete(CHANNELS, key(2))
    work.get(CHANNELS, key(3))
    put(3, name="theirs")
    found = [work.adopt(CHANNELS, queried(number)) for number in (1, 2, 3)]
    assert [item and item["name"] for item in found] == ["staged", None, "c"]
    work.put(CHANNELS, {**key(3), "name": "mine"})
    with pytest.raises(Contended):
        work.commit()
