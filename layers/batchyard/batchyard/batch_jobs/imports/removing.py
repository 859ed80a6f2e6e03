"""Products are removed, many in one transaction, each kept as it was."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import NamedTuple

from batchyard import clock
from batchyard.batch_jobs.imports import befores, gates, lanes
from batchyard.batch_jobs.imports.befores import Before, Removed
from batchyard.batch_jobs.rules import Job
from batchyard.catalogue import codec, entities, repository
from batchyard.catalogue.entities import InBundle
from batchyard.catalogue.rules import NOTHING, Own
from batchyard.errors import TooLarge
from batchyard.store.tables import BATCH_JOBS, CATALOGUE
from batchyard.store.unit import Unit, transact

_PACK = 10
"""Products that are removed together: small ones have up to some nine items each."""


class Refused(NamedTuple):
    """A product that stays.

    Attributes:
        id: Its ID.
        message: Why.
    """

    id: str
    message: str


def remove(job: Job, ids: Sequence[str]) -> list[Refused]:
    """Removes products; those that the job has removed, or that are gone, are no matter.

    Returns:
        Those that cannot be removed: as components of bundles that stay, or as bundles of too many components.

    Raises:
        Closed: The job is over.
        Unavailable: The store did not answer; what was removed is removed.
    """
    packs = list(batched(ids, _PACK, strict=False))
    refused = lanes.each_pack(lambda lane, pack: _remove_pack(job, lane, pack), packs)
    return [one for some in refused for one in some]


def _remove_pack(job: Job, lane: int, pack: Sequence[str]) -> list[Refused]:
    def operation(unit: Unit) -> list[Refused]:
        unit.load(BATCH_JOBS, [*gates.keys(job.id, lane), *(befores.key_of(job.id, id) for id in pack)])
        gates.go_through(unit, job.id, lane, job.expires_s)
        repository.load_whole(unit, pack)
        return [refused for id in pack if (refused := _remove_one(unit, job, id)) is not None]

    try:
        return transact(operation)
    except TooLarge as error:
        if len(pack) == 1:
            return [
                Refused(pack[0], f"Product {pack[0]} has too many components to be removed with it: {error.detail}")
            ]
        first, second = lanes.in_halves(pack, lambda half: _remove_pack(job, lane, half))
        return [*first, *second]


def _remove_one(unit: Unit, job: Job, id: str) -> Refused | None:
    product = repository.get(unit, id)
    if product is None or befores.find(unit, job.id, id) is not None:
        return None
    unit.load(CATALOGUE, map(codec.entity_key, product.entities))
    found = [one for one in (repository.get_entity(unit, entity) for entity in product.entities) if one is not None]
    removed = {one.id: Removed(dict(one.quantities), one.stocked_by) for one in found}
    own = {one.id: entities.own(unit, one) for one in found if one.stored}
    components = _products_of_components(unit, own)
    try:
        repository.delete(unit, product)
    except InBundle as error:
        return Refused(id, f"Product {product.handle} ({id}) cannot be removed: {error.detail}")
    kept = {entity: held for entity, held in own.items() if held != NOTHING}
    before = Before(job.id, id, 1, former=product, removed=removed, own=kept, components=components)
    befores.put(unit, before, clock.now_s())
    return None


def _products_of_components(unit: Unit, own: Mapping[int, Own]) -> dict[int, str]:
    """The IDs of the products of what is a component of some bundles, by its integer ID."""
    components = {id for held in own.values() for id in held.components}
    unit.load(CATALOGUE, map(codec.entity_key, components))
    found = (repository.get_entity(unit, id) for id in sorted(components))
    return {one.id: one.product for one in found if one is not None}
