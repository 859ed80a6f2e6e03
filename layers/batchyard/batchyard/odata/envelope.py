"""What a batch holds, whatever form it came in."""

from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST_BATCH = 100
"""Requests in one batch; also what one DynamoDB transaction can hold."""

READS = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""


class MalformedBatchError(Exception):
    """The envelope cannot be read, so that nothing in it may run. The message says why."""


@dataclass(slots=True)
class PartRequest:
    """One request of a batch.

    Args:
        method: The HTTP method, in upper case.
        url: The URL as it was written.
        headers: The request's own headers, names in lower case.
        body: The body's bytes.
        content_id: What other requests and the answer call it.
        depends_on: Content IDs of requests, or names of groups, that must have succeeded.
        error: Why the request cannot be read, where only this part is malformed.
    """

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_id: str | None = None
    depends_on: tuple[str, ...] = ()
    error: str | None = None


@dataclass(slots=True)
class ChangeSet:
    """Requests of which all happen or none.

    Args:
        requests: The requests, in order.
        name: The name of an `atomicityGroup`; None in multipart.
        error: Why the change set as a whole cannot be read.
    """

    requests: list[PartRequest] = field(default_factory=list)
    name: str | None = None
    error: str | None = None


@dataclass(slots=True)
class Batch:
    """The parts of a batch, in order.

    Args:
        parts: Requests and change sets.
        nested: In the form of OData's own multipart, where the first error ends the batch: it had a change set.
    """

    parts: list[PartRequest | ChangeSet] = field(default_factory=list)

    @property
    def nested(self) -> bool:
        """Whether it has change sets."""
        return any(isinstance(part, ChangeSet) for part in self.parts)

    def requests(self) -> Iterator[PartRequest]:
        """All requests, in order."""
        for part in self.parts:
            if isinstance(part, ChangeSet):
                yield from part.requests
            else:
                yield part


def must_not_exceed(count: int) -> None:
    """Raises `MalformedBatchError` for more requests than a batch may hold."""
    if count > LARGEST_BATCH:
        raise MalformedBatchError(f"A batch holds at most {LARGEST_BATCH} requests.")
