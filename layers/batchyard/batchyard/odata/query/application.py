"""Options applied to rows that are all there: what a navigation leads to, or a small entity set."""

from collections.abc import Iterable
from typing import NamedTuple

from batchyard.odata.query.evaluation import Row, order_key, predicate
from batchyard.odata.query.options import Options


class Applied(NamedTuple):
    """What options leave of rows.

    Attributes:
        rows: The rows, in order.
        total: How many there are without `top` and `skip`.
    """

    rows: list[Row]
    total: int


def applied(options: Options, rows: Iterable[Row]) -> Applied:
    """Filters, orders and cuts rows.

    Args:
        options: What is asked; `select` and `expand` are not about rows but about what is shown of them.
        rows: The rows, in the order that they have where none is asked for, or among equals.
    """
    found = list(rows if options.filter is None else filter(predicate(options.filter), rows))
    # The least important first: sorting keeps the order of equals.
    for order in reversed(options.orderby):
        found.sort(key=order_key(order.expression), reverse=order.descending)
    start = options.skip or 0
    return Applied(found[start:] if options.top is None else found[start : start + options.top], len(found))
