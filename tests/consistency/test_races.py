"""Meetings at the worst moment: what one process does between two calls of another."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import batch_requests.attach_log
import batch_requests.recount
from batchyard import clock
from batchyard.batch_requests import operations, recounting, tallies
from batchyard.errors import BatchyardError
from batchyard.http import limits
from batchyard.identity import operations as identity
from batchyard.identity.repository import every
from batchyard.identity.rules import Token
from batchyard.scope import Scope
from batchyard.store import blobs, clients
from tests.consistency.cases import Recount, small_items, some
from tests.consistency.faults import (
    Crash,
    Fault,
    at_call,
    crash_after,
    first,
    lost_answer,
    lost_answer_and_then,
    never_sent,
)
from tests.consistency.workers import environments
from tests.consistency.world import World, notices_of_s3, queued, sweep
from tests.support.api import Context, batches

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_items():
        yield


@pytest.fixture
def channel(world: World) -> int:
    return world.api.open_channel()


@pytest.fixture
def pk(world: World, channel: int) -> int:
    return int(world.api.open_batch(channel, status="commit", objects=some(30, seed=1))["pk"])


# A write whose answer gets lost, and somebody builds on it before botocore repeats it.


@pytest.mark.parametrize("objects", [some(2), some(30, seed=2)], ids=["in the item", "in S3"])
def test_a_repeated_batch_request_update_keeps_a_later_change(
    world: World, channel: int, pk: int, objects: list[dict[str, Any]]
) -> None:
    url = batches(channel, pk)

    def another() -> None:
        assert operations.update(channel, pk, {"remote_batch_id": "another's"}, by="tester").log_key

    with at_call(1, lost_answer_and_then(another), of="PutItem") as strike:
        answer = world.api.patch(url, {"objects": objects, "log_file": "of the first"})
    assert strike
    assert answer.status == 200, answer.text
    assert answer.json()["remote_batch_id"] == "another's"
    assert world.api.get(url).json() == answer.json()
    world.follow()
    world.must_be_whole(channel)
    (state,) = world.state(channel)
    assert (state["log"], state["counts"][0]) == ("of the first", 30)


@pytest.mark.parametrize("fault", [lost_answer, never_sent])
@pytest.mark.parametrize(
    ("method", "body", "call"),
    [
        ("PATCH", {"status": "done", "objects": some(30, seed=2), "log_file": "late"}, "PutItem"),
        ("PATCH", {"status": "done", "objects": some(30, seed=2), "log_file": "late"}, "PUT logs"),
        ("DELETE", None, "DeleteItem"),
    ],
)
def test_a_batch_request_write_is_repeated_after_the_store_was_unreachable(
    world: World, channel: int, pk: int, fault: Fault, method: str, body: Any, call: str
) -> None:
    """As a client sees it whose every attempt is lost, and who repeats the request later."""
    with at_call(1, fault, of=call, lasting=True) as strike:
        refused = world.api(method, batches(channel, pk), body)
    assert strike
    assert (refused.status, refused.json()) == (500, {"detail": "Batch request cannot be updated."})
    repeated = world.api(method, batches(channel, pk), body)
    if method == "DELETE":
        assert repeated.status == (404 if fault is lost_answer else 204)
    else:
        assert repeated.status == 200, repeated.text
        (state,) = world.state(channel)
        assert (state["status"], state["log"], state["version"]) == ("done", "late", 3)
    world.follow()
    world.must_be_whole(channel)


# Uploads.


def _upload(channel: int, pk: int, content: bytes) -> str:
    key = blobs.new_key(blobs.UPLOADS, channel, pk)
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=content)
    return key


def _attach(key: str) -> None:
    event = queued(notices_of_s3({key}))
    assert batch_requests.attach_log.handler(event, Context()) == {"batchItemFailures": []}


def test_a_sweep_meets_the_second_delivery_of_an_upload(world: World, channel: int, pk: int) -> None:
    for number in itertools.count(1):
        key = _upload(channel, pk, f"the log {number}".encode())
        with at_call(1, crash_after, of="PUT logs"), pytest.raises(Crash):
            _attach(key)
        written = world.stored(channel, blobs.LOGS)
        with at_call(number, first(partial(sweep, notices_of_s3(written)))) as strike:
            _attach(key)
        (state,) = world.state(channel)
        assert state["log"] == f"the log {number}", strike.call
        if not strike:
            break
    world.follow()
    world.must_be_whole(channel)


def test_an_upload_form_is_posted_twice(world: World, channel: int, pk: int) -> None:
    key = _upload(channel, pk, b"the first")
    with at_call(1, crash_after, of="PUT logs"), pytest.raises(Crash):
        _attach(key)
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=b"the second")
    _attach(key)
    world.follow()
    (state,) = world.state(channel)
    assert state["log"] == "the second"
    world.must_be_whole(channel)


def test_two_deliveries_of_one_upload_meet(world: World, channel: int, pk: int) -> None:
    for number in itertools.count(1):
        key = _upload(channel, pk, f"the log {number}".encode())
        with at_call(number, first(partial(_attach, key))) as strike:
            _attach(key)
        (state,) = world.state(channel)
        assert state["log"] == f"the log {number}", strike.call
        if not strike:
            break
    assert not world.stored(channel, blobs.UPLOADS)
    world.follow()
    world.must_be_whole(channel)


# Tallies.


@pytest.fixture
def at_rest(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens while a recount waits for the stream's handler."""
    happens: list[Callable[[], None]] = []
    monkeypatch.setattr(recounting, "_rest", lambda: [happening() for happening in happens])
    return happens


def test_a_recount_waits_for_what_is_on_its_way(
    world: World, channel: int, pk: int, at_rest: list[Callable[[], None]]
) -> None:
    world.api.patch(batches(channel, pk), {"status": "done"})
    at_rest.append(lambda: world.deliver("tally"))
    answer = batch_requests.recount.handler({}, Context())
    world.follow()
    world.must_be_whole(channel)
    assert answer == {"repaired": {}, "busy": []}


def test_a_recount_leaves_a_channel_that_does_not_come_to_rest(
    world: World, channel: int, pk: int, at_rest: list[Callable[[], None]]
) -> None:
    at_rest.append(lambda: (world.api.open_batch(channel), None)[1])
    assert batch_requests.recount.handler({}, Context()) == {"repaired": {}, "busy": [channel]}
    world.follow()
    world.must_be_whole(channel)


def test_a_recount_meets_the_stream(world: World, at_rest: list[Callable[[], None]]) -> None:
    for number in itertools.count(1):
        case = Recount(world)
        case_channel = case.channel

        def change(channel: int = case_channel) -> None:
            world.api.open_batch(channel, status="commit")
            world.deliver("tally")

        with at_call(number, first(change)) as strike:
            case.act()
        world.follow()
        world.must_be_whole(case.channel)
        if not strike:
            break
    assert number > 1


def test_changes_to_more_tallies_than_a_transaction_takes_are_counted_once(world: World) -> None:
    """More tallies than one transaction takes, each of its parts stopped at each call."""
    for number in itertools.count(1):
        channel = world.api.open_channel()
        records = [_opening(channel, position, f"type {position}") for position in range(130)]
        with at_call(number, crash_after) as strike:
            try:
                tallies.apply(records[:-3])
            except Crash:
                assert strike
        tallies.apply(records)
        tallies.apply(records)
        found = world.tallies(channel)
        assert found.pop("status#commit") == 130
        assert found == {f"type#1type {position}#commit": 1 for position in range(130)}
        if not strike:
            return


def _opening(channel: int, position: int, content_type: str) -> dict[str, Any]:
    image = {"channel": {"N": str(channel)}, "status": {"S": "commit"}, "type_key": {"S": f"1{content_type}"}}
    number = f"{channel}{position:010}"
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": number, "NewImage": image}}


# Schedules.


def test_a_finished_batch_request_does_not_become_stale(world: World, channel: int, pk: int) -> None:
    """An index shows for a moment what is no longer so."""
    for status in ("fail", "done"):
        finished = world.api.open_batch(channel, status=status)["pk"]
        before = operations.retrieve(channel, finished)
        assert not operations.fail_unless_changed_since(channel, finished, clock.now() + 1_000_000)
        assert operations.retrieve(channel, finished) == before


# Identity.


def test_a_user_who_is_deleted_has_no_token_left(world: World) -> None:
    for act in (partial(identity.log_in, password="a long password"), partial(identity.create_token, scope=Scope())):
        for number in itertools.count(1):
            name = f"user {uuid.uuid4()}"
            identity.create_user(name, "a long password", Scope())
            with at_call(number, first(partial(identity.delete_user, name))) as strike:
                try:
                    act(name)
                except BatchyardError:
                    assert strike
            if not strike:
                break
            assert [token for token in every() if isinstance(token, Token) and token.user == name] == [], strike.call


# Limits.


def test_a_small_limit_is_shared(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    for environment in environments(limits, 8):
        environment.take("tok_1", 20)
