"""The work of `product-delete`: products that a filter names are removed, once they are counted and confirmed.

1. *Select* the products, consistently, into a spool of their IDs.
2. *Remove* them, many in one transaction, each kept as it was; what is gone already is no matter.
3. *Take back* all of it if the job fails or is canceled then, or somebody asks for that later.
"""

from collections.abc import Sequence
from typing import Any

from batchyard import clock
from batchyard.batch_jobs import selecting, spool
from batchyard.batch_jobs.imports import gates, removing, taking_back
from batchyard.batch_jobs.rules import COMPLETED, PROCESSING, Job
from batchyard.batch_jobs.selection import Unfit, selection
from batchyard.batch_jobs.spool import Chunk, Entry
from batchyard.batch_jobs.strategy import Record

_AT_ONCE = 500
"""Products that are removed between two records of progress."""


def advance(job: Job, record: Record) -> None:
    """Makes one step of the job.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    state = dict(job.state or {})
    if state.get("phase") == "write":
        _remove(job, state, record)
        return
    try:
        asked = selection(job.context)
        if not asked.lists and not asked.dates:
            raise Unfit("filterable_fields must say which products are to be deleted")
    except Unfit as unfit:
        record(job.failed(unfit.error, clock.now()))
        return
    writer = spool.Writer(job.id)
    found, following = 0, None
    for products, position in selecting.pages(asked, state.get("next")):
        following = position
        for product in products:
            writer.add(Entry(product.id, "", {}), len(product.id))
        found += len(products)
        if found >= selecting.MOST_IN_A_STEP:
            break
    state |= {"chunks": [*_chunks(state), *writer.close()], "total": int(state.get("total", 0)) + found}
    if following is not None:
        record(job.moved(now=clock.now(), state={**state, "phase": "select", "next": following}))
        return
    state |= {"phase": "write", "at": state["chunks"], "applied": 0}
    record(job.pre_processed(_counted(state["total"]), state, clock.now()))


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
    spool.delete(_chunks(job.state or {}))


def _remove(job: Job, state: dict[str, Any], record: Record) -> None:
    ids: list[str] = []
    chunks = [Chunk(*one) for one in state["at"]]
    is_over = True
    for merged in spool.read(chunks, descending=False):
        if len(ids) == _AT_ONCE:
            is_over = False
            break
        ids.append(str(merged.entry.place))
        chunks[merged.number] = chunks[merged.number]._replace(position=merged.position)
    try:
        removing.remove(job, ids)
    except gates.Closed:
        return
    applied = state["applied"] + len(ids)
    result = dict(job.result or {})
    result |= {"advancement_count": applied, "progress": applied / result["count"] if result["count"] else 1}
    state |= {"at": chunks, "applied": applied, "products": applied, "writes": True}
    statuses = [] if PROCESSING in job.entered else [PROCESSING]
    if is_over:
        result |= {"products": applied, "progress": 1}
        state["phase"] = "over"
        statuses.append(COMPLETED)
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


def _chunks(state: Any) -> Sequence[Chunk]:
    return [Chunk(*one) for one in state.get("chunks", ())]
