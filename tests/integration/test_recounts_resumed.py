"""Recounts that are killed, as at Lambda's time limit: the next one goes on where they were, and counts right."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from batch_requests import recount
from batchyard.batch_requests import journals, readings, recounting, repository
from batchyard.batch_requests.rules import BatchRequest
from batchyard.errors import Contended
from batchyard.store import clients
from batchyard.store.items import encode
from batchyard.store.queries import query
from tests.support.api import Api, Context
from tests.support.long_work import Killed
from tests.support.streams import Stream
from tests.support.tallies import DAMAGE, Busy, count, damage, noted_in, right, tallied


class Process:
    """Recounts in a process that can be killed.

    Attributes:
        calls: Its own calls so far.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._dies_after: int | None = None
        self._others = 0
        client: Any = clients.dynamodb()
        call = client._make_api_call

        def counted(name: str, given: Any) -> Any:
            answer = call(name, given)
            if not self._others and self._recounts:
                self.calls.append(name)
                if len(self.calls) == self._dies_after:
                    raise Killed
            return answer

        self._recounts = False
        monkeypatch.setattr(client, "_make_api_call", counted)

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """What is done by others."""
        self._others += 1
        yield
        self._others -= 1

    def recount(self, channel: int, *, dies_after: int | None = None) -> dict[str, int] | None:
        """By how much tallies were off; None where it was killed after so many calls."""
        self.calls, self._dies_after, self._recounts = [], dies_after, True
        try:
            return recounting.recount(channel)
        except Killed:
            return None
        finally:
            self._recounts, self._others = False, 0


@pytest.fixture
def process(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Process:
    """What is read is kept row by row, and nobody waits."""
    monkeypatch.setattr(readings, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(readings, "_STEP", 1)
    monkeypatch.setattr(recounting, "_rest", lambda: None)
    monkeypatch.setattr(recounting, "_MOMENT_SECONDS", 0)
    return Process(monkeypatch)


def put(stores: dict[str, str], channel: int, number: int, content_type: str) -> None:
    """Puts a batch request into the table, of which no stream tells."""
    item, _ = repository.encode(BatchRequest(channel, number, "x", "commit", 1, version=1, content_type=content_type))
    clients.dynamodb().put_item(TableName=stores["BATCH_REQUESTS_TABLE"], Item=encode(item))


def of(channel: int, found: dict[tuple[int, str], int]) -> dict[str, int]:
    return {name: number for (one, name), number in found.items() if one == channel}


@pytest.mark.parametrize("first", [1, 2])
def test_killed_after_every_single_call_it_ends_right_however_busy_the_channel(
    api: Api,
    stores: dict[str, str],
    stream: Stream,
    at: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    process: Process,
    first: int,
) -> None:
    at(0)
    seconds = 0.0
    for number in range(first, 200, 2):
        busy = Busy(api, api.open_channel(), stream, at, number)
        busy.seconds = seconds
        busy.begin(5)
        damage(stores, busy.channel)

        def in_the_midst(request: Any, busy: Busy = busy) -> Iterator[Any]:
            for row in query(request):
                with process.meanwhile():
                    busy.go_on()
                yield row

        def rest(busy: Busy = busy) -> None:
            with process.meanwhile():
                busy.rest()

        monkeypatch.setattr(recounting, "query", in_the_midst)
        monkeypatch.setattr(recounting, "_rest", rest)
        killed = process.recount(busy.channel, dies_after=number) is None
        busy.go_on()
        process.recount(busy.channel)
        busy.deliver(all=True)
        assert of(busy.channel, tallied(stores)) == of(busy.channel, right(stores)), number
        seconds = busy.seconds
        if not killed:
            break
    assert number > 20


def test_a_resumed_recount_reads_nothing_again(
    api: Api, channel: int, stores: dict[str, str], process: Process
) -> None:
    """Of each row that was read a call is left, which keeps it."""
    rows = 12
    for number in range(rows):
        put(stores, channel, number + 1, f"type {number % 3}")
    wanted = {f"type#1type {kind}#commit": 4 for kind in range(3)} | {"status#commit": rows}
    assert process.recount(channel) == wanted
    whole = len(process.calls)
    assert whole > 2 * rows
    for number in range(1, whole):
        clients.dynamodb().delete_item(
            TableName=stores["TALLIES_TABLE"], Key={"channel": {"N": str(channel)}, "tally": {"S": "status#commit"}}
        )
        found = process.recount(channel, dies_after=number)
        if found is None:
            again = process.recount(channel)
            assert again in ({"status#commit": rows}, {}), number
            # Numbers are compared at the beginning, and again once it was all repaired.
            assert number + len(process.calls) <= whole + 25, number
        assert of(channel, tallied(stores)) == wanted, number


def test_killed_again_and_again_it_comes_to_its_end(
    api: Api, channel: int, stores: dict[str, str], process: Process
) -> None:
    rows = 90
    for number in range(rows):
        put(stores, channel, number + 1, "x")
    process.recount(channel)
    clients.dynamodb().delete_item(
        TableName=stores["TALLIES_TABLE"], Key={"channel": {"N": str(channel)}, "tally": {"S": "status#commit"}}
    )
    whole, runs, found = len(process.calls), 0, None
    assert whole > 100
    while found is None:
        found = process.recount(channel, dies_after=40)
        runs += 1
        assert runs < 6
    assert runs > 2
    assert found == {"status#commit": rows}
    assert of(channel, tallied(stores)) == of(channel, right(stores))


def test_the_nightly_function_goes_on_with_a_killed_recount(
    api: Api, channel: int, stores: dict[str, str], process: Process
) -> None:
    for number in range(40):
        put(stores, channel, number + 1, "x")
    assert process.recount(channel, dies_after=30) is None
    journals_before = noted_journals(stores)
    assert len(journals_before) == 1
    found = recount.handler({"detail-type": "Scheduled Event"}, Context())
    assert found == {"repaired": {str(channel): {"status#commit": 40, "type#1x#commit": 40}}, "busy": []}
    assert of(channel, tallied(stores)) == of(channel, right(stores))
    assert noted_journals(stores) == journals_before


def noted_journals(stores: dict[str, str]) -> set[str]:
    """The recounts that have kept what they read, those that go on with it not told apart."""
    rows = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    return {row["id"]["S"] for row in rows if row["id"]["S"].startswith("recounted#")}


@pytest.mark.parametrize("seconds", [journals.OPEN_SECONDS - 30, journals.OPEN_SECONDS + 10, 24 * 3600])
@pytest.mark.parametrize("killed_after", [15, None])
def test_a_position_of_a_recount_that_is_too_old_is_given_up(
    api: Api,
    stores: dict[str, str],
    stream: Stream,
    at: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    process: Process,
    killed_after: int | None,
    seconds: int,
) -> None:
    """From when a journal is closed on, changes are noted nowhere; without a number it is killed before it adds."""
    at(0)
    busy = Busy(api, api.open_channel(), stream, at, 5)
    busy.begin(12)
    damage(stores, busy.channel)
    with monkeypatch.context() as patch:
        if killed_after is None:
            patch.setattr(recounting, "_add", killed)
        assert process.recount(busy.channel, dies_after=killed_after) is None
    busy.seconds += 10
    busy.change()
    busy.deliver(all=True)
    noted = noted_in(stores)
    assert noted > 0
    busy.seconds = seconds
    for _ in range(6):
        busy.change()
    busy.deliver(all=True)
    assert (noted_in(stores) > noted) == (seconds < journals.OPEN_SECONDS)
    process.recount(busy.channel)
    assert of(busy.channel, tallied(stores)) == of(busy.channel, right(stores))


def killed(*_: Any) -> bool:
    """The process ends here."""
    raise Killed


def test_where_another_one_goes_on_the_first_gives_way(
    api: Api, channel: int, stores: dict[str, str], process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many tallies that they are added by several transactions."""
    for number in range(110):
        put(stores, channel, number + 1, f"type {number}")
    wanted = of(channel, right(stores))
    for row in (1, 109):
        for name in of(channel, tallied(stores)):
            clients.dynamodb().delete_item(
                TableName=stores["TALLIES_TABLE"], Key={"channel": {"N": str(channel)}, "tally": {"S": name}}
            )
        rows = 0
        others: list[Any] = []

        def in_the_midst(request: Any, row: int = row, others: list[Any] = others) -> Iterator[Any]:
            nonlocal rows
            for one in query(request):
                if rows == row and not others:
                    others.append(None)
                    others.append(recounting.recount(channel))
                rows += 1
                yield one

        monkeypatch.setattr(recounting, "query", in_the_midst)
        try:
            first = recounting.recount(channel)
        except Contended:
            first = {}
        assert [first, others[1]] == [{}, wanted]
        assert of(channel, tallied(stores)) == wanted


def test_killed_between_two_transactions_it_adds_the_rest(
    api: Api, channel: int, stores: dict[str, str], process: Process
) -> None:
    for number in range(101):
        put(stores, channel, number + 1, f"type {number}")
    assert process.recount(channel) is not None
    calls = process.calls
    for name in of(channel, tallied(stores)):
        clients.dynamodb().delete_item(
            TableName=stores["TALLIES_TABLE"], Key={"channel": {"N": str(channel)}, "tally": {"S": name}}
        )
    assert calls[-2:] == ["TransactWriteItems"] * 2
    assert process.recount(channel, dies_after=len(calls) - 1) is None
    assert len(of(channel, tallied(stores))) == 99
    assert len(process.recount(channel) or {}) == 3
    assert of(channel, tallied(stores)) == of(channel, right(stores))


def test_changes_counted_during_a_recount_are_counted_once(
    api: Api, channel: int, stores: dict[str, str], stream: Stream, process: Process
) -> None:
    """Between the two runs, a batch request that was read already moves, and another one is removed."""
    pks = [api.open_batch(channel)["pk"] for _ in range(6)]
    count(stream.read())
    damage(stores, channel)
    assert process.recount(channel, dies_after=30) is None
    url = f"/api/v1/channel/{channel}/batch_requests"
    api.patch(f"{url}/{pks[0]}/", {"status": "commit", "content_type": "product", "objects": []})
    api.delete(f"{url}/{pks[1]}/")
    count(stream.read())
    assert process.recount(channel) == {name: -step for name, step in DAMAGE.items()}
    assert of(channel, tallied(stores)) == of(channel, right(stores))
