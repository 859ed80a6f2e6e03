"""A hundred requests in one batch beside the same hundred alone: CPU and store calls here, time on the local stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from batchyard.odata import multipart
from tests.benchmarks import multipart_parse
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.load import objects
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.wire import Tape, counted, replaced_send
from tests.benchmarks.world import CHANNEL, call, stores
from tests.support.api import Api, Context, batches
from tests.support.aws import forget
from tests.support.batch import change_set, envelope, request

COUNT = 100
SIZE = 100
ROUNDS = 9
SETTINGS = Path(".local/stack.env")

Act = Callable[[], None]


@dataclass(frozen=True)
class Request:
    """One of the hundred."""

    method: str
    url: str
    body: object = None


@dataclass(frozen=True)
class Way:
    """A way to send them.

    Args:
        name: What it is called.
        calls: Store calls of all of them.
        milliseconds: CPU of all of them.
        ratio: CPU beside that of the hundred alone: the median of the rounds.
    """

    name: str
    calls: str
    count: int
    milliseconds: float
    ratio: float


def prepared(event: dict[str, Any], handler: str) -> Act:
    """Sends an event as often as it is called; anything but success is a mistake of the benchmark."""
    module, _, name = handler.rpartition(".")
    function = getattr(import_module(module), name)

    def act() -> None:
        answer = function(event, Context())
        if answer["statusCode"] >= 300 or ("HTTP/1.1 4" in answer["body"]) or ("HTTP/1.1 5" in answer["body"]):
            raise RuntimeError(f"{handler} answered {answer['statusCode']}: {answer['body'][:500]}")

    return act


def alone(requests: list[Request]) -> Act:
    acts = [prepared(*Api().event(one.method, one.url, one.body)) for one in requests]

    def act() -> None:
        for one in acts:
            one()

    return act


def together(requests: list[Request], *, atomic: bool = False) -> Act:
    parts = [request(one.method, one.url, one.body) for one in requests]
    return sent(envelope(change_set(*parts)) if atomic else envelope(*parts), "b")


def sent(text: str, boundary: str) -> Act:
    headers = {"Content-Type": f"multipart/mixed; boundary={boundary}"}
    return prepared(*Api().event("POST", "/v1/$batch", text=text, headers=headers))


def compare(ways: dict[str, Callable[[], Act]]) -> list[Way]:
    """Each way's cost; the first one is what the others are compared with.

    Args:
        ways: How to make each, on requests of its own.
    """
    acts, tapes, calls = [], [], []
    for make in ways.values():
        act, tape = make(), Tape()
        # A new execution environment, so that leases which many requests share are counted and are on the tape.
        forget()
        with counted() as made, replaced_send(tape.record):
            act()
        acts.append(act)
        tapes.append(tape)
        calls.append(made)
    rounds = []
    for _ in range(ROUNDS):
        taken = []
        for act, tape in zip(acts, tapes, strict=True):
            with replaced_send(tape.replay):
                start = time.process_time()
                act()
                taken.append(1000 * (time.process_time() - start))
        rounds.append(taken)
    return [
        Way(
            name,
            str(calls[index]),
            len(calls[index]),
            median(taken[index] for taken in rounds),
            median(taken[index] / taken[0] for taken in rounds),
        )
        for index, name in enumerate(ways)
    ]


def opened(**body: object) -> list[str]:
    """URLs of new batch requests."""
    urls = [batches(CHANNEL, call("POST", batches(CHANNEL), {"channel": CHANNEL})["pk"]) for _ in range(COUNT)]
    if body:
        for url in urls:
            call("PATCH", url, body)
    return urls


def measure() -> dict[str, list[Way]]:
    committed: dict[str, object] = {"status": "commit", "objects": objects(SIZE)}

    def reads() -> list[Request]:
        return [Request("GET", url) for url in opened(**committed)]

    def moves() -> list[Request]:
        return [Request("PATCH", url, {"status": "sent_to_remote"}) for url in opened(**committed)]

    def creations() -> list[Request]:
        return [Request("POST", batches(CHANNEL), {"channel": CHANNEL})] * COUNT

    kinds: dict[str, tuple[Callable[[], list[Request]], bool]] = {
        f"retrieve, {SIZE} objects each": (reads, False),
        f"status move, {SIZE} objects each": (moves, True),
        "create": (creations, True),
    }
    found = {}
    for kind, (make, writes) in kinds.items():
        ways: dict[str, Callable[[], Act]] = {
            f"{COUNT} alone": lambda make=make: alone(make()),  # type: ignore[misc]
            "one batch": lambda make=make: together(make()),  # type: ignore[misc]
        }
        if writes:
            ways["one change set"] = lambda make=make: together(make(), atomic=True)  # type: ignore[misc]
        found[kind] = compare(ways)
    return found


def share_of_parsing() -> tuple[float, float]:
    """Milliseconds of CPU that a batch takes, and those of them in which it is parsed."""
    body = multipart_parse.batch(opened(status="commit"))
    act, tape = sent(body.decode(), multipart_parse.BOUNDARY), Tape()
    forget()
    with replaced_send(tape.record):
        act()
    with replaced_send(tape.replay):
        whole = multipart_parse.milliseconds(act)
    return whole, multipart_parse.milliseconds(lambda: multipart.parse(body, multipart_parse.CONTENT_TYPE))


def on_the_local_stack() -> list[list[str]]:
    """Seconds that the same takes through the local stack, where it is up."""
    if not SETTINGS.exists():
        return []
    settings = dict(line.split("=", 1) for line in SETTINGS.read_text().splitlines() if "=" in line)
    headers = {"Authorization": f"Token {settings['TOKEN']}"}
    collection = batches(int(settings["CHANNEL_ID"]))
    body = json.dumps({"channel": int(settings["CHANNEL_ID"])})
    parts = [request("POST", collection, body)] * COUNT
    with httpx.Client(base_url=settings["BASE_URL"], headers=headers, timeout=60, trust_env=False) as client:
        try:
            client.get("/api/v1/channels/").raise_for_status()
        except httpx.HTTPError:
            return []

        def single() -> None:
            for _ in range(COUNT):
                client.post(collection, content=body, headers={"Content-Type": "application/json"}).raise_for_status()

        def batch(text: str) -> Act:
            def act() -> None:
                mixed = {"Content-Type": "multipart/mixed; boundary=b"}
                client.post("/v1/$batch", content=text.encode(), headers=mixed).raise_for_status()

            return act

        rows = []
        ways = {f"{COUNT} alone": single, "one batch": batch(envelope(*parts))}
        ways["one change set"] = batch(envelope(change_set(*parts)))
        for name, act in ways.items():
            act()
            start = time.monotonic()
            act()
            rows.append([name, number(time.monotonic() - start, 2)])
    return [[*row, ratio(float(row[1]) / float(rows[0][1]))] for row in rows]


def run() -> list[Result]:
    with DynamoDBLocal() as engine, stores(engine.endpoint):
        found = measure()
        whole, parsing = share_of_parsing()
    elapsed = on_the_local_stack()
    results = [
        Result(
            f"{COUNT} requests in one batch beside the same {COUNT} alone",
            ["requests", "way", "store calls", "ms of CPU", "ratio"],
            [
                [kind, way.name, way.calls, number(way.milliseconds), ratio(way.ratio)]
                for kind, ways in found.items()
                for way in ways
            ],
            notes=[
                f"CPU: medians of {ROUNDS} rounds in turn, in one process, on recorded answers; the leases of the"
                " request limit and of primary keys are in. What API Gateway, the authorizer and Lambda do for each"
                " request alone is left out.",
                f"A batch that merges objects into {COUNT} batch requests (176 kB) takes {number(whole)} ms, of which"
                f" {number(parsing, 2)} ms go into reading its envelope.",
            ],
            lines=[
                *(
                    Line(
                        f"{COUNT} × {kind}, in {way.name}: {measured}",
                        ours,
                        f"{theirs} alone",
                        ratio(share),
                        "≤ 1",
                    )
                    for kind, (single, *others) in found.items()
                    for way in others
                    for measured, ours, theirs, share in (
                        ("CPU", f"{number(way.milliseconds)} ms", f"{number(single.milliseconds)} ms", way.ratio),
                        ("store calls", str(way.count), str(single.count), way.count / single.count),
                    )
                ),
                Line(
                    "Reading a batch's envelope, of all its CPU",
                    f"{number(parsing, 2)} ms",
                    f"{number(whole)} ms",
                    ratio(parsing / whole),
                ),
            ],
        )
    ]
    if elapsed:
        results.append(
            Result(
                f"{COUNT} creations through the local stack",
                ["way", "seconds", "ratio"],
                elapsed,
                notes=["Time, not CPU: the local engine waits up to 50 ms before each warm call of a function."],
            )
        )
    return results


if __name__ == "__main__":
    main(run)
