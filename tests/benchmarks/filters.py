"""OData's filters read beside a published parser, carried out over rows, and filters that are made to hurt."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from statistics import median

from odata_query.grammar import ODataLexer, ODataParser

from batchyard.odata.query.errors import MalformedQuery
from batchyard.odata.query.evaluation import predicate
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.support.odata_model import MODEL, PRODUCT, ROW, parse_filter

ROUNDS = 9
SECONDS_A_SIDE = 0.3

FILTERS = {
    "one comparison": "Sku eq 'SKU-1000'",
    "what has changed": "UpdateDateUtc ge 2024-02-29T12:00:00Z and TotalQuantity gt 0 and IsParent eq false",
    "a label, an attribute and functions": (
        "Labels/any(l: l/Name eq 'Sale') and Attributes/any(a: a/Name eq 'Size' and a/Value eq '13M') "
        "and (contains(tolower(Title),'it') or startswith(Sku,'O'))"
    ),
    "100 clauses": " or ".join(f"Sku eq 'SKU-{one}'" for one in range(100)),
    "1,000 clauses": " or ".join(f"Sku eq 'SKU-{one}'" for one in range(1_000)),
}

HOSTILE: dict[str, Callable[[int], str]] = {
    "brackets": lambda times: "(" * 16_000 * times,
    "quotes": lambda times: "Sku eq " + "'" * (16_000 * times + 1),
    "a string without an end": lambda times: "Sku eq '" + "a" * 16_000 * times,
    "strings without an end": lambda times: "a'" * 8_000 * times,
    "dots": lambda times: "a." * 8_000 * times,
    "blanks": lambda times: "ID" + " " * 16_000 * times + "x",
    "digits": lambda times: "ID eq " + "9" * 16_000 * times,
    "fractions": lambda times: "ID eq 0." + "0" * 16_000 * times + "x",
    "clauses": lambda times: "ID eq 1 or " * 400 * times + "x",
    "functions": lambda times: "contains(Title,'a') and " * 400 * times + "x",
}


def microseconds(act: Callable[[], object]) -> float:
    """CPU of one run: the median of some rounds of many."""
    start = time.process_time()
    act()
    repeats = max(1, round(SECONDS_A_SIDE / ROUNDS / max(time.process_time() - start, 1e-6)))

    def once() -> float:
        begun = time.process_time()
        for _ in range(repeats):
            act()
        return 1e6 * (time.process_time() - begun) / repeats

    return median(once() for _ in range(ROUNDS))


def by_us(text: str) -> object:
    return parse_filter(text, PRODUCT, MODEL)


def by_another(text: str) -> object:
    return ODataParser().parse(ODataLexer().tokenize(text))


def refused(text: str) -> None:
    with suppress(MalformedQuery):
        by_us(text)


def read_and_carried_out(text: str) -> tuple[float, float, float]:
    """Microseconds of reading a filter, of the other parser's, and of carrying it out over a row."""
    holds = predicate(parse_filter(text, PRODUCT, MODEL))
    return microseconds(lambda: by_us(text)), microseconds(lambda: by_another(text)), microseconds(lambda: holds(ROW))


def run() -> list[Result]:
    taken = {name: read_and_carried_out(text) for name, text in FILTERS.items()}
    hostile, grown = [], []
    for name, made in HOSTILE.items():
        texts = [made(1), made(2)]
        small, large = (microseconds(lambda text=text: refused(text)) for text in texts)  # type: ignore[misc]
        hostile.append([name, f"{len(texts[0]):,}", number(small), number(large), ratio(large / small)])
        grown.append(large / small)
    ours, theirs, _ = taken["100 clauses"]
    return [
        Result(
            "Reading a filter, and carrying it out",
            ["filter", "characters", "µs of CPU", "odata-query", "ratio", "µs a row"],
            [
                [name, f"{len(FILTERS[name]):,}", number(read), number(other), ratio(other / read), number(row, 2)]
                for name, (read, other, row) in taken.items()
            ],
            notes=["Ours checks every name and type against the model on the way; `odata-query` reads the text alone."],
            lines=[
                Line(
                    "Reading a filter of 100 clauses",
                    f"{number(ours / 1000, 2)} ms",
                    f"{number(theirs / 1000, 2)} ms, odata-query",
                    f"{number(theirs / ours)} times",
                )
            ],
        ),
        Result(
            "Filters that are made to hurt: CPU by their size",
            ["filter", "characters", "µs of CPU", "at twice the size", "ratio"],
            hostile,
            notes=["Linear is 2; below that, it is refused before its end."],
            lines=[
                Line(
                    "CPU of hostile filters at twice the size, worst kind",
                    "",
                    "",
                    f"{max(grown):.2f} times",
                    "2 (linear)",
                )
            ],
        ),
    ]


if __name__ == "__main__":
    main(run)
