"""Every writing operation, stopped before and after each of its calls to AWS in turn, or left without an answer to it.

Whatever happens, after the client's retry or Lambda's next delivery, and the sweep, it is as if it had happened once.
"""

import itertools
from collections.abc import Iterator

import pytest

from tests.consistency.cases import CASES, Case, small_items
from tests.consistency.faults import Crash, Fault, Strike, at_call, crash_after, crash_before, lost_answer
from tests.consistency.world import World
from tests.support.engines import MINISTACK

pytestmark = pytest.mark.engine

MOST_CALLS = 60


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_items():
        yield


# A process that ends is the same to every engine; what differs between them are the answers to repeated calls.
@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("case", CASES)
def test_a_batch_request_write_that_crashes_at_any_call_happens_once(world: World, case: type[Case]) -> None:
    expected = _undisturbed(world, case)
    for number in itertools.count(1):
        assert number < MOST_CALLS
        for fault in (crash_before, crash_after):
            attempt, strike = _disturbed(world, case, number, fault)
            if strike:
                attempt.again = True
                if fault is crash_after:
                    # The retry comes late: everything that follows on its own has followed.
                    world.follow()
                world.new_process()
                attempt.act()
            _must_have_happened_once(world, attempt, expected, f"{fault.__name__} {number} ({strike.call})")
            assert attempt.made() <= (2 if strike and attempt.repeats_make_more else 1)
            attempt.end()
        if not strike:
            return


@pytest.mark.parametrize("case", CASES)
def test_a_batch_request_write_survives_a_lost_answer(world: World, case: type[Case]) -> None:
    expected = _undisturbed(world, case)
    for number in itertools.count(1):
        assert number < MOST_CALLS
        attempt, strike = _disturbed(world, case, number, lost_answer)
        _must_have_happened_once(world, attempt, expected, f"lost answer {number} ({strike.call})")
        assert attempt.made() == 1
        attempt.end()
        if not strike:
            return


def _undisturbed(world: World, case: type[Case]) -> object:
    attempt = case(world)
    attempt.act()
    world.follow()
    expected = attempt.outcome()
    world.must_be_whole(attempt.channel)
    attempt.end()
    return expected


def _disturbed(world: World, case: type[Case], number: int, fault: Fault) -> tuple[Case, Strike]:
    attempt = case(world)
    world.new_process()
    with at_call(number, fault) as strike:
        try:
            attempt.act()
        except Crash:
            assert strike
    return attempt, strike


def _must_have_happened_once(world: World, attempt: Case, expected: object, where: str) -> None:
    world.follow()
    try:
        assert attempt.outcome() == expected
        world.must_be_whole(attempt.channel)
    except Exception as error:
        error.add_note(where)
        raise
