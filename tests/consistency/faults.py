"""What can happen to a call to AWS: the process ends before or after it, or its answer gets lost."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError
from botocore.httpsession import URLLib3Session

Send = Callable[[], AWSResponse]
Fault = Callable[[Send], AWSResponse]

# Lambda reads streams, not the functions.
_LAMBDAS_OWN = frozenset({"GetRecords"})


class Crash(BaseException):
    """The process ends here: nothing that handles errors gets to see it."""


def crash_before(send: Send) -> AWSResponse:
    """The process ends before the call."""
    raise Crash


def crash_after(send: Send) -> AWSResponse:
    """The process ends when the answer has come."""
    send()
    raise Crash


def lost_answer(send: Send) -> AWSResponse:
    """AWS does what was asked, but the connection breaks before its answer comes."""
    send()
    raise ConnectionClosedError(endpoint_url="of a lost answer")


def never_sent(send: Send) -> AWSResponse:
    """AWS cannot be reached."""
    raise ConnectTimeoutError(endpoint_url="of nobody")


def lost_answer_and_then(happens: Callable[[], object]) -> Fault:
    """The answer gets lost, and something else happens before botocore calls again."""

    def fault(send: Send) -> AWSResponse:
        send()
        happens()
        raise ConnectionClosedError(endpoint_url="of a lost answer")

    return fault


def first(happens: Callable[[], object]) -> Fault:
    """Something else happens before the call."""

    def fault(send: Send) -> AWSResponse:
        happens()
        return send()

    return fault


@dataclass
class Strike:
    """Whether a fault has struck.

    Args:
        call: What it struck, once it has.
    """

    call: str = ""

    def __bool__(self) -> bool:
        return bool(self.call)


@contextmanager
def at_call(number: int, fault: Fault, *, of: str = "", lasting: bool = False) -> Iterator[Strike]:
    """Lets a fault strike at a call that botocore sends.

    Args:
        number: The call, from 1.
        fault: What happens to it.
        of: Counts only calls whose name contains this.
        lasting: It strikes at all calls from there on, instead of once.
    """
    strike, numbers, send = Strike(), itertools.count(1), URLLib3Session.send

    def faulty(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        call = name_of(request)
        if call in _LAMBDAS_OWN or of not in call:
            return send(session, request)
        if not lasting if strike else next(numbers) != number:
            return send(session, request)
        strike.call = call
        return fault(lambda: send(session, request))

    with patch.object(URLLib3Session, "send", faulty):
        yield strike


def name_of(request: AWSPreparedRequest) -> str:
    """`PutItem` and the like; for S3 the method and the path."""
    target = request.headers.get("X-Amz-Target")
    if target is None:
        return f"{request.method} {request.url.partition('?')[0].split('/', 4)[-1]}"
    return (target.decode() if isinstance(target, bytes) else str(target)).rpartition(".")[2]


@contextmanager
def noting() -> Iterator[list[str]]:
    """Notes the names of the calls that botocore sends, in their order."""
    noted: list[str] = []
    send = URLLib3Session.send

    def watched(session: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
        noted.append(name_of(request))
        return send(session, request)

    with patch.object(URLLib3Session, "send", watched):
        yield noted
