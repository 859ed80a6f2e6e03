"""A printable sheet of QR codes with captions, as one SVG document."""

import re
from collections.abc import Sequence
from html import escape

from batchyard.gs1.symbols import qr_code

_WIDTH = 210.0  # of A4; all lengths are millimetres
_MARGIN = 10.0
_CAPTION = 3.0
_TITLE = 5.0
_LEADING = 1.6
_GLYPH = 0.62  # width of a monospaced glyph, as a part of the size of its font

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def sheet(entries: Sequence[tuple[str, str]], *, columns: int = 6, title: str = "") -> str:
    """QR codes (error correction M, quiet zone of 4 modules) in rows on a page as wide as A4.

    The same entries give the same document. A code takes 3 kB.

    Args:
        entries: What each code encodes, and the caption below it.
        columns: Codes in a row. Modules of a link of 70 characters measure 0.7 mm at 6 columns, 0.5 mm at 8; GS1 asks
            for at least 0.4 mm.
        title: A line above the codes.

    Raises:
        ValueError: A text is too long for a QR code (2331 bytes).
    """
    cell = (_WIDTH - 2 * _MARGIN) / columns
    top = _MARGIN + (_TITLE * _LEADING if title else 0)
    row_height = cell + _CAPTION * _LEADING
    height = top + row_height * -(-len(entries) // columns) + _MARGIN
    caption_size = _fitting(_CAPTION, cell, max((len(caption) for _, caption in entries), default=0))
    codes, captions = [], []
    for place, (text, caption) in enumerate(entries):
        row, column = divmod(place, columns)
        x, y = _MARGIN + column * cell, top + row * row_height
        codes.append(_code(text, x, y, cell))
        captions.append(f'<text x="{_mm(x + cell / 2)}" y="{_mm(y + cell + _CAPTION)}">{_xml(caption)}</text>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{_mm(_WIDTH)}mm" height="{_mm(height)}mm"'
            f' viewBox="0 0 {_mm(_WIDTH)} {_mm(height)}">',
            '<rect width="100%" height="100%" fill="#fff"/>',
            '<g stroke="#000" shape-rendering="crispEdges">',
            *codes,
            "</g>",
            f'<g font-family="monospace" text-anchor="middle" font-size="{_mm(caption_size)}">',
            *([_heading(title)] if title else []),
            *captions,
            "</g>",
            "</svg>\n",
        ]
    )


def _heading(title: str) -> str:
    size = _fitting(_TITLE, _WIDTH - 2 * _MARGIN, len(title))
    return f'<text x="{_mm(_WIDTH / 2)}" y="{_mm(_MARGIN + _TITLE)}" font-size="{_mm(size)}">{_xml(title)}</text>'


def _code(text: str, x: float, y: float, size: float) -> str:
    """One code as a path in units of modules: the middle line of each dark run, stroked one module wide."""
    symbol = qr_code(text)
    module = size / symbol.width
    path, pen = [], (0, 0)
    for column, row, length in symbol.runs():
        path.append(f"m{column - pen[0]} {row - pen[1]}h{length}")
        pen = (column + length, row)
    left, middle = x + symbol.quiet * module, y + (symbol.quiet + 0.5) * module
    return f'<path transform="translate({_mm(left)} {_mm(middle)})scale({_mm(module)})" d="{"".join(path)}"/>'


def _fitting(size: float, width: float, glyphs: int) -> float:
    return min(size, width / (_GLYPH * max(glyphs, 1)))


def _mm(length: float) -> str:
    return f"{length:.4f}".rstrip("0").rstrip(".")


def _xml(text: str) -> str:
    # XML cannot hold control characters, not even escaped.
    return escape(_NOT_XML.sub("\ufffd", text))
