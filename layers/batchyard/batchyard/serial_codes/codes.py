"""Codes as printed, and the indices that they are computed from.

A code is 8 to 19 characters of Crockford's base32 and a check character. Its n characters are 5n bits:

    OUTER( key version - 1: 4 bits | INNER( salt: 4 bits | index: 5n - 8 bits ) )

Both are FF1 permutations with keys of their own for each collection and length, derived from the master keys:

- INNER hides the index. Its key comes from the version's own master key, so a new version makes new codes while the
  codes of the former ones keep their meaning. As a permutation it gives no two indices the same code.
- OUTER hides the version, which keeps versions apart: what differs before a permutation differs after it. Its key
  always comes from the first master key, since it must be undone before the version is known.
- The salt is there for the check character. People read I, L and O as 1 and 0, and Crockford's alphabet has no U, but
  ISO 7064 gives one of these four for every ninth text. An index therefore has the first of 16 salts whose code ends
  in another character, and, since later versions, that a spreadsheet does not take for a number (`28032452E76`). Only
  that code is the index's: those of its other salts are nobody's.

A code of another collection comes out as any version, salt and index, and so is nobody's but by chance. With a million
indices in use, a random code of n characters whose check character fits hits one once in 2^5n / 1,000,000 times: from
n = 10 on, less than once in a billion.

Why: docs/decisions.md#two-permutations-and-a-salt
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from batchyard.errors import Malformed
from batchyard.serial_codes import INVALID_CODE
from batchyard.serial_codes.check_character import ALPHABET as CHECK_ALPHABET
from batchyard.serial_codes.check_character import check_character, check_column
from batchyard.serial_codes.ff1 import Ff1

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base32."""

SHORTEST, DEFAULT_LENGTH, LONGEST = 8, 10, 19
"""Characters of a code without its check character."""

VERSIONS = 16
"""How many versions of keys a code can tell apart: 1 to 16."""

_SALTS = 16
_VERSION_BITS = _SALT_BITS = 4
_CHARACTER_BITS = 5

# A text with more characters than this, separators included, is not looked at.
_LONGEST_INPUT = 100
# Hyphens and spaces, also those that typesetting puts in the place of plain ones.
_SEPARATORS = "- \t\n\r\v\f\u00a0\u00ad\u2007\u2009\u200b\u2010\u2011\u2012\u2013\u2014\u202f\u2212\ufeff"
_READ_AS = str.maketrans(
    {
        **{character: character.upper() for character in "abcdefghijklmnopqrstuvwxyz"},
        **dict.fromkeys("IiLl", "1"),
        **dict.fromkeys("Oo", "0"),
        **dict.fromkeys(_SEPARATORS, ""),
    }
)
# The values that characters have in base 32 to those that they have for the check character, and these to characters.
_CHECK_VALUES = bytes(CHECK_ALPHABET.index(character) for character in ALPHABET).ljust(256)
_PRINTED = CHECK_ALPHABET.encode().ljust(256)
# `int` knows base 32 with the letters A to V.
_DIGITS = str.maketrans(ALPHABET, CHECK_ALPHABET[:32])
_CHARACTERS = frozenset(ALPHABET)
# What a spreadsheet makes a number of, also one with an exponent.
_NUMBERS = re.compile("^[0-9]+(?:E[0-9]+)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code comes from.

    Args:
        version: Of the key that it was made with.
        index: Its number within the collection.
    """

    version: int
    index: int


def normalize(text: str) -> str:
    """A code as it is printed, from what somebody typed: any case, hyphens and white space anywhere, I L O for 1 1 0.

    Raises:
        Malformed: It has other characters, another length, or a check character that does not fit: `INVALID_CODE`.
    """
    if len(text) > _LONGEST_INPUT:
        raise _invalid("A serial number is too long.")
    code = text.translate(_READ_AS)
    if not _CHARACTERS.issuperset(code):
        raise _invalid("A serial number has digits and the letters A to Z without U only.")
    if not SHORTEST < len(code) <= LONGEST + 1:
        raise _invalid(f"A serial number has {SHORTEST + 1} to {LONGEST + 1} characters, not {len(code)}.")
    if check_character(code[:-1]) != code[-1]:
        raise _invalid("The check character of the serial number does not fit: it is mistyped.")
    return code


def capacity(length: int) -> int:
    """How many indices there are for codes of so many characters, the check character not counted."""
    return 1 << _CHARACTER_BITS * length - _VERSION_BITS - _SALT_BITS


class Codebook:
    """The codes of one length in one collection.

    An instance may be shared by threads.

    Args:
        keys: The master keys by version, each with 256 bits of entropy or more; version 1 must be there.
        collection: The collection's id.
        length: Characters of a code without its check character, `SHORTEST` to `LONGEST`.
        no_numbers: Versions of which no code is read as a number.

    Raises:
        ValueError: There are no such codes.
    """

    def __init__(
        self,
        keys: Mapping[int, bytes],
        collection: str,
        length: int = DEFAULT_LENGTH,
        no_numbers: Collection[int] = (),
    ) -> None:
        if not SHORTEST <= length <= LONGEST:
            raise ValueError(f"a code has {SHORTEST} to {LONGEST} characters, not {length}")
        if 1 not in keys or not all(1 <= version <= VERSIONS for version in keys):
            raise ValueError(f"the versions of keys are 1 to {VERSIONS}, and 1 is always there")
        self.versions = frozenset(keys)
        self.length = length
        self._collection = collection
        self._no_numbers = frozenset(no_numbers)
        self._keys = dict(keys)
        self._index_bits = capacity(length).bit_length() - 1
        self._inner_bits = self._index_bits + _SALT_BITS
        self._outer = Ff1(self._key("outer", 1), 1 << _CHARACTER_BITS, length)
        self._inner: dict[int, Ff1] = {}

    def codes(self, version: int, indices: Sequence[int]) -> list[str]:
        """The codes of these indices, check characters included, as a key version makes them.

        Args:
            version: One of `versions`.
            indices: Each from 0 to `capacity(length) - 1`; a range is as good as a list.

        Raises:
            ValueError: There is no such version or index.
        """
        if version not in self.versions:
            raise ValueError(f"there is no version {version} of the keys")
        if len(indices) and not 0 <= min(indices) <= max(indices) < capacity(self.length):
            raise ValueError(f"the indices of {self.length} characters are 0 to {capacity(self.length) - 1}")
        codes = self._salted(version, 0, indices)
        unfit = self._unfit(version, codes)
        for salt in range(1, _SALTS):
            if not unfit:
                break
            others = self._salted(version, salt, [indices[position] for position in unfit])
            for position, code in zip(unfit, others, strict=True):
                codes[position] = code
            unfit = [unfit[place] for place in self._unfit(version, others)]
        if unfit:
            # Expected once in 10^15 indices; no other code would find its way back to the index.
            raise RuntimeError(f"index {indices[unfit[0]]} has no code that can be printed")
        return codes

    def _unfit(self, version: int, codes: Sequence[str]) -> list[int]:
        """Positions of codes that are not to be printed, in order."""
        unfit = [position for position, code in enumerate(codes) if code[-1] not in _CHARACTERS]
        if version in self._no_numbers:
            text = "\n".join(codes)
            # The same codes are never in both: a number ends in a digit.
            unfit += [number.start() // (self.length + 2) for number in _NUMBERS.finditer(text)]
            unfit.sort()
        return unfit

    def find(self, code: str) -> Place | None:
        """Where a normalized code of this length comes from; None where it is nobody's, or of an unknown version."""
        return self.places([code])[0]

    def places(self, codes: Sequence[str]) -> list[Place | None]:
        """The same as `find` for many codes, in their order."""
        inner_mask, index_mask = (1 << self._inner_bits) - 1, (1 << self._index_bits) - 1
        permuted = self._permuted(codes)
        places: list[Place | None] = [None] * len(codes)
        for version in self.versions:
            positions = [at for at, value in enumerate(permuted) if value >> self._inner_bits == version - 1]
            if not positions:
                continue
            salted = self._inner_of(version).decrypt([permuted[at] & inner_mask for at in positions])
            indices = [value & index_mask for value in salted]
            # A code is the index's own if it is what the index makes: with the right salt and check character.
            for at, index, own in zip(positions, indices, self.codes(version, indices), strict=True):
                if own == codes[at]:
                    places[at] = Place(version, index)
        return places

    def version_of(self, code: str) -> int:
        """The key version that a normalized code of this length names: for a made-up one, any of 1 to `VERSIONS`."""
        return (self._permuted([code])[0] >> self._inner_bits) + 1

    def _permuted(self, codes: Sequence[str]) -> list[int]:
        """The bits of codes as they were before the outer permutation."""
        if any(len(code) != self.length + 1 for code in codes):
            raise ValueError(f"these codes have {self.length} characters and a check character")
        return self._outer.decrypt([int(code[:-1].translate(_DIGITS), 32) for code in codes])

    def _salted(self, version: int, salt: int, indices: Sequence[int]) -> list[str]:
        """The codes of these indices with one salt, whatever their check characters."""
        salt_bits = salt << self._index_bits
        version_bits = version - 1 << self._inner_bits
        inner = self._inner_of(version).encrypt([salt_bits | index for index in indices])
        outer = self._outer.encrypt([version_bits | value for value in inner])
        # Written column by column, since what is done to a column takes no step per code.
        columns = [
            bytes([value >> place & 31 for value in outer]).translate(_CHECK_VALUES)
            for place in range(_CHARACTER_BITS * (self.length - 1), -1, -_CHARACTER_BITS)
        ]
        columns.append(check_column(columns, len(outer)))
        width = self.length + 1
        table = bytearray(width * len(outer))
        for place, column in enumerate(columns):
            table[place::width] = column
        text = table.translate(_PRINTED).decode("ascii")
        return [text[begin : begin + width] for begin in range(0, len(text), width)]

    def _inner_of(self, version: int) -> Ff1:
        if version not in self._inner:
            self._inner[version] = Ff1(self._key("inner", version), 2, self._inner_bits)
        return self._inner[version]

    def _key(self, purpose: str, version: int) -> bytes:
        """An AES-256 key for this purpose, collection and length alone."""
        # JSON tells apart what mere concatenation would not: the collections "a1" and "a" with a length of 10, say.
        used_for = json.dumps(["serial number", purpose, self._collection, self.length, version]).encode()
        return HKDF(SHA256(), 32, salt=None, info=used_for).derive(self._keys[version])


def _invalid(message: str) -> Malformed:
    return Malformed(message, code=INVALID_CODE)
