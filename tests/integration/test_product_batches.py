"""Product batches through the public edge: made, changed, removed."""

from collections.abc import Callable
from typing import Any

import pytest

from batchyard.product_batches.serials import runs
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.api import Api
from tests.support.lots import (
    BATCHES,
    COLLECTION,
    GTIN,
    LOT,
    PRODUCT,
    PUBLIC,
    change,
    codes,
    invalid,
    make,
    path_of,
    refusal,
    serials,
    verify,
)

MISSING = refusal(404, "NOT_FOUND", 'There is no batch "L1" of this product.')
STALE = refusal(412, "PRECONDITION_FAILED", "The resource has changed since it was read.")
TOO_MANY_PARTS = refusal(
    409,
    "TOO_MANY_PARTS",
    "The serials of the batch are kept in too many parts to be removed together with it."
    " Add ?force=true to remove the batch first.",
)
GIVEN = {
    "id": "L1",
    "name": "First pressing",
    "gtin": GTIN,
    "variant": "V1",
    "lotNumber": "2026/1",
    "manufactureDate": "2026-09-01",
    "packagingDate": "2026-09-02T16:30:00+02:00",
    "bestBeforeDate": {"seconds": 1893456000},
    "expiryDate": {"seconds": 1893456000, "nanoseconds": 5},
    "quantity": 10,
    "serialFormat": {"length": 12},
    "status": "draft",
    "data": {"grape": "nebbiolo", "naïve": ["é", None, 1.5, True]},
    "admin": {"cellar": 4},
    "tags": [{"code": "T1", "claimSetId": "c", "tagId": "t", "printed": 7}],
    "theirs": [1, {"deep": None}],
    "nothing": None,
}


# Made.


def test_a_lot_is_made_and_answered_as_it_came(api: Api) -> None:
    made = api.post(BATCHES, GIVEN)
    assert made.status == 200
    body = made.json()
    added = {name: body.pop(name) for name in body.keys() - GIVEN.keys()}
    assert body == GIVEN
    assert added == {
        "collectionId": "wines",
        "productId": "barolo",
        "digitalLink": f"https://id.gs1.org/01/{GTIN}/22/V1/10/2026%2F1?17=300101",
        "createdAt": added["createdAt"],
        "updatedAt": added["createdAt"],
        "version": 1,
    }
    assert made.headers["ETag"] == '"1"'
    assert api.get(LOT).text == made.text
    assert api.get(LOT).headers["ETag"] == '"1"'
    assert made.headers["Location"].endswith(LOT)
    assert api.get(made.headers["Location"]).text == made.text


def test_the_least_that_a_lot_needs(api: Api) -> None:
    body = make(api)
    assert {name: body[name] for name in body.keys() - {"createdAt", "updatedAt"}} == {
        "id": "L1",
        "collectionId": "wines",
        "productId": "barolo",
        "lotNumber": "L1",
        "status": "active",
        "quantity": 0,
        "serialFormat": {"length": 10},
        "version": 1,
    }


def test_a_lot_created_again_with_the_same_body_is_200(api: Api, calls: Calls) -> None:
    first = api.post(BATCHES, GIVEN)
    there = codes(api)
    calls.clear()
    again = api.post(BATCHES, dict(reversed(GIVEN.items())))
    assert (again.status, again.text) == (200, first.text)
    assert again.headers["ETag"] == '"1"'
    assert calls.writes() == []
    assert codes(api) == there


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Second pressing"},
        {"name": None},
        {"quantity": 11},
        {"quantity": 9},
        {"quantity": None},
        {"status": "active"},
        {"serialFormat": {"length": 11}},
        {"data": {"grape": "nebbiolo"}},
        {"theirs": [True, {"deep": None}]},
        {"nothing": 0},
        {"more": 1},
    ],
)
def test_a_lot_with_an_existing_id_and_another_body_is_409(api: Api, other: dict[str, Any]) -> None:
    first = api.post(BATCHES, GIVEN)
    refused = api.post(BATCHES, GIVEN | other)
    assert (refused.status, refused.json()) == (
        409,
        refusal(409, "BATCH_EXISTS", 'The product has another batch "L1".'),
    )
    assert api.get(LOT).text == first.text


def test_a_changed_lot_cannot_be_created_again_with_the_first_body(api: Api) -> None:
    api.post(BATCHES, GIVEN)
    api.put(LOT, {"name": "Second pressing"})
    assert api.post(BATCHES, GIVEN).status == 409
    assert api.post(BATCHES, GIVEN | {"name": "Second pressing"}).json()["version"] == 2


def test_products_and_collections_have_lots_of_the_same_id(api: Api) -> None:
    make(api, name="Barolo")
    make(api, product="barbera", name="Barbera")
    api.post("/admin/collection/oils/product/barolo/batch", {"id": "L1", "name": "Oil"})
    assert api.get(LOT).json()["name"] == "Barolo"
    assert api.get(path_of("L1", "barbera")).json()["name"] == "Barbera"
    assert api.get("/admin/collection/oils/product/barolo/batch/L1").json()["name"] == "Oil"


@pytest.mark.parametrize("id", ["_", "0", "a.b~c", "L$1", "x'(1)*+,;=:@-", "x" * 100])
def test_ids_that_a_path_can_carry(api: Api, id: str) -> None:
    made = make(api, id, quantity=1)
    assert api.get(path_of(id)).json() == made
    [code] = codes(api, path_of(id))
    assert api.get(f"{COLLECTION}/lookupSN/{code}").json()["batchId"] == id


def test_ten_and_ten_million_serials_cost_the_same_calls(api: Api, calls: Calls) -> None:
    make(api, "warm", quantity=1)
    taken = []
    for id, quantity in (("ten", 10), ("millions", 10_000_000)):
        calls.clear()
        make(api, id, quantity=quantity)
        taken.append(list(calls))
    assert taken == [["dynamodb.GetItem", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems"]] * 2
    assert len(serials(api, path_of("millions"), 9_999_990)) == 10


def test_two_concurrently_created_lots_share_no_serial(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    once = [lambda: make(api, "L2", quantity=20)]
    commit = Unit.commit

    def overtaken(unit: Unit) -> None:
        if once:
            once.pop()()
        commit(unit)

    monkeypatch.setattr(Unit, "commit", overtaken)
    make(api, "L1", quantity=20)
    assert len({*codes(api, path_of("L1")), *codes(api, path_of("L2"))}) == 40


# Changed.


def test_a_lot_update_replaces_the_fields_that_it_names(api: Api) -> None:
    made = api.post(BATCHES, GIVEN).json()
    changed = api.put(LOT, {"name": "Second", "data": {"new": 1}, "theirs": "else", "status": "active"})
    assert changed.status == 200
    body = changed.json()
    assert body == {
        **made,
        "name": "Second",
        "data": {"new": 1},
        "theirs": "else",
        "status": "active",
        "updatedAt": body["updatedAt"],
        "version": 2,
    }
    assert body["updatedAt"] > made["updatedAt"]
    assert changed.headers["ETag"] == '"2"'
    assert api.get(LOT).text == changed.text


def test_null_removes_a_field_of_a_lot_and_is_kept_in_the_clients_own_keys(api: Api) -> None:
    api.post(BATCHES, {**GIVEN, "quantity": 0})
    removed = ["name", "gtin", "variant", "lotNumber", "expiryDate", "data", "admin", "tags"]
    body = api.put(LOT, {**dict.fromkeys(removed), "theirs": None}).json()
    assert body.keys() & set(removed) == {"lotNumber"}
    assert body["lotNumber"] == "L1"
    assert (body["theirs"], body["nothing"]) == (None, None)
    assert "digitalLink" not in body
    # These a batch always has, so that null says nothing.
    assert api.put(LOT, {"quantity": None, "status": None, "serialFormat": None}).json() == body


def test_printed_fields_of_a_lot_cannot_be_changed(api: Api, calls: Calls) -> None:
    made = api.post(BATCHES, GIVEN).json()
    calls.clear()
    for wanted, fields in (
        ({"gtin": "09501101530003"}, ["gtin"]),
        ({"variant": None, "lotNumber": "L1", "name": "x"}, ["variant", "lotNumber"]),
        ({"lotNumber": None, "quantity": 20}, ["lotNumber"]),
    ):
        message = (
            "Labels and events of the batch's serials bear this already. It can be changed as long as there are none."
        )
        assert api.put(LOT, wanted).json() == refusal(409, "ALREADY_PRINTED", message, fields=fields)
    assert calls.writes() == []
    same = {name: GIVEN[name] for name in ("gtin", "variant", "lotNumber")}
    assert api.put(LOT, {**same, "expiryDate": "2031-01-01"}).json()["digitalLink"].endswith("?17=310101")
    assert api.get(LOT).json()["gtin"] == made["gtin"]


def test_printed_fields_of_a_lot_are_free_until_there_are_serials(api: Api) -> None:
    make(api, gtin=GTIN, lotNumber="A")
    changed = api.put(LOT, {"gtin": "09501101530003", "variant": "V", "lotNumber": "B", "quantity": 5}).json()
    assert (changed["gtin"], changed["variant"], changed["lotNumber"]) == ("09501101530003", "V", "B")
    assert api.put(LOT, {"lotNumber": "A"}).status == 409


def repeated(batch: str, product: str = "barolo") -> list[dict[str, str]]:
    message = f'Batch "{batch}" of product "{product}" has the same GTIN and lot.'
    return [{"code": "REPEATED_LOT", "field": "lotNumber", "message": message}]


def test_a_lot_of_one_gtin_that_is_there_is_warned_of(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "warnings" not in make(api, gtin=GTIN)
    assert make(api, product="barbera", gtin=GTIN)["warnings"] == repeated("L1")
    assert "warnings" not in make(api, "L2", gtin=GTIN)
    assert "warnings" not in make(api, "L3", lotNumber="L1", gtin="09501101530003")
    assert "warnings" not in make(api, "L4", lotNumber="L1")
    other = BATCHES.replace("wines", "oils")
    assert "warnings" not in api.post(other, {"id": "L1", "gtin": GTIN}).json()
    # By a change, and not by one that has nothing to do with it.
    assert api.put(path_of("L2"), {"lotNumber": "L1"}).json()["warnings"] == repeated("L1")
    assert "warnings" not in api.put(path_of("L2"), {"name": "x"}).json()
    assert "warnings" not in api.put(path_of("L2"), {"lotNumber": None}).json()
    assert "warnings" not in api.get(path_of("L1", "barbera")).json()
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    message = "Another batch of the collection has this GTIN and lot."
    refused = refusal(409, "REPEATED_LOT", message, productId="barolo", batchId="L1")
    assert api.put(path_of("L2"), {"lotNumber": "L1"}).json() == refused
    assert api.post(BATCHES, {"id": "L5", "lotNumber": "L1", "gtin": GTIN}).json() == refused
    assert api.put(path_of("L1"), {"name": "x"}).status == 200


@pytest.mark.parametrize("how", ["renamed", "removed", "removed by force"])
def test_a_lot_is_free_again(api: Api, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setenv("REPEATED_LOTS", "refuse")
    make(api, gtin=GTIN, lotNumber="7")
    if how == "renamed":
        api.put(LOT, {"lotNumber": "8"})
    else:
        assert api.delete(f"{LOT}{'?force=true' if 'force' in how else ''}").status == 200
    make(api, "L2", gtin=GTIN, lotNumber="7")
    assert api.post(BATCHES, {"id": "L3", "lotNumber": "7", "gtin": GTIN}).status == 409


def test_an_expiry_that_a_label_cannot_tell_is_warned_of(api: Api) -> None:
    made = make(api, gtin=GTIN, quantity=1, expiryDate="2177-12-31")
    assert "?" not in made["digitalLink"]
    [warning] = made["warnings"]
    assert (warning["code"], warning["field"]) == ("EXPIRY_NOT_ON_LABEL", "expiryDate")
    assert "?" not in serials(api)[0]["digitalLink"]
    assert "warnings" not in api.get(f"{PUBLIC}/product/barolo/batch/L1").json()
    # It comes back, and says nothing.
    assert api.put(LOT, made).json() == made
    for never in ("9999-12-31", "9999-12-31T23:59:59Z", {"seconds": 253_402_214_400}):
        changed = api.put(LOT, {"expiryDate": never}).json()
        assert (changed["expiryDate"], changed["status"], "warnings" in changed) == (never, "active", False)


def test_a_lot_sent_back_as_answered_changes_nothing(api: Api, calls: Calls) -> None:
    made = api.post(BATCHES, GIVEN)
    calls.clear()
    again = api.put(LOT, made.json())
    assert (again.status, again.text) == (200, made.text)
    assert calls.writes() == []


def test_the_id_of_a_lot_cannot_be_changed(api: Api) -> None:
    make(api)
    assert api.put(LOT, {"id": "L2"}).json() == invalid(id=["The ID of a batch cannot be changed."])
    assert api.put(LOT, {"id": "L1", "name": "x"}).json()["name"] == "x"
    assert api.get(path_of("L2")).status == 404


@pytest.mark.parametrize("if_match", ['"1"', "*", ' "1" ', '"7", "1"'])
def test_a_lot_update_with_a_matching_if_match(api: Api, if_match: str) -> None:
    make(api)
    assert api.put(LOT, {"name": "x"}, headers={"If-Match": if_match}).headers["ETag"] == '"2"'
    # Repeated, since the answer may have got lost.
    assert api.put(LOT, {"name": "x"}, headers={"If-Match": if_match}).headers["ETag"] == '"2"'


@pytest.mark.parametrize("if_match", ['"2"', "1", 'W/"1"', '""'])
def test_a_lot_update_with_another_if_match_is_412(api: Api, if_match: str) -> None:
    made = make(api)
    for refused in (
        api.put(LOT, {"name": "x"}, headers={"If-Match": if_match}),
        api.put(LOT, {"quantity": 5}, headers={"If-Match": if_match}),
        api.delete(LOT, headers={"If-Match": if_match}),
    ):
        assert (refused.status, refused.json()) == (412, STALE)
    assert api.get(LOT).json() == made


@pytest.mark.parametrize("send", [lambda api: api.get(LOT), lambda api: api.put(LOT, {}), lambda api: api.delete(LOT)])
def test_a_missing_lot_is_not_found(api: Api, send: Callable[[Api], Any]) -> None:
    make(api, product="other")
    answer = send(api)
    assert (answer.status, answer.json()) == (404, MISSING)


@pytest.mark.parametrize(("part", "around"), [("data", 8), ("admin", 8), ("tags", 21), ("keys of your own", 8)])
def test_each_part_of_a_lot_has_16_kb(api: Api, part: str, around: int) -> None:
    def fields(size: int) -> dict[str, Any]:
        match part:
            case "tags":
                return {"tags": [{"code": "c", "k": "x" * (size - around)}]}
            case "keys of your own":
                return {"k": "x" * (size - around)}
            case _:
                return {part: {"k": "x" * (size - around)}}

    most = 16 * 1024
    make(api)
    fitting = api.put(LOT, fields(most))
    assert fitting.status == 200, fitting.text
    refused = api.put(LOT, fields(most + 1))
    assert (refused.status, refused.json()) == (
        400,
        invalid(**{part: ["Ensure this has no more than 16384 bytes as JSON."]}),
    )
    assert api.get(LOT).text == fitting.text
    assert api.post(BATCHES, {"id": "L2", **fields(most + 1)}).json() == refused.json()


# Its serials.


def test_a_quantity_grows_and_the_codes_stay(api: Api) -> None:
    make(api)
    assert serials(api) == []
    seen: list[str] = []
    for quantity in (5, 12, 40):
        assert api.put(LOT, {"quantity": quantity}).json()["quantity"] == quantity
        # Others take indices in between.
        make(api, f"other-{quantity}", quantity=3)
        now = codes(api)
        assert now[: len(seen)] == seen
        assert len(set(now)) == quantity
        seen = now
    assert [serial["index"] for serial in serials(api)] == list(range(40))
    assert [codes(api, LOT, start, 7) for start in (0, 3, 10, 38)] == [
        seen[0:7],
        seen[3:10],
        seen[10:17],
        seen[38:],
    ]


def test_a_quantity_never_shrinks(api: Api) -> None:
    make(api, quantity=5)
    for quantity in (4, 0):
        refused = api.put(LOT, {"quantity": quantity})
        assert (refused.status, refused.json()) == (
            400,
            invalid(quantity=["It may grow, never shrink: there are 5 serials."]),
        )
    assert api.put(LOT, {"quantity": 5}).headers["ETag"] == '"1"'


@pytest.mark.parametrize("length", [8, 10, 19])
def test_the_length_of_codes(api: Api, length: int) -> None:
    make(api, quantity=3, gtin=GTIN, serialFormat={"length": length})
    for number, code in enumerate(codes(api)):
        assert len(code) == length + 1
        assert api.get(f"{LOT}/lookupSN/{code}").json()["index"] == number


def test_the_length_of_codes_is_fixed_as_soon_as_there_are_serials(api: Api) -> None:
    make(api, serialFormat={"length": 9})
    api.put(LOT, {"serialFormat": {"length": 11}})
    api.put(LOT, {"quantity": 1})
    refused = api.put(LOT, {"serialFormat": {"length": 12}})
    assert (refused.status, refused.json()) == (
        400,
        invalid(serialFormat=["It is fixed as soon as there are serials."]),
    )
    assert len(codes(api)[0]) == 12


# Removed.


def test_an_unused_lot_is_removed_and_its_codes_with_it(api: Api) -> None:
    make(api, quantity=5)
    api.put(LOT, {"quantity": 8})
    gone = codes(api)
    removed = api.delete(LOT)
    assert (removed.status, removed.json()) == (200, {})
    assert api.get(LOT).status == 404
    assert api.delete(LOT).json() == MISSING
    assert api.get(f"{LOT}/getSN").json() == MISSING
    make(api, quantity=8)
    assert not set(gone) & set(codes(api))
    for code in gone:
        for path in (LOT, PRODUCT, COLLECTION):
            unknown = api.get(f"{path}/lookupSN/{code}")
            assert (unknown.status, unknown.json()) == (
                404,
                refusal(404, "UNKNOWN_SERIAL", "The code is none of these serials."),
            )


def test_a_lot_that_was_exported_is_removed_by_force_alone(api: Api) -> None:
    make(api, quantity=5)
    assert api.post(f"{LOT}/export").status == 202
    message = "Serials of the batch were exported. Add ?force=true to remove it all the same: they verify no more then."
    assert api.delete(LOT).json() == refusal(409, "IN_CIRCULATION", message, reason="exported")
    assert api.delete(f"{LOT}?force=true").status == 200


def test_a_lot_that_was_printed_is_removed_by_force_alone(api: Api, calls: Calls) -> None:
    make(api, quantity=5, gtin=GTIN)
    # Nothing was printed yet: a sheet that is refused, and one without codes.
    assert api.get(f"{LOT}/sheet?columns=12").status == 400
    assert api.get(f"{LOT}/sheet?startIndex=5").status == 200
    etag = api.get(LOT).headers["ETag"]
    assert api.get(f"{LOT}/sheet").status == 200
    assert api.get(LOT).headers["ETag"] != etag
    calls.clear()
    assert api.get(f"{LOT}/sheet").status == 200
    assert calls.writes() == []
    api.put(LOT, {"name": "Changed"})
    message = "Serials of the batch were printed. Add ?force=true to remove it all the same: they verify no more then."
    assert api.delete(LOT).json() == refusal(409, "IN_CIRCULATION", message, reason="printed")
    assert api.delete(f"{LOT}?force=true").status == 200
    make(api, quantity=5)
    assert api.delete(LOT).status == 200


def test_a_lot_that_was_verified_is_removed_by_force_alone(api: Api) -> None:
    make(api, quantity=3)
    make(api, "L2", quantity=1)
    api.put(LOT, {"quantity": 6})
    last = codes(api)[-1]
    # The serial between its blocks is another batch's.
    [other] = codes(api, path_of("L2"))
    verify(api, other)
    verify(api, last)
    message = "Serials of the batch were verified. Add ?force=true to remove it all the same: they verify no more then."
    assert api.delete(LOT).json() == refusal(409, "IN_CIRCULATION", message, reason="verified")
    assert api.get(f"{LOT}/lookupSN/{last}").status == 200
    assert api.delete(f"{LOT}?force=true").status == 200
    make(api, quantity=3)
    assert api.delete(LOT).status == 200


def test_serial_changes_of_a_removed_lot_are_still_listed(api: Api) -> None:
    make(api, quantity=5)
    made = [change(api, "dispensed", (0, 2), reason="sold"), change(api, "stolen", (2, 1))]
    former = f"{LOT}/serialChange?removed=true"
    assert api.get(former).json() == []
    assert api.delete(f"{LOT}?force=true").status == 200
    assert api.get(f"{LOT}/serialChange").status == 404
    assert api.get(former).json() == made[::-1]
    make(api, quantity=5)
    own = change(api, "recalled", (0, 5))
    assert api.get(f"{LOT}/serialChange").json() == [own]
    assert api.get(f"{former}&limit=1").json() == made[1:]
    assert api.get(f"{former}&limit=1&before={made[1]['id']}").json() == made[:1]


@pytest.mark.parametrize("status", ["active", "dispensed", "decommissioned", "sample"])
def test_a_lot_in_use_is_removed_by_force_alone(api: Api, status: str) -> None:
    make(api, quantity=5)
    api.put(LOT, {"quantity": 10})
    make(api, "L2", quantity=1)
    api.put(LOT, {"quantity": 15})
    change(api, status, (12, 1))
    [used] = codes(api, LOT, 12, 1)
    for query in ("", "?force=false"):
        refused = api.delete(f"{LOT}{query}")
        assert (refused.status, refused.json()) == (
            409,
            refusal(
                409,
                "SERIALS_IN_USE",
                "Serials of the batch are in use. Add ?force=true to remove it all the same.",
                index=12,
                status=status,
            ),
        )
    assert len(codes(api)) == 15
    assert api.delete(f"{LOT}?force=true").status == 200
    assert api.get(LOT).status == 404
    make(api, quantity=15)
    assert api.get(f"{COLLECTION}/lookupSN/{used}").status == 404
    assert used not in codes(api)
    assert {serial["status"] for serial in serials(api)} == {"commissioned"}


def test_a_lot_whose_only_change_was_undone_is_not_in_use(api: Api) -> None:
    make(api, quantity=5)
    changed = change(api, "stolen", (1, 2))
    assert api.delete(LOT).status == 409
    api.post(f"{LOT}/serialChange/{changed['id']}/undo")
    assert api.delete(LOT).status == 200


def test_serials_whose_changes_were_undone_may_be_too_many_parts_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    make(api, quantity=40)
    monkeypatch.setattr(runs, "MOST_RUNS", 4)
    changed = change(api, "stolen", *((start, 1) for start in range(0, 40, 2)))
    api.post(f"{LOT}/serialChange/{changed['id']}/undo")
    monkeypatch.setattr("batchyard.product_batches.operations.MAX_ACTIONS", 4)
    refused = api.delete(LOT)
    assert (refused.status, refused.json()) == (409, TOO_MANY_PARTS)
    assert api.delete(f"{LOT}?force=true").status == 200


def test_a_lot_with_more_blocks_than_a_commit_can_change_is_removed_by_force_alone(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("store.unit", "product_batches.operations"):
        monkeypatch.setattr(f"batchyard.{module}.MAX_ACTIONS", 4)
    make(api)
    for quantity in range(1, 7):
        api.put(LOT, {"quantity": quantity})
    gone = codes(api)
    refused = api.delete(LOT)
    assert (refused.status, refused.json()) == (409, TOO_MANY_PARTS)
    assert codes(api) == gone
    assert api.delete(f"{LOT}?force=true").status == 200
    assert [api.get(f"{COLLECTION}/lookupSN/{code}").status for code in gone] == [404] * 6
