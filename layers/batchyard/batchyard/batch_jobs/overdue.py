"""Jobs that nobody works on or confirms: what the engine (`batchyard.work`) is told of them."""

from collections.abc import Iterable, Mapping

from batchyard.batch_jobs import messages, repository
from batchyard.batch_jobs.recording import Recorder
from batchyard.batch_jobs.rules import LOOK_AFTER_US, PRE_PROCESSED
from batchyard.store.unit import Unit, transact


class OverdueJobs:
    """Jobs that somebody must look at."""

    def queue_url(self) -> str:
        """The queue of those who work on jobs."""
        return messages.queue_url()

    def due(self, now: int) -> Iterable[Mapping[str, str]]:
        """Jobs that are to be looked at by now."""
        return ({"job": id} for id in repository.due(now))

    def is_left(self, named: Mapping[str, str], now: int) -> bool:
        """Whether a job has work that nobody did for a while. One that nobody confirmed in time is canceled here."""
        job = repository.get(Unit(), named["job"])
        if job is None or job.look_at > now:
            return False
        if job.status == PRE_PROCESSED:
            return Recorder(job)(job.canceled(now))
        return job.has_work and job.updated <= now - LOOK_AFTER_US

    def look_later(self, named: Mapping[str, str], now: int) -> None:
        """Has a job looked at again."""

        def operation(unit: Unit) -> None:
            job = repository.get(unit, named["job"])
            if job is not None and 0 < job.look_at <= now:
                repository.put(unit, job.looked_at_next(now), job)

        transact(operation)
