"""What a batch holds, whatever form it came in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST_BATCH = 100
"""Requests in one batch; also what one DynamoDB transaction can hold."""

LONGEST_ID = 255
"""Characters of a request's ID: they all come back in the answer, which has its own limit."""

LARGEST_HEADERS = 8 * 1024
"""Bytes of a part's headers, and of its request line and the headers after it."""

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

METHOD = re.compile(r"[A-Za-z]+")
HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
FORBIDDEN_CHARACTERS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
"""What no header and no URL has: it would end a line of the answer, or could not be written."""


class MalformedBatchError(Exception):
    """The envelope cannot be read, so that nothing in it may run. The message says why."""


class MalformedPartError(Exception):
    """One request cannot be read. The message says why."""


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
        condition: What must hold for it to run, as it was written (`conditions`); None for nothing.
        error: Why the request cannot be read, where only this part is malformed.
    """

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_id: str | None = None
    depends_on: tuple[str, ...] = ()
    condition: object = None
    error: str | None = None


@dataclass(slots=True)
class ChangeSet:
    """Requests of which all happen or none.

    Args:
        requests: The requests, in order.
        name: The name of an `atomicityGroup`; None in multipart.
    """

    requests: list[PartRequest] = field(default_factory=list)
    name: str | None = None


@dataclass(slots=True)
class Batch:
    """A batch.

    Args:
        parts: Requests and change sets, in order.
    """

    parts: list[PartRequest | ChangeSet] = field(default_factory=list)

    @property
    def nested(self) -> bool:
        """Whether it has change sets."""
        return any(isinstance(part, ChangeSet) for part in self.parts)

    def __len__(self) -> int:
        """How many requests it has, an empty change set being one."""
        return sum(len(part.requests) or 1 if isinstance(part, ChangeSet) else 1 for part in self.parts)

    @property
    def has_ids(self) -> bool:
        """Whether any request has an ID."""
        return any(request.content_id is not None for request in self.requests())

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
