"""DynamoDB's answers, read faster than botocore does: most of them are attribute values, each of one of ten kinds.

botocore takes an attribute value for any other structure and looks for all ten; what comes over the wire is what it
makes of it, except for bytes.
"""

from base64 import b64decode
from contextlib import suppress
from typing import Any, override

from botocore.parsers import JSONParser, ResponseParserFactory

_PLAIN = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


class Factory(ResponseParserFactory):
    """Makes the parsers of answers, as botocore's own does."""

    @override
    def create_parser(self, protocol_name: str) -> Any:
        """The parser of a protocol."""
        return AttributesParser() if protocol_name == "json" else super().create_parser(protocol_name)


class AttributesParser(JSONParser):
    """Reads answers in JSON, and attribute values in them without a look at each kind that there is."""

    # botocore's parsers find the method for a kind of shape by its name.

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if shape.value.name == "AttributeValue":
            with suppress(_Unusual):
                return {name: _read(held) for name, held in value.items()}
        # Whatever botocore makes of it.
        return super()._handle_map(shape, value)  # type: ignore[misc]


class _Unusual(Exception):
    """A value is of no kind that is known here, or of several."""


def _read(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        raise _Unusual
    [(kind, held)] = value.items()
    if held is None:
        raise _Unusual
    if kind in _PLAIN:
        return value
    match kind:
        case "B":
            return {kind: b64decode(held)}
        case "BS":
            return {kind: [b64decode(one) for one in held]}
        case "L":
            return {kind: [_read(one) for one in held]}
        case "M":
            return {kind: {name: _read(one) for name, one in held.items()}}
    raise _Unusual
