"""Sheets of QR codes, as a printer and a scanner see them."""

import re
from math import ceil
from typing import NamedTuple
from xml.etree import ElementTree

SVG = "{http://www.w3.org/2000/svg}"
PIXELS = 8  # per millimetre


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
        column = row = 0
        steps = re.findall(r"m(-?\d+) (\d+)h(\d+)", path.attrib["d"])
        assert "".join(f"m{right} {down}h{length}" for right, down, length in steps) == path.attrib["d"]
        for right, down, length in steps:
            column, row = column + int(right), row + int(down)
            runs.append((column, row, int(length)))
            column += int(length)
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
