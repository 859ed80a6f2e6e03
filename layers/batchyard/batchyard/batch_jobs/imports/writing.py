"""Plans become products: many of them in one transaction, each with what it was before."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.batch_jobs.imports import befores, gates, lanes, taking_back
from batchyard.batch_jobs.imports.befores import Before, Stock
from batchyard.batch_jobs.imports.planning import Planner, Wanted
from batchyard.batch_jobs.rules import Job
from batchyard.catalogue import repository
from batchyard.catalogue.repository import Ahead, Taken
from batchyard.catalogue.rules import Product
from batchyard.errors import BatchyardError, Contended, Invalid, TooLarge, Unavailable
from batchyard.product_files import claims
from batchyard.product_files.claims import Claim
from batchyard.product_files.faults import RowError
from batchyard.product_files.planning import Plan, Sought
from batchyard.store.tables import BATCH_JOBS, CATALOGUE
from batchyard.store.unit import Unit, transact

_CENTRE = 0
"""The distribution centre whose stock files set."""


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


def write(planner: Planner, groups: Iterable[Wanted]) -> list[Outcome]:
    """Writes groups, several at a time, while others are read; those that the job has written are left alone.

    Raises:
        Closed: The job is over.
        Unavailable: The store did not answer; what was written is written.
    """
    written = lanes.each_pack(
        lambda lane, pack: _write_pack(planner, lane, pack), lanes.packs(groups, planner.items_of)
    )
    outcomes = [outcome for pack in written for outcome in pack]
    _call_off(planner, [outcome.group for outcome in outcomes if outcome.errors])
    return outcomes


class _Unannounced(Exception):
    """A product takes several transactions, and what is written ahead of it is not kept yet."""

    def __init__(self, before: Before) -> None:
        super().__init__()
        self.before = before


def _write_pack(planner: Planner, lane: int, pack: Sequence[Wanted]) -> list[Outcome]:
    try:
        return transact(lambda unit: _written(planner, lane, pack, unit))
    except (Taken, TooLarge, Invalid, Contended, _Unannounced) as error:
        if len(pack) > 1 and isinstance(error, TooLarge):
            halves = lanes.in_halves(pack, lambda half: _write_pack(planner, lane, half))
            return [outcome for half in halves for outcome in half]
        if len(pack) > 1:
            # One of them cannot be.
            return [outcome for group in pack for outcome in _write_pack(planner, lane, [group])]
        if isinstance(error, _Unannounced):
            _announce(planner.job, lane, error.before)
            return _write_pack(planner, lane, pack)
        if isinstance(error, Contended):
            raise Unavailable from error
        [group] = pack
        return [Outcome(group, 0, [_told(group, error)])]


def _announce(job: Job, lane: int, before: Before) -> None:
    """Keeps what is about to be written ahead of a product, unless another worker has written the product."""

    def operation(unit: Unit) -> None:
        gates.go_through(unit, job.id, lane, job.expires_s)
        known = befores.find(unit, job.id, before.product)
        if known is None or known.ahead is not None:
            befores.put(unit, before, clock.now_s())

    transact(operation)


def _call_off(planner: Planner, groups: Sequence[Wanted]) -> None:
    """Takes back what was written ahead of products that cannot be after all."""
    unit, job = Unit(), planner.job.id
    planner.load(unit, groups, partial(befores.key_of, job))
    for id in [id for group in groups for id in _known_ids(planner, unit, group)]:
        before = befores.find(unit, job, id)
        if before is not None and before.ahead is not None:
            taking_back.call_off(before)


def _written(planner: Planner, lane: int, pack: Sequence[Wanted], unit: Unit) -> list[Outcome]:
    job = planner.job
    # What is written ahead of a product goes through the gate, too: then that is read behind it.
    gate = [(BATCH_JOBS, key) for key in (gates.keys(job.id, lane) if len(pack) > 1 else ())]
    kept = partial(befores.key_of, job.id)
    is_guess = unit.attempt == 1 and len(pack) > 1 and planner.makes_all_of(pack)
    if is_guess:
        unit.load_all(gate)
        planner.expect_none(unit, pack, kept)
    else:
        planner.load(unit, pack, kept, also=gate)
    outcomes = [_write_group(planner, lane, unit, group, _known_ids(planner, unit, group)) for group in pack]
    if is_guess and any(outcome.errors for outcome in outcomes):
        # Nothing is written of these, so nothing would tell that the guess was wrong.
        raise Contended
    gates.go_through(unit, job.id, lane, job.expires_s)
    return outcomes


def _known_ids(planner: Planner, unit: Unit, group: Wanted) -> list[str]:
    """The IDs of the products that a group may have been written as."""
    stored = planner.stored(unit, group)
    made = planner.product_id(group.first)
    return [made] if stored is None or stored.id == made else [made, stored.id]


def _write_group(planner: Planner, lane: int, unit: Unit, group: Wanted, ids: Sequence[str]) -> Outcome:
    job = planner.job
    for id in ids:
        done = befores.find(unit, job.id, id)
        if done is None or done.ahead is not None:
            continue
        if done.line == group.first:
            return Outcome(group, done.operations)
        return Outcome(group, 0, [_comes_twice(planner.sought(group), group, done, repository.get(unit, id))])
    plan = planner.plan(unit, group)
    if plan.product is None:
        return Outcome(group, 0, plan.errors)
    announced = befores.find(unit, job.id, plan.product.id)
    count, stock = plan.operations.total, _stock(unit, plan, announced)
    kept = Before(job.id, plan.product.id, count, group.first, plan.before, stock)

    def announce(ahead: Ahead) -> Callable[[Unit], None]:
        known = None if announced is None else announced.ahead
        if known is None or not set(ahead.at) <= set(known.at) or not _keys(ahead) <= _keys(known):
            raise _Unannounced(replace(kept, ahead=_joined(ahead, known)))
        return lambda part: gates.go_through(part, job.id, lane, job.expires_s)

    # Also where the product stays as it is: what changes of its stock is by the job.
    product = replace(plan.product, by=job.id, updated=planner.moment(group))
    pieces = {id: {_CENTRE: one.pieces} for id, one in stock.items()}
    befores.put(unit, kept, clock.now_s())
    repository.put(unit, product, plan.before, pieces, announce=announce)
    return Outcome(group, kept.operations, notices=len(plan.notices))


def _joined(ahead: Ahead, known: Ahead | None) -> Ahead:
    if known is None:
        return ahead
    keys = {CATALOGUE.identity(key): key for key in (*known.keys, *ahead.keys)}
    return Ahead([*keys.values()], [*known.at, *ahead.at])


def _keys(ahead: Ahead) -> set[tuple[Any, ...]]:
    return set(map(CATALOGUE.identity, ahead.keys))


def _stock(unit: Unit, plan: Plan, announced: Before | None) -> dict[int, Stock]:
    """What a plan sets of the stock, with what was there before the job set any of it."""
    found = {}
    for id, pieces in plan.quantities.items():
        entity = None if plan.before is None else repository.get_entity(unit, id)
        former = None if entity is None else entity.quantities.get(_CENTRE)
        found[id] = Stock(pieces, former, "" if entity is None else entity.stocked_by)
    if announced is not None:
        for id, stock in announced.stock.items():
            entity = repository.get_entity(unit, id)
            if entity is not None and entity.stocked_by == announced.job:
                # It is as it was wanted already, since it was written ahead.
                found[id] = stock
    return found


def _comes_twice(sought: Sought, group: Wanted, done: Before, product: Product | None) -> RowError:
    """The error of rows that mean a product by its handle, and others of the file by its ID."""
    kind, value = (claims.HANDLE, group.handle) if sought.id is None else (claims.PRODUCT, sought.id)
    first = Claim(kind, value, done.line)
    known = done.product if product is None else product.handle
    return claims.comes_twice(Claim(kind, value, group.first), group.handle, first, known)


def _told(group: Wanted, error: BatchyardError) -> RowError:
    """The error of a product that the catalogue refused, though it was planned."""
    if isinstance(error, Taken):
        kind = claims.SKU if error.kind == "sku" else claims.HANDLE
        return claims.is_held(Claim(kind, error.value, group.first), group.handle, error.handle or error.product)
    detail = error.detail or "The product cannot be stored"
    return RowError("invalid_data", f"Product {group.handle}: {detail}", group.first)
