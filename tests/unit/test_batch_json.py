"""The JSON form of a batch: what it may hold, and what it means for the requests in it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.odata import json_form
from batchyard.odata.envelope import (
    LARGEST_HEADERS,
    LONGEST_ID,
    Batch,
    ChangeSet,
    MalformedBatchError,
    PartRequest,
)


def parse(*requests: Any) -> Batch:
    """The batch of these entries."""
    return json_form.parse(json.dumps({"requests": requests}).encode())


def only(**fields: Any) -> PartRequest:
    """The request of one entry."""
    (request,) = parse({"id": "1", "method": "GET", "url": "Products", **fields}).parts
    assert isinstance(request, PartRequest)
    return request


def get(identifier: str, **fields: Any) -> dict[str, Any]:
    """An entry."""
    return {"id": identifier, "method": "GET", "url": "Products", **fields}


def test_fields_of_a_request_in_a_json_batch() -> None:
    batch = json_form.parse(
        b'{"requests": [\r\n'
        b'  {"id": "0", "method": "get", "url": " Products(1) ", "extra": true},\r\n'
        b'  {"id": "one", "method": "PATCH", "url": "/v1/Products(1)", "headers": {"If-Match": " \\"3\\" "},\r\n'
        b'   "body": {"Title": "M\xc3\xbctze", "Price": 1.50, "None": null}}\r\n'
        b"]}\r\n"
    )
    assert batch == Batch(
        [
            PartRequest("GET", "Products(1)", content_id="0"),
            PartRequest(
                "PATCH",
                "/v1/Products(1)",
                {"if-match": '"3"', "content-type": "application/json"},
                rb'{"Title":"M\u00fctze","Price":1.5,"None":null}',
                "one",
            ),
        ]
    )
    assert not batch.nested


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        (None, {"a": [1]}, b'{"a":[1]}'),
        (None, "text", b'"text"'),
        ("application/json;charset=utf-8", "text", b'"text"'),
        ("application/vnd.api+json", "text", b'"text"'),
        ("text/plain", "text ü", "text ü".encode()),
        ("text/plain", {"a": 1}, b'{"a":1}'),
        (None, "\ud800", rb'"\ud800"'),
    ],
)
def test_bodies_of_a_json_batch(content_type: str | None, body: Any, sent: bytes) -> None:
    request = only(method="POST", headers={"Content-Type": content_type} if content_type else {}, body=body)
    assert (request.error, request.body) == (None, sent)
    assert request.headers == {"content-type": content_type or "application/json"}


def test_a_request_without_a_body_in_a_json_batch() -> None:
    assert (only().body, only().headers) == (b"", {})
    assert only(headers=None, dependsOn=None, atomicityGroup=None) == only()
    assert (only(method="POST", body=None).body, only(method="POST", body=None).headers) == (b"", {})


def test_an_atomicity_group_is_a_change_set() -> None:
    batch = parse(
        get("0"), get("1", atomicityGroup="g"), get("2", atomicityGroup="g"), get("3", atomicityGroup="h"), get("4")
    )
    names = [
        (part.name, [request.content_id for request in part.requests])
        if isinstance(part, ChangeSet)
        else part.content_id
        for part in batch.parts
    ]
    assert names == ["0", ("g", ["1", "2"]), ("h", ["3"]), "4"]
    assert batch.nested


def test_dependencies_on_requests_and_on_groups() -> None:
    batch = parse(
        get("0"),
        get("1", atomicityGroup="g", dependsOn=["0"]),
        get("2", atomicityGroup="g", dependsOn=["1"]),
        get("3", dependsOn=["g", "0"]),
    )
    assert [request.depends_on for request in batch.requests()] == [(), ("0",), ("1",), ("g", "0")]


@pytest.mark.parametrize(
    "fields",
    [
        {"method": None},
        {"method": ""},
        {"method": 5},
        {"method": "GE T"},
        {"method": "GÉT"},
        {"url": None},
        {"url": " "},
        {"url": ["Products"]},
        {"url": "Products\nHost: evil"},
        {"url": "Products\x00"},
        {"url": "Products\ud800"},
        {"headers": ["Accept"]},
        {"headers": "Accept: x"},
        {"headers": {"Accept": 1}},
        {"headers": {"Accept": "a\r\nHost: evil"}},
        {"headers": {"Acc ept": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"Accept:": "a"}},
        {"headers": {"X": "x" * LARGEST_HEADERS}},
        {"url": "x" * (LARGEST_HEADERS + 1)},
        {"headers": {"Content-Type": "text/plain"}, "body": "\ud800"},
    ],
)
def test_a_malformed_request_in_a_json_batch(fields: dict[str, Any]) -> None:
    (bad, good) = parse(get("1", **fields), get("2")).requests()
    assert bad.error
    assert bad.content_id == "1"
    assert good.error is None


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": None}, "a method"),
        ({"method": "GE T"}, "a method"),
        ({"url": None}, "a url"),
        ({"url": "Products\nHost: evil"}, "a url"),
        ({"headers": ["Accept"]}, "headers must be an object"),
        ({"headers": {"Accept": "a", "Content-Length": 12}}, "header Content-Length must be a string"),
        ({"headers": {"Accept": "a\r\nHost: evil"}}, "header Accept must be a string without"),
        ({"headers": {"Acc ept": "a"}}, '"Acc ept" is no name of a header'),
    ],
)
def test_a_malformed_request_in_a_json_batch_is_told_what_is_wrong(fields: dict[str, Any], words: str) -> None:
    (request,) = parse(get("1", **fields)).requests()
    assert words in str(request.error)


@pytest.mark.parametrize(
    ("last", "words"),
    [
        ({"id": 2}, r"requests\[2\] must have an id, a string of 1 to 255"),
        ({"id": None}, r"requests\[2\] must have an id"),
        ({"id": ""}, r"requests\[2\] must have an id"),
        ({"atomicityGroup": 1}, r"atomicityGroup of requests\[2\] must be a string"),
        ({"dependsOn": "0"}, r"requests\[2\] must depend on a list"),
        ({"dependsOn": ["0", "9"]}, r'requests\[2\] depends on "9"'),
        ({"dependsOn": ["2"]}, r'requests\[2\] depends on "2"'),
        ({"dependsOn": [0]}, r"requests\[2\] depends on 0,"),
        ({"dependsOn": [["0"]]}, r'requests\[2\] depends on \["0"\]'),
        ({"id": "1"}, '"1" stands for two requests'),
    ],
)
def test_a_malformed_envelope_of_a_json_batch_is_told_where(last: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedBatchError, match=words):
        parse(get("0"), get("1"), {**get("2"), **last})
    with pytest.raises(MalformedBatchError, match=r"requests\[1\] must be an object"):
        json_form.parse(json.dumps({"requests": [get("0"), None, last]}).encode())


def test_a_number_that_cannot_be_sent() -> None:
    (request,) = json_form.parse(b'{"requests":[{"id":"1","method":"PUT","url":"x","body":[1e999]}]}').requests()
    assert request.error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"requests": {}}',
        b'{"requests": ["GET Products"]}',
        b'{"requests": [{"id": "1", "method": "GET", "url": "x"}, null]}',
        b'{"requests": [{"method": "GET", "url": "x"}]}',
        b'{"requests": [{"id": "", "method": "GET", "url": "x"}]}',
        b'{"requests": [{"id": 1, "method": "GET", "url": "x"}]}',
        b'{"requests": [{"id": "a\\nb", "method": "GET", "url": "x"}]}',
        b'{"requests": [{"id": "\\ud800", "method": "GET", "url": "x"}]}',
        b'{"requests": [{"id": "1", "method": "PUT", "url": "x", "body": NaN}]}',
        b'{"requests": [{"id": "1", "method": "PUT", "url": "x", "body": ' + b"9" * 5000 + b"}]}",
        b"[" * 100_000,
        b'{"requests": [' * 1000 + b"]}" * 1000,
    ],
)
def test_a_malformed_envelope_of_a_json_batch(body: bytes) -> None:
    with pytest.raises(MalformedBatchError):
        json_form.parse(body)


@pytest.mark.parametrize(
    "requests",
    [
        [get("1"), get("1")],
        [get("i" * (LONGEST_ID + 1))],
        [get("1", atomicityGroup="g"), get("1", atomicityGroup="g")],
        [get("1", atomicityGroup="g"), get("2"), get("3", atomicityGroup="g")],
        [get("1", atomicityGroup="g"), get("2", atomicityGroup="h"), get("3", atomicityGroup="g")],
        [get("g"), get("1", atomicityGroup="g")],
        [get("1", atomicityGroup="g"), get("g")],
        [get("1", atomicityGroup="1")],
        [get("1", atomicityGroup="")],
        [get("1", atomicityGroup=7)],
        [get("1", atomicityGroup="g" * (LONGEST_ID + 1))],
        [get("1", dependsOn=["2"]), get("2")],
        [get("1", dependsOn=["1"])],
        [get("1", dependsOn=["nobody"])],
        [get("1", dependsOn="0")],
        [get("0"), get("1", dependsOn=[0])],
        [get("1", atomicityGroup="g", dependsOn=["g"])],
    ],
)
def test_impossible_ids_and_dependencies_in_a_json_batch_are_refused(requests: list[dict[str, Any]]) -> None:
    with pytest.raises(MalformedBatchError):
        parse(*requests)


def test_a_batch_holds_a_hundred_requests_or_none() -> None:
    assert len(parse(*(get(str(number)) for number in range(100)))) == 100
    assert parse() == Batch()
    with pytest.raises(MalformedBatchError, match="at most 100 requests"):
        parse(*(get(str(number)) for number in range(101)))


def test_a_deep_body_is_read_or_refused() -> None:
    for depth in range(100, 3000, 100):
        body = b'{"requests":[{"id":"1","method":"PUT","url":"x","body":' + b"[" * depth + b"]" * depth + b"}]}"
        with suppress(MalformedBatchError):
            (request,) = json_form.parse(body).requests()
            assert request.error or request.body == b"[" * depth + b"]" * depth


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
_ENTRIES = st.dictionaries(
    st.sampled_from(["id", "method", "url", "headers", "body", "atomicityGroup", "dependsOn"]),
    st.sampled_from(["1", "2", "g", "GET", ["1"], {"A": "b"}]) | _JSON,
)


@given(st.lists(_ENTRIES, max_size=5) | _JSON)
def test_any_json_batch_is_read_or_refused(requests: Any) -> None:
    with suppress(MalformedBatchError):
        for request in json_form.parse(json.dumps({"requests": requests}).encode()).requests():
            assert request.content_id
            assert request.error or (request.method.isupper() and request.url)


@given(st.binary(max_size=50))
def test_any_bytes_as_a_json_batch_are_read_or_refused(body: bytes) -> None:
    with suppress(MalformedBatchError):
        json_form.parse(body)
