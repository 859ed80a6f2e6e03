"""The batch jobs API as a client: requests that are repeated with patience, files to and from the service.

Every request here may be repeated: a job is made under one `Idempotency-Key`, a file that was uploaded twice is merely
there twice, and the rest says what is to be, not what is to be added.
"""

import io
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from tools import environment
from tools.jobs.endings import NoAnswer, Refused, Unusable
from tools.jobs.job import Job

LARGEST_FORM = 4 * 1024 * 1024
"""Bytes of a file that goes through the API; a larger one goes straight to S3."""

LARGEST_FILE = 5 * 1024**3
"""Bytes of a file that S3 takes in one piece."""

LARGEST_PAGE = 50
"""Jobs of one page of a list."""

PATIENCE_S = 120.0
"""Seconds for which a request that gets no proper answer is repeated."""

JOBS = "/admin/batch-jobs"

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_BLOCK = 256 * 1024

type Advance = Callable[[int], None]
"""Is told how many bytes of a file have gone so far."""


class Api:
    """A deployment's batch jobs and files, for one token.

    Args:
        base_url: The address of the deployment.
        patience_s: Seconds for which a request that gets no proper answer is repeated.
        pause: Waits for so many seconds.
        transport: What carries requests; None for the network.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        patience_s: float = PATIENCE_S,
        pause: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.pause = pause
        self._patience_s = patience_s
        self._was_answered = False
        self._authorization = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(
            timeout=httpx.Timeout(90, connect=10), trust_env=not environment.is_local(base_url), transport=transport
        )

    def close(self) -> None:
        self._http.close()

    # Jobs.

    def create(self, kind: str, context: Mapping[str, Any], *, dry_run: bool) -> Job:
        """Makes a job."""
        body = {"type": kind, "context": context, "dry_run": dry_run}
        return self._job("POST", JOBS, json=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def job(self, id: str) -> Job:
        """A job as it is now."""
        return self._job("GET", _path(id))

    def confirm(self, job: Job) -> Job:
        """Lets a job that waits for it go on."""
        try:
            return self._job("POST", _path(job.id, "confirm"))
        except Refused as refused:
            # It was let go on before, where the answer to that got lost.
            if refused.kind != "not_allowed" or (now := self.job(job.id)).is_waiting:
                raise
            return now

    def cancel(self, id: str) -> Job:
        """Calls a job off."""
        return self._job("POST", _path(id, "cancel"))

    def undo(self, id: str) -> Job:
        """Has what a job did taken back."""
        return self._job("POST", _path(id, "undo"))

    def jobs(self, most: int, types: Sequence[str] = ()) -> tuple[list[Job], int]:
        """The newest jobs, and how many there are."""
        found: list[Job] = []
        while True:
            limit = min(most - len(found), LARGEST_PAGE)
            query = [("limit", str(limit)), ("offset", str(len(found))), *(("type[]", one) for one in types)]
            page = self._json("GET", JOBS, params=query)
            jobs = [Job(one) for one in _value(page, "batch_jobs")]
            found += jobs
            count = int(_value(page, "count"))
            if not jobs or len(found) >= min(most, count):
                return found, count

    # Files.

    def upload(self, path: Path, advance: Advance) -> str:
        """Brings a file, and returns its key.

        Raises:
            Unusable: It cannot be read, or is too large.
        """
        with reading(path) as (file, size):
            if size > LARGEST_FILE:
                raise Unusable(f"{path} has {size:,} bytes, of {LARGEST_FILE:,} that a file may have: split it")
            if size <= LARGEST_FORM:
                content = _Counted(file.read(), advance)
                answer = self._json("POST", "/admin/uploads", files={"files": (path.name, content, "text/csv")})
                [uploaded] = _value(answer, "uploads")
                return str(_value(uploaded, "key"))
            return self._upload_to_s3(path.name, file, size, advance)

    def _upload_to_s3(self, name: str, file: BinaryIO, size: int, advance: Advance) -> str:
        for is_last in (False, True):
            place = self._json("POST", "/admin/uploads/presigned-urls", json={"file_name": name, "size": size})

            def request(url: str = _value(place, "url")) -> httpx.Request:
                file.seek(0)
                # The size is signed: another one is refused.
                return self._http.build_request(
                    "PUT", url, content=_blocks(file, advance), headers={"Content-Length": str(size)}
                )

            answer = self._send(request)
            # Behind a pause that was too long, the URL has ended.
            if answer.status_code == httpx.codes.FORBIDDEN and not is_last:
                continue
            if not answer.is_success:
                raise Refused(answer.status_code, "storage", f"The file was not taken ({answer.status_code})")
            return str(_value(place, "key"))
        raise AssertionError("unreachable")

    def download(self, key: str, into: Path, size: int | None, advance: Advance) -> None:
        """Writes a file of the service's into one here, whatever that held.

        Args:
            key: The key of the file.
            into: Where it goes; what is there is replaced once all of it has come.
            size: Its bytes, if they are known: as many must come.
            advance: Is told how many have come.
        """
        part = into.with_name(f"{into.name}.part")
        waited = _Patience(self._patience_s)
        try:
            while not self._download(key, part, size, advance):
                if (seconds := waited.next(None)) is None:
                    raise NoAnswer(f"The file does not come whole; it is still there for 7 days, as {key}")
                self.pause(seconds)
            part.replace(into)
        except OSError as error:
            raise Unusable(f"{into} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)

    def _download(self, key: str, part: Path, size: int | None, advance: Advance) -> bool:
        """Whether all of a file has come."""
        url = _value(self._json("POST", "/admin/uploads/download-url", json={"file_key": key}), "download_url")
        come = 0
        try:
            with self._http.stream("GET", url) as answer, part.open("wb") as file:
                if not answer.is_success:
                    return False
                for block in answer.iter_bytes(_BLOCK):
                    file.write(block)
                    come += len(block)
                    advance(come)
        except httpx.TransportError:
            return False
        return size is None or come == size

    # Requests.

    def _job(self, method: str, path: str, **options: Any) -> Job:
        found = _value(self._json(method, path, **options), "batch_job")
        if not isinstance(found, dict):
            raise _of_another_shape("batch_job")
        return Job(found)

    def _json(self, method: str, path: str, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        url, sent = f"{self.base_url}{path}", {**self._authorization, **(headers or {})}
        answer = self._send(lambda: self._http.build_request(method, url, headers=sent, **options))
        if not answer.is_success:
            raise _refusal(answer)
        try:
            return answer.json()
        except ValueError as error:
            raise NoAnswer(f"{self.base_url} answers something else than this API: is the address right?") from error

    def _send(self, request: Callable[[], httpx.Request]) -> httpx.Response:
        """The answer to a request, which is made anew for every time that it is sent.

        Raises:
            NoAnswer: There is none, or only that the service cannot answer.
        """
        waited = _Patience(self._patience_s)
        while True:
            try:
                answer = self._http.send(request())
            except httpx.UnsupportedProtocol as error:
                raise Unusable(f"{self.base_url} is no address: it begins with https://") from error
            except httpx.TransportError as error:
                why, after = f"No answer from {self.base_url} ({type(error).__name__})", None
                is_hopeless = isinstance(error, httpx.ConnectError) and not self._was_answered
                if is_hopeless or (seconds := waited.next(None)) is None:
                    raise NoAnswer(why) from error
            else:
                self._was_answered = True
                is_busy = answer.status_code == httpx.codes.TOO_MANY_REQUESTS
                if not answer.is_server_error and not is_busy:
                    return answer
                after = answer.headers.get("Retry-After")
                if (seconds := waited.next(after)) is None:
                    if is_busy:
                        return answer
                    raise NoAnswer(f"{self.base_url} cannot answer now ({answer.status_code}); try again later")
            self.pause(seconds)


class _Patience:
    """How long to wait between the repeats of a request.

    Args:
        seconds: For how long in all.
    """

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._pause = _FIRST_PAUSE_S

    def next(self, asked: str | None) -> float | None:
        """Seconds before the next repeat, or what was asked for; None where that is too long."""
        seconds = float(asked) if asked is not None and asked.isdecimal() else self._pause
        if seconds > self._left:
            return None
        # Also what asks for no pause at all is not repeated for ever.
        self._left -= max(seconds, _FIRST_PAUSE_S)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
        return seconds


@contextmanager
def reading(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file and its size.

    Raises:
        Unusable: It cannot be read.
    """
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except FileNotFoundError:
        raise Unusable(f"There is no file {path}") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from error
    with file:
        yield file, size


class _Counted(io.BytesIO):
    """The content of a file, which tells how far it was read."""

    def __init__(self, content: bytes, advance: Advance) -> None:
        super().__init__(content)
        self._advance = advance

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self._advance(self.tell())
        return block


def _blocks(file: BinaryIO, advance: Advance) -> Iterator[bytes]:
    gone = 0
    while block := file.read(_BLOCK):
        yield block
        gone += len(block)
        advance(gone)


def _path(id: str, what: str = "") -> str:
    if not id.replace("_", "").isalnum():
        raise Unusable(f"{id} is no ID of a job: they look like batch_01KB3…")
    return f"{JOBS}/{id}" + (f"/{what}" if what else "")


def _value(answer: Any, name: str) -> Any:
    if not isinstance(answer, dict) or name not in answer:
        raise _of_another_shape(name)
    return answer[name]


def _of_another_shape(name: str) -> NoAnswer:
    return NoAnswer(f"The answer has no {name}, so it is not of this API: is the address right?")


def _refusal(answer: httpx.Response) -> Refused:
    try:
        body = answer.json()
    except ValueError:
        body = None
    found = body if isinstance(body, dict) else {}
    kind, message = str(found.get("type", "refused")), found.get("message")
    match answer.status_code:
        case httpx.codes.UNAUTHORIZED:
            message = "The token is not accepted: it is wrong, or has ended"
        case httpx.codes.FORBIDDEN:
            message = (
                "The token does not permit this: it needs the right to change the catalogue, or for exports to read"
            )
    return Refused(answer.status_code, kind, str(message or f"The service refuses this ({answer.status_code})"))
