"""The life cycle, every move from every status, and repeats of the request that brought a batch request there."""

from typing import Any

import pytest

from tests.integration.conftest import Calls
from tests.support.api import Api, batches

STATUSES = ("initialized", "commit", "sent_to_remote", "ongoing", "done", "fail")

# The contract's table: what is not in it is refused.
ALLOWED = {
    ("initialized", "commit"),
    ("initialized", "done"),
    ("initialized", "fail"),
    ("commit", "commit"),
    ("commit", "sent_to_remote"),
    ("commit", "done"),
    ("commit", "fail"),
    ("sent_to_remote", "ongoing"),
    ("sent_to_remote", "done"),
    ("sent_to_remote", "fail"),
    ("ongoing", "done"),
    ("ongoing", "fail"),
}
WAYS: dict[str, tuple[dict[str, Any], ...]] = {
    "initialized": (),
    "commit": ({"status": "commit", "objects": [{"pk": 1}, {"pk": 2}], "content_type": "product"},),
    "sent_to_remote": (
        {"status": "commit", "objects": [{"pk": 1}]},
        {"status": "sent_to_remote", "remote_batch_id": "R-1"},
    ),
    "ongoing": ({"status": "commit", "objects": [{"pk": 1}]}, {"status": "sent_to_remote"}, {"status": "ongoing"}),
    "done": ({"status": "done", "objects": [{"pk": 1, "remote_id": "x"}, {"pk": 2, "failed_reason_type": "remote"}]},),
    "fail": ({"status": "fail", "objects": [{"pk": 1, "failed_reason_type": "channel_app"}], "log_file": "s3cret"},),
}


def bring(api: Api, channel: int, status: str, method: str = "PATCH") -> str:
    """The path of a new batch request in a status."""
    url = batches(channel, api.open_batch(channel)["pk"])
    for step in WAYS[status]:
        assert api(method, url, step).status == 200
    assert api.get(url).json()["status"] == status
    return url


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("source", STATUSES)
def test_every_status_change_is_made_or_refused_by_the_table(api: Api, channel: int, source: str, method: str) -> None:
    for target in STATUSES:
        url = bring(api, channel, source)
        before = api.get(url)
        answer = api(method, url, {"status": target})
        if (source, target) in ALLOWED - {("commit", "commit")}:
            assert answer.status == 200
            assert answer.json()["status"] == target
            assert answer.headers["ETag"] != before.headers["ETag"]
        elif source == target:
            assert (answer.status, answer.text) == (200, before.text)
            assert answer.headers["ETag"] == before.headers["ETag"]
        else:
            assert answer.status == 400
            assert list(answer.json()) == ["status"]
            (message,) = answer.json()["status"]
            allowed = [status for status in STATUSES if (source, status) in ALLOWED]
            assert all(f'"{status}"' in message for status in {source, target, *allowed})
            assert api.get(url).text == before.text
            assert api.get(url).headers["ETag"] == before.headers["ETag"]


def test_a_refused_status_change_tells_the_allowed_statuses(api: Api, channel: int) -> None:
    refused = api.patch(bring(api, channel, "initialized"), {"status": "ongoing"})
    message = (
        'Status cannot be changed from "initialized" to "ongoing". '
        'Allowed from "initialized": "commit", "done", "fail".'
    )
    assert (refused.status, refused.json()) == (400, {"status": [message]})


@pytest.mark.parametrize("source", STATUSES)
def test_a_refused_status_change_changes_no_field(api: Api, channel: int, source: str) -> None:
    url = bring(api, channel, source)
    before = api.get(url)
    refused = [target for target in STATUSES if target != source and (source, target) not in ALLOWED]
    for target in refused:
        for method in ("PATCH", "PUT"):
            answer = api(
                method,
                url,
                {"status": target, "objects": [{"pk": 77}], "remote_batch_id": "other", "log_file": "s3cret other"},
            )
            assert (answer.status, list(answer.json())) == (400, ["status"])
    after = api.get(url)
    assert (after.text, after.headers["ETag"]) == (before.text, before.headers["ETag"])
    assert api.get(f"{url}log_file/").status == (303 if source == "fail" else 404)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("status", [status for status in STATUSES if WAYS[status]])
def test_a_repeated_status_change_changes_nothing(
    api: Api, channel: int, status: str, method: str, calls: Calls
) -> None:
    url = bring(api, channel, status, method)
    before = api.get(url)
    calls.clear()
    for _ in range(3):
        again = api(method, url, WAYS[status][-1])
        assert (again.status, again.text) == (200, before.text)
        assert again.headers["ETag"] == before.headers["ETag"]
    assert not calls.writes()


@pytest.mark.parametrize("status", ["done", "fail"])
@pytest.mark.parametrize(
    "difference",
    [
        {"objects": [{"pk": 3}]},
        {"objects": [{"pk": 1, "failed_reason_type": "mapping"}]},
        {"remote_batch_id": "other"},
        {"content_type": "other"},
    ],
)
@pytest.mark.parametrize("with_status", [True, False])
def test_a_different_body_on_a_finished_batch_request_is_refused(
    api: Api, channel: int, status: str, difference: dict[str, Any], with_status: bool
) -> None:
    url = bring(api, channel, status)
    before = api.get(url)
    body = {**difference, "status": status} if with_status else difference
    for method in ("PATCH", "PUT"):
        answer = api(method, url, {**body, "log_file": "s3cret too"})
        assert (answer.status, list(answer.json())) == (400, ["status"])
    assert api.get(url).text == before.text
    assert api.get(url).headers["ETag"] == before.headers["ETag"]


@pytest.mark.parametrize("status", ["done", "fail"])
def test_emptying_a_finished_batch_request_by_a_full_update_is_refused(api: Api, channel: int, status: str) -> None:
    url = bring(api, channel, status)
    bodies: list[dict[str, Any]] = [{"objects": []}, {"objects": None}]
    for body in bodies:
        assert api.put(url, body).status == 400
        assert api.patch(url, body).status == 200
    assert api.get(url).json()["objects"]


@pytest.mark.parametrize("status", STATUSES)
def test_a_log_file_may_be_attached_in_every_status(api: Api, channel: int, status: str) -> None:
    url = bring(api, channel, status)
    before = api.get(url).json()
    answer = api.patch(url, {"log_file": "s3cret: more to tell"})
    assert answer.status == 200
    assert {**answer.json(), "modified_date": None} == {**before, "modified_date": None}
    assert api.get(f"{url}log_file/").status == 303


def test_objects_are_added_to_a_committed_batch_request(api: Api, channel: int) -> None:
    url = bring(api, channel, "commit")
    answer = api.patch(url, {"status": "commit", "objects": [{"pk": 2, "remote_id": "b"}, {"pk": 3}]})
    assert [(one["pk"], one["remote_id"]) for one in answer.json()["objects"]] == [(1, None), (2, "b"), (3, None)]


@pytest.mark.parametrize("status", ["sent_to_remote", "ongoing"])
def test_the_remote_batch_id_is_not_replaced_by_a_repeated_status_change(api: Api, channel: int, status: str) -> None:
    url = bring(api, channel, "sent_to_remote")
    api.patch(url, {"status": status})
    for other in ("R-2", None):
        answer = api.patch(url, {"status": status, "remote_batch_id": other})
        assert (answer.status, list(answer.json())) == (400, ["status"])
    assert api.get(url).json()["remote_batch_id"] == "R-1"
    corrected = api.patch(url, {"remote_batch_id": "R-2"})
    assert (corrected.status, corrected.json()["remote_batch_id"]) == (200, "R-2")


def test_a_batch_request_from_initialized_to_done(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    first = [{"pk": pk, "content_type": "product", "version_date": f"2026-11-22T02:50:0{pk}Z"} for pk in range(1, 4)]
    second = [{"pk": pk, "content_type": "product"} for pk in range(4, 6)]
    for body in (
        {"status": "commit", "content_type": "product", "objects": first},
        {"status": "commit", "objects": second},
        {"status": "sent_to_remote", "remote_batch_id": "feed-77"},
        {"status": "ongoing"},
        {"objects": [{"pk": 2, "content_type": "product", "failed_reason_type": "mapping"}]},
        {
            "status": "done",
            "objects": [{**one, "remote_id": f"r{one['pk']}"} for one in first + second if one["pk"] != 2],
        },
    ):
        assert api.patch(url, body).status == 200
    done = api.get(url).json()
    assert (done["status"], done["remote_batch_id"], done["content_type"]) == ("done", "feed-77", "product")
    assert [(one["pk"], one["failed_reason_type"], one["remote_id"]) for one in done["objects"]] == [
        (1, None, "r1"),
        (2, "mapping", None),
        (3, None, "r3"),
        (4, None, "r4"),
        (5, None, "r5"),
    ]
