"""Queries that hold a route's own parameters and nothing else, with brackets in their names as `qs` writes them.

A parameter whose name ends in `[]` is a list: `id[]=a`, `id[0]=a` and `id=a` are all of it. Any other name with
brackets (`created_at[lt]`) stands for itself.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from batchyard.http.urls import parameters

_LIST = "[]"
_OF_LIST = re.compile(r"([^\[\]]*)(?:\[[0-9]{0,9}\])?")
_ESCAPED_BRACKET = re.compile("%5[BD]", re.IGNORECASE)


def settled(event: Mapping[str, Any], names: Collection[str]) -> tuple[dict[str, Any], list[str]]:
    """The event with the names of its query's parameters as the route has them, and those that are none of its.

    Args:
        event: An API Gateway event.
        names: The route's parameters.
    """
    found: dict[str, list[str]] = {}
    unknown: list[str] = []
    for sent, values in _parameters(event):
        name = _name(sent, names)
        if name is None:
            unknown.append(sent)
        else:
            found.setdefault(name, []).extend(values)
    single = {name: values[-1] for name, values in found.items()}
    queries = {"queryStringParameters": single or None, "multiValueQueryStringParameters": found or None}
    return {**event, **queries}, unknown


def _parameters(event: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for name, values in parameters(event).items():
        # API Gateway decodes names; not every engine does.
        yield unquote(name) if _ESCAPED_BRACKET.search(name) else name, values


def _name(sent: str, names: Collection[str]) -> str | None:
    if sent in names:
        return sent
    of_list = _OF_LIST.fullmatch(sent)
    name = of_list[1] + _LIST if of_list else None
    return name if name in names else None
