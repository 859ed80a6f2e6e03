"""DynamoDB's requests and answers, written and read faster than botocore does: most of them are attribute values.

botocore takes each for any other structure, and its ten kinds for members. Over the wire attribute values are what
Python has of them, except for bytes. What is of no kind that is known here is left to botocore.

Why: docs/decisions.md#attribute-values-are-read-by-us-within-botocore
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, override

from botocore.parsers import JSONParser, ResponseParserFactory
from botocore.serialize import SERIALIZERS, JSONSerializer

_PLAIN = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


class Factory(ResponseParserFactory):
    """Makes the parsers of answers, as botocore's own does; one is enough for all answers in JSON."""

    @override
    def create_parser(self, protocol_name: str) -> Any:
        """The parser of a protocol."""
        return self._parser if protocol_name == "json" else super().create_parser(protocol_name)

    @cached_property
    def _parser(self) -> "AttributesParser":
        return AttributesParser()


def register() -> None:
    """Has clients that are made from now on write requests so."""
    serializers: dict[str, Any] = SERIALIZERS
    serializers["json"] = AttributesSerializer


# botocore finds the method for a kind of shape by its name.


class AttributesParser(JSONParser):
    """Reads answers in JSON."""

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == "AttributeValue":
            with suppress(_Unusual):
                return {name: _carried(held, b64decode) for name, held in value.items()}
        return super()._handle_map(shape, value)  # type: ignore[misc]


class AttributesSerializer(JSONSerializer):
    """Writes requests in JSON."""

    def _serialize_type_map(self, serialized: Any, value: Any, shape: Any, key: str) -> None:
        if shape.value.name == "AttributeValue":
            with suppress(_Unusual):
                serialized[key] = {name: _carried(held, _base64) for name, held in value.items()}
                return
        super()._serialize_type_map(serialized, value, shape, key)  # type: ignore[misc]


class _Unusual(Exception):
    """A value is of no kind that is known here, or of several."""


def _carried(value: Any, bytes_of: Callable[[Any], Any]) -> Any:
    """An attribute value on the other side of the wire."""
    if not isinstance(value, dict) or len(value) != 1:
        raise _Unusual
    [(kind, held)] = value.items()
    if held is None:
        raise _Unusual
    if kind in _PLAIN:
        return value
    match kind:
        case "B":
            return {kind: bytes_of(held)}
        case "BS":
            return {kind: [bytes_of(one) for one in held]}
        case "L":
            return {kind: [_carried(one, bytes_of) for one in held]}
        case "M":
            return {kind: {name: _carried(one, bytes_of) for name, one in held.items()}}
    raise _Unusual


def _base64(value: Any) -> str:
    return b64encode(value.encode() if isinstance(value, str) else value).decode()
