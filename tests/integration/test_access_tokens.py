"""Logins of the catalogue's clients: a key for a user's name and password, and one word for anything else."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from batchyard.http.typed import UNAUTHORIZED
from batchyard.identity import attempts, operations
from batchyard.scope import Scope
from identity import key_authorizer
from tests.integration.conftest import SECRET
from tests.support.api import Answer, Api, Context, Somebody
from tests.support.authorizers import asks, effect
from tests.support.batch import run_json

PASSWORD = f"{SECRET} of anna"
TOKEN = "/admin/auth/token"


@pytest.fixture(autouse=True)
def anna(stores: dict[str, str]) -> None:
    operations.create_user("anna@example.com", PASSWORD, Scope(catalogue="read"))


def logged_in(email: Any = "anna@example.com", password: Any = PASSWORD, api: Api | None = None) -> Answer:
    return (api or Api(None)).post(TOKEN, {"email": email, "password": password})


def test_a_login_gives_a_key_that_works() -> None:
    answer = logged_in()
    assert (answer.status, list(answer.json())) == (200, ["access_token"])
    policy = key_authorizer.handler(asks(Authorization=f"Bearer {answer.json()['access_token']}"), Context())
    assert effect(policy) == "Allow"
    assert (policy["context"]["user"], policy["context"]["catalogue"]) == ("anna@example.com", "read")


def test_a_wrong_password_and_an_unknown_user_are_told_alike() -> None:
    for refused in (logged_in(password="x"), logged_in(email="bert@example.com"), logged_in(email="Anna@example.com")):
        assert (refused.status, refused.text) == (401, UNAUTHORIZED)
        assert refused.headers["Content-Type"] == "text/plain"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "email must be a string, password must be a string"),
        ({"email": "anna"}, "password must be a string"),
        ({"email": 1, "password": []}, "email must be a string, password must be a string"),
        ({"email": "", "password": "x"}, "email must be longer than or equal to 1 characters"),
        ({"email": "x" * 151, "password": "x"}, "email must be shorter than or equal to 150 characters"),
        ({"email": "x", "password": "x", "username": "x"}, "property username should not exist"),
    ],
)
def test_a_body_that_is_no_login_is_refused(body: dict[str, Any], message: str) -> None:
    refused = Api(None).post(TOKEN, body)
    assert (refused.status, refused.json()) == (400, {"type": "invalid_data", "message": message})
    assert SECRET not in refused.text


def test_logins_of_both_families_count_together(
    at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    at(0)
    caplog.set_level(logging.INFO)
    guesser = Somebody("203.0.113.9")
    for number in range(attempts.AT_ONE_NAME):
        if number % 2:
            assert logged_in(password="x", api=guesser).status == 401
        else:
            body = {"username": "anna@example.com", "password": "x"}
            assert guesser.post("/api/v1/auth/login/", body).status == 400
    refused = logged_in(api=guesser)
    assert (refused.status, refused.json()["type"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "60"
    # Nobody else is kept out, nor are other names yet.
    assert logged_in(api=Somebody("203.0.113.10")).status == 200
    assert logged_in(email="bert", api=guesser).status == 401
    assert any(record.message == "failed login" for record in caplog.records)


def test_logins_that_work_do_not_count(at: Callable[[float], None]) -> None:
    at(0)
    for _ in range(attempts.AT_ONE_NAME + 1):
        assert logged_in().status == 200


def test_a_batch_does_not_log_in() -> None:
    body = {"email": "anna@example.com", "password": PASSWORD}
    [answer] = run_json(Api(), {"id": "1", "method": "post", "url": TOKEN, "body": body})
    assert (answer["status"], "by itself" in str(answer["body"])) == (400, True)
