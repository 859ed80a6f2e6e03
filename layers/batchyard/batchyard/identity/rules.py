"""What a user and a token are."""

from dataclasses import dataclass

from batchyard import clock
from batchyard.errors import Invalid
from batchyard.scope import Scope

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
"""Characters of a new user's password: fewer can be guessed, and more no login takes."""


class WrongCredentials(Invalid):
    """There is no such user, or the password is another one.

    Args:
        known: There is such a user; for the log alone, as the caller is not to learn it.
    """

    def __init__(self, *, known: bool) -> None:
        super().__init__({"non_field_errors": ["Unable to log in with provided credentials."]})
        self.known = known


def must_be_password(password: str) -> None:
    """Raises `Invalid` unless this may be the password of a new user."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        wanted = f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        raise Invalid({"password": [wanted]})


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
        expires_s: When it ends, in seconds since the Unix epoch; None for never.
        digest: What is stored of its key.
    """

    id: str
    user: str
    scope: Scope
    created: int
    digest: str
    expires_s: int | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it is no good any more."""
        return self.expires_s is not None and self.expires_s <= clock.now_s()
