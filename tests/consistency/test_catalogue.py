"""The catalogue where many write it at once, and where a process ends between two of its calls."""

import base64
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from batchyard.catalogue import codec, leftovers, operations, reference, repository, rules
from batchyard.catalogue.repository import Taken
from batchyard.catalogue.rules import Product, Variant
from batchyard.errors import Invalid, NotFound
from batchyard.store import items
from batchyard.store.items import Item
from batchyard.store.tables import PRODUCTS
from batchyard.store.unit import Unit, read_one
from tests.consistency.faults import Crash, Fault, at_call, crash_after, crash_before, first, lost_answer
from tests.consistency.workers import at_once
from tests.consistency.world import World
from tests.support.catalogue import entities, must_be_safe, must_be_whole, product, stored_products
from tests.support.engines import MINISTACK
from tools import catalogue

pytestmark = pytest.mark.engine

WORKERS = 16
SMALL, LARGE = 2, 12
MOST_CALLS = 40


@pytest.fixture(autouse=True)
def large_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of a dozen variants do not fit one transaction."""
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 20)


def skus(name: str, number: int) -> Iterator[str]:
    return (f"{name}-{place}" for place in range(number))


# Many at once.


@pytest.mark.parametrize("variants", [1, LARGE])
@pytest.mark.parametrize("same", ["handle", "sku"])
def test_one_of_many_creators_gets_a_handle_or_sku(world: World, variants: int, same: str) -> None:
    def wanted(number: int) -> Product:
        one = product("boots" if same == "handle" else f"p{number}", *skus(f"w{number}", variants))
        if same == "sku":
            shared = replace(one.variants[0], fields={"sku": "THE-ONE"})
            one = replace(one, variants=(shared, *one.variants[1:]))
        return replace(one, version=0)

    answers = at_once([partial(operations.create, _known(wanted(number)), "req") for number in range(WORKERS)])
    made = [one for one in answers if isinstance(one, Product)]
    assert [type(one) for one in answers if not isinstance(one, Product)] == [Taken] * (WORKERS - len(made))
    assert len(made) == 1
    assert set(stored_products()) == {one.id for one in made}
    must_be_safe()
    if variants == 1:
        must_be_whole()


def _known(one: Product) -> Product:
    """It refers to no region."""
    return replace(one, variants=tuple(replace(variant, prices=variant.prices[:1]) for variant in one.variants))


def test_skus_change_places_while_others_change_the_product(world: World) -> None:
    one = operations.create(_known(product("boots", "A", "B")), "req")

    def swap(now: Product) -> Product:
        first_one, second = now.variants
        return replace(
            now,
            variants=(
                replace(first_one, fields={**first_one.fields, "sku": second.sku or ""}),
                replace(second, fields={**second.fields, "sku": first_one.sku or ""}),
            ),
        )

    def tag(number: int, now: Product) -> Product:
        return replace(now, tags=(*now.tags, f"tag {number}"))

    jobs = [partial(operations.update, one.id, swap, "req") for _ in range(5)]
    jobs += [partial(operations.update, one.id, partial(tag, number), "req") for number in range(6)]
    answers = at_once(jobs)
    assert all(isinstance(answer, Product) for answer in answers), answers
    found = operations.retrieve(one.id)
    assert [variant.sku for variant in found.variants] == ["B", "A"]
    assert len(found.tags) == len(one.tags) + 6
    assert found.version == 12
    must_be_whole()


def test_no_variant_is_lost_where_many_add_one_to_a_large_product(world: World) -> None:
    one = operations.create(_known(product("boots", *skus("a", LARGE))), "req")

    def add(number: int, now: Product) -> Product:
        more = Variant("", 0, {"sku": f"new-{number}"}, options=(f"new {number}",))
        return replace(now, variants=(*now.variants, more))

    answers = at_once([partial(operations.update, one.id, partial(add, number), "req") for number in range(8)])
    assert all(isinstance(answer, Product) for answer in answers), answers
    assert len(operations.retrieve(one.id).variants) == LARGE + 8
    must_be_whole()


def test_no_quantity_is_lost(world: World) -> None:
    reference.create_centre(7, "East")
    one = operations.create(_known(product("boots", "A")), "req")
    [id] = one.entities
    jobs: list[Callable[[], Any]] = [
        partial(operations.set_quantities, id, {0: 3, 7: 1}, "req", relative=True) for _ in range(WORKERS)
    ]
    jobs += [
        partial(operations.update, one.id, lambda now: replace(now, status=rules.DRAFT), "req"),
        partial(operations.set_quantities, id, {0: -1000}, "req", relative=True),
    ]
    *answers, refused = at_once(jobs)
    assert isinstance(refused, Invalid)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert entities()[id].quantities == {0: 3 * WORKERS, 7: WORKERS}
    must_be_whole()


def test_entity_ids_reserved_at_once_are_unique(world: World) -> None:
    firsts = at_once([partial(repository.reserve_ids, 5)] * WORKERS)
    taken = [id for start in firsts for id in range(start, start + 5)]
    assert len(set(taken)) == len(taken) == 5 * WORKERS


def test_a_product_that_is_removed_while_changed_ends_in_one_of_both_states(world: World) -> None:
    for number in range(4):
        one = operations.create(_known(product(f"p{number}", *skus(f"p{number}", SMALL))), "req")
        changed, removed = at_once(
            [
                partial(operations.update, one.id, lambda now: replace(now, tags=("x",)), "req"),
                partial(operations.remove, one.id),
            ]
        )
        assert removed is None
        assert isinstance(changed, Product | NotFound)
        assert one.id not in stored_products()
    must_be_whole()


def test_a_sku_is_taken_again_during_clean_up_of_its_former_variant(world: World) -> None:
    one = operations.create(_known(product("many", *skus("many", LARGE))), "req")
    before = _item(one.id)
    operations.update(one.id, lambda now: replace(now, variants=now.variants[11:]), "req")
    message = _notice(before, _item(one.id))

    def take_again() -> None:
        operations.update(one.id, lambda now: replace(now, variants=one.variants), "req")

    # Between the clean-up's reads and its removal.
    with at_call(1, first(take_again), of="TransactWriteItems") as strike:
        leftovers.look_at(message)
    assert strike
    assert len(operations.retrieve(one.id).variants) == LARGE
    must_be_whole()


# A process that ends.


class Scene(ABC):
    """A product, and something done with it.

    Args:
        number: Which one, so that none has another's names.
        variants: How many variants it has.
    """

    def __init__(self, number: int, variants: int) -> None:
        self.one = _known(product(f"p{number}", *skus(f"p{number}", variants)))
        self.new = f"new-{number}"
        self.before: Item | None = None
        self.begin()

    def begin(self) -> None:
        operations.create(self.one, "req-1")
        self.before = _item(self.one.id)

    @abstractmethod
    def act(self) -> object:
        """The call, which may be made again after a process ended in it."""

    def state(self) -> object:
        """What people see of it."""
        found = stored_products().get(self.one.id)
        if found is None:
            return None
        names = [(variant.sku, variant.fields.get("title"), variant.options) for variant in found.variants]
        of_entity = entities()
        stock = [dict(of_entity[variant.entity].quantities) for variant in found.variants]
        return found.status, found.tags, len(names), [sku.partition("-")[2] for sku, *_ in names if sku], stock

    def clean_up(self) -> None:
        """What the change stream has done when it has come this far."""
        after = _item(self.one.id)
        if self.before is not None and (after is None or after["version"] != self.before["version"]):
            leftovers.look_at(_notice(self.before, after))


class Create(Scene):
    def begin(self) -> None:
        pass

    def act(self) -> object:
        return operations.create(self.one, "req-1", lambda one: {one.variants[0].entity: {0: 5}})


class Change(Scene):
    """Values of all of it change, some variants go, others come."""

    def act(self) -> object:
        def revise(now: Product) -> Product:
            kept = [
                replace(variant, fields={**variant.fields, "title": "changed"})
                for variant in now.variants[len(now.variants) // 2 :]
            ]
            if not any(variant.sku == f"{self.one.handle}-new" for variant in kept):
                kept = [*kept, Variant("", 0, {"sku": f"{self.one.handle}-new"}, options=("new",))]
            return replace(now, status=rules.DRAFT, tags=("changed",), variants=tuple(kept))

        if operations.retrieve(self.one.id).tags == ("changed",):
            return None
        return operations.update(self.one.id, revise, "req-2")


class Remove(Scene):
    def act(self) -> object:
        with suppress(NotFound):
            operations.remove(self.one.id)
        return None


def _item(id: str) -> Item | None:
    return read_one(PRODUCTS, codec.product_key(id))


def _notice(old: Item | None, new: Item | None) -> str:
    assert old is not None
    image = {name: value for name, value in items.encode(old).items() if name != "content"}
    if "content" in old:
        image["content"] = {"B": base64.b64encode(bytes(old["content"])).decode()}  # type: ignore[arg-type]
    return leftovers.notice(old, new, image)


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("variants", [SMALL, LARGE])
@pytest.mark.parametrize("case", [Create, Change, Remove])
def test_a_product_write_that_crashes_at_any_call_is_atomic_and_repeatable(
    world: World, case: type[Scene], variants: int
) -> None:
    numbers = itertools.count()
    scene = case(next(numbers), variants)
    before = scene.state()
    scene.act()
    done = scene.state()
    assert done != before
    scene.clean_up()
    found: list[tuple[Fault, bool]] = []
    for number in itertools.count(1):
        assert number < MOST_CALLS
        for fault in (crash_before, crash_after):
            scene = case(next(numbers), variants)
            with at_call(number, fault) as strike, suppress(Crash):
                scene.act()
            after = scene.state()
            assert after in (before, done), strike.call
            must_be_safe()
            if not strike:
                break
            found.append((fault, after == done))
            scene.act()
            assert scene.state() == done, strike.call
            scene.clean_up()
            # Done again, a new variant of a large product has another ID.
            must_be_whole(abandoned=(case, variants) == (Change, LARGE))
        if not strike:
            break
    assert found[-1] == (crash_after, True)
    assert not any(happened for _, happened in found[:-1])


@pytest.mark.parametrize("variants", [SMALL, LARGE])
@pytest.mark.parametrize("case", [Create, Change, Remove])
def test_a_product_write_survives_a_lost_answer(world: World, case: type[Scene], variants: int) -> None:
    numbers = itertools.count()
    scene = case(next(numbers), variants)
    scene.act()
    done = scene.state()
    scene.clean_up()
    for number in itertools.count(1):
        assert number < MOST_CALLS
        scene = case(next(numbers), variants)
        with at_call(number, lost_answer) as strike:
            scene.act()
        assert scene.state() == done, strike.call
        scene.clean_up()
        must_be_whole()
        if not strike:
            return


def test_an_entity_is_read_as_the_unit_leaves_it(world: World) -> None:
    one = operations.create(_known(product("boots", "A")), "req")
    unit = Unit()
    held = repository.get_entity(unit, one.variants[0].entity)
    assert held is not None
    repository.put_entity(unit, replace(held, quantities={0: 9}))
    assert repository.get_entity(unit, held.id) == replace(held, quantities={0: 9}, version=held.version + 1)
    assert entities()[held.id].quantities == {}


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
def test_the_largest_product_is_stored_changed_and_removed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 90)
    monkeypatch.setenv("PRODUCT_LEFTOVERS_QUEUE_URL", world.sweep_queue)
    for region, currency in catalogue.REGIONS.items():
        reference.create_region(region, currency)
    [made] = catalogue.made_up(1, variants=rules.MOST_VARIANTS)
    plain = replace(made.product, fields={"title": "Large", "description": "x" * 100_000})
    one = operations.create(plain, "req-1", lambda one: dict(made.stock))
    assert len(one.variants) == rules.MOST_VARIANTS
    must_be_whole()
    quantities = {id: dict(entity.quantities) for id, entity in entities().items() if entity.quantities}
    assert quantities == made.stock
    few = operations.update(one.id, lambda now: replace(now, variants=now.variants[1000:]), "req-2")
    after = _item(one.id)
    assert repository.read_products([one.id]) == [few]
    assert after is not None
    former = codec.encode_product(one, {})
    key = next(key for key in world.stored() if key.startswith("products/") and key != after["content_key"])
    leftovers.look_at(leftovers.notice({**former, "content_key": key}, after, {}))
    must_be_whole()
    operations.remove(one.id)
    assert stored_products() == {}
