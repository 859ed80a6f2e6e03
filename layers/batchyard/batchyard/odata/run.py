"""How a batch runs: in order, each change set as a whole, up to the first error or to the end.

It knows no routes: a request is answered by whatever `Routes` it is given. A change set is the same requests on one
unit of work, which is committed after the last of them.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Protocol
from urllib.parse import unquote

from batchyard.defects import log_defect
from batchyard.errors import BatchyardError, Contended, FailedDependency, Malformed, Unavailable
from batchyard.http import audit
from batchyard.http.answers import LARGEST_ANSWER
from batchyard.odata.answers import ChangeSetAnswer, PartAnswer, minimal
from batchyard.odata.conditions import holds
from batchyard.odata.envelope import READS, Batch, ChangeSet, PartRequest
from batchyard.store.unit import Unit, joined, retrying

SHARED_SECONDS = 1.0
"""How long requests of a batch go on with what was read for them: as long as one alone may take, about."""

type Outcomes = dict[str, str | None]
"""What became of requests and groups, by their IDs: the `Location` of what they made, if any; None where they failed.
Where several have one ID, which OData 3 and 4.0 allow, it is the last one's."""

_BRACKETED = re.compile(r"<(.+)>")
_REFERENCE = re.compile(r"\$([^/?#]+)(.*)", re.DOTALL)
# What begins with a dollar sign and is OData's own, whatever a request is called (URL Conventions 4.01, 2).
_RESOURCE = re.compile(r"(?:all|batch|crossjoin(?:\(.*)?|entity|id|metadata|root)\Z", re.IGNORECASE)
_OF_A_GROUP = "Another request of its group failed, so that none of them happened."


class Routes(Protocol):
    """What answers the requests of a batch."""

    def below_root(self, url: str) -> str:
        """A URL without the service's root in front, if it has one."""

    def send(self, request: PartRequest) -> PartAnswer:
        """The answer to a request.

        Raises:
            BatchyardError: It leads to nothing that could answer.
        """

    def reading_ahead(self, requests: Iterable[PartRequest]) -> AbstractContextManager[None]:
        """Within this, what these requests read costs as few calls to the store as it can, and is of one moment."""

    def sharing(self, writes: Iterable[PartRequest]) -> AbstractContextManager[None]:
        """Within this, what these requests read costs as few calls to the store as it can, one after the other."""

    def refuse(self, error: BatchyardError, content_id: str | None) -> PartAnswer:
        """The answer to a request that does not run."""


class Run:
    """One batch on its way.

    Args:
        routes: What answers its requests.
        time_is_up: Whether no other request may begin.
    """

    def __init__(self, routes: Routes, time_is_up: Callable[[], bool]) -> None:
        self.routes = routes
        self.time_is_up = time_is_up
        self._outcomes: Outcomes = {}

    def answers(self, batch: Batch, *, goes_on: bool) -> Iterator[PartAnswer | ChangeSetAnswer]:
        """The answers to a batch's parts, in order; fewer than there are where it ends at an error.

        Args:
            goes_on: Errors do not end it.
        """
        for part in self._in_order(batch):
            yield part
            if part.failed and not goes_on:
                return

    def _in_order(self, batch: Batch) -> Iterator[PartAnswer | ChangeSetAnswer]:
        alone: list[PartRequest] = []
        for part in batch.parts:
            if isinstance(part, PartRequest):
                alone.append(part)
                continue
            yield from self._neighbours(alone)
            alone = []
            yield self._change_set(part)
        yield from self._neighbours(alone)

    def _neighbours(self, requests: list[PartRequest]) -> Iterator[PartAnswer]:
        """The answers to requests that stand together, of which each happens by itself."""
        steps: deque[list[PartRequest]] = deque()
        for reads, group in groupby(requests, key=_is_read):
            some = list(group)
            steps.extend([some] if reads else [[one] for one in some])
        while steps:
            writes = [step[0] for step in steps if not _is_read(step[0])]
            with self.routes.sharing(self._leading_somewhere(writes, self._outcomes)):
                until = time.monotonic() + SHARED_SECONDS
                yield from self._step(steps.popleft())
                while steps and time.monotonic() < until:
                    yield from self._step(steps.popleft())

    def _step(self, requests: list[PartRequest]) -> Iterator[PartAnswer]:
        with self._reading_ahead(requests, self._outcomes) if _is_read(requests[0]) else nullcontext():
            for request in requests:
                yield self._single(request)

    def _single(self, request: PartRequest) -> PartAnswer:
        answer = self._answer(request, self._outcomes)
        _note(request, answer, self._outcomes)
        return answer

    def _change_set(self, change_set: ChangeSet) -> ChangeSetAnswer:
        def attempt(unit: Unit) -> ChangeSetAnswer:
            outcomes = dict(self._outcomes)
            answers: list[PartAnswer] = []
            held = 0
            with self._reading_ahead(change_set.requests, outcomes), joined(unit), audit.held() as changes:
                for request in change_set.requests:
                    answer = self._answer(request, outcomes, within=change_set)
                    if unit.contended:
                        raise Contended
                    if answer.failed:
                        return self._refused(change_set, answer, len(answers))
                    _note(request, answer, outcomes)
                    # All of them are held until the commit: what no answer could carry is not kept so long.
                    answers.append(answer if held + len(answer.body) <= LARGEST_ANSWER else minimal(answer))
                    held += len(answers[-1].body)
            unit.commit()
            audit.write(changes)
            self._outcomes = outcomes
            if change_set.name is not None:
                self._outcomes[change_set.name] = ""
            return ChangeSetAnswer(answers, change_set.name)

        names = [name for request in change_set.requests for name in _names(request)]
        first = change_set.requests[0].content_id if change_set.requests else None
        outcome = self._or_refusal(first, lambda: retrying(attempt))
        answer = self._refused(change_set, outcome) if isinstance(outcome, PartAnswer) else outcome
        if answer.failed:
            self._outcomes.update(dict.fromkeys(names if change_set.name is None else [*names, change_set.name]))
        return answer

    def _refused(self, change_set: ChangeSet, refusal: PartAnswer, position: int | None = None) -> ChangeSetAnswer:
        """The answer to a change set of which nothing happened, since one request was refused, or all of it."""

        def answer(number: int, request: PartRequest) -> PartAnswer:
            if position in {None, number}:
                return replace(refusal, content_id=request.content_id)
            return self.routes.refuse(FailedDependency(_OF_A_GROUP), request.content_id)

        return ChangeSetAnswer(
            [answer(number, request) for number, request in enumerate(change_set.requests)], change_set.name, refusal
        )

    def _answer(self, request: PartRequest, outcomes: Outcomes, within: ChangeSet | None = None) -> PartAnswer:
        def send() -> PartAnswer:
            if request.error is not None:
                raise Malformed(request.error)
            if within is not None and request.method in READS:
                raise Malformed("A change set holds writes only.")
            if any(outcomes.get(name, "") is None for name in request.depends_on):
                raise FailedDependency
            if request.condition is not None and not holds(request.condition, partial(_succeeded, outcomes)):
                raise FailedDependency("Its condition does not hold.")
            if self.time_is_up():
                raise Unavailable("The batch ran out of time before this request began. Send it again.")
            return self.routes.send(self._referred(request, outcomes))

        return self._or_refusal(request.content_id, send)

    def _or_refusal[T](self, content_id: str | None, act: Callable[[], T]) -> T | PartAnswer:
        """What `act` returns, else a refusal: what earlier requests did has happened, and must be told."""
        try:
            return act()
        except BatchyardError as error:
            return self.routes.refuse(error, content_id)
        except Exception as error:
            log_defect(error)
            return self.routes.refuse(BatchyardError(), content_id)

    def _reading_ahead(self, requests: Iterable[PartRequest], outcomes: Outcomes) -> AbstractContextManager[None]:
        return self.routes.reading_ahead(self._leading_somewhere(requests, outcomes))

    def _leading_somewhere(self, requests: Iterable[PartRequest], outcomes: Outcomes) -> Iterator[PartRequest]:
        for request in requests:
            if request.error is None:
                # One that leads nowhere, or not yet, is told so when its turn comes.
                with suppress(BatchyardError):
                    yield self._referred(request, outcomes)

    def _referred(self, request: PartRequest, outcomes: Outcomes) -> PartRequest:
        """The request with the URL that a reference in it stands for.

        Raises:
            FailedDependency: What it refers to failed.
            Malformed: It refers to nothing.
        """
        reference = _REFERENCE.fullmatch(self.routes.below_root(request.url))
        if reference is None or _RESOURCE.match(name := unquote(reference[1])):
            return request
        rest = reference[2]
        location = outcomes.get(name, "")
        if location is None:
            raise FailedDependency("The request that the URL refers to failed.")
        if not location:
            raise Malformed("The URL refers to no request before this one that made something.")
        return replace(request, url=(location.rstrip("/") if rest else location) + rest)


def _succeeded(outcomes: Outcomes, name: str) -> bool:
    if name not in outcomes:
        raise FailedDependency(f'"if" names "${name[:100]}", which is no request or group before this one.')
    return outcomes[name] is not None


def _note(request: PartRequest, answer: PartAnswer, outcomes: Outcomes) -> None:
    made = answer.header("Location") if answer.wrote else None
    outcomes.update(dict.fromkeys(_names(request), None if answer.failed else made or ""))


def _names(request: PartRequest) -> Iterator[str]:
    """What others may call a request: its ID, and what is in the brackets that MIME has around one (RFC 2045, 7)."""
    if request.content_id is not None:
        yield request.content_id
        if bracketed := _BRACKETED.fullmatch(request.content_id):
            yield bracketed[1]


def _is_read(request: PartRequest) -> bool:
    return request.error is None and request.method in READS
