"""`$batch` as a client speaks it: whole bodies in, the parts of an answer out, read to the byte."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.api import Answer, Api

_PART = re.compile(
    rb"Content-Type: application/http\r\n"
    rb"Content-Transfer-Encoding: binary\r\n"
    rb"(?:Content-ID: (?P<id>[^\r\n]+)\r\n)?"
    rb"\r\n"
    rb"HTTP/1\.1 (?P<status>\d{3}) (?P<phrase>[A-Za-z ]+)\r\n"
    rb"(?P<headers>(?:[A-Za-z-]+: [^\r\n]+\r\n)*)"
    rb"\r\n"
    rb"(?P<body>[^\r\n]*)\r\n"
)
_INNER = re.compile(rb"Content-Type: multipart/mixed; boundary=(changesetresponse_[0-9a-f-]{36})\r\n\r\n")


@dataclass(frozen=True)
class Part:
    """The answer to one request of a batch."""

    id: str | None
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)


type Parts = list[Part | list[Part]]
"""The answers of a batch; those of a change set are a list of their own."""


def send(
    api: Api,
    body: str | bytes,
    content_type: str = "multipart/mixed; boundary=b",
    *,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer to a batch.

    Args:
        api: Who asks, and how the API is reached.
        body: The envelope.
        content_type: Its media type.
        headers: More headers.
    """
    text = body if isinstance(body, str) else body.decode()
    return api.post("/v1/$batch", text=text, headers={"Content-Type": content_type, **(headers or {})})


def request(method: str, url: str, body: object = None, **headers: str) -> str:
    """A part that holds one request, as a plain client writes it. Underscores in names of headers are hyphens."""
    mime, own = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n", ""
    for name, value in headers.items():
        line = f"{name.replace('_', '-')}: {value}\r\n"
        if name == "Content_ID":
            mime += line
        else:
            own += line
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body, ensure_ascii=False)
    if text:
        own += "Content-Type: application/json\r\n"
    return f"{mime}\r\n{method} {url} HTTP/1.1\r\n{own}\r\n{text}\r\n"


def change_set(*requests: str) -> str:
    """A part that holds a change set."""
    return "Content-Type: multipart/mixed; boundary=c\r\n\r\n" + envelope(*requests, boundary="c")


def envelope(*parts: str, boundary: str = "b") -> str:
    """The body of a multipart batch."""
    return "".join(f"--{boundary}\r\n{part}" for part in parts) + f"--{boundary}--\r\n"


def run(api: Api, *parts: str, headers: Mapping[str, str] | None = None) -> Parts:
    """The answers to the parts of a multipart batch."""
    answer = send(api, envelope(*parts), headers=headers)
    assert answer.status == 200, answer.text
    return parts_of(answer)


def run_flat(api: Api, *requests: str) -> list[Part]:
    """The answers to independent requests."""
    answers = run(api, *requests)
    parts = [part for part in answers if isinstance(part, Part)]
    assert len(parts) == len(answers)
    return parts


def run_change_set(api: Api, *requests: str) -> list[Part] | Part:
    """The answer to one change set: a list where it happened, the error where it did not."""
    (answer,) = run(api, change_set(*requests))
    return answer


def run_json(api: Api, *requests: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The answers to a JSON batch."""
    answer = send(api, json.dumps({"requests": requests}), "application/json", headers=headers)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json"), answer.text
    responses: list[dict[str, Any]] = answer.json()["responses"]
    return responses


def parts_of(answer: Answer) -> Parts:
    """The parts of a multipart answer, every byte of which must be where the contract has it."""
    boundary = re.fullmatch(r"multipart/mixed; boundary=(batchresponse_[0-9a-f-]{36})", answer.headers["Content-Type"])
    assert boundary, answer.headers["Content-Type"]
    return [_part(block) for block in _blocks(answer.text.encode(), boundary[1].encode(), end=b"\r\n")]


def _blocks(body: bytes, boundary: bytes, *, end: bytes) -> list[bytes]:
    opening, *blocks, closing = body.split(b"--" + boundary)
    assert (opening, closing) == (b"", b"--" + end), body
    assert all(block.startswith(b"\r\n") and block.endswith(b"\r\n") for block in blocks)
    return [block[2:] for block in blocks]


def _part(block: bytes) -> Part | list[Part]:
    inner = _INNER.match(block)
    if inner:
        return list(_singles(_blocks(block[inner.end() :], inner[1], end=b"\r\n\r\n")))
    (single,) = _singles([block])
    return single


def _singles(blocks: Iterable[bytes]) -> Iterable[Part]:
    for block in blocks:
        found = _PART.fullmatch(block)
        assert found, block
        headers = dict(line.split(": ", 1) for line in found["headers"].decode().splitlines())
        if found["status"] == b"204":
            assert "Content-Length" not in headers
        else:
            assert headers.pop("Content-Length") == str(len(found["body"]))
        yield Part(found["id"].decode() if found["id"] else None, int(found["status"]), headers, found["body"].decode())
