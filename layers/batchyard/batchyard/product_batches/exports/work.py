"""The work of an export: its file is written to S3 part by part, and the export's item says how far it is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple, override

from batchyard import clock
from batchyard.product_batches import repository as batches
from batchyard.product_batches.exports import files, messages, repository
from batchyard.product_batches.exports.rules import DONE, ENDED, FAILED, FORMATS, RUNNING, Export
from batchyard.product_batches.rules import ProductBatch
from batchyard.store.unit import Unit, transact
from batchyard.work import growing_file
from batchyard.work.growing_file import Became, GrowingFile
from batchyard.work.steps import Work

_REMOVED = "The batch was removed."


class Found(NamedTuple):
    """An export, and its batch as it was when the export was made; None for a batch that is gone."""

    export: Export
    batch: ProductBatch | None


class ExportWork(Work[Found]):
    """The writing of exports."""

    given_up = "The file could not be written. Ask for another export."

    @override
    def find(self, named: Mapping[str, str]) -> Found | None:
        unit = Unit()
        key, id = messages.named_by(named)
        export = repository.get(unit, key, id)
        if export is None:
            return None
        batch = batches.get(unit, key)
        return Found(export, None if batch is None else export.snapshot_of(batch))

    @override
    def is_over(self, state: Found) -> bool:
        return state.export.status in ENDED

    @override
    def advance(self, state: Found) -> None:
        export, batch = state
        if batch is None:
            self.fail(state, _REMOVED)
            return
        rows, position = export.rows, export.position
        if position is None:
            grown = growing_file.complete(_file(export))
        else:
            part = files.part(export, batch, position)
            rows, position = rows + part.rows, part.position
            grown = growing_file.append(_file(export), part.content, last=position is None)
        changes: dict[str, Any] = {**grown.file.kept, "status": RUNNING, "rows": rows, "position": position}
        if grown.became is Became.DONE:
            changes |= {"status": DONE, "finished": clock.now()}
        elif grown.became is Became.EMPTY:
            changes |= {"rows": 0, "position": ""}
        grown.settle(recorded=_record(export, changes))

    @override
    def fail(self, state: Found, reason: str) -> None:
        export = state.export
        changes = {"status": FAILED, "reason": reason, "finished": clock.now(), "upload": None, "parts": b""}
        if _record(export, changes):
            growing_file.abort(_file(export))

    @override
    def gone(self, state: Found) -> None:
        growing_file.abort(_file(state.export))


def _file(export: Export) -> GrowingFile:
    return GrowingFile(export.key, FORMATS[export.format][1], export.upload, export.parts, export.size)


def _record(export: Export, changes: Mapping[str, Any]) -> bool:
    """Stores what became of an export, and returns whether it did: not where it is not as it was any more."""

    def operation(unit: Unit) -> bool:
        present = repository.get(unit, export.batch, export.id)
        if present is None or present.version != export.version:
            return False
        repository.put(unit, replace(export, **changes, updated=clock.now()))
        return True

    return transact(operation)
