"""What is measured beside the samples, which are small: the same routes at the sizes that clients send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from batchyard.channels import repository as channels
from batchyard.channels.rules import Channel
from batchyard.store.unit import transact
from tests.benchmarks import entity_sets
from tests.benchmarks.costs.measuring import Ask
from tests.benchmarks.costs.requests import Run, function_of
from tests.benchmarks.load import PAGE_SIZE, Page, objects
from tests.benchmarks.store_cost import FULL_CHANNEL, fill
from tests.benchmarks.world import CHANNEL, call
from tests.support.api import Api, batches
from tests.support.batch import change_set, envelope, request
from tools import sample_world
from tools.template import route_of

SIZE = 100
LOTS = "/admin/collection/benchmark/product/oil/batch"
MILLION = 1_000_000


def _stores() -> None:
    """The sample world, which has the keys of serials, and a channel."""
    sample_world.load()
    transact(lambda unit: channels.put(unit, Channel(CHANNEL, "Benchmark")))


def _opened(**body: object) -> str:
    url = batches(CHANNEL, call("POST", batches(CHANNEL), {"channel": CHANNEL})["pk"])
    if body:
        call("PATCH", url, body)
    return url


_COMMITTED = {"status": "commit", "objects": objects(SIZE)}
_SENT = {"status": "sent_to_remote", "remote_batch_id": "remote-1"}
_DONE = {"status": "done", "objects": objects(SIZE, result=True)}


def _batch_request(method: str, body: object, *before: dict[str, Any]) -> Callable[[], Ask]:
    def prepare() -> Ask:
        _stores()
        url = _opened()
        for change in before:
            call("PATCH", url, change)
        return _asked(method, url, body)

    return prepare


def _page(query: str) -> Callable[[], Ask]:
    def prepare() -> Ask:
        _stores()
        fill(FULL_CHANNEL, 3 * PAGE_SIZE, SIZE)
        return _asked("GET", Page("", query).target(FULL_CHANNEL))

    return prepare


def _moves(*, atomic: bool) -> Callable[[], Ask]:
    def prepare() -> Ask:
        _stores()
        parts = [request("PATCH", _opened(**_COMMITTED), _SENT) for _ in range(SIZE)]
        return _batch(envelope(change_set(*parts)) if atomic else envelope(*parts))

    return prepare


def _reads() -> Ask:
    _stores()
    return _batch(envelope(*(request("GET", _opened(**_COMMITTED)) for _ in range(SIZE))))


def _lot(method: str, path: str, body: object = None) -> Callable[[], Ask]:
    def prepare() -> Ask:
        _stores()
        call("POST", LOTS, {"id": "many", "gtin": "09521234543213", "quantity": 10 * MILLION})
        return _asked(method, f"{LOTS}/many/{path}", body)

    return prepare


def _new_lot() -> Ask:
    _stores()
    call("POST", LOTS, {"id": "first", "quantity": 1})
    return _asked("POST", LOTS, {"id": "many", "gtin": "09521234543213", "quantity": 10 * MILLION})


def _products(query: str) -> Callable[[], Ask]:
    def prepare() -> Ask:
        _stores()
        entity_sets.put(3 * PAGE_SIZE)
        return _asked("GET", f"/v1/Products{query}")

    return prepare


def _asked(method: str, url: str, body: object = None) -> Ask:
    event, handler = Api().event(method, url, body)
    return handler, event


def _batch(text: str) -> Ask:
    headers = {"Content-Type": "multipart/mixed; boundary=b"}
    event, handler = Api().event("POST", "/v1/$batch", text=text, headers=headers)
    return handler, event


_RANGE = {"status": "recalled", "ranges": [{"startIndex": MILLION, "count": MILLION}]}


def sizes() -> Iterator[Run]:
    """Each of them, in the order of the table."""
    one, many = batches(CHANNEL, 1), f"{LOTS}/many"
    for name, method, url, prepare in (
        (f"commit {SIZE} objects", "PATCH", one, _batch_request("PATCH", _COMMITTED)),
        (f"status move of {SIZE} objects", "PATCH", one, _batch_request("PATCH", _SENT, _COMMITTED)),
        (f"done with {SIZE} results", "PATCH", one, _batch_request("PATCH", _DONE, _COMMITTED, _SENT)),
        (f"retrieve {SIZE} objects", "GET", one, _batch_request("GET", None, _COMMITTED)),
        (f"page of {PAGE_SIZE} × {SIZE} objects", "GET", batches(CHANNEL), _page("")),
        (f"page of {PAGE_SIZE} × {SIZE} objects, status=done", "GET", batches(CHANNEL), _page("status=done")),
        (f"{SIZE} status moves in one change set", "POST", "/v1/$batch", _moves(atomic=True)),
        (f"{SIZE} status moves in one batch, each by itself", "POST", "/v1/$batch", _moves(atomic=False)),
        (f"{SIZE} reads in one batch", "POST", "/v1/$batch", _reads),
        ("make a lot of 10,000,000 serials", "POST", LOTS, _new_lot),
        ("10,000 codes of serials", "GET", f"{many}/getSN", _lot("GET", "getSN?startIndex=9000000&count=10000")),
        ("a sheet of 100 QR codes", "GET", f"{many}/sheet", _lot("GET", "sheet?count=100")),
        ("recall 1,000,000 serials", "POST", f"{many}/serialChange", _lot("POST", "serialChange", _RANGE)),
        (f"page of {PAGE_SIZE} products of entity sets", "GET", "/v1/Products", _products(f"?$top={PAGE_SIZE}")),
    ):
        yield Run(name, function_of(route_of(method, url).handler), prepare, _must_succeed)


def _must_succeed(result: Any) -> None:
    body = str(result["body"])
    if result["statusCode"] >= 300 or "HTTP/1.1 4" in body or "HTTP/1.1 5" in body:
        raise RuntimeError(f"{result['statusCode']}: {body[:500]}")
