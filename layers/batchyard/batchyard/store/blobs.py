"""Contents too large for an item, in S3: written under a new key first, pointed at by an item afterwards.

Keys are `<kind>/<owner…>/<uuid>`, so that the sweep finds from the key alone which item must point at the blob.
"""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from botocore.exceptions import ClientError

from batchyard.store import clients
from batchyard.store.calls import code_of, reaching_aws

if TYPE_CHECKING:
    from botocore.response import StreamingBody

OBJECTS = "objects"
LOGS = "logs"
UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Blob:
    """One content on its way to S3.

    Args:
        key: Where it goes; new for each content.
        content: The bytes as stored, or a file of them.
        content_type: The media type of what `content_encoding` wraps.
        content_encoding: `gzip`, or empty.
    """

    key: str
    content: bytes | IO[bytes]
    content_type: str
    content_encoding: str = ""


def bucket() -> str:
    """The bucket of this deployment."""
    return os.environ["CONTENT_BUCKET"]


def new_key(kind: str, *owner: int | str) -> str:
    """A key that nothing was ever stored under: `objects/5/1795401019114587/0b9c…`."""
    return "/".join([kind, *map(str, owner), str(uuid.uuid4())])


def owner_of(key: str) -> list[str]:
    """The parts of a key between its kind and its unique end."""
    return key.split("/")[1:-1]


def write(blob: Blob) -> None:
    """Stores a new blob. An existing one is never overwritten.

    Raises:
        Unavailable: S3 did not take it.
    """
    encoding = {"ContentEncoding": blob.content_encoding} if blob.content_encoding else {}
    try:
        with reaching_aws():
            clients.s3().put_object(
                Bucket=bucket(),
                Key=blob.key,
                Body=blob.content,
                ContentType=blob.content_type,
                IfNoneMatch="*",
                **encoding,  # type: ignore[arg-type]
            )
    except ClientError as error:
        # The key is ours alone, so something there is our own first attempt, whose answer got lost.
        if code_of(error) != "PreconditionFailed":
            raise


def read(key: str) -> bytes:
    """The bytes of a blob as stored.

    Raises:
        Unavailable: S3 did not answer.
    """
    with reaching_aws():
        return clients.s3().get_object(Bucket=bucket(), Key=key)["Body"].read()


@contextmanager
def reading(key: str) -> "Iterator[StreamingBody | None]":
    """A blob to read piece by piece; None where there is none.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        with reaching_aws():
            body = clients.s3().get_object(Bucket=bucket(), Key=key)["Body"]
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        yield None
        return
    with body:
        yield body


def delete(key: str) -> None:
    """Removes a blob; one that is not there is removed already.

    Raises:
        Unavailable: S3 did not answer.
    """
    with reaching_aws():
        clients.s3().delete_object(Bucket=bucket(), Key=key)
