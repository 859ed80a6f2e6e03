"""The framework that connectors of marketplaces are written with drives the channel batch requests."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.clients import published
from tests.clients.conftest import Site
from tests.contract.service import NAME, PASSWORD

Ask = Callable[..., Any]

MOMENT = "2026-11-26T10:20:30.405060Z"
ITEMS = [
    {"pk": 101, "modified_date": MOMENT, "remote_id": "M-1"},
    {"pk": 102, "modified_date": MOMENT, "failed_reason_type": "mapping"},
]
OBJECTS = [
    {"pk": 101, "version_date": MOMENT, "content_type": "product", "remote_id": "M-1", "failed_reason_type": None},
    {"pk": 102, "version_date": MOMENT, "content_type": "product", "remote_id": None, "failed_reason_type": "mapping"},
]
ON_ITS_WAY: list[tuple[str, dict[str, Any]]] = [
    ("commit", {"objects": OBJECTS, "content_type": "product"}),
    ("sent_to_remote", {"remote_batch_id": "R-7"}),
    ("ongoing", {}),
]


@pytest.fixture
def ask(site: Site) -> Ask:
    """Asks a connector of the channel."""
    return partial(
        published.call,
        "with_channel_app.py",
        base=site.base,
        channel=site.channel,
        username=NAME,
        password=PASSWORD,
    )


def told(batch: dict[str, Any], *names: str) -> list[Any]:
    return [batch[name] for name in names]


def test_a_name_and_a_password_are_good_for_a_token(ask: Ask) -> None:
    token = ask("token")
    assert token.startswith("Token ")
    assert ask("token", token=token) == token


def test_a_wrong_password_is_told_in_the_field_of_all(ask: Ask) -> None:
    assert ask("token", password="wrong") == {"non_field_errors": ["Unable to log in with provided credentials."]}


def test_a_batch_request_goes_all_the_way(ask: Ask) -> None:
    done = ("done", {"objects": OBJECTS[:1]})
    answered = ask("travel", steps=[*ON_ITS_WAY, done])
    assert [batch["status"] for batch in answered] == ["initialized", "commit", "sent_to_remote", "ongoing", "done"]
    assert len({batch["pk"] for batch in answered}) == 1
    assert told(answered[-1], "channel", "content_type", "remote_batch_id") == [
        answered[0]["channel"],
        "product",
        "R-7",
    ]
    # What is told of some of the objects leaves the others as they were.
    assert [told(one, "pk", "remote_id") for one in answered[-1]["objects"]] == [[101, "M-1"], [102, None]]


def test_a_batch_request_fails_on_the_way(ask: Ask) -> None:
    # Where a command fails it forgets the objects, and says so.
    answered = ask("travel", steps=[*ON_ITS_WAY[:2], ("fail", {"objects": None})])
    assert [batch["status"] for batch in answered] == ["initialized", "commit", "sent_to_remote", "fail"]


def test_a_batch_request_with_nothing_to_send_is_done_at_once(ask: Ask) -> None:
    assert [batch["status"] for batch in ask("travel", steps=[("done", {})])] == ["initialized", "done"]


def test_a_command_marks_the_objects_that_it_works_on(ask: Ask) -> None:
    marked = ask("mark", content_type="product", items=ITEMS)
    assert told(marked, "status", "content_type") == ["commit", "product"]
    assert [told(one, "pk", "failed_reason_type") for one in marked["objects"]] == [[101, None], [102, "mapping"]]


def test_commands_find_batch_requests_by_their_status(ask: Ask) -> None:
    ongoing = [ask("travel", steps=ON_ITS_WAY)[0]["pk"] for _ in range(3)]
    found = ask("find", params={"status": "ongoing", "limit": 100})
    assert [pk for pk in found if pk in ongoing] == ongoing
    others = ask("find", params={"status": ["commit", "sent_to_remote"], "limit": 100, "ordering": "-pk"})
    assert others == sorted(others, reverse=True)
    assert not set(ongoing) & set(others)
    pages = ask("find_all", params={"status": "ongoing", "limit": 2})
    assert [len(page) for page in pages[:-1]] == [2] * (len(pages) - 1)
    assert [pk for page in pages for pk in page] == found


def test_a_batch_request_is_sent_back_as_a_whole(ask: Ask) -> None:
    pk = ask("travel", steps=ON_ITS_WAY[:2])[0]["pk"]
    assert ask("send_back", pk=pk, values={"status": "ongoing"})["status"] == "ongoing"
    refused = ask("send_back", pk=pk, values={"status": "commit"})
    assert refused["status"] == 400
    assert refused["body"]
