"""Plans become products: many of them in one transaction, each with what it was before."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from batchyard import clock, threads
from batchyard.batch_jobs.imports import befores, gates
from batchyard.batch_jobs.imports.befores import Before, Stock
from batchyard.batch_jobs.imports.planning import Planner, Wanted
from batchyard.catalogue import repository
from batchyard.catalogue.repository import Taken
from batchyard.errors import BatchyardError, Contended, Invalid, TooLarge, Unavailable
from batchyard.product_files import claims
from batchyard.product_files.claims import Claim
from batchyard.product_files.faults import RowError
from batchyard.product_files.planning import Plan
from batchyard.store.tables import BATCH_JOBS
from batchyard.store.unit import MAX_ACTIONS, Unit, transact

_CENTRE = 0
"""The distribution centre whose stock files set."""

# One for the gate, some for large products' own needs.
_ROOM = MAX_ACTIONS - 6


class Outcome(NamedTuple):
    """What became of a group.

    Attributes:
        group: The group.
        operations: How many operations were done; 0 where it was left out.
        errors: Why it was left out.
        notices: How many notices there were.
    """

    group: Wanted
    operations: int
    errors: Sequence[RowError] = ()
    notices: int = 0


def write(planner: Planner, groups: Sequence[Wanted]) -> list[Outcome]:
    """Writes groups, several at a time; those that the job has written are left alone.

    Raises:
        Closed: The job is over.
        Unavailable: The store did not answer; what was written is written.
    """
    packs = list(_packs(groups))

    def write_lane(lane: int) -> list[Outcome]:
        return [outcome for pack in packs[lane :: gates.GATES] for outcome in _write_pack(planner, lane, pack)]

    lanes = threads.each(write_lane, range(gates.GATES), gates.GATES)
    return [outcome for lane in lanes for outcome in lane]


def _write_pack(planner: Planner, lane: int, pack: Sequence[Wanted]) -> list[Outcome]:
    try:
        return transact(lambda unit: _written(planner, lane, pack, unit))
    except (Taken, TooLarge, Invalid, Contended) as error:
        if len(pack) > 1:
            # One of them cannot be, or all of them are too much together.
            return [outcome for group in pack for outcome in _write_pack(planner, lane, [group])]
        if isinstance(error, Contended):
            raise Unavailable from error
        [group] = pack
        return [Outcome(group, 0, [_told(group, error)])]


def _written(planner: Planner, lane: int, pack: Sequence[Wanted], unit: Unit) -> list[Outcome]:
    job = planner.job
    gates.go_through(unit, job.id, lane, job.expires_s)
    planner.load(unit, pack)
    known = {group.first: _known_ids(planner, unit, group) for group in pack}
    unit.load(BATCH_JOBS, [befores.key_of(job.id, id) for ids in known.values() for id in ids])
    return [_write_group(planner, unit, group, known[group.first]) for group in pack]


def _known_ids(planner: Planner, unit: Unit, group: Wanted) -> list[str]:
    """The IDs of the products that a group may have been written as."""
    stored = planner.stored(unit, group)
    made = planner.product_id(group.first)
    return [made] if stored is None or stored.id == made else [made, stored.id]


def _write_group(planner: Planner, unit: Unit, group: Wanted, ids: Sequence[str]) -> Outcome:
    job = planner.job
    for id in ids:
        done = befores.find(unit, job.id, id)
        if done is not None:
            return Outcome(group, done.operations)
    plan = planner.plan(unit, group)
    if plan.product is None:
        return Outcome(group, 0, plan.errors)
    kept = Before(job.id, plan.product.id, plan.operations.total, plan.before, _stock(unit, plan))
    # Also where the product stays as it is: what changes of its stock is by the job.
    product = replace(plan.product, by=job.id, updated=planner.moment(group))
    repository.put(unit, product, plan.before, {id: {_CENTRE: one.pieces} for id, one in kept.stock.items()})
    befores.put(unit, kept, clock.now_s())
    return Outcome(group, kept.operations, notices=len(plan.notices))


def _stock(unit: Unit, plan: Plan) -> dict[int, Stock]:
    found = {}
    for id, pieces in plan.quantities.items():
        entity = None if plan.before is None else repository.get_entity(unit, id)
        former = None if entity is None else entity.quantities.get(_CENTRE)
        found[id] = Stock(pieces, former, "" if entity is None else entity.stocked_by)
    return found


def _packs(groups: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Groups that are written together: as many as one transaction takes."""
    pack: list[Wanted] = []
    size = 0
    for group in groups:
        if pack and size + group.most_items > _ROOM:
            yield pack
            pack, size = [], 0
        pack.append(group)
        size += group.most_items
    if pack:
        yield pack


def _told(group: Wanted, error: BatchyardError) -> RowError:
    """The error of a product that the catalogue refused, though it was planned."""
    if isinstance(error, Taken):
        kind = claims.SKU if error.kind == "sku" else claims.HANDLE
        return claims.is_held(Claim(kind, error.value, group.first), group.handle, error.handle or error.product)
    detail = error.detail or "The product cannot be stored"
    return RowError("invalid_data", f"Product {group.handle}: {detail}", group.first)
