"""The objects of a batch request: what is kept of them, how they merge, and how many there can be."""

import json
import random
import zlib
from dataclasses import replace
from typing import Any

import pytest

from batchyard import clock
from batchyard.batch_requests import operations, repository
from batchyard.errors import Contended
from batchyard.http.answers import LARGEST_ANSWER
from batchyard.store import clients
from batchyard.store.contents import INLINE_BYTES
from batchyard.store.items import decode, size
from batchyard.store.tables import BATCH_REQUESTS
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.api import Api, batches
from tests.support.load import many

NAMES = ["pk", "failed_reason_type", "remote_id", "version_date", "content_type"]


def test_an_object_is_answered_with_every_field(api: Api, channel: int) -> None:
    opened = api.open_batch(channel, objects=[{"pk": 1}, {"pk": "2", "unknown": 5, "channel": 9}])
    assert [list(one) for one in opened["objects"]] == [NAMES, NAMES]
    assert opened["objects"][1] == dict.fromkeys(NAMES) | {"pk": 2}


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-22T02:50:19.114587Z",
        "2026-11-22T02:50:19Z",
        "2026-11-22T02:50Z",
        "2026-11-22 02:50:19.1+02:00",
        "2026-11-22T02:50:19-0930",
        "2026-11-22t02:50:19z",
        "2026-11-22T02:50:19.123456789Z",
        "0001-01-01T00:00:00",
    ],
)
def test_a_version_date_comes_back_exactly_as_it_came(api: Api, channel: int, date: str) -> None:
    pk = api.open_batch(channel, objects=[{"pk": 1, "version_date": date}])["pk"]
    assert api.get(batches(channel, pk)).json()["objects"][0]["version_date"] == date


@pytest.mark.parametrize(
    ("given", "kept"),
    [(12345678901234567890, "12345678901234567890"), (0, "0"), (-1.5, "-1.5"), (" x ", "x"), ("", "")],
)
def test_a_remote_id_is_text_also_where_it_came_as_a_number(api: Api, channel: int, given: Any, kept: str) -> None:
    opened = api.open_batch(channel, objects=[{"pk": 1, "remote_id": given}], remote_batch_id=given)
    assert opened["objects"][0]["remote_id"] == kept
    assert opened["remote_batch_id"] == kept


def test_reasons_of_failure_are_an_open_vocabulary(api: Api, channel: int) -> None:
    reasons = ["mapping", "remote", "channel_app", "never heard of", "über – ∞ 𝄞", None, "", "𝄞" * 4000]
    objects = [{"pk": pk, "failed_reason_type": reason} for pk, reason in enumerate(reasons)]
    opened = api.open_batch(channel, objects=objects)
    assert [one["failed_reason_type"] for one in opened["objects"]] == reasons
    assert [one["failed_reason_type"] for one in api.get(batches(channel, opened["pk"])).json()["objects"]] == reasons


@pytest.mark.parametrize(
    ("given", "kept"),
    [(" x\n", "x"), (404, "404"), ({}, None), ("a\0", None), ("x" * 4001, None), (True, None), ("\ud800", None)],
)
def test_a_reason_of_failure_is_a_text_as_others_are(api: Api, channel: int, given: Any, kept: str | None) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    answer = api.patch(url, {"objects": [{"pk": 1, "failed_reason_type": given}]})
    if kept is None:
        assert (answer.status, list(answer.json()["objects"]["0"])) == (400, ["failed_reason_type"])
    else:
        assert answer.json()["objects"][0]["failed_reason_type"] == kept


@pytest.mark.parametrize("pk", [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
def test_the_primary_key_of_an_object_has_64_bits(api: Api, channel: int, pk: int) -> None:
    opened = api.open_batch(channel, objects=[{"pk": pk}])
    assert api.get(batches(channel, opened["pk"])).json()["objects"][0]["pk"] == pk


def pairs(answer: Any) -> list[tuple[str | None, int, str | None]]:
    """Each object's content type, primary key and remote ID."""
    return [(one["content_type"], one["pk"], one["remote_id"]) for one in answer.json()["objects"]]


def test_a_partial_update_replaces_objects_with_the_same_key_alone(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    api.patch(
        url,
        {
            "objects": [
                {"pk": 1, "content_type": "product", "remote_id": "a", "failed_reason_type": "remote"},
                {"pk": 1, "content_type": "stock", "remote_id": "b"},
                {"pk": 1, "remote_id": "c"},
                {"pk": 2, "content_type": "product", "remote_id": "d"},
            ]
        },
    )
    answer = api.patch(
        url, {"objects": [{"pk": 1, "content_type": "product"}, {"pk": 3, "content_type": "product", "remote_id": "e"}]}
    )
    assert pairs(answer) == [
        ("product", 1, None),
        ("stock", 1, "b"),
        (None, 1, "c"),
        ("product", 2, "d"),
        ("product", 3, "e"),
    ]
    assert answer.json()["objects"][0]["failed_reason_type"] is None


def test_the_last_of_several_objects_with_the_same_key_counts(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    twins = [{"pk": 1, "remote_id": "first"}, {"pk": 2}, {"pk": "1", "remote_id": "last"}]
    for method in ("PATCH", "PUT"):
        assert pairs(api(method, url, {"objects": twins})) == [(None, 1, "last"), (None, 2, None)]


def test_an_empty_list_or_null_in_a_partial_update_erases_no_objects(api: Api, channel: int, calls: Calls) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    nothing: tuple[list[Any] | None, ...] = ([], None)
    for objects in nothing:
        assert api.patch(url, {"objects": objects}).json()["objects"] is None
    api.patch(url, {"objects": [{"pk": 1}]})
    before = api.get(url).text
    calls.clear()
    for objects in nothing:
        assert api.patch(url, {"objects": objects}).text == before
    assert not calls.writes()
    moved = api.patch(url, {"status": "commit", "objects": []}).json()
    assert (moved["status"], [one["pk"] for one in moved["objects"]]) == ("commit", [1])


def test_a_full_update_takes_a_given_list_as_the_whole_list(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel, objects=[{"pk": 1, "remote_id": "a"}, {"pk": 2}])["pk"])
    assert pairs(api.put(url, {"objects": [{"pk": 3}, {"pk": 1}]})) == [(None, 3, None), (None, 1, None)]
    assert pairs(api.put(url, {"status": "commit"})) == [(None, 3, None), (None, 1, None)]
    assert api.put(url, {"objects": []}).json()["objects"] == []
    assert api.get(url).json()["objects"] == []
    assert api.put(url, {"objects": None}).json()["objects"] is None
    assert api.get(url).json()["objects"] is None


def bulky(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Objects of 450 bytes each, as they are answered."""
    return [{"pk": pk, "remote_id": "x" * 255, "content_type": "y" * 80} for pk in range(start, start + count)]


def stored(channel: int, pk: int) -> dict[str, Any]:
    """The item of a batch request, as it is stored."""
    key = {"channel": {"N": str(channel)}, "pk": {"N": str(pk)}}
    return dict(clients.dynamodb().get_item(TableName=BATCH_REQUESTS.name, Key=key)["Item"])


def keys_in_bucket(stores: dict[str, str], prefix: str) -> set[str]:
    """The keys of the bucket's contents of one kind."""
    found = clients.s3().list_objects_v2(Bucket=stores["CONTENT_BUCKET"], Prefix=f"{prefix}/")
    return {content["Key"] for content in found.get("Contents", [])}


def test_hundreds_of_objects_are_one_small_item(api: Api, channel: int, stores: dict[str, str]) -> None:
    pk = api.open_batch(channel, objects=many(300, 1))["pk"]
    item = stored(channel, pk)
    assert len(item["objects"]["B"]) < 20_000
    assert int(item["object_count"]["N"]) == 300
    assert keys_in_bucket(stores, "objects") == set()


def test_ten_thousand_objects_go_through_their_life_in_one_request_each(
    api: Api, channel: int, stores: dict[str, str], calls: Calls
) -> None:
    objects = many(10_000, 2)
    url = batches(channel, api.open_batch(channel)["pk"])
    calls.clear()
    committed = api.patch(url, {"status": "commit", "content_type": "product", "objects": objects})
    assert committed.status == 200
    assert calls == ["dynamodb.GetItem", "s3.PutObject", "dynamodb.PutItem"]
    failed = [{**one, "failed_reason_type": "remote"} for one in objects[::10]]
    assert api.patch(url, {"status": "sent_to_remote"}).status == 200
    done = api.patch(url, {"status": "done", "objects": failed})
    assert done.status == 200
    found = api.get(url).json()["objects"]
    assert [one["pk"] for one in found] == list(range(1, 10_001))
    assert [one["remote_id"] for one in found] == [one["remote_id"] for one in objects]
    assert sum(one["failed_reason_type"] == "remote" for one in found) == 1000
    assert api.patch(url, {"status": "done", "objects": failed}).headers["ETag"] == done.headers["ETag"]


def test_objects_beyond_what_an_item_holds_are_compressed_in_the_bucket(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    objects = many(10_000, 3, failed_reason_type=None)
    for one, number in zip(objects, range(10_000), strict=True):
        one["remote_id"] += f"{random.Random(number).getrandbits(256):064x}"
    pk = api.open_batch(channel, objects=objects)["pk"]
    item = stored(channel, pk)
    assert "objects" not in item
    key = item["objects_key"]["S"]
    assert keys_in_bucket(stores, "objects") == {key}
    assert key.startswith(f"objects/{channel}/{pk}/")
    content = clients.s3().get_object(Bucket=stores["CONTENT_BUCKET"], Key=key)["Body"].read()
    assert INLINE_BYTES < len(content) < len(json.dumps(objects)) * 0.7
    assert len(json.loads(zlib.decompress(content))) == 10_000
    # Changed, it is another blob: readers of the item before still find theirs.
    answer = api.patch(batches(channel, pk), {"status": "commit", "objects": [{"pk": 1, "content_type": "product"}]})
    assert answer.json()["objects"][0]["remote_id"] is None
    assert len(answer.json()["objects"]) == 10_000
    changed = stored(channel, pk)["objects_key"]["S"]
    assert keys_in_bucket(stores, "objects") == {key, changed}
    # Few again, they are back in the item.
    assert api.put(batches(channel, pk), {"objects": [{"pk": 1}]}).status == 200
    assert "objects_key" not in stored(channel, pk)
    listed = api.get(batches(channel)).json()["results"]
    assert [one["pk"] for one in listed[0]["objects"]] == [1]


def test_a_move_of_many_objects_leaves_them_where_they_are(
    api: Api, channel: int, stores: dict[str, str], calls: Calls
) -> None:
    pk = api.open_batch(channel, status="commit", objects=many(10_000, 3))["pk"]
    url = batches(channel, pk)
    before = stored(channel, pk)
    calls.clear()
    moved = api.patch(url, {"status": "sent_to_remote", "objects": many(10_000, 3)[:2], "remote_batch_id": "feed-1"})
    assert (moved.status, len(moved.json()["objects"])) == (200, 10_000)
    # The answer shows the objects; nothing else has to.
    assert calls == ["dynamodb.GetItem", "s3.GetObject", "dynamodb.PutItem"]
    after = stored(channel, pk)
    assert after["objects_key"] == before["objects_key"]
    assert after["objects_size"] == before["objects_size"]
    assert keys_in_bucket(stores, "objects") == {after["objects_key"]["S"]}
    # A kilobyte is a write unit; beside it, four indexes drop the old place and take the new one.
    assert size(decode(after)) <= 4 * 1024
    calls.clear()
    assert operations.fail_unless_changed_since(channel, pk, clock.now() + 1)
    assert calls == ["dynamodb.GetItem", "dynamodb.PutItem"]
    assert api.patch(url, {"log_file": "2 refused"}).json()["objects"] == moved.json()["objects"]
    assert stored(channel, pk)["objects_key"] == before["objects_key"]
    calls.clear()
    assert api.delete(url).status == 204
    assert calls == ["dynamodb.GetItem", "dynamodb.DeleteItem"]


def test_a_move_that_loses_its_race_leaves_the_objects_of_the_others(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    pk = api.open_batch(channel, status="commit", objects=many(10_000, 3))["pk"]
    unit = Unit()
    found = repository.get(unit, channel, pk)
    assert found is not None
    repository.put(unit, replace(found, status="fail"))
    assert api.patch(batches(channel, pk), {"status": "sent_to_remote"}).status == 200
    with pytest.raises(Contended):
        unit.commit()
    assert len(api.get(batches(channel, pk)).json()["objects"]) == 10_000
    assert keys_in_bucket(stores, "objects") == {stored(channel, pk)["objects_key"]["S"]}


def test_a_page_reads_objects_of_its_own_places(api: Api, channel: int) -> None:
    made = [api.open_batch(channel, objects=many(3_000, seed))["pk"] for seed in range(11)]
    small = api.open_batch(channel, objects=[{"pk": 5}])["pk"]
    found = api.get(f"{batches(channel)}?limit=20&ordering=pk").json()["results"]
    assert [one["pk"] for one in found] == [*made, small]
    for one in found:
        assert one["objects"] == api.get(batches(channel, one["pk"])).json()["objects"]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_more_objects_than_an_answer_can_hold_are_413(
    api: Api, channel: int, stores: dict[str, str], method: str, calls: Calls
) -> None:
    url = batches(channel, api.open_batch(channel, status="commit", objects=[{"pk": 1}])["pk"])
    before = api.get(url)
    calls.clear()
    answer = api(method, url, {"objects": bulky(15_000), "log_file": "s3cret", "status": "sent_to_remote"})
    assert answer.status == 413
    assert str(LARGEST_ANSWER) in answer.json()["detail"]
    assert not calls.writes()
    after = api.get(url)
    assert (after.text, after.headers["ETag"]) == (before.text, before.headers["ETag"])
    assert keys_in_bucket(stores, "objects") | keys_in_bucket(stores, "logs") == set()


def test_a_batch_request_never_grows_beyond_an_answer_by_merging(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    assert api.patch(url, {"objects": bulky(8_000)}).status == 200
    assert api.patch(url, {"objects": bulky(7_000, 8_000)}).status == 413
    assert len(api.get(url).json()["objects"]) == 8_000


def test_quotes_in_objects_count_twice_in_the_size_of_an_answer(api: Api, channel: int) -> None:
    """Escaped in the body, each of them is escaped again in the function's answer, which is JSON too."""
    url = batches(channel, api.open_batch(channel)["pk"])
    fits = api.patch(url, {"objects": [{"pk": pk, "remote_id": '"\\' * 127} for pk in range(5_000)]})
    assert fits.status == 200
    assert LARGEST_ANSWER * 0.8 < len(json.dumps({"body": fits.text}, ensure_ascii=False)) <= LARGEST_ANSWER
    too_large = api.patch(url, {"objects": [{"pk": pk, "remote_id": '"\\' * 127} for pk in range(6_000)]})
    assert too_large.status == 413
    assert len(fits.text) * 6 / 5 < LARGEST_ANSWER


def test_a_page_of_more_objects_than_an_answer_can_hold_is_413(api: Api, channel: int) -> None:
    for _ in range(3):
        api.open_batch(channel, objects=bulky(5_000))
    answer = api.get(batches(channel))
    assert (answer.status, list(answer.json())) == (413, ["detail"])
    page = api.get(f"{batches(channel)}?limit=2")
    assert page.status == 200
    assert [len(one["objects"]) for one in page.json()["results"]] == [5_000, 5_000]
