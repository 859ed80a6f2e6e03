"""Processes that are nothing but clients of entity sets and the function that serves them."""

from tests.support.api import Api
from tests.support.batch import request, run_change_set, run_flat


def quantity_of(id: int) -> str:
    """The URL of what there is of a product in the first distribution centre."""
    return f"DCQuantities(ProductID={id},DistributionCenterID=0)"


def move_stock(ids: list[int], times: int) -> list[int]:
    """Sets the quantity of all of some products to 1, then to 2 and so on, each time in one change set.

    Args:
        ids: Their integer IDs.
        times: How often.

    Returns:
        The statuses that were answered.
    """
    statuses = []
    for number in range(1, times + 1):
        answers = run_change_set(
            Api(), *(request("PATCH", quantity_of(id), {"AvailableQuantity": number}) for id in ids)
        )
        assert isinstance(answers, list), answers
        statuses += [answer.status for answer in answers]
    return statuses


def watch_stock(ids: list[int], last: int) -> list[tuple[int, ...]]:
    """The quantities of products, each time all of them by one batch, until they are the last ones.

    Args:
        ids: Their integer IDs.
        last: The last quantity.
    """
    found: list[tuple[int, ...]] = []
    while not found or last not in found[-1]:
        answers = run_flat(Api(), *(request("GET", quantity_of(id)) for id in ids))
        found.append(tuple(answer.json()["AvailableQuantity"] for answer in answers))
    return found
