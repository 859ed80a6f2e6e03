"""Clients that others wrote and published drive the entity sets, each in its own way."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from batchyard.catalogue.entity_sets.model import MODEL
from tests.clients import published
from tests.clients.conftest import Site

Ask = Callable[..., Any]

DYNAMICS, ODATA_CLIENT, O_JS = "with_dynamics_web_api.js", "with_odata_client.js", "with_o_js.js"
ODATAPY, PYTHON_ODATA = "with_odatapy.py", "with_python_odata.py"
ALL = [DYNAMICS, ODATA_CLIENT, O_JS, ODATAPY, PYTHON_ODATA]


@pytest.fixture(scope="module")
def http(site: Site) -> httpx.Client:
    """What looks at the entities beside the clients."""
    return httpx.Client(base_url=f"{site.base}/v1/", headers={"Authorization": f"Bearer {site.key}"})


@pytest.fixture(scope="module")
def ids(http: httpx.Client) -> dict[str, int]:
    """The IDs of some products by their SKU; each has an attribute that says the SKU once more."""
    made = {}
    for sku in ("O'Neill", "boots", "crème brûlée", "boots brown", "last"):
        entity = {"Sku": sku, "Title": f"The {sku}", "Attributes": [{"Name": "Told", "Value": sku}]}
        answer = http.post("Products", json=entity)
        assert answer.status_code == 201, answer.text
        made[sku] = answer.json()["ID"]
    return made


def ask_of(site: Site, module: str) -> Ask:
    return partial(published.call, module, base=site.base, key=site.key)


@pytest.fixture
def two(http: httpx.Client) -> Iterator[tuple[int, int]]:
    """The IDs of two products for one test."""
    made = [http.post("Products", json={"Sku": sku, "Title": "Before"}).json()["ID"] for sku in ("first", "second")]
    yield made[0], made[1]
    for id in made:
        assert http.delete(f"Products({id})").status_code == 204


def titles(http: httpx.Client, ids: tuple[int, int]) -> list[str]:
    return [http.get(f"Products({id})").json()["Title"] for id in ids]


@pytest.fixture(params=ALL)
def ask(request: pytest.FixtureRequest, site: Site) -> Ask:
    """Asks a client."""
    return ask_of(site, request.param)


def test_products_are_filtered_expanded_ordered_and_cut(ask: Ask, ids: dict[str, int]) -> None:
    found = ask("find", skus=["boots", "crème brûlée", "boots brown"], top=2)
    assert [(one["ID"], one["Title"]) for one in found] == [
        (ids[sku], f"The {sku}") for sku in ("crème brûlée", "boots brown")
    ]
    assert [[part["Value"] for part in one["Attributes"]] for one in found] == [["crème brûlée"], ["boots brown"]]


def test_an_entity_is_made_read_changed_acted_upon_and_removed(ask: Ask, http: httpx.Client) -> None:
    made = ask("create", entity={"Sku": "new", "Title": "Brand new", "Brand": "Ours"})
    id = made["ID"]
    assert http.get(f"Products({id})").json()["Sku"] == "new"
    assert {name: ask("read", id=id)[name] for name in ("ID", "Sku", "Title", "Brand")} == {
        "ID": id,
        "Sku": "new",
        "Title": "Brand new",
        "Brand": "Ours",
    }
    ask("change", id=id, values={"Title": "Changed", "Brand": None})
    changed = http.get(f"Products({id})").json()
    assert (changed["Title"], changed["Brand"], changed["Sku"]) == ("Changed", None, "new")
    ask("act", id=id, action="UpdateQuantity", value={"Updates": [{"DistributionCenterID": 0, "Quantity": 7}]})
    assert http.get(f"Products({id})").json()["TotalAvailableQuantity"] == 7
    ask("remove", id=id)
    assert http.get(f"Products({id})").status_code == 404


@pytest.mark.parametrize("module", [DYNAMICS, ODATA_CLIENT, O_JS, ODATAPY])
def test_products_that_match_a_filter_are_counted(site: Site, ids: dict[str, int], module: str) -> None:
    assert ask_of(site, module)("count", skus=["boots", "last", "nobodys"]) == 2


@pytest.mark.parametrize(
    ("module", "form", "more"),
    [
        (DYNAMICS, "batch", {}),
        (ODATA_CLIENT, "batch", {}),
        (ODATA_CLIENT, "batch_as_json", {}),
        (O_JS, "batch", {}),
        (ODATAPY, "batch", {"version": "4.0"}),
        (ODATAPY, "batch", {"version": "4.01"}),
        (ODATAPY, "batch_as_json", {"version": "4.01"}),
    ],
)
def test_a_batch_reads_and_updates_products(
    site: Site, http: httpx.Client, two: tuple[int, int], module: str, form: str, more: dict[str, str]
) -> None:
    changes = [(two[0], {"Title": "After"}), (two[1], {"Title": "Also after"})]
    told = ask_of(site, module)(form, reads=two, changes=changes, **more)
    # Of what succeeds, one of them tells no status.
    expected = [None] * 6 if module == DYNAMICS else [200, 200, 204, 204, 200, 200]
    assert [one.get("status") for one in told] == expected
    assert [one["body"]["Title"] for one in told[:2] + told[4:]] == ["Before", "Before", "After", "Also after"]
    assert titles(http, two) == ["After", "Also after"]


@pytest.mark.parametrize(
    ("module", "form", "more"),
    [
        (DYNAMICS, "batch", {}),
        (ODATA_CLIENT, "batch_as_json", {}),
        (O_JS, "change_set", {}),
        (ODATAPY, "batch", {"version": "4.0"}),
        (ODATAPY, "batch_as_json", {"version": "4.01"}),
    ],
)
def test_a_change_set_is_all_or_nothing(
    site: Site, http: httpx.Client, two: tuple[int, int], module: str, form: str, more: dict[str, str]
) -> None:
    run = partial(ask_of(site, module), form, reads=[], **more)
    failing = [(two[0], {"Title": "After"}), (two[1], {"Title": "x" * 121})]
    assert any(one.get("status") == 400 for one in run(changes=failing))
    assert titles(http, two) == ["Before", "Before"]
    run(changes=[(two[0], {"Title": "After"}), (two[1], {"Title": "Also after"})])
    assert titles(http, two) == ["After", "Also after"]


@pytest.mark.parametrize("module", [ODATAPY, PYTHON_ODATA])
def test_the_types_of_all_sets_are_read_from_the_metadata(site: Site, module: str) -> None:
    assert ask_of(site, module)("types") == {name: one.type.name for name, one in MODEL.sets.items()}


def test_the_service_document_names_the_sets(site: Site) -> None:
    assert ask_of(site, ODATAPY)("sets") == list(MODEL.sets)


@pytest.mark.parametrize("module", [ODATAPY, PYTHON_ODATA])
def test_pages_are_followed_to_the_end(site: Site, http: httpx.Client, two: tuple[int, int], module: str) -> None:
    wanted = {f"A{number}" for number in range(150)}
    for id, names in zip(two, (sorted(wanted)[:75], sorted(wanted)[75:]), strict=True):
        value = {"Attributes": [{"Name": name, "Value": "x"} for name in names]}
        assert http.post(f"Products({id})/UpdateAttributes", json={"Value": value}).status_code == 204
    first = http.get("AttributeValues").json()
    assert "@odata.nextLink" in first
    found = ask_of(site, module)("names_of_attributes")
    assert len(found) > len(first["value"])
    assert sorted(name for name in found if name != "Told") == sorted(wanted)


@pytest.mark.parametrize("module", ALL)
def test_validation_errors_reach_the_client_in_our_words(site: Site, module: str) -> None:
    with pytest.raises(published.Failed, match="Sku"):
        ask_of(site, module)("create", entity={"Title": "No SKU"})
