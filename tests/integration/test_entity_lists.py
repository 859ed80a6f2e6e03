"""Entities in order, by what they are called, and with all that is known of them."""

import random
from dataclasses import replace
from typing import Any, Literal, get_args

import pytest

from batchyard.catalogue import codec, entity_lists, operations, repository
from batchyard.catalogue.rules import NOTHING, Entity, Own, Product
from batchyard.store import clients, items
from batchyard.store.items import Item
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import delete_many, transact
from tests.integration.conftest import Calls
from tests.support.catalogue import BEGAN, entities, product

pytestmark = pytest.mark.usefixtures("stores")

_LARGE = Own(attributes={"text": "".join(map(chr, range(1000, 40_000)))})
_MOST_CALLS = 2 * codec.SHARDS


def put(one: Product, **given: Any) -> Product:
    return transact(lambda unit: repository.put(unit, one, None, **given))


def write(rows: list[Item]) -> None:
    for place in range(0, len(rows), 25):
        puts: Any = [{"PutRequest": {"Item": items.encode(row)}} for row in rows[place : place + 25]]
        clients.dynamodb().batch_write_item(RequestItems={CATALOGUE.name: puts})


def made_up(rng: random.Random, count: int) -> list[Entity]:
    """Entities whose IDs and moments are all over the place, some of them the same, and some shards much fuller."""
    numbers = rng.sample(range(1, 2**31), count // 2) + rng.sample(range(16, 40_000, 16), count // 2)
    moments = [BEGAN + rng.randrange(count // 4) for _ in range(count)]
    return [
        Entity(id, "prod_1", rng.choice(moments), rng.choice(moments), rng.choice(moments), "a")
        for id in dict.fromkeys(numbers)
    ]


def ids_of_skus(skus: list[str]) -> dict[str, int]:
    return {sku: place.id for sku, place in entity_lists.by_sku(skus).items()}


@pytest.mark.parametrize("descending", [False, True])
def test_entity_ids_are_listed_once_in_order(descending: bool, calls: Calls) -> None:
    rng = random.Random(7)
    made = made_up(rng, 1000)
    write([codec.encode_entity(one) for one in made])
    wanted = sorted((one.id for one in made), reverse=descending)
    found: list[int] = []
    while True:
        calls.clear()
        page = entity_lists.ids(found[-1] if found else None, 300, descending=descending)
        assert len(calls) <= _MOST_CALLS
        found += page
        if len(page) < 300:
            break
    assert found == wanted
    # From a place where there is nothing any more, or never was.
    place = wanted[700]
    delete_many(CATALOGUE, [codec.entity_key(place)])
    assert entity_lists.ids(place, 9, descending=descending) == wanted[701:710]
    assert entity_lists.ids(wanted[-1], 9, descending=descending) == []
    assert entity_lists.ids(None, 0, descending=descending) == []


@pytest.mark.parametrize("attribute", get_args(entity_lists.Moment.__value__))
def test_any_page_of_a_span_of_entities_is_a_slice_of_the_sorted_list(
    attribute: Literal["created", "updated", "stocked"],
) -> None:
    rng = random.Random(attribute)
    made = made_up(rng, 240)
    write([codec.encode_entity(one) for one in made])
    places = [(getattr(one, attribute), one.id) for one in made]
    for _ in range(20):
        descending, count = rng.random() < 0.5, rng.choice([1, 3, 20, 100, 1000])
        low, high = (rng.choice([None, rng.choice(places)[0] + rng.randint(-1, 1)]) for _ in range(2))
        after = rng.choice([None, rng.choice(places), (rng.choice(places)[0], rng.randrange(2**31))])
        wanted = sorted(
            (
                place
                for place in places
                if (low is None or place[0] >= low)
                and (high is None or place[0] <= high)
                and (after is None or (place < after if descending else place > after))
            ),
            reverse=descending,
        )[:count]
        asked = (attribute, low, high, after, count)
        assert entity_lists.ids_between(*asked, descending=descending) == wanted, (asked, descending)


def test_store_calls_of_a_span_of_entities(calls: Calls) -> None:
    write([codec.encode_entity(Entity(id, "prod_1", id, id, id, "a")) for id in range(1, 301)])
    calls.clear()
    assert [id for _, id in entity_lists.ids_between("updated", None, None, None, 100)] == list(range(1, 101))
    assert entity_lists.ids(150, 100) == list(range(151, 251))
    # Neighbouring IDs are in neighbouring shards.
    assert calls == ["dynamodb.Query"] * 2 * codec.SHARDS


def test_only_entities_are_in_order() -> None:
    one = put(product("boots", "A", "B"), stock={})
    assert entity_lists.ids(None, 10) == sorted(one.entities)
    found = entities()
    assert entity_lists.ids_between("stocked", None, None, None, 10) == [(BEGAN, id) for id in sorted(one.entities)]
    operations.set_quantities(one.variants[0].entity, {0: 1}, "req-2")
    [(moment, id)] = entity_lists.ids_between("stocked", BEGAN + 1, None, None, 10)
    assert (moment, id) == (entities()[id].stocked, one.variants[0].entity)
    assert entity_lists.ids_between("created", None, BEGAN - 1, None, 10) == []
    assert len(found) == 3


# By what they are called.


def test_entities_are_found_by_sku_or_handle(calls: Calls) -> None:
    boots, hat = put(product("boots", "A", "B")), put(product("hat", "H"))
    a, b = (variant.entity for variant in boots.variants)
    [h] = hat.entities
    skus = ["A", "B", "H", "boots", "hat", "nothing", f"boots#{boots.parent}", f"boots#{a}", "boots#", "#7", ""]
    skus += ["x" * 3000, "\ud800", "A\0", "x" * 3000 + "#7", "boots#٣"]
    calls.clear()
    assert ids_of_skus(skus) == {
        "A": a,
        "B": b,
        "H": h,
        "boots": boots.parent,
        f"boots#{boots.parent}": boots.parent,
    }
    assert calls == ["dynamodb.BatchGetItem"]
    assert ids_of_skus([]) == {}


def test_a_sku_comes_before_a_handle() -> None:
    boots = put(product("boots", "A", "B"))
    other = put(product("other", "boots"))
    assert ids_of_skus(["boots", f"boots#{boots.parent}"]) == {
        "boots": other.entities[0],
        f"boots#{boots.parent}": boots.parent,
    }
    # A claim that its product does not name is none.
    delete_many(PRODUCTS, [codec.product_key(other.id)])
    assert ids_of_skus(["boots"]) == {"boots": boots.parent}


# With all that is known of them.


def test_entities_are_read_with_their_products_and_contents(calls: Calls) -> None:
    boots, hat = put(product("boots", "A", "B")), put(product("hat", "H"))
    shadow = put(product("shadow", "boots"))
    assert boots.parent is not None
    a, b = (variant.entity for variant in boots.variants)
    [h], [s] = hat.entities, shadow.entities
    operations.change_entity(a, lambda own: replace(own, labels=("x",)), "req-2")
    operations.change_entity(h, lambda _: _LARGE, "req-2")
    operations.change_entity(s, lambda own: replace(own, components={h: 2, a: 1}), "req-2")
    held = entities()
    calls.clear()
    page = entity_lists.read([s, 99_999, boots.parent, a, h, s])
    assert sorted(calls) == ["dynamodb.BatchGetItem"] * 5 + ["s3.GetObject"]
    assert page.left == []
    seen = {one.entity.id: one for one in page.seen}
    assert list(seen) == [s, boots.parent, a, h]
    assert {id: one.entity for id, one in seen.items()} == {id: held[id] for id in seen}
    assert {id: one.product for id, one in seen.items()} == {s: shadow, boots.parent: boots, a: boots, h: hat}
    assert (seen[a].own, seen[boots.parent].own, seen[h].own) == (Own(labels=("x",)), NOTHING, _LARGE)
    assert seen[s].own == Own(components={h: 2, a: 1})
    assert seen[s].components == {h: held[h], a: held[a]}
    assert {id for id, one in seen.items() if one.is_shadowed} == {boots.parent, a}
    calls.clear()
    assert [one.entity.id for one in entity_lists.read([h, b]).seen] == [h, b]
    # Nothing else of these is known elsewhere, but for who has the handle of a parent as its SKU.
    assert sorted(calls) == ["dynamodb.BatchGetItem"] * 4 + ["s3.GetObject"]
    assert entity_lists.read([]) == ([], [])


def test_an_entity_that_its_product_does_not_name_is_gone() -> None:
    boots = put(product("boots", "A"))
    [id] = boots.entities
    [seen] = entity_lists.read([id]).seen
    assert seen.product == boots
    write([codec.encode_entity(replace(entities()[id], id=77))])
    delete_many(PRODUCTS, [codec.product_key(put(product("hat", "H")).id)])
    assert [one.entity.id for one in entity_lists.read([*entities()]).seen] == [id]


def test_entities_without_room_in_an_answer_are_left_over() -> None:
    ids = [put(product(f"p-{number}", str(number))).entities[0] for number in range(4)]
    operations.change_entity(ids[2], lambda own: replace(own, attributes={"a": "x" * 5000}), "req-2")
    assert entity_lists.read(ids, room=5000).left == ids[2:]
    assert [one.entity.id for one in entity_lists.read(ids[2:], room=100).seen] == [ids[2]]
    assert entity_lists.read(ids, room=9000).left == []
