"""A file in S3 that grows part by part, by whoever comes: how far it is stands in the item of the work that writes it.

A step of the work makes the file longer (`append`), or completes it (`complete`), and tells what is to be stored in
the same write as the work's own progress; then it says whether that was stored (`Grown.settle`):

    grown = growing_file.append(file, content, last=position is None)
    recorded = record(work, position=position, **grown.file.kept)
    grown.settle(recorded=recorded is not None)

So the file and the progress are never apart. Whoever makes a part again makes the same one, and in memory there is no
more than that.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from batchyard.errors import Unavailable
from batchyard.store import blobs
from batchyard.store.blobs import RECEIPT, Blob, UploadLost

PART = 8 * 1024 * 1024
"""Bytes of a part, at least, except of the last one. S3 asks for 5 MiB, and takes 10,000 parts: 80 GiB."""


@dataclass(frozen=True, slots=True)
class GrowingFile:
    """A file as far as it is written.

    Args:
        key: Where it lies, or will; this work's alone.
        content_type: Its media type.
        upload: The multipart upload that it is written by; None for none so far, and for one that is complete.
        parts: S3's receipts of its parts, 20 bytes each.
        size: Its bytes so far.
    """

    key: str
    content_type: str
    upload: str | None = None
    parts: bytes = b""
    size: int = 0

    @property
    def kept(self) -> dict[str, Any]:
        """What changes as it grows, by its names here: the work's item keeps it."""
        return {"upload": self.upload, "parts": self.parts, "size": self.size}


class Became(Enum):
    """What has become of a file."""

    LONGER = auto()
    """The content is in it, and what comes next can be appended."""

    DONE = auto()
    """It can be read."""

    EMPTY = auto()
    """S3 has lost it: the work begins at the file's beginning."""


@dataclass(frozen=True, slots=True)
class Grown:
    """What a step has made of a file.

    Args:
        file: The file to store with the work's progress.
        became: What it has become.
        begun: The upload that only this step knows of.
        former: The upload that nobody goes on with once the file is stored.
    """

    file: GrowingFile
    became: Became
    begun: str | None = None
    former: str | None = None

    def settle(self, *, recorded: bool) -> None:
        """Gives up what nobody goes on with.

        Args:
            recorded: Whether the file was stored; it is not where somebody else was first, or the work is gone.

        Raises:
            Unavailable: S3 did not answer.
        """
        upload = self.former if recorded else self.begun
        if upload is not None:
            blobs.abort(self.file.key, upload)


def append(file: GrowingFile, content: bytes, *, last: bool) -> Grown:
    """Makes a file longer.

    Args:
        file: The file as it is stored.
        content: What comes next, `PART` bytes or more unless it is the last of it.
        last: Whether nothing comes after it. A file of this alone is done at once; else `complete` is the next step.

    Raises:
        Unavailable: S3 did not take it.
    """
    if file.upload is None and last:
        blobs.write(Blob(file.key, content, file.content_type))
        return Grown(replace(file, size=len(content)), Became.DONE)
    if not content:
        return Grown(file, Became.LONGER)
    upload = file.upload or blobs.begin(file.key, file.content_type)
    begun = upload if file.upload is None else None
    try:
        receipt = blobs.write_part(file.key, upload, len(file.parts) // RECEIPT + 1, content)
    except UploadLost:
        return _empty(file)
    except Exception:
        if begun is not None:
            with suppress(Unavailable):
                blobs.abort(file.key, begun)
        raise
    longer = replace(file, upload=upload, parts=file.parts + receipt, size=file.size + len(content))
    return Grown(longer, Became.LONGER, begun=begun)


def complete(file: GrowingFile) -> Grown:
    """Makes a file readable whose last part is written.

    Args:
        file: The file as it is stored.

    Raises:
        Unavailable: S3 did not answer.
    """
    try:
        blobs.complete(file.key, file.upload or "", file.parts)
    except UploadLost:
        # Somebody else may have completed it, who could not record it.
        if blobs.size_of(file.key) is None:
            return _empty(file)
    return Grown(replace(file, upload=None, parts=b""), Became.DONE)


def abort(file: GrowingFile) -> None:
    """Gives a file up that nobody goes on with, and what is written of it.

    Raises:
        Unavailable: S3 did not answer.
    """
    if file.upload is not None:
        blobs.abort(file.key, file.upload)


def _empty(file: GrowingFile) -> Grown:
    return Grown(GrowingFile(file.key, file.content_type), Became.EMPTY, former=file.upload)
