"""Sheets of codes, as a printer and a scanner see them."""

import re
from math import ceil
from typing import NamedTuple
from xml.etree import ElementTree

import pypdfium2
import zxingcpp

from batchyard.gs1 import sheet
from batchyard.gs1.symbols import Symbol

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = 8  # per millimetre, as coarse as a label printer


class Code(NamedTuple):
    """A drawn code: its upper left corner and module in millimetres, its dark runs as (column, row, length)."""

    left: float
    top: float
    module: float
    runs: list[tuple[int, int, int]]

    @property
    def modules(self) -> int:
        return max(row for _, row, _ in self.runs) + 1


def drawn(svg: str) -> list[Code]:
    codes = []
    for path in ElementTree.fromstring(svg).iter(f"{SVG}path"):
        placed = re.fullmatch(r"translate\(([\d.]+) ([\d.]+)\)scale\(([\d.]+)\)", path.attrib["transform"])
        assert placed
        x, y, module = map(float, placed.groups())
        runs = []
        steps = re.findall(r"m(-?\d+) (\d+)|h(\d+)", path.attrib["d"])
        assert "".join(f"h{ahead}" if ahead else f"m{right} {down}" for right, down, ahead in steps) == path.attrib["d"]
        column = row = 0
        for right, down, ahead in steps:
            if ahead:
                runs.append((column, row, int(ahead)))
            column, row = column + int(ahead or right), row + int(down or 0)
        # The runs are lines one module wide, so half a module stands out above.
        codes.append(Code(x, y - module / 2, module, runs))
    return codes


def texts(svg: str) -> list[tuple[float, float, str | None]]:
    elements = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [(float(element.attrib["x"]), float(element.attrib["y"]), element.text) for element in elements]


def printed(svg: str) -> memoryview:
    """The sheet in shades of grey, one byte a pixel."""
    size = ElementTree.fromstring(svg).attrib["viewBox"].split()[2:]
    width, height = (ceil(float(length) * PIXELS) for length in size)
    rows = [bytearray(b"\xff" * width) for _ in range(height)]
    for code in drawn(svg):
        for column, row, length in code.runs:
            left, right = (round((code.left + end * code.module) * PIXELS) for end in (column, column + length))
            top, bottom = (round((code.top + end * code.module) * PIXELS) for end in (row, row + 1))
            for pixels in rows[top:bottom]:
                pixels[left:right] = bytes(right - left)
    return memoryview(b"".join(rows)).cast("B", (height, width))


def printed_pdf(document: str) -> list[memoryview]:
    """The pages of a PDF in shades of grey, one byte a pixel, by the engine of a browser."""
    pages = []
    for page in pypdfium2.PdfDocument(document.encode("ascii")):
        bitmap = page.render(scale=PIXELS * 25.4 / 72, grayscale=True)
        pages.append(memoryview(bytes(bitmap.buffer)).cast("B", (bitmap.height, bitmap.stride)))
    return pages


def scanned_at(page: memoryview, code: sheet.Code) -> list[str]:
    """What a scanner finds that is held to one code of a page, of which it sees the quiet zone, too.

    Among a hundred codes side by side, scanners do not find which corners belong together.
    """
    quiet = code.symbol.quiet * code.module
    left, top = (ceil((edge - quiet) * PIXELS) for edge in (code.left, code.top))
    side = int(code.symbol.width * code.module * PIXELS)
    assert page.shape is not None
    width = page.shape[1]
    pixels = page.cast("B")
    seen = b"".join(pixels[row * width + left : row * width + left + side] for row in range(top, top + side))
    return [found.text for found in zxingcpp.read_barcodes(memoryview(seen).cast("B", (side, side)))]


def scanned(symbol: Symbol) -> zxingcpp.Barcode:
    """What a scanner finds where nothing but this symbol is."""
    light = b"\xff" * symbol.quiet
    rows = [light + modules + light for modules in symbol.rows]
    space = [b"\xff" * symbol.width] * symbol.quiet
    scale = 4
    pixels = b"".join(bytes(shade for shade in row for _ in range(scale)) * scale for row in (*space, *rows, *space))
    [found] = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (symbol.width * scale, symbol.width * scale)))
    return found
