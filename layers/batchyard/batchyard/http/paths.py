"""The one rule by which paths are read: as sent everywhere, and decoded once, where a name is taken out of one.

A path as sent has the characters of a URI alone, everything else as percent-encoded UTF-8 (RFC 3986). So no pattern
that a path is matched against needs to know of line ends or of any alphabet.

Why: docs/decisions.md#paths-are-decoded-once
"""

from urllib.parse import quote, unquote

from batchyard.errors import NotFound

_OF_PATHS = "!$&'()*+,;=:@/%"


def as_sent(path: str) -> str:
    """A path as a client sends it, whoever undid some of its escapes, or left them out."""
    # Half of a surrogate pair then is no UTF-8, as which `decoded` finds nothing under it.
    return quote(path, safe=_OF_PATHS, errors="surrogatepass")


def decoded(part: str) -> str:
    """What a part of a path, as sent, stands for. What looks like an escape in that is none.

    Raises:
        NotFound: It is no UTF-8, so nothing has that name; nor has anything U+FFFD in its name, which stands for that.
    """
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise NotFound from None
    if "\ufffd" in text:
        raise NotFound
    return text
