"""Pages of a batch's serials: their codes, their links and their statuses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

from batchyard.gs1.digital_link import link_parts
from batchyard.jsontext import dumps
from batchyard.product_batches import operations
from batchyard.product_batches.rules import BatchKey, ProductBatch
from batchyard.product_batches.serials import repository
from batchyard.product_batches.serials.runs import cut
from batchyard.serial_codes import keys
from batchyard.store.unit import Unit, transact


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a batch's serials.

    Args:
        items: The serials, each as JSON.
        start: Number of the first one within the batch.
        total: How many the batch has.
    """

    items: list[str]
    start: int
    total: int

    def to_json(self) -> str:
        """The page as it is answered."""
        following = self.start + len(self.items)
        next_start = dumps(following if self.items and following < self.total else None)
        return (
            f'{{"items":[{",".join(self.items)}],"startIndex":{self.start},"count":{len(self.items)},'
            f'"total":{self.total},"nextStartIndex":{next_start}}}'
        )


def page(batch: BatchKey, start: int, size: int) -> Page:
    """A page of a batch's serials, with their codes and statuses.

    Args:
        start: Number of the first one within the batch, from 0.
        size: How many, at most.

    Raises:
        NotFound: There is no such batch.
        Unavailable: The store, or Secrets Manager, did not answer.
    """

    def operation(unit: Unit) -> Page:
        found = operations.find(unit, batch)
        link = link_builder(found)
        rows = zip(codes_of(found, start, size), statuses_of(unit, found, start, size), strict=True)
        items = [
            f'{{"index":{number},"code":"{code}","digitalLink":{_text(link(code))},"status":"{status}"}}'
            for number, (code, status) in enumerate(rows, start)
        ]
        return Page(items, start, found.quantity)

    return transact(operation)


def codes_of(batch: ProductBatch, start: int, size: int) -> Iterator[str]:
    """Codes of a batch's serials, in their order.

    Raises:
        Unavailable: Secrets Manager did not answer, or does not know a key of theirs yet.
    """
    for block, first, last in batch.places(start, size):
        yield from keys.codes(batch.collection, batch.length, block.key, range(first, last + 1))


def statuses_of(unit: Unit, batch: ProductBatch, start: int, size: int) -> Iterator[str]:
    """Statuses of a batch's serials, in their order."""
    for block, first, last in batch.places(start, size):
        for stretch in repository.stretches(unit, batch.collection, first, last, block.last):
            for run in cut(stretch.runs, first, last):
                yield from repeat(run.status, run.size)


def link_builder(batch: ProductBatch) -> Callable[[str], str | None]:
    """What makes the GS1 Digital Link of a serial from its code; it makes None where the batch has no GTIN."""
    parts = around_code(batch, operations.link_domain())
    if parts is None:
        return lambda _: None
    before, after = parts
    return lambda code: f"{before}{code}{after}"


def around_code(batch: ProductBatch, domain: str) -> tuple[str, str] | None:
    """What stands before and after the code in the GS1 Digital Links of a batch's serials; None without a GTIN."""
    gtin = batch.fields.get("gtin")
    if gtin is None:
        return None
    return link_parts(
        domain,
        gtin,
        variant=batch.fields.get("variant"),
        lot=batch.lot,
        expiry=batch.printed_expiry,
    )


def _text(link: str | None) -> str:
    return "null" if link is None else f'"{link}"'
