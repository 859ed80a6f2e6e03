"""The API's OpenAPI document, and what it says of an answer."""

import json
from functools import cache
from typing import Any

from tests.support.api import Answer
from tests.support.template import ROOT

DOCUMENT = ROOT / "functions" / "docs" / "openapi.json"


@cache
def document() -> dict[str, Any]:
    """The document as it is committed."""
    return dict(json.loads(DOCUMENT.read_text(encoding="utf-8")))


def operation_of(method: str, resource: str) -> dict[str, Any] | None:
    """What the document says of a route; None where it does not know it."""
    for path, item in document()["paths"].items():
        if path.rstrip("/") == resource.rstrip("/") and method.lower() in item:
            return dict(item[method.lower()])
    return None


def must_be_documented(method: str, resource: str, answer: Answer) -> str:
    """Answers the operation's ID; fails for a status that the document does not give it.

    What no route takes belongs to the fallback: 404, or 405 with what the path is served with.
    """
    operation = operation_of(method, resource)
    if operation is None:
        assert answer.status in {404, 405}
        assert ("allow" in answer.headers) == (answer.status == 405)
        return "fallback"
    assert str(answer.status) in operation["responses"], (
        f"{operation['operationId']} answers {answer.status}, which is not documented: {answer.text[:200]}"
    )
    return str(operation["operationId"])
