"""Queries with brackets, of which no other parameters are taken than the route's."""

from typing import Any

import pytest

from batchyard.http import queries

NAMES = {"id[]", "limit", "created_at[lt]", "created_at"}


def event(*given: tuple[str, str]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in given:
        found.setdefault(name, []).append(value)
    single = {name: values[-1] for name, values in found.items()}
    return {"path": "/x", "queryStringParameters": single or None, "multiValueQueryStringParameters": found or None}


@pytest.mark.parametrize(
    ("given", "settled"),
    [
        ((), None),
        ((("limit", "3"),), {"limit": ["3"]}),
        ((("limit", "3"), ("limit", "4")), {"limit": ["3", "4"]}),
        ((("id[]", "a"), ("id[]", "b")), {"id[]": ["a", "b"]}),
        ((("id[0]", "a"), ("id[17]", "b"), ("id", "c")), {"id[]": ["a", "b", "c"]}),
        ((("id%5B0%5D", "a"), ("id%5b%5d", "b")), {"id[]": ["a", "b"]}),
        ((("created_at[lt]", "1"), ("created_at", "null")), {"created_at[lt]": ["1"], "created_at": ["null"]}),
        ((("created_at%5Blt%5D", "1"),), {"created_at[lt]": ["1"]}),
    ],
)
def test_query_parameters_with_brackets_become_those_of_the_route(
    given: tuple[tuple[str, str], ...], settled: dict[str, list[str]]
) -> None:
    sent = event(*given)
    found, unknown = queries.settled(sent, NAMES)
    single = {name: values[-1] for name, values in settled.items()} if settled else None
    assert found == {**sent, "queryStringParameters": single, "multiValueQueryStringParameters": settled}
    assert unknown == []


def test_query_parameters_with_single_values() -> None:
    found, unknown = queries.settled({"queryStringParameters": {"id": "a"}}, NAMES)
    assert (found["multiValueQueryStringParameters"], unknown) == ({"id[]": ["a"]}, [])


@pytest.mark.parametrize(
    "name",
    [
        *(
            "foo",
            "id[x]",
            "id[0][1]",
            "id[][]",
            "[0]",
            "[]",
            "",
            "id[0",
            "id[-1]",
            "id[0]x",
            "limit[]",
            "limit[0]",
            "Limit",
        ),
        *("created_at[]", "created_at[gt]", "id[" + "1" * 10 + "]", "id[\u0661]", "%25", "id%255B0%255D", "foo%5B%5D"),
    ],
)
def test_unknown_query_parameters_are_named(name: str) -> None:
    found, unknown = queries.settled(event(("limit", "1"), (name, "x")), NAMES)
    assert found["multiValueQueryStringParameters"] == {"limit": ["1"]}
    assert unknown == [name.replace("%5B%5D", "[]")]
