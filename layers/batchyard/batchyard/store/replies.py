"""`Idempotency-Key`: the reply to a request, kept for a day beside what the request made.

The reply is staged in the same unit as the request's own writes, so the two are committed together: there is no moment
at which a repeat would find the one without the other.

Why: docs/decisions.md#the-reply-to-an-idempotency-key-is-committed-with-what-it-replies-to
"""

import hashlib
import json
from collections.abc import Callable

from batchyard import clock
from batchyard.errors import Invalid
from batchyard.jsontext import dumps
from batchyard.store.items import Key
from batchyard.store.tables import EPHEMERA
from batchyard.store.unit import Unit

_KEPT_SECONDS = 24 * 3600
_LONGEST_KEY = 255


def once[T](
    unit: Unit,
    key: str | None,
    scope: str,
    made: int,
    make: Callable[[], T],
    *,
    encode: Callable[[T], str] = dumps,
    decode: Callable[[str], T] = json.loads,
) -> T:
    """The reply to a request: the kept one where this key was seen within 24 hours, else a new one.

    Args:
        unit: The unit of the request.
        key: The caller's `Idempotency-Key`; None or empty makes a new reply each time.
        scope: Whose key it is, and for what: the same key means nothing in another scope.
        made: When that what was made, in microseconds since the Unix epoch: a key is not for another one of the same
            name that comes after it. 0 for what is always there.
        make: Does what is asked and returns the reply.
        encode: The reply as it is kept.
        decode: The reply of what was kept.

    Raises:
        Invalid: The key is too long.
    """
    if not key:
        return make()
    if len(key) > _LONGEST_KEY:
        raise Invalid({"Idempotency-Key": [f"Ensure this field has no more than {_LONGEST_KEY} characters."]})
    now_s = clock.now_s()
    since = f" since {made}" if made else ""
    digest = hashlib.sha256(f"{scope}{since}\n{key}".encode()).hexdigest()
    place: Key = {"id": f"reply#{digest}", "at": 0}
    kept = unit.get(EPHEMERA, place)
    if kept is not None and int(kept["expires"]) > now_s:
        return decode(str(kept["reply"]))
    reply = make()
    unit.put(EPHEMERA, {**place, "reply": encode(reply), "expires": now_s + _KEPT_SECONDS})
    return reply
