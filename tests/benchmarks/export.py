"""Exports of serials: rows a second, and the memory that a worker takes for a batch of a million and of ten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from batchyard import clock
from batchyard.product_batches import repository
from batchyard.product_batches.exports import repository as exports_repository
from batchyard.product_batches.exports import work as export_work
from batchyard.product_batches.exports.rules import FORMATS, Export
from batchyard.product_batches.exports.work import ExportWork, Found
from batchyard.product_batches.rules import Block, ProductBatch
from batchyard.product_batches.serials import repository as serials_repository
from batchyard.serial_codes import keys
from batchyard.serial_codes.codes import Codebook
from batchyard.store import blobs
from batchyard.work.growing_file import PART
from batchyard.work.steps import Delivery
from tests.benchmarks.report import Line, Result, main, number, ratio

SIZES = (1_000_000, 10_000_000)
FIELDS = {"gtin": "09521234543213", "variant": "2A", "lotNumber": "LOT-2026-11", "expiryDate": "2027-12-31"}
ASKED = {"collection": "wines", "product": "barolo", "batch": "L1", "export": "1"}


class Sink:
    """S3 that counts bytes, and a table that holds one batch and its export."""

    def __init__(self, kind: str, total: int) -> None:
        now = clock.now()
        self.batch = ProductBatch(
            "wines", "barolo", "L1", FIELDS, blocks=(Block(0, total, 1, now),), created=now, updated=now, version=1
        )
        self.export = Export(self.batch.key, "1", kind, total, now, now, now, "https://id.gs1.org", FIELDS, version=1)
        self.bytes = self.parts = 0

    def write_part(self, key: str, upload: str, number: int, content: bytes) -> bytes:
        """Takes a part."""
        self.parts += 1
        self.bytes += len(content)
        return bytes(blobs.RECEIPT)

    def record(self, export: Export, changes: Mapping[str, Any]) -> bool:
        """Takes what became of the export through the form that its item has."""
        item = exports_repository.encode(replace(export, **changes))
        self.export = exports_repository.decode({**item, "version": export.version + 1})
        return True

    def find(self, _: Any) -> Found:
        """What a worker reads before each step."""
        return Found(self.export, self.export.snapshot_of(repository.decode({**repository.encode(self.batch)})))


def measured(kind: str, total: int) -> dict[str, float]:
    """One export, in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.export", kind, str(total)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ended.stdout)
    return found


def peak_memory() -> int:
    """The most memory that this process ever had, in kB; the kernel's other count goes on from its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def export(kind: str, total: int) -> dict[str, float]:
    """Writes an export; returns what it took."""
    sink = Sink(kind, total)
    book = Codebook({1: bytes(range(32))}, "wines")
    with (
        patch.object(keys, "codebook", lambda *_: book),
        patch.object(blobs, "begin", lambda *_: "upload"),
        patch.object(blobs, "write_part", sink.write_part),
        patch.object(blobs, "complete", lambda *_: None),
        patch.object(export_work, "_record", sink.record),
        patch.object(ExportWork, "find", lambda _, named: sink.find(named)),
        patch.object(serials_repository, "changes_between", lambda *_: iter(())),
    ):
        before = peak_memory()
        begun = time.process_time()
        assert Delivery(ExportWork(), ASKED).run(lambda: False)
        seconds = time.process_time() - begun
    assert (sink.export.status, sink.export.rows) == ("done", total)
    peak = peak_memory()
    return {
        "seconds": seconds,
        "bytes": sink.bytes,
        "parts": sink.parts,
        "peak": peak / 1024,
        "more": (peak - before) / 1024,
    }


def run() -> list[Result]:
    found = {(kind, total): measured(kind, total) for kind in FORMATS for total in SIZES}
    small, large = SIZES
    growth = {kind: found[kind, large]["peak"] / found[kind, small]["peak"] for kind in FORMATS}
    return [
        Result(
            "Exports of serials",
            ["serials", "s of CPU", "rows a second", "MB", "parts", "peak MB of the process", "of which the export"],
            [
                [
                    f"{total:,}, {kind}",
                    number(one["seconds"]),
                    number(total / one["seconds"], 0),
                    number(one["bytes"] / 1e6, 0),
                    number(one["parts"], 0),
                    number(one["peak"], 0),
                    number(one["more"], 0),
                ]
                for (kind, total), one in found.items()
            ],
            notes=[
                f"In place of S3 is a sink that counts bytes, in place of the table one export and its batch. A part is"
                f" {PART / 2**20:.0f} MiB, a row of CSV {found['csv', large]['bytes'] / large:.0f} bytes.",
            ],
            lines=[
                Line(
                    f"Peak memory of an export of {large:,} serials ({kind})",
                    f"{number(found[kind, large]['peak'], 0)} MB",
                    f"{number(found[kind, small]['peak'], 0)} MB, of {small:,}",
                    ratio(growth[kind]),
                    "1",
                )
                for kind in FORMATS
            ]
            + [
                Line(
                    f"Rows a second of an export of {large:,} serials ({kind})",
                    number(large / found[kind, large]["seconds"], 0),
                    "",
                    "",
                )
                for kind in FORMATS
            ],
        )
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ["CONTENT_BUCKET"] = "sink"
        print(json.dumps(export(sys.argv[1], int(sys.argv[2]))))
    else:
        main(run)
