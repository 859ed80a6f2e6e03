"""The rules of batch requests, as properties."""

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from batchyard.batch_requests import repository, rules
from batchyard.batch_requests.rules import OBJECT_FIELDS, BatchRequest, Wanted, attach_log, revise
from batchyard.clock import iso
from batchyard.errors import Invalid
from batchyard.store import contents

# Surrogates alone are no text, and NUL is refused before rules see it.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
# As the models hand them over: every field, in order.
objects = st.tuples(
    st.integers(-3, 8) | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.sampled_from(["mapping", "remote"]),
    st.none() | texts,
    st.none() | st.just("2026-11-22T02:50:19Z"),
    st.none() | st.sampled_from(["product", "stock"]),
).map(lambda values: dict(zip(OBJECT_FIELDS, values, strict=True)))
lists = st.lists(objects, max_size=8)
changes: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(rules.STATUSES),
        "remote_batch_id": st.none() | texts,
        "content_type": st.none() | texts,
        "objects": st.none() | lists,
    },
)
NEW = BatchRequest(channel=5, pk=1_795_401_019_114_587, local_batch_id="0b9c", status="initialized", modified=1)


@st.composite
def batch_requests(draw: st.DrawFn) -> BatchRequest:
    """Batch requests in any status, with any objects."""
    batch = revise(NEW, {"objects": draw(st.none() | lists)}, whole=True)
    return replace(
        batch,
        status=draw(st.sampled_from(rules.STATUSES)),
        remote_batch_id=draw(st.none() | texts),
        content_type=draw(st.none() | texts),
        version=draw(st.integers(1, 99)),
        log_key=draw(st.none() | st.just("logs/5/1/a")),
        log_digest="d",
    )


def listed(batch: BatchRequest) -> list[dict[str, Any]]:
    return list(json.loads(batch.objects or "[]"))


def twin(one: dict[str, Any]) -> tuple[str | None, int]:
    return one["content_type"], one["pk"]


def attempt(batch: BatchRequest, change: Wanted, whole: bool) -> BatchRequest | None:
    """The revised batch request; None where it is refused."""
    try:
        return revise(batch, change, whole=whole)
    except Invalid:
        return None


@given(batch_requests(), changes, st.booleans())
def test_a_repeated_batch_request_update_changes_nothing(batch: BatchRequest, change: Wanted, whole: bool) -> None:
    revised = attempt(batch, change, whole)
    assume(revised is not None)
    assert revised is not None
    assert revise(revised, change, whole=whole) is revised


@given(batch_requests(), changes, st.booleans())
def test_the_status_follows_the_life_cycle_and_finished_batch_requests_stay(
    batch: BatchRequest, change: Wanted, whole: bool
) -> None:
    revised = attempt(batch, change, whole)
    wanted = change.get("status", batch.status)
    if wanted != batch.status and wanted not in rules.MOVES[batch.status]:
        assert revised is None
    elif revised is not None:
        assert revised.status == wanted
        assert batch.status not in rules.FINISHED or revised is batch


@given(batch_requests(), changes, st.booleans())
def test_identifying_fields_of_a_batch_request_never_change(batch: BatchRequest, change: Wanted, whole: bool) -> None:
    revised = attempt(batch, change, whole) or batch
    kept = ("channel", "pk", "local_batch_id", "modified", "version", "log_key", "log_digest")
    assert [getattr(revised, name) for name in kept] == [getattr(batch, name) for name in kept]


@given(batch_requests(), lists)
@example(NEW, [])
def test_merging_replaces_objects_with_the_same_key_and_appends_the_rest(
    batch: BatchRequest, given_objects: list[Any]
) -> None:
    batch = replace(batch, status="commit")
    merged = listed(revise(batch, {"objects": given_objects}, whole=False))
    expected = {twin(one): one for one in listed(batch)}
    expected.update({twin(one): one for one in given_objects})
    assert merged == list(expected.values())


@given(batch_requests(), lists)
def test_a_full_update_replaces_the_list_of_objects(batch: BatchRequest, given_objects: list[Any]) -> None:
    replaced = revise(replace(batch, status="commit"), {"objects": given_objects}, whole=True)
    assert listed(replaced) == list({twin(one): one for one in given_objects}.values())
    assert replaced.objects is not None


@given(batch_requests(), lists, lists)
def test_merges_of_different_objects_commute(batch: BatchRequest, first: list[Any], second: list[Any]) -> None:
    assume(not {twin(one) for one in first} & {twin(one) for one in second})
    batch = replace(batch, status="commit")
    results = []
    for order in ((first, second), (second, first)):
        merged = batch
        for part in order:
            merged = revise(merged, {"objects": part}, whole=False)
        results.append({twin(one): one for one in listed(merged)})
    assert results[0] == results[1]


@given(batch_requests(), st.sampled_from([[], None]))
def test_a_partial_update_without_objects_erases_no_objects(batch: BatchRequest, nothing: list[Any] | None) -> None:
    assert revise(batch, {"objects": nothing}, whole=False) is batch


@given(batch_requests(), changes, st.booleans())
def test_counts_of_a_batch_request_are_those_of_its_objects(batch: BatchRequest, change: Wanted, whole: bool) -> None:
    revised = attempt(batch, change, whole) or batch
    assert revised.object_count == len(listed(revised))
    assert revised.failed_count == sum(one["failed_reason_type"] is not None for one in listed(revised))


@given(batch_requests(), changes, st.booleans())
def test_batch_request_fields_that_are_not_given_stay(batch: BatchRequest, change: Wanted, whole: bool) -> None:
    revised = attempt(batch, change, whole) or batch
    for name in ("status", "remote_batch_id", "content_type", "objects"):
        if name not in change:
            assert getattr(revised, name) == getattr(batch, name)


@given(batch_requests(), changes, st.booleans())
def test_the_json_of_a_batch_request_has_every_field(batch: BatchRequest, change: Wanted, whole: bool) -> None:
    revised = attempt(batch, change, whole) or batch
    answer = json.loads(revised.to_json())
    assert answer == {
        "pk": revised.pk,
        "channel": revised.channel,
        "local_batch_id": revised.local_batch_id,
        "remote_batch_id": revised.remote_batch_id,
        "content_type": revised.content_type,
        "status": revised.status,
        "objects": None if revised.objects is None else listed(revised),
        "created_date": iso(revised.pk),
        "modified_date": iso(revised.modified),
    }
    assert all(list(one) == list(OBJECT_FIELDS) for one in answer["objects"] or [])


@pytest.mark.parametrize("status", rules.STATUSES)
def test_a_log_file_is_attached_in_any_status(status: str) -> None:
    attached = attach_log(replace(NEW, status=status), "logs/5/1/b", "digest")
    assert attached == replace(NEW, status=status, log_key="logs/5/1/b", log_digest="digest")


# How they are stored.


@given(batch_requests())
def test_an_item_holds_all_of_a_batch_request(batch: BatchRequest) -> None:
    item, blob = repository.encode(batch)
    assert blob is None
    assert repository.decode(item, lambda key: pytest.fail(f"reads {key}")) == batch
    assert None not in item.values()


def test_an_item_points_at_objects_that_are_too_many_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "INLINE_BYTES", 10)
    batch = revise(NEW, {"objects": [dict.fromkeys(OBJECT_FIELDS) | {"pk": 7}]}, whole=True)
    item, blob = repository.encode(batch)
    assert blob is not None
    assert isinstance(blob.content, bytes)
    assert zlib.decompress(blob.content).decode() == batch.objects
    assert ("objects" in item, item["objects_key"]) == (False, blob.key)
    stored = {blob.key: blob.content}
    assert repository.decode(item, stored.__getitem__) == batch


content_types = st.none() | st.text(st.characters(codec="utf-8"), max_size=30)


@given(content_types, content_types)
@example("price", "prices")
@example("", None)
@example("￿", "\U00010000")
@example("2", None)
def test_type_keys_are_ordered_as_content_types_are_null_last(first: str | None, second: str | None) -> None:
    def key(content_type: str | None) -> tuple[bool, str]:
        return content_type is None, content_type or ""

    # DynamoDB orders text by its UTF-8 bytes.
    keys = [repository.type_key(one).encode() for one in (first, second)]
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (key(first) < key(second), first == second)


@given(st.text(st.sampled_from("a\U0001d11eé"), min_size=200, max_size=255), st.integers(0, 254))
def test_the_longest_type_keys_fit_into_a_key_and_are_told_apart(content_type: str, position: int) -> None:
    other = content_type[:position] + "z" + content_type[position + 1 :]
    assume(other != content_type)
    for one in (content_type, other):
        # Of 1024 bytes for all of an index's sort key, numbers may take 21 each.
        assert 0 < len(repository.type_key(one).encode()) <= 1024 - 2 * 21
    assert repository.type_key(content_type) != repository.type_key(other)
