"""Batch requests one at a time: opening, reading, changing, removing, and what their answers hold."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from batchyard import clock
from batchyard.batch_requests import operations
from batchyard.store import clients
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.api import Api, batches, caller_with

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
FIELDS = [
    "pk",
    "channel",
    "local_batch_id",
    "remote_batch_id",
    "content_type",
    "status",
    "objects",
    "created_date",
    "modified_date",
]


def test_an_opened_batch_request_holds_every_field(api: Api, channel: int) -> None:
    before = clock.now()
    answer = api.post(batches(channel), {"channel": channel})
    assert answer.status == 201
    opened = answer.json()
    assert list(opened) == FIELDS
    assert opened["channel"] == channel
    assert opened["status"] == "initialized"
    assert (opened["remote_batch_id"], opened["content_type"], opened["objects"]) == (None, None, None)
    assert uuid.UUID(opened["local_batch_id"]).version == 4
    assert DATE.fullmatch(opened["created_date"])
    assert opened["modified_date"] == opened["created_date"]
    created = datetime.strptime(opened["created_date"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp()
    assert abs(created - before / 1e6) < 5
    assert answer.headers["ETag"] == '"1"'
    assert api.get(answer.headers["Location"]).json() == opened


@pytest.mark.parametrize("given", [5, "5", " 5 ", 5.0])
def test_the_channel_arrives_as_a_number_or_as_text_and_is_answered_as_a_number(api: Api, given: Any) -> None:
    for _ in range(5):
        channel = api.open_channel()
    assert channel == 5
    assert api.post(batches(5), {"channel": given}).json()["channel"] == 5
    opened = api.open_batch(5)
    assert api.patch(batches(5, opened["pk"]), {"channel": given}).json()["channel"] == 5


def test_another_channel_than_the_paths_is_refused(api: Api, channel: int) -> None:
    opened = api.open_batch(channel)
    for answer in (
        api.post(batches(channel), {"channel": channel + 1}),
        api.patch(batches(channel, opened["pk"]), {"channel": channel + 1, "status": "commit"}),
        api.put(batches(channel, opened["pk"]), {"channel": str(channel + 1), "status": "commit"}),
    ):
        message = f"Channel {channel + 1} is not the channel of the path, {channel}."
        assert (answer.status, answer.json()) == (400, {"channel": [message]})
    assert api.get(batches(channel)).json()["results"] == [opened]


def test_read_only_and_unknown_fields_are_ignored(api: Api, channel: int) -> None:
    noise = {
        "pk": 1,
        "local_batch_id": "not even a UUID",
        "created_date": "yesterday",
        "modified_date": None,
        "status_display": {"deep": [1, 2]},
    }
    opened = api.post(
        batches(channel),
        {**noise, "channel": channel, "status": "done", "objects": "nonsense", "content_type": ["x"], "log_file": 5},
    )
    assert opened.status == 201
    assert opened.json()["status"] == "initialized"
    assert (opened.json()["objects"], opened.json()["content_type"]) == (None, None)
    url = batches(channel, opened.json()["pk"])
    for method in ("PATCH", "PUT"):
        changed = api(method, url, {**noise, "remote_batch_id": method})
        assert changed.status == 200
        kept = ("pk", "local_batch_id", "created_date")
        assert [changed.json()[name] for name in kept] == [opened.json()[name] for name in kept]
        assert list(changed.json()) == FIELDS


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_batch_request_sent_back_whole_changes_nothing(api: Api, channel: int, method: str) -> None:
    objects = [{"pk": 1, "content_type": "product", "version_date": "2026-11-22T02:50:19Z"}, {"pk": 2}]
    moves: list[dict[str, Any]] = [
        {},
        {"status": "commit", "objects": objects, "content_type": "product"},
        {"status": "sent_to_remote", "remote_batch_id": "R-1"},
        {"status": "ongoing"},
        {"status": "done", "objects": [{"pk": 2, "failed_reason_type": "remote"}]},
    ]
    pk = api.open_batch(channel)["pk"]
    for move in moves:
        api.patch(batches(channel, pk), move)
        before = api.get(batches(channel, pk))
        echoed = api(method, batches(channel, pk), before.json())
        assert echoed.status == 200, echoed.text
        assert echoed.json() == before.json()
        assert echoed.headers["ETag"] == before.headers["ETag"]


def test_fields_that_are_left_out_stay_also_in_a_full_update(api: Api, channel: int) -> None:
    opened = api.open_batch(channel, content_type="stock", remote_batch_id="R-1", objects=[{"pk": 1}])
    changed = api.put(batches(channel, opened["pk"]), {"status": "commit"}).json()
    kept = ("content_type", "remote_batch_id", "objects")
    assert [changed[name] for name in kept] == [opened[name] for name in kept]
    emptied = api.put(batches(channel, opened["pk"]), {"content_type": None, "remote_batch_id": None}).json()
    assert (emptied["content_type"], emptied["remote_batch_id"], emptied["status"]) == (None, None, "commit")


def test_an_update_changes_the_modification_date_alone_among_the_dates(api: Api, channel: int) -> None:
    opened = api.open_batch(channel)
    changed = api.patch(batches(channel, opened["pk"]), {"remote_batch_id": "R"}).json()
    assert changed["created_date"] == opened["created_date"]
    assert changed["modified_date"] > opened["modified_date"]
    assert DATE.fullmatch(changed["modified_date"])


def test_a_removed_batch_request_is_gone(api: Api, channel: int) -> None:
    opened, kept = api.open_batch(channel), api.open_batch(channel)
    url = batches(channel, opened["pk"])
    answer = api.delete(url)
    assert (answer.status, answer.text) == (204, "")
    for again in (api.get(url), api.patch(url, {}), api.put(url, {}), api.delete(url)):
        assert (again.status, again.json()) == (404, {"detail": "Not found."})
    assert [one["pk"] for one in api.get(batches(channel)).json()["results"]] == [kept["pk"]]


def test_a_batch_request_is_found_under_its_own_channel_alone(api: Api, channel: int) -> None:
    other = api.open_channel("Other")
    pk = api.open_batch(channel)["pk"]
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        answer = api(method, batches(other, pk), None if method in {"GET", "DELETE"} else {"status": "fail"})
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})
    assert api.get(batches(channel, pk)).json()["status"] == "initialized"


def test_there_are_no_batch_requests_without_their_channel(api: Api) -> None:
    for answer in (api.get(batches(99)), api.post(batches(99), {"channel": 99})):
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize(
    "segment", ["0x1", "1.0", "+1", "-1", "1_0", "%201", "1e0", "%D9%A1", "abc", str(2**63), "9" * 5000]
)
def test_a_path_holds_digits_or_there_is_no_such_resource(api: Api, channel: int, segment: str) -> None:
    assert channel == 1
    pk = api.open_batch(channel)["pk"]
    for method, url in (
        ("GET", f"/api/v1/channel/{segment}/batch_requests/"),
        ("POST", f"/api/v1/channel/{segment}/batch_requests/"),
        ("GET", f"/api/v1/channel/{segment}/batch_requests/{pk}/"),
        ("GET", f"/api/v1/channel/1/batch_requests/{segment}/"),
        ("PATCH", f"/api/v1/channel/1/batch_requests/{segment}/"),
        ("DELETE", f"/api/v1/channel/1/batch_requests/{segment}/"),
        ("GET", f"/api/v1/channels/{segment}/"),
    ):
        answer = api(method, url, None if method in {"GET", "DELETE"} else {"channel": 1})
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("slash", ["", "/"])
def test_routes_answer_with_and_without_the_trailing_slash(api: Api, channel: int, slash: str) -> None:
    collection = batches(channel).rstrip("/") + slash
    opened = api.post(collection, {"channel": channel})
    one = f"{batches(channel)}{opened.json()['pk']}{slash}"
    assert opened.status == 201
    assert api.get(collection).json()["count"] == 1
    assert api.get(one).status == 200
    assert api.patch(one, {"log_file": "s3cret"}).status == 200
    assert api.put(one, {"status": "fail"}).status == 200
    assert api.get(f"{one.rstrip('/')}/log_file{slash}").status == 303
    assert api.post(f"{one.rstrip('/')}/log_file/upload{slash}").status == 201
    assert api.delete(one).status == 204
    assert api.get(f"/api/v1/channels{slash}").status == 200
    assert api.get(f"/api/v1/channels/{channel}{slash}").status == 200


def test_primary_keys_grow_with_time_and_fit_what_javascript_reads_exactly(api: Api, channel: int) -> None:
    other = api.open_channel("Other")
    pks = [api.open_batch(place)["pk"] for place in (channel, other, channel, channel, other, channel)]
    assert pks == sorted(set(pks))
    assert pks[-1] < 2**53


def test_a_repeat_with_the_same_idempotency_key_answers_the_first_reply(api: Api, channel: int, calls: Calls) -> None:
    headers = {"Idempotency-Key": "load 1"}
    first = api.post(batches(channel), {"channel": channel}, headers=headers)
    api.patch(batches(channel, first.json()["pk"]), {"status": "fail"})
    again = api.post(batches(channel), {"channel": channel}, headers={"idempotency-key": "load 1"})
    assert (again.status, again.text) == (201, first.text)
    for name in ("ETag", "Location"):
        assert again.headers[name] == first.headers[name]
    assert api.get(batches(channel)).json()["count"] == 1
    api.delete(batches(channel, first.json()["pk"]))
    api.patch(f"/api/v1/channels/{channel}/", {"is_active": False})
    assert api.post(batches(channel), {"channel": channel}, headers=headers).text == first.text


def test_an_idempotency_key_means_nothing_to_others(api: Api, channel: int) -> None:
    headers = {"Idempotency-Key": "1"}
    other = api.open_channel("Other")
    colleague = Api(caller_with("colleague", "tok_other", writes=True, channels=None))
    opened = [
        api.post(batches(channel), {"channel": channel}, headers=headers),
        api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": "2"}),
        api.post(batches(other), {"channel": other}, headers=headers),
        colleague.post(batches(channel), {"channel": channel}, headers=headers),
        api.post(batches(channel), {"channel": channel}),
        api.post(batches(channel), {"channel": channel}),
        api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": ""}),
        api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": ""}),
    ]
    assert len({answer.json()["pk"] for answer in opened}) == len(opened)


def test_an_idempotency_key_is_kept_for_a_day(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    headers, start = {"Idempotency-Key": "k"}, clock.now()
    pks = []
    for hours in (0, 23.9, 24.1):
        moment = start + round(hours * 3600_000_000)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        pks.append(api.post(batches(channel), {"channel": channel}, headers=headers).json()["pk"])
    assert pks[0] == pks[1] != pks[2]


def test_a_refused_request_leaves_its_idempotency_key_free(api: Api, channel: int) -> None:
    headers = {"Idempotency-Key": "k"}
    api.patch(f"/api/v1/channels/{channel}/", {"is_active": False})
    refused = api.post(batches(channel), {"channel": channel}, headers=headers)
    assert (refused.status, refused.json()) == (400, {"channel": ["The channel is not active."]})
    api.patch(f"/api/v1/channels/{channel}/", {"is_active": True})
    assert api.post(batches(channel), {"channel": channel}, headers=headers).status == 201


def test_a_key_of_over_255_characters_is_refused(api: Api, channel: int) -> None:
    answer = api.post(batches(channel), {"channel": channel}, headers={"Idempotency-Key": "x" * 256})
    assert answer.status == 400
    assert list(answer.json().values()) == [["Ensure this field has no more than 255 characters."]]
    assert api.get(batches(channel)).json()["count"] == 0


def test_two_requests_with_one_key_at_once_open_one_batch_request(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers, commit, raced = {"Idempotency-Key": "k"}, Unit.commit, []

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        raced.append(api.post(batches(channel), {"channel": channel}, headers=headers))
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    answer = api.post(batches(channel), {"channel": channel}, headers=headers)
    assert answer.text == raced[0].text
    assert api.get(batches(channel)).json()["count"] == 1


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_if_match_lets_the_version_that_it_names_be_changed(api: Api, channel: int, method: str) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for number, sent in enumerate(['"1"', '"7", "2"', " * ", '"4"'], 1):
        answer = api(method, url, {"remote_batch_id": f"R{number}"}, headers={"If-Match": sent})
        assert answer.status == 200, sent
        assert answer.headers["ETag"] == f'"{number + 1}"' == api.get(url).headers["ETag"]
    before = api.get(url)
    for sent in ('"1"', '"6"', 'W/"5"', "5", '"1", "2"', ""):
        refused = api(method, url, {"status": "fail"}, headers={"If-Match": sent})
        assert refused.status == 412, sent
        assert refused.json() == {"detail": "The resource has changed since it was read."}
    assert api.get(url).text == before.text


def test_if_match_of_several_header_lines_is_one_list(api: Api, channel: int) -> None:
    from tests.support.api import invoke

    url = batches(channel, api.open_batch(channel)["pk"])
    event, handler = api.event("PATCH", url, {"remote_batch_id": "R"}, headers={"If-Match": '"1"'})
    event["multiValueHeaders"]["If-Match"] = ['"9"', '"1"']
    assert invoke(handler, event).status == 200


def test_a_repeat_is_answered_also_where_if_match_names_the_version_before(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    body, headers = {"status": "commit", "objects": [{"pk": 1}]}, {"If-Match": '"1"'}
    first, again = (api.patch(url, body, headers=headers) for _ in range(2))
    assert (first.status, again.status, again.text) == (200, 200, first.text)


def test_deleting_a_batch_request_honours_if_match(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel, content_type="stock")["pk"])
    assert api.delete(url, headers={"If-Match": '"1"'}).status == 412
    assert api.get(url).status == 200
    assert api.delete(url, headers={"If-Match": '"2"'}).status == 204


def test_one_of_two_concurrent_updates_with_the_same_if_match_is_refused(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    overtake(monkeypatch, lambda: api.patch(url, {"remote_batch_id": "A"}, headers={"If-Match": '"1"'}))
    assert api.patch(url, {"remote_batch_id": "B"}, headers={"If-Match": '"1"'}).status == 412
    assert api.get(url).json()["remote_batch_id"] == "A"


def overtake(monkeypatch: pytest.MonkeyPatch, other: Any) -> list[Any]:
    """Has another request done between the reads and the commit of the next one; returns a list of its answer."""
    commit, answers = Unit.commit, []

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        answers.append(other())
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    return answers


def test_concurrent_merges_of_objects_both_survive(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = batches(channel, api.open_batch(channel, status="commit", objects=[{"pk": 1}])["pk"])
    other = overtake(
        monkeypatch, lambda: api.patch(url, {"objects": [{"pk": 2, "remote_id": "two"}], "content_type": "stock"})
    )
    answer = api.patch(url, {"objects": [{"pk": 3}, {"pk": 1, "remote_id": "one"}]})
    assert (answer.status, other[0].status) == (200, 200)
    found = api.get(url).json()
    assert [(one["pk"], one["remote_id"]) for one in found["objects"]] == [(1, "one"), (2, "two"), (3, None)]
    assert found["content_type"] == "stock"
    assert answer.json() == found


def test_one_of_two_concurrent_status_changes_wins(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = batches(channel, api.open_batch(channel, status="commit")["pk"])
    other = overtake(monkeypatch, lambda: api.patch(url, {"status": "fail"}))
    answer = api.patch(url, {"status": "sent_to_remote"})
    assert (other[0].status, answer.status) == (200, 400)
    assert list(answer.json()) == ["status"]
    assert api.get(url).json()["status"] == "fail"


def test_a_batch_request_is_sent_to_remote_by_one_worker(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = batches(channel, api.open_batch(channel, status="commit")["pk"])
    overtake(monkeypatch, lambda: api.patch(url, {"status": "sent_to_remote", "remote_batch_id": "A"}))
    answer = api.patch(url, {"status": "sent_to_remote", "remote_batch_id": "B"})
    assert (answer.status, list(answer.json())) == (400, ["status"])
    assert api.get(url).json()["remote_batch_id"] == "A"


def test_a_batch_request_removed_meanwhile_is_not_brought_back(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    other = overtake(monkeypatch, lambda: api.delete(url))
    assert api.patch(url, {"status": "commit"}).status == 404
    assert other[0].status == 204
    assert api.get(url).status == 404


def test_a_write_whose_answer_got_lost_is_not_a_lost_race(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    client = clients.dynamodb()
    for name, request in (
        ("put_item", lambda: api.patch(url, {"status": "commit"})),
        ("delete_item", lambda: api.delete(url)),
    ):
        call = getattr(client, name)

        def twice(call: Any = call, **arguments: Any) -> Any:
            # What botocore does when the connection breaks before the answer has come, and what it tells of it.
            call(**arguments)
            try:
                return call(**arguments)
            except ClientError as error:
                error.response["ResponseMetadata"]["RetryAttempts"] = 1
                raise

        monkeypatch.setattr(client, name, twice)
        answer = request()
        assert answer.status in {200, 204}
        if answer.status == 200:
            assert answer.headers["ETag"] == '"2"'
        monkeypatch.setattr(client, name, call)


def test_store_calls_of_a_retrieval_and_a_status_change(api: Api, channel: int, calls: Calls) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for request, expected in (
        (lambda: api.get(url), ["dynamodb.GetItem"]),
        (
            lambda: api.patch(url, {"status": "commit", "objects": [{"pk": 1}]}),
            ["dynamodb.GetItem", "dynamodb.PutItem"],
        ),
        (lambda: api.patch(url, {"status": "commit", "objects": [{"pk": 1}]}), ["dynamodb.GetItem"]),
        (lambda: api.put(url, {"status": "sent_to_remote"}), ["dynamodb.GetItem", "dynamodb.PutItem"]),
        (lambda: api.delete(url), ["dynamodb.GetItem", "dynamodb.DeleteItem"]),
    ):
        calls.clear()
        request()
        assert calls == expected


def test_operations_can_be_called_without_the_edge(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    assert operations.retrieve(channel, pk).pk == pk
