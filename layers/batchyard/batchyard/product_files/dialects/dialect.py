"""What a dialect is: a table of columns, and what becomes of the rows of one handle before they are read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from batchyard.catalogue.rules import Scalar
from batchyard.product_files.faults import RowError
from batchyard.product_files.reading import Row


class Settings(NamedTuple):
    """What the names of a dialect's columns depend on.

    Attributes:
        currency: The currency of the file's prices, in lower case; empty where its columns name it.
        regions: Gives the currencies of regions, in lower case, by the names of these.
    """

    currency: str
    regions: Callable[[], Mapping[str, str]]


class Column(NamedTuple):
    """What becomes of a column.

    Attributes:
        target: What it is called by us; None where it is called nothing.
        is_ignored: It is left out, and told to be.
    """

    target: str | None
    is_ignored: bool = False


IGNORED = Column(None, is_ignored=True)
READ_WITH_OTHERS = Column(None)
"""A column that has no name of ours, since its cells say how those of another one are read."""


class Columns(NamedTuple):
    """The columns of a file.

    Attributes:
        titles: What stands above them.
        targets: What each is called by us; None for one that is left out.
        ignored: The titles of those that are told to be left out.
    """

    titles: Sequence[str]
    targets: Sequence[str | None]
    ignored: Sequence[str]

    def place(self, target: str) -> int | None:
        """Which column, from 0, a title of ours is; None if the file has none."""
        return self.targets.index(target) if target in self.targets else None

    def place_of_title(self, titles: Collection[str]) -> int | None:
        """The first column of one of these titles that is called nothing by us, and not left out by that."""
        for place, title in enumerate(self.titles):
            if title in titles and self.targets[place] is None and title not in self.ignored:
                return place
        return None


class Told(NamedTuple):
    """A row as a file of our own form would have it, and what that form has no cells for.

    Attributes:
        row: The row, with its cells where they were.
        errors: What is the matter with it.
        notices: The kinds of what is worth telling of it.
        is_of_images: It has images of its product, and is about no variant.
        variant: Plain values of the variant.
        new_variant: Plain values of the variant, if it is a new one.
        images: All images of the product, with its thumbnail first; None where the row does not say.
    """

    row: Row
    errors: Sequence[RowError] = ()
    notices: Sequence[str] = ()
    is_of_images: bool = False
    variant: Mapping[str, Scalar] = {}
    new_variant: Mapping[str, Scalar] = {}
    images: tuple[str, ...] | None = None


type Reading = Callable[[Sequence[Row]], Sequence[Told]]
"""What the rows of one handle say, given all of them in the order of their lines."""


def as_is(cell: str) -> str:
    """A cell that means what it says."""
    return cell


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the files of another shop are read.

    Args:
        name: What `context.dialect` calls it.
        shop: What people call it.
        signature: Columns that no other kind of file has.
        columns: What becomes of those columns, of some, that are the shop's, by their titles.
        missing: What the shop calls the columns that a file must have and has not, given what its columns are called by
            us, and the context of the job.
        reading: How the rows of a file are read that has some columns.
        sku: The SKU that a cell means.
        titles: Its columns, to be suggested for what is written otherwise.
        needs_currency: Its columns do not name the currency of prices.
    """

    name: str
    shop: str
    signature: frozenset[str]
    columns: Callable[[Sequence[str], Settings], Mapping[str, Column]]
    missing: Callable[[Collection[str | None], Mapping[str, Any]], Sequence[str]]
    reading: Callable[[Columns], Reading]
    sku: Callable[[str], str] = as_is
    titles: Sequence[str] = ()
    needs_currency: bool = False
