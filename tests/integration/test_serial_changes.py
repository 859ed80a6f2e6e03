"""Statuses of serials: one and by ranges, undone, told of, and together with other things in one change set."""

from collections.abc import Callable
from typing import Any

import pytest

from batchyard import clock
from batchyard.clock import iso
from batchyard.product_batches.serials.statuses import STATUSES
from batchyard.store import clients
from tests.integration.conftest import Calls
from tests.support.api import Api, batches, caller_with
from tests.support.batch import run_json
from tests.support.lots import (
    BATCHES,
    COLLECTION,
    LOT,
    change,
    codes,
    invalid,
    make,
    path_of,
    refusal,
    serials,
    statuses,
)

OUT_OF_USE = "This serial is out of use, for good. Undo what made it so."
ONLY = "The serial is {}, and may only become {}. Undo what made it so."
FINAL = {
    "decommissioned": (ONLY.format("decommissioned", "destroyed"), ["destroyed"]),
    "destroyed": (OUT_OF_USE, []),
    "sample": (ONLY.format("sample", "decommissioned or destroyed"), ["decommissioned", "destroyed"]),
}
CHANGES = f"{LOT}/serialChange"


def undo(api: Api, id: str) -> Any:
    undone = api.post(f"{CHANGES}/{id}/undo")
    assert undone.status == 200, undone.text
    return undone.json()


# One.


@pytest.mark.parametrize("status", [status for status in STATUSES if status != "commissioned"])
def test_one_serial_changes(api: Api, status: str) -> None:
    make(api, quantity=5)
    code = codes(api)[3]
    changed = api.patch(f"{LOT}/serial/{code}", {"status": status})
    body = changed.json()
    assert (changed.status, body) == (200, {"code": code, "index": 3, "status": status, "changeId": body["changeId"]})
    assert [serial["status"] for serial in serials(api)] == [
        status if number == 3 else "commissioned" for number in range(5)
    ]
    found = api.get(f"{LOT}/lookupSN/{code}").json()
    assert (found["status"], found["changeId"]) == (status, body["changeId"])
    assert [one["id"] for one in api.get(CHANGES).json()] == [body["changeId"]]


def test_the_present_status_of_a_serial_is_no_change(api: Api, calls: Calls) -> None:
    make(api, quantity=5)
    code = codes(api)[3]
    calls.clear()
    for _ in range(2):
        same = api.patch(f"{LOT}/serial/{code}", {"status": "commissioned"})
        assert same.json() == {"code": code, "index": 3, "status": "commissioned", "changeId": None}
    assert calls.writes() == []
    assert api.get(CHANGES).json() == []


def test_a_serial_changes_as_it_is_typed(api: Api) -> None:
    make(api, quantity=1)
    [code] = codes(api)
    changed = api.patch(f"{LOT}/serial/{code[:5]}-{code[5:].lower()}", {"status": "sample"})
    assert changed.json()["code"] == code


@pytest.mark.parametrize("wanted", STATUSES)
@pytest.mark.parametrize("present", FINAL)
def test_a_serial_out_of_use_stays_out_of_use(api: Api, present: str, wanted: str) -> None:
    make(api, quantity=3)
    code = codes(api)[1]
    api.patch(f"{LOT}/serial/{code}", {"status": present})
    message, allowed = FINAL[present]
    again = api.patch(f"{LOT}/serial/{code}", {"status": wanted})
    if wanted == present:
        assert (again.status, again.json()["changeId"]) == (200, None)
    elif wanted in allowed:
        assert again.json()["status"] == wanted
    else:
        refused = refusal(409, "FINAL_STATUS", message, status=present, allowed=allowed)
        assert (again.status, again.json()) == (409, refused)
        assert statuses(api) == ["commissioned", present, "commissioned"]
        assert len(api.get(CHANGES).json()) == 1


# By ranges.


def test_ranges_of_serials_change_together(api: Api, at: Callable[[float], None]) -> None:
    at(5)
    make(api, quantity=10)
    worker = Api(caller_with("berta", "tok_berta", writes=True, collections=frozenset({"wines"})))
    changed = change(worker, "decommissioned", (7, 2), (1, 3), reason="spoilt")
    assert changed == {
        "id": changed["id"],
        "status": "decommissioned",
        "ranges": [{"startIndex": 1, "count": 3}, {"startIndex": 7, "count": 2}],
        "changed": 5,
        "left": 0,
        "reason": "spoilt",
        "by": "berta",
        "at": api.get(LOT).json()["createdAt"],
        "undoneBy": None,
        "undoneAt": None,
    }
    assert statuses(api) == ["decommissioned" if number in {1, 2, 3, 7, 8} else "commissioned" for number in range(10)]
    assert api.get(CHANGES).json() == [changed]


def test_serials_that_cannot_change_are_left(api: Api) -> None:
    make(api, quantity=10)
    change(api, "destroyed", (0, 2))
    change(api, "stolen", (2, 3))
    changed = change(api, "stolen", (0, 10))
    assert (changed["changed"], changed["left"]) == (5, 5)
    assert statuses(api) == ["destroyed"] * 2 + ["stolen"] * 8
    nothing = change(api, "active", (0, 2))
    assert (nothing["id"], nothing["changed"], nothing["left"]) == (None, 0, 2)
    assert len(api.get(CHANGES).json()) == 3


def test_ranges_of_serials_reach_over_blocks(api: Api) -> None:
    make(api, quantity=4)
    for quantity in (6, 9):
        make(api, f"between-{quantity}", quantity=5)
        api.put(LOT, {"quantity": quantity})
    changed = change(api, "recalled", (2, 6))
    assert changed["changed"] == 6
    assert statuses(api) == ["commissioned"] * 2 + ["recalled"] * 6 + ["commissioned"]
    assert statuses(api, path_of("between-6")) == ["commissioned"] * 5
    undo(api, changed["id"])
    assert set(statuses(api)) == {"commissioned"}


def test_a_change_of_a_million_serials_costs_as_much_as_of_one(api: Api, calls: Calls) -> None:
    make(api, quantity=10_000_000)
    codes(api, LOT, 0, 1)
    taken = []
    for start, size in ((5, 1), (1_000_000, 1_000_000), (2_000_000, 8_000_000)):
        calls.clear()
        assert change(api, "decommissioned", (start, size))["changed"] == size
        taken.append(list(calls))
    assert taken == [["dynamodb.GetItem", "dynamodb.Query", "dynamodb.TransactWriteItems"]] * 3
    assert statuses(api, LOT, 999_999, 2) == ["commissioned", "decommissioned"]
    last = api.get(CHANGES).json()[0]
    calls.clear()
    undo(api, last["id"])
    assert calls[-1] == "dynamodb.TransactWriteItems"
    assert statuses(api, LOT, 1_999_999, 2) == ["decommissioned", "commissioned"]


def test_a_thousand_ranges_of_one_stretch_cost_one_read(api: Api, calls: Calls) -> None:
    make(api, quantity=10_000_000)
    codes(api, LOT, 0, 1)
    calls.clear()
    assert change(api, "sample", *((number * 10_000, 1) for number in range(1000)))["changed"] == 1000
    assert calls == ["dynamodb.GetItem", "dynamodb.Query", "dynamodb.TransactWriteItems"]
    assert statuses(api, LOT, 9_990_000, 2) == ["sample", "commissioned"]


def test_a_range_covers_thousands_of_fragments(api: Api) -> None:
    make(api, quantity=10_001)
    for part in range(5):
        ranges = [(2000 * part + 2 * number, 1) for number in range(1000)]
        assert change(api, "dispensed", *ranges)["changed"] == 1000
    fragmented = ["dispensed", "commissioned"] * 5000
    assert statuses(api) == fragmented
    # In part, in full, and back again.
    some = change(api, "recalled", (3001, 4001))
    assert some["changed"] == 4001
    assert statuses(api) == fragmented[:3001] + ["recalled"] * 4001 + fragmented[7002:]
    all_of_them = change(api, "stolen", (0, 10_001))
    assert (all_of_them["changed"], all_of_them["left"]) == (10_001, 0)
    assert set(statuses(api)) == {"stolen"}
    undo(api, all_of_them["id"])
    undo(api, some["id"])
    assert statuses(api) == fragmented
    [last] = serials(api, LOT, 10_000, 1)
    assert last["status"] == "commissioned"


# Undone.


def test_a_change_is_undone_by_whom_and_when(api: Api, at: Callable[[float], None]) -> None:
    make(api, quantity=5)
    change(api, "active", (0, 3))
    before = statuses(api)
    changed = change(api, "destroyed", (2, 3))
    at(30)
    undone = api.post(f"{CHANGES}/{changed['id']}/undo").json()
    assert undone == {**changed, "undoneBy": "tester", "undoneAt": undone["undoneAt"]}
    assert undone["undoneAt"] != changed["at"]
    assert statuses(api) == before
    # Again, since the answer may have got lost.
    other = Api(caller_with("berta", "tok_berta", writes=True, collections=None))
    assert other.post(f"{CHANGES}/{changed['id']}/undo").json() == undone
    assert api.get(CHANGES).json()[0] == undone


def test_only_the_last_change_of_a_serial_is_undone(api: Api) -> None:
    make(api, quantity=10)
    first, second = change(api, "active", (0, 5)), change(api, "dispensed", (4, 3))
    refused = api.post(f"{CHANGES}/{first['id']}/undo")
    assert (refused.status, refused.json()) == (
        409,
        refusal(
            409,
            "CHANGED_SINCE",
            "Serials of this change were changed again since. Undo the later change first.",
            index=4,
            changeId=second["id"],
        ),
    )
    assert statuses(api) == ["active"] * 4 + ["dispensed"] * 3 + ["commissioned"] * 3
    undo(api, second["id"])
    assert statuses(api) == ["active"] * 5 + ["commissioned"] * 5
    undo(api, first["id"])
    assert set(statuses(api)) == {"commissioned"}


def test_changes_of_other_serials_are_undone_in_any_order(api: Api) -> None:
    make(api, quantity=6)
    first, second = change(api, "active", (0, 3)), change(api, "active", (3, 3))
    undo(api, first["id"])
    assert statuses(api) == ["commissioned"] * 3 + ["active"] * 3
    undo(api, second["id"])
    assert set(statuses(api)) == {"commissioned"}


def test_a_serial_out_of_use_comes_back_by_undo_alone(api: Api) -> None:
    make(api, quantity=1)
    [code] = codes(api)
    api.patch(f"{LOT}/serial/{code}", {"status": "dispensed"})
    out = api.patch(f"{LOT}/serial/{code}", {"status": "decommissioned"}).json()
    destroyed = api.patch(f"{LOT}/serial/{code}", {"status": "destroyed"}).json()
    undo(api, destroyed["changeId"])
    assert statuses(api) == ["decommissioned"]
    undo(api, out["changeId"])
    assert statuses(api) == ["dispensed"]
    assert api.patch(f"{LOT}/serial/{code}", {"status": "stolen"}).status == 200


def test_a_change_may_be_made_again_after_it_was_undone(api: Api) -> None:
    make(api, quantity=3)
    first = change(api, "stolen", (0, 2))
    undo(api, first["id"])
    again = change(api, "stolen", (0, 2))
    assert again["id"] != first["id"]
    # The first one stays undone, whatever the serials are now.
    assert undo(api, first["id"])["undoneBy"] == "tester"
    assert statuses(api) == ["stolen", "stolen", "commissioned"]


@pytest.mark.parametrize("id", ["0660dd27c3cf43a2d35d0d", "x", "%20", "x" * 200])
def test_a_change_that_is_not_there_is_not_undone(api: Api, id: str) -> None:
    make(api, quantity=3)
    make(api, "L2", quantity=3)
    other = change(api, "stolen", (0, 1), path=path_of("L2"))["id"]
    for missing in (id, other):
        refused = api.post(f"{CHANGES}/{missing}/undo")
        assert (refused.status, refused.json()["errorCode"]) == (404, "NOT_FOUND")
    assert statuses(api, path_of("L2")) == ["stolen", "commissioned", "commissioned"]


# What a batch lets its serials become.


@pytest.mark.parametrize("wanted", STATUSES)
@pytest.mark.parametrize("status", ["draft", "recalled", "expired", "withdrawn", "archived", "due"])
def test_serials_are_given_out_of_active_lots_alone(api: Api, status: str, wanted: str) -> None:
    given = {"expiryDate": "2020-01-01"} if status == "due" else {"status": status}
    make(api, quantity=3, **given)
    [code] = codes(api, LOT, 1, 1)
    answers = [
        api.post(CHANGES, {"status": wanted, "ranges": [{"startIndex": 1, "count": 2}]}),
        api.patch(f"{LOT}/serial/{code}", {"status": wanted}),
    ]
    if wanted in {"active", "dispensed", "sample"}:
        shown = "expired" if status == "due" else status
        message = f"The batch is {shown}, so its serials are not activated, dispensed or sampled."
        allowed = ["commissioned", "decommissioned", "destroyed", "stolen", "recalled"]
        refused = refusal(409, "BATCH_NOT_ACTIVE", message, batchStatus=shown, allowed=allowed)
        assert [answer.json() for answer in answers] == [refused, refused]
        assert set(statuses(api)) == {"commissioned"}
    else:
        assert [answer.status for answer in answers] == [200, 200]


def test_dispensing_a_dispensed_serial_of_a_recalled_lot_is_no_change(api: Api) -> None:
    make(api, quantity=1)
    [code] = codes(api)
    api.patch(f"{LOT}/serial/{code}", {"status": "dispensed"})
    api.put(LOT, {"status": "recalled"})
    assert api.patch(f"{LOT}/serial/{code}", {"status": "dispensed"}).json()["changeId"] is None


def test_dispensing_is_undone_for_a_time_by_who_did_it(
    api: Api, at: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(0)
    make(api, quantity=5)
    made = [change(api, "dispensed", (number, 1))["id"] for number in range(5)]
    until = iso(clock.now() + 10 * 86_400_000_000)
    other = Api(caller_with("berta", "tok_berta", writes=True, collections=None))

    def refused(caller: Api, status: str) -> bool:
        message = "Dispensing is undone only by the user who did it, for a time, and while the batch is active."
        body = refusal(409, "DISPENSED_FOR_GOOD", message, batchStatus=status, by="tester", until=until)
        return bool(caller.post(f"{CHANGES}/{made[-1]}/undo").json() == body)

    assert refused(other, "active")
    api.put(LOT, {"status": "recalled"})
    assert refused(api, "recalled")
    api.put(LOT, {"status": "active"})
    at(10 * 86_400)
    undo(api, made.pop(0))
    at(10 * 86_400 + 1)
    assert refused(api, "active")
    # Other changes are undone by anybody, ever.
    out = change(api, "stolen", (0, 5))
    at(900 * 86_400)
    assert other.post(f"{CHANGES}/{out['id']}/undo").status == 200
    monkeypatch.setenv("DISPENSING_UNDO_DAYS", "0")
    api.put(LOT, {"status": "expired"})
    assert other.post(f"{CHANGES}/{made.pop()}/undo").status == 200


# Told of.


def test_serial_changes_are_listed_last_first_by_pages(api: Api, at: Callable[[float], None]) -> None:
    make(api, quantity=30)
    make(api, "L2", quantity=3)
    change(api, "stolen", (0, 1), path=path_of("L2"))
    made = []
    for number in range(5):
        at(number)
        made.append(change(api, "sample", (number, 1), reason=f"number {number}"))
    assert [one["at"] for one in made] == sorted({one["at"] for one in made})
    assert api.get(CHANGES).json() == made[::-1]
    pages: list[Any] = []
    before = ""
    while page := api.get(f"{CHANGES}?limit=2{before}").json():
        pages.append(page)
        before = f"&before={page[-1]['id']}"
    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]


def test_a_list_of_serial_changes_does_not_read_former_statuses(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api, quantity=30)
    made = [change(api, "stolen", (number, 2), reason="lost") for number in (0, 5)]
    made[1] = undo(api, made[1]["id"])
    client = clients.dynamodb()
    query = client.query
    found: list[Any] = []

    def noted(**request: Any) -> Any:
        answer = query(**request)
        found.extend(answer["Items"])
        return answer

    monkeypatch.setattr(client, "query", noted)
    assert api.get(CHANGES).json() == made[::-1]
    assert len(found) == 2
    assert not any("before" in item for item in found)


def test_a_new_lot_with_the_id_of_a_removed_lot_has_its_own_serials(api: Api) -> None:
    make(api, quantity=3)
    changed = change(api, "stolen", (0, 3))
    api.delete(f"{LOT}?force=true")
    make(api, quantity=3)
    assert set(statuses(api)) == {"commissioned"}
    assert api.post(f"{CHANGES}/{changed['id']}/undo").status == 404
    assert api.get(CHANGES).json() == []
    assert set(statuses(api)) == {"commissioned"}
    assert api.delete(LOT).status == 200


# In change sets.


def test_a_batch_request_and_a_lot_are_made_together(api: Api) -> None:
    channel = api.open_channel()
    made = {"atomicityGroup": "all", "id": "lot", "method": "POST", "url": BATCHES, "body": {"id": "L1", "quantity": 5}}
    opened = {
        "atomicityGroup": "all",
        "id": "load",
        "method": "POST",
        "url": batches(channel),
        "body": {"channel": channel},
    }
    used = {
        "atomicityGroup": "all",
        "id": "used",
        "method": "POST",
        "url": CHANGES,
        "body": {"status": "active", "ranges": [{"startIndex": 1, "count": 2}]},
    }
    grown = {"atomicityGroup": "all", "id": "grown", "method": "PUT", "url": LOT, "body": {"quantity": 7}}
    answers = run_json(api, made, opened, used, grown)
    assert [answer["status"] for answer in answers] == [200, 201, 200, 200]
    assert statuses(api) == ["commissioned", "active", "active", *["commissioned"] * 4]
    assert api.get(batches(channel)).json()["count"] == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"method": "PUT", "url": LOT, "body": {"quantity": 4}}, 400),
        ({"method": "DELETE", "url": path_of("L9")}, 404),
        ({"method": "POST", "url": BATCHES, "body": {"id": "L1", "name": "other"}}, 409),
        ({"method": "DELETE", "url": LOT}, 409),
    ],
)
def test_a_change_set_of_lots_serials_and_batch_requests_is_all_or_nothing(
    api: Api, wrong: dict[str, Any], status: int
) -> None:
    channel = api.open_channel()
    make(api, quantity=5)
    change(api, "active", (0, 1))
    changed = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 5}]}
    right: list[dict[str, Any]] = [
        {"method": "POST", "url": BATCHES, "body": {"id": "L2", "quantity": 5}},
        {"method": "POST", "url": batches(channel), "body": {"channel": channel}},
        {"method": "POST", "url": CHANGES, "body": changed},
        {"method": "PUT", "url": LOT, "body": {"quantity": 10}},
    ]
    requests = [{"id": str(number), "atomicityGroup": "all", **one} for number, one in enumerate([*right, wrong])]
    answers = run_json(api, *requests)
    assert [(answer["id"], answer["status"]) for answer in answers] == [
        *((str(number), 424) for number in range(4)),
        ("4", status),
    ]
    assert api.get(path_of("L2")).status == 404
    assert api.get(batches(channel)).json()["count"] == 0
    assert statuses(api) == ["active", *["commissioned"] * 4]
    assert [batch["id"] for batch in api.get(f"{COLLECTION}/batch").json()] == ["L1"]


def test_serial_changes_of_one_change_set_build_on_each_other(api: Api) -> None:
    make(api, quantity=1000)
    requests = [
        {
            "id": str(number),
            "atomicityGroup": "all",
            "method": "POST",
            "url": CHANGES,
            "body": {"status": status, "ranges": [{"startIndex": start, "count": size} for start, size in ranges]},
        }
        for number, (status, ranges) in enumerate(
            [
                # Cuts the stretch in pieces, which the next ones find.
                ("active", [(number, 1) for number in range(0, 1000, 2)]),
                ("stolen", [(100, 500)]),
                ("destroyed", [(599, 2), (0, 1)]),
            ]
        )
    ]
    answers = run_json(api, *requests)
    assert [answer["body"]["changed"] for answer in answers] == [500, 500, 3]
    expected = ["active", "commissioned"] * 500
    expected[100:600] = ["stolen"] * 500
    expected[599:601] = ["destroyed"] * 2
    expected[0] = "destroyed"
    assert statuses(api) == expected
    for answer in reversed(answers):
        undo(api, answer["body"]["id"])
    assert set(statuses(api)) == {"commissioned"}


def test_a_lot_created_used_and_removed_in_one_change_set_leaves_nothing(api: Api) -> None:
    requests: list[dict[str, Any]] = [
        {"method": "POST", "url": BATCHES, "body": {"id": "L1", "quantity": 5}},
        {
            "method": "POST",
            "url": CHANGES,
            "body": {"status": "stolen", "ranges": [{"startIndex": 0, "count": 5}]},
        },
        {"method": "DELETE", "url": f"{LOT}?force=true"},
    ]
    answers = run_json(
        api, *({"id": str(number), "atomicityGroup": "all", **one} for number, one in enumerate(requests))
    )
    assert [answer["status"] for answer in answers] == [200, 200, 200]
    assert api.get(LOT).status == 404
    make(api, quantity=5)
    assert set(statuses(api)) == {"commissioned"}


def test_a_range_that_does_not_fit_changes_nothing(api: Api, calls: Calls) -> None:
    make(api, quantity=5)
    calls.clear()
    body = {"status": "stolen", "ranges": [{"startIndex": 0, "count": 2}, {"startIndex": 4, "count": 2}]}
    assert api.post(CHANGES, body).json() == invalid(ranges=["The batch has serials 0 to 4."])
    assert calls.writes() == []


@pytest.mark.parametrize("id", ["x", "0" * 21, "0" * 2000, "G" * 22])
def test_a_bad_id_of_a_serial_change_is_404(api: Api, id: str) -> None:
    make(api, quantity=3)
    assert api.post(f"{CHANGES}/{id}/undo").status == 404
    assert api.get(f"{CHANGES}?before={id}").json()["errorCode"] == "VALIDATION_ERROR"
    assert api.get(f"{LOT}/export/{id}").status == 404
