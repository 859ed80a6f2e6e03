"""Who is asking, as the authorizer found out and API Gateway passes on.

The authorizer's context travels as flat strings (API Gateway allows nothing else), so a `Caller` is written to it and
read back here, in one place.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from batchyard.errors import NotAuthenticated, NotPermitted

_EVERY_CHANNEL = "*"


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
    """

    user: str
    token: str
    admin: bool = False
    writes: bool = False
    channels: frozenset[int] | None = frozenset()
    requests_per_minute: int | None = None

    def to_context(self) -> dict[str, str]:
        """The caller as an authorizer's context."""
        channels = _EVERY_CHANNEL if self.channels is None else ",".join(map(str, sorted(self.channels)))
        return {
            "user": self.user,
            "token": self.token,
            "admin": str(self.admin).lower(),
            "writes": str(self.writes).lower(),
            "channels": channels,
            "requests_per_minute": str(self.requests_per_minute or ""),
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
            channels=None if channels == _EVERY_CHANNEL else frozenset(map(int, filter(None, channels.split(",")))),
            requests_per_minute=int(limit) if limit else None,
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

    def must_administer(self) -> None:
        """Raises `NotPermitted` unless the caller may manage channels."""
        if not self.admin:
            raise NotPermitted


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
