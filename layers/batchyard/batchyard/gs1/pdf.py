"""Sheets of labels as PDF (ISO 32000-1): a page for each of theirs, drawn with filled rectangles and Courier."""

import re
from collections.abc import Iterable
from itertools import accumulate

from batchyard.gs1.lengths import decimal
from batchyard.gs1.sheet import Code, Page, Paper, Text

_POINTS = 72 / 25.4  # in a millimetre
_HALF_GLYPH = 0.3  # all of Courier's are 0.6 wide
_CATALOGUE, _PAGES, _FONT, _FIRST_PAGE = 1, 2, 3, 4
_HEADER = "%PDF-1.4\n"
_TO_ESCAPE = re.compile(rb"[^ -~]|[()\\]")


def pdf(pages: Iterable[Page], paper: Paper) -> str:
    """A document of ASCII characters alone, so that it travels where text does.

    Courier is one of the fonts that every reader has. It writes what Windows-1252 holds, and a `?` for all else. The
    same pages give the same document.
    """
    contents = [_contents(page, paper) for page in pages]
    numbers = range(_FIRST_PAGE, _FIRST_PAGE + 2 * len(contents), 2)
    box = f"[0 0 {decimal(paper.width * _POINTS)} {decimal(paper.height * _POINTS)}]"
    objects = [
        f"<</Type/Catalog/Pages {_PAGES} 0 R>>",
        f"<</Type/Pages/Count {len(contents)}/Kids[{' '.join(f'{number} 0 R' for number in numbers)}]>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>",
    ]
    for number, content in zip(numbers, contents, strict=True):
        resources = f"<</Font<</F {_FONT} 0 R>>>>"
        objects += [
            f"<</Type/Page/Parent {_PAGES} 0 R/MediaBox{box}/Resources{resources}/Contents {number + 1} 0 R>>",
            f"<</Length {len(content)}>>\nstream\n{content}\nendstream",
        ]
    bodies = [f"{number} 0 obj\n{content}\nendobj\n" for number, content in enumerate(objects, 1)]
    *places, end = accumulate(map(len, bodies), initial=len(_HEADER))
    size = len(objects) + 1
    return "".join(
        [
            _HEADER,
            *bodies,
            # Each entry has 20 characters, the end of its line among them.
            f"xref\n0 {size}\n0000000000 65535 f \n",
            *(f"{place:010} 00000 n \n" for place in places),
            f"trailer\n<</Size {size}/Root {_CATALOGUE} 0 R>>\nstartxref\n{end}\n%%EOF\n",
        ]
    )


def _contents(page: Page, paper: Paper) -> str:
    # In millimetres, from below.
    scale = decimal(_POINTS)
    texts = (_text(text, paper) for text in (page.title, *page.captions))
    return "\n".join([f"{scale} 0 0 {scale} 0 0 cm", *(_code(code, paper) for code in page.codes), *texts])


def _code(code: Code, paper: Paper) -> str:
    """One symbol as one area in units of modules, from above, so that no seams show between its rows."""
    module = decimal(code.module)
    runs = "".join([f"{first} {row} {end - first} 1 re\n" for first, row, end in code.symbol.runs()])
    return f"q {module} 0 0 -{module} {decimal(code.left)} {decimal(paper.height - code.top)} cm\n{runs}f Q"


def _text(text: Text, paper: Paper) -> str:
    left = text.middle - _HALF_GLYPH * text.size * len(text.text)
    place = f"{decimal(left)} {decimal(paper.height - text.baseline)} Td"
    return f"BT /F {decimal(text.size)} Tf {place} ({_escaped(text.text)}) Tj ET"


def _escaped(text: str) -> str:
    encoded = text.encode("cp1252", "replace")
    return _TO_ESCAPE.sub(lambda found: b"\\%03o" % found[0][0], encoded).decode("ascii")
