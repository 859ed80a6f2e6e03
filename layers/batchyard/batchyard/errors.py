"""What can go wrong, in the words of the business.

Operations raise these; they know nothing of HTTP. Each API family has a dialect (`batchyard.http`) that turns them
into a status and a body of its own shape.
"""

from collections.abc import Mapping
from typing import Any

from batchyard.echoes import echo


class BatchyardError(Exception):
    """Base of all errors that a caller is told about.

    Args:
        detail: One sentence for the caller; without it the dialect uses its standard one.
        code: A name for programs, where it is finer than the dialect's standard one: `INVALID_CODE`.
        details: Facts for programs, as JSON takes them; only some dialects pass them on.
    """

    def __init__(
        self, detail: str | None = None, *, code: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.details = dict(details or {})


class Malformed(BatchyardError):
    """The request cannot be read at all: broken JSON, wrong encoding."""


class Invalid(BatchyardError):
    """The request can be read but not accepted.

    Args:
        fields: Messages by field; nested mappings for nested fields: `{"status": ["…"]}`.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        super().__init__("; ".join(str(messages) for messages in fields.values()))
        self.fields = fields


class NotAuthenticated(BatchyardError):
    """Nobody known is asking."""


class NotPermitted(BatchyardError):
    """The caller is known but may not do this."""


class NotFound(BatchyardError):
    """There is no such thing, or none that the caller may know of."""


class NoSuchPage(NotFound):
    """A list has not so many pages."""

    def __init__(self) -> None:
        super().__init__("Invalid page.")


class Lost(BatchyardError):
    """It is there, but what it holds is not where it was stored any more: no repeat will find it."""


class Conflict(BatchyardError):
    """The request contradicts the present state."""


class NotAllowed(Conflict):
    """What the request is about does not allow it: for what it is now, or for whose it is."""


class Duplicate(Conflict):
    """What is to be unique is there already."""


class PreconditionFailed(BatchyardError):
    """The caller's `If-Match` names another version than the present one."""


class NotSupported(BatchyardError):
    """The request can be read, and the standard has it, but this service does not do it."""


class TooLarge(BatchyardError):
    """The request, or the answer that it asks for, is larger than a function can carry."""


class UnsupportedMediaType(BatchyardError):
    """The body has a media type that this route does not read.

    Args:
        media_type: What the caller sent.
    """

    def __init__(self, media_type: str) -> None:
        super().__init__(f'Unsupported media type "{echo(media_type)}" in request.')


class UnsupportedCoding(UnsupportedMediaType):
    """The body is packed in a way that this service does not unpack.

    Args:
        coding: What the caller sent as `Content-Encoding`.
    """

    def __init__(self, coding: str) -> None:
        super(UnsupportedMediaType, self).__init__(f'Unsupported content coding "{coding}" in request.')


class MethodNotAllowed(BatchyardError):
    """The path exists, but not with this method.

    Args:
        method: What was asked.
        allowed: What the path serves.
    """

    def __init__(self, method: str, allowed: list[str]) -> None:
        super().__init__(f'Method "{echo(method)}" not allowed.')
        self.allowed = allowed


class Throttled(BatchyardError):
    """The caller has used up its requests.

    Args:
        retry_after_s: Seconds until it may ask again.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"Request was throttled. Expected available in {retry_after_s} seconds.")
        self.retry_after_s = retry_after_s


class TooMany(Throttled):
    """The caller has as many of something as there may be.

    Args:
        detail: One sentence for the caller.
        retry_after_s: Seconds until the first of them is gone by itself.
    """

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(retry_after_s)
        self.detail = detail


class FailedDependency(BatchyardError):
    """A request of the same batch that this one depends on was refused."""


class Contended(BatchyardError):
    """Others changed the same items each time that this operation tried to."""


class Unavailable(BatchyardError):
    """The store did not take the request, after retries."""


class NotUpdated(BatchyardError):
    """An update that the store refused after retries, where the family has words of its own for it."""
