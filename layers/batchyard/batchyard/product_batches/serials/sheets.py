"""Sheets of QR codes for a batch's serials.

Apart from the other operations on serials because only this one needs the library that makes QR codes.
"""

from batchyard.gs1.sheet import sheet
from batchyard.product_batches import operations
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials.pages import codes_of, linked

LARGEST_SHEET = 300
"""Codes on one sheet, some 3 s of a function's CPU and 1 MB."""


def page(batch: BatchKey, start: int, size: int, columns: int) -> str:
    """A page of QR codes as SVG: the serials' digital links, or the codes themselves where the batch has no GTIN.

    Args:
        batch: Which batch.
        start: Number of the first serial within the batch, from 0.
        size: How many, at most.
        columns: How many in a row.

    Raises:
        NotFound: There is no such batch.
        Unavailable: The store, or Secrets Manager, did not answer.
    """
    found = operations.retrieve(batch)
    link = linked(found)
    codes = list(codes_of(found, start, size))
    title = f"{found.id} · {start}-{start + len(codes) - 1}" if codes else found.id
    return sheet([(link(code) or code, code) for code in codes], columns=columns, title=title)
