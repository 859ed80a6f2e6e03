"""Gates: what every transaction of a job's writing goes through, until taking back has closed them.

A worker may be slow: it decided on a write when its job was still on, and sends it when the job was taken back already.
Each transaction therefore writes the item of a gate, and taking back closes all gates before it begins. There is one
for each thread of a worker, since transactions that write the same item wait for each other.

A job that has ended is looked for there, too, before it is taken back: so that its worker ends in the midst of a step.

Why: docs/decisions.md#gates-close-before-anything-is-taken-back
"""

from batchyard.batch_jobs import repository as jobs
from batchyard.store.items import Key
from batchyard.store.tables import BATCH_JOBS
from batchyard.store.unit import Unit, transact

GATES = 4


class Closed(Exception):
    """The job is over: nothing of it is written any more."""


def keys(job: str, gate: int) -> list[Key]:
    """The keys of what `go_through` reads."""
    return [jobs.key_of(job), _key(job, gate)]


def go_through(unit: Unit, job: str, gate: int, expires_s: int) -> None:
    """Has a unit hold only if a gate is open.

    Raises:
        Closed: It is not, or is about to be, as the job has ended.
        Unavailable: The store did not answer.
    """
    if not jobs.is_on(unit, job):
        raise Closed
    item = unit.get(BATCH_JOBS, _key(job, gate))
    if item is not None and item.get("closed"):
        raise Closed
    unit.put(BATCH_JOBS, {**_key(job, gate), "expires": expires_s})


def close(job: str, expires_s: int) -> None:
    """Closes all gates of a job; those that are closed stay so.

    Raises:
        Unavailable: The store did not take it.
    """
    for gate in range(GATES):

        def operation(unit: Unit, gate: int = gate) -> None:
            item = unit.get(BATCH_JOBS, _key(job, gate))
            if item is None or not item.get("closed"):
                unit.put(BATCH_JOBS, {**_key(job, gate), "closed": True, "expires": expires_s})

        transact(operation)


def _key(job: str, gate: int) -> Key:
    return {"id": job, "part": f"gate {gate}"}
