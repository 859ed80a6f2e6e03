"""Spools: whatever is written in chunks is read again once, in order, from anywhere on."""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.batch_jobs import spool
from batchyard.batch_jobs.spool import Chunk, Entry
from batchyard.store import blobs
from tests.support.aws import keys_in_bucket

RECORDS = st.dictionaries(st.text(max_size=3), st.text(max_size=30), max_size=3)
PLACES = st.text(max_size=3) | st.integers(0, 5).map(lambda number: f"{number:02}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    chunks=st.lists(st.lists(st.tuples(PLACES, RECORDS), min_size=1, max_size=6), max_size=4),
    descending=st.booleans(),
    at_once=st.integers(1, 200),
    data=st.data(),
)
def test_spool_entries_come_back_in_order_from_any_position(
    stores: dict[str, str],
    chunks: list[list[tuple[str, dict[str, str]]]],
    descending: bool,
    at_once: int,
    data: st.DataObject,
) -> None:
    numbers = iter(range(100))
    entries = [[Entry(place, f"{next(numbers):03}", record) for place, record in chunk] for chunk in chunks]
    wanted = sorted((entry for chunk in entries for entry in chunk), key=lambda entry: entry.id)
    wanted.sort(key=lambda entry: entry.place, reverse=descending)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spool, "_READ_AT_ONCE", at_once)
        written = [spool.write("batch_1", spool.ordered(chunk, descending=descending)) for chunk in entries]
        found: list[Entry] = []
        while len(found) < len(wanted):
            some = data.draw(st.integers(1, len(wanted) - len(found)))
            for merged, _ in zip(spool.read(written, descending=descending), range(some), strict=False):
                found.append(merged.entry)
                written[merged.number] = written[merged.number]._replace(position=merged.position)
        assert found == wanted
        assert list(spool.read(written, descending=descending)) == []


def test_numbers_are_places_of_spool_entries(stores: dict[str, str]) -> None:
    chunk = spool.write(
        "batch_1", spool.ordered([Entry(10, "a", {}), Entry(9, "b", {}), Entry(10, "0", {})], descending=True)
    )
    assert [merged.entry.id for merged in spool.read([chunk], descending=True)] == ["0", "a", "b"]


def test_a_chunk_of_a_spool_is_below_the_prefix_of_its_job_and_removed(stores: dict[str, str]) -> None:
    chunk = spool.write("batch_1", [Entry(1, "a", {})])
    assert keys_in_bucket(stores) == [chunk.key]
    assert chunk.key.startswith("spools/batch_1/")
    spool.delete([chunk, Chunk("spools/batch_1/gone")])
    assert keys_in_bucket(stores) == []


def test_a_worker_that_resumes_reads_no_chunk_of_a_spool_twice(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(f"{n // 3:04}", str(n), {"text": "x" * 50}) for n in range(300)]
    chunks = [spool.write("job", entries[n::7]) for n in range(7)]
    reads: list[str] = []
    read_range = blobs.read_range

    def counted(key: str, start: int, length: int) -> bytes:
        reads.append(key)
        return read_range(key, start, length)

    monkeypatch.setattr(blobs, "read_range", counted)

    def step(at: Sequence[Chunk], most: int) -> tuple[list[str], list[Chunk]]:
        found: list[str] = []
        groups = spool.going_on(at, 9)
        while (group := groups.ahead) is not None and len(found) < most:
            found.append(str(group.place))
            groups.take()
        groups.stop()
        return found, groups.chunks

    places, at = step(chunks, 8)
    while at and (found := step(at, 8))[0]:
        places, at = places + found[0], found[1]
    assert places == [f"{n:04}" for n in range(100)]
    assert sorted(set(reads)) == sorted(reads), "each chunk is read once"
    again, behind = step(chunks, 8)
    assert again == places[:8], "who begins elsewhere begins anew"
    # Another worker has gone on meanwhile, and this one comes back to where it stopped, and to where it did not.
    assert step(behind, 8)[0] == places[8:16]
    assert step(behind, 8)[0] == places[8:16]
