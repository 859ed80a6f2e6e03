"""Filters at random: they mean what the standard says, another parser reads them alike, and what they print is them."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.odata.query.evaluation import predicate
from batchyard.odata.query.printing import printed
from tests.support.odata_filters import Meaning, filters, means, read_by_another, rows
from tests.support.odata_model import MODEL, PRODUCT, parse_filter

SOME_ROWS = st.lists(rows, min_size=1, max_size=5)


@given(filters(), SOME_ROWS)
@settings(max_examples=300)
def test_a_filter_means_what_the_standard_says(drawn: tuple[str, Meaning], some: list[dict[str, Any]]) -> None:
    text, meaning = drawn
    holds = predicate(parse_filter(text, PRODUCT, MODEL))
    assert [holds(row) for row in some] == [means(meaning, row) is True for row in some]


@given(filters(portable=True), SOME_ROWS)
@settings(max_examples=200)
def test_another_parser_reads_the_same_filter(drawn: tuple[str, Meaning], some: list[dict[str, Any]]) -> None:
    condition = parse_filter(drawn[0], PRODUCT, MODEL)
    holds, meaning = predicate(condition), read_by_another(printed(condition))
    assert [holds(row) for row in some] == [means(meaning, row) is True for row in some]


@given(filters())
@settings(max_examples=200)
def test_a_printed_filter_is_read_alike(drawn: tuple[str, Meaning]) -> None:
    condition = parse_filter(drawn[0], PRODUCT, MODEL)
    text = printed(condition)
    again = parse_filter(text, PRODUCT, MODEL)
    # Named tuples of different kinds may be equal; their texts with the kinds are not.
    assert (again, repr(again)) == (condition, repr(condition))
    assert printed(again) == text
