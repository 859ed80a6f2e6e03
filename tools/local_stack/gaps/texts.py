"""The engine reads conditions and policies anew for each item and each request; a text says the same each time.

An import of many products sends the same condition thousands of times, each under the same policy: a sixth of the
engine's work.
"""

from functools import lru_cache
from typing import Any

_TEXTS = 1000


def mend(dynamodb: Any, iam: Any) -> None:
    """Has the engine remember what it has read.

    Args:
        dynamodb: The engine's module of DynamoDB.
        iam: Its module that decides what a request may do.
    """
    # Which text it is, decides alone; there are as many as the functions and the template have.
    dynamodb._condition_syntax_error = lru_cache(_TEXTS)(dynamodb._condition_syntax_error)
    parse = iam.parse_policy_document
    parse_text = lru_cache(_TEXTS)(parse)
    iam.parse_policy_document = lambda document: (parse_text if isinstance(document, str) else parse)(document)
