"""Batch jobs as long work: what the engine (`batchyard.work`) is told of them."""

from collections.abc import Mapping

from batchyard import clock
from batchyard.batch_jobs import product_delete, product_export, product_import, repository
from batchyard.batch_jobs.recording import Recorder
from batchyard.batch_jobs.rules import CREATED, DELETE, EXPORT, IMPORT, READ, TYPES, Job, JobError
from batchyard.batch_jobs.strategy import Strategy
from batchyard.identity import repository as identity
from batchyard.store.unit import Unit
from batchyard.work.steps import Work

STRATEGIES: Mapping[str, Strategy] = {EXPORT: product_export, IMPORT: product_import, DELETE: product_delete}


class BatchJobs(Work[Job]):
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
        record = Recorder(job)
        if job.has_ended:
            strategy.wind_up(job, record)
        elif job.status == CREATED and not job.state and not _is_permitted(job):
            record(job.failed(JobError("not_allowed", "The user may not have this done any more."), clock.now()))
        else:
            strategy.advance(job, record)

    def fail(self, job: Job, reason: str) -> None:
        """Ends a job that nobody can go on with; what it leaves behind ends by the bucket's rules."""
        if job.has_ended:
            Recorder(job)(job.left_off(clock.now()))
        else:
            Recorder(job)(job.failed(JobError("unknown_error", reason), clock.now()))

    def gone(self, job: Job) -> None:
        """Removes what a job left that was forgotten in the middle of its work.

        Raises:
            Unavailable: A service did not answer.
        """
        STRATEGIES[job.type].clean_up(job)


def _is_permitted(job: Job) -> bool:
    """Whether the user may still have done what a job does: its token was looked at when it was made."""
    user = identity.find_user(Unit(), job.user)
    if user is None:
        return False
    return user.scope.reads_catalogue if TYPES[job.type] == READ else user.scope.writes_catalogue
