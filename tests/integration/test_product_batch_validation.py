"""What is refused of a product batch and its serials, and in which words."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.integration.conftest import Calls
from tests.support.api import Answer, Api
from tests.support.lots import BATCHES, COLLECTION, GTIN, LOT, PUBLIC, change, codes, invalid, make, refusal

REQUIRED = "Field required"
STRING = "Input should be a valid string"
LONG = "String should have at most 255 characters"
ID = "String should match pattern '^[A-Za-z0-9_][A-Za-z0-9_.~$&'()*+,;=:@-]{0,99}$'"
DIGITS = "String should match pattern '^[0-9]{14}$'"
CHECK_DIGIT = "A GTIN has 14 digits, and its check digit must be right."
IDENTIFIER = "String should match pattern '^[!\"%-?A-Z_a-z]{1,20}$'"
DOTS = "Browsers take this out of a link. It must be more than dots."
DATE = "This must be an ISO 8601 date or moment, or seconds since 1970."
NO_DATE = "Give an ISO 8601 date or moment, or seconds since 1970."
YEAR = "This must be a date from 1970 to 9999."
ORDER = "It is before the manufactureDate."
INTEGER = "A valid integer is required."
NO_INTEGER = "Input should be a valid integer"
FRACTION = "Input should be a valid integer, got a number with a fractional part"
STATUS = "Input should be 'draft', 'active', 'recalled', 'expired', 'withdrawn' or 'archived'"
SERIAL_STATUS = (
    "Input should be 'commissioned', 'active', 'dispensed', 'decommissioned', 'destroyed', 'stolen', 'recalled' or "
    "'sample'"
)
OBJECT = "Input should be a valid dictionary"
MODEL = "Input should be a valid dictionary or object to extract fields from"
MANY = "List should have at most 1000 items after validation, not 1001"
LIST = "Input should be a valid list"

FIELDS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": 5}, {"name": STRING}),
    ({"name": ["a"]}, {"name": STRING}),
    ({"name": "x" * 256}, {"name": LONG}),
    ({"gtin": 9521234543213}, {"gtin": STRING}),
    ({"gtin": ""}, {"gtin": DIGITS}),
    ({"gtin": GTIN[1:]}, {"gtin": f"A GTIN has 14 digits here, with zeros in front: {GTIN}."}),
    ({"gtin": "95050003"}, {"gtin": "A GTIN has 14 digits here, with zeros in front: 00000095050003."}),
    ({"gtin": "9521234543214"}, {"gtin": DIGITS}),
    ({"gtin": f"{GTIN[:-1]}x"}, {"gtin": DIGITS}),
    ({"gtin": f"{GTIN}\n"}, {"gtin": DIGITS}),
    ({"gtin": f"\N{ARABIC-INDIC DIGIT ZERO}{GTIN[1:]}"}, {"gtin": DIGITS}),
    ({"gtin": "09521234543214"}, {"gtin": CHECK_DIGIT}),
    ({"variant": ""}, {"variant": IDENTIFIER}),
    ({"variant": "x" * 21}, {"variant": IDENTIFIER}),
    ({"variant": "a b"}, {"variant": IDENTIFIER}),
    *(({name: dots}, {name: DOTS}) for name in ("variant", "lotNumber") for dots in (".", "..")),
    ({"lotNumber": "a#"}, {"lotNumber": IDENTIFIER}),
    ({"lotNumber": "é"}, {"lotNumber": IDENTIFIER}),
    ({"lotNumber": 7}, {"lotNumber": STRING}),
    *(({name: "soon"}, {name: DATE}) for name in ("manufactureDate", "packagingDate", "bestBeforeDate", "expiryDate")),
    ({"expiryDate": ""}, {"expiryDate": DATE}),
    ({"expiryDate": "2026-02-30"}, {"expiryDate": DATE}),
    ({"expiryDate": "1969-12-31"}, {"expiryDate": YEAR}),
    ({"expiryDate": "2026-01-01", "manufactureDate": "2026-01-02"}, {"expiryDate": ORDER}),
    *(
        ({"expiryDate": date}, {"expiryDate": NO_DATE})
        for date in (
            5,
            True,
            list[Any](),
            dict[str, Any](),
            {"seconds": "5"},
            {"seconds": True},
            {"seconds": None},
            {"seconds": 1.5},
            {"seconds": -1},
            {"seconds": 253_402_300_800},
            {"seconds": 5, "nanoseconds": 10**9},
            {"seconds": 5, "nanoseconds": -1},
            {"seconds": 5, "nanoseconds": None},
            {"seconds": 5, "more": 1},
        )
    ),
    ({"quantity": -1}, {"quantity": "Input should be greater than or equal to 0"}),
    ({"quantity": 10_000_001}, {"quantity": "Input should be less than or equal to 10000000"}),
    ({"quantity": 1.5}, {"quantity": FRACTION}),
    ({"quantity": "5"}, {"quantity": INTEGER}),
    ({"quantity": True}, {"quantity": INTEGER}),
    ({"quantity": []}, {"quantity": NO_INTEGER}),
    ({"serialFormat": 5}, {"serialFormat": MODEL}),
    ({"serialFormat": {"length": 7}}, {"serialFormat.length": "Input should be greater than or equal to 8"}),
    ({"serialFormat": {"length": 20}}, {"serialFormat.length": "Input should be less than or equal to 19"}),
    ({"serialFormat": {"length": "9"}}, {"serialFormat.length": INTEGER}),
    ({"serialFormat": {"length": None}}, {"serialFormat.length": NO_INTEGER}),
    ({"serialFormat": {"length": 10, "alphabet": "hex"}}, {"serialFormat.alphabet": "Extra inputs are not permitted"}),
    ({"status": "lost"}, {"status": STATUS}),
    ({"status": "ACTIVE"}, {"status": STATUS}),
    ({"status": 5}, {"status": STATUS}),
    ({"data": []}, {"data": OBJECT}),
    ({"admin": "x"}, {"admin": OBJECT}),
    ({"tags": {}}, {"tags": LIST}),
    ({"tags": [None]}, {"tags.0": MODEL}),
    ({"tags": [{}]}, {"tags.0.code": REQUIRED}),
    ({"tags": [{"code": ""}]}, {"tags.0.code": "String should have at least 1 character"}),
    ({"tags": [{"code": "a"}, {"code": "x" * 256}]}, {"tags.1.code": LONG}),
    ({"tags": [{"code": "a", "claimSetId": 5}]}, {"tags.0.claimSetId": STRING}),
    ({"tags": [{"code": "a", "tagId": "x" * 256}]}, {"tags.0.tagId": LONG}),
    ({"name": 5, "gtin": "1", "quantity": -1}, {
        "name": STRING, "gtin": DIGITS, "quantity": "Input should be greater than or equal to 0"
    }),
]  # fmt: skip


@pytest.fixture
def unchanged(api: Api, calls: Calls) -> Iterator[None]:
    """There is a batch, and whatever is sent changes nothing."""
    made = make(api, quantity=5)
    calls.clear()
    yield
    assert calls.writes() == []
    assert api.get(LOT).json() == made


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(("body", "fields"), FIELDS, ids=lambda value: json.dumps(value)[:60])
def test_a_bad_field_of_a_lot_is_refused(api: Api, body: dict[str, Any], fields: dict[str, str]) -> None:
    expected = invalid(**{name: [message] for name, message in fields.items()})
    for refused in (api.post(BATCHES, {"id": "L2", **body}), api.put(LOT, body)):
        assert (refused.status, refused.json()) == (400, expected)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("id", "message"),
    [
        *((id, ID) for id in ("", "a b", "a/b", "ä", "-a", ".", "..", "$a", "a\n", "a%2Fb", "x" * 101)),
        *((id, STRING) for id in (5, None, True, ["a"])),
    ],
)
def test_a_bad_lot_id_is_refused(api: Api, id: object, message: str) -> None:
    refused = api.post(BATCHES, {"id": id})
    assert (refused.status, refused.json()) == (400, invalid(id=[message]))


def test_a_lot_id_is_required(api: Api) -> None:
    for refused in (api.post(BATCHES, {"name": "x"}), api.post(BATCHES), api.post(BATCHES, text="")):
        assert (refused.status, refused.json()) == (400, invalid(id=[REQUIRED]))


@pytest.mark.parametrize("bad", ["a%20b", "%C3%A4", "-a", ".", "a%2Fb", "x" * 101, "a%0A", "%00"])
def test_paths_with_a_bad_id_are_404(api: Api, bad: str) -> None:
    for method, path in (
        ("GET", f"/admin/collection/{bad}/batch"),
        ("GET", f"/admin/collection/{bad}/product/barolo/batch"),
        ("POST", f"{COLLECTION}/product/{bad}/batch"),
        ("GET", f"{COLLECTION}/batch/{bad}"),
        ("GET", f"{COLLECTION}/batch/{bad}/tags"),
        ("GET", f"{BATCHES}/{bad}"),
        ("PUT", f"{BATCHES}/{bad}"),
        ("DELETE", f"{BATCHES}/{bad}"),
        ("GET", f"{BATCHES}/{bad}/getSN"),
        ("GET", f"{BATCHES}/{bad}/lookupSN/00000000000"),
        ("GET", f"{PUBLIC}/product/barolo/batch/{bad}"),
        ("GET", f"/public/collection/{bad}/verifySN/00000000000"),
    ):
        refused = api(method, path, {"id": "L1"} if method == "POST" else None)
        assert (refused.status, refused.json()) == (404, refusal(404, "NOT_FOUND", "There is no such resource."))


CARRY = invalid(body=["It holds a number or a character that JSON cannot carry."])


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "part",
    ['"k":"\\ud800"', '"\\udc00":1', '"data":{"a":[{"b":"\\ud800"}]}'],
)
def test_values_that_json_cannot_carry_are_refused(api: Api, part: str) -> None:
    for refused in (api.post(BATCHES, text=f'{{"id":"L2",{part}}}'), api.put(LOT, text=f"{{{part}}}")):
        assert (refused.status, refused.json()) == (400, CARRY)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "text",
    [
        '{"k":',
        "{'k': 1}",
        '{"k":"\\ud8"}',
        '{"k":NaN}',
        '{"k":Infinity}',
        '{"k":-Infinity}',
        '{"k":1e999}',
        '{"k":-1e999}',
        '{"data":{"a":[{"b":1e999}]}}',
        '{"k":' + "9" * 5000 + "}",
        '{"k":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"k":1}{"k":2}',
        "\ufeff{}",
        "name=x",
    ],
    ids=lambda text: text[:20],
)
def test_broken_json_is_refused(api: Api, text: str) -> None:
    for refused in (api.post(BATCHES, text=text), api.put(LOT, text=text)):
        body = refused.json()
        assert (refused.status, body["code"], body["errorCode"], body["details"]) == (400, 400, "MALFORMED_REQUEST", {})
        assert body["message"].startswith("JSON parse error - ")


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("text", ["[]", '"x"', "5", "null", "true", '[{"id":"L2"}]'])
def test_a_body_is_an_object(api: Api, text: str) -> None:
    for refused in (api.post(BATCHES, text=text), api.put(LOT, text=text)):
        expected = refusal(400, "MALFORMED_REQUEST", "The body must be a JSON object.")
        assert (refused.status, refused.json()) == (400, expected)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; x=y"])
def test_other_media_types_are_refused(api: Api, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    for refused in (
        api.post(BATCHES, {"id": "L2"}, headers=headers),
        api.put(LOT, {"name": "x"}, headers=headers),
        api.post(f"{LOT}/serialChange", {}, headers=headers),
    ):
        message = f'Unsupported media type "{media_type.partition(";")[0]}" in request.'
        assert (refused.status, refused.json()) == (415, refusal(415, "UNSUPPORTED_MEDIA_TYPE", message))


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_media_types_of_json_with_parameters_are_accepted(api: Api, media_type: str) -> None:
    assert api.post(BATCHES, {"id": "L1"}, headers={"Content-Type": media_type}).status == 200


@pytest.mark.parametrize("value", [-0.0, 1e22, 12345678901234567890123, "a\x00b", "\u2028", "😀", [[[[]]]], 1.0])
def test_any_json_value_of_a_lot_is_kept_as_it_came(api: Api, value: Any) -> None:
    make(api, theirs=value, data={"k": value})
    body = api.get(LOT).json()
    assert [repr(body["theirs"]), repr(body["data"]["k"])] == [repr(value)] * 2


# Queries.


def too(small_or_large: str, bound: int) -> str:
    relation = {"small": "greater than or equal to", "large": "less than or equal to"}[small_or_large]
    return f"Input should be {relation} {bound}"


NUMBER = "Input should be a valid integer, unable to parse string as an integer"


@pytest.mark.parametrize(
    ("path", "name", "value", "message"),
    [
        (f"{LOT}/getSN", "startIndex", "-1", too("small", 0)),
        (f"{LOT}/getSN", "startIndex", "10000001", too("large", 10_000_000)),
        (f"{LOT}/getSN", "startIndex", "x", NUMBER),
        (f"{LOT}/getSN", "count", "0", too("small", 1)),
        (f"{LOT}/getSN", "count", "10001", too("large", 10_000)),
        (f"{LOT}/getSN", "count", "1.5", NUMBER),
        (f"{COLLECTION}/batch", "limit", "0", too("small", 1)),
        (f"{COLLECTION}/batch", "limit", "1001", too("large", 1000)),
        (BATCHES, "limit", "0", too("small", 1)),
        (f"{LOT}/serialChange", "limit", "101", too("large", 100)),
    ],
)
def test_a_bad_query_is_refused(api: Api, path: str, name: str, value: str, message: str) -> None:
    make(api)
    refused = api.get(f"{path}?{name}={value}")
    assert (refused.status, refused.json()) == (400, invalid(**{name: [message]}))


@pytest.mark.parametrize(
    ("path", "first", "last"),
    [
        (f"{LOT}/getSN", "count=x&startIndex=-1", "count=3&startIndex=2"),
        (
            f"{LOT}/sheet",
            "count=0&columns=x&symbology=x&paper=x&format=x",
            "count=1&columns=2&symbology=qr&paper=a4&format=pdf",
        ),
        (f"{LOT}/sheet", "startIndex=x&paper=a4", "startIndex=3&paper=letter&count=1"),
        (f"{LOT}/serialChange", "limit=0&removed=x&before=x", f"limit=1&removed=false&before={'f' * 22}"),
        (BATCHES, "limit=x", "limit=1"),
        (f"{COLLECTION}/batch", "limit=x&search=x", "limit=1&search=L1"),
    ],
)
def test_of_a_repeated_parameter_the_last_one_counts(api: Api, path: str, first: str, last: str) -> None:
    make(api, quantity=9)
    make(api, "L2")
    change(api, "stolen", (0, 1))
    once, twice = api.get(f"{path}?{last}"), api.get(f"{path}?{first}&{last}")
    assert (twice.status, twice.text) == (once.status, once.text) == (200, once.text)


def test_of_a_repeated_force_the_last_one_counts(api: Api) -> None:
    make(api, quantity=1)
    change(api, "stolen", (0, 1))
    assert api.delete(f"{LOT}?force=true&force=false").status == 409
    assert api.delete(f"{LOT}?force=false&force=true").status == 200


@pytest.mark.parametrize("path", [f"{COLLECTION}/batch", BATCHES])
def test_an_empty_cursor_is_none(api: Api, path: str) -> None:
    make(api)
    for more in ("", "&search=L", "&idPrefix=L", f"&gtinPrefix={GTIN}"):
        assert api.get(f"{path}?cursor={more}").text == api.get(f"{path}?{more.removeprefix('&')}").text


@pytest.mark.parametrize("path", [f"{COLLECTION}/batch", BATCHES])
def test_a_cursor_that_no_answer_gave_is_refused(api: Api, path: str) -> None:
    for cursor in ("x", "WyJhIl0", "WzEsMl0", "WyIiLCIiXQ", "e30", "%C3%A4", "WyJhIiwiYiJd!"):
        refused = api.get(f"{path}?cursor={cursor}")
        assert (refused.status, refused.json()) == (400, invalid(cursor=["It is none that an answer gave."]))


def test_force_is_a_boolean(api: Api) -> None:
    make(api)
    refused = api.delete(f"{LOT}?force=perhaps")
    assert (refused.status, refused.json()["details"]["fields"].keys()) == (400, {"force"})
    assert api.get(LOT).status == 200


# Serials.

SEND: dict[str, Callable[[Api, str, dict[str, Any]], Answer]] = {
    "one": lambda api, code, body: api.patch(f"{LOT}/serial/{code}", body),
    "many": lambda api, code, body: api.post(
        f"{LOT}/serialChange", {"ranges": [{"startIndex": 0, "count": 1}], **body}
    ),
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("kind", SEND)
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"status": REQUIRED}),
        ({"status": None}, {"status": SERIAL_STATUS}),
        ({"status": "lost"}, {"status": SERIAL_STATUS}),
        ({"status": 5}, {"status": SERIAL_STATUS}),
        ({"status": "stolen", "reason": 5}, {"reason": STRING}),
        ({"status": "stolen", "reason": "x" * 1001}, {"reason": "String should have at most 1000 characters"}),
    ],
)
def test_a_bad_serial_change_is_refused(api: Api, kind: str, body: dict[str, Any], fields: dict[str, str]) -> None:
    [code] = codes(api, count=1)
    refused = SEND[kind](api, code, body)
    assert (refused.status, refused.json()) == (
        400,
        invalid(**{name: [message] for name, message in fields.items()}),
    )


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    ("ranges", "fields"),
    [
        (None, {"ranges": LIST}),
        ({}, {"ranges": LIST}),
        ([], {"ranges": "List should have at least 1 item after validation, not 0"}),
        ([{"startIndex": 0, "count": 1}] * 1001, {"ranges": MANY}),
        ([5], {"ranges.0": MODEL}),
        ([{}], {"ranges.0.startIndex": REQUIRED, "ranges.0.count": REQUIRED}),
        ([{"startIndex": -1, "count": 1}], {"ranges.0.startIndex": too("small", 0)}),
        ([{"startIndex": 10**7, "count": 1}], {"ranges.0.startIndex": "Input should be less than 10000000"}),
        ([{"startIndex": 0, "count": 0}], {"ranges.0.count": too("small", 1)}),
        ([{"startIndex": 0, "count": 10**7 + 1}], {"ranges.0.count": too("large", 10**7)}),
        ([{"startIndex": "0", "count": 1}], {"ranges.0.startIndex": INTEGER}),
        ([{"startIndex": 0, "count": 6}], {"ranges": "The batch has serials 0 to 4."}),
        ([{"startIndex": 5, "count": 1}], {"ranges": "The batch has serials 0 to 4."}),
        ([{"startIndex": 0, "count": 2}, {"startIndex": 1, "count": 1}], {"ranges": "Ranges must not overlap."}),
        ([{"startIndex": 3, "count": 1}, {"startIndex": 3, "count": 1}], {"ranges": "Ranges must not overlap."}),
        ([{"startIndex": 2, "count": 2}, {"startIndex": 0, "count": 3}], {"ranges": "Ranges must not overlap."}),
    ],
    ids=lambda value: json.dumps(value)[:40],
)  # fmt: skip
def test_bad_ranges_are_refused(api: Api, ranges: Any, fields: dict[str, str]) -> None:
    refused = api.post(f"{LOT}/serialChange", {"status": "stolen", "ranges": ranges})
    assert (refused.status, refused.json()) == (
        400,
        invalid(**{name: [message] for name, message in fields.items()}),
    )


def test_a_lot_without_serials_has_no_ranges(api: Api) -> None:
    make(api)
    refused = api.post(f"{LOT}/serialChange", {"status": "stolen", "ranges": [{"startIndex": 0, "count": 1}]})
    assert (refused.status, refused.json()) == (400, invalid(ranges=["It has no serials."]))


@pytest.mark.parametrize(("levels", "status"), [(49, 200), (52, 400), (900, 400)])
def test_json_nested_too_deeply_is_refused(api: Api, levels: int, status: int) -> None:
    nested = "[" * levels + "]" * levels
    answer = api.post(BATCHES, text=f'{{"id": "L1", "theirs": {nested}}}')
    assert answer.status == status, answer.text
    if status == 400:
        assert "levels deep" in answer.text


def test_json_nested_deeper_than_python_can_is_400(api: Api) -> None:
    answer = api.post(BATCHES, text='{"id": "L1", "theirs": ' + "[" * 200_000 + "]" * 200_000 + "}")
    assert (answer.status, answer.json()["errorCode"]) == (400, "MALFORMED_REQUEST")
    assert answer.json()["message"] == "JSON parse error - It is nested too deeply."
