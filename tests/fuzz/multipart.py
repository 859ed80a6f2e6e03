"""`python -m tests.fuzz.multipart --inputs 1000000`: the multipart parser, fed with whatever reaches new code in it.

Atheris mutates inputs and keeps those that reach something new. Whatever comes, the parser must read it or refuse it in
its own words, within its limits; and what it has read, written anew, it must read alike. Where it does not, the fuzzer
ends with an error and keeps the input in `.local`.
"""

import atheris

from tests.fuzz.fuzzer import fuzz

with atheris.instrument_imports():
    from batchyard.odata import envelope, multipart

CONTENT_TYPE = "multipart/mixed; boundary=b"

WORDS = [
    b"--b",
    b"--b--",
    b"--c",
    b"--c--",
    b"\r\n",
    b"\r\n\r\n",
    b"Content-Type: application/http",
    b"Content-Type: multipart/mixed; boundary=c",
    b"Content-Transfer-Encoding: binary",
    b"Content-ID: 1",
    b"Content-Length: 1",
    b"GET x HTTP/1.1",
]

SEEDS = [
    b"--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nGET x HTTP/1.1\r\n\r\n--b--",
    b"--b\nContent-Type: application/http\nContent-Transfer-Encoding: binary\n\n"
    b"PUT x HTTP/1.1\nContent-Length: 2\n\n{}\n--b--\n",
    b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Type: application/http\r\n\r\n"
    b"POST x HTTP/1.1\r\n\r\n{}\r\n--c--\r\n--b--\r\n",
]


def check(body: bytes) -> None:
    """Raises where the parser does anything but its work."""
    try:
        batch = multipart.parse(body, CONTENT_TYPE)
    except envelope.MalformedBatchError:
        return
    if len(batch) > envelope.LARGEST_BATCH:
        raise AssertionError("more requests than a batch holds")
    readable = [request for request in batch.requests() if request.error is None]
    for request in readable:
        if not envelope.METHOD.fullmatch(request.method) or not request.url.strip():
            raise AssertionError("a request without method or URL")
        texts = [request.url, request.content_id or "", *request.headers, *request.headers.values()]
        if any(envelope.FORBIDDEN_CHARACTERS.search(text) for text in texts):
            raise AssertionError("a text that could end a line of the answer")
        if request.body not in body:
            raise AssertionError("a body that was not sent")
    # Stripped of stray line ends, a body may end with what is a delimiter now.
    writable = [request for request in readable if b"--b" not in request.body]
    again = multipart.parse(b"".join(map(_written, writable)) + b"--b--", CONTENT_TYPE)
    if list(again.requests()) != writable:
        raise AssertionError("written anew it is read differently")


def _written(request: envelope.PartRequest) -> bytes:
    headers = {**request.headers, "content-length": str(len(request.body))}
    lines = ["--b", "Content-Type: application/http"]
    lines += [] if request.content_id is None else [f"Content-ID: {request.content_id}"]
    lines += ["", f"{request.method} {request.url} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    request.headers = headers
    return "\r\n".join([*lines, "", ""]).encode() + request.body + b"\r\n"


if __name__ == "__main__":
    fuzz("the multipart parser", check, SEEDS, WORDS)
