"""A process that is nothing but a client and the functions it calls."""

from tests.support.api import Api, batches


def run(channel: int, shared: list[int], worker: int) -> list[tuple[str, int, int]]:
    """Opens batch requests, merges objects into shared ones, and tries to send these off.

    Args:
        shared: The primary keys of the shared batch requests.
        worker: This worker's number.

    Returns:
        What was tried, the status of the answer, and the primary key that it was about.
    """
    api = Api()
    found = []
    for _ in range(10):
        answer = api.post(batches(channel), {"channel": channel})
        found.append(("open", answer.status, int(answer.json()["pk"])))
    for pk in shared:
        for number in range(3):
            entry = {"pk": number, "content_type": f"of worker {worker}"}
            found.append(("merge", api.patch(batches(channel, pk), {"objects": [entry]}).status, pk))
    for pk in shared:
        body = {"status": "sent_to_remote", "remote_batch_id": f"of worker {worker}"}
        found.append(("send", api.patch(batches(channel, pk), body).status, pk))
    return found
