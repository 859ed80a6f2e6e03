"""Where commands write what people read."""

from rich.console import Console

WIDTH = 120
"""Columns where nobody watches: a table must not depend on a width that nobody has."""


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error, which takes texts as they are."""
    out = Console(stderr=stderr, highlight=False, markup=False)
    return out if out.is_terminal else Console(stderr=stderr, highlight=False, markup=False, width=WIDTH)
