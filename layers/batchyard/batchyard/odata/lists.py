"""Pages of entities: found by a plan, checked by the filter, put in order, cut, and gone on with where they ended.

A page looks at `MOST_LOOKED_AT` bases at most. One that ends for that holds fewer entities than there is room for, or
none, and says where to go on. So nothing is looked at without end, and nothing is left out.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nsmallest
from itertools import islice, takewhile
from typing import Any, NamedTuple

from batchyard.errors import Malformed
from batchyard.jsontext import dumps
from batchyard.odata.planning import Plan
from batchyard.odata.query import evaluation
from batchyard.odata.query.options import Options, Order
from batchyard.odata.sets import Position, Readable, Row

MOST_LOOKED_AT = 5000
"""Bases that one page looks at."""

_STEP = 500
_MOST_SKIPPED = 50_000
_LONGEST_TOKEN = 8000


class Token(NamedTuple):
    """Where a page begins, as its URL says it.

    Attributes:
        at: The position of the last base that was looked at, or given from; None for the beginning.
        key: The key of the last entity that was given of that base, without what is the base's; None where all of it
            was.
        skip: How many entities are still to be left out.
        total: How many entities there are in all, where that was counted.
        cursor: What the last entity that was given is ordered by, where an order is made in memory.
        best: The bases of the next ones that a pass has found so far.
    """

    at: Position | None = None
    key: Sequence[Any] | None = None
    skip: int = 0
    total: int | None = None
    cursor: Sequence[Any] | None = None
    best: Sequence[int] = ()

    def text(self) -> str:
        """It as a URL holds it."""
        return base64.urlsafe_b64encode(dumps(list(self)).encode()).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> "Token":
        """What `text` gave.

        Raises:
            Malformed: It is none.
        """
        try:
            if len(text) > _LONGEST_TOKEN:
                raise ValueError
            told = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            at, key, skip, count, cursor, best = told
            return cls(
                None if at is None else tuple(map(_whole, at)) or None,
                None if key is None else list(key),
                _whole(skip),
                None if count is None else _whole(count),
                None if cursor is None else list(cursor),
                list(map(_whole, best)),
            )
        except (TypeError, ValueError, binascii.Error, RecursionError):
            raise Malformed("The $skiptoken is none of this service: take the whole @odata.nextLink.") from None


def _whole(given: object) -> int:
    if type(given) is not int or not 0 <= given < 2**63:
        raise ValueError
    return given


type Fits = Callable[[Row], bool]


class Page(NamedTuple):
    """Some of the entities that were asked for.

    Attributes:
        rows: They, in order.
        next: Where the next page begins; None behind the last one.
        total: How many there are in all; None where nobody asked, or counting would cost too much.
    """

    rows: Sequence[Row]
    next: Token | None = None
    total: int | None = None


def page(
    readable: Readable, plan: Plan, options: Options, most: int, fits: Fits, time_is_up: Callable[[], bool]
) -> Page:
    """A page of an entity set.

    Args:
        readable: The entity set.
        plan: How it is looked at.
        options: What is asked.
        most: Entities of the page.
        fits: Whether an entity has room in the page, of which it is the next one. The first one has.
        time_is_up: Whether no more may be looked at.

    Raises:
        Malformed: The `$skiptoken` is none.
    """
    token = Token(skip=options.skip or 0) if options.skiptoken is None else Token.of(options.skiptoken)
    search = _Search(readable, plan, options, time_is_up)
    if plan.sorts:
        few = plan.few and token.skip <= _STEP
        return search.sorted_few(token, most, fits) if few else search.pass_over(token, most, fits)
    return search.in_order(token, most, fits)


def of_list(rows: Sequence[Row], options: Options) -> Page:
    """What is asked of entities that are all at hand; `$top` and `$skip` hold, pages do not."""
    found = list(filter(_accepting(options), rows))
    found.sort(key=_Sorting(options.orderby).key)
    count = len(found) if options.with_count else None
    return Page(list(islice(found, options.skip or 0, None))[: options.top], None, count)


def page_of_list(rows: Sequence[Row], options: Options, most: int, fits: Fits) -> Page:
    """A page of what `of_list` finds; it begins behind so many as its token says.

    Raises:
        Malformed: The `$skiptoken` is none.
    """
    token = Token(skip=options.skip or 0) if options.skiptoken is None else Token.of(options.skiptoken)
    found, _, count = of_list(rows, options._replace(top=None, skip=token.skip))
    given = list(takewhile(fits, found[:most]))
    following = Token(skip=token.skip + len(given)) if len(found) > len(given) else None
    return Page(given, following, count)


def counted(readable: Readable, plan: Plan, options: Options, time_is_up: Callable[[], bool]) -> int | None:
    """How many entities there are that a filter accepts; None where that is too many to be counted."""
    search = _Search(readable, plan, options, time_is_up)
    if options.filter is None and (total := readable.total()) is not None:
        return total
    number = sum(1 for _ in search.accepted(None))
    return number if search.ended else None


def _accepting(options: Options) -> Fits:
    return (lambda _: True) if options.filter is None else evaluation.predicate(options.filter)


class _Search:
    """One look at an entity set."""

    def __init__(self, readable: Readable, plan: Plan, options: Options, time_is_up: Callable[[], bool]) -> None:
        self._readable = readable
        self._plan = plan
        self._options = options
        self._time_is_up = time_is_up
        self._accepts = _accepting(options)
        self._inner = readable.set.type.key[1:] if len(readable.set.type.key) > 1 else ()
        self._takes_all = options.filter is None and not self._inner
        self._looked_at = 0
        self._found: list[Row] = []
        self._room: int | None = None
        """Where all are shown, how many: whether there is another one is then told without reading it."""
        self.more = False
        self.at: Position | None = None
        self.ended = False
        """All there is has been looked at."""

    def accepted(self, after: Position | None, first: int = _STEP) -> Iterator[tuple[Position, Row]]:
        """Rows that the filter accepts, each with the position of its base, until all is looked at or too much is.

        Of few bases all are looked at.
        """
        self.at, count = after, first
        while True:
            if not self._plan.few:
                if self._looked_at and (self._looked_at >= MOST_LOOKED_AT or self._time_is_up()):
                    return
                count = min(count, MOST_LOOKED_AT - self._looked_at)
            positions = self._plan.next_positions(self.at, count, self._plan.descending)
            rows = self._readable.rows([one[-1] for one in positions])
            for position in positions:
                if len(self._found) == self._room:
                    self.more = True
                    return
                found = rows(position[-1])
                ordered = reversed(found) if self._plan.descending else found
                yield from ((position, row) for row in ordered if self._accepts(row))
                self.at = position
            self._looked_at += len(positions)
            if len(positions) < count:
                self.ended = True
                return
            count = _STEP

    def in_order(self, token: Token, most: int, fits: Fits) -> Page:
        """A page in the order that the plan gives."""
        count = self._count(token)
        counts = self._options.with_count and count is None and self._options.skiptoken is None
        if self._takes_all and not counts:
            token, is_left = self._skipped(token)
        else:
            is_left = True
        shown = count if self._options.with_count else None
        if not is_left:
            return Page([], token._replace(total=count), shown)
        after, skip = token.at, token.skip
        if token.key is not None and after is not None:
            # All of the base is looked at again, and what was given of it left out.
            after = (*after[:-1], after[-1] + (1 if self._plan.descending else -1))
        found = self._found
        self._room = most if self._takes_all and not counts else None
        last: tuple[Position, Row] | None = None
        seen = 0
        # What keys find is mostly what the filter accepts: then nothing is looked at in vain.
        first = _STEP if counts else min(skip + most + 1, _STEP)
        for position, row in self._behind(token, self.accepted(after, first)):
            seen += 1
            if seen <= skip:
                continue
            if not self.more and len(found) < most and fits(row):
                found.append(row)
                last = (position, row)
                continue
            self.more = True
            if not counts:
                break
        if counts and self.ended:
            count = shown = seen
        following = None
        if self.more:
            following = Token(skip=token.skip, total=count)
            if last is not None:
                following = Token(last[0], [last[1][name] for name in self._inner] or None, 0, count)
        elif not self.ended:
            # What comes behind is not known.
            following = Token(self.at, None, max(skip - seen, 0), count)
        return Page(found, following, shown)

    def sorted_few(self, token: Token, most: int, fits: Fits) -> Page:
        """A page of bases that are all read, and put in order; no more are held than what is skipped and shown."""
        order = self._order()
        cursor = None if token.cursor is None else order.cursor(token.cursor)
        seen = 0

        def behind() -> Iterator[Row]:
            nonlocal seen
            for _, row in self.accepted(None):
                seen += 1
                if cursor is None or order.key(row) > cursor:
                    yield row

        ordered = nsmallest(token.skip + most + 1, behind(), key=order.key)[token.skip :]
        given = list(takewhile(fits, ordered[:most]))
        following = None
        if len(ordered) > len(given):
            following = Token(cursor=order.values(given[-1])) if given else token
        return Page(given, following, seen if self._options.with_count else None)

    def pass_over(self, token: Token, most: int, fits: Fits) -> Page:
        """A step of a pass that looks for the next ones in order; the page is empty until the pass has ended."""
        order = self._order()
        wanted = min(token.skip, _STEP) or most
        cursor = None if token.cursor is None else order.cursor(token.cursor)
        kept = self._readable.rows(token.best)
        at_hand = [row for number in token.best for row in kept(number) if self._accepts(row)]
        looked_at = (row for _, row in self.accepted(token.at))
        behind = (row for row in [*at_hand, *looked_at] if cursor is None or order.key(row) > cursor)
        best = nsmallest(wanted + 1, behind, key=order.key)
        count = self._count(token)
        shown = count if self._options.with_count else None
        if not self.ended:
            numbers = list(dict.fromkeys(int(row[self._readable.number]) for row in best))
            return Page([], Token(self.at, None, token.skip, count, token.cursor, numbers), shown)
        passed = best[:wanted] if token.skip else list(takewhile(fits, best[:wanted]))
        following = None
        if len(best) > len(passed):
            following = Token(None, None, max(token.skip - len(passed), 0), count, token.cursor)
            if passed:
                following = following._replace(cursor=order.values(passed[-1]))
        return Page([] if token.skip else passed, following, shown)

    def _behind(self, token: Token, found: Iterable[tuple[Position, Row]]) -> Iterator[tuple[Position, Row]]:
        """What was not given before of the base that the page before it ended in."""
        for position, row in found:
            if token.key is not None and position == token.at:
                key = [row[name] for name in self._inner]
                if not (key < list(token.key) if self._plan.descending else key > list(token.key)):
                    continue
            yield position, row

    def _skipped(self, token: Token) -> tuple[Token, bool]:
        """The token behind what is to be left out, and whether all of it is; keys are counted."""
        looked_at = 0
        while token.skip and looked_at < _MOST_SKIPPED and not (looked_at and self._time_is_up()):
            positions = self._plan.next_positions(token.at, min(token.skip, MOST_LOOKED_AT), self._plan.descending)
            if not positions:
                break
            looked_at += len(positions)
            token = token._replace(at=positions[-1], skip=token.skip - len(positions))
        else:
            return token, not token.skip
        # There are not so many.
        return token, True

    def _count(self, token: Token) -> int | None:
        if token.total is not None or not self._options.with_count:
            return token.total
        return self._readable.total() if self._options.filter is None else None

    def _order(self) -> "_Sorting":
        return _Sorting(self._options.orderby, self._readable.set.type.key)


class _Sorting:
    """An order that is made in memory.

    Args:
        orderby: What is ordered by.
        key: The names of the properties that then decide.
    """

    def __init__(self, orderby: Sequence[Order], key: Sequence[str] = ()) -> None:
        self._key = key
        self._parts = [(evaluation.value(one.expression), one.descending) for one in orderby]

    def values(self, row: Row) -> list[Any]:
        """What a row is ordered by."""
        return [*(value(row) for value, _ in self._parts), *(row[name] for name in self._key)]

    def key(self, row: Row) -> Any:
        """What sorts a row."""
        return self.cursor(self.values(row))

    def cursor(self, values: Sequence[Any]) -> Any:
        """What sorts a row of these values."""
        directions = [*(descending for _, descending in self._parts), *(False for _ in self._key)]
        return [
            _Descending(_comparable(value)) if descending else _comparable(value)
            for value, descending in zip(values, directions, strict=False)
        ]


class _Descending(NamedTuple):
    value: tuple[int, Any]

    def __lt__(self, other: Any) -> bool:
        return bool(other.value < self.value)

    def __gt__(self, other: Any) -> bool:
        return bool(other.value > self.value)


def _comparable(value: Any) -> tuple[int, Any]:
    """A value beside those of other types: null is the lowest (URL Conventions 4.01, 5.1.1.1)."""
    if value is None:
        return 0, 0
    if isinstance(value, str):
        return 2, value
    return (1, value) if isinstance(value, int | float) else (3, str(value))
