"""What can be done with product batches: each operation reads, lets the rules decide, and commits once."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchyard import clock
from batchyard.actor import Actor
from batchyard.errors import NotFound
from batchyard.http.answers import etag, must_fit
from batchyard.http.preconditions import UNCONDITIONAL, Preconditions
from batchyard.jsontext import dumps
from batchyard.product_batches import lots, refusals, repository, rules
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.product_batches.serials import scans
from batchyard.product_batches.serials.rules import Stretch
from batchyard.product_batches.serials.statuses import COMMISSIONED
from batchyard.store.unit import MAX_ACTIONS, Unit, transact

_BESIDE_STRETCHES = 3
"""Items that a removal may write besides: the batch, and two by which it and the next one are found by their lot."""


def link_domain() -> str:
    """Where GS1 Digital Links of this deployment lead: `https://id.gs1.org`."""
    return os.environ["DIGITAL_LINK_DOMAIN"].rstrip("/")


def create(collection: str, product: str, given: Mapping[str, Any], *, by: str) -> ProductBatch:
    """Makes a batch with its serials; the very same batch made again is returned as it is.

    Args:
        given: The batch's ID, and its fields as the client gives them.
        by: The user who wants it.

    Raises:
        Conflict: There is another batch of this ID, or, where these are refused, of this GTIN and lot, or the
            collection has no more serials of this length.
        Invalid: The fields cannot be those of a batch.
    """
    empty = ProductBatch(collection, product, given["id"])
    quantity = rules.growth(empty, given)

    def operation(unit: Unit) -> ProductBatch:
        wanted = rules.revise(empty, given)
        current = repository.get(unit, wanted.key)
        now = clock.now()
        if current is not None:
            # What expires is `expired` from then on, whatever was said when it was made.
            if rules.same(rules.as_of(current, now), rules.as_of(wanted, now), quantity):
                return current
            raise refusals.batch_exists(wanted.id)
        batch = _with_lot(unit, None, replace(wanted, created=now, updated=now, actor=Actor(by=by)))
        return _put(unit, batch, quantity)

    return rules.as_of(transact(operation), clock.now())


def retrieve(batch: BatchKey) -> ProductBatch:
    """A batch as it is now.

    Raises:
        NotFound: There is none.
    """
    return transact(lambda unit: find(unit, batch))


def retrieve_any(batch: BatchKey) -> ProductBatch | None:
    """A batch as it is stored; None for none."""
    return transact(lambda unit: repository.get(unit, batch))


def retrieve_public(batch: BatchKey) -> ProductBatch:
    """A batch that everybody may see.

    Raises:
        NotFound: There is none, or it is a draft or archived.
    """
    found = transact(lambda unit: repository.get(unit, batch))
    if found is None or not rules.is_public(found):
        raise NotFound
    return rules.as_of(found, clock.now())


def update(
    batch: BatchKey, given: Mapping[str, Any], *, by: str, conditions: Preconditions = UNCONDITIONAL
) -> ProductBatch:
    """Changes the fields of a batch that are given, and returns it as it is then.

    Args:
        given: The fields, as the client gives them.
        by: The user who wants it.
        conditions: The caller's, of the batch.

    Raises:
        NotFound: There is none.
        Invalid: The change cannot be made.
        PreconditionFailed: It is not what the conditions ask for.
        Conflict: The collection has no more serials of this length, or labels bear what the change would change.
    """

    def operation(unit: Unit) -> ProductBatch:
        current = find(unit, batch)
        more = rules.growth(current, given)
        revised = rules.without_reviving(current, rules.revise(current, given), clock.now())
        repeats = revised is current and not more
        conditions.must_hold(etag(current.version), repeats=repeats)
        if repeats:
            return current
        if names := rules.renamed(current, revised):
            raise refusals.already_printed(names)
        actor = current.actor if revised.status == current.status else Actor(by=by)
        updated = replace(revised, updated=max(clock.now(), current.updated + 1), actor=actor)
        return _put(unit, _with_lot(unit, current, updated), more)

    return rules.as_of(transact(operation), clock.now())


def delete(batch: BatchKey, *, force: bool = False, conditions: Preconditions = UNCONDITIONAL) -> None:
    """Removes a batch. Its serials are never handed out again.

    Args:
        force: Also where something happened to its serials, or somebody has them. Changes of their statuses stay.
        conditions: The caller's, of the batch.

    Raises:
        NotFound: There is none.
        Conflict: Something happened to its serials, they were exported, printed or verified, or they are more items
            than one transaction removes.
        PreconditionFailed: It is not what the conditions ask for.
    """

    def operation(unit: Unit) -> None:
        current = find(unit, batch)
        conditions.must_hold(etag(current.version))
        if not force:
            # Removed with the batch, so that a change of a serial in the same moment wins or loses, but is not lost.
            # Where it was forced, they are removed afterwards.
            for stretch in _untouched(unit, current):
                serials_repository.delete_stretch(unit, stretch)
            if seen := _seen(current):
                raise refusals.in_circulation(seen)
        lots.leave(unit, current)
        repository.delete(unit, current)

    transact(operation)


def keep_printed(batch: BatchKey) -> None:
    """Keeps in mind that serials of a batch were printed.

    Raises:
        NotFound: There is none.
    """

    def operation(unit: Unit) -> None:
        found = find(unit, batch)
        if not found.printed:
            repository.put(unit, replace(found, printed=True))

    transact(operation)


def find(unit: Unit, batch: BatchKey) -> ProductBatch:
    """A batch as this unit will leave it.

    Raises:
        NotFound: There is none.
    """
    found = repository.get(unit, batch)
    if found is None:
        raise NotFound(f'There is no batch "{batch.id}" of this product.')
    return rules.as_of(found, clock.now())


def _seen(batch: ProductBatch) -> str | None:
    """How its serials came to somebody's eyes; None where they did not."""
    if batch.exports:
        return "exported"
    if batch.printed:
        return "printed"
    return "verified" if scans.any_of(batch) else None


def _with_lot(unit: Unit, before: ProductBatch | None, batch: ProductBatch) -> ProductBatch:
    """Stages that a batch holds its GTIN and lot; returns it with the batch that has them already, if one has.

    Raises:
        Conflict: One has, and this deployment does not want two.
    """
    if before is not None:
        if (before.fields.get("gtin"), before.lot) == (batch.fields.get("gtin"), batch.lot):
            return batch
        lots.leave(unit, before)
    twin = lots.twin(unit, batch)
    if twin is not None and os.environ["REPEATED_LOTS"] == "refuse":
        raise refusals.repeated_lot(twin.product, twin.id)
    lots.enter(unit, batch, twin)
    return replace(batch, twin=twin)


def _put(unit: Unit, batch: ProductBatch, more: int) -> ProductBatch:
    """Stages a batch with more serials than it had."""
    if more:
        # Ciphers, which most requests need not wait for when a function starts.
        from batchyard.serial_codes import codes, keys

        key, capacity = keys.current_version(), codes.capacity(batch.length)
        # Each attempt takes other indices: the one before may have been written, and its batch be removed since.
        block = serials_repository.allocate(batch.collection, more, key, capacity, batch.updated)
        serials_repository.put_block(unit, batch, block)
        batch = replace(batch, blocks=(*batch.blocks, block))
    must_fit(dumps(batch.to_answer(link_domain())))
    return repository.put(unit, batch)


def _untouched(unit: Unit, batch: ProductBatch) -> list[Stretch]:
    """The stretches of a batch whose serials are not in use.

    Raises:
        Conflict: Some are, or they are too many to be removed at once.
    """
    found = []
    for stretch in serials_repository.every_stretch(unit, batch):
        for run in stretch.runs:
            if run.status != COMMISSIONED:
                raise refusals.serials_in_use(batch.number_of(run.first), run.status)
        found.append(stretch)
    if len(found) > MAX_ACTIONS - _BESIDE_STRETCHES:
        raise refusals.too_many_parts()
    return found
