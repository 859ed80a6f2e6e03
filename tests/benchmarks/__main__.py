"""Runs every benchmark, prints their tables, and then the one table of all: `python -m tests.benchmarks [names]`."""

from __future__ import annotations

import sys
from importlib import import_module

from tests.benchmarks.report import Line, MissingToolError, markdown, show

BENCHMARKS = {
    "cold_start": "tests.benchmarks.cold_start",
    "warm": "tests.benchmarks.warm",
    "store_cost": "tests.benchmarks.store_cost",
    "quota": "tests.benchmarks.quota",
    "multipart_parse": "tests.benchmarks.multipart_parse",
    "filters": "tests.benchmarks.filters",
    "batch": "tests.benchmarks.batch",
    "entity_sets": "tests.benchmarks.entity_sets",
    "serials": "tests.benchmarks.serials",
    "export": "tests.benchmarks.export",
    "lots": "tests.benchmarks.lots",
    "product_export": "tests.benchmarks.product_export",
    "product_import": "tests.benchmarks.product_import.__main__",
    "drf": "tests.benchmarks.drf.__main__",
}


def main(names: list[str]) -> None:
    unknown = set(names) - BENCHMARKS.keys()
    if unknown:
        raise SystemExit(f"no such benchmark: {', '.join(sorted(unknown))} (there are {', '.join(BENCHMARKS)})")
    lines: list[Line] = []
    missing: list[str] = []
    for name in names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            results = import_module(BENCHMARKS[name]).run()
        except MissingToolError as error:
            missing.append(f"{name} was not measured: {error}.")
            continue
        show(results)
        lines += [line for result in results for line in result.lines]
    print("\n## All benchmarks\n")
    print(
        markdown(
            ["", "Batchyard", "compared with", "ratio", "asked for"],
            [[line.what, line.ours, line.theirs, line.ratio, line.asked] for line in lines],
        )
    )
    for note in missing:
        print(f"\n{note}")


if __name__ == "__main__":
    main(sys.argv[1:])
