"""What can be done with users and tokens."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

from batchyard import clock
from batchyard.errors import Conflict, NotFound
from batchyard.identity import repository, tokens
from batchyard.identity.rules import Token, User, WrongCredentials, must_be_password
from batchyard.scope import Scope
from batchyard.store.unit import Unit, transact

LOGIN_SECONDS = 30 * 24 * 3600
"""How long a key from a login is good for; clients log in again when it ends."""


def log_in(name: str, password: str) -> str:
    """A new key for a user who knows the password.

    How long it takes does not tell whether there is such a user: the same hash is made where there is none.

    Raises:
        WrongCredentials: There is no such user, or the password is another one.
    """

    # Kept for when the commit is tried again: each takes a large part of a second.
    @cache
    def verified(stored: str) -> bool:
        return tokens.verify_password(password, stored)

    @cache
    def hashed_anew() -> str:
        return tokens.hash_password(password)

    def operation(unit: Unit) -> str:
        user = repository.find_user(unit, name)
        stored = tokens.nobodys_password() if user is None else user.password
        is_right = verified(stored)
        if not tokens.is_current(stored):
            # Whether the password is right or not: else what an old and cheap hash saves would tell of its user.
            stored = hashed_anew()
        if user is None or not is_right:
            raise WrongCredentials(known=user is not None)
        return _issue(unit, replace(user, password=stored), user.scope, LOGIN_SECONDS)

    return transact(operation)


def create_user(name: str, password: str, scope: Scope) -> User:
    """Makes a user.

    Raises:
        Invalid: The password is too short, or longer than a login takes.
        Conflict: There is one of this name.
    """
    must_be_password(password)
    hashed = tokens.hash_password(password)

    def operation(unit: Unit) -> User:
        if repository.find_user(unit, name) is not None:
            raise Conflict(f'There is a user "{name}" already.')
        user = User(repository.next_user_pk(unit), name, hashed, scope)
        repository.put_user(unit, user)
        return user

    return transact(operation)


def delete_user(name: str) -> list[Token]:
    """Removes a user and revokes all of the user's tokens, which it returns.

    Raises:
        NotFound: There is none of this name, nor a token of one whose removal was interrupted.
    """

    def operation(unit: Unit) -> bool:
        user = repository.find_user(unit, name)
        if user is not None:
            repository.delete_user(unit, user)
        return user is not None

    was_there = transact(operation)
    revoked = revoke(lambda token: token.user == name)
    if not was_there and not revoked:
        raise NotFound(f'There is no user "{name}".')
    return revoked


def create_token(name: str, scope: Scope, seconds: int | None = None) -> str:
    """A new key for a user, of a scope of its own.

    Args:
        name: The user.
        scope: What it may do, as far as the user may.
        seconds: How long it is good for; None for ever.

    Raises:
        NotFound: There is no such user.
    """

    def operation(unit: Unit) -> str:
        user = _find(unit, name)
        return _issue(unit, user, scope.within(user.scope), seconds)

    return transact(operation)


def find_user(name: str) -> User:
    """A user.

    Raises:
        NotFound: There is none of this name.
    """
    return transact(lambda unit: _find(unit, name))


def revoke(chosen: Callable[[Token], bool]) -> list[Token]:
    """Revokes the tokens that are chosen, and returns them. Authorizer answers stay cached for a minute."""
    found = [entry for entry in repository.every() if isinstance(entry, Token) and chosen(entry)]
    for token in found:
        repository.delete_token(token)
    return found


def _find(unit: Unit, name: str) -> User:
    user = repository.find_user(unit, name)
    if user is None:
        raise NotFound(f'There is no user "{name}".')
    return user


def _issue(unit: Unit, user: User, scope: Scope, seconds: int | None) -> str:
    # Written again, so that the token is made only while there is this user: a removal revokes all there are.
    repository.put_user(unit, user)
    key, now = tokens.new_key(), clock.now()
    expires_s = None if seconds is None else now // 1_000_000 + seconds
    repository.put_token(unit, Token(tokens.new_token_id(), user.name, scope, now, tokens.digest(key), expires_s))
    return key
