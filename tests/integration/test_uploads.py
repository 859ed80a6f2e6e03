"""Files of users: brought along or put at a URL, got back, removed; and nobody else's."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from batchyard import clock, ulids
from batchyard.errors import Unavailable
from batchyard.store import blobs, clients
from batchyard.store.blobs import Blob
from batchyard.store.unit import transact
from batchyard.uploads import operations
from batchyard.user_ids import user_id
from tests.support import aws
from tests.support.api import EVERYTHING, Answer, Api, caller_with

BOUNDARY = "----b0undary"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
OWN = f"files/{user_id(EVERYTHING.user)}"
KEY = re.compile(rf"{OWN}/[0-9A-HJKMNP-TV-Z]{{26}}/(.+)")
OTHER = Api(caller_with("somebody else", "tok_other", writes=True, channels=None, collections=None, catalogue="write"))
DAY, MINUTE = 86_400, 60


def form(*files: tuple[str, bytes], field: str = "files", media_type: str = "text/csv") -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {media_type}\r\n\r\n".encode()
        + content
        for name, content in files
    ]
    return b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def upload(api: Api, *files: tuple[str, bytes], path: str = "/admin/uploads", **options: str) -> Answer:
    return api.post(path, text=form(*files, **options), headers=FORM)


def uploaded(api: Api, name: str = "products.csv", content: bytes = b"x") -> str:
    answer = upload(api, (name, content))
    assert answer.status == 200, answer.text
    return str(answer.json()["uploads"][0]["key"])


def presigned(api: Api, size: int = 3, name: str = "large.csv") -> dict[str, str]:
    answer = api.post("/admin/uploads/presigned-urls", {"file_name": name, "size": size})
    assert answer.status == 201, answer.text
    return dict(answer.json())


def got(api: Api, key: Any) -> Answer:
    return api.post("/admin/uploads/download-url", {"file_key": key})


def deleted(api: Api, key: Any) -> Answer:
    return api("DELETE", "/admin/uploads", {"file_key": key})


def content(key: str) -> bytes:
    return blobs.read(key)


@pytest.mark.parametrize("path", ["/admin/uploads", "/admin/uploads/protected"])
def test_files_of_a_form_are_stored_to_the_byte(api: Api, path: str) -> None:
    every = bytes(range(256))
    answer = upload(api, ("products.csv", every), ("Größen 1.csv", b""), ("products.csv", b"\xef\xbf\xbd"), path=path)
    assert answer.status == 200
    found = answer.json()["uploads"]
    assert [list(one) for one in found] == [["url", "key"]] * 3
    names = [KEY.fullmatch(one["key"]) for one in found]
    assert [name and name[1] for name in names] == ["products.csv", "Größen 1.csv", "products.csv"]
    assert [content(one["key"]) for one in found] == [every, b"", b"\xef\xbf\xbd"]
    assert answer.headers["Cache-Control"] == "no-store"
    head = clients.s3().head_object(Bucket=blobs.bucket(), Key=found[0]["key"])
    assert head["ContentType"] == "text/csv"


def test_a_url_gives_the_file_as_an_attachment_for_an_hour(api: Api) -> None:
    answer = upload(api, ('Größe "1".csv'.replace('"', "%22"), b"x"))
    [found] = answer.json()["uploads"]
    for url in (found["url"], got(api, found["key"]).json()["download_url"]):
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        assert unquote(parts.path) == f"/{found['key']}"
        assert query["X-Amz-Expires"] == ["3600"]
        assert query["response-content-disposition"] == [
            "attachment; filename=\"Gr__e _1_.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22.csv"
        ]


def test_all_files_of_a_request_have_four_mebibytes(api: Api, stores: dict[str, str]) -> None:
    half = bytes(2 * 1024 * 1024)
    refused = upload(api, ("a", half), ("b", half), ("c", b"x"))
    assert (refused.status, refused.json()["type"]) == (413, "content_too_large")
    assert "4194305 bytes" in refused.json()["message"]
    assert "presigned-urls" in refused.json()["message"]
    assert aws.keys_in_bucket(stores) == []
    assert upload(api, ("a", half), ("b", half)).status == 200


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (form(), FORM, 400, "files must contain at least 1 elements"),
        (form(("", b"")), FORM, 400, "files must contain at least 1 elements"),
        (form(*[("a", b"x")] * 101), FORM, 400, "files must contain no more than 100 elements"),
        (form(("..", b"x")), FORM, 400, "file_name must be a name without folders and control characters"),
        (form(("x" * 256, b"x")), FORM, 400, "file_name must be shorter than or equal to 255 characters"),
        (form(("a", b"x"), field="file"), FORM, 400, "property file should not exist"),
        (b"x", FORM, 400, "The form cannot be read: Unexpected end of multipart stream (parser closed)"),
        (b"x", {"Content-Type": "multipart/form-data"}, 400, "The form cannot be read: Empty boundary"),
        (None, FORM, 400, "The form cannot be read: Unexpected end of multipart stream (parser closed)"),
        (
            *(form(("Größe", b"x")).decode().encode("latin-1"), FORM, 400),
            "The form cannot be read: Segment header failed to decode",
        ),
        ("{}", {}, 415, 'Unsupported media type "application/json" in request.'),
        (None, {}, 415, 'Unsupported media type "application/json" in request.'),
        ("a=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415, None),
        (form(("a", b"x")), {**FORM, "Content-Encoding": "br"}, 415, 'Unsupported content coding "br" in request.'),
    ],
)
def test_a_body_that_is_no_form_with_files_is_refused(
    api: Api, stores: dict[str, str], body: Any, headers: dict[str, str], status: int, message: str | None
) -> None:
    refused = api.post("/admin/uploads", text=body, headers=headers)
    assert refused.status == status, refused.text
    assert list(refused.json()) == ["type", "message"]
    assert message in {None, refused.json()["message"]}
    assert aws.keys_in_bucket(stores) == []


def test_a_large_file_is_put_at_a_url_that_is_signed_for_its_size(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    found = presigned(api, 5 * 1024**3, "Größen.csv")
    assert list(found) == ["url", "key", "expires_at"]
    name = KEY.fullmatch(found["key"])
    assert name is not None
    assert name[1] == "Größen.csv"
    assert found["expires_at"] == clock.iso_milliseconds(clock.now() + 15 * MINUTE * 1_000_000)
    parts = urlsplit(found["url"])
    query = parse_qs(parts.query)
    assert unquote(parts.path) == f"/{found['key']}"
    assert query["X-Amz-SignedHeaders"] == ["content-length;host"]
    assert query["X-Amz-Expires"] == ["900"]
    # Another size has another signature.
    url = blobs.upload_url(found["key"], 5 * 1024**3 - 1, 900)
    assert parse_qs(urlsplit(url).query)["X-Amz-Signature"] != query["X-Amz-Signature"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "file_name must be a string, size must be a number conforming to the specified constraints"),
        ({"file_name": "a", "size": -1}, "size must not be less than 0"),
        ({"file_name": "a", "size": 5 * 1024**3 + 1}, "size must not be greater than 5368709120"),
        ({"file_name": "a", "size": "1"}, "size must be a number conforming to the specified constraints"),
        ({"file_name": "a", "size": True}, "size must be a number conforming to the specified constraints"),
        ({"file_name": "", "size": 1}, "file_name must be longer than or equal to 1 characters"),
        ({"file_name": "x" * 256, "size": 1}, "file_name must be shorter than or equal to 255 characters"),
        ({"file_name": "a/b", "size": 1}, "file_name must be a name without folders and control characters"),
        ({"file_name": "a\nb", "size": 1}, "file_name must be a name without folders and control characters"),
        ({"file_name": "a", "size": 1, "x": 1}, "property x should not exist"),
    ],
)
def test_a_url_is_for_a_name_and_a_size(api: Api, body: dict[str, Any], message: str) -> None:
    refused = api.post("/admin/uploads/presigned-urls", body)
    assert (refused.status, refused.json()) == (400, {"type": "invalid_data", "message": message})


def test_a_file_put_at_a_presigned_url_is_there(api: Api) -> None:
    key = presigned(api)["key"]
    assert got(api, key).status == 404
    assert operations.own(EVERYTHING.user, key) is None
    blobs.write(Blob(key, b"abc", "text/csv"))
    assert got(api, key).status == 200
    first = operations.own(EVERYTHING.user, key)
    assert first is not None
    assert (first.key, first.size) == (key, 3)
    # Its content may change while the URL works, and its version tells.
    clients.s3().put_object(Bucket=blobs.bucket(), Key=key, Body=b"abcd")
    second = operations.own(EVERYTHING.user, key)
    assert second is not None
    assert (second.size, second.version != first.version) == (4, True)
    kept = clients.s3().get_object(Bucket=blobs.bucket(), Key=key, VersionId=first.version)
    assert kept["Body"].read() == b"abc"


def test_a_file_is_removed_once(api: Api, stores: dict[str, str]) -> None:
    key, other = uploaded(api), uploaded(api)
    answer = deleted(api, key)
    assert (answer.status, answer.json()) == (200, {"id": key, "object": "file", "deleted": True})
    assert aws.keys_in_bucket(stores) == [other]
    for again in (deleted(api, key), got(api, key)):
        assert (again.status, again.json()) == (
            404,
            {"type": "not_found", "message": f"File with key {key} was not found"},
        )


def test_a_file_of_another_user_is_answered_like_a_missing_file(api: Api, stores: dict[str, str]) -> None:
    own, foreign = uploaded(api), uploaded(OTHER)
    others = {"objects/5/1/x", "logs/5/1/x", "exports/c/1/x", "uploads/5/1/x", "aws/lambda/x", "files/x", "files/"}
    for key in others:
        blobs.write(Blob(key, b"x", "text/plain"))
    before = sorted(aws.keys_in_bucket(stores))
    user, random = own.split("/")[1:3]
    keys = {
        *others,
        foreign,
        foreign.replace(foreign.split("/")[1], user),
        own.replace(user, foreign.split("/")[1]),
        f"files/{user}/../{foreign.removeprefix('files/')}",
        f"files/{user}/{random}/../../../objects/5/1/x",
        f"files/{user}/{random}/..",
        f"files/{user}/{random}/",
        f"files/{user}/{random}",
        f"files/{user}/",
        f"/{own}",
        f"{own}/",
        f"{own}?versionId=x",
        own.replace("/", "%2F"),
        own.replace("/", "%2f"),
        own.replace("files", "%66iles"),
        own.replace("/", "//", 1),
        own.replace("files", "FILES"),
        f"./{own}",
        f"s3://{stores['CONTENT_BUCKET']}/{own}",
        f" {own}",
        f"{own}\x00",
        "",
        "*",
        "..",
        "x" * 1024,
    }
    for key in sorted(keys):
        refused = [got(api, key), deleted(api, key)]
        assert operations.own(EVERYTHING.user, key) is None
        for answer in refused:
            assert answer.status == 404, key
            shown = key if len(key) < 900 else None
            assert shown is None or answer.json()["message"] == f"File with key {key} was not found"
    assert sorted(aws.keys_in_bucket(stores)) == before
    assert got(api, own).status == got(OTHER, foreign).status == 200


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "file_key must be a string"),
        ({"file_key": None}, "file_key must be a string"),
        ({"file_key": ["a"]}, "file_key must be a string"),
        ({"file_key": "x" * 1025}, "file_key must be shorter than or equal to 1024 characters"),
        ({"file_key": "a", "id": 1}, "property id should not exist"),
        ({"file_key": "\ud800"}, "file_key must be a string"),
    ],
)
def test_a_file_is_named_by_its_key_alone(api: Api, body: Any, message: str) -> None:
    for method, path in (("POST", "/admin/uploads/download-url"), ("DELETE", "/admin/uploads")):
        refused = api(method, path, text=json.dumps(body))
        assert (refused.status, refused.json()) == (400, {"type": "invalid_data", "message": message})
    for text, status in ((None, 400), ("", 400), ("[]", 400), ("{", 400)):
        assert api("DELETE", "/admin/uploads", text=text).status == status
    refused = api("DELETE", "/admin/uploads", text="x", headers={"Content-Type": "text/plain"})
    assert refused.status == 415


def test_a_user_may_have_a_hundred_open_uploads(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    upload(api, *((f"{n}.csv", b"x") for n in range(60)))
    keys = [presigned(api)["key"] for _ in range(39)]
    refusals = [upload(api, ("a", b"x"), ("b", b"x"))]
    uploaded(api)
    refusals += [upload(api, ("a", b"x")), api.post("/admin/uploads/presigned-urls", {"file_name": "a", "size": 1})]
    for refused in refusals:
        assert refused.status == 429, refused.text
        assert refused.json()["type"] == "too_many_requests"
        assert "There may be 100 uploads that no job has used" in refused.json()["message"]
        assert refused.headers["Retry-After"] == str(2 * DAY)
    assert upload(OTHER, ("a", b"x")).status == 200
    # One that could be put again at its URL stays open as long as that works.
    blobs.write(Blob(keys[0], b"abc", "text/csv"))
    assert deleted(api, keys[0]).status == 200
    assert upload(api, ("a", b"x")).status == 429
    at(15 * MINUTE + 1)
    assert upload(api, ("a", b"x")).status == 200
    assert upload(api, ("a", b"x")).status == 429


def test_removing_a_file_makes_room(api: Api) -> None:
    for _ in range(2):
        upload(api, *((f"{n}.csv", b"x") for n in range(49)))
    keys = [uploaded(api), uploaded(api)]
    assert upload(api, ("a", b"x")).status == 429
    assert deleted(api, keys[0]).status == 200
    assert upload(api, ("a", b"x")).status == 200
    assert upload(api, ("a", b"x")).status == 429


def test_a_job_that_uses_a_file_makes_room_and_keeps_it(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    used, unused = uploaded(api), uploaded(api)
    for _ in range(2):
        upload(api, *((f"{n}.csv", b"x") for n in range(49)))
    assert upload(api, ("a", b"x")).status == 429
    transact(lambda unit: operations.use(unit, EVERYTHING.user, used))
    assert upload(api, ("a", b"x")).status == 200
    # Used again by another job.
    transact(lambda unit: operations.use(unit, EVERYTHING.user, used))
    at(2 * DAY - 1)
    assert got(api, unused).status == got(api, used).status == 200
    at(2 * DAY)
    assert (got(api, unused).status, got(api, used).status) == (404, 200)
    assert (deleted(api, unused).status, upload(api, ("a", b"x")).status) == (404, 200)
    at(7 * DAY - 1)
    assert got(api, used).status == 200
    at(7 * DAY)
    assert got(api, used).status == 404


def test_a_file_written_by_a_job_belongs_to_its_user(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    key = operations.new_key(EVERYTHING.user, "product-export.csv")
    transact(lambda unit: operations.use(unit, EVERYTHING.user, key))
    blobs.write(Blob(key, b"x", "text/csv"))
    at(6 * DAY)
    assert got(api, key).status == 200
    assert got(OTHER, key).status == 404
    assert deleted(api, key).status == 200


def test_a_file_of_nobody_is_not_used(api: Api) -> None:
    foreign = uploaded(OTHER)
    with pytest.raises(ValueError, match="is no file of this user"):
        transact(lambda unit: operations.use(unit, EVERYTHING.user, foreign))


def test_a_file_that_cannot_be_stored_is_no_open_upload(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Blob) -> None:
        raise Unavailable

    with monkeypatch.context() as patched:
        patched.setattr(blobs, "write", fail)
        for _ in range(3):
            refused = upload(api, *((f"{n}.csv", b"x") for n in range(50)))
            assert (refused.status, refused.json()["type"]) == (503, "service_unavailable")
    assert upload(api, *((f"{n}.csv", b"x") for n in range(100))).status == 200


def test_a_missing_file_that_s3_answers_with_403_is_404(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 answers 403 to a HEAD of nothing, unless who asks may list the bucket; these functions may not."""
    key = f"{OWN}/{ulids.new(clock.now())}/x"

    def refuse(**_: Any) -> Any:
        raise clients.s3().exceptions.ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")

    monkeypatch.setattr(clients.s3(), "head_object", refuse)
    assert got(api, key).status == 404


def test_a_token_that_reads_downloads_files_and_uploads_none(api: Api) -> None:
    key = uploaded(api)
    reader = Api(EVERYTHING._replace(token="tok_reader", scope=EVERYTHING.scope._replace(catalogue="read")))
    assert got(reader, key).status == 200
    for refused in (
        upload(reader, ("a", b"x")),
        upload(reader, ("a", b"x"), path="/admin/uploads/protected"),
        deleted(reader, key),
        reader.post("/admin/uploads/presigned-urls", {"file_name": "a", "size": 1}),
    ):
        assert (refused.status, refused.json()) == (
            403,
            {"type": "forbidden", "message": "The token does not permit this."},
        )
    outside = Api(EVERYTHING._replace(token="tok_outside", scope=EVERYTHING.scope._replace(catalogue="none")))
    assert got(outside, key).status == 403


def test_routes_of_uploads_refuse_query_parameters(api: Api) -> None:
    key = uploaded(api)
    for method, path, body in (
        ("POST", "/admin/uploads/download-url", {"file_key": key}),
        ("DELETE", "/admin/uploads", {"file_key": key}),
        ("POST", "/admin/uploads/presigned-urls", {"file_name": "a", "size": 1}),
    ):
        refused = api(method, f"{path}?foo=1", body)
        assert (refused.status, refused.json()["message"]) == (400, "property foo should not exist")
    refused = api.post("/admin/uploads?foo=1", text=form(("a", b"x")), headers=FORM)
    assert (refused.status, refused.json()["message"]) == (400, "property foo should not exist")


def test_uploads_without_a_token_are_401() -> None:
    for method, path in (
        ("POST", "/admin/uploads"),
        ("DELETE", "/admin/uploads"),
        ("POST", "/admin/uploads/download-url"),
    ):
        refused = Api(None)(method, path, {})
        assert (refused.status, refused.text) == (401, "Unauthorized")
        assert refused.headers["Content-Type"] == "text/plain"
