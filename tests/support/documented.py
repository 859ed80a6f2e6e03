"""The API's OpenAPI document, and what it says of an answer."""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from tools.template import ROOT

if TYPE_CHECKING:
    from tests.support.api import Answer

DOCUMENT = ROOT / "functions" / "docs" / "openapi.json"


@cache
def document() -> dict[str, Any]:
    """The document as it is committed."""
    return dict(json.loads(DOCUMENT.read_text(encoding="utf-8")))


@cache
def _operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path.rstrip("/")): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    }


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the document says of a route; None where it does not know it."""
    return _operations().get((method, path.rstrip("/")))


def must_be_documented(method: str, resource: str, answer: "Answer") -> str:
    """Answers the operation's ID; fails for a status that the document does not give it.

    HEAD is answered as GET is. OData is described by a standard of its own. What no route takes belongs to the
    fallback: 404, or 405 with what the path is served with, which OPTIONS of what is public tells, too.
    """
    operation = operation_of("GET" if method == "HEAD" else method, resource)
    if operation is not None:
        assert str(answer.status) in operation["responses"], (
            f"{operation['operationId']} answers {answer.status}, which is not documented: {answer.text[:200]}"
        )
        return str(operation["operationId"])
    if resource.lower().startswith("/v1"):
        return "odata"
    preflight = method == "OPTIONS" and resource.startswith("/public/")
    assert answer.status in ({204, 404} if preflight else {404, 405})
    assert ("allow" in answer.headers) == (answer.status != 404)
    return "fallback"
