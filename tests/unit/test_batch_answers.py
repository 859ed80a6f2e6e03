"""The answer to a batch, to the byte, and how it is kept within what a function can answer."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard import errors
from batchyard.http.answers import LARGEST_ANSWER
from batchyard.odata import answers
from batchyard.odata import errors as odata_errors
from batchyard.odata.answers import Answers, ChangeSetAnswer, PartAnswer
from batchyard.odata.negotiation import Version
from batchyard.odata.query.errors import MalformedQuery
from tests.support.api import Answer
from tests.support.batch import Part, parts_of

READ = PartAnswer(200, {"Content-Type": "application/json", "ETag": '"2"'}, '{"pk":1,"name":"Mütze"}', "1")
CREATED = PartAnswer(
    201, {"Location": "https://api.example.com/1", "Content-Type": "application/json"}, "{}", "2", True
)
GONE = PartAnswer(204, {}, "", None, True)


def test_a_multipart_batch_answer_to_the_byte() -> None:
    body, content_type = answers.multipart([READ, ChangeSetAnswer([CREATED, GONE]), PartAnswer(404, {}, "", "x y")])
    boundary = re.fullmatch(
        r"multipart/mixed; boundary=(batchresponse_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", content_type
    )
    assert boundary
    inner = re.search(r"changesetresponse_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", body)
    assert inner
    assert body.replace(boundary[1], "OUTER").replace(inner[0], "INNER").encode() == (
        b"--OUTER\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-ID: 1\r\n"
        b"\r\n"
        b"HTTP/1.1 200 OK\r\n"
        b"Content-Type: application/json\r\n"
        b'ETag: "2"\r\n'
        b"Content-Length: 24\r\n"
        b"\r\n"
        b'{"pk":1,"name":"M\xc3\xbctze"}\r\n'
        b"--OUTER\r\n"
        b"Content-Type: multipart/mixed; boundary=INNER\r\n"
        b"\r\n"
        b"--INNER\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-ID: 2\r\n"
        b"\r\n"
        b"HTTP/1.1 201 Created\r\n"
        b"Location: https://api.example.com/1\r\n"
        b"Content-Type: application/json\r\n"
        b"Content-Length: 2\r\n"
        b"\r\n"
        b"{}\r\n"
        b"--INNER\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"\r\n"
        b"HTTP/1.1 204 No Content\r\n"
        b"\r\n"
        b"\r\n"
        b"--INNER--\r\n"
        b"\r\n"
        b"--OUTER\r\n"
        b"Content-Type: application/http\r\n"
        b"Content-Transfer-Encoding: binary\r\n"
        b"Content-ID: x y\r\n"
        b"\r\n"
        b"HTTP/1.1 404 Not Found\r\n"
        b"Content-Length: 0\r\n"
        b"\r\n"
        b"\r\n"
        b"--OUTER--\r\n"
    )


def test_each_batch_answer_has_a_boundary_of_its_own() -> None:
    assert len({answers.multipart([])[1] for _ in range(10)}) == 10


def test_a_json_batch_answer_to_the_byte() -> None:
    text = PartAnswer(200, {"Content-Type": "text/plain"}, 'a "b"\n', "3")
    body, content_type = answers.as_json([READ, ChangeSetAnswer([CREATED, GONE]), text])
    assert content_type == "application/json"
    assert body == (
        '{"responses":['
        '{"id":"1","status":200,"headers":{"content-type":"application/json","etag":"\\"2\\""},'
        '"body":{"pk":1,"name":"Mütze"}},'
        '{"id":"2","status":201,"headers":{"location":"https://api.example.com/1","content-type":"application/json"},'
        '"body":{}},'
        '{"id":null,"status":204,"headers":{}},'
        '{"id":"3","status":200,"headers":{"content-type":"text/plain"},"body":"a \\"b\\"\\n"}'
        "]}"
    )


def test_the_answer_to_an_empty_batch_is_empty() -> None:
    body, content_type = answers.multipart([])
    assert body == f"--{content_type.partition('=')[2]}--\r\n"
    assert answers.as_json([])[0] == '{"responses":[]}'


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=10)
_PARTS = st.builds(
    PartAnswer,
    st.sampled_from([200, 201, 303, 400, 404, 413, 424, 429, 503]),
    st.dictionaries(
        st.text("abcXYZ-", min_size=1, max_size=8),
        st.text('abc/;=0 "', max_size=8).map(lambda text: f"x{text}"),
        max_size=3,
    ),
    st.dictionaries(_TEXT, _TEXT, max_size=2).map(lambda body: json.dumps(body, ensure_ascii=False)),
    st.none() | _TEXT.filter(bool),
)


@given(st.lists(_PARTS | st.builds(ChangeSetAnswer, st.lists(_PARTS, min_size=1, max_size=3)), max_size=4))
def test_a_written_batch_answer_can_be_read(parts: list[PartAnswer | ChangeSetAnswer]) -> None:
    body, content_type = answers.multipart(parts)

    def plain(part: PartAnswer) -> Part:
        return Part(part.content_id, part.status, part.headers, part.body)

    expected = [list(map(plain, part.answers)) if isinstance(part, ChangeSetAnswer) else plain(part) for part in parts]
    assert parts_of(Answer(200, {"Content-Type": content_type}, body)) == expected
    flat = [a for part in parts for a in (part.answers if isinstance(part, ChangeSetAnswer) else [part])]
    responses = json.loads(answers.as_json(parts)[0])["responses"]
    assert [response["id"] for response in responses] == [answer.content_id for answer in flat]
    assert [response["status"] for response in responses] == [answer.status for answer in flat]


# Errors.


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (errors.Malformed("No."), 400, "BadRequest", "No."),
        (MalformedQuery("$top", "No.", 3), 400, "BadRequest", "$top, character 3: No."),
        (errors.Invalid({"a": ["b"]}), 400, "BadRequest", "a: b"),
        (errors.NotAuthenticated(), 401, "", "Authorization has been denied for this request."),
        (errors.NotPermitted(), 403, "Forbidden", None),
        (errors.NotFound(), 404, "NotFound", None),
        (errors.MethodNotAllowed("GET", ["POST"]), 405, "MethodNotAllowed", None),
        (errors.Conflict(), 409, "Conflict", None),
        (errors.PreconditionFailed(), 412, "PreconditionFailed", None),
        (errors.TooLarge(), 413, "ContentTooLarge", None),
        (errors.UnsupportedMediaType("text/plain"), 415, "UnsupportedMediaType", None),
        (errors.FailedDependency(), 424, "FailedDependency", None),
        (errors.Throttled(7), 429, "TooManyRequests", None),
        (errors.NotSupported("No."), 501, "NotImplemented", "No."),
        (errors.Contended(), 503, "ServiceUnavailable", None),
        (errors.Unavailable(), 503, "ServiceUnavailable", None),
        (errors.BatchyardError(), 500, "InternalServerError", None),
    ],
)
def test_errors_in_odatas_form(error: errors.BatchyardError, status: int, code: str, message: str | None) -> None:
    found, headers, body = odata_errors.answer(error)
    assert (found, headers["Content-Type"], headers["OData-Version"]) == (status, "application/json", "4.0")
    (content,) = json.loads(body).values()
    assert list(json.loads(body)) == ["error"]
    assert list(content) == ["code", "message"]
    assert content["code"] == code
    assert content["message"] == (message or error.detail or content["message"])
    assert content["message"]
    _, _, as_version3 = odata_errors.answer(error, Version("3.0", legacy=True))
    assert json.loads(as_version3) == {
        "odata.error": {"code": code, "message": {"lang": "en-US", "value": content["message"]}}
    }


def test_odata_errors_with_headers() -> None:
    assert odata_errors.answer(errors.Throttled(7))[1]["Retry-After"] == "7"
    assert odata_errors.answer(errors.MethodNotAllowed("GET", ["POST", "PUT"]))[1]["Allow"] == "POST, PUT"


# Room.


def refuse(answer: PartAnswer) -> PartAnswer:
    """What is answered instead."""
    return PartAnswer(413, {}, '{"error":"no room"}', answer.content_id)


def fitted(parts: Answers, count: int) -> list[Any]:
    """Statuses and sizes after fitting, with all of them in what Lambda can carry."""
    found = list(answers.fitting(parts, count, refuse))
    for write in (answers.multipart, answers.as_json):
        result = {"statusCode": 200, "headers": {}, "body": write(found)[0]}
        assert len(json.dumps(result, ensure_ascii=False).encode()) <= LARGEST_ANSWER
    return found


def read_of(size: int, content_id: str = "1") -> PartAnswer:
    """An answer to a read with a JSON string of quotes, which cost most."""
    return PartAnswer(200, {"Content-Type": "application/json"}, json.dumps('"' * size), content_id)


def test_small_batch_answers_are_left_alone() -> None:
    parts: Answers = [READ, ChangeSetAnswer([CREATED, GONE])]
    assert fitted(parts, 3) == parts


def test_reads_without_room_are_refused_and_later_ones_may_have_it() -> None:
    size = 1_000_000
    found = fitted([read_of(size), read_of(size), READ, read_of(size), CREATED], 5)
    assert [answer.status for answer in found] == [200, 413, 200, 413, 201]


def test_writes_without_room_keep_all_but_their_bodies() -> None:
    large = PartAnswer(201, {"Location": "x"}, json.dumps("x" * 4_000_000), "1", wrote=True)
    first, second = fitted([large, ChangeSetAnswer([large, CREATED])], 3)
    assert first == large
    assert second.answers == [
        PartAnswer(201, {"Location": "x", "Preference-Applied": "return=minimal"}, "", "1", wrote=True),
        CREATED,
    ]


def test_a_hundred_batch_answers_of_greatest_length() -> None:
    wide = PartAnswer(
        201,
        {"Location": "x" * 1000, "ETag": '"' * 50},
        json.dumps('\\"ü' * 100_000),
        "\N{GRINNING FACE}" * 255,
        wrote=True,
    )
    fitted([ChangeSetAnswer([wide])] * 100, 200)
    fitted([wide] * 100, 100)
