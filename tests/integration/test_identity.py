"""Who may do what: logins, tokens, the authorizer's answers, and the scopes of tokens."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from batchyard import clock
from batchyard.errors import NotAuthenticated, NotFound, Unavailable
from batchyard.http import limits
from batchyard.http.caller import Caller
from batchyard.identity import operations, token_cache, tokens
from batchyard.identity.rules import User
from batchyard.scope import Scope
from batchyard.store import clients
from batchyard.store.tables import IDENTITY
from batchyard.store.unit import Unit
from identity import authorizer, key_authorizer
from tests.integration.conftest import SECRET, Calls
from tests.support.api import Answer, Api, Context, Somebody, batches, caller_with
from tests.support.authorizers import asks, effect
from tools.template import api_methods, resources

PASSWORD = f"{SECRET} pässwörd"
ACCOUNT = {"username": "anna", "password": PASSWORD}


@pytest.fixture
def anna(stores: dict[str, str]) -> User:
    """A user who may do everything."""
    return operations.create_user("anna", PASSWORD, Scope(admin=True))


def admitted(key: str, scheme: str = "Token") -> Api | None:
    """The client that a key makes, as API Gateway lets it in; None where it is not let in."""
    answer = authorizer.handler(asks(Authorization=f"{scheme} {key}"), Context())
    if effect(answer) != "Allow":
        return None
    assert all(isinstance(value, str) for value in answer["context"].values())
    return Api(Caller.from_context({**answer["context"], "principalId": answer["principalId"]}))


def both(message: str) -> dict[str, list[str]]:
    """The same message about user name and password."""
    return {"username": [message], "password": [message]}


def log_in(api: Api, **changed: str) -> str:
    answer = api.post("/api/v1/auth/login/", ACCOUNT | changed)
    assert answer.status == 200, answer.text
    return str(answer.json()["key"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_login_answers_a_key_that_works(anna: User, slash: str) -> None:
    answer = Api(None).post(f"/api/v1/auth/login{slash}", ACCOUNT | {"email": "ignored"})
    assert answer.status == 200
    assert list(answer.json()) == ["key"]
    client = admitted(answer.json()["key"])
    assert client is not None
    who = client.get(f"/api/v1/active_user{slash}")
    assert (who.status, who.json()) == (
        200,
        {"pk": anna.pk, "username": "anna", "is_active": True, "is_staff": True},
    )


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"username": ["This field is required."], "password": ["This field is required."]}),
        ({"username": "anna"}, {"password": ["This field is required."]}),
        ({"username": None, "password": None}, both("This field may not be null.")),
        ({"username": "", "password": ""}, both("This field may not be blank.")),
        ({"username": [], "password": {}}, both("Not a valid string.")),
        (ACCOUNT | {"password": "s3cret wrong"}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
        (ACCOUNT | {"username": "nobody"}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
        (ACCOUNT | {"username": "Anna"}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
        (ACCOUNT | {"password": PASSWORD + " "}, {"non_field_errors": ["Unable to log in with provided credentials."]}),
    ],
)
def test_a_bad_login_is_refused(anna: User, body: dict[str, Any], errors: dict[str, Any]) -> None:
    answer = Api(None).post("/api/v1/auth/login/", body)
    assert (answer.status, answer.json()) == (400, errors)


def test_nobody_without_a_password_can_log_in_as_nobody(stores: dict[str, str]) -> None:
    # The password that is verified for a user who is not there must open nothing.
    for password in ("", " ", "\x00"):
        assert Api(None).post("/api/v1/auth/login/", {"username": "ghost", "password": password}).status == 400


def test_guessing_the_password_of_one_user_is_429(anna: User, at: Callable[[float], None]) -> None:
    at(10)
    api = Api(None)
    statuses = [api.post("/api/v1/auth/login/", ACCOUNT | {"password": f"s3cret {n}"}).status for n in range(21)]
    assert statuses == [400] * 20 + [429]
    refused = api.post("/api/v1/auth/login/", ACCOUNT)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "50")
    assert api.post("/api/v1/auth/login/", ACCOUNT | {"username": "bert"}).status == 400
    at(60)
    assert api.post("/api/v1/auth/login/", ACCOUNT).status == 200


def tries(source: str, *, name: str = "anna", password: str = "s3cret wrong", headers: Any = None) -> Answer:
    """A login from an address."""
    return Somebody(source).post("/api/v1/auth/login/", {"username": name, "password": password}, headers=headers)


def test_nobody_can_lock_a_user_out_from_elsewhere(anna: User, at: Callable[[float], None]) -> None:
    at(10)
    for home in range(5):
        assert {tries(f"192.0.2.{home}").status for _ in range(20)} == {400}
        assert tries(f"192.0.2.{home}").status == 429
    assert tries("198.51.100.1", password=PASSWORD).status == 200
    # An address that one name cannot be tried from any more is still good for the others who share it.
    for _ in range(100):
        assert tries("192.0.2.1").status == 429
    operations.create_user("bert", PASSWORD, Scope())
    assert tries("192.0.2.1", name="bert", password=PASSWORD).status == 200


def test_one_address_has_a_limit_of_failed_logins_over_all_users(anna: User, at: Callable[[float], None]) -> None:
    at(10)
    statuses = [tries("192.0.2.1", name=f"user {number}").status for number in range(61)]
    assert statuses == [400] * 60 + [429]
    assert tries("192.0.2.1", password=PASSWORD).status == 429
    assert tries("192.0.2.2", password=PASSWORD).status == 200
    at(60)
    assert tries("192.0.2.1", password=PASSWORD).status == 200


def test_failed_logins_count_by_network_and_ignore_x_forwarded_for(anna: User, at: Callable[[float], None]) -> None:
    at(10)
    for number in range(20):
        forged = {"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"}
        assert tries(f"2001:db8::{number:x}", headers=forged).status == 400
    assert tries("2001:db8::ffff:1", headers={"X-Forwarded-For": "198.51.100.77"}).status == 429
    assert tries("2001:db8:0:1::1").status == 400


def test_logins_that_work_do_not_count(anna: User, at: Callable[[float], None]) -> None:
    at(10)
    assert {tries("192.0.2.1", password=PASSWORD).status for _ in range(70)} == {200}
    assert [tries("192.0.2.1").status for _ in range(21)] == [400] * 20 + [429]


def test_logins_that_work_in_many_environments_at_once_do_not_use_a_minute_up(
    anna: User, at: Callable[[float], None]
) -> None:
    at(10)
    for _ in range(25):
        # Another execution environment, which knows nothing of what the others hold.
        limits.reset()
        assert tries("192.0.2.1", password=PASSWORD).status == 200


def test_a_store_that_does_not_answer_is_no_failed_login(
    anna: User, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise Unavailable

    at(10)
    with monkeypatch.context() as patch:
        patch.setattr("batchyard.identity.repository.find_user", fails)
        assert {tries("192.0.2.1").status for _ in range(25)} == {503}
    assert tries("192.0.2.1", password=PASSWORD).status == 200


def test_failed_logins_are_logged_without_what_was_typed(anna: User, caplog: pytest.LogCaptureFixture) -> None:
    tries("192.0.2.1")
    tries("192.0.2.2", name=f"{PASSWORD} in the wrong field")
    tries("192.0.2.3", password=PASSWORD)
    records = [vars(record) for record in caplog.records if record.name == "batchyard.logins"]
    assert [(one["message"], one["levelname"], one["source"]) for one in records] == [
        ("failed login", "WARNING", "192.0.2.1"),
        ("failed login", "WARNING", "192.0.2.2"),
        ("login", "INFO", "192.0.2.3"),
    ]
    assert [one["user"] for one in records] == ["anna", None, "anna"]
    # That no password got into a record is held after every test (`discreet`); nor did a hash of what was typed.
    typed = f"{PASSWORD} in the wrong field"
    assert hashlib.sha256(typed.encode()).hexdigest()[:8] not in str(records)


def made_at(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """The costs of the hashes of passwords that are made from here on."""
    made, scrypt = [], hashlib.scrypt

    def noted(password: bytes, **cost: Any) -> bytes:
        made.append((cost["n"], cost["r"], cost["p"]))
        return scrypt(password, **cost)

    monkeypatch.setattr(hashlib, "scrypt", noted)
    return made


def test_a_login_of_an_unknown_user_costs_as_much_as_of_a_known_user(
    anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = made_at(monkeypatch)
    for name in ("anna", "nobody"):
        for _ in range(2):
            assert tries("192.0.2.1", name=name).status == 400
            assert made == [(2**tokens.COST.ln, tokens.COST.r, tokens.COST.p)], name
            made.clear()


def stored_password() -> str:
    """What is stored of anna's password."""
    item = clients.dynamodb().get_item(TableName=IDENTITY.name, Key={"id": {"S": "user#anna"}})["Item"]
    return str(item["password"]["S"])


def test_a_hash_of_former_days_is_verified_and_made_anew(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    salt = bytes(range(16))
    hashed = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=2**14, r=8, p=1, maxmem=2**26)
    old = f"scrypt${salt.hex()}${hashed.hex()}"
    clients.dynamodb().update_item(
        TableName=IDENTITY.name,
        Key={"id": {"S": "user#anna"}},
        UpdateExpression="SET password = :old",
        ExpressionAttributeValues={":old": {"S": old}},
    )
    made = made_at(monkeypatch)
    today = (2**tokens.COST.ln, tokens.COST.r, tokens.COST.p)
    assert tries("192.0.2.1").status == 400
    assert (stored_password(), made) == (old, [(2**14, 8, 1), today]), "a cheap hash would tell who has one"
    assert tries("192.0.2.1", password=PASSWORD).status == 200
    assert stored_password().startswith(f"$scrypt$ln={tokens.COST.ln},r=8,p=1$")
    made.clear()
    assert tries("192.0.2.1", password=PASSWORD).status == 200
    assert made == [today]
    assert tries("192.0.2.1").status == 400


def test_a_login_that_is_overtaken_makes_no_second_hash(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, made = Unit.commit, made_at(monkeypatch)

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        operations.create_token("anna", Scope())
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    assert admitted(log_in(Api(None)))
    assert len(made) == 1


def everything_stored(stores: dict[str, str]) -> str:
    """All items of all tables, as text."""
    tables = [name for variable, name in stores.items() if variable.endswith("_TABLE")]
    return "\n".join(str(clients.dynamodb().scan(TableName=name)["Items"]) for name in tables)


def test_keys_and_passwords_are_stored_as_hashes_alone(anna: User, stores: dict[str, str]) -> None:
    keys = [log_in(Api(None)), operations.create_token("anna", Scope())]
    stored = everything_stored(stores)
    for key in keys:
        assert key not in stored
        assert hashlib.sha256(key.encode()).hexdigest() in stored
        assert len(key) >= 43
    assert PASSWORD not in stored
    assert re.search(r"\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", stored)


def test_every_token_has_a_key_of_its_own(anna: User) -> None:
    keys = {log_in(Api(None)) for _ in range(3)} | {operations.create_token("anna", Scope()) for _ in range(3)}
    assert len(keys) == 6
    assert all(admitted(key) for key in keys)


@pytest.mark.parametrize("scheme", ["Token", "token", "TOKEN", "Bearer", "bearer", "BEARER"])
@pytest.mark.parametrize("name", ["Authorization", "authorization"])
def test_a_known_key_is_let_in(anna: User, scheme: str, name: str) -> None:
    key = operations.create_token("anna", Scope())
    for sent in (f"{scheme} {key}", f" {scheme}   {key} "):
        answer = authorizer.handler(asks(**{name: sent}), Context())
        assert effect(answer) == "Allow"
        assert answer["principalId"] == answer["context"]["user"] == "anna"
        assert key not in str(answer)


@pytest.mark.parametrize(
    "sent", ["Token", "Bearer ", "Token nonsense", "bearer by_x", "Token a b", "Token " + "x" * 9000]
)
def test_a_wrong_key_is_denied_with_401(anna: User, sent: str) -> None:
    assert effect(authorizer.handler(asks(Authorization=sent), Context())) == "Deny"


@pytest.mark.parametrize("sent", [None, "", " ", "Basic YW5uYTpzM2NyZXQ=", "by_key", "Tokens x", "Digest x"])
def test_no_key_at_all_is_unauthorized(anna: User, sent: str | None) -> None:
    # The only words by which API Gateway takes an authorizer's failure for a 401.
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.handler(asks(**({} if sent is None else {"Authorization": sent})), Context())


def test_gateway_responses_of_401_have_drfs_words() -> None:
    (api,) = resources("AWS::Serverless::Api").values()
    responses = api["GatewayResponses"]
    for kind, detail in (
        ("UNAUTHORIZED", "Authentication credentials were not provided."),
        ("ACCESS_DENIED", "Invalid token."),
    ):
        assert responses[kind]["StatusCode"] == 401
        assert responses[kind]["ResponseTemplates"]["application/json"] == f'{{"detail":"{detail}"}}'
        assert responses[kind]["ResponseParameters"]["Headers"]["WWW-Authenticate"] == "'Token'"


def test_a_token_ends_when_it_says(anna: User, at: Callable[[float], None]) -> None:
    at(0)
    key, forever = operations.create_token("anna", Scope(), 3600), operations.create_token("anna", Scope())
    login = log_in(Api(None))
    for seconds, alive in ((3599, True), (3600, False), (86_400, False)):
        at(seconds)
        assert (admitted(key) is not None) == alive
    at(30 * 86_400 - 1)
    assert admitted(login)
    at(30 * 86_400)
    assert admitted(login) is None
    at(10 * 365 * 86_400)
    assert admitted(forever)


def test_a_revoked_token_is_denied_and_the_others_are_not(anna: User) -> None:
    revoked, kept = (operations.create_token("anna", Scope()) for _ in range(2))
    digest = hashlib.sha256(revoked.encode()).hexdigest()
    assert [token.digest for token in operations.revoke(lambda token: token.digest == digest)] == [digest]
    assert admitted(revoked) is None
    assert admitted(kept)


def test_removing_a_user_revokes_all_the_users_tokens(anna: User) -> None:
    operations.create_user("bert", PASSWORD, Scope())
    keys, other = (
        [log_in(Api(None)), operations.create_token("anna", Scope())],
        operations.create_token("bert", Scope()),
    )
    operations.delete_user("anna")
    assert [admitted(key) for key in keys] == [None, None]
    assert admitted(other)
    assert Api(None).post("/api/v1/auth/login/", ACCOUNT).status == 400
    with pytest.raises(NotFound):
        operations.create_token("anna", Scope())


def test_a_token_whose_user_is_gone_is_told_to_log_in_again(anna: User) -> None:
    # API Gateway keeps the authorizer's answer for a minute, and clients ask this route whether they must log in.
    client = admitted(log_in(Api(None)))
    assert client is not None
    operations.delete_user("anna")
    answer = client.get("/api/v1/active_user/")
    assert (answer.status, answer.json()) == (401, {"detail": "Invalid token."})
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_the_authorizer_reads_one_item(anna: User, calls: Calls) -> None:
    key = operations.create_token("anna", Scope())
    calls.clear()
    assert admitted(key)
    assert calls == ["dynamodb.GetItem"]


@pytest.mark.parametrize(
    ("channels", "collections"), [("*", None), ("3,5", frozenset()), ("", frozenset())], ids=["all", "some", "none"]
)
def test_a_token_from_before_there_were_collections_is_let_in_where_it_was_not_limited(
    anna: User, channels: str, collections: frozenset[str] | None
) -> None:
    key = operations.create_token("anna", Scope())
    clients.dynamodb().update_item(
        TableName=IDENTITY.name,
        Key={"id": {"S": f"token#{hashlib.sha256(key.encode()).hexdigest()}"}},
        UpdateExpression="SET channels = :channels REMOVE collections",
        ExpressionAttributeValues={":channels": {"S": channels}},
    )
    client = admitted(key)
    assert client is not None
    assert client.caller is not None
    assert client.caller.scope.collections == collections


@pytest.mark.parametrize("collections", [None, frozenset(), frozenset({"shoes", 'a,b"', "hüte"})])
def test_the_collections_of_a_scope_are_kept(anna: User, collections: frozenset[str] | None) -> None:
    key = operations.create_token("anna", Scope(collections=collections))
    client = admitted(key)
    assert client is not None
    assert client.caller is not None
    assert client.caller.scope.collections == collections


# The authorizer of product batches, which lets everybody go on.


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock by which the function keeps tokens; it has kept none at first."""
    token_cache.reset()
    start, now = clock.now() // 1_000_000 * 1_000_000, [0.0]
    monkeypatch.setattr(clock, "now", lambda: start + round(now[0] * 1_000_000))

    def set_to(value: float) -> None:
        now[0] = value

    return set_to


def whose(**headers: str) -> str | None:
    """The user as whom API Gateway lets a request go on; None where it is nobody known."""
    answer = key_authorizer.handler(asks(**headers), Context())
    assert effect(answer) == "Allow"
    try:
        found = Caller.from_context({**answer["context"], "principalId": answer["principalId"]})
    except NotAuthenticated:
        assert (answer["principalId"], answer["context"]) == ("nobody", {})
        return None
    assert answer["principalId"] == found.user
    return found.user


@pytest.mark.usefixtures("seconds")
def test_a_key_is_taken_from_either_header(anna: User) -> None:
    key = operations.create_token("anna", Scope())
    for headers in (
        {"Authorization": f"Bearer {key}"},
        {"authorization": f"token {key}"},
        {"X-API-Key": key},
        {"x-api-key": f" {key} "},
        {"Authorization": "Basic YTpi", "X-API-Key": key},
        {"Authorization": "Bearer", "X-API-Key": key},
        {"Authorization": f"Bearer {key}", "X-API-Key": "by_wrong"},
        {"x-medusa-access-token": key},
        {"X-Medusa-Access-Token": f" {key} "},
        {"Authorization": "Basic YTpi", "x-medusa-access-token": key},
        {"X-API-Key": "", "x-medusa-access-token": key},
    ):
        token_cache.reset()
        assert whose(**headers) == "anna", headers


@pytest.mark.usefixtures("seconds")
def test_the_open_authorizer_lets_a_request_without_a_valid_key_pass(anna: User, calls: Calls) -> None:
    key = operations.create_token("anna", Scope())
    calls.clear()
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": f"Basic {key}"},
        {"Authorization": key},
        {"X-API-Key": ""},
        {"x-medusa-access-token": ""},
    ):
        assert whose(**headers) is None, headers
    assert calls == []
    for headers in ({"Authorization": "Bearer by_x"}, {"X-API-Key": "by_x"}, {"X-API-Key": f"Bearer {key}"}):
        assert whose(**headers) is None, headers
    assert whose(**{"Authorization": "Bearer by_x", "X-API-Key": key}) is None


def test_a_token_that_was_found_is_taken_for_good_for_a_minute(
    anna: User, calls: Calls, seconds: Callable[[float], None]
) -> None:
    key = operations.create_token("anna", Scope())
    calls.clear()
    for moment, reads in ((0, 1), (59.9, 1), (60, 2), (119, 2), (121, 3)):
        seconds(moment)
        assert whose(Authorization=f"Bearer {key}") == whose(**{"X-API-Key": key}) == "anna"
        assert calls == ["dynamodb.GetItem"] * reads
    operations.revoke(lambda token: token.user == "anna")
    seconds(200)
    assert whose(**{"X-API-Key": key}) is None


def test_a_token_is_not_taken_for_good_after_the_clock_was_put_back(
    anna: User, seconds: Callable[[float], None]
) -> None:
    key = operations.create_token("anna", Scope())
    seconds(3600)
    assert whose(**{"X-API-Key": key}) == "anna"
    operations.revoke(lambda token: token.user == "anna")
    seconds(3599)
    assert whose(**{"X-API-Key": key}) is None


def test_a_token_that_was_revoked_while_the_function_was_frozen_is_no_good(
    anna: User, seconds: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux's monotonic clock stops with the machine, as it does when Lambda freezes an environment."""
    monkeypatch.setattr("time.monotonic", lambda: 17.0)
    key = operations.create_token("anna", Scope())
    assert whose(**{"X-API-Key": key}) == "anna"
    operations.revoke(lambda token: token.user == "anna")
    seconds(7200)
    assert whose(**{"X-API-Key": key}) is None


def test_a_token_that_is_kept_ends_when_it_says(
    anna: User, at: Callable[[float], None], seconds: Callable[[float], None]
) -> None:
    at(0)
    key = operations.create_token("anna", Scope(), 3600)
    at(3599)
    assert whose(**{"X-API-Key": key}) == "anna"
    at(3600)
    assert whose(**{"X-API-Key": key}) is None


def test_a_wrong_key_is_not_remembered(anna: User, calls: Calls, seconds: Callable[[float], None]) -> None:
    calls.clear()
    for _ in range(2):
        assert whose(**{"X-API-Key": "by_x"}) is None
    assert calls == ["dynamodb.GetItem"] * 2


@pytest.mark.usefixtures("seconds")
def test_only_so_many_tokens_are_kept(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "MOST", 3)
    keys = [operations.create_token("anna", Scope()) for _ in range(8)]
    for key in keys:
        assert whose(**{"X-API-Key": key}) == "anna"
        assert 1 <= len(token_cache._kept) <= 3
    assert not any(key in str(token_cache._kept) for key in keys)


@pytest.mark.usefixtures("seconds")
def test_a_store_that_does_not_answer_is_no_bad_key(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("batchyard.identity.repository.read_one", fails)
    with pytest.raises(Unavailable):
        whose(**{"X-API-Key": "by_x"})


ROUTES = [
    ("GET", "/api/v1/channel/1/batch_requests/"),
    ("POST", "/api/v1/channel/1/batch_requests/"),
    ("GET", "/api/v1/channel/1/batch_requests/{pk}/"),
    ("PUT", "/api/v1/channel/1/batch_requests/{pk}/"),
    ("PATCH", "/api/v1/channel/1/batch_requests/{pk}/"),
    ("DELETE", "/api/v1/channel/1/batch_requests/{pk}/"),
    ("GET", "/api/v1/channel/1/batch_requests/{pk}/log_file/"),
    ("POST", "/api/v1/channel/1/batch_requests/{pk}/log_file/upload/"),
    ("GET", "/api/v1/channels/1/"),
    ("PATCH", "/api/v1/channels/1/"),
    ("DELETE", "/api/v1/channels/1/"),
    ("GET", "/api/v1/channels/"),
    ("POST", "/api/v1/channels/"),
    ("GET", "/api/v1/active_user/"),
]
ADMINISTRATION = {("PATCH", "/api/v1/channels/1/"), ("DELETE", "/api/v1/channels/1/"), ("POST", "/api/v1/channels/")}
READING = {route for route in ROUTES if route[0] == "GET"}
OPEN_TO_ALL = {("GET", "/api/v1/channels/"), ("GET", "/api/v1/active_user/")}

NOT_PERMITTED = {"detail": "You do not have permission to perform this action."}


def ask(client: Api, method: str, path: str, pk: int) -> Any:
    body = {"name": "x", "channel": 1} if method in {"POST", "PUT", "PATCH"} else None
    return client(method, path.format(pk=pk), body)


@pytest.mark.parametrize(
    ("scope", "permitted"),
    [
        (Scope(admin=True, channels=None), set(ROUTES)),
        (Scope(channels=frozenset({1})), set(ROUTES) - ADMINISTRATION),
        (Scope(writes=False), READING),
        (Scope(channels=frozenset({2, 3})), OPEN_TO_ALL),
        (Scope(channels=frozenset()), OPEN_TO_ALL),
        (Scope(admin=True, channels=frozenset({2})), OPEN_TO_ALL),
    ],
    ids=["everything", "one channel", "read only", "other channels", "no channels", "admin of another channel"],
)
def test_a_token_reaches_as_far_as_its_scope(
    anna: User, api: Api, channel: int, scope: Scope, permitted: set[tuple[str, str]]
) -> None:
    assert channel == 1
    client = admitted(operations.create_token("anna", scope))
    assert client is not None
    for method, path in ROUTES:
        pk = api.open_batch(1, log_file=SECRET)["pk"]
        before = [api.get(url).text for url in (batches(1), "/api/v1/channels/")]
        answer = ask(client, method, path, pk)
        if (method, path) in permitted:
            assert answer.status in {200, 201, 204, 303, 409}, (method, path, answer.text)
        else:
            assert (answer.status, answer.json()) == (403, NOT_PERMITTED), (method, path)
            assert [api.get(url).text for url in (batches(1), "/api/v1/channels/")] == before


def test_a_token_without_the_channel_learns_nothing_about_it(api: Api, channel: int) -> None:
    stranger = Api(caller_with("bert", "tok_bert", writes=True, channels=frozenset({77})))
    pk = api.open_batch(channel)["pk"]
    answers = [stranger.get(batches(known)) for known in (channel, channel + 1)] + [
        stranger.get(batches(channel, known)) for known in (pk, pk + 1)
    ]
    assert {(answer.status, answer.text) for answer in answers} == {(403, answers[0].text)}
    assert stranger.get("/api/v1/channels/").json()["results"] == []


def test_a_request_that_no_authorizer_let_in_is_unauthenticated(stores: dict[str, str]) -> None:
    for method, path in ROUTES:
        answer = ask(Api(None), method, path, 1)
        assert answer.status == 401
        assert answer.json() == {"detail": "Authentication credentials were not provided."}
        assert answer.headers["WWW-Authenticate"] == "Token"


def test_each_route_but_the_public_ones_has_the_authorizer() -> None:
    public = {(one.method, one.path) for one in api_methods() if one.authorizer == "NONE"}
    assert public >= {("POST", "/api/v1/auth/login")}
    assert not {(method, path.rstrip("/")) for method, path in ROUTES} & {
        (method, path.replace("{channel_id}", "1").replace("{id}", "{pk}")) for method, path in public
    }


def test_a_users_scope_is_that_of_its_logins(stores: dict[str, str]) -> None:
    operations.create_user("bert", PASSWORD, Scope(writes=False, channels=frozenset({5, 3}), requests_per_minute=7))
    client = admitted(log_in(Api(None), username="bert"))
    assert client is not None
    assert client.caller is not None
    scope = client.caller.scope
    assert (scope.writes, scope.channels, scope.requests_per_minute, scope.admin) == (
        False,
        frozenset({3, 5}),
        7,
        False,
    )


def test_two_concurrent_logins_both_work(anna: User, monkeypatch: pytest.MonkeyPatch) -> None:
    commit, keys = Unit.commit, []

    def overtaken(unit: Unit) -> None:
        monkeypatch.setattr(Unit, "commit", commit)
        keys.append(log_in(Api(None)))
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    keys.append(log_in(Api(None)))
    assert all(admitted(key) for key in keys)
