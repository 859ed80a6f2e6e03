"""Who may do what: every route, asked with every kind of key, alone and as a part of a batch."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from batchyard.http import coded, drf, typed
from batchyard.identity import repository, tokens
from batchyard.identity.rules import Token, User
from batchyard.scope import Rights, Scope
from batchyard.store import clients
from batchyard.store.unit import transact
from tests.contract.gateway import Gateway
from tests.support import aws
from tests.support.api import Answer
from tools import sample_world
from tools.generate.handlers import Handler, handlers
from tools.samples import SAMPLES

ROUTES = {handler.name: handler for handler in handlers() if handler.route is not None}
READING = {"GET", "HEAD"}
MINE, COLLECTION = frozenset({7001, 7002, 7003}), frozenset({sample_world.COLLECTION})

SCOPES: Mapping[str, Scope] = {
    "everything": Scope(admin=True),
    "no administrator": Scope(),
    "its channels and collection": Scope(channels=MINE, collections=COLLECTION),
    "read-only": Scope(writes=False),
    "read-only administrator": Scope(admin=True, writes=False),
    "limited administrator": Scope(admin=True, channels=MINE),
    "foreign channel": Scope(admin=True, channels=frozenset({1})),
    "foreign collection": Scope(admin=True, collections=frozenset({f"{sample_world.COLLECTION}x"})),
    "reader of the catalogue": Scope(catalogue="read"),
    "not in the catalogue": Scope(admin=True, catalogue="none"),
    "nowhere": Scope(channels=frozenset(), collections=frozenset(), catalogue="none"),
}
LOGINS = {"/api/v1/auth/login", "/admin/auth/token"}
NOBODY = ("no key", "bad key", "expired")


@dataclass(frozen=True)
class Ask:
    """How a route is asked: as its sample does."""

    method: str
    path: str
    query: str
    body: bytes | None
    media_type: str
    parameters: Mapping[str, str]

    @property
    def url(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


def ask_of(handler: Handler) -> Ask:
    """The request that a route is asked with."""
    sample = SAMPLES.get(handler.module.__name__.replace(".", "/"))
    assert sample is not None, f"{handler.name} has no sample request: nobody knows how to ask it"
    event = sample.event
    assert (event["httpMethod"], event["resource"]) == handler.route
    query = "&".join(f"{name}={value}" for name, value in (event["queryStringParameters"] or {}).items())
    body = None if event["body"] is None else event["body"].encode()
    if event["isBase64Encoded"]:
        body = base64.b64decode(event["body"])
    media_type = event["headers"].get("Content-Type", "")
    return Ask(event["httpMethod"], event["path"], query, body, media_type, event["pathParameters"] or {})


def may(rights: Rights | None, scope: Scope, ask: Ask) -> bool:
    """What a route's declared rights say of a key."""
    if rights is None:
        return True
    channel, collection = ask.parameters.get(rights.channel), ask.parameters.get(rights.collection)
    reads = ask.method in READING or rights.reads
    accesses = {"read", "write"} if reads else {"write"}
    return (
        (scope.writes or reads)
        and (not rights.catalogue or scope.catalogue in accesses)
        and (scope.admin or not rights.admin)
        and (scope.channels is None or not rights.every_channel)
        and (channel is None or scope.channels is None or int(channel) in scope.channels)
        and (collection is None or scope.collections is None or collection in scope.collections)
    )


@pytest.fixture
def keys(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, at: Any) -> dict[str, str]:
    """A key of each kind, in the sample world."""
    aws.create_queues(stores)
    for variable, value in {**stores, **sample_world.VARIABLES, "REQUESTS_PER_MINUTE": "100000"}.items():
        monkeypatch.setenv(variable, value)
    at(0)
    sample_world.load()
    found = {}
    for name in (*SCOPES, "expired"):
        key = tokens.new_key()
        digest, id = tokens.digest(key), f"tok_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        token = Token(id, "anna", SCOPES.get(name, Scope(admin=True)), 1, digest, 1 if name == "expired" else None)
        transact(partial(repository.put_token, token=token))
        found[name] = key
    transact(lambda unit: repository.put_user(unit, User(1, "anna", "", Scope(admin=True))))
    return {**found, "bad key": "by_none"}


def sent(handler: Handler, ask: Ask, key: str | None) -> Answer:
    """The answer to a route's request, through its authorizer."""
    authorization = [] if key is None else [("Authorization", f"Token {key}")]
    content = [] if ask.body is None else [("Content-Type", ask.media_type)]
    return Gateway().request(ask.method, ask.url, [*authorization, *content], ask.body or b"")


def in_a_batch(ask: Ask, key: str | None) -> Answer:
    """The answer to a batch with this request alone."""
    body = {"body": json.loads(ask.body)} if ask.body is not None and ask.media_type == "application/json" else {}
    envelope = {"requests": [{"id": "1", "method": ask.method, "url": ask.url, **body}]}
    headers = [("Content-Type", "application/json")]
    if key is not None:
        headers.append(("Authorization", f"Token {key}"))
    return Gateway().request("POST", "/v1/$batch", headers, json.dumps(envelope).encode())


def part_of(answer: Answer) -> tuple[int, Any]:
    """Status and body of the one request of a batch."""
    assert answer.status == 200, answer.text
    [response] = answer.json()["responses"]
    return response["status"], response.get("body")


def stored(stores: Mapping[str, str]) -> str:
    """All that lasts."""
    lasting = sorted(
        name for variable, name in stores.items() if variable.endswith("_TABLE") and "EPHEMERA" not in variable
    )
    return "\n".join(str(clients.dynamodb().scan(TableName=name)["Items"]) for name in lasting)


def forbidden(handler: Handler) -> str:
    """What a refusal for want of rights says."""
    assert handler.app is not None
    said = {
        coded: "The API key does not permit this.",
        drf: "You do not have permission",
        typed: "The token does not permit this.",
    }
    return next(words for dialect, words in said.items() if dialect is handler.app.dialect)


def asked() -> Iterator[tuple[Handler, Ask]]:
    """All routes with how they are asked."""
    for handler in ROUTES.values():
        yield handler, ask_of(handler)


def test_every_route_has_a_sample_request() -> None:
    assert len(list(asked())) == len(ROUTES) > 35


def test_each_route_declares_the_channel_or_collection_that_its_path_names() -> None:
    for handler, ask in asked():
        assert handler.app is not None
        assert handler.route is not None
        (method, path), rights = handler.route, handler.app.rights
        if rights is None:
            assert path.startswith(("/public/", "/docs", "/openapi")) or path in LOGINS, path
            continue
        collection = "collectionId" if "{collectionId}" in path else ""
        channel = "channel_id" if "{channel_id}" in path else "id" if path == "/api/v1/channels/{id}" else ""
        manages = path.startswith("/api/v1/channels") and method not in READING
        assert (rights.channel, rights.collection, rights.admin) == (channel, collection, manages), path
        assert rights.every_channel == (manages and not channel), path
        assert rights.catalogue == (handler.app.dialect is typed), path
        assert set(ask.parameters) >= {channel, collection} - {""}


@pytest.mark.parametrize("kind", NOBODY)
def test_without_a_valid_key_only_public_routes_answer(keys: dict[str, str], stores: dict[str, str], kind: str) -> None:
    before = stored(stores)
    for handler, ask in asked():
        assert handler.app is not None
        if not handler.app.public:
            refused = sent(handler, ask, keys.get(kind))
            assert refused.status == 401, (handler.name, refused.text)
            # Of a function, API Gateway gives it another name.
            named = {name.lower().removeprefix("x-amzn-remapped-") for name in refused.headers}
            assert "www-authenticate" in named
        # Nor does a batch let anybody in, not even to what is public.
        assert in_a_batch(ask, keys.get(kind)).status == 401
    assert stored(stores) == before
    for handler, ask in asked():
        if handler.app is not None and handler.app.public:
            assert sent(handler, ask, keys.get(kind)).status == 200, handler.name


@pytest.mark.parametrize("kind", SCOPES)
def test_a_key_may_do_what_the_rights_of_a_route_say(keys: dict[str, str], stores: dict[str, str], kind: str) -> None:
    scope, key, before = SCOPES[kind], keys[kind], stored(stores)
    allowed = []
    for handler, ask in asked():
        assert handler.app is not None
        if may(handler.app.rights, scope, ask):
            allowed.append((handler, ask))
            continue
        refused = sent(handler, ask, key)
        assert refused.status == 403, (handler.name, refused.text)
        assert forbidden(handler) in refused.text
        status, body = part_of(in_a_batch(ask, key))
        if handler.works_in_batches:
            assert (status, forbidden(handler) in str(body)) == (403, True), (handler.name, body)
        else:
            assert (status, "by itself" in str(body)) == (400, True), (handler.name, body)
    assert stored(stores) == before, "what was refused has changed something"
    # What removes things comes last, so that the others find them.
    for handler, ask in sorted(allowed, key=lambda one: one[1].method == "DELETE"):
        answer = sent(handler, ask, key)
        assert answer.status not in {401, 403, 405, 429}, (handler.name, answer.text)
        assert answer.status < 500, (handler.name, answer.text)
        status, body = part_of(in_a_batch(ask, key))
        if handler.works_in_batches:
            assert status not in {401, 403, 405, 429}, (handler.name, body)
            assert status < 500, (handler.name, body)
        else:
            assert (status, "by itself" in str(body)) == (400, True), (handler.name, body)


def test_rights_of_keys_differ_by_kind() -> None:
    """The kinds tell apart what they are meant to: none of them is refused everywhere or nowhere by mistake."""
    counts = {
        kind: sum(may(handler.app.rights, scope, ask) for handler, ask in asked() if handler.app is not None)
        for kind, scope in SCOPES.items()
    }
    assert counts["everything"] == len(ROUTES)
    assert counts["nowhere"] == min(counts.values()) < counts["read-only"] < counts["no administrator"]
    assert counts["limited administrator"] == counts["everything"] - 1
    assert counts["not in the catalogue"] == counts["everything"] - sum(
        handler.app is not None and handler.app.rights is not None and handler.app.rights.catalogue
        for handler in ROUTES.values()
    )
    assert counts["read-only administrator"] == counts["read-only"]
