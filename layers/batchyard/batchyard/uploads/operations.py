"""What can be done with files: bring them, ask where to put them, get them back, remove them.

A file belongs to its user, whatever token was used; whose it is, its key tells. What is not the caller's is answered
like what is not there.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from batchyard import clock, ulids
from batchyard.errors import Invalid, NotFound, TooLarge, TooMany, Unavailable
from batchyard.store import blobs
from batchyard.store.blobs import Blob
from batchyard.store.unit import Unit, transact
from batchyard.uploads import repository
from batchyard.uploads.rules import (
    KEPT_DAYS,
    KEPT_UNUSED_DAYS,
    LARGEST_TOGETHER,
    MOST_OPEN,
    MOST_TOGETHER,
    FileKey,
    OpenUpload,
    Stored,
    disposition,
    key_of,
    must_be_name,
)
from batchyard.user_ids import user_id

if TYPE_CHECKING:
    # It brings in the parser of forms, which most routes do not need.
    from batchyard.http.forms import File

DOWNLOAD_SECONDS = 3600
UPLOAD_SECONDS = 900
"""How long URLs work, at most: they end with the credentials that signed them, whose life Lambda does not promise."""

_DAY_S = 86_400


def new_key(user: str, name: str) -> str:
    """A key that no file has, for one of a user's.

    Args:
        user: The user's name.
        name: What the file is called.
    """
    must_be_name(name)
    return str(_new_key(user, name))


def upload(user: str, files: "Sequence[File]") -> list[str]:
    """Stores files, and returns their keys.

    Raises:
        Invalid: There are none, or too many, or one has no name for a file.
        TooLarge: They are larger together than a request may bring.
        TooMany: The user has too many open uploads.
    """
    if not files:
        raise Invalid({"files": ["$property must contain at least 1 elements"]})
    if len(files) > MOST_TOGETHER:
        raise Invalid({"files": [f"$property must contain no more than {MOST_TOGETHER} elements"]})
    size = sum(len(file.content) for file in files)
    if size > LARGEST_TOGETHER:
        raise TooLarge(
            f"The files of a request hold {size} bytes, of {LARGEST_TOGETHER} that they may. Larger ones go to the URL "
            "that POST /admin/uploads/presigned-urls answers."
        )
    for file in files:
        must_be_name(file.name)
    keys = [_new_key(user, file.name) for file in files]
    _open(user, keys)
    try:
        for key, file in zip(keys, files, strict=True):
            blobs.write(Blob(str(key), file.content, file.media_type))
    except Unavailable:
        # Those that were written have keys that nobody gets to know.
        for key in keys:
            _close(key)
        raise
    return [str(key) for key in keys]


def presign(user: str, name: str, size: int) -> tuple[str, str, int]:
    """Where to put a file of this very size: URL, key, and until when the URL works, in microseconds since the epoch.

    Raises:
        Invalid: A file has no such name.
        TooMany: The user has too many open uploads.
    """
    must_be_name(name)
    key = _new_key(user, name)
    until_us = key.made_us + UPLOAD_SECONDS * 1_000_000
    _open(user, [key], writable_until_s=until_us // 1_000_000)
    return blobs.upload_url(str(key), size, UPLOAD_SECONDS), str(key), until_us


def own(user: str, key: str) -> Stored | None:
    """A user's file, as it is now; None for anything else.

    Args:
        user: The user's name.
        key: What the user says is its key.

    Raises:
        Unavailable: The store did not answer.
    """
    found = key_of(user_id(user), key)
    now = clock.now()
    if found is None or not found.is_kept(now, used=True):
        return None
    if not found.is_kept(now, used=False) and not repository.is_used(found.user, found.ulid):
        return None
    version = blobs.version_of(key)
    return None if version is None else Stored(key, *version)


def use(unit: Unit, user: str, key: str) -> None:
    """Stages that a job uses a user's file, or has written it: it is kept longer, and is no open upload.

    Args:
        unit: What is written with it.
        user: The user's name.
        key: The file's key, from `own` or `new_key`.
    """
    found = _key(user, key)
    repository.put_used(unit, found.user, found.ulid, found.made_us // 1_000_000 + KEPT_DAYS * _DAY_S)
    uploads = repository.find_open(unit, found.user)
    if uploads.pop(found.ulid, None) is not None:
        repository.put_open(unit, found.user, uploads)


def link(key: str) -> str:
    """A URL at which a file can be read for an hour, to be kept under its name."""
    return blobs.download_url(key, DOWNLOAD_SECONDS, disposition(key.rpartition("/")[2]))


def download_url(user: str, key: str) -> str:
    """A URL at which a user's file can be read for an hour.

    Raises:
        NotFound: The user has no such file.
        Unavailable: The store did not answer.
    """
    if own(user, key) is None:
        raise _missing(key)
    return link(key)


def delete(user: str, key: str) -> None:
    """Removes a user's file.

    Raises:
        NotFound: The user has no such file.
        Unavailable: The store did not answer.
    """
    if own(user, key) is None:
        raise _missing(key)
    blobs.delete(key)
    _close(_key(user, key))


def _new_key(user: str, name: str) -> FileKey:
    return FileKey(user_id(user), ulids.new(clock.now()), name)


def _key(user: str, key: str) -> FileKey:
    found = key_of(user_id(user), key)
    if found is None:
        raise ValueError(f"{key!r} is no file of this user")
    return found


def _open(user: str, keys: Sequence[FileKey], writable_until_s: int = 0) -> None:
    """Counts uploads as open.

    Raises:
        TooMany: With them there would be too many.
    """

    def operation(unit: Unit) -> None:
        now_s = clock.now_s()
        uploads = _still_open(repository.find_open(unit, user_id(user)), now_s)
        if len(uploads) + len(keys) > MOST_OPEN:
            first_s = min((upload.until_s for upload in uploads.values()), default=now_s)
            raise TooMany(
                f"There may be {MOST_OPEN} uploads that no job has used, and there are {len(uploads)}. They are gone "
                f"after {KEPT_UNUSED_DAYS} days, or when they are deleted.",
                first_s - now_s,
            )
        for key in keys:
            until_s = key.made_us // 1_000_000 + KEPT_UNUSED_DAYS * _DAY_S
            uploads[key.ulid] = OpenUpload(until_s, writable_until_s)
        repository.put_open(unit, user_id(user), uploads)

    transact(operation)


def _close(key: FileKey) -> None:
    """Counts an upload as open no longer, once it cannot be put again at its URL."""

    def operation(unit: Unit) -> None:
        now_s = clock.now_s()
        uploads = repository.find_open(unit, key.user)
        if (upload := uploads.get(key.ulid)) is not None:
            uploads[key.ulid] = upload._replace(until_s=upload.writable_until_s)
            repository.put_open(unit, key.user, _still_open(uploads, now_s))

    transact(operation)


def _still_open(uploads: Mapping[str, OpenUpload], now_s: int) -> dict[str, OpenUpload]:
    return {ulid: upload for ulid, upload in uploads.items() if upload.until_s > now_s}


def _missing(key: str) -> NotFound:
    return NotFound(f"File with key {key} was not found")
