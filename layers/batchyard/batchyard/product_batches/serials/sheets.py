"""Sheets of a batch's serials as symbols to print.

Apart from the other operations on serials because only this one needs the library that makes symbols.
"""

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from batchyard.errors import Invalid
from batchyard.gs1.element_strings import elements_of, interpretation, predefined_first
from batchyard.gs1.pdf import pdf
from batchyard.gs1.sheet import A4, LETTER, Label, Paper, TooSmallError, arrange
from batchyard.gs1.svg import svg
from batchyard.gs1.symbols import Symbol, data_matrix, gs1_data_matrix, qr_code
from batchyard.product_batches import operations
from batchyard.product_batches.rules import BatchKey
from batchyard.product_batches.serials.pages import codes_of, link_builder

LARGEST_SHEET = 300
"""Codes on one sheet, some 1 MB."""

MOST_COLUMNS = 12

Format = Literal["svg", "pdf"]
PaperName = Literal["a4", "letter"]
Symbology = Literal["qr", "datamatrix"]

_WRITERS = {"svg": svg, "pdf": pdf}
_PAPERS: Mapping[PaperName, Paper] = {"a4": A4, "letter": LETTER}
_PLAIN: Mapping[Symbology, Callable[[str], Symbol]] = {"qr": qr_code, "datamatrix": data_matrix}


class Form(NamedTuple):
    """How a sheet looks.

    Attributes:
        columns: Codes in a row.
        symbology: What codes are: QR codes of GS1 Digital Links, or GS1 DataMatrix.
        paper: What its pages measure.
        format: What it is written as.
    """

    columns: int
    symbology: Symbology
    paper: PaperName
    format: Format


def sheet(batch: BatchKey, start: int, size: int, form: Form) -> str:
    """Serials as symbols with GS1's human-readable interpretation; of a batch without GTIN, their codes alone.

    Args:
        start: Number of the first serial within the batch, from 0.
        size: How many, at most.
        form: How they are drawn.

    Raises:
        NotFound: There is no such batch.
        Invalid: Modules would be too small in so many columns.
        Unavailable: The store, or Secrets Manager, did not answer.
    """
    found = operations.retrieve(batch)
    link, domain = link_builder(found), operations.link_domain()
    labels = [_label(code, link(code), domain, form.symbology) for code in codes_of(found, start, size)]

    def title(first: int, count: int) -> str:
        first += start
        return f"{found.id} · {first}-{first + count - 1}" if count else found.id

    paper = _PAPERS[form.paper]
    try:
        written = _WRITERS[form.format](arrange(labels, paper=paper, columns=form.columns, title=title), paper)
    except TooSmallError as error:
        raise Invalid({"columns": [str(error)]}) from None
    if labels and not found.printed:
        operations.keep_printed(batch)
    return written


def _label(code: str, link: str | None, domain: str, symbology: Symbology) -> Label:
    if link is None:
        return Label(_PLAIN[symbology](code), [code])
    elements = elements_of(link, domain)
    if symbology == "qr":
        return Label(qr_code(link), interpretation(elements))
    ordered = predefined_first(elements)
    return Label(gs1_data_matrix(ordered), interpretation(ordered))
