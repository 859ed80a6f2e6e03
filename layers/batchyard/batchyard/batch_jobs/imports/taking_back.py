"""What a job wrote is taken back: each product becomes what it was, unless somebody else has changed it since."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import batched, islice
from typing import Any, NamedTuple

from batchyard import clock
from batchyard.batch_jobs.imports import befores, gates, lanes
from batchyard.batch_jobs.imports.befores import Before, Stock
from batchyard.batch_jobs.rules import COMPLETED, LISTED_ERRORS, Job, JobError
from batchyard.batch_jobs.strategy import Record
from batchyard.catalogue import codec, leftovers, repository
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import Entity, Own, Product
from batchyard.errors import Contended, TooLarge
from batchyard.store.items import Item
from batchyard.store.tables import BATCH_JOBS, CATALOGUE
from batchyard.store.unit import Unit, transact

CHANGED_SINCE = "changed_since"

AT_ONCE = 500
"""Products that are taken back between two records of progress."""

_CENTRE = 0
_STOCK_AT_ONCE = 50


class TakenBack(NamedTuple):
    """What one step has taken back.

    Attributes:
        products: How many products it dealt with.
        is_over: Nothing is left.
    """

    products: int
    is_over: bool


def wind_up(job: Job, record: Record, clean_up: Callable[[Job], None]) -> None:
    """Makes one step of what is left to do of a job that has ended: takes back what is not to stay, then cleans up.

    Args:
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
    result = dict(job.result or {})
    if "undo" not in result:
        # Told before it is begun: somebody may ask for it again if nobody can go on with it.
        result["undo"] = {"status": "pending", "count": int(state.get("products", 0)), "advancement_count": 0}
        record(job.moved(now=clock.now(), result=result))
        return
    gates.close(job.id, job.expires_s)
    done = take_back(job, AT_ONCE)
    undo = dict(result["undo"])
    undo["advancement_count"] += done.products
    # Also what a step has written that could not be recorded any more.
    undo["count"] = max(undo["count"], undo["advancement_count"])
    undo["status"] = "processing"
    if done.is_over:
        # Also what a step has taken back that could not be recorded.
        undo |= {"status": "completed", "advancement_count": undo["count"]}
        listed = list(result.get("errors", ()))
        errors, count = stayed(job, max(0, LISTED_ERRORS - len(listed)))
        if count:
            listed += [error.to_answer() for error in errors]
            result |= {"errors": listed, "error_count": result.get("error_count", 0) + count}
    result["undo"] = undo
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
    kept = befores.items_of(job.id, most)
    lanes.each_pack(lambda _, pack: _take_back_pack(job.id, pack), lanes.packs(kept, befores.items_to_take_back))
    return TakenBack(len(kept), len(kept) < most)


def stayed(job: Job, most: int) -> tuple[list[JobError], int]:
    """What stays of a job that was taken back: so many errors at most, and how many there are.

    Raises:
        Unavailable: The store did not answer.
    """
    messages = befores.stayed(job.id)
    listed = [JobError(CHANGED_SINCE, message) for message in islice(messages, most)]
    return listed, len(listed) + sum(1 for _ in messages)


def call_off(before: Before) -> None:
    """Takes back what a job has written ahead of a product, which it has not written.

    Raises:
        Unavailable: The store did not answer.
    """
    id = before.product

    def operation(unit: Unit) -> None:
        kept, product = befores.find(unit, before.job, id), repository.get(unit, id)
        if kept is not None:
            stays = [] if product is None else _restore_stock(unit, kept, product)
            befores.delete(unit, kept, stays, clock.now_s())

    if before.ahead is not None:
        leftovers.call_off(id, before.ahead, before.job)
    _restore_much_stock(before.job, id)
    transact(operation)


class _Large(Exception):
    """What is to be taken back of a product does not fit one transaction."""


def _take_back_pack(job: str, kept: Sequence[Item]) -> None:
    """Takes back some products at once, else one by one: where they are too much, or one of them is a special case."""
    ids = [befores.product_of(item) for item in kept]

    def operation(unit: Unit) -> None:
        if unit.attempt == 1:
            for item in kept:
                unit.adopt(BATCH_JOBS, item)
        unit.load(BATCH_JOBS, [befores.key_of(job, id) for id in ids])
        repository.load_whole(unit, ids)
        for id in ids:
            before = befores.find(unit, job, id)
            if before is not None:
                _stage(unit, before)

    try:
        transact(operation)
    except TooLarge:
        if len(kept) == 1:
            raise
        lanes.in_halves(kept, lambda half: _take_back_pack(job, half))
    except (Taken, Contended, _Large):
        for id in ids:
            _take_back(job, id)


def _take_back(job: str, id: str) -> None:
    def operation(unit: Unit) -> None:
        before = befores.find(unit, job, id)
        # Else another worker was faster.
        if before is not None:
            _stage(unit, before, is_stocked=is_stocked, why=why)

    is_stocked, why = False, None
    before = befores.find(Unit(), job, id)
    if before is not None and before.ahead is not None:
        call_off(before)
        return
    try:
        transact(operation)
        return
    except _Large:
        _restore_much_stock(job, id)
        is_stocked = True
    except Taken as taken:
        why = _belongs_to_another(taken)
    try:
        transact(operation)
    except Taken as taken:
        why = _belongs_to_another(taken)
        transact(operation)


def _stage(unit: Unit, before: Before, *, is_stocked: bool = False, why: str | None = None) -> None:
    """Stages that a product is taken back.

    Args:
        before: What was kept of it.
        is_stocked: What was set of its stock is restored already.
        why: Why it stays as it is, apart from its stock; None where it need not.

    Raises:
        Taken: What it would get back belongs to another product now.
        _Large: It does not fit one transaction.
    """
    product = repository.get(unit, before.product)
    if before.ahead is not None:
        raise _Large
    if product is None:
        stays = _make_again(unit, before, why)
    elif why is not None:
        stays = [*_restore_stock(unit, before, product), _stays(product, why)]
    elif not is_stocked and repository.leaves_something(len(product.variants)):
        raise _Large
    else:
        stays = _restore(unit, before, product)
    befores.delete(unit, before, stays, clock.now_s())


def _belongs_to_another(taken: Taken) -> str:
    # What the product would get back belongs to another one now.
    return f"it cannot have {taken.value} back, which belongs to another product now"


def _make_again(unit: Unit, before: Before, why: str | None) -> list[str]:
    """Stages that a product which the job removed is there again; returns what of it is not, and why."""
    if before.removed is None or before.former is None:
        return []
    if why is not None:
        return [f"{_named(before.former)} stays deleted: {why}"]
    pieces = {id: one.pieces for id, one in before.removed.items()}
    by = {id: one.by for id, one in before.removed.items()}
    former = replace(before.former, updated=clock.now())
    gone = [id for held in before.own.values() for id in held.components if not _can_be_component(unit, before, id)]
    own = {id: _without(held, gone) for id, held in before.own.items()}
    repository.put(unit, former, None, pieces, stocked_by=by, own=own, quiet=True)
    return [f"{_named(former)} is without its component {id}, which is gone" for id in gone]


def _can_be_component(unit: Unit, before: Before, id: int) -> bool:
    """Whether a component of a bundle is there; one that the job has removed, too, is made again at once."""
    if before.former is not None and id in before.former.entities:
        return True
    kept = befores.find(unit, before.job, before.components[id]) if id in before.components else None
    if kept is not None and repository.get_entity(unit, id) is None:
        _stage(unit, kept)
    found = repository.get_entity(unit, id)
    return found is not None and found.variant is not None and not found.components


def _without(own: Own, gone: Collection[int]) -> Own:
    return replace(own, components={id: pieces for id, pieces in own.components.items() if id not in gone})


def _restore(unit: Unit, before: Before, product: Product) -> list[str]:
    """Stages that a product becomes what it was; returns what stays, and why."""
    is_own = product.by == before.job
    # A change of the stock alone has left the product as it was, and whoever had changed it before.
    is_untouched = before.former is not None and product.by == before.former.by
    if not is_own and not is_untouched:
        return [*_restore_stock(unit, before, product), _stays(product, "somebody has changed it since")]
    needed = _why_needed(unit, before, product)
    if needed is not None:
        return [*_restore_stock(unit, before, product), _stays(product, needed)]
    if before.former is None:
        repository.delete(unit, product)
        return []
    stays = _restore_stock(unit, before, product)
    if is_own:
        former = replace(before.former, version=product.version, updated=clock.now())
        repository.put(unit, former, product, quiet=True)
    return stays


def _why_needed(unit: Unit, before: Before, product: Product) -> str | None:
    """What somebody else has made of what the job made of a product, and would be gone with it; None for nothing."""
    kept = () if before.former is None else before.former.entities
    made = [id for id in product.entities if id not in kept]
    unit.load(CATALOGUE, map(codec.entity_key, made))
    for one in filter(None, (repository.get_entity(unit, id) for id in made)):
        if one.quantities and one.stocked_by != before.job:
            return "its stock has moved since"
        if one.stored:
            return "somebody has changed it since"
        if one.bundles:
            return f"{one.sku or one.variant} is a component of a bundle now"
    return None


def _restore_much_stock(job: str, id: str) -> None:
    """Restores the stock of a large product, in several transactions."""
    unit = Unit()
    before, product = befores.find(unit, job, id), repository.get(unit, id)
    if before is None or product is None:
        return
    if before.former is None and product.by == job and _why_needed(unit, before, product) is None:
        # It goes with its stock.
        return

    def operation(unit: Unit, ids: Collection[int]) -> None:
        before, product = befores.find(unit, job, id), repository.get(unit, id)
        if before is not None and product is not None:
            _restore_stock(unit, replace(before, stock={id: before.stock[id] for id in ids}), product)

    for ids in batched(before.stock, _STOCK_AT_ONCE, strict=False):
        transact(partial(operation, ids=ids))


def _restore_stock(unit: Unit, before: Before, product: Product) -> list[str]:
    """Stages that what a job set of the stock becomes what it was; returns what stays, and why."""
    stays = []
    unit.load(CATALOGUE, map(codec.entity_key, before.stock))
    for id, stock in before.stock.items():
        entity = repository.get_entity(unit, id)
        # What was there before, the product apart, was a variant of its own that is gone meanwhile.
        if entity is None or (before.former is not None and id not in before.former.entities):
            continue
        former = _with_former(entity, stock)
        if (entity.quantities, entity.stocked_by) == (former.quantities, former.stocked_by):
            continue
        if entity.stocked_by != before.job or entity.quantities.get(_CENTRE) != stock.pieces:
            stays.append(_stays(product, f"the stock of {entity.sku or entity.variant} has moved since"))
        else:
            repository.put_entity(unit, former, quiet=True)
    return stays


def _with_former(entity: Entity, stock: Stock) -> Entity:
    quantities = dict(entity.quantities)
    if stock.former is None:
        quantities.pop(_CENTRE, None)
    else:
        quantities[_CENTRE] = stock.former
    return replace(entity, quantities=quantities, stocked_by=stock.former_by, stocked=clock.now())


def _stays(product: Product, why: str) -> str:
    return f"{_named(product)} stays as it is: {why}"


def _named(product: Product) -> str:
    return f"Product {product.handle} ({product.id})"
