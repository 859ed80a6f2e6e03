"""Field types as Django REST framework's serializers take them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from batchyard.http.bounds import LARGEST_REQUEST

_LARGEST = 2**63 - 1
_DATE_FORMAT = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
_SHORTEST_DATE_TIME = len("2026-11-22T02:50")

LONGEST_DATE_TIME = 64
"""Characters of a date and time: twice as many as nanoseconds and an offset take."""

LONGEST_QUERY = 8000
"""Characters of a query parameter or a header; API Gateway takes 10 kB of all of them."""

LARGEST_NUMBER_AS_TEXT = 10**20
"""Of the numbers that count as their digits; as text it may have any digits that have room."""


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("drf_integer", "A valid integer is required.")
    return value


def _digits(value: Any) -> Any:
    # One resource has one address: neither `+5` nor `5.0` is another one for `5`.
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise PydanticCustomError("digits", "A valid integer is required.")
    return value


def _last(value: Any) -> Any:
    return value[-1] if isinstance(value, list) else value


def _date_time(value: str) -> str:
    try:
        if len(value) < _SHORTEST_DATE_TIME or value[10] not in "Tt ":
            raise ValueError
        datetime.fromisoformat(value.upper())
    except ValueError:
        raise PydanticCustomError(
            "drf_date_time", f"Datetime has wrong format. Use one of these formats instead: {_DATE_FORMAT}."
        ) from None
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise PydanticCustomError("number", "A valid integer is required.")
    return value


def _digits_as_text(value: Any) -> Any:
    if isinstance(value, int | float) and abs(value) > LARGEST_NUMBER_AS_TEXT:
        raise PydanticCustomError("number_as_text", "Not a valid string.")
    return value


def _or_number(schema: dict[str, Any]) -> WithJsonSchema:
    number = {"type": "number", "minimum": -LARGEST_NUMBER_AS_TEXT, "maximum": LARGEST_NUMBER_AS_TEXT}
    return WithJsonSchema({"anyOf": [schema, number]}, mode="validation")


def one_of(names: Iterable[str]) -> GetPydanticSchema:
    """Makes a text one of some names, as `Literal` does with names that are written there."""
    schema = core_schema.literal_schema(list(names))
    return GetPydanticSchema(lambda _source, _handler: schema)


Integer = Annotated[
    int,
    Field(ge=-_LARGEST - 1, le=_LARGEST),
    BeforeValidator(_no_boolean),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -_LARGEST - 1, "maximum": _LARGEST},
                {"type": "string", "pattern": "^-?[0-9]{1,18}$"},
            ]
        },
        mode="validation",
    ),
]
"""A 64-bit integer; digits in a string count as one."""

JSON_NUMBER = BeforeValidator(_number)
"""Makes an integer one that JSON writes as a number: `60` or `60.0`, not `"60"`."""

PathInteger = Annotated[int, Field(ge=0, le=_LARGEST), BeforeValidator(_digits)]
"""An integer in a path, in digits alone; anything else there is no such resource."""

# Pydantic looks at the characters of constrained text alone, and half of a surrogate pair is none.
LongText = Annotated[
    str,
    StringConstraints(min_length=0, max_length=LARGEST_REQUEST),
    BeforeValidator(_digits_as_text),
    _or_number({"type": "string", "maxLength": LARGEST_REQUEST}),
]
"""Text as long as a request can be; a number counts as its digits."""

Text = Annotated[
    str,
    StringConstraints(max_length=255, strip_whitespace=True, pattern=r"^[^\x00]*$"),
    BeforeValidator(_digits_as_text),
    _or_number({"type": "string", "maxLength": 255, "pattern": r"^[^\x00]*$"}),
]
"""Up to 255 characters, without white space around; a number counts as its digits."""

LONGEST_LINE = 4000

LongLine = Annotated[
    str,
    StringConstraints(max_length=LONGEST_LINE, strip_whitespace=True, pattern=r"^[^\x00]*$"),
    BeforeValidator(_digits_as_text),
    _or_number({"type": "string", "maxLength": LONGEST_LINE, "pattern": r"^[^\x00]*$"}),
]
"""The same of up to `LONGEST_LINE` characters: of what has no limit where it is agreed on, some sentences."""

LAST = BeforeValidator(_last)
"""Makes the last one of several values of a query parameter count, as in Django."""

QueryText = Annotated[str | None, Field(max_length=LONGEST_QUERY), LAST]
"""A query parameter; of several values the last one counts."""

DateTime = Annotated[
    str,
    Field(max_length=LONGEST_DATE_TIME),
    AfterValidator(_date_time),
    WithJsonSchema({"type": "string", "format": "date-time", "maxLength": LONGEST_DATE_TIME}),
]
"""An ISO 8601 date and time, kept exactly as it came."""
