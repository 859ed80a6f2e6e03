"""What a benchmark gives back, and how it is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


class MissingToolError(Exception):
    """Something that a benchmark needs is not on this machine."""


@dataclass(frozen=True)
class Line:
    """One line of the table of all benchmarks.

    Args:
        what: What was measured.
        ours: What Batchyard takes.
        theirs: What the thing that it is compared with takes.
        ratio: The one to the other.
        asked: The ratio that is asked for; empty where none is.
    """

    what: str
    ours: str
    theirs: str
    ratio: str
    asked: str = ""


@dataclass(frozen=True)
class Result:
    """A table with what is to be known about it, and its part in the table of all benchmarks."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def number(value: float, digits: int = 1) -> str:
    """A figure without needless digits: `1,234`, `12.5`, `3`."""
    return f"{value:,.{digits}f}".removesuffix("." + "0" * digits)


def ratio(value: float) -> str:
    return f"{value:.2f}"


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """A table whose source is as readable as its rendering: first column to the left, the others to the right."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]

    def line(cells: list[str]) -> str:
        padded = [
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + ":" if index else "-" * width for index, width in enumerate(widths)]
    return "\n".join([line(columns), line(rule), *(line(row) for row in rows)])


def show(results: list[Result]) -> None:
    for result in results:
        print(f"\n## {result.title}\n\n{markdown(result.columns, result.rows)}")
        for note in result.notes:
            print(f"\n{note}")


def main(run: Callable[[], list[Result]]) -> None:
    """What each benchmark does when it is run by itself."""
    try:
        show(run())
    except MissingToolError as missing:
        raise SystemExit(f"not measured: {missing}") from missing
