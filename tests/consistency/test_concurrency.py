"""Many clients and many functions at the same time."""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from batchyard import clock
from batchyard.batch_requests import ids, operations, rules
from batchyard.batch_requests.rules import BatchRequest, Wanted
from batchyard.channels import operations as channels
from batchyard.channels.rules import Channel
from batchyard.errors import Invalid, NotFound, Throttled
from batchyard.http import limits
from batchyard.store import clients
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import Unit, joined, retrying
from tests.consistency import client_process
from tests.consistency.cases import small_items, some
from tests.consistency.workers import at_once, environments, in_processes
from tests.consistency.world import World
from tests.support.api import batches

pytestmark = pytest.mark.engine

WORKERS = 32


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_items():
        yield


@pytest.fixture
def channel(world: World) -> int:
    return world.api.open_channel()


def _update(channel: int, pk: int, **fields: Any) -> Callable[[], BatchRequest]:
    change: Wanted = {**fields}  # type: ignore[typeddict-item]
    if "objects" in change:
        change["objects"] = [{**dict.fromkeys(rules.OBJECT_FIELDS), **entry} for entry in change["objects"] or []]
    return partial(operations.update, channel, pk, change, by="tester")


def _version(world: World, channel: int, pk: int) -> int:
    return next(int(item["version"]) for item in world.items(channel) if item["pk"] == pk)


@pytest.mark.parametrize("seed", [0, 1], ids=["in the item", "in S3"])
def test_no_concurrent_merge_of_objects_is_lost(world: World, channel: int, seed: int) -> None:
    pk = world.api.open_batch(channel, status="commit")["pk"]
    before = _version(world, channel, pk)
    answers = at_once(
        [
            _update(channel, pk, status="commit", objects=some(4, first=3 * worker, seed=(worker + 1) * seed))
            for worker in range(WORKERS)
        ]
    )
    assert all(isinstance(answer, BatchRequest) for answer in answers), answers
    objects = json.loads(operations.retrieve(channel, pk).objects or "")
    assert sorted(entry["pk"] for entry in objects) == list(range(3 * WORKERS + 1))
    assert _version(world, channel, pk) == before + WORKERS
    # Each answer shows a version of its own: what the worker itself had just made of it.
    assert len({answer.version for answer in answers if isinstance(answer, BatchRequest)}) == WORKERS
    world.follow()
    world.must_be_whole(channel)


def test_single_changes_and_change_sets_meet(world: World, channel: int) -> None:
    pks = [world.api.open_batch(channel, status="commit")["pk"] for _ in range(2)]

    def merge(worker: int, *, into: list[int]) -> None:
        for pk in into:
            _update(channel, pk, objects=some(3, first=3 * worker))()

    def change_set(worker: int, unit: Unit) -> None:
        with joined(unit):
            merge(worker, into=pks)
        unit.commit()

    singles = [partial(merge, worker, into=pks[:1]) for worker in range(0, WORKERS, 2)]
    together = [partial(retrying, partial(change_set, worker)) for worker in range(1, WORKERS, 2)]
    assert at_once([*singles, *together]) == [None] * WORKERS
    held = [{entry["pk"] for entry in json.loads(operations.retrieve(channel, pk).objects or "")} for pk in pks]
    assert held[0] == set(range(3 * WORKERS))
    assert held[1] == {pk for pk in held[0] if pk // 3 % 2}
    world.follow()
    world.must_be_whole(channel)


def test_one_worker_sends_a_batch_off(world: World, channel: int) -> None:
    pk = world.api.open_batch(channel, status="commit")["pk"]
    before = _version(world, channel, pk)
    moves = [
        _update(channel, pk, status="sent_to_remote", remote_batch_id=f"remote {worker}") for worker in range(WORKERS)
    ]
    answers = at_once(moves)
    winners = [answer for answer in answers if isinstance(answer, BatchRequest)]
    assert len(winners) == 1
    assert all(isinstance(answer, Invalid) for answer in answers if answer is not winners[0]), answers
    assert operations.retrieve(channel, pk) == winners[0]
    assert winners[0].version == before + 1


def test_one_final_status_of_a_batch_request_wins(world: World, channel: int) -> None:
    pk = world.api.open_batch(channel, status="commit")["pk"]
    for status in ("sent_to_remote", "ongoing"):
        world.api.patch(batches(channel, pk), {"status": status})
    before = _version(world, channel, pk)
    ends = ["done", "fail"] * (WORKERS // 2)
    answers = at_once([_update(channel, pk, status=end) for end in ends])
    final = operations.retrieve(channel, pk)
    assert final.version == before + 1
    for end, answer in zip(ends, answers, strict=True):
        # Whoever wanted the same end has repeated the move; whoever wanted the other one has lost it.
        assert answer == final if end == final.status else isinstance(answer, Invalid)
    world.follow()
    assert (0, "ongoing", final.status) in world.moves(channel)
    assert len([move for move in world.moves(channel) if move[1] == "ongoing"]) == 1


def test_identical_repeated_updates_are_one_version_of_a_batch_request(world: World, channel: int) -> None:
    pk = world.api.open_batch(channel, status="commit")["pk"]
    before = _version(world, channel, pk)
    change: Wanted = {"status": "fail", "objects": [{**dict.fromkeys(rules.OBJECT_FIELDS), "pk": 1}]}
    answers = at_once([partial(operations.update, channel, pk, change, by="tester", log_file="the same")] * WORKERS)
    assert {answer.version for answer in answers if isinstance(answer, BatchRequest)} == {before + 1}
    assert all(isinstance(answer, BatchRequest) for answer in answers), answers
    world.follow()
    world.must_be_whole(channel)


def test_one_key_opens_one_batch_request(world: World, channel: int) -> None:
    opening = partial(operations.open_one, channel, by="one", idempotency_key="the same")
    answers = at_once([opening] * 16)
    assert len({answer.to_json() for answer in answers}) == 1, answers
    assert [item["pk"] for item in world.items(channel)] == [answers[0].pk]
    assert operations.open_one(channel, by="another", idempotency_key="the same") != answers[0]


def test_channels_made_at_once_are_as_many(world: World) -> None:
    answers = at_once([partial(channels.create, {"name": f"Marketplace {number}"}) for number in range(16)])
    made = [channel.pk for channel in answers if isinstance(channel, Channel)]
    assert len(made) == len(set(made)) == 16, answers


def test_a_deleted_batch_request_stays_deleted(world: World, channel: int) -> None:
    for _ in range(4):
        pk = world.api.open_batch(channel, status="commit", objects=some(30, seed=1))["pk"]
        changes = [
            _update(channel, pk, objects=some(20, first=20 * worker, seed=worker + 1)) for worker in range(WORKERS // 4)
        ]
        answers = at_once([*changes, partial(operations.delete, channel, pk), *changes])
        assert answers[len(changes)] is None
        assert all(isinstance(answer, BatchRequest | NotFound) for answer in answers if answer is not None), answers
        with pytest.raises(NotFound):
            operations.retrieve(channel, pk)
    assert world.items(channel) == []
    world.follow()
    world.must_be_whole(channel)


def test_changes_are_counted_once_however_they_are_delivered(world: World, channel: int) -> None:
    for number in range(12):
        opened = world.api.open_batch(channel, status="commit", content_type=f"type {number % 3}")
        if number % 2:
            world.api.patch(batches(channel, opened["pk"]), {"status": "done"})
    world.api.delete(batches(channel, world.items(channel)[0]["pk"]))  # type: ignore[arg-type]

    def until_taken() -> None:
        for _ in range(20):
            try:
                world.deliver("tally")
            except clients.dynamodb().exceptions.TransactionCanceledException:
                # Two deliveries met in the store; Lambda repeats the one that lost.
                continue
            return
        raise AssertionError("never taken")

    assert at_once([until_taken] * 8) == [None] * 8
    world.must_be_whole(channel)


# Execution environments.


def test_primary_keys_are_unique_over_environments(world: World) -> None:
    def made(environment: Any) -> list[int]:
        return [environment.next_pk() for _ in range(100)]

    # Two generations: the second one leases anew within the same window.
    keys = [
        key
        for _ in range(2)
        for found in at_once([partial(made, environment) for environment in environments(ids, 16)])
        for key in found
    ]
    assert len(keys) == len(set(keys)) == 3200
    assert max(keys) < 2**53


def test_primary_keys_stay_unique_when_the_clock_goes_back_or_a_window_is_full(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = clock.now()
    window = moment >> 13 + 15
    keys: list[int] = []
    for offset in (0, -400_000_000, 0, -50_000):
        monkeypatch.setattr(clock, "now", lambda at=moment + offset: at)
        for environment in environments(ids, 4):
            made = [environment.next_pk() for _ in range(50)]
            assert made == sorted(made)
            keys += made
    monkeypatch.setattr(clock, "now", lambda: moment)
    survivor = environments(ids, 1)[0]
    keys.append(survivor.next_pk())
    monkeypatch.setattr(clock, "now", lambda: moment - 3_600_000_000)
    keys.append(survivor.next_pk())
    assert keys[-1] > keys[-2]
    monkeypatch.setattr(clock, "now", lambda: moment)
    clients.dynamodb().update_item(
        TableName=EPHEMERA.name,
        Key={"id": {"S": "pk-nodes"}, "at": {"N": str(window)}},
        UpdateExpression="SET taken = :nearly",
        ExpressionAttributeValues={":nearly": {"N": "2046"}},
    )
    for environment in environments(ids, 4):
        keys += [environment.next_pk() for _ in range(10)]
    assert len(keys) == len(set(keys))
    assert len({key >> 13 + 15 for key in keys}) > 2


@pytest.mark.parametrize(("limit", "share"), [(2000, 0.9), (20, 0.7)])
def test_requests_beyond_the_limit_are_refused_over_all_environments(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: int, share: float
) -> None:
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)

    def granted(environment: Any) -> int:
        served = 0
        try:
            while True:
                environment.take("tok_1", limit)
                served += 1
        except Throttled:
            return served

    served = at_once([partial(granted, environment) for environment in environments(limits, 8)])
    total = sum(number for number in served if isinstance(number, int))
    assert len(served) == 8
    assert share * limit <= total <= limit, served


def test_processes_that_change_batch_requests_share_only_the_store(world: World, channel: int) -> None:
    opened = [world.api.open_batch(channel, status="commit")["pk"] for _ in range(3)]
    workers = range(3)
    entries = in_processes([partial(client_process.run, channel, opened, worker) for worker in workers])
    found = list(itertools.chain.from_iterable(entries))
    made = [pk for kind, status, pk in found if (kind, status) == ("open", 201)]
    assert len(made) == len(set(made)) == 30
    assert Counter((kind, status) for kind, status, _ in found if kind != "open") == {
        ("merge", 200): 27,
        ("send", 200): 3,
        ("send", 400): 6,
    }
    for pk in opened:
        assert len(json.loads(operations.retrieve(channel, pk).objects or "")) == 9
    assert {item["pk"] for item in world.items(channel)} == {*opened, *made}
    world.follow()
    world.must_be_whole(channel)
