"""Errors of files in the words of whoever has the sheet open, and what to do about them with this client."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.jobs.job import Job

# Its own words are those that programs know.
_PLAINER = (
    (r"^The csv file parsing failed due to: ", ""),
    (
        r"^Column (.+) of context\.mapping is not in the given csv file$",
        r"The mapping names \1, which the file has not",
    ),
    (r"^(.+) in context\.mapping is no column of product files$", r"The mapping names \1, which is no column of ours"),
    (r"^Unable to treat column (.+) from the csv file\. No target column found in .*$", r"The column \1 is not known"),
    (r'^Missing column\(s\) "(.+)" from the given csv file$', r"The column \1 is missing"),
    (r'^No value found for target column "(.+)" in line \d+ of the given csv file$', r"\1 is empty"),
    (r" in line \d+ of the given csv file$", ""),
    (r" from the csv file$| in the given csv file$", ""),
    (r" \(see context\.\w+\)", ""),
    (r": set context\.(dialect|encoding) to .*$", ""),
    (r"\bcontext\.(?=\w)", "--"),
    (r"^Product Handle (.+) of product .+ already belongs to another product .*$", r"There is a product \1 already"),
    (r"^Trying to set a price for a region (.+) that doesn't exist$", r"There is no region \1"),
    (r"^Trying to set a price in a currency (.+) that doesn't exist$", r"There is no currency \1"),
    (
        r"^Trying to set a price in (\w+) for a region (.+) that has (\w+)$",
        r"The region \2 has prices in \3, not in \1",
    ),
)

_DIALECT = re.compile(r'set context\.dialect to "([\w-]+)"')

_MATCH = "If these products are to be changed, not added, import with --match handle."

_SKU = "A SKU belongs to one product: give this variant another one, or empty the cell."

_HINTS = (
    (
        r"Unable to treat column",
        "Rename the columns that are not known as the file of an export has them, or say what they are with --mapping.",
    ),
    (r"Missing column\(s\)", "Every file needs the column Product Handle; the file of an export shows all there are."),
    (r"comes twice in the given csv file", "Remove one of the two columns, or rename it."),
    (r"context\.encoding to (?P<one>utf-\w+)", "Add --encoding {one}."),
    (r"context\.encoding to its own", "Leave --encoding out, or give the one that the file was saved in."),
    (
        r"not (valid )?(text in )?UTF-8",
        "Save it as CSV UTF-8 in the spreadsheet, or add --encoding cp1252 for a file that Excel saved.",
    ),
    (r"control character of ISO-8859", "Give --encoding cp1252: that is what programs of Windows save."),
    (r"not a csv file", "Save the sheet as CSV first: in Excel, File, Save As, CSV UTF-8."),
    (
        r"context\.mapping (is not in|is no column)",
        "Correct the file of --mapping: titles on its left are in the header of this file, those on its right in the "
        "one of an export.",
    ),
    (
        r"No value found for target column",
        "Each row needs the handle of its product: rows of one handle are the variants of one product.",
    ),
    (
        r"\d+ cells found for \d+ columns",
        "A row has more cells than the header: text that has the separator in it must stand in quotes.",
    ),
    (
        r"closing quote of a cell|quote is never closed",
        "Text with quotes in it stands in quotes, and each of its own comes twice: a spreadsheet saves it like that.",
    ),
    (r"^Product Handle .* already belongs to another product", _MATCH),
    (r"^Variant SKU .* (already belongs to another product|is already in line)", _SKU),
    (
        r"^(Product|Variant) with id: .* was not found",
        "IDs are those of this catalogue's exports: remove these columns. With --match handle, products that are there "
        "are found by their handles.",
    ),
    (r"is no amount of", "Amounts are digits with a decimal point and nothing else: 19.90, not 19,90 or € 19.90."),
    (r"is no number \(", "Weights and measures are digits without a unit: 0.5, not 0,5 or 500 g."),
    (r"is neither true nor false", "Cells that say yes or no must be true or false."),
    (
        r"region .* that doesn't exist",
        "Prices of a region need one of its name in the catalogue, or its column removed.",
    ),
    (
        r"collection with handle|Sales channel with",
        "Collections and sales channels must be there before: name one that is, or empty the cell.",
    ),
)


def plain(message: str) -> str:
    """A message without what only programs need."""
    for pattern, words in _PLAINER:
        message = re.sub(pattern, words, message)
    return message


def told(error: Mapping[str, Any]) -> str:
    """What an error says, with what it suggests."""
    suggestion = str(error.get("suggestion") or "")
    message = plain(str(error.get("message", "")))
    # What is to be set with the API is a hint here.
    return f"{message} → {suggestion}" if suggestion and "context." not in suggestion else message


def hints(job: Job) -> Iterator[str]:
    """What to do about the errors of a job, each thing once."""
    messages = [str(error.get("message", "")) for error in job.errors]
    dialect = next((found for message in messages if (found := _DIALECT.search(message))), None)
    if dialect is not None:
        # All else that is wrong comes from that.
        currency = " --currency eur (the one of its prices)" if dialect[1] == "shopify" else ""
        yield f"It looks like a file of another shop: add --dialect {dialect[1]}{currency}, or --mapping."
        return
    told = set()
    for pattern, hint in _HINTS:
        found = next((match for message in messages if (match := re.search(pattern, message))), None)
        # Of products that are there already, so are the SKUs.
        if found is None or (hint is _MATCH and job.context.get("match")) or (hint is _SKU and _MATCH in told):
            continue
        told.add(hint)
        yield hint.format(**found.groupdict())
