"""The clean-up after removed batches, as its queue sees it."""

from typing import Any

from batchyard.store import items
from batchyard.store.queries import query
from batchyard.store.tables import PRODUCT_BATCHES
from product_batches import clean_up
from tests.support.api import Context
from tests.support.streams import deliver_messages


def stored(collection: str = "wines") -> set[str]:
    """The sort keys of all items of a collection."""
    request = {
        "TableName": PRODUCT_BATCHES.name,
        "KeyConditionExpression": "collection_id = :collection",
        "ExpressionAttributeValues": items.encode({":collection": collection}),
    }
    return {str(item["sort_key"]) for item in query(request)}


def left(collection: str = "wines") -> set[str]:
    """The sort keys of all items of a collection but the changes of serials, which outlive their batches."""
    return {key for key in stored(collection) if not key.startswith("change ")}


class Hurried(Context):
    """A context whose time runs out after some looks at it."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds."""
        self._left -= 1
        return 200_000 if self._left > 0 else 100


def cleaned(*told: dict[str, Any] | str, context: Context | None = None) -> list[int]:
    """Hands messages to the clean-up; returns the positions of those to deliver again."""
    return deliver_messages(clean_up.handler, *told, context=context)
