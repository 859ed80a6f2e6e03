"""What benchmarks of batch jobs have in common: files, a job that is kept, answers of DynamoDB, the local engine."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.httpsession import URLLib3Session

from batchyard import operator, ulids
from batchyard.batch_jobs import repository, working
from batchyard.batch_jobs.rules import Job
from batchyard.store import blobs
from batchyard.store.blobs import RECEIPT, Blob
from batchyard.user_ids import user_id
from batchyard.work.steps import Delivery
from tests.benchmarks.report import MissingToolError
from tests.benchmarks.wire import Send, body_of, operation_of
from tests.support import aws
from tools.local_stack import HOME, STACK, LocalStack, free_port

USER = "benchmark"

JOBS = "/admin/batch-jobs"

_LONGEST_S = 300


class Files:
    """S3: spools and uploads lie on the disk, what jobs write for people is counted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bytes = self.calls = self.read = 0

    def path(self, key: str) -> Path:
        """Where an object lies."""
        return self._folder / key.replace("/", "_")

    def write(self, blob: Blob) -> None:
        """Takes an object."""
        self.calls += 1
        content: Any = blob.content
        if blob.key.startswith("files/"):
            self.bytes += len(content)
        else:
            self.path(blob.key).write_bytes(content)

    def read_range(self, key: str, start: int, length: int, version: str = "") -> bytes:
        """Gives some bytes."""
        self.calls += 1
        with self.path(key).open("rb") as file:
            file.seek(start)
            found = file.read(length)
        self.read += len(found)
        return found

    def version_of(self, key: str) -> tuple[int, str]:
        """Tells the size of an object, and which version it is."""
        self.calls += 1
        return self.path(key).stat().st_size, "1"

    def write_part(self, key: str, upload: str, number: int, content: bytes) -> bytes:
        """Takes a part."""
        self.calls += 1
        self.bytes += len(content)
        return bytes(RECEIPT)

    def delete(self, key: str) -> None:
        """Removes an object."""
        self.calls += 1
        self.path(key).unlink()


@contextmanager
def files() -> Iterator[Files]:
    """Has the functions keep their files here."""
    with tempfile.TemporaryDirectory() as folder:
        here = Files(Path(folder))
        with (
            patch.object(blobs, "write", here.write),
            patch.object(blobs, "read_range", here.read_range),
            patch.object(blobs, "version_of", here.version_of),
            patch.object(blobs, "begin", lambda *_: "upload"),
            patch.object(blobs, "write_part", here.write_part),
            patch.object(blobs, "complete", lambda *_: None),
            patch.object(blobs, "delete", here.delete),
        ):
            yield here


def job(kind: str, moment: int, context: Mapping[str, Any], *, dry_run: bool = False) -> Job:
    """A job of the benchmarks' user, made at a moment."""
    return Job(f"batch_{ulids.of(moment, 'job')}", kind, user_id(USER), USER, context, moment, moment, dry_run=dry_run)


class Kept:
    """The table of jobs, with one in it."""

    def __init__(self, job: Job) -> None:
        self.job = replace(job, version=1)
        self.steps = 0

    def record(self, changed: Job, _also: object = None, /) -> bool:
        """Takes what became of the job through the form that its item has."""
        self.job = repository.decode({**repository.encode(changed), "version": self.job.version + 1})
        self.steps += 1
        return True

    def run(self) -> None:
        """Works on it until nothing is left to do for now."""
        with (
            patch.object(working, "Recorder", lambda _: self.record),
            patch.object(working, "_is_permitted", lambda _: True),
            patch.object(working.BatchJobs, "find", lambda *_: self.job),
        ):
            work(self.job.id)


def work(id: str) -> None:
    """Works on a job until nothing is left to do for now."""
    assert Delivery(working.BatchJobs(), {"job": id}).run(lambda: False)


class Answers:
    """DynamoDB, whose answers are made in this process; botocore reads them as it would read real ones.

    Args:
        answer: Makes the JSON of an answer, of an operation and its body.

    Attributes:
        seconds: The CPU that making them took.
    """

    def __init__(self, answer: Callable[[str, dict[str, Any]], str]) -> None:
        self._answer = answer
        self.seconds = 0.0
        self._lock = threading.Lock()

    def instead(self, _: Send) -> Send:
        """What botocore sends its requests to."""

        def answering(_: URLLib3Session, request: AWSPreparedRequest) -> AWSResponse:
            begun = time.thread_time()
            text = self._answer(operation_of(request), body_of(request)).encode()
            with self._lock:
                self.seconds += time.thread_time() - begun
            headers: Any = {}
            return AWSResponse(request.url, 200, headers, _Raw(text))

        return answering


class _Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """The body, as urllib3 gives it."""
        yield self.read()


def as_json(item: Any) -> dict[str, Any]:
    """An item as it travels: bytes in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in typed.items()}
        for name, typed in item.items()
    }


def in_own_process(module: str, *arguments: object) -> dict[str, float]:
    """What a benchmark prints in JSON that is run in a process of its own."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(ended.stdout)
    return found


# The local engine.


@contextmanager
def engine() -> Iterator[httpx.Client]:
    """A client of a stack of its own, whose tables are those of this process meanwhile."""
    home = HOME / "benchmark"
    shutil.rmtree(home, ignore_errors=True)
    stack = LocalStack(home, free_port())
    before = dict(os.environ)
    try:
        stack.up()
        os.environ.update(stack.environment)
        aws.forget()
        _enter()
        token = {"Authorization": f"Token {stack.settings['TOKEN']}"}
        with httpx.Client(base_url=stack.base_url, headers=token, timeout=60, trust_env=False) as client:
            yield client
    finally:
        os.environ.clear()
        os.environ.update(before)
        aws.forget()
        stack.down()


def _enter() -> None:
    """Takes the names of the stack's tables, of which one that was packaged earlier may not have all."""
    operator.enter(STACK)
    missing = [name for name in aws.environment() if name.endswith("_TABLE") and name not in os.environ]
    if missing:
        raise MissingToolError(f"what is packaged has no {', '.join(missing)}; `make build` packages what is here")


def begun(client: httpx.Client, kind: str, context: Mapping[str, Any]) -> str:
    """Asks for a job; its ID."""
    made = client.post(JOBS, json={"type": kind, "context": context}).raise_for_status().json()
    return str(made["batch_job"]["id"])


def followed(
    client: httpx.Client, id: str, is_there: Callable[[dict[str, Any]], bool], pause: float = 0.05
) -> dict[str, Any]:
    """A job, asked for until it is where it is to get; each question takes the engine from its work."""
    last = time.monotonic() + _LONGEST_S
    while True:
        found: dict[str, Any] = client.get(f"{JOBS}/{id}").raise_for_status().json()["batch_job"]
        if is_there(found):
            return found
        assert found["failed_at"] is None, found
        assert time.monotonic() < last, found
        time.sleep(pause)


def seconds_between(job: Mapping[str, Any], earlier: str, later: str) -> float:
    """Seconds from one of a job's moments to another."""
    return (datetime.fromisoformat(job[later]) - datetime.fromisoformat(job[earlier])).total_seconds()
