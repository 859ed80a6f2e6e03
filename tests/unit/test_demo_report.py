"""What the demonstration shows can be scanned off the screen."""

import io

import zxingcpp
from rich.console import Console

from tools.demo import report
from tools.demo.client import Client
from tools.demo.lot import Lot

LINK = "https://id.gs1.org/01/09521234543213/10/L42/21/7K2ABCD0001"
BLOCKS = "█▀▄ "
SCALE = 4


def test_a_serial_is_shown_as_a_code_to_scan() -> None:
    screen = io.StringIO()
    lot = Lot("/admin/collection/demo/product/oil/batch/L42", "L42", "7K2ABCD0001", LINK, 10)
    report.show_code(Console(file=screen, width=120), Client("http://127.0.0.1", "token", 1), lot)
    lines = [line for line in screen.getvalue().splitlines() if line and not line.strip(BLOCKS) and line.strip()]
    rows = [[character in light for character in line] for line in lines for light in ("█▀", "█▄")]
    pixels = b"".join(bytes(255 * light for light in row for _ in range(SCALE)) * SCALE for row in rows)
    image = memoryview(pixels).cast("B", (len(rows) * SCALE, len(rows[0]) * SCALE))
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [LINK]
