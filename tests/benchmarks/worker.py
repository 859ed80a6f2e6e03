"""A process that answers events as a warm execution environment does: one line of JSON in, one out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from tests.benchmarks.processes import cpu_seconds
from tests.support.api import Api, Context


class Worker:
    """The functions in a process of their own, so that its CPU is theirs alone.

    Args:
        environment: The process's environment.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._api = Api()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._environment,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=30)

    def call(self, method: str, target: str, body: object = None) -> Any:
        """The decoded answer; anything but success is a mistake of the benchmark."""
        event, handler = self._api.event(method, target, body)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"handler": handler, "event": event}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["statusCode"] >= 300:
            raise RuntimeError(f"{method} {target} answered {answer['statusCode']}: {answer['body'][:500]}")
        return json.loads(answer["body"])

    def cpu_seconds(self) -> float:
        return cpu_seconds(self._process.pid)


def serve() -> None:
    for line in sys.stdin:
        given = json.loads(line)
        module, _, name = given["handler"].rpartition(".")
        print(json.dumps(getattr(import_module(module), name)(given["event"], Context())), flush=True)


if __name__ == "__main__":
    serve()
