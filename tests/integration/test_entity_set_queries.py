"""Queries and addresses of entity sets, as public reports tell of them: what is shown, and how it is refused."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.integration.test_entity_sets_reading import asked, ids, refused
from tests.integration.test_entity_sets_writing import made, wrong
from tests.support.api import Api
from tests.support.batch import request, run_flat


def url(path: str) -> str:
    return quote(path, safe="=&$%(),'/:;?*")


# Contexts.


@pytest.mark.parametrize(
    ("query", "context"),
    [
        ("", "Products"),
        ("$select=Sku,ID", "Products(ID,Sku)"),
        ("$select=*", "Products"),
        ("$expand=Attributes", "Products"),
        ("$select=ID&$expand=Attributes", "Products(ID)"),
        ("$select=id,attributes&$expand=Attributes", "Products(ID,Attributes)"),
        ("$select=Attributes", "Products(Attributes)"),
        ("$select=ID&$expand=Attributes($select=Name)", "Products(ID,Attributes(Name))"),
        ("$select=ID,Attributes&$expand=Attributes($select=Name)", "Products(ID,Attributes(Name))"),
        ("$expand=Attributes($select=Value,Name),Images", "Products(Attributes(Name,Value))"),
        ("$expand=Children($expand=ChildProduct($select=Sku))", "Products(Children(ChildProduct(Sku)))"),
    ],
)
def test_a_context_names_what_is_selected_and_of_what_is_expanded(api: Api, query: str, context: str) -> None:
    id = made(api, "A", Attributes=[{"Name": "a", "Value": "b"}])
    assert asked(api, f"Products?{query}")["@odata.context"].endswith(f"/v1/$metadata#{context}")
    assert asked(api, f"Products({id})?{query}")["@odata.context"].endswith(f"/v1/$metadata#{context}/$entity")


# Options where they mean nothing.


@pytest.mark.parametrize("option", ["$filter=ID eq 2", "$top=0", "$skip=1", "$orderby=ID", "$count=true", "TOP=1"])
@pytest.mark.parametrize(
    "path", ["Products({id})", "Products({id})/Attributes('a')", "Products({id})/Attributes('a')/Product"]
)
def test_an_option_of_several_entities_is_refused_where_there_is_one(api: Api, path: str, option: str) -> None:
    id = made(api, "A", Attributes=[{"Name": "a", "Value": "b"}])
    path = path.format(id=id)
    assert asked(api, path)
    name = "$" + option.partition("=")[0].removeprefix("$").lower()
    assert refused(api, url(f"{path}?{option}")).startswith(f"{name}: ")
    [part] = run_flat(api, request("GET", f"{path}?{option}"))
    assert part.status == 400


@pytest.mark.parametrize("option", ["$filter=x", "$select=Sku", "$top=1", "$foo=1"])
@pytest.mark.parametrize("path", ["Products({id})/Sku", "Products({id})/Sku/$value", "$metadata", ""])
def test_an_option_is_refused_where_there_is_nothing_to_choose(api: Api, path: str, option: str) -> None:
    path = path.format(id=made(api, "A"))
    assert refused(api, f"{path}?{option}").startswith(f"{option.partition('=')[0]}: ")
    assert api.get(f"/v1/{path}?foo=1&access_token=x").status == 200


@pytest.mark.parametrize(
    ("path", "formats", "other"),
    [
        ("$metadata", ["xml", "application/xml"], ["json", "application/json"]),
        ("", ["json", "application/json;odata.metadata=minimal"], ["xml", "atom"]),
        ("Products", ["json"], ["xml", ""]),
        ("Products(1)/Sku", ["json"], ["xml"]),
    ],
)
def test_a_format_that_an_answer_does_not_have_is_refused(
    api: Api, path: str, formats: list[str], other: list[str]
) -> None:
    made(api, "A")
    for given in formats:
        assert api.get(f"/v1/{path}?$format={quote(given)}").status == 200, given
    for given in other:
        refused(api, f"{path}?$format={quote(given)}", 415)


def test_a_query_that_cannot_be_answered_makes_nothing(api: Api) -> None:
    for query in ("$select=Nope", "$expand=Nope", "$top=1", "$format=xml", "$select=ID&$select=ID"):
        answer = api.post(f"/v1/Products?{query}", {"Sku": "A"})
        assert answer.status in {400, 415}, answer.text
        assert ids(asked(api, "Products")) == []
    answer = api.post("/v1/Products?$select=Sku&$expand=Attributes", {"Sku": "A"})
    assert (answer.status, answer.json()["Sku"], answer.json()["Attributes"]) == (201, "A", [])


# Addresses.


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("Products/1", ['"1"', "Products(1)"]),
        ("Products(1", ['"Products(1"', "brackets"]),
        ("Products(1)(2)", ["(2)"]),
        ("Products(1L)", ["(1L)", "whole number"]),
        ('Products("1")', ['("1")', "single quotes"]),
        ("AttributeValues(1,'a')", ["(1,'a')", "Name=value"]),
        ("AttributeValues(ProductID=1)", ["AttributeValues", "ProductID, Name"]),
        ("Products(Sku='A')", ["Products", "(ID)"]),
    ],
)
def test_an_address_that_cannot_be_read_is_told_with_the_part_that_is_wrong(
    api: Api, path: str, words: list[str]
) -> None:
    answer = api.get(f"/v1/{quote(path, safe='/(),=')}")
    wrong(answer, 400, *words)


# What clients write otherwise.


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('$filter=Title eq "x"', ["character 10", "single quotes"]),
        ("$filter=Title eq \N{LEFT SINGLE QUOTATION MARK}x\N{RIGHT SINGLE QUOTATION MARK}", ["single quotes"]),
        ('$filter=Sku in ("A","B")', ["character 9", "single quotes"]),
        ("$filter=Title eq 'a&b'", ["character 10", "%26"]),
        ("$filter=Title eq 'a;b'", ["character 10", "%3B"]),
        ("$filter=Title eq 'it's'", ["written twice"]),
        ("$filter=Sku = 'A'", ["character 5", "comparison"]),
        ("$filter=Sku eq 'A' AND", ["character 15"]),
        ("$filter=Flag has 'RedFlag'", ["character 6", "has"]),
        ("$filter=UpdateDateUtc gt '2024-01-01'", ["character 18", "Edm.DateTimeOffset"]),
        ("$filter=UpdateDateUtc gt 2024-02-30", ["character 18", "2024-02-30"]),
        ("$filter=UpdateDateUtc gt now()", ["character 18", "now"]),
        ("$filter=ID eq '1'", ["character 7", "a number"]),
        ("$filter=IsParent eq 1", ["character 13", "true or false"]),
        ("$filter=Attributes/$count gt 0", ["character 12", "any or all"]),
        ("$filter=Attributes/any(a:Attributes/any(b:true))", ["character 29", "within another"]),
        ("$filter=Labels/any(l:l eq 'Sale')", ["character 14", "property"]),
        ("$filter=Sku in ()", ["character 9", "a value"]),
        ("$filter=Sku eq @p&@p='A'", ["character 8"]),
        ("$orderby=Title descending", ["character 7"]),
        ("$orderby=Attributes/Name", ["character 12", "Attributes is a collection"]),
        ("$select=Attributes/Name", ["character 11"]),
        ("$select=ID,", ["character 4"]),
        ("$expand=Attributes($levels=2)", ["character 12", "$levels"]),
        ("$expand=Children/ChildProduct", ["brackets"]),
        ("$apply=aggregate($count as n)", ["$apply"]),
        ("$inlinecount=allpages", ["$inlinecount"]),
        ("$select=ID&?$filter=Sku eq 'A'", ["?$filter"]),
        ("$select=ID&amp%3B$filter=Sku eq 'A'", ["amp;$filter"]),
        ("$top=5?$skip=1", ["character 2"]),
    ],
)
def test_a_slip_in_a_query_is_told_with_its_place(api: Api, query: str, words: list[str]) -> None:
    made(api, "A")
    message = refused(api, f"Products?{url(query)}")
    assert all(word in message for word in words), message


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("Flag in (null,'RedFlag')", [1]),
        ("ParentProductID in (2,null)", [1, 2, 3, 4]),
        ("Title in ('')", []),
        ("null eq Title", [2, 3, 4]),
        ("contains(Title,'i') ne false", [1, 2, 3, 4]),
        ("Title gt null", []),
        ("UpdateDateUtc gt 2024-01-01T10:00:00.1234567+03:00 and ID eq 1", [1]),
        ("UpdateDateUtc gt 2024-01-01T10:00 and ID eq 1", [1]),
        ("ID eq 99999999999999999999999", []),
        ("Cost eq 1e-1", [1]),
        ("Attributes/any(Sku:Sku/Name eq 'Size')", [1]),
        ("Attributes/any(a:a/Value eq Title)", [1]),
        ("Attributes/any(a:a/Product/Sku eq 'A')", [1]),
        ("Children/any(c:c/ChildProduct/Sku eq 'S-1')", [2]),
        ("not contains(Title,'x') eq false", []),
        ("Sku\teq\n'A'", [1]),
    ],
)
def test_odd_conditions_mean_what_the_standard_says(api: Api, condition: str, found: list[int]) -> None:
    made(api, "A", Title="it", Flag="RedFlag", Cost=0.1, Attributes=[{"Name": "Size", "Value": "it"}])
    parent = made(api, "S", IsParent=True)
    for sku in ("S-1", "S-2"):
        made(api, sku, ParentProductID=parent)
    answer: Any = asked(api, f"Products?$filter={quote(condition)}&$select=ID")
    assert sorted(ids(answer)) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("$filter=TotalAvailableQuantity eq 0 AND ProfileID eq 1AND IsParent eq false", [1, 3]),
        ("$filter=ID eq 1or ID eq 3", [1, 3]),
        ("$filter=ID lt 9and(IsParent eq true)", [2]),
        ("$filter=CreateDateUtc ge 2020-01-01AND IsParent eq true", [2]),
        ("$filter=CreateDateUtc ge 2020-01-01T00:00:00Zand IsParent eq true", [2]),
        ("%24filter=ProfileId+eq+1+AND+IsParent+eq+true&%24expand=Labels", [2]),
        ("&$filter=ProfileID  eq 1 and ID le 5000000 and UpdateDateUtc ge 2020-01-01 &$count=true", [1, 2, 3]),
        ("$expand=DCQuantities($filter=DistributionCenterID eq -2)&$skip=1", [2, 3]),
        ("$expand=Attributes($filter= Name eq 'Packaging Type' or Name eq 'BC-EAN(SHOP)')", [1, 2, 3]),
        ("$filter=IsParent eq false and DCQuantities/Any (c: c/DistributionCenterId eq 0 and c/AvailableQuantity ge 0)",
         []),
        ("$filter=Sku eq 'A' or Sku eq 'C'&$select=Sku, WarehouseLocation, ID", [1, 3]),
    ],
)  # fmt: skip
def test_queries_of_public_clients(api: Api, query: str, found: list[int]) -> None:
    made(api, "A")
    parent = made(api, "B", IsParent=True)
    made(api, "C", ParentProductID=parent)
    answer = asked(api, f"Products?{quote(query, safe='=&$%+(),:;/')}")
    assert sorted(ids(answer)) == found


@pytest.mark.parametrize(
    "condition", ["ID eq 1andID eq 3", "ID eq 1an", "Sku eq 'A'or Sku eq 'C'", "ID eq 1a", "ID eq 1OR"]
)
def test_a_value_that_goes_on_is_none(api: Api, condition: str) -> None:
    assert "character" in refused(api, url(f"Products?$filter={condition}"))


@pytest.mark.parametrize("operator", ["or", "and"])
@pytest.mark.parametrize("compared", ["ID", "Sku"])
def test_a_hundred_clauses_may_each_be_in_brackets_with_those_before(api: Api, operator: str, compared: str) -> None:
    values = [str(number) if compared == "ID" else f"'{number}'" for number in range(1, 101)]
    condition = f"({compared} {'eq' if operator == 'or' else 'ne'} {values[0]})"
    for value in values[1:]:
        condition = f"({condition} {operator} ({compared} {'eq' if operator == 'or' else 'ne'} {value}))"
    id = made(api, "7")
    found = asked(api, f"Products?$filter={quote(condition)}&$select=ID")
    assert ids(found) == ([id] if operator == "or" else [])


@pytest.mark.parametrize("text", ["Gr%F6%DFe", "%80", "a%EF%BF%BDb"])
def test_a_query_in_another_encoding_is_not_taken_for_one_that_finds_nothing(api: Api, text: str) -> None:
    made(api, "Gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e")
    for query in (f"$filter=Sku%20eq%20'{text}'", f"$orderby=Sku%20eq%20'{text}'"):
        assert "UTF-8" in refused(api, f"Products?{query}")
        assert "UTF-8" in refused(api, f"Products/$count?{query}")
        [part] = run_flat(api, request("GET", f"Products?{query}"))
        assert (part.status, "UTF-8" in part.text) == (400, True)
        answer = api.post("/v1/Products/$query", text=query, headers={"Content-Type": "text/plain"})
        wrong(answer, 400, "UTF-8")


# Preferences.


@pytest.mark.parametrize(
    "preference", ["odata.maxpagesize=2", "maxpagesize=2", 'OData.MaxPageSize="2"; x, return=minimal']
)
@pytest.mark.parametrize("query", ["", "$filter=Title eq null&$count=true", "$orderby=Sku desc", "$top=4", "$skip=1"])
def test_a_page_may_be_smaller_if_its_client_prefers_that(api: Api, preference: str, query: str) -> None:
    made_of = [made(api, f"C-{number}") for number in range(5)]
    wanted = ids(asked(api, f"Products?{url(query)}"))
    found: list[int] = []
    following: str | None = f"/v1/Products?{url(query)}"
    while following is not None:
        answer = api.get(following, headers={"Prefer": preference})
        assert "maxpagesize=2" in answer.headers["preference-applied"]
        assert len(answer.json()["value"]) in {1, 2}
        found += ids(answer.json())
        following = answer.json().get("@odata.nextLink")
    assert (found, len(found) <= len(made_of)) == (wanted, True)


@pytest.mark.parametrize(
    "preference", ["maxpagesize=0", "maxpagesize=x", "maxpagesize=-1", "maxpagesize", "maxpagesize=500"]
)
def test_a_page_that_cannot_be_preferred_is_as_ever(api: Api, preference: str) -> None:
    made(api, "A")
    answer = api.get("/v1/Products", headers={"Prefer": preference})
    assert (answer.status, len(answer.json()["value"]), "preference-applied" in answer.headers) == (200, 1, False)


LONG_NUMBERS = "application/json;odata.metadata=minimal;IEEE754Compatible=true"


@pytest.mark.parametrize("by", ["Accept", "$format", "Accept among others"])
def test_long_numbers_are_strings_where_a_client_wants_that(api: Api, by: str) -> None:
    id = made(api, "A", Cost=12.5, RetailPrice=3, Weight=1.5)
    query = f"&$format={quote(LONG_NUMBERS)}" if by == "$format" else ""
    others = f"text/plain;q=0.5, {LONG_NUMBERS}, */*;q=0.1"
    headers = {"Accept": {"$format": "application/json", "Accept": LONG_NUMBERS}.get(by, others)}
    entity = {"Cost": "12.5", "RetailPrice": "3", "MinPrice": None, "Weight": 1.5, "TotalQuantity": "0"}
    select = f"$select={','.join(entity)}{query}"
    answers = [
        api.get(f"/v1/Products?{select}&$count=true&$expand=Labels($count=true)", headers=headers),
        api.get(f"/v1/Products({id})?{select}", headers=headers),
        api.get(f"/v1/Products({id})/Cost?{query[1:]}", headers=headers),
        api.post(
            f"/v1/Products?{select}", {"Sku": "B", "Cost": 12.5, "RetailPrice": 3, "Weight": 1.5}, headers=headers
        ),
    ]
    assert all("; IEEE754Compatible=true" in one.headers["content-type"] for one in answers)
    whole = api.get(f"/v1/Products({id})?{query[1:]}", headers=headers).json()
    assert (whole["Flag"], whole["Cost"], whole["ID"], whole["OpenAllocatedQuantity"]) == ("NoFlag", "12.5", id, "0")
    page, one, value, new = (answer.json() for answer in answers)
    assert page["@odata.count"] == "1"
    assert page["value"] == [{**entity, "Labels@odata.count": "0", "Labels": []}]
    assert (entity.items() <= one.items(), value["value"], entity.items() <= new.items()) == (True, "12.5", True)


@pytest.mark.parametrize("accept", ["application/json", "application/json;IEEE754Compatible=false", "*/*"])
def test_long_numbers_are_numbers_otherwise(api: Api, accept: str) -> None:
    id = made(api, "A", Cost=12.5)
    answer = api.get(f"/v1/Products({id})", headers={"Accept": accept})
    assert (answer.json()["Cost"], answer.json()["TotalQuantity"]) == (12.5, 0)
    assert answer.headers["content-type"] == "application/json; odata.metadata=minimal; odata.streaming=true"
    answer = api.get(f"/v1/Products({id})?$format=json", headers={"Accept": LONG_NUMBERS})
    assert answer.json()["Cost"] == 12.5
