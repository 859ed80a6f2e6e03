"""What is noted of a user's uploads, in the `Ephemera` table; the files themselves are in the bucket.

One item a user counts those that no job has used, so that the hundred-and-first is refused by a condition and not by
luck. That a job uses a file is an item of its own.
"""

import json
from collections.abc import Mapping

from batchyard.store import items
from batchyard.store.items import Item, Key
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import Unit, read_one
from batchyard.uploads.rules import OpenUpload


def find_open(unit: Unit, user: str) -> dict[str, OpenUpload]:
    """The uploads of a user that were open when they were last counted, by their ULIDs."""
    item = unit.get(EPHEMERA, _open_key(user)) or {}
    found = json.loads(items.text(item, "open") or "{}")
    return {ulid: OpenUpload(*moments) for ulid, moments in found.items()}


def put_open(unit: Unit, user: str, uploads: Mapping[str, OpenUpload]) -> None:
    """Stages the open uploads of a user, which `find_open` has read before."""
    until_s = max((upload.until_s for upload in uploads.values()), default=0)
    item: Item = {**_open_key(user), "open": json.dumps(uploads, separators=(",", ":")), "expires": until_s}
    unit.put(EPHEMERA, item)


def put_used(unit: Unit, user: str, ulid: str, until_s: int) -> None:
    """Stages that a job uses a file, which is gone by then."""
    unit.get(EPHEMERA, _used_key(user, ulid))
    unit.put(EPHEMERA, {**_used_key(user, ulid), "expires": until_s})


def is_used(user: str, ulid: str) -> bool:
    """Whether a job uses a file.

    Raises:
        Unavailable: The store did not answer.
    """
    return read_one(EPHEMERA, _used_key(user, ulid)) is not None


def _open_key(user: str) -> Key:
    return {"id": f"uploads {user}", "at": 0}


def _used_key(user: str, ulid: str) -> Key:
    return {"id": f"upload {user} {ulid}", "at": 0}
