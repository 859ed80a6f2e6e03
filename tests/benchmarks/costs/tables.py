"""The tables of `docs/cost.md`: written from what was measured, and read back to see what they say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from tests.benchmarks.costs.prices import Cost, Place, billed_ms, dollars_a_million, price_list
from tests.benchmarks.costs.requests import Run
from tests.benchmarks.report import markdown, number
from tools.generate import ROOT

DOCUMENT = ROOT / "docs" / "cost.md"

COLUMNS = [
    *("request", "calls", "read units", "write units"),
    *("CPU, ms", "billed, ms", "logged, bytes", "sent, bytes", "$ a million"),
]

type Measured = Mapping[str, Cost]
"""What each run of a table takes, by its name."""


def table(runs: Iterable[Run], costs: Measured, authorizer: Cost) -> str:
    """A table of runs, in their order."""
    return markdown(COLUMNS, [row(run, costs[run.name], authorizer) for run in runs])


def row(run: Run, cost: Cost, authorizer: Cost) -> list[str]:
    """One line of it."""
    return [
        f"`{run.name}`" if "/" in run.name else run.name,
        " + ".join(f"{count} {call}" for call, count in cost.calls.items()) or "none",
        number(cost.reads),
        number(cost.writes),
        number(cost.cpu_ms, 2),
        number(billed_ms(cost, run.memory_mb), 0),
        number(cost.logged, 0),
        number(cost.sent, 0),
        f"{dollars_a_million(cost, place_of(run, authorizer)):.2f}",
    ]


def place_of(run: Run, authorizer: Cost) -> Place:
    """Where a run takes place, with the authorizer that is asked before it."""
    asked = (authorizer, Place(run.memory_mb, routed=False)) if run.asks_each_time else None
    return Place(run.memory_mb, run.routed, asked)


def read(part: str) -> dict[str, tuple[Cost, list[str]]]:
    """The lines of a part of the document, by their names: what they say was measured, and all that they say."""
    found = {}
    for line in between(DOCUMENT.read_text(), part).splitlines()[2:]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        name, calls, *figures = cells
        counted = Counter({call: int(count) for count, call in re.findall(r"(\d+) ([A-Za-z][\w ]*?)(?: \+|$)", calls)})
        reads, writes, cpu_ms, _, logged, sent, _ = (float(one.replace(",", "")) for one in figures)
        found[name.strip("`")] = (Cost(counted, reads, writes, cpu_ms, int(logged), int(sent)), cells)
    return found


def between(text: str, part: str) -> str:
    """What stands in the document between the marks of a part."""
    found = re.search(rf"<!-- {part} -->\n\n(.*?)\n\n<!-- end -->", text, re.DOTALL)
    if found is None:
        raise LookupError(f"{DOCUMENT.name} has no part of that name: {part}")
    return found[1]


def replaced(text: str, part: str, content: str) -> str:
    """The document with something else between the marks of a part."""
    mark = f"<!-- {part} -->\n\n"
    return text.replace(f"{mark}{between(text, part)}", f"{mark}{content}", 1)


def prices_table() -> str:
    """The list prices."""
    listed = [
        [name, f"{one['usd'] / one['per'] * 1_000_000:,.3f}", one["of"], one["known of"]]
        for name, one in price_list().items()
    ]
    return markdown(["price", "$ a million", "of what", "known of"], listed)
