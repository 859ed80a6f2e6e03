"""Primary keys: unique in the whole service, growing with time, and cheap."""

import importlib.util
import random
from collections.abc import Callable
from types import ModuleType

import pytest

from batchyard import clock
from batchyard.batch_requests import ids
from batchyard.clock import iso
from batchyard.errors import Unavailable
from batchyard.store import clients

START = 1_795_401_019_114_587
WINDOW = 1 << 28


def environment() -> ModuleType:
    """Another execution environment: the module anew, with a lease of its own."""
    spec = importlib.util.find_spec(ids.__name__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def at(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets the clock, in microseconds."""

    def set_to(moment: int) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    set_to(START)
    return set_to


def take_nodes(stores: dict[str, str], window: int, count: int) -> None:
    """As if so many environments had keys to make in a window."""
    clients.dynamodb().put_item(
        TableName=stores["EPHEMERA_TABLE"],
        Item={"id": {"S": "pk-nodes"}, "at": {"N": str(window)}, "taken": {"N": str(count)}},
    )


def test_many_environments_at_the_same_moment_never_make_the_same_key(at: Callable[[int], None]) -> None:
    makers = [environment() for _ in range(6)]
    source, moment, made = random.Random(3), START, []
    for _ in range(3000):
        # Standing still, running, and going back a little.
        moment += source.choice([0, 0, 0, 1, 500, 9000, -3000])
        at(moment)
        made.append(source.choice(makers).next_pk())
    assert len(set(made)) == len(made)


def test_keys_of_one_environment_grow_whatever_the_clock_does(at: Callable[[int], None]) -> None:
    maker, source, moment, made = environment(), random.Random(5), START, []
    for _ in range(2000):
        moment += source.choice([0, 0, 7, 8192, -20_000, 30_000, WINDOW // 40])
        at(moment)
        made.append(maker.next_pk())
    assert made == sorted(set(made))


def test_keys_grow_with_time_over_all_environments(at: Callable[[int], None]) -> None:
    makers, made = [environment() for _ in range(4)], []
    for number in range(400):
        at(START + number * 8192)
        made.append(makers[number * 7 % 4].next_pk())
    assert made == sorted(set(made))


def test_a_key_is_its_own_creation_date(at: Callable[[int], None]) -> None:
    maker = environment()
    for number in range(200):
        at(START + number * 10_000)
        assert abs(maker.next_pk() - (START + number * 10_000)) <= 8192


def test_a_burst_of_primary_keys_runs_little_ahead_of_the_clock(at: Callable[[int], None]) -> None:
    maker = environment()
    made = [maker.next_pk() for _ in range(400)]
    assert made[-1] - START <= 101 * 8192
    at(START + 200 * 8192)
    assert abs(maker.next_pk() - (START + 200 * 8192)) <= 8192


def test_keys_fit_what_javascript_reads_exactly_for_centuries(at: Callable[[int], None]) -> None:
    at(9_000_000_000_000_000)
    assert iso(9_000_000_000_000_000).startswith("2255-")
    assert START < environment().next_pk() < 2**53


def test_a_window_of_primary_keys_costs_one_store_call(at: Callable[[int], None]) -> None:
    calls: list[str] = []

    def note(model: object, **_: object) -> None:
        calls.append(str(model))

    events = clients.dynamodb().meta.events
    events.register("before-call", note)
    try:
        maker, start = environment(), START // WINDOW * WINDOW
        for number in range(4 * 300):
            at(start + number * WINDOW // 300)
            maker.next_pk()
    finally:
        events.unregister("before-call", note)
    assert len(calls) == 4


def test_primary_keys_use_the_next_window_when_all_nodes_are_taken(
    at: Callable[[int], None], stores: dict[str, str]
) -> None:
    window = START // WINDOW
    take_nodes(stores, window, 2047)
    last, late, later = environment(), environment(), environment()
    ahead = [maker.next_pk() for maker in (last, late, later, late, last, later, late)]
    assert len(set(ahead)) == len(ahead)
    assert [pk // WINDOW - window for pk in ahead] == [0, 1, 1, 1, 0, 1, 1]
    at((window + 1) * WINDOW + 5_000_000)
    following = [maker.next_pk() for maker in (last, late, later)]
    assert min(following) > max(ahead)
    assert len(set(following)) == 3


def test_primary_keys_are_unavailable_when_all_nodes_are_taken(
    at: Callable[[int], None], stores: dict[str, str]
) -> None:
    window = START // WINDOW
    for ahead in range(8):
        take_nodes(stores, window + ahead, 2048)
    maker = environment()
    with pytest.raises(Unavailable):
        maker.next_pk()
    take_nodes(stores, window, 0)
    assert maker.next_pk() // WINDOW == window


def test_leases_of_nodes_expire(at: Callable[[int], None], stores: dict[str, str]) -> None:
    environment().next_pk()
    (item,) = clients.dynamodb().scan(TableName=stores["EPHEMERA_TABLE"])["Items"]
    assert int(item["expires"]["N"]) * 1_000_000 > START + 4 * WINDOW
