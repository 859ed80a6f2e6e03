"""Permutes numbers by published packages, one at a time; runs in an environment that has them.

    python one_by_one.py <key in hex> <alphabet> <length> <count>

Prints JSON: for each package the microseconds of CPU for one number (the best of three rounds), and what it made of the
first ones.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import pyffx
from ff3 import FF3Cipher
from fpr_ff1 import FF1

ROUNDS = 3
SHOWN = 20


def packages(key: bytes, alphabet: str, length: int) -> dict[str, Callable[[str], str]]:
    radix = len(alphabet)
    return {
        "fpr-ff1 (FF1)": FF1(key, radix, alphabet=alphabet).encrypt,
        "fpr-ff1, compiled (FF1)": FF1(key, radix, alphabet=alphabet, backend="rust").encrypt,
        "pyffx (FFX)": pyffx.String(key, alphabet=alphabet, length=length).encrypt,
        "ff3 (FF3-1)": FF3Cipher.withCustomAlphabet(key.hex(), "00000000000000", alphabet).encrypt,
    }


def numeral(value: int, alphabet: str, length: int) -> str:
    digits = []
    for _ in range(length):
        value, digit = divmod(value, len(alphabet))
        digits.append(alphabet[digit])
    return "".join(reversed(digits))


def main() -> None:
    key, alphabet, length, count = bytes.fromhex(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    texts = [numeral(value, alphabet, length) for value in range(count)]
    found = {}
    for name, encrypt in packages(key, alphabet, length).items():
        taken = []
        for _ in range(ROUNDS):
            begun = time.process_time()
            made = [encrypt(text) for text in texts]
            taken.append((time.process_time() - begun) / count)
        found[name] = {"microseconds": 1e6 * min(taken), "made": made[:SHOWN]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
