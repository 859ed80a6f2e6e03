"""Which column of ours a title is meant for that is none: written in another case, with other blanks, or cut short.

Neither columns nor other names are ever taken for others: this is what an error suggests.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property

from batchyard.catalogue import currencies
from batchyard.product_files.columns import PRODUCT_COLUMNS, VARIANT_COLUMNS

_LONGEST = 300

_OTHERS = re.compile(r"[\W_]+")
_NUMBERED = re.compile(
    r"(?:product|variant)?(option|image|saleschannel)([1-9][0-9]{0,3})?(name|value|id|description|url|src)?"
)
_KINDS = {"option": "Option", "image": "Image", "saleschannel": "Sales Channel"}
_PARTS: Mapping[str, Mapping[str | None, str]] = {
    "option": {"name": "Name", "value": "Value"},
    "image": {"url": "Url", "src": "Url", None: "Url"},
    "saleschannel": {"name": "Name", "id": "Id", "description": "Description"},
}
_PRICE = re.compile(r"\W*(?:variant\W+|product\W+)?price[\W_]+(?:(.*\w.*) \[(\w{3})\]|\W*(\w{3}))\W*", re.IGNORECASE)


def _letters(title: str) -> str:
    """What is the same of titles that look alike: letters and digits, in one case and form."""
    return _OTHERS.sub("", unicodedata.normalize("NFKC", title).casefold())


@cache
def _ours() -> Mapping[str, str]:
    """Our columns by the letters of their titles, with and without their first word."""
    titles = [column.title for column in (*PRODUCT_COLUMNS, *VARIANT_COLUMNS)]
    short = {title: title.partition(" ")[2] for title in titles}
    # What products and variants both have is not known without it.
    times = Counter(short.values())
    found = {_letters(short[title]): title for title in titles if times[short[title]] == 1}
    return found | {_letters(title): title for title in titles}


def near(title: str, others: Iterable[str] = ()) -> str | None:
    """The column that a title is meant for; None where that is not clear.

    Args:
        others: Titles of another shop's files, which come before ours.
    """
    if len(title) > _LONGEST:
        return None
    letters = _letters(title)
    theirs = next((other for other in others if _letters(other) == letters), None)
    return theirs or _ours().get(letters) or _near_numbered(letters) or _near_price(title)


class Names:
    """Names that others may be meant for."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = known

    def near(self, name: str) -> str | None:
        """The one that a name is meant for; None where none or several are."""
        found = self._by_letters.get(_letters(name[:_LONGEST]), ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def _by_letters(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for name in self._known:
            if letters := _letters(name):
                found.setdefault(letters, []).append(name)
        return found


def _near_numbered(letters: str) -> str | None:
    found = _NUMBERED.fullmatch(letters)
    part = None if found is None else _PARTS[found[1]].get(found[3])
    return None if found is None or part is None else f"{_KINDS[found[1]]} {found[2] or 1} {part}"


def _near_price(title: str) -> str | None:
    found = _PRICE.fullmatch(unicodedata.normalize("NFKC", title))
    if found is None:
        return None
    currency = (found[2] or found[3]).upper()
    if currencies.digits(currency) is None:
        return None
    return f"Price {currency}" if found[1] is None else f"Price {found[1]} [{currency}]"
