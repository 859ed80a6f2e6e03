"""FF1 of NIST SP 800-38G, for many numbers at once.

FF1 permutes the numerals of a fixed length: a Feistel network of ten rounds whose round function is AES. A page of
serials needs the same ten rounds for each of thousands of numbers, so each round is done for all of them together: the
halves of all numbers are kept side by side in one large integer, 128 bits (a *lane*) for each, and a round is one call
of AES and a handful of operations on large integers, whatever the count.

Where the radix is a power of two, adding modulo a power of it is adding and masking all lanes at once; other radices
go lane by lane there, and are otherwise computed by the same code.

Why: docs/decisions.md#ff1-is-our-own-on-cryptographys-aes
"""

import sys
from array import array
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

ROUNDS = 10
SMALLEST_DOMAIN = 1_000_000
"""Below that many numerals FF1 can be searched through (SP 800-38G, revision 1)."""

_LANE = 16
_BLOCK_OF_ZEROS = bytes(16)
_MOST_AT_ONCE = 2048  # integers of 32 kB, which stay in the processor's cache
_WORD = (1 << 64) - 1


class Ff1:
    """One permutation of the integers from 0 to `radix ** length - 1`, taken as numerals of that length.

    An instance may be shared by threads.

    Args:
        key: An AES key of 16, 24 or 32 bytes.
        radix: From 2 to 65,536.
        length: Numerals, from 2; `radix ** length` must be a million at least.
        tweak: Public bytes; each tweak makes another permutation.

    Raises:
        ValueError: FF1 is not defined for these, or half of a number takes more than 12 bytes.
    """

    def __init__(self, key: bytes, radix: int, length: int, tweak: bytes = b"") -> None:
        if not 2 <= radix <= 1 << 16:
            raise ValueError("a radix is from 2 to 65,536")
        if length < 2 or radix**length < SMALLEST_DOMAIN:
            raise ValueError(f"FF1 needs at least {SMALLEST_DOMAIN:,} numerals")
        left = length // 2
        right = length - left
        self.size: int = radix**length
        # Even rounds add to the left half, odd ones to the right.
        self._moduli: tuple[int, int] = (radix**left, radix**right)
        self._right_bits = right * (radix.bit_length() - 1) if radix & (radix - 1) == 0 else None
        half = -(-(self._moduli[1] - 1).bit_length() // 8)
        taken = 4 * -(-half // 4) + 4
        if taken > _LANE:
            raise ValueError("half of a number takes more than 12 bytes")
        self._dropped_bits = 8 * (_LANE - taken)
        self._kept_of_output = tuple((1 << 8 * taken) - 1 if self._right_bits is None else m - 1 for m in self._moduli)
        self._round_at = 8 * half
        # AES block by block is what FF1's rounds are made of; nothing is encrypted like that.
        self._cipher = Cipher(AES(key), ECB())  # noqa: S305
        # Only the last block of P || Q differs between rounds and numbers: what CBC-MAC makes of the others, and of the
        # constant part of the last, is computed here.
        fixed = bytes([1, 2, 1, *radix.to_bytes(3), ROUNDS, left & 0xFF, *length.to_bytes(4), *len(tweak).to_bytes(4)])
        fixed += tweak + bytes((-len(tweak) - half - 1) % _LANE + 1 + half)
        chained = Cipher(AES(key), CBC(_BLOCK_OF_ZEROS)).encryptor().update(fixed[:-_LANE])
        self._start = bytes(x ^ y for x, y in zip(chained[-_LANE:], fixed[-_LANE:], strict=True))

    def encrypt(self, values: Sequence[int]) -> list[int]:
        """What the permutation makes of each of these.

        Raises:
            ValueError: One is negative, or not below `size`.
        """
        return self._permuted(values, self._forwards)

    def decrypt(self, values: Sequence[int]) -> list[int]:
        """What the permutation made each of these from.

        Raises:
            ValueError: One is negative, or not below `size`.
        """
        return self._permuted(values, self._backwards)

    def _permuted(self, values: Sequence[int], feistel: Callable[[int, int, int], tuple[int, int]]) -> list[int]:
        done: list[int] = []
        for begin in range(0, len(values), _MOST_AT_ONCE):
            some = values[begin : begin + _MOST_AT_ONCE]
            if min(some) < 0 or max(some) >= self.size:
                raise ValueError(f"not a number from 0 to {self.size - 1}")
            done += self._joined(*feistel(*self._halves(some), len(some)), len(some))
        return done

    def _forwards(self, a: int, b: int, count: int) -> tuple[int, int]:
        pseudorandom = self._round_function(count)
        for number in range(ROUNDS):
            a, b = b, self._sum(a, pseudorandom(number, b), self._moduli[number % 2], count)
        return a, b

    def _backwards(self, a: int, b: int, count: int) -> tuple[int, int]:
        pseudorandom = self._round_function(count)
        for number in reversed(range(ROUNDS)):
            a, b = self._difference(b, pseudorandom(number, a), self._moduli[number % 2], count), a
        return a, b

    def _round_function(self, count: int) -> Callable[[int, int], int]:
        """A round's number and one half of all numbers to what is added to their other halves."""
        # One for each call, since an encryptor must not be used by two threads at a time.
        encrypt = self._cipher.encryptor().update
        start = int.from_bytes(self._start * count)
        one_round = _in_each_lane(1 << self._round_at, count)
        kept = tuple(_in_each_lane(mask, count) for mask in self._kept_of_output)

        def of(number: int, half: int) -> int:
            blocks = (half ^ start ^ one_round * number).to_bytes(_LANE * count)
            return int.from_bytes(encrypt(blocks)) >> self._dropped_bits & kept[number % 2]

        return of

    def _sum(self, half: int, added: int, modulus: int, count: int) -> int:
        if self._right_bits is not None:
            return half + added & _in_each_lane(modulus - 1, count)
        summands = zip(_lanes(half, count), _lanes(added, count), strict=True)
        return _side_by_side([(x + y) % modulus for x, y in summands])

    def _difference(self, half: int, taken: int, modulus: int, count: int) -> int:
        if self._right_bits is not None:
            # With the modulus on top no lane becomes negative, which would borrow from its neighbour.
            return half + _in_each_lane(modulus, count) - taken & _in_each_lane(modulus - 1, count)
        operands = zip(_lanes(half, count), _lanes(taken, count), strict=True)
        return _side_by_side([(x - y) % modulus for x, y in operands])

    def _halves(self, values: Sequence[int]) -> tuple[int, int]:
        if self._right_bits is not None and self.size.bit_length() <= 8 * _LANE:
            whole, count = _side_by_side(values), len(values)
            left, right = (_in_each_lane(modulus - 1, count) for modulus in self._moduli)
            return whole >> self._right_bits & left, whole & right
        split = [divmod(value, self._moduli[1]) for value in values]
        return _side_by_side([left for left, _ in split]), _side_by_side([right for _, right in split])

    def _joined(self, left: int, right: int, count: int) -> list[int]:
        if self._right_bits is not None and self.size.bit_length() <= 8 * _LANE:
            return _lanes(left << self._right_bits | right, count)
        return [x * self._moduli[1] + y for x, y in zip(_lanes(left, count), _lanes(right, count), strict=True)]


@lru_cache(maxsize=64)
def _in_each_lane(value: int, count: int) -> int:
    """The same value in so many lanes."""
    return int.from_bytes(value.to_bytes(_LANE) * count)


def _side_by_side(values: Sequence[int]) -> int:
    """These values in lanes, the first in the most significant one."""
    words = array("Q", bytes(_LANE * len(values)))
    words[1::2] = array("Q", [value & _WORD for value in values])
    words[0::2] = array("Q", [value >> 64 for value in values])
    if sys.byteorder == "little":
        words.byteswap()
    return int.from_bytes(words.tobytes())


def _lanes(lanes: int, count: int) -> list[int]:
    """The values that are side by side."""
    words = array("Q", lanes.to_bytes(_LANE * count))
    if sys.byteorder == "little":
        words.byteswap()
    high, low = words[0::2], words[1::2]
    return [x << 64 | y for x, y in zip(high, low, strict=True)] if any(high) else low.tolist()
