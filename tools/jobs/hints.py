"""Errors of files in the words of whoever has the sheet open, and what to do about them with this client."""

import re
from collections.abc import Iterator

from tools.jobs.job import Job

# Its own words are those that programs know.
_PLAINER = (
    (r"^The csv file parsing failed due to: ", ""),
    (r"^Unable to treat column (.+) from the csv file\. No target column found in .*$", r"The column \1 is not known"),
    (r'^Missing column\(s\) "(.+)" from the given csv file$', r"The column \1 is missing"),
    (r'^No value found for target column "(.+)" in line \d+ of the given csv file$', r"\1 is empty"),
    (r" in line \d+ of the given csv file$", ""),
    (r" from the csv file$| in the given csv file$", ""),
    (r" \(see context\.\w+\)", ""),
    (r": set context\.(dialect|encoding) to .*$", ""),
)

_DIALECT = re.compile(r'set context\.dialect to "([\w-]+)"')

_MATCH = "If these products are to be changed, not added, import with --match handle."

_HINTS = (
    (
        r"Unable to treat column",
        "Rename the columns that are not known as the file of an export has them, or say what they are with --mapping.",
    ),
    (r"Missing column\(s\)", "Every file needs the column Product Handle; the file of an export shows all there are."),
    (r"comes twice in the given csv file", "Remove one of the two columns, or rename it."),
    (r"context\.encoding to (?P<one>[\w-]+)", "Add --encoding {one}."),
    (
        r"not (valid )?(text in )?UTF-8",
        "Save it as CSV UTF-8 in the spreadsheet, or add --encoding cp1252 for a file that Excel saved.",
    ),
    (r"not a csv file", "Save the sheet as CSV first: in Excel, File, Save As, CSV UTF-8."),
    (r"context\.mapping", "Correct the file of --mapping: the titles on its left must be in the header of this file."),
    (r"already belongs to another product", _MATCH),
    (r"is no amount of", "Amounts are digits with a decimal point and nothing else: 19.90, not 19,90 or € 19.90."),
    (r"is neither true nor false", "Cells that say yes or no must be true or false."),
    (
        r"region .* that doesn't exist",
        "Prices of a region need one of its name in the catalogue, or its column removed.",
    ),
    (r"collection with handle", "Collections must be in the catalogue before: name one that is, or empty the cell."),
)


def plain(message: str) -> str:
    """A message without what only programs need."""
    for pattern, words in _PLAINER:
        message = re.sub(pattern, words, message)
    return message


def hints(job: Job) -> Iterator[str]:
    """What to do about the errors of a job, each thing once."""
    messages = [str(error.get("message", "")) for error in job.errors]
    dialect = next((found for message in messages if (found := _DIALECT.search(message))), None)
    if dialect is not None:
        # All else that is wrong comes from that.
        currency = " --currency eur (the one of its prices)" if dialect[1] == "shopify" else ""
        yield f"It looks like a file of another shop: add --dialect {dialect[1]}{currency}, or --mapping."
        return
    for pattern, hint in _HINTS:
        found = next((match for message in messages if (match := re.search(pattern, message))), None)
        if found is not None and not (hint is _MATCH and job.context.get("match")):
            yield hint.format(**found.groupdict())
