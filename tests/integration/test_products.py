"""Products as people look at them after an import: lists and single ones, in the shapes of Medusa's administration."""

import json
import re
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import pytest

from batchyard.catalogue import listing, reference, repository
from batchyard.catalogue.rules import Price, Product
from batchyard.errors import NotFound
from batchyard.scope import Access
from batchyard.store.unit import transact
from tests.support import permissions
from tests.support.api import EVERYTHING, Api
from tests.support.catalogue import BEGAN, product

SECOND = 1_000_000


def stored(one: Product, stock: dict[int, dict[int, int]] | None = None) -> Product:
    return transact(lambda unit: repository.put(unit, one, None, stock))


def several(count: int, **given: Any) -> list[Product]:
    return [
        stored(product(f"boots-{n}", f"SKU-{n}", created=BEGAN + n * SECOND, updated=BEGAN + n * SECOND, **given))
        for n in range(count)
    ]


def listed(api: Api, query: str = "") -> dict[str, Any]:
    answer = api.get(f"/admin/products{query}")
    assert answer.status == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert list(found) == ["products", "count", "offset", "limit"]
    return found


def handles(found: dict[str, Any]) -> list[str]:
    return [one["handle"] for one in found["products"]]


def test_a_product_has_every_field_of_medusas(api: Api) -> None:
    reference.create_region("North America", "usd")
    collection = reference.create_collection("winter", "Winter 2026")
    channel = reference.create_sales_channel("Web", "The shop")
    given = product(
        "boots",
        "B-1",
        "B-2",
        fields={
            "title": "Boots",
            "subtitle": "For snow",
            "collection": "winter",
            "type": "shoes",
            "weight": 850.5,
            "hs_code": "6403",
            "discountable": False,
        },
        sales_channels=(channel.id,),
    )
    stored(given, {given.variants[0].entity: {0: 3}})
    answer = api.get(f"/admin/products/{given.id}")
    assert answer.status == 200, answer.text
    shown = answer.json()["product"]
    dates = {"created_at": "2026-09-21T14:13:20.000Z", "updated_at": "2026-09-21T14:13:20.000Z", "deleted_at": None}
    none = dict.fromkeys(
        ("description", "thumbnail", "external_id", "length", "width", "height", "origin_country", "mid_code")
    )
    assert dates.items() <= shown.items()
    assert {**none, "material": None, "metadata": None, "is_giftcard": False}.items() <= shown.items()
    assert (shown["title"], shown["subtitle"], shown["weight"], shown["hs_code"]) == (
        "Boots",
        "For snow",
        850.5,
        "6403",
    )
    assert (shown["status"], shown["discountable"]) == ("published", False)
    assert (shown["collection_id"], shown["collection"]) == (
        collection.id,
        {"id": collection.id, "title": "Winter 2026", "handle": "winter", "metadata": None},
    )
    assert (shown["type"]["value"], shown["type"]["id"]) == ("shoes", shown["type_id"])
    assert [tag["value"] for tag in shown["tags"]] == ["leather", "big, tall"]
    assert [image["url"] for image in shown["images"]] == list(given.images)
    [option] = shown["options"]
    assert (option["title"], option["product_id"]) == ("Size", given.id)
    assert shown["sales_channels"] == [
        {"id": channel.id, "name": "Web", "description": "The shop", "is_disabled": False}
    ]
    first, second = shown["variants"]
    assert (first["id"], first["sku"], first["variant_rank"], first["inventory_quantity"]) == (
        given.variants[0].id,
        "B-1",
        0,
        3,
    )
    assert (second["sku"], second["variant_rank"], second["inventory_quantity"]) == ("B-2", 1, 0)
    assert (first["allow_backorder"], first["manage_inventory"], first["product_id"]) == (False, True, given.id)
    prices = [(price["currency_code"], price["amount"], price["region_id"]) for price in first["prices"]]
    assert [price[:2] for price in prices] == [("eur", 4990), ("usd", 5490)]
    assert (prices[0][2], re.fullmatch("reg_.{26}", prices[1][2]) is not None) == (None, True)
    [value] = first["options"]
    assert (value["value"], value["option_id"], value["variant_id"]) == ("size 0", option["id"], first["id"])
    # The same each time.
    assert api.get(f"/admin/products/{given.id}").text == answer.text
    assert listed(api)["products"] == [shown]


def test_a_bare_product_is_shown_with_nulls(api: Api) -> None:
    given = stored(product("bare", fields={}, tags=(), images=()))
    shown = api.get(f"/admin/products/{given.id}").json()["product"]
    assert (shown["title"], shown["collection"], shown["type"], shown["variants"]) == (None, None, None, [])
    assert shown["tags"] == shown["images"] == shown["options"] == shown["sales_channels"] == []


@pytest.mark.parametrize("id", ["prod_none", "x", "%2F", "prod_" + "x" * 59, "..%2Fx", "handle%20boots"])
def test_a_missing_product_is_404(api: Api, id: str) -> None:
    stored(product("boots", "B-1"))
    refused = api.get(f"/admin/products/{id}")
    assert (refused.status, refused.json()["type"]) == (404, "not_found")
    if "%" not in id:
        assert refused.json()["message"] == f"Product with id: {id} was not found"


def test_an_impossible_product_id_is_404(api: Api) -> None:
    refused = api.get("/admin/products/" + "x" * 1000)
    assert (refused.status, refused.json()) == (404, {"type": "not_found", "message": "Not found."})


def test_the_newest_products_come_first_by_pages(api: Api) -> None:
    several(7)
    found = listed(api)
    assert handles(found) == [f"boots-{n}" for n in reversed(range(7))]
    assert (found["count"], found["offset"], found["limit"]) == (7, 0, 50)
    found = listed(api, "?limit=3&offset=3")
    assert handles(found) == ["boots-3", "boots-2", "boots-1"]
    assert (found["count"], found["offset"], found["limit"]) == (7, 3, 3)
    assert (handles(listed(api, "?offset=7")), listed(api, "?limit=0")["count"]) == ([], 7)


@pytest.mark.parametrize("column", listing.ORDERS)
def test_products_are_listed_in_any_order(api: Api, column: str) -> None:
    for n, (title, handle) in enumerate([("b", "y"), ("a", "z"), ("c", "x"), ("a", "w")]):
        moment = BEGAN + n * SECOND
        stored(product(handle, None, fields={"title": title}, created=moment, updated=BEGAN - n * SECOND))
    found = listed(api)["products"]
    for sign, turned in (("", False), ("-", True)):
        wanted = sorted(sorted(found, key=lambda one: one["id"]), key=lambda one: one[column], reverse=turned)
        assert listed(api, f"?order={sign}{column}")["products"] == wanted


def test_products_are_searched_by_title_handle_and_sku(api: Api) -> None:
    stored(product("snow-boots", "SB-1", fields={"title": normalize("NFD", "Stiefel für Schnee")}, status="draft"))
    stored(product("sandals", "SA-1", "SA-2", fields={"title": "Sandalen"}, status="published"))
    stored(product("old", "OL-1", fields={"title": "SB-1"}, status="rejected"))

    def found(query: str) -> list[str]:
        return sorted(handles(listed(api, f"?order=handle&{query}")))

    assert found("q=STIEFEL") == ["snow-boots"]
    for form in ("NFC", "NFD"):
        # Programs of macOS write an umlaut as two characters.
        assert found(f"q={quote(normalize(form, 'FÜR'))}") == ["snow-boots"]
    assert found("q=sand") == ["sandals"]
    assert found("q=SA-2") == ["sandals"]
    # By its title, and by a SKU.
    assert found("q=SB-1") == ["old", "snow-boots"]
    assert found("q=SB-1&status[]=draft") == ["snow-boots"]
    assert found("q=nothing") == []
    assert found("handle=sandals") == ["sandals"]
    assert found("handle=Sandals") == []
    assert found("handle=sandals&q=stiefel") == []
    assert found("handle=sandals&status[]=draft") == []
    assert found("status[]=draft&status[]=published") == ["sandals", "snow-boots"]
    assert found("status%5B0%5D=draft") == found("status=draft") == ["snow-boots"]
    by_id = listed(api, "?handle=old")["products"][0]["id"]
    assert found(f"q={by_id}") == ["old"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=101", "limit must not be greater than 100"),
        ("limit=-1", "limit must not be less than 0"),
        ("limit=x", "limit must be a number conforming to the specified constraints"),
        ("offset=-1", "offset must not be less than 0"),
        ("offset=1e3", "offset must be a number conforming to the specified constraints"),
        (
            "status[]=new",
            "each value in status must be one of the following values: draft, proposed, published, rejected",
        ),
        ("order=price", None),
        ("q=" + "x" * 256, "q must be shorter than or equal to 255 characters"),
        ("foo=1", "property foo should not exist"),
        ("foo=1&limit=x", "property foo should not exist"),
        ("handle[]=a", "property handle[] should not exist"),
    ],
)
def test_a_bad_query_of_products_is_refused(api: Api, query: str, message: str | None) -> None:
    refused = api.get(f"/admin/products?{query}")
    assert (refused.status, refused.json()["type"]) == (400, "invalid_data")
    assert message in {None, refused.json()["message"]}


def test_a_list_of_products_looks_at_a_limited_number(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(40)
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 16)
    found = listed(api, "?limit=100")
    assert found["count"] <= 16
    assert len(handles(found)) == found["count"]
    # What is in no list is found by name.
    assert handles(listed(api, "?handle=boots-0")) == ["boots-0"]
    assert handles(listed(api, "?q=SKU-0")) == ["boots-0"]


def test_a_page_of_products_larger_than_an_answer_is_refused_before_all_are_read(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"title": "x", "description": "x" * 99_000}
    for n in range(70):
        stored(product(f"large-{n}", fields=large))
    read: list[int] = []
    read_products = repository.read_products

    def noted(ids: Iterable[str]) -> list[Product]:
        found = read_products(ids)
        read.append(len(found))
        return found

    monkeypatch.setattr(repository, "read_products", noted)
    refused = api.get("/admin/products?limit=100")
    assert (refused.status, refused.json()["type"]) == (413, "content_too_large")
    assert len(api.get("/admin/products?limit=40").json()["products"]) == 40
    assert max(read) <= 10


def test_a_product_deleted_during_a_list_is_left_out(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    several(3)
    page = listing.page

    def late(*arguments: Any) -> listing.Page:
        found = page(*arguments)
        with permissions.by_the_test():
            transact(lambda unit: repository.delete(unit, must_be(repository.find(unit, "boots-1"))))
        return found

    monkeypatch.setattr(listing, "page", late)
    assert handles(listed(api)) == ["boots-2", "boots-0"]


def must_be(found: Product | None) -> Product:
    if found is None:
        raise NotFound
    return found


def test_amounts_of_every_size_are_numbers(api: Api) -> None:
    given = product("boots", "B-1")
    [variant] = given.variants
    prices = (Price("eur", 0), Price("jpy", 2**53), Price("kwd", 1))
    stored(
        given.__class__(**{**_values(given), "variants": (type(variant)(**{**_values(variant), "prices": prices}),)})
    )
    text = api.get(f"/admin/products/{given.id}").text
    amounts = [price["amount"] for price in json.loads(text)["product"]["variants"][0]["prices"]]
    assert amounts == [0, 2**53, 1]


def _values(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def test_products_need_the_right_to_read_the_catalogue(api: Api) -> None:
    given = stored(product("boots", "B-1"))
    accesses: list[tuple[Access, int]] = [("none", 403), ("read", 200)]
    for catalogue, status in accesses:
        asking = Api(EVERYTHING._replace(token=catalogue, scope=EVERYTHING.scope._replace(catalogue=catalogue)))
        for path in ("/admin/products", f"/admin/products/{given.id}"):
            assert asking.get(path).status == status
    assert Api(None).get("/admin/products").text == "Unauthorized"
