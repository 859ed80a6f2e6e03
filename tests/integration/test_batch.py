"""Many requests in one: what arrives at the routes, and what comes back."""

import base64
import importlib
import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import odata.service
from batchyard.channels import operations as channel_operations
from batchyard.http import limits
from batchyard.http.answers import LARGEST_ANSWER
from batchyard.http.caller import Caller
from batchyard.odata.service import LARGEST_BODY, RESERVE_MILLISECONDS
from batchyard.store import clients
from tests.integration.conftest import Calls
from tests.support.api import (
    CUSTOM_DOMAIN,
    DEFAULT_DOMAIN,
    EVERYTHING,
    SAM_LOCAL,
    Answer,
    Api,
    Context,
    Front,
    batches,
    caller_with,
    narrowed,
)
from tests.support.batch import (
    Part,
    change_set,
    envelope,
    parts_of,
    request,
    run,
    run_flat,
    run_json,
    send,
)
from tools.generate import FUNCTIONS

OWN_PACKAGES = {path.name for path in FUNCTIONS.iterdir()}
READ_ONLY = narrowed("tok_reader", writes=False, admin=False)


@pytest.fixture(autouse=True)
def _as_many_as_on_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    # moto still has the limit of 2018.
    monkeypatch.setattr("moto.dynamodb.responses.TRANSACTION_MAX_ITEMS", 100)


STANDING = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Vary": "Authorization, X-API-Key, x-medusa-access-token",
}
"""What every answer says that depends on a key, also in a batch."""


def opened(api: Api, channel: int) -> int:
    """How many batch requests a channel has, up to a hundred."""
    return len(api.get(f"{batches(channel)}?limit=100").json()["results"])


def creation(channel: int, **headers: str) -> str:
    """A part that opens a batch request."""
    return request("POST", batches(channel), {"channel": channel}, **headers)


# The forms.


def test_the_flat_form_of_a_batch_as_a_vendors_clients_write_it(api: Api, channel: int) -> None:
    first = api.open_batch(channel)["pk"]
    body = (
        "--batch\n"
        "Content-Type: multipart/mixed; boundary=changeset\n"
        "\n"
        "--changeset\n"
        "Content-Type: application/http\n"
        "Content-Transfer-Encoding: binary\n"
        "Content-ID: 1\n"
        "\n"
        f"PATCH {DEFAULT_DOMAIN.base}{batches(channel, first)} HTTP/1.1\n"
        "Content-Type: application/json;charset=utf-8;type=entry\n"
        "\n"
        '{"remote_batch_id": "Größe"}\n'
        "--changeset\n"
        "Content-Type: application/http\n"
        "Content-Transfer-Encoding: binary\n"
        "Content-ID: 2\n"
        "\n"
        f"GET {batches(channel, first)} HTTP/1.1\n"
        "\n"
        "--changeset--\n"
        "--batch--\n"
    )
    for line_end in ("\n", "\r\n"):
        changed, read = parts_of(send(api, body.replace("\n", line_end), "multipart/mixed; boundary=changeset"))
        assert isinstance(changed, Part)
        assert isinstance(read, Part)
        assert (changed.id, changed.status, read.id, read.status) == ("1", 200, "2", 200)
        assert changed.json()["remote_batch_id"] == "Größe"
        assert changed.json() == read.json()
        assert changed.headers == {"Content-Type": "application/json", "ETag": '"2"', **STANDING}


def test_the_nested_form_answers_change_sets_in_a_part_of_their_own(api: Api, channel: int) -> None:
    answers: list[Any] = run(
        api,
        request("GET", "/api/v1/channels/", Content_ID="list"),
        change_set(creation(channel, Content_ID="1"), request("PATCH", "$1", {"status": "commit"})),
        request("DELETE", "$1"),
    )
    first, (made, changed), last = answers
    assert isinstance(first, Part)
    assert isinstance(last, Part)
    assert (first.id, first.status) == ("list", 200)
    assert (made.id, made.status, changed.id, changed.status) == ("1", 201, None, 200)
    assert changed.json() == {**made.json(), "status": "commit", "modified_date": changed.json()["modified_date"]}
    assert (last.status, last.text, last.headers) == (204, "", STANDING)
    assert opened(api, channel) == 0


def test_the_json_form_of_a_batch(api: Api, channel: int) -> None:
    answers = run_json(
        api,
        {"id": "list", "method": "GET", "url": "/api/v1/channels/"},
        {"id": "1", "method": "POST", "url": batches(channel), "atomicityGroup": "g", "body": {"channel": channel}},
        {"id": "2", "method": "PATCH", "url": "$1", "atomicityGroup": "g", "body": {"status": "commit"}},
        {"id": "3", "method": "GET", "url": "$1", "dependsOn": ["g"]},
        {"id": "4", "method": "DELETE", "url": "$1", "headers": {"If-Match": '"2"'}},
    )
    assert [(answer["id"], answer["status"]) for answer in answers] == [
        ("list", 200),
        ("1", 201),
        ("2", 200),
        ("3", 200),
        ("4", 204),
    ]
    assert answers[1]["headers"]["location"].startswith(DEFAULT_DOMAIN.base)
    assert answers[2]["body"] == answers[3]["body"]
    assert answers[4] == {"id": "4", "status": 204, "headers": {name.lower(): STANDING[name] for name in STANDING}}


def test_an_empty_batch_has_an_empty_answer(api: Api) -> None:
    assert run(api) == []
    assert run(api, change_set()) == [[]]
    assert run_json(api) == []


@pytest.mark.parametrize(
    ("headers", "multipart", "status", "version"),
    [
        ({}, None, 200, None),
        ({"Accept": "multipart/mixed"}, True, 200, "4.0"),
        ({"Accept": "application/json"}, False, 200, "4.01"),
        ({"Accept": "application/json, multipart/mixed"}, True, 200, "4.0"),
        ({"Accept": "text/html, Application/JSON;q=0.9"}, False, 200, "4.01"),
        ({"Accept": "*/*"}, None, 200, None),
        ({"OData-Version": "4.0"}, True, 200, "4.0"),
        ({"odata-maxversion": "4.0"}, True, 200, "4.0"),
        ({"OData-Version": "4.01", "OData-MaxVersion": "4.01"}, None, 200, None),
        ({"OData-Version": "4.0", "Accept": "application/json"}, True, 200, "4.0"),
        ({"OData-Version": "4.01", "Accept": "application/json"}, False, 200, "4.01"),
        ({"DataServiceVersion": "3.0;"}, True, 202, "3.0"),
        ({"MaxDataServiceVersion": "3.0;NetFx"}, True, 202, "3.0"),
        ({"maxdataserviceversion": "3.0", "Accept": "application/json"}, True, 202, "3.0"),
        ({"DataServiceVersion": "1.0", "MaxDataServiceVersion": "2.0"}, True, 202, "2.0"),
        ({"DataServiceVersion": "9.9"}, True, 202, "3.0"),
        ({"MaxDataServiceVersion": "2.5;NetFx"}, True, 202, "2.0"),
        ({"MaxDataServiceVersion": "1.0", "DataServiceVersion": "3.0"}, True, 202, "1.0"),
        ({"DataServiceVersion": "0.5"}, True, 202, "1.0"),
        ({"DataServiceVersion": "new"}, True, 202, "3.0"),
        ({"OData-MaxVersion": "4.0;NetFx", "Accept": "application/json"}, True, 200, "4.0"),
        ({"OData-MaxVersion": "5.0"}, None, 200, None),
        ({"Accept": "multipart/mixed;q=0.5, application/json"}, False, 200, "4.01"),
        ({"Accept": "multipart/mixed;q=0, application/json;q=0.1"}, False, 200, "4.01"),
        ({"Accept": "multipart/mixed; q=0.9, application/json; q=0.8"}, True, 200, "4.0"),
        ({"Accept": "application/json, text/plain, */*"}, False, 200, "4.01"),
        ({"Accept": "application/json;q=0.1, */*;q=0.5"}, True, 200, "4.0"),
        ({"Accept": "multipart/*, application/json;q=0.9"}, True, 200, "4.0"),
        ({"Accept": "application/*;q=0.9, multipart/*;q=0.8"}, False, 200, "4.01"),
        ({"Accept": "application/json;q=0, */*"}, True, 200, "4.0"),
        ({"Accept": "multipart/mixed;q=0, */*;q=0.1"}, False, 200, "4.01"),
        ({"Accept": "application/json;odata.metadata=minimal;q=0.9, multipart/mixed;q=0.8"}, False, 200, "4.01"),
        ({"Accept": 'multipart/mixed;boundary="a,b;q=0";q=0.9, application/json;Q=0.8'}, True, 200, "4.0"),
        ({"Accept": "text/html"}, None, 200, None),
        ({"Accept": "*/*;q=0"}, None, 200, None),
        ({"Accept": "application/json;q=0"}, None, 200, None),
        ({"Accept": "multipart/mixed;q=0.5, */*"}, None, 200, None),
    ],
)
def test_accept_decides_the_form_of_a_batch_answer(
    api: Api, headers: dict[str, str], multipart: bool | None, status: int, version: str | None
) -> None:
    part = request("GET", "/api/v1/channels/", Content_ID="a b")
    as_json = json.dumps({"requests": [{"id": "a b", "method": "GET", "url": "/api/v1/channels/"}]})
    for own_is_multipart, body, content_type in (
        (True, envelope(part), "multipart/mixed; boundary=b"),
        (False, as_json, "application/json;charset=utf-8"),
    ):
        answer = send(api, body, content_type, headers=headers)
        expected = own_is_multipart if multipart is None else multipart
        name, other = ("DataServiceVersion", "OData-Version")[:: 1 if status == 202 else -1]
        assert (answer.status, answer.headers[name]) == (status, version or ("4.0" if expected else "4.01"))
        assert other not in answer.headers
        if expected:
            (found,) = parts_of(answer)
            assert isinstance(found, Part)
            assert (found.id, found.status) == ("a b", 200)
        else:
            assert answer.headers["Content-Type"] == "application/json"
            (entry,) = answer.json()["responses"]
            assert (entry["id"], entry["status"], entry["body"]["count"]) == ("a b", 200, 0)


def test_a_multipart_batch_without_content_ids_is_answered_in_kind(api: Api) -> None:
    asked = {"Accept": "application/json"}
    without, named = request("GET", "/api/v1/channels/"), request("GET", "/api/v1/channels/", Content_ID="1")
    (found,) = parts_of(send(api, envelope(without), headers=asked))
    assert isinstance(found, Part)
    assert found.status == 200
    entries = send(api, envelope(without, named), headers=asked).json()["responses"]
    assert [(entry["id"], entry["status"]) for entry in entries] == [(None, 200), ("1", 200)]


@pytest.mark.parametrize("headers", [{"OData-Version": "3.0"}, {"OData-Version": "5"}, {"OData-MaxVersion": "3.0"}])
def test_a_version_that_is_not_spoken_is_refused(api: Api, channel: int, headers: dict[str, str]) -> None:
    refused = send(api, envelope(creation(channel)), headers=headers)
    assert (refused.status, refused.json()["error"]["code"]) == (400, "BadRequest")
    (name,) = headers
    assert name in refused.json()["error"]["message"]
    assert opened(api, channel) == 0


def test_errors_of_version_3(api: Api, channel: int) -> None:
    headers = {"DataServiceVersion": "3.0"}
    refused = send(api, "nonsense", headers=headers)
    assert refused.status == 400
    assert refused.json()["odata.error"]["code"] == "BadRequest"
    assert refused.json()["odata.error"]["message"]["lang"] == "en-US"
    answer = send(api, envelope("Content-Type: text/plain\r\n\r\n", creation(channel)), headers=headers)
    malformed, made = parts_of(answer)
    assert isinstance(malformed, Part)
    assert isinstance(made, Part)
    assert list(malformed.json()) == ["odata.error"]
    assert made.status == 201


@pytest.mark.parametrize("front", [DEFAULT_DOMAIN, CUSTOM_DOMAIN, SAM_LOCAL], ids=["stage", "base path", "sam local"])
def test_urls_of_every_kind_wherever_clients_reach_the_service(stores: dict[str, str], front: Front) -> None:
    api = Api(front=front)
    channel = api.open_channel()
    pk = api.open_batch(channel)["pk"]
    prefix = front.base.partition("://")[2].partition("/")[2]
    urls = [f"{front.base}{batches(channel, pk)}", batches(channel, pk), batches(channel, pk).rstrip("/")]
    urls += [f"/{prefix}{batches(channel, pk)}"] if prefix else []
    answers = run_flat(api, *(request("GET", url) for url in urls), creation(channel, Content_ID="1"))
    assert [answer.status for answer in answers] == [200] * len(urls) + [201]
    assert api.get(answers[-1].headers["Location"]).status == 200
    listed, followed = run_flat(
        api, request("GET", f"{batches(channel)}?limit=1"), request("GET", answers[-1].headers["Location"])
    )
    assert api.get(listed.json()["next"]).json()["results"] == [followed.json()]


def test_a_proxy_that_hides_the_host(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://yard.example.com/behind/")
    made, read = run_flat(
        api, creation(channel, Content_ID="1"), request("GET", "https://yard.example.com/behind/api/v1/channels/")
    )
    assert (made.status, read.status) == (201, 200)
    assert made.headers["Location"].startswith("https://yard.example.com/behind/api/v1/channel/")
    (again,) = run_flat(api, request("GET", made.headers["Location"]))
    assert again.json() == made.json()


def test_the_path_of_a_batch_has_several_spellings(api: Api) -> None:
    body = envelope(request("GET", "/api/v1/channels/"))
    for path in ("/v1/$batch", "/v1/%24batch", "/V1/$batch", "/v1/$batch/", "/v1/$Batch", "/V1/%24BATCH"):
        answer = api.post(path, text=body, headers={"Content-Type": "multipart/mixed; boundary=b"})
        assert answer.status == 200, path


def test_paths_below_v1_without_a_batch_or_an_entity_set_are_not_found(api: Api) -> None:
    for path in ("/v1/Nope(1)", "/v1/Nope", "/v1/$nope", "/v1/$batch/x", "/v1/$batch(1)"):
        for method in ("GET", "POST", "PATCH"):
            answer = api(method, path)
            assert (answer.status, answer.json()["error"]["code"]) == (404, "NotFound")
    assert api.get("/v1/Products(abc)").status == 400
    answer = api.get("/v1/$batch")
    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.json()["error"]["code"] == "MethodNotAllowed"


# What cannot be read.


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/mixed", "--b--", 400),
        ("multipart/mixed; boundary=b", "", 400),
        ("multipart/mixed; boundary=b", "CREATION--b", 400),
        ("multipart/mixed; boundary=b", "CREATION--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--b--", 400),
        ("application/json", "[]", 400),
        ("application/json", '{"requests":[{"id":"1","method":"POST","url":"URL","body":{"channel":7}},{}]}', 400),
        ("text/plain", "CREATION--b--", 415),
        ("multipart/form-data; boundary=b", "CREATION--b--", 415),
        ("", "CREATION--b--", 415),
    ],
)
def test_of_a_malformed_batch_nothing_runs(api: Api, channel: int, content_type: str, body: str, status: int) -> None:
    creations = envelope(creation(channel)).removesuffix("--b--\r\n")
    answer = send(api, body.replace("CREATION", creations).replace("URL", batches(channel)), content_type)
    assert answer.status == status
    assert answer.json()["error"]["message"]
    assert answer.headers["Content-Type"] == "application/json"
    assert opened(api, channel) == 0


def test_a_batch_of_more_than_a_hundred_requests_does_not_run(api: Api, channel: int) -> None:
    hundred = [creation(channel) for _ in range(100)]
    answer = send(api, envelope(*hundred, request("GET", "/api/v1/channels/")))
    assert (answer.status, opened(api, channel)) == (400, 0)
    assert "at most 100 requests" in answer.json()["error"]["message"]
    entry = {"method": "GET", "url": "/api/v1/channels/"}
    for count, status in ((101, 400), (100, 200)):
        body = json.dumps({"requests": [{"id": str(number), **entry} for number in range(count)]})
        assert send(api, body, "application/json").status == status
    assert [part.status for part in run_flat(api, *hundred)] == [201] * 100
    assert opened(api, channel) == 100


def test_a_malformed_part_is_refused_alone(api: Api, channel: int) -> None:
    answers = run_flat(
        api,
        creation(channel),
        request("POST", batches(channel), {"channel": channel}, Content_Length="5", Content_ID="short"),
        "Content-Type: application/http\r\nContent-Transfer-Encoding: base64\r\n\r\nR0VU\r\n",
        f"Content-Type: application/http\r\nX: {'x' * 9000}\r\n\r\nDELETE {batches(channel)}\r\n",
        creation(channel),
    )
    assert [answer.status for answer in answers] == [201, 400, 400, 400, 201]
    assert answers[1].id == "short"
    assert "Content-Length is 5" in answers[1].json()["error"]["message"]
    assert answers[1].headers == {"Content-Type": "application/json", "OData-Version": "4.0", **STANDING}
    assert opened(api, channel) == 2


def test_a_batch_holds_six_megabytes(api: Api, channel: int) -> None:
    for over, status in ((0, 200), (1, 413)):
        part = creation(channel)
        filled = envelope(part) + "." * (LARGEST_BODY + over - len(envelope(part)))
        assert send(api, filled).status == status
    assert opened(api, channel) == 1


def test_a_body_in_base64(api: Api, channel: int) -> None:
    event, _ = api.event("POST", "/v1/$batch", text="", headers={"Content-Type": "multipart/mixed; boundary=b"})
    event["isBase64Encoded"] = True
    event["body"] = base64.b64encode(
        envelope(request("PATCH", "/api/v1/channels/5/", '{"name": "Größe"}')).encode()
    ).decode()
    channel_operations.create({"name": "x"}, pk=5)
    assert '"name":"Größe"' in odata.service.handler(event, Context())["body"]
    for broken in ("not base64", "abc", "ü"):
        answer = odata.service.handler({**event, "body": broken}, Context())
        assert (answer["statusCode"], json.loads(answer["body"])["error"]["code"]) == (400, "BadRequest")


def test_a_part_whose_body_is_no_utf8_is_refused_as_by_its_route(api: Api, channel: int) -> None:
    event, _ = api.event("POST", "/v1/$batch", text="", headers={"Content-Type": "multipart/mixed; boundary=b"})
    event["isBase64Encoded"] = True
    event["body"] = base64.b64encode(envelope(creation(channel)).encode().replace(b'{"channel"', b'{"\xff"')).decode()
    result = odata.service.handler(event, Context())
    (part,) = parts_of(Answer(200, {"Content-Type": result["headers"]["Content-Type"]}, result["body"]))
    assert isinstance(part, Part)
    assert (part.status, "JSON parse error" in part.json()["detail"]) == (400, True)


def test_a_batch_without_a_caller_is_refused(api: Api, channel: int) -> None:
    answer = send(Api(caller=None), envelope(creation(channel)))
    assert (answer.status, answer.json()["error"]["code"]) == (401, "")
    assert opened(api, channel) == 0


# Order, and what follows an error.


def test_requests_of_a_batch_run_in_order(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    one = batches(channel, pk)
    answers = run_flat(
        api,
        request("GET", one),
        request("PATCH", one, {"remote_batch_id": "1"}),
        request("GET", one),
        request("GET", one),
        request("PATCH", one, {"remote_batch_id": "2"}),
        request("GET", one),
        request("DELETE", one),
        request("GET", one),
    )
    assert [answer.headers.get("ETag") for answer in answers] == ['"1"', '"2"', '"2"', '"2"', '"3"', '"3"', None, None]
    assert [answer.status for answer in answers] == [200] * 6 + [204, 404]


@pytest.mark.parametrize("bad", ["/api/v1/nothing/", "https://evil.example/"])
def test_a_flat_batch_goes_on_after_an_error(api: Api, channel: int, bad: str) -> None:
    answers = run_flat(api, creation(channel), request("GET", bad), creation(channel))
    assert [answer.status for answer in answers] == [201, answers[1].status, 201]
    assert answers[1].status in (400, 404)


@pytest.mark.parametrize(
    ("prefer", "goes_on"),
    [
        (None, False),
        ("return=minimal", False),
        ("continue-on-error", True),
        ("odata.continue-on-error", True),
        ("return=minimal, Continue-On-Error=true; x=y", True),
        ("continue-on-error=false", False),
        ('continue-on-error="false"', False),
    ],
)
def test_a_nested_batch_stops_at_an_error_without_continue_on_error(
    api: Api, channel: int, prefer: str | None, goes_on: bool
) -> None:
    bad = creation(channel + 1)
    for failing in (bad, change_set(creation(channel), bad), "Content-Type: text/plain\r\n\r\n"):
        before = opened(api, channel)
        answers = run(
            api,
            change_set(creation(channel)),
            failing,
            creation(channel),
            request("GET", "/api/v1/channels/"),
            headers={"Prefer": prefer} if prefer else {},
        )
        assert len(answers) == (4 if goes_on else 2)
        assert isinstance(answers[1], Part)
        assert answers[1].status in (400, 404)
        assert opened(api, channel) == before + (2 if goes_on else 1)


def test_a_json_batch_goes_on_after_an_error_and_fails_dependent_requests(api: Api, channel: int) -> None:
    def post(identifier: str, target: int, **fields: Any) -> dict[str, Any]:
        return {"id": identifier, "method": "POST", "url": batches(target), "body": {"channel": target}, **fields}

    missing = channel + 1
    answers = run_json(
        api,
        post("1", missing),
        post("2", channel, dependsOn=["1"]),
        post("3", channel, dependsOn=["2"]),
        post("4", channel, atomicityGroup="g", dependsOn=["3"]),
        post("5", channel, atomicityGroup="g"),
        post("6", channel, dependsOn=["g"]),
        post("7", channel, atomicityGroup="h"),
        post("8", missing, atomicityGroup="h"),
        post("9", channel, dependsOn=["7"]),
        post("10", channel, dependsOn=[]),
        post("11", channel, dependsOn=["10"]),
    )
    assert [(answer["id"], answer["status"]) for answer in answers] == [
        ("1", 404),
        ("2", 424),
        ("3", 424),
        ("4", 424),
        ("5", 424),
        ("6", 424),
        ("7", 424),
        ("8", 404),
        ("9", 424),
        ("10", 201),
        ("11", 201),
    ]
    assert answers[1]["body"]["error"]["code"] == "FailedDependency"
    assert [answer.get("atomicityGroup") for answer in answers[3:8]] == ["g", "g", None, "h", "h"]
    assert opened(api, channel) == 2


def test_a_request_runs_if_its_condition_holds(api: Api, channel: int) -> None:
    def post(identifier: str, condition: Any = None, target: int = channel, **fields: Any) -> dict[str, Any]:
        body = {"channel": target}
        return {"id": identifier, "method": "POST", "url": batches(target), "body": body, "if": condition, **fields}

    answers = run_json(
        api,
        post("good"),
        post("bad", target=channel + 1),
        post("1", "$good/$succeeded"),
        post("2", "$bad/$succeeded"),
        post("3", "not $bad/$succeeded and ($good/$succeeded or false)"),
        post("4", "$2/$succeeded or $nobody/$succeeded"),
        post("5", "$good/$succeeded and"),
        post("6", True),
        post("7", atomicityGroup="g"),
        post("8", "$bad/$succeeded", atomicityGroup="g"),
        post("9", "not $g/$succeeded"),
        post("10", atomicityGroup="h"),
        post("11", "$10/$succeeded", atomicityGroup="h"),
        post("12", "$h/$succeeded"),
    )
    assert [answer["status"] for answer in answers] == [
        *(201, 404, 201, 424, 201, 424, 424, 424),
        *(424, 424, 201),
        *(201, 201, 201),
    ]
    messages = {answer["id"]: answer["body"]["error"]["message"] for answer in answers if answer["status"] == 424}
    assert messages["2"] == "Its condition does not hold."
    assert "$nobody" in messages["4"]
    assert "character 21" in messages["5"]
    assert opened(api, channel) == 7


def test_a_repeated_json_member_refuses_the_whole_batch(api: Api, channel: int) -> None:
    one = f'{{"id": "1", "method": "POST", "url": "{batches(channel)}", "body": {{"channel": {channel}}}'
    for twice in (', "method": "GET"}', ', "headers": {"X": "1", "X": "2"}}'):
        refused = send(api, f'{{"requests": [{one}}}, {one.replace("1", "2", 1)}{twice}]}}', "application/json")
        assert refused.status == 400
        assert "twice" in refused.json()["error"]["message"]
    assert opened(api, channel) == 0


def test_a_flat_batch_stops_where_its_client_prefers_that(api: Api, channel: int) -> None:
    parts = [creation(channel), creation(channel + 1), creation(channel)]
    for preference, statuses in (
        ("odata.continue-on-error=false", [201, 404]),
        ("x, continue-on-error", [201, 404, 201]),
    ):
        answers = parts_of(send(api, envelope(*parts), headers={"Prefer": preference}))
        assert [part.status for part in answers if isinstance(part, Part)] == statuses
    posts = [
        {"id": str(n), "method": "POST", "url": batches(t), "body": {"channel": t}}
        for n, t in enumerate((channel + 1, channel))
    ]
    told = run_json(api, *posts, headers={"Prefer": 'continue-on-error="false"'})
    assert [answer["status"] for answer in told] == [404]


# References.


def test_references_to_created_resources(api: Api, channel: int) -> None:
    answers = run_flat(
        api,
        creation(channel, Content_ID="a b"),
        request("GET", "$a b"),
        request("GET", "$a%20b/"),
        request("GET", "$a b?x=y"),
        request("GET", "$a b/log_file"),
        request("POST", "$a b/log_file/upload"),
        request("PATCH", "$a b", {"status": "commit"}),
        request("DELETE", "$a b"),
    )
    assert [answer.status for answer in answers] == [201, 200, 200, 200, 400, 201, 200, 204]
    assert answers[1].json() == answers[0].json()


def test_references_without_a_target_are_refused(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    answers = run_flat(
        api,
        request("GET", "$1"),
        creation(channel + 1, Content_ID="1"),
        request("GET", "$1"),
        request("PATCH", batches(channel, pk), {"remote_batch_id": "x"}, Content_ID="2"),
        request("GET", "$2"),
        request("GET", "$"),
        request("GET", "$3"),
        creation(channel, Content_ID="3"),
        request("GET", "$3/../../../channels"),
        request("GET", "$3/%2e%2e/%2e%2e"),
        request("GET", "$3@evil.example/"),
        request("GET", "$metadata"),
    )
    assert [answer.status for answer in answers] == [400, 404, 424, 200, 400, 400, 400, 201, 400, 400, 400, 200]
    assert answers[2].json()["error"]["code"] == "FailedDependency"


@pytest.mark.parametrize("root", ["/v1/", "/V1/", f"{DEFAULT_DOMAIN.base}/v1/", "https://elsewhere.example/v1/"])
def test_a_reference_may_have_the_services_root_in_front(api: Api, channel: int, root: str) -> None:
    made, seen, moved, other = run_flat(
        api,
        creation(channel, Content_ID="1"),
        request("GET", f"{root}$1"),
        request("PATCH", f"{root}$1?x=y", {"status": "commit"}),
        request("GET", f"{root}$2"),
    )
    assert made.status == 201
    if "elsewhere" in root:
        assert [answer.status for answer in (seen, moved, other)] == [400, 400, 400]
    else:
        assert (seen.json(), moved.json()["status"], other.status) == (made.json(), "commit", 400)


@pytest.mark.parametrize(
    "url", ["/Products", "/Products(1)", "/%50roducts?$top=1", "/$metadata", "/$1", "/$1/Attributes"]
)
def test_a_url_of_odata_that_begins_at_the_host_is_told_where_it_is(api: Api, url: str) -> None:
    made, refused = run_json(
        api,
        {"id": "1", "method": "POST", "url": "Products", "body": {"Sku": "A"}},
        {"id": "2", "method": "GET", "url": url},
    )
    name = url[1:].partition("(")[0].partition("?")[0].partition("/")[0].replace("%50", "P")
    assert (made["status"], refused["status"], list(refused["body"])) == (201, 404, ["error"])
    assert f"/v1/{name}" in refused["body"]["error"]["message"]


def test_a_reference_leaves_out_the_brackets_of_mime(api: Api) -> None:
    made, seen, same = run_flat(
        api,
        request("POST", "Products", {"Sku": "A"}, Content_ID="<new@example.com>"),
        request("GET", "$new@example.com/Sku", Content_ID="<2>"),
        request("GET", "$%3Cnew@example.com%3E/Sku"),
    )
    assert (made.id, seen.id) == ("<new@example.com>", "<2>")
    assert (made.status, seen.json()["value"], same.json()["value"]) == (201, "A", "A")
    failed = change_set(request("POST", "Products", {"Sku": "A"}, Content_ID="<1>"))
    parts = run(api, failed, request("GET", "$1"), headers={"Prefer": "continue-on-error"})
    assert [part.status for part in parts if isinstance(part, Part)] == [400, 424]


def test_a_batch_as_openui5_writes_it(api: Api) -> None:
    types = "Accept:application/json;odata.metadata=minimal;IEEE754Compatible=true\nAccept-Language:de-DE\n"
    types += "X-CSRF-Token:Fetch\nContent-Type:application/json;charset=UTF-8;IEEE754Compatible=true\n"
    part = "Content-Type:application/http\nContent-Transfer-Encoding:binary\n"
    body = (
        "--batch_id-1\nContent-Type: multipart/mixed;boundary=changeset_id-1\n\n"
        f'--changeset_id-1\n{part}Content-ID:0.0\n\nPOST Products HTTP/1.1\n{types}\n{{"Sku":"A","Cost":"12.50"}}\n'
        f'--changeset_id-1\n{part}Content-ID:1.0\n\nPATCH $0.0 HTTP/1.1\n{types}\n{{"RetailPrice":"99.9"}}\n'
        "--changeset_id-1--\n\n"
        f"--batch_id-1\n{part}\nGET Products?$count=true&$select=Sku,Cost,RetailPrice&$skip=0&$top=100 HTTP/1.1\n"
        f"{types}\n\n--batch_id-1--\nGroup ID: $auto"
    ).replace("\n", "\r\n")
    accept = {"Accept": "multipart/mixed", "OData-Version": "4.0", "OData-MaxVersion": "4.0"}
    answer = send(api, body, "multipart/mixed; boundary=batch_id-1", headers=accept)
    made, seen = parts_of(answer)
    assert isinstance(made, list)
    assert isinstance(seen, Part)
    assert [(one.id, one.status) for one in made] == [("0.0", 201), ("1.0", 204)]
    assert seen.json()["@odata.count"] == "1"
    assert seen.json()["value"] == [{"Sku": "A", "Cost": "12.5", "RetailPrice": "99.9"}]


@pytest.mark.parametrize(
    "name", ["plain", "it's", "a/b", "what?", "#1", "50%", "a+b c", "\N{GREEK SMALL LETTER ALPHA}"]
)
def test_a_reference_leads_to_whatever_name_was_given(api: Api, name: str) -> None:
    id = api.post("/v1/Products", {"Sku": "A"}).json()["ID"]
    made, seen, removed = run_flat(
        api,
        request("POST", "AttributeValues", {"ProductID": id, "Name": name, "Value": "b"}, Content_ID="1"),
        request("GET", "$1/Value"),
        request("DELETE", "$1"),
    )
    assert (made.status, made.headers["Location"].isascii(), seen.status, removed.status) == (201, True, 200, 204)
    assert seen.json()["value"] == "b"


@pytest.mark.parametrize(
    "name", ["metadata", "batch", "root", "id", "all", "entity", "crossjoin", "crossjoin(a,b)", "METADATA"]
)
def test_names_reserved_by_odata_are_never_references(api: Api, channel: int, name: str) -> None:
    made, removed, escaped, left = run_json(
        api,
        {"id": name, "method": "POST", "url": batches(channel), "body": {"channel": channel}},
        {"id": "2", "method": "DELETE", "url": f"${name}"},
        {"id": "3", "method": "DELETE", "url": f"$%{ord(name[0]):x}{name[1:]}"},
        {"id": "4", "method": "GET", "url": batches(channel)},
    )
    assert made["status"] == 201
    assert removed["status"] in {400, 404, 405}
    assert escaped["status"] == removed["status"]
    assert [found["pk"] for found in left["body"]["results"]] == [made["body"]["pk"]]


@pytest.mark.parametrize(
    "url",
    [
        "/v1/%241",
        "/v1/%24metadata",
        "/v1/Products%28ID%3D2%29",
        "/v1/Products%2F1",
        "/v1/Products(0d7a4a3e-1b2c-4d5e-8f90-a1b2c3d4e5f6)",
        "/v1/Products(guid'0d7a4a3e-1b2c-4d5e-8f90-a1b2c3d4e5f6')",
        "/v1/Products(0d7a4a3e)",
        "/v1/",
        "/V1",
        "/v1/nothing/of(1)/this",
    ],
)
def test_a_url_means_the_same_in_a_batch_as_alone(api: Api, channel: int, url: str) -> None:
    alone = api.get(url)
    served, unreadable = {"/v1/%24metadata", "/v1/", "/V1"}, {"/v1/%241", "/v1/Products%2F1", "/v1/Products(0d7a4a3e)"}
    assert alone.status == (200 if url in served else 400 if url in unreadable else 404)
    if alone.status != 200:
        assert alone.json()["error"]["code"] == ("NotFound" if alone.status == 404 else "BadRequest")
    _, inside, from_root = run_flat(
        api,
        creation(channel, Content_ID="1"),
        request("GET", url),
        # What is escaped is no reference, whatever it comes to.
        request("GET", url.removeprefix("/v1/") or url),
    )
    for found in (inside, from_root):
        assert (found.status, found.text) == (alone.status, alone.text)
    older = {"MaxDataServiceVersion": "2.0"}
    assert alone.status == 200 or list(api.get(url, headers=older).json()) == ["odata.error"]


def test_without_a_key_a_batch_is_refused_in_the_shape_of_odata(api: Api, channel: int) -> None:
    for method, path in (("POST", "/v1/$batch"), ("GET", "/v1/Products"), ("GET", "/V1/$metadata")):
        refused = Api(None)(method, path, text=envelope(creation(channel)) if method == "POST" else None)
        assert refused.status == 401
        assert refused.json() == {"error": {"code": "", "message": "Authorization has been denied for this request."}}
    assert opened(api, channel) == 0


def test_the_last_of_several_requests_with_one_content_id_counts(api: Api, channel: int) -> None:
    first, second, read, failed, after = run_flat(
        api,
        creation(channel, Content_ID="1"),
        creation(channel, Content_ID="1"),
        request("GET", "$1"),
        creation(channel + 1, Content_ID="1"),
        request("GET", "$1"),
    )
    assert first.json() != second.json()
    assert read.json() == second.json()
    assert (failed.status, after.status) == (404, 424)
    numbered = change_set(creation(channel, Content_ID="1"), request("PATCH", "$1", {"status": "commit"}))
    twice: list[Any] = run(api, numbered, numbered)
    (made, changed), (made_again, changed_again) = twice
    assert made.json()["pk"] == changed.json()["pk"] != made_again.json()["pk"] == changed_again.json()["pk"]


# Each part means what it means alone.

_ANYTHING: st.SearchStrategy[Any] = st.sampled_from(
    [
        ("GET", "LIST", None, {}),
        ("GET", "LIST?limit=1", None, {}),
        ("GET", "LIST?limit=1&page=2&status=done&status=fail", None, {}),
        ("GET", "LIST?status=bogus", None, {}),
        ("GET", "LIST?page=99", None, {}),
        ("GET", "LIST?content_type=Gr%C3%B6%C3%9Fe+x&ordering=-pk", None, {}),
        ("GET", "ONE", None, {}),
        ("GET", "TWO", None, {"If-None-Match": "*"}),
        ("GET", "LIST5/", None, {}),
        ("GET", "LISTabc/", None, {}),
        ("GET", "CHANNEL", None, {}),
        ("GET", "/api/v1/channels/999999/", None, {}),
        ("GET", "/api/v1/active_user/", None, {}),
        ("GET", "/api/v1/nothing/", None, {}),
        ("GET", "/v1/Products(1)", None, {}),
        ("GET", "/v1/Products(abc)", None, {}),
        ("DELETE", "LIST", None, {}),
        ("TRACE", "ONE", None, {}),
        ("POST", "LIST", {"channel": "CH"}, {}),
        ("POST", "LIST", {"channel": "CH"}, {"Idempotency-Key": "k"}),
        ("POST", "LIST", {"channel": "CH"}, {"Idempotency-Key": "k" * 256}),
        ("POST", "LIST", {}, {}),
        ("POST", "LIST", [], {}),
        ("POST", "LIST", None, {}),
        ("POST", "LIST", "{nonsense", {}),
        ("POST", "LIST", {"channel": "CH"}, {"Content-Type": "text/plain"}),
        ("POST", "ONE", {}, {}),
        ("PATCH", "ONE", {"status": "commit", "objects": [{"pk": 1, "content_type": "Größe"}]}, {}),
        ("PATCH", "ONE", {"status": "bogus", "objects": [{"pk": "x"}, 5]}, {}),
        ("PATCH", "ONE", {"remote_batch_id": "r"}, {"If-Match": '"1"'}),
        ("PATCH", "ONE", {"remote_batch_id": "\ud800"}, {}),
        ("PUT", "ONE", {"status": "\ud800"}, {}),
        ("PUT", "TWO", {"status": "done", "log_file": "all is well"}, {"if-match": '"7", "2"'}),
        ("PUT", "TWO", {"objects": []}, {"Content-Type": "application/json; charset=utf-8"}),
        ("DELETE", "TWO", None, {}),
        ("DELETE", "ONE", None, {"If-Match": '"99"'}),
        ("PATCH", "CHANNEL", {"name": "Another"}, {}),
        ("PATCH", "CHANNEL", {"stale_after": -1}, {}),
        ("DELETE", "CHANNEL", None, {}),
    ]
)
_CALLERS = st.sampled_from(
    [
        EVERYTHING,
        READ_ONLY,
        caller_with("visitor", "tok_visitor", writes=True, channels=frozenset({1})),
        caller_with("nobody", "tok_nobody"),
    ]
)
_CHANGING = re.compile(r"\d{16}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[\d:.]+Z")


class _Twin:
    """One of two channels that were treated alike."""

    def __init__(self, api: Api, pk: int) -> None:
        channel_operations.create({"name": "Twin"}, pk=pk)
        self.channel = pk
        self.one = api.open_batch(pk)["pk"]
        self.two = api.open_batch(pk, status="commit", objects=[{"pk": 1, "remote_id": "x"}])["pk"]

    def asked(self, method: str, url: str, body: Any, headers: dict[str, str]) -> tuple[str, str, Any, dict[str, str]]:
        for name, meant in {
            "LIST": batches(self.channel),
            "ONE": batches(self.channel, self.one),
            "TWO": batches(self.channel, self.two),
            "CHANNEL": f"/api/v1/channels/{self.channel}/",
        }.items():
            url = url.replace(name, meant)
        if isinstance(body, dict):
            body = {name: self.channel if value == "CH" else value for name, value in body.items()}
        key = {
            name: f"{value} {self.channel}" if name == "Idempotency-Key" else value for name, value in headers.items()
        }
        return method, url, body, key

    def seen(self, status: int, headers: dict[str, str], text: str) -> Any:
        """An answer without what differs between twins."""
        numbers: dict[str, str] = {}

        def alike(value: str) -> str:
            value = value.replace(str(self.channel), "CH")
            return _CHANGING.sub(lambda found: numbers.setdefault(found[0], f"<{len(numbers)}>"), value)

        return status, {name.lower(): alike(value) for name, value in headers.items()}, alike(text)


_twins = iter(range(70001, 99999))


@given(st.lists(_ANYTHING, min_size=1, max_size=8), _CALLERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_part_of_a_batch_is_answered_as_the_request_alone(api: Api, requests: list[Any], caller: Caller) -> None:
    client = Api(caller)
    left, right, third = (_Twin(api, next(_twins)) for _ in range(3))
    alone = []
    for asked in requests:
        method, url, body, headers = left.asked(*asked)
        text = body if isinstance(body, str) else None
        answer = client(method, url, None if text else body, text=text, headers=headers)
        alone.append(left.seen(answer.status, dict(answer.headers), answer.text))
    parts = []
    for asked in requests:
        method, url, body, headers = right.asked(*asked)
        text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        lines = [f"{name}: {value}" for name, value in headers.items()]
        if body is not None and "Content-Type" not in headers:
            lines.append("Content-Type: application/json")
        parts.append(
            "\r\n".join(["Content-Type: application/http", "", f"{method} {url} HTTP/1.1", *lines, "", text, ""])
        )
    assert [right.seen(part.status, dict(part.headers), part.text) for part in run_flat(client, *parts)] == alone
    entries: list[dict[str, Any]] = []
    for number, asked in enumerate(requests):
        method, url, body, headers = third.asked(*asked)
        if body == "{nonsense":
            continue
        entry = {"id": str(number), "method": method, "url": url, "headers": headers}
        entries.append(entry if body is None else {**entry, "body": body})
    for told in run_json(client, *entries):
        status, headers, text = alone[int(told["id"])]
        body = json.dumps(told["body"], ensure_ascii=False, separators=(",", ":")) if "body" in told else ""
        assert third.seen(told["status"], told["headers"], body) == (status, headers, text)


def test_each_part_is_authorized_anew(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    other = api.open_channel()
    elsewhere = api.open_batch(other)["pk"]
    reader = Api(narrowed("tok_reader", writes=False, admin=False, channels=frozenset({channel})))
    answers = run_flat(
        reader,
        request("GET", batches(channel, pk)),
        creation(channel),
        request("DELETE", batches(channel, pk)),
        request("GET", batches(other, elsewhere)),
        request("POST", "/api/v1/channels/", {"name": "Mine"}),
        request("GET", batches(channel, pk)),
    )
    assert [answer.status for answer in answers] == [200, 403, 403, 403, 403, 200]
    assert str(elsewhere) not in answers[3].text
    (refused,) = run(reader, change_set(creation(channel)))
    assert isinstance(refused, Part)
    assert refused.status == 403
    assert opened(api, channel) == 1


@pytest.mark.parametrize(
    "lines",
    [
        "Authorization: Token by_somebody_elses",
        "Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Port: 1",
        "host: evil.example\r\nx-forwarded-proto: http\r\nForwarded: host=evil.example;proto=http",
        "X-Api-Key: x\r\nTransfer-Encoding: chunked\r\nConnection: close",
    ],
)
def test_no_header_of_a_part_changes_who_asks_or_where(api: Api, channel: int, lines: str) -> None:
    api.open_batch(channel)
    api.open_batch(channel)
    reader = Api(READ_ONLY)
    mime = "Content-Type: application/http\r\n\r\n"
    get = f"{mime}GET {batches(channel)}?limit=1 HTTP/1.1\r\n{lines}\r\n\r\n"
    post = f'{mime}POST {batches(channel)} HTTP/1.1\r\n{lines}\r\n\r\n{{"channel": {channel}}}\r\n'
    listed, refused = run_flat(reader, get, post)
    assert listed.json() == reader.get(f"{batches(channel)}?limit=1").json()
    assert refused.status == 403
    names = {name: value for name, _, value in (line.partition(": ") for line in lines.split("\r\n"))}
    entry = {"id": "1", "method": "GET", "url": f"{batches(channel)}?limit=1", "headers": names}
    (as_json,) = run_json(reader, entry)
    assert as_json["body"] == listed.json()


HOSTILE_URLS = [
    "//evil.example/api/v1/channels/",
    "https://evil.example/api/v1/channels/",
    f"https://evil.example@{DEFAULT_DOMAIN.host}/prod/api/v1/channels/",
    f"https://{DEFAULT_DOMAIN.host}@evil.example/prod/api/v1/channels/",
    f"https://{DEFAULT_DOMAIN.host}:8443/prod/api/v1/channels/",
    f"ftp://{DEFAULT_DOMAIN.host}/prod/api/v1/channels/",
    "../api/v1/channels/",
    "..%2fapi/v1/channels/",
    "%2e%2e%2fapi/v1/channels/",
    "%252e%252e%252fapi/v1/channels/",
    "/v1/../api/v1/channels/",
    "/api/v1/channel/5/../../channels/",
    "/prod/../api/v1/channels/",
    "\\\\evil.example\\api",
    "/api/v1\\channels/",
    "/api/v1/channels/#fragment",
]
NESTED_BATCHES = [
    "$batch",
    "$batch/",
    "$Batch",
    "%24batch",
    "%24BATCH",
    "%2524batch",
    "/v1/$batch",
    "/V1/$batch",
    "/v1/$batch?x=y",
    "/v1/%24batch/",
    "/v1//$batch",
    "//v1/$batch",
    "/v1/./$batch",
    "/v1/x/../$batch",
    "/v1/$batch/$batch",
    "/v1/$batch()",
    "/prod/v1/$batch",
    f"{DEFAULT_DOMAIN.base}/v1/$batch",
    f"HTTPS://{DEFAULT_DOMAIN.host.upper()}/prod/v1/%24batch",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_no_url_leads_out_of_the_api(api: Api, url: str) -> None:
    (answer,) = run_flat(api, request("GET", url))
    assert (answer.status, answer.json()["error"]["code"]) == (400, "BadRequest")
    (answer_as_json,) = run_json(api, {"id": "1", "method": "GET", "url": url})
    assert answer_as_json["status"] == 400


@pytest.mark.parametrize("url", NESTED_BATCHES)
def test_no_batch_runs_within_a_batch(api: Api, channel: int, url: str) -> None:
    inner = envelope(creation(channel), boundary="i")
    http = f"POST {url} HTTP/1.1\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n{inner}\r\n"
    for identifier in ("", "Content-ID: batch\r\n"):
        (answer,) = run_flat(api, f"Content-Type: application/http\r\n{identifier}\r\n{http}")
        assert answer.status in (400, 404)
    (refused,) = run(api, change_set(f"Content-Type: application/http\r\n\r\n{http}"))
    assert isinstance(refused, Part)
    assert refused.status in (400, 404)
    assert opened(api, channel) == 0


def test_routes_without_a_place_in_batches_name_their_own_address(api: Api, channel: int) -> None:
    pk = api.open_batch(channel, log_file="all is well")["pk"]
    answers = run_flat(
        api,
        request("GET", batches(channel, pk, "log_file/")),
        request("GET", "/docs"),
        request("PATCH", "Products(1)/Attributes('N')", {}),
        request("GET", "/v1/Orders(5)/Export"),
        request("PUT", "Products%281%29/Labels%28%27it%27%27s%27%29"),
        request("PUT", "Products(1)/Labels('it''s')"),
        request("GET", "Products(1)/Labels('N')"),
    )
    assert [answer.status for answer in answers] == [400] * 6 + [404]
    messages = [answer.json()["error"]["message"] for answer in answers]
    assert f"{batches(channel, pk, 'log_file/')} by itself" in messages[0]
    assert "/docs" in messages[1]
    assert "/v1/AttributeValues(ProductID=1,Name='N')" in messages[2]
    assert "/v1/Orders(5)/Export" in messages[3]
    assert "/v1/ProductLabels(ProductID=1,Name='it''s')" in messages[4]
    assert messages[4] == messages[5]


def test_a_handler_is_imported_when_a_part_needs_it(api: Api, channel: int, monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    load = importlib.import_module

    def noting(name: str) -> Any:
        imported.append(name)
        return load(name)

    monkeypatch.setattr(importlib, "import_module", noting)
    event, _ = api.event("POST", "/v1/$batch", text=envelope(request("GET", "/api/v1/channels/")))
    event["headers"]["Content-Type"] = "multipart/mixed; boundary=b"
    assert odata.service.handler(event, Context())["statusCode"] == 200
    assert {name for name in imported if name.partition(".")[0] in OWN_PACKAGES} == {"channels.list"}


# Limits of requests, of time, and of the answer.

LIMITED = narrowed("tok_limited", requests_per_minute=10)


def test_a_batch_counts_its_requests_and_itself(api: Api, channel: int, at: Callable[[float], None]) -> None:
    at(13.2)
    client = Api(LIMITED)
    refused = send(client, envelope(*(creation(channel) for _ in range(10))))
    assert (refused.status, refused.headers["Retry-After"]) == (429, "47")
    assert refused.json()["error"]["code"] == "TooManyRequests"
    assert opened(api, channel) == 0
    # Of the refused one nothing was counted.
    assert [answer.status for answer in run_flat(client, *(creation(channel) for _ in range(5)))] == [201] * 5
    assert opened(api, channel) == 5
    assert client.get(batches(channel)).status == 200
    assert run(client, change_set(creation(channel), creation(channel)))
    assert client.get(batches(channel)).status == 429
    assert send(client, envelope(creation(channel))).status == 429
    at(13.2 + 47)
    assert len(run_flat(client, *(creation(channel) for _ in range(9)))) == 9
    assert client.get(batches(channel)).status == 429


def test_malformed_batches_and_strange_addresses_count_as_requests(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    client = Api(LIMITED)
    for _ in range(5):
        assert send(client, "nonsense").status == 400
        assert client.get("/v1/Products(1)").status == 404
    assert send(client, "nonsense").status == 429
    assert client.get("/v1/Products(1)").status == 429


def test_the_limit_is_one_with_single_requests_in_all_environments(
    api: Api, channel: int, at: Callable[[float], None]
) -> None:
    at(0)
    client = Api(LIMITED)
    statuses = []
    for _ in range(4):
        limits.reset()
        statuses.append(send(client, envelope(creation(channel), creation(channel))).status)
    limits.reset()
    assert statuses == [200, 200, 200, 429]
    assert client.get(batches(channel)).status == 200
    assert client.get(batches(channel)).status == 429


class _Ending(Context):
    """A Lambda context in which time runs out after some looks at the clock."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return RESERVE_MILLISECONDS + (1 if self.looks >= 0 else 0)


def test_no_request_of_a_batch_begins_when_time_runs_out(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The store's clients look at the clock, too; one that has the time to begin has it for its calls.
    assert clients.attempt_ms(clients._CONFIG) < RESERVE_MILLISECONDS
    monkeypatch.setattr("batchyard.deadline.allows", lambda _: True)
    headers = {"Content-Type": "multipart/mixed; boundary=b", "Prefer": "continue-on-error"}
    parts = [creation(channel), request("GET", batches(channel)), change_set(creation(channel), creation(channel))]
    event, _ = api.event("POST", "/v1/$batch", text=envelope(*parts, creation(channel)), headers=headers)
    for looks, expected, made in (
        (0, [503, 503, 503, 503], 0),
        (1, [201, 503, 503, 503], 1),
        (2, [201, 200, 503, 503], 1),
        (3, [201, 200, 503, 503], 1),
        (4, [201, 200, [201, 201], 503], 3),
        (5, [201, 200, [201, 201], 201], 4),
    ):
        before = opened(api, channel)
        result = odata.service.handler(event, _Ending(looks))
        answers = parts_of(Answer(200, {"Content-Type": result["headers"]["Content-Type"]}, result["body"]))
        found = [part.status if isinstance(part, Part) else [inner.status for inner in part] for part in answers]
        assert found == expected
        assert opened(api, channel) == before + made


def test_answers_without_room_in_a_batch_are_refused_one_by_one(api: Api, channel: int) -> None:
    objects = [{"pk": number, "remote_id": "x" * 200} for number in range(6000)]
    pk = api.open_batch(channel, status="commit", objects=objects)["pk"]
    one = batches(channel, pk)
    answers = run_flat(
        api,
        *(request("GET", one) for _ in range(6)),
        request("PATCH", one, {"remote_batch_id": "new"}),
        request("GET", "/api/v1/channels/"),
    )
    assert [answer.status for answer in answers] == [200, 200, 200, 413, 413, 413, 200, 200]
    assert answers[3].json()["error"]["code"] == "ContentTooLarge"
    assert answers[6].text == ""
    assert answers[6].headers["Preference-Applied"] == "return=minimal"
    assert answers[6].headers["ETag"] == '"3"'
    assert api.get(one).json()["remote_batch_id"] == "new"
    assert sum(len(answer.text) for answer in answers) < LARGEST_ANSWER


# The store.


def test_a_hundred_reads_of_a_batch_are_one_store_call(api: Api, channel: int, calls: Calls) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(100)]
    calls.clear()
    answers = run_flat(api, *(request("GET", batches(channel, pk)) for pk in pks))
    assert [answer.json()["pk"] for answer in answers] == pks
    assert calls == ["dynamodb.TransactGetItems"]


def test_reads_of_a_batch_between_writes_are_read_in_order(api: Api, channel: int, calls: Calls) -> None:
    first, second = (api.open_batch(channel)["pk"] for _ in range(2))
    calls.clear()
    one, two = batches(channel, first), batches(channel, second)
    answers = run_flat(
        api,
        request("GET", one),
        request("GET", two),
        request("PATCH", one, {"remote_batch_id": "new"}),
        request("GET", two),
        request("GET", one),
        request("GET", one),
        request("GET", batches(channel, 5)),
        request("GET", "/api/v1/nothing/"),
        request("GET", batches(channel) + "abc/"),
        request("GET", "$nobody"),
        request("GET", "https://evil.example"),
    )
    assert [answer.headers.get("ETag") for answer in answers[:6]] == ['"1"', '"1"', '"2"', '"1"', '"2"', '"2"']
    assert [answer.status for answer in answers[6:]] == [404, 404, 404, 400, 400]
    reads = [call for call in calls if "Get" in call]
    assert reads == ["dynamodb.TransactGetItems", "dynamodb.GetItem", "dynamodb.TransactGetItems"]


def test_reads_of_a_batch_that_cannot_be_shared_are_read_one_by_one(
    api: Api, channel: int, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    pks = [api.open_batch(channel)["pk"] for _ in range(3)]

    def refused(**_: Any) -> Any:
        raise ClientError(
            {"Error": {"Code": "ValidationException", "Message": "Payload in response is too large."}},
            "TransactGetItems",
        )

    monkeypatch.setattr(clients.dynamodb(), "transact_get_items", refused)
    calls.clear()
    answers = run_flat(api, *(request("GET", batches(channel, pk)) for pk in pks))
    assert [answer.json()["pk"] for answer in answers] == pks
    assert calls.count("dynamodb.GetItem") == 3


# Defects.


def test_a_handler_that_breaks_breaks_its_own_part_alone(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("s3cret")

    monkeypatch.setattr(sys.modules["channels.list"], "handler", broken)
    answers = run_flat(api, creation(channel), request("GET", "/api/v1/channels/", Content_ID="2"), creation(channel))
    assert [answer.status for answer in answers] == [201, 500, 201]
    assert (answers[1].id, answers[1].json()["error"]["code"]) == ("2", "InternalServerError")
    assert "RuntimeError" in caplog.text


def test_a_defect_of_the_batch_is_an_odata_error(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("s3cret")

    monkeypatch.setattr("odata.service.service.respond", broken)
    answer = send(api, envelope(request("GET", "/api/v1/channels/")))
    assert (answer.status, answer.json()["error"]["code"]) == (500, "InternalServerError")
    assert "RuntimeError" in caplog.text
