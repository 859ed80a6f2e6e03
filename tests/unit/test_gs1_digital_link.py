"""GS1 Digital Link URIs: their order, their encoding, and the same in bulk."""

from datetime import date
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.application_identifiers import yymmdd
from batchyard.gs1.digital_link import digital_link, link_parts

DOMAIN = "https://id.gs1.org"
GTIN = "09521234543213"

values = st.text("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=20)
days = st.dates(date(1977, 1, 1), date(2076, 12, 31))


@pytest.mark.parametrize(
    ("named", "link"),
    [
        ({}, ""),
        ({"lot": "L1"}, "/10/L1"),
        ({"serial": "7K2"}, "/21/7K2"),
        ({"serial": "7K2", "lot": "L1", "variant": "2A"}, "/22/2A/10/L1/21/7K2"),
        ({"expiry": date(2027, 12, 31)}, "?17=271231"),
        (
            {"expiry": date(2027, 12, 31), "serial": "7K2", "lot": "L1", "variant": "2A"},
            "/22/2A/10/L1/21/7K2?17=271231",
        ),
    ],
)
def test_qualifiers_come_in_the_order_of_the_standard(named: dict[str, str | date], link: str) -> None:
    assert digital_link(DOMAIN, GTIN, **named) == f"{DOMAIN}/01/{GTIN}{link}"  # type: ignore[arg-type]


def test_a_domain_may_have_a_path() -> None:
    assert digital_link("https://example.com/some/path", GTIN) == f"https://example.com/some/path/01/{GTIN}"


def test_characters_that_mean_something_in_a_uri_are_encoded() -> None:
    link = digital_link(DOMAIN, GTIN, lot="!\"%&'()*+,-./:;<=>?_")
    assert link.endswith("/10/%21%22%25%26%27%28%29%2A%2B%2C-.%2F%3A%3B%3C%3D%3E%3F_")


@given(values, values, values, days)
def test_a_digital_link_reads_back_as_its_values(variant: str, lot: str, serial: str, expiry: date) -> None:
    parts = urlsplit(digital_link(DOMAIN, GTIN, variant=variant, lot=lot, serial=serial, expiry=expiry))
    assert [unquote(segment) for segment in parts.path.split("/")] == [
        "", "01", GTIN, "22", variant, "10", lot, "21", serial,
    ]  # fmt: skip
    assert parse_qsl(parts.query) == [("17", yymmdd(expiry))]
    assert not parts.fragment


@given(st.none() | values, st.none() | values, st.text("0123456789ABCXYZ", min_size=1, max_size=20), st.none() | days)
def test_digital_links_in_bulk_are_as_one_by_one(
    variant: str | None, lot: str | None, serial: str, expiry: date | None
) -> None:
    before, after = link_parts(DOMAIN, GTIN, variant=variant, lot=lot, expiry=expiry)
    assert before + serial + after == digital_link(
        DOMAIN, GTIN, variant=variant, lot=lot, serial=serial, expiry=expiry
    )  # fmt: skip
