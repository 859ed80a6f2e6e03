"""Many at once: threads, processes, and execution environments that know nothing of each other."""

import importlib.util
import multiprocessing
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from types import ModuleType
from typing import Any

from botocore.config import Config

from batchyard.store import clients


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs all jobs at the same time, each in a thread of its own; returns what they returned or raised."""
    ready = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return job()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(run, jobs))


_ready: Barrier
"""Of a process of `in_processes`: all of them have started."""


def in_processes(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Runs all jobs at the same time, each in a process of its own; returns what they returned.

    Args:
        jobs: Partials of functions that other processes can import.
    """
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(len(jobs), timeout=60)
    with ProcessPoolExecutor(len(jobs), context, _get_ready, (ready,)) as processes:
        return list(processes.map(_run_with_others, jobs))


def _get_ready(ready: Barrier) -> None:
    global _ready
    _ready = ready
    clients._CONFIG = patient(clients._CONFIG)


def _run_with_others(job: Callable[[], Any]) -> Any:
    _ready.wait()
    return job()


def patient(config: Config) -> Config:
    """The same for an engine that may be silent for seconds, where DynamoDB never is: the machine is busy otherwise."""
    waiting: Config = config.merge(Config(read_timeout=60))
    return waiting


def environments(module: ModuleType, number: int) -> list[ModuleType]:
    """A module as so many execution environments have it: each with a state of its own."""
    return [_another(module) for _ in range(number)]


def _another(module: ModuleType) -> ModuleType:
    spec = importlib.util.find_spec(module.__name__)
    assert spec is not None
    assert spec.loader is not None
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy
