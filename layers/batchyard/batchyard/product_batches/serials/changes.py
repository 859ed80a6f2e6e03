"""Changes of serials' statuses: of one, of ranges of millions, and back again.

Why: docs/decisions.md#a-change-can-be-undone-as-long-as-nothing-came-after-it
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from batchyard import clock
from batchyard.clock import iso
from batchyard.errors import Invalid, NotFound, TooLarge
from batchyard.http.preconditions import UNCONDITIONAL, Preconditions
from batchyard.product_batches import moment_ids, operations, refusals
from batchyard.product_batches.rules import ACTIVE, BatchKey, ProductBatch
from batchyard.product_batches.serials import repository
from batchyard.product_batches.serials.rules import StatusChange, Stretch
from batchyard.product_batches.serials.runs import Run, changed, count, cut
from batchyard.product_batches.serials.statuses import DISPENSED, STATUSES, are_given_out, may_become
from batchyard.store.replies import once
from batchyard.store.unit import MAX_ACTIONS, Unit, transact

_BESIDE_STRETCHES = 2
"""Items that a change may write besides: itself, and the reply to an Idempotency-Key."""

_DAY_US = 86_400_000_000

_MOST_READ_PER_SERIAL = 20
"""Spans that cover at least one in so many serials between them are read in one go."""


def change_one(
    batch: BatchKey, text: str, status: str, *, by: str, reason: str | None = None
) -> tuple[int, str, StatusChange | None]:
    """Changes the status of one serial.

    Args:
        text: The serial's code, as somebody typed it.
        status: The status that it gets.
        by: The user who wants it.
        reason: Why.

    Returns:
        The serial's number in the batch, its code, and the change; None where the serial has this status already.

    Raises:
        Malformed: It is no code.
        NotFound: There is no such batch, or the code is none of its serials.
        Conflict: The serial's status is final, or the batch is not one whose serials may get this one.
    """
    # Ciphers, which changes by ranges need not wait for when a function starts.
    from batchyard.serial_codes import codes, keys

    code = codes.normalize(text)
    place = keys.find(batch.collection, code)

    def operation(unit: Unit) -> tuple[int, str, StatusChange | None]:
        found = operations.find(unit, batch)
        number = None
        if place is not None and len(code) - 1 == found.length:
            number = found.number_of(place.index, place.version)
        if number is None:
            raise refusals.unknown_serial()
        change = _change(unit, found, [(number, 1)], status, by, reason)
        if change.left:
            [span] = _spans(found, change.ranges)
            [present] = cut(_runs(_stretches(unit, found, [span])), span.first, span.last)
            if present.status != status:
                allowed = [one for one in STATUSES if may_become(present.status, one)]
                raise refusals.final_status(present.status, allowed)
        return number, code, change if change.changed else None

    return transact(operation)


def change_many(
    batch: BatchKey,
    ranges: Sequence[tuple[int, int]],
    status: str,
    *,
    by: str,
    reason: str | None = None,
    idempotency_key: str | None = None,
    conditions: Preconditions = UNCONDITIONAL,
) -> dict[str, Any]:
    """Changes the status of serials by ranges, all of them or none; returns the change as it is answered.

    Serials that have the status already, or one that is final, are left as they are.

    Args:
        ranges: Number of the first serial within the batch, and how many.
        status: The status that they get.
        by: The user who wants it.
        reason: Why.
        idempotency_key: The user's key for this request; a repeat with it returns the first change again.
        conditions: The caller's, of the list of the batch's changes.

    Raises:
        NotFound: There is no such batch.
        PreconditionFailed: The list is not what the conditions ask for.
        Invalid: The ranges are not ranges of this batch.
        Conflict: The batch is not one whose serials may get this status.
        TooLarge: The serials have more different stories than one commit can change.
    """

    def operation(unit: Unit) -> dict[str, Any]:
        found = operations.find(unit, batch)
        conditions.must_hold(None)

        def make() -> dict[str, Any]:
            return _change(unit, found, _in_order(ranges, found.quantity), status, by, reason).to_answer()

        scope = f"{by} changes serials of {'/'.join(batch)}"
        return once(unit, idempotency_key, scope, found.created, make)

    return transact(operation)


def undo(batch: BatchKey, id: str, *, by: str) -> StatusChange:
    """Takes a change back: its serials get the statuses that they had before.

    Args:
        id: ID of the change. One that was undone is returned as it is.
        by: The user who wants it.

    Raises:
        NotFound: There is no such batch or change.
        Conflict: Some of its serials were changed again since, or it dispensed them for good.
    """

    def operation(unit: Unit) -> StatusChange:
        found = operations.find(unit, batch)
        change = repository.get_change(unit, found, id)
        if change is None:
            raise NotFound(f'There is no change "{id}" of this batch.')
        if change.undone_at is not None:
            return change
        stretches = _stretches(unit, found, change.before)
        runs = _runs(stretches)
        for run in change.before:
            for present in cut(runs, run.first, run.last):
                if present.change != id:
                    raise refusals.changed_since(found.number_of(present.first), present.change)
        _must_be_reversible(found, change, by)
        repository.put_runs(unit, stretches, change.before)
        undone = replace(change, undone_by=by, undone_at=clock.now())
        repository.put_change(unit, undone)
        return undone

    return transact(operation)


def _change(
    unit: Unit, batch: ProductBatch, ranges: Sequence[tuple[int, int]], status: str, by: str, reason: str | None
) -> StatusChange:
    now = clock.now()
    id = moment_ids.new(now)
    spans = _spans(batch, ranges)
    stretches = _stretches(unit, batch, spans)
    if len(stretches) > MAX_ACTIONS - _BESIDE_STRETCHES:
        raise TooLarge("These serials have had too many different changes to be changed at once. Use smaller ranges.")
    runs = _runs(stretches)
    after: list[Run] = []
    before: list[Run] = []
    for span in spans:
        brought, were = changed(cut(runs, span.first, span.last), status, id)
        after += brought
        before += were
    asked = sum(size for _, size in ranges)
    change = StatusChange(
        batch=batch.key,
        id=id,
        status=status,
        ranges=tuple(ranges),
        before=tuple(before),
        changed=count(before),
        left=asked - count(before),
        by=by,
        at=now,
        reason=reason,
    )
    if before:
        if batch.status != ACTIVE and are_given_out(status):
            raise refusals.batch_not_active(batch.status, [one for one in STATUSES if not are_given_out(one)])
        repository.put_runs(unit, stretches, after)
        repository.put_change(unit, change)
    return change


def _must_be_reversible(batch: ProductBatch, change: StatusChange, by: str) -> None:
    """Raises `Conflict` where dispensing is not to be undone, as Article 13 of (EU) 2016/161 has it."""
    days = int(os.environ["DISPENSING_UNDO_DAYS"])
    if change.status != DISPENSED or not days:
        return
    last = change.at + days * _DAY_US
    if batch.status != ACTIVE or change.by != by or clock.now() > last:
        raise refusals.dispensed_for_good(batch.status, change.by, iso(last))


def _spans(batch: ProductBatch, ranges: Iterable[tuple[int, int]]) -> list[Run]:
    """Ranges of a batch as indices of the collection, in order."""
    return sorted(Run(first, last) for start, size in ranges for _, first, last in batch.places(start, size))


def _stretches(unit: Unit, batch: ProductBatch, spans: Sequence[Run]) -> list[Stretch]:
    """The stretches that hold any of these serials, each once."""
    found: dict[int, Stretch] = {}
    for block in batch.blocks:
        inside = cut(spans, block.first, block.last)
        if inside and (inside[-1].last - inside[0].first) <= _MOST_READ_PER_SERIAL * count(inside):
            inside = [Run(inside[0].first, inside[-1].last)]
        reached = -1
        for span in inside:
            # Stretches have no gaps between them: the last one that was read holds all up to its end.
            if span.last > reached:
                for stretch in repository.stretches(unit, batch.collection, span.first, span.last, block.last):
                    found[stretch.last] = stretch
                    reached = stretch.last
    return [found[last] for last in sorted(found) if cut(spans, found[last].first, last)]


def _runs(stretches: Iterable[Stretch]) -> list[Run]:
    return [run for stretch in stretches for run in stretch.runs]


def _in_order(ranges: Sequence[tuple[int, int]], quantity: int) -> list[tuple[int, int]]:
    ordered = sorted(ranges)
    if any(start + size > quantity for start, size in ordered):
        raise Invalid({"ranges": [f"The batch has serials 0 to {quantity - 1}." if quantity else "It has no serials."]})
    if any(start + size > following for (start, size), (following, _) in pairwise(ordered)):
        raise Invalid({"ranges": ["Ranges must not overlap."]})
    return ordered
