"""Who is asking, as the authorizer found out and API Gateway passes on.

The authorizer's context travels as flat strings (API Gateway allows nothing else), so a `Caller` is written to it and
read back here, in one place.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from batchyard.errors import NotAuthenticated, NotPermitted

_EVERY = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """The owner of the token of a request.

    Args:
        user: The user name, which idempotency keys belong to.
        token: The public ID of the token, which its requests are counted by.
        admin: May manage channels.
        writes: May change things.
        channels: The channels that it may touch; None for all.
        requests_per_minute: Its limit; None for the service's default.
        collections: The collections that it may touch; None for all.
    """

    user: str
    token: str
    admin: bool = False
    writes: bool = False
    channels: frozenset[int] | None = frozenset()
    requests_per_minute: int | None = None
    collections: frozenset[str] | None = frozenset()

    def to_context(self) -> dict[str, str]:
        """The caller as an authorizer's context."""
        channels = _EVERY if self.channels is None else ",".join(map(str, sorted(self.channels)))
        return {
            "user": self.user,
            "token": self.token,
            "admin": str(self.admin).lower(),
            "writes": str(self.writes).lower(),
            "channels": channels,
            "requests_per_minute": str(self.requests_per_minute or ""),
            "collections": collections_as_text(self.collections),
        }

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Caller":
        """The caller that `to_context` wrote.

        Raises:
            NotAuthenticated: The context holds none.
        """
        if not context.get("token"):
            raise NotAuthenticated
        channels = str(context["channels"])
        limit = str(context.get("requests_per_minute") or "")
        return cls(
            user=str(context["user"]),
            token=str(context["token"]),
            admin=context.get("admin") == "true",
            writes=context.get("writes") == "true",
            channels=None if channels == _EVERY else frozenset(map(int, filter(None, channels.split(",")))),
            requests_per_minute=int(limit) if limit else None,
            collections=collections_in_text(str(context.get("collections", "[]"))),
        )

    def must_read(self, channel: int) -> None:
        """Raises `NotPermitted` unless the caller may read this channel."""
        if self.channels is not None and channel not in self.channels:
            raise NotPermitted

    def must_write(self, channel: int) -> None:
        """Raises `NotPermitted` unless the caller may change this channel's batch requests."""
        self.must_read(channel)
        if not self.writes:
            raise NotPermitted

    def must_read_collection(self, collection: str) -> None:
        """Raises `NotPermitted` unless the caller may read what is in this collection."""
        if self.collections is not None and collection not in self.collections:
            raise NotPermitted

    def must_write_collection(self, collection: str) -> None:
        """Raises `NotPermitted` unless the caller may change what is in this collection."""
        self.must_read_collection(collection)
        if not self.writes:
            raise NotPermitted

    def must_administer(self) -> None:
        """Raises `NotPermitted` unless the caller may manage channels."""
        if not self.admin:
            raise NotPermitted


def collections_as_text(collections: frozenset[str] | None) -> str:
    """Collections in one string, in ASCII; their IDs may hold commas, so these are a JSON list."""
    return _EVERY if collections is None else json.dumps(sorted(collections))


def collections_in_text(text: str) -> frozenset[str] | None:
    """The collections that `collections_as_text` wrote."""
    return None if text == _EVERY else frozenset(json.loads(text))


_current: ContextVar[Caller] = ContextVar("caller")


def caller() -> Caller:
    """The caller of the request that is being answered.

    Raises:
        NotAuthenticated: The route is public, or nobody is known to be asking.
    """
    try:
        return _current.get()
    except LookupError:
        raise NotAuthenticated from None


def enter(event: Mapping[str, Any]) -> Caller:
    """Takes the caller from an API Gateway event and makes it the current one.

    Raises:
        NotAuthenticated: The event holds none.
    """
    found = Caller.from_context((event.get("requestContext") or {}).get("authorizer") or {})
    _current.set(found)
    return found
