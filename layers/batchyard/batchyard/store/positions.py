"""Where pages of lists begin, kept for a while per caller and question.

Clients count pages or entities up by themselves and ignore the URL of the next page. What a page ended with is
therefore kept, so that the next one costs no more than the first.

Why: docs/decisions.md#cursors-are-kept-because-clients-count
Why: docs/decisions.md#a-page-that-has-a-next-one-writes-once
"""

from batchyard import clock
from batchyard.store import clients, items
from batchyard.store.calls import reaching_aws
from batchyard.store.tables import EPHEMERA

_KEPT_SECONDS = 900


def keep(question: str, number: int, after: str) -> None:
    """Keeps where a page begins.

    Args:
        question: A short name for the caller's question.
        number: The page, or how many entities come before it.
        after: What the page before it ended with.

    Raises:
        Unavailable: The store did not take it.
    """
    with reaching_aws():
        clients.dynamodb().put_item(
            TableName=EPHEMERA.name,
            Item=items.encode(
                {
                    "id": f"page#{question}",
                    "at": number,
                    "after": after,
                    "expires": clock.now_s() + _KEPT_SECONDS,
                }
            ),
        )


def nearest(question: str, number: int) -> tuple[int, str] | None:
    """The nearest number up to this one that something was kept for, and that; None where there is none.

    Args:
        question: A short name for the caller's question.
        number: The page that is wanted, or how many entities come before it.

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
            return int(found["at"]), str(found["after"])
    return None
