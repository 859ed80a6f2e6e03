"""The multipart parser beside the standard library's `email` doing the same work, and on input made to hurt."""

from __future__ import annotations

import email
import email.policy
import json
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from statistics import median
from typing import Any

from batchyard.odata import multipart
from batchyard.odata.envelope import LARGEST_BATCH, MalformedBatchError
from tests.benchmarks.load import objects
from tests.benchmarks.report import Line, Result, main, number, ratio

BOUNDARY = "batch_36522ad7-fc75-4b56-8c71-56071383e77b"
CONTENT_TYPE = f"multipart/mixed; boundary={BOUNDARY}"
# A hundred parts with these in them are 176 kB.
OBJECTS_IN_EACH = 17
ROUNDS = 9
SECONDS_A_SIDE = 0.2
POLICIES = {"its default policy": email.policy.compat32, "its policy for HTTP": email.policy.HTTP}


def batch(urls: list[str], boundary: str = BOUNDARY) -> bytes:
    """A batch that merges objects into what is at these URLs."""
    body = json.dumps({"objects": objects(OBJECTS_IN_EACH)}, separators=(",", ":"))
    part = (
        f"--{boundary}\r\n"
        "Content-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n"
        "Content-ID: {number}\r\n"
        "\r\n"
        "PATCH {url} HTTP/1.1\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        "\r\n"
    )
    parts = (part.format(number=number, url=url) + body + "\r\n" for number, url in enumerate(urls, 1))
    return ("".join(parts) + f"--{boundary}--\r\n").encode()


def milliseconds(act: Callable[[], object]) -> float:
    """CPU of one run: the median of some rounds of many."""
    start = time.process_time()
    act()
    repeats = max(1, round(SECONDS_A_SIDE / ROUNDS / max(time.process_time() - start, 1e-6)))

    def once() -> float:
        begun = time.process_time()
        for _ in range(repeats):
            act()
        return 1000 * (time.process_time() - begun) / repeats

    return median(once() for _ in range(ROUNDS))


def by_email(body: bytes, policy: email.policy.Policy) -> list[tuple[Any, ...]]:
    """What the parser finds, found by the standard library."""
    head = f"Content-Type: {CONTENT_TYPE}\r\n\r\n".encode()
    whole = email.message_from_bytes(head + body, policy=policy)
    found = []
    for part in whole.get_payload():
        assert isinstance(part, Message)
        http = part.get_payload(decode=True)
        assert isinstance(http, bytes)
        line, _, rest = http.partition(b"\r\n")
        inner = email.message_from_bytes(rest, policy=policy)
        headers = {name.lower(): str(value) for name, value in inner.items()}
        method, url, _ = line.decode().split(" ")
        assert part.get_content_type() == "application/http"
        assert part["Content-Transfer-Encoding"] == "binary"
        found.append((str(part["Content-ID"]), method, url, headers, inner.get_payload(decode=True)))
    return found


def by_us(body: bytes) -> list[tuple[Any, ...]]:
    return [
        (request.content_id, request.method, request.url, request.headers, request.body)
        for request in multipart.parse(body, CONTENT_TYPE).requests()
    ]


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "line ends, 20 kB": lambda times: b"\r\n" * 10_000 * times,
    "100,000 parts": lambda times: f"--{BOUNDARY}\r\n\r\n".encode() * 100_000 * times,
    "1,000 nested levels": lambda times: b"".join(
        b"--%b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (BOUNDARY.encode(), level, level)
        for level in range(1_000 * times)
    ),
    "near-delimiters, 1 MB": lambda times: f"\r\n--{BOUNDARY}x".encode() * (1_000_000 // (len(BOUNDARY) + 5)) * times,
    "one delimiter with 1 MB of blanks": lambda times: f"--{BOUNDARY}".encode() + b" " * 1_000_000 * times + b"x",
    "one header of 1 MB": lambda times: f"--{BOUNDARY}\r\nX: ".encode() + b"x" * 1_000_000 * times,
    "one part of 1 MB": lambda times: batch(["x"])[: -len(BOUNDARY) - 8] + b"\r\n--" * 250_000 * times,
}


def refused(body: bytes) -> None:
    with suppress(MalformedBatchError):
        multipart.parse(body, CONTENT_TYPE)


def run() -> list[Result]:
    body = batch([f"/api/v1/channel/5/batch_requests/{1795401019114587 + number}/" for number in range(LARGEST_BATCH)])
    ours = milliseconds(lambda: by_us(body))
    theirs = {}
    for name, policy in POLICIES.items():
        assert by_email(body, policy) == by_us(body)
        theirs[name] = milliseconds(lambda policy=policy: by_email(body, policy))  # type: ignore[misc]
    size = f"{LARGEST_BATCH} parts, {len(body) / 1000:.0f} kB"
    rows = []
    grown = []
    for name, made in HOSTILE.items():
        bodies = [made(1), made(2)]
        small, large = (milliseconds(lambda body=body: refused(body)) for body in bodies)  # type: ignore[misc]
        rows.append([name, f"{len(bodies[0]):,}", number(small, 3), number(large, 3), ratio(large / small)])
        grown.append(large / small)
    return [
        Result(
            f"Reading a multipart batch ({size})",
            ["reader", "ms of CPU", "ratio"],
            [
                ["Batchyard", number(ours, 2), ratio(1)],
                *([f"email, {name}", number(taken, 2), ratio(taken / ours)] for name, taken in theirs.items()),
            ],
            notes=[
                "Both find the same requests: outer parts, request line, headers, body. `email` keeps no byte above 127"
                " of a request line, and recurses where parts are nested."
            ],
            lines=[
                Line(
                    f"Reading a batch: {size}",
                    f"{number(ours, 2)} ms",
                    f"{number(taken, 2)} ms, email by {name}",
                    f"{taken / ours:.0f} times",
                    "≥ 20 times",
                )
                for name, taken in theirs.items()
            ],
        ),
        Result(
            "Multipart input that is made to hurt: CPU by its size",
            ["input", "bytes", "ms of CPU", "at twice the size", "ratio"],
            rows,
            notes=["Linear is 2; below that, it is refused before its end."],
            lines=[
                Line(
                    "CPU of hostile batches at twice the size, worst kind",
                    "",
                    "",
                    f"{max(grown):.2f} times",
                    "2 (linear)",
                )
            ],
        ),
    ]


if __name__ == "__main__":
    main(run)
