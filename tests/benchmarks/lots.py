"""What batches of ten and of ten million serials cost in the store: to make, to page through, to look up, to change."""

from __future__ import annotations

from typing import Any

from batchyard.store.tables import EPHEMERA
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.report import Line, Result, main, number, ratio
from tests.benchmarks.wire import Calls, counted
from tests.benchmarks.world import call, stores
from tests.support.api import Api

COLLECTION = "/admin/collection/benchmark"
BATCHES = f"{COLLECTION}/product/oil/batch"
GTIN = "09521234543213"
FEW, MANY = 10, 10_000_000
FRAGMENTS = 5_000
RANGE = 1_000_000


def measured(method: str, target: str, body: object = None) -> tuple[Calls, Any]:
    """What a request costs, without the leases that many requests share, and its answer."""
    with counted() as calls:
        answer = call(method, target, body)
    return calls.without("UpdateItem", EPHEMERA.name), answer


def refused(target: str, status: int) -> Calls:
    """What a request costs that is refused."""
    with counted() as calls:
        answer = Api().get(target)
    if answer.status != status:
        raise RuntimeError(f"{target} answered {answer.status}: {answer.text[:500]}")
    return calls.without("UpdateItem", EPHEMERA.name)


def costs() -> dict[str, Calls]:
    """What one request of each kind costs."""
    few, many = f"{BATCHES}/few", f"{BATCHES}/many"
    # The first request has the keys fetched, which the environment then keeps.
    call("POST", BATCHES, {"id": "first", "quantity": 1})
    found: dict[str, Calls] = {}
    found[f"make a batch of {FEW}"], _ = measured("POST", BATCHES, {"id": "few", "gtin": GTIN, "quantity": FEW})
    found[f"make a batch of {MANY:,}"], _ = measured("POST", BATCHES, {"id": "many", "gtin": GTIN, "quantity": MANY})
    found["retrieve"], _ = measured("GET", few)
    found["getSN of 10"], page = measured("GET", f"{many}/getSN?startIndex=9000000&count=10")
    found["getSN of 10,000"], _ = measured("GET", f"{many}/getSN?startIndex=9000000&count=10000")
    code = page["items"][5]["code"]
    for name, place in (("batch", many), ("product", f"{COLLECTION}/product/oil"), ("collection", COLLECTION)):
        found[f"lookupSN in the {name}"], _ = measured("GET", f"{place}/lookupSN/{code}")
    wrong = "0" if code[4] != "0" else "1"
    found["lookupSN, mistyped"] = refused(f"{COLLECTION}/lookupSN/{code[:4]}{wrong}{code[5:]}", 400)
    found["lookupSN in another batch"] = refused(f"{few}/lookupSN/{code}", 404)
    found["change one serial"], _ = measured("PATCH", f"{many}/serial/{code}", {"status": "dispensed"})
    body = {"status": "recalled", "ranges": [{"startIndex": RANGE, "count": RANGE}]}
    found[f"change {RANGE:,} serials"], change = measured("POST", f"{many}/serialChange", body)
    found[f"undo {RANGE:,} serials"], _ = measured("POST", f"{many}/serialChange/{change['id']}/undo")
    for start in range(0, FRAGMENTS, 1_000):
        ranges = [{"startIndex": number * 100, "count": 1} for number in range(start, start + 1_000)]
        call("POST", f"{many}/serialChange", {"status": "dispensed", "ranges": ranges})
    body = {"status": "recalled", "ranges": [{"startIndex": 0, "count": RANGE}]}
    found[f"change {RANGE:,} serials in {2 * FRAGMENTS:,} runs"], _ = measured("POST", f"{many}/serialChange", body)
    found["verifySN"], _ = measured("GET", f"/public/collection/benchmark/verifySN/{page['items'][6]['code']}")
    found["delete"], _ = measured("DELETE", few)
    return found


def run() -> list[Result]:
    with DynamoDBLocal() as engine, stores(engine.endpoint):
        found = costs()
    few, many = found[f"make a batch of {FEW}"], found[f"make a batch of {MANY:,}"]
    lookups = [calls for name, calls in found.items() if name.startswith("lookupSN in the")]
    dearest = max(lookups, key=len)
    return [
        Result(
            "Store calls and consumed capacity of one request",
            ["request", "calls", "read units", "write units"],
            [[name, str(cost), number(cost.reads), number(cost.writes)] for name, cost in found.items()],
            notes=[
                "As DynamoDB Local counts them, table and indexes together; transactions as DynamoDB counts them, two"
                " units for each kB of each item. Without the leases of the request limit."
            ],
            lines=[
                Line(
                    f"Store calls to make a batch of {MANY:,} serials",
                    str(many),
                    f"{few} for {FEW}",
                    ratio(len(many) / len(few)),
                    "1",
                ),
                Line("Capacity of the same", number(many.units), number(few.units), ratio(many.units / few.units)),
                Line("Store calls of a look-up, the dearest level", str(dearest), "2", ratio(len(dearest) / 2), "≤ 1"),
                Line("Store calls of a mistyped code", str(found["lookupSN, mistyped"]), "0", "", "0"),
            ],
        )
    ]


if __name__ == "__main__":
    main(run)
