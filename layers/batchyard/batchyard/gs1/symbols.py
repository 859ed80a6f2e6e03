"""Two-dimensional symbols: what is encoded as a square of dark and light modules.

The library behind it is native. What imports this module loads 2 MB, so nothing should but what draws.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from zxingcpp import Barcode, BarcodeFormat, create_barcode

from batchyard.gs1.element_strings import Element

_DARK = re.compile(b"\x00+")


class Symbol(NamedTuple):
    """A square symbol, without the quiet zone around it.

    Attributes:
        rows: Its modules from top to bottom, a byte each; dark ones are 0.
        quiet: Modules on each side of it that must stay light.
    """

    rows: Sequence[bytes]
    quiet: int

    @property
    def size(self) -> int:
        """Modules on a side."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Modules on a side with the quiet zone."""
        return len(self.rows) + 2 * self.quiet

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Its dark modules as runs in rows: first column and row, from 0 at the upper left, and the column after it."""
        for row, modules in enumerate(self.rows):
            for run in _DARK.finditer(modules):
                yield run.start(), row, run.end()


def qr_code(text: str) -> Symbol:
    """A QR code (ISO/IEC 18004) of error correction level M, in as few modules as hold the text.

    Raises:
        ValueError: The text is too long for one.
    """
    return _symbol(create_barcode(text, BarcodeFormat.QRCode, ec_level="M"), quiet=4)


def data_matrix(text: str) -> Symbol:
    """A square Data Matrix symbol (ISO/IEC 16022, ECC 200), in as few modules as hold the text.

    Raises:
        ValueError: The text is too long for one.
    """
    return _symbol(create_barcode(text, BarcodeFormat.DataMatrix, force_square=True), quiet=1)


def gs1_data_matrix(elements: Iterable[Element]) -> Symbol:
    """A square GS1 DataMatrix symbol: FNC1 in front, and as separator where a value's end would not be known.

    Args:
        elements: What it says, in this order. Values may not hold `[`, as none of GS1's do.

    Raises:
        ValueError: There is no such Application Identifier, or a value has not its length. Check digits and dates are
            taken to be valid.
    """
    text = "".join(f"[{name}]{value}" for name, value in elements)
    return _symbol(create_barcode(text, BarcodeFormat.DataMatrix, gs1=True, force_square=True), quiet=1)


def _symbol(barcode: Barcode, quiet: int) -> Symbol:
    image = memoryview(barcode.to_image(scale=1, add_quiet_zones=False))
    modules, width = image.tobytes(), len(image)
    return Symbol([modules[start : start + width] for start in range(0, len(modules), width)], quiet)
