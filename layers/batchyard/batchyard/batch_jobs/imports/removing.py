"""Products are removed, many in one transaction, each kept as it was."""

from collections.abc import Sequence
from itertools import batched

from batchyard import clock
from batchyard.batch_jobs.imports import befores, gates, lanes
from batchyard.batch_jobs.imports.befores import Before, Removed
from batchyard.batch_jobs.rules import Job
from batchyard.catalogue import repository
from batchyard.errors import TooLarge
from batchyard.store.tables import BATCH_JOBS
from batchyard.store.unit import Unit, transact

_PACK = 10
"""Products that are removed together: small ones have up to some nine items each."""


def remove(job: Job, ids: Sequence[str]) -> None:
    """Removes products; those that the job has removed, or that are gone, are no matter.

    Raises:
        Closed: The job is over.
        Unavailable: The store did not answer; what was removed is removed.
    """
    packs = list(batched(ids, _PACK, strict=False))
    lanes.each_pack(lambda lane, pack: _remove_pack(job, lane, pack), packs)


def _remove_pack(job: Job, lane: int, pack: Sequence[str]) -> None:
    def operation(unit: Unit) -> None:
        unit.load(BATCH_JOBS, [*gates.keys(job.id, lane), *(befores.key_of(job.id, id) for id in pack)])
        gates.go_through(unit, job.id, lane, job.expires_s)
        repository.load_whole(unit, pack)
        for id in pack:
            _remove_one(unit, job, id)

    try:
        transact(operation)
    except TooLarge:
        if len(pack) == 1:
            raise
        lanes.in_halves(pack, lambda half: _remove_pack(job, lane, half))


def _remove_one(unit: Unit, job: Job, id: str) -> None:
    product = repository.get(unit, id)
    if product is None or befores.find(unit, job.id, id) is not None:
        return
    entities = (repository.get_entity(unit, entity) for entity in product.entities)
    removed = {one.id: Removed(dict(one.quantities), one.stocked_by) for one in entities if one is not None}
    befores.put(unit, Before(job.id, id, 1, former=product, removed=removed), clock.now_s())
    repository.delete(unit, product)
