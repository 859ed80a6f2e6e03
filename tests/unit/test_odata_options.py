"""System query options: what is read of a query string, and what is refused."""

from typing import Any
from urllib.parse import parse_qsl

import pytest

from batchyard.errors import NotSupported, UnsupportedMediaType
from batchyard.odata.query.errors import MalformedQuery
from batchyard.odata.query.evaluation import value
from batchyard.odata.query.options import LARGEST_NUMBER, MOST_ORDERS, Expand, Options, Order, parse_options
from batchyard.odata.query.printing import printed
from tests.support.odata_model import ATTRIBUTE, CHILD, FLAG, LABEL, MODEL, PRODUCT, ROW, parse_filter


def read(query: str) -> Options:
    return parse_options(parse_qsl(query, keep_blank_values=True), PRODUCT, MODEL)


def expanded(options: Options) -> dict[str, Options]:
    return {one.navigation.name: one.options for one in options.expand}


def test_all_query_options() -> None:
    options = read(
        "$filter=sku eq 'A'&$select=sku,title&$orderby=sku desc&$expand=labels"
        "&$top=5&$skip=10&$count=true&$skiptoken=x'("
    )
    compared: Any = parse_filter("Sku eq null", PRODUCT, MODEL)
    assert options == Options(
        filter=parse_filter("Sku eq 'A'", PRODUCT, MODEL),
        select=("Sku", "Title"),
        orderby=(Order(compared[1], descending=True),),
        expand=(Expand(PRODUCT.navigations["Labels"]),),
        top=5,
        skip=10,
        with_count=True,
        skiptoken="x'(",
    )


@pytest.mark.parametrize(
    "query",
    [
        "",
        "&",
        "?&=&",
        "access_token=secret",
        "_=1700000000",
        "limit=5&offset=x&@p=1",
        "$format=json",
        "$format=application/json;odata.metadata=minimal",
        "$FORMAT=JSON",
    ],
)
def test_empty_query_options(query: str) -> None:
    assert read(query) == Options()


@pytest.mark.parametrize(
    "query", ["$top=5&$Count=TRUE", "TOP= 5 &count=true", "&&$count=True&$TOP=5&", " $top =005&count=TRUE"]
)
def test_names_of_query_options_in_any_case_with_or_without_the_dollar_sign(query: str) -> None:
    assert read(query) == Options(top=5, with_count=True)


def test_the_order_of_options_does_not_matter() -> None:
    assert read("$top=5&$skip=3") == read("$skip=3&$top=5") == Options(top=5, skip=3)


def test_top_and_skip_at_their_limits() -> None:
    assert read(f"$top=0&$skip={LARGEST_NUMBER}") == Options(top=0, skip=LARGEST_NUMBER)


def test_select_of_properties() -> None:
    assert read("$select=sku,LABELS").select == ("Sku", "Labels")
    assert read("$select= ID , Sku,id ").select == ("ID", "Sku")
    assert read("$select=*").select is None
    assert read("$select=Sku,*").select is None


def test_orderby_of_expressions() -> None:
    orders = read("$orderby=sku DESC, length(Title) asc,Flag,IsParent eq true desc").orderby
    assert [(printed(one.expression), one.descending) for one in orders] == [
        ("Sku", True),
        ("length(Title)", False),
        ("Flag", False),
        ("IsParent eq true", True),
    ]


def test_enumerations_are_ordered_by_their_numbers() -> None:
    (by_flag,) = read("$orderby=Flag").orderby
    number = value(by_flag.expression)
    assert [number({"Flag": name}) for name in [*FLAG.members, None]] == [*FLAG.members.values(), None]
    (by_condition,) = read("$orderby=startswith(Sku,'O')").orderby
    assert value(by_condition.expression)(ROW) is True


def test_expand_with_options() -> None:
    options = read(
        "$expand=Labels($filter=name eq 'a;b)';$select=name;$orderby=Name desc;"
        "top=1;$skip=2;$Count=true),"
        "Children($expand=ChildProduct($select=Sku,ID))"
    )
    found = expanded(options)
    assert list(found) == ["Labels", "Children"]
    labels = found["Labels"]
    assert labels.filter == parse_filter("Name eq 'a;b)'", LABEL, MODEL)
    assert (labels.select, labels.top, labels.skip, labels.with_count) == (("Name",), 1, 2, True)
    assert [(printed(one.expression), one.descending) for one in labels.orderby] == [("Name", True)]
    assert expanded(found["Children"]) == {"ChildProduct": Options(select=("Sku", "ID"))}
    assert found["Children"].expand[0].navigation is CHILD.navigations["ChildProduct"]


def test_expand_of_all_navigations() -> None:
    assert expanded(read("$expand=*")) == dict.fromkeys(("Labels", "Attributes", "Children"), Options())
    assert expanded(read("$expand=*,attributes($top=1)")) == {
        "Attributes": Options(top=1),
        "Labels": Options(),
        "Children": Options(),
    }
    assert expanded(expanded(read("$expand=Children($expand=*)"))["Children"]) == {"ChildProduct": Options()}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("$filter=", "$filter, character 1: "),
        ("$filter=ID eq 'x'", "$filter, character 7: "),
        ("$select=", "$select, character 1: There should be a property"),
        ("$select=Sku,", "$select, character 5: "),
        ("$select=Sku Title", "$select, character 5: "),
        ("$select=Nope", '$select, character 1: Product has no property "Nope"'),
        ("$select=Children/ChildProduct", "$select, character 9: Only properties of the entity itself"),
        ("$select=Labels($top=1)", "$select, character 7: "),
        ("$orderby=", "$orderby, character 1: "),
        ("$orderby=Nope", '$orderby, character 1: Product has no property "Nope"'),
        ("$orderby=Sku up", "$orderby, character 5: "),
        ("$orderby=Sku,", "$orderby, character 5: "),
        ("$orderby=Labels", "$orderby, character 1: Labels is a collection"),
        (f"$orderby={','.join(['ID'] * (MOST_ORDERS + 1))}", f"at most {MOST_ORDERS} values"),
        ("$expand=", "$expand, character 1: "),
        ("$expand=Nope", '$expand, character 1: Product has no property "Nope"'),
        ("$expand=Sku", "$expand, character 1: Sku is no navigation"),
        ("$expand=Labels,labels", "$expand, character 8: Labels stands there twice"),
        ("$expand=Labels()", "$expand, character 8: There should be an option"),
        (
            "$expand=Labels($top=1",
            '$expand, character 14: There should be ")" instead of the end. In a URL, ";" is written as "%3B", and ',
        ),
        ("$expand=Labels($top=1;)", "$expand, character 15: There should be an option"),
        ("$expand=Labels($top=-1)", "$expand, character 13: There should be a whole number"),
        ("$expand=Labels($count=1)", "$expand, character 15: There should be true or false"),
        ("$expand=Labels($top=1;top=2)", "$expand, character 15: $top stands there twice"),
        ("$expand=Labels($filter=Sku eq 'A')", '$expand, character 16: Label has no property "Sku"'),
        ("$expand=Labels($filter=$it/Name eq 'A')", '$expand, character 16: Label has no property "$it"'),
        ("$expand=Labels($filter=)", "$expand, character 16: "),
        ("$expand=Labels($filter=ProductID)", "$expand, character 16: There should be a condition"),
        ("$expand=Labels($levels=2)", "$expand, character 8: There should be an option"),
        ("$expand=Labels($skiptoken=2)", "$expand, character 8: There should be an option"),
        ("$expand=Labels/$ref", "$expand, character 7: "),
        ("$expand=Children/ChildProduct", "$expand, character 9: What follows is expanded in brackets"),
        ("$expand=*($top=1)", "$expand, character 2: "),
        ("$expand=Children($expand=ChildProduct($top=1))", "$expand, character 31: ChildProduct leads to one entity"),
        (
            "$expand=Children($expand=ChildProduct($expand=Children))",
            "$expand, character 31: $expand goes at most 2 levels",
        ),
        ("$top=-1", '$top, character 1: There should be a whole number from 0 to 2147483647 instead of "-1"'),
        ("$top=1.5", "$top, character 1: "),
        ("$top=", "$top, character 1: "),
        ("$top=1 2", "$top, character 3: "),
        ("$top=1L", "$top, character 1: "),
        ("$top=٣", "$top, character 1: "),
        (f"$top={LARGEST_NUMBER + 1}", "$top, character 1: "),
        (f"$top={'9' * 5_000}", "$top, character 1: "),
        ("$skip=x", "$skip, character 1: "),
        ("$count=1", '$count, character 1: There should be true or false instead of "1"'),
        ("$count=", "$count, character 1: "),
        ("$top=1&$top=1", "$top: It stands there twice"),
        ("$filter=ID eq 1&filter=ID eq 2", "$filter: It stands there twice"),
        ("$nope=1", "$nope: There is no such option"),
        ("$apply=aggregate(ID)", "$apply: There is no such option"),
        ("$inlinecount=allpages", "$inlinecount: There is no such option"),
        (f"${'x' * 5_000}=1", "There is no such option"),
    ],
)
def test_query_options_that_are_refused(query: str, why: str) -> None:
    with pytest.raises(MalformedQuery) as error:
        read(query)
    assert why in str(error.value)
    assert len(str(error.value)) < 300


def test_search_is_not_supported() -> None:
    for query in ('$search="blue thing"', "search=x", "$expand=Labels($search=x)"):
        with pytest.raises(NotSupported):
            read(query)


@pytest.mark.parametrize("wanted", ["xml", "atom", "application/xml", "", "jsonx"])
def test_a_format_other_than_json_is_refused(wanted: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        read(f"$format={wanted}")


def test_options_of_other_types() -> None:
    options = parse_options([("$select", "value"), ("$filter", "Name eq 'Size'")], ATTRIBUTE, MODEL)
    assert options.select == ("Value",)
    with pytest.raises(MalformedQuery, match='Attribute has no property "Sku"'):
        parse_options([("$select", "Sku")], ATTRIBUTE, MODEL)
