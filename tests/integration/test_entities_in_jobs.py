"""What entities store themselves survives imports, and comes back where a job that removed them is taken back."""

from dataclasses import replace
from typing import Any

import pytest

from batchyard.batch_jobs import product_delete
from batchyard.catalogue import operations as catalogue
from batchyard.catalogue.rules import Product
from batchyard.store import blobs, unit
from batchyard.store.tables import PRODUCTS
from batchyard.store.unit import Unit
from tests.integration.test_product_delete import delete
from tests.integration.test_product_import import Importer, load, shop, workers
from tests.support import permissions
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import contents_of_catalogue, entities, must_be_whole, stored_owns
from tests.support.importing import handles, product

__all__ = ["load", "shop", "workers"]

FILE = "Product Handle;Variant SKU;Variant Inventory Quantity\r\nhat;H;3\r\nshoe;S;5\r\nsock;K;6\r\nset;B;\r\n"

LARGE = "".join(map(chr, range(1000, 40_000)))


def change(id: int, **values: Any) -> None:
    catalogue.change_entity(id, lambda own: replace(own, **values), "req-2")


def entity(handle: str) -> int:
    return product(handle).variants[0].entity


@pytest.fixture
def filled(load: Importer) -> dict[str, int]:
    """A catalogue, by handles: `set` is a bundle of a hat and a shoe."""
    assert load(FILE)["status"] == "completed"
    ids = {handle: entity(handle) for handle in ("hat", "shoe", "sock", "set")}
    change(ids["hat"], attributes={"Colour": "red"}, labels=("new",))
    change(ids["sock"], attributes={"text": LARGE}, fields={"upc": "1"})
    change(ids["set"], components={ids["hat"]: 1, ids["shoe"]: 2}, placements={"BOX": "https://img.example/box.png"})
    return ids


def test_an_import_keeps_the_content_of_entities(
    load: Importer, filled: dict[str, int], stores: dict[str, str]
) -> None:
    before, keys = stored_owns(), keys_in_bucket(stores, "entities/")
    header = "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR\r\n"
    skus = {"hat": "H", "shoe": "S", "sock": "K", "set": "B"}
    rows = "".join(f"{handle};New;{sku};9;1.00\r\n" for handle, sku in skus.items())
    done = load(header + rows, {"match": "handle"})
    assert done["status"] == "completed", done["result"]
    assert stored_owns() == before
    assert keys_in_bucket(stores, "entities/") == keys
    must_be_whole()
    # A bundle has no stock of its own.
    assert {handle: entities()[id].quantity for handle, id in filled.items()} == {
        "hat": 9,
        "shoe": 9,
        "sock": 9,
        "set": 0,
    }
    [notice] = done["result"]["notices"]
    assert (notice["code"], notice["count"]) == ("quantity_left_out", 1)
    load.act(done["id"], "undo")
    assert stored_owns() == before
    must_be_whole()


def contents() -> dict[str, Any]:
    """All that the catalogue holds, apart from who has changed entities."""
    found = contents_of_catalogue()
    return {**found, "entities": {id: replace(one, by="", named=None) for id, one in found["entities"].items()}}


def test_undo_of_a_deletion_restores_the_content_of_entities(
    load: Importer, filled: dict[str, int], stores: dict[str, str]
) -> None:
    before = contents()
    done = delete(load, {"handle": [*filled]})
    assert done["status"] == "completed", done["result"]
    assert "errors" not in done["result"]
    assert handles() == set()
    assert entities() == {}
    # As the clean-up removes it, behind the deletion.
    for key in keys_in_bucket(stores, "entities/"):
        blobs.delete(key)
    undone = load.act(done["id"], "undo")
    assert undone["result"]["undo"]["status"] == "completed"
    assert "errors" not in undone["result"]
    assert contents() == before
    must_be_whole()


def test_a_component_stays_as_long_as_its_bundle(load: Importer, filled: dict[str, int]) -> None:
    done = delete(load, {"handle": ["hat", "sock"]})
    assert done["status"] == "completed"
    assert handles() == {"hat", "shoe", "set"}
    [error] = done["result"]["errors"]
    assert (error["code"], done["result"]["error_count"]) == ("in_bundle", 1)
    assert f"({product('hat').id}) cannot be removed" in error["message"]
    assert (done["result"]["products"], done["result"]["advancement_count"]) == (1, 2)
    must_be_whole()
    undone = load.act(done["id"], "undo")
    assert undone["result"]["undo"] == {"status": "completed", "count": 1, "advancement_count": 1}
    assert handles() == set(filled)


def test_components_beyond_the_number_that_waits_are_reported_at_once(
    load: Importer, filled: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(product_delete, "_MOST_LATER", 1)
    done = delete(load, {"handle": ["hat", "shoe"]})
    assert handles() == set(filled)
    assert done["result"]["error_count"] == 2
    assert (done["result"]["products"], done["result"]["progress"]) == (0, 1)


def test_a_bundle_of_too_many_components_stays_and_is_told(
    load: Importer, filled: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "MAX_ACTIONS", 7)
    done = delete(load, {"handle": ["set", "sock"]})
    assert handles() == {"hat", "shoe", "set"}
    [error] = done["result"]["errors"]
    assert "too many components" in error["message"]
    must_be_whole()


def test_undo_restores_a_bundle_without_components_that_are_gone(load: Importer, filled: dict[str, int]) -> None:
    removed = delete(load, {"handle": ["set"]})
    assert delete(load, {"handle": ["hat"]})["status"] == "completed"
    undone = load.act(removed["id"], "undo")
    [error] = undone["result"]["errors"]
    assert error["message"].endswith(f"is without its component {filled['hat']}, which is gone")
    assert stored_owns()[filled["set"]].components == {filled["shoe"]: 2}
    must_be_whole()


def test_undo_of_an_import_keeps_entities_changed_since(load: Importer) -> None:
    done = load(FILE)
    change(entity("hat"), labels=("new",))
    change(entity("set"), components={entity("shoe"): 1})
    undone = load.act(done["id"], "undo")
    assert handles() == {"hat", "set", "shoe"}
    assert {error["code"] for error in undone["result"]["errors"]} == {"changed_since"}
    assert any("S is a component of a bundle now" in error["message"] for error in undone["result"]["errors"])
    must_be_whole()


def test_an_undo_that_is_overtaken_leaves_no_content_of_its_own(
    load: Importer, filled: dict[str, int], stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = delete(load, {"handle": ["sock"]})
    [former] = keys_in_bucket(stores, "entities/")
    commit, met, shoe = Unit.commit, list[Any](), product("shoe")

    def with_sku_of_sock(now: Product) -> Product:
        [variant] = now.variants
        return replace(now, variants=(replace(variant, fields={**variant.fields, "sku": "K"}),))

    def overtaken(one: Unit) -> None:
        if one.staged(PRODUCTS) and not met:
            met.append(True)
            with permissions.by_the_test():
                catalogue.update(shoe.id, with_sku_of_sock, "req-3")
        commit(one)

    monkeypatch.setattr(Unit, "commit", overtaken)
    undone = load.act(done["id"], "undo")
    assert "sock" not in handles()
    assert "K back, which belongs to another product now" in undone["result"]["errors"][0]["message"]
    assert keys_in_bucket(stores, "entities/") == [former]
