"""Lists of products: pages, filters and orders, against what a list of all would give."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard.catalogue import listing, repository, rules
from batchyard.catalogue.rules import Product
from batchyard.errors import Invalid
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.catalogue import product

_NAMES = ("boots", "Wool Socks", "über-Jacke", "lamp", "tent")


@pytest.fixture
def catalogue(stores: dict[str, str]) -> list[Product]:
    made = []
    for number in range(30):
        unit = Unit()
        title = {} if number % 7 == 0 else {"title": f"{_NAMES[number % 5]} {number % 4}"}
        one = product(
            f"{_NAMES[number % 5].lower()}-{number}",
            f"sku-{number}",
            fields=title,
            status=rules.STATUSES[number % 4],
        )
        one = replace(one, created=one.created + number * 977 % 30, updated=one.updated + number % 3 + 100)
        made.append(repository.put(unit, one, None))
        unit.commit()
    return made


def expected(every: list[Product], q: str, statuses: frozenset[str], order: str) -> list[str]:
    keys = {
        "created_at": lambda one: (one.created, one.id),
        "updated_at": lambda one: (one.updated, one.id),
        "title": lambda one: (one.fields.get("title", ""), one.id),
        "handle": lambda one: one.handle,
        "id": lambda one: one.id,
    }
    found = [
        one
        for one in every
        if (not statuses or one.status in statuses)
        and (q.casefold() in str(one.fields.get("title", "")).casefold() or q.casefold() in one.handle.casefold())
    ]
    return [one.id for one in sorted(found, key=keys[order.removeprefix("-")], reverse=order.startswith("-"))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    limit=st.integers(0, 12),
    offset=st.integers(0, 35),
    q=st.sampled_from(["", "SOCKS", "über", "-1", "none"]),
    statuses=st.frozensets(st.sampled_from(rules.STATUSES), max_size=2),
    order=st.sampled_from([f"{sign}{name}" for name in listing._ORDERS for sign in ("", "-")]),
)
def test_a_page_is_a_part_of_the_whole_list(
    catalogue: list[Product], limit: int, offset: int, q: str, statuses: frozenset[str], order: str
) -> None:
    whole = expected(catalogue, q, statuses, order)
    found = listing.page(limit, offset, q=q or None, statuses=statuses, order=order)
    assert [one.id for one in found.products] == whole[offset : offset + limit]
    assert found.count == len(whole)
    by_id = {one.id: one for one in catalogue}
    assert all(by_id[one.id] == one for one in found.products)


def test_the_first_page_is_read_by_keys(catalogue: list[Product], calls: Calls) -> None:
    calls.clear()
    found = listing.page(5)
    assert [one.created for one in found.products] == sorted((one.created for one in catalogue), reverse=True)[:5]
    assert set(calls) == {"dynamodb.Query", "dynamodb.BatchGetItem"}
    assert len(calls) <= 2 * 16 + 1


def test_a_handle_is_looked_up(catalogue: list[Product]) -> None:
    assert listing.of_handle("boots-0") == listing.Page([catalogue[0]], 1)
    assert listing.of_handle("boots") == listing.Page([], 0)


@pytest.mark.usefixtures("stores")
def test_an_order_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid):
        listing.page(5, order="price")
    assert listing.page(5) == listing.Page([], 0)
