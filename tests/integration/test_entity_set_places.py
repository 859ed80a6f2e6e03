"""Clients that count `$skip` up by themselves: each page goes on where the one before it ended, and costs as much."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from batchyard.catalogue import operations, repository
from batchyard.catalogue.entity_sets.model import MODEL
from batchyard.errors import Unavailable
from batchyard.odata import lists
from batchyard.store import positions
from batchyard.store.unit import transact
from tests.integration.conftest import Calls
from tests.support.api import Api, narrowed
from tests.support.catalogue import product

PAGE = 10
FILTERED = "$filter=" + quote("startswith(Sku,'C-')")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODEL, "sets", {name: one._replace(page=PAGE) for name, one in MODEL.sets.items()})
    monkeypatch.setattr(lists, "_STEP", PAGE)


def put(name: str) -> tuple[str, int]:
    made = transact(lambda unit: repository.put(unit, product(f"handle-{name}", name, images=()), None))
    return made.id, made.variants[0].entity


def several(count: int) -> list[tuple[str, int]]:
    return [put(f"C-{number}") for number in range(count)]


def page(api: Api, query: str, skip: int) -> Any:
    answer = api.get(f"/v1/Products?{query}&$select=ID&$skip={skip}")
    assert answer.status == 200, answer.text
    return answer.json()


def ids(found: Any) -> list[int]:
    return [one["ID"] for one in found["value"]]


def walk(api: Api, query: str) -> Iterator[list[int]]:
    """Pages, as who counts up by himself gets them."""
    skip = 0
    while found := ids(page(api, query, skip)):
        yield found
        skip += len(found)


@pytest.mark.parametrize("query", ["", FILTERED, "$orderby=ID desc", FILTERED + "&$orderby=UpdateDateUtc", "$top=7"])
def test_counting_skip_up_gives_each_entity_once(api: Api, query: str) -> None:
    made = several(45)
    found = [id for some in walk(api, query) for id in some]
    assert sorted(found) == [id for _, id in made]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("query", ["", FILTERED])
def test_each_page_by_skip_costs_the_same(api: Api, calls: Calls, query: str) -> None:
    several(75)
    costs = []
    for skip in range(0, 70, PAGE):
        calls.clear()
        assert len(page(api, query, skip)["value"]) == PAGE
        costs.append(sorted(call for call in calls if call != "dynamodb.UpdateItem"))
    # What comes first is not kept where all are shown, and the second page then counts.
    assert len({tuple(cost) for cost in costs[2:]}) == 1
    assert costs[2].count("dynamodb.PutItem") == 1
    assert len(costs[2]) <= len(costs[0]) + 2


def test_no_position_is_kept_for_next_links_or_a_single_page(api: Api, calls: Calls) -> None:
    several(35)
    calls.clear()
    found = page(api, "", 0)
    while "@odata.nextLink" in found:
        found = api.get(found["@odata.nextLink"]).json()
    assert [call for call in calls.writes() if call != "dynamodb.UpdateItem"] == []


def test_pages_by_skip_neither_repeat_nor_miss_entities_during_writes(api: Api) -> None:
    made = several(40)
    pages = walk(api, FILTERED)
    found = next(pages) + next(pages)
    for one, _ in made[3:9]:
        operations.remove(one)
    found += next(pages)
    last = put("C-last")
    found += [id for some in pages for id in some]
    assert found == [id for _, id in [*made, last]]


def test_a_page_out_of_the_blue_counts_from_the_nearest_place(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    made = [id for _, id in several(45)]
    assert ids(page(api, "", 20)) == made[20:30]
    assert ids(page(api, "", 33)) == made[33:43]
    assert ids(page(api, "", 7)) == made[7:17]
    # Places do not last.
    at(1000)
    assert ids(page(api, "", 30)) == made[30:40]
    assert page(api, "", 100)["value"] == []


def test_places_belong_to_a_caller_and_a_question(api: Api) -> None:
    made = several(40)
    assert len(page(api, "", 10)["value"]) == PAGE
    for one, _ in made[:5]:
        operations.remove(one)
    left = [id for _, id in made[5:]]
    # Who began before goes on behind what was seen; others count what there is.
    assert ids(page(api, "", 20)) == left[15:25]
    other = Api(narrowed("of-another", catalogue="read"))
    assert ids(page(other, "", 20)) == left[20:30]
    assert ids(page(api, "$orderby=ID desc", 20)) == left[::-1][20:30]
    assert ids(page(api, FILTERED, 20)) == left[20:30]


@pytest.mark.parametrize("lost", ["keep", "nearest"])
def test_a_place_that_is_lost_costs_no_answer(api: Api, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    made = [id for _, id in several(35)]

    def refused(*_: Any) -> Any:
        raise Unavailable

    monkeypatch.setattr(positions, lost, refused)
    assert [id for some in walk(api, FILTERED) for id in some] == made


def test_a_count_of_what_a_filter_accepts_is_kept_along(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(25)
    counted = f"{FILTERED}&$count=true"
    assert [page(api, counted, skip)["@odata.count"] for skip in (0, 10, 20)] == [25] * 3
    assert [page(api, "$count=true", skip)["@odata.count"] for skip in (0, 10, 20)] == [25] * 3


def test_a_selective_filter_by_skip_gets_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_LOOKED_AT", 12)
    made = several(40)
    wanted = "$filter=" + quote("endswith(Sku,'9')")
    found: list[int] = []
    for _ in range(4):
        found += ids(page(api, wanted, len(found)))
    assert found == [made[number][1] for number in (9, 19, 29, 39)]
