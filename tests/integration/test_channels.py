"""Channels: made, read, changed, removed."""

from typing import Any

import pytest

from batchyard.channels import operations
from batchyard.store.unit import Unit
from tests.support.api import Api, batches, caller_with

URL = "/api/v1/channels/"
REQUIRED = ["This field is required."]
NULL = ["This field may not be null."]
BLANK = ["This field may not be blank."]
BOOLEAN = ["Must be a valid boolean."]
INTEGER = ["A valid integer is required."]


def test_a_channel_is_made_with_what_is_given(api: Api) -> None:
    made = api.post(URL, {"name": "  Marketplace ", "pk": 77, "unknown": []})
    assert (made.status, made.json()) == (
        201,
        {"pk": 1, "name": "Marketplace", "is_active": True, "stale_after": None},
    )
    other = api.post(URL, {"name": "Ähnliches", "is_active": False, "stale_after": 3600}).json()
    assert other == {"pk": 2, "name": "Ähnliches", "is_active": False, "stale_after": 3600}
    assert api.get(f"{URL}2/").json() == other


def test_channels_are_changed_by_what_is_given_alone(api: Api) -> None:
    api.post(URL, {"name": "Marketplace", "stale_after": 60})
    before = {"pk": 1, "name": "Marketplace", "is_active": True, "stale_after": 60}
    for change in ({}, {"is_active": False}, {"name": "Other", "pk": 5}, {"stale_after": None}, {"is_active": True}):
        before |= {name: value for name, value in change.items() if name != "pk"}
        answer = api.patch(f"{URL}1/", change)
        assert (answer.status, answer.json()) == (200, before)
        assert api.get(f"{URL}1/").json() == before


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": None}, {"name": NULL}),
        ({"name": ""}, {"name": BLANK}),
        ({"name": "  "}, {"name": BLANK}),
        ({"name": "x" * 256}, {"name": ["Ensure this field has no more than 255 characters."]}),
        ({"name": []}, {"name": ["Not a valid string."]}),
        ({"name": True}, {"name": ["Not a valid string."]}),
        ({"name": "\x00"}, {"name": ["Null characters are not allowed."]}),
        ({"is_active": "perhaps"}, {"is_active": BOOLEAN}),
        ({"is_active": []}, {"is_active": BOOLEAN}),
        ({"is_active": 1}, {"is_active": BOOLEAN}),
        ({"is_active": "true"}, {"is_active": BOOLEAN}),
        ({"is_active": None}, {"is_active": NULL}),
        ({"stale_after": 59}, {"stale_after": ["Ensure this value is greater than or equal to 60."]}),
        ({"stale_after": 31_536_001}, {"stale_after": ["Ensure this value is less than or equal to 31536000."]}),
        ({"stale_after": "soon"}, {"stale_after": INTEGER}),
        ({"stale_after": True}, {"stale_after": INTEGER}),
        ({"stale_after": 60.5}, {"stale_after": INTEGER}),
        (
            {"name": "", "is_active": 5, "stale_after": 1},
            {"name": BLANK, "is_active": BOOLEAN, "stale_after": ["Ensure this value is greater than or equal to 60."]},
        ),
    ],
)
def test_bad_fields_of_a_channel_are_refused(
    api: Api, channel: int, fields: dict[str, Any], errors: dict[str, Any]
) -> None:
    before = api.get(f"{URL}{channel}/").json()
    made, changed = api.post(URL, {"name": "x", **fields}), api.patch(f"{URL}{channel}/", {"name": "x", **fields})
    assert (made.status, made.json()) == (400, errors)
    assert (changed.status, changed.json()) == (400, errors)
    assert api.get(URL).json()["results"] == [before]


def test_a_channel_needs_a_name(api: Api) -> None:
    answer = api.post(URL, {"is_active": "perhaps"})
    assert (answer.status, answer.json()) == (400, {"name": REQUIRED, "is_active": BOOLEAN})


def test_channels_are_listed_in_order_and_page_by_page(api: Api) -> None:
    made = [api.post(URL, {"name": f"Channel {number}"}).json() for number in range(5)]
    assert api.get(URL).json() == {"count": 5, "next": None, "previous": None, "results": made}
    page = api.get(f"{URL}?limit=2&page=2").json()
    assert (page["count"], page["results"]) == (5, made[2:4])
    last = api.get(f"{URL}?limit=2&page=3").json()
    assert (last["next"], last["results"]) == (None, made[4:])
    for number in ("4", "0", "x", "-1"):
        answer = api.get(f"{URL}?limit=2&page={number}")
        assert (answer.status, answer.json()) == (404, {"detail": "Invalid page."})


def test_a_token_sees_its_own_channels_alone(api: Api) -> None:
    made = [api.post(URL, {"name": f"Channel {number}"}).json() for number in range(4)]
    client = Api(caller_with("bert", "tok_bert", channels=frozenset({2, 4, 99})))
    assert client.get(URL).json() == {"count": 2, "next": None, "previous": None, "results": [made[1], made[3]]}


def test_there_is_no_channel_that_was_never_made(api: Api) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        answer = api(method, f"{URL}7/", {} if method == "PATCH" else None)
        assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_a_channel_is_removed_once_it_has_no_batch_requests(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    refused = api.delete(f"{URL}{channel}/")
    told = "The channel has batch requests. Delete them first, or set is_active to false."
    assert (refused.status, refused.json()) == (409, {"detail": told})
    assert api.get(batches(channel, pk)).status == 200
    api.delete(batches(channel, pk))
    assert api.delete(f"{URL}{channel}/").status == 204
    assert api.get(f"{URL}{channel}/").status == 404
    assert api.get(batches(channel)).status == 404
    assert api.get(URL).json()["results"] == []


def test_the_primary_key_of_a_removed_channel_is_not_given_again(api: Api) -> None:
    first = api.open_channel()
    api.delete(f"{URL}{first}/")
    assert api.open_channel() == first + 1


def test_a_primary_key_that_an_operator_took_is_passed_over(api: Api) -> None:
    operations.create({"name": "Known to clients as 2"}, pk=2)
    assert [api.open_channel() for _ in range(3)] == [1, 3, 4]


def test_no_batch_request_is_opened_in_an_inactive_channel(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    api.patch(f"{URL}{channel}/", {"is_active": False})
    refused = api.post(batches(channel), {"channel": channel})
    assert (refused.status, refused.json()) == (400, {"channel": ["The channel is not active."]})
    assert api.patch(batches(channel, pk), {"status": "commit"}).status == 200
    assert api.get(batches(channel)).json()["count"] == 1
    api.patch(f"{URL}{channel}/", {"is_active": True})
    assert api.post(batches(channel), {"channel": channel}).status == 201


def test_two_channels_made_at_once_get_primary_keys_of_their_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, made = Unit.commit, []

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        made.append(api.open_channel("first"))
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    made.append(api.open_channel("second"))
    assert made == [1, 2]
    assert [one["name"] for one in api.get(URL).json()["results"]] == ["first", "second"]
