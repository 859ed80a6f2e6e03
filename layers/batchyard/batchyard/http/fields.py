"""Field types as Django REST framework's serializers take them."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

_LARGEST = 2**63 - 1
_DATE_FORMAT = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"
_SHORTEST_DATE_TIME = len("2026-11-22T02:50")


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("drf_integer", "A valid integer is required.")
    return value


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


Integer = Annotated[int, Field(ge=-_LARGEST - 1, le=_LARGEST), BeforeValidator(_no_boolean)]
"""A 64-bit integer; digits in a string count as one."""

PathInteger = Annotated[int, Field(ge=0, le=_LARGEST)]
"""An integer in a path; anything else there is no such resource."""

Text = Annotated[str, StringConstraints(max_length=255, strip_whitespace=True, pattern=r"^[^\x00]*$")]
"""Up to 255 characters, without white space around; a number counts as its digits."""

DateTime = Annotated[str, AfterValidator(_date_time), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An ISO 8601 date and time, kept exactly as it came."""
