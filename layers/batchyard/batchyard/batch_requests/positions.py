"""Where pages of batch requests begin, kept for a while per caller and question.

Clients count `page` up and ignore the URL of the next page. What a page ended with is therefore kept, so that the next
one costs no more than the first.
"""

import json

from batchyard import clock
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.items import Item
from batchyard.store.tables import EPHEMERA

_KEPT_SECONDS = 900
_COLUMNS = ("status", "type_key", "modified", "pk")


def keep(question: str, number: int, after: Item) -> None:
    """Keeps where a page begins.

    Args:
        question: A short name for the caller's question.
        number: The page, from 2.
        after: The last row of the page before it.

    Raises:
        Unavailable: The store did not take it.
    """
    position = {name: after[name] for name in _COLUMNS if name in after}
    with reaching_aws():
        clients.dynamodb().put_item(
            TableName=EPHEMERA.name,
            Item=items.encode(
                {
                    "id": f"page#{question}",
                    "at": number,
                    "after": json.dumps(position),
                    "expires": clock.now_s() + _KEPT_SECONDS,
                }
            ),
        )


def nearest(question: str, number: int) -> tuple[int, Item | None]:
    """The nearest page up to this one whose beginning is known, and the row before it; None before the first page.

    Args:
        question: A short name for the caller's question.
        number: The page that is wanted.

    Raises:
        Unavailable: The store did not return it.
    """
    with reaching_aws():
        answer = clients.dynamodb().query(
            TableName=EPHEMERA.name,
            KeyConditionExpression="id = :id AND #at <= :number",
            ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues=items.encode({":id": f"page#{question}", ":number": number}),
            ScanIndexForward=False,
            Limit=1,
        )
    for found in map(items.decode, answer["Items"]):
        if int(found["expires"]) > clock.now_s():
            after: Item = json.loads(str(found["after"]))
            return int(found["at"]), after
    return 1, None
