"""What a job wrote is taken back: each product becomes what it was, unless somebody else has changed it since."""

import contextvars
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.batch_jobs.imports import befores, gates
from batchyard.batch_jobs.imports.befores import Before, Stock
from batchyard.batch_jobs.rules import COMPLETED, LISTED_ERRORS, Job, JobError
from batchyard.batch_jobs.strategy import Record
from batchyard.catalogue import repository
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import Entity, Product
from batchyard.store.unit import Unit, transact

AT_ONCE = 500
"""Products that are taken back between two records of progress."""

CHANGED_SINCE = "changed_since"

_CENTRE = 0


class TakenBack(NamedTuple):
    """What one step has taken back.

    Attributes:
        products: How many products it dealt with.
        errors: What stays, and why.
        is_over: Nothing is left.
    """

    products: int
    errors: list[JobError]
    is_over: bool


def wind_up(job: Job, record: Record, clean_up: Callable[[Job], None]) -> None:
    """Makes one step of what is left to do of a job that has ended: takes back what is not to stay, then cleans up.

    Args:
        job: The job.
        record: Stores what becomes of it.
        clean_up: Removes what its work leaves behind.

    Raises:
        Unavailable: A service did not answer; the step can be made again.
    """
    state = dict(job.state or {})
    if not _is_to_be_taken_back(job, state):
        clean_up(job)
        record(job.moved(now=job.updated, state=None))
        return
    gates.close(job.id, job.expires_s)
    done = take_back(job, AT_ONCE)
    result = dict(job.result or {})
    undo = dict(result.get("undo") or {"count": int(state.get("products", 0)), "advancement_count": 0})
    undo["advancement_count"] += done.products
    # Also what a step has written that could not be recorded any more.
    undo["count"] = max(undo["count"], undo["advancement_count"])
    undo["status"] = "completed" if done.is_over else "processing"
    result["undo"] = undo
    if done.errors:
        listed = [*result.get("errors", ()), *(error.to_answer() for error in done.errors)]
        result |= {"errors": listed[:LISTED_ERRORS], "error_count": result.get("error_count", 0) + len(done.errors)}
    if done.is_over:
        state |= {"takes_back": False, "phase": "over"}
    record(job.moved(now=clock.now(), result=result, state=state))


def _is_to_be_taken_back(job: Job, state: Mapping[str, Any]) -> bool:
    if state.get("takes_back"):
        return True
    return job.status != COMPLETED and "writes" in state and state.get("phase") != "over"


def take_back(job: Job, most: int) -> TakenBack:
    """Takes back so many products of a job at most.

    Raises:
        Unavailable: The store did not answer; what was taken back stays so.
    """
    ids = list(befores.products_of(job.id, most))
    with ThreadPoolExecutor(gates.GATES) as pool:
        contexts = [contextvars.copy_context() for _ in ids]
        found = list(pool.map(lambda context, id: context.run(_take_back, job.id, id), contexts, ids))
    return TakenBack(len(ids), [error for errors in found for error in errors], len(ids) < most)


def _take_back(job: str, id: str) -> Sequence[JobError]:
    def operation(unit: Unit) -> list[JobError]:
        before = befores.find(unit, job, id)
        if before is None:
            # Another worker was faster.
            return []
        befores.delete(unit, before)
        product = repository.get(unit, id)
        if before.removed is not None and before.former is not None and product is None:
            repository.put(unit, replace(before.former, updated=clock.now()), None, before.removed, quiet=True)
        return [] if product is None else _restore(unit, before, product)

    try:
        return transact(operation)
    except Taken as taken:
        # What the product would get back belongs to another one now.
        return _leave(job, id, f"it cannot have {taken.value} back, which belongs to another product now")


def _leave(job: str, id: str, why: str) -> list[JobError]:
    def operation(unit: Unit) -> list[JobError]:
        before = befores.find(unit, job, id)
        if before is None:
            return []
        befores.delete(unit, before)
        product = repository.get(unit, id)
        if product is not None:
            return [*_restore_stock(unit, before, product), _changed(product, why)]
        former = before.former
        return [] if former is None else [JobError(CHANGED_SINCE, f"{_named(former)} stays deleted: {why}")]

    return transact(operation)


def _restore(unit: Unit, before: Before, product: Product) -> list[JobError]:
    is_own = product.by == before.job
    # A change of the stock alone has left the product as it was, and whoever had changed it before.
    is_untouched = before.former is not None and product.by == before.former.by
    if not is_own and not is_untouched:
        return [*_restore_stock(unit, before, product), _changed(product, "somebody has changed it since")]
    kept = () if before.former is None else before.former.entities
    made = [entity for entity in _entities(unit, product) if entity.id not in kept]
    if any(entity.quantities and entity.stocked_by != before.job for entity in made):
        # With a variant that goes, what somebody else counted of it would go.
        return [*_restore_stock(unit, before, product), _changed(product, "its stock has moved since")]
    if before.former is None:
        repository.delete(unit, product)
        return []
    errors = _restore_stock(unit, before, product)
    if is_own:
        former = replace(before.former, version=product.version, updated=clock.now())
        repository.put(unit, former, product, quiet=True)
    return errors


def _restore_stock(unit: Unit, before: Before, product: Product) -> list[JobError]:
    errors = []
    for id, stock in before.stock.items():
        entity = repository.get_entity(unit, id)
        # What was there before, the product apart, was a variant of its own that is gone meanwhile.
        if entity is None or (before.former is not None and id not in before.former.entities):
            continue
        if entity.stocked_by != before.job or entity.quantities.get(_CENTRE) != stock.pieces:
            errors.append(_changed(product, f"the stock of {entity.sku or entity.variant} has moved since"))
        else:
            repository.put_entity(unit, _with_former(entity, stock), quiet=True)
    return errors


def _with_former(entity: Entity, stock: Stock) -> Entity:
    quantities = dict(entity.quantities)
    if stock.former is None:
        quantities.pop(_CENTRE, None)
    else:
        quantities[_CENTRE] = stock.former
    return replace(entity, quantities=quantities, stocked_by=stock.former_by, stocked=clock.now())


def _entities(unit: Unit, product: Product) -> list[Entity]:
    return [found for id in product.entities if (found := repository.get_entity(unit, id)) is not None]


def _changed(product: Product, why: str) -> JobError:
    return JobError(CHANGED_SINCE, f"{_named(product)} stays as it is: {why}")


def _named(product: Product) -> str:
    return f"Product {product.handle} ({product.id})"
