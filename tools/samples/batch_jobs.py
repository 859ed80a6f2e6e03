"""Samples of batch jobs: the routes, and what follows changes of them."""

import re
from functools import partial

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import CANCELED, CONFIRMED, CREATED, EXPORT, PRE_PROCESSED, Job
from batchyard.clock import iso_milliseconds
from batchyard.jsontext import dumps
from batchyard.store import items
from batchyard.store.tables import BATCH_JOBS
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.samples import looks
from tools.samples.sample import TAKEN, Sample, http, route, typed

_PATH = "/admin/batch-jobs"
_ID = re.compile("batch_[0-9A-HJKMNP-TV-Z]{26}")
_NEW = {"type": EXPORT, "context": {"filterable_fields": {"status": ["published"]}}, "dry_run": True}
_THERE = [(EXPORT, CREATED), (EXPORT, PRE_PROCESSED), (EXPORT, CREATED)]

_bearing = partial(route, scheme="Bearer")


def _named(job: Job) -> dict[str, object]:
    return {"job": job.id}


def _shown(job: Job) -> dict[str, object]:
    return http(200, {"batch_job": job.to_answer()})


def _changes(*changes: tuple[Job | None, Job]) -> Event:
    """What the table's stream tells of jobs that were and are now."""
    told = []
    for number, (before, after) in enumerate(changes):
        old = None if before is None else items.encode(repository.encode(before))
        new = repository.encode(after)
        told.append(aws_events.change(number, items.encode(BATCH_JOBS.key_of(new)), old, items.encode(new)))
    return aws_events.stream("BatchJobsTable", *told)


_CONFIRMED = world.WAITING_JOB.confirmed(world.WAITING_JOB.updated + 3000)

SAMPLES = {
    "create": _bearing(
        "POST",
        _PATH,
        http(201, {"batch_job": {**_NEW, "id": _ID, "status": CREATED, "created_by": world.JOB.owner, "result": None}}),
        looks.job_statuses,
        # The new one is the oldest: those of the sample world are of a day to come.
        [(EXPORT, CREATED), *_THERE],
        body=_NEW,
    ),
    "create.bad_fields": _bearing(
        "POST",
        _PATH,
        typed(400, "invalid_data", "type must be a string, context must be an object"),
        looks.job_statuses,
        _THERE,
        body={},
        repeatable=True,
    ),
    "retrieve": _bearing(
        "GET",
        f"{_PATH}/{world.WAITING_JOB.id}",
        _shown(world.WAITING_JOB),
        repeatable=True,
        like="batch_jobs/create",
    ),
    "list": _bearing(
        "GET",
        f"{_PATH}?limit=2&order=created_at",
        http(
            200,
            {
                "batch_jobs": [world.JOB.to_answer(), world.WAITING_JOB.to_answer()],
                "count": 3,
                "offset": 0,
                "limit": 2,
            },
        ),
        repeatable=True,
        like="batch_jobs/create",
    ),
    "confirm": _bearing(
        "POST",
        f"{_PATH}/{world.WAITING_JOB.id}/confirm",
        http(200, {"batch_job": {"id": world.WAITING_JOB.id, "status": CONFIRMED}}),
        looks.job_status(world.WAITING_JOB),
        CONFIRMED,
        like="batch_jobs/create",
    ),
    "cancel": _bearing(
        "POST",
        f"{_PATH}/{world.WAITING_JOB.id}/cancel",
        http(200, {"batch_job": {"id": world.WAITING_JOB.id, "status": CANCELED}}),
        looks.job_status(world.WAITING_JOB),
        CANCELED,
        repeatable=True,
        like="batch_jobs/create",
    ),
    "undo": _bearing(
        "POST",
        f"{_PATH}/{world.JOB.id}/undo",
        typed(400, "not_allowed", "Cannot undo a batch job of the type product-export: it has changed nothing"),
        looks.job_status(world.JOB),
        CREATED,
        repeatable=True,
        like="batch_jobs/create",
    ),
    "start": Sample(
        _changes((None, world.JOB), (world.WAITING_JOB, _CONFIRMED), (None, world.WAITING_JOB)),
        TAKEN,
        partial(looks.messages, "BATCH_JOBS_QUEUE_URL"),
        [_named(world.JOB), _named(world.WAITING_JOB)],
        like="product_batches/publish",
    ),
    "publish": Sample(
        _changes((world.WAITING_JOB, _CONFIRMED)),
        TAKEN,
        looks.job_moves,
        [(world.WAITING_JOB.id, PRE_PROCESSED, CONFIRMED, iso_milliseconds(_CONFIRMED.updated))],
        like="product_batches/publish",
    ),
    "work": Sample(
        aws_events.queue("BatchJobsQueue", dumps(_named(world.JOB))),
        TAKEN,
        looks.job_status(world.JOB),
        "completed",
        repeatable=True,
    ),
    "look": Sample(
        aws_events.schedule("batchyard-look-at-jobs"),
        {"announced": 1},
        partial(looks.messages, "BATCH_JOBS_QUEUE_URL"),
        [_named(world.LOST_JOB)],
        like="batch_requests/fail_stale",
    ),
}
