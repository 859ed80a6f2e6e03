"""Batch jobs as items: `<id> job`, and beside it what is kept for its user.

`jobs <user>` is a partition with an item for each job of a user, written once: a list asks it for IDs, and reads the
jobs by these, consistently and without an index that each step of progress would be written to. The item `open <user>`
names the jobs of a user that have not ended.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from batchyard.batch_jobs.rules import ENDED, MOST_UNFINISHED, Job
from batchyard.errors import TooMany
from batchyard.jsontext import dumps
from batchyard.store import items
from batchyard.store.due import DueIndex
from batchyard.store.items import Item, Key, Value
from batchyard.store.queries import query
from batchyard.store.tables import BATCH_JOBS
from batchyard.store.unit import Unit, read_many

_JOB = "job"
_DUE = "job"
"""What unfinished jobs have in the index of what somebody must look at."""

# A job that was written before is there until it ends, or is written again.
_BY_DUE = DueIndex(BATCH_JOBS, "by_due", partition="due", moment="due_at", had_no_shards=True)

_A_MINUTE_S = 60


def get(unit: Unit, id: str) -> Job | None:
    """A job as this unit will leave it."""
    item = unit.get(BATCH_JOBS, key_of(id))
    return None if item is None else decode(item)


def key_of(id: str) -> Key:
    """The key of a job's item."""
    return {"id": id, "part": _JOB}


def is_on(unit: Unit, id: str) -> bool:
    """Whether a job has not ended, without all that its item holds."""
    item = unit.get(BATCH_JOBS, key_of(id))
    return item is not None and item["status"] not in ENDED


def add(unit: Unit, job: Job) -> Job:
    """Stages a new job.

    Raises:
        TooMany: Its user has as many as there may be that have not ended.
    """
    unfinished = _unfinished(unit, job.owner)
    if len(unfinished) >= MOST_UNFINISHED:
        raise TooMany(f"There may be {MOST_UNFINISHED} jobs that have not ended; cancel one or wait.", _A_MINUTE_S)
    _put_unfinished(unit, job.owner, [*unfinished, job.id])
    unit.put(BATCH_JOBS, {**_pointer(job.owner, job.id), "expires": job.expires_s})
    return _put(unit, job)


def put(unit: Unit, job: Job, before: Job) -> Job:
    """Stages what became of a job that `get` found."""
    if job.has_ended and not before.has_ended:
        _put_unfinished(unit, job.owner, [id for id in _unfinished(unit, job.owner) if id != job.id])
    return _put(unit, job)


def ids_of(owner: str, *, descending: bool, limit: int) -> Iterator[str]:
    """IDs of a user's jobs, in the order in which they were made, so many at most.

    Raises:
        Unavailable: The store did not answer.
    """
    request = {
        "TableName": BATCH_JOBS.name,
        "KeyConditionExpression": "id = :owner",
        "ExpressionAttributeValues": items.encode({":owner": f"jobs {owner}"}),
        "ScanIndexForward": not descending,
        "ConsistentRead": True,
        "Limit": min(limit, 1000),
    }
    for number, item in enumerate(query(request)):
        if number == limit:
            return
        yield str(item["part"])


def read(ids: Sequence[str]) -> list[Job]:
    """Jobs, read consistently, in the order of their IDs here; those that are forgotten are left out.

    Raises:
        Unavailable: The store did not answer.
    """
    return [decode(item) for item in read_many(BATCH_JOBS, map(key_of, ids))]


def due(moment_us: int) -> Iterator[str]:
    """IDs of jobs that somebody must look at by a moment, as the index has them.

    Raises:
        Unavailable: The store did not answer.
    """
    yield from (str(item["id"]) for item in _BY_DUE.until(_DUE, moment_us))


def encode(job: Job) -> Item:
    """The item of a job."""
    item: dict[str, Value | None] = {
        **key_of(job.id),
        "type": job.type,
        "owner": job.owner,
        "user": job.user,
        "context": dumps(job.context),
        "created": job.created,
        "updated": job.updated,
        "dry_run": job.dry_run,
        "status": job.status,
        "entered": dumps(job.entered),
        "result": None if job.result is None else dumps(job.result),
        "state": None if job.state is None else dumps(job.state),
        "expires": job.expires_s,
        "version": job.version,
    }
    if job.look_at:
        item |= _BY_DUE.attributes(_DUE, key_of(job.id), job.look_at)
    return items.present(item)


def decode(item: Item) -> Job:
    """The job of an item."""
    result, state = items.text(item, "result"), items.text(item, "state")
    return Job(
        id=str(item["id"]),
        type=str(item["type"]),
        owner=str(item["owner"]),
        user=str(item["user"]),
        context=json.loads(str(item["context"])),
        created=int(item["created"]),
        updated=int(item["updated"]),
        dry_run=bool(item["dry_run"]),
        status=str(item["status"]),
        entered=json.loads(str(item["entered"])),
        result=None if result is None else json.loads(result),
        state=None if state is None else json.loads(state),
        look_at=items.number(item, "due_at") or 0,
        version=int(item["version"]),
    )


def is_job(key: Item) -> bool:
    """Whether this is the key of a job's item."""
    return key["part"] == _JOB


def _put(unit: Unit, job: Job) -> Job:
    return replace(job, version=int(unit.put(BATCH_JOBS, encode(job))["version"]))


def _unfinished(unit: Unit, owner: str) -> list[str]:
    item = unit.get(BATCH_JOBS, _unfinished_key(owner))
    return [] if item is None else json.loads(str(item["jobs"]))


def _put_unfinished(unit: Unit, owner: str, ids: Sequence[str]) -> None:
    unit.put(BATCH_JOBS, {**_unfinished_key(owner), "jobs": dumps(ids)})


def _pointer(owner: str, id: str) -> Key:
    return {"id": f"jobs {owner}", "part": id}


def _unfinished_key(owner: str) -> Key:
    return {"id": f"open {owner}", "part": "jobs"}
