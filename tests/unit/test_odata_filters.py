"""Filters: what is read, what it says of a row, and what is refused with its position."""

import pytest

from batchyard.odata.query.errors import MalformedQuery
from batchyard.odata.query.evaluation import predicate
from batchyard.odata.query.printing import printed
from tests.support.odata_model import CHILD, LABEL, MODEL, PRODUCT, ROW, parse_filter

HOLDS = [
    # Comparisons.
    "ID eq 3",
    "ID ne 4 and ID gt 2 and ID ge 3 and ID lt 4 and ID le 3",
    "3 eq ID",
    "ID gt -1 and ID lt +4",
    "ID eq 3.0 and ID eq 3L and Cost eq 2.5M and Cost eq 2.5m and Cost eq 25e-1 and Cost eq 0.25E1d and Cost eq 2.5f",
    "ID lt 99999999999999999999",
    "Weight lt ID and Cost lt ID",
    "Sku eq 'O''NEIL'",
    "Sku gt 'O' and Sku lt 'o'",
    "Title ne Sku",
    "IsParent eq false and IsParent ne true and IsParent lt true",
    "startswith(Sku,'O') eq true and (ID eq 3) eq true and false eq (ID eq 4)",
    # The case of names, operators, functions and constants does not count; that of values does.
    "sku EQ 'O''NEIL' And TOLOWER(SKU) Eq 'o''neil' AND NOT (sku eq 'o''neil')",
    "isparent eq FALSE and length EQ Null",
    # Blanks, and none where brackets do.
    "(ID eq 1)or(ID eq 3)",
    "  ID\teq 3 ",
    "( ID eq 3 )",
    "startswith ( Sku , 'O' )",
    "not(ID eq 4)",
    # Precedence.
    "ID eq 3 or ID eq 4 and ID eq 5",
    "not ((ID eq 3 or ID eq 4) and ID eq 5)",
    "not IsParent",
    "not IsParent eq true",
    "not not IsParent eq false",
    "not ID eq 4",
    "not not ID eq 3",
    "not contains(Sku,'x') and not IsParent",
    # Null.
    "null eq null and Length eq null and not (Length ne null) and ID ne null",
    "not (Length gt 1) and not (Length le 1) and not (ID lt null)",
    "Length ge null and Length le Length",
    "startswith(null,'a') eq null and length(null) eq null",
    "not (Length in (1,2)) and Length in (1,null)",
    # In.
    "ID in (1,2,3) and Sku in ('A','O''NEIL') and Cost in ( 2.5 ) and not (ID in (1,2))",
    "tolower(Sku) IN ('o''neil')",
    # Enumerations: names, qualified names, numbers in quotes or not; ordered by number.
    "Flag eq 'RedFlag' and flag eq 'redflag' and Flag eq '1' and Flag eq 1 and 'RedFlag' eq Flag",
    "Flag eq Shop.Models.FlagType'RedFlag' and Flag eq shop.models.flagtype'1' and Flag eq FlagType'RedFlag'",
    "Flag gt 'NoFlag' and Flag lt 'QuestionMark' and Flag lt 'BlueFlag' and Flag ge 1 and Flag ne null",
    "Flag in ('RedFlag',2,Shop.Models.FlagType'BlueFlag')",
    # Moments.
    "UpdateDateUtc eq 2024-02-29T13:14:15.5Z and UpdateDateUtc eq 2024-02-29T13:14:15.500000",
    "UpdateDateUtc eq 2024-02-29T15:14:15.5+02:00 and UpdateDateUtc eq 2024-02-29T10:44:15.5-02:30",
    # Of a plus that was not encoded, a query string leaves a blank.
    "UpdateDateUtc eq 2024-02-29T15:14:15.5 02:00 and UpdateDateUtc in (2024-02-29T15:14:15.5 02:00)",
    "UpdateDateUtc eq datetimeoffset'2024-02-29T15:14:15.5 02:00'",
    "UpdateDateUtc gt 2024-02-29 and UpdateDateUtc lt 2024-03-01 and UpdateDateUtc ge 2024-02-29T13:14z",
    "UpdateDateUtc gt datetime'2024-02-29T13:14:15' and UpdateDateUtc lt DateTimeOffset'2024-02-29T13:14:16Z'",
    "UpdateDateUtc gt 1969-12-31T23:59:59.999999Z and UpdateDateUtc lt 9999-12-31T23:59:59.9999999Z",
    "date(UpdateDateUtc) eq 2024-02-29",
    "year(UpdateDateUtc) eq 2024 and month(UpdateDateUtc) eq 2 and day(UpdateDateUtc) eq 29",
    "hour(UpdateDateUtc) eq 13 and minute(UpdateDateUtc) eq 14 and second(UpdateDateUtc) eq 15",
    # Functions.
    "startswith(Sku,'O''') and endswith(Sku,'IL') and contains(Sku,'NE') and contains(Title,'''')",
    "substringof('NE',Sku) and SubStringOf('it',Title) eq true",
    "tolower(Sku) eq 'o''neil' and toupper(trim(Title)) eq 'IT''S' and length(Sku) eq 6",
    "indexof(Sku,'N') eq 2 and indexof(Sku,'x') eq -1",
    "substring(Sku,2) eq 'NEIL' and substring(Sku,2,3) eq 'NEI' and substring(Sku,-2) eq Sku",
    "round(Cost) eq 3 and round(Weight) eq -1 and floor(Cost) eq 2 and floor(Weight) eq -1",
    "ceiling(Cost) eq 3 and ceiling(Weight) eq 0 and round(0.49999999999999994) eq 0 and round(ID) eq 3",
    "length(Title) gt indexof(Sku,'L')",
    # Collections.
    "Labels/any()",
    "not Children/any() and Children/all(c: c/ChildProductID eq 1)",
    "Labels/any(l: l/Name eq 'Sale')",
    "Labels/Any (l: l/Name eq 'Sale')",
    "labels/ANY(L:l/name eq 'New' or L/Name eq 'x')",
    "Labels/all(l: length(l/Name) ge 3 and l/ProductID eq ID)",
    "not Labels/all(l: l/Name eq 'Sale')",
    "Attributes/Any (c: c/Value eq '13M') and Flag eq 'RedFlag' and Attributes/Any (c: c/Name eq 'Size') ",
    "Attributes/any(a: a/Value eq null) and not Attributes/all(a: startswith(a/Value,'1'))",
    "Attributes/any(sku: sku/Name eq 'Size' and startswith($it/Sku,'O') and Title eq $it/Title)",
    "$it/ID eq 3",
    "Labels/any(l: l/Product/Sku eq null)",
]


@pytest.mark.parametrize("text", HOLDS)
def test_a_condition_that_a_row_fulfils(text: str) -> None:
    condition = parse_filter(text, PRODUCT, MODEL)
    assert predicate(condition)(ROW) is True
    assert predicate(parse_filter(f"not ({text})", PRODUCT, MODEL))(ROW) is False
    assert parse_filter(printed(condition), PRODUCT, MODEL) == condition


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "not null",
        "IsParent",
        "Length gt 0",
        "not startswith(null,'a')",
        "null and true",
        "null or false",
        "false",
    ],
)
def test_a_filter_that_is_null_or_false_does_not_hold(text: str) -> None:
    assert predicate(parse_filter(text, PRODUCT, MODEL))(ROW) is False


@pytest.mark.parametrize(("text", "known"), [("null or true", True), ("not (null and false)", True)])
def test_a_null_operand_does_not_count_where_the_other_decides(text: str, known: bool) -> None:
    assert predicate(parse_filter(text, PRODUCT, MODEL))(ROW) is known


def test_filters_through_single_navigations() -> None:
    condition = parse_filter("product/sku eq 'A' and Product/Labels/any(l: l/Name eq 'x')", LABEL, MODEL)
    assert printed(condition) == "Product/Sku eq 'A' and Product/Labels/any(l:l/Name eq 'x')"
    holds = predicate(condition)
    assert holds({"Product": {"Sku": "A", "Labels": [{"Name": "x"}]}})
    assert not holds({"Product": {"Sku": "A"}})
    assert not holds({"Product": None})
    children = parse_filter("Children/any(c: c/ChildProduct/Sku eq 'A')", PRODUCT, MODEL)
    assert predicate(children)({"Children": [{"ChildProduct": None}, {"ChildProduct": {"Sku": "A"}}]})
    assert predicate(parse_filter("ChildProduct/ID eq null", CHILD, MODEL))({"ChildProduct": None})


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  sku EQ  'it''s' ", "Sku eq 'it''s'"),
        ("((ID eq 1) or ((ID eq 2) OR (ID eq 3)))", "ID eq 1 or ID eq 2 or ID eq 3"),
        ("ID eq 1 and (ID eq 2 or ID eq 3)", "ID eq 1 and (ID eq 2 or ID eq 3)"),
        ("(ID eq 1 and ID eq 2) or ID eq 3", "ID eq 1 and ID eq 2 or ID eq 3"),
        ("NOT  ID eq 1 ", "not (ID eq 1)"),
        ("not (IsParent eq true)", "not (IsParent eq true)"),
        ("(not IsParent) eq true", "not IsParent eq true"),
        ("substringof('a', Title)", "contains(Title,'a')"),
        ("flag eq '1'", "Flag eq FlagType'RedFlag'"),
        ("UpdateDateUtc ge 2024-02-29", "UpdateDateUtc ge 2024-02-29T00:00:00Z"),
        ("UpdateDateUtc ge 2024-02-29T01:00:00.1230+01:00", "UpdateDateUtc ge 2024-02-29T00:00:00.123000Z"),
        ("ID in ( 1 , 2.50M )", "ID in (1,2.5)"),
        ("Labels / Any ( X : X / name eq 'a' )", "Labels/any(x:x/Name eq 'a')"),
        ("Labels/any(sku: sku/Name eq $it/sku)", "Labels/any(sku:sku/Name eq $it/Sku)"),
        ("$it/Sku eq null", "Sku eq null"),
    ],
)
def test_the_canonical_text_of_a_filter(text: str, canonical: str) -> None:
    condition = parse_filter(text, PRODUCT, MODEL)
    assert printed(condition) == canonical
    assert parse_filter(canonical, PRODUCT, MODEL) == condition


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        # Nothing, or not enough.
        ("", 1, "instead of the end"),
        ("   ", 4, "instead of the end"),
        ("ID", 1, "a condition, not a number"),
        ("ID eq", 6, "instead of the end"),
        ("ID eq 1 and", 12, "instead of the end"),
        ("(ID eq 1", 9, '")" instead of the end'),
        ("not", 4, "instead of the end"),
        ("Labels/any(", 12, "a variable instead of the end"),
        # Too much.
        ("ID eq 1 2", 9, 'instead of "2"'),
        ("ID eq 1)", 8, 'instead of ")"'),
        ("ID eq 1 eq true", 9, 'instead of "eq"'),
        ("ID eq 1 and or ID eq 2", 13, 'no property "or"'),
        ("ID eq eq 1", 7, 'no property "eq"'),
        ("and", 1, 'no property "and"'),
        # Characters.
        ("Title eq 'it's'", 13, "a quote is written twice"),
        ("Title eq 'it", 10, 'does not end. In a URL, ";" is written as "%3B", and "&" as "%26".'),
        ("Title eq '''", 10, "does not end"),
        ("Title eq 'a'or ID eq 1", 12, "a quote is written twice"),
        ("Title eq `a`", 10, '"`" cannot stand here'),
        ('Title eq "a"', 10, "cannot stand here"),
        ("ID eq @p", 7, '"@" cannot stand here'),
        ("ID eq \x00", 7, "cannot stand here"),
        ("ID = 1", 4, 'a comparison instead of "="'),
        ("Sku like 'a'", 5, 'a comparison instead of "like"'),
        # Numbers and moments.
        ("ID eq 1x", 7, '"1x…" is no value'),
        ("ID eq 1.", 7, '"1.…" is no value'),
        ("ID eq 0x10", 7, "no value"),
        ("ID eq ٣", 7, "cannot stand here"),
        (f"ID eq {'9' * 41}", 7, "is no value"),
        ("Cost eq 1e999", 9, "is no value"),
        ("Cost eq -INF", 9, "Arithmetic"),
        ("UpdateDateUtc eq 2023-02-29", 18, "is no value"),
        ("UpdateDateUtc eq 2024-02-29T24:00:00Z", 18, "is no value"),
        ("UpdateDateUtc eq 2024-02-29T23:60", 18, "is no value"),
        ("UpdateDateUtc eq 2024-02-29T23:59:60Z", 18, "is no value"),
        ("UpdateDateUtc eq 2024-02-29T23:59:59+15:00", 18, "is no value"),
        ("UpdateDateUtc eq 0000-01-01", 18, "is no value"),
        ("UpdateDateUtc eq 0001-01-01T00:00:00+00:01", 18, "is no value"),
        ("UpdateDateUtc eq 9999-12-31T23:59:59-00:01", 18, "is no value"),
        ("UpdateDateUtc eq datetime'today'", 18, "is no value"),
        ("ID eq guid'a3f0c9d2-1b4e-4c6a-8d2f-0123456789ab'", 7, "is no value"),
        ("ID eq a3f0c9d2-1b4e-4c6a-8d2f-0123456789ab", 7, "is no value"),
        ("Title eq binary'AA'", 10, "is no value"),
        # Names.
        ("Skuu eq 'a'", 1, 'Product has no property "Skuu"'),
        ("ID eq 1 and Labels/any(l: l/Nam eq 'a')", 29, 'Label has no property "Nam"'),
        ("Labels/any(l: k/Name eq 'a')", 15, 'Product has no property "k"'),
        ("Product/Sku eq 'a'", 1, 'no property "Product"'),
        ("Sku/Name eq 'a'", 4, "Sku has no properties"),
        ("Tags eq 'a'", 1, "Tags is no single value"),
        ("$it eq 1", 1, "is an entity"),
        ("Children/any(c: c/ChildProduct eq 1)", 19, "is an entity"),
        ("Labels/any(l: l eq 'a')", 15, "is an entity"),
        ("Labels eq 'a'", 1, "Labels is a collection"),
        ("Labels/Name eq 'a'", 8, "any or all"),
        ("Labels/$count gt 1", 8, "any or all"),
        # Lambdas.
        ("Labels/all()", 12, "a variable"),
        ("Labels/any(l)", 13, '":"'),
        ("Labels/any(l: l/Name)", 15, "a condition, not a string"),
        ("Labels/any(null: null/Name eq 'a')", 12, "a variable"),
        ("Labels/any($it: $it/Name eq 'a')", 12, "a variable"),
        ("Labels/any(a.b: a.b/Name eq 'a')", 12, "a variable"),
        ("Labels/any(ä: ä/Name eq 'a')", 12, "a variable"),
        ("Labels/any(l: Attributes/any(a: a/Name eq 'a'))", 26, "cannot stand within another"),
        ("Labels/any(l: l/Product/Labels/any(k: k/Name eq 'a'))", 25, "at most 2 navigations"),
        ("Children/any(c: c/ChildProduct/Labels/any())", 32, "at most 2 navigations"),
        # Functions.
        ("nope(Sku) eq 1", 1, 'no function "nope"'),
        ("concat(Sku,Title) eq 'a'", 1, 'no function "concat"'),
        ("startswith(Sku) eq true", 15, '","'),
        ("startswith(Sku,'a','b')", 19, '")"'),
        ("length() eq 1", 8, 'instead of ")"'),
        ("length(ID) eq 1", 8, "length takes a string here, not a number"),
        ("year(Sku) eq 1", 6, "year takes Edm.DateTimeOffset here, not a string"),
        ("substring(Sku,'a') eq 'b'", 15, "takes a number"),
        ("substringof(1,Sku)", 13, "contains takes a string here"),
        ("floor(Flag) eq 1", 7, "takes a number here, not FlagType"),
        # Types.
        ("ID eq '1'", 7, "a number cannot be compared with a string"),
        ("Sku eq 1", 8, "a string cannot be compared with a number"),
        ("Sku eq ID", 8, "a string cannot be compared with a number"),
        ("IsParent eq 1", 13, "true or false cannot be compared with a number"),
        ("UpdateDateUtc ge '2024-01-01'", 18, "Edm.DateTimeOffset cannot be compared with a string"),
        ("Flag eq Sku", 9, "FlagType cannot be compared with a string"),
        ("Flag eq ID", 9, "FlagType cannot be compared with a number"),
        ("Flag eq true", 9, 'FlagType has no member "True"'),
        ("Flag eq 'Purple'", 9, 'FlagType has no member "Purple"'),
        ("Flag eq 99", 9, 'FlagType has no member "99"'),
        ("Flag eq 1.5", 9, 'FlagType has no member "1.5"'),
        ("Flag eq '99'", 9, "FlagType has no member"),
        ("Flag eq Shop.Models.FlagType'Purple'", 9, "is no value"),
        ("Flag eq Other.FlagType'RedFlag'", 9, "is no value"),
        ("Sku eq Shop.Models.FlagType'RedFlag'", 8, "a string cannot be compared with FlagType"),
        ("ID in ('a')", 8, "a number cannot be compared with a string"),
        ("ID in ()", 8, "a value"),
        ("ID in (1,)", 10, "a value"),
        ("ID in (ID)", 8, "a value"),
        ("ID in 1", 7, '"("'),
        ("ID and IsParent", 1, "a condition, not a number"),
        ("IsParent and ID", 14, "a condition, not a number"),
        ("not ID", 5, "a condition, not a number"),
        ("not Sku and true", 5, "a condition, not a string"),
        # What this service does not do.
        ("ID add 1 eq 2", 4, "Arithmetic is not supported"),
        ("ID mod 2 eq 0", 4, "Arithmetic is not supported"),
        ("ID eq -Cost", 7, "Arithmetic is not supported"),
        ("Flag has 'RedFlag'", 6, "has is not supported"),
    ],
)
def test_a_filter_that_is_refused(text: str, position: int, why: str) -> None:
    with pytest.raises(MalformedQuery) as error:
        parse_filter(text, PRODUCT, MODEL)
    assert str(error.value).startswith(f"$filter, character {position}: ")
    assert why in str(error.value)


def test_error_messages_repeat_only_the_beginning_of_a_filter() -> None:
    for text in ("N" * 20_000, f"nope{'e' * 20_000}()", f"ID eq 1 {'x' * 20_000}", f"Flag eq '{'x' * 20_000}'"):
        with pytest.raises(MalformedQuery) as error:
            parse_filter(text, PRODUCT, MODEL)
        assert len(str(error.value)) < 300
