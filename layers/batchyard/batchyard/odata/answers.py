"""The answer to a batch, written in the form that the client reads."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from batchyard.http.answers import LARGEST_ANSWER, size_in_lambda
from batchyard.jsontext import dumps

_WRAPPING = 4 * 1024
"""Bytes of an answer that belong to no request."""

_KEPT_FOR_EACH = 4 * 1024
"""Bytes kept for each request, whatever those before it were answered: its ID, its headers, or why it was refused."""

_AROUND_EACH = 1024
"""Bytes around each request's texts, at most: names, delimiters, escapes in its ID."""


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """The answer to one request.

    Args:
        status: The HTTP status.
        headers: Its headers, names as the function wrote them.
        body: Its body, text.
        content_id: What the request was called.
        wrote: The request was a write, and happened.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    content_id: str | None = None
    wrote: bool = False

    @property
    def failed(self) -> bool:
        """Whether the request was refused."""
        return self.status >= HTTPStatus.BAD_REQUEST

    def header(self, name: str) -> str | None:
        """A header by its name in any case."""
        return next((value for found, value in self.headers.items() if found.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class ChangeSetAnswer:
    """The answer to a change set.

    Args:
        answers: The answers to its requests, in order.
        name: The name of an `atomicityGroup`; None in multipart.
        refusal: Why it did not happen, which in multipart is all that is answered.
    """

    answers: list[PartAnswer]
    name: str | None = None
    refusal: PartAnswer | None = None

    @property
    def failed(self) -> bool:
        """Whether nothing of it happened."""
        return self.refusal is not None


def minimal(answer: PartAnswer) -> PartAnswer:
    """The answer to a write that has happened, without its body."""
    return replace(answer, body="", headers={**answer.headers, "Preference-Applied": "return=minimal"})


type Answers = Iterable[PartAnswer | ChangeSetAnswer]


def fitting(
    answers: Answers, count: int, refuse: Callable[[PartAnswer], PartAnswer]
) -> Iterator[PartAnswer | ChangeSetAnswer]:
    """The answers, so that a function can answer all of them in one.

    A read whose answer has no room is refused, and can be made again by itself. A write has happened: it keeps its
    status and headers, and only its body is left out.

    Args:
        answers: The answers, in order.
        count: How many requests they may be for.
        refuse: The answer in the place of one that has no room.
    """
    room = LARGEST_ANSWER - _WRAPPING - count * _KEPT_FOR_EACH

    def fitted(answer: PartAnswer) -> PartAnswer:
        nonlocal room
        size = max(0, _size(answer) - _KEPT_FOR_EACH)
        if size <= room:
            room -= size
            return answer
        if answer.wrote:
            return minimal(answer)
        return refuse(answer)

    for answer in answers:
        if isinstance(answer, ChangeSetAnswer):
            yield replace(answer, answers=[fitted(part) for part in answer.answers])
        else:
            yield fitted(answer)


def multipart(answers: Answers) -> tuple[str, str]:
    """The answers as multipart; the body and its media type."""
    boundary = f"batchresponse_{uuid.uuid4()}"
    lines: list[str] = []
    for part in answers:
        lines.append(f"--{boundary}")
        match part:
            case PartAnswer():
                lines += _http(part)
            case ChangeSetAnswer(refusal=PartAnswer() as refusal):
                lines += _http(refusal)
            case ChangeSetAnswer(answers=inside):
                inner = f"changesetresponse_{uuid.uuid4()}"
                lines += [f"Content-Type: multipart/mixed; boundary={inner}", ""]
                for answer in inside:
                    lines.append(f"--{inner}")
                    lines += _http(answer)
                lines += [f"--{inner}--", ""]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines), f"multipart/mixed; boundary={boundary}"


def as_json(answers: Answers) -> tuple[str, str]:
    """The answers as JSON; the body and its media type."""
    entries = (
        _entry(answer, part.name if isinstance(part, ChangeSetAnswer) else None)
        for part in answers
        for answer in (part.answers if isinstance(part, ChangeSetAnswer) else [part])
    )
    return f'{{"responses":[{",".join(entries)}]}}', "application/json"


def _http(answer: PartAnswer) -> list[str]:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if answer.content_id is not None:
        lines.append(f"Content-ID: {answer.content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    if answer.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(answer.body.encode())}")
    return [*lines, "", answer.body]


def _entry(answer: PartAnswer, group: str | None) -> str:
    named = {"id": answer.content_id} if group is None else {"id": answer.content_id, "atomicityGroup": group}
    headers = {name.lower(): value for name, value in answer.headers.items()}
    entry = dumps({**named, "status": answer.status, "headers": headers})
    return f'{entry[:-1]},"body":{_as_json(answer)}}}' if answer.body else entry


def _as_json(answer: PartAnswer) -> str:
    """A body as JSON: what a function answers as JSON is it already."""
    media_type = (answer.header("Content-Type") or "").partition(";")[0].strip().lower()
    return answer.body if media_type == "application/json" else dumps(answer.body)


def _size(answer: PartAnswer) -> int:
    """Bytes of an answer, whatever its form: Lambda carries it in a string within JSON, where some count twice."""
    headers = (text for header in answer.headers.items() for text in header)
    return size_in_lambda("".join([answer.content_id or "", _as_json(answer), *headers])) + _AROUND_EACH
