"""Everything that a request may hold has a limit, and the OpenAPI document states it."""

import re._parser as patterns
from collections.abc import Iterator
from typing import Any

import pytest

from batchyard.batch_jobs.rules import LARGEST_CONTEXT
from batchyard.http.bounds import DEEPEST, object_of
from batchyard.product_batches.rules import LARGEST_KEYS
from tests.support.documented import document

_LOWEST = ("minimum", "exclusiveMinimum")
_HIGHEST = ("maximum", "exclusiveMaximum")

_BATCH = "POST /v1/$batch"
"""A batch is bounded as a whole (`test_multipart`, `test_batch_json`), and each of its requests by its own route."""


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def inputs() -> Iterator[tuple[str, dict[str, Any]]]:
    """The schemas of all parameters and bodies, by where they are."""
    for where, operation in operations():
        if where == _BATCH:
            continue
        for parameter in operation.get("parameters", []):
            yield f"{where} {parameter['in']} {parameter['name']}", parameter["schema"]
        if body := operation.get("requestBody"):
            [(media_type, described)] = body["content"].items()
            assert media_type in {"application/json", "multipart/form-data", "text/plain"}
            yield f"{where} body", described["schema"]


def unlimited(where: str, schema: Any, seen: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where a schema lets something in of any size."""
    if not isinstance(schema, dict) or not schema.keys() & {"$ref", "anyOf", "enum", "const", "type"}:
        yield f"{where}: anything"
        return
    if reference := schema.get("$ref"):
        if reference not in seen:
            name = reference.rpartition("/")[2]
            yield from unlimited(where, document()["components"]["schemas"][name], seen | {reference})
        return
    if "enum" in schema or "const" in schema:
        return
    for option in schema.get("anyOf", ()):
        yield from unlimited(where, option, seen)
    match schema.get("type"):
        case None | "boolean" | "null":
            pass
        case "string":
            if "maxLength" not in schema and not _ends(schema.get("pattern")):
                yield f"{where}: a string"
        case "integer" | "number":
            if not any(name in schema for name in _LOWEST) or not any(name in schema for name in _HIGHEST):
                yield f"{where}: a number"
        case "array":
            if "maxItems" not in schema:
                yield f"{where}: an array"
            yield from unlimited(f"{where}[]", schema.get("items"), seen)
        case "object":
            for name, field in schema.get("properties", {}).items():
                yield from unlimited(f"{where}.{name}", field, seen)
            # What a model ignores costs no more than that the request holds it.
            if schema.get("additionalProperties", False) is not False:
                bounded = schema.get("x-maxBytes") in {LARGEST_KEYS, LARGEST_CONTEXT}
                if "maxProperties" not in schema or not bounded or schema.get("x-maxDepth") != DEEPEST:
                    yield f"{where}: an object"
        case other:
            yield f"{where}: {other}"


def _ends(pattern: str | None) -> bool:
    """Whether what matches a pattern as a whole has a greatest length."""
    if pattern is None or not (pattern.startswith("^") and pattern.endswith("$")):
        return False
    return patterns.parse(pattern).getwidth()[1] < patterns.MAXREPEAT


def test_all_inputs_of_a_request_have_a_limit_in_the_document() -> None:
    schemas = dict(inputs())
    assert len(schemas) > 100
    assert [found for where, schema in schemas.items() for found in unlimited(where, schema)] == []


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"title": "Anything"},
        {"type": "string"},
        {"type": "string", "format": "date"},
        {"type": "string", "pattern": "^a*$"},
        {"type": "string", "pattern": "a"},
        {"type": "integer", "minimum": 0},
        {"type": "number", "maximum": 0},
        {"type": "array", "items": {"type": "boolean"}},
        {"type": "array", "maxItems": 5},
        {"type": "array", "maxItems": 5, "items": {"type": "string"}},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "additionalProperties": True, "maxProperties": 5},
        {"type": "object", "properties": {"a": {"anyOf": [{"type": "null"}, {"type": "string"}]}}},
    ],
)
def test_inputs_without_a_limit_are_found(schema: Any) -> None:
    assert len(list(unlimited("here", schema))) == 1


class Counted(str):
    """A text that counts how often one is compared."""

    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        type(self).compared += 1
        return super().__eq__(other)


def test_a_member_that_comes_twice_is_found_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counted, "compared", 0)
    names = [Counted(f"name {number}") for number in range(2000)]
    with pytest.raises(ValueError, match='an object has "name 1999" twice'):
        object_of([(name, 1) for name in [*names, Counted("name 1999")]])
    assert Counted.compared < 100
