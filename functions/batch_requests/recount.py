"""Schedule → all tallies are counted anew and repaired."""

import logging
import random
from typing import Any

from batchyard.batch_requests import recounting
from batchyard.channels.repository import every
from batchyard.channels.rules import Channel
from batchyard.deadline import deadline
from batchyard.errors import Contended
from batchyard.rounds import Round

_CHANNEL_MS = 120_000
"""Milliseconds that one more channel may take."""

logger = logging.getLogger("batchyard")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Recounts every channel; returns what was off, and which channels wait for the next time.

    Raises:
        RuntimeError: Some could not be counted; all others were.
    """
    repaired: dict[str, dict[str, int]] = {}
    busy: list[int] = []

    def recount(channel: Channel) -> bool:
        try:
            off = recounting.recount(channel.pk)
        except Contended:
            logger.warning("tallies of channel %s could not be compared: its changes are not being counted", channel.pk)
            busy.append(channel.pk)
            return False
        if off:
            logger.warning("tallies of channel %s were off by %s", channel.pk, off)
            repaired[str(channel.pk)] = off
        return bool(off)

    # Where the time does not do for all of them, those that are left are others each night.
    channels = random.sample(found := list(every()), len(found))
    this = Round(deadline(context, _CHANNEL_MS))
    this.each(channels, recount)
    this.settle("channels could not be recounted")
    return {"repaired": repaired, "busy": busy}
