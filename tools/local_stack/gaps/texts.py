"""The engine reads and decides anew what it has just read and decided: conditions, policies, bodies, permissions.

An import of many products sends the same condition thousands of times, each under the same policy; a transaction of a
hundred items has its body read five times, and its permission looked for a hundred times. That is a third of the
engine's work.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

_TEXTS = 1000


def mend(dynamodb: Any, iam: Any, actions: Any) -> None:
    """Has the engine remember what it has read.

    Args:
        dynamodb: The engine's module of DynamoDB.
        iam: Its module that decides what a request may do.
        actions: Its module that tells what a request asks to do.
    """
    # Which text it is, decides alone; there are as many as the functions and the template have.
    dynamodb._condition_syntax_error = lru_cache(_TEXTS)(dynamodb._condition_syntax_error)
    parse = iam.parse_policy_document
    parse_text = lru_cache(_TEXTS)(parse)
    iam.parse_policy_document = lambda document: (parse_text if isinstance(document, str) else parse)(document)
    actions.json = SimpleNamespace(**vars(json) | {"loads": _last_read(json.loads)})
    checks = actions.dynamodb_transaction_checks
    # The first of those that are refused is what the answer names; asked twice, it is no other.
    actions.dynamodb_transaction_checks = lambda *asked: list(dict.fromkeys(checks(*asked)))


def _last_read(loads: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same, but the text that was read last is not read again; what it says is only looked at."""
    last: tuple[Any, Any] = None, None

    def read(text: Any) -> Any:
        nonlocal last
        former, said = last
        if text is not former:
            said = loads(text)
            last = text, said
        return said

    return read
