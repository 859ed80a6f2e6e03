"""What DynamoDB bounds and moto does not: the size of an item, and what one transaction can do."""

import threading
from typing import Any

import pytest

from batchyard.batch_requests import operations, repository, rules
from batchyard.batch_requests.rules import BatchRequest
from batchyard.errors import Contended, NotFound
from batchyard.store import blobs, clients, contents, items
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import MAX_ACTIONS, Unit, joined, read_one
from tests.consistency.cases import some
from tests.consistency.faults import at_call, lost_answer
from tests.consistency.world import World
from tests.support.api import batches

pytestmark = pytest.mark.engine


@pytest.fixture
def channel(world: World) -> int:
    return world.api.open_channel()


def _opened(channel: int) -> int:
    return operations.open_one(channel, by="tester").pk


# Items.


@pytest.mark.parametrize("number", [1450, 1900, 2100, 10_000])
def test_objects_of_any_size_are_kept(world: World, channel: int, number: int) -> None:
    """Around what an item holds, and far beyond: none of it can be compressed much."""
    log = "".join(f"line {line}\n" for line in range(50_000))
    objects = some(number, seed=number)
    opened = world.api.open_batch(channel, status="commit", content_type="x" * 255, remote_batch_id="y" * 255)
    url = batches(channel, opened["pk"])
    answer = world.api.patch(url, {"objects": objects, "log_file": log})
    assert answer.status == 200, answer.text
    shown = world.api.get(url).json()["objects"]
    assert [(entry["pk"], entry["remote_id"]) for entry in shown] == [
        (entry["pk"], entry["remote_id"]) for entry in objects
    ]
    stored = sum(len(blobs.read(key)) for key in world.stored(channel, blobs.OBJECTS))
    (item,) = world.items(channel)
    inline = item.get("objects", b"")
    assert isinstance(inline, bytes)
    assert (stored > contents.INLINE_BYTES) is not (0 < len(inline) <= contents.INLINE_BYTES)
    world.follow()
    world.must_be_whole(channel)


def test_the_largest_item_fits(world: World, channel: int) -> None:
    """Everything at its largest beside objects that just stay in the item."""
    batch = BatchRequest(
        channel=2**53,
        pk=2**53,
        local_batch_id="0" * 36,
        status="sent_to_remote",
        modified=2**53,
        remote_batch_id="𝄞" * 255,
        content_type="𝄞" * 255,
        log_key=blobs.new_key(blobs.LOGS, 2**53, 2**53),
        log_digest="0" * 64,
    )
    item, blob = repository.encode(batch)
    assert blob is None
    unit = Unit()
    unit.put(BATCH_REQUESTS, {**item, "objects": bytes(contents.INLINE_BYTES)})
    unit.commit()
    found = read_one(BATCH_REQUESTS, repository.key_of(2**53, 2**53))
    assert found is not None
    assert found["objects"] == bytes(contents.INLINE_BYTES)


# Units.


def _rename(channel: int, pk: int, name: str) -> BatchRequest:
    return operations.update(channel, pk, {"remote_batch_id": name}, by="tester")


def test_a_hundred_items_are_committed_at_once(world: World, channel: int) -> None:
    pks = [_opened(channel) for _ in range(MAX_ACTIONS)]
    unit = Unit()
    seen_by_others: list[str | None] = []
    with joined(unit):
        for pk in pks[:-2]:
            first_answer = _rename(channel, pk, "staged")
            # What follows in the same unit reads what was staged.
            assert operations.retrieve(channel, pk) == first_answer
            second = operations.update(channel, pk, {"status": "commit"}, by="tester")
            assert (second.remote_batch_id, second.status) == ("staged", "commit")
        operations.delete(channel, pks[-2])
        with pytest.raises(NotFound):
            operations.retrieve(channel, pks[-2])
        made = _opened(channel)
        outside = threading.Thread(
            target=lambda: seen_by_others.extend(operations.retrieve(channel, pk).remote_batch_id for pk in pks)
        )
        outside.start()
        outside.join()
    assert seen_by_others == [None] * MAX_ACTIONS
    unit.commit()
    found = {item["pk"]: item for item in world.items(channel)}
    assert set(found) == {*pks, made} - {pks[-2]}
    assert all(found[pk]["remote_batch_id"] == "staged" for pk in pks[:-2])
    assert {found[pk]["version"] for pk in pks[:-2]} == {3}
    world.follow()
    world.must_be_whole(channel)


def test_a_unit_that_loses_its_race_leaves_nothing(world: World, channel: int) -> None:
    pks = [_opened(channel) for _ in range(20)]
    unit = Unit()
    with joined(unit):
        for pk in pks:
            _rename(channel, pk, "of the unit")
        operations.update(
            channel, pks[0], {"status": "commit", "objects": _large()}, by="tester", log_file="of the unit"
        )
        opened = _opened(channel)
    _rename(channel, pks[7], "of another")
    with pytest.raises(Contended):
        unit.commit()
    names = {int(item["pk"]): item.get("remote_batch_id") for item in world.items(channel)}
    assert names == {**dict.fromkeys(pks), pks[7]: "of another"}
    assert opened not in names
    # It knows that it wrote nothing that others could point at, so it leaves nothing to the sweep either.
    assert world.stored(channel, blobs.OBJECTS, blobs.LOGS) == set()


def test_a_unit_whose_answer_gets_lost_is_committed_once(world: World, channel: int) -> None:
    pks = [_opened(channel) for _ in range(10)]
    unit = Unit()
    with joined(unit):
        for pk in pks:
            _rename(channel, pk, "staged")
        operations.update(channel, pks[0], {"status": "commit", "objects": _large()}, by="tester", log_file="staged")
    with at_call(1, lost_answer, of="TransactWriteItems") as strike:
        unit.commit()
    assert strike
    assert {item["remote_batch_id"] for item in world.items(channel)} == {"staged"}
    world.follow()
    world.must_be_whole(channel)


def test_readers_see_a_unit_whole_or_not_at_all(world: World, channel: int) -> None:
    pks = [_opened(channel) for _ in range(30)]
    gets: Any = [
        {"Get": {"TableName": BATCH_REQUESTS.name, "Key": items.encode(repository.key_of(channel, pk))}} for pk in pks
    ]
    seen: list[set[Any]] = []
    stop = threading.Event()

    def read() -> None:
        dynamodb = clients.dynamodb()
        while not stop.is_set():
            try:
                found = dynamodb.transact_get_items(TransactItems=gets)["Responses"]
            except dynamodb.exceptions.TransactionCanceledException:
                # It met a commit half way.
                continue
            seen.append({items.decode(entry["Item"]).get("remote_batch_id") for entry in found})

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(5):
            unit = Unit()
            with joined(unit):
                for pk in pks:
                    _rename(channel, pk, f"round {number}")
            unit.commit()
    finally:
        stop.set()
        reader.join()
    assert seen
    assert all(len(names) == 1 for names in seen)
    assert {row["remote_batch_id"] for row in world.items(channel)} == {"round 4"}


def test_an_item_created_and_removed_within_a_unit_is_never_stored(world: World, channel: int) -> None:
    unit = Unit()
    with joined(unit):
        opened = _opened(channel)
        operations.delete(channel, opened)
    unit.commit()
    assert world.items(channel) == []


def _large() -> list[dict[str, Any]]:
    return [{**dict.fromkeys(rules.OBJECT_FIELDS), **entry} for entry in some(2100, seed=5)]
