"""A sample event together with what it must bring about: the answer of its function, and what is in the stores then."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from batchyard.http.caller import Caller
from tools import aws_events
from tools import sample_world as world
from tools.aws_events import Event
from tools.template import route_of

ADDRESS = f"https://{aws_events.HOST}/{aws_events.STAGE}"
"""Where the API is, according to the events."""

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
TAKEN: dict[str, object] = {"batchItemFailures": []}
"""What a trigger answers where nothing is to be delivered again."""

EVERYTHING = world.CALLER


@dataclass(frozen=True)
class Sample:
    """An event, and what it must bring about in a store that holds the sample world alone.

    Args:
        event: What the function gets.
        answer: What its answer must hold: fields of mappings, whole lists, patterns for texts, types for values.
        look: Looks at the stores afterwards.
        left: What must be found there, whole.
        repeatable: A second delivery of the event brings about the same.
        like: The sample of a function that needs of Lambda and of its package whatever this one needs. Where time is
            short, that one alone is run as packaged.
    """

    event: Event
    answer: object
    look: Callable[[], object] = lambda: None
    left: object = None
    repeatable: bool = False
    like: str = ""

    def differences(self, result: Any) -> list[str]:
        """Where a function's result is not what this sample wants."""
        return list(differences(self.answer, _facts(result), "answer"))


def route(
    method: str,
    url: str,
    answer: object,
    look: Callable[[], object] = lambda: None,
    left: object = None,
    *,
    body: object = None,
    text: str | bytes | None = None,
    headers: Mapping[str, str] | None = None,
    caller: Caller | None = EVERYTHING,
    scheme: str = "Token",
    repeatable: bool = False,
    like: str = "",
) -> Sample:
    """The sample of a route.

    Args:
        method: The HTTP method.
        url: Path and query.
        answer: See `Sample`, as the rest.
        look: The same.
        left: The same.
        body: Sent as JSON.
        text: Sent as it is, instead of `body`; bytes of a binary media type.
        headers: More headers.
        caller: Who asks; None for somebody without a token.
        scheme: How the token is sent.
        repeatable: See `Sample`.
        like: The same.
    """
    payload = json.dumps(body) if body is not None else text
    own = {} if caller is None else {"Authorization": f"{scheme} {world.KEY}"}
    own |= {} if payload is None else {"Content-Type": "application/json"}
    event = request(method, url, {**own, **(headers or {})}, payload, caller)
    return Sample(event, answer, look, left, repeatable, like)


def request(
    method: str, url: str, headers: Mapping[str, str], body: str | bytes | None = None, caller: Caller | None = None
) -> Event:
    """A request of a client in Python."""
    resource = route_of(method, urlsplit(url).path).path
    sent = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate", **headers}
    return aws_events.request(method, resource, url, headers=sent, body=body, caller=caller)


# Answers.


def http(status: int, body: object = "", **headers: object) -> dict[str, object]:
    """An HTTP answer; dashes in the names of headers are written as underscores."""
    return {
        "status": status,
        "body": body,
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
    }


def detail(status: int, text: object) -> dict[str, object]:
    """A refusal in the words of the first family."""
    return http(status, {"detail": text})


def coded(status: int, code: str, details: object = None) -> dict[str, object]:
    """A refusal of product batches."""
    return http(status, {"code": status, "errorCode": code, "message": str, "details": details or {}})


def typed(status: int, kind: str, message: object = str) -> dict[str, object]:
    """A refusal of the catalogue's jobs."""
    return http(status, {"type": kind, "message": message})


def _facts(result: Any) -> Any:
    """A function's result in the terms of `Sample.answer`: of an HTTP answer its status, headers and parsed body."""
    if not isinstance(result, dict) or "statusCode" not in result:
        return result
    headers = {name.lower(): value for name, value in (result.get("headers") or {}).items()}
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ", ".join(values)
    body = result.get("body") or ""
    if body and headers["content-type"] == "application/json":
        body = json.loads(body)
    return {"status": result["statusCode"], "headers": headers, "body": body}


def differences(expected: object, found: object, where: str) -> Iterator[str]:
    """Where something is not what was expected, in the terms of `Sample.answer`."""
    match expected:
        case dict() if isinstance(found, dict) and expected.keys() <= found.keys():
            for name, value in expected.items():
                yield from differences(value, found[name], f"{where}.{name}")
        case list() if isinstance(found, list) and len(found) == len(expected):
            for position, pair in enumerate(zip(expected, found, strict=True)):
                yield from differences(*pair, f"{where}[{position}]")
        case re.Pattern() if isinstance(found, str) and expected.fullmatch(found):
            pass
        case type() if isinstance(found, expected):
            pass
        case _ if type(found) is not type(expected) or found != expected:
            yield f"{where} is {found!r}, not {expected!r}"
