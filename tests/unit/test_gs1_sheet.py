"""The printable sheet: its codes can be read, at their places, with their captions, and none lies across two pages."""

import io
import re
from collections.abc import Callable, Sequence
from itertools import batched, pairwise
from xml.etree import ElementTree

import pypdf
import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.pdf import pdf
from batchyard.gs1.sheet import A4, LETTER, SMALLEST_MODULE, Label, Page, Paper, TooSmallError, arrange
from batchyard.gs1.svg import svg
from batchyard.gs1.symbols import Symbol, data_matrix, qr_code
from tests.support.sheets import PIXELS, SVG, drawn, printed, printed_pdf, scanned_at, texts

LINK = "https://id.gs1.org/01/09521234543213/22/2A/10/LOT-1/21/7K2ABCD{:04}?17=271231"
CAPTION = 2.5  # millimetres that a line is high, at most
TOP = 18  # below the title
MARGIN = 10


def links(count: int) -> list[tuple[str, str]]:
    return [(LINK.format(number), f"7K2ABCD{number:04}") for number in range(count)]


def labels(entries: Sequence[tuple[str, str]]) -> list[Label]:
    return [Label(qr_code(text), [caption]) for text, caption in entries]


def pages(entries: Sequence[tuple[str, str]], columns: int = 6, paper: Paper = A4, title: str = "Lot 1") -> list[Page]:
    return list(arrange(labels(entries), paper=paper, columns=columns, title=lambda first, count: title))


def document(entries: Sequence[tuple[str, str]], columns: int = 6, title: str = "Lot 1") -> str:
    return svg(pages(entries, columns, title=title), A4)


def captions(page: str) -> list[tuple[float, float, str | None]]:
    return [text for text in texts(page) if text[2] != "Lot 1"]


def test_a_scanner_reads_every_code_above_its_caption() -> None:
    entries = links(8)
    found = zxingcpp.read_barcodes(printed(document(entries, columns=3)))
    assert {code.text for code in found} == {link for link, _ in entries}
    assert {code.ec_level for code in found} == {"M"}
    places = {text: (x, y) for x, y, text in texts(document(entries, columns=3))}
    for code in found:
        x, y = places[dict(entries)[code.text]]
        assert code.position.bottom_left.x < x * PIXELS < code.position.bottom_right.x
        below = y * PIXELS - code.position.bottom_left.y
        assert 0 < below < 10 * PIXELS


def test_each_code_keeps_four_white_modules_around_it() -> None:
    columns = 4
    cell = (210 - 20) / columns
    short_and_long = [("A", "1"), (LINK.format(1), "2"), ("x" * 400, "3"), ("B", "4"), ("C", "5")]
    written = document(short_and_long, columns=columns)
    codes = drawn(written)
    assert len({code.modules for code in codes}) == 3
    for place, (code, (_, baseline, _)) in enumerate(zip(codes, captions(written), strict=True)):
        row, column = divmod(place, columns)
        quiet = 4 * code.module
        assert code.left - quiet == pytest.approx(MARGIN + column * cell, abs=0.01)
        assert code.left + code.modules * code.module + quiet == pytest.approx(MARGIN + (column + 1) * cell, abs=0.01)
        assert code.top - quiet == pytest.approx(TOP + row * (cell + 1.2 * CAPTION), abs=0.01)
        assert baseline - CAPTION >= code.top + code.modules * code.module + quiet - 0.01


@pytest.mark.parametrize("paper", [A4, LETTER])
@pytest.mark.parametrize("columns", [1, 3, 5, 9])
@pytest.mark.parametrize("lines", [1, 5])
def test_all_codes_and_captions_of_a_page_are_within_its_margins(paper: Paper, columns: int, lines: int) -> None:
    entries = [Label(qr_code(LINK.format(number)), [f"(21)7K2ABCD{number:04}"] * lines) for number in range(120)]
    heights = set()
    for page in arrange(entries, paper=paper, columns=columns, title=lambda first, count: f"{first} {count}"):
        for code in page.codes:
            assert code.module >= SMALLEST_MODULE
            assert code.left >= MARGIN
            assert code.top >= TOP
            assert code.left + code.symbol.size * code.module <= paper.width - MARGIN
        lowest = max(text.baseline for text in page.captions)
        assert lowest <= paper.height - MARGIN
        heights.add(lowest)
    # Another row would not have fit.
    row = (paper.width - 2 * MARGIN) / columns
    assert max(heights) + row > paper.height - MARGIN - row * 0.5


def test_the_title_of_a_page_names_its_codes() -> None:
    found = list(arrange(labels(links(100)), columns=9, title=lambda first, count: f"{first}+{count}"))
    sizes = [len(page.codes) for page in found]
    assert sum(sizes) == 100
    assert len(sizes) > 1
    assert all(size % 9 == 0 for size in sizes[:-1])
    firsts = [sum(sizes[:number]) for number in range(len(sizes))]
    assert [page.title.text for page in found] == [f"{one}+{size}" for one, size in zip(firsts, sizes, strict=True)]


def test_a_sheet_without_labels_is_a_page_with_a_title() -> None:
    [page] = arrange([], title=lambda first, count: f"{first}+{count}")
    assert (page.title.text, page.codes, page.captions) == ("0+0", [], [])


def test_modules_that_are_too_small_are_refused() -> None:
    entries = labels(links(1))
    width = 33 + 8
    most = int(190 / SMALLEST_MODULE / width)
    assert most == 11
    [page] = arrange(entries, columns=most, title=lambda first, count: "")
    assert page.codes[0].module >= SMALLEST_MODULE
    with pytest.raises(TooSmallError, match=r"less than 0\.396 mm in more than 11 columns") as refused:
        next(arrange(entries, columns=most + 1, title=lambda first, count: ""))
    assert refused.value.columns == most
    # One long text among short ones counts.
    with pytest.raises(TooSmallError):
        next(arrange(labels([("A", ""), ("x" * 1000, "")]), columns=9, title=lambda first, count: ""))


def test_a_scanner_reads_the_smallest_modules() -> None:
    entries = links(25)
    found = zxingcpp.read_barcodes(printed(document(entries, columns=11)))
    assert {code.text for code in found} == {link for link, _ in entries}


def test_a_document_is_as_wide_as_the_paper_and_as_high_as_its_pages() -> None:
    for paper in (A4, LETTER):
        for count in (0, 1, 31, 61):
            made = pages(links(count), columns=5, paper=paper)
            root = ElementTree.fromstring(svg(made, paper))
            _, _, width, height = root.attrib["viewBox"].split()
            assert (root.attrib["width"], root.attrib["height"]) == (f"{width}mm", f"{height}mm")
            assert float(width) == paper.width
            assert float(height) == pytest.approx(paper.height * len(made))
            [style] = root.iter(f"{SVG}style")
            assert style.text == f"@page{{size:{paper.width:g}mm {paper.height:g}mm;margin:0}}"


def test_no_code_of_a_document_lies_across_two_pages() -> None:
    codes = drawn(document(links(100), columns=5))
    assert len(codes) == 100
    for code in codes:
        assert code.top // A4.height == (code.top + code.modules * code.module) // A4.height
    assert len({code.top // A4.height for code in codes}) == len(pages(links(100), columns=5))


def test_captions_stand_in_the_order_of_the_entries() -> None:
    written = document(links(5), columns=2)
    assert [text for _, _, text in captions(written)] == [caption for _, caption in links(5)]
    places = [(y, x) for x, y, _ in captions(written)]
    assert places == sorted(places)
    assert [len({y for y, _ in row}) for row in batched(places, 2, strict=False)] == [1, 1, 1]


def test_lines_of_a_caption_stand_one_below_the_other() -> None:
    lines = ["(01)09521234543213", "(10)LOT-1", "(21)7K2ABCD0001"]
    [page] = arrange([Label(qr_code("A"), lines)], title=lambda first, count: "")
    assert [text.text for text in page.captions] == lines
    assert len({text.middle for text in page.captions}) == 1
    assert all(lower.baseline - upper.baseline >= upper.size for upper, lower in pairwise(page.captions))


@given(st.text(), st.text(min_size=1))
def test_any_caption_and_title_can_be_written(caption: str, title: str) -> None:
    written = [text or "" for _, _, text in texts(document([("A", caption)], title=title))]
    # XML reads line ends as one character, and has no place for control characters and surrogates.
    expected = [
        re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", re.sub("\r\n?", "\n", text))
        for text in (title, caption)
    ]
    assert written == expected


def test_markup_in_a_caption_stays_text() -> None:
    written = document([("A", "</text><script>&amp;")])
    assert "<script>" not in written
    assert [text for _, _, text in captions(written)] == ["</text><script>&amp;"]


@pytest.mark.parametrize(("length", "columns"), [(4, 3), (20, 8), (60, 3)])
def test_captions_fit_their_cells(length: int, columns: int) -> None:
    [page] = pages([("A", "W" * length)], columns=columns)
    [caption] = page.captions
    assert 0 < caption.size <= CAPTION
    assert caption.size * 0.6 * length < (210 - 20) / columns


def test_a_code_is_one_compact_path() -> None:
    written = document(links(100))
    assert written.count("<path") == 100
    assert len(written) < 350_000


@pytest.mark.parametrize("paper", [A4, LETTER])
@pytest.mark.parametrize(("kind", "columns"), [(qr_code, 11), (data_matrix, 12)])
def test_a_scanner_reads_every_code_of_a_pdf(paper: Paper, kind: Callable[[str], Symbol], columns: int) -> None:
    count = 200
    entries = [Label(kind(LINK.format(number)), [f"(21)7K2ABCD{number:04}"]) for number in range(count)]
    made = list(arrange(entries, paper=paper, columns=columns, title=lambda first, count: "Lot 1"))
    assert len(made) > 1
    images = printed_pdf(pdf(made, paper))
    found = [scanned_at(image, code) for image, page in zip(images, made, strict=True) for code in page.codes]
    assert found == [[LINK.format(number)] for number in range(count)]


def test_a_pdf_has_metadata_of_its_pages() -> None:
    made = list(arrange(labels(links(50)), paper=LETTER, columns=5, title=lambda first, count: f"{first}+{count}"))
    read = pypdf.PdfReader(io.BytesIO(pdf(made, LETTER).encode("ascii")), strict=True)
    assert len(read.pages) == len(made)
    for page, shown in zip(made, read.pages, strict=True):
        assert [float(side) for side in shown.mediabox] == pytest.approx([0, 0, 612, 792], abs=0.01)
        expected = [page.title.text, *(text.text for text in page.captions)]
        assert shown.extract_text().split() == expected


@pytest.mark.parametrize(
    ("title", "shown"),
    [("L(1) · 5-10", "L(1) · 5-10"), ("a\\b(", "a\\b("), ("ü€–", "ü€–"), ("日本", "??"), (")", ")")],
)
def test_a_pdf_writes_any_title(title: str, shown: str) -> None:
    written = pdf(pages([], title=title), A4)
    assert written.isascii()
    [page] = pypdf.PdfReader(io.BytesIO(written.encode()), strict=True).pages
    assert page.extract_text() == shown


def test_the_same_labels_give_the_same_document() -> None:
    assert pdf(pages(links(3)), A4) == pdf(pages(links(3)), A4)
    assert document(links(3)) == document(links(3))
