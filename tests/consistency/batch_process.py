"""Processes that are nothing but clients of `$batch` and the functions that they call."""

from tests.support.api import Api, batches
from tests.support.batch import Part, request, run_change_set, run_flat


def write(channel: int, pks: list[int], times: int) -> None:
    """Gives batch requests one remote ID after the other, the same to all of them at a time.

    Args:
        pks: The primary keys of the batch requests.
        times: How often.
    """
    for number in range(times):
        changes = (request("PATCH", batches(channel, pk), {"remote_batch_id": str(number)}) for pk in pks)
        assert isinstance(run_change_set(Api(), *changes), list)


def read(channel: int, pks: list[int], times: int) -> list[tuple[str, ...]]:
    """The remote IDs of batch requests, each time all of them by one batch, until they have the last one.

    Args:
        pks: The primary keys of the batch requests.
        times: How often their remote ID changes.
    """
    found: list[tuple[str, ...]] = []
    while not found or str(times - 1) not in found[-1]:
        answers = run_flat(Api(), *(request("GET", batches(channel, pk)) for pk in pks))
        found.append(tuple(str(answer.json()["remote_batch_id"]) for answer in answers))
    return found


def merge(channel: int, pks: list[int], worker: int, objects: int) -> list[int]:
    """Merges objects into batch requests, one at a time into all of them; returns the statuses.

    Args:
        pks: The primary keys of the batch requests.
        worker: This worker's number.
        objects: How many objects.
    """
    statuses = []
    for number in range(objects):
        body = {"objects": [{"pk": number, "content_type": f"of worker {worker}"}]}
        answer = run_change_set(Api(), *(request("PATCH", batches(channel, pk), body) for pk in pks))
        statuses.append(answer.status if isinstance(answer, Part) else answer[-1].status)
    return statuses


def send_off(channel: int, pks: list[int], worker: int) -> int:
    """Sends batch requests off, all of them or none; returns the status.

    Args:
        pks: The primary keys of the batch requests.
        worker: This worker's number.
    """
    body = {"status": "sent_to_remote", "remote_batch_id": f"of worker {worker}"}
    answer = run_change_set(Api(), *(request("PATCH", batches(channel, pk), body) for pk in pks))
    return answer.status if isinstance(answer, Part) else answer[-1].status
