"""Runs of statuses, against the plainest model of them: one status and one change for each serial."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.product_batches.serials import runs, statuses
from batchyard.product_batches.serials.runs import Run

FIRST = 7_000
STORIES = [("commissioned", ""), ("dispensed", "a"), ("dispensed", "b"), ("decommissioned", "c"), ("destroyed", "d")]

type Stories = list[tuple[str, str]]

stories = st.lists(st.sampled_from(STORIES), min_size=1, max_size=60)


def tiled(listed: Sequence[tuple[str, str] | None], first: int = FIRST) -> list[Run]:
    """Serials one by one as runs, neighbours of the same story together; those that are None are gaps."""
    found: list[Run] = []
    for index, story in enumerate(listed, first):
        if story is None:
            continue
        if found and found[-1].last + 1 == index and found[-1][2:] == story:
            found[-1] = found[-1]._replace(last=index)
        else:
            found.append(Run(index, index, *story))
    return found


def listed(given: Sequence[Run]) -> dict[int, tuple[str, str]]:
    """Runs as serials one by one."""
    one_by_one = {index: (run.status, run.change) for run in given for index in range(run.first, run.last + 1)}
    assert len(one_by_one) == runs.count(given), "runs overlap"
    return one_by_one


@st.composite
def covered(draw: st.DrawFn) -> tuple[Stories, list[tuple[str, str] | None]]:
    """Serials, and other stories for some of them."""
    below = draw(stories)
    above = draw(st.lists(st.none() | st.sampled_from(STORIES), min_size=len(below), max_size=len(below)))
    return below, above


@given(covered())
def test_an_overlay_of_runs_changes_exactly_the_serials_that_it_covers(
    given: tuple[Stories, list[tuple[str, str] | None]],
):
    below, above = given
    found = runs.overlay(tiled(below), tiled(above))
    assert listed(found) == {
        index: over or under for index, (under, over) in enumerate(zip(below, above, strict=True), FIRST)
    }
    # In order, without gaps, and no two neighbours that could be one.
    for run, following in pairwise(found):
        assert run.last + 1 == following.first
        assert run[2:] != following[2:]
    assert found == tiled([over or under for under, over in zip(below, above, strict=True)])


@given(stories, st.integers(-5, 70), st.integers(-5, 70))
def test_a_cut_of_runs_has_the_serials_in_between(below: Stories, start: int, size: int):
    first, last = FIRST + start, FIRST + start + size - 1
    expected = {index: story for index, story in listed(tiled(below)).items() if first <= index <= last}
    assert listed(runs.cut(tiled(below), first, last)) == expected


def may_become(status: str, wanted: str) -> bool:
    """What the rule says, in its words: out of use is for good, but may be destroyed; samples only end."""
    if status == "destroyed":
        return False
    ends = {"decommissioned": {"destroyed"}, "sample": {"decommissioned", "destroyed"}}
    return wanted in ends.get(status, statuses.STATUSES)


@given(stories, st.sampled_from(statuses.STATUSES))
def test_a_change_of_runs_keeps_the_former_statuses(below: Stories, status: str):
    brought, before = runs.changed(tiled(below), status, "new")
    expected = {
        index: story for index, story in enumerate(below, FIRST) if story[0] != status and may_become(story[0], status)
    }
    assert listed(before) == expected
    assert listed(brought) == dict.fromkeys(expected, (status, "new"))
    # Undone, it is what it was.
    changed = runs.overlay(tiled(below), brought)
    assert runs.overlay(changed, before) == tiled(below)


@pytest.mark.parametrize("status", statuses.STATUSES)
@pytest.mark.parametrize("wanted", statuses.STATUSES)
def test_statuses_that_a_serial_may_become(status: str, wanted: str):
    assert statuses.may_become(status, wanted) == may_become(status, wanted)


@given(st.lists(st.none() | st.sampled_from(STORIES), min_size=1, max_size=60).filter(any))
def test_packed_runs_are_unpacked(given: list[tuple[str, str] | None]):
    packed = tiled(given)
    assert runs.unpack(runs.pack(packed), packed[0].first) == packed


@given(st.integers(1, 3 * runs.MOST_RUNS))
def test_pieces_of_runs_are_small_and_lose_no_run(number: int):
    given = [Run(FIRST + index, FIRST + index, "dispensed", str(index)) for index in range(number)]
    found = runs.pieces(given)
    assert [run for piece in found for run in piece] == given
    assert all(0 < len(piece) <= runs.MOST_RUNS for piece in found)
    # A piece has room to grow before it is cut again.
    assert len(found) == 1 or max(map(len, found)) <= runs.MOST_RUNS // 2
    assert (len(found) == 1) == (number <= runs.MOST_RUNS)


def test_ten_million_serials_of_one_story_are_one_run_and_few_bytes():
    whole = [Run(0, 9_999_999)]
    assert runs.count(whole) == 10_000_000
    assert len(runs.pack(whole)) < 60
    spoilt = runs.overlay(whole, [Run(1_000_000, 1_999_999, "decommissioned", "c")])
    assert spoilt == [
        Run(0, 999_999),
        Run(1_000_000, 1_999_999, "decommissioned", "c"),
        Run(2_000_000, 9_999_999),
    ]
    assert runs.overlay(spoilt, [Run(1_000_000, 1_999_999)]) == whole


def test_a_piece_whose_runs_all_differ_fits_an_item_many_times():
    # Lambda's clients change serials one by one, each change with an ID of its own.
    given = [Run(index, index, "dispensed", f"0660dd27c3cf43{index:08x}") for index in range(runs.MOST_RUNS)]
    assert len(runs.pack(given)) < 20_000
