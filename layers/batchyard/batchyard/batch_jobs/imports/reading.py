"""An upload becomes a spool: its rows by the handles of their products, and what must not stand there twice.

A file is read by ranges, from where its last complete row ended, and always the version of it that the job has found.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from batchyard.batch_jobs import spool
from batchyard.batch_jobs.selection import Unfit
from batchyard.batch_jobs.spool import Chunk, Entry, Weigh
from batchyard.catalogue import reference
from batchyard.product_files import claims
from batchyard.product_files.claims import Claim
from batchyard.product_files.faults import NOT_FOUND, RowError, quoted
from batchyard.product_files.header import REQUIRED, Header, read_header
from batchyard.product_files.parsing import Parser
from batchyard.product_files.reading import Position, Row
from batchyard.store import blobs
from batchyard.uploads import operations as uploads

STEP = 16 * 1024 * 1024
"""Bytes of the file that one step reads, about."""

_AT_ONCE = 1024 * 1024

_SHARED = 64
"""Characters from which on a text that rows repeat is looked for."""


class File(NamedTuple):
    """The upload that a job imports.

    Attributes:
        key: Its key.
        version: Its version in the bucket, whatever else is stored under the key since.
        size: Its bytes.
    """

    key: str
    version: str
    size: int

    @classmethod
    def of(cls, user: str, context: Mapping[str, Any]) -> "File":
        """The file that a job's context names.

        Args:
            user: The name of the job's user.

        Raises:
            Unfit: There is none.
            Unavailable: The store did not answer.
        """
        key = context.get("fileKey")
        found = uploads.own(user, key) if isinstance(key, str) else None
        if found is None:
            must = "context.fileKey must be the key of an uploaded file"
            if not isinstance(key, str) or not key:
                raise Unfit(must, NOT_FOUND)
            is_url = key.startswith(("https://", "http://"))
            raise Unfit(
                f"There is no file {quoted(key)}: {must}, not its URL" if is_url else f"There is no file {key}",
                NOT_FOUND,
            )
        return cls(found.key, found.version, found.size)

    def blocks(self, start: int, end: int) -> Iterator[bytes]:
        """The bytes between two places, piece by piece.

        Raises:
            Unavailable: S3 did not answer.
        """
        end = min(end, self.size)
        while start < end:
            block = blobs.read_range(self.key, start, min(_AT_ONCE, end - start), self.version)
            if not block:
                return
            yield block
            start += len(block)

    def header(self, context: Mapping[str, Any], any_of: Sequence[str] = (REQUIRED,)) -> Header:
        """Its header.

        Args:
            context: The context of the job.
            any_of: Columns of which it must have one.

        Raises:
            Unreadable: It is no product file.
            Unavailable: S3 did not answer.
        """
        return read_header(self.blocks(0, self.size), context, _regions, any_of=any_of)


def _regions() -> dict[str, str]:
    return {region.name: region.currency for region in reference.regions()}


class Step(NamedTuple):
    """What one step has read.

    Attributes:
        position: Where the next one begins; None where the file has ended.
        rows: The chunks of rows, by handle and line.
        claims: The chunks of what only one product can have, by it and by line.
        lines: How many rows the file has up to here.
    """

    position: Position | None
    rows: list[Chunk]
    claims: list[Chunk]
    lines: int


def read(job: str, file: File, header: Header, parser: Parser, position: Position) -> Step:
    """Reads some of a file.

    Raises:
        Unreadable: No further row can be read.
        Unavailable: S3 did not answer.
    """
    length = STEP
    while True:
        end = position.byte + length
        is_last = end >= file.size
        reader = header.reader(file.blocks(position.byte, end), position, is_last=is_last)
        rows, claimed = spool.Writer(job), spool.Writer(job)
        for row in reader:
            handle = parser.handle(row)
            rows.add(Entry(place(handle, row), number(row.line), {"cells": row.cells}), sum(map(len, row.cells)))
            for kind, value in ((claims.SKU, parser.sku(row)), (claims.PRODUCT, parser.product_id(row))):
                if value:
                    claimed.add(Entry(f"{kind} {value}", number(row.line), {"handle": handle}), len(value))
        reached = reader.position
        if is_last or reached.byte > position.byte:
            return Step(None if is_last else reached, rows.close(), claimed.close(), reached.line)
        # One row is longer than a step.
        length *= 2


def place(handle: str, row: Row) -> str:
    """What a row is ordered by: its handle; without one, it stands for itself."""
    return handle or f"\0{number(row.line)}"


def number(line: int) -> str:
    """A line as text that is ordered as lines are."""
    return f"{line:012}"


def row_of(entry: Entry) -> Row:
    """The row that an entry of the spool is."""
    return Row(int(entry.id), entry.record["cells"])


def weighing() -> Weigh:
    """What weighs the rows of one handle, and has a text that many of them repeat in memory once."""
    shared: dict[str, str] = {}

    def weigh(entry: Entry) -> int:
        cells = entry.record["cells"]
        size = 0
        for place, cell in enumerate(cells):
            if len(cell) >= _SHARED:
                cells[place] = shared.setdefault(cell, cell)
                size += len(cell) if cells[place] is cell else 0
            else:
                size += len(cell)
        return size

    return weigh


def duplicates(entries: Iterable[Entry]) -> Iterator[tuple[str, RowError]]:
    """Of entries that claim one thing, in the order of their lines, the errors of those that come too late.

    Yields:
        The handle of a product, and its error.
    """
    first: tuple[Claim, str] | None = None
    told: set[str] = set()
    for entry in entries:
        kind, _, value = str(entry.place).partition(" ")
        claim, handle = Claim(kind, value, int(entry.id)), entry.record["handle"]
        if first is None:
            first = claim, handle
        elif handle != first[1] and handle not in told:
            told.add(handle)
            yield handle, claims.comes_twice(claim, handle, *first)
