"""What is refused, and in which words: those of Django REST framework's serializers, to the letter."""

import json
from typing import Any

import pytest

from tests.integration.conftest import Calls
from tests.support.api import Api, batches, invoke

REQUIRED = ["This field is required."]
NULL = ["This field may not be null."]
INTEGER = ["A valid integer is required."]
STRING = ["Not a valid string."]
LONG = ["Ensure this field has no more than 255 characters."]
NUL = ["Null characters are not allowed."]
LARGE = ["Ensure this value is less than or equal to 9223372036854775807."]
SMALL = ["Ensure this value is greater than or equal to -9223372036854775808."]
DATE = ["Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."]


def choice(given: str) -> list[str]:
    return [f'"{given}" is not a valid choice.']


UPDATES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"status": "bogus"}, {"status": choice("bogus")}),
    ({"status": "DONE"}, {"status": choice("DONE")}),
    ({"status": ""}, {"status": choice("")}),
    ({"status": " done"}, {"status": choice(" done")}),
    ({"status": 5}, {"status": choice("5")}),
    ({"status": True}, {"status": choice("True")}),
    ({"status": []}, {"status": choice("[]")}),
    ({"status": {"a": 1}}, {"status": choice("{'a': 1}")}),
    ({"status": "{input} {0} %s"}, {"status": choice("{input} {0} %s")}),
    ({"status": None}, {"status": NULL}),
    ({"channel": None}, {"channel": NULL}),
    ({"channel": "x"}, {"channel": INTEGER}),
    ({"channel": ""}, {"channel": INTEGER}),
    ({"channel": 1.5}, {"channel": INTEGER}),
    ({"channel": "1.5"}, {"channel": INTEGER}),
    ({"channel": True}, {"channel": INTEGER}),
    ({"channel": [1]}, {"channel": INTEGER}),
    ({"channel": {}}, {"channel": INTEGER}),
    ({"channel": 2**63}, {"channel": LARGE}),
    ({"channel": -(2**63) - 1}, {"channel": SMALL}),
    ({"remote_batch_id": "x" * 256}, {"remote_batch_id": LONG}),
    ({"remote_batch_id": True}, {"remote_batch_id": STRING}),
    ({"remote_batch_id": ["x"]}, {"remote_batch_id": STRING}),
    ({"remote_batch_id": {}}, {"remote_batch_id": STRING}),
    ({"remote_batch_id": "a\x00b"}, {"remote_batch_id": NUL}),
    ({"content_type": "x" * 256}, {"content_type": LONG}),
    ({"content_type": False}, {"content_type": STRING}),
    ({"content_type": "\x00"}, {"content_type": NUL}),
    ({"log_file": ["s3cret"]}, {"log_file": STRING}),
    ({"log_file": {"s3cret": 1}}, {"log_file": STRING}),
    ({"objects": "x"}, {"objects": {"non_field_errors": ['Expected a list of items but got type "str".']}}),
    ({"objects": {"pk": 1}}, {"objects": {"non_field_errors": ['Expected a list of items but got type "dict".']}}),
    ({"objects": 5}, {"objects": {"non_field_errors": ['Expected a list of items but got type "int".']}}),
    (
        {"objects": [5, [], "x", None]},
        {
            "objects": {
                "0": {"non_field_errors": ["Invalid data. Expected a dictionary, but got int."]},
                "1": {"non_field_errors": ["Invalid data. Expected a dictionary, but got list."]},
                "2": {"non_field_errors": ["Invalid data. Expected a dictionary, but got str."]},
                "3": NULL,
            }
        },
    ),
    ({"objects": [{}]}, {"objects": {"0": {"pk": REQUIRED}}}),
    ({"objects": [{"pk": 1}, {"pk": "x"}]}, {"objects": {"1": {"pk": INTEGER}}}),
    ({"objects": [{"pk": None}]}, {"objects": {"0": {"pk": NULL}}}),
    ({"objects": [{"pk": True}]}, {"objects": {"0": {"pk": INTEGER}}}),
    ({"objects": [{"pk": 1.5}]}, {"objects": {"0": {"pk": INTEGER}}}),
    ({"objects": [{"pk": ""}]}, {"objects": {"0": {"pk": INTEGER}}}),
    ({"objects": [{"pk": 2**63}]}, {"objects": {"0": {"pk": LARGE}}}),
    ({"objects": [{"pk": 1, "remote_id": "x" * 256}]}, {"objects": {"0": {"remote_id": LONG}}}),
    ({"objects": [{"pk": 1, "remote_id": True}]}, {"objects": {"0": {"remote_id": STRING}}}),
    ({"objects": [{"pk": 1, "remote_id": []}]}, {"objects": {"0": {"remote_id": STRING}}}),
    ({"objects": [{"pk": 1, "content_type": "x" * 256}]}, {"objects": {"0": {"content_type": LONG}}}),
    ({"objects": [{"pk": 1, "content_type": "\x00"}]}, {"objects": {"0": {"content_type": NUL}}}),
    ({"objects": [{"pk": 1, "failed_reason_type": {}}]}, {"objects": {"0": {"failed_reason_type": STRING}}}),
    ({"objects": [{"pk": 1, "version_date": "yesterday"}]}, {"objects": {"0": {"version_date": DATE}}}),
    ({"objects": [{"pk": 1, "version_date": ""}]}, {"objects": {"0": {"version_date": DATE}}}),
    ({"objects": [{"pk": 1, "version_date": 1795401019}]}, {"objects": {"0": {"version_date": DATE}}}),
    ({"objects": [{"pk": 1, "version_date": "2026-02-30T00:00:00Z"}]}, {"objects": {"0": {"version_date": DATE}}}),
]


@pytest.mark.parametrize(("body", "errors"), UPDATES, ids=lambda value: json.dumps(value)[:60])
def test_bad_fields_of_a_batch_request_are_refused_in_drfs_words(
    api: Api, channel: int, body: dict[str, Any], errors: dict[str, Any], calls: Calls
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    before = api.get(url).text
    calls.clear()
    for method in ("PATCH", "PUT"):
        answer = api(method, url, {"status": "fail", **body})
        assert (answer.status, answer.json()) == (400, errors)
        assert answer.headers["Content-Type"] == "application/json"
    assert calls == []
    assert api.get(url).text == before


def test_several_bad_fields_are_reported_together(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    answer = api.patch(
        url,
        {
            "channel": "x",
            "status": "bogus",
            "remote_batch_id": "x" * 256,
            "content_type": [],
            "log_file": {"s3cret": 1},
            "objects": [
                {"pk": 1},
                {"pk": "x", "remote_id": "x" * 256, "version_date": "x"},
                {"content_type": True},
            ],
        },
    )
    assert answer.status == 400
    assert answer.json() == {
        "channel": INTEGER,
        "status": choice("bogus"),
        "remote_batch_id": LONG,
        "content_type": STRING,
        "log_file": STRING,
        "objects": {
            "1": {"pk": INTEGER, "remote_id": LONG, "version_date": DATE},
            "2": {"pk": REQUIRED, "content_type": STRING},
        },
    }


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"channel": REQUIRED}),
        ({"status": "done"}, {"channel": REQUIRED}),
        ({"channel": None}, {"channel": NULL}),
        ({"channel": "x"}, {"channel": INTEGER}),
        ({"channel": True}, {"channel": INTEGER}),
        ({"channel": [5]}, {"channel": INTEGER}),
        ({"channel": 2**63}, {"channel": LARGE}),
    ],
)
def test_a_bad_opening_is_refused_and_opens_nothing(
    api: Api, channel: int, body: dict[str, Any], errors: dict[str, Any]
) -> None:
    answer = api.post(batches(channel), body)
    assert (answer.status, answer.json()) == (400, errors)
    assert api.get(batches(channel)).json()["count"] == 0


BROKEN = [
    "{",
    '{"channel": 1',
    "nonsense",
    '{"channel": NaN}',
    '{"channel": Infinity}',
    '{"channel": -Infinity}',
    "{'channel': 1}",
    '{"channel": 1}}',
    "\ufeff{}",
    "[" * 100_000,
    '{"a":' * 100_000,
    '{"channel": ' + "1" * 5_000 + "}",
    "\x00",
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:16])
def test_broken_json_is_a_parse_error(api: Api, channel: int, text: str) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for answer in (
        api.post(batches(channel), text=text),
        api.patch(url, text=text),
        api.put(url, text=text),
        api.post("/api/v1/channels/", text=text),
        api.post("/api/v1/auth/login/", text=text),
    ):
        assert answer.status == 400
        assert list(answer.json()) == ["detail"]
        assert answer.json()["detail"].startswith("JSON parse error - ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("null", "No data provided"),
        ("[]", "Invalid data. Expected a dictionary, but got list."),
        ("5", "Invalid data. Expected a dictionary, but got int."),
        ("1.5", "Invalid data. Expected a dictionary, but got float."),
        ("true", "Invalid data. Expected a dictionary, but got bool."),
        ('"x"', "Invalid data. Expected a dictionary, but got str."),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(api: Api, channel: int, text: str, message: str) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for answer in (api.post(batches(channel), text=text), api.patch(url, text=text), api.put(url, text=text)):
        assert (answer.status, answer.json()) == (400, {"non_field_errors": [message]})


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "x",
        "*/*",
    ],
)
def test_another_media_type_is_415(api: Api, channel: int, media_type: str) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    headers = {"Content-Type": media_type}
    for answer in (
        api.post(batches(channel), text='{"channel":1}', headers=headers),
        api.patch(url, text="{}", headers=headers),
        api.put(url, text="{}", headers=headers),
        api.post("/api/v1/channels/", text='{"name":"x"}', headers=headers),
    ):
        assert answer.status == 415
        kind = media_type.partition(";")[0]
        assert answer.json() == {"detail": f'Unsupported media type "{kind}" in request.'}


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_by_any_spelling_of_its_media_type(api: Api, channel: int, media_type: str) -> None:
    answer = api.post(batches(channel), text=f'{{"channel":{channel}}}', headers={"content-type": media_type})
    assert answer.status == 201


def test_a_body_in_base64_is_read_too(api: Api, channel: int) -> None:
    event, handler = api.event("POST", batches(channel), {"channel": channel})
    event |= {"body": "eyJjaGFubmVsIjoxfQ==", "isBase64Encoded": True}
    assert invoke(handler, event).status == 201
    for body in ("not base64", "/w==", "e"):
        refused = invoke(handler, {**event, "body": body})
        assert (refused.status, list(refused.json())) == (400, ["detail"])


@pytest.mark.parametrize("body", [None, ""])
def test_an_absent_body_is_an_empty_one(api: Api, channel: int, body: str | None) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    event, handler = api.event("POST", batches(channel))
    assert invoke(handler, {**event, "body": body}).json() == {"channel": REQUIRED}
    event, handler = api.event("PATCH", url)
    assert invoke(handler, {**event, "body": body}).status == 200


def test_lone_surrogates_never_break_an_answer(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for name in ("status", "content_type", "remote_batch_id", "log_file"):
        answer = api.patch(url, text=f'{{"{name}":"\\ud800"}}')
        assert (answer.status, list(answer.json())) == (400, [name])
        answer.text.encode()
    answer = api.patch(url, text='{"objects":[{"pk":1,"remote_id":"\\udfff"}],"\\ud800":1}')
    assert (answer.status, list(answer.json())) == (400, ["objects"])
    assert api.patch(url, text='{"\\ud800":"\\ud800","content_type":"\\ud83d\\ude00"}').json()["content_type"] == "😀"


def test_numbers_too_large_for_a_float_are_no_defect(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    for text in ('{"channel":1e400}', '{"objects":[{"pk":-1e400}]}', '{"unknown":1e400,"status":1e400}'):
        answer = api.patch(url, text=text)
        assert (answer.status, list(answer.json())) == (400, ["detail"])
        assert answer.json()["detail"].startswith("JSON parse error - Out of range float values")


def test_the_longest_text_that_is_allowed_is_kept(api: Api, channel: int) -> None:
    longest = "𝄞" * 255
    opened = api.open_batch(
        channel,
        remote_batch_id=longest,
        content_type=f"  {longest} ",
        objects=[{"pk": 1, "content_type": longest, "remote_id": longest, "failed_reason_type": longest}],
    )
    assert opened["content_type"] == opened["remote_batch_id"] == longest
    found = api.get(batches(channel, opened["pk"])).json()
    assert found["objects"][0] == {
        "pk": 1,
        "failed_reason_type": longest,
        "remote_id": longest,
        "version_date": None,
        "content_type": longest,
    }
    assert api.get(f"{batches(channel)}?content_type={'%F0%9D%84%9E' * 255}").json()["count"] == 1


def test_queries_that_repeat_a_parameter_are_no_defect(api: Api, channel: int) -> None:
    for name in ("page", "limit", "ordering", "content_type"):
        assert api.get(f"{batches(channel)}?{name}=1&{name}=2").status < 500
