"""Seconds of imports through the local engine, beside those of the service that is replaced and of the bare writes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import httpx

from batchyard.batch_jobs.rules import COMPLETED, IMPORT, UNDONE
from tests.benchmarks import jobs
from tests.benchmarks.jobs import JOBS, engine, followed, seconds_between
from tests.benchmarks.product_import import bare_writes
from tests.benchmarks.product_import.files import MATCH, OTHERWISE, PRODUCTS, VARIANTS, file_of
from tests.benchmarks.report import Line, Result, number
from tools import catalogue

ROUNDS = 3

PAUSE = 0.3
"""Seconds between two looks at a job, as the client for people begins with."""

REPLACED = {"create": 69.0, "update": 72.0, "whole": 73.0}
"""Seconds that the replaced service takes for 1,000 products of two variants on two cores, measured on it, not here:
its processing where they are created and where they are updated, and from POST to completed."""
ASKED = {"create": 40, "update": 40, "whole": 12}


@dataclass
class Took:
    """Seconds that a job took.

    Args:
        whole: From POST to the end, as a client sees it.
        read: From its making until it was pre-processed.
        written: From its confirmation to its end.
    """

    whole: float
    read: float = 0.0
    written: float = 0.0


def rounds() -> tuple[dict[str, list[Took]], list[float]]:
    """What imports of a thousand products take: made, changed, and both taken back again.

    Returns also the seconds that the transactions take alone that make them.
    """
    took: dict[str, list[Took]] = {"create": [], "update": [], "undo of the update": [], "undo of the creation": []}
    new, other = file_of(PRODUCTS), file_of(PRODUCTS, titles=OTHERWISE)
    with engine() as client:
        catalogue.fill(0)
        # The first one finds functions that have not run yet.
        _undone(client, _imported(client, file_of(10), 10)[0])
        for _ in range(ROUNDS):
            made, create = _imported(client, new, PRODUCTS)
            changed, update = _imported(client, other, PRODUCTS)
            took["create"].append(create)
            took["update"].append(update)
            took["undo of the update"].append(_undone(client, changed))
            took["undo of the creation"].append(_undone(client, made))
        return took, [bare_writes.seconds(number) for number in range(1, ROUNDS + 1)]


def _imported(client: httpx.Client, content: bytes, products: int) -> tuple[str, Took]:
    sent = client.post("/admin/uploads", files={"files": ("products.csv", content, "text/csv")}).raise_for_status()
    begun = time.monotonic()
    id = jobs.begun(client, IMPORT, {"fileKey": sent.json()["uploads"][0]["key"], **MATCH})
    found = followed(client, id, lambda job: bool(job["status"] == COMPLETED), PAUSE)
    took = Took(
        time.monotonic() - begun,
        seconds_between(found, "created_at", "pre_processed_at"),
        seconds_between(found, "confirmed_at", "completed_at"),
    )
    assert found["result"]["products"] == products, found
    return id, took


def _undone(client: httpx.Client, id: str) -> Took:
    begun = time.monotonic()
    client.post(f"{JOBS}/{id}/undo").raise_for_status()
    found = followed(client, id, lambda job: bool(job["result"]["undo"]["status"] == UNDONE), PAUSE)
    assert not found["result"].get("errors"), found
    return Took(time.monotonic() - begun)


def times(value: float) -> str:
    return f"{value:.0f} ×" if value >= 100 else f"{value:.1f} ×"


def through_the_engine() -> Result:
    """Seconds, beside those of the replaced service."""
    found, bare = rounds()
    took = {name: Took(*map(median, zip(*map(_figures, each), strict=True))) for name, each in found.items()}
    create, update = took["create"], took["update"]
    compared = [
        ("create", "Import that creates {}, processing", create.written),
        ("update", "Import that updates {}, processing", update.written),
        ("whole", "Import that creates {}, POST to completed", create.whole),
    ]
    what = f"{PRODUCTS:,} products of {VARIANTS} variants on the local engine"
    return Result(
        f"Imports of {PRODUCTS:,} products of {VARIANTS} variants through the local engine, seconds",
        ["", "POST to completed", "created to pre-processed", "confirmed to completed"],
        [
            [name, number(one.whole, 2), *(number(part, 2) if part else "" for part in (one.read, one.written))]
            for name, one in took.items()
        ],
        notes=[f"The median of {ROUNDS}. The engine is an emulator on the same two cores."],
        lines=[
            Line(
                text.format(what),
                f"{number(ours, 2)} s",
                f"{number(REPLACED[name])} s: the replaced service, measured elsewhere",
                times(REPLACED[name] / ours),
                f"≥ {ASKED[name]} ×",
            )
            for name, text, ours in compared
        ]
        + [
            Line(
                f"The same that creates {what}, processing",
                f"{number(create.written, 2)} s",
                f"{number(median(bare), 2)} s: its transactions alone, by boto3",
                number(create.written / median(bare), 2),
            )
        ],
    )


def _figures(took: Took) -> tuple[float, float, float]:
    return took.whole, took.read, took.written
