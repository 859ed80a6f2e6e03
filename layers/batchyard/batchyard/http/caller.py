"""Who is asking, as the authorizer found out and API Gateway passes on."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, NamedTuple

from batchyard.errors import NotAuthenticated
from batchyard.scope import Scope

KEY_HEADERS = ("X-API-Key", "x-medusa-access-token")
"""Headers that hold a key alone, beside `Authorization`: of product batches' clients, and of the catalogue's."""


class Caller(NamedTuple):
    """The owner of the token of a request.

    Args:
        user: The user name, which idempotency keys belong to.
        token: The public ID of the token, which its requests are counted by.
        scope: What the token may do.
    """

    user: str
    token: str
    scope: Scope

    def to_context(self) -> dict[str, str]:
        """The caller as an authorizer's context: flat strings, since API Gateway passes on nothing else."""
        attributes = {"requests_per_minute": "", **self.scope.to_attributes()}
        texts = {
            name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in attributes.items()
        }
        return {"user": self.user, "token": self.token, **texts}

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> "Caller":
        """The caller that `to_context` wrote.

        Raises:
            NotAuthenticated: The context holds none.
        """
        if not context.get("token"):
            raise NotAuthenticated
        return cls(str(context["user"]), str(context["token"]), Scope.from_attributes({"collections": "[]", **context}))


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
