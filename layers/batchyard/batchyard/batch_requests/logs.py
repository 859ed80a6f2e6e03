"""Log files of batch requests: gzipped text in S3, read and written at presigned URLs where they are large."""

import gzip
import hashlib
import tempfile

from batchyard import clock
from batchyard.batch_requests import operations
from batchyard.errors import NotFound
from batchyard.store import blobs, clients
from batchyard.store.blobs import Blob

DOWNLOAD_SECONDS = 300
UPLOAD_SECONDS = 900
"""How long a form works, at most: it ends with the credentials that signed it, whose life Lambda does not promise."""

LARGEST_UPLOAD = 512 * 1024 * 1024
"""Bytes of a log file; what the function that compresses it has room for on its disk."""

_CHUNK = 1024 * 1024


def download_url(channel: int, pk: int) -> str:
    """A URL at which the log file can be read for five minutes.

    Raises:
        NotFound: There is no batch request, or it has no log file.
    """
    batch = operations.retrieve(channel, pk, whole=False)
    if batch.log_key is None:
        raise NotFound("The batch request has no log file.")
    return blobs.download_url(batch.log_key, DOWNLOAD_SECONDS, f'inline; filename="batch-request-{pk}.log"')


def upload_form(channel: int, pk: int) -> dict[str, object]:
    """A form to post a log file to (S3's presigned POST), good for a quarter of an hour.

    Raises:
        NotFound: There is no batch request.
    """
    operations.retrieve(channel, pk, whole=False)
    form = clients.s3().generate_presigned_post(
        Bucket=blobs.bucket(),
        Key=blobs.new_key(blobs.UPLOADS, channel, pk),
        Conditions=[["content-length-range", 0, LARGEST_UPLOAD]],
        ExpiresIn=UPLOAD_SECONDS,
    )
    return {**form, "expires_at": clock.iso(clock.now() + UPLOAD_SECONDS * 1_000_000)}


def attach_upload(key: str) -> None:
    """Compresses an upload, attaches it to its batch request, and removes it; done again it changes nothing.

    Each delivery writes under a key of its own: what an earlier one left is the sweep's, at any moment.

    Args:
        key: The upload's key, `uploads/<channel>/<pk>/<uuid>`.
    """
    channel, pk = map(int, blobs.owner_of(key))
    log_key = blobs.new_key(blobs.LOGS, channel, pk)
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as compressed:
        with (
            blobs.reading(key) as upload,
            gzip.GzipFile("", "wb", operations.LOG_LEVEL, compressed, mtime=0) as writer,
        ):
            if upload is None:
                return
            for chunk in upload.iter_chunks(_CHUNK):
                digest.update(chunk)
                writer.write(chunk)
        compressed.seek(0)
        blobs.write(Blob(log_key, compressed, "text/plain; charset=utf-8", "gzip"))
    if not operations.attach_log(channel, pk, log_key, digest.hexdigest()):
        blobs.delete(log_key)
    blobs.delete(key)
