"""What goes on by schedule and by queue: stale batch requests fail, and blobs that nothing needs are removed."""

from collections.abc import Callable
from typing import Any

import pytest

from batch_requests import fail_stale, publish, sweep
from batchyard.batch_requests import repository
from batchyard.store import clients
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.api import Api, Context, batches
from tests.support.aws import keys_in_bucket
from tests.support.load import many
from tests.support.streams import Stream, deliver, deliver_messages
from tools import aws_events

HOUR = 3600


def run() -> int:
    """How many batch requests the schedule fails."""
    answer = fail_stale.handler({"detail-type": "Scheduled Event"}, Context())
    assert list(answer) == ["failed"]
    return int(answer["failed"])


def test_a_stale_batch_request_fails(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    channel = api.open_channel(stale_after=HOUR)
    ways: tuple[tuple[str, ...], ...] = (
        (),
        ("commit",),
        ("commit", "sent_to_remote"),
        ("commit", "sent_to_remote", "ongoing"),
        ("done",),
        ("fail",),
    )
    urls = []
    for way in ways:
        urls.append(batches(channel, api.open_batch(channel, content_type="x", objects=[{"pk": 1}])["pk"]))
        for status in way:
            api.patch(urls[-1], {"status": status})
    before = [api.get(url).json() for url in urls]
    at(HOUR)
    assert run() == 0
    assert [api.get(url).json() for url in urls] == before
    at(HOUR + 1)
    assert run() == 4
    after = [api.get(url).json() for url in urls]
    assert [one["status"] for one in after] == ["fail"] * 4 + ["done", "fail"]
    assert after[4:] == before[4:]
    for old, new in zip(before[:4], after[:4], strict=True):
        assert new["modified_date"] > old["modified_date"]
        assert {**new, "status": "", "modified_date": ""} == {**old, "status": "", "modified_date": ""}
    at(9 * HOUR)
    assert run() == 0


def test_batch_requests_become_stale_only_where_the_channel_says_so(
    api: Api, channel: int, at: Callable[[float], None], calls: Calls
) -> None:
    at(0)
    pk = api.open_batch(channel)["pk"]
    at(10_000 * HOUR)
    calls.clear()
    assert run() == 0
    assert calls == ["dynamodb.Query"]
    assert api.get(batches(channel, pk)).json()["status"] == "initialized"


def test_stale_after_is_of_each_channel(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    channels = [api.open_channel(stale_after=patience) for patience in (60, 600, None)]
    opened = [batches(channel, api.open_batch(channel)["pk"]) for channel in channels]
    found = []
    for seconds in (61, 599, 601):
        at(seconds)
        run()
        found.append([api.get(url).json()["status"] for url in opened])
    assert found == [
        ["fail", "initialized", "initialized"],
        ["fail", "initialized", "initialized"],
        ["fail", "fail", "initialized"],
    ]


def test_any_update_restarts_the_time_until_a_batch_request_is_stale(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    channel = api.open_channel(stale_after=100)
    url = batches(channel, api.open_batch(channel)["pk"])
    for number, change in enumerate(({"status": "commit"}, {"objects": [{"pk": 1}]}, {"log_file": "s3cret"}), 1):
        at(90 * number)
        assert run() == 0
        api.patch(url, change)
    at(90 * 3 + 101)
    assert run() == 1


def test_a_stale_batch_request_changed_meanwhile_does_not_fail(
    api: Api, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(0)
    channel = api.open_channel(stale_after=100)
    urls = [batches(channel, api.open_batch(channel)["pk"]) for _ in range(3)]
    at(200)
    commit, others = Unit.commit, iter([lambda: api.patch(urls[0], {"status": "commit"}), lambda: api.delete(urls[1])])

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        if (other := next(others, None)) is not None:
            other()
            monkeypatch.setattr(Unit, "commit", overtaken)
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    assert run() == 1
    monkeypatch.setattr(Unit, "commit", commit)
    assert [api.get(url).status for url in urls] == [200, 404, 200]
    assert [api.get(url).json()["status"] for url in (urls[0], urls[2])] == ["commit", "fail"]


def test_many_stale_batch_requests_fail_in_one_run_and_are_published(
    api: Api,
    at: Callable[[float], None],
    stream: Stream,
    event_queue: str,
    sweep_queue: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(repository, "KEYS_AT_ONCE", 7)
    at(0)
    channel = api.open_channel(stale_after=60)
    for _ in range(30):
        api.open_batch(channel)
    stream.read()
    at(61)
    assert run() == 30
    assert api.get(f"{batches(channel)}?status=fail&limit=100").json()["count"] == 30
    records = stream.read()
    assert deliver(publish.handler, records) == {"batchItemFailures": []}
    assert len(records) == 30


# Sweeping.


def sweeping(*bodies: dict[str, Any] | str) -> list[int]:
    """Hands messages to the sweep; returns the positions of those to deliver again."""
    return deliver_messages(sweep.handler, *bodies)


@pytest.fixture
def large(api: Api, channel: int) -> str:
    """The path of a batch request whose objects and log file are in the bucket."""
    objects = [
        {**one, "failed_reason_type": f"{one['remote_id'][::-1]}{number * 7919 % 10**9}"}
        for number, one in enumerate(many(12_000, 21))
    ]
    return batches(channel, api.open_batch(channel, objects=objects, log_file="s3cret 1")["pk"])


def test_blobs_that_are_pointed_at_stay(api: Api, stores: dict[str, str], large: str) -> None:
    found = [key for key in keys_in_bucket(stores) if key.startswith("logs/")] + keys_in_bucket(stores, "objects/")[-1:]
    before = api.get(large).text
    needed = [key for key in found if sweeping({"key": key}, aws_events.stored(key)) == []]
    assert needed == found
    assert api.get(large).text == before
    assert api.get(f"{large}log_file/").status == 303
    assert set(found) <= set(keys_in_bucket(stores))


def test_blobs_that_nothing_points_at_are_removed(api: Api, stores: dict[str, str], large: str) -> None:
    api.patch(large, {"log_file": "s3cret 2"})
    api.put(large, {"objects": [{"pk": 1}]})
    for key in keys_in_bucket(stores):
        assert sweeping(aws_events.stored(key)) == []
    (log,) = keys_in_bucket(stores)
    assert log.startswith("logs/")
    assert api.get(f"{large}log_file/").status == 303
    api.delete(large)
    assert sweeping({"key": log}) == []
    assert keys_in_bucket(stores) == []


def test_the_sweep_removes_blobs_that_a_crash_left(api: Api, channel: int, stores: dict[str, str]) -> None:
    pk = api.open_batch(channel)["pk"]
    left = [f"objects/{channel}/{pk}/a", f"logs/{channel}/{pk}/b", f"objects/{channel}/{pk + 1}/c", "logs/99/1/d"]
    for key in left:
        clients.s3().put_object(Bucket=stores["CONTENT_BUCKET"], Key=key, Body=b"x")
    assert sweeping(*({"key": key} for key in left)) == []
    assert keys_in_bucket(stores) == []
    assert sweeping(*({"key": key} for key in left)) == []


def test_a_bad_message_does_not_keep_other_blobs_from_being_swept(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    key = f"logs/{channel}/5/b"
    clients.s3().put_object(Bucket=stores["CONTENT_BUCKET"], Key=key, Body=b"x")
    test = aws_events.stored_nothing()
    assert sweeping({"key": "logs/x/y/z"}, {"key": "s3cret"}, test, {"Records": [{}]}, {"key": key}) == [0, 1, 3]
    assert keys_in_bucket(stores) == []


def test_an_unreadable_message_of_the_sweep_is_delivered_again(stores: dict[str, str]) -> None:
    assert sweeping("{s3cret") == [0]
