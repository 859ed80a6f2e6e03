"""The work of an export: its file is written to S3 part by part, and the export's item says how far it is.

Nothing but the item tells a worker where to go on, so any can, as often as a message is delivered. Two at the same
export write the same parts; each step is recorded only if the item still is the one that the step was made from, so one
of them is ahead and the other follows.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from batchyard import clock
from batchyard.product_batches import repository as batches
from batchyard.product_batches.exports import files, repository
from batchyard.product_batches.exports.rules import DONE, ENDED, FAILED, FORMATS, RUNNING, Export
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.store import blobs
from batchyard.store.blobs import RECEIPT, Blob, UploadLost
from batchyard.store.unit import Unit, transact

_REMOVED = "The batch was removed."
_GIVEN_UP = "The file could not be written. Ask for another export."


def work(asked: Mapping[str, str], time_is_up: Callable[[], bool]) -> bool:
    """Writes an export's file, or goes on with it.

    Args:
        asked: The message that there is work.
        time_is_up: Whether to leave the rest for another time; asked before each part.

    Returns:
        Whether nothing is left to do.

    Raises:
        Unavailable: A service did not answer; the work can go on from where it is.
    """
    worked_on: Export | None = None
    while True:
        export, batch = _find(asked)
        if export is None:
            # It went with its batch, in the middle of the work.
            if worked_on is not None and worked_on.upload is not None:
                blobs.abort(worked_on.key, worked_on.upload)
            return True
        if export.status in ENDED:
            return True
        if batch is None:
            _fail(export, _REMOVED)
        elif time_is_up():
            return False
        else:
            worked_on = _advance(export, batch)


def give_up(asked: Mapping[str, str]) -> None:
    """Ends an export that nobody will go on with.

    Args:
        asked: The message that there is work.

    Raises:
        Unavailable: A service did not answer.
    """
    while True:
        export, _ = _find(asked)
        if export is None or export.status in ENDED:
            return
        _fail(export, _GIVEN_UP)


def _find(asked: Mapping[str, str]) -> tuple[Export | None, ProductBatch | None]:
    """An export, and its batch as it was then; None for what is gone."""
    named = BatchKey(asked["collection"], asked["product"], asked["batch"])
    unit = Unit()
    export = repository.get(unit, named, asked["export"])
    batch = None if export is None else batches.get(unit, named)
    return export, None if export is None or batch is None else export.of(batch)


def _advance(export: Export, batch: ProductBatch) -> Export:
    """Makes one step; answers the export with the upload that it was made for."""
    if export.position is None:
        _complete(export)
        return export
    part = files.part(export, batch, export.position)
    rows, size = export.rows + part.rows, export.size + len(part.content)
    if export.upload is None and part.position is None:
        blobs.write(Blob(export.key, part.content, FORMATS[export.format][1]))
        _end(export, status=DONE, rows=rows, size=size, position=None)
        return export
    begun = export if export.upload is not None else _begin(export)
    if begun is None or begun.upload is None:
        return export
    try:
        receipt = blobs.write_part(begun.key, begun.upload, len(begun.parts) // RECEIPT + 1, part.content)
    except UploadLost:
        _find_out(begun)
    else:
        _record(begun, rows=rows, size=size, position=part.position, parts=begun.parts + receipt)
    return begun


def _begin(export: Export) -> Export | None:
    """The export with an upload of its own; None where somebody else was first."""
    upload = blobs.begin(export.key, FORMATS[export.format][1])
    begun = _record(export, status=RUNNING, upload=upload)
    if begun is None:
        blobs.abort(export.key, upload)
    return begun


def _complete(export: Export) -> None:
    try:
        blobs.complete(export.key, export.upload or "", export.parts)
    except UploadLost:
        _find_out(export)
    else:
        _end(export, status=DONE)


def _find_out(export: Export) -> None:
    """Goes on after S3 did not know an upload: it is completed, or was given up so that the file begins anew."""
    size = blobs.size_of(export.key)
    if size is not None:
        _end(export, status=DONE, rows=export.total, size=size, position=None)
    elif _record(export, upload=None, parts=b"", rows=0, size=0, position="") is not None:
        blobs.abort(export.key, export.upload or "")


def _fail(export: Export, reason: str) -> None:
    if _end(export, status=FAILED, reason=reason) is not None and export.upload is not None:
        blobs.abort(export.key, export.upload)


def _end(export: Export, **changes: Any) -> Export | None:
    return _record(export, **changes, finished=clock.now(), upload=None, parts=b"")


def _record(export: Export, **changes: Any) -> Export | None:
    """Stores what became of an export; None where it is not as it was any more."""

    def operation(unit: Unit) -> Export | None:
        present = repository.get(unit, export.batch, export.id)
        if present is None or present.version != export.version:
            return None
        return repository.put(unit, replace(export, **changes, updated=clock.now()))

    return transact(operation)
