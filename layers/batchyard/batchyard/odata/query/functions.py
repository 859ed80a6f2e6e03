"""The functions that expressions may call (OData 4.01 part 2, 5.1.1.5 and following): what they take and what they do.

Functions of null are null, so none of these sees one.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil, floor, trunc
from typing import Any, NamedTuple

from batchyard.odata.model import BOOLEAN, DATE_TIME, DOUBLE, INT32, STRING

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 86_400_000_000


class Function(NamedTuple):
    """A function.

    Attributes:
        takes: The types of its arguments; `Edm.Double` stands for every number.
        returns: The type of what it returns.
        evaluate: Does it.
        optional: So many of the last arguments may be missing.
    """

    takes: tuple[str, ...]
    returns: str
    evaluate: Callable[..., Any]
    optional: int = 0


def _moment(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def _rounded(value: float) -> int:
    # Halves go away from zero; adding 0.5 would take 0.49999999999999994 along.
    whole = trunc(value)
    return whole if abs(value - whole) < 0.5 else whole + (1 if value > 0 else -1)


def _substring(text: str, start: float, length: float | None = None) -> str:
    begin = max(0, trunc(start))
    return text[begin:] if length is None else text[begin : begin + max(0, trunc(length))]


FUNCTIONS = {
    "startswith": Function((STRING, STRING), BOOLEAN, str.startswith),
    "endswith": Function((STRING, STRING), BOOLEAN, str.endswith),
    "contains": Function((STRING, STRING), BOOLEAN, str.__contains__),
    "tolower": Function((STRING,), STRING, str.lower),
    "toupper": Function((STRING,), STRING, str.upper),
    "trim": Function((STRING,), STRING, str.strip),
    "length": Function((STRING,), INT32, len),
    "indexof": Function((STRING, STRING), INT32, str.find),
    "substring": Function((STRING, DOUBLE, DOUBLE), STRING, _substring, optional=1),
    "year": Function((DATE_TIME,), INT32, lambda value: _moment(value).year),
    "month": Function((DATE_TIME,), INT32, lambda value: _moment(value).month),
    "day": Function((DATE_TIME,), INT32, lambda value: _moment(value).day),
    "hour": Function((DATE_TIME,), INT32, lambda value: _moment(value).hour),
    "minute": Function((DATE_TIME,), INT32, lambda value: _moment(value).minute),
    "second": Function((DATE_TIME,), INT32, lambda value: _moment(value).second),
    "date": Function((DATE_TIME,), DATE_TIME, lambda value: value - value % _DAY),
    "floor": Function((DOUBLE,), DOUBLE, floor),
    "ceiling": Function((DOUBLE,), DOUBLE, ceil),
    "round": Function((DOUBLE,), DOUBLE, _rounded),
}

SWAPPED = {"substringof": "contains"}
"""Functions of OData 3 that are others of OData 4 with their two arguments swapped."""
