"""The tables, by the names that the template gives them and the keys that it defines."""

import os
from dataclasses import dataclass
from typing import Any

from batchyard.store.items import Item, Key


@dataclass(frozen=True, slots=True)
class Table:
    """One DynamoDB table.

    Args:
        variable: The environment variable that holds its name.
        key: The names of its key attributes, partition key first.
    """

    variable: str
    key: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table's name in this deployment."""
        return os.environ[self.variable]

    def key_of(self, item: Item) -> Key:
        """The key attributes of an item."""
        return {name: item[name] for name in self.key}  # type: ignore[misc]

    def identity(self, key: Key) -> tuple[Any, ...]:
        """A key as something hashable, unique over all tables."""
        return (self.variable, *[key[name] for name in self.key])


BATCH_REQUESTS = Table("BATCH_REQUESTS_TABLE", ("channel", "pk"))
CHANNELS = Table("CHANNELS_TABLE", ("yard", "pk"))
PRODUCT_BATCHES = Table("PRODUCT_BATCHES_TABLE", ("collection_id", "sort_key"))
TALLIES = Table("TALLIES_TABLE", ("channel", "tally"))
PRODUCTS = Table("PRODUCTS_TABLE", ("id",))
CATALOGUE = Table("CATALOGUE_TABLE", ("id", "part"))
BATCH_JOBS = Table("BATCH_JOBS_TABLE", ("id", "part"))
IDENTITY = Table("IDENTITY_TABLE", ("id",))
EPHEMERA = Table("EPHEMERA_TABLE", ("id", "at"))
