"""The API's OpenAPI document, and what it says of an answer."""

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from batchyard.catalogue.entity_sets.model import MODEL
from batchyard.errors import BatchyardError
from batchyard.http.paths import decoded
from batchyard.odata import targets, urls
from tools.generate import ROOT, batch_document
from tools.generate.entity_sets_document import path_of

if TYPE_CHECKING:
    from tests.support.api import Answer

# How a URL is answered that leads nowhere, or with a method that it does not have. A bad key is told of before that.
_OF_NOTHING = frozenset({400, 401, 403, 404, 405, 429})

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


def must_be_documented(method: str, resource: str, path: str, answer: "Answer") -> str:
    """Returns the operation's ID; fails for a status that the document does not give it.

    HEAD is answered as GET is. What no route takes belongs to the fallback: 404, or 405 with what the path is served
    with, which OPTIONS of what is public tells, too.

    Args:
        method: The HTTP method.
        resource: The path of the route, with its parameters as API Gateway has them.
        path: The path that was asked for, which alone tells entity sets apart.
    """
    if resource.lower().startswith("/v1"):
        return _of_entity_sets(method, path, answer)
    operation = operation_of("GET" if method == "HEAD" else method, resource)
    if operation is not None:
        return _must_tell_of(operation, answer)
    preflight = method == "OPTIONS" and resource.startswith("/public/")
    assert answer.status in ({204, 404} if preflight else {404, 405})
    assert ("allow" in answer.headers) == (answer.status != 404)
    return "fallback"


def _of_entity_sets(method: str, path: str, answer: "Answer") -> str:
    """What leads nowhere, or is told in words alone, has no operation: it is refused, or a property's value."""
    try:
        segments = urls.parse(decoded(path).strip("/").partition("/")[2])
        is_batch = [(segment.name.lower(), segment.key) for segment in segments] == [("$batch", {})]
        documented = batch_document.PATH if is_batch else path_of(targets.resolve(segments, MODEL))
    except BatchyardError:
        assert answer.status in _OF_NOTHING
        return "odata"
    if documented is None:
        return "odata"
    operation = operation_of("GET" if method == "HEAD" else method, documented)
    if operation is None:
        assert answer.status in _OF_NOTHING
        return "odata"
    return _must_tell_of(operation, answer)


def _must_tell_of(operation: dict[str, Any], answer: "Answer") -> str:
    assert str(answer.status) in operation["responses"], (
        f"{operation['operationId']} answers {answer.status}, which is not documented: {answer.text[:200]}"
    )
    return str(operation["operationId"])
