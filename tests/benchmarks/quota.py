"""Store calls of the request limit, beside a limit that counts each request in the store."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from unittest.mock import patch

from batchyard import clock
from batchyard.errors import Throttled
from batchyard.http import limits
from tests.benchmarks.dynamodb import DynamoDBLocal
from tests.benchmarks.report import Line, Result, main, number
from tests.benchmarks.wire import counted
from tests.benchmarks.world import stores

LIMIT = 2000
ENVIRONMENTS = [1, 2, 4, 8, 16]


def environment() -> ModuleType:
    """The limiter of an execution environment of its own: it keeps its leases in the module."""
    specification = importlib.util.find_spec(limits.__name__)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Dataclasses look their module up by its name, and find the first one: they need no more of it than that.
    specification.loader.exec_module(module)
    return module


def use_up(subject: str, count: int) -> tuple[int, int]:
    """Requests served and store calls made when `count` environments in turn use up one minute of one token."""
    asked = [environment() for _ in range(count)]
    served = 0
    with counted() as calls:
        while asked:
            for one in list(asked):
                try:
                    one.take(subject, LIMIT)
                    served += 1
                except Throttled:
                    asked.remove(one)
    return served, len(calls)


def run() -> list[Result]:
    moment = clock.now()
    # All within one minute, however long it takes.
    with DynamoDBLocal() as engine, stores(engine.endpoint), patch.object(clock, "now", return_value=moment):
        found = {count: use_up(f"{count} environments", count) for count in ENVIRONMENTS}
    served, calls = found[1]
    return [
        Result(
            f"The request limit: one token's {LIMIT:,} requests of a minute, used up",
            ["environments in turn", "requests served", "store calls", "calls per request"],
            [
                [str(count), number(requests), number(made), f"{made / requests:.3f}"]
                for count, (requests, made) in found.items()
            ],
            notes=["The calls that found nothing left are included."],
            lines=[
                Line(
                    "Store calls of the request limit, per request",
                    f"{calls / served:.3f}",
                    "1, counting each in the store",
                    f"{calls / served:.3f}",
                    "≤ 0.02",
                )
            ],
        )
    ]


if __name__ == "__main__":
    main(run)
