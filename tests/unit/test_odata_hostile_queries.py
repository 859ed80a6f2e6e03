"""Queries that are made to hurt: refused in the caller's words, after work that grows no faster than they do."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from re import _constants, _parser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchyard.errors import BatchyardError, NotSupported
from batchyard.odata.query import constraints, literals, options, parser, tokens
from batchyard.odata.query.errors import MalformedQuery
from batchyard.odata.query.evaluation import predicate
from batchyard.odata.query.options import parse_options
from batchyard.odata.query.parser import DEEPEST, MOST_OPERANDS
from batchyard.odata.query.printing import printed
from batchyard.odata.query.tokens import LONGEST
from tests.support.odata_model import MODEL, PRODUCT, ROW, parse_filter
from tests.support.work import steps


def clauses(count: int) -> str:
    return " or ".join(f"ID eq {number}" for number in range(count))


def nested(levels: int, before: str, after: str, inner: str = "ID eq 3") -> str:
    return before * levels + inner + after * levels


def refused(text: str) -> str:
    with pytest.raises(MalformedQuery) as error:
        parse_filter(text, PRODUCT, MODEL)
    return str(error.value)


def use(text: str) -> None:
    """Does with a filter all that can be done with one."""
    condition = parse_filter(text, PRODUCT, MODEL)
    assert parse_filter(printed(condition), PRODUCT, MODEL) == condition
    predicate(condition)(ROW)
    constraints.values_of(condition, "ID")
    constraints.values_of_any(condition, "Labels", "Name")
    constraints.interval_of(condition, "ID")


# Limits.


def test_a_filter_has_a_thousand_clauses_at_most() -> None:
    assert MOST_OPERANDS == 2_000
    use(clauses(1_000))
    use(clauses(1_000).replace(" or ", " and "))
    use(f"ID in ({','.join(map(str, range(1_999)))})")
    assert "more than 2,000 values, properties and functions" in refused(clauses(1_001))
    assert "more than 2,000" in refused(f"ID in ({','.join(map(str, range(2_000)))})")
    assert "32,768 characters" in refused(clauses(10_000))


def test_the_longest_text_of_a_filter() -> None:
    use("Sku eq '" + "x" * (LONGEST - 9) + "'")
    assert "at most 32,768 characters" in refused("Sku eq '" + "x" * (LONGEST - 8) + "'")


DEEP: dict[str, Callable[[int], str]] = {
    "brackets": lambda levels: nested(levels, "(", ")"),
    "not": lambda levels: nested(levels, "not ", "", "IsParent"),
    "not before comparisons": lambda levels: nested(levels - 1, "not ", ""),
    "not with brackets": lambda levels: nested(levels // 2, "not (", ")"),
    "functions": lambda levels: f"{nested(levels, 'tolower(', ')', 'Sku')} eq 'a'",
    "alternating": lambda levels: nested(levels // 2, "(ID eq 1 or (ID eq 2 and ", "))"),
    "comparisons": lambda levels: nested(levels, "(", ") eq true"),
    "in a lambda": lambda levels: f"Labels/any(l: {nested(levels - 1, '(', ')')})",
}


@pytest.mark.parametrize("kind", DEEP)
def test_the_depth_of_a_filter_ends_before_the_stack(kind: str) -> None:
    limit = sys.getrecursionlimit()
    depth = 0
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        depth += 1
    sys.setrecursionlimit(depth + 400)
    try:
        use(DEEP[kind](DEEPEST))
        for levels in (DEEPEST + 2, 5_000):
            text = DEEP[kind](levels)[:LONGEST]
            assert f"deeper than {DEEPEST} levels" in refused(text)
    finally:
        sys.setrecursionlimit(limit)


def test_operators_printed_with_brackets_count_into_the_depth_of_a_filter() -> None:
    assert f"deeper than {DEEPEST} levels" in refused(nested(DEEPEST, "not ", ""))
    use(nested(DEEPEST, "not ", "", "IsParent"))


# Work.

HOSTILE: dict[str, Callable[[int], str]] = {
    "brackets": lambda size: "(" * size,
    "brackets without an end": lambda size: "(ID eq 1) and " * size + "(" * size,
    "not": lambda size: "not " * size + "true",
    "not without blanks": lambda size: "not" * size,
    "functions": lambda size: "tolower(" * size,
    "lambdas": lambda size: "Labels/any(l:" * size,
    "a string without an end": lambda size: "Sku eq '" + "a" * size,
    "quotes": lambda size: "Sku eq " + "'" * (2 * size + 1),
    "strings without an end behind each other": lambda size: "Sku eq 'a" * size,
    "names before quotes": lambda size: "a'" * size + "''" * size,
    "blanks": lambda size: "ID" + " " * size + "eq 1" + "\t" * size + "x",
    "names": lambda size: "a" * size,
    "dots": lambda size: "a." * size,
    "navigations": lambda size: "Labels/" * size,
    "slashes": lambda size: "ID" + "/" * size,
    "digits": lambda size: "ID eq " + "9" * size,
    "fractions": lambda size: "ID eq 0." + "0" * size + "x",
    "exponents": lambda size: "ID eq 1e" + "9" * size,
    "signs": lambda size: "ID eq " + "-" * size,
    "moments": lambda size: "UpdateDateUtc eq " + "2024-01-01T00:00:00." * size,
    "GUIDs": lambda size: "ID eq " + "a3f0c9d2-" * size,
    "clauses": clauses,
    "clauses in brackets": lambda size: "(ID eq 1) or " * size + "true",
    "lists": lambda size: f"ID in ({'1,' * size}1)",
    "commas": lambda size: "ID in (" + "," * size,
    "enumerations": lambda size: "Flag eq Shop.Models.FlagType'1' or " * size + "Flag eq 'x'",
    "functions side by side": lambda size: "contains(Title,'a') and " * size + "true",
    "comparisons side by side": lambda size: "ID eq 1 " * size,
}
HOSTILE_OPTIONS: dict[str, tuple[str, Callable[[int], str]]] = {
    "orders": ("$orderby", lambda size: "ID," * size + "ID"),
    "selected": ("$select", lambda size: "ID," * size + "ID"),
    "all selected": ("$select", lambda size: "*," * size + "*"),
    "expanded": ("$expand", lambda size: "Labels," * size + "Labels"),
    "all expanded": ("$expand", lambda size: "*," * size + "*"),
    "expanded levels": ("$expand", lambda size: "Labels($expand=" * size),
    "options of an expansion": ("$expand", lambda size: f"Labels({'$top=1;' * size})"),
    "filters of an expansion": ("$expand", lambda size: f"Labels($filter={'(' * size})"),
    "top": ("$top", lambda size: "9" * size),
    "count": ("$count", lambda size: "true" * size),
    "skip": ("$skip", lambda size: " " * size),
}
ALL = {name: ("$filter", made) for name, made in HOSTILE.items()} | HOSTILE_OPTIONS


def read(option: str, text: str) -> None:
    parse_options([(option, text)], PRODUCT, MODEL)


@pytest.mark.parametrize("hostile", ALL)
@pytest.mark.parametrize("size", [10, 1_000, 10_000, 100_000])
def test_a_hostile_query_is_read_or_refused(hostile: str, size: int) -> None:
    option, made = ALL[hostile]
    refusal = None
    try:
        read(option, made(size))
    except MalformedQuery as error:
        refusal = error
    assert refusal is None or (refusal.option == option and len(str(refusal)) < 300)


@pytest.mark.parametrize("hostile", ALL)
def test_query_options_are_parsed_in_linear_time(hostile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The limits would end most of these before they show how they grow.
    monkeypatch.setattr(tokens, "LONGEST", 10_000_000)
    monkeypatch.setattr(parser, "MOST_OPERANDS", 10_000_000)
    monkeypatch.setattr(options, "MOST_ORDERS", 10_000_000)
    option, made = ALL[hostile]
    small, large = (_steps(option, made(size)) for size in (200, 2_000))
    assert large <= 10 * small + 200


def _steps(option: str, text: str) -> int:
    """Lines of the package that reading an option takes."""

    def act() -> None:
        with suppress(MalformedQuery):
            read(option, text)

    return steps(act, str(Path(tokens.__file__).parent))


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(value, id=f"{module.__name__.rpartition('.')[2]}.{name}")
        for module in (tokens, literals, options)
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    ],
)
def test_no_pattern_of_the_query_tokens_backtracks(pattern: re.Pattern[str]) -> None:
    # What repeats without an end gives nothing back, so that no text is gone through more than once.
    unbounded = [
        operator
        for operator, arguments in _parts(_parser.parse(pattern.pattern, pattern.flags))
        if operator in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and arguments[1] > 40
    ]
    assert unbounded == []


def _parts(parsed: Any) -> Iterator[tuple[Any, Any]]:
    for part in parsed:
        if isinstance(part, tuple) and len(part) == 2 and isinstance(part[0], type(_constants.LITERAL)):
            yield part
            part = part[1]
        if isinstance(part, (list, tuple, _parser.SubPattern)):
            yield from _parts(part)


# Whatever comes.

_WORDS = """
( ) , : / ; = * ' '' . - + $ @ " & not and or eq ne gt in has add null true any all $it desc $filter= $expand= $top=
ID Sku Title Flag Labels Children ChildProduct UpdateDateUtc IsParent tolower( startswith( substring( any( Labels/any(
l: l/Name 'a' 'RedFlag' 1 -1 1.5 1e9 9999999999 2024-02-29 2024-02-29T12:00:00Z datetime'2024-01-01' ($expand= ($filter=
Shop.Models.FlagType'1' a3f0c9d2-1b4e-4c6a-8d2f-0123456789ab
"""
_PIECES = st.sampled_from(_WORDS.split())
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(_PIECES, _PIECES, _PIECES, st.text(max_size=2)), max_size=14).map(" ".join),
    st.lists(_PIECES, max_size=14).map("".join),
)


@given(st.sampled_from(["$filter", "$orderby", "$select", "$expand", "$top", "$skip", "$count"]), _TEXTS)
@settings(max_examples=300)
def test_any_text_of_a_query_option_is_read_or_refused(option: str, text: str) -> None:
    with suppress(MalformedQuery, NotSupported):
        read(option, text)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4))
def test_any_query_string_is_read_or_refused(query: list[tuple[str, str]]) -> None:
    with suppress(BatchyardError):
        parse_options(query, PRODUCT, MODEL)


@given(_TEXTS)
@settings(max_examples=300)
def test_a_filter_that_can_be_read_can_be_used(text: str) -> None:
    with suppress(MalformedQuery):
        parse_filter(text, PRODUCT, MODEL)
        use(text)
