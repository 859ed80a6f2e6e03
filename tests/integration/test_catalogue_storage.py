"""Products in the store: which items a change leaves, what it costs, and who has which handle and SKU."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from batchyard.catalogue import repository, rules
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import Price, Product
from batchyard.errors import Contended, Invalid, TooLarge
from batchyard.store import contents
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import Unit, joined, transact
from tests.integration.conftest import Calls
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import BEGAN, claimed, entities, must_be_whole, product, products, rows, stored_products

pytestmark = pytest.mark.usefixtures("stores")
_DAY = repository.ABANDONED_US


def put(one: Product, stock: dict[int, dict[int, int]] | None = None) -> Product:
    return transact(lambda unit: repository.put(unit, one, repository.get(unit, one.id), stock))


def change(id: str, moment: int = BEGAN + 10, **values: Any) -> Product:
    """Replaces values of a product."""

    def operation(unit: Unit) -> Product:
        before = repository.get(unit, id)
        assert before is not None
        return repository.put(unit, replace(before, updated=moment, by="req-2", **values), before)

    return transact(operation)


def remove(id: str) -> None:
    def operation(unit: Unit) -> None:
        found = repository.get(unit, id)
        assert found is not None
        repository.delete(unit, found)

    transact(operation)


def many(number: int, handle: str = "many") -> Product:
    return product(handle, *(f"{handle}-{place}" for place in range(number)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(products(), products())
def test_a_product_change_leaves_exactly_the_items_of_the_new_state(one: Product, other: Product) -> None:
    stored = put(one)
    assert stored_products() == {one.id: stored}
    assert stored == replace(one, version=1)
    must_be_whole()
    wanted = replace(other, id=one.id, updated=BEGAN + 10)
    changed = put(wanted)
    assert rules.is_same(changed, wanted)
    assert stored_products() == {one.id: changed}
    must_be_whole()
    before = rows(PRODUCTS), rows(CATALOGUE)
    assert put(replace(changed, updated=BEGAN + 20, by="req-9")) == changed
    assert (rows(PRODUCTS), rows(CATALOGUE)) == before
    remove(one.id)
    assert (rows(PRODUCTS), rows(CATALOGUE)) == ([], [])


def test_a_product_of_one_variant_is_four_items_in_one_transaction(calls: Calls) -> None:
    calls.clear()
    one = transact(lambda unit: repository.put(unit, product("boots", "A"), None, {}))
    assert calls == ["dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]
    assert (len(rows(PRODUCTS)), len(rows(CATALOGUE))) == (1, 3)
    two = put(product("shoes", "B", "C"))
    assert len(rows(CATALOGUE)) == 3 + 6
    assert repository.items_of(one) == 4
    assert repository.items_of(two) == 7


def test_a_product_is_found_by_its_handle_and_its_skus() -> None:
    one = put(product("boots", "A", "B"))
    unit = Unit()
    assert repository.find(unit, "boots") == one
    assert repository.find(unit, "shoes") is None
    assert repository.sku_holder(unit, "B") == (one.id, one.variants[1].id)
    assert repository.sku_holder(unit, "C") is None
    assert repository.read_products([one.id, "prod_none"]) == [one]


def test_a_status_writes_the_aggregate_and_the_entity_that_it_belongs_to(calls: Calls) -> None:
    one = put(product("boots", "A", "B"))
    before = entities()
    calls.clear()
    change(one.id, status=rules.DRAFT)
    assert calls == ["dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]
    after = entities()
    assert one.parent is not None
    assert after.pop(one.parent).updated == BEGAN + 10
    assert after == {id: before[id] for id in after}


def test_a_variants_value_touches_its_entity_alone() -> None:
    one = put(product("boots", "A", "B"), {})
    dear = replace(one.variants[1], prices=(Price("eur", 9990),))
    changed = change(one.id, variants=(one.variants[0], dear))
    touched = {id for id, entity in entities().items() if entity.updated != BEGAN}
    assert touched == {dear.entity}
    assert entities()[dear.entity].by == "req-2"
    assert (changed.version, changed.updated, changed.by) == (2, BEGAN + 10, "req-2")
    must_be_whole()


def test_the_order_of_variants_belongs_to_the_aggregate() -> None:
    one = put(product("boots", "A", "B"))
    before = entities()
    assert change(one.id, variants=one.variants[::-1]).version == 2
    assert entities() == before


def test_skus_change_places_within_a_product() -> None:
    one = put(product("boots", "A", "B"))
    first, second = one.variants
    swapped = tuple(
        replace(variant, fields={**variant.fields, "sku": sku}) for variant, sku in ((first, "B"), (second, "A"))
    )
    change(one.id, variants=swapped)
    assert repository.sku_holder(Unit(), "A") == (one.id, second.id)
    assert entities()[first.entity].sku == "B"
    must_be_whole()


@pytest.mark.parametrize(("handle", "sku"), [("boots", "Z"), ("other", "A")])
def test_a_handle_and_a_sku_belong_to_one_product(handle: str, sku: str) -> None:
    one = put(product("boots", "A"))
    before = rows(PRODUCTS), rows(CATALOGUE)
    with pytest.raises(Taken) as refused:
        put(product(handle, sku))
    assert (refused.value.product, refused.value.handle) == (one.id, "boots")
    assert refused.value.value in {"boots", "A"}
    assert (rows(PRODUCTS), rows(CATALOGUE)) == before
    # What is let go of is free at once.
    change(one.id, handle="old", variants=())
    put(product(handle, sku))
    must_be_whole()


def test_a_handle_freed_within_a_change_set_can_be_taken() -> None:
    one = put(product("boots", "A"))
    unit = Unit()
    with joined(unit):
        change(one.id, handle="old")
        other = put(product("boots", "B"))
        with pytest.raises(Taken):
            put(product("boots", "C"))
        with pytest.raises(Taken):
            put(product("third", "B"))
    unit.commit()
    assert repository.find(Unit(), "boots") == other
    must_be_whole()


def test_two_variants_have_different_skus() -> None:
    with pytest.raises(Invalid):
        put(product("boots", "A", "A"))


def test_a_product_state_read_outside_of_the_unit_cannot_be_replaced() -> None:
    one = put(product("boots", "A"))
    change(one.id, status=rules.DRAFT)
    with pytest.raises(Contended):
        repository.put(Unit(), replace(one, handle="x"), one)


def test_stock_is_set_with_the_product_and_alone(calls: Calls) -> None:
    one = product("boots", "A", "B")
    ids = [variant.entity for variant in one.variants]
    stored = put(one, {ids[0]: {0: 5, 7: 2}})
    assert entities()[ids[0]].quantities == {0: 5, 7: 2}
    calls.clear()
    same = transact(
        lambda unit: repository.put(
            unit, replace(one, updated=BEGAN + 5, by="req-5"), repository.get(unit, one.id), {ids[1]: {0: 3}}
        )
    )
    assert same == stored
    assert calls == ["dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.PutItem"]
    found = entities()[ids[1]]
    assert (found.quantities, found.stocked, found.stocked_by) == ({0: 3}, BEGAN + 5, "req-5")
    assert (found.updated, found.by) == (BEGAN, "req-1")
    assert repository.read_entities([*ids, 999]) == {id: entities()[id] for id in ids}
    unit = Unit()
    held = repository.get_entity(unit, ids[0])
    assert held is not None
    assert repository.put_entity(unit, replace(held, by="undo")).version == held.version + 1
    unit.commit()
    assert entities()[ids[0]].by == "undo"


def test_a_status_of_a_large_content_writes_no_blob(stores: dict[str, str], calls: Calls) -> None:
    text = "".join(map(chr, range(1000, 40_000)))
    one = put(product("boots", "A", fields={"title": "t", "description": text}))
    [key] = keys_in_bucket(stores, "products/")
    assert key.startswith(f"products/{one.id}/")
    calls.clear()
    changed = change(one.id, status=rules.DRAFT)
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    assert changed.fields["description"] == text
    assert keys_in_bucket(stores, "products/") == [key]
    assert repository.read_products([one.id]) == [changed]
    assert change(one.id, BEGAN + 20, tags=("new",)).version == 3
    assert len(keys_in_bucket(stores, "products/")) == 2


def test_a_product_has_4_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST_PRODUCT", 1000)
    with pytest.raises(TooLarge, match="1000"):
        put(product("boots", "A", fields={"description": "x" * 1000}))
    assert rows(PRODUCTS) == []


# Products that do not fit one transaction.


def test_a_large_product_is_written_in_several_transactions_its_aggregate_last(calls: Calls) -> None:
    calls.clear()
    one = put(many(150), {})
    assert calls.writes() == ["dynamodb.TransactWriteItems"] * 3 + ["dynamodb.PutItem", "dynamodb.TransactWriteItems"]
    assert repository.items_of(one) == 303
    must_be_whole()
    assert repository.find(Unit(), "many") == one
    calls.clear()
    # What a few items change is one transaction.
    dear = replace(one.variants[140], prices=())
    change(one.id, variants=(*one.variants[:140], dear, *one.variants[141:]))
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    must_be_whole()


def test_a_large_product_that_loses_a_sku_to_another_is_not_there(stores: dict[str, str]) -> None:
    other = put(product("other", "many-59"))
    with pytest.raises(Taken):
        put(many(60))
    assert stored_products() == {other.id: other}
    must_be_whole()


def test_a_large_product_in_a_change_set_is_too_large() -> None:
    unit = Unit()
    with joined(unit):
        put(many(60))
    with pytest.raises(TooLarge):
        unit.commit()
    assert (rows(PRODUCTS), rows(CATALOGUE)) == ([], [])


def abandon(one: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves the claims and entities of a product whose aggregate was never written."""
    with monkeypatch.context() as patch:
        patch.setattr(repository, "_put_aggregate", lambda *_: pytest.fail("ends here"))
        with pytest.raises(pytest.fail.Exception):
            put(one)


def test_a_claim_that_no_product_names_is_nobodys_and_taken_over_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    lost = many(60)
    abandon(lost, monkeypatch)
    assert len(claimed()) == 60
    assert repository.sku_holder(Unit(), "many-5") is None
    with pytest.raises(Taken) as refused:
        put(product("other", "many-5", created=BEGAN + _DAY - 1, updated=BEGAN + _DAY - 1))
    assert refused.value.handle is None
    put(product("other", "many-5", created=BEGAN + _DAY, updated=BEGAN + _DAY))
    assert repository.sku_holder(Unit(), "many-5") is not None
    # The one that was lost finds its SKU taken; without it, it finds what is its own.
    with pytest.raises(Taken):
        put(replace(lost, updated=BEGAN + _DAY + 5))
    rest = replace(lost, variants=lost.variants[:5] + lost.variants[6:], updated=BEGAN + 5)
    put(rest, {rest.variants[0].entity: {0: 4}})
    assert repository.sku_holder(Unit(), "many-6") == (lost.id, lost.variants[6].id)
    assert entities()[rest.variants[0].entity].quantities == {0: 4}


def test_an_abandoned_large_product_is_written_again_with_the_same_items(
    monkeypatch: pytest.MonkeyPatch, calls: Calls
) -> None:
    lost = many(60)
    abandon(lost, monkeypatch)
    before = {row["id"]: row for row in rows(CATALOGUE)}
    calls.clear()
    put(lost)
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    after = {row["id"]: row for row in rows(CATALOGUE)}
    assert {id: after[id] for id in before} == before
    must_be_whole()


def test_a_large_product_is_gone_with_its_aggregate_and_handle(calls: Calls) -> None:
    one = put(many(60))
    calls.clear()
    remove(one.id)
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    assert repository.find(Unit(), "many") is None
    assert repository.sku_holder(Unit(), "many-1") is None
    assert rows(PRODUCTS) == []
    put(product("many", "other"))


# IDs, and all of them.


def test_ids_are_handed_out_in_blocks(calls: Calls) -> None:
    assert [repository.reserve_ids(1), repository.reserve_ids(10), repository.reserve_ids(2)] == [1, 2, 12]
    with pytest.raises(TooLarge):
        repository.reserve_ids(2**31)


@pytest.mark.parametrize("segments", [1, 3])
def test_all_products_come_page_by_page(segments: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "LARGEST_PAGE", 2000)
    monkeypatch.setattr(contents, "INLINE_BYTES", 300)
    made = {one.id: one for one in (put(product(f"p{number}", f"s{number}")) for number in range(25))}
    found: list[Product] = []
    pages = 0
    for segment in range(segments):
        after, more = None, True
        while more:
            page, after = repository.scan_page(after, segment, segments)
            found += page
            pages += 1
            more = after is not None
    assert pages > segments
    assert sorted(found, key=lambda one: one.id) == sorted(made.values(), key=lambda one: one.id)


def test_handles_and_skus_of_many_products_are_read_at_once(calls: Calls, at: Callable[[float], None]) -> None:
    made = [product(f"p{number}", f"s{number}") for number in range(24)]

    def operation(unit: Unit) -> None:
        repository.load(
            unit,
            [one.id for one in made],
            handles=[one.handle for one in made],
            skus=[sku for one in made for sku in one.skus],
            entities=[id for one in made for id in one.entities],
        )
        for one in made:
            assert repository.get(unit, one.id) is None
            repository.put(unit, one, None)

    calls.clear()
    transact(operation)
    assert calls == ["dynamodb.BatchGetItem"] * 2 + ["dynamodb.TransactWriteItems"]
    must_be_whole()
