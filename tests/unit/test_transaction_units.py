"""Write units of transactions, as DynamoDB counts them: of one item they are what DynamoDB Local gives."""

from typing import Any

import pytest

from tests.benchmarks import transactions

TABLE = "benchmark-BatchRequestsTable"


def item(**attributes: Any) -> dict[str, Any]:
    return {
        "channel": {"N": "5"},
        "pk": {"N": "1"},
        "status": {"S": "commit"},
        "type_key": {"S": "product"},
        "modified": {"N": "1"},
        **attributes,
    }


def units(before: dict[str, Any], after: dict[str, Any]) -> int:
    place = transactions.place_of(TABLE, after or before)
    return transactions.units({place: before}, {place: after}, [place])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # As DynamoDB Local counts a transaction of one item: the item and its four indexes, twice.
        ({}, item(), 10),
        (item(), item(), 2),
        (item(), item(pad={"S": "x" * 5000}), 10),
        (item(pad={"S": "x" * 5000}), item(), 10),
        (item(), item(status={"S": "done"}), 18),
        (item(), item(modified={"N": "2"}), 10),
        (item(), {name: value for name, value in item().items() if name != "type_key"}, 6),
        (item(), {}, 10),
    ],
)
def test_an_item_and_its_indexes_are_counted_twice(before: dict[str, Any], after: dict[str, Any], expected: int):
    assert units(before, after) == expected


def test_each_item_of_a_transaction_counts():
    actions = [{"Put": {"TableName": TABLE, "Item": item(pk={"N": str(number)})}} for number in range(3)]
    keys = transactions.keys(actions)
    after = {place: item(pk={"N": place[1][1]}) for place in keys}

    assert transactions.units({}, after, list(keys)) == 30


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ({"S": "é"}, 2),
        ({"N": "-12.5"}, 3),
        ({"B": "AAAA"}, 3),
        ({"BOOL": True}, 1),
        ({"SS": ["a", "bcd"]}, 4),
        ({"L": [{"S": "a"}, {"NULL": True}]}, 7),
        ({"M": {"ab": {"N": "1"}}}, 8),
    ],
)
def test_attribute_values_have_their_sizes(value: dict[str, Any], bytes_: int):
    rest = 1024 - len("pad") - len("value") - bytes_
    there = {"value": value, "pad": {"S": "x" * rest}}

    assert transactions._kilobytes(there) == 1
    assert transactions._kilobytes({**there, "pad": {"S": "x" * (rest + 1)}}) == 2
