"""Sheets of labels: symbols in rows with what people read below them, on pages of paper.

Here is where everything goes, in millimetres from the upper left of a page; `svg` and `pdf` beside it write that.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import NamedTuple

from batchyard.gs1.symbols import Symbol

SMALLEST_MODULE = 0.396
"""Millimetres that a module has at least: GS1's least X-dimension for QR codes and Data Matrix at points of sale."""

GLYPH = 0.62
"""Width of a monospaced glyph, as a part of the size of its font; of most fonts it is 0.6."""

_MARGIN = 10.0  # few printers leave more blank
_CAPTION = 2.5
_TITLE = 5.0
_TITLE_LEADING = 1.6
_LEADING = 1.2


class Paper(NamedTuple):
    """The size of a page."""

    width: float
    height: float


A4 = Paper(210.0, 297.0)
LETTER = Paper(215.9, 279.4)


class Label(NamedTuple):
    """A symbol and the lines of text below it."""

    symbol: Symbol
    lines: Sequence[str]


class Code(NamedTuple):
    """A symbol on a page.

    Attributes:
        symbol: The symbol.
        left: Left edge of its modules, without the quiet zone.
        top: Upper edge of its modules.
        module: Width of one.
    """

    symbol: Symbol
    left: float
    top: float
    module: float


class Text(NamedTuple):
    """A line of text on a page, in a monospaced font.

    Attributes:
        text: The line.
        middle: Where its middle is, from the left.
        baseline: Where it stands, from above.
        size: Of its font.
    """

    text: str
    middle: float
    baseline: float
    size: float


class Page(NamedTuple):
    """What is on a page."""

    title: Text
    codes: Sequence[Code]
    captions: Sequence[Text]


class TooSmallError(ValueError):
    """Modules would be smaller than GS1 permits.

    Args:
        columns: As many columns would do.
    """

    def __init__(self, columns: int) -> None:
        super().__init__(f"Modules would measure less than {SMALLEST_MODULE} mm in more than {columns} columns.")
        self.columns = columns


def arrange(
    labels: Sequence[Label], *, paper: Paper = A4, columns: int = 5, title: Callable[[int, int], str]
) -> Iterator[Page]:
    """Labels in rows, on as many pages as they need; without labels a page with the title alone.

    Args:
        paper: What each page measures.
        columns: Labels in a row.
        title: Makes the line above a page from the place of its first label, from 0, and the number of its labels.

    Raises:
        TooSmallError: There are too many columns.
    """
    inner = paper.width - 2 * _MARGIN
    cell = inner / columns
    widest = max((label.symbol.width for label in labels), default=1)
    if cell < SMALLEST_MODULE * widest:
        raise TooSmallError(int(inner / (SMALLEST_MODULE * widest)))
    # With the room of a glyph on each side, so that neighbours are told apart.
    size = _fitting(_CAPTION, cell, 2 + max((len(line) for label in labels for line in label.lines), default=0))
    leading = size * _LEADING
    row_height = cell + leading * max((len(label.lines) for label in labels), default=0)
    top = _MARGIN + _TITLE * _TITLE_LEADING
    rows = max(1, int((paper.height - top - _MARGIN) / row_height))
    first = 0
    for some in batched(labels, rows * columns, strict=False) if labels else [()]:
        heading = title(first, len(some))
        above = Text(heading, paper.width / 2, _MARGIN + _TITLE, _fitting(_TITLE, inner, len(heading)))
        codes, captions = [], []
        for place, (symbol, lines) in enumerate(some):
            row, column = divmod(place, columns)
            left, upper, module = _MARGIN + column * cell, top + row * row_height, cell / symbol.width
            quiet = symbol.quiet * module
            codes.append(Code(symbol, left + quiet, upper + quiet, module))
            for number, line in enumerate(lines):
                captions.append(Text(line, left + cell / 2, upper + cell + number * leading + size, size))
        yield Page(above, codes, captions)
        first += len(some)


def _fitting(size: float, width: float, glyphs: int) -> float:
    return min(size, width / (GLYPH * max(glyphs, 1)))
