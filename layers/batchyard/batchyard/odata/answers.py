"""The answer to a batch, written in the form that the client reads."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from batchyard.jsontext import dumps


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
    """The answers to a change set that happened. One that did not is a single `PartAnswer`."""

    answers: list[PartAnswer]


type Answers = Iterable[PartAnswer | ChangeSetAnswer]


def multipart(answers: Answers) -> tuple[str, str]:
    """The answers as multipart; the body and its media type."""
    boundary = f"batchresponse_{uuid.uuid4()}"
    lines: list[str] = []
    for part in answers:
        lines.append(f"--{boundary}")
        if isinstance(part, PartAnswer):
            lines += _http(part)
            continue
        inner = f"changesetresponse_{uuid.uuid4()}"
        lines += [f"Content-Type: multipart/mixed; boundary={inner}", ""]
        for answer in part.answers:
            lines.append(f"--{inner}")
            lines += _http(answer)
        lines += [f"--{inner}--", ""]
    lines += [f"--{boundary}--", ""]
    return "\r\n".join(lines), f"multipart/mixed; boundary={boundary}"


def as_json(answers: Answers) -> tuple[str, str]:
    """The answers as JSON; the body and its media type."""
    flat = (a for part in answers for a in (part.answers if isinstance(part, ChangeSetAnswer) else [part]))
    entries = ",".join(_entry(answer) for answer in flat)
    return f'{{"responses":[{entries}]}}', "application/json"


def _http(answer: PartAnswer) -> list[str]:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if answer.content_id is not None:
        lines.append(f"Content-ID: {answer.content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items() if name.lower() != "content-length"]
    if answer.status != HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {len(answer.body.encode())}")
    return [*lines, "", answer.body]


def _entry(answer: PartAnswer) -> str:
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() != "content-length"}
    fields = {"id": answer.content_id, "status": answer.status, "headers": headers}
    members = [f"{dumps(name)}:{dumps(value)}" for name, value in fields.items() if value is not None]
    if answer.body:
        media_type = (answer.header("Content-Type") or "").partition(";")[0].strip().lower()
        # What a function answers as JSON goes in as it is.
        members.append(f'"body":{answer.body if media_type == "application/json" else dumps(answer.body)}')
    return f"{{{','.join(members)}}}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
