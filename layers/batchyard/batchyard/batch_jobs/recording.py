"""What becomes of a job is stored only if the job still is as it was found."""

from collections.abc import Callable

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import Job
from batchyard.store.unit import Unit, transact
from batchyard.uploads import operations as uploads


class Recorder:
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


def _files(job: Job) -> set[str]:
    """The keys of the files that a job has written."""
    result = job.result or {}
    return {result[name] for name in ("file_key", "error_file_key") if name in result}
