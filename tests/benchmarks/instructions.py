"""How much work a short process does: instructions where something counts them, else CPU time."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol


class ProcessError(RuntimeError):
    """A measured process did not end well."""


def _run(command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise ProcessError(f"{' '.join(map(str, command))}\n{ended.stdout}{ended.stderr}")


class Counter(Protocol):
    """Counts the work of one process, and says what of.

    Args:
        unit: What the figures are.
        source: Where they come from.
        runs: How many runs are needed for a figure, the least of which counts.
    """

    unit: str
    source: str
    runs: int

    def measure(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> float: ...


class Perf:
    """The processor's own counter."""

    runs = 1
    unit = "M instructions"
    source = "the processor's counter, by perf"

    @staticmethod
    def usable() -> bool:
        if shutil.which("perf") is None:
            return False
        tried = subprocess.run(
            ["perf", "stat", "-x,", "-e", "instructions:u", "true"], capture_output=True, text=True, check=False
        )
        return tried.returncode == 0 and "not supported" not in tried.stderr and "<not" not in tried.stderr

    def measure(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> float:
        with tempfile.NamedTemporaryFile("r") as counted:
            _run(["perf", "stat", "-x,", "-o", counted.name, "-e", "instructions:u", *command], environment)
            line = next(line for line in counted.read().splitlines() if "instructions" in line)
        return int(line.split(",")[0]) / 1e6


class Valgrind:
    """An emulated processor: exact and repeatable, on machines whose counters are hidden."""

    runs = 1
    unit = "M instructions"
    source = "an emulated processor, by valgrind"

    @staticmethod
    def usable() -> bool:
        return shutil.which("valgrind") is not None

    def measure(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> float:
        with tempfile.NamedTemporaryFile("r") as log:
            tool = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
            _run([*tool, f"--log-file={log.name}", *command], environment)
            found = re.search(r"I\s+refs:\s+([\d,]+)", log.read())
        if found is None:
            raise ProcessError("valgrind told no count")
        return int(found[1].replace(",", "")) / 1e6


class CpuTime:
    """What is left: user and system time."""

    runs = 9
    unit = "ms of CPU"
    source = "CPU time, the least of nine runs (valgrind counts exactly where it is installed)"

    def measure(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> float:
        before = os.times()
        _run(command, environment)
        after = os.times()
        user, system = after.children_user - before.children_user, after.children_system - before.children_system
        return 1000 * (user + system)


def counter() -> Counter:
    for kind in (Perf, Valgrind):
        if kind.usable():
            return kind()
    return CpuTime()
