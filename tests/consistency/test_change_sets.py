"""Change sets where others look on, interfere, or the process ends in the middle: all of it or nothing."""

import base64
import itertools
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from batchyard.batch_requests import operations, repository
from batchyard.store import contents, items, unit
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import read_one
from tests.consistency import batch_process
from tests.consistency.cases import small_items, some
from tests.consistency.faults import Crash, Fault, at_call, crash_after, crash_before, first, lost_answer, never_sent
from tests.consistency.workers import in_processes
from tests.consistency.world import World
from tests.support.api import batches
from tests.support.batch import Part, request, run_change_set, run_flat
from tests.support.engines import DYNAMODB_LOCAL, Engine

pytestmark = pytest.mark.engine

MOST_CALLS = 40

Answers = list[Part] | Part


@pytest.fixture
def small() -> Iterator[None]:
    with small_items():
        yield


class Scene:
    """A channel with three batch requests, and a change set that touches all of them and makes another one."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channel = world.api.open_channel()
        large = {"status": "commit", "objects": some(30, seed=1), "log_file": "before"}
        self.inline = self._open(status="commit", objects=some(2))
        self.large = self._open(**large)
        self.removed = self._open(**large)
        world.follow()
        self.before = world.state(self.channel)

    def _open(self, **fields: Any) -> str:
        return batches(self.channel, self.world.api.open_batch(self.channel, **fields)["pk"])

    def change(self) -> Answers:
        """The change set's answer."""
        return run_change_set(
            self.world.api,
            request("POST", batches(self.channel), {"channel": self.channel}, Content_ID="1", Idempotency_Key="k"),
            request("PATCH", "$1", {"status": "commit", "objects": some(30, seed=2)}),
            request("PATCH", self.inline, {"status": "sent_to_remote", "objects": some(30, seed=3)}),
            request("PUT", self.large, {"status": "fail", "objects": some(30, seed=4), "log_file": "after"}),
            request("DELETE", self.removed),
        )

    def after(self) -> list[dict[str, Any]]:
        """What is there once everything has followed that follows, and nothing dangles."""
        self.world.follow()
        self.world.must_be_whole(self.channel)
        return self.world.state(self.channel)


def _statuses(answers: Answers) -> list[int]:
    assert isinstance(answers, list), answers
    return [answer.status for answer in answers]


@pytest.fixture
def done(world: World, small: None) -> list[dict[str, Any]]:
    """What the change set makes of its scene."""
    scene = Scene(world)
    assert _statuses(scene.change()) == [201, 200, 200, 200, 204]
    after = scene.after()
    assert after != scene.before
    return after


@pytest.mark.parametrize("fault", [crash_before, crash_after])
def test_a_change_set_that_crashes_at_any_call_is_all_or_nothing(
    world: World, done: list[dict[str, Any]], fault: Fault
) -> None:
    found = []
    for number in itertools.count(1):
        assert number < MOST_CALLS
        scene = Scene(world)
        world.new_process()
        with at_call(number, fault) as strike, suppress(Crash):
            scene.change()
        after = scene.after()
        assert after in (scene.before, done), strike.call
        if not strike:
            assert after == done
            break
        found.append((strike.call.partition("/")[0], after == done))
    # Contents first, then the one call that makes it all happen.
    assert sorted(call for call, _ in found[-5:]) == ["PUT logs", *["PUT objects"] * 3, "TransactWriteItems"]
    assert found[-1] == ("TransactWriteItems", fault is crash_after)
    assert not any(happened for _, happened in found[:-1])


def test_a_change_set_survives_a_lost_answer(world: World, done: list[dict[str, Any]]) -> None:
    for number in itertools.count(1):
        assert number < MOST_CALLS
        scene = Scene(world)
        world.new_process()
        with at_call(number, lost_answer) as strike:
            assert _statuses(scene.change()) == [201, 200, 200, 200, 204], strike.call
        assert scene.after() == done, strike.call
        if not strike:
            return


@pytest.mark.parametrize("call", ["PUT objects", "PUT logs", "TransactWriteItems"])
def test_a_change_set_leaves_nothing_when_the_store_is_unreachable(
    world: World, done: list[dict[str, Any]], call: str
) -> None:
    scene = Scene(world)
    with at_call(1, never_sent, of=call, lasting=True) as strike:
        refused = scene.change()
    assert strike
    assert isinstance(refused, Part)
    assert (refused.status, refused.id) == (503, "1")
    assert scene.after() == scene.before
    assert _statuses(scene.change()) == [201, 200, 200, 200, 204]
    assert scene.after() == done


def test_reads_of_a_change_set_that_cannot_be_shared_are_read_one_by_one(
    world: World, done: list[dict[str, Any]]
) -> None:
    scene = Scene(world)
    with at_call(1, never_sent, of="TransactGetItems", lasting=True) as strike:
        assert _statuses(scene.change()) == [201, 200, 200, 200, 204]
    assert strike
    assert scene.after() == done


def test_a_change_set_that_loses_a_race_is_run_again_as_a_whole(world: World, done: list[dict[str, Any]]) -> None:
    scene = Scene(world)

    def another() -> None:
        assert world.api.patch(scene.large, {"objects": some(40, seed=5), "log_file": "another's"}).status == 200

    with at_call(1, first(another), of="TransactWriteItems") as strike:
        assert _statuses(scene.change()) == [201, 200, 200, 200, 204]
    assert strike
    expected = [{**state, "version": state["version"] + (state["status"] == "fail")} for state in done]
    assert scene.after() == expected


def test_a_change_set_that_a_race_makes_invalid_is_refused_and_leaves_nothing(world: World, small: None) -> None:
    scene = Scene(world)

    def another() -> None:
        assert world.api.patch(scene.inline, {"status": "done"}).status == 200

    with at_call(1, first(another), of="TransactWriteItems") as strike:
        refused = scene.change()
    assert strike
    assert isinstance(refused, Part)
    assert (refused.status, list(refused.json())) == (400, ["status"])
    (changed, *others), (_, *before) = scene.after(), scene.before
    assert changed["status"] == "done"
    assert others == before


# Several processes at once.


def test_readers_never_see_half_of_a_change_set(world: World) -> None:
    channel = world.api.open_channel()
    pks = [world.api.open_batch(channel, status="commit", remote_batch_id="none")["pk"] for _ in range(5)]
    times = 40
    # One reads them in the other direction.
    reads = [partial(batch_process.read, channel, order, times) for order in (pks, pks[::-1])]
    _, *seen = in_processes([partial(batch_process.write, channel, pks, times), *reads])
    for reader in seen:
        assert all(len(set(together)) == 1 for together in reader)
        moments = [int(together[0]) for together in reader if together[0] != "none"]
        assert moments == sorted(moments)
        assert len(set(moments)) > 1


def test_of_change_sets_that_race_none_is_lost(world: World) -> None:
    channel = world.api.open_channel()
    pks = [world.api.open_batch(channel, status="commit")["pk"] for _ in range(3)]
    orders = (pks, pks[::-1], pks[1:] + pks[:1])
    merges = [partial(batch_process.merge, channel, order, worker, 8) for worker, order in enumerate(orders)]
    statuses = in_processes(merges)
    assert statuses == [[200] * 8] * 3
    for pk in pks:
        merged = json.loads(operations.retrieve(channel, pk).objects or "")
        assert sorted((entry["content_type"], entry["pk"]) for entry in merged) == [
            (f"of worker {worker}", number) for worker in range(3) for number in range(8)
        ]
    # Opened, committed, and merged into once by each change set.
    assert {item["version"] for item in world.items(channel)} == {2 + 3 * 8}


def test_of_change_sets_that_exclude_each_other_one_happens(world: World) -> None:
    channel = world.api.open_channel()
    pks = [world.api.open_batch(channel, status="commit")["pk"] for _ in range(3)]
    orders = (pks, pks[::-1])
    sendings = [partial(batch_process.send_off, channel, order, worker) for worker, order in enumerate(orders)]
    statuses = in_processes(sendings)
    assert sorted(statuses) == [200, 400]
    answers = run_flat(world.api, *(request("GET", batches(channel, pk)) for pk in pks))
    assert {answer.json()["remote_batch_id"] for answer in answers} == {f"of worker {statuses.index(200)}"}


# The engine's own limits.


def test_a_change_set_of_a_hundred_writes_is_committed_at_once(world: World) -> None:
    channel = world.api.open_channel()
    creation = request("POST", batches(channel), {"channel": channel})
    made = run_change_set(world.api, *[creation] * 100)
    assert _statuses(made) == [201] * 100
    assert isinstance(made, list)
    moves = [request("PATCH", batches(channel, answer.json()["pk"]), {"status": "commit"}) for answer in made]
    assert _statuses(run_change_set(world.api, *moves)) == [200] * 100
    assert {item["status"] for item in world.items(channel)} == {"commit"}
    assert _statuses(run_change_set(world.api, *(move.replace("PATCH", "DELETE") for move in moves))) == [204] * 100
    assert world.items(channel) == []
    world.follow()
    world.must_be_whole(channel)


def test_more_items_than_one_transaction_holds_are_refused(world: World) -> None:
    channel = world.api.open_channel()

    def with_keys(count: int) -> list[str]:
        keys = [f"{number} of {count}" for number in range(count)]
        return [request("POST", batches(channel), {"channel": channel}, Idempotency_Key=key) for key in keys]

    refused = run_change_set(world.api, *with_keys(51))
    assert isinstance(refused, Part)
    assert (refused.status, world.items(channel)) == (413, [])
    assert _statuses(run_change_set(world.api, *with_keys(50))) == [201] * 50
    assert len(world.items(channel)) == 50


def test_more_bytes_than_one_transaction_holds_are_refused_and_no_fewer(
    world: World, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By the limit of today, a hundred items always fit.
    monkeypatch.setattr(contents, "INLINE_BYTES", 300_000)
    channel = world.api.open_channel()
    text = base64.b64encode(random.Random(1).randbytes(300_000)).decode()
    pks = []
    for size in (*[1_390] * 15, 1_000):
        objects = [{"pk": number, "remote_id": text[number * 250 : number * 250 + 250]} for number in range(size)]
        pks.append(world.api.open_batch(channel, status="commit", objects=objects)["pk"])
    found = [read_one(BATCH_REQUESTS, repository.key_of(channel, pk)) for pk in pks]
    sizes = [items.size(item or {}) for item in found]
    # All but the last few bytes of what there may be.
    assert 0.95 * unit.LARGEST_TRANSACTION < sum(sizes[:-1]) < unit.LARGEST_TRANSACTION < sum(sizes)
    moves = [request("PATCH", batches(channel, pk), {"status": "sent_to_remote"}) for pk in pks]
    # MiniStack counts bytes as they travel, a third more than DynamoDB.
    fits = 15 if engine.name == DYNAMODB_LOCAL else 11
    for too_many in {16, fits + 1}:
        refused = run_change_set(world.api, *moves[:too_many])
        assert isinstance(refused, Part)
        assert refused.status == 413
        assert {item["status"] for item in world.items(channel)} == {"commit"}
    assert _statuses(run_change_set(world.api, *moves[:fits])) == [200] * fits
