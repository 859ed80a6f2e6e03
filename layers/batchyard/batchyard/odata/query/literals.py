"""The values that stand in a query: texts into values."""

import re
from datetime import date
from math import isfinite

from batchyard.odata.model import DATE_TIME, DOUBLE, INT64, STRING, EnumType
from batchyard.odata.query.syntax import Literal

LONGEST_NUMBER = 40
"""Characters of a number."""

_EPOCH = date(1970, 1, 1).toordinal()
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
EARLIEST = (date.min.toordinal() - _EPOCH) * _DAY
LATEST = (date.max.toordinal() - _EPOCH + 1) * _DAY - 1
"""What moments reach from and to, in microseconds since the Unix epoch."""

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:T([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,12}+))?+)?+(?:(Z)|([+-])([0-9]{2}):([0-9]{2}))?+)?+",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"[+-]?[0-9]{1,20}+")


def unquoted(text: str) -> str:
    """What stands in a quoted string."""
    return text[1:-1].replace("''", "'")


def number(text: str) -> Literal | None:
    """A number, with a suffix or without; None where it is none that there can be."""
    digits = text.rstrip("mMlLfFdD")
    if len(digits) > LONGEST_NUMBER:
        return None
    if digits.lstrip("+-").isdecimal():
        return Literal(int(digits), INT64)
    value = float(digits)
    return Literal(value, DOUBLE) if isfinite(value) else None


def moment(text: str) -> Literal | None:
    """A date, or a date with a time; UTC where no zone is said. None where there is no such moment."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, _, sign, offset_hours, offset_minutes = found.groups()
    if int(hour or 0) > 23 or int(minute or 0) > 59 or int(second or 0) > 59:
        return None
    if int(offset_hours or 0) > 14 or int(offset_minutes or 0) > 59:
        return None
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError:
        return None
    seconds = int(hour or 0) * 3600 + int(minute or 0) * 60 + int(second or 0)
    offset = int(offset_hours or 0) * 3600 + int(offset_minutes or 0) * 60
    seconds -= -offset if sign == "-" else offset
    value = days * _DAY + seconds * _SECOND + int((fraction or "")[:6].ljust(6, "0"))
    return Literal(value, DATE_TIME) if EARLIEST <= value <= LATEST else None


def member(enum: EnumType, literal: Literal) -> Literal | None:
    """A member of an enumeration, by its name in any case or its number, in quotes or without.

    Returns:
        The member's name; None where there is none such.
    """
    value = literal.value
    if literal.type == STRING and isinstance(value, str):
        named = next((name for name in enum.members if name.lower() == value.lower()), None)
        if named is not None:
            return Literal(named, enum)
        value = int(value) if _INTEGER.fullmatch(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        numbered = next((name for name, number in enum.members.items() if number == value), None)
        if numbered is not None:
            return Literal(numbered, enum)
    return None


def written(moment: int) -> str:
    """A moment as text, as precise as it is.

    Args:
        moment: Microseconds since the Unix epoch, from `EARLIEST` to `LATEST`.
    """
    days, rest = divmod(moment, _DAY)
    seconds, fraction = divmod(rest, _SECOND)
    day = date.fromordinal(days + _EPOCH).isoformat()
    time = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{day}T{time}.{fraction:06}Z" if fraction else f"{day}T{time}Z"
