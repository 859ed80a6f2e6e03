"""Product batches as the business has them: what one is, and what a change makes of it. No store, no HTTP."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from batchyard.actor import UNKNOWN, Actor
from batchyard.clock import iso
from batchyard.errors import Invalid
from batchyard.gs1.application_identifiers import is_lot, is_year_readable
from batchyard.gs1.digital_link import digital_link
from batchyard.jsontext import dumps

DRAFT = "draft"
ACTIVE = "active"
EXPIRED = "expired"

_SHOWN: Mapping[str, bool] = {
    DRAFT: False,
    ACTIVE: True,
    "recalled": True,
    EXPIRED: True,
    "withdrawn": True,
    "archived": False,
}
"""Statuses of a batch, and whether everybody may see one that has it."""

STATUSES = tuple(_SHOWN)

MOST_SERIALS = 10_000_000
"""Serials of one batch."""

LARGEST_PAGE = 10_000
"""Serials on one page."""

MOST_RANGES = 1000
"""Ranges in one change of serials' statuses."""

MOST_BLOCKS = 1000
"""Blocks of indices in one batch, which is how often it can grow."""

MOST_TOLD = 100
"""How often EPCIS can be told something else of all items of a batch."""

LARGEST_KEYS = 16 * 1024
"""Bytes of the client's own keys, as JSON; the same for `data`, `admin` and `tags`, each."""

DATES = ("manufactureDate", "packagingDate", "bestBeforeDate", "expiryDate")
KNOWN = frozenset({"name", "gtin", "variant", "lotNumber", "data", "admin", "tags", *DATES})
"""Fields that mean something here. All of them may be absent, and null makes them so."""

GIVEN = frozenset(
    {"id", "collectionId", "productId", "createdAt", "updatedAt", "version", "digitalLink", "exports", "warnings"}
)
"""Fields of an answer that are not the client's to say: it may send them back, and they are ignored."""

PRINTED = ("gtin", "variant", "lotNumber")
"""Fields that name items on their labels and in events."""

_PUBLIC = ("name", "gtin", *DATES, "data")
_FRACTION = re.compile(r"(\.\d{6})\d+")
_BEFORE_TIME = frozenset("Tt ")

_NEVER = 9999
"""The year that systems without a word for it take for never."""

When = str | Mapping[str, int]
"""A date as clients write it: an ISO 8601 date or moment, or `{"seconds", "nanoseconds"?}` since 1970."""


class BatchKey(NamedTuple):
    """Which batch is meant.

    Attributes:
        collection: ID of the collection.
        product: ID of the product, unique within the collection.
        id: ID of the batch, unique within the product.
    """

    collection: str
    product: str
    id: str


@dataclass(frozen=True, slots=True)
class Block:
    """Indices of the collection's serials that belong to a batch, for ever.

    Args:
        first: The first index.
        size: How many they are.
        key: Version of the key that its codes are made with.
        made: When its serials were made, in microseconds since the Unix epoch.
    """

    first: int
    size: int
    key: int
    made: int

    @property
    def last(self) -> int:
        """The last index."""
        return self.first + self.size - 1


class Told(NamedTuple):
    """What EPCIS was told of all items of a batch, from a moment on until it was told otherwise.

    Attributes:
        at: Since when, in microseconds since the Unix epoch.
        data: Lot and days, as an event has them (`gs1.epcis.master_data`).
    """

    at: int
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProductBatch:
    """A production batch of one product.

    Args:
        id: Its own ID, unique within the product.
        fields: What the client says of it, as it came, without what has a place of its own here.
        status: One of `STATUSES`.
        length: Characters of its serials' codes, without the check character.
        blocks: The indices of its serials.
        created: When it was made, in microseconds since the Unix epoch.
        updated: When it was last changed.
        version: Counts its changes; 0 before it is stored.
        exports: There are exports of its serials, or were.
        printed: A sheet of its serials was made.
        told: What EPCIS was told of its items, the present last.
        actor: Who brought it into its status.
        twin: Another batch with its GTIN and lot, if it was just given these; it is not stored.
    """

    collection: str
    product: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: str = ACTIVE
    length: int = 10
    blocks: tuple[Block, ...] = ()
    created: int = 0
    updated: int = 0
    version: int = 0
    exports: bool = False
    printed: bool = False
    told: tuple[Told, ...] = ()
    actor: Actor = UNKNOWN
    twin: BatchKey | None = None

    @property
    def key(self) -> BatchKey:
        """What names it."""
        return BatchKey(self.collection, self.product, self.id)

    @property
    def quantity(self) -> int:
        """How many serials it has."""
        return sum(block.size for block in self.blocks)

    @property
    def lot(self) -> str | None:
        """Its lot number (AI 10); None where it was given none and its ID is not fit to be one."""
        given = self.fields.get("lotNumber")
        if given is not None:
            return str(given)
        return self.id if is_lot(self.id) else None

    @property
    def gtin_and_lot(self) -> tuple[str, str] | None:
        """What names its items as a lot, all over the world; None where something of it is missing."""
        gtin, lot = self.fields.get("gtin"), self.lot
        return None if gtin is None or lot is None else (str(gtin), lot)

    @property
    def expires_us(self) -> int | None:
        """The moment from which it is expired, in microseconds since the Unix epoch; None for never."""
        given = self.fields.get("expiryDate")
        return None if given is None or is_never(given) else end_of(given)

    @property
    def printed_expiry(self) -> date | datetime | None:
        """Its expiry as links have it: a day, a moment where it is one; None where they cannot tell it.

        Labels are read in the time of their items, so what can be read is told by the year in which the batch was made.
        """
        given = self.fields.get("expiryDate")
        if given is None or is_never(given) or not self._is_expiry_readable:
            return None
        return _moment(given).date() if _is_whole_day(given) else _moment(given)

    @property
    def _is_expiry_readable(self) -> bool:
        day = day_of(self.fields.get("expiryDate"))
        made = datetime.fromtimestamp(self.created // 1_000_000, UTC)
        return day is None or day.year == _NEVER or is_year_readable(day.year, made.year)

    @property
    def warnings(self) -> list[dict[str, str]]:
        """What its client should know of it, as it is answered."""
        found = []
        if not self._is_expiry_readable:
            message = "Two digits of this year are read as another century, so digital links leave the expiry out."
            found.append({"code": "EXPIRY_NOT_ON_LABEL", "field": "expiryDate", "message": message})
        if self.twin is not None:
            message = f'Batch "{self.twin.id}" of product "{self.twin.product}" has the same GTIN and lot.'
            found.append({"code": "REPEATED_LOT", "field": "lotNumber", "message": message})
        return found

    def digital_link(self, domain: str) -> str | None:
        """Its GS1 Digital Link, without a serial; None without a GTIN."""
        gtin = self.fields.get("gtin")
        if gtin is None:
            return None
        return digital_link(domain, gtin, variant=self.fields.get("variant"), lot=self.lot, expiry=self.printed_expiry)

    def to_answer(self, domain: str) -> dict[str, Any]:
        """It as an administrator sees it."""
        return {
            "id": self.id,
            "collectionId": self.collection,
            "productId": self.product,
            **({} if self.lot is None else {"lotNumber": self.lot}),
            **self.fields,
            "status": self.status,
            "quantity": self.quantity,
            "serialFormat": {"length": self.length},
            **_link(self.digital_link(domain)),
            "createdAt": iso(self.created),
            "updatedAt": iso(self.updated),
            "version": self.version,
            **({"warnings": self.warnings} if self.warnings else {}),
        }

    def to_public(self, domain: str) -> dict[str, Any]:
        """It as everybody may see it."""
        return {
            "id": self.id,
            "collectionId": self.collection,
            "productId": self.product,
            **{name: self.fields[name] for name in _PUBLIC if name in self.fields},
            **({} if self.lot is None else {"lotNumber": self.lot}),
            "status": self.status,
            **_link(self.digital_link(domain)),
        }

    def places(self, start: int, size: int) -> Iterator[tuple[Block, int, int]]:
        """Where some of its serials lie.

        Args:
            start: Number of the first one within the batch, from 0.
            size: How many.

        Yields:
            A block, and the first and the last index of the serials in it.
        """
        for block in self.blocks:
            if start < block.size and size > 0:
                part = min(block.size - start, size)
                yield block, block.first + start, block.first + start + part - 1
                start, size = 0, size - part
            else:
                start -= block.size

    def number_of(self, index: int, key: int | None = None) -> int | None:
        """Which of its serials has an index of the collection, from 0; None where none has.

        Args:
            key: Version of the key that the serial's code was made with; None for any.
        """
        before = 0
        for block in self.blocks:
            if block.first <= index <= block.last:
                return before + index - block.first if key in {None, block.key} else None
            before += block.size
        return None


def revise(current: ProductBatch, change: Mapping[str, Any]) -> ProductBatch:
    """What a change makes of a batch, its serials apart; `current` itself where it changes nothing.

    Args:
        current: The batch as it is; a new one is empty.
        change: The fields that are given. Each takes the place of the present one whole; null removes a known one.

    Raises:
        Invalid: The change cannot be made.
    """
    fields = {**current.fields}
    for name, value in change.items():
        if name in GIVEN or name in {"status", "quantity", "serialFormat"}:
            continue
        if value is None and name in KNOWN:
            fields.pop(name, None)
        else:
            fields[name] = value
    if is_lot(current.id) and fields.get("lotNumber") == current.id:
        # It would be so anyway; a client that sends back what it was answered changes nothing.
        del fields["lotNumber"]
    _must_fit(fields)
    _must_follow(current.fields, fields)
    length = current.length
    if change.get("serialFormat") is not None:
        length = change["serialFormat"].get("length", length)
        if length != current.length and current.blocks:
            raise Invalid({"serialFormat": ["It is fixed as soon as there are serials."]})
    revised = replace(current, fields=fields, status=change.get("status") or current.status, length=length)
    return current if _stated(revised) == _stated(current) else revised


def renamed(current: ProductBatch, revised: ProductBatch) -> list[str]:
    """Which of the names change that are on labels and in events already, if any.

    A GTIN may come late: without one there were no links and no events, so nothing bears another name.
    """
    if not current.blocks:
        return []
    before, after = (_names(batch) for batch in (current, revised))
    late = {"gtin"} if before["gtin"] is None else set()
    return [name for name in PRINTED if before[name] != after[name] and name not in late]


def as_of(batch: ProductBatch, moment_us: int) -> ProductBatch:
    """A batch as it is at a moment: expired if it is due, also where nobody has stored that yet."""
    return replace(batch, status=EXPIRED, actor=Actor(trigger="expiry")) if is_due(batch, moment_us) else batch


def growth(current: ProductBatch, change: Mapping[str, Any]) -> int:
    """How many more serials a change asks for.

    Raises:
        Invalid: It asks for fewer than there are, or the batch has grown too often.
    """
    wanted = change.get("quantity")
    if wanted is None or wanted == current.quantity:
        return 0
    if wanted < current.quantity:
        raise Invalid({"quantity": [f"It may grow, never shrink: there are {current.quantity} serials."]})
    if len(current.blocks) >= MOST_BLOCKS:
        raise Invalid({"quantity": [f"The batch has grown {MOST_BLOCKS} times, which is as often as it can."]})
    return int(wanted) - current.quantity


def same(current: ProductBatch, wanted: ProductBatch, quantity: int) -> bool:
    """Whether a batch is what somebody wants to make, both as of one moment."""
    return (_stated(wanted), quantity) == (_stated(current), current.quantity)


def is_public(batch: ProductBatch) -> bool:
    """Whether everybody may see a batch."""
    return _SHOWN[batch.status]


def without_reviving(current: ProductBatch, revised: ProductBatch, moment_us: int) -> ProductBatch:
    """What a change makes of a batch, but an expired one stays so where it would expire again in the same moment.

    Returns:
        The batch; `current` itself where nothing else is changed.
    """
    if current.status != EXPIRED or not is_due(revised, moment_us):
        return revised
    kept = replace(revised, status=EXPIRED)
    return current if _stated(kept) == _stated(current) else kept


def is_due(batch: ProductBatch, moment_us: int) -> bool:
    """Whether a batch is to expire at a moment."""
    return batch.status == ACTIVE and batch.expires_us is not None and batch.expires_us <= moment_us


def day_of(given: When | None) -> date | None:
    """The day of a date as clients write it: the one that is written, whatever the offset; of seconds, in UTC."""
    return None if given is None else _moment(given).date()


def end_of(given: When) -> int:
    """When a date is over, in microseconds since the Unix epoch: a day at its end, a moment at once.

    Midnight is the day that begins, in the offset that is written: so do clients write a day that know moments alone,
    and so does a label.
    """
    moment = _moment(given)
    if _is_whole_day(given):
        moment += timedelta(days=1)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def must_be_date(given: When) -> When:
    """A date as clients write it, unchanged.

    Raises:
        ValueError: It is none, or before 1970.
    """
    try:
        moment = _moment(given)
        if moment.year < _NEVER:
            moment = moment.astimezone(UTC)
    except (OverflowError, OSError, ValueError):
        raise ValueError("an ISO 8601 date or moment, or seconds since 1970") from None
    if moment.year < 1970:
        raise ValueError("a date from 1970 to 9999")
    return given


def is_never(given: When) -> bool:
    """Whether a date says never: any of the year 9999, as `9999-12-31`."""
    return _moment(given).year == _NEVER


def _moment(given: When) -> datetime:
    if not isinstance(given, str):
        return datetime.fromtimestamp(given["seconds"], UTC)
    if _is_day(given):
        return datetime.combine(date.fromisoformat(given), time(), UTC)
    # Python knows microseconds; what is finer makes no difference here.
    moment = datetime.fromisoformat(_FRACTION.sub(r"\1", given.upper()))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _is_whole_day(given: When) -> bool:
    moment = _moment(given)
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) == moment


def _is_day(given: str) -> bool:
    # Python takes any character for the one between a day and a time of the day.
    return not _BEFORE_TIME & set(given)


def _stated(batch: ProductBatch) -> tuple[str, str, int]:
    """What is said of a batch, its serials apart, to be compared: Python takes `true` for 1, and 1 for 1.0."""
    return json.dumps(batch.fields, sort_keys=True), batch.status, batch.length


def _names(batch: ProductBatch) -> dict[str, str | None]:
    return {name: batch.lot if name == "lotNumber" else batch.fields.get(name) for name in PRINTED}


def _link(link: str | None) -> dict[str, str]:
    return {} if link is None else {"digitalLink": link}


def _must_fit(fields: Mapping[str, Any]) -> None:
    own = {name: value for name, value in fields.items() if name not in KNOWN}
    parts = {"keys of your own": own, **{name: fields.get(name) for name in _LARGE}}
    too_large = [name for name, part in parts.items() if _large(part)]
    if too_large:
        message = f"Ensure this has no more than {LARGEST_KEYS} bytes as JSON."
        raise Invalid({name: [message] for name in too_large})


def _must_follow(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Raises `Invalid` where a change has a batch expire before it is made; what is there already stays possible."""
    made, over = (day_of(after.get(name)) for name in ("manufactureDate", "expiryDate"))
    changed = any(before.get(name) != after.get(name) for name in ("manufactureDate", "expiryDate"))
    if changed and made is not None and over is not None and over < made:
        raise Invalid({"expiryDate": ["It is before the manufactureDate."]})


_LARGE: Sequence[str] = ("data", "admin", "tags")


def _large(part: Any) -> bool:
    return len(dumps(part).encode()) > LARGEST_KEYS
