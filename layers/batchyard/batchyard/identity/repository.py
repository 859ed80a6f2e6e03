"""Users and tokens as items of the `Identity` table: `user#<name>` and `token#<SHA-256 of the key>`."""

from collections.abc import Iterator

from batchyard.identity import tokens
from batchyard.identity.rules import Token, User
from batchyard.scope import Scope
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item, Key
from batchyard.store.queries import scan
from batchyard.store.tables import IDENTITY
from batchyard.store.unit import Unit, read_one

_COUNTER: Key = {"id": "counter#users"}


def find_user(unit: Unit, name: str) -> User | None:
    """A user; None where there is none of this name."""
    item = unit.get(IDENTITY, {"id": f"user#{name}"})
    if item is None:
        return None
    return User(int(item["pk"]), str(item["name"]), str(item["password"]), _scope_of_user(item))


def put_user(unit: Unit, user: User) -> None:
    """Stages a user that `find_user` found, or that is new."""
    unit.put(
        IDENTITY,
        {
            "id": f"user#{user.name}",
            "pk": user.pk,
            "name": user.name,
            "password": user.password,
            **user.scope.to_attributes(),
        },
    )


def delete_user(unit: Unit, user: User) -> None:
    """Stages the removal of a user that `find_user` found."""
    unit.delete(IDENTITY, {"id": f"user#{user.name}"})


def next_user_pk(unit: Unit) -> int:
    """Stages the use of the next number for a user, and returns it."""
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
        **token.scope.to_attributes(),
    }
    unit.put(IDENTITY, item if token.expires_s is None else {**item, "expires": token.expires_s})


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
            yield User(int(item["pk"]), str(item["name"]), str(item["password"]), _scope_of_user(item))
        elif str(item["id"]).startswith("token#"):
            yield _token(item)


def _token(item: Item) -> Token:
    return Token(
        id=str(item["token"]),
        user=str(item["user"]),
        scope=Scope.from_attributes(item),
        created=int(item["created"]),
        digest=str(item["id"]).removeprefix("token#"),
        expires_s=items.number(item, "expires"),
    )


def _scope_of_user(item: Item) -> Scope:
    scope = Scope.from_attributes(item)
    if "catalogue" in item or scope.channels is not None or scope.collections is not None:
        return scope
    # From before there was a catalogue. New tokens get no more than their user has, so it is as a new user would be.
    return scope._replace(catalogue="write" if scope.writes else "read")
