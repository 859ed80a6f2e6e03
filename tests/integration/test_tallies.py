"""The tallies behind `count`: each change counted once, however often and in whatever pieces it is delivered."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from batch_requests import recount, tally
from batchyard.batch_requests import journals, recounting, repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.errors import Contended, Unavailable
from batchyard.store import clients
from batchyard.store.items import encode
from batchyard.store.queries import query
from tests.integration.conftest import Calls
from tests.support.api import Api, Context, batches
from tests.support.streams import Stream, deliver
from tests.support.tallies import DAMAGE, Busy, Records, count, damage, noted_in, right, tallied


@pytest.fixture
def history(api: Api, stores: dict[str, str], stream: Stream) -> Records:
    """Changes of all kinds in two channels, as the stream has them."""
    source = random.Random(7)
    channels = [api.open_channel("a"), api.open_channel("b")]
    urls: list[str] = []
    for _ in range(40):
        if not urls or source.random() < 0.3:
            channel = source.choice(channels)
            urls.append(batches(channel, api.open_batch(channel)["pk"]))
            continue
        url = source.choice(urls)
        if source.random() < 0.2:
            urls.remove(url)
            assert api.delete(url).status == 204
        else:
            change = {"status": source.choice(["commit", "done", "fail"]), "content_type": source.choice(["x", "y"])}
            api.patch(url, source.choice([change, {"remote_batch_id": str(source.random())}]))
    records = stream.read()
    assert len(records) > 20
    return records


def test_every_change_is_counted_by_the_tallies(history: Records, stores: dict[str, str]) -> None:
    count(history)
    assert tallied(stores) == right(stores) != {}


def test_tallies_are_right_for_any_split_of_the_changes(history: Records, stores: dict[str, str]) -> None:
    for start in range(0, len(history), 3):
        count(history[start : start + 3])
    assert tallied(stores) == right(stores)


def test_a_repeated_delivery_is_counted_once_by_the_tallies(history: Records, stores: dict[str, str]) -> None:
    for _ in range(3):
        count(history)
    assert tallied(stores) == right(stores)


def test_each_record_delivered_twice_is_counted_once_by_the_tallies(history: Records, stores: dict[str, str]) -> None:
    for record in history:
        count([record])
        count([record])
    assert tallied(stores) == right(stores)


@pytest.mark.parametrize("seed", range(6))
def test_tallies_count_only_the_new_records_of_a_repeated_delivery(
    history: Records, stores: dict[str, str], seed: int
) -> None:
    # What Lambda does after a failure or a timeout: the same start, and whatever has come since.
    source, start = random.Random(seed), 0
    while start < len(history):
        end = start
        while end < len(history) and source.random() < 0.7:
            end = min(len(history), end + source.randint(1, 5))
            count(history[start:end])
        start = end
    assert tallied(stores) == right(stores)


def test_tallies_count_new_records_that_reverse_counted_records(
    api: Api, channel: int, stores: dict[str, str], stream: Stream
) -> None:
    pk = api.open_batch(channel)["pk"]
    opened = stream.read()
    count(opened)
    api.delete(batches(channel, pk))
    # Together they add up to nothing.
    count(opened + stream.read())
    assert tallied(stores) == {}


def test_tallies_are_right_after_a_delivery_that_breaks_off(
    history: Records, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = clients.dynamodb()
    write = client.transact_write_items

    def lost(**request: Any) -> Any:
        write(**request)
        raise Unavailable

    def refused(**_: Any) -> Any:
        raise Unavailable

    for failing in (refused, lost):
        monkeypatch.setattr(client, "transact_write_items", failing)
        with pytest.raises(Unavailable):
            deliver(tally.handler, history)
    monkeypatch.setattr(client, "transact_write_items", write)
    count(history)
    assert tallied(stores) == right(stores)


def test_more_tallies_than_a_transaction_can_change_are_changed_by_several(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(number: int) -> dict[str, Any]:
        image = {
            "channel": {"N": str(number % 7)},
            "pk": {"N": str(number)},
            "status": {"S": "commit"},
            "type_key": {"S": f"1type {number}"},
        }
        return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(10**20 + number), "NewImage": image}}

    records = [record(number) for number in range(150)]
    client = clients.dynamodb()
    write, sizes = client.transact_write_items, []

    def noted(**request: Any) -> Any:
        sizes.append(len(request["TransactItems"]))
        if len(sizes) == 2:
            raise Unavailable
        return write(**request)

    monkeypatch.setattr(client, "transact_write_items", noted)
    with pytest.raises(Unavailable):
        deliver(tally.handler, records[:140])
    count(records)
    count(records)
    assert max(sizes) <= 100
    found = tallied(stores)
    assert sum(number for (_, name), number in found.items() if name.startswith("status#")) == 150
    assert {number for (_, name), number in found.items() if name.startswith("type#")} == {1}


def test_tallies_count_a_delivery_by_one_transaction(history: Records, stores: dict[str, str], calls: Calls) -> None:
    count(history)
    assert calls == ["dynamodb.TransactWriteItems"]


def test_tallies_cost_no_store_call_for_changes_within_a_status(
    api: Api, channel: int, stores: dict[str, str], stream: Stream, calls: Calls
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    stream.read()
    api.patch(url, {"objects": [{"pk": 1}]})
    api.patch(url, {"remote_batch_id": "x"})
    calls.clear()
    count(stream.read())
    assert calls == []


def test_marks_of_counted_records_expire_after_the_stream(history: Records, stores: dict[str, str]) -> None:
    count(history)
    items = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    (mark,) = [item for item in items if item["id"]["S"].startswith("tallied#")]
    assert int(mark["expires"]["N"]) > 1_700_000_000


# Recounts.


@pytest.fixture(autouse=True)
def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recounts do not wait."""
    monkeypatch.setattr(recounting, "_rest", lambda: None)


def recounted() -> Any:
    return recount.handler({"detail-type": "Scheduled Event"}, Context())


def test_a_recount_repairs_the_tallies(history: Records, stores: dict[str, str]) -> None:
    count(history)
    rows = sorted(tallied(stores))
    wrong = {rows[0]: 5, rows[1]: -9, (1, "status#ongoing"): 3, (2, "type#1never#done"): -2}
    for (channel, name), step in wrong.items():
        damage(stores, channel, {name: step})
    clients.dynamodb().delete_item(
        TableName=stores["TALLIES_TABLE"], Key={"channel": {"N": str(rows[-1][0])}, "tally": {"S": rows[-1][1]}}
    )
    answer = recounted()
    assert answer["busy"] == []
    found = {
        (int(channel), name): step for channel, steps in answer["repaired"].items() for name, step in steps.items()
    }
    assert {row: -step for row, step in wrong.items()}.items() <= found.items()
    assert len(found) == len(wrong) + 1
    assert tallied(stores) == right(stores)
    assert recounted() == {"repaired": {}, "busy": []}


def test_a_recount_of_right_tallies_writes_nothing(history: Records, stores: dict[str, str], calls: Calls) -> None:
    count(history)
    calls.clear()
    assert recounted() == {"repaired": {}, "busy": []}
    assert not calls.writes()


def test_a_recount_of_tallies_waits_for_the_stream(
    api: Api, channel: int, stores: dict[str, str], stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.open_batch(channel)
    count(stream.read())
    for _ in range(3):
        api.open_batch(channel)
    # The table is ahead of the stream; it catches up while the recount waits.
    monkeypatch.setattr(recounting, "_rest", lambda: count(stream.read()))
    assert recounted() == {"repaired": {}, "busy": []}
    assert tallied(stores) == right(stores)


def test_a_channel_that_does_not_come_to_rest_waits_for_the_next_time(
    api: Api, channel: int, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calm = api.open_channel("calm")
    api.open_batch(calm)
    api.open_batch(channel)

    def busy() -> None:
        api.open_batch(channel)

    monkeypatch.setattr(recounting, "_rest", busy)
    assert recounted() == {
        "repaired": {str(calm): {"status#initialized": 1, "type#2#initialized": 1}},
        "busy": [channel],
    }
    with pytest.raises(Contended):
        recounting.recount(channel)
    assert {row for row in tallied(stores) if row[0] == channel} == set()


# Channels that never come to rest.


@pytest.mark.parametrize("seed", range(6))
def test_a_channel_that_is_always_busy_is_recounted_exactly(
    api: Api,
    stores: dict[str, str],
    stream: Stream,
    at: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    at(0)
    busy = Busy(api, api.open_channel(), stream, at, seed)
    busy.begin(15)
    damage(stores, busy.channel)

    def in_the_midst(request: Any) -> Iterator[Any]:
        for row in query(request):
            busy.go_on()
            yield row

    monkeypatch.setattr(recounting, "query", in_the_midst)
    monkeypatch.setattr(recounting, "_rest", busy.rest)
    answer = recounted()
    assert answer == {"repaired": {str(busy.channel): {name: -step for name, step in DAMAGE.items()}}, "busy": []}
    busy.deliver(all=True)
    assert tallied(stores) == right(stores)
    # What comes later is noted nowhere.
    busy.change()
    noted = noted_in(stores)
    busy.deliver(all=True)
    assert noted_in(stores) == noted
    assert tallied(stores) == right(stores)


def test_a_journal_that_grows_while_it_is_read_is_no_hindrance(
    api: Api, stores: dict[str, str], stream: Stream, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is noted in a minute of a busy channel takes longer to read than it stays as it is."""
    at(0)
    busy = Busy(api, api.open_channel(), stream, at, 3)
    busy.begin(10)
    damage(stores, busy.channel, {"status#done": 5})

    def in_the_midst(request: Any) -> Iterator[Any]:
        for row in query(request):
            busy.change()
            busy.deliver(all=True)
            yield row

    def rest() -> None:
        for _ in range(3):
            busy.change()
            busy.deliver(all=True)
        busy.seconds += 5

    monkeypatch.setattr(journals, "query", in_the_midst)
    monkeypatch.setattr(recounting, "_rest", rest)
    assert recounted() == {"repaired": {str(busy.channel): {"status#done": -5}}, "busy": []}
    busy.deliver(all=True)
    assert tallied(stores) == right(stores)


def test_a_recount_compares_tallies_without_reading_batch_requests(
    history: Records, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count(history)
    client = clients.dynamodb()
    query, rows = client.query, []

    def noted(**request: Any) -> Any:
        answer = query(**request)
        if request["TableName"] == stores["BATCH_REQUESTS_TABLE"]:
            rows.append(len(answer.get("Items", [])))
        return answer

    monkeypatch.setattr(client, "query", noted)
    assert recounted() == {"repaired": {}, "busy": []}
    # One of each kind at most, to find out which there are.
    assert max(rows) == 1
    assert sum(rows) == sum(name.startswith("type#") for _, name in right(stores))


def test_more_tallies_than_a_transaction_can_change_are_repaired(
    api: Api, channel: int, stores: dict[str, str], stream: Stream
) -> None:
    for number in range(101):
        item, _ = repository.encode(
            BatchRequest(channel, number + 1, "x", "commit", 1, version=1, content_type=f"type {number}")
        )
        clients.dynamodb().put_item(TableName=stores["BATCH_REQUESTS_TABLE"], Item=encode(item))
    assert len(recounted()["repaired"][str(channel)]) == 102
    assert tallied(stores) == right(stores)


def test_a_journal_that_nobody_closed_ends_by_itself(
    api: Api, channel: int, stores: dict[str, str], stream: Stream, at: Callable[[float], None]
) -> None:
    at(0)
    clients.dynamodb().put_item(
        TableName=stores["EPHEMERA_TABLE"], Item=encode(journals.opening(channel, "of a crash"))
    )
    for seconds, noted in ((journals.OPEN_SECONDS - 1, 1), (journals.OPEN_SECONDS, 1), (journals.OPEN_SECONDS + 1, 1)):
        at(seconds)
        api.open_batch(channel)
        count(stream.read())
        assert noted_in(stores) == noted
    assert tallied(stores) == right(stores)


def test_one_of_two_concurrent_recounts_gives_way(
    api: Api, channel: int, stores: dict[str, str], stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.open_batch(channel)
    off = {"status#initialized": 1, "type#2#initialized": 1}
    found = []

    def meanwhile() -> None:
        monkeypatch.setattr(recounting, "_rest", lambda: None)
        found.append(recounting.recount(channel))

    monkeypatch.setattr(recounting, "_rest", meanwhile)
    # The other one opened a journal of its own, and was done with it.
    assert recounting.recount(channel) == {}
    assert found == [off]
    assert tallied(stores) == right(stores)
