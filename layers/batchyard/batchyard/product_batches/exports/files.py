"""What an export's file holds, in parts that any worker makes alike.

A file is made of pieces: some thousand rows, or some events. Each piece says where the next one begins, and a part is
pieces up to a size, so that the same part always holds the same, whoever makes it.

Positions are text: a serial's number within the batch, or `<change>/<serials of it that are written>`. Empty is the
beginning, None the end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from batchyard.clock import iso
from batchyard.gs1 import epcis
from batchyard.gs1.cbv import Meaning
from batchyard.gs1.epcis import Withdrawal
from batchyard.jsontext import dumps
from batchyard.product_batches import moment_ids
from batchyard.product_batches.exports.rules import Export, telling
from batchyard.product_batches.rules import Block, ProductBatch, Told
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.product_batches.serials import statuses
from batchyard.product_batches.serials.pages import around_code, codes_of
from batchyard.product_batches.serials.rules import StatusChange
from batchyard.product_batches.serials.runs import Run, count, cut
from batchyard.serial_codes import keys
from batchyard.work.growing_file import PART

PIECE = 10_000
"""Serials of a piece: as many as make their codes cheap, and few beside a part."""

_EVENT = 1000
"""Serials of one EPCIS event."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a file.

    Args:
        content: Its bytes.
        rows: How many serials it goes on by.
        position: Where the next one begins.
    """

    content: bytes
    rows: int
    position: str | None


def part(export: Export, batch: ProductBatch, position: str) -> Part:
    """The part of an export's file that begins at a position.

    Args:
        batch: Its batch as it was when the export was made.
        position: Where the part begins.

    Raises:
        Unavailable: The store, or Secrets Manager, did not answer.
    """
    content = bytearray()
    rows = 0
    following: str | None = position
    pieces = _events(export, batch, position) if export.format == "epcis" else _rows(export, batch, position)
    for piece in pieces:
        content += piece.content
        rows += piece.rows
        following = piece.position
        if len(content) >= PART:
            break
    return Part(bytes(content), rows, following)


def _rows(export: Export, batch: ProductBatch, position: str) -> Iterator[Part]:
    link = around_code(batch, export.domain)
    if export.format == "csv":
        header = "index,code,digitalLink\r\n"
        around = ("", ",", ",", "\r\n") if link is None else ("", ",", *_csv_link(*link))
    else:
        header = ""
        end = ('","digitalLink":null', "}\n") if link is None else _json_link(*link)
        around = ('{"index":', ',"code":"', *end)
    first, second, third, last = around
    start = int(position or 0)
    text = "" if position else header
    while True:
        codes = enumerate(codes_of(batch, start, PIECE), start)
        if link is None:
            rows = [f"{first}{number}{second}{code}{third}{last}" for number, code in codes]
        else:
            rows = [f"{first}{number}{second}{code}{third}{code}{last}" for number, code in codes]
        start += len(rows)
        yield Part(f"{text}{''.join(rows)}".encode(), len(rows), str(start) if start < export.total else None)
        if start >= export.total:
            return
        text = ""


def _csv_link(before: str, after: str) -> tuple[str, str]:
    """What stands before and after the code in the last field and its row (RFC 4180)."""
    if not any(character in before + after for character in ',"'):
        return f",{before}", f"{after}\r\n"
    before, after = before.replace('"', '""'), after.replace('"', '""')
    return f',"{before}', f'{after}"\r\n'


def _json_link(before: str, after: str) -> tuple[str, str]:
    return f'","digitalLink":{dumps(before)[:-1]}', f"{dumps(after)[1:]}}}\n"


def _events(export: Export, batch: ProductBatch, position: str) -> Iterator[Part]:
    changed, _, done = position.partition("/")
    if not done:
        yield from _commissionings(export, batch, int(position or 0))
        changed = moment_ids.lower_bound(batch.created)
    for change in serials_repository.changes_between(batch, changed, moment_ids.lower_bound(export.created)):
        yield from _changes(export, batch, change, int(done) if done and change.id == changed else 0)
    yield Part(epcis.closing().encode(), 0, None)


def _commissionings(export: Export, batch: ProductBatch, start: int) -> Iterator[Part]:
    told = batch.told or telling(batch, export.created).told
    text = "" if start else epcis.opening(iso(export.created))
    while start < export.total:
        events: list[str] = []
        rows = 0
        # Serials of two blocks were not made at the same moment, so no event has both.
        for block, first, last in batch.places(start, PIECE):
            codes = keys.codes(batch.collection, batch.length, block.key, range(first, last + 1))
            rows += len(codes)
            for at in range(0, len(codes), _EVENT):
                events += _commissioning(batch, block, codes[at : at + _EVENT], told)
        comma = "," if start else ""
        start += rows
        yield Part(f"{text}{comma}{','.join(events)}".encode(), rows, str(start))
        text = ""
    if text:
        # There is nothing to tell of a batch without serials, so what follows is the end.
        yield Part(text.encode(), 0, "0/0")


def _commissioning(batch: ProductBatch, block: Block, codes: Sequence[str], told: Sequence[Told]) -> Iterator[str]:
    """The events that serials of a block were made: what was told of them at first, and what took its place."""
    gtin = batch.fields["gtin"]
    ids = [epcis.event_id(gtin, codes[0], f"commissioning {number}") for number in range(len(told))]
    # Of serials that were made later, nothing was told earlier.
    begin = max(0, sum(one.at <= block.made for one in told) - 1)
    for number in range(begin, len(told)):

        def event(withdrawn: Withdrawal | None = None, number: int = number) -> str:
            data = told[number].data
            return epcis.object_event(
                gtin, codes, epcis.FIRST, iso(block.made), id=ids[number], ilmd=data, withdrawn=withdrawn
            )

        yield event()
        if number + 1 < len(told):
            yield event(Withdrawal(iso(told[number + 1].at), epcis.INCORRECT_DATA, [ids[number + 1]]))


def _changes(export: Export, batch: ProductBatch, change: StatusChange, written: int) -> Iterator[Part]:
    """The events of a change, each after one that is there already: serials are commissioned first."""
    gtin, moment = batch.fields["gtin"], iso(change.at)
    # One that was undone since stood when the export was made.
    undone = None if change.undone_at is None or change.undone_at > export.created else iso(change.undone_at)
    passed = 0
    for block, meaning, runs in _alike(batch, change):
        size = count(runs)
        while passed <= written < passed + size:
            some = _some(runs, written - passed, _EVENT)
            indices = [index for run in some for index in range(run.first, run.last + 1)]
            codes = keys.codes(batch.collection, batch.length, block.key, indices)
            written += len(codes)
            id = epcis.event_id(gtin, codes[0], change.id)
            text = f",{epcis.object_event(gtin, codes, meaning, moment, id=id)}"
            if undone is not None:
                withdrawn = Withdrawal(undone, epcis.DID_NOT_OCCUR)
                text += f",{epcis.object_event(gtin, codes, meaning, moment, id=id, withdrawn=withdrawn)}"
            yield Part(text.encode(), 0, f"{change.id}/{written}")
        passed += size


def _alike(batch: ProductBatch, change: StatusChange) -> Iterator[tuple[Block, Meaning, list[Run]]]:
    """What a change did, by blocks and by what it is called, so that each event is the same whenever it is told.

    A clock that is behind could have dated a change of serials before the export that does not have them: a block that
    comes later adds events, and changes none.
    """
    for block in batch.blocks:
        found: dict[Meaning, list[Run]] = {}
        for run in cut(change.before, block.first, block.last):
            found.setdefault(statuses.meaning(run.status, change.status), []).append(run)
        yield from ((block, meaning, runs) for meaning, runs in found.items())


def _some(runs: Sequence[Run], skipped: int, wanted: int) -> list[Run]:
    """So many serials of runs, from behind those that are skipped on."""
    found = []
    for run in runs:
        if skipped >= run.size:
            skipped -= run.size
            continue
        first = run.first + skipped
        last = min(run.last, first + wanted - 1)
        found.append(run._replace(first=first, last=last))
        skipped, wanted = 0, wanted - found[-1].size
        if not wanted:
            break
    return found
