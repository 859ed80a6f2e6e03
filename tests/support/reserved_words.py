"""Names of attributes that DynamoDB takes for words of its own: in an expression they must stand as `#name`.

DynamoDB refuses a query by such a name, and moto does not.
"""

import re
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

_NAME = re.compile(r"(?<![#:\w])[A-Za-z]\w*(?!\w*\()")
_GRAMMAR = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN", "SET", "ADD", "REMOVE", "DELETE"})


def watch(client: Any) -> Any:
    """The client, whose expressions are looked at from here on."""
    client.meta.events.register("before-parameter-build.dynamodb", _look)
    return client


def reserved(expression: str) -> set[str]:
    """The names in an expression that DynamoDB would not take."""
    words = frozenset(ReservedKeywords.get_reserved_keywords())
    return {name for name in _NAME.findall(expression) if name.upper() in words and name not in _GRAMMAR}


def _look(params: Mapping[str, Any], **_: Any) -> None:
    parts = [params, *(part for item in params.get("TransactItems", ()) for part in item.values())]
    for name, expression in ((name, value) for part in parts for name, value in part.items()):
        if name.endswith("Expression"):
            assert not reserved(expression), f"{reserved(expression)} in {expression} must stand as #name"
