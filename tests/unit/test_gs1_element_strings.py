"""Element strings: what a link says, and how people read it."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from batchyard.gs1.digital_link import digital_link
from batchyard.gs1.element_strings import elements_of, interpretation, predefined_first

DOMAINS = st.sampled_from(["https://id.gs1.org", "https://example.com/some/01/path"])
GTIN = "09521234543213"
values = st.text("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=20)
days = st.dates(date(1977, 1, 1), date(2076, 12, 31))


@given(DOMAINS, st.none() | values, st.none() | values, values, st.none() | days)
def test_elements_of_a_digital_link_are_those_it_was_made_of(
    domain: str, variant: str | None, lot: str | None, serial: str, expiry: date | None
) -> None:
    link = digital_link(domain, GTIN, variant=variant, lot=lot, serial=serial, expiry=expiry)
    expected = [("01", GTIN), ("22", variant), ("10", lot), ("21", serial)]
    expected += [("17", f"{expiry:%y%m%d}")] if expiry else []
    assert elements_of(link, domain) == [(name, value) for name, value in expected if value is not None]


def test_elements_of_predefined_length_come_first_in_order() -> None:
    link = digital_link("https://id.gs1.org", GTIN, variant="2A", lot="L/1", serial="7K2", expiry=date(2027, 12, 31))
    ordered = predefined_first(elements_of(link, "https://id.gs1.org"))
    assert [name for name, _ in ordered] == ["01", "17", "22", "10", "21"]


def test_human_readable_interpretation_has_identifiers_in_parentheses() -> None:
    assert interpretation([("01", GTIN), ("10", "L/(1)"), ("21", "7K2")]) == [f"(01){GTIN}", "(10)L/(1)", "(21)7K2"]
