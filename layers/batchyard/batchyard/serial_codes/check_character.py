"""The check character of ISO 7064, MOD 37,36: it catches every wrong character and nearly every swap of two.

Texts are of the characters 0-9 and A-Z, whose values are 0 to 35.
"""

from collections.abc import Iterable

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_VALUES = {character: value for value, character in enumerate(ALPHABET)}


def _step(remainder: int, value: int) -> int:
    return ((remainder + value) % 36 or 36) * 2 % 37


# What a remainder (1 to 36) and a value make the next remainder; and which value brings a remainder back to 1. The
# remainders are kept times 36, as where their part of the table begins.
_NEXT = [36 * _step(remainder, value) if remainder else 0 for remainder in range(37) for value in range(36)]
_CHECK = {36 * remainder: (37 - remainder) % 36 for remainder in range(1, 37)}


def check_character(text: str) -> str:
    """The character to append to a text.

    Raises:
        ValueError: The text has other characters than 0-9 and A-Z.
    """
    try:
        values = bytes(_VALUES[character] for character in text)
    except KeyError:
        raise ValueError("a check character is defined for 0-9 and A-Z only") from None
    return ALPHABET[check_column([bytes([value]) for value in values], 1)[0]]


def check_column(columns: Iterable[bytes], count: int) -> bytes:
    """The check characters of many texts of one length.

    Args:
        columns: For each place in the texts, the values (0 to 35) that they have there, in the order of the texts.
        count: How many texts there are.

    Returns:
        The values of the check characters, in that order.
    """
    remainders = [36 * 36] * count
    for column in columns:
        remainders = [_NEXT[remainder + value] for remainder, value in zip(remainders, column, strict=True)]
    return bytes([_CHECK[remainder] for remainder in remainders])
