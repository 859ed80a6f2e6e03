"""What a user and a token are."""

from dataclasses import dataclass

from batchyard import clock
from batchyard.scope import Scope


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
