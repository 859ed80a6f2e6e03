"""What can be done with batch jobs. The work itself is done in the background (`working`)."""

from collections.abc import Callable, Mapping
from typing import Any

from batchyard import clock, ulids
from batchyard.batch_jobs import listing, repository
from batchyard.batch_jobs.listing import Page, Question
from batchyard.batch_jobs.rules import LARGEST_CONTEXT, READ, TYPES, Job
from batchyard.echoes import echo
from batchyard.errors import Malformed, NotAllowed, NotFound, NotPermitted
from batchyard.jsontext import dumps
from batchyard.scope import Scope
from batchyard.store.replies import once
from batchyard.store.unit import Unit, transact
from batchyard.user_ids import user_id


def create(
    kind: str, context: Mapping[str, Any], user: str, scope: Scope, *, dry_run: bool, idempotency_key: str | None
) -> dict[str, Any]:
    """Makes a job, and returns it as it is answered; a repeat with the same key returns the first one again.

    Args:
        kind: Its type.
        context: What it is to do.
        user: The name of the user whose it is.
        scope: What the caller may do.
        dry_run: It waits for its confirmation.
        idempotency_key: The caller's key for this request.

    Raises:
        NotFound: There are no jobs of this type.
        NotPermitted: The caller may not have it done.
        Malformed: The context is too large, or holds what is no text.
        TooMany: The user has too many jobs that have not ended.
    """
    if kind not in TYPES:
        raise NotFound(f"Unable to find a BatchJob strategy with the type {echo(kind)}")
    _must_be_permitted(kind, scope)
    try:
        size = len(dumps(context).encode())
    except UnicodeEncodeError:
        raise Malformed("context must hold whole characters, and half of a surrogate pair is none") from None
    if size > LARGEST_CONTEXT:
        raise Malformed(f"context must have at most {LARGEST_CONTEXT} bytes")
    now = clock.now()
    owner = user_id(user)
    id = f"batch_{ulids.new(now)}"

    def operation(unit: Unit) -> dict[str, Any]:
        def make() -> dict[str, Any]:
            job = Job(id, kind, owner, user, context, now, now, dry_run=dry_run).looked_at_next(now)
            # Nobody else has this ID: it is there if the answer to an earlier try got lost.
            if unit.attempt == 1 or repository.get(unit, id) is None:
                repository.add(unit, job)
            return job.to_answer()

        return once(unit, idempotency_key, f"{user} batch jobs", 0, make)

    return transact(operation)


def retrieve(id: str, user: str, scope: Scope) -> Job:
    """A job of a user.

    Raises:
        NotFound: There is none of this ID.
        NotAllowed: It is another user's.
        NotPermitted: The caller may not have anything to do with jobs of its type.
    """
    return transact(lambda unit: _own(unit, id, user, scope))


def confirm(id: str, user: str, scope: Scope) -> Job:
    """Lets a job that is pre-processed go on; raises as `retrieve` does.

    Raises:
        NotAllowed: It does not wait for that.
    """
    return _change(id, user, scope, lambda job: job.confirmed(clock.now()))


def cancel(id: str, user: str, scope: Scope) -> Job:
    """Calls a job off; raises as `retrieve` does.

    Raises:
        NotAllowed: It is completed.
    """
    return _change(id, user, scope, lambda job: job.canceled(clock.now()))


def undo(id: str, user: str, scope: Scope) -> Job:
    """Has what a completed job did taken back; raises as `retrieve` does.

    Raises:
        NotAllowed: There is nothing to take back, or not any more.
    """
    return _change(id, user, scope, lambda job: job.undone(clock.now()))


def listed(asked: Question, user: str, scope: Scope) -> Page:
    """A page of a user's jobs, of the types that the caller may have something to do with."""
    return listing.page(asked, user_id(user), [kind for kind in TYPES if _is_permitted(kind, scope)])


def _change(id: str, user: str, scope: Scope, change: Callable[[Job], Job]) -> Job:
    def operation(unit: Unit) -> Job:
        job = _own(unit, id, user, scope)
        changed = change(job)
        return job if changed is job else repository.put(unit, changed, job)

    return transact(operation)


def _own(unit: Unit, id: str, user: str, scope: Scope) -> Job:
    job = repository.get(unit, id)
    if job is None or job.expires_s <= clock.now_s():
        raise NotFound(f"Batch job with id {echo(id)} was not found")
    if job.user != user:
        raise NotAllowed("Cannot access a batch job that does not belong to the logged in user")
    _must_be_permitted(job.type, scope)
    return job


def _must_be_permitted(kind: str, scope: Scope) -> None:
    if not _is_permitted(kind, scope):
        raise NotPermitted


def _is_permitted(kind: str, scope: Scope) -> bool:
    return scope.reads_catalogue if TYPES[kind] == READ else scope.writes_catalogue
