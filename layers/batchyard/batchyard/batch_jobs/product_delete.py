"""The work of `product-delete`: products that a filter or a file names are removed, once they are confirmed.

1. *Select* the products, consistently, into a spool of their IDs; or *read* them from a file, by ID or by handle.
2. *Remove* them, many in one transaction, each kept as it was; what is gone already is no matter. Components of bundles
   that stay are left, and told.
3. *Take back* all of it if the job fails or is canceled then, or somebody asks for that later.
"""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from batchyard import clock
from batchyard.batch_jobs import selecting, spool, states
from batchyard.batch_jobs.imports import gates, reading, removing, taking_back
from batchyard.batch_jobs.imports.reading import File
from batchyard.batch_jobs.rules import COMPLETED, FAILED, PROCESSING, Job, JobError, listed
from batchyard.batch_jobs.selection import Unfit, flag, selection
from batchyard.batch_jobs.spool import Entry
from batchyard.batch_jobs.strategy import Record
from batchyard.catalogue import repository
from batchyard.product_files import cells
from batchyard.product_files.faults import NOT_FOUND, RowError, Unreadable, quoted
from batchyard.product_files.header import Header, no_rows
from batchyard.product_files.reading import Position, Row
from batchyard.uploads import operations as uploads

_AT_ONCE = 500
"""Products that are removed between two records of progress."""

MOST_ERRORS = 1000
"""Rows that name no product after which no further ones are looked at."""

IN_BUNDLE = "in_bundle"
"""The code of a product that stays for a bundle's sake."""

_MOST_LATER = 1000
"""Components of bundles that are looked at again once everything else is removed."""

_ID, _HANDLE = "Product Id", "Product Handle"

_READ_AT_ONCE = 100
_NAMED_AT_ONCE = 1000


def advance(job: Job, record: Record) -> None:
    """Makes one step of the job.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    state = dict(job.state or {})
    try:
        match state.get("phase"):
            case "write":
                _remove(job, state, record)
            case "read":
                _read(job, state, record)
            case None if job.context.get("fileKey") is not None:
                _begin(job, record)
            case _:
                _select(job, state, record)
    except Unfit as unfit:
        record(job.failed(unfit.error, clock.now()))
    except Unreadable as unreadable:
        _fail(job, state, [JobError(*error) for error in unreadable.errors], record)


def wind_up(job: Job, record: Record) -> None:
    """Makes one step of what is left to do of a job that has ended.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    taking_back.wind_up(job, record, clean_up)


def clean_up(job: Job) -> None:
    """Removes what the work of a job leaves in S3.

    Raises:
        Unavailable: S3 did not answer.
    """
    spool.delete(states.chunks(job.state or {}, "chunks"))


def _select(job: Job, state: dict[str, Any], record: Record) -> None:
    """Finds some of the products that a filter names."""
    asked = selection(job.context)
    if not asked.lists and not asked.dates:
        raise Unfit("filterable_fields must say which products are to be deleted")
    writer = spool.Writer(job.id)
    found, following = 0, None
    for products, position in selecting.pages(asked, state.get("next")):
        following = position
        for product in products:
            writer.add(Entry(product.id, "", {}), len(product.id))
        found += len(products)
        if found >= selecting.MOST_IN_A_STEP:
            break
    state["chunks"] = [*states.chunks(state, "chunks"), *writer.close()]
    if following is None:
        _ready(job, state, record)
    else:
        record(job.moved(now=clock.now(), state={**state, "phase": "select", "next": following}))


def _begin(job: Job, record: Record) -> None:
    if job.context.get("filterable_fields"):
        raise Unfit("Either fileKey or filterable_fields must say which products are to be deleted, not both")
    file = File.of(job.user, job.context)
    header = file.header(job.context, (_ID, _HANDLE))
    state = {"phase": "read", "file": list(file), "header": list(header), "position": list(header.beginning)}
    record(job.moved(now=clock.now(), state=state), lambda unit: uploads.use(unit, job.user, file.key))


def _read(job: Job, state: dict[str, Any], record: Record) -> None:
    """Finds the products that some rows of a file name."""
    header, file, start = Header(*state["header"]), File(*state["file"]), Position(*state["position"])
    places = header.place(_ID), header.place(_HANDLE)
    is_escaped = flag(job.context, "escape_formulas")
    writer = spool.Writer(job.id)
    errors = list(map(tuple, state.get("errors", ())))
    is_last = start.byte + reading.STEP >= file.size
    reader = header.reader(file.blocks(start.byte, start.byte + reading.STEP), start, is_last=is_last)
    for rows in batched(reader, _READ_AT_ONCE, strict=False):
        named = [_named(row, *places, is_escaped=is_escaped) for row in rows]
        # A product has a row for each of its variants.
        ids = dict.fromkeys(id for id, _ in named if selecting.is_key(id))
        handles = dict.fromkeys(handle for id, handle in named if not id and selecting.is_key(handle))
        by_id = {product.id: product for product in repository.read_products(ids)}
        by_handle = {product.handle: product for product in selecting.with_handles(list(handles))}
        for row, (id, handle) in zip(rows, named, strict=True):
            product = by_id.get(id) if id else by_handle.get(handle)
            if product is None or (id and handle and product.handle != handle):
                error = RowError(NOT_FOUND, _missing(id, handle), row.line, _ID if id else _HANDLE)
                errors.append(tuple(header.own(error)))
            else:
                writer.add(Entry(product.id, reading.number(row.line), {}), len(product.id))
    state["chunks"] = [*states.chunks(state, "chunks"), *writer.close()]
    state |= {"position": list(reader.position), "errors": errors[:MOST_ERRORS]}
    if reader.position.line == 0 and is_last:
        raise Unreadable([no_rows()])
    if errors and (is_last or len(errors) >= MOST_ERRORS):
        _fail(job, state, [JobError(*error) for error in errors], record)
    elif is_last:
        _ready(job, state, record)
    else:
        record(job.moved(now=clock.now(), state=state))


def _named(row: Row, *places: int | None, is_escaped: bool) -> tuple[str, str]:
    """The ID and the handle that a row has; empty for none."""
    id, handle = (row.cells[place] if place is not None and place < len(row.cells) else "" for place in places)
    return id, cells.unescaped(handle) if is_escaped else handle


def _missing(id: str, handle: str) -> str:
    if id and handle:
        return f"There is no product with id {quoted(id)} and handle {quoted(handle)}"
    if id or handle:
        return f"Product with {'id' if id else 'handle'}: {quoted(id or handle)} was not found"
    return f"There is neither {_ID} nor {_HANDLE}"


def _fail(job: Job, state: Mapping[str, Any], errors: Sequence[JobError], record: Record) -> None:
    record(
        job.moved(FAILED, now=clock.now(), result={"errors": listed(errors), "error_count": len(errors)}, state=state)
    )


def _ready(job: Job, state: dict[str, Any], record: Record) -> None:
    """Counts what was found, each product once however often it is named."""
    count = sum(not group.is_rest for group in spool.grouped(states.chunks(state, "chunks"), _NAMED_AT_ONCE))
    kept = {"phase": "write", "chunks": state["chunks"], "at": state["chunks"], "applied": 0}
    record(job.pre_processed(_counted(count), kept, clock.now()))


def _remove(job: Job, state: dict[str, Any], record: Record) -> None:
    """Removes some products."""
    if "writes" not in state:
        # Known before the first one goes: whoever ends the job then has it taken back.
        record(job.moved(PROCESSING, now=clock.now(), state={**state, "writes": True}))
        return
    later = list(state.get("later", ()))
    ids: list[str] = []
    at = states.chunks(state, "at")
    is_over = True
    for group in spool.grouped(at, _NAMED_AT_ONCE):
        if len(ids) == _AT_ONCE and not group.is_rest:
            is_over = False
            break
        ids += [] if group.is_rest else [str(group.place)]
        at = group.chunks
    # A component of a bundle goes behind that.
    is_last_try = is_over and not ids
    if is_last_try:
        ids, later = later[:_AT_ONCE], later[_AT_ONCE:]
    try:
        refused = removing.remove(job, ids)
    except gates.Closed:
        return
    applied = state["applied"] + len(ids)
    if not is_last_try:
        put_off = refused[: max(0, _MOST_LATER - len(later))]
        later += [one.id for one in put_off]
        applied -= len(put_off)
        refused = refused[len(put_off) :]
    is_over = is_over and not later
    stayed = state.get("stayed", 0) + len(refused)
    result = dict(job.result or {})
    result |= {"advancement_count": applied, "progress": applied / result["count"] if result["count"] else 1}
    if refused:
        told = listed((JobError(IN_BUNDLE, one.message) for one in refused), result.get("errors", ()))
        result |= {"errors": told, "error_count": stayed}
    state |= {"at": at, "applied": applied, "products": applied - stayed, "later": later, "stayed": stayed}
    if is_over:
        result |= {"products": applied - stayed, "progress": 1}
        state["phase"] = "over"
    statuses = [COMPLETED] if is_over else []
    record(job.moved(*statuses, now=clock.now(), result=result, state=state))


def _counted(count: int) -> dict[str, Any]:
    return {
        "count": count,
        "advancement_count": 0,
        "progress": 0,
        "operations": {"PRODUCT_DELETE": count},
        "stat_descriptors": [
            {
                "key": "product-delete-count",
                "name": "Products to delete",
                "message": f"There will be {count} products deleted by this action",
            }
        ],
    }
