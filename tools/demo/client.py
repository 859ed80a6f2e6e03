"""How the existing clients talk to the API: a token, patience with 5xx, pages counted up."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from tools import environment

type Json = Any
type Query = Sequence[tuple[str, str | int]]

# The clients of the replaced service repeat a request that met a 5xx ten times before they give up.
REPEATS = 10
_LONGEST_PAUSE = 3.0


class Differs(Exception):
    """An answer is not what it must be."""


class Unreachable(Exception):
    """Nothing answers at the address."""


@contextmanager
def comparing(what: str) -> Iterator[None]:
    """Says where an answer differed; one that is of another shape than agreed differs, too."""
    try:
        yield
    except Differs as difference:
        raise Differs(f"{what}: {difference}") from difference
    except (LookupError, TypeError, ValueError) as error:
        raise Differs(f"{what}: an answer is of another shape than agreed: {error!r}") from error


class Client:
    """Sends requests on behalf of one channel and keeps count of what was answered; shared by all workers."""

    def __init__(self, base_url: str, token: str, channel_id: int) -> None:
        self.base_url = base_url.rstrip("/")
        self.channel_id = channel_id
        self.batch_requests = f"/api/v1/channel/{channel_id}/batch_requests/"
        self.is_local = environment.is_local(base_url)
        self._http = httpx.Client(timeout=httpx.Timeout(90, connect=10), trust_env=not self.is_local)
        self._authorization = {"Authorization": f"Token {token}"}
        self._answered: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    @property
    def answered(self) -> Mapping[tuple[str, str], int]:
        """How often which request (method and route) was answered how."""
        with self._lock:
            return Counter(self._answered)

    def url(self, path: str) -> str:
        return path if path.startswith(("http://", "https://")) else f"{self.base_url}{path}"

    def call(
        self,
        method: str,
        path: str,
        *,
        expect: int | tuple[int, ...] = 200,
        json: Json = None,
        content: str | None = None,
        query: Query = (),
        headers: Mapping[str, str] | None = None,
        anonymous: bool = False,
    ) -> httpx.Response:
        """One request, repeated while the service says 5xx, 429 or nothing; any other answer must be as expected."""
        sent = {} if anonymous else dict(self._authorization)
        sent |= headers or {}
        if content is not None:
            sent["Content-Type"] = "application/json"
        request = self._http.build_request(
            method, self.url(path), json=json, content=content, params=list(query) or None, headers=sent
        )
        expected = (expect,) if isinstance(expect, int) else expect
        response = self._send(request, self._route(path))
        if response.status_code not in expected:
            raise Differs(
                f"{method} {request.url.raw_path.decode()} answered {response.status_code} instead of "
                f"{' or '.join(map(str, expected))}: {response.text[:300]}"
            )
        return response

    def get(self, path: str, *, query: Query = ()) -> Json:
        return self.call("GET", path, query=query).json()

    def pages(self, query: Query = ()) -> Iterator[Json]:
        """The list's pages, by counting `page` up until `next` is null; the URL in it is not looked at."""
        page = 1
        while True:
            answer = self.get(self.batch_requests, query=[*query, ("page", page)])
            yield answer
            if answer["next"] is None:
                return
            page += 1

    def download(self, url: str) -> str:
        """What a presigned URL gives, without the token: the signature in the URL is the permission."""
        response = self._send(self._http.build_request("GET", url), "presigned download")
        if response.status_code != httpx.codes.OK:
            raise Differs(f"the presigned URL answered {response.status_code}: {response.text[:300]}")
        return response.content.decode()

    def upload(self, url: str, fields: Mapping[str, str], text: str) -> None:
        """Post the form that the API signed; the file comes last, as S3 wants it."""
        request = self._http.build_request("POST", url, data=fields, files={"file": ("log.txt", text.encode())})
        response = self._send(request, "presigned upload")
        if not response.is_success:
            raise Differs(f"the presigned upload answered {response.status_code}: {response.text[:300]}")

    def _send(self, request: httpx.Request, route: str) -> httpx.Response:
        for repeat in range(REPEATS + 1):
            pause = min(0.1 * 2**repeat, _LONGEST_PAUSE)
            try:
                response = self._http.send(request)
            except httpx.TransportError as error:
                self._count(request.method, route, "no answer")
                if repeat == REPEATS or isinstance(error, httpx.ConnectError):
                    raise Unreachable(f"{request.method} {request.url}: {error or type(error).__name__}") from error
            else:
                self._count(request.method, route, str(response.status_code))
                if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
                    pause = float(response.headers.get("Retry-After", pause))
                elif not response.is_server_error:
                    return response
            time.sleep(pause)
        return response

    def _count(self, method: str, route: str, answer: str) -> None:
        with self._lock:
            self._answered[f"{method} {route}", answer] += 1

    def _route(self, path: str) -> str:
        route = httpx.URL(self.url(path)).path.removeprefix(httpx.URL(self.base_url).path.rstrip("/"))
        route = re.sub(r"/channel/\d+", "/channel/{channel_id}", route)
        route = re.sub(
            r"/(collection|product|batch|lookupSN|verifySN|serialChange|export|batch-jobs)/[^/]+", r"/\1/{}", route
        )
        return re.sub(r"/\d+(?=/|$)", "/{id}", route).removeprefix("/api/v1")
