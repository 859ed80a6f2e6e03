"""Lists of a collection's batches by what their GTIN and their lot number begin with: by keys alone."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard import operator
from batchyard.product_batches import answers, listing_by_gtin
from batchyard.store import clients, items
from batchyard.store.tables import PRODUCT_BATCHES
from tests.integration.conftest import Calls
from tests.support.api import Answer, Api
from tests.support.batch import run_json
from tests.support.lots import BATCHES, COLLECTION, GTIN, invalid, make, path_of
from tests.support.overtaking import before_the_first_commit

ALL = f"{COLLECTION}/batch"
OTHER = "09501101530003"
LONG = "an-id-that-is-too-long-for-a-lot"


def ids(answer: Answer) -> list[str]:
    """The batches of a list."""
    assert answer.status == 200, answer.text
    return [batch["id"] for batch in answer.json()]


def walk(api: Api, query: str) -> list[list[str]]:
    """The pages of a list, by the links that lead from one to the next."""
    pages = []
    here: str | None = f"{ALL}?{query}"
    while here is not None:
        answer = api.get(here)
        pages.append(ids(answer))
        link = answer.headers.get("link")
        here = None if link is None else str(link[1 : link.index(">")])
    return pages


@pytest.fixture
def some(api: Api) -> None:
    """Batches of two GTINs, some with a lot number of their own, two with one that another has; and others."""
    make(api, "L2", gtin=GTIN)
    make(api, "L1", gtin=GTIN, name="first")
    make(api, "x", gtin=GTIN, lotNumber="L10")
    make(api, "y", gtin=OTHER, lotNumber="L1")
    # The same pair again, by another product and by another line.
    make(api, "L1", "barbera", gtin=GTIN)
    make(api, "line-2", gtin=GTIN, lotNumber="L1")
    make(api, LONG, gtin=GTIN)
    make(api, "no-gtin", lotNumber="L1")
    api.post("/admin/collection/oils/product/barolo/batch", {"id": "L1", "gtin": GTIN})


OF_GTIN = [LONG, "L1", "L1", "line-2", "x", "L2"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"gtinPrefix={GTIN}", OF_GTIN),
        ("gtinPrefix=0952", OF_GTIN),
        ("gtinPrefix=095", ["y", *OF_GTIN]),
        (f"gtinPrefix={GTIN}&lotPrefix=L1", ["L1", "L1", "line-2", "x"]),
        (f"gtinPrefix={GTIN}&lotPrefix=L10", ["x"]),
        (f"gtinPrefix={GTIN}&lotPrefix=l1", []),
        (f"gtinPrefix={OTHER}&lotPrefix=L1", ["y"]),
        (f"gtinPrefix={GTIN}&lotPrefix=", OF_GTIN),
        (f"gtinPrefix={GTIN}&productId=barbera", ["L1"]),
        (f"gtinPrefix={GTIN}&productId=barolo", [LONG, "L1", "line-2", "x", "L2"]),
        (f"gtinPrefix={GTIN}&lotPrefix=L1&productId=nebbiolo", []),
        # No GTIN, and no lot, begins so.
        ("gtinPrefix=L1", []),
        (f"gtinPrefix={GTIN}0", []),
        (f"gtinPrefix={GTIN}%20L1", []),
        (f"gtinPrefix={GTIN}&lotPrefix=L1%20", []),
        (f"gtinPrefix={GTIN}&lotPrefix={'L' * 21}", []),
        ("gtinPrefix=9", []),
    ],
)
def test_batches_are_found_by_gtin_and_lot(api: Api, some: None, query: str, found: list[str]) -> None:
    assert ids(api.get(f"{ALL}?{query}")) == found
    for limit in (1, 2, 5):
        pages = walk(api, f"{query}&limit={limit}")
        assert [id for page in pages for id in page] == found
        assert all(len(page) <= limit for page in pages)


def test_lots_by_gtin_are_whole_and_as_they_are_now(api: Api, some: None) -> None:
    assert api.get(f"{ALL}?gtinPrefix={GTIN}&lotPrefix=L1").json()[0] == api.get(f"{BATCHES}/L1").json()


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        (f"gtinPrefix={GTIN}&search=L", "gtinPrefix", "It goes together with neither search nor idPrefix."),
        (f"gtinPrefix={GTIN}&idPrefix=L", "gtinPrefix", "It goes together with neither search nor idPrefix."),
        ("lotPrefix=L1", "lotPrefix", "It goes together with a gtinPrefix of all 14 digits."),
        ("gtinPrefix=0952&lotPrefix=L1", "lotPrefix", "It goes together with a gtinPrefix of all 14 digits."),
    ],
)
def test_parameters_of_gtins_that_do_not_go_together_are_refused(
    api: Api, query: str, field: str, message: str
) -> None:
    refused = api.get(f"{ALL}?{query}")
    assert (refused.status, refused.json()) == (400, invalid(**{field: [message]}))


def test_a_lot_by_gtin_is_found_without_looking_through_others(api: Api, some: None, calls: Calls) -> None:
    """A thousand other lots would not make it dearer."""
    api.get(f"{ALL}?limit=1")
    calls.clear()
    assert ids(api.get(f"{ALL}?gtinPrefix={GTIN}&lotPrefix=L10")) == ["x"]
    assert calls == ["dynamodb.Query", "dynamodb.BatchGetItem"]
    clients_query = clients.dynamodb().query
    looked: list[int] = []

    def counting(**request: Any) -> Any:
        answer = clients_query(**request)
        looked.append(answer["ScannedCount"])
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients.dynamodb(), "query", counting)
        assert ids(api.get(f"{ALL}?gtinPrefix={GTIN}&lotPrefix=L10")) == ["x"]
    assert looked == [1]


def test_lots_left_out_for_their_product_are_bounded_and_counted(
    api: Api, monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    monkeypatch.setattr(listing_by_gtin, "STEP", 2)
    monkeypatch.setattr(listing_by_gtin, "MOST_LOOKED_AT", 4)
    for number in range(14):
        make(api, f"L{number:02}", "barbera" if number == 9 else "barolo", gtin=GTIN)
    charged: list[float] = []
    monkeypatch.setattr("batchyard.http.limits.charge", lambda _, units: charged.append(units))
    calls.clear()
    pages = walk(api, f"gtinPrefix={GTIN}&productId=barbera")
    assert [id for page in pages for id in page] == ["L09"]
    assert len(pages) >= 4
    assert len(charged) == len(pages)
    assert calls.count("dynamodb.Query") <= 2 * len(pages)


def test_a_page_ends_before_an_answer_cannot_hold_it(api: Api, some: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST_PAGE", 1)
    assert walk(api, f"gtinPrefix={GTIN}") == [[id] for id in OF_GTIN]


def test_a_cursor_is_one_of_its_own_list(api: Api, some: None) -> None:
    def following(query: str) -> str:
        link = api.get(f"{ALL}?{query}&limit=1").headers["link"]
        return str(link[link.index("cursor=") + 7 :].split("&")[0].split(">")[0])

    of_gtin, of_all, of_search = following(f"gtinPrefix={GTIN}"), following("x=y"), following("search=L")
    refused = invalid(cursor=["It is none that an answer gave."])
    for query in ("x=y", "search=L", "idPrefix=0", f"gtinPrefix={OTHER}", f"gtinPrefix={GTIN}&lotPrefix=L1"):
        assert api.get(f"{ALL}?{query}&cursor={of_gtin}").json() == refused
    for cursor in (of_all, of_search, "bm9uZQ", "e30", "WyJ4IiwieSIsImd0aW4iXQ"):
        assert api.get(f"{ALL}?gtinPrefix={GTIN}&cursor={cursor}").json() == refused


def test_a_batch_is_found_by_what_it_has_now(api: Api, some: None) -> None:
    def found(gtin: str, lot: str) -> list[str]:
        return ids(api.get(f"{ALL}?gtinPrefix={gtin}&lotPrefix={lot}"))

    def change(id: str, product: str = "barolo", **fields: Any) -> None:
        assert api.put(path_of(id, product), fields).status == 200

    change("line-2", lotNumber="L3")
    assert (found(GTIN, "L1"), found(GTIN, "L3")) == (["L1", "L1", "x"], ["line-2"])
    # The first one goes, the second one stays where it is found, also after it comes back.
    api.delete(path_of("L1"))
    assert found(GTIN, "L1") == ["L1", "x"]
    make(api, "L1", gtin=GTIN)
    assert found(GTIN, "L1") == ["L1", "L1", "x"]
    change("L1", "barbera", gtin=None)
    assert found(GTIN, "L1") == ["L1", "x"]
    change("L1", "barbera", gtin=GTIN)
    change("line-2", lotNumber="L1")
    change(LONG, lotNumber="L1")
    assert found(GTIN, "L1") == ["L1", "L1", LONG, "line-2", "x"]
    for id, product in (("L1", "barbera"), ("line-2", "barolo"), (LONG, "barolo"), ("L1", "barolo")):
        api.delete(f"{path_of(id, product)}?force=true")
    assert found(GTIN, "L1") == ["x"]
    assert pointers() == 3


def pointers() -> int:
    """How many items there are for lists by GTIN, in the collection of wines."""
    rows = map(items.decode, clients.dynamodb().scan(TableName=PRODUCT_BATCHES.name)["Items"])
    return sum(str(row["sort_key"]).startswith("lot ") and row["collection_id"] == "wines" for row in rows)


CHANGE = st.tuples(
    st.sampled_from(["A", "B", LONG]),
    st.sampled_from(
        [{}, {"gtin": GTIN}, {"gtin": OTHER}, {"gtin": None}, {"lotNumber": "B"}, {"lotNumber": None}, None]
    ),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGE, min_size=1, max_size=12))
def test_lots_by_gtin_are_found_once_after_any_changes(
    api: Api, changes: list[tuple[str, dict[str, Any] | None]]
) -> None:
    for id in ("A", "B", LONG):
        api.delete(f"{path_of(id)}?force=true")
    for id, fields in changes:
        if fields is None:
            api.delete(path_of(id))
        elif api.put(path_of(id), fields).status == 404:
            make(api, id, **fields)
    there = api.get(BATCHES).json()
    for gtin in (GTIN, OTHER):
        wanted = sorted(batch["id"] for batch in there if batch.get("gtin") == gtin)
        assert sorted(id for page in walk(api, f"gtinPrefix={gtin}&limit=1") for id in page) == wanted
    assert pointers() == sum("gtin" in batch for batch in there)
    # Of each pair one holds it, whoever was the first.
    pairs = {(batch["gtin"], batch["lotNumber"]) for batch in there if {"gtin", "lotNumber"} <= batch.keys()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REPEATED_LOTS", "refuse")
        for gtin in (GTIN, OTHER):
            for lot in ("A", "B"):
                asked = api.post(BATCHES, {"id": "C", "gtin": gtin, "lotNumber": lot})
                assert asked.status == (409 if (gtin, lot) in pairs else 200)
                api.delete(path_of("C"))


Asked = tuple[str, str, dict[str, Any] | None]


def make_one(id: str) -> Asked:
    return "POST", BATCHES, {"id": id, "gtin": GTIN, "lotNumber": "7"}


def remove_one(id: str) -> Asked:
    return "DELETE", f"{path_of(id)}?force=true", None


@pytest.mark.parametrize(
    ("before", "together", "left"),
    [
        (["A", "B"], [remove_one("A")], "B"),
        (["A", "B"], [("PUT", path_of("A"), {"lotNumber": "8"})], "B"),
        (["A", "B", "C"], [remove_one("A"), remove_one("B")], "C"),
        (["A", "B", "C"], [remove_one("B"), remove_one("A")], "C"),
        (["A", "B"], [remove_one("A"), remove_one("B")], None),
        (["A", "B"], [remove_one("B"), remove_one("A")], None),
        (["A"], [make_one("B"), remove_one("A")], "B"),
        (["A"], [remove_one("A"), make_one("B")], "B"),
        (["A", "B"], [remove_one("A"), make_one("A")], "B"),
        (["A", "B"], [("PUT", path_of("B"), {"lotNumber": "8"}), remove_one("A")], None),
    ],
)
def test_the_next_lot_takes_the_place_of_the_first(
    api: Api, monkeypatch: pytest.MonkeyPatch, before: list[str], together: list[Asked], left: str | None
) -> None:
    for id in before:
        make(api, id, gtin=GTIN, lotNumber="7")
    requests = (
        {"id": str(number), "atomicityGroup": "all", "method": method, "url": url, **({"body": body} if body else {})}
        for number, (method, url, body) in enumerate(together)
    )
    assert {answer["status"] for answer in run_json(api, *requests)} == {200}
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    asked = api.post(BATCHES, {"id": "Z", "gtin": GTIN, "lotNumber": "7"})
    assert (asked.status, asked.json().get("details", {}).get("batchId")) == (
        (200, None) if left is None else (409, left)
    )
    there = [batch["id"] for batch in api.get(BATCHES).json() if batch.get("lotNumber") == "7"]
    assert sorted(ids(api.get(f"{ALL}?gtinPrefix={GTIN}&lotPrefix=7"))) == there
    assert pointers() == len(api.get(BATCHES).json())


RIVALS: list[Asked] = [
    remove_one("A"),
    remove_one("B"),
    make_one("C"),
    make_one("D"),
    ("PUT", path_of("A"), {"lotNumber": "8"}),
    ("PUT", path_of("B"), {"lotNumber": "8"}),
    ("PUT", path_of("other"), {"lotNumber": "7"}),
]


@pytest.mark.parametrize("before", [["A"], ["A", "B"]])
@pytest.mark.parametrize(("slow", "fast"), list(permutations(range(len(RIVALS)), 2)))
def test_a_pair_is_held_whoever_overtakes_whom(
    api: Api, monkeypatch: pytest.MonkeyPatch, before: list[str], slow: int, fast: int
) -> None:
    make(api, "other", gtin=GTIN, lotNumber="9")
    for id in before:
        make(api, id, gtin=GTIN, lotNumber="7")
    answers: list[Answer] = []
    with before_the_first_commit(lambda: answers.append(api(*RIVALS[fast]))):
        answers.append(api(*RIVALS[slow]))
    assert {answer.status for answer in answers} <= {200, 404}
    there = api.get(BATCHES).json()
    lots = [batch["id"] for batch in there if batch["lotNumber"] == "7"]
    assert sorted(ids(api.get(f"{ALL}?gtinPrefix={GTIN}&lotPrefix=7"))) == lots
    assert pointers() == len(there)
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    assert api.post(BATCHES, {"id": "Z", "gtin": GTIN, "lotNumber": "7"}).status == (409 if lots else 200)


def test_the_next_lot_takes_no_place_that_it_has_left(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """What points at a batch is from before it had another lot; a crash of an earlier version may have left that."""
    make(api, "A", gtin=GTIN, lotNumber="7")
    make(api, "B", gtin=GTIN, lotNumber="8")
    stale = {"collection_id": "wines", "sort_key": f"lot {GTIN} 7 B barolo", "of_batch": "B", "of_product": "barolo"}
    clients.dynamodb().put_item(TableName=PRODUCT_BATCHES.name, Item=items.encode({**stale, "version": 1}))
    assert api.delete(path_of("A")).status == 200
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    assert api.post(BATCHES, {"id": "C", "gtin": GTIN, "lotNumber": "7"}).status == 200


def test_the_operator_gives_a_pair_that_nobody_holds_to_one_that_has_it(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for id in ("A", "B"):
        make(api, id, gtin=GTIN, lotNumber="7")
    holder = {"collection_id": "wines", "sort_key": f"lot {GTIN} 7"}
    clients.dynamodb().delete_item(TableName=PRODUCT_BATCHES.name, Key=items.encode(holder))
    assert api.delete(path_of("A")).status == 200
    for indexed in (1, 0):
        assert operator.main(["index-lots"]) == 0
        assert json.loads(capsys.readouterr().out) == {"indexed": indexed}
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    assert api.post(BATCHES, {"id": "C", "gtin": GTIN, "lotNumber": "7"}).json()["details"]["batchId"] == "B"
    assert pointers() == 1


def test_lots_without_pointers_are_found_once_the_operator_has_indexed_them(
    api: Api, some: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of earlier versions hold no pair, and seconds of a pair have no pointer."""
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    before = [api.get(path_of(id)).json() for id in ("L1", "L2", "x", LONG)]
    table = PRODUCT_BATCHES.name
    for row in clients.dynamodb().scan(TableName=table)["Items"]:
        if row["sort_key"]["S"].startswith("lot "):
            key = {name: row[name] for name in ("collection_id", "sort_key")}
            clients.dynamodb().delete_item(TableName=table, Key=key)
    assert ids(api.get(f"{ALL}?gtinPrefix=0")) == []

    def repaired() -> Any:
        assert operator.main(["index-lots"]) == 0
        return json.loads(capsys.readouterr().out)

    assert repaired() == {"indexed": 8}
    assert repaired() == {"indexed": 0}
    assert sorted(ids(api.get(f"{ALL}?gtinPrefix=0"))) == sorted(["y", *OF_GTIN])
    assert ids(api.get(f"/admin/collection/oils/batch?gtinPrefix={GTIN}")) == ["L1"]
    # The batches themselves are as they were.
    assert [api.get(path_of(id)).json() for id in ("L1", "L2", "x", LONG)] == before
    assert api.post(BATCHES, {"id": "L9", "lotNumber": "L10", "gtin": GTIN}).status == 409
