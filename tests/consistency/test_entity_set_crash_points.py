"""Each kind of write to an entity set, stopped before and after each of its calls to AWS, or left without an answer."""

import itertools
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from batchyard.catalogue import operations
from tests.consistency.cases import small_items
from tests.consistency.faults import Crash, at_call, crash_after, crash_before, lost_answer
from tests.consistency.world import World
from tests.support.api import Answer
from tests.support.batch import Part, request, run_change_set
from tests.support.catalogue import entities, must_be_whole, stored_owns, stored_products
from tests.support.engines import MINISTACK

pytestmark = pytest.mark.engine

MOST_CALLS = 40
LARGE = "".join(map(chr, range(1000, 5000)))
"""A text that lies in S3 here, also when it is packed."""


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_items():
        yield


@dataclass(frozen=True)
class Write:
    """A kind of write.

    Args:
        name: What it is called.
        url: Below the root, with the names of products in braces: what each of the scene has as its ID.
        body: Its body; `{N}` is the scene's number.
        again: What a client is told that sends it once more, since it does not know that it happened.
    """

    name: str
    method: str
    url: str
    body: Any = None
    again: int = 204


def _value(**given: Any) -> dict[str, Any]:
    return {"Value": given}


_UPDATES = [{"DistributionCenterID": 0, "Quantity": 3}]
_ATTRIBUTES = [{"Name": "Size", "Value": "2"}, {"Name": "Text", "Value": LARGE}]

WRITES = [
    Write("item", "POST", "Products", {"Sku": "new", "Title": "T", "UPC": "1", "Attributes": _ATTRIBUTES}, 400),
    Write("parent", "POST", "Products", {"Sku": "new", "IsParent": True, "Title": "T"}, 400),
    Write("child", "POST", "Products", {"Sku": "new", "ParentProductID": "parent", "UPC": "1"}, 400),
    Write(
        "bundle",
        "POST",
        "Products",
        {"Sku": "new", "BundleComponents": [{"ProductID": "item", "Quantity": 2}], "UPC": "1"},
        400,
    ),
    Write("change", "PATCH", "Products({item})", {"Title": "changed", "UPC": "2", "Description": LARGE}),
    Write("rename", "PATCH", "Products({item})", {"Sku": "renamed", "UPC": "2"}),
    Write("rename a parent", "PUT", "Products({parent})", {"Sku": "renamed"}),
    Write("copy", "PATCH", "Products({parent})", {"RetailPrice": 5, "CopyToChildren": True}),
    Write("remove", "DELETE", "Products({item})", again=404),
    Write("remove a bundle", "DELETE", "Products({bundle})", again=404),
    Write("remove a parent", "DELETE", "Products({parent})", again=404),
    Write("remove a child", "DELETE", "Products({child})", again=404),
    Write(
        "remove children",
        "POST",
        "Products({parent})/RemoveChildren",
        _value(ChildProductIDList=["child", "other"]),
        400,
    ),
    Write("make an attribute", "POST", "AttributeValues", {"ProductID": "item", "Name": "N", "Value": LARGE}, 201),
    Write("attribute", "PUT", "Products({item})/Attributes('Size')", {"Value": "3"}),
    Write("attributes", "POST", "Products({item})/UpdateAttributes", _value(Attributes=_ATTRIBUTES)),
    Write("remove an attribute", "DELETE", "AttributeValues(ProductID={item},Name='Size')", again=404),
    Write("label", "PUT", "ProductLabels(ProductID={item},Name='New')"),
    Write("remove a label", "DELETE", "ProductLabels(ProductID={item},Name='Sale')", again=404),
    Write("image", "PUT", "Images(ProductID={item},PlacementName='ITEMIMAGEURL2')", {"Url": "u"}),
    Write("placement", "PUT", "Images(ProductID={child},PlacementName='Swatch')", {"Url": "u"}),
    Write("remove an image", "DELETE", "Images(ProductID={item},PlacementName='ITEMIMAGEURL1')", again=404),
    Write("component", "PUT", "ProductBundleComponents(ProductID={bundle},ComponentID={child})", {"Quantity": 3}),
    Write(
        "remove a component",
        "DELETE",
        "ProductBundleComponents(ProductID={bundle},ComponentID={component})",
        again=404,
    ),
    Write("quantity", "PATCH", "DCQuantities(ProductID={item},DistributionCenterID=0)", {"AvailableQuantity": 9}),
    Write("remove a quantity", "DELETE", "DCQuantities(ProductID={item},DistributionCenterID=0)", again=404),
    Write("stock", "POST", "Products({item})/UpdateQuantity", _value(Updates=_UPDATES)),
    Write("more stock", "POST", "Products({item})/UpdateQuantity", _value(UpdateType="Relative", Updates=_UPDATES)),
]
_ADDS = "more stock"


class Scene:
    """Some products of every kind, whose names nobody else's have.

    Args:
        world: Where it is.
        number: Which one.
    """

    def __init__(self, world: World, number: int) -> None:
        self.api = world.api
        self.number = number
        self.ids: dict[str, int] = {}
        attributes = [{"Name": "Size", "Value": "1"}]
        wanted: dict[str, dict[str, Any]] = {
            "component": {},
            "item": {"Title": "An item", "Attributes": attributes},
            "parent": {"IsParent": True, "Brand": "Alpina"},
            "child": {"ParentProductID": "parent", "UPC": "1"},
            "other": {"ParentProductID": "parent"},
            "bundle": {"BundleComponents": [{"ProductID": "component", "Quantity": 1}]},
        }
        for name, given in wanted.items():
            answer = self.api.post("/v1/Products", self._filled({"Sku": name, **given}))
            assert answer.status == 201, answer.text
            self.ids[name] = answer.json()["ID"]
        for url, body in (
            ("ProductLabels(ProductID={item},Name='Sale')", None),
            ("Images(ProductID={item},PlacementName='ITEMIMAGEURL1')", {"Url": "1"}),
            ("DCQuantities(ProductID={item},DistributionCenterID=0)", {"AvailableQuantity": 4}),
            ("DCQuantities(ProductID={child},DistributionCenterID=0)", {"AvailableQuantity": 5}),
        ):
            assert self.api.put(f"/v1/{url.format(**self.ids)}", body).status == 204

    def send(self, write: Write) -> Answer:
        return self.api(write.method, f"/v1/{write.url.format(**self.ids)}", self._filled(write.body))

    def part(self, write: Write) -> str:
        """The write as a part of a batch."""
        return request(write.method, write.url.format(**self.ids), self._filled(write.body))

    def _filled(self, told: Any) -> Any:
        """A body with the IDs of what it names, and SKUs that are this scene's."""
        if isinstance(told, dict):
            return {
                name: f"{value}-{self.number}"
                if name == "Sku"
                else self.ids[value]
                if name in {"ProductID", "ParentProductID"}
                else self._filled(value)
                for name, value in told.items()
            }
        if isinstance(told, list):
            return [self.ids[one] if isinstance(one, str) else self._filled(one) for one in told]
        return told

    def state(self) -> dict[str, Any]:
        """All that there is, by handles and without what differs between two scenes that were treated alike."""
        names = {id: name for name, id in self.ids.items()}
        found, own, stock = stored_products().values(), stored_owns(), entities()

        def entity(id: int) -> Any:
            stored = own[id]
            return (
                stored.fields,
                stored.attributes,
                stored.labels,
                stored.placements,
                {names.get(one): pieces for one, pieces in stored.components.items()},
                dict(stock[id].quantities),
                stock[id].bundles,
            )

        return {
            self._plain(one.handle): (
                one.fields,
                one.images,
                None if one.parent is None else entity(one.parent),
                [
                    ({**variant.fields, "sku": self._plain(variant.sku or "")}, entity(variant.entity))
                    for variant in one.variants
                ],
            )
            for one in found
        }

    def _plain(self, name: str) -> str:
        return name.replace(f"-{self.number}", "")

    def end(self) -> None:
        """Removes all of it, bundles first."""
        bundles = {id for id, entity in entities().items() if entity.components}
        for one in sorted(stored_products().values(), key=lambda one: not bundles & set(one.entities)):
            operations.remove(one.id)
        assert entities() == {}


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_an_entity_set_write_that_crashes_at_any_call_is_atomic_and_repeatable(world: World, write: Write) -> None:
    numbers = itertools.count()
    scene = Scene(world, next(numbers))
    before = scene.state()
    answer = scene.send(write)
    assert answer.status < 300, answer.text
    done = scene.state()
    assert done != before
    scene.end()
    scene = Scene(world, next(numbers))
    with at_call(1, crash_before), suppress(Crash):
        scene.send(write)
    # Behind one call is before the next one. As long as it has not happened, each is a repeat of the one before.
    for number in itertools.count(1):
        assert number < MOST_CALLS
        world.new_process()
        with at_call(number, crash_after) as strike, suppress(Crash):
            scene.send(write)
        after = scene.state()
        assert after in (before, done), strike.call
        must_be_whole()
        if after == before:
            continue
        if not strike:
            break
        repeated = scene.send(write)
        assert repeated.status == write.again, repeated.text
        if (write.method, write.url) == ("POST", "Products"):
            assert repeated.json()["error"]["code"] == "DuplicateSku"
        assert write.name == _ADDS or scene.state() == done, strike.call
        must_be_whole()
        scene.end()
        scene = Scene(world, next(numbers))
    scene.end()


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
def test_an_entity_set_write_survives_a_lost_answer(world: World, write: Write) -> None:
    numbers = itertools.count()
    scene = Scene(world, next(numbers))
    answer = scene.send(write)
    done = scene.state()
    scene.end()
    struck = 0
    for call in ("UpdateItem", "PUT ", "PutItem", "TransactWriteItems"):
        for number in itertools.count(1):
            assert number < MOST_CALLS
            scene = Scene(world, next(numbers))
            with at_call(number, lost_answer, of=call) as strike:
                assert scene.send(write).status == answer.status, strike.call
            assert scene.state() == done, strike.call
            must_be_whole()
            scene.end()
            if not strike:
                break
            struck += 1
    assert struck


_SET = [one for one in WRITES if one.name in {"item", "change", "copy", "label", _ADDS, "component", "remove children"}]


@pytest.mark.parametrize("engine", [MINISTACK], indirect=True)
@pytest.mark.parametrize("fault", [crash_before, crash_after, lost_answer])
def test_a_change_set_of_entity_set_writes_is_atomic(world: World, fault: Any) -> None:
    def send(scene: Scene) -> list[Part] | Part:
        return run_change_set(world.api, *map(scene.part, _SET))

    numbers = itertools.count()
    scene = Scene(world, next(numbers))
    before = scene.state()
    answers = send(scene)
    assert isinstance(answers, list), answers
    done = scene.state()
    scene.end()
    happened = []
    for number in itertools.count(1):
        assert number < MOST_CALLS
        scene = Scene(world, next(numbers))
        world.new_process()
        with at_call(number, fault) as strike, suppress(Crash):
            assert isinstance(send(scene), list), strike.call
        happened.append(scene.state() == done)
        assert happened[-1] or scene.state() == before, strike.call
        must_be_whole()
        scene.end()
        if not strike:
            break
    assert all(happened) if fault is lost_answer else happened.index(True) >= len(happened) - 2
