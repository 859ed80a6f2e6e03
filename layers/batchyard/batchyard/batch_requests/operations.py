"""What can be done with a batch request: each operation reads, lets the rules decide, and commits once."""

import gzip
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from batchyard import clock
from batchyard.actor import Actor
from batchyard.batch_requests import ids, listing, repository, rules
from batchyard.batch_requests.listing import Page, Question
from batchyard.batch_requests.rules import BatchRequest, Wanted
from batchyard.channels import repository as channel_repository
from batchyard.errors import Contended, Invalid, Lost, NotFound, NotUpdated, Unavailable
from batchyard.http.answers import etag, must_fit
from batchyard.http.preconditions import UNCONDITIONAL, Preconditions
from batchyard.store import blobs
from batchyard.store.blobs import Blob
from batchyard.store.replies import once
from batchyard.store.unit import Unit, transact

LOG_LEVEL = 4
"""How hard log files are compressed, 1 to 9: from 6 on, some texts take a hundred times as long as others."""


def open_one(
    channel: int, *, by: str, idempotency_key: str | None = None, conditions: Preconditions = UNCONDITIONAL
) -> BatchRequest:
    """Opens a batch request; a repeat with the same key returns the first one again.

    Args:
        by: The user who wants it.
        idempotency_key: The user's key for this request.
        conditions: The caller's, of the channel's list.

    Raises:
        NotFound: There is no such channel.
        Invalid: The channel is not active.
        PreconditionFailed: The list is not what the conditions ask for.
    """
    pk = ids.next_pk()
    new = BatchRequest(
        channel=channel,
        pk=pk,
        local_batch_id=str(uuid.uuid4()),
        status=rules.INITIALIZED,
        modified=pk,
        actor=Actor(by=by),
    )

    def operation(unit: Unit) -> BatchRequest:
        in_channel = channel_repository.find(unit, channel)

        def make() -> BatchRequest:
            # Nobody else has this key: it is there if the answer to the first try got lost, and somebody then changed
            # it before botocore's repeat.
            if unit.attempt > 1 and repository.exists(unit, channel, pk):
                return replace(new, version=1)
            conditions.must_hold(None)
            if not in_channel.is_active:
                raise Invalid({"channel": ["The channel is not active."]})
            return repository.put(unit, new)

        named = f"{by} opens in {channel}"
        return once(
            unit, idempotency_key, named, in_channel.made, make, encode=BatchRequest.to_json, decode=rules.opened
        )

    return transact(operation)


def retrieve(channel: int, pk: int, *, whole: bool = True) -> BatchRequest:
    """A batch request as it is now.

    Args:
        pk: The batch request's.
        whole: With its objects; else they are not read.

    Raises:
        NotFound: There is none.
        Lost: Its objects are wanted, and not there any more.
    """
    return transact(lambda unit: _find(unit, channel, pk, whole=whole))


def list_page(asked: Question, number: int, caller: str) -> Page:
    """A page of a channel's batch requests.

    Args:
        asked: What is asked for.
        number: The page, from 1.
        caller: Whose walk through the pages this is.

    Raises:
        NotFound: There is no such channel, or no such page.
        TooLarge: It is more than an answer can hold.
    """
    found = listing.page(asked, number, caller)
    if not found.results:
        # Only a channel that exists has batch requests, so only an empty page leaves the question open.
        channel_repository.find(Unit(), asked.channel)
    return found


def update(
    channel: int,
    pk: int,
    change: Wanted,
    *,
    by: str,
    whole: bool = False,
    log_file: str | None = None,
    conditions: Preconditions = UNCONDITIONAL,
) -> BatchRequest:
    """Changes a batch request and returns it as it is then.

    Args:
        pk: The batch request's.
        change: What is wanted.
        by: The user who wants it.
        whole: A given list of objects is the whole list.
        log_file: The text of a log file to attach, in whatever status.
        conditions: The caller's, of the batch request.

    Raises:
        NotFound: There is none.
        Invalid: The life cycle does not allow it.
        PreconditionFailed: It is not what the conditions ask for.
        Lost: Objects are to be merged into some that are not there any more. Any other change is made without them.
        TooLarge: It would no longer fit into an answer.
        NotUpdated: The store refused after retries.
    """
    digest = None if log_file is None else hashlib.sha256(log_file.encode()).hexdigest()

    def operation(unit: Unit) -> BatchRequest:
        try:
            current = _find(unit, channel, pk)
        except Lost:
            if change.get("objects") and not whole:
                raise
            current = _find(unit, channel, pk, whole=False)
        revised = rules.revise(current, change, whole=whole)
        log = None
        if log_file is not None and digest is not None and digest != current.log_digest:
            log = _log_blob(channel, pk, log_file)
            revised = rules.attach_log(revised, log.key, digest)
        conditions.must_hold(etag(current.version), repeats=revised == current)
        if revised == current:
            return current
        actor = current.actor if revised.status == current.status else Actor(by=by)
        revised = replace(revised, modified=max(clock.now(), current.modified + 1), actor=actor)
        must_fit(revised.to_json())
        if log is not None:
            unit.write_blob(log)
        return repository.put(unit, revised)

    with _in_the_words_of_updates():
        return transact(operation)


def attach_log(channel: int, pk: int, key: str, digest: str) -> bool:
    """Points a batch request at a log file that is stored already; false where that one is not needed.

    Args:
        pk: The batch request's; it may be gone.
        key: Where the log file is.
        digest: SHA-256 of its text; the batch request may have the same text already.
    """

    def operation(unit: Unit) -> bool:
        current = repository.get(unit, channel, pk, whole=False)
        if current is None or current.log_digest == digest:
            # The very one is there where a repeat follows an answer that got lost.
            return current is not None and current.log_key == key
        revised = rules.attach_log(current, key, digest)
        repository.put(unit, replace(revised, modified=max(clock.now(), current.modified + 1)))
        return True

    return transact(operation)


def fail_unless_changed_since(channel: int, pk: int, moment_us: int) -> bool:
    """Fails a batch request whose last change was before a moment; false where it changed after, or is finished.

    Raises:
        NotFound: There is none.
    """

    def operation(unit: Unit) -> bool:
        current = _find(unit, channel, pk, whole=False)
        if current.modified >= moment_us or current.status in rules.FINISHED:
            return False
        revised = rules.revise(current, {"status": rules.FAIL}, whole=False)
        repository.put(unit, replace(revised, modified=clock.now(), actor=Actor(trigger="stale")))
        return True

    return transact(operation)


def delete(channel: int, pk: int, conditions: Preconditions = UNCONDITIONAL) -> None:
    """Removes a batch request, if it is what the caller's conditions ask for.

    Raises:
        NotFound: There is none.
        PreconditionFailed: It is not.
        NotUpdated: The store refused after retries.
    """

    def operation(unit: Unit) -> None:
        version = repository.version(unit, channel, pk)
        if version is None:
            raise NotFound
        conditions.must_hold(etag(version))
        repository.delete(unit, channel, pk)

    with _in_the_words_of_updates():
        transact(operation)


def _find(unit: Unit, channel: int, pk: int, *, whole: bool = True) -> BatchRequest:
    found = repository.get(unit, channel, pk, whole=whole)
    if found is None:
        raise NotFound
    return found


def _log_blob(channel: int, pk: int, text: str) -> Blob:
    return Blob(
        key=blobs.new_key(blobs.LOGS, channel, pk),
        content=gzip.compress(text.encode(), compresslevel=LOG_LEVEL, mtime=0),
        content_type="text/plain; charset=utf-8",
        content_encoding="gzip",
    )


@contextmanager
def _in_the_words_of_updates() -> Iterator[None]:
    try:
        yield
    except (Contended, Unavailable) as error:
        raise NotUpdated from error
