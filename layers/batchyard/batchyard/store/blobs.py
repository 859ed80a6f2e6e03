"""Contents too large for an item, in S3: written under a new key first, pointed at by an item afterwards.

Keys are `<kind>/<owner…>/<uuid>`, so that the sweep finds from the key alone which item must point at the blob.
"""

import base64
import logging
import os
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from batchyard.errors import Lost
from batchyard.store import clients
from batchyard.store.calls import code_of, reaching_aws

if TYPE_CHECKING:
    from botocore.response import StreamingBody

OBJECTS = "objects"
LOGS = "logs"
UPLOADS = "uploads"
PRODUCTS = "products"
ENTITIES = "entities"

RECEIPT = 20
"""Bytes of what is kept of a written part: its MD5, which is S3's entity tag of it, and its CRC-32."""

logger = logging.getLogger("batchyard")

_MD5 = 16


class UploadLost(Exception):
    """S3 knows no such upload (it may be completed), or not all of the parts that it should have."""


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
        Lost: There is none; that is logged.
        Unavailable: S3 did not answer.
    """
    try:
        with reaching_aws():
            return clients.s3().get_object(Bucket=bucket(), Key=key)["Body"].read()
    except ClientError as error:
        if code_of(error) != "NoSuchKey":
            raise
        logger.error("lost %s", key)
        raise Lost from error


def read_range(key: str, start: int, length: int, version: str = "") -> bytes:
    """So many bytes of a blob from a position on, or fewer where it ends; none at its end.

    Args:
        key: The blob's key.
        start: The first byte, from 0.
        length: How many.
        version: Its version in the bucket; empty for the present one.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        with reaching_aws():
            wanted = {"VersionId": version} if version else {}
            span = f"bytes={start}-{start + length - 1}"
            found = clients.s3().get_object(Bucket=bucket(), Key=key, Range=span, **wanted)  # type: ignore[arg-type]
            content = found["Body"].read()
            # A server may ignore a range (RFC 9110, 14.2), and some do.
            return content if "ContentRange" in found else content[start : start + length]
    except ClientError as error:
        if code_of(error) != "InvalidRange":
            raise
        return b""


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


def download_url(key: str, seconds: int, disposition: str) -> str:
    """A URL at which a blob can be read without credentials.

    Args:
        key: The blob's key.
        seconds: How long the URL works.
        disposition: The `Content-Disposition` that a browser gets to see.
    """
    return clients.s3().generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket(), "Key": key, "ResponseContentDisposition": disposition},
        ExpiresIn=seconds,
    )


def upload_url(key: str, size: int, seconds: int) -> str:
    """A URL at which a blob can be put without credentials, by a PUT of exactly so many bytes.

    Args:
        key: The blob's key.
        size: Its bytes: `Content-Length`, which is signed.
        seconds: How long the URL works.
    """
    return clients.s3().generate_presigned_url(
        "put_object", Params={"Bucket": bucket(), "Key": key, "ContentLength": size}, ExpiresIn=seconds
    )


def version_of(key: str) -> tuple[int, str] | None:
    """Bytes of a blob as stored, and S3's ID of this very content; None where there is none.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        with reaching_aws():
            head = clients.s3().head_object(Bucket=bucket(), Key=key)
    except ClientError as error:
        # Who may not list the bucket is not told that a key has nothing: it is forbidden, too.
        if code_of(error) not in {"403", "404"}:
            raise
        return None
    return head["ContentLength"], head["VersionId"]


def size_of(key: str) -> int | None:
    """Bytes of a blob as stored; None where there is none.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        with reaching_aws():
            return clients.s3().head_object(Bucket=bucket(), Key=key)["ContentLength"]
    except ClientError as error:
        if code_of(error) != "404":
            raise
        return None


# Blobs that are written part by part, by whoever comes: each part but the last has 5 MiB or more.


def begin(key: str, content_type: str) -> str:
    """Begins a new blob; returns the ID of its upload.

    Raises:
        Unavailable: S3 did not take it.
    """
    with reaching_aws():
        begun = clients.s3().create_multipart_upload(
            Bucket=bucket(), Key=key, ContentType=content_type, ChecksumAlgorithm="CRC32"
        )
    return begun["UploadId"]


def write_part(key: str, upload: str, number: int, content: bytes) -> bytes:
    """Writes one part, or writes it again; returns its receipt.

    Args:
        key: The blob's key.
        upload: The upload's ID.
        number: Which part it is, from 1.
        content: Its bytes.

    Raises:
        UploadLost: There is no such upload.
        Unavailable: S3 did not take it.
    """
    crc = zlib.crc32(content).to_bytes(4)
    with _of_upload():
        answer = clients.s3().upload_part(
            Bucket=bucket(),
            Key=key,
            UploadId=upload,
            PartNumber=number,
            Body=content,
            ChecksumCRC32=base64.b64encode(crc).decode(),
        )
    return bytes.fromhex(answer["ETag"].strip('"')) + crc


def complete(key: str, upload: str, receipts: bytes) -> None:
    """Makes a blob of its parts.

    Args:
        key: The blob's key.
        upload: The upload's ID.
        receipts: The receipts of all parts, one after the other.

    Raises:
        UploadLost: There is no such upload, or its parts are not these.
        Unavailable: S3 did not take it.
    """
    parts: list[Any] = []
    for position in range(0, len(receipts), RECEIPT):
        receipt = receipts[position : position + RECEIPT]
        parts.append(
            {
                "PartNumber": len(parts) + 1,
                "ETag": f'"{receipt[:_MD5].hex()}"',
                "ChecksumCRC32": base64.b64encode(receipt[_MD5:]).decode(),
            }
        )
    with _of_upload():
        clients.s3().complete_multipart_upload(
            Bucket=bucket(), Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
        )


def abort(key: str, upload: str) -> None:
    """Gives an upload up, with its parts; one that is completed stays, and one that is not there is gone already.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        with _of_upload():
            clients.s3().abort_multipart_upload(Bucket=bucket(), Key=key, UploadId=upload)
    except UploadLost:
        return


@contextmanager
def _of_upload() -> Iterator[None]:
    try:
        with reaching_aws():
            yield
    except ClientError as error:
        if code_of(error) not in {"NoSuchUpload", "InvalidPart"}:
            raise
        raise UploadLost from error


def delete(key: str) -> None:
    """Removes a blob; one that is not there is removed already.

    Raises:
        Unavailable: S3 did not answer.
    """
    with reaching_aws():
        clients.s3().delete_object(Bucket=bucket(), Key=key)
