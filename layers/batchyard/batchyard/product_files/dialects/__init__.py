"""Files as other shops export them: what their columns are called by us, and what their rows mean.

A dialect only reads. It is never guessed: the context of a job names it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from batchyard.catalogue import currencies
from batchyard.product_files.dialects.dialect import Dialect, Settings
from batchyard.product_files.dialects.medusa import MEDUSA_V2
from batchyard.product_files.dialects.shopify import SHOPIFY
from batchyard.product_files.faults import Unreadable, parsing_failed

DIALECTS: Mapping[str, Dialect] = {dialect.name: dialect for dialect in (SHOPIFY, MEDUSA_V2)}

_SIGNATURE = 3
"""Columns that no other kind of file has, of which so many tell what a file looks like."""


def chosen(context: Mapping[str, Any]) -> Dialect | None:
    """The dialect that the context of a job names; None for a file of our own form.

    Raises:
        Unreadable: It names none that is known.
    """
    name = context.get("dialect")
    if name is None:
        return None
    if not isinstance(name, str) or name not in DIALECTS:
        raise Unreadable([parsing_failed(f"context.dialect must be {' or '.join(DIALECTS)}, or left out")])
    return DIALECTS[name]


def settings(dialect: Dialect, context: Mapping[str, Any], regions: Callable[[], Mapping[str, str]]) -> Settings:
    """What the names of its columns depend on.

    Args:
        context: The context of the job.
        regions: Gives the currencies of regions, in lower case, by the names of these.

    Raises:
        Unreadable: The context lacks the currency that the file does not name, or has none that is one.
    """
    if not dialect.needs_currency:
        return Settings("", regions)
    currency = context.get("currency")
    if currency is None:
        why = f'context.currency must say what the prices are in, as "eur": files of {dialect.shop} do not'
        raise Unreadable([parsing_failed(why)])
    if not isinstance(currency, str) or currencies.digits(currency) is None:
        raise Unreadable([parsing_failed('context.currency must be a code of ISO 4217, as "eur"')])
    return Settings(currency.lower(), regions)


def resembled(titles: Iterable[str]) -> Dialect | None:
    """The dialect that a file looks like; None for none."""
    found = frozenset(titles)
    return next((one for one in DIALECTS.values() if len(one.signature & found) >= _SIGNATURE), None)
