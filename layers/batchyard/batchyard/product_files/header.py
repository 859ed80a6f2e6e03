"""The header of a product file: what stands between two cells, and what each column is.

Names of columns are translated here and nowhere else: what comes behind knows them by our titles.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from batchyard.product_files import dialects, encodings
from batchyard.product_files.columns import PRODUCT_COLUMNS, VARIANT_COLUMNS
from batchyard.product_files.dialects.dialect import Column, Columns, Dialect, Reading, Settings
from batchyard.product_files.encodings import Beginning
from batchyard.product_files.faults import RowError, Unreadable, parsing_failed
from batchyard.product_files.near_titles import near
from batchyard.product_files.reading import BLOCK, HEADER, LARGEST_ROW, Position, Reader

DELIMITERS = (";", ",", "\t")
_OTHER_DELIMITERS = ("|", ":", "^", "~")

MOST_COLUMNS = 2000

LONGEST_TITLE = 1000
"""Characters of a title: none that is known has as many, and a file that is none of rows may begin with one line."""

LARGEST_TITLES = 96 * 1024
"""Bytes of all titles in UTF-8: a job keeps them in its item, those that are left out three times."""

REQUIRED = "Product Handle"
SKU = "Variant SKU"

ERROR_LINE, ERROR_MESSAGE = "Error Line", "Error Message"
"""What a file of rows with errors has behind their own columns; imports leave them out."""

_FIXED = frozenset(column.title for column in (*PRODUCT_COLUMNS, *VARIANT_COLUMNS))
_NUMBERED = re.compile(r"(Option|Image|Sales Channel) ([1-9][0-9]{0,3}) (Name|Value|Url|Id|Description)")
_PARTS: Mapping[str, tuple[str, ...]] = {
    "Option": ("Name", "Value"),
    "Image": ("Url",),
    "Sales Channel": ("Id", "Name", "Description"),
}
_PRICE = re.compile(r"Price (?:([A-Z]{3})|(.+) \[([A-Z]{3})\])", re.DOTALL)

# A mark that was written once more, and the line that tells a spreadsheet what the delimiter is.
_BEFORE_HEADER = re.compile('\ufeff*(?:("?)sep=[;,\t]\\1(?:\r\n|\n|\r|$))?', re.IGNORECASE)
_LONGEST_BEFORE_HEADER = 64


class Numbered(NamedTuple):
    """A column of which a file has as many as it needs.

    Attributes:
        kind: `Option`, `Image` or `Sales Channel`.
        number: Which of them it belongs to, from 1.
        part: What it holds of it: `Name`, `Value`, `Url`, `Id` or `Description`.
    """

    kind: str
    number: int
    part: str


class Header(NamedTuple):
    """The header of a file; JSON takes it as it is, and `Header(*kept)` gives it back.

    Attributes:
        encoding: The codec that reads the file.
        delimiter: What stands between two cells.
        end: The first byte behind it.
        titles: What stands above the columns.
        targets: What each column is called by us; None for one that is left out.
        ignored: The titles of the columns that were left out because somebody said so.
        dialect: The name of the dialect that it is in; None for our own form.
    """

    encoding: str
    delimiter: str
    end: int
    titles: Sequence[str]
    targets: Sequence[str | None]
    ignored: Sequence[str]
    dialect: str | None = None

    @property
    def beginning(self) -> Position:
        """Where the rows begin."""
        return Position(self.end, HEADER)

    def reader(self, blocks: Iterable[bytes], position: Position, *, is_last: bool) -> Reader:
        """Reads rows.

        Args:
            blocks: The bytes of the file from that position on.
            position: Where they begin.
            is_last: The file ends with them.
        """
        return Reader(blocks, self.encoding, self.delimiter, position, is_last=is_last)

    def place(self, target: str) -> int | None:
        """Which column, from 0, a title of ours is; None if the file has none."""
        return self.targets.index(target) if target in self.targets else None

    @property
    def reading(self) -> Reading | None:
        """How the rows of one handle are read in its dialect; None where they say themselves what they mean."""
        if self.dialect is None:
            return None
        return dialects.DIALECTS[self.dialect].reading(Columns(self.titles, self.targets, self.ignored))

    def sku(self, cell: str) -> str:
        """The SKU that a cell means."""
        return cell if self.dialect is None else dialects.DIALECTS[self.dialect].sku(cell)

    def own(self, error: RowError) -> RowError:
        """An error with the title that the file has for the column, where it has one of ours."""
        place = None if error.column is None or error.column in self.titles else self.place(error.column)
        return error if place is None else error._replace(column=self.titles[place])


class _Names(NamedTuple):
    """What tells how the columns of a file are called by us.

    Attributes:
        mapping: What somebody says of them, by their titles; None for one to be left out.
        dialect: The dialect of the file; None for our own form.
        settings: What the dialect's columns depend on.
        context: The context of the job.
        any_of: Columns of ours of which the file must have one.
    """

    mapping: Mapping[str, str | None]
    dialect: Dialect | None
    settings: Settings
    context: Mapping[str, Any]
    any_of: Sequence[str]

    def translated(self, titles: Sequence[str]) -> Mapping[str, Column]:
        """What the dialect makes of columns, apart from those of which somebody says it."""
        if self.dialect is None:
            return {}
        return self.dialect.columns([title for title in titles if title not in self.mapping], self.settings)

    def missing(self, targets: Sequence[str | None]) -> Sequence[str]:
        """The columns that a file must have and has not, in quotes."""
        if self.dialect is None:
            named = " or ".join(f'"{title}"' for title in self.any_of)
            return [] if any(title in targets for title in self.any_of) else [named]
        return self.dialect.missing(targets, self.context)


def numbered(title: str) -> Numbered | None:
    """What a column with a number in its title is; None for another."""
    found = _NUMBERED.fullmatch(title)
    if found is None or found[3] not in _PARTS[found[1]]:
        return None
    return Numbered(found[1], int(found[2]), found[3])


def price(title: str) -> tuple[str, str | None] | None:
    """The currency in lower case, and the region or none, of a column of prices; None for another column."""
    found = _PRICE.fullmatch(title)
    if found is None:
        return None
    return (found[1] or found[3]).lower(), found[2]


def is_known(title: str) -> bool:
    """Whether a column is one of ours."""
    return title in _FIXED or numbered(title) is not None or price(title) is not None


def read_header(
    blocks: Iterable[bytes],
    context: Mapping[str, Any],
    regions: Callable[[], Mapping[str, str]] = dict,
    *,
    any_of: Sequence[str] = (REQUIRED,),
) -> Header:
    """Reads the header of a file.

    Args:
        blocks: The file from its first byte on, or as much of it as a row can have.
        context: The context of the job.
        regions: Gives the currencies of regions, in lower case, by the names of these.
        any_of: Columns of which a file must have one, unless it is in a dialect.

    Raises:
        Unreadable: The file is none of products; all that is the matter with it.
    """
    names = _names(context, regions, any_of)
    data, enough = b"", BLOCK
    for block in blocks:
        data += block
        if len(data) < enough:
            continue
        found = _found(data, names, is_last=False)
        if found is not None:
            return found
        if len(data) > LARGEST_ROW:
            raise Unreadable([parsing_failed(f"The header has more than {LARGEST_ROW} bytes")])
        enough = 2 * len(data)
    found = _found(data, names, is_last=True)
    if found is None:
        raise Unreadable([parsing_failed("The file is empty")])
    return found


def no_rows() -> RowError:
    """What is the matter with a file that ends behind its header."""
    return parsing_failed("There are no data rows in the given csv file")


def _found(data: bytes, names: _Names, *, is_last: bool) -> Header | None:
    """The header in the beginning of a file; None if it is longer than that."""
    begins = _behind_hints(
        data, encodings.beginning(data[: encodings.LONGEST_SIGNATURE], names.context.get("encoding"))
    )
    candidates, failures = [], []
    for delimiter in DELIMITERS:
        try:
            first = _first_row(data, begins, delimiter, is_last=is_last)
        except Unreadable as error:
            failures.append(error)
            continue
        if first is not None:
            titles, end = first
            translated = names.translated(titles)
            known = sum(title in names.mapping or title in translated or is_known(title) for title in titles)
            candidates.append((known, len(titles), delimiter, titles, end))
    if not candidates:
        if failures:
            raise failures[0]
        return None
    if not all(titles for _, _, _, titles, _ in candidates):
        missing = f"Missing column(s) {', '.join(names.missing([]))} from the given csv file"
        raise Unreadable(
            [parsing_failed(missing), parsing_failed("The first row, which must name the columns, is empty")]
        )
    _, _, delimiter, titles, end = max(candidates, key=lambda candidate: candidate[:2])
    targets, ignored = _targets(titles, names)
    dialect = None if names.dialect is None else names.dialect.name
    return Header(begins.encoding, delimiter, end, titles, targets, ignored, dialect)


def _behind_hints(data: bytes, begins: Beginning) -> Beginning:
    """The beginning of a file with what programs write before the header."""
    text = data[begins.size : begins.size + _LONGEST_BEFORE_HEADER].decode(begins.encoding, "ignore")
    hints = _BEFORE_HEADER.match(text)
    return begins if hints is None else begins._replace(size=begins.size + len(hints[0].encode(begins.encoding)))


def _first_row(data: bytes, begins: Beginning, delimiter: str, *, is_last: bool) -> tuple[list[str], int] | None:
    """The cells of the first row and the byte behind it."""
    start = Position(begins.size, HEADER - 1)
    reader = Reader([data[begins.size :]], begins.encoding, delimiter, start, is_last=is_last)
    row = next(iter(reader), None)
    if row is None:
        return None
    # Spreadsheets write delimiters behind the last column.
    while row.cells and not row.cells[-1]:
        row.cells.pop()
    return row.cells, reader.position.byte


def _targets(titles: Sequence[str], names: _Names) -> tuple[list[str | None], list[str]]:
    """What the columns are called by us, and which were left out because somebody said so.

    Raises:
        Unreadable: Some cannot be used, or one is missing.
    """
    if len(titles) > MOST_COLUMNS:
        raise Unreadable([parsing_failed(f"There are {len(titles)} columns, of {MOST_COLUMNS} that can be")])
    if long := [place for place, title in enumerate(titles, 1) if len(title) > LONGEST_TITLE]:
        raise Unreadable(
            parsing_failed(
                f"The title of column {place} has {len(titles[place - 1])} characters, of {LONGEST_TITLE} that can be",
                suggestion="The first row must name the columns",
            )
            for place in long
        )
    if (size := sum(len(title.encode()) for title in titles)) > LARGEST_TITLES:
        raise Unreadable([parsing_failed(f"All titles have {size} bytes, of {LARGEST_TITLES} that can be")])
    mapped = {title: Column(target, target is None) for title, target in names.mapping.items()}
    found: dict[str, Column] = {ERROR_LINE: Column(None), ERROR_MESSAGE: Column(None)}
    found |= {**names.translated(titles), **mapped}
    targets = [found[title].target if title in found else title for title in titles]
    hint = _hint(titles, names)
    errors = list(_problems(dict(zip(titles, targets, strict=True)), names, is_foreign=hint is not None))
    if "" not in names.mapping:
        errors += [_unknown(f"{place} (which has no title)", "") for place, title in enumerate(titles, 1) if not title]
    repeated = [
        title for title, times in Counter(titles).items() if times > 1 and (title or names.mapping.get("") is not None)
    ]
    errors += [parsing_failed(f"Column {title} comes twice in the given csv file", column=title) for title in repeated]
    if errors:
        raise Unreadable([*errors, hint] if hint else errors)
    return targets, list(dict.fromkeys(title for title in titles if title in found and found[title].is_ignored))


def _problems(targets: Mapping[str, str | None], names: _Names, *, is_foreign: bool) -> Iterator[RowError]:
    """What is the matter with the columns of a file, by what each of them is called by us.

    Args:
        is_foreign: The file looks like one of another shop, so that nothing is suggested for a single column.
    """
    # What is translated is one of ours then.
    unknown = [title for title, target in targets.items() if target is not None and not is_known(target)]
    suggestions = {} if is_foreign else {title: _suggestion(title, targets, names) for title in unknown}
    missing = names.missing(list(targets.values()))
    if missing:
        no_titles = len(unknown) == len(targets) and not is_foreign and not any(suggestions.values())
        why = f"Missing column(s) {', '.join(missing)} from the given csv file"
        yield parsing_failed(why, suggestion="The first row must name the columns" if no_titles else None)
    for title in filter(None, unknown):
        yield _unknown(title, title, suggestions.get(title))
    sources: dict[str, list[str]] = {}
    for title, target in targets.items():
        if target is not None:
            sources.setdefault(target, []).append(title)
    for target, found in sources.items():
        if len(found) > 1:
            yield parsing_failed(f"Columns {' and '.join(found)} are both mapped to {target}")
    for title in names.mapping:
        if title not in targets:
            yield parsing_failed(f"Column {title} of context.mapping is not in the given csv file", column=title)


def _unknown(named: str, title: str, suggestion: str | None = None) -> RowError:
    why = f"Unable to treat column {named} from the csv file. No target column found in the provided schema"
    return parsing_failed(why, column=title, suggestion=suggestion)


def _suggestion(title: str, targets: Mapping[str, str | None], names: _Names) -> str | None:
    """What an unknown column may be meant for; where it is the only one, what may be the matter with the file."""
    others = () if names.dialect is None else names.dialect.titles
    if len(targets) == 1:
        for sign in (*DELIMITERS, *_OTHER_DELIMITERS):
            parts = title.split(sign)
            if len(parts) > 1 and any(is_known(part) or near(part, others) for part in parts):
                quoted = "Each row as a whole is in quotes: only cells can be"
                return quoted if sign in DELIMITERS else f"Separate columns by ; or , or a tab, not by {sign}"
    found = near(title, others)
    return None if found in targets else found


def _hint(titles: Sequence[str], names: _Names) -> RowError | None:
    """What to set for a file that looks like one of another shop, where nothing or something else is set."""
    found = None if names.mapping else dialects.resembled(titles)
    if found is None or found is names.dialect:
        return None
    return parsing_failed(
        f'The file looks like a product export of {found.shop}: set context.dialect to "{found.name}", '
        "or name its columns in context.mapping"
    )


def _names(
    context: Mapping[str, Any], regions: Callable[[], Mapping[str, str]], any_of: Sequence[str] = (REQUIRED,)
) -> _Names:
    """What the context says of the columns.

    Raises:
        Unreadable: It says what cannot be.
    """
    dialect = dialects.chosen(context)
    settings = Settings("", regions) if dialect is None else dialects.settings(dialect, context, cache(regions))
    return _Names(_mapping(context), dialect, settings, context, any_of)


def _mapping(context: Mapping[str, Any]) -> Mapping[str, str | None]:
    """`context.mapping`.

    Raises:
        Unreadable: It is none.
    """
    found = context.get("mapping")
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(value is None or isinstance(value, str) for value in found.values()):
        raise Unreadable([parsing_failed("mapping must be an object of titles of columns, or null")])
    unknown = {title: target for title, target in found.items() if target is not None and not is_known(target)}
    if unknown:
        raise Unreadable(
            parsing_failed(
                f"{target or '""'} in context.mapping is no column of product files",
                column=title,
                suggestion=_target_for(title, target),
            )
            for title, target in unknown.items()
        )
    return found


def _target_for(title: str, target: str) -> str | None:
    """What a column may be mapped to instead of something that is no column of ours."""
    if not target.strip():
        return "null leaves a column out"
    return "A mapping is from titles of the file to ours" if is_known(title) else near(target)
