"""CPU and memory of reading, validating and writing files of some sizes.

DynamoDB's answers are made here, and the CPU that making them takes is not counted.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchyard import clock
from batchyard.batch_jobs.rules import COMPLETED, IMPORT, PRE_PROCESSED, PROCESSING
from batchyard.store import items
from tests.benchmarks import jobs
from tests.benchmarks.export import peak_memory
from tests.benchmarks.jobs import Answers, Kept, as_json, files, in_own_process
from tests.benchmarks.product_import.files import VARIANTS, key_of, pieces
from tests.benchmarks.report import Line, Result, number, ratio
from tests.benchmarks.wire import replaced_send
from tests.benchmarks.world import environment
from tools import catalogue

ROWS = (1_000, 100_000)
MORE_ROWS = "BENCHMARK_ROWS"
"""The environment variable that names one more size of a file: a million rows take some four minutes of CPU."""
MOST_ROWS_WRITTEN = 100_000
"""Rows of the largest file that is not only read."""


class NothingThere(Answers):
    """DynamoDB with what products refer to and without any product; it takes whatever is written."""

    def __init__(self) -> None:
        super().__init__(self._answered)
        regions = [{"part": name, "currency": currency} for name, currency in catalogue.REGIONS.items()]
        collections = [
            {"part": handle, "collection": handle, "title": title} for handle, title in catalogue.COLLECTIONS.items()
        ]
        self._partitions = {
            partition: json.dumps({"Items": [as_json(items.encode({"id": partition, **one})) for one in found]})
            for partition, found in (("regions", regions), ("collections", collections))
        }
        self._taken = 0

    def _answered(self, operation: str, body: dict[str, Any]) -> str:
        match operation:
            case "Query":
                [partition] = (value["S"] for value in body["ExpressionAttributeValues"].values())
                return self._partitions.get(partition, '{"Items": []}')
            case "BatchGetItem":
                found = {table: list(map(_job, asked["Keys"])) for table, asked in body["RequestItems"].items()}
                kept = {table: [one for one in all_of_it if one is not None] for table, all_of_it in found.items()}
                return json.dumps({"Responses": kept, "UnprocessedKeys": {}})
            case "GetItem" if (job := _job(body["Key"])) is not None:
                return json.dumps({"Item": job})
            case "UpdateItem":
                self._taken += int(body["ExpressionAttributeValues"][":count"]["N"])
                return json.dumps({"Attributes": {"taken": {"N": str(self._taken)}}})
            case _:
                return "{}"


def _job(key: dict[str, Any]) -> dict[str, Any] | None:
    """The item of a job that is on, if it has this key."""
    return {**key, "status": {"S": PROCESSING}} if key.get("part") == {"S": "job"} else None


def measure(rows: int) -> dict[str, float]:
    """Reads and validates a file of so many rows, and writes it if it is not too large; returns what it took."""
    products = rows // VARIANTS
    now = clock.now()
    key = key_of(now)
    kept, answers = Kept(jobs.job(IMPORT, now, {"fileKey": key}, dry_run=True)), NothingThere()

    def seconds_of(act: Callable[[], None]) -> float:
        begun, before = time.process_time(), answers.seconds
        act()
        return time.process_time() - begun - (answers.seconds - before)

    with files() as there, replaced_send(answers.instead):
        with there.path(key).open("w", encoding="utf-8", newline="") as file:
            file.writelines(pieces(products))
        took = {
            "bytes": there.path(key).stat().st_size,
            "alone": seconds_of(lambda: _parsed(there.path(key), rows)),
            "before": peak_memory() / 1024,
            "seconds": seconds_of(kept.run),
            "peak": peak_memory() / 1024,
            "steps": kept.steps,
            "s3": there.calls,
            "s3_read": there.read,
        }
        assert kept.job.status == PRE_PROCESSED, kept.job
        assert kept.job.result is not None
        assert kept.job.result["count"] == products + rows, kept.job.result
        if rows <= MOST_ROWS_WRITTEN:
            kept.job = kept.job.confirmed(clock.now())
            took["written"] = seconds_of(kept.run)
            took["peak_written"] = peak_memory() / 1024
            assert kept.job.status == COMPLETED, kept.job
    return took


def _parsed(path: Path, rows: int) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        assert sum(1 for _ in csv.reader(file, delimiter=";", strict=True)) == rows + 1


def reading() -> Result:
    """CPU and memory by size."""
    sizes = [*ROWS, *map(int, os.environ.get(MORE_ROWS, "").split())]
    found = {rows: in_own_process("tests.benchmarks.product_import.reading", rows) for rows in sizes}
    each = {rows: one["seconds"] / rows for rows, one in found.items()}
    small, *larger = sizes
    return Result(
        "Reading and validating files of products",
        [
            *("rows", "MB", "s of CPU", "µs a row", "csv alone, µs a row", "steps", "peak MB", "before it"),
            *("S3 calls", "MB read", "writing, µs of CPU a row", "its peak MB"),
        ],
        [
            [
                f"{rows:,}",
                number(one["bytes"] / 1e6),
                number(one["seconds"], 2),
                number(1e6 * each[rows], 0),
                number(1e6 * one["alone"] / rows),
                number(one["steps"]),
                number(one["peak"], 0),
                number(one["before"], 0),
                number(one["s3"]),
                number(one["s3_read"] / 1e6, 0),
                number(1e6 * one["written"] / rows, 0) if "written" in one else "",
                number(one["peak_written"], 0) if "written" in one else "",
            ]
            for rows, one in found.items()
        ],
        notes=[
            "DynamoDB's answers are made in the process, as of a catalogue without products, and the CPU of making them"
            " is not counted; that of reading them is. The file and the spools lie on the disk in place of S3. A file"
            f" of more than {MOST_ROWS_WRITTEN:,} rows is not written."
        ],
        lines=[
            *(
                Line(
                    f"CPU a row of reading and validating {rows:,} rows",
                    f"{number(1e6 * each[rows], 0)} µs",
                    f"{number(1e6 * each[small], 0)} µs, of {small:,}",
                    ratio(each[rows] / each[small]),
                    "1",
                )
                for rows in larger
            ),
            *(
                Line(
                    f"The same of {rows:,} rows",
                    f"{number(1e6 * each[rows], 0)} µs",
                    f"{number(1e6 * found[rows]['alone'] / rows)} µs: `csv` alone on the same bytes",
                    ratio(found[rows]["seconds"] / found[rows]["alone"]),
                )
                for rows in sizes
            ),
            *(
                Line(
                    f"Peak memory of the same, of {rows:,} rows",
                    f"{number(found[rows]['peak'], 0)} MB",
                    f"{number(found[small]['peak'], 0)} MB, of {small:,}",
                    ratio(found[rows]["peak"] / found[small]["peak"]),
                    "≤ 256 MB",
                )
                for rows in larger
            ),
        ],
    )


if __name__ == "__main__":
    os.environ.update(environment())
    # What a process does once, such as making a client, is none of a row's.
    measure(20)
    print(json.dumps(measure(int(sys.argv[1]))))
