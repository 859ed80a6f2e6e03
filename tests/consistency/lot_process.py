"""Processes that are nothing but clients of product batches and the functions that they call."""

from tests.consistency.lots import PRODUCT
from tests.support.api import Api


def run(collection: str, shared: str, worker: int) -> list[tuple[str, int]]:
    """Makes batches, lets a shared one grow, and changes its serials.

    Args:
        shared: The shared batch.
        worker: This worker's number.

    Returns:
        What was tried, and the status of the answer.
    """
    api, batches = Api(), f"/admin/collection/{collection}/product/{PRODUCT}/batch"
    found = []
    for number in range(4):
        body = {"id": f"of-{worker}-{number}", "quantity": 7 + worker}
        found.append(("create", api.post(batches, body).status))
        same = {"id": f"of-all-{number}", "quantity": 5}
        found.append(("create the same", api.post(batches, same).status))
        # Each time another number of all: some have been reached by others already.
        grown = {"quantity": 100 + 10 * (3 * number + worker)}
        found.append(("grow", api.put(f"{batches}/{shared}", grown).status))
        change = {"status": "dispensed", "ranges": [{"startIndex": 10 * worker + number, "count": 1}]}
        found.append(("change", api.post(f"{batches}/{shared}/serialChange", change).status))
    return found
