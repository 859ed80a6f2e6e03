"""Items of queries and scans, page after page: DynamoDB answers no more than 1 MB at once."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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


def _pages(ask: Callable[[Mapping[str, Any]], Any], request: Mapping[str, Any]) -> Iterator[Item]:
    while True:
        with reaching_aws():
            answer = ask(request)
        yield from map(items.decode, answer["Items"])
        if "LastEvaluatedKey" not in answer:
            return
        request = {**request, "ExclusiveStartKey": answer["LastEvaluatedKey"]}
