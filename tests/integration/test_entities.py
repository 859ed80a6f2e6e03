"""What entities store themselves: what a change leaves, what it costs, and what becomes of bundles."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batchyard.catalogue import entities as stored_entities
from batchyard.catalogue import operations, repository, rules
from batchyard.catalogue.entities import InBundle
from batchyard.catalogue.rules import NOTHING, Entity, Own, Product
from batchyard.errors import Invalid, NotFound, PreconditionFailed, TooLarge
from batchyard.store import unit
from batchyard.store.tables import CATALOGUE
from batchyard.store.unit import Unit, joined, transact
from tests.integration.conftest import Calls
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import BEGAN, claimed, entities, must_be_whole, product, rows, stored_owns

pytestmark = pytest.mark.usefixtures("stores")

LARGE = Own(attributes={"text": "".join(map(chr, range(1000, 40_000)))})


def put(one: Product, **given: Any) -> Product:
    return transact(lambda unit: repository.put(unit, one, repository.get(unit, one.id), **given))


def item(sku: str) -> int:
    """The entity of a new product of one variant."""
    [id] = put(product(sku.lower(), sku)).entities
    return id


def change(id: int, **values: Any) -> Entity:
    return operations.change_entity(id, lambda own: replace(own, **values), "req-2")


def bundle(sku: str, *components: int) -> int:
    id = item(sku)
    change(id, components=dict.fromkeys(components, 1))
    return id


def bundles() -> dict[int, int]:
    return {id: one.bundles for id, one in entities().items() if one.bundles}


def test_an_entity_stores_fields_labels_and_attributes(calls: Calls) -> None:
    id = item("A")
    before = entities()[id]
    calls.clear()
    changed = change(id, fields={"upc": "1", "cost": 2.5}, labels=("b", "a", "b"), attributes={"Colour": "red"})
    assert calls == ["dynamodb.GetItem", "dynamodb.PutItem"]
    assert (changed.by, changed.version) == ("req-2", before.version + 1)
    assert changed.updated > before.updated
    assert entities() == {id: changed}
    assert stored_owns() == {id: Own({"upc": "1", "cost": 2.5}, {"Colour": "red"}, ("a", "b"))}
    must_be_whole()
    calls.clear()
    assert change(id, labels=("a", "b")) == changed
    assert calls.writes() == []
    assert change(id, fields={}, labels=(), attributes={}).stored == {}


def test_a_missing_entity_or_another_version_is_refused() -> None:
    id = item("A")
    with pytest.raises(NotFound):
        change(99)
    with pytest.raises(PreconditionFailed):
        operations.change_entity(id, lambda own: replace(own, labels=("a",)), "req-2", version=7)
    # It would change nothing.
    operations.change_entity(id, lambda own: own, "req-2", version=7)
    with pytest.raises(Invalid):
        change(id, fields={"colour": "red"})
    assert stored_owns() == {id: NOTHING}


def test_changes_of_an_entity_in_one_change_set_are_committed_together() -> None:
    one = put(product("boots", "A"))
    [id] = one.entities
    together = Unit()
    with joined(together):
        change(id, labels=("a",))
        change(id, attributes={"b": "c"})
        operations.update(one.id, lambda now: replace(now, tags=()), "req-3")
        operations.set_quantities(id, {0: 5}, "req-4")
    assert stored_owns() == {id: NOTHING}
    together.commit()
    assert stored_owns() == {id: Own(attributes={"b": "c"}, labels=("a",))}
    found = entities()[id]
    assert (found.by, found.stocked_by, found.quantity) == ("req-3", "req-4", 5)


def test_changes_of_stock_or_product_keep_the_content_of_an_entity(stores: dict[str, str], calls: Calls) -> None:
    one = put(product("boots", "A"))
    [id] = one.entities
    operations.change_entity(id, lambda _: LARGE, "req-2")
    [key] = keys_in_bucket(stores, "entities/")
    assert key.startswith(f"entities/{id}/")
    calls.clear()
    operations.set_quantities(id, {0: 5}, "req-3")
    operations.update(one.id, lambda now: replace(now, status=rules.DRAFT), "req-4")
    put(replace(one, fields={}, updated=BEGAN + 5), stock={id: {0: 7}})
    assert not [call for call in calls if call.startswith("s3.")]
    assert keys_in_bucket(stores, "entities/") == [key]
    assert stored_owns() == {id: LARGE}
    assert entities()[id].quantity == 7


def test_a_new_entity_stores_its_own_content(stores: dict[str, str]) -> None:
    component = item("C")
    one = product("boots", "A", "B")
    assert one.parent is not None
    a, b = (variant.entity for variant in one.variants)
    own = {one.parent: Own(labels=("x",)), a: LARGE, b: Own(components={component: 2})}
    put(one, own=own)
    assert stored_owns() == {component: NOTHING, **own}
    assert bundles() == {component: 1}
    must_be_whole()


def test_entities_of_a_product_of_several_transactions_store_their_own_content(
    stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 20)
    component = item("C")
    one = product("many", *(f"many-{place}" for place in range(15)))
    first, second, *_ = (variant.entity for variant in one.variants)
    own = {first: LARGE, second: Own(components={component: 2})}
    put(one, own=own)
    assert {id: held for id, held in stored_owns().items() if held != NOTHING} == own
    assert bundles() == {component: 1}
    must_be_whole()


# Parents.


def test_a_parent_tells_its_handle_and_its_handle_tells_the_parent() -> None:
    one = put(product("boots", "A", "B"))
    single = put(product("hat", "H"))
    assert one.parent is not None
    assert {id: entity.handle for id, entity in entities().items() if entity.handle} == {one.parent: "boots"}
    assert claimed()["handle boots"]["entity"] == one.parent
    assert "entity" not in claimed()["handle hat"]
    operations.update(one.id, lambda now: replace(now, handle="shoes"), "req-2")
    assert entities()[one.parent].handle == "shoes"
    assert claimed()["handle shoes"]["entity"] == one.parent
    grown = operations.update(single.id, lambda now: replace(now, options=("Size",), variants=()), "req-3")
    assert grown.parent is not None
    assert claimed()["handle hat"]["entity"] == grown.parent
    must_be_whole()


# Variants become products.


def split(one: Product, *ids: int) -> list[Product]:
    return operations.split_off(one.id, ids, lambda now, variant: replace(now, handle=f"{variant.sku}"), "req-5")


def test_a_variant_becomes_a_product_with_all_that_is_its_own(stores: dict[str, str], calls: Calls) -> None:
    one = put(product("boots", "A", "B", "C"))
    a, b, c = (variant.entity for variant in one.variants)
    component = item("D")
    operations.change_entity(a, lambda _: LARGE, "req-2")
    operations.set_quantities(a, {0: 5}, "req-3")
    change(b, components={component: 2, a: 1})
    before, owns = entities(), stored_owns()
    calls.clear()
    made = split(one, a, b)
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    assert [(new.handle, new.entities, new.fields) for new in made] == [
        ("A", (a,), one.fields),
        ("B", (b,), one.fields),
    ]
    assert operations.retrieve(one.id).entities == (one.parent, c)
    after = entities()
    assert stored_owns() == owns
    assert bundles() == {a: 1, component: 1}
    for id, new in zip((a, b), made, strict=True):
        kept: dict[str, Any] = {"product": new.id, "updated": new.updated, "by": "req-5", "named": None}
        assert after[id] == replace(before[id], **kept, version=before[id].version + 1)
    assert len(keys_in_bucket(stores, "entities/")) == 1
    must_be_whole()


def test_an_entity_that_is_no_variant_cannot_be_split_off() -> None:
    one, other = put(product("boots", "A", "B")), item("C")
    a = one.variants[0].entity
    assert one.parent is not None
    for wrong in (other, one.parent, 9_999):
        with pytest.raises(NotFound):
            split(one, a, wrong)
    assert operations.retrieve(one.id) == one


# Bundles.


def test_components_know_in_how_many_bundles_they_are(calls: Calls) -> None:
    a, b, c = item("A"), item("B"), item("C")
    set_id = bundle("SET", a, b)
    before = entities()
    calls.clear()
    change(set_id, components={a: 3, c: 1})
    assert calls.writes() == ["dynamodb.TransactWriteItems"]
    assert bundles() == {a: 1, c: 1}
    after = entities()
    assert after[set_id].components == 2
    # It is no value of a component's own.
    assert {after[id].updated for id in (a, b, c)} == {before[a].updated}
    assert after[a] == before[a]
    bundle("OTHER", a)
    assert bundles() == {a: 2, c: 1}
    change(set_id, components={})
    assert bundles() == {a: 1}
    must_be_whole()


@pytest.mark.parametrize("wrong", ["nothing", "itself", "a parent", "a bundle", "an entity that no product names"])
def test_entities_that_cannot_be_components(wrong: str) -> None:
    a, other = item("A"), item("B")
    parent = put(product("boots", "C", "D")).parent
    abandoned = 9_999
    transact(
        lambda unit: repository.put_entity(unit, Entity(abandoned, "prod_x", BEGAN, BEGAN, BEGAN, "a", variant="v"))
    )
    wanted = {
        "nothing": 9_998,
        "itself": a,
        "a parent": parent,
        "a bundle": bundle("SET", other),
        "an entity that no product names": abandoned,
    }[wrong]
    with pytest.raises(Invalid):
        change(a, components={wanted: 1})
    assert stored_owns()[a] == NOTHING


@pytest.mark.parametrize("wrong", ["a parent", "a component"])
def test_entities_that_cannot_be_bundles(wrong: str) -> None:
    a, b = item("A"), item("B")
    parent = put(product("boots", "C", "D")).parent
    assert parent is not None
    bundle("SET", b)
    with pytest.raises(Invalid):
        change({"a parent": parent, "a component": b}[wrong], components={a: 1})


def test_a_bundle_has_no_stock_of_its_own() -> None:
    id = bundle("SET", item("A"))
    with pytest.raises(Invalid, match="bundle"):
        operations.set_quantities(id, {0: 5}, "req-3")


def _product_of(id: int) -> str:
    return entities()[id].product


@pytest.mark.parametrize(
    "remove",
    [
        lambda id: operations.remove(id),
        lambda id: operations.update(id, lambda now: replace(now, variants=()), "req-3"),
    ],
)
def test_a_component_is_not_removed_before_its_bundle(remove: Callable[[str], Any]) -> None:
    a, b = item("A"), item("B")
    set_id = bundle("SET", a, b)
    before = entities(), claimed()
    with pytest.raises(InBundle):
        remove(_product_of(a))
    assert (entities(), claimed()) == before
    remove(_product_of(set_id))
    assert bundles() == {}
    remove(_product_of(a))
    must_be_whole()


def test_a_bundle_of_more_than_a_transaction_takes_is_removed_in_several(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = put(product("parts", *map(str, range(8))))
    ids = [variant.entity for variant in parts.variants]
    set_id = bundle("SET", *ids[:4])
    change(set_id, components=dict.fromkeys(ids, 1))
    monkeypatch.setattr(unit, "MAX_ACTIONS", 10)
    monkeypatch.setattr(stored_entities, "_COMPONENTS_AT_ONCE", 3)
    # In a change set it is too large, and nothing is done.
    together = Unit()
    with joined(together):
        operations.remove(_product_of(set_id))
    with pytest.raises(TooLarge, match="of 10 "):
        together.commit()
    assert bundles() == dict.fromkeys(ids, 1)
    operations.remove(_product_of(set_id))
    assert entities().keys() == set(parts.entities)
    must_be_whole()


def test_a_bundle_of_its_products_own_variants_goes_with_it() -> None:
    one = put(product("boots", "A", "B"))
    a, b = (variant.entity for variant in one.variants)
    change(b, components={a: 2})
    operations.remove(one.id)
    assert rows(CATALOGUE) == []


def test_a_component_of_a_large_product_is_not_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 20)
    one = put(product("many", *(f"many-{place}" for place in range(15))))
    bundle("SET", one.variants[3].entity)
    with pytest.raises(InBundle):
        operations.remove(one.id)
    must_be_whole()


def test_the_content_of_an_entity_has_a_greatest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    id = item("A")
    monkeypatch.setattr(rules, "LARGEST_PRODUCT", 1000)
    with pytest.raises(TooLarge, match="1000"):
        change(id, attributes={"a": "x" * 1000})


def test_contents_of_many_entities_are_read_at_once(calls: Calls) -> None:
    ids = [item(f"S-{number}") for number in range(12)]
    for id in ids[::2]:
        operations.change_entity(id, lambda _: LARGE, "req-2")
    found = repository.read_entities(ids).values()
    calls.clear()
    assert stored_entities.owns(found) == {id: NOTHING if place % 2 else LARGE for place, id in enumerate(ids)}
    assert calls == ["s3.GetObject"] * 6
