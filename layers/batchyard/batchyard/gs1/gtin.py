"""The key of a product (AI 01): the Global Trade Item Number in its form of 14 digits."""

import re

GTIN_14 = "^[0-9]{14}$"
"""The form of a GTIN as pydantic and JSON Schema take it; `is_gtin14` verifies the check digit too."""

_DIGITS = re.compile("[0-9]{14}")


def is_gtin14(text: str) -> bool:
    """Whether these are 14 digits of which the last is the right check digit.

    Shorter GTINs (8, 12, 13 digits) have their form of 14 digits with zeros in front.
    """
    if not _DIGITS.fullmatch(text):
        return False
    digits = [int(digit) for digit in text]
    return (3 * sum(digits[::2]) + sum(digits[1::2])) % 10 == 0
