"""The catalogue's entity sets where many write them at once, and where pages are read meanwhile."""

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal
from unittest.mock import patch
from urllib.parse import quote

import pytest

from batchyard.catalogue import codec, entity_lists, operations, reference, repository
from batchyard.catalogue.rules import Entity, Own
from batchyard.odata import lists
from batchyard.store import clients, items
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import transact
from tests.consistency import catalogue_process
from tests.consistency.faults import at_call, first, lost_answer_and_then, noting
from tests.consistency.workers import at_once, in_processes
from tests.consistency.world import World
from tests.support.api import Answer, Api
from tests.support.batch import Part, request, run_change_set, run_flat
from tests.support.catalogue import BEGAN, entities, must_be_whole, product, stored_products

pytestmark = pytest.mark.engine

WORKERS = 32


def made(api: Api, sku: str, **given: Any) -> int:
    answer = api.post("/v1/Products", {"Sku": sku, **given})
    assert answer.status == 201, answer.text
    return int(answer.json()["ID"])


def several(count: int, name: str = "p") -> list[int]:
    """The IDs of new products of one variant, which were made a second after each other; many in one transaction."""
    found: list[int] = []
    for some in itertools.batched(range(count), 20, strict=False):

        def put(unit: Any, some: tuple[int, ...] = some) -> list[int]:
            new = [
                product(f"{name}-{number}", f"{name}-{number}", created=moment, updated=moment)
                for number in some
                for moment in [BEGAN + number * 1_000_000]
            ]
            repository.load(unit, handles=[one.handle for one in new], skus=[one.handle for one in new])
            return [repository.put(unit, one, None).variants[0].entity for one in new]

        found += transact(put)
    return found


def update(id: int, pieces: int, kind: str = "Relative", centre: int = 0) -> tuple[str, dict[str, Any]]:
    """The URL and the body of a change of a product's stock."""
    updates = [{"DistributionCenterID": centre, "Quantity": pieces}]
    return f"Products({id})/UpdateQuantity", {"Value": {"UpdateType": kind, "Updates": updates}}


def stock(api: Api, id: int, pieces: int, **more: Any) -> Answer:
    url, body = update(id, pieces, **more)
    return api.post(f"/v1/{url}", body)


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json()["error"]["code"]


# Many at once.


def test_no_relative_update_is_lost(world: World) -> None:
    reference.create_centre(7, "East")
    id = made(world.api, "A")
    jobs = [partial(stock, world.api, id, 3, centre=7 * (number % 2)) for number in range(WORKERS)]
    assert [answer.status for answer in at_once(jobs)] == [204] * WORKERS
    assert entities()[id].quantities == {0: 3 * WORKERS // 2, 7: 3 * WORKERS // 2}
    must_be_whole()


def test_no_update_of_a_batch_is_lost_that_shares_its_reads(world: World) -> None:
    ids = [made(world.api, sku) for sku in ("A", "B", "C")]
    parts = [request("POST", *update(id, 1)) for id in ids for _ in range(3)]
    answers = at_once([partial(run_flat, world.api, *parts) for _ in range(8)])
    assert {part.status for answer in answers for part in answer} == {204}
    assert [entities()[id].quantities for id in ids] == [{0: 24}] * 3
    must_be_whole()


def test_no_more_pieces_are_sold_than_are_in_stock(world: World) -> None:
    id = made(world.api, "A")
    assert stock(world.api, id, 20, kind="Absolute").status == 204
    answers = at_once([partial(stock, world.api, id, -1) for _ in range(WORKERS)])
    assert Counter(answer.status for answer in answers) == {204: 20, 400: WORKERS - 20}
    assert entities()[id].quantities == {0: 0}


def test_a_repeated_relative_update_counts_once_though_others_build_on_it(world: World) -> None:
    id = made(world.api, "A")

    def another() -> None:
        assert stock(world.api, id, 5).status == 204

    for call in ("PutItem", "TransactWriteItems"):
        before = entities()[id].quantity
        with at_call(1, lost_answer_and_then(another), of=call) as strike:
            assert stock(world.api, id, 3).status == 204
        assert entities()[id].quantity == before + (8 if strike else 3)


@pytest.mark.parametrize(
    "part",
    [
        "AttributeValues(ProductID={id},Name='N')",
        "ProductLabels(ProductID={id},Name='N')",
        "ProductBundleComponents(ProductID={id},ComponentID={other})",
        "Images(ProductID={id},PlacementName='N')",
        "DCQuantities(ProductID={id},DistributionCenterID=0)",
    ],
)
def test_a_repeated_removal_of_an_entity_part_succeeds_after_another_update(world: World, part: str) -> None:
    other, id = made(world.api, "B"), made(world.api, "A")
    url = "/v1/" + part.format(id=id, other=other)
    body: dict[str, Any] = {"Url": "u"} if "Images" in part else {"Value": "x"}
    if "Quantit" in part or "Component" in part:
        body = {"AvailableQuantity": 1} if "DC" in part else {"Quantity": 1}
    assert world.api.put(url, None if "Label" in part else body).status == 204

    def another() -> None:
        assert world.api.patch(f"/v1/Products({id})", {"UPC": "1"}).status == 204

    for call in ("PutItem", "TransactWriteItems"):
        with at_call(1, lost_answer_and_then(another), of=call) as strike:
            answer = world.api.delete(url)
        assert answer.status == 204, answer.text
        if strike:
            break
        assert world.api.put(url, None if "Label" in part else body).status == 204
    assert strike
    assert world.api.delete(url).status == 404
    assert world.api.get(f"/v1/Products({id})").json()["UPC"] == "1"


def test_one_of_many_creators_of_a_sku_wins(world: World) -> None:
    jobs = [partial(world.api.post, "/v1/Products", {"Sku": "A", "Title": str(number)}) for number in range(8)]
    jobs += [partial(world.api.post, "/v1/Products", {"Sku": "A", "IsParent": True}) for _ in range(2)]
    answers = at_once(jobs)
    won = [answer for answer in answers if answer.status == 201]
    assert len(won) == 1
    assert [error(answer) for answer in answers if answer not in won] == [(400, "DuplicateSku")] * 9
    [one] = stored_products().values()
    assert won[0].json()["ID"] in one.entities
    must_be_whole()


def test_one_of_many_renames_to_a_sku_wins(world: World) -> None:
    ids = several(8)
    jobs = [partial(world.api.patch, f"/v1/Products({id})", {"Sku": "A"}) for id in ids]
    answers = at_once([*jobs, partial(world.api.post, "/v1/Products", {"Sku": "A"})])
    assert sorted(answer.status // 100 for answer in answers) == [2, *[4] * 8]
    assert {error(answer) for answer in answers if answer.status >= 400} == {(400, "DuplicateSku")}
    must_be_whole()


def test_children_that_are_made_while_their_parent_goes_go_with_it_or_are_refused(world: World) -> None:
    for number in range(4):
        parent = made(world.api, f"P-{number}", IsParent=True)
        jobs = [
            partial(world.api.post, "/v1/Products", {"Sku": f"C-{number}-{child}", "ParentProductID": parent})
            for child in range(3)
        ]
        *made_, removed = at_once([*jobs, partial(world.api.delete, f"/v1/Products({parent})")])
        assert removed.status == 204, removed.text
        assert {answer.status for answer in made_} <= {201, 400, 404}
        assert stored_products() == {}
        must_be_whole()


def test_a_product_is_removed_while_its_sku_is_created_again(world: World) -> None:
    for _ in range(4):
        id = made(world.api, "A")
        removed, again = at_once(
            [
                partial(world.api.delete, f"/v1/Products({id})"),
                partial(world.api.post, "/v1/Products", {"Sku": "A"}),
            ]
        )
        assert removed.status == 204, removed.text
        if again.status == 201:
            assert world.api.delete(f"/v1/Products({again.json()['ID']})").status == 204
        else:
            assert error(again) == (400, "DuplicateSku")
        must_be_whole()
    assert stored_products() == {}


def test_parts_that_are_written_while_their_product_goes_are_refused_or_go_with_it(world: World) -> None:
    for _ in range(4):
        id = made(world.api, "A")
        removed, *written = at_once(
            [
                partial(world.api.delete, f"/v1/Products({id})"),
                partial(world.api.post, "/v1/AttributeValues", {"ProductID": id, "Name": "N", "Value": "x"}),
                partial(world.api.put, f"/v1/ProductLabels(ProductID={id},Name='Sale')"),
                partial(stock, world.api, id, 4),
                partial(world.api.put, f"/v1/Images(ProductID={id},PlacementName='ITEMIMAGEURL1')", {"Url": "u"}),
            ]
        )
        assert removed.status == 204, removed.text
        assert {answer.status for answer in written} <= {201, 204, 400, 404}
        assert (stored_products(), entities()) == ({}, {})


def test_a_component_that_goes_while_its_bundle_is_made(world: World) -> None:
    for number in range(6):
        component = made(world.api, f"C-{number}")
        bundle, removed = at_once(
            [
                partial(
                    world.api.post,
                    "/v1/Products",
                    {"Sku": f"B-{number}", "BundleComponents": [{"ComponentSku": f"C-{number}", "Quantity": 2}]},
                ),
                partial(world.api.delete, f"/v1/Products({component})"),
            ]
        )
        assert (bundle.status, removed.status) in {(201, 409), (400, 204)}, (bundle.text, removed.text)
        must_be_whole()


@pytest.mark.parametrize("makes", [True, False])
def test_a_component_meets_its_removal_at_the_last_call(world: World, makes: bool) -> None:
    component = made(world.api, "C")
    given = {"Sku": "B", "BundleComponents": [{"ComponentSku": "C", "Quantity": 2}]}
    acts: dict[bool, Callable[[], Answer]] = {
        True: partial(world.api.post, "/v1/Products", given),
        False: partial(world.api.delete, f"/v1/Products({component})"),
    }
    happened: list[int] = []
    with at_call(1, first(lambda: happened.append(acts[not makes]().status)), of="TransactWriteItems") as strike:
        refused = acts[makes]()
    assert strike
    assert (happened, refused.status) == (([204], 400) if makes else ([201], 409)), refused.text
    must_be_whole()


def test_no_two_products_are_bundles_of_each_other(world: World) -> None:
    for number in range(4):
        one, other = made(world.api, f"A-{number}"), made(world.api, f"B-{number}")
        answers = at_once(
            [
                partial(world.api.put, f"/v1/ProductBundleComponents(ProductID={a},ComponentID={b})", {"Quantity": 1})
                for a, b in ((one, other), (other, one))
            ]
        )
        assert sorted(answer.status for answer in answers) == [204, 400]
        must_be_whole()


# In batches.


def test_a_hundred_reads_of_a_batch_are_two_calls(world: World) -> None:
    ids = several(100)
    with noting() as calls:
        answers = run_flat(world.api, *(request("GET", f"Products({id})") for id in ids))
    assert [answer.json()["ID"] for answer in answers] == ids
    # What many requests share is the request limit's.
    assert [call for call in calls if call != "UpdateItem"] == ["TransactGetItems"] * 2


def test_a_hundred_stock_updates_are_one_transaction(world: World) -> None:
    ids = several(100)
    with noting() as calls:
        answers = run_change_set(world.api, *(request("POST", *update(id, id)) for id in ids))
    assert isinstance(answers, list), answers
    assert {answer.status for answer in answers} == {204}
    assert [call for call in calls if call != "UpdateItem"] == ["TransactGetItems", "TransactWriteItems"]
    assert repository.read_quantities(ids) == {id: id for id in ids}
    refused = run_change_set(
        world.api,
        *(request("POST", *update(id, -id)) for id in ids[:-1]),
        request("POST", *update(ids[-1], -ids[-1] - 1)),
    )
    assert isinstance(refused, Part)
    assert refused.status == 400
    assert repository.read_quantities(ids) == {id: id for id in ids}


def test_readers_never_see_half_of_a_change_set(world: World) -> None:
    ids, times = several(100), 4
    for id in ids:
        operations.set_quantities(id, {0: 0}, "req")
        operations.set_quantities(id, {0: 9}, "req")
    reads = [partial(catalogue_process.watch_stock, order, times) for order in (ids, ids[::-1])]
    statuses, *seen = in_processes([partial(catalogue_process.move_stock, ids, times), *reads])
    assert set(statuses) == {204}
    for reader in seen:
        assert all(len(set(together)) == 1 for together in reader)
        assert len({together[0] for together in reader}) > 1


# Indexes and pages.


def scattered(count: int) -> list[Entity]:
    """Entities whose IDs and moments are all over the place, many of them the same."""
    rng = random.Random(3)
    numbers = rng.sample(range(1, 2**31), count // 2) + rng.sample(range(16, 40_000, 16), count // 2)
    moments = [BEGAN + rng.randrange(count // 8) for _ in range(count)]
    return [
        Entity(id, "prod_1", rng.choice(moments), rng.choice(moments), rng.choice(moments), "a")
        for id in dict.fromkeys(numbers)
    ]


@pytest.fixture(scope="module")
def spread(lasting_world: World) -> list[Entity]:
    found = scattered(600)
    for some in itertools.batched(found, 25, strict=False):
        puts: Any = [{"PutRequest": {"Item": items.encode(codec.encode_entity(one))}} for one in some]
        assert not clients.dynamodb().batch_write_item(RequestItems={CATALOGUE.name: puts})["UnprocessedItems"]
    return found


@pytest.mark.parametrize("descending", [False, True])
def test_the_index_of_ids_has_pages_in_order(spread: list[Entity], descending: bool) -> None:
    wanted = sorted((one.id for one in spread), reverse=descending)
    found: list[int] = []
    while page := entity_lists.ids(found[-1] if found else None, 70, descending=descending):
        found += page
    assert found == wanted
    # Behind what is not there.
    behind = [id for id in wanted if (id < 1_000_000_001 if descending else id > 1_000_000_001)]
    assert entity_lists.ids(1_000_000_001, 70, descending=descending) == behind[:70]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("moment", ["created", "updated", "stocked"])
def test_the_indexes_of_moments_have_pages_in_order(
    spread: list[Entity], moment: Literal["created", "updated", "stocked"], descending: bool
) -> None:
    wanted = sorted(((getattr(one, moment), one.id) for one in spread), reverse=descending)
    for low, high in ((None, None), (BEGAN + 20, BEGAN + 50), (BEGAN + 20, None), (None, BEGAN + 20)):
        within = [place for place in wanted if (low is None or place[0] >= low) and (high is None or place[0] <= high)]
        found: list[tuple[int, int]] = []
        while page := entity_lists.ids_between(
            moment, low, high, found[-1] if found else None, 70, descending=descending
        ):
            found += page
        assert found == within
        # Behind what is not there, among many of the same moment.
        place = (BEGAN + 30, 1_000_000_001)
        behind = [one for one in within if (one < place if descending else one > place)]
        assert entity_lists.ids_between(moment, low, high, place, 70, descending=descending) == behind[:70]


@contextmanager
def meanwhile(*acts: Callable[[int], object]) -> Iterator[None]:
    """Does things over and over, each in a thread of its own, for as long as this is entered; each once at least."""
    over, failed = threading.Event(), []

    def repeat(act: Callable[[int], object]) -> None:
        try:
            for number in itertools.count():
                act(number)
                if over.is_set():
                    return
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=repeat, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []


@contextmanager
def small_pages() -> Iterator[None]:
    """Pages have twenty products, so that there are some."""
    page = lists.page

    def small(readable: Any, plan: Any, options: Any, most: int, fits: Any, time_is_up: Any) -> lists.Page:
        return page(readable, plan, options, min(most, 20), fits, time_is_up)

    with patch.object(lists, "page", small):
        yield


def walked(api: Api, query: str) -> list[int]:
    """The IDs of all pages, as a client follows them."""
    answer = api.get(f"/v1/Products?$select=ID&{query}")
    found: list[int] = []
    while True:
        assert answer.status == 200, answer.text
        page = answer.json()
        found += [one["ID"] for one in page["value"]]
        if "@odata.nextLink" not in page:
            return found
        answer = api.get(page["@odata.nextLink"])


@pytest.mark.parametrize(
    ("query", "again"),
    [
        ("$orderby=ID", False),
        ("$orderby=ID%20desc", False),
        (f"$filter={quote('Weight eq null')}", False),
        ("$orderby=UpdateDateUtc", True),
        (f"$filter={quote('UpdateDateUtc ge 2020-01-01')}&$orderby=UpdateDateUtc", True),
        ("$orderby=QuantityUpdateDateUtc", True),
        ("$orderby=CreateDateUtc", False),
    ],
)
def test_pages_of_entities_miss_nothing_during_writes(world: World, query: str, again: bool) -> None:
    """Each comes once; in the order of what changes it may come again, with its new moment."""
    ids, gone = several(220), several(40, "gone")
    rng = random.Random(1)

    def touch(number: int) -> None:
        operations.change_entity(
            rng.choice(ids), lambda own: Own(attributes={**own.attributes, "n": str(number)}), "req"
        )
        operations.set_quantities(rng.choice(ids), {0: number + 1}, "req")

    def come_and_go(number: int) -> None:
        several(1, f"new-{number}-{query}")
        if number < len(gone):
            operations.remove(repository.read_entities([gone[number]])[gone[number]].product)

    with small_pages(), meanwhile(touch, come_and_go):
        counted = Counter(walked(world.api, query))
    assert set(ids) <= counted.keys()
    if not again:
        assert set(counted.values()) == {1}
