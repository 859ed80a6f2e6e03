"""Schedule → all tallies are counted anew and repaired."""

import logging
from typing import Any

from batchyard.batch_requests import tallies
from batchyard.channels.repository import every
from batchyard.errors import Contended

logger = logging.getLogger("batchyard")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Recounts every channel; answers what was off. A channel that does not come to rest waits for the next time."""
    repaired, busy = {}, []
    for channel in every():
        try:
            off = tallies.recount(channel.pk)
        except Contended:
            busy.append(channel.pk)
            continue
        if off:
            logger.warning("tallies of channel %s were off by %s", channel.pk, off)
            repaired[str(channel.pk)] = off
    return {"repaired": repaired, "busy": busy}
