"""A client of the service that this one replaces, as Django REST framework's clients are written, pointed at it.

It logs in when it is told 401 and gives up when it is told 403, repeats up to ten times what is answered with 5xx,
counts `page` up until `next` is null, and sends whole resources back.
"""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests

from batch_requests import attach_log
from batchyard.errors import Unavailable
from batchyard.identity import operations
from batchyard.scope import Scope
from batchyard.store.unit import Unit
from tests.contract.service import GATEWAY, NAME, PASSWORD, Service
from tests.support.api import HOST, STAGE, Context
from tools import aws_events

ATTEMPTS = 10


class Forbidden(Exception):
    """The client gives up."""


class Client:
    """A client with a name and a password.

    Args:
        name: Its user name.
    """

    def __init__(self, name: str = NAME, password: str = PASSWORD) -> None:
        self.credentials = {"username": name, "password": password}
        self.http = httpx.Client(transport=httpx.WSGITransport(GATEWAY), base_url=f"https://{HOST}/{STAGE}/api/v1/")
        self.logins = 0
        self.user = self.get("active_user/")

    def log_in(self) -> None:
        answer = self.http.post("auth/login/", json=self.credentials)
        answer.raise_for_status()
        self.http.headers["Authorization"] = f"Token {answer.json()['key']}"
        self.logins += 1

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        for _ in range(ATTEMPTS):
            answer = self.http.request(method, path, **options)
            if answer.status_code == 401:
                self.log_in()
            elif answer.status_code == 403:
                raise Forbidden(answer.json()["detail"])
            elif answer.status_code < 500:
                return answer
        raise AssertionError(f"{method} {path} is never answered")

    def get(self, path: str, **parameters: Any) -> Any:
        answer = self.send("GET", path, params=parameters or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        page = 1
        while True:
            found = self.get(path, **parameters, page=page)
            yield from found["results"]
            if found["next"] is None:
                return
            page += 1

    def open(self, channel: int, **headers: str) -> dict[str, Any]:
        answer = self.send(
            "POST", f"channel/{channel}/batch_requests/", json={"channel": str(channel)}, headers=headers
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def change(self, batch: dict[str, Any], method: str = "PATCH", /, **fields: Any) -> dict[str, Any]:
        answer = self.send(method, f"channel/{batch['channel']}/batch_requests/{batch['pk']}/", json=fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def client(service: Service) -> Client:
    return Client()


@pytest.fixture
def channel(service: Service) -> int:
    return service.new_channel()


def test_an_existing_client_starts_without_a_token(client: Client) -> None:
    assert client.logins == 1
    assert client.user["username"] == NAME


def test_an_existing_client_logs_in_again_when_its_token_has_expired(client: Client, channel: int) -> None:
    client.open(channel)
    operations.revoke(lambda token: token.user == NAME and token.expires_s is not None)
    GATEWAY.forget()
    client.open(channel)
    assert client.logins == 2
    assert len(list(client.pages(f"channel/{channel}/batch_requests/"))) == 2


def test_a_request_is_repeated_with_another_token(client: Client, channel: int) -> None:
    opened = client.open(channel, **{"Idempotency-Key": "load-17"})
    # The answer gets lost, and the token ends before the client asks again.
    operations.revoke(lambda token: token.user == NAME and token.expires_s is not None)
    GATEWAY.forget()
    assert client.open(channel, **{"Idempotency-Key": "load-17"}) == opened
    assert client.logins == 2


def test_an_existing_client_gives_up_on_forbidden_requests(service: Service, channel: int) -> None:
    operations.create_user("gina", "another horse", Scope(writes=False, channels=frozenset({channel})))
    client = Client("gina", "another horse")
    assert list(client.pages(f"channel/{channel}/batch_requests/")) == []
    with pytest.raises(Forbidden, match="You do not have permission to perform this action"):
        client.open(channel)
    with pytest.raises(Forbidden):
        client.get(f"channel/{service.channel}/batch_requests/")
    assert client.logins == 1
    assert [found["pk"] for found in client.pages("channels/")] == [channel]


def test_an_existing_client_follows_a_load_to_its_end(client: Client, channel: int) -> None:
    batch = client.open(channel)
    for kind in ("product", "stock", "price"):
        objects = [{"pk": pk, "content_type": kind, "version_date": "2026-11-22T02:50:19.114587Z"} for pk in range(100)]
        batch = client.change(batch, status="commit", objects=objects)
    # A worker takes it and sends the whole resource back, with what it has to say.
    batch = client.change(batch, "PUT", **{**batch, "status": "sent_to_remote", "remote_batch_id": 4711})
    assert batch["remote_batch_id"] == "4711"
    batch = client.change(batch, status="ongoing")
    failed = [{"pk": 7, "content_type": "stock", "failed_reason_type": "remote"}]
    batch = client.change(batch, objects=failed)
    sold = [{"pk": pk, "content_type": "product", "remote_id": 9000 + pk} for pk in range(100)]
    done: dict[str, Any] = {"status": "done", "objects": sold, "log_file": "sent 300\nfailed 1\n"}
    batch = client.change(batch, **done)

    found = {(entry["content_type"], entry["pk"]): entry for entry in batch["objects"]}
    assert len(found) == len(batch["objects"]) == 300
    assert [entry["pk"] for entry in batch["objects"] if entry["failed_reason_type"]] == [7]
    assert found["product", 99] == {
        "pk": 99,
        "content_type": "product",
        "remote_id": "9099",
        "failed_reason_type": None,
        "version_date": None,
    }
    assert found["price", 3]["version_date"] == "2026-11-22T02:50:19.114587Z"
    assert client.change(batch, **done) == batch
    assert client.change(batch, "PUT", **batch) == batch
    assert read_log(client, batch) == "sent 300\nfailed 1\n"


def test_an_existing_client_counts_pages(client: Client, channel: int) -> None:
    opened = [client.open(channel) for _ in range(45)]
    for batch in opened[::3]:
        client.change(batch, status="fail")
    for batch in opened[1::3]:
        client.change(batch, status="commit", content_type="stock")
    path = f"channel/{channel}/batch_requests/"
    pks = [batch["pk"] for batch in opened]
    assert [batch["pk"] for batch in client.pages(path)] == pks
    assert [batch["pk"] for batch in client.pages(path, ordering="-created_date", limit=7)] == pks[::-1]
    wanted = {"status": ["fail", "commit"], "limit": 8}
    assert [batch["pk"] for batch in client.pages(path, **wanted)] == [
        pk for number, pk in enumerate(pks) if number % 3 < 2
    ]
    assert [batch["pk"] for batch in client.pages(path, content_type="stock", status="commit")] == pks[1::3]
    first = client.get(path, status=["fail", "commit"], limit=8)
    second = client.get(first["next"])
    assert client.get(second["previous"])["results"] == first["results"]
    answer = client.send("GET", path, params={"page": 4})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid page."})


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_existing_client_repeats_requests_that_the_store_did_not_answer(
    client: Client, channel: int, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    batch = client.change(client.open(channel), status="commit", objects=[{"pk": 1}])
    commit, failures = Unit.commit, [Unavailable(), Unavailable()]

    def fail(unit: Unit) -> None:
        if when == "after":
            commit(unit)
        if failures:
            raise failures.pop()
        if when == "before":
            commit(unit)

    told: list[Any] = []
    client.http.event_hooks["response"].append(lambda answer: told.append((answer.status_code, answer.read())))
    monkeypatch.setattr(Unit, "commit", fail)
    sent = client.change(batch, status="sent_to_remote", remote_batch_id="r-1")
    assert sent == {
        **batch,
        "status": "sent_to_remote",
        "remote_batch_id": "r-1",
        "modified_date": sent["modified_date"],
    }
    assert [status for status, _ in told] == [500, 500, 200]
    assert json.loads(told[0][1]) == {"detail": "Batch request cannot be updated."}
    answer = client.send("GET", f"channel/{channel}/batch_requests/{batch['pk']}/")
    assert (answer.json(), answer.headers["etag"]) == (sent, '"3"')


def test_an_existing_client_uploads_a_log_file_too_large_for_a_body(client: Client, channel: int) -> None:
    batch = client.open(channel)
    path = f"channel/{channel}/batch_requests/{batch['pk']}/log_file/"
    assert client.send("GET", path).status_code == 404
    answer = client.send("POST", path + "upload/")
    assert answer.status_code == 201
    form = answer.json()
    text = "line after line – äöü\n" * 500_000
    requests.post(form["url"], data=form["fields"], files={"file": text.encode()}, timeout=10).raise_for_status()
    event = aws_events.queue("UploadsQueue", aws_events.stored(form["fields"]["key"]))
    assert attach_log.handler(event, Context()) == {"batchItemFailures": []}
    assert read_log(client, batch) == text


def read_log(client: Client, batch: dict[str, Any]) -> str:
    """Follows the redirect with what moto listens to, and without a token."""
    answer = client.send("GET", f"channel/{batch['channel']}/batch_requests/{batch['pk']}/log_file/")
    assert answer.status_code == 303
    found = requests.get(answer.headers["location"], timeout=10)
    found.raise_for_status()
    return found.content.decode()
