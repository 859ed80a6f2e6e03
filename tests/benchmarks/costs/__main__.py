"""`make costs`: measures what each request costs, and writes the tables of `docs/cost.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable

from tests.benchmarks.costs import tables
from tests.benchmarks.costs.measuring import measure, world
from tests.benchmarks.costs.requests import KEY_AUTHORIZER, Run, behind, routes
from tests.benchmarks.costs.sizes import sizes
from tests.benchmarks.costs.tables import DOCUMENT

PARTS: dict[str, Callable[[], Iterable[Run]]] = {"behind": behind, "routes": routes, "sizes": sizes}


def main(parts: list[str]) -> None:
    """Measures some parts of the document, or all; prints and writes each.

    The authorizer that the others reckon with is in the first one.
    """
    _write("prices", tables.prices_table())
    with world():
        for part in parts or PARTS:
            costs = {}
            for run in (runs := list(PARTS[part]())):
                print(f"{run.name} …", file=sys.stderr, flush=True)
                costs[run.name] = measure(run.prepare, run.check)
            authorizer = costs[KEY_AUTHORIZER] if KEY_AUTHORIZER in costs else tables.read("behind")[KEY_AUTHORIZER][0]
            content = tables.table(runs, costs, authorizer)
            print(f"\n## {part}\n\n{content}", flush=True)
            _write(part, content)


def _write(part: str, content: str) -> None:
    DOCUMENT.write_text(tables.replaced(DOCUMENT.read_text(), part, content))


if __name__ == "__main__":
    main(sys.argv[1:])
