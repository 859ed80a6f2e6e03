"""The work of `product-export`: products of the catalogue as rows of a file.

1. *Read* all products, consistently, as records in a spool; the catalogue may change from then on.
2. *Select*, only where some are left out for where they stand and the spool has several chunks: merge these, and keep
   the products that are asked for. So the file has the columns of what is in it.
3. *Write* the rows in order, once the job is confirmed.

A step reads what the one before left in the job's `state`, and records in it where the next one begins.
"""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

from batchyard import clock, threads, ulids
from batchyard.batch_jobs import selecting, spool, states
from batchyard.batch_jobs.rules import COMPLETED, CONFIRMED, PROCESSING, Job
from batchyard.batch_jobs.selection import Selection, Unfit, flag, selection
from batchyard.batch_jobs.spool import Chunk, Entry
from batchyard.batch_jobs.strategy import Record
from batchyard.catalogue import currencies, reference, repository
from batchyard.catalogue.rules import Product
from batchyard.product_files import rows
from batchyard.product_files.columns import Shape
from batchyard.product_files.rows import Layout, Names
from batchyard.uploads.rules import FileKey
from batchyard.work import growing_file
from batchyard.work.growing_file import PART, Became, GrowingFile, Grown

CONTENT_TYPE = "text/csv; charset=utf-8"

FILE_NAME = "product-export.csv"

_ESCAPE = "escape_formulas"

_READ, _SELECT, _WRITE = "read", "select", "write"

_LEFT_OUT = "Products were left out whose contents are lost, whether they were asked for or not"

_AT_ONCE = 100
_READERS = 4


class _Found(NamedTuple):
    """Some products that were read.

    Attributes:
        entries: They, as a spool has them.
        following: Where to read on; None where these are the last.
        lost: How many could not be read.
    """

    entries: list[Entry]
    following: str | None
    lost: int


def advance(job: Job, record: Record) -> None:
    """Makes one step of the job.

    Args:
        job: The job as it is stored.
        record: Stores what becomes of it.

    Raises:
        Unavailable: A service did not answer.
    """
    try:
        asked = selection(job.context)
        flag(job.context, _ESCAPE)
    except Unfit as error:
        record(job.failed(error.error, clock.now()))
        return
    state = job.state or {}
    match state.get("phase"):
        case "select":
            record(_select(job, state, asked))
        case "write":
            _write(job, state, asked, record)
        case _:
            record(_read(job, state, asked))


def wind_up(job: Job, record: Record) -> None:
    """Cleans up after a job that has ended.

    Raises:
        Unavailable: S3 did not answer.
    """
    clean_up(job)
    record(job.moved(now=job.updated, state=None))


def clean_up(job: Job) -> None:
    """Removes what the work of a job that has ended leaves in S3.

    Raises:
        Unavailable: S3 did not answer.
    """
    state = job.state or {}
    growing_file.abort(_file(job, state))
    spool.delete(states.chunks(state, "chunks") + states.chunks(state, "selected"))


# Reading.


def _read(job: Job, state: Mapping[str, Any], asked: Selection) -> Job:
    """Reads as many products as make a chunk."""
    found = _found(asked, _layout(job), state.get("next"))
    chunks, shape, total = states.chunks(state, "chunks"), _shape(state), int(state.get("total", 0))
    lost = int(state.get("lost", 0)) + found.lost
    if found.following is None and not chunks:
        return _ready(job, *_alone(job, asked, found.entries), lost)
    ordered = spool.ordered(found.entries, descending=asked.descending)
    for entry in ordered:
        shape = shape.merged(rows.shape_of(entry.record))
    chunks, total = [*chunks, spool.write(job.id, ordered)], total + len(ordered)
    if found.following is not None:
        state = {"phase": _READ, "next": found.following, "chunks": chunks, "shape": _kept(shape), "total": total}
        state |= {"lost": lost}
        return job.moved(now=clock.now(), state=state)
    if asked.is_limited:
        state = {"phase": _SELECT, "chunks": chunks, "skip": asked.skip, "take": asked.take, "total": total}
        state |= {"lost": lost}
        return job.moved(now=clock.now(), state=state)
    return _ready(job, chunks, shape, total, lost)


def _alone(job: Job, asked: Selection, entries: Sequence[Entry]) -> tuple[list[Chunk], Shape, int]:
    """The one chunk of a job that needs no other."""
    ordered = spool.ordered(entries, descending=asked.descending)
    end = None if asked.take is None else asked.skip + asked.take
    taken = ordered[asked.skip : end]
    shape = Shape()
    for entry in taken:
        shape = shape.merged(rows.shape_of(entry.record))
    return [spool.write(job.id, taken)] if taken else [], shape, len(taken)


def _found(asked: Selection, layout: Layout, position: str | None) -> _Found:
    names = Names(
        {collection.handle: collection.title for collection in reference.collections()},
        {channel.id: (channel.name, channel.description or "") for channel in reference.sales_channels()},
        _digits,
    )
    entries: list[Entry] = []
    lost: list[str] = []
    size = 0
    for products, following in selecting.pages(asked, position, lost.append):
        stock = _quantities(products)
        for product in products:
            record = layout.record(product, stock, names)
            entries.append(Entry(asked.place(product), product.id, record))
            size += rows.size_of(record)
        if size >= spool.CHUNK or following is None:
            return _Found(entries, following, len(lost))
    return _Found(entries, None, len(lost))


def _quantities(products: Sequence[Product]) -> dict[int, int]:
    ids = [variant.entity for product in products for variant in product.variants]
    some = list(batched(ids, _AT_ONCE, strict=False))
    pages = threads.each(repository.read_quantities, some, _READERS)
    return {id: quantity for page in pages for id, quantity in page.items()}


def _digits(currency: str) -> int:
    digits = currencies.digits(currency)
    if digits is None:
        raise ValueError(f"a price is in {currency}, which is no currency")
    return digits


# Selecting.


def _select(job: Job, state: Mapping[str, Any], asked: Selection) -> Job:
    """Goes over as many records as make a chunk, and keeps those that are asked for."""
    chunks, selected, shape = states.chunks(state, "chunks"), states.chunks(state, "selected"), _shape(state)
    skip, take, total = int(state["skip"]), state["take"], int(state.get("count", 0))
    kept: list[Entry] = []
    size = 0
    is_over = True
    for merged in spool.read(chunks, descending=asked.descending):
        if take is not None and total >= take:
            break
        size += merged.position - chunks[merged.number].position
        chunks[merged.number] = chunks[merged.number]._replace(position=merged.position)
        if skip:
            skip -= 1
        else:
            kept.append(merged.entry)
            total += 1
            shape = shape.merged(rows.shape_of(merged.entry.record))
        if size >= spool.CHUNK:
            is_over = False
            break
    if kept:
        selected = [*selected, spool.write(job.id, kept)]
    if is_over:
        # What was selected from is not needed any more, and goes with the rest when the job has ended.
        return _ready(job, selected, shape, total, int(state.get("lost", 0)), left=chunks)
    state = {
        **state,
        "chunks": chunks,
        "selected": selected,
        "shape": _kept(shape),
        "skip": skip,
        "count": total,
    }
    return job.moved(now=clock.now(), state=state)


def _ready(
    job: Job, chunks: Sequence[Chunk], shape: Shape, count: int, lost: int, *, left: Sequence[Chunk] = ()
) -> Job:
    """The job once it is known what will be in its file."""
    result: dict[str, Any] = {
        "count": count,
        "advancement_count": 0,
        "progress": 0,
        "stat_descriptors": [
            {
                "key": "product-export-count",
                "name": "Product count to export",
                "message": f"There will be {count} products exported by this action",
            }
        ],
    }
    if lost:
        result["notices"] = [{"code": "contents_lost", "message": _LEFT_OUT, "count": lost}]
    state = {"phase": _WRITE, "chunks": chunks, "selected": left, "shape": _kept(shape)}
    return job.pre_processed(result, state, clock.now())


# Writing.


class _Part(NamedTuple):
    """What comes next in the file.

    Attributes:
        content: Its bytes.
        chunks: Where the spool goes on behind it.
        products: How many it has.
        is_last: Nothing comes after it.
    """

    content: bytes
    chunks: list[Chunk]
    products: int
    is_last: bool


def _write(job: Job, state: Mapping[str, Any], asked: Selection, record: Record) -> None:
    """Makes the file longer by a part, or completes it."""
    file = _file(job, state)
    if state.get("written"):
        part = _Part(b"", states.chunks(state, "chunks"), 0, is_last=True)
        grown = growing_file.complete(file)
    else:
        part = _part(job, state, asked, is_first=file.size == 0)
        grown = growing_file.append(file, part.content, last=part.is_last)
    grown.settle(recorded=record(_after(job, state, part, grown)))


def _part(job: Job, state: Mapping[str, Any], asked: Selection, *, is_first: bool) -> _Part:
    layout, shape, chunks = _layout(job), _shape(state), states.chunks(state, "chunks")
    pieces = [layout.header(shape).encode()] if is_first else []
    size = products = 0
    for merged in spool.read(chunks, descending=asked.descending):
        if size >= PART:
            return _Part(b"".join(pieces), chunks, products, is_last=False)
        pieces.append(layout.rows(merged.entry.record, shape).encode())
        chunks[merged.number] = chunks[merged.number]._replace(position=merged.position)
        size += len(pieces[-1])
        products += 1
    return _Part(b"".join(pieces), chunks, products, is_last=True)


def _after(job: Job, state: Mapping[str, Any], part: _Part, grown: Grown) -> Job:
    """The job after its file became what it is."""
    result = dict(job.result or {})
    entered = () if PROCESSING in job.entered else (PROCESSING,)
    now = clock.now()
    if grown.became is Became.DONE:
        count = result["count"]
        result |= {"advancement_count": count, "progress": 1, "file_key": grown.file.key, "file_size": grown.file.size}
        return job.moved(*entered, COMPLETED, now=now, result=result, state={**state, "file": None})
    if grown.became is Became.EMPTY:
        beginning = [chunk._replace(position=0) for chunk in part.chunks]
        state = {**state, "chunks": beginning, "written": False, "products": 0, "file": states.keep(grown.file)}
        return job.moved(*entered, now=now, state=state)
    products = int(state.get("products", 0)) + part.products
    # Rows that are written once more are no progress, and what somebody saw does not fall.
    seen = max(int(result["advancement_count"]), products)
    result |= {"advancement_count": seen, "progress": seen / result["count"] if result["count"] else 0}
    written = {"chunks": part.chunks, "written": part.is_last, "products": products}
    return job.moved(*entered, now=now, result=result, state={**state, **written, "file": states.keep(grown.file)})


# What the state holds.


def _layout(job: Job) -> Layout:
    return Layout(escape_formulas=flag(job.context, _ESCAPE))


def _shape(state: Mapping[str, Any]) -> Shape:
    kept = state.get("shape")
    if kept is None:
        return Shape()
    prices, *others = kept
    return Shape(tuple((currency, region) for currency, region in prices), *others)


def _kept(shape: Shape) -> list[Any]:
    return [shape.prices, shape.options, shape.images, shape.sales_channels]


def _file(job: Job, state: Mapping[str, Any]) -> GrowingFile:
    # Always the same of a job, and of the day on which it is written: from then on a file is kept.
    moment = job.entered.get(CONFIRMED, job.created)
    key = str(FileKey(job.owner, ulids.of(moment, job.id), FILE_NAME))
    return states.file(state, "file", key, CONTENT_TYPE)
