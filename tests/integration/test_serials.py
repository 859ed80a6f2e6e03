"""Serials of product batches: pages of them, and whose serial a code is."""

import random
from typing import Any

import pytest

from batchyard.product_batches.serials import repository as serials_repository
from batchyard.serial_codes import keys
from batchyard.serial_codes.codes import ALPHABET
from batchyard.store import clients
from batchyard.store.unit import Unit
from tests.integration.conftest import Calls
from tests.support.api import Answer, Api
from tests.support.lots import (
    COLLECTION,
    GTIN,
    LOT,
    PRODUCT,
    PUBLIC,
    change,
    codes,
    make,
    mistyped,
    path_of,
    refusal,
    serials,
)

UNKNOWN = refusal(404, "UNKNOWN_SERIAL", "The code is none of these serials.")
MISTYPED = refusal(400, "INVALID_CODE", "The check character of the serial number does not fit: it is mistyped.")
LEVELS = (COLLECTION, PRODUCT, LOT)


def page(api: Api, start: int | None = None, count: int | None = None) -> dict[str, object]:
    query = [f"{name}={value}" for name, value in (("startIndex", start), ("count", count)) if value is not None]
    answer = api.get(f"{LOT}/getSN?{'&'.join(query)}")
    assert answer.status == 200, answer.text
    return dict(answer.json())


def is_unknown(answer: Answer) -> bool:
    return (answer.status, answer.json()) == (404, UNKNOWN)


# Pages.


def test_a_page_of_serials(api: Api) -> None:
    make(api, quantity=25, gtin=GTIN, variant="V", expiryDate="2027-01-31")
    whole = serials(api)
    assert [serial["index"] for serial in whole] == list(range(25))
    assert len({serial["code"] for serial in whole}) == 25
    for serial in whole:
        assert serial == {
            "index": serial["index"],
            "code": serial["code"],
            "digitalLink": f"https://id.gs1.org/01/{GTIN}/22/V/10/L1/21/{serial['code']}?17=270131",
            "status": "commissioned",
        }
        assert len(serial["code"]) == 11
        assert set(serial["code"]) <= set(ALPHABET)
    assert page(api) == {"items": whole[:10], "startIndex": 0, "count": 10, "total": 25, "nextStartIndex": 10}
    assert page(api, 10) == {"items": whole[10:20], "startIndex": 10, "count": 10, "total": 25, "nextStartIndex": 20}
    assert page(api, 20) == {"items": whole[20:], "startIndex": 20, "count": 5, "total": 25, "nextStartIndex": None}
    assert page(api, 24, 1)["nextStartIndex"] is None
    assert page(api, 23, 1)["nextStartIndex"] == 24


@pytest.mark.parametrize("start", [25, 26, 10_000_000])
def test_a_page_behind_the_last_serial_is_empty(api: Api, start: int) -> None:
    make(api, quantity=25)
    assert page(api, start) == {"items": [], "startIndex": start, "count": 0, "total": 25, "nextStartIndex": None}


def test_a_lot_may_have_no_serials(api: Api) -> None:
    make(api)
    assert page(api) == {"items": [], "startIndex": 0, "count": 0, "total": 0, "nextStartIndex": None}


def test_serials_without_a_gtin_have_no_digital_links(api: Api) -> None:
    make(api, quantity=2)
    assert [serial["digitalLink"] for serial in serials(api)] == [None, None]


def test_pages_of_serials_are_slices_over_several_blocks_and_changes(api: Api) -> None:
    make(api, quantity=7)
    for quantity in (8, 20, 31):
        make(api, f"between-{quantity}", quantity=quantity)
        api.put(LOT, {"quantity": quantity})
    change(api, "stolen", (5, 5), (19, 2))
    whole = serials(api)
    assert [serial["status"] for serial in whole] == [
        "stolen" if number in {*range(5, 10), 19, 20} else "commissioned" for number in range(31)
    ]
    for start in range(31):
        for count in (3, 12):
            assert page(api, start, count)["items"] == whole[start : start + count]
    found: list[Any] = []
    following: Any = 0
    while isinstance(following, int):
        here: Any = page(api, following, 4)
        found += here["items"]
        following = here["nextStartIndex"]
    assert found == whole


def test_the_last_page_of_ten_million_serials_costs_as_much_as_the_first(api: Api, calls: Calls) -> None:
    make(api, quantity=10_000_000)
    taken = []
    for start in (0, 9_990_000):
        page(api, start, 1)
        calls.clear()
        assert page(api, start, 10_000)["count"] == 10_000
        taken.append(list(calls))
    assert taken == [["dynamodb.GetItem", "dynamodb.Query"]] * 2


def test_no_serial_of_the_collection_is_there_twice(api: Api) -> None:
    seen: list[str] = []
    for number in range(5):
        make(api, f"L{number}", f"product-{number % 2}", quantity=50)
        path = path_of(f"L{number}", f"product-{number % 2}")
        api.put(path, {"quantity": 70})
        seen += codes(api, path)
        if number % 2:
            api.delete(path)
    assert len(set(seen)) == 5 * 70


def test_collections_share_no_codes(api: Api) -> None:
    make(api, quantity=50)
    api.post("/admin/collection/oils/product/barolo/batch", {"id": "L1", "quantity": 50})
    others = codes(api, "/admin/collection/oils/product/barolo/batch/L1")
    assert not set(codes(api)) & set(others)
    for code in others[:5]:
        assert all(is_unknown(api.get(f"{level}/lookupSN/{code}")) for level in LEVELS)


# Whose serial a code is.


def test_a_serial_is_looked_up_on_three_levels(api: Api) -> None:
    make(api, "L0", quantity=3)
    made = make(api, quantity=25, gtin=GTIN, expiryDate="2027-01-31", admin={"private": True})
    changed = change(api, "sample", (20, 1))
    code = codes(api)[20]
    for level in LEVELS:
        found = api.get(f"{level}/lookupSN/{code}")
        assert (found.status, found.json()) == (
            200,
            {
                "valid": True,
                "code": code,
                "index": 20,
                "collectionId": "wines",
                "productId": "barolo",
                "batchId": "L1",
                "status": "sample",
                "changeId": changed["id"],
                "digitalLink": f"https://id.gs1.org/01/{GTIN}/10/L1/21/{code}?17=270131",
                "scans": 0,
                "firstScannedAt": None,
                "lastScannedAt": None,
                "suspicious": False,
                "batch": made,
            },
        )


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        *(("GET", f"{level}/lookupSN/{{code}}", None) for level in LEVELS),
        ("GET", f"{PUBLIC}/verifySN/{{code}}", None),
        ("GET", f"{LOT}/getSN?count=1", None),
        ("GET", f"{LOT}/sheet?count=1", None),
        ("PATCH", f"{LOT}/serial/{{code}}", {"status": "stolen"}),
    ],
)
def test_an_environment_without_serial_keys_fetches_the_keys(api: Api, method: str, url: str, body: Any) -> None:
    make(api, quantity=25)
    [code] = codes(api, LOT, 20, 1)
    keys.reset()
    answer = api(method, url.format(code=code), body)
    assert answer.status == 200, answer.text


def test_every_serial_is_found_after_growth_and_changes(api: Api) -> None:
    make(api, quantity=3)
    for quantity in (5, 9):
        make(api, f"between-{quantity}", quantity=2)
        api.put(LOT, {"quantity": quantity})
    change(api, "recalled", (2, 4))
    for serial in serials(api):
        found = api.get(f"{LOT}/lookupSN/{serial['code']}").json()
        assert (found["index"], found["status"]) == (serial["index"], serial["status"])


def test_a_code_is_read_as_somebody_types_it(api: Api) -> None:
    make(api, quantity=300)
    code = next(code for code in codes(api) if "1" in code and "0" in code)
    spelled = [
        code.lower(),
        f"{code[:4]}-{code[4:8]}-{code[8:]}",
        f"%20{code[:5]}%20{code[5:]}%20",
        code.replace("1", "I").replace("0", "O"),
        code.replace("1", "l").replace("0", "o"),
        "-".join(code),
    ]
    for text in spelled:
        assert api.get(f"{LOT}/lookupSN/{text}").json()["code"] == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ABCDEFGHU00", "A serial number has digits and the letters A to Z without U only."),
        ("ABCDEFGH!00", "A serial number has digits and the letters A to Z without U only."),
        ("%C3%84BCDEFGH00", "A serial number has digits and the letters A to Z without U only."),
        ("12345678", "A serial number has 9 to 20 characters, not 8."),
        ("-", "A serial number has 9 to 20 characters, not 0."),
        ("0" * 21, "A serial number has 9 to 20 characters, not 21."),
        ("0" * 101, "A serial number is too long."),
        ("0" * 256, "A serial number is too long."),
        # Of a longer path API Gateway cannot make an ARN.
        ("0" * 1400, "A serial number is too long."),
    ],
)
def test_a_malformed_code_is_refused(api: Api, calls: Calls, text: str, message: str) -> None:
    make(api, quantity=5)
    calls.clear()
    for level in LEVELS:
        refused = api.get(f"{level}/lookupSN/{text}")
        assert (refused.status, refused.json()) == (400, refusal(400, "INVALID_CODE", message))
    refused = api.patch(f"{LOT}/serial/{text}", {"status": "stolen"})
    assert (refused.status, refused.json()) == (400, refusal(400, "INVALID_CODE", message))
    assert calls == []


def test_a_mistyped_code_costs_no_call(api: Api, calls: Calls) -> None:
    make(api, quantity=5)
    code = codes(api)[0]
    calls.clear()
    for place in range(len(code)):
        refused = api.get(f"{LOT}/lookupSN/{mistyped(code, place)}")
        assert (refused.status, refused.json()) == (400, MISTYPED)
    assert calls == []


def test_a_look_up_of_a_serial_costs_two_reads(api: Api, calls: Calls) -> None:
    make(api, quantity=10_000_000)
    api.put(LOT, {"data": {"some": "thing"}})
    change(api, "stolen", *((start, 1) for start in range(0, 2000, 2)))
    for start in (0, 999, 9_999_999):
        [code] = codes(api, LOT, start, 1)
        calls.clear()
        for level in LEVELS:
            assert api.get(f"{level}/lookupSN/{code}").json()["index"] == start
        assert calls == ["dynamodb.Query", "dynamodb.BatchGetItem"] * 3


def test_a_serial_of_another_lot_names_its_lot(api: Api) -> None:
    make(api, quantity=5)
    make(api, "L2", quantity=5)
    make(api, "L1", "barbera", quantity=5)
    [of_second] = codes(api, path_of("L2"), 0, 1)
    [of_barbera] = codes(api, path_of("L1", "barbera"), 0, 1)
    for path, code, details in (
        (LOT, of_second, {"productId": "barolo", "batchId": "L2"}),
        (LOT, of_barbera, {"productId": "barbera", "batchId": "L1"}),
        (PRODUCT, of_barbera, {"productId": "barbera", "batchId": "L1"}),
    ):
        refused = api.get(f"{path}/lookupSN/{code}")
        assert (refused.status, refused.json()) == (404, {**UNKNOWN, "details": details})
    assert api.get(f"{PRODUCT}/lookupSN/{of_second}").json()["batchId"] == "L2"
    assert api.get(f"{COLLECTION}/lookupSN/{of_barbera}").json()["productId"] == "barbera"
    refused = api.patch(f"{LOT}/serial/{of_second}", {"status": "stolen"})
    assert (refused.status, refused.json()) == (404, UNKNOWN)


def test_a_serial_of_no_lot_is_unknown(api: Api) -> None:
    make(api, "gone", quantity=3)
    gone = codes(api, path_of("gone"))
    change(api, "stolen", (0, 1), path=path_of("gone"))
    api.delete(f"{path_of('gone')}?force=true")
    for code in gone:
        assert all(is_unknown(api.get(f"{level}/lookupSN/{code}")) for level in LEVELS)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited between looks: seconds."""
    waited: list[float] = []
    monkeypatch.setattr(serials_repository, "_wait", waited.append)
    return waited


def test_an_index_behind_the_last_stretch_is_looked_up_once(api: Api, calls: Calls, pauses: list[float]) -> None:
    make(api, quantity=5)
    calls.clear()
    assert serials_repository.holder(Unit(), "wines", 5) is None
    assert (calls, pauses) == (["dynamodb.Query"], [])


def test_a_gap_between_stretches_is_looked_at_again_a_moment_later(
    api: Api, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    make(api, quantity=5)
    make(api, "L2", quantity=5)
    client = clients.dynamodb()
    query = client.query

    def late(**request: Any) -> Any:
        if not pauses:
            values = {**request["ExpressionAttributeValues"], ":low": {"S": "serials 000000000000005"}}
            request = {**request, "ExpressionAttributeValues": values}
        return query(**request)

    monkeypatch.setattr(client, "query", late)
    found = serials_repository.holder(Unit(), "wines", 2)
    assert found is not None
    assert (found.batch.id, found.first, found.last) == ("L1", 0, 4)
    assert pauses == [0.05]


def test_a_gap_between_stretches_that_stays_belongs_to_no_lot(api: Api, calls: Calls, pauses: list[float]) -> None:
    make(api, quantity=5)
    make(api, "L2", quantity=5)
    api.delete(LOT)
    calls.clear()
    assert serials_repository.holder(Unit(), "wines", 2) is None
    assert (calls, pauses) == (["dynamodb.Query"] * 2, [0.05])


def test_serials_of_another_length_are_of_another_lot(api: Api) -> None:
    make(api, "short", quantity=3, serialFormat={"length": 8})
    make(api, "long", quantity=3, serialFormat={"length": 19})
    for id in ("short", "long"):
        for number, code in enumerate(codes(api, path_of(id))):
            found = api.get(f"{COLLECTION}/lookupSN/{code}").json()
            assert (found["batchId"], found["index"]) == (id, number)


def test_guessed_codes_find_no_serial(api: Api, calls: Calls) -> None:
    make(api, quantity=1_000_000)
    api.get(f"{COLLECTION}/batch")
    guesses = random.Random(5)
    calls.clear()
    for _ in range(200):
        text = "".join(guesses.choices(ALPHABET, k=11))
        assert api.get(f"{COLLECTION}/lookupSN/{text}").status in {400, 404}
    # What is not even the code of an index is found out without the store.
    assert calls == []


def test_a_serial_of_a_missing_lot_is_not_found(api: Api) -> None:
    make(api, quantity=1)
    [code] = codes(api)
    refused = api.get(f"{path_of('L9')}/lookupSN/{code}")
    assert (refused.status, refused.json()["details"]) == (404, {"productId": "barolo", "batchId": "L1"})
    for answer in (
        api.get(f"{path_of('L9')}/getSN"),
        api.patch(f"{path_of('L9')}/serial/{code}", {"status": "stolen"}),
        api.get(f"{path_of('L9')}/serialChange"),
    ):
        expected = refusal(404, "NOT_FOUND", 'There is no batch "L9" of this product.')
        assert (answer.status, answer.json()) == (404, expected)
