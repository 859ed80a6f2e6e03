"""Public verification of serials: what everybody may know, how it is counted, and how guessing is slowed down."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from batchyard.errors import Unavailable
from batchyard.product_batches.serials import lookups
from batchyard.product_batches.serials.statuses import STATUSES
from tests.integration.conftest import Calls
from tests.support.api import Answer, Api, Somebody
from tests.support.lots import COLLECTION, GTIN, LOT, PUBLIC, codes, make, mistyped, refusal

INVALID = {"valid": False, "status": None, "batch": None}
NOBODY = Api(None)
IN_CIRCULATION = {"commissioned", "active", "dispensed", "sample"}
MINUTE, DAY = 60, 86_400


def verify(code: str, source: str = "192.0.2.1", collection: str = "wines") -> Answer:
    """What somebody at an address is told of a code."""
    return Somebody(source).get(f"/public/collection/{collection}/verifySN/{code}")


def scans(api: Api, code: str) -> tuple[int, bool]:
    """How often a serial was verified, and whether that is suspicious."""
    found = api.get(f"{COLLECTION}/lookupSN/{code}").json()
    return found["scans"], found["suspicious"]


@pytest.fixture(autouse=True)
def beginning(at: Callable[[float], None]) -> None:
    at(0)


@pytest.fixture
def some(api: Api) -> list[str]:
    """Codes of a batch with everything that it can have."""
    make(
        api,
        quantity=30,
        name="First",
        gtin=GTIN,
        variant="V",
        lotNumber="2026/1",
        manufactureDate="2026-09-01",
        packagingDate="2026-09-02",
        bestBeforeDate="2027-01-01",
        expiryDate={"seconds": 1893456000},
        data={"grape": "nebbiolo"},
        admin={"private": 1},
        tags=[{"code": "T"}],
        theirs="own",
    )
    return codes(api)


PUBLIC_BATCH = {
    "id": "L1",
    "collectionId": "wines",
    "productId": "barolo",
    "name": "First",
    "gtin": GTIN,
    "lotNumber": "2026/1",
    "manufactureDate": "2026-09-01",
    "packagingDate": "2026-09-02",
    "bestBeforeDate": "2027-01-01",
    "expiryDate": {"seconds": 1893456000},
    "status": "active",
    "data": {"grape": "nebbiolo"},
    "digitalLink": f"https://id.gs1.org/01/{GTIN}/22/V/10/2026%2F1?17=300101",
}


# What is shown.


def test_a_genuine_serial_shows_the_public_view_of_its_lot_and_nothing_else(some: list[str]) -> None:
    verified = verify(some[7])
    assert (verified.status, verified.json()) == (200, {"valid": True, "status": None, "batch": PUBLIC_BATCH})
    assert verified.headers["Cache-Control"] == "no-store"
    public = NOBODY.get(f"{PUBLIC}/product/barolo/batch/L1")
    assert (public.status, public.json()) == (200, PUBLIC_BATCH)
    assert "etag" not in public.headers


@pytest.mark.parametrize("status", STATUSES)
def test_a_serial_is_valid_while_it_is_in_circulation(api: Api, some: list[str], status: str) -> None:
    api.patch(f"{LOT}/serial/{some[3]}", {"status": status})
    assert verify(some[3]).json()["valid"] == (status in IN_CIRCULATION)
    if status not in IN_CIRCULATION:
        # Who holds a recalled item has to learn of it, and of nothing else.
        assert verify(some[3]).json() == {**INVALID, "status": "recalled" if status == "recalled" else None}
    assert verify(some[4]).json()["valid"]


@pytest.mark.parametrize("status", ["draft", "active", "recalled", "expired", "withdrawn", "archived"])
def test_a_serial_of_a_hidden_lot_is_not_valid(api: Api, some: list[str], status: str) -> None:
    api.put(LOT, {"status": status})
    public = NOBODY.get(f"{PUBLIC}/product/barolo/batch/L1")
    if status in {"draft", "archived"}:
        assert verify(some[0]).json() == INVALID
        assert (public.status, public.json()["errorCode"]) == (404, "NOT_FOUND")
    else:
        shown = {**PUBLIC_BATCH, "status": status}
        told = "recalled" if status == "recalled" else None
        assert verify(some[0]).json() == {"valid": True, "status": told, "batch": shown}
        assert public.json() == shown


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_nothing_is_told_of_a_recalled_serial_of_a_hidden_lot(api: Api, some: list[str], status: str) -> None:
    api.patch(f"{LOT}/serial/{some[0]}", {"status": "recalled"})
    api.put(LOT, {"status": status})
    assert verify(some[0]).json() == INVALID


def test_a_serial_out_of_circulation_of_a_recalled_lot_is_not_valid(api: Api, some: list[str]) -> None:
    api.patch(f"{LOT}/serial/{some[0]}", {"status": "destroyed"})
    api.put(LOT, {"status": "recalled"})
    assert verify(some[0]).json() == INVALID


def test_all_invalid_serials_look_the_same(api: Api, some: list[str]) -> None:
    api.patch(f"{LOT}/serial/{some[1]}", {"status": "stolen"})
    make(api, "gone", quantity=1)
    [gone] = codes(api, f"{COLLECTION}/product/barolo/batch/gone")
    api.delete(f"{COLLECTION}/product/barolo/batch/gone")
    answers = [verify(some[1]), verify(gone), verify(some[0], collection="oils")]
    assert {answer.text for answer in answers} == {'{"valid":false,"status":null,"batch":null}'}
    assert {(answer.status, tuple(sorted(answer.headers.items()))) for answer in answers} == {
        (200, tuple(sorted(answers[0].headers.items())))
    }


def test_a_hidden_and_a_missing_lot_look_the_same(api: Api, some: list[str]) -> None:
    api.put(LOT, {"status": "draft"})
    hidden = NOBODY.get(f"{PUBLIC}/product/barolo/batch/L1")
    missing = NOBODY.get(f"{PUBLIC}/product/barolo/batch/L9")
    assert (hidden.status, hidden.json()) == (404, refusal(404, "NOT_FOUND", "There is no such resource."))
    assert (missing.status, missing.text, missing.headers) == (404, hidden.text, hidden.headers)


def test_a_mistyped_code_is_told_apart_without_reading(some: list[str], calls: Calls) -> None:
    verify(some[0])
    calls.clear()
    for place in range(11):
        refused = verify(mistyped(some[0], place))
        assert (refused.status, refused.json()) == (
            400,
            refusal(400, "INVALID_CODE", "The check character of the serial number does not fit: it is mistyped."),
        )
    assert (calls, calls.leases) == ([], 0), "it is counted from what was leased for the code before"
    # Nor does it count as a guess.
    assert verify(some[0]).status == 200


def test_mistyped_codes_count_like_any_question(some: list[str], calls: Calls, at: Callable[[float], None]) -> None:
    wrong = [*(mistyped(some[0], place) for place in range(11)), "U" * 11, "short", "0" * 200]
    statuses = [verify(wrong[number % len(wrong)]).status for number in range(301)]
    assert statuses == [400] * 300 + [429]
    assert (calls, calls.leases < 30) == ([], True), "a lease for each would be as many writes as questions"
    assert verify(some[0]).status == 429
    # Others, and other collections, are not slowed down.
    assert verify(some[0], "198.51.100.9").json()["valid"]
    assert verify(mistyped(some[0]), collection="oils").status == 400
    at(MINUTE)
    assert verify(some[0]).json()["valid"]


def test_verifications_from_one_network_count_together(api: Api, some: list[str]) -> None:
    make(api, "gone", quantity=11)
    wrong = codes(api, f"{COLLECTION}/product/barolo/batch/gone")
    api.delete(f"{COLLECTION}/product/barolo/batch/gone")
    for number, code in enumerate(wrong[:10]):
        assert verify(code, f"2001:db8:1:2::{number}").status == 200
    assert verify(some[0], "2001:db8:1:2:ffff::1").status == 429
    assert verify(some[0], "2001:db8:1:3::1").status == 200


def test_a_script_of_any_web_page_may_read_the_answers(
    api: Api, some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = {"Origin": "https://shop.example.com"}
    there, nowhere, code = f"{PUBLIC}/product/barolo/batch/L1", f"{PUBLIC}/product/barolo/batch/L2", some[0]
    answers = [NOBODY.get(url, headers=shop) for url in (there, nowhere, f"{PUBLIC}/verifySN/{code}")]
    answers += [verify(mistyped(code)), *(verify(code, collection="oils") for _ in range(11))]
    monkeypatch.setattr(lookups, "verify", lambda *_: 1 / 0)
    answers.append(verify(code))
    assert {answer.status for answer in answers} == {200, 404, 400, 429, 500}
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    for url in (LOT, f"{COLLECTION}/lookupSN/{code}"):
        assert not any(name.startswith("Access-Control") for name in api.get(url, headers=shop).headers)


# How it is slowed down.


def test_ten_wrong_codes_use_a_minute_up(api: Api, some: list[str], at: Callable[[float], None]) -> None:
    make(api, "gone", quantity=12)
    wrong = codes(api, f"{COLLECTION}/product/barolo/batch/gone")
    api.delete(f"{COLLECTION}/product/barolo/batch/gone")
    for code in wrong[:10]:
        assert verify(code).json() == INVALID
    for code in (wrong[10], some[0]):
        refused = verify(code)
        assert (refused.status, refused.json()) == (
            429,
            refusal(429, "TOO_MANY_REQUESTS", "Request was throttled. Expected available in 60 seconds."),
        )
        assert refused.headers["Retry-After"] == "60"
    # Others, and other collections, are not slowed down.
    assert verify(some[0], "198.51.100.9").json()["valid"]
    assert verify(some[0], collection="oils").json() == INVALID
    at(MINUTE)
    assert verify(some[0]).json()["valid"]


def test_a_good_code_in_between_buys_no_more_guesses(api: Api, some: list[str]) -> None:
    make(api, "gone", quantity=12)
    wrong = codes(api, f"{COLLECTION}/product/barolo/batch/gone")
    api.delete(f"{COLLECTION}/product/barolo/batch/gone")
    assert verify(some[0]).json()["valid"]
    assert [verify(code).status for code in wrong] == [200] * 10 + [429] * 2
    assert verify(some[0]).status == 429


def test_an_address_may_verify_three_hundred_valid_codes_a_minute(
    some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # That each one is read and counted is told by other tests.
    found = lookups.find("wines", some[0])
    monkeypatch.setattr(lookups, "find", lambda *_: found)
    monkeypatch.setattr("batchyard.product_batches.serials.scans.count", lambda *_: None)
    assert [verify(some[0]).status for _ in range(301)] == [200] * 300 + [429]


def test_the_public_view_is_not_slowed_down_by_guesses_of_serials(api: Api, some: list[str]) -> None:
    for _ in range(11):
        verify(some[0], collection="oils")
    assert verify(some[0], collection="oils").status == 429
    assert NOBODY.get(f"{PUBLIC}/product/barolo/batch/L1").status == 200


# How it is counted.


def test_scans_are_counted_with_the_first_and_the_last(api: Api, some: list[str], at: Callable[[float], None]) -> None:
    for second in (5, 10, DAY, DAY + 7):
        at(second)
        verify(some[2])
    found = api.get(f"{LOT}/lookupSN/{some[2]}").json()
    assert (found["scans"], found["suspicious"]) == (4, False)
    assert found["firstScannedAt"] < found["lastScannedAt"]
    assert found["firstScannedAt"][:10] < found["lastScannedAt"][:10]
    assert scans(api, some[3]) == (0, False)
    # Looking a serial up is not verifying it.
    assert scans(api, some[2]) == (4, False)


def test_a_serial_out_of_circulation_is_counted_too(api: Api, some: list[str]) -> None:
    api.patch(f"{LOT}/serial/{some[2]}", {"status": "stolen"})
    verify(some[2])
    assert scans(api, some[2]) == (1, False)


def test_a_serial_scanned_too_often_on_one_day_is_flagged_for_good(
    api: Api, some: list[str], at: Callable[[float], None]
) -> None:
    for number in range(19):
        at(number)
        verify(some[2])
    assert scans(api, some[2]) == (19, False)
    at(DAY)
    verify(some[2])
    assert scans(api, some[2]) == (20, False)
    for number in range(19):
        at(DAY + number)
        assert verify(some[2]).json()["valid"]
    assert scans(api, some[2]) == (39, True)
    at(3 * DAY)
    verify(some[2])
    assert scans(api, some[2]) == (40, True)
    assert scans(api, some[3]) == (0, False)


# What stays between us.


def test_verification_logs_no_code(
    api: Api, some: list[str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = [some[0], mistyped(some[0]), "U" * 11]

    def fail(*_: object) -> None:
        raise RuntimeError(f"{some[0]} cannot be counted")

    for code in tried:
        verify(code)
        api.get(f"{LOT}/lookupSN/{code}")
    monkeypatch.setattr("batchyard.product_batches.serials.scans.count", fail)
    assert verify(some[0]).status == 500
    written = [logging.Formatter().format(record) for record in caplog.records]
    assert any("unforeseen RuntimeError" in line for line in written)
    assert not [line for line in written for code in tried if code in line]


def test_a_verification_is_answered_though_the_scan_cannot_be_counted(
    some: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr("batchyard.product_batches.serials.scans.count", refuse)
    assert verify(some[0]).json()["valid"]
