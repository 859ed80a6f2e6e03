"""Codes of serials: a page at once beside published packages one at a time, and what guessing at codes finds."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchyard.serial_codes.check_character import check_character
from batchyard.serial_codes.codes import ALPHABET, DEFAULT_LENGTH, Codebook
from batchyard.serial_codes.ff1 import Ff1
from tests.benchmarks import environments
from tests.benchmarks.report import Line, Result, main, number, ratio

HERE = Path(__file__).parent / "fpe"
KEY = bytes(range(32))
BOOK = Codebook({1: KEY}, "benchmark")
PAGE = 10_000
ROUNDS = 15
VALID = GUESSES = 1_000_000


def microseconds(act: Callable[[], Any], count: int) -> float:
    """CPU for each of so many: the best of some rounds."""

    def once() -> float:
        begun = time.process_time()
        act()
        return time.process_time() - begun

    return 1e6 * min(once() for _ in range(ROUNDS)) / count


def one_by_one() -> dict[str, Any]:
    """What the packages take, measured where they are installed."""
    python = environments.ensure("fpe", HERE / "requirements.txt") / "bin" / "python"
    command: list[str | Path] = [python, HERE / "one_by_one.py", KEY.hex(), ALPHABET, str(DEFAULT_LENGTH), str(PAGE)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def same_numbers(found: dict[str, Any]) -> list[str]:
    """The packages that make of a number what our FF1 makes of it."""
    ours = Ff1(KEY, len(ALPHABET), DEFAULT_LENGTH).encrypt(range(100))
    texts = ["".join(ALPHABET[value >> place & 31] for place in range(45, -1, -5)) for value in ours]
    return [name for name, package in found.items() if package["made"] == texts[: len(package["made"])]]


def speed() -> Result:
    found = one_by_one()
    same = same_numbers(found)
    assert set(same) == {name for name in found if name.endswith("(FF1)")}
    page = microseconds(lambda: BOOK.codes(1, range(PAGE)), PAGE)
    codes = BOOK.codes(1, range(PAGE))
    read = microseconds(lambda: BOOK.places(codes), PAGE)
    single = microseconds(lambda: BOOK.find(codes[0]), 1)
    theirs = {name: package["microseconds"] for name, package in found.items()}
    fastest = [
        (kind, min((name for name in theirs if ("compiled" in name) is compiled), key=lambda name: theirs[name]))
        for kind, compiled in (("compiled", True), ("in Python", False))
    ]
    return Result(
        f"Codes of a page of {PAGE:,} serials",
        ["made by", "µs of CPU a code", "codes a second", "ratio"],
        [
            ["Batchyard, the page", number(page, 2), number(1e6 / page, 0), ratio(1)],
            *([name, number(taken, 2), number(1e6 / taken, 0), ratio(taken / page)] for name, taken in theirs.items()),
        ],
        notes=[
            "Batchyard's codes are two permutations by FF1 and a check character, those of the packages one permutation"
            f" and none. {', '.join(same)}: the same numbers as Batchyard's FF1, checked here.",
            f"Reading a page of codes back takes {number(read, 2)} µs a code, a single one {number(single, 0)} µs.",
        ],
        lines=[
            Line(
                f"A code of a page of {PAGE:,}",
                f"{number(page, 2)} µs",
                f"{number(theirs[name], 1)} µs, {name}, the fastest {kind}",
                f"{theirs[name] / page:.1f} times",
            )
            for kind, name in fastest
        ],
    )


def guesses(source: random.Random, count: int) -> list[str]:
    """Random codes whose check characters fit, as somebody makes them who knows everything but the keys."""
    made: list[str] = []
    while len(made) < count:
        body = "".join(source.choices(ALPHABET, k=DEFAULT_LENGTH))
        check = check_character(body)
        if check in ALPHABET:
            made.append(body + check)
    return made


def guessing() -> Result:
    codes = set()
    for begin in range(0, VALID, PAGE):
        codes.update(BOOK.codes(1, range(begin, begin + PAGE)))
    source = random.Random(36)
    anywhere = hits = listed = 0
    for _ in range(0, GUESSES, PAGE):
        tried = guesses(source, PAGE)
        places = [place for place in BOOK.places(tried) if place is not None]
        anywhere += len(places)
        hits += sum(place.index < VALID for place in places)
        listed += sum(code in codes for code in tried)
    assert hits == listed
    return Result(
        f"{GUESSES:,} random guesses at {VALID:,} valid serials",
        ["what", "count"],
        [
            [f"different codes of {VALID:,} serials", number(len(codes), 0)],
            ["guesses that hit a valid serial", number(hits, 0)],
            ["guesses that are a code of any index at all, in use or not", number(anywhere, 0)],
        ],
        notes=["All guesses have a check character that fits. The last row is what a collection filled up would give."],
        lines=[
            Line(f"Different codes of {VALID:,} serials", number(len(codes), 0), "", "", number(VALID, 0)),
            Line(f"Hits of {GUESSES:,} guesses at {VALID:,} serials", number(hits, 0), "", "", "0"),
        ],
    )


def run() -> list[Result]:
    return [speed(), guessing()]


if __name__ == "__main__":
    main(run)
