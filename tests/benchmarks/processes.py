"""CPU time of other processes, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    # The command, in parentheses, may hold spaces: what follows it does not.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of its children, and of those children that have ended."""
    while True:
        try:
            fields = _stat(pid)
            own = sum(int(ticks) for ticks in fields[11:15]) / TICKS
            return own + sum(cpu_seconds(child) for child in children(pid))
        except FileNotFoundError:
            # A child has just ended: by now its time is counted with its parent's.
            _stat(pid)
