"""Texts kept compressed: in an attribute of an item, or in S3 where every write of the item would pay for too much.

A text named `objects` is the attribute `objects`, or the blob that the attribute `objects_key` points at.

Why: docs/decisions.md#contents-beyond-32-kb-are-in-s3
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import batched

from batchyard import threads
from batchyard.errors import Lost
from batchyard.store import blobs
from batchyard.store.blobs import Blob
from batchyard.store.items import Item

INLINE_BYTES = 32_000
"""A compressed text larger than this goes to S3; a hundred of these fit one transaction."""

_READ_AT_ONCE = 8
# Level 1 halves the CPU of a write for a tenth more bytes on lists of objects.
_LEVEL = 1


def pack(name: str, text: str, new_key: Callable[[], str]) -> tuple[Item, Blob | None]:
    """The attribute that holds a text or points at it, and the blob that it points at.

    Args:
        name: What the text is called.
        new_key: Makes the key of a blob that nothing was ever stored under.
    """
    packed = zlib.compress(text.encode(), _LEVEL)
    if len(packed) <= INLINE_BYTES:
        return {name: packed}, None
    blob = Blob(new_key(), packed, "application/zlib")
    return {pointer(name): blob.key}, blob


def unpack(name: str, item: Item, read_blob: Callable[[str], bytes]) -> str | None:
    """A text of an item; None where it has none of this name."""
    packed = read_blob(str(item[pointer(name)])) if pointer(name) in item else item.get(name)
    return zlib.decompress(packed).decode() if isinstance(packed, bytes) else None


def kept(name: str, item: Item) -> Item:
    """The attribute of a text that stays as it is stored."""
    return {one: item[one] for one in (name, pointer(name)) if one in item}


def pointer(name: str) -> str:
    """The attribute that points at a text in S3."""
    return f"{name}_key"


def readable[T](
    name: str,
    rows: Iterable[Item],
    decode: Callable[[Item, Callable[[str], bytes]], T],
    lost: Callable[[Item], None] = lambda _: None,
) -> Iterator[T]:
    """What items hold, in their order; one whose content is lost is left out, and keeps no other from being read.

    A few blobs are read at once, no further than items are taken.

    Args:
        name: What the content is called.
        rows: The items.
        decode: Makes something of an item and of what reads its blob.
        lost: Takes each item that is left out.

    Raises:
        Unavailable: S3 did not answer.
    """
    for some in batched(rows, _READ_AT_ONCE, strict=False):
        read = _read_many([str(row[pointer(name)]) for row in some if pointer(name) in row])
        for row in some:
            if read.get(str(row.get(pointer(name))), b"") is not None:
                yield decode(row, read.__getitem__)  # type: ignore[arg-type]
            else:
                lost(row)


def _read_many(keys: list[str]) -> dict[str, bytes | None]:
    """Blobs by their keys, read at once; None for one that is lost."""
    if len(keys) < 2:
        return {key: _read(key) for key in keys}
    return dict(zip(keys, threads.each(_read, keys, _READ_AT_ONCE), strict=True))


def _read(key: str) -> bytes | None:
    try:
        return blobs.read(key)
    except Lost:
        return None
