"""Lists of product batches: of a product, of a collection, by a search; and the look-up of one by its ID alone."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from batchyard.product_batches import answers, listing
from batchyard.store import clients
from tests.integration.conftest import Calls
from tests.support.api import Answer, Api, narrowed
from tests.support.lots import BATCHES, COLLECTION, invalid, make, refusal

ALL = f"{COLLECTION}/batch"


def ids(answer: Answer) -> list[tuple[str, str]]:
    """The batches of a list, with their products."""
    assert answer.status == 200, answer.text
    return [(batch["id"], batch["productId"]) for batch in answer.json()]


def following(answer: Answer) -> str | None:
    """Where the next page is."""
    link = answer.headers.get("link")
    if link is None:
        return None
    assert link.startswith("<")
    assert link.endswith('>; rel="next"')
    return str(link[1 : link.index(">")])


def walk(api: Api, url: str) -> list[list[tuple[str, str]]]:
    """The pages of a list, by the links that lead from one to the next."""
    pages = []
    here: str | None = url
    while here is not None:
        answer = api.get(here)
        pages.append(ids(answer))
        here = following(answer)
    return pages


@pytest.fixture
def seven(api: Api) -> list[tuple[str, str]]:
    """Seven batches of two products, in order of their IDs; and one of another collection."""
    made = [
        ("A-1", "barolo", "Red one"),
        ("A-10", "barbera", "red TEN"),
        ("A-2", "barolo", None),
        ("B", "barbera", "Infrared"),
        ("B", "barolo", "White"),
        ("B.1", "barolo", "ÄPFEL"),
        ("_x", "barolo", "x"),
    ]
    for id, product, name in reversed(made):
        make(api, id, product, **({} if name is None else {"name": name}))
    api.post("/admin/collection/oils/product/barolo/batch", {"id": "A-1", "name": "red"})
    return [(id, product) for id, product, _ in made]


def test_a_list_of_lots_is_in_order_of_the_ids(api: Api, seven: list[tuple[str, str]]) -> None:
    assert ids(api.get(ALL)) == seven
    assert ids(api.get(BATCHES)) == [batch for batch in seven if batch[1] == "barolo"]
    assert following(api.get(ALL)) is None
    assert ids(api.get("/admin/collection/oils/batch")) == [("A-1", "barolo")]


def test_a_list_of_lots_holds_whole_lots(api: Api) -> None:
    made = [make(api, id, name="x", theirs=[1], quantity=2) for id in ("L1", "L2")]
    assert api.get(ALL).json() == api.get(BATCHES).json() == made


def test_a_list_of_lots_may_be_empty(api: Api, seven: list[tuple[str, str]]) -> None:
    for empty in ("/admin/collection/none/batch", f"{COLLECTION}/product/none/batch", f"{ALL}?productId=none"):
        assert (api.get(empty).status, api.get(empty).text) == (200, "[]")


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("query", ["", "&productId=barolo", "&search=r", "&search=B&productId=barbera"])
def test_a_walk_meets_each_lot_once(api: Api, seven: list[tuple[str, str]], limit: int, query: str) -> None:
    whole = ids(api.get(f"{ALL}?{query}"))
    pages = walk(api, f"{ALL}?limit={limit}{query}")
    assert [batch for page in pages for batch in page] == whole
    assert all(len(page) == limit for page in pages[:-1])
    assert 0 < len(pages[-1]) <= limit


def test_a_walk_through_a_product_keeps_its_query(api: Api, seven: list[tuple[str, str]]) -> None:
    first = api.get(f"{BATCHES}?limit=2&other=a%26b")
    link = following(first)
    assert link is not None
    assert urlsplit(link).path.endswith(BATCHES)
    assert {**parse_qs(urlsplit(link).query), "cursor": None} == {"limit": ["2"], "other": ["a&b"], "cursor": None}
    assert [batch for page in walk(api, f"{BATCHES}?limit=2") for batch in page] == ids(api.get(BATCHES))


def test_lots_created_and_deleted_during_a_walk_move_no_other(api: Api, seven: list[tuple[str, str]]) -> None:
    first = api.get(f"{ALL}?limit=3")
    for id, product in ids(first):
        api.delete(f"{COLLECTION}/product/{product}/batch/{id}")
    make(api, "A-0")
    make(api, "C")
    second = following(first)
    assert second is not None
    assert [batch for page in walk(api, second) for batch in page] == [*seven[3:6], ("C", "barolo"), seven[6]]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("red", ["A-1", "A-10", "B"]),
        ("RED", ["A-1", "A-10", "B"]),
        ("red%20ten", ["A-10"]),
        ("a-1", ["A-1", "A-10"]),
        ("b", ["B", "B", "B.1"]),
        ("%C3%A4pfel", ["B.1"]),
        ("nothing", []),
        ("barolo", []),
        ("", ["A-1", "A-10", "A-2", "B", "B", "B.1", "_x"]),
    ],
)
def test_a_search_of_lots_looks_at_ids_and_names(
    api: Api, seven: list[tuple[str, str]], search: str, found: list[str]
) -> None:
    assert [id for id, _ in ids(api.get(f"{ALL}?search={search}"))] == found
    of_product = [id for id, product in ids(api.get(f"{ALL}?search={search}&productId=barolo"))]
    assert of_product == [id for id, product in ids(api.get(f"{ALL}?search={search}")) if product == "barolo"]


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("Große Straße", ["grosse", "GROSSE STRASSE", "straße", "STRAẞE"]),
        ("İzmir", ["i̇zmir", "İZMIR", "I\u0307zmir"]),
        ("Cafe\u0301", ["café", "CAFÉ", "cafe\u0301"]),
        ("Café", ["cafe\u0301", "CAFE\u0301"]),
        ("ΟΔΟΣ", ["οδος", "οδοσ"]),
    ],
)
def test_a_search_folds_case_and_form_as_unicode_does(api: Api, name: str, searches: list[str]) -> None:
    make(api, name=name)
    make(api, "L2", name="Cafeteria, Grosz, Izmir")
    for search in searches:
        assert ids(api.get(f"{ALL}?search={quote(search)}")) == [("L1", "barolo")], search


def test_a_search_does_not_run_from_the_id_into_the_name(api: Api) -> None:
    for id, name in (("AB", "barolo"), ("CB", "two\nlines"), ("DB", None)):
        make(api, id, **({} if name is None else {"name": name}))

    def found(text: str) -> list[str]:
        return [id for id, _ in ids(api.get(f"{ALL}?search={quote(text)}"))]

    assert (found("b"), found("B\n"), found("b\nbar")) == (["AB", "CB", "DB"], [], [])
    assert (found("\n"), found("two\nlines")) == (["CB"], ["CB"])


def test_a_search_knows_the_present_name(api: Api) -> None:
    make(api, name="Old")
    api.put(f"{BATCHES}/L1", {"name": "New"})
    assert ids(api.get(f"{ALL}?search=old")) == []
    assert ids(api.get(f"{ALL}?search=new")) == [("L1", "barolo")]


def test_a_page_costs_one_or_two_reads(api: Api, seven: list[tuple[str, str]], calls: Calls) -> None:
    api.get(f"{ALL}?limit=5")
    calls.clear()
    api.get(f"{ALL}?limit=5")
    assert calls == ["dynamodb.Query"]
    calls.clear()
    api.get(f"{ALL}?productId=barolo")
    assert calls == ["dynamodb.Query", "dynamodb.BatchGetItem"]
    # For IDs that begin with it, and for all that contains it.
    calls.clear()
    api.get(f"{ALL}?search=r")
    assert calls == ["dynamodb.Query", "dynamodb.Query", "dynamodb.BatchGetItem"]


def test_lots_whose_id_begins_with_the_search_come_first(api: Api) -> None:
    for id, name in [("0", "Lot"), ("L2", "x"), ("L1", "x"), ("M", "AL"), ("l3", "x"), ("XL", "x")]:
        make(api, id, name=name)
    wanted = ["L1", "L2", "0", "M", "XL", "l3"]
    assert [id for id, _ in ids(api.get(f"{ALL}?search=L"))] == wanted
    for limit in range(1, 7):
        pages = walk(api, f"{ALL}?search=L&limit={limit}")
        assert [id for page in pages for id, _ in page] == wanted
        assert {len(page) for page in pages[:-1]} <= {limit}
    assert walk(api, f"{ALL}?search=L&limit=1&productId=barolo") == [[(id, "barolo")] for id in wanted]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_lots_are_found_by_id_prefix(api: Api, seven: list[tuple[str, str]], calls: Calls, limit: int) -> None:
    for prefix, found in (("A", seven[:3]), ("A-1", seven[:2]), ("B", seven[3:6]), ("a", []), ("A 1", []), ("", seven)):
        query = f"idPrefix={quote(prefix)}&limit={limit}"
        assert [batch for page in walk(api, f"{ALL}?{query}") for batch in page] == found
        of_product = [batch for page in walk(api, f"{ALL}?{query}&productId=barolo") for batch in page]
        assert of_product == [batch for batch in found if batch[1] == "barolo"]
    calls.clear()
    api.get(f"{ALL}?idPrefix=A-1")
    assert calls == ["dynamodb.Query", "dynamodb.BatchGetItem"]
    refused = api.get(f"{ALL}?idPrefix=A&search=A")
    assert (refused.status, refused.json()) == (400, invalid(idPrefix=["It does not go together with search."]))
    # DynamoDB refuses a start outside of what is asked for.
    for url in (f"idPrefix=A&cursor={forged('barolo', 'B')}", f"search=A&cursor={forged('barolo', 'B', 'beginning')}"):
        assert api.get(f"{ALL}?{url}").json() == invalid(cursor=["It is none that an answer gave."])


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> int:
    """A page of a search looks at six batches in three steps."""
    monkeypatch.setattr(listing, "STEP", 2)
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 6)
    return 6


def test_a_page_of_a_lot_search_ends_after_a_number_of_lots_read(api: Api, calls: Calls, small_steps: int) -> None:
    made = [f"L{number:02}" for number in range(30)]
    for id in made:
        make(api, id, name="needle" if id in {"L13", "L14", "L29"} else "hay")
    calls.clear()
    pages = walk(api, f"{ALL}?search=needle")
    assert [id for page in pages for id, _ in page] == ["L13", "L14", "L29"]
    assert len(pages) in {30 // small_steps, 30 // small_steps + 1}
    # Of each page a step may tell that there is no more; the first one asks for IDs that begin with it, too.
    assert calls.count("dynamodb.Query") <= 1 + len(pages) * 3
    # What begins with it is not looked for again, and all of it is read by its keys.
    calls.clear()
    assert [id for id, _ in ids(api.get(f"{ALL}?search=L&limit=29"))] == made[:29]
    assert calls == ["dynamodb.Query", "dynamodb.BatchGetItem"]


@pytest.mark.parametrize("search", ["L", "L1", "needle", "E", "hay", "l2"])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_a_walk_through_a_long_search_misses_no_lot(api: Api, small_steps: int, search: str, limit: int) -> None:
    names = {f"L{number:02}": "needle" if number % 7 == 0 else "hay" for number in range(25)}
    for id, name in names.items():
        make(api, id, name=name)
    wanted = [id for id, name in names.items() if search.lower() in f"{id}\n{name}".lower()]
    pages = walk(api, f"{ALL}?search={search}&limit={limit}")
    assert [id for page in pages for id, _ in page] == wanted
    assert all(len(page) <= limit for page in pages)


@pytest.mark.parametrize(("units", "counted"), [(0.5, 1), (24.5, 1), (25.0, 2), (110.0, 5), (1000.0, 10)])
def test_capacity_units_of_a_lot_search_count_as_requests(
    seven: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, units: float, counted: int
) -> None:
    """Up to what is left of the minute: the next request is refused then, not this one."""
    api = Api(narrowed("of a searcher", requests_per_minute=10))
    client = clients.dynamodb()
    query = client.query

    def dear(**request: Any) -> Any:
        told = {"ConsumedCapacity": {"TableName": "t", "CapacityUnits": units}}
        return query(**request) | (told if request.get("ReturnConsumedCapacity") else {})

    monkeypatch.setattr(client, "query", dear)
    assert len(ids(api.get(f"{ALL}?search=red"))) == 3
    assert [api.get(f"{ALL}?limit=1").status for _ in range(11 - counted)] == [200] * (10 - counted) + [429]


@pytest.mark.parametrize("parts", [["barolo", "B"], ["barolo", "B", "other"], ["", "", "beginning"], ["", ""]])
def test_a_cursor_of_a_search_is_one_of_a_search(api: Api, seven: list[tuple[str, str]], parts: list[str]) -> None:
    assert api.get(f"{ALL}?search=b&cursor={forged(*parts)}").status == 400
    cursor = forged("barolo", "B", "beginning")
    assert api.get(f"{ALL}?cursor={cursor}").status == 400
    assert [id for id, _ in ids(api.get(f"{ALL}?search=B&cursor={cursor}"))] == ["B.1"]


def test_a_page_has_a_hundred_lots_by_default(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def page(_: str, *, limit: int, **__: Any) -> Any:
        asked.append(limit)
        raise LookupError

    monkeypatch.setattr("batchyard.product_batches.listing.page", page)
    for url in (ALL, f"{ALL}?limit=1000", BATCHES):
        assert api.get(url).status == 500
    assert asked == [100, 1000, 1000]


@pytest.mark.parametrize("url", [ALL, BATCHES, f"{ALL}?search=l"])
def test_a_page_of_lots_is_no_larger_than_an_answer(api: Api, url: str) -> None:
    made = [(f"L{number:02}", "barolo") for number in range(70)]
    # Lambda's own JSON has them four times as long.
    quotes = '"' * 8_000
    for id, product in made:
        make(api, id, product, name="l", data={"large": quotes}, admin={"large": quotes}, theirs=quotes)
    first, second = walk(api, url)
    assert first + second == made
    assert len(first) > 50


def test_a_page_holds_a_lot_however_large(
    api: Api, seven: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "LARGEST_PAGE", 1)
    assert walk(api, ALL) == [[batch] for batch in seven]
    assert walk(api, f"{ALL}?limit=2&search=red") == [[batch] for batch in seven if batch[0] in {"A-1", "A-10"}] + [
        [("B", "barbera")]
    ]
    assert walk(api, BATCHES) == [[batch] for batch in seven if batch[1] == "barolo"]


def forged(*parts: str) -> str:
    """A cursor as an answer gives it."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        # DynamoDB refuses a start that is not on the way, keys above a size, and text that is none.
        forged("barbera", "B"),
        forged("barolo", "x" * 2000),
        forged("barolo", "\ud800"),
    ],
)
def test_a_cursor_of_another_list_is_refused(api: Api, seven: list[tuple[str, str]], cursor: str) -> None:
    for url in (f"{BATCHES}?cursor={cursor}", f"{ALL}?productId=barolo&cursor={cursor}"):
        refused = api.get(url)
        assert (refused.status, refused.json()) == (400, invalid(cursor=["It is none that an answer gave."]))
    assert ids(api.get(f"{BATCHES}?cursor={forged('barolo', 'B')}")) == seven[5:]


def test_a_list_by_an_impossible_product_id_is_empty(api: Api, seven: list[tuple[str, str]]) -> None:
    assert ids(api.get(f"{ALL}?productId={'x' * 3000}")) == []
    assert ids(api.get(f"{ALL}?productId=")) == seven


# One by its ID alone.


def test_a_lot_is_found_by_its_id_alone(api: Api, seven: list[tuple[str, str]]) -> None:
    found = api.get(f"{ALL}/A-10")
    assert (found.status, found.json()["productId"]) == (200, "barbera")
    assert found.text == api.get(f"{COLLECTION}/product/barbera/batch/A-10").text
    assert found.headers["ETag"] == '"1"'


def test_a_lot_id_of_several_products_needs_the_product_id(api: Api, seven: list[tuple[str, str]]) -> None:
    refused = api.get(f"{ALL}/B")
    assert (refused.status, refused.json()) == (
        409,
        refusal(
            409,
            "AMBIGUOUS_BATCH",
            "Several products have a batch of this ID. Name one with ?productId=.",
            productIds=["barbera", "barolo"],
        ),
    )
    for product in ("barolo", "barbera"):
        assert api.get(f"{ALL}/B?productId={product}").json()["productId"] == product
    api.delete(f"{COLLECTION}/product/barolo/batch/B")
    assert api.get(f"{ALL}/B").json()["productId"] == "barbera"


def test_a_lot_of_a_named_product_is_one_read(api: Api, seven: list[tuple[str, str]], calls: Calls) -> None:
    api.get(f"{ALL}/B?productId=barolo")
    calls.clear()
    assert api.get(f"{ALL}/B?productId=barolo").json()["productId"] == "barolo"
    assert calls == ["dynamodb.GetItem"]


def test_an_ambiguous_lot_id_names_a_hundred_products(api: Api) -> None:
    products = [f"p{number:03}" for number in range(103)]
    for product in products:
        make(api, product=product)
    refused = api.get(f"{ALL}/L1")
    assert (refused.status, refused.json()["details"]) == (409, {"productIds": products[:100]})
    assert api.get(f"{ALL}/L1?productId=p102").json()["productId"] == "p102"


@pytest.mark.parametrize(
    "rest", ["A", "A-1?productId=barbera", "A-100", "a-1", f"B?productId={'x' * 3000}", "B?productId=a%20b"]
)
def test_a_lot_that_is_not_there_is_not_found(api: Api, seven: list[tuple[str, str]], rest: str) -> None:
    missing = api.get(f"{ALL}/{rest}")
    id = rest.partition("?")[0]
    assert (missing.status, missing.json()) == (
        404,
        refusal(404, "NOT_FOUND", f'There is no batch "{id}" in this collection.'),
    )


# Tags.


def test_tags_of_a_lot(api: Api) -> None:
    of_barolo: list[Any] = [{"code": "T1", "claimSetId": "spring", "own": 1}, {"code": "T2", "productId": "theirs"}]
    of_barbera = [{"code": "T3", "claimSetId": "spring"}]
    make(api, tags=of_barolo)
    make(api, product="barbera", tags=of_barbera)
    make(api, "L2", tags=[{"code": "T4", "claimSetId": "spring"}])
    make(api, "L10", tags=[{"code": "T5", "claimSetId": "spring"}])
    make(api, "L3")
    # A tag's own word for it counts less.
    of_barbera = [{**tag, "productId": "barbera", "batchId": "L1"} for tag in of_barbera]
    of_barolo = [{**tag, "productId": "barolo", "batchId": "L1"} for tag in of_barolo]
    assert api.get(f"{ALL}/L1/tags").json() == of_barbera + of_barolo
    assert api.get(f"{ALL}/L1/tags?claimSetId=spring").json() == [of_barbera[0], of_barolo[0]]
    for none in ("L1/tags?claimSetId=autumn", "L3/tags", "L4/tags"):
        assert (api.get(f"{ALL}/{none}").status, api.get(f"{ALL}/{none}").text) == (200, "[]")
