"""`Idempotency-Key`: what is made again under the name of something that was removed has no keys yet."""

from collections.abc import Callable
from typing import Any

from batchyard.channels import operations as channels
from tests.support import permissions
from tests.support.api import Answer, Api, batches
from tests.support.lots import BATCHES, LOT, make

KEY = {"Idempotency-Key": "load 1"}


def start(api: Api) -> Answer:
    return api.post(f"{LOT}/export", {"format": "csv"}, headers=KEY)


def test_an_export_of_a_lot_made_again_is_another_one(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    make(api, quantity=3)
    first = start(api)
    assert (first.status, start(api).json()) == (202, first.json())
    assert api.delete(f"{LOT}?force=true").status == 200
    assert start(api).status == 404
    at(1)
    make(api, quantity=5)
    second = start(api)
    assert (second.status, second.json()["total"]) == (202, 5)
    assert second.json()["id"] != first.json()["id"]
    assert start(api).json() == second.json()
    assert [one["id"] for one in api.get(LOT).json()["exports"]] == [second.json()["id"]]


def change(api: Api) -> Answer:
    ranges: dict[str, Any] = {"status": "dispensed", "ranges": [{"startIndex": 0, "count": 2}]}
    return api.post(f"{LOT}/serialChange", ranges, headers=KEY)


def test_serials_of_a_lot_made_again_change_by_a_key_that_was_used(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    make(api, quantity=3)
    first = change(api)
    assert change(api).json() == first.json()
    assert api.delete(f"{LOT}?force=true").status == 200
    assert change(api).status == 404
    at(1)
    make(api, quantity=3)
    second = change(api)
    assert (second.json()["changed"], second.json()["id"] == first.json()["id"]) == (2, False)
    assert [one["id"] for one in api.get(f"{LOT}/serialChange").json()] == [second.json()["id"]]


def test_a_channel_made_again_opens_by_a_key_that_was_used(api: Api, at: Callable[[float], None]) -> None:
    def make_channel(pk: int) -> None:
        with permissions.by_the_test():
            channels.create({"name": "Marketplace"}, pk)

    def opened() -> Answer:
        return api.post(batches(77), {"channel": 77}, headers=KEY)

    at(0)
    make_channel(77)
    first = opened()
    assert opened().json() == first.json()
    assert api.delete(batches(77, first.json()["pk"])).status == 204
    # As long as the channel is the same, the first reply stands, whatever became of what it tells of.
    assert opened().json() == first.json()
    assert api.delete("/api/v1/channels/77/").status == 204
    assert opened().status == 404
    at(1)
    make_channel(77)
    second = opened()
    assert (second.status, second.json()["pk"] == first.json()["pk"]) == (201, False)
    assert api.get(batches(77, second.json()["pk"])).status == 200


def test_all_keys_of_a_collection_are_looked_at(api: Api) -> None:
    """The same key means another thing for each batch."""
    for id in ("L1", "L2"):
        make(api, id, quantity=1)
    found = {api.post(f"{BATCHES}/{id}/export", {"format": "csv"}, headers=KEY).json()["id"] for id in ("L1", "L2")}
    assert len(found) == 2
