"""The unit of work: what one operation reads and wants written, committed together or not at all.

An operation is a function of a `Unit`: it reads items through it, decides, and hands it the items that it wants
written. `transact` runs it. Alone, it commits at once: one item by one conditional write, several by one
transaction. Within `joined()` (a change set of a batch) every operation works on one ambient unit, reads what
the ones before it staged, and the whole is committed once.

Writes are optimistic. Each item carries a `version`; a write holds only if the item still has the version that
was read (or still is absent, where none was found). On a lost race `transact` runs the whole operation again on
fresh reads, so that rules always decide on the state that they change.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from botocore.exceptions import ClientError

from batchyard.defects import log_defect
from batchyard.errors import Contended, TooLarge, Unavailable
from batchyard.store import blobs, clients, items
from batchyard.store.blobs import Blob
from batchyard.store.calls import cancellation_reasons, code_of, old_item, reaching_aws, was_repeated
from batchyard.store.items import Item, Key
from batchyard.store.tables import Table

MAX_ACTIONS = 100
"""Items in one DynamoDB transaction (its own limit)."""

LARGEST_TRANSACTION = 4 * 1024 * 1024
"""Bytes of all items in one DynamoDB transaction (its own limit)."""

LARGEST_ITEM = 400 * 1024
"""Bytes of an item (DynamoDB's own limit)."""

LARGEST_CONTENTS = 32 * 1024 * 1024
"""Bytes of all contents that one commit stores beside its items: what a function has room for until then."""

MOST_DELETES = 25
"""Items in one BatchWriteItem (its own limit)."""

_ATTEMPTS = 40
_CONFLICTING_READS = 8
_EMPTY_ANSWERS = 8
_THROTTLED_TRANSACTIONS = 5
_LONGEST_PAUSE_S = 0.4
# A throttled one waits longer than one that lost a race: at most 0.08 s the first time, and four times that soon.
_FIRST_OF_THROTTLED = 2
_LOST_RACES = frozenset({"ConditionalCheckFailed", "TransactionConflict"})
_REFUSED_FOR_NOW = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})


@dataclass(slots=True)
class _Write:
    """The item to be written under a key; None deletes it."""

    table: Table
    key: Key
    item: Item | None


class Unit:
    """Reads and staged writes of one commit.

    Args:
        attempt: Which try at the commit it is, from 1. From the second on, what an operation wants may be there: an
            earlier try was written, and its answer got lost.

    Attributes:
        contended: An operation found that somebody is changing what it reads: the whole unit is to be tried again.
        once: A second try would not find out that the first one was written: an operation adds to what there is, or
            refuses what it has done itself. Then also one item is written by a transaction, for twice the capacity.
    """

    def __init__(self, attempt: int = 1) -> None:
        self.attempt = attempt
        self.contended = False
        self.once = False
        self._reads: dict[tuple[Any, ...], Item | None] = {}
        self._decoded: dict[tuple[Any, ...], tuple[Item, Any]] = {}
        self._writes: dict[tuple[Any, ...], _Write] = {}
        self._blobs: dict[str, Blob] = {}

    def get(self, table: Table, key: Key) -> Item | None:
        """An item as this unit will leave it: staged, else read consistently, once; None where there is none.

        Raises:
            Unavailable: The store did not answer.
        """
        item = self._find(table, key, table.identity(key))
        return None if item is None else dict(item)

    def get_as[T](self, table: Table, key: Key, decode: Callable[[Item], T]) -> T | None:
        """What an item is of, which `get` would give: decoded once, as long as it is the same item.

        Args:
            decode: Makes something immutable of it, always the same of one key.

        Raises:
            Unavailable: The store did not answer.
        """
        identity = table.identity(key)
        item = self._find(table, key, identity)
        if item is None:
            return None
        known = self._decoded.get(identity)
        if known is None or known[0] is not item:
            known = self._decoded[identity] = item, decode(dict(item))
        found: T = known[1]
        return found

    def _find(self, table: Table, key: Key, identity: tuple[Any, ...]) -> Item | None:
        if identity in self._writes:
            return self._writes[identity].item
        if identity not in self._reads:
            ahead = _read_ahead.get()
            self._reads[identity] = ahead[identity] if identity in ahead else read_one(table, key)
        return self._reads[identity]

    def load(self, table: Table, keys: Iterable[Key]) -> None:
        """Reads items consistently, a hundred at once, that `get` will be asked for one by one.

        Raises:
            Unavailable: The store did not answer.
        """
        self.load_all((table, key) for key in keys)

    def load_all(self, places: Iterable[tuple[Table, Key]]) -> None:
        """Reads items of several tables as `load` does those of one.

        Raises:
            Unavailable: The store did not answer.
        """
        wanted = {table.identity(key): (table, key) for table, key in places}
        missing = {
            identity: place
            for identity, place in wanted.items()
            if identity not in self._reads and identity not in self._writes
        }
        ahead = _read_ahead.get()
        known = {identity: ahead[identity] for identity in missing if identity in ahead}
        unknown = [place for identity, place in missing.items() if identity not in known]
        found = known | _read(unknown)
        for identity in missing:
            self._reads[identity] = found.get(identity)

    def expect_none(self, places: Iterable[tuple[Table, Key]]) -> None:
        """Takes it that there is nothing where nobody has read yet, and saves the reads.

        If something is there after all, whoever writes there does not commit; so only what is written may be decided
        by it.
        """
        for table, key in places:
            self._reads.setdefault(table.identity(key), None)

    def adopt(self, table: Table, item: Item) -> Item | None:
        """Takes in an item that a consistent query has read; returns it as this unit will leave it.

        The commit then holds only if it still is the one that was read, as with one that `get` found.
        """
        self._reads.setdefault(table.identity(table.key_of(item)), dict(item))
        return self.get(table, table.key_of(item))

    def put(self, table: Table, item: Item) -> Item:
        """Stages an item; returns it with its new `version`.

        The commit holds only if the stored item still is the one that `get` found; without a `get` before, only if
        there is none.
        """
        key = table.key_of(item)
        identity = table.identity(key)
        staged = self._writes.get(identity)
        before = (staged.item if staged else None) or self._reads.get(identity)
        written: Item = {**item, "version": (_version(before) or 0) + 1}
        self._writes[identity] = _Write(table, key, written)
        return dict(written)

    def delete(self, table: Table, key: Key) -> None:
        """Stages the removal of an item that `get` found or `put` staged."""
        identity = table.identity(key)
        if identity not in self._writes and self._reads[identity] is None:
            raise ValueError(f"nothing was found under {key}")
        self._writes[identity] = _Write(table, key, None)

    def staged(self, table: Table) -> list[tuple[Key, Item | None]]:
        """What this unit will leave of a table's items that it changes, for those who search: None for one removed."""
        return [(write.key, write.item) for write in self._writes.values() if write.table == table]

    def write_blob(self, blob: Blob) -> None:
        """Stages a blob; the commit stores it before any item that points at it.

        Raises:
            TooLarge: All of them are more than one commit stores.
        """
        self._blobs[blob.key] = blob
        size = sum(len(one.content) for one in self._blobs.values() if isinstance(one.content, bytes))
        if size > LARGEST_CONTENTS:
            raise TooLarge(f"All of it would store {size} bytes at once, of {LARGEST_CONTENTS} that can be.")

    def read_blob(self, key: str) -> bytes:
        """A blob's bytes: staged, else from S3."""
        staged = self._blobs.get(key)
        return staged.content if staged and isinstance(staged.content, bytes) else blobs.read(key)

    def commit(self) -> None:
        """Writes everything that was staged, or nothing.

        Raises:
            Contended: An item is no longer the one that was read.
            TooLarge: It is more than one transaction can hold.
            Unavailable: The store did not take the write, or its answer got lost.
        """
        writes = [write for identity, write in self._writes.items() if self._changes(identity, write)]
        if not writes:
            return
        _must_fit(writes)
        for blob in self._blobs.values():
            blobs.write(blob)
        try:
            if len(writes) == 1 and not self.once:
                self._commit_one(writes[0])
            else:
                self._commit_all(writes)
        except (Contended, TooLarge, ClientError) as error:
            _shared.get().clear()
            # After an answer that got lost, the race may be lost to somebody who has built on what was written here,
            # and points at its blobs too. Then they are left to the sweep, as are those that S3 keeps for now.
            if not was_repeated(error) and not was_repeated(error.__cause__):
                for key in self._blobs:
                    with suppress(Unavailable):
                        blobs.delete(key)
            raise
        except Unavailable:
            # It may have been written.
            _shared.get().clear()
            raise
        _share(writes)

    def _changes(self, identity: tuple[Any, ...], write: _Write) -> bool:
        """False for an item that was made and removed again within this unit."""
        return write.item is not None or self._reads.get(identity) is not None

    def _condition(self, write: _Write) -> dict[str, Any]:
        version = _version(self._reads.get(write.table.identity(write.key)))
        if version is None:
            return {"ConditionExpression": f"attribute_not_exists({write.table.key[0]})"}
        return {"ConditionExpression": "version = :read", "ExpressionAttributeValues": {":read": {"N": str(version)}}}

    def _commit_one(self, write: _Write) -> None:
        request = {
            "TableName": write.table.name,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **self._condition(write),
        }
        try:
            with reaching_aws():
                if write.item is None:
                    clients.dynamodb().delete_item(Key=items.encode(write.key), **request)
                else:
                    clients.dynamodb().put_item(Item=items.encode(write.item), **request)
        except ClientError as error:
            if code_of(error) == "TransactionConflictException":
                raise Contended from error
            if code_of(error) != "ConditionalCheckFailedException":
                raise
            # botocore repeats a write whose answer got lost; the repeat then fails on what the first one wrote. Without
            # a repeat it is somebody else's, also where they wrote the same, or removed what was to be removed.
            if not was_repeated(error) or old_item(error) != write.item:
                raise Contended from error

    def _commit_all(self, writes: list[_Write]) -> None:
        actions: list[Any] = [self._action(write) for write in writes]
        # The client token makes botocore's repeats of a transaction whose answer got lost harmless.
        token = str(uuid.uuid4())
        for number in range(1, _THROTTLED_TRANSACTIONS + 1):
            try:
                with reaching_aws():
                    clients.dynamodb().transact_write_items(TransactItems=actions, ClientRequestToken=token)
            except ClientError as error:
                # botocore does not know that a throttled transaction is one: its error is that it was cancelled.
                self._refuse(error, may_pass=number < _THROTTLED_TRANSACTIONS)
                _pause(number + _FIRST_OF_THROTTLED)
            else:
                return

    def _refuse(self, error: ClientError, *, may_pass: bool) -> None:
        """Raises what a failed transaction means, unless it was throttled and is to be tried again."""
        reasons = set(cancellation_reasons(error))
        if _LOST_RACES & reasons:
            raise Contended from error
        if not _REFUSED_FOR_NOW & reasons:
            if code_of(error) == "ValidationException" and "4MB" in str(error).replace(" ", ""):
                # It has its own way of counting bytes.
                raise TooLarge("All of it would write more bytes at once than can be.") from error
            raise error
        if not may_pass:
            raise Unavailable from error

    def _action(self, write: _Write) -> dict[str, Any]:
        request = {"TableName": write.table.name, **self._condition(write)}
        if write.item is None:
            return {"Delete": {"Key": items.encode(write.key), **request}}
        return {"Put": {"Item": items.encode(write.item), **request}}


_ambient: ContextVar[Unit | None] = ContextVar("ambient unit", default=None)
_read_ahead: ContextVar[Mapping[tuple[Any, ...], Item | None]] = ContextVar("items read ahead", default={})  # noqa: B039 (never written to)
_shared: ContextVar[dict[tuple[Any, ...], Item | None]] = ContextVar("items that units share", default={})  # noqa: B039 (stays empty)


def transact[T](operation: Callable[[Unit], T]) -> T:
    """Runs an operation on a unit and commits it; on a lost race runs it again, with jitter between.

    Within `joined()` the operation works on the ambient unit and nothing is committed yet.

    Raises:
        Contended: Every attempt lost its race.
        Unavailable: The store did not take the write.
    """
    ambient = _ambient.get()
    if ambient is not None:
        try:
            return operation(ambient)
        except Contended:
            ambient.contended = True
            raise

    def attempt(unit: Unit) -> T:
        result = operation(unit)
        unit.commit()
        return result

    return retrying(attempt)


def in_one[T](act: Callable[[Unit], T]) -> T:
    """Runs several operations on one unit, which is the ambient one for them, and commits it once.

    Within `joined()` it works on the ambient unit, and nothing is committed yet.

    Raises:
        Contended: Every attempt lost its race.
        Unavailable: The store did not take the write.
    """
    if _ambient.get() is not None:
        return transact(act)

    def attempt(unit: Unit) -> T:
        with joined(unit):
            result = act(unit)
        unit.commit()
        return result

    return retrying(attempt)


def retrying[T](attempt: Callable[[Unit], T]) -> T:
    """Makes an attempt, each on a unit of its own, until one wins its race, with jitter between.

    Raises:
        Contended: Every attempt lost its race.
    """
    for number in range(_ATTEMPTS):
        try:
            return attempt(Unit(number + 1))
        except Contended:
            # Also where the operation found out before it was committed. What else was read then may be old, too.
            _shared.get().clear()
            _pause(number)
    raise Contended


@contextmanager
def joined(unit: Unit) -> Iterator[Unit]:
    """Makes `unit` the ambient one: operations inside stage their writes in it. The caller commits it."""
    token = _ambient.set(unit)
    try:
        yield unit
    finally:
        _ambient.reset(token)


def is_joined(unit: Unit) -> bool:
    """Whether a unit is an ambient one, which commits what others stage, too."""
    return _ambient.get() is unit


type Places = Iterable[tuple[Table, Key]]
type Known = Callable[[Table, Key], Item | None]
"""What was read ahead under a key; None also where nothing was."""


@contextmanager
def reading_ahead(
    keys: Places, following: Callable[[Known], Places] = lambda _: (), *, at_one_moment: bool = True
) -> Iterator[None]:
    """Reads items at once that will be asked for one by one inside.

    What cannot be read so, since it is too much or somebody keeps changing it, is left to who asks for it.

    Args:
        keys: Where the items are.
        following: Where those are that the first ones lead to: read with them where units that share know, else then.
        at_one_moment: They are read as they were at one moment, in one transaction, since others' would show half done
            otherwise; that costs twice the capacity.
    """
    read = _read_together if at_one_moment else _read_apart
    first = list(keys)
    known = list(following(_known_in(_shared.get())))
    if len(first) + len(known) <= MAX_ACTIONS:
        first += known
    found = read(first) if len(first) > 1 else {}
    if found:
        more = following(_known_in(found))
        found |= read((table, key) for table, key in more if table.identity(key) not in found)
    with _having_read(found):
        yield


@contextmanager
def sharing(keys: Places, following: Callable[[Known], Places] = lambda _: ()) -> Iterator[None]:
    """Reads items at once that units inside will ask for, one unit after the other, and keeps them as these leave them.

    Each is as it was when it was read, or when a unit inside wrote it, so a unit whose write depends on one that
    somebody has changed since loses that race. Then all of them are forgotten, and read by who asks for them.

    Args:
        keys: Where the items are, once for each unit that asks for one: what one alone asks for, it reads itself.
        following: Where those are that the first ones lead to.
    """
    asked = list(keys)
    found = _read_apart(asked) if len(asked) > 1 else {}
    found |= _read_apart(following(_known_in(found)))
    token = _shared.set(found)
    try:
        with _having_read(found):
            yield
    finally:
        _shared.reset(token)


@contextmanager
def not_sharing() -> Iterator[None]:
    """Inside, units know nothing of what others share; what they write, the others know."""
    is_shared = _read_ahead.get() is _shared.get()
    # What was read ahead otherwise is no shared one's.
    with _having_read({}) if is_shared else nullcontext():
        yield


@contextmanager
def at_hand(keys: Places) -> Iterator[None]:
    """Reads items of several tables at once, consistently, that will be asked for one by one inside.

    Raises:
        Unavailable: The store did not answer.
    """
    with _having_read({**_read_ahead.get(), **_read_all(_by_identity(keys))}):
        yield


@contextmanager
def _having_read(found: Mapping[tuple[Any, ...], Item | None]) -> Iterator[None]:
    token = _read_ahead.set(found)
    try:
        yield
    finally:
        _read_ahead.reset(token)


def _known_in(found: Mapping[tuple[Any, ...], Item | None]) -> Known:
    return lambda table, key: found.get(table.identity(key))


def _share(writes: Iterable[_Write]) -> None:
    """Notes what was written of the items that units share."""
    shared = _shared.get()
    for write in writes:
        identity = write.table.identity(write.key)
        if identity in shared:
            shared[identity] = None if write.item is None else items.present(write.item)


def _read_apart(keys: Places) -> dict[tuple[Any, ...], Item | None]:
    """Items by their identities; none where they cannot be read at once, which is left to who asks for them."""
    try:
        return _read_all(_by_identity(keys))
    except Unavailable:
        return {}
    except ClientError as error:
        if code_of(error) != "ValidationException":
            log_defect(error)
        return {}


def _by_identity(keys: Places) -> dict[tuple[Any, ...], tuple[Table, Key]]:
    return {table.identity(key): (table, key) for table, key in keys}


def _read_all(places: Mapping[tuple[Any, ...], tuple[Table, Key]]) -> dict[tuple[Any, ...], Item | None]:
    """Each of these items, None for one that is not there."""
    found = _read(places.values())
    return {identity: found.get(identity) for identity in places}


def _read_together(keys: Places) -> dict[tuple[Any, ...], Item | None]:
    places = _by_identity(keys)
    if not 1 < len(places) <= MAX_ACTIONS:
        return {}
    gets: list[Any] = [{"Get": {"TableName": table.name, "Key": items.encode(key)}} for table, key in places.values()]
    for number in range(_CONFLICTING_READS):
        try:
            with reaching_aws():
                answer = clients.dynamodb().transact_get_items(TransactItems=gets)
        except Unavailable:
            break
        except ClientError as error:
            if not _LOST_RACES & set(cancellation_reasons(error)):
                if code_of(error) not in {"ValidationException", "TransactionCanceledException"}:
                    log_defect(error)
                break
            _pause(number)
        else:
            found = (items.decode(entry["Item"]) if entry.get("Item") else None for entry in answer["Responses"])
            return dict(zip(places, found, strict=True))
    return {}


def read_one(table: Table, key: Key) -> Item | None:
    """A consistent read of one item, outside of any unit.

    Raises:
        Unavailable: The store did not answer.
    """
    with reaching_aws():
        answer = clients.dynamodb().get_item(TableName=table.name, Key=items.encode(key), ConsistentRead=True)
    return items.decode(answer["Item"]) if "Item" in answer else None


def read_many(table: Table, keys: Iterable[Key], *, only: Sequence[str] = ()) -> list[Item]:
    """Consistent reads of many items, in the order of `keys`; those that are gone are left out.

    Args:
        only: The attributes that are wanted besides the keys; all where none are named.

    Raises:
        Unavailable: The store did not answer.
    """
    wanted = list(keys)
    ahead = _read_ahead.get()
    known = {identity: ahead[identity] for key in wanted if (identity := table.identity(key)) in ahead}
    found = {identity: item for identity, item in known.items() if item is not None} | _read(
        ((table, key) for key in wanted if table.identity(key) not in known),
        {"ProjectionExpression": ", ".join([*table.key, *only])} if only else {},
    )
    return [found[identity] for key in wanted if (identity := table.identity(key)) in found]


def _read(places: Iterable[tuple[Table, Key]], wishes: Mapping[str, Any] = MappingProxyType({})) -> dict[Any, Item]:
    """Consistent reads of many items, by their identities; those that are gone are left out."""
    found: dict[tuple[Any, ...], Item] = {}
    pending: list[tuple[Table, Mapping[str, Any]]] = [(table, items.encode(key)) for table, key in places]
    tables = {table.name: table for table, _ in pending}
    attempt = 0
    while pending:
        now, pending = pending[:MAX_ACTIONS], pending[MAX_ACTIONS:]
        asked: dict[str, Any] = {}
        for table, key in now:
            asked.setdefault(table.name, {"ConsistentRead": True, **wishes, "Keys": []})["Keys"].append(key)
        with reaching_aws():
            answer = clients.dynamodb().batch_get_item(RequestItems=asked)
        for name, rows in answer["Responses"].items():
            for row in rows:
                item = items.decode(row)
                found[tables[name].identity(tables[name].key_of(item))] = item
        unprocessed: Mapping[str, Any] = answer.get("UnprocessedKeys", {})
        left = [(tables[name], key) for name, rest in unprocessed.items() for key in rest["Keys"]]
        if left and len(left) == len(now):
            # Nothing was read: the table is throttled. Answers cut off at 16 MB always hold something.
            attempt += 1
            if attempt == _EMPTY_ANSWERS:
                raise Unavailable
            _pause(attempt)
        pending = [*left, *pending]
    return found


def delete_many(table: Table, keys: Iterable[Key]) -> float:
    """Removes items outside of any unit, whatever they have become since; those that are gone are no matter.

    Returns the write units that it took.

    Args:
        keys: Their keys, `MOST_DELETES` at most.

    Raises:
        Unavailable: The store did not take all of it.
    """
    pending: list[Any] = [{"DeleteRequest": {"Key": items.encode(key)}} for key in keys]
    attempt = 0
    units = 0.0
    while pending:
        with reaching_aws():
            answer = clients.dynamodb().batch_write_item(
                RequestItems={table.name: pending}, ReturnConsumedCapacity="TOTAL"
            )
        units += sum(taken.get("CapacityUnits", 0.0) for taken in answer.get("ConsumedCapacity", []))
        unprocessed: Mapping[str, Any] = answer.get("UnprocessedItems", {})
        left = list(unprocessed.get(table.name, []))
        if len(left) == len(pending):
            attempt += 1
            if attempt == _EMPTY_ANSWERS:
                raise Unavailable
            _pause(attempt)
        pending = left
    return units


def _must_fit(writes: list[_Write]) -> None:
    """Raises `TooLarge` for more than an item or a transaction can hold, before DynamoDB would refuse all of it."""
    if len(writes) > MAX_ACTIONS:
        raise TooLarge(f"All of it would change {len(writes)} items at once, of {MAX_ACTIONS} that can be.")
    sizes = [items.size(write.item) for write in writes if write.item is not None]
    if max(sizes, default=0) > LARGEST_ITEM:
        raise TooLarge(f"It would be stored in {max(sizes)} bytes, of {LARGEST_ITEM} that can be.")
    size = sum(sizes)
    if len(writes) > 1 and size > LARGEST_TRANSACTION:
        raise TooLarge(f"All of it would write {size} bytes at once, of {LARGEST_TRANSACTION} that can be.")


def _pause(number: int) -> None:
    time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.01 * 2**number)))  # noqa: S311 (jitter, no secret)


def _version(item: Item | None) -> int | None:
    return None if item is None else int(item["version"])
