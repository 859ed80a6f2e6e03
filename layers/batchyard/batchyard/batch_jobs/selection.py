"""Which products a job is about, and in which order: what its context says, read strictly. No store, no HTTP."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batchyard.batch_jobs.rules import JobError
from batchyard.catalogue.rules import STATUSES, Product

ORDERS: Mapping[str, Callable[[Product], str | int]] = {
    "created_at": lambda product: product.created,
    "updated_at": lambda product: product.updated,
    "id": lambda product: product.id,
    "handle": lambda product: product.handle,
    "title": lambda product: str(product.fields.get("title", "")),
}
"""What products can be ordered by; where they are equal, their IDs decide."""

MOST_VALUES = 10_000
"""Values of one filter."""

_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "lt": lambda value, bound: value < bound,
    "gt": lambda value, bound: value > bound,
    "lte": lambda value, bound: value <= bound,
    "gte": lambda value, bound: value >= bound,
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DATE = 64
_SECONDS = re.compile(r"\d{1,12}(\.\d{1,6})?")
_LARGEST_SECOND = 253_402_300_799


class Unfit(Exception):
    """A context cannot be worked with.

    Args:
        message: Why, in a sentence.
        code: Of which kind that is.
    """

    def __init__(self, message: str, code: str = "invalid_data") -> None:
        super().__init__(message)
        self.error = JobError(code, message)


@dataclass(frozen=True, slots=True)
class Selection:
    """Some products of the catalogue, in an order.

    Args:
        lists: Values of fields of which a product has one, by `_LISTS`; for `tags` it may have several.
        dates: For `created_at` and `updated_at`, bounds by `lt`, `gt`, `lte` and `gte`, in microseconds.
        order: One of `ORDERS`.
        descending: They come in the opposite order; ties do not.
        skip: How many of the first are left out.
        take: How many are taken at most; None for all.
    """

    lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dates: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    order: str = "created_at"
    descending: bool = False
    skip: int = 0
    take: int | None = None

    @property
    def is_limited(self) -> bool:
        """Whether it leaves out products only for where they stand."""
        return self.skip > 0 or self.take is not None

    @property
    def keys(self) -> tuple[str, frozenset[str]] | None:
        """By which key products can be found one by one, and its values: `id` or `handle`; None where by none."""
        return next(((name, self.lists[name]) for name in ("id", "handle") if name in self.lists), None)

    def has(self, product: Product, collections: Mapping[str, str]) -> bool:
        """Whether a product is one of them, wherever it stands.

        Args:
            collections: IDs of collections by their handles.
        """
        return all(
            not values.isdisjoint(_LISTS[name](product, collections)) for name, values in self.lists.items()
        ) and all(
            _COMPARED[operator](int(ORDERS[name](product)), bound)
            for name, bounds in self.dates.items()
            for operator, bound in bounds.items()
        )

    def place(self, product: Product) -> str | int:
        """What a product is ordered by."""
        return ORDERS[self.order](product)


_LISTS: Mapping[str, Callable[[Product, Mapping[str, str]], Sequence[str]]] = {
    "id": lambda product, _: [product.id],
    "handle": lambda product, _: [product.handle],
    "title": lambda product, _: [str(product.fields.get("title", ""))],
    "status": lambda product, _: [product.status],
    "collection_id": lambda product, ids: [ids.get(str(product.fields.get("collection")), "")],
    "tags": lambda product, _: product.tags,
    "type_id": lambda product, _: [str(product.fields.get("type", ""))],
}


def selection(context: Mapping[str, Any]) -> Selection:
    """The products that a job's context asks for.

    Raises:
        Unfit: It cannot be understood.
    """
    filters = _object(context, "filterable_fields")
    lists, dates = {}, {}
    for name, value in filters.items():
        if name in _LISTS:
            lists[name] = _values(name, value)
        elif name in ("created_at", "updated_at"):
            dates[name] = _bounds(name, value)
        else:
            raise Unfit(
                f"filterable_fields has no {name}: there are {', '.join([*_LISTS, 'created_at', 'updated_at'])}"
            )
    if unknown := sorted(lists.get("status", frozenset()) - set(STATUSES)):
        raise Unfit(f"status {unknown[0]} is none of {', '.join(STATUSES)}")
    config = _object(context, "list_config")
    order, descending = _order(context.get("order") or config.get("order"))
    skips = [_count(where, name) for where, name in ((context, "offset"), (config, "skip"))]
    takes = [_count(where, name) for where, name in ((context, "limit"), (config, "take"), (context, "batch_size"))]
    return Selection(
        lists=lists,
        dates=dates,
        order=order,
        descending=descending,
        skip=max((one for one in skips if one is not None), default=0),
        take=min((one for one in takes if one is not None), default=None),
    )


def flag(context: Mapping[str, Any], name: str) -> bool:
    """What a context says yes or no to; no where it says nothing.

    Raises:
        Unfit: It says something else.
    """
    found = context.get(name)
    if found is not None and not isinstance(found, bool):
        raise Unfit(f"{name} must be true or false, or left out")
    return found is True


def _object(where: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = where.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise Unfit(f"{name} must be an object")
    return found


def _count(where: Mapping[str, Any], name: str) -> int | None:
    found = where.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise Unfit(f"{name} must be an integer from 0")
    return found


def _values(name: str, value: Any) -> frozenset[str]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Unfit(f"{name} must be a string or a list of strings")
    if len(found) > MOST_VALUES:
        raise Unfit(f"{name} has {len(found)} values, of {MOST_VALUES} that can be")
    return frozenset(found)


def _bounds(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, Mapping) or not value or not value.keys() <= _COMPARED.keys():
        raise Unfit(f"{name} must be an object with some of {', '.join(_COMPARED)}")
    return {operator: moment(name, bound) for operator, bound in value.items()}


def moment(name: str, value: Any) -> int:
    """A moment that a client gave, as an ISO 8601 date or as seconds since 1970, in microseconds since then.

    Raises:
        Unfit: It is neither.
    """
    wrong = Unfit(f"{name} must be an ISO 8601 date, or seconds since 1970")
    text = str(value)
    if isinstance(value, bool) or len(text) > _LONGEST_DATE:
        raise wrong
    if _SECONDS.fullmatch(text):
        if float(text) > _LARGEST_SECOND:
            raise wrong
        return int(float(text) * 1_000_000)
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    except (OverflowError, ValueError):
        raise wrong from None


def _order(given: Any) -> tuple[str, bool]:
    """A column and whether it is descending, of `-title` or `{"title": "DESC"}`."""
    match given:
        case None:
            return "created_at", False
        case str():
            name, descending = given.removeprefix("-"), given.startswith("-")
        case {**pairs} if len(pairs) == 1 and str(next(iter(pairs.values()))).upper() in ("ASC", "DESC"):
            [(column, direction)] = pairs.items()
            name, descending = str(column), str(direction).upper() == "DESC"
        case _:
            raise Unfit("order must be a column, with - before it for the opposite order")
    if name not in ORDERS:
        raise Unfit(f"products cannot be ordered by {name}: by {', '.join(ORDERS)} they can")
    return name, descending
