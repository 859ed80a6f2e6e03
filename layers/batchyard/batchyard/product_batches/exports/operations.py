"""Exports of a batch's serials: what is asked for, and how clients see it.

An export shows the batch as it was when it was made: the batch's fields are kept with it, and of the serials, which
only grow, the first `total` are taken. Its item is also where the work stands, so that any worker can go on with it.
"""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from batchyard import clock
from batchyard.errors import NotFound
from batchyard.product_batches import moment_ids, operations, rules
from batchyard.product_batches import repository as batches
from batchyard.product_batches.exports import repository
from batchyard.product_batches.exports.rules import DONE, FORMATS, LOOK_AFTER_US, Export, telling
from batchyard.product_batches.refusals import draft_batch, no_gtin, told_too_often
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.sort_keys import beginning, export_key
from batchyard.store import blobs
from batchyard.store.queries import query
from batchyard.store.replies import once
from batchyard.store.unit import Unit, transact

LISTED = 20
"""Exports that a batch shows, at most."""

DOWNLOAD_SECONDS = 300

_FIELDS = ("gtin", "variant", "lotNumber", *rules.DATES)


def start(
    batch: BatchKey,
    kind: str,
    *,
    idempotency_key: str | None = None,
    scope: str = "",
) -> dict[str, Any]:
    """Asks for an export and returns it as it is answered; a repeat with the same key returns the first one again.

    Args:
        kind: The format, one of `FORMATS`.
        idempotency_key: The caller's key for this request.
        scope: Whose key it is.

    Raises:
        NotFound: There is no such batch.
        Conflict: The format is EPCIS, and the batch has no GTIN, is a draft, or was told of otherwise too often.
    """
    now = clock.now()
    id = moment_ids.new(now)

    def operation(unit: Unit) -> dict[str, Any]:
        found = operations.find(unit, batch)

        def make() -> dict[str, Any]:
            # Nobody else has this ID: it is there if the answer to the first try got lost, and a worker then changed it
            # before botocore's repeat.
            if unit.attempt > 1 and (begun := repository.get(unit, batch, id)) is not None:
                return begun.as_begun().to_answer()
            # A clock that is behind must not date it before its batch, whose history is read up to here.
            created = max(now, found.created)
            exported = replace(found, exports=True)
            if kind == "epcis":
                exported = _told(exported, created)
            if exported != found:
                batches.put(unit, exported)
            export = Export(
                batch=batch,
                id=id,
                format=kind,
                total=found.quantity,
                created=created,
                updated=created,
                batch_created=found.created,
                domain=operations.link_domain(),
                fields={name: found.fields[name] for name in _FIELDS if name in found.fields},
                told=len(exported.told),
                look_at=created + LOOK_AFTER_US,
            )
            repository.put(unit, export)
            return export.to_answer()

        return once(unit, idempotency_key, f"{scope} exports {' '.join(batch)}", found.created, make)

    return transact(operation)


def retrieve(batch: BatchKey, id: str) -> dict[str, Any]:
    """An export as it is answered by itself: with a URL to download its file at, once that is complete.

    Raises:
        NotFound: There is no such batch, or no such export of it, or its file is not kept any more.
    """

    def operation(unit: Unit) -> Export:
        found = operations.find(unit, batch)
        export = repository.get(unit, batch, id)
        if export is None or not _is_kept(export) or export.batch_created != found.created:
            raise NotFound(f'There is no export "{id}" of this batch.')
        return export

    export = transact(operation)
    if export.status != DONE:
        return export.to_answer()
    name = f"{export.batch.id}-{export.id}.{FORMATS[export.format][0]}"
    # The batch's ID may hold what ends a quoted file name, or only looks like one.
    url = blobs.download_url(export.key, DOWNLOAD_SECONDS, f"attachment; filename*=UTF-8''{quote(name, safe='')}")
    return {**export.to_answer(), "downloadUrl": url}


def latest(batch: ProductBatch) -> list[dict[str, Any]]:
    """The latest exports of a batch as they are answered on it, the last one first.

    Raises:
        Unavailable: The store did not answer.
    """
    if not batch.exports:
        return []
    prefix = str(export_key(batch.key, "")["sort_key"])
    request = beginning(batch.collection, prefix) | {"ScanIndexForward": False, "Limit": LISTED}
    found: list[dict[str, Any]] = []
    for item in query(request):
        export = repository.decode(item)
        # Earlier ones are of a former batch of this ID, or forgotten.
        if export.batch_created != batch.created or not _is_kept(export):
            break
        found.append(export.to_answer())
        if len(found) == LISTED:
            break
    return found


def _told(batch: ProductBatch, moment: int) -> ProductBatch:
    """A batch once an export tells EPCIS of it."""
    if "gtin" not in batch.fields:
        raise no_gtin()
    if batch.status == rules.DRAFT:
        raise draft_batch()
    told = telling(batch, moment)
    if len(told.told) > rules.MOST_TOLD:
        raise told_too_often()
    return told


def _is_kept(export: Export) -> bool:
    return clock.now_s() < export.expires_s
