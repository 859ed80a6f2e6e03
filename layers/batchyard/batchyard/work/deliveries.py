"""A delivered message that work is left → steps of that work, and a new message where the time runs out.

Going on is a new message, never a failed one, so each message has its own count of deliveries. The function may take
100 seconds (`STEP_MS` of them for its last step), its queue hides a message for 110: a worker that is killed is
followed within two minutes.

What happens to a message that fails:

- A step raised, or the worker was killed by it: the message is delivered again, some times; then the work ends with a
  reason, and the message is a dead letter, which somebody sees.
- The last delivery but one makes a single step and goes on in a new message: work that gets on, however badly, does not
  end for want of deliveries.
- A service cannot be reached: that is nobody's fault, so the work is announced anew, later each time, without counting.
  An outage of less than `OUTAGE_S` ends nothing.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from batchyard import clock
from batchyard.deadline import deadline
from batchyard.defects import log_defect
from batchyard.errors import Contended, Unavailable
from batchyard.store import queues
from batchyard.store.deliveries import again
from batchyard.work.messages import SINCE, announce, announce_later
from batchyard.work.steps import Delivery, Work

STEP_MS = 30_000
"""Milliseconds that a step takes at most."""

DELIVERIES = 10
"""How often a message is delivered before it is a dead letter (`maxReceiveCount` of the queue); the last one only ends
the work. One that Lambda had no room for counts, too: ten of them are twenty minutes without any room."""

OUTAGE_S = 6 * 3600
"""Seconds for which work waits for a service; what cannot be reached then is taken for a defect."""

_NEEDED_MS = STEP_MS + 5_000
"""What a step and the message after it take."""

_PAUSE_S = 60
"""Seconds after which a message that failed is delivered again."""

_LONGEST_DELAY_S = 900
"""What SQS takes at most."""


def work_on[S](event: Mapping[str, Any], context: Any, queue_url: str, kind: Work[S]) -> dict[str, Any]:
    """Does the work that messages name, as far as the time goes; returns Lambda's answer: what is delivered again.

    Args:
        event: An SQS event; each message's body is the name of a piece of work, a JSON object of texts.
        context: The Lambda context.
        queue_url: The queue that the event is from, where what is left is announced.
        kind: What kind of work it is.
    """
    time_is_up = deadline(context, _NEEDED_MS)
    return again(
        *(
            message["messageId"]
            for message in event["Records"]
            if not _is_done_with(message, queue_url, kind, time_is_up)
        )
    )


def _is_done_with[S](message: Mapping[str, Any], queue_url: str, kind: Work[S], time_is_up: Callable[[], bool]) -> bool:
    named: dict[str, str] = json.loads(message["body"])
    delivery = Delivery(kind, named)
    number = int(message["attributes"]["ApproximateReceiveCount"])
    try:
        if number >= DELIVERIES:
            # Those before that ended without a word, for want of time or memory, have failed, too.
            delivery.give_up()
            return False
        if not delivery.run(time_is_up if number < DELIVERIES - 1 else _after_one_step(delivery, time_is_up)):
            announce(queue_url, [named])
        return True
    except Exception as error:
        log_defect(error)
        if number < DELIVERIES:
            with suppress(Unavailable):
                if isinstance(error, Unavailable | Contended) and _waits(message, number, delivery, queue_url):
                    return True
                # Where even this is not taken, the message stays hidden for as long as the queue says.
                queues.deliver_again(queue_url, message["receiptHandle"], _PAUSE_S)
    return False


def _after_one_step[S](delivery: Delivery[S], time_is_up: Callable[[], bool]) -> Callable[[], bool]:
    return lambda: delivery.steps > 0 or time_is_up()


def _waits[S](message: Mapping[str, Any], number: int, delivery: Delivery[S], queue_url: str) -> bool:
    """Announces anew what waits for a service; False for what is to be delivered again instead.

    Most of what cannot be reached can be so a moment later: a new message is for what fails once more.
    """
    now = clock.now_s()
    told = message.get("messageAttributes", {}).get(SINCE)
    if delivery.steps:
        since = now
    elif told is not None:
        since = int(told["stringValue"])
    else:
        # Not since it was sent: it may have waited long for a worker.
        since = int(message["attributes"]["ApproximateFirstReceiveTimestamp"]) // 1000
    if (number == 1 and told is None) or now - since >= OUTAGE_S:
        return False
    delay = min(max(now - since, _PAUSE_S), _LONGEST_DELAY_S)
    announce_later(queue_url, delivery.named, since_s=since, delay_s=delay)
    return True
