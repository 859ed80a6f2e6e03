"""GS1 element strings: Application Identifiers with their values (GS1 General Specifications, sections 3 and 4.14)."""

from collections.abc import Iterable
from urllib.parse import unquote

type Element = tuple[str, str]
"""An Application Identifier and its value: `("10", "L1")`."""

# Their values have a predefined length, so that readers need no separator after them.
_PREDEFINED = frozenset({"01", "11", "13", "15", "17"})


def elements_of(link: str, domain: str) -> list[Element]:
    """What a GS1 Digital Link says, in its order.

    Args:
        link: An uncompressed link, as `batchyard.gs1.digital_link` makes them.
        domain: What stands before its first Application Identifier, without a slash at the end.
    """
    path, _, query = link.removeprefix(domain).partition("?")
    parts = path.split("/")[1:]
    pairs = zip(parts[::2], parts[1::2], strict=True)
    attributes = (attribute.split("=", 1) for attribute in query.split("&") if attribute)
    return [(name, unquote(value)) for name, value in (*pairs, *attributes)]


def predefined_first(elements: Iterable[Element]) -> list[Element]:
    """The elements in the order for element strings: those of predefined length first, which saves separators."""
    return sorted(elements, key=lambda element: element[0] not in _PREDEFINED)


def interpretation(elements: Iterable[Element]) -> list[str]:
    """What people read beside a symbol, a line for each element: its Application Identifier in parentheses."""
    return [f"({name}){value}" for name, value in elements]
