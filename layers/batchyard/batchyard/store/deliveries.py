"""Deliveries of queues and streams: what Lambda is answered about those that failed (`ReportBatchItemFailures`)."""

from typing import Any


def again(*ids: str | None) -> dict[str, Any]:
    """The answer that these are to be delivered again.

    Args:
        ids: IDs of a queue's messages, or the sequence number of a stream's first record that failed, with which those
            after it are delivered again, too; None for none.
    """
    return {"batchItemFailures": [{"itemIdentifier": id} for id in ids if id is not None]}
