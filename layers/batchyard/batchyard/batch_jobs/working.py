"""Batch jobs as long work: what the engine (`batchyard.work`) is told of them."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchyard import clock
from batchyard.batch_jobs import product_export, product_import, repository
from batchyard.batch_jobs.rules import CREATED, EXPORT, IMPORT, LOOK_AFTER_US, PRE_PROCESSED, READ, TYPES, Job, JobError
from batchyard.batch_jobs.strategy import Strategy
from batchyard.identity import repository as identity
from batchyard.store import items
from batchyard.store.unit import Unit, transact
from batchyard.uploads import operations as uploads

STRATEGIES: Mapping[str, Strategy] = {EXPORT: product_export, IMPORT: product_import}


class BatchJobs:
    """The work of all jobs."""

    given_up = "The job could not go on. Ask for it once more."

    def find(self, named: Mapping[str, str]) -> Job | None:
        """A job as it is stored; None where it is forgotten."""
        return repository.get(Unit(), named["job"])

    def is_over(self, job: Job) -> bool:
        """Whether a worker has nothing to do now: it has ended and left nothing behind, or waits for a person."""
        return not job.has_work

    def advance(self, job: Job) -> None:
        """Makes one step of a job, or cleans up after one that has ended.

        Raises:
            Unavailable: A service did not answer.
        """
        strategy = STRATEGIES[job.type]
        record = _Recorder(job)
        if job.has_ended:
            strategy.wind_up(job, record)
        elif job.status == CREATED and not job.state and not _is_permitted(job):
            record(job.failed(JobError("not_allowed", "The user may not have this done any more."), clock.now()))
        else:
            strategy.advance(job, record)

    def fail(self, job: Job, reason: str) -> None:
        """Ends a job that nobody can go on with; what it leaves behind ends by the bucket's rules."""
        if job.has_ended:
            _Recorder(job)(job.left_off(clock.now()))
        else:
            _Recorder(job)(job.failed(JobError("unknown_error", reason), clock.now()))

    def gone(self, job: Job) -> None:
        """Removes what a job left that was forgotten in the middle of its work.

        Raises:
            Unavailable: A service did not answer.
        """
        STRATEGIES[job.type].clean_up(job)

    # Those that nobody works on.

    def queue_url(self) -> str:
        """The queue of those who work on jobs."""
        return queue_url()

    def due(self, now: int) -> Iterable[Mapping[str, str]]:
        """Jobs that are to be looked at by now."""
        return ({"job": id} for id in repository.due(now))

    def is_left(self, named: Mapping[str, str], now: int) -> bool:
        """Whether a job has work that nobody did for a while. One that nobody confirmed in time is canceled here."""
        job = self.find(named)
        if job is None or job.look_at > now:
            return False
        if job.status == PRE_PROCESSED:
            return _Recorder(job)(job.canceled(now))
        return job.has_work and job.updated <= now - LOOK_AFTER_US

    def look_later(self, named: Mapping[str, str], now: int) -> None:
        """Has a job looked at again."""

        def operation(unit: Unit) -> None:
            job = repository.get(unit, named["job"])
            if job is not None and 0 < job.look_at <= now:
                repository.put(unit, job.looked_at_next(now), job)

        transact(operation)


JOBS = BatchJobs()


def queue_url() -> str:
    """The queue of those who work on jobs."""
    return os.environ["BATCH_JOBS_QUEUE_URL"]


def named_in(record: Mapping[str, Any]) -> dict[str, str] | None:
    """The job that has work left since a change of the table; None for any other change.

    Args:
        record: A record of the change stream.
    """
    change = record["dynamodb"]
    key = items.decode(change["Keys"])
    if not repository.is_job(key) or "NewImage" not in change:
        return None
    job = repository.decode(items.decode(change["NewImage"]))
    before = repository.decode(items.decode(change["OldImage"])) if "OldImage" in change else None
    # Whoever works on it goes on by itself; a person has it begin, go on, or end.
    is_begun = before is None or (before.status == PRE_PROCESSED and job.status != PRE_PROCESSED)
    is_called_off = before is not None and job.has_ended and not before.has_ended
    is_undone = before is not None and before.state is None
    return {"job": job.id} if job.has_work and (is_begun or is_called_off or is_undone) else None


def _is_permitted(job: Job) -> bool:
    """Whether the user may still have done what a job does: its token was looked at when it was made."""
    user = identity.find_user(Unit(), job.user)
    if user is None:
        return False
    return user.scope.reads_catalogue if TYPES[job.type] == READ else user.scope.writes_catalogue


def _files(job: Job) -> set[str]:
    """The keys of the files that a job has written."""
    result = job.result or {}
    return {result[name] for name in ("file_key", "error_file_key") if name in result}


class _Recorder:
    """Stores what becomes of a job.

    Args:
        job: The job as it was read.
    """

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, changed: Job, also: Callable[[Unit], None] | None = None, /) -> bool:
        """Stores it; False where the job is not as it was any more."""

        def operation(unit: Unit) -> bool:
            present = repository.get(unit, self._job.id)
            if present is None or present.version != self._job.version:
                return False
            repository.put(unit, changed, present)
            for key in _files(changed) - _files(present):
                uploads.use(unit, changed.user, key)
            if also is not None:
                also(unit)
            return True

        return transact(operation)
