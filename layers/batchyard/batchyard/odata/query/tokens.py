"""The words and marks of a query option's value.

Time is linear in the length of the text, whatever it is: each token is matched once, possessively, and what is too long
is refused before.
"""

import re

from batchyard.echoes import echo
from batchyard.odata.query.errors import MalformedQuery

LONGEST = 32_768
"""Characters of one option's value, at most."""

CUT_SHORT = 'In a URL, ";" is written as "%3B", and "&" as "%26".'
"""Why a value may end too early: an ampersand ends a parameter, and at API Gateway a semicolon does."""

NAME, TEXT, TYPED, NUMBER, MOMENT, GUID, MARK, END = "name", "text", "typed", "number", "moment", "guid", "mark", "end"
"""Kinds of tokens; a typed one is a name with a quoted text: `guid'…'`."""

_LITERALS = frozenset({TEXT, TYPED, NUMBER, MOMENT, GUID})
_OTHER_QUOTES = (
    '"\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}'
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
)
_BLANKS = re.compile(r"[ \t\r\n]*+")
_TEXT = r"'(?:[^']|'')*+'"
_TOKEN = re.compile(
    rf"(?P<{GUID}>[0-9A-Fa-f]{{8}}(?:-[0-9A-Fa-f]{{4}}){{3}}-[0-9A-Fa-f]{{12}}(?!\w))"
    # The blank before a zone was a plus that was not encoded.
    rf"|(?P<{MOMENT}>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,12}+)?+)?+(?:Z|[+ -][0-9]{2}:[0-9]{2})?+)?+)"
    # M, L, F and D tell the type in OData 2 and 3.
    rf"|(?P<{NUMBER}>[+-]?+[0-9]++(?:\.[0-9]++)?+(?:E[+-]?+[0-9]++)?+[MLFD]?+)"
    rf"|(?P<{TEXT}>{_TEXT})"
    rf"|(?P<{NAME}>\$?+[^\W\d]\w*+(?:\.[^\W\d]\w*+)*+)(?P<{TYPED}>{_TEXT})?+"
    rf"|(?P<{MARK}>[(),:/;=*])",
    re.IGNORECASE,
)

_JOINED = re.compile(r"(?:and|or)[ (]", re.IGNORECASE)


class Scanner:
    """Goes through a text token by token; `kind`, `text` and `start` are those of the present one.

    Args:
        option: The option's name, for errors.
        value: The option's value, percent-decoded.

    Raises:
        MalformedQuery: The text is too long, or does not begin with a token.
    """

    def __init__(self, option: str, value: str) -> None:
        self.option = option
        self.kind = END
        self.text = ""
        self.start = 0
        self._value = value
        self._position = 0
        if len(value) > LONGEST:
            raise MalformedQuery(option, f"It has at most {LONGEST:,} characters.")
        if (lost := value.find("\ufffd")) >= 0:
            raise MalformedQuery(option, "A URL is UTF-8: U+FFFD stands where bytes were something else.", lost + 1)
        self.advance()

    def advance(self) -> None:
        """Goes to the next token.

        Raises:
            MalformedQuery: There is something else.
        """
        blanks = _BLANKS.match(self._value, self._position)
        self.start = blanks.end() if blanks else self._position
        if self.start == len(self._value):
            self.kind, self.text, self._position = END, "", self.start
            return
        found = _TOKEN.match(self._value, self.start)
        if found is None:
            raise self.unreadable()
        self.kind, self.text, self._position = found.lastgroup or END, found[0], found.end()
        if self.kind in _LITERALS and self._position < len(self._value):
            self._must_end()

    def is_mark(self, mark: str) -> bool:
        """Whether the present token is this mark."""
        return self.kind == MARK and self.text == mark

    def is_word(self, word: str) -> bool:
        """Whether the present token is this name, in any case."""
        return self.kind == NAME and self.text.lower() == word

    def take(self, mark: str) -> bool:
        """Passes over a mark where it stands here; whether it did."""
        if self.is_mark(mark):
            self.advance()
            return True
        return False

    def expect(self, mark: str) -> None:
        """Passes over a mark.

        Raises:
            MalformedQuery: Something else stands here.
        """
        if not self.take(mark):
            raise self.unexpected(f'"{mark}"')

    def refused(self, reason: str, start: int | None = None) -> MalformedQuery:
        """An error about the present token, or about what starts at another offset."""
        return MalformedQuery(self.option, reason, (self.start if start is None else start) + 1)

    def unexpected(self, wanted: str) -> MalformedQuery:
        """An error that says what should stand instead of the present token."""
        given = "the end" if self.kind == END else f'"{echo(self.text)}"'
        return self.refused(f"There should be {wanted} instead of {given}.")

    def unreadable(self) -> MalformedQuery:
        """An error about a character that no token begins with."""
        character = self._value[self.start]
        if character == "'":
            return self.refused(f"The string that begins here does not end. {CUT_SHORT}")
        if character in _OTHER_QUOTES:
            return self.refused(f"{character} cannot stand here: strings are in single quotes.")
        if character in "+-":
            return self.refused("Arithmetic is not supported.")
        return self.refused(f'"{character}" cannot stand here.')

    def _must_end(self) -> None:
        following = self._value[self._position]
        if not (following.isalnum() or following in "_.'"):
            return
        # Clients that put conditions together forget the blank. Behind a string it could be one with a lone quote.
        if self.kind in (NUMBER, MOMENT) and _JOINED.match(self._value, self._position):
            return
        if self.kind in (TEXT, TYPED):
            raise self.refused(
                "A string must not go on behind its end; within a string a quote is written twice.", self._position - 1
            )
        raise self.refused(f'"{echo(self.text + following)}…" is no value.')
