"""The limit on requests: exact as an upper bound over all execution environments, and cheap."""

import importlib.util
import random
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard import clock
from batchyard.errors import Throttled
from batchyard.http import limits
from batchyard.store import clients

MINUTE = 29_923_350 * 60_000_000


def environment() -> ModuleType:
    """Another execution environment: the module anew, with leases of its own."""
    spec = importlib.util.find_spec(limits.__name__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def calls(stores: dict[str, str]) -> Iterator[list[str]]:
    """The store calls that are made."""
    noted: list[str] = []

    def note(model: Any, **_: Any) -> None:
        noted.append(model.name)

    events = clients.dynamodb().meta.events
    events.register("before-call", note)
    yield noted
    events.unregister("before-call", note)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock: seconds of one minute."""

    def set_to(seconds: float) -> None:
        monkeypatch.setattr(clock, "now", lambda: MINUTE + round(seconds * 1_000_000))

    set_to(0)
    return set_to


def granted(taker: ModuleType, subject: str, limit: int, wanted: int) -> int:
    """How many of so many requests get through."""
    done = 0
    for _ in range(wanted):
        try:
            taker.take(subject, limit)
        except Throttled:
            continue
        done += 1
    return done


@pytest.mark.parametrize("limit", [1, 2, 7, 49, 50, 51, 60, 100, 400, 1999, 2000])
def test_a_lone_environment_gets_exactly_the_request_limit(
    calls: list[str], at: Callable[[float], None], limit: int
) -> None:
    assert granted(environment(), "a", limit, limit + 30) == limit


def test_fifty_requests_cost_one_store_call_at_most_and_refused_ones_nothing(
    calls: list[str], at: Callable[[float], None]
) -> None:
    alone = environment()
    for served in range(1, 2001):
        alone.take("a", 2000)
        assert len(calls) <= -(-served // 50)
    calls.clear()
    assert granted(alone, "a", 2000, 500) == 0
    assert calls == []


@pytest.mark.usefixtures("stores", "at")
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    limit=st.integers(1, 700),
    bursts=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 120)), min_size=1, max_size=20),
)
def test_all_environments_together_never_exceed_the_limit(limit: int, bursts: list[tuple[int, int]]) -> None:
    subject = str(uuid.uuid4())
    environments = [environment() for _ in range(5)]
    total = 0
    for number, size in bursts:
        total += granted(environments[number], subject, limit, size)
        assert total <= limit
    # And nothing of it is lost as long as all of them go on asking.
    for taker in environments:
        total += granted(taker, subject, limit, limit)
    assert total == limit


@pytest.mark.usefixtures("calls")
def test_requests_given_back_can_be_taken_in_the_same_minute(at: Callable[[float], None]) -> None:
    first, second, third = environment(), environment(), environment()
    assert granted(first, "a", 20, 5) == 5
    for _ in range(5):
        first.give_back("a")
    assert granted(second, "a", 20, 40) + granted(first, "a", 20, 40) == 20
    first.give_back("a", 3)
    assert granted(third, "a", 20, 9) == 3
    first.give_back("never taken")
    assert granted(first, "never taken", 2, 9) == 2
    at(60)
    # What was taken in a minute that is over is nothing any more.
    first.give_back("a", 7)
    assert granted(first, "a", 20, 40) == 20


def test_idle_environments_keep_few_leased_requests(calls: list[str], at: Callable[[float], None]) -> None:
    idle = [environment() for _ in range(6)]
    for taker in idle:
        taker.take("a", 2000)
    assert granted(environment(), "a", 2000, 2500) >= 2000 - 6 * 50


def test_requests_of_a_batch_are_all_counted_or_none(calls: list[str], at: Callable[[float], None]) -> None:
    first, second = environment(), environment()
    first.take("a", 100, 60)
    second.take("a", 100, 30)
    with pytest.raises(Throttled):
        second.take("a", 100, 11)
    assert granted(first, "a", 100, 20) + granted(second, "a", 100, 20) == 10


def test_each_minute_has_a_request_limit_of_its_own(calls: list[str], at: Callable[[float], None]) -> None:
    taker, other = environment(), environment()
    assert granted(taker, "a", 100, 60) == 60
    for minute in (1, 2):
        at(60 * minute)
        assert granted(other, "a", 100, 200) + granted(taker, "a", 100, 200) == 100


@pytest.mark.parametrize(("second", "wait"), [(0, 60), (0.5, 60), (1, 59), (30, 30), (59, 1), (59.999, 1)])
def test_a_throttled_request_has_retry_after(
    calls: list[str], at: Callable[[float], None], second: float, wait: int
) -> None:
    at(second)
    taker = environment()
    taker.take("a", 1)
    with pytest.raises(Throttled) as refused:
        taker.take("a", 1)
    assert refused.value.retry_after_s == wait
    at(second + wait)
    taker.take("a", 1)


def test_subjects_do_not_share_a_request_limit(calls: list[str], at: Callable[[float], None]) -> None:
    taker = environment()
    assert granted(taker, "a", 5, 10) == 5
    assert granted(taker, "b", 5, 10) == 5


def test_leases_of_requests_expire(stores: dict[str, str], at: Callable[[float], None]) -> None:
    environment().take("a", 10)
    (item,) = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    assert 60 <= int(item["expires"]["N"]) - MINUTE // 1_000_000 <= 3600


def test_racing_environments_share_the_request_limit(stores: dict[str, str], at: Callable[[float], None]) -> None:
    source = random.Random(1)
    environments = [environment() for _ in range(8)]
    total = 0
    tired: set[int] = set()
    while len(tired) < len(environments):
        number = source.randrange(8)
        if granted(environments[number], "a", 333, 1):
            total += 1
        else:
            tired.add(number)
    assert total == 333


@given(st.integers(1, 60), st.lists(st.tuples(st.sampled_from(["take", "spend"]), st.integers(1, 70)), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spent_requests_never_exceed_the_limit(
    stores: dict[str, str], limit: int, asked: list[tuple[str, int]]
) -> None:
    subject, left = str(uuid.uuid4()), limit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: MINUTE)
        for how, count in asked:
            if how == "spend":
                limits.spend(subject, limit, count)
                left -= min(count, left)
            elif count <= left:
                limits.take(subject, limit, count)
                left -= count
            else:
                with pytest.raises(Throttled):
                    limits.take(subject, limit, count)


def test_requests_are_spent_in_all_environments(stores: dict[str, str], at: Callable[[float], None]) -> None:
    one, other = environment(), environment()
    assert granted(one, "guesser", 300, 1) == 1
    other.spend("guesser", 300, 10_000)
    # What the first one had leased before.
    assert granted(one, "guesser", 300, 300) < 300 // 8
    assert granted(other, "guesser", 300, 1) == 0
