"""What the values of GS1 Application Identifiers may look like (GS1 General Specifications, section 3)."""

import re
from datetime import date, datetime

CSET_82_UP_TO_20 = '^[!"%-?A-Z_a-z]{1,20}$'
"""Lot (AI 10), serial (AI 21) and variant (AI 22): 1 to 20 characters of GS1's set of 82.

Pydantic, JSON Schema and OpenAPI take it as it is. Left out of ASCII are the space and `#$@[\\]^{|}~` and the backtick.
"""

# Python's "$" would let a newline through at the end, which it does not in the other dialects.
_VALUE = re.compile(CSET_82_UP_TO_20.strip("^$"))


def is_lot(text: str) -> bool:
    """Whether this may be a lot number (AI 10)."""
    return _VALUE.fullmatch(text) is not None


def yymmdd(day: date) -> str:
    """A day as AI 11 (production), 13 (packaging), 15 (best before) and 17 (expiry) write it.

    Two digits of the year: readers take the year of that ending between 49 years ago and 50 years from now.
    """
    return f"{day.year % 100:02}{day.month:02}{day.day:02}"


def yymmddhhmm(moment: datetime) -> str:
    """A moment as AI 7003 (expiry) writes it, in the time of its place."""
    return f"{yymmdd(moment)}{moment.hour:02}{moment.minute:02}"


def is_year_readable(year: int, read_in: int) -> bool:
    """Whether two digits of a year are read as that year (GS1 General Specifications, section 7.12).

    Args:
        read_in: The year in which it is read.
    """
    return -49 <= year - read_in <= 50
