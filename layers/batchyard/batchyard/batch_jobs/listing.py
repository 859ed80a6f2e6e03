"""Lists of a user's jobs: which are asked for, in which order, and what of them is shown."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any, NamedTuple

from batchyard.batch_jobs import repository
from batchyard.batch_jobs.rules import COLUMNS, MOMENTS, TYPES, Job
from batchyard.batch_jobs.selection import Unfit, moment
from batchyard.echoes import echo
from batchyard.errors import Malformed

LARGEST_PAGE = 50
DEFAULT_PAGE = 10

MOST_LOOKED_AT = 10_000
"""Jobs of a user that a list looks at, the newest: of older ones nothing is known here."""

COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "lt": int.__lt__,
    "gt": int.__gt__,
    "lte": int.__le__,
    "gte": int.__ge__,
}

DATES = ("created_at", "updated_at", *(f"{status}_at" for status in MOMENTS))
"""Columns that a list can be filtered by, as dates."""

_NULL = "null"
_USER = "created_by_user"
_READ_AT_ONCE = 100


class Question(NamedTuple):
    """What is asked of a list.

    Attributes:
        limit: How many jobs the page has at most.
        offset: How many are left out before it.
        order: A column.
        descending: They come in the opposite order.
        ids: Any of these; empty for all.
        types: Any of these; empty for all.
        dates: By columns, what must hold: bounds in microseconds by their operators, or None for no date at all.
        columns: What is shown of each.
        with_user: Their user is shown, too.
    """

    limit: int = DEFAULT_PAGE
    offset: int = 0
    order: str = "created_at"
    descending: bool = True
    ids: Collection[str] = ()
    types: Collection[str] = ()
    dates: Mapping[str, Mapping[str, int] | None] = {}
    columns: Sequence[str] = COLUMNS
    with_user: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether a page is read without the jobs on other pages."""
        return not (self.ids or self.types or self.dates) and self.order == "created_at"

    def has(self, job: Job) -> bool:
        """Whether a job is one of those asked for."""
        return (
            (not self.ids or job.id in self.ids)
            and (not self.types or job.type in self.types)
            and all(_fits(_date(job, column), wanted) for column, wanted in self.dates.items())
        )

    def shown(self, job: Job) -> dict[str, Any]:
        """What is shown of a job."""
        answer = job.to_answer()
        found = {column: answer[column] for column in self.columns}
        return {**found, _USER: job.user_to_answer()} if self.with_user else found


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Args:
        jobs: What is on it.
        count: How many there are on all pages.
    """

    jobs: list[Job]
    count: int


def question(
    *,
    limit: int = DEFAULT_PAGE,
    offset: int = 0,
    order: str | None = None,
    ids: Collection[str] = (),
    types: Collection[str] = (),
    dates: Mapping[str, str] | None = None,
    fields: str | None = None,
    expand: str | None = None,
) -> Question:
    """The question of a request.

    Args:
        limit: As it came; 0 stands for as many as a page can have.
        offset: As it came.
        order: A column, with `-` before it for the opposite order.
        ids: As they came.
        types: As they came.
        dates: By names such as `created_at[lt]`, ISO dates, seconds or the word `null`.
        fields: Columns with commas.
        expand: Relations with commas: `created_by_user`.

    Raises:
        Malformed: Something is unknown, or no date.
    """
    column = (order or "-created_at").removeprefix("-")
    _must_be_known("order", [column], COLUMNS)
    columns = _names(fields)
    _must_be_known("fields", columns, COLUMNS)
    relations = _names(expand)
    _must_be_known("expand", relations, [_USER])
    return Question(
        limit=limit or LARGEST_PAGE,
        offset=offset,
        order=column,
        descending=order is None or order.startswith("-"),
        ids=frozenset(ids),
        types=frozenset(types),
        dates=_wanted(dates or {}),
        columns=columns or COLUMNS,
        with_user=bool(relations),
    )


def page(asked: Question, owner: str, types: Collection[str]) -> Page:
    """The page of a user's jobs that is asked for.

    Args:
        asked: The question.
        owner: The user's ID.
        types: The types of jobs that the caller may see.

    Raises:
        Unavailable: The store did not answer.
    """
    ids = list(repository.ids_of(owner, descending=True, limit=MOST_LOOKED_AT))
    if asked.is_plain and TYPES.keys() <= set(types):
        ordered = ids if asked.descending else ids[::-1]
    else:
        wanted = (id for id in ids if not asked.ids or id in asked.ids)
        places = [_place(asked.order, job) for job in _read(wanted) if job.type in types and asked.has(job)]
        ordered = [id for *_, id in sorted(places, reverse=asked.descending)]
    # Only now, since thousands of jobs, each with a context of its own, have no room in a function.
    return Page(repository.read(ordered[asked.offset : asked.offset + asked.limit]), len(ordered))


def _read(ids: Iterable[str]) -> Iterable[Job]:
    for some in batched(ids, _READ_AT_ONCE, strict=False):
        yield from repository.read(some)


def _place(column: str, job: Job) -> tuple[bool, Any, str]:
    """Where a job stands; what is null comes last, as PostgreSQL has it, and first in the opposite order."""
    value = _date(job, column) if column in DATES else job.to_answer()[column]
    if not isinstance(value, int | str | None):
        value = str(value)
    return value is None, value or (0 if column in DATES else ""), job.id


def _date(job: Job, column: str) -> int | None:
    if column in ("created_at", "updated_at"):
        return job.created if column == "created_at" else job.updated
    return job.entered.get(column.removesuffix("_at"))


def _fits(value: int | None, wanted: Mapping[str, int] | None) -> bool:
    if wanted is None:
        return value is None
    # Clients know milliseconds, and ask for what they were answered.
    return value is not None and all(
        COMPARED[operator](value // 1000, bound // 1000) for operator, bound in wanted.items()
    )


def _wanted(dates: Mapping[str, str]) -> dict[str, dict[str, int] | None]:
    found: dict[str, dict[str, int] | None] = {}
    for name, value in dates.items():
        column, _, operator = name.removesuffix("]").partition("[")
        if value == _NULL:
            found[column] = None
            continue
        if not operator:
            raise Malformed(f"{name} must be null, or have one of [{'], ['.join(COMPARED)}] behind it")
        try:
            bound = moment(name, value)
        except Unfit as error:
            raise Malformed(error.error.message) from None
        bounds = found.setdefault(column, {})
        if bounds is not None:
            bounds[operator] = bound
    return found


def _names(text: str | None) -> list[str]:
    return [name for name in (text or "").split(",") if name]


def _must_be_known(parameter: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise Malformed(f"{parameter}: property {echo(name)} does not exist")
