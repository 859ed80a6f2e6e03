"""Sheets of codes: what a scanner reads off them are the serials of the batch."""

import io

import pypdf
import pytest
import zxingcpp

from batchyard.product_batches.serials import sheets
from tests.support.api import Api
from tests.support.batch import Part, request, run
from tests.support.lots import BATCHES, GTIN, make
from tests.support.sheets import drawn, printed, printed_pdf, texts

WHOLE = {"gtin": GTIN, "variant": "2A", "lotNumber": "LOT/1", "expiryDate": "2027-12-31"}


def read(svg: str) -> set[str]:
    """What a scanner finds on a page."""
    return {found.text for found in zxingcpp.read_barcodes(printed(svg))}


@pytest.mark.parametrize("gtin", [None, GTIN])
def test_a_scanner_reads_the_serials(api: Api, gtin: str | None) -> None:
    make(api, quantity=40, gtin=gtin, variant="2A", expiryDate="2027-12-31")
    answer = api.get(f"{BATCHES}/L1/sheet?startIndex=5&count=6&columns=3")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    serials = api.get(f"{BATCHES}/L1/getSN?startIndex=5&count=6").json()["items"]
    assert read(answer.text) == {one["digitalLink"] or one["code"] for one in serials}
    title, *captions = [text for _, _, text in texts(answer.text)]
    assert title == "L1 · 5-10"
    if gtin is None:
        assert captions == [one["code"] for one in serials]
    else:
        about = [f"(01){GTIN}", "(22)2A", "(10)L1"]
        assert captions == [line for one in serials for line in (*about, f"(21){one['code']}", "(17)271231")]


def test_a_scanner_reads_the_serials_as_gs1_data_matrix(api: Api) -> None:
    make(api, quantity=40, **WHOLE)
    answer = api.get(f"{BATCHES}/L1/sheet?count=6&columns=3&symbology=datamatrix")
    codes = [one["code"] for one in api.get(f"{BATCHES}/L1/getSN?count=6").json()["items"]]
    found = zxingcpp.read_barcodes(printed(answer.text))
    assert {one.symbology_identifier for one in found} == {"]d2"}
    sent = [f"01{GTIN}17271231222A\x1d10LOT/1\x1d21{code}" for code in codes]
    assert sorted(one.bytes.decode() for one in found) == sorted(sent)
    _, *captions = [text for _, _, text in texts(answer.text)]
    about = [f"(01){GTIN}", "(17)271231", "(22)2A", "(10)LOT/1"]
    assert captions == [line for code in codes for line in (*about, f"(21){code}")]


def test_a_lot_without_gtin_as_data_matrix_shows_its_codes(api: Api) -> None:
    make(api, quantity=4)
    answer = api.get(f"{BATCHES}/L1/sheet?symbology=datamatrix")
    codes = {one["code"] for one in api.get(f"{BATCHES}/L1/getSN").json()["items"]}
    assert {(one.text, one.symbology_identifier) for one in zxingcpp.read_barcodes(printed(answer.text))} == {
        (code, "]d1") for code in codes
    }


@pytest.mark.parametrize(("paper", "size"), [("a4", (595.28, 841.89)), ("letter", (612, 792))])
@pytest.mark.parametrize("symbology", ["qr", "datamatrix"])
def test_a_pdf_has_the_pages_of_the_paper(api: Api, paper: str, size: tuple[float, float], symbology: str) -> None:
    make(api, quantity=60, **WHOLE)
    answer = api.get(f"{BATCHES}/L1/sheet?count=60&paper={paper}&symbology={symbology}&format=pdf")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/pdf")
    pages = pypdf.PdfReader(io.BytesIO(answer.text.encode()), strict=True).pages
    assert len(pages) == 3
    lines = [line for page in pages for line in page.extract_text().splitlines()]
    codes = [one["code"] for one in api.get(f"{BATCHES}/L1/getSN?count=60").json()["items"]]
    assert [line[4:] for line in lines if line.startswith("(21)")] == codes
    found = []
    for page, image in zip(pages, printed_pdf(answer.text), strict=True):
        assert (page.mediabox.width, page.mediabox.height) == pytest.approx(size, abs=0.01)
        found += zxingcpp.read_barcodes(image)
    assert len(found) == 60
    assert all(sum(code in one.text for one in found) == 1 for code in codes)


def test_pages_tell_which_serials_are_on_them(api: Api) -> None:
    make(api, quantity=60, **WHOLE)
    titles = [
        text
        for _, _, text in texts(api.get(f"{BATCHES}/L1/sheet?startIndex=2&count=60").text)
        if text and text.startswith("L1")
    ]
    assert titles == ["L1 · 2-26", "L1 · 27-51", "L1 · 52-59"]


def test_modules_that_gs1_finds_too_small_are_refused(api: Api) -> None:
    make(api, quantity=3, **WHOLE)
    across = max(code.modules for code in drawn(api.get(f"{BATCHES}/L1/sheet").text)) + 2 * 4
    most = int(190 / 0.396 / across)
    assert most < sheets.MOST_COLUMNS
    for written_as in ("svg", "pdf"):
        refused = api.get(f"{BATCHES}/L1/sheet?columns={most + 1}&format={written_as}")
        message = f"Modules would measure less than 0.396 mm in more than {most} columns."
        assert (refused.status, refused.json()["details"]["fields"]) == (400, {"columns": [message]})
    page = api.get(f"{BATCHES}/L1/sheet?columns={most}")
    assert page.status == 200
    assert min(code.module for code in drawn(page.text)) >= 0.396
    # Data Matrix needs fewer modules for the same.
    assert api.get(f"{BATCHES}/L1/sheet?columns={sheets.MOST_COLUMNS}&symbology=datamatrix").status == 200


def test_a_sheet_without_a_count_is_a_page_of_labels(api: Api) -> None:
    make(api, quantity=40, gtin=GTIN)
    page = api.get(f"{BATCHES}/L1/sheet").text
    assert len(drawn(page)) == 24
    assert len([text for _, _, text in texts(page) if text and text.startswith("L1")]) == 1


@pytest.mark.parametrize(("quantity", "start", "captions"), [(0, 0, 0), (3, 3, 0), (3, 1, 2), (3, 10_000_000, 0)])
def test_a_sheet_at_the_end_of_a_lot(api: Api, quantity: int, start: int, captions: int) -> None:
    make(api, quantity=quantity)
    page = api.get(f"{BATCHES}/L1/sheet?startIndex={start}")
    assert page.status == 200
    assert len(texts(page.text)) == 1 + captions


@pytest.mark.parametrize("written_as", ["svg", "pdf"])
def test_the_largest_sheet_fits_into_an_answer(api: Api, written_as: str) -> None:
    make(api, quantity=sheets.LARGEST_SHEET, gtin=GTIN, variant="V" * 20, lotNumber="%" * 20, expiryDate="2027-12-31")
    page = api.get(f"{BATCHES}/L1/sheet?count={sheets.LARGEST_SHEET}&columns=6&format={written_as}")
    assert page.status == 200
    assert len(page.text.encode()) < 3_000_000


@pytest.mark.parametrize(
    ("query", "field", "bound"),
    [
        ("count=0", "count", "greater than or equal to 1"),
        (f"count={sheets.LARGEST_SHEET + 1}", "count", f"less than or equal to {sheets.LARGEST_SHEET}"),
        ("columns=0", "columns", "greater than or equal to 1"),
        ("startIndex=-1", "startIndex", "greater than or equal to 0"),
        ("paper=a3", "paper", "'a4' or 'letter'"),
        ("symbology=aztec", "symbology", "'qr' or 'datamatrix'"),
        ("format=png", "format", "'svg' or 'pdf'"),
    ],
)
def test_bad_parameters_of_a_sheet_are_refused(api: Api, query: str, field: str, bound: str) -> None:
    make(api, quantity=3)
    refused = api.get(f"{BATCHES}/L1/sheet?{query}")
    assert (refused.status, refused.json()["details"]["fields"]) == (400, {field: [f"Input should be {bound}"]})


def test_a_sheet_of_a_missing_lot_or_within_a_batch_is_refused(api: Api) -> None:
    assert api.get(f"{BATCHES}/L1/sheet").json()["errorCode"] == "NOT_FOUND"
    make(api, quantity=3)
    [part] = run(api, request("GET", f"{BATCHES}/L1/sheet"))
    assert isinstance(part, Part)
    assert part.status == 400
    assert f"{BATCHES}/L1/sheet by itself" in part.text
