"""Which products a job's context asks for."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.batch_jobs.selection import Selection, Unfit, selection
from batchyard.catalogue.rules import Product

COLLECTIONS = {"shoes": "pcol_1"}


def product(**changes: Any) -> Product:
    fields = {"title": "Shirt", "type": "top", "collection": "shoes"} | changes.pop("fields", {})
    given = {"id": "prod_1", "handle": "shirt", "status": "published", "created": 5_000_000, "updated": 9_000_000}
    return Product(**{**given, "by": "test", "fields": fields, "tags": ("red", "big"), **changes})


@pytest.mark.parametrize(
    ("filters", "has"),
    [
        ({}, True),
        ({"handle": "shirt"}, True),
        ({"handle": ["other", "shirt"]}, True),
        ({"handle": []}, False),
        ({"id": "prod_2"}, False),
        ({"title": "Shirt"}, True),
        ({"title": "shirt"}, False),
        ({"status": ["draft", "published"]}, True),
        ({"status": "draft"}, False),
        ({"tags": ["green", "big"]}, True),
        ({"tags": ["green"]}, False),
        ({"type_id": ["top"]}, True),
        ({"collection_id": ["pcol_1"]}, True),
        ({"collection_id": ["pcol_2"]}, False),
        ({"created_at": {"gte": 5, "lt": "1970-01-01T00:00:05.000001Z"}}, True),
        ({"created_at": {"gt": 5}}, False),
        ({"updated_at": {"lte": "1970-01-01T00:00:09"}}, True),
        ({"updated_at": {"lt": "1970-01-01T01:00:09+01:00"}}, False),
        ({"handle": "shirt", "status": "draft"}, False),
        (None, True),
    ],
)
def test_filters_select_products(filters: Any, has: bool) -> None:
    assert selection({"filterable_fields": filters}).has(product(), COLLECTIONS) is has


def test_null_fields_match_no_filter() -> None:
    bare = Product("prod_1", "shirt", "draft", 0, 0, "test")
    for name in ("title", "type_id", "collection_id"):
        assert not selection({"filterable_fields": {name: ["x"]}}).has(bare, COLLECTIONS)


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        ({}, Selection()),
        ({"order": "-title"}, Selection(order="title", descending=True)),
        ({"list_config": {"order": {"updated_at": "desc"}}}, Selection(order="updated_at", descending=True)),
        ({"list_config": {"order": {"id": "ASC"}, "skip": 3, "take": 9}}, Selection(order="id", skip=3, take=9)),
        ({"offset": 1, "limit": 5, "batch_size": 4, "list_config": {"take": 7}}, Selection(skip=1, take=4)),
        ({"limit": 0}, Selection(take=0)),
        ({"limit": None, "order": None, "list_config": None, "unknown": {"is": "ignored"}}, Selection()),
    ],
)
def test_order_skip_and_take_of_a_selection(context: dict[str, Any], wanted: Selection) -> None:
    assert selection(context) == wanted


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"filterable_fields": []}, "filterable_fields must be an object"),
        ({"filterable_fields": {"colour": "red"}}, "filterable_fields has no colour: there are id, handle, title"),
        ({"filterable_fields": {"handle": 5}}, "handle must be a string or a list of strings"),
        ({"filterable_fields": {"tags": ["a", 1]}}, "tags must be a string or a list of strings"),
        ({"filterable_fields": {"status": "sold"}}, "status sold is none of draft, proposed, published, rejected"),
        ({"filterable_fields": {"created_at": "2020-01-01"}}, "created_at must be an object with some of lt, gt"),
        ({"filterable_fields": {"created_at": {}}}, "created_at must be an object with some of lt, gt"),
        ({"filterable_fields": {"created_at": {"before": 1}}}, "created_at must be an object with some of lt, gt"),
        ({"filterable_fields": {"created_at": {"lt": "soon"}}}, "created_at must be an ISO 8601 date, or seconds"),
        ({"filterable_fields": {"created_at": {"lt": True}}}, "created_at must be an ISO 8601 date, or seconds"),
        ({"filterable_fields": {"created_at": {"lt": None}}}, "created_at must be an ISO 8601 date, or seconds"),
        ({"filterable_fields": {"created_at": {"lt": "9" * 12}}}, "created_at must be an ISO 8601 date, or seconds"),
        ({"filterable_fields": {"created_at": {"lt": "9" * 999}}}, "created_at must be an ISO 8601 date, or seconds"),
        ({"filterable_fields": {"handle": ["h"] * 10_001}}, "handle has 10001 values, of 10000 that can be"),
        (
            {"order": "price"},
            "products cannot be ordered by price: by created_at, updated_at, id, handle, title they can",
        ),
        ({"order": 5}, "order must be a column"),
        ({"order": {"id": "ASC", "title": "ASC"}}, "order must be a column"),
        ({"list_config": {"order": {"id": "upwards"}}}, "order must be a column"),
        ({"list_config": "all"}, "list_config must be an object"),
        ({"offset": -1}, "offset must be an integer from 0"),
        ({"limit": "5"}, "limit must be an integer from 0"),
        ({"batch_size": True}, "batch_size must be an integer from 0"),
        ({"list_config": {"take": 1.5}}, "take must be an integer from 0"),
    ],
)
def test_a_bad_selection_is_told(context: dict[str, Any], message: str) -> None:
    with pytest.raises(Unfit) as told:
        selection(context)
    assert told.value.error.message.startswith(message)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_any_value_in_a_selection_is_accepted_or_refused(value: Any) -> None:
    for context in (
        {"order": value},
        {"limit": value},
        {"filterable_fields": {"created_at": {"lt": value}}},
        {"filterable_fields": {"handle": value}},
        {"filterable_fields": value},
    ):
        # Anything else that is raised fails.
        with suppress(Unfit):
            selection(context).has(product(), COLLECTIONS)
