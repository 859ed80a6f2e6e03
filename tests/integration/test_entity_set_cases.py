"""OData services' known troubles, as their reports tell them, and the kinds that each of them is one of.

Each file of `tests/cases/odata` holds the requests of one; what is to be answered is said there in words, and here in
code.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from batchyard.catalogue import operations
from batchyard.catalogue.entity_sets.model import MODEL, PRODUCT
from batchyard.catalogue.rules import LONGEST_TEXT
from tests.integration.test_entity_sets_reading import asked, filtered, ids, item, pages, refused, several, stored
from tests.support.api import CUSTOM_DOMAIN, Answer, Api
from tests.support.batch import request, run_flat
from tests.support.catalogue import product

CASES = Path(__file__).parents[1] / "cases" / "odata"

EMOJI = "\N{GRINNING FACE}"
"""One character, two units of UTF-16, four bytes of UTF-8."""


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text())
    assert all(method == "GET" for method, _, _ in found["requests"]) or name == "limits"
    return found


def gets(name: str) -> list[str]:
    """The URLs that a case asks for, as an HTTP client sends them."""
    return [url.replace(" ", "%20") for _, url, _ in case(name)["requests"]]


def made(api: Api, **given: Any) -> int:
    answer = api.post("/v1/Products", given)
    assert answer.status == 201, answer.text
    return int(answer.json()["ID"])


def seeded(api: Api, name: str) -> None:
    """Makes what a case begins with, with the IDs that it gives."""
    for given in case(name)["seed"]["Products"]:
        assert made(api, **{key: value for key, value in given.items() if key != "ID"}) == given["ID"]


def is_refused(answer: Answer, *words: str) -> None:
    assert answer.status == 400, answer.text
    error = answer.json()["error"]
    assert list(error) == ["code", "message"]
    assert all(word in error["message"] for word in words), error


def test_every_odata_case_is_tested() -> None:
    assert sorted(path.stem for path in CASES.glob("*.json")) == [
        "apostrophe",
        "count",
        "expand_too_deep",
        "lenient_query_case",
        "limits",
        "nextlink_form",
    ]


# Quotes.


def test_apostrophe(api: Api) -> None:
    seeded(api, "apostrophe")
    urls = gets("apostrophe")
    for url, wanted in zip(urls, ([1], [1], [1, 3], None, [1], [3]), strict=True):
        if wanted is None:
            assert "character" in refused(api, url)
        else:
            assert ids(asked(api, url)) == wanted, url


TEXTS = [
    "'",
    "''",
    "it's",
    "'a' or 'b'",
    "') or (1 eq 1",
    "%27",
    "%",
    "a&b'c",
    "a+b c",
    "#1?x=/y",
    "back\\'slash",
    'double "quotes"',
    f"{EMOJI}'s naïve",
    "a,b;c",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_is_found_again_wherever_it_stands(api: Api, text: str) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    other = made(api, Sku="other", Title="x")
    id = made(api, Sku=text, Title=text, Attributes=[{"Name": text, "Value": text}])
    key = quote(f"ProductID={id},Name={literal}", safe="=,'()")
    assert api.put(f"/v1/ProductLabels({key})").status == 204
    for condition in (
        f"Title eq {literal}",
        f"Sku eq {literal}",
        f"Sku in ('nothing',{literal})",
        f"contains(Title,{literal})",
        f"startswith(Sku,{literal}) and endswith(Title,{literal})",
        f"Attributes/any(a:a/Name eq {literal} and a/Value eq {literal})",
    ):
        assert ids(asked(api, filtered(condition))) == [id], condition
        body = f"$filter={quote(condition)}&$select=ID"
        answer = api.post("/v1/Products/$query", text=body, headers={"Content-Type": "text/plain"})
        assert ids(answer.json()) == [id]
    assert ids(asked(api, filtered(f"Sku ne {literal}"))) == [other]
    for url in (f"AttributeValues({key})", f"Products({id})/Attributes({quote(literal, safe=chr(39))})"):
        assert asked(api, url)["Value"] == text
        [part] = run_flat(api, request("GET", url))
        assert part.json()["Value"] == text
    assert api.delete(f"/v1/AttributeValues({key})").status == 204
    refused(api, f"AttributeValues({key})", 404)


@pytest.mark.parametrize(
    "condition",
    ["Title eq '", "Title eq 'it's'", "Title eq '''", "Title eq it's", "'", "contains(Title,')", "Sku in ('a,'b')"],
)
def test_a_quote_too_many_is_told_with_its_place(api: Api, condition: str) -> None:
    made(api, Sku="A", Title="it's")
    for url in (
        filtered(condition),
        f"Products/$count?$filter={quote(condition)}",
        f"Products?$orderby={quote(condition)}",
    ):
        assert "character" in refused(api, url)


@pytest.mark.parametrize("key", ["ProductID=1,Name='it's'", "ProductID=1,Name='", "ProductID=1,Name=''')", "1,'a'"])
def test_a_key_with_a_quote_too_many(api: Api, key: str) -> None:
    answer = api.get(f"/v1/AttributeValues({quote(key, safe='=,')})")
    assert answer.status in {400, 404}, answer.text


# Counts.


def test_count(api: Api) -> None:
    several(250)
    urls = gets("count")
    found = asked(api, urls[0])
    assert (found["@odata.count"], len(found["value"])) == (250, 10)
    found = asked(api, urls[1])
    assert (found["@odata.count"], found["value"]) == (250, [])
    found = asked(api, urls[2])
    assert (found["@odata.count"], len(found["value"]), "@odata.nextLink" in found) == (250, 5, False)
    answer = api.get(f"/v1/{urls[3]}")
    assert (answer.status, answer.headers["content-type"].partition(";")[0], answer.text) == (200, "text/plain", "250")
    assert api.get(f"/v1/{urls[4]}").text == "1"
    some, others = urls[5].split("%20and%20")
    assert ids(asked(api, some)) == ids(asked(api, f"Products?{others}"))
    assert len(ids(asked(api, some))) == 5
    for wrong in urls[6].removeprefix("Products?").split("%20|%20"):
        is_refused(api.get(f"/v1/Products?{wrong}"), wrong.partition("=")[0])


@pytest.mark.parametrize(
    "rest",
    ["$top=3", "$top=0", "$skip=4", "$skip=2&$top=3", "$skip=99", "$expand=Attributes", "$select=Sku",
     "$orderby=Title desc&$top=2", "$orderby=ID desc&$skip=3", "$expand=Attributes($top=1)&$top=1"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("condition", "count"),
    [("", 7), ("startswith(Sku,'C-')", 7), ("Sku in ('C-1','C-2','C-3','none')", 3), ("Title eq 'x'", 0)],
)
def test_a_count_is_of_all_that_the_filter_accepts(api: Api, condition: str, count: int, rest: str) -> None:
    several(7)
    query = f"$filter={quote(condition)}&" if condition else ""
    found = asked(api, f"Products?{query}$count=true&{rest}")
    assert found["@odata.count"] == count
    assert "@odata.count" not in asked(api, f"Products?{query}{rest}")
    assert "@odata.count" not in asked(api, f"Products?{query}{rest}&$count=false")
    assert api.get(f"/v1/Products/$count?{query}{rest}").text == str(count)


def test_parts_of_a_product_are_counted_like_products(api: Api) -> None:
    id = made(api, Sku="A", Attributes=[{"Name": f"N{number}", "Value": str(number)} for number in range(5)])
    made(api, Sku="B", Attributes=[{"Name": "N1", "Value": "x"}])
    for url, count in ((f"Products({id})/Attributes", 5), ("AttributeValues", 6)):
        assert api.get(f"/v1/{url}/$count").text == str(count)
        found = asked(api, f"{url}?$count=true&$top=2&$skip=1")
        assert (found["@odata.count"], len(found["value"])) == (count, 2)
        assert api.get(f"/v1/{url}/$count?$filter=Name%20eq%20'N1'").text == ("1" if "(" in url else "2")


NUMBERS = ["-1", "x", "1.5", "", "1e3", "0x1", "null", "'1'", "1;2", "NaN", "\N{ARABIC-INDIC DIGIT THREE}"]


@pytest.mark.parametrize("option", ["$top", "$skip"])
@pytest.mark.parametrize("number", NUMBERS)
def test_top_and_skip_refuse_bad_numbers(api: Api, option: str, number: str) -> None:
    several(1)
    for set_of in ("Products", "DCQuantities", "Profiles"):
        is_refused(api.get(f"/v1/{set_of}?{option}={quote(number)}"), option)


@pytest.mark.parametrize(
    "query", ["$count=maybe", "$count=", "$count=1", "$top=1&$top=2", "$filter=ID eq 1&$filter=ID eq 2"]
)
def test_unknown_query_options_are_refused(api: Api, query: str) -> None:
    is_refused(api.get(f"/v1/Products?{query.replace(' ', '%20')}"), query.partition("=")[0])


@pytest.mark.parametrize("number", [2**31 - 1, 2**31, 2**63, 10**30])
def test_huge_numbers_are_no_trouble(api: Api, number: int) -> None:
    several(2)
    assert api.get(f"/v1/Products?$top={number}").status in {200, 400}
    assert api.get(f"/v1/Products?$skip={number}").status in {200, 400}


# Depth.


def test_expand_too_deep(api: Api) -> None:
    stored(product("shoes", "S-1", "S-2"))
    urls = gets("expand_too_deep")
    [parent] = [one for one in asked(api, urls[0])["value"] if one["IsParent"]]
    assert [one["ChildProduct"]["Sku"] for one in parent["Children"]] == ["S-1", "S-2"]
    answer = api.get(f"/v1/{urls[1]}")
    is_refused(answer, "2 levels")
    assert list(answer.json()) == ["error"]
    is_refused(api.get(f"/v1/{urls[2]}"), "Nope")
    assert api.get(f"/v1/{urls[3]}").status == 200


@pytest.mark.parametrize(
    "url",
    [
        "AttributeValues?$expand=Product($expand=Attributes)",
        "Children?$expand=ChildProduct($expand=Attributes)",
        "Products({id})?$expand=Children($expand=ChildProduct)",
        "Products({id})/Children?$expand=ChildProduct($expand=Images)",
    ],
)
def test_expand_has_two_levels_from_any_entity_set(api: Api, url: str) -> None:
    parent = stored(product("shoes", "S-1", "S-2")).parent
    url = url.format(id=parent)
    assert api.get(f"/v1/{url}").status == 200
    brackets = url[len(url.rstrip(")")) :]
    for third in ("$expand=Product", "$expand=Children", "$expand=*"):
        answer = api.get(f"/v1/{url.rstrip(')')}({third}){brackets}")
        is_refused(answer)


@pytest.mark.parametrize("depth", [3, 50, 500])
def test_deep_expands_and_filters_are_refused_at_no_cost(api: Api, depth: int) -> None:
    several(1)
    expand = "Children($expand=ChildProduct($expand=" * depth + "Children" + "))" * depth
    is_refused(api.post("/v1/Products/$query", text=f"$expand={expand}", headers={"Content-Type": "text/plain"}))
    condition = "(" * depth * 10 + "ID eq 1" + ")" * depth * 10
    answer = api.post("/v1/Products/$query", text=f"$filter={condition}", headers={"Content-Type": "text/plain"})
    assert answer.status in ({200, 400} if depth == 3 else {400}), answer.text


# Case.


def test_lenient_query_case(api: Api) -> None:
    first = made(api, Sku="A", Brand="X1", Attributes=[{"Name": "Size", "Value": "13M"}])
    second = made(api, Sku="B", Brand="X1")
    assert (first, second) == (1, 2)
    assert api.put(f"/v1/ProductLabels(ProductID={second},Name='Sale')").status == 204
    operations.set_quantities(second, {0: 5}, "req-1")
    urls = [url.replace("\N{HORIZONTAL ELLIPSIS}", "secret-token") for url in gets("lenient_query_case")]
    assert asked(api, urls[0])["value"] == [{"Sku": "A", "TotalAvailableQuantity": 0, "DCQuantities": []}]
    # The index of labels follows a moment later.
    assert asked(api, urls[1])["value"] == []
    [found] = asked(api, urls[2])["value"]
    assert (found["Sku"], [one["Value"] for one in found["Attributes"]]) == ("A", ["13M"])
    assert asked(api, urls[3])["@odata.count"] == 2
    assert "access_token" in urls[4]
    answer = api.get(f"/v1/{urls[4]}")
    assert (answer.status, ids(answer.json()), "secret-token" in answer.text) == (200, [second], False)
    assert ids(asked(api, urls[5])) == [first, second]
    refused(api, urls[6], 404)


def spellings(text: str) -> Iterator[str]:
    yield from (text, text.lower(), text.upper(), text.swapcase())


QUERIES = [
    "$filter=Sku eq 'A' and IsParent eq false",
    "$filter=not (Sku ne 'A') or Brand eq null and ID gt 99",
    "$filter=startswith(Sku,'A')",
    "$filter=contains(tolower(Title),'boots') and length(Title) eq 5",
    "$filter=Flag eq 'RedFlag'",
    "$filter=Attributes/any(a:a/Name eq 'SIZE')",
    "$filter=Attributes/all(a:a/Name eq 'SIZE') and Sku in ('A','C')",
    "$filter=year(CreateDateUtc) gt 2000 and Sku lt 'B'",
    "$orderby=Sku desc&$skip=1",
]


@pytest.mark.parametrize("query", QUERIES)
def test_names_and_operators_have_no_case_behind_the_question_mark(api: Api, query: str) -> None:
    first = made(api, Sku="A", Title="BOOTS", Flag="RedFlag", Attributes=[{"Name": "SIZE", "Value": "1"}])
    made(api, Sku="B", Title="B")
    for spelled in spellings(query):
        parts = spelled.split("'")
        # What stands in quotes is a value, and that has its case.
        parts[1::2] = query.split("'")[1::2]
        found = asked(api, f"Products?{quote(chr(39).join(parts), safe='$=&')}&$SELECT=id,SKU")
        assert found["value"] == [{"ID": first, "Sku": "A"}], spelled


@pytest.mark.parametrize("path", ["Products", "Products(1)", "Products/$count", "Products(1)/Attributes", "$metadata"])
def test_names_have_their_case_before_the_question_mark(api: Api, path: str) -> None:
    made(api, Sku="A")
    assert api.get(f"/v1/{path}").status == 200
    for spelled in {*spellings(path)} - {path}:
        refused(api, spelled, 404)


# Lengths.


def posted(api: Api, body: Mapping[str, Any]) -> Answer:
    return api.post("/v1/AttributeValues", body)


def test_limits_of_texts_are_those_of_the_case(api: Api) -> None:
    id = made(api, Sku="ONLYSKU")
    assert id == 1
    told = [said for _, said, _ in case("limits")["requests"]]
    assert [said.split()[0] for said in told] == [
        "AttributeValues", "AttributeValues", "Images(ProductID=1,PlacementName='<50>')", "PlacementName", "Products",
        "Products",
    ]  # fmt: skip
    answer = posted(api, {"ProductID": id, "Name": EMOJI * 32, "Value": EMOJI * 32_000})
    assert answer.status == 201, answer.text
    assert asked(api, f"Products({id})/Attributes")["value"][0]["Value"] == EMOJI * 32_000
    is_refused(posted(api, {"ProductID": id, "Name": EMOJI * 33, "Value": ""}), "Name", "33")
    is_refused(posted(api, {"ProductID": id, "Name": "N", "Value": EMOJI * 32_001}), "Value", "32001")
    place, url = quote(EMOJI * 50), "https://example.com/" + EMOJI * 235
    assert api.put(f"/v1/Images(ProductID={id},PlacementName='{place}')", {"Url": url}).status == 204
    assert asked(api, f"Products({id})/Images")["value"][0]["Url"] == url
    longer = quote(EMOJI * 51)
    is_refused(api.put(f"/v1/Images(ProductID={id},PlacementName='{longer}')", {"Url": "x"}), "PlacementName")
    is_refused(api.put(f"/v1/Images(ProductID={id},PlacementName='P')", {"Url": url + "x"}), "Url", "256")
    is_refused(api.post("/v1/Products", {"Sku": "x" * 51}), "Sku", "51")
    is_refused(api.post("/v1/Products", {"Sku": "x", "Title": "x" * 121}), "Title", "121")


def test_texts_of_a_product_have_their_lengths_in_characters(api: Api) -> None:
    lengths = {
        one.name: one.longest
        for one in PRODUCT.properties.values()
        if one.longest is not None and not one.computed and one.name not in {"RelationshipName", "VaryBy"}
    }
    assert lengths.pop("Sku") == 50
    assert (lengths["Title"], lengths["Brand"]) == (120, LONGEST_TEXT)
    id = made(api, Sku=EMOJI * 50)
    for name, longest in lengths.items():
        answer = api.patch(f"/v1/Products({id})", {name: EMOJI * longest})
        assert answer.status == 204, (name, answer.text)
        is_refused(api.patch(f"/v1/Products({id})", {name: "x" * (longest + 1)}), name, str(longest))
        assert asked(api, f"Products({id})/{name}")["value"] == EMOJI * longest
        assert api.patch(f"/v1/Products({id})", {name: None}).status == 204


def test_labels_have_their_length(api: Api) -> None:
    id = made(api, Sku="A")
    assert api.put(f"/v1/ProductLabels(ProductID={id},Name='{quote(EMOJI * 50)}')").status == 204
    is_refused(api.put(f"/v1/ProductLabels(ProductID={id},Name='{quote(EMOJI * 51)}')"), "Name")
    assert [one["Name"] for one in asked(api, f"Products({id})/Labels")["value"]] == [EMOJI * 50]


@pytest.mark.parametrize(("quantity", "status"), [(0, 204), (2**31 - 1, 204), (-1, 400), (2**31, 400), (1.5, 400)])
def test_quantities_have_their_bounds(api: Api, quantity: float, status: int) -> None:
    id = made(api, Sku="A")
    update = {"Value": {"Updates": [{"DistributionCenterID": 0, "Quantity": quantity}]}}
    key = f"DCQuantities(ProductID={id},DistributionCenterID=0)"
    for answer in (
        api.post(f"/v1/Products({id})/UpdateQuantity", update),
        api.put(f"/v1/{key}", {"AvailableQuantity": quantity}),
        api.patch(f"/v1/Products({id})/DCQuantities(0)", {"AvailableQuantity": quantity}),
    ):
        assert answer.status == status, answer.text


def test_a_product_has_as_many_attributes_as_it_may(api: Api) -> None:
    many = [{"Name": f"N{number}", "Value": ""} for number in range(251)]
    id = made(api, Sku="A", Attributes=many[:250])
    assert api.get(f"/v1/Products({id})/Attributes/$count").text == "250"
    is_refused(posted(api, {"ProductID": id, **many[250]}))
    is_refused(api.post("/v1/Products", {"Sku": "B", "Attributes": many}), "attributes")
    is_refused(api.post(f"/v1/Products({id})/UpdateAttributes", {"Value": {"Attributes": many}}))
    # What is there already may still be changed.
    assert posted(api, {"ProductID": id, "Name": "N7", "Value": "x"}).status == 201


# Links to the next page.


def test_nextlink_form(api: Api) -> None:
    several(250)
    urls = gets("nextlink_form")
    all_pages = list(pages(api, urls[0]))
    assert [len(page["value"]) for page in all_pages] == [100, 100, 50]
    link = all_pages[0]["@odata.nextLink"]
    assert link.startswith("https://")
    assert " " not in link
    options = dict(parse_qsl(urlsplit(link).query, strict_parsing=True))
    assert {
        "$filter": "startswith(Sku,'C-')",
        "$select": "ID,Sku",
        "$expand": "DCQuantities",
        "$skip": "100",
    }.items() <= options.items()
    assert "@odata.nextLink" not in all_pages[2]
    assert [one["Sku"] for page in all_pages for one in page["value"]] == [f"C-{number}" for number in range(1, 251)]
    assert all(one.keys() == {"ID", "Sku", "DCQuantities"} for page in all_pages for one in page["value"])
    first = all_pages[0]["value"][0]["ID"]
    found = asked(api, urls[2].replace("%201", f"%20{first}"))
    assert (len(found["value"]), "@odata.nextLink" in found) == (1, False)
    assert [len(page["value"]) for page in pages(api, urls[3])] == [100, 50]
    assert asked(api, urls[4]).keys() == {"@odata.context", "value"}
    assert asked(api, urls[4])["value"] == []
    # Clients that read `$skip` alone out of the link, and those that count up by themselves.
    assert ids(asked(api, "Products?$count=true&$skip=100&$select=ID")) == [one["ID"] for one in all_pages[1]["value"]]
    assert len(list(pages(api, "DCQuantities"))) == 1


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODEL, "sets", {name: one._replace(page=3) for name, one in MODEL.sets.items()})


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    "query",
    [
        "$filter=Title ne 'a&b=c+d #e%27s' and Sku ne 'it''s \N{GRINNING FACE}'",
        "$FILTER=id gt 0&$Select=id&$ORDERBY=id desc",
        "$orderby=Title,Sku desc&$select=ID,Title",
        "$expand=Attributes($filter=Name eq 'x;y';$select=Name),Images&$select=ID",
        "$top=7",
        "$skip=2&$top=5",
        "$count=true&$filter=Sku ne 'x'",
        "",
    ],
)
def test_links_keep_every_option(api: Api, query: str) -> None:
    several(8)
    url = "Products?" + "&".join(
        f"{name}={quote(value)}" for name, _, value in (one.partition("=") for one in query.split("&$")) if name
    ).replace("&", "&$")
    front = Api(front=CUSTOM_DOMAIN)
    given = dict(parse_qsl(urlsplit(url).query))
    page = asked(front, f"{url}&access_token=secret-token" if query else url)
    found = ids(page)
    while "@odata.nextLink" in page:
        link = page["@odata.nextLink"]
        assert link.startswith(f"{CUSTOM_DOMAIN.base}/v1/Products?")
        assert "secret-token" not in link
        options = dict(parse_qsl(urlsplit(link).query, strict_parsing=True))
        kept = {name: value for name, value in given.items() if name not in {"$top", "$skip"}}
        assert kept.items() <= options.items()
        assert int(options["$skip"]) == int(given.get("$skip", 0)) + len(found)
        page = front.get(link).json()
        found += ids(page)
    whole = ids(asked(api, url.replace("$top=7", "$top=3")))
    assert found[: len(whole)] == whole
    wanted = {"$top=7": 7, "$skip=2&$top=5": 5}.get(query, 8)
    assert len(found) == len(set(found)) == wanted


@pytest.mark.usefixtures("small_pages")
def test_links_of_other_sets_and_inside_batches(api: Api) -> None:
    id = made(api, Sku="A", Attributes=[{"Name": f"N{number}", "Value": "x"} for number in range(8)])
    item("B")
    for url in ("AttributeValues", f"Products({id})/Attributes", f"AttributeValues?$filter=ProductID%20eq%20{id}"):
        names = [[one["Name"] for one in page["value"]] for page in pages(api, url)]
        assert names == [["N0", "N1", "N2"], ["N3", "N4", "N5"], ["N6", "N7"]]
        found: list[str] = []
        following: str | None = url
        while following is not None:
            [part] = run_flat(api, request("GET", following))
            found += [one["Name"] for one in part.json()["value"]]
            following = part.json().get("@odata.nextLink")
        assert found == [f"N{number}" for number in range(8)]
