"""What can be done with the catalogue: products are made, changed and removed, and counted by distribution centre."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batchyard import clock
from batchyard.catalogue import operations, reference, repository, rules
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import Price, Product, Variant
from batchyard.errors import Invalid, NotFound, PreconditionFailed, TooLarge
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.catalogue import entities, must_be_whole

pytestmark = pytest.mark.usefixtures("stores")


def given(handle: str = "boots", *skus: str, **values: Any) -> Product:
    """A product as a request wants it, without IDs."""
    variants = tuple(Variant("", 0, {"title": sku, "sku": sku}, (Price("eur", 100),)) for sku in skus or ("A",))
    wanted: dict[str, Any] = {"id": "", "handle": handle, "status": rules.DRAFT, "created": 0, "updated": 0, "by": ""}
    return Product(**(wanted | {"variants": variants} | values))


def test_a_product_is_made_with_ids_of_its_own(calls: Calls) -> None:
    calls.clear()
    made = operations.create(given(), "req-1", lambda product: {product.variants[0].entity: {0: 7}})
    assert calls == ["dynamodb.UpdateItem", "dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"]
    assert (made.id[:5], len(made.id), made.variants[0].id[:8]) == ("prod_", 31, "variant_")
    assert (made.parent, made.version, made.by, made.created) == (None, 1, "req-1", made.updated)
    assert clock.now() - made.created < 60_000_000
    assert operations.retrieve(made.id) == made
    assert entities()[made.variants[0].entity].quantities == {0: 7}
    two = operations.create(given("shoes", "B", "C"), "req-1")
    assert two.parent is not None
    assert len({*two.entities, *made.entities}) == 4
    must_be_whole()


def test_a_second_variant_makes_a_parent_which_it_stays() -> None:
    made = operations.create(given(), "req-1")
    more = operations.update(made.id, lambda one: replace(one, variants=(*one.variants, Variant("", 0))), "req-2")
    assert more.parent not in {None, *(variant.entity for variant in more.variants)}
    assert more.variants[0].entity == made.variants[0].entity
    less = operations.update(made.id, lambda one: replace(one, variants=one.variants[:1], parent=None), "req-3")
    assert less.parent is None
    again = operations.update(made.id, lambda one: replace(one, variants=()), "req-4")
    none = operations.update(made.id, lambda one: replace(one, parent=None, status=rules.PUBLISHED), "req-5")
    assert none.parent == again.parent
    must_be_whole()


def test_an_update_that_changes_nothing_moves_nothing(calls: Calls) -> None:
    made = operations.create(given(), "req-1")
    before = entities()
    calls.clear()
    assert operations.update(made.id, lambda one: replace(one, tags=one.tags), "req-2", version=99) == made
    assert not calls.writes()
    assert entities() == before


def test_an_update_names_the_version_that_it_means() -> None:
    made = operations.create(given(), "req-1")
    changed = operations.update(made.id, lambda one: replace(one, tags=("new",)), "req-2", version=1)
    assert (changed.version, changed.by) == (2, "req-2")
    assert changed.updated > made.updated
    with pytest.raises(PreconditionFailed):
        operations.update(made.id, lambda one: replace(one, tags=()), "req-3", version=1)
    with pytest.raises(PreconditionFailed):
        operations.remove(made.id, version=1)
    operations.remove(made.id, version=2)
    for gone in (
        lambda: operations.retrieve(made.id),
        lambda: operations.remove(made.id),
        lambda: operations.update(made.id, lambda one: one, "req-4"),
    ):
        with pytest.raises(NotFound, match=f"Product with id: {made.id} was not found"):
            gone()
    must_be_whole()


def test_a_handle_and_a_sku_are_refused_with_their_holder() -> None:
    made = operations.create(given(), "req-1")
    with pytest.raises(Taken, match=f"The handle boots belongs to the product {made.id} \\(boots\\)"):
        operations.create(given("boots", "B"), "req-2")
    other = operations.create(given("shoes", "B"), "req-2")
    with pytest.raises(Taken, match="The SKU A belongs"):
        operations.update(
            other.id,
            lambda one: replace(one, variants=(*one.variants, Variant("", 0, {"sku": "A"}))),
            "req-3",
        )
    must_be_whole()


def test_references_of_a_product_have_to_exist() -> None:
    wanted = given(
        fields={"collection": "winter"},
        sales_channels=("sc_1",),
        variants=(Variant("", 0, {}, (Price("usd", 5, "North America"),)),),
    )
    with pytest.raises(Invalid) as refused:
        operations.create(wanted, "req-1")
    assert refused.value.fields == {
        "prices": ["There is no region North America."],
        "collection": ["There is no collection winter."],
        "sales_channels": ["There is no sales channel sc_1."],
    }
    reference.create_collection("winter", "Winter")
    reference.create_region("North America", "usd")
    made = operations.create(replace(wanted, sales_channels=()), "req-1")
    # What it refers to already is not looked up again.
    assert operations.update(made.id, lambda one: replace(one, tags=("x",)), "req-2").version == 2


_LONG = "x" * 256


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("handle", {"handle": ""}),
        ("handle", {"handle": _LONG}),
        ("handle", {"handle": "a\0"}),
        ("handle", {"handle": "\ud800"}),
        ("status", {"status": "gone"}),
        ("title", {"fields": {"title": _LONG}}),
        ("title", {"fields": {"title": 5}}),
        ("colour", {"fields": {"colour": "red"}}),
        ("weight", {"fields": {"weight": -1}}),
        ("weight", {"fields": {"weight": float("nan")}}),
        ("weight", {"fields": {"weight": True}}),
        ("discountable", {"fields": {"discountable": "yes"}}),
        ("description", {"fields": {"description": "x" * 100_001}}),
        ("thumbnail", {"fields": {"thumbnail": "x" * 2049}}),
        ("images", {"images": ("x",) * 251}),
        ("images", {"images": ("x" * 2049,)}),
        ("tags", {"tags": ("x",) * 251}),
        ("tags", {"tags": (_LONG,)}),
        ("options", {"options": ("Size", "Size"), "variants": ()}),
        ("options", {"options": ("Size",), "variants": (Variant("", 0),)}),
        ("options", {"options": ("Size",), "variants": (Variant("", 0, options=("S",)),) * 2}),
        ("options", {"options": ("Size",), "variants": (Variant("", 0, options=(_LONG,)),)}),
        ("variants", {"variants": (Variant("", 0),) * 2049}),
        ("sku", {"variants": (Variant("", 0, {"sku": "A"}),) * 2}),
        ("sku", {"variants": (Variant("", 0, {"sku": ""}),)}),
        ("sku", {"variants": (Variant("", 0, {"sku": _LONG}),)}),
        ("prices", {"variants": (Variant("", 0, {}, (Price("EUR", 1),)),)}),
        ("prices", {"variants": (Variant("", 0, {}, (Price("xxx", 1),)),)}),
        ("prices", {"variants": (Variant("", 0, {}, (Price("eur", -1),)),)}),
        ("prices", {"variants": (Variant("", 0, {}, (Price("eur", 1), Price("eur", 2))),)}),
    ],
)
def test_a_product_has_limits(part: str, values: dict[str, Any], calls: Calls) -> None:
    with pytest.raises(Invalid) as refused:
        operations.create(given(**values), "req-1")
    assert list(refused.value.fields) == [part]
    assert not calls.writes()


def test_a_product_at_its_limits_is_taken() -> None:
    made = operations.create(
        given(
            "h" * 255,
            fields={"title": "𝄞" * 255, "description": "x" * 100_000, "thumbnail": "x" * 2048, "weight": 0.5},
            images=tuple("x" * 2048 for _ in range(250)),
            tags=tuple(f"{number:0255}" for number in range(250)),
            variants=(Variant("", 0, {"sku": "𝄞" * 255, "barcode": "x" * 255}, (Price("kwd", 2**53),)),),
        ),
        "req-1",
    )
    assert operations.retrieve(made.id) == made


def test_a_product_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LARGEST_PRODUCT", 9000)
    with pytest.raises(TooLarge, match="9000"):
        operations.create(given(fields={"description": "x" * 9000}), "req-1")


# Stock.


def test_quantities_are_set_and_added_to_by_distribution_centre(calls: Calls, at: Callable[[float], None]) -> None:
    at(0)
    reference.create_centre(7, "East")
    made = operations.create(given(), "req-1")
    id = made.variants[0].entity
    at(1)
    calls.clear()
    found = operations.set_quantities(id, {0: 5}, "req-2")
    assert calls == ["dynamodb.GetItem", "dynamodb.PutItem"]
    assert (found.quantities, found.stocked, found.stocked_by, found.by) == ({0: 5}, clock.now(), "req-2", "req-1")
    assert found.updated == made.updated
    assert operations.set_quantities(id, {0: -2, 7: 4}, "req-3", relative=True).quantities == {0: 3, 7: 4}
    assert operations.set_quantities(id, {7: 9}, "req-4", complete=True).quantities == {0: 0, 7: 9}
    at(2)
    calls.clear()
    same = operations.set_quantities(id, {7: 9}, "req-5")
    assert (same.stocked_by, same.quantity, calls.writes()) == ("req-4", 9, [])
    assert operations.retrieve(made.id).version == 1


@pytest.mark.parametrize(
    ("quantities", "relative"),
    [({0: -1}, False), ({0: 2**31}, False), ({0: -6}, True), ({0: 1, 8: 1}, False), ({0: 2**31 - 1}, True)],
)
def test_quantities_that_cannot_be_are_refused_as_a_whole(quantities: dict[int, int], relative: bool) -> None:
    made = operations.create(given(), "req-1", lambda product: {product.variants[0].entity: {0: 5}})
    before = entities()
    with pytest.raises(Invalid):
        operations.set_quantities(made.variants[0].entity, quantities, "req-2", relative=relative)
    assert entities() == before


def test_quantities_of_a_parent_or_a_missing_entity_are_refused() -> None:
    made = operations.create(given("boots", "A", "B"), "req-1")
    assert made.parent is not None
    with pytest.raises(Invalid):
        operations.set_quantities(made.parent, {0: 1}, "req-2")
    with pytest.raises(NotFound):
        operations.set_quantities(999, {0: 1}, "req-2")
    assert repository.get_entity(Unit(), made.parent) == entities()[made.parent]
