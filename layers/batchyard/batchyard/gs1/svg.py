"""Sheets of labels as SVG: one document, with its pages one below the other."""

import re
from collections.abc import Iterable
from html import escape

from batchyard.gs1.lengths import decimal
from batchyard.gs1.sheet import Code, Page, Paper, Text

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# What the pen does at so many dark or light modules, the longest first: replacing is a fraction of the work of going
# from run to run.
_LONGEST = 9
_STEPS = [
    *((b"\x00" * count, b"h%d" % count) for count in range(_LONGEST, 0, -1)),
    *((b"\xff" * count, b"m%d 0" % count) for count in range(_LONGEST, 0, -1)),
]


def svg(pages: Iterable[Page], paper: Paper) -> str:
    """A document as wide as the paper and as high as all pages, which browsers print page by page in its own size.

    The same pages give the same document.
    """
    codes, texts = [], []
    above = 0.0
    for page in pages:
        codes += [_code(code, above) for code in page.codes]
        texts += [_text(text, above) for text in (page.title, *page.captions)]
        above += paper.height
    width, height, page_height = decimal(paper.width), decimal(above), decimal(paper.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
            f' viewBox="0 0 {width} {height}">',
            f"<style>@page{{size:{width}mm {page_height}mm;margin:0}}</style>",
            '<rect width="100%" height="100%" fill="#fff"/>',
            '<g stroke="#000" shape-rendering="crispEdges">',
            *codes,
            "</g>",
            '<g font-family="monospace" text-anchor="middle">',
            *texts,
            "</g>",
            "</svg>\n",
        ]
    )


def _code(code: Code, above: float) -> str:
    """One symbol as a path in units of modules: the middle line of each dark run, stroked one module wide."""
    left, middle = decimal(code.left), decimal(above + code.top + code.module / 2)
    next_row = b"m-%d 1" % code.symbol.size
    path = b"m0 0" + next_row.join(code.symbol.rows)
    for modules, step in _STEPS:
        path = path.replace(modules, step)
    return f'<path transform="translate({left} {middle})scale({decimal(code.module)})" d="{path.decode()}"/>'


def _text(text: Text, above: float) -> str:
    x, y, size = decimal(text.middle), decimal(above + text.baseline), decimal(text.size)
    # XML cannot hold control characters, not even escaped.
    return f'<text x="{x}" y="{y}" font-size="{size}">{escape(_NOT_XML.sub("\ufffd", text.text))}</text>'
