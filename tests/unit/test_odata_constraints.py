"""What a filter says about keys: as much as there is to say, and never too much."""

from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from batchyard.odata.query.constraints import Interval, interval_of, values_of, values_of_any
from batchyard.odata.query.evaluation import predicate
from batchyard.odata.query.syntax import Expression
from tests.support.odata_filters import filters, micros, rows
from tests.support.odata_model import LABEL, MODEL, PRODUCT, parse_filter


def read(text: str) -> Expression:
    return parse_filter(text, PRODUCT, MODEL)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("ID eq 1", {1}),
        ("1 eq ID", {1}),
        ("ID in (1,2,3)", {1, 2, 3}),
        ("ID eq 1 or ID eq 2 or (ID in (3) or 4 eq ID)", {1, 2, 3, 4}),
        ("(ID eq 1 or ID eq 2) and IsParent eq false", {1, 2}),
        ("(ID eq 1 or ID eq 2) and ID in (2,3)", {2}),
        ("ID eq 1 and ID eq 2", set()),
        ("(ID eq 1 and IsParent) or (ID eq 2 and Sku eq 'A')", {1, 2}),
        # It is never null.
        ("ID eq 1 or ID eq null or ID in (2,null)", {1, 2}),
        ("ID eq null", set()),
        ("ID eq 1.0 or ID eq 1.5 or ID eq 2147483648", {1}),
        ("ID eq 1 or Sku eq 'A'", None),
        ("ID gt 1", None),
        ("ID ne 1", None),
        ("not (ID eq 1)", None),
        ("ID eq TotalQuantity", None),
        ("floor(ID) eq 1", None),
        ("Labels/any(l: l/ProductID eq 1)", None),
        ("Children/any(id: id/ChildProductID eq 1 and $it/ID eq 1)", None),
    ],
)
def test_values_that_a_filter_allows_a_key(text: str, values: set[Any] | None) -> None:
    assert values_of(read(text), "ID") == values


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("IsParent", {True}),
        ("not IsParent and ID gt 1", {False}),
        ("IsParent eq true or IsParent eq false", {True, False}),
        ("not not IsParent", None),
    ],
)
def test_values_of_a_boolean_property_as_a_condition(text: str, values: set[Any] | None) -> None:
    assert values_of(read(text), "IsParent") == values


def test_values_of_enumerations_and_of_strings() -> None:
    assert values_of(read("Flag eq '1' or Flag eq 'BlueFlag'"), "Flag") == {"RedFlag", "BlueFlag"}
    assert values_of(read("sku in ('a','A')"), "Sku") == {"a", "A"}
    assert values_of(read("tolower(Sku) eq 'a'"), "Sku") is None


@pytest.mark.parametrize("text", ["Sku eq null", "null eq Sku", "Sku in ('a',null)", "Sku eq 'a' or Sku eq null"])
def test_a_comparison_with_null_gives_no_key_values(text: str) -> None:
    assert values_of(read(text), "Sku") is None
    assert values_of(read(f"({text}) and Sku eq 'a'"), "Sku") == {"a"}
    assert (
        values_of_any(read(f"Attributes/any(sku: {text.replace('Sku', 'sku/Value')})"), "Attributes", "Value") is None
    )


def test_values_behind_a_navigation() -> None:
    condition = parse_filter("Product/ID eq 1 and ProductID eq 2", LABEL, MODEL)
    assert values_of(condition, "Product", "ID") == {1}
    assert values_of(condition, "ProductID") == {2}
    assert values_of(condition, "ID") is None


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Labels/any(l: l/Name eq 'a')", {"a"}),
        ("Labels/any(l: l/Name in ('a','b') and l/ProductID gt 1)", {"a", "b"}),
        ("Labels/any(l: l/Name eq 'a' or l/Name eq 'b') and IsParent", {"a", "b"}),
        ("Labels/any(l: l/Name eq 'a') or Labels/any(k: k/Name eq 'b')", {"a", "b"}),
        ("Labels/any(l: l/Name in ('a','b')) and Labels/any(k: k/Name eq 'c')", {"c"}),
        ("Labels/any(l: l/Name eq 'a' and l/Name eq 'b')", set()),
        ("Labels/any(l: l/Name eq 'a') or ID eq 1", None),
        ("Labels/any(l: l/Name eq Sku)", None),
        ("Labels/any(l: l/Name ne 'a')", None),
        ("Labels/all(l: l/Name eq 'a')", None),
        ("not Labels/any(l: l/Name eq 'a')", None),
        ("Labels/any()", None),
        ("Attributes/any(a: a/Name eq 'a')", None),
        ("Labels/any(l: l/Product/Sku eq 'a' and Sku eq 'b')", None),
    ],
)
def test_values_in_a_collection(text: str, values: set[Any] | None) -> None:
    assert values_of_any(read(text), "Labels", "Name") == values


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("ID gt 1", Interval(low=1)),
        ("ID ge 1", Interval(low=1, with_low=True)),
        ("ID lt 1", Interval(high=1)),
        ("1 ge ID", Interval(high=1, with_high=True)),
        ("1 lt ID", Interval(low=1)),
        ("ID eq 1", Interval(1, 1, with_low=True, with_high=True)),
        ("ID in (3,1,2)", Interval(1, 3, with_low=True, with_high=True)),
        ("ID ge 1 and ID lt 5 and ID ge 2 and ID lt 4", Interval(2, 4, with_low=True)),
        ("ID ge 1 and ID gt 1 and ID le 5 and ID lt 5", Interval(1, 5)),
        ("ID gt 1 and IsParent eq true and (Sku eq 'a' or ID lt 3)", Interval(low=1)),
        ("ID gt 3 or ID ge 3", Interval(low=3, with_low=True)),
        ("ID lt 3 or ID eq 7", Interval(high=7, with_high=True)),
        ("ID gt 1 or ID lt 9", None),
        ("(ID gt 1 or ID lt 9) and ID le 5", Interval(high=5, with_high=True)),
        ("ID gt 1 or Sku eq 'a'", None),
        ("ID ne 1", None),
        ("ID ge null", None),
        ("ID in (1,null)", None),
        ("not (ID gt 1)", None),
        ("ID gt TotalQuantity", None),
    ],
)
def test_intervals_that_a_filter_allows_a_key(text: str, interval: Interval | None) -> None:
    assert interval_of(read(text), "ID") == interval


def test_intervals_of_moments_and_none_of_enumerations() -> None:
    condition = read("UpdateDateUtc ge 2024-01-01 and UpdateDateUtc lt 2024-02-01T00:00:00Z and Flag gt 'RedFlag'")
    expected = Interval(micros("2024-01-01"), micros("2024-02-01"), with_low=True)
    assert interval_of(condition, "UpdateDateUtc") == expected
    assert interval_of(condition, "Flag") is None


@pytest.mark.parametrize(
    ("text", "empty"),
    [
        ("ID gt 1 and ID lt 1", True),
        ("ID ge 1 and ID lt 1", True),
        ("ID ge 1 and ID le 1", False),
        ("ID gt 2 and ID lt 1", True),
        ("ID gt 1 and ID lt 2", False),
        ("ID gt 1", False),
    ],
)
def test_empty_intervals(text: str, empty: bool) -> None:
    interval = interval_of(read(text), "ID")
    assert interval is not None
    assert interval.empty is empty


# At random: whatever a filter is, what it says of keys holds for the rows that fulfil it.


@st.composite
def keyed(draw: st.DrawFn, deep: int = 3) -> str:
    """Filters about few properties with few values, so that many of them say something of keys."""
    kind = draw(st.integers(0, 7)) if deep else 0
    if kind <= 3:
        comparison = st.sampled_from(["eq", "ge", "gt", "le", "lt", "ne"])
        number = st.sampled_from(["-1", "0", "1", "1.5", "2", "null"])
        return draw(
            st.one_of(
                st.builds("ID {} {}".format, comparison, number),
                st.builds("{1} {0} ID".format, comparison, number),
                st.builds("ID in ({},{})".format, number, number),
                st.builds("Sku {} '{}'".format, comparison, st.sampled_from(["", "a", "A"])),
                st.builds("UpdateDateUtc {} {}".format, comparison, st.sampled_from(["1970-01-01", "2024-02-29"])),
                st.builds("Labels/any(l:l/Name {} '{}')".format, comparison, st.sampled_from(["a", "A"])),
                st.builds("Labels/any(l:l/Name {} '{}' or ID eq 1)".format, comparison, st.sampled_from(["a", "A"])),
                st.sampled_from(["IsParent", "Flag eq '1'", "not IsParent", "Sku eq null", "Sku in ('a',null)"]),
            )
        )
    if kind == 4:
        return f"not ({draw(keyed(deep - 1))})"
    operator = draw(st.sampled_from([" and ", " or "]))
    return operator.join(f"({one})" for one in draw(st.lists(keyed(deep - 1), min_size=2, max_size=3)))


def within(value: Any, interval: Interval) -> bool:
    if value is None:
        return False
    above = interval.low is None or value > interval.low or (interval.with_low and value == interval.low)
    return above and (interval.high is None or value < interval.high or (interval.with_high and value == interval.high))


@given(st.one_of(keyed(), filters().map(lambda drawn: drawn[0])), st.lists(rows, min_size=2, max_size=5))
@settings(max_examples=250)
def test_values_and_intervals_of_a_filter_leave_no_row_out(text: str, some: list[dict[str, Any]]) -> None:
    condition = read(text)
    fulfilling = list(filter(predicate(condition), some))
    found: dict[str, Any] = {name: values_of(condition, name) for name in ("ID", "Sku", "Flag", "IsParent")}
    for name, values in found.items():
        assert values is None or (None not in values and all(row[name] in values for row in fulfilling))
    for name in ("ID", "Sku", "UpdateDateUtc", "Cost"):
        interval = interval_of(condition, name)
        assert interval is None or all(within(row[name], interval) for row in fulfilling)
        assert interval is None or not interval.empty or not fulfilling
    names = values_of_any(condition, "Labels", "Name")
    assert names is None or all(any(label["Name"] in names for label in row["Labels"]) for row in fulfilling)
    event(f"says something of values: {any(values is not None for values in [*found.values(), names])}")
