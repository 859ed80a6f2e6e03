"""Users and tokens as items of the `Identity` table: `user#<name>` and `token#<SHA-256 of the key>`."""

from collections.abc import Iterator
from dataclasses import dataclass

from batchyard import clock
from batchyard.http.caller import Caller, collections_as_text, collections_in_text
from batchyard.identity import tokens
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item, Key
from batchyard.store.queries import scan
from batchyard.store.tables import IDENTITY
from batchyard.store.unit import Unit, read_one

_COUNTER: Key = {"id": "counter#users"}
_EVERY_CHANNEL = "*"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a user's or a token's requests may do.

    Args:
        admin: May manage channels.
        writes: May change things.
        channels: The channels that may be touched; None for all.
        requests_per_minute: The limit; None for the service's default.
        collections: The collections that may be touched; None for all.
    """

    admin: bool = False
    writes: bool = True
    channels: frozenset[int] | None = None
    requests_per_minute: int | None = None
    collections: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in.

    Args:
        pk: A number.
        name: The user name.
        password: What is stored of the password.
        scope: What tokens from a login may do.
    """

    pk: int
    name: str
    password: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class Token:
    """A key to the API, without the key.

    Args:
        id: Its public ID.
        user: The name of its owner.
        scope: What it may do.
        created: When it was made, in microseconds since the Unix epoch.
        expires: When it ends, in seconds since the Unix epoch; None for never.
        digest: What is stored of its key.
    """

    id: str
    user: str
    scope: Scope
    created: int
    digest: str
    expires: int | None = None

    @property
    def caller(self) -> Caller:
        """Who sends it."""
        scope = self.scope
        return Caller(
            user=self.user,
            token=self.id,
            admin=scope.admin,
            writes=scope.writes,
            channels=scope.channels,
            requests_per_minute=scope.requests_per_minute,
            collections=scope.collections,
        )

    @property
    def has_ended(self) -> bool:
        """Whether it is no good any more."""
        return self.expires is not None and self.expires <= clock.now() // 1_000_000


def find_user(unit: Unit, name: str) -> User | None:
    """A user; None where there is none of this name."""
    item = unit.get(IDENTITY, {"id": f"user#{name}"})
    if item is None:
        return None
    return User(int(item["pk"]), str(item["name"]), str(item["password"]), _scope(item))


def put_user(unit: Unit, user: User) -> None:
    """Stages a user that `find_user` found, or that is new."""
    unit.put(
        IDENTITY,
        {
            "id": f"user#{user.name}",
            "pk": user.pk,
            "name": user.name,
            "password": user.password,
            **_of_scope(user.scope),
        },
    )


def delete_user(unit: Unit, user: User) -> None:
    """Stages the removal of a user that `find_user` found."""
    unit.delete(IDENTITY, {"id": f"user#{user.name}"})


def next_user_pk(unit: Unit) -> int:
    """Stages the use of the next number for a user, and answers it."""
    counter = unit.get(IDENTITY, _COUNTER) or {**_COUNTER, "last": 0}
    pk = int(counter["last"]) + 1
    unit.put(IDENTITY, {**counter, "last": pk})
    return pk


def put_token(unit: Unit, token: Token) -> None:
    """Stages a new token."""
    item: Item = {
        "id": f"token#{token.digest}",
        "token": token.id,
        "user": token.user,
        "created": token.created,
        **_of_scope(token.scope),
    }
    unit.put(IDENTITY, item if token.expires is None else {**item, "expires": token.expires})


def find_token(key: str) -> Token | None:
    """The token of a key; None where there is none, or it has ended.

    Raises:
        Unavailable: The store did not answer.
    """
    item = read_one(IDENTITY, {"id": f"token#{tokens.digest(key)}"})
    token = None if item is None else _token(item)
    return None if token is None or token.has_ended else token


def delete_token(token: Token) -> None:
    """Revokes a token."""
    with reaching_aws():
        clients.dynamodb().delete_item(TableName=IDENTITY.name, Key=items.encode({"id": f"token#{token.digest}"}))


def every() -> Iterator[User | Token]:
    """All users and tokens, for an operator: this reads the whole table."""
    for item in scan({"TableName": IDENTITY.name, "ConsistentRead": True}):
        if str(item["id"]).startswith("user#"):
            yield User(int(item["pk"]), str(item["name"]), str(item["password"]), _scope(item))
        elif str(item["id"]).startswith("token#"):
            yield _token(item)


def _token(item: Item) -> Token:
    return Token(
        id=str(item["token"]),
        user=str(item["user"]),
        scope=_scope(item),
        created=int(item["created"]),
        digest=str(item["id"]).removeprefix("token#"),
        expires=items.number(item, "expires"),
    )


def _scope(item: Item) -> Scope:
    channels = str(item["channels"])
    return Scope(
        admin=bool(item["admin"]),
        writes=bool(item["writes"]),
        channels=None if channels == _EVERY_CHANNEL else frozenset(map(int, filter(None, channels.split(",")))),
        requests_per_minute=items.number(item, "requests_per_minute"),
        # From before there were collections: whoever was limited then was not let into them.
        collections=collections_in_text(str(item.get("collections", channels if channels == _EVERY_CHANNEL else "[]"))),
    )


def _of_scope(scope: Scope) -> Item:
    channels = _EVERY_CHANNEL if scope.channels is None else ",".join(map(str, sorted(scope.channels)))
    item: Item = {
        "admin": scope.admin,
        "writes": scope.writes,
        "channels": channels,
        "collections": collections_as_text(scope.collections),
    }
    return item if scope.requests_per_minute is None else {**item, "requests_per_minute": scope.requests_per_minute}
