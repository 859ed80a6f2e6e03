"""How much work something is: lines of Python that it takes, and bytes of Python's objects at their most."""

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType


def steps(act: Callable[[], object], folder: str = "") -> int:
    """Lines that an act takes, of code below a folder. Lines of other threads, the test runner's, do not count."""
    count = 0

    def line(code: CodeType, _: int) -> None:
        nonlocal count
        count += code.co_filename.startswith(folder)

    tool = sys.monitoring.PROFILER_ID
    sys.monitoring.use_tool_id(tool, "steps")
    try:
        sys.monitoring.register_callback(tool, sys.monitoring.events.LINE, line)
        sys.monitoring.set_events(tool, sys.monitoring.events.LINE)
        act()
    finally:
        sys.monitoring.set_events(tool, sys.monitoring.events.NO_EVENTS)
        sys.monitoring.free_tool_id(tool)
    return count


class Memory:
    """Bytes of Python's objects at their most; there once what is watched is over."""

    peak = 0


@contextmanager
def watched() -> Iterator[Memory]:
    """Watches the memory of what happens within, beyond what was there before."""
    memory = Memory()
    tracemalloc.start()
    try:
        yield memory
        memory.peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
