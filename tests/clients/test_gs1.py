"""What is printed on items, as published readers of GS1's standards find it."""

import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients import published
from tests.clients.conftest import Site
from tests.support.sheets import texts

COLLECTION = "/admin/collection/demo/product/olive-oil/batch"
GTIN = "09521234543213"
DOCUMENTED = {"id": "L42", "gtin": GTIN, "expiryDate": "2028-06-30", "quantity": 10}

_values = st.text("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=20).filter(
    lambda text: text not in {".", ".."}
)
_dates = st.sampled_from(
    ["2028-06-30", "2027-12-31T00:00:00+02:00", "2027-02-28T13:45:00+05:30", "2030-01-01T08:00:00Z"]
)
_lots = st.fixed_dictionaries(
    {"gtin": st.sampled_from([GTIN, "00012345678905", "04006381333931"]), "quantity": st.integers(1, 3)},
    optional={"lotNumber": _values, "variant": _values, "expiryDate": _dates},
)


@pytest.fixture(scope="module")
def http(site: Site) -> httpx.Client:
    return httpx.Client(base_url=site.base, headers={"Authorization": f"Bearer {site.key}"})


def printed(http: httpx.Client, lot: dict[str, Any]) -> tuple[list[str], list[list[tuple[str, str]]]]:
    """The links of a new lot's items, and what stands beside their GS1 DataMatrix symbols."""
    made = http.post(COLLECTION, json=lot)
    assert made.status_code == 200, made.text
    url = f"{COLLECTION}/{lot['id']}"
    links = [item["digitalLink"] for item in http.get(f"{url}/getSN?count=3").json()["items"]]
    sheet = http.get(f"{url}/sheet?count=3&symbology=datamatrix").text
    lines = [
        (match[1], match[2]) for _, _, text in texts(sheet) if (match := re.fullmatch(r"\((\d+)\)(.+)", text or ""))
    ]
    of_one = len(lines) // len(links)
    strings = [lines[at : at + of_one] for at in range(0, len(lines), of_one)]
    assert len(strings) == len(links)
    return links, strings


def test_the_documented_lot_is_printed_by_the_rules(http: httpx.Client) -> None:
    links, strings = printed(http, DOCUMENTED)
    assert published.call("gs1.js", "check", links=links, strings=strings) == {
        "links": [None] * 3,
        "strings": [None] * 3,
    }
    for read, link in zip(published.call("gs1.js", "read", links=links), links, strict=True):
        code = link.partition("/21/")[2].partition("?")[0]
        assert read == {
            "valid": True,
            "domain": "https://id.gs1.org",
            "identifier": {"01": GTIN},
            "qualifiers": {"10": "L42", "21": code},
            "attributes": {"17": "280630"},
        }


def test_any_lot_is_printed_by_the_rules(http: httpx.Client) -> None:
    links: list[str] = []
    strings: list[list[tuple[str, str]]] = []

    @given(_lots)
    @settings(max_examples=40, database=None, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    def collect(lot: dict[str, Any]) -> None:
        more, others = printed(http, {"id": f"G{len(links)}", **lot})
        links.extend(more)
        strings.extend(others)

    collect()
    # The notation that bwip-js takes has no place for an opening parenthesis in a value; links have.
    plain = [one for one in strings if not any("(" in value for _, value in one)]
    assert len(plain) > len(strings) / 2
    found = published.call("gs1.js", "check", links=links, strings=plain)
    assert {link: told for link, told in zip(links, found["links"], strict=True) if told} == {}
    assert [(one, told) for one, told in zip(plain, found["strings"], strict=True) if told] == []
    for link, elements, read in zip(links, strings, published.call("gs1.js", "read", links=links), strict=True):
        said = read["identifier"] | read["qualifiers"] | read["attributes"]
        assert {ai: unquote(value) for ai, value in said.items()} == dict(elements), link


def test_links_and_element_strings_that_break_the_rules_are_found() -> None:
    links = ["https://id.gs1.org/01/09521234543214", f"https://id.gs1.org/01/{GTIN}/21/A/10/B"]
    strings = [[("01", GTIN), ("10", "é")], [("01", GTIN), ("17", "281330")]]
    found = published.call("gs1.js", "check", links=links, strings=strings)
    assert all(found["links"])
    assert all(found["strings"])
