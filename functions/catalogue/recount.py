"""Schedule → the tally of entities is counted anew and repaired."""

import logging
from typing import Any

from batchyard.catalogue import tally
from batchyard.errors import Contended

logger = logging.getLogger("batchyard")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Recounts; returns what was off, and whether the catalogue was too busy, so that it waits for the next time."""
    try:
        off = tally.recount()
    except Contended:
        logger.warning("the tally of entities could not be compared: the catalogue is changing all the time")
        return {"repaired": 0, "busy": True}
    if off:
        logger.warning("the tally of entities was off by %s", off)
    return {"repaired": off, "busy": False}
