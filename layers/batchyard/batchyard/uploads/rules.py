"""What a file is called and where it lies, who may have it, and for how long. Pure: no request, no store."""

import unicodedata
from typing import NamedTuple
from urllib.parse import quote

from batchyard import ulids
from batchyard.errors import Invalid

FOLDER = "files"
"""What the key of every file begins with: `files/<user>/<ULID>/<name>`."""

LARGEST_TOGETHER = 4 * 1024 * 1024
"""Bytes of all files of a request that brings them along: Lambda carries them in base64."""

MOST_TOGETHER = 100
"""Files that a request brings along."""

LARGEST = 5 * 1024**3
"""Bytes of a file that goes straight to S3 (S3's own limit on a PUT)."""

MOST_OPEN = 100
"""Uploads of a user that no job has used yet."""

KEPT_DAYS, KEPT_UNUSED_DAYS = 7, 2
"""Days after which a file is gone, used by a job or not."""

LONGEST_NAME = 255
"""Characters of a file's name."""

LARGEST_NAME = 900
"""Bytes of a file's name in UTF-8: S3 has keys of 1,024 bytes."""

_DAY_US = 86_400_000_000
# Control characters, and halves of surrogate pairs, which are no characters.
_UNUSABLE = frozenset({"Cc", "Cs"})


class Stored(NamedTuple):
    """A file that is there.

    Args:
        key: Where it lies.
        size: Its bytes.
        version: S3's ID of this very content: a file may be written again as long as its URL works.
    """

    key: str
    size: int
    version: str


class OpenUpload(NamedTuple):
    """A file that no job has used yet, or that may still come.

    Args:
        until_s: When it is open no longer, in seconds since the Unix epoch.
        writable_until_s: Until when it can be put at its URL; 0 where there is none.
    """

    until_s: int
    writable_until_s: int = 0


class FileKey(NamedTuple):
    """The key of a file, in its parts.

    Args:
        user: Its owner's ID.
        ulid: What tells it from the user's others: the moment at which it was asked for, and chance.
        name: What its owner calls it.
    """

    user: str
    ulid: str
    name: str

    def __str__(self) -> str:
        return f"{FOLDER}/{self.user}/{self.ulid}/{self.name}"

    @property
    def made_us(self) -> int:
        """When it was asked for, in microseconds since the Unix epoch."""
        return ulids.moment_us(self.ulid)

    def is_kept(self, now_us: int, *, used: bool) -> bool:
        """Whether it is there yet, as far as its age tells."""
        days = KEPT_DAYS if used else KEPT_UNUSED_DAYS
        return now_us < self.made_us + days * _DAY_US


def key_of(user: str, key: str) -> FileKey | None:
    """The key of a user's own file; None for anything else, be it another user's, of something else, or no key."""
    match key.split("/"):
        case [folder, owner, ulid, name] if (folder, owner) == (FOLDER, user):
            try:
                must_be_name(name)
                ulids.moment_us(ulid)
            except (Invalid, ValueError):
                return None
            return FileKey(owner, ulid, name)
    return None


def must_be_name(name: str) -> None:
    """Raises `Invalid` for what no file is called: nothing, a path, or what cannot stand in a header."""
    if name in {"", ".", ".."} or any(sign in "/\\" or unicodedata.category(sign) in _UNUSABLE for sign in name):
        raise Invalid({"file_name": ["$property must be a name without folders and control characters"]})
    if len(name) > LONGEST_NAME:
        raise Invalid({"file_name": [f"$property must be shorter than or equal to {LONGEST_NAME} characters"]})
    if len(name.encode()) > LARGEST_NAME:
        raise Invalid({"file_name": [f"$property must be shorter than or equal to {LARGEST_NAME} bytes"]})


def disposition(name: str) -> str:
    """The `Content-Disposition` by which a browser keeps a file under its name (RFC 6266)."""
    plain = "".join(sign if " " <= sign <= "~" and sign not in '"\\%' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
