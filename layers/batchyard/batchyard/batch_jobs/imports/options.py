"""What the context of an import says, apart from what concerns the form of its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchyard.batch_jobs.selection import Unfit, flag


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is imported.

    Args:
        skip: Products with errors are left out, and the others imported.
        match: Products are found by their handles, variants by what tells them apart.
        quantities: Inventory quantities are set.
        escape_formulas: Apostrophes before formulas are taken away.
    """

    skip: bool = False
    match: bool = False
    quantities: bool = True
    escape_formulas: bool = False


def options(context: Mapping[str, Any]) -> Options:
    """The options of a job.

    Raises:
        Unfit: One has a value that it cannot have.
    """
    return Options(
        skip=_one_of(context, "on_error", "fail", "skip") == "skip",
        match=_one_of(context, "match", None, "handle") == "handle",
        quantities=_one_of(context, "quantities", "set", "ignore") == "set",
        escape_formulas=flag(context, "escape_formulas"),
    )


def _one_of(context: Mapping[str, Any], name: str, otherwise: str | None, *others: str) -> Any:
    found = context.get(name, otherwise)
    allowed = [value for value in (otherwise, *others) if value is not None]
    if found is not None and found not in allowed:
        raise Unfit(f"{name} must be {' or '.join(allowed)}, or left out")
    return found
