"""Sheets of QR codes: what a scanner reads off them are the serials of the batch."""

from xml.etree import ElementTree

import pytest
import zxingcpp

from batchyard.product_batches.serials import sheets
from tests.support.api import Api
from tests.support.batch import Part, request, run
from tests.support.lots import BATCHES, GTIN, make
from tests.support.sheets import printed, texts


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
    assert captions == [one["code"] for one in serials]


def test_without_saying_how_many_it_is_a_page_of_labels(api: Api) -> None:
    make(api, quantity=40, gtin=GTIN)
    assert len(texts(api.get(f"{BATCHES}/L1/sheet").text)) == 1 + 24


@pytest.mark.parametrize(("quantity", "start", "captions"), [(0, 0, 0), (3, 3, 0), (3, 1, 2), (3, 10_000_000, 0)])
def test_at_the_end_of_the_batch(api: Api, quantity: int, start: int, captions: int) -> None:
    make(api, quantity=quantity)
    page = api.get(f"{BATCHES}/L1/sheet?startIndex={start}")
    assert page.status == 200
    assert len(texts(page.text)) == 1 + captions


def test_the_largest_sheet_fits_into_an_answer(api: Api) -> None:
    make(api, quantity=sheets.LARGEST_SHEET, gtin=GTIN, variant="V" * 20, lotNumber="%" * 20, expiryDate="2027-12-31")
    page = api.get(f"{BATCHES}/L1/sheet?count={sheets.LARGEST_SHEET}&columns=6")
    assert page.status == 200
    assert ElementTree.fromstring(page.text).tag == "{http://www.w3.org/2000/svg}svg"
    assert len(page.text.encode()) < 3_000_000


@pytest.mark.parametrize(
    ("query", "field", "bound"),
    [
        ("count=0", "count", "greater than or equal to 1"),
        (f"count={sheets.LARGEST_SHEET + 1}", "count", f"less than or equal to {sheets.LARGEST_SHEET}"),
        ("columns=0", "columns", "greater than or equal to 1"),
        ("startIndex=-1", "startIndex", "greater than or equal to 0"),
    ],
)
def test_what_is_no_page_is_refused(api: Api, query: str, field: str, bound: str) -> None:
    make(api, quantity=3)
    refused = api.get(f"{BATCHES}/L1/sheet?{query}")
    assert (refused.status, refused.json()["details"]["fields"]) == (400, {field: [f"Input should be {bound}"]})


def test_of_no_batch_and_in_no_batch(api: Api) -> None:
    assert api.get(f"{BATCHES}/L1/sheet").json()["errorCode"] == "NOT_FOUND"
    make(api, quantity=3)
    [part] = run(api, request("GET", f"{BATCHES}/L1/sheet"))
    assert isinstance(part, Part)
    assert part.status == 400
    assert f"{BATCHES}/L1/sheet by itself" in part.text
