"""Items of queries and scans, page after page: DynamoDB answers no more than 1 MB at once."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item


def query(request: Mapping[str, Any]) -> Iterator[Item]:
    """The items of a query, as far as they are taken.

    Args:
        request: The query, as DynamoDB takes it; a `Limit` is that of one page.

    Raises:
        Unavailable: The store did not answer.
    """
    return _pages(lambda page: clients.dynamodb().query(**page), request)


def scan(request: Mapping[str, Any]) -> Iterator[Item]:
    """The items of a scan, as far as they are taken.

    Raises:
        Unavailable: The store did not answer.
    """
    return _pages(lambda page: clients.dynamodb().scan(**page), request)


def count(request: Mapping[str, Any]) -> int:
    """How many items a query finds; they are read, and paid for, in the store alone.

    Raises:
        Unavailable: The store did not answer.
    """
    pages = _answers(lambda page: clients.dynamodb().query(**page), {**request, "Select": "COUNT"})
    return sum(int(answer["Count"]) for answer in pages)


class Looked(NamedTuple):
    """What was found by looking through some rows of an index.

    Attributes:
        items: What was found.
        last: The key of the last row that was looked at; None where there are no more.
        units: Read units that it took.
    """

    items: list[Item]
    last: Item | None
    units: float


def look_through(request: Mapping[str, Any], wanted: Callable[[Item], bool], enough: int, steps: int) -> Looked:
    """Looks through rows for those that are wanted, until there are enough, and no further than so far.

    Args:
        request: The query with its filter, as DynamoDB takes it; its `Limit` is how many rows a step looks at.
        wanted: Whether an item that the filter lets through is wanted.
        enough: How many items end it.
        steps: How many steps at most.

    Raises:
        Unavailable: The store did not answer.
    """
    found: list[Item] = []
    units = 0.0
    last: Any = None
    pages = _answers(lambda page: clients.dynamodb().query(**page), {**request, "ReturnConsumedCapacity": "TOTAL"})
    for answer in islice(pages, steps):
        found += filter(wanted, map(items.decode, answer["Items"]))
        units += answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
        last = answer.get("LastEvaluatedKey")
        if len(found) >= enough:
            break
    return Looked(found, None if last is None else items.decode(last), units)


def _pages(ask: Callable[[Mapping[str, Any]], Any], request: Mapping[str, Any]) -> Iterator[Item]:
    for answer in _answers(ask, request):
        yield from map(items.decode, answer["Items"])


def _answers(ask: Callable[[Mapping[str, Any]], Any], request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    while True:
        with reaching_aws():
            answer: Mapping[str, Any] = ask(request)
        yield answer
        if "LastEvaluatedKey" not in answer:
            return
        request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}
