"""What a request costs in the store, for whoever asks: calls, and the capacity that they consume."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from batchyard.store import clients

_BUILDING, _ANSWERED = "provide-client-params.dynamodb", "after-call.dynamodb"


class Measured:
    """What was measured.

    Attributes:
        calls: Calls of DynamoDB.
        units: Read and write units that these consumed.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.units = 0.0
        self._lock = threading.Lock()

    def note(self, parsed: Mapping[str, Any], **_: Any) -> None:
        """Takes in an answer of DynamoDB."""
        consumed = parsed.get("ConsumedCapacity") or []
        several = consumed if isinstance(consumed, list) else [consumed]
        with self._lock:
            self.calls += 1
            self.units += sum(one.get("CapacityUnits", 0.0) for one in several)


@contextmanager
def measuring() -> Iterator[Measured]:
    """Measures the calls inside, also those of threads that work for them."""
    events = clients.dynamodb().meta.events
    measured = Measured()
    events.register(_BUILDING, _with_capacity)
    events.register(_ANSWERED, measured.note)
    try:
        yield measured
    finally:
        events.unregister(_BUILDING, _with_capacity)
        events.unregister(_ANSWERED, measured.note)


def _with_capacity(params: dict[str, Any], **_: Any) -> None:
    params["ReturnConsumedCapacity"] = "TOTAL"
