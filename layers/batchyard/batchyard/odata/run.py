"""How a batch runs: in order, each change set as a whole, up to the first error or to the end.

It knows no routes: a request is answered by whatever `Routes` it is given. A change set is the same requests on one
unit of work, which is committed after the last of them.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from itertools import groupby
from typing import Protocol

from batchyard.errors import BatchyardError, FailedDependency, Malformed, Unavailable
from batchyard.odata.answers import ChangeSetAnswer, PartAnswer
from batchyard.odata.envelope import READS, Batch, ChangeSet, PartRequest
from batchyard.store.unit import Unit, joined, retrying


class Routes(Protocol):
    """What answers the requests of a batch."""

    def send(self, request: PartRequest, located: dict[str, str]) -> PartAnswer:
        """The answer to a request; `located` holds the `Location` of what earlier ones made, by their Content-IDs."""

    def reading_ahead(self, requests: Iterable[PartRequest]) -> AbstractContextManager[None]:
        """Within this, these reads cost as few calls to the store as they can."""

    def refuse(self, error: BatchyardError, content_id: str | None) -> PartAnswer:
        """The answer to a request that does not run."""


class Run:
    """One batch on its way.

    Args:
        routes: What answers its requests.
        has_time: Whether another request may still begin.
    """

    def __init__(self, routes: Routes, has_time: Callable[[], bool]) -> None:
        self.routes = routes
        self.has_time = has_time
        self._located: dict[str, str] = {}
        self._failed: set[str] = set()

    def answers(self, batch: Batch, *, goes_on: bool) -> Iterator[PartAnswer | ChangeSetAnswer]:
        """The answers to a batch's parts, in order; fewer than there are where it ends at an error.

        Args:
            batch: The batch.
            goes_on: Errors do not end it.
        """
        for reads, parts in groupby(batch.parts, key=_is_read):
            group = list(parts)
            with self._reading_ahead(group) if reads else nullcontext():
                for part in group:
                    answer = self._change_set(part) if isinstance(part, ChangeSet) else self._single(part)
                    yield answer
                    if isinstance(answer, PartAnswer) and answer.failed and not goes_on:
                        return

    def _reading_ahead(self, group: list[PartRequest | ChangeSet]) -> AbstractContextManager[None]:
        return self.routes.reading_ahead([part for part in group if isinstance(part, PartRequest)])

    def _single(self, request: PartRequest) -> PartAnswer:
        answer = self._answer(request, self._located)
        self._note(request.content_id, answer)
        return answer

    def _change_set(self, change_set: ChangeSet) -> ChangeSetAnswer | PartAnswer:
        def attempt() -> ChangeSetAnswer | PartAnswer:
            answers: list[PartAnswer] = []
            unit, located = Unit(), dict(self._located)
            with joined(unit):
                for request in change_set.requests:
                    answer = self._answer(request, located, within=change_set)
                    if answer.failed:
                        return answer
                    answers.append(answer)
                    _locate(located, request.content_id, answer)
            unit.commit()
            return ChangeSetAnswer(answers)

        first = change_set.requests[0].content_id if change_set.requests else None
        try:
            outcome = retrying(attempt)
        except BatchyardError as error:
            outcome = self.routes.refuse(error, first)
        if isinstance(outcome, PartAnswer):
            self._failed |= {request.content_id for request in change_set.requests if request.content_id}
            self._failed |= {change_set.name} if change_set.name else set()
        else:
            for request, answer in zip(change_set.requests, outcome.answers, strict=True):
                self._note(request.content_id, answer)
        return outcome

    def _answer(self, request: PartRequest, located: dict[str, str], within: ChangeSet | None = None) -> PartAnswer:
        refusal: BatchyardError | None = None
        if request.error is not None:
            refusal = Malformed(request.error)
        elif within is not None and request.method in READS:
            refusal = Malformed("A change set holds writes only.")
        elif self._failed.intersection(request.depends_on):
            refusal = FailedDependency("A request that this one depends on failed.")
        elif not self.has_time():
            refusal = Unavailable("The batch ran out of time before this request began. Send it again.")
        if refusal is not None:
            return self.routes.refuse(refusal, request.content_id)
        return self.routes.send(request, located)

    def _note(self, content_id: str | None, answer: PartAnswer) -> None:
        if content_id is not None and answer.failed:
            self._failed.add(content_id)
        _locate(self._located, content_id, answer)


def _locate(located: dict[str, str], content_id: str | None, answer: PartAnswer) -> None:
    location = answer.header("Location")
    if content_id is not None and location is not None and answer.status == HTTPStatus.CREATED:
        located[content_id] = location


def _is_read(part: PartRequest | ChangeSet) -> bool:
    return isinstance(part, PartRequest) and part.error is None and part.method in READS
