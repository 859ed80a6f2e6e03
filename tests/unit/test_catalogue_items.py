"""Products, entities and IDs: as items and back, and what a change of them is."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard import ulids
from batchyard.catalogue import codec, entities, limits, rules
from batchyard.catalogue.rules import Entity, Own, Product
from batchyard.errors import Invalid, TooLarge
from batchyard.store import blobs, contents, items
from tests.support.catalogue import BEGAN, owns, product, products


def packed(one: Product) -> items.Item:
    attributes, blob = contents.pack(codec.CONTENT, codec.content(one), lambda: blobs.new_key("products", one.id))
    assert blob is None
    return codec.encode_product(one, attributes)


@given(products())
def test_an_item_holds_all_of_a_product(one: Product) -> None:
    item = items.decode(items.encode(packed(one)))
    assert codec.decode_product(item, lambda key: pytest.fail(f"reads {key}")) == one
    assert 0 <= int(item["shard"]) < codec.SHARDS
    assert item["created_id"] == f"{BEGAN}#{one.id}"


def test_null_fields_of_a_product_are_absent_from_its_item() -> None:
    bare = product("bare", None, fields={}, tags=(), images=(), by="x")
    assert "title" not in packed(bare)
    assert codec.content(replace(bare, variants=())) == "{}"


def test_a_large_content_is_a_blob_that_its_item_points_at() -> None:
    one = product("large", fields={"description": "".join(map(chr, range(1000, 40_000)))})
    attributes, blob = contents.pack(codec.CONTENT, codec.content(one), lambda: blobs.new_key("products", one.id))
    assert blob is not None
    assert attributes == {"content_key": blob.key}
    assert isinstance(blob.content, bytes)
    kept = {blob.key: blob.content}
    assert codec.decode_product(codec.encode_product(one, attributes), kept.__getitem__) == one


quantities = st.dictionaries(st.integers(0, 2**31 - 1), st.integers(0, rules.LARGEST_QUANTITY), max_size=5)


@given(quantities, st.none() | st.text(st.characters(codec="utf-8"), min_size=1))
def test_an_item_holds_all_of_an_entity(pieces: dict[int, int], sku: str | None) -> None:
    entity = Entity(7, "prod_1", BEGAN, BEGAN + 1, BEGAN + 2, "a", pieces, 3, "variant_1", sku, "b")
    item = items.decode(items.encode(codec.encode_entity(entity)))
    assert codec.decode_entity(item) == entity
    assert entity.quantity == sum(pieces.values())


@given(owns)
def test_an_item_holds_all_that_an_entity_stores_itself(own: Own) -> None:
    entity = Entity(7, "prod_1", BEGAN, BEGAN, BEGAN, "a", handle="boots", bundles=2)
    holding = entities.holding(entity, own, lambda blob: pytest.fail(f"stores {blob.key}"))
    item = items.decode(items.encode(codec.encode_entity(holding)))
    assert codec.decode_entity(item) == holding
    assert codec.decode_own(item, lambda key: pytest.fail(f"reads {key}")) == own
    assert holding.components == len(own.components)
    # Who has nothing of its own has an item as before there was any.
    assert ("own" in item) is (own != rules.NOTHING)
    nothing = entities.holding(holding, rules.NOTHING, lambda blob: pytest.fail(f"stores {blob.key}"))
    assert nothing == entity


def test_a_large_content_of_an_entity_is_a_blob() -> None:
    stored: dict[str, Any] = {}
    own = Own(attributes={"text": "".join(map(chr, range(1000, 40_000)))})
    entity = Entity(7, "prod_1", BEGAN, BEGAN, BEGAN, "a")
    holding = entities.holding(entity, own, lambda blob: stored.update({blob.key: blob.content}))
    item = codec.encode_entity(holding)
    assert item["own_key"] in stored
    assert str(item["own_key"]).startswith("entities/7/")
    assert codec.decode_own(item, stored.__getitem__) == own


def test_the_content_of_an_entity_has_4_mb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST_PRODUCT", 100)
    entity = Entity(7, "prod_1", BEGAN, BEGAN, BEGAN, "a")
    with pytest.raises(TooLarge, match="of 100 "):
        entities.holding(entity, Own(attributes={"a": "x" * 100}), lambda blob: pytest.fail(f"stores {blob.key}"))


@given(owns)
def test_made_up_contents_of_entities_are_valid(own: Own) -> None:
    limits.check_own(own)


@pytest.mark.parametrize(
    ("own", "name"),
    [
        (Own(fields={"colour": "red"}), "colour"),
        (Own(fields={"cost": "5"}), "cost"),
        (Own(fields={"cost": float("nan")}), "cost"),
        (Own(fields={"is_blocked": 1}), "is_blocked"),
        (Own(fields={"flag": True}), "flag"),
        (Own(fields={"flag": 2**54}), "flag"),
        (Own(fields={"upc": "a\0"}), "upc"),
        (Own(attributes=dict.fromkeys(map(str, range(251)), "x")), "attributes"),
        (Own(attributes={"a": "x" * 100_001}), "attributes"),
        (Own(attributes={"": "x"}), "name"),
        (Own(labels=tuple(map(str, range(251)))), "labels"),
        (Own(labels=("x" * 256,)), "labels"),
        (Own(placements=dict.fromkeys(map(str, range(251)), "x")), "placements"),
        (Own(placements={"a": "x" * 2049}), "placements"),
        (Own(components=dict.fromkeys(range(1, 102), 1)), "components"),
        (Own(components={1: 0}), "components"),
    ],
)
def test_invalid_contents_of_an_entity_are_named(own: Own, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        limits.check_own(own)
    assert refused.value.fields.keys() == {name}


@pytest.mark.parametrize("pieces", [-1, rules.LARGEST_QUANTITY + 1])
def test_a_quantity_has_bounds(pieces: int) -> None:
    entity = Entity(7, "prod_1", BEGAN, BEGAN, BEGAN, "a")
    with pytest.raises(Invalid):
        rules.stocked(entity, {0: pieces}, BEGAN, "b")


def test_an_entity_is_kept_in_a_hundred_centres_at_most() -> None:
    entity = rules.stocked(Entity(7, "prod_1", BEGAN, BEGAN, BEGAN, "a"), dict.fromkeys(range(100), 1), BEGAN + 5, "b")
    assert (entity.quantity, entity.stocked, entity.stocked_by, entity.updated) == (100, BEGAN + 5, "b", BEGAN)
    assert rules.stocked(entity, {5: 1}, BEGAN + 9, "c") is entity
    with pytest.raises(Invalid):
        rules.stocked(entity, {100: 1}, BEGAN, "b")


def test_a_product_becomes_a_parent_by_options_or_by_its_number_of_variants() -> None:
    single = product("single", "A")
    assert single.parent is None
    assert not rules.becomes_parent(single)
    assert rules.becomes_parent(replace(single, options=("Size",)))
    assert rules.becomes_parent(replace(single, variants=()))
    assert rules.becomes_parent(replace(single, variants=single.variants * 2))
    assert rules.unnumbered(replace(single, parent=0)) == 1
    assert rules.numbered(single, lambda: pytest.fail("takes an ID")) == single


@given(products(), products())
def test_each_value_of_a_product_belongs_to_an_entity(one: Product, other: Product) -> None:
    """Each value of a product belongs to an entity, or to its order of variants."""
    other = replace(other, id=one.id)
    if rules.own_values(one) == rules.own_values(other):
        assert rules.is_same(replace(other, created=one.created), one)
    assert rules.own_values(one).keys() == set(one.entities)
    assert rules.own_values(replace(one, updated=5, by="x", version=9)) == rules.own_values(one)


def test_ulids_grow_with_time_and_repeat_by_name() -> None:
    made = [ulids.new(BEGAN + 1000 * step) for step in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert {len(one) for one in made} == {26}
    assert ulids.of(BEGAN, "batch_1/5") == ulids.of(BEGAN, "batch_1/5") != ulids.of(BEGAN, "batch_1/6")
    # The sample of the specification: 1469918176385 ms.
    assert ulids.new(1_469_918_176_385_000)[:10] == "01ARYZ6S41"
