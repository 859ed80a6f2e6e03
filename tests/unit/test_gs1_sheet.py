"""The printable sheet: its codes can be read, at their places, with their captions."""

import re
from itertools import batched
from xml.etree import ElementTree

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.sheet import sheet
from tests.support.sheets import PIXELS, SVG, drawn, printed, texts

LINK = "https://id.gs1.org/01/09521234543213/22/2A/10/LOT-1/21/7K2ABCD{:04}?17=271231"
CAPTION = 3  # millimetres that a caption is high, at most


def links(count: int) -> list[tuple[str, str]]:
    return [(LINK.format(number), f"7K2ABCD{number:04}") for number in range(count)]


def test_a_scanner_reads_every_code_above_its_caption() -> None:
    entries = links(8)
    svg = sheet(entries, columns=3, title="Lot 1")
    found = zxingcpp.read_barcodes(printed(svg))
    assert {code.text for code in found} == {link for link, _ in entries}
    assert {code.ec_level for code in found} == {"M"}
    captions = {text: (x, y) for x, y, text in texts(svg)}
    for code in found:
        x, y = captions[dict(entries)[code.text]]
        assert code.position.bottom_left.x < x * PIXELS < code.position.bottom_right.x
        below = y * PIXELS - code.position.bottom_left.y
        assert 0 < below < 10 * PIXELS


def test_each_code_keeps_four_white_modules_around_it() -> None:
    columns = 4
    cell = (210 - 20) / columns
    short_and_long = [("A", "1"), (LINK.format(1), "2"), ("x" * 400, "3"), ("B", "4"), ("C", "5")]
    svg = sheet(short_and_long, columns=columns)
    codes = drawn(svg)
    assert len({code.modules for code in codes}) == 3
    for place, (code, (_, baseline, _)) in enumerate(zip(codes, texts(svg), strict=True)):
        row, column = divmod(place, columns)
        quiet = 4 * code.module
        assert code.left - quiet == pytest.approx(10 + column * cell, abs=0.01)
        assert code.left + code.modules * code.module + quiet == pytest.approx(10 + (column + 1) * cell, abs=0.01)
        assert code.top - quiet == pytest.approx(10 + row * (codes[4].top - codes[3].top), abs=0.01)
        assert baseline - CAPTION >= code.top + code.modules * code.module + quiet - 0.01


def test_it_is_as_wide_as_a4_and_as_high_as_its_rows() -> None:
    heights = []
    for count in (0, 1, 6, 7, 13):
        root = ElementTree.fromstring(sheet(links(count)))
        _, _, width, height = root.attrib["viewBox"].split()
        assert (root.attrib["width"], root.attrib["height"]) == (f"{width}mm", f"{height}mm")
        assert width == "210"
        heights.append(float(height))
    empty, one, six, seven, thirteen = heights
    assert empty == 20
    assert one == six
    assert seven - six == pytest.approx(one - empty, abs=0.001)
    assert thirteen - seven == pytest.approx(one - empty, abs=0.001)


def test_captions_stand_in_the_order_of_the_entries() -> None:
    svg = sheet(links(5), columns=2)
    assert [text for _, _, text in texts(svg)] == [caption for _, caption in links(5)]
    places = [(y, x) for x, y, _ in texts(svg)]
    assert places == sorted(places)
    assert [len({y for y, _ in row}) for row in batched(places, 2, strict=False)] == [1, 1, 1]


@given(st.text(), st.text(min_size=1))
def test_any_caption_and_title_can_be_written(caption: str, title: str) -> None:
    written = [text or "" for _, _, text in texts(sheet([("A", caption)], title=title))]
    # XML reads line ends as one character, and has no place for control characters and surrogates.
    expected = [
        re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", re.sub("\r\n?", "\n", text))
        for text in (title, caption)
    ]
    assert written == expected


def test_markup_in_a_caption_stays_text() -> None:
    svg = sheet([("A", "</text><script>&amp;")])
    assert "<script>" not in svg
    assert [text for _, _, text in texts(svg)] == ["</text><script>&amp;"]


@pytest.mark.parametrize(("length", "columns"), [(4, 3), (20, 8), (60, 3)])
def test_captions_fit_their_cells(length: int, columns: int) -> None:
    root = ElementTree.fromstring(sheet([("A", "W" * length)], columns=columns))
    sizes = [float(group.attrib["font-size"]) for group in root.iter(f"{SVG}g") if "font-size" in group.attrib]
    assert len(sizes) == 1
    assert 0 < sizes[0] <= CAPTION
    assert sizes[0] * 0.6 * length <= (210 - 20) / columns


def test_a_code_is_one_compact_path() -> None:
    svg = sheet(links(100))
    assert svg.count("<path") == 100
    assert len(svg) < 260_000


def test_a_text_that_no_code_holds_is_refused() -> None:
    assert len(drawn(sheet([("x" * 2331, "")]))) == 1
    with pytest.raises(ValueError, match="too long"):
        sheet([("x" * 2332, "")])
