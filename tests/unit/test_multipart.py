"""The multipart forms of a batch, byte by byte: what clients write, what is refused, and what it costs."""

import email
import email.policy
import json
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchyard.odata import multipart
from batchyard.odata.envelope import (
    LARGEST_BATCH,
    LARGEST_HEADERS,
    LONGEST_ID,
    Batch,
    ChangeSet,
    MalformedBatchError,
    PartRequest,
)
from tests.support.work import steps

LINE_ENDS = [pytest.param(b"\n", id="LF"), pytest.param(b"\r\n", id="CRLF")]

Reader = Callable[..., Batch]


@pytest.fixture(params=LINE_ENDS)
def read(request: pytest.FixtureRequest) -> Reader:
    """Reads a body that is written with LF here, with each of the line ends that clients write."""

    def parse(body: bytes, content_type: str = "multipart/mixed; boundary=b") -> Batch:
        assert b"\r" not in body
        return multipart.parse(body.replace(b"\n", request.param), content_type)

    return parse


def only(batch: Batch) -> PartRequest:
    """The only request of a batch, which can be read."""
    (request,) = batch.parts
    assert isinstance(request, PartRequest)
    assert request.error is None
    return request


def refused(batch: Batch) -> str:
    """Why the only request of a batch cannot be read."""
    (request,) = batch.parts
    assert isinstance(request, PartRequest)
    assert request.error is not None
    return request.error


def one(http: bytes, mime: bytes = b"Content-Type: application/http\n") -> bytes:
    """A batch of one request, with LF."""
    return b"--b\n" + mime + b"\n" + http + b"\n--b--\n"


# The forms.


def test_the_flat_multipart_form(read: Reader) -> None:
    batch = read(
        b"--batch\n"
        b"Content-Type: multipart/mixed; boundary=changeset\n"
        b"\n"
        b"--changeset\n"
        b"Content-Type: application/http\n"
        b"Content-Transfer-Encoding: binary\n"
        b"Content-ID: 1\n"
        b"\n"
        b"PATCH https://api.example.com/v1/Products(1) HTTP/1.1\n"
        b"Content-Type: application/json;charset=utf-8;type=entry\n"
        b"Prefer: return=minimal\n"
        b"\n"
        b'{"Title": "M\xc3\xbctze"}\n'
        b"--changeset\n"
        b"Content-Type: application/http\n"
        b"Content-Transfer-Encoding: binary\n"
        b"Content-ID: 2\n"
        b"\n"
        b"GET https://api.example.com/v1/Products(2) HTTP/1.1\n"
        b"\n"
        b"--changeset--\n"
        b"--batch--\n",
        "multipart/mixed; boundary=changeset",
    )
    assert batch == Batch(
        [
            PartRequest(
                "PATCH",
                "https://api.example.com/v1/Products(1)",
                {"content-type": "application/json;charset=utf-8;type=entry", "prefer": "return=minimal"},
                '{"Title": "Mütze"}'.encode(),
                "1",
            ),
            PartRequest("GET", "https://api.example.com/v1/Products(2)", {}, b"", "2"),
        ]
    )
    assert not batch.nested


def test_the_nested_multipart_form(read: Reader) -> None:
    batch = read(
        b"--batch_x\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"GET Products(1) HTTP/1.1\n"
        b"\n"
        b"\n"
        b"--batch_x\n"
        b"Content-Type: multipart/mixed; boundary=changeset_y\n"
        b"\n"
        b"--changeset_y\n"
        b"Content-Type: application/http\n"
        b"Content-ID: a\n"
        b"\n"
        b"POST Products HTTP/1.1\n"
        b"Content-Type: application/json\n"
        b"Content-Length: 7\n"
        b"\n"
        b'{"A":1}\n'
        b"--changeset_y\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"DELETE $a HTTP/1.1\n"
        b"\n"
        b"--changeset_y--\n"
        b"--batch_x\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"DELETE Products(3) HTTP/1.1\n"
        b"\n"
        b"--batch_x--\n",
        "multipart/mixed; boundary=batch_x",
    )
    post = PartRequest("POST", "Products", {"content-type": "application/json", "content-length": "7"}, b'{"A":1}', "a")
    assert batch == Batch(
        [
            PartRequest("GET", "Products(1)"),
            ChangeSet([post, PartRequest("DELETE", "$a")]),
            PartRequest("DELETE", "Products(3)"),
        ]
    )
    assert batch.nested
    assert [request.method for request in batch.requests()] == ["GET", "POST", "DELETE", "DELETE"]
    assert len(batch) == 4


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/mixed; boundary=changeset", b"changeset"),
        ('multipart/mixed; boundary="changeset"', b"changeset"),
        (
            "Multipart/Mixed;Boundary=batch_36522ad7-fc75-4b56-8c71-56071383e77b",
            b"batch_36522ad7-fc75-4b56-8c71-56071383e77b",
        ),
        ("multipart/mixed; charset=utf-8; boundary=b", b"b"),
        ("multipart/mixed; boundary=b; charset=utf-8", b"b"),
        ('multipart/mixed; boundary="a b\'()+_,-./:=?"', b"a b'()+_,-./:=?"),
        ('multipart/mixed; boundary="quoted \\"twice\\""', b'quoted "twice"'),
        ("multipart/mixed; boundary=*{odd}#[1]@2", b"*{odd}#[1]@2"),
        ("multipart/mixed; boundary = b", b"b"),
        (f"multipart/mixed; boundary={'x' * 70}", b"x" * 70),
    ],
)
def test_boundaries(read: Reader, content_type: str, boundary: bytes) -> None:
    body = b"--%b\nContent-Type: application/http\n\nGET Products HTTP/1.1\n\n--%b--\n" % (boundary, boundary)
    assert only(read(body, content_type)).url == "Products"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed",
        "multipart/mixed; boundary",
        "multipart/mixed; boundary=",
        'multipart/mixed; boundary=""',
        'multipart/mixed; boundary="ends with a blank "',
        "multipart/mixed; boundary=ü",
        'multipart/mixed; boundary="a\tb"',
        f"multipart/mixed; boundary={'x' * 71}",
    ],
)
def test_a_batch_without_a_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(MalformedBatchError, match="boundary"):
        multipart.parse(b"--b\r\nContent-Type: application/http\r\n\r\nGET x\r\n--b--", content_type)


# What real clients send.


def test_a_preamble_and_an_epilogue_are_ignored(read: Reader) -> None:
    part = b"Content-Type: application/http\n\nGET Products HTTP/1.1\n\n"
    batch = read(b"This is a batch.\n--bb\n" + part + b"--b\n" + part + b"--b--\n--b\n" + part + b"and then some")
    assert only(batch).url == "Products"


@pytest.mark.parametrize("before", [b"", b"\n", b"\n\n\n", b" \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n\n\n", b" ", b"\n \n"])
def test_blank_lines_before_the_first_delimiter_and_after_the_end(read: Reader, before: bytes, after: bytes) -> None:
    part = b"Content-Type: application/http\n\nGET Products HTTP/1.1\n\n"
    assert only(read(before + b"--b\n" + part + b"--b--" + after)).url == "Products"


def test_blank_lines_before_a_request_line(read: Reader) -> None:
    for blank in (b"\n", b"\n\n\n", b" \n\t\n"):
        assert only(read(one(blank + b"GET Products HTTP/1.1\n"))).url == "Products"


def test_blank_lines_around_change_sets(read: Reader) -> None:
    batch = read(
        b"--b\n"
        b"\n"
        b"Content-Type: multipart/mixed; boundary=c\n"
        b"\n"
        b"\n"
        b"\n"
        b"--c\n"
        b"\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"DELETE Products(1) HTTP/1.1\n"
        b"\n"
        b"\n"
        b"\n"
        b"--c--\n"
        b"\n"
        b"\n"
        b"--b--\n"
    )
    assert batch == Batch([ChangeSet([PartRequest("DELETE", "Products(1)")])])


def test_blanks_after_delimiters(read: Reader) -> None:
    part = b"Content-Type: application/http\n\nGET Products HTTP/1.1\n\n"
    assert len(read(b"--b  \n" + part + b"--b\t\n" + part + b"--b-- \t \n")) == 2


def test_no_blank_line_after_the_headers_of_a_get(read: Reader) -> None:
    batch = read(
        b"--b\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"GET Products(1) HTTP/1.1\n"
        b"--b\n"
        b"Content-Type: application/http\n"
        b"\n"
        b"GET Products(2) HTTP/1.1\n"
        b"Accept: application/json\n"
        b"--b--"
    )
    assert batch == Batch(
        [PartRequest("GET", "Products(1)"), PartRequest("GET", "Products(2)", {"accept": "application/json"})]
    )


@pytest.mark.parametrize(
    ("line", "url"),
    [
        (b"GET Products(1) HTTP/1.1", "Products(1)"),
        (b"GET Products(1) HTTP/2", "Products(1)"),
        (b"GET Products(1) http/1.0", "Products(1)"),
        (b"GET Products(1)", "Products(1)"),
        (b"GET   Products(1)   HTTP/1.1  ", "Products(1)"),
        (b"get Products(1) HTTP/1.1", "Products(1)"),
        (b"GET Products%28ID%3D2%29 HTTP/1.1", "Products%28ID%3D2%29"),
        (b"GET AttributeValues(ProductID=1, Name='it''s') HTTP/1.1", "AttributeValues(ProductID=1, Name='it''s')"),
        (b"GET AttributeValues(ProductID=1, Name='it''s')", "AttributeValues(ProductID=1, Name='it''s')"),
        (b"GET Products?$filter=Title eq 'a  b' HTTP/1.1", "Products?$filter=Title eq 'a  b'"),
        (b"GET Products?$filter=Title eq 'HTTP/1.1' HTTP/1.1", "Products?$filter=Title eq 'HTTP/1.1'"),
        ("GET Labels('Größe') HTTP/1.1".encode(), "Labels('Größe')"),
        (b"GET /v1/Products HTTP/1.1", "/v1/Products"),
        (b"GET https://api.example.com/v1/Products HTTP/1.1", "https://api.example.com/v1/Products"),
    ],
)
def test_request_lines(read: Reader, line: bytes, url: str) -> None:
    request = only(read(one(line + b"\n")))
    assert (request.method, request.url) == ("GET", url)


@pytest.mark.parametrize(
    "body",
    [b'{"A":1}', b'\n{"A":1}', b'\n\n{"A":1}', b'{"A":1}\n', b'\n{"A":1}\n\n'],
)
def test_a_body_after_or_before_more_line_ends(read: Reader, body: bytes) -> None:
    assert only(read(one(b"PATCH Products(1) HTTP/1.1\n\n" + body))).body == b'{"A":1}'
    for length in (b"7", b" 7 "):
        http = b"PATCH Products(1) HTTP/1.1\nContent-Length: " + length + b"\n\n" + body
        assert only(read(one(http))).body.strip() == b'{"A":1}'


def test_a_body_is_kept_to_the_byte() -> None:
    body = '{"A": "ü 漢 😀",\r\n\r\n "B": "--bb",\n "C": "\t --b"}'.encode()
    http = b"PATCH Products(1) HTTP/1.1\r\n\r\n" + body
    assert (
        only(
            multipart.parse(b"--b\r\nContent-Type: application/http\r\n\r\n" + http + b"\r\n--b--", "x; boundary=b")
        ).body
        == body
    )


def test_body_bytes_that_are_no_text_are_kept() -> None:
    assert only(multipart.parse(one(b"PUT x\n\n\x00\xff\xfe\r\x80"), "x; boundary=b")).body == b"\x00\xff\xfe\r\x80"


def test_a_body_with_its_length_keeps_the_line_ends_that_it_counts(read: Reader) -> None:
    for length, kept in ((b"3", b"abc"), (b"4", b"abc\n")):
        batch = multipart.parse(one(b"PUT x\nContent-Length: " + length + b"\n\nabc\n"), "x; boundary=b")
        assert only(batch).body == kept


@pytest.mark.parametrize("headers", [b"", b"Content-Type: application/json\n", b"Content-Length: 0\n"])
def test_a_put_without_a_body(read: Reader, headers: bytes) -> None:
    for blank in (b"", b"\n", b"\n\n"):
        request = only(read(one(b"PUT ProductLabels(ProductID=1,Name='New') HTTP/1.1\n" + headers + blank)))
        assert (request.method, request.body) == ("PUT", b"")


def test_trailing_blanks_and_parameters_in_header_values(read: Reader) -> None:
    request = only(
        read(
            one(
                b"PATCH Products(1) HTTP/1.1  \n"
                b"Content-Type:application/json;charset=utf-8;type=entry \t \n"
                b'If-Match :  "3"  \n'
                b"Empty:\n"
                b"\n"
                b"{}",
                b"Content-Type: application/http; msgtype=request  \nContent-Transfer-Encoding: Binary \n",
            )
        )
    )
    assert request.headers == {
        "content-type": "application/json;charset=utf-8;type=entry",
        "if-match": '"3"',
        "empty": "",
    }


def test_folded_and_repeated_headers(read: Reader) -> None:
    request = only(
        read(
            one(
                b'DELETE Products(1) HTTP/1.1\nIf-Match: "1"\nif-match: "2"\nX-Long: one\n two\n\tthree\n',
                b"Content-Type:\n application/http\n",
            )
        )
    )
    assert request.headers == {"if-match": '"1", "2"', "x-long": "one two three"}


@pytest.mark.parametrize(
    ("mime", "own", "expected"),
    [
        (b"", b"", None),
        (b"Content-ID: 1\n", b"", "1"),
        (b"content-id:1\n", b"", "1"),
        (b"", b"Content-ID: 1\n", "1"),
        (b"", b"CONTENT-ID: 1\n", "1"),
        (b"Content-Id: 1\n", b"Content-ID: 2\n", "1"),
        (b"Content-ID: \n", b"", None),
        (b"Content-ID: " + b"i" * LONGEST_ID + b"\n", b"", "i" * LONGEST_ID),
        ("Content-ID: Größe <1@x>\n".encode(), b"", "Größe <1@x>"),
    ],
)
def test_content_ids(read: Reader, mime: bytes, own: bytes, expected: str | None) -> None:
    request = only(read(one(b"GET Products HTTP/1.1\n" + own, b"Content-Type: application/http\n" + mime)))
    assert (request.content_id, request.headers) == (expected, {})


def test_a_batch_may_be_empty(read: Reader) -> None:
    assert read(b"--b--\n") == Batch()
    empty = read(b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c--\n--b--\n")
    assert empty == Batch([ChangeSet()])
    assert len(empty) == 1


# What is refused: only the part where the envelope is whole.


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (one(b"GET Products HTTP/1.1\n", b""), "colon"),
        (one(b"GET Products HTTP/1.1\n", b"Content-Type: text/plain\n"), "application/http"),
        (one(b"GET Products HTTP/1.1\n", b"Content-Type: application/http, text/plain\n"), "application/http"),
        (one(b"GET x", b"Content-Type: application/http; charset=iso-8859-1\n"), "must be UTF-8"),
        (b"--b\nGET Products HTTP/1.1\n\n--b--\n", "colon"),
        (b"--b\nContent-Type: application/http\nGET Products HTTP/1.1\n\n--b--\n", "colon"),
        (b"--b\n--b--\n", "application/http"),
        (b"--b\n\n\n--b--\n", "application/http"),
        (one(b"R0VUIFByb2R1Y3Rz", b"Content-Type: application/http\nContent-Transfer-Encoding: base64\n"), "binary"),
        (one(b"GET x", b"Content-Type: application/http\nContent-Transfer-Encoding: 8bit\n"), "binary"),
        (
            one(b"--c--", b"Content-Type: multipart/mixed; boundary=c\nContent-Transfer-Encoding: base64\n"),
            "binary",
        ),
        (one(b""), "request line"),
        (one(b"\n\n"), "request line"),
        (one(b"GET"), "request line"),
        (one(b"GET HTTP/1.1"), "request line"),
        (one(b"G3T Products HTTP/1.1"), "request line"),
        (one("GÉT Products HTTP/1.1".encode()), "request line"),
        (one(b"HTTP/1.1 200 OK"), "request line"),
        (one(b"GET Products HTTP/1.1\nAccept application/json\n"), "colon"),
        (one(b'PATCH Products(1) HTTP/1.1\n{"A":1}\n'), "colon"),
        (one(b"GET Products HTTP/1.1\nAcc ept: x\n"), "colon"),
        (one(b"GET Products HTTP/1.1\n: x\n"), "colon"),
        (one(b"GET Products HTTP/1.1\nA: \x00\n"), "control"),
        (one(b"GET Pro\x07ducts HTTP/1.1\n"), "control"),
        (one(b"GET Products HTTP/1.1\nA: \xff\n"), "UTF-8"),
        (one(b"GET x", b"Content-Type: application/http\nContent-ID: \xe4\n"), "UTF-8"),
        (
            one(b"GET x", b"Content-Type: application/http\nContent-ID: " + b"i" * (LONGEST_ID + 1) + b"\n"),
            "Content-ID",
        ),
        (one(b"GET x HTTP/1.1\nContent-ID: " + b"i" * (LONGEST_ID + 1)), "Content-ID"),
        (one(b"PUT x\nContent-Length: 8\n\n1234567"), "Content-Length is 8, but the body has 7 bytes"),
        (one(b"PUT x\nContent-Length: 6\n\n1234567"), "Content-Length is 6, but the body has 7 bytes"),
        (one(b"PUT x\nContent-Length: 0\n\n1234567"), "Content-Length is 0"),
        (one(b"PUT x\nContent-Length: 2\n\n\xc3\xa4b"), "Content-Length is 2, but the body has 3 bytes"),
        (one(b"PUT x\nContent-Length: seven\n\n1234567"), "Content-Length is no"),
        (one(b"PUT x\nContent-Length: -7\n\n1234567"), "Content-Length is no"),
        (one(b"PUT x\nContent-Length: +7\n\n1234567"), "Content-Length is no"),
        (one(b"PUT x\nContent-Length: 7, 7\n\n1234567"), "Content-Length is no"),
        (one(b"PUT x\nContent-Length: 7\nContent-Length: 7\n\n1234567"), "Content-Length is no"),
        (one("PUT x\nContent-Length: \N{ARABIC-INDIC DIGIT SEVEN}\n\n1234567".encode()), "Content-Length is no"),
        (one(b"PUT x\nContent-Length: " + b"9" * 5000 + b"\n\n1234567"), "Content-Length is no"),
    ],
)
def test_a_malformed_part(read: Reader, body: bytes, why: str) -> None:
    assert why in refused(read(body))


def test_a_bare_carriage_return_ends_no_line_and_is_refused() -> None:
    body = b"--b\r\nContent-Type: application/http\r\n\r\nGET x HTTP/1.1\r\nA: b\rC: d\r\n\r\n--b--"
    assert "control" in refused(multipart.parse(body, "x; boundary=b"))


def test_a_malformed_part_leaves_its_neighbours_alone(read: Reader) -> None:
    good = b"Content-Type: application/http\n\nGET Products HTTP/1.1\n\n"
    batch = read(
        b"--b\n" + good + b"--b\nContent-Type: application/http\nContent-ID: 2\n\nnonsense\n--b\n" + good + b"--b--"
    )
    first, second, third = batch.requests()
    assert (first.error, third.error) == (None, None)
    assert second.error is not None
    assert second.content_id == "2"


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("over", [0, 1, 10 * LARGEST_HEADERS])
def test_headers_of_a_part_have_a_limit(line_end: bytes, over: int) -> None:
    def filled(first: bytes) -> bytes:
        # What is counted ends before the last line feed.
        rest = line_end + b"X: " + line_end[:-1]
        return first + rest.replace(b"X: ", b"X: " + b"x" * (LARGEST_HEADERS + over - len(first) - len(rest))) + b"\n"

    mime, line = b"Content-Type: application/http", b"GET Products HTTP/1.1"
    for first, second in ((filled(mime), line + line_end), (mime + line_end, filled(line))):
        body = b"--b" + line_end + first + line_end + second + line_end + b"body" + line_end + b"--b--"
        (request,) = multipart.parse(body, "multipart/mixed; boundary=b").requests()
        assert (request.error is None) == (over == 0)
        assert over == 0 or f"at most {LARGEST_HEADERS}" in str(request.error)


def test_a_request_line_has_the_limit_of_headers(read: Reader) -> None:
    assert "at most" in refused(read(one(b"GET " + b"x" * LARGEST_HEADERS + b" HTTP/1.1\n")))
    assert "at most" in refused(read(one(b"GET " + b" " * 100_000 + b"HTTP/1.1")))


# What is refused as a whole, so that nothing of it may run.


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"no delimiter at all",
        b"--bb\nContent-Type: application/http\n\nGET x\n--bb--",
        b" --b\nContent-Type: application/http\n\nGET x\n --b--",
    ],
)
def test_a_batch_without_a_part_is_refused(read: Reader, body: bytes) -> None:
    with pytest.raises(MalformedBatchError, match="no line is --b"):
        read(body)


@pytest.mark.parametrize(
    "end", [b"", b"\n", b"\n--b", b"\n--b\n", b"\n--b-", b"\n--b--x", b"\n--b- -", b"--b--", b"\n--c--", b"\n--b--\x00"]
)
def test_a_batch_that_is_cut_off_is_refused(read: Reader, end: bytes) -> None:
    with pytest.raises(MalformedBatchError, match="cut off"):
        read(b"--b\nContent-Type: application/http\n\nGET x HTTP/1.1" + end)


def test_a_change_set_that_is_cut_off_or_has_no_part_is_refused_with_all_the_rest(read: Reader) -> None:
    good = b"--b\nContent-Type: application/http\n\nGET x HTTP/1.1\n"
    for inner in (b"--c\nContent-Type: application/http\n\nDELETE x\n", b"--d--\n", b""):
        for content_type in (b"multipart/mixed; boundary=c", b"multipart/mixed"):
            with pytest.raises(MalformedBatchError, match="In a change set"):
                read(good + b"--b\nContent-Type: " + content_type + b"\n\n" + inner + b"--b--")


def test_batch_and_change_set_cannot_share_a_boundary(read: Reader) -> None:
    part = b"Content-Type: application/http\n\nDELETE x HTTP/1.1\n"
    with pytest.raises(MalformedBatchError, match="In a change set"):
        read(b"--b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + part + b"--b--\n--b--\n")


def test_nesting_ends_at_two_levels(read: Reader) -> None:
    part = b"--d\nContent-Type: application/http\n\nDELETE x HTTP/1.1\n--d--\n"
    inner = b"--c\nContent-Type: multipart/mixed; boundary=d\n\n" + part + b"--c--\n"
    (change_set,) = read(b"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + inner + b"--b--\n").parts
    assert isinstance(change_set, ChangeSet)
    (request,) = change_set.requests
    assert "outside of a change set" in str(request.error)


def test_a_batch_holds_a_hundred_requests(read: Reader) -> None:
    part = b"Content-Type: application/http\n\nDELETE x HTTP/1.1\n"
    empty = b"--b\nContent-Type: multipart/mixed; boundary=c\n\n--c--\n"

    def flat(count: int) -> bytes:
        return (b"--b\n" + part) * count

    def nested(count: int) -> bytes:
        return b"--b\nContent-Type: multipart/mixed; boundary=c\n\n" + (b"--c\n" + part) * count + b"--c--\n"

    for body in (flat(100), nested(100), nested(60) + flat(40), nested(50) + nested(50), empty * 100):
        assert len(read(body + b"--b--")) == LARGEST_BATCH
    for body in (flat(101), nested(101), nested(60) + flat(41), nested(50) + nested(51), empty * 101, flat(100_000)):
        with pytest.raises(MalformedBatchError, match="at most 100 requests"):
            read(body + b"--b--")


def test_malformed_parts_count_as_requests(read: Reader) -> None:
    with pytest.raises(MalformedBatchError, match="at most 100 requests"):
        read(b"--b\nnonsense\n" * 101 + b"--b--")


def test_delimiters_are_whole_lines(read: Reader) -> None:
    body = b'{"A":"--b","B":"\n--bc\n--b x\n --b\n--b-\n-b\nx--b--\n"}'
    assert only(read(one(b"PUT x HTTP/1.1\n\n" + body))).body.replace(b"\r", b"") == body


@pytest.mark.parametrize(
    ("outer", "inner"), [(b"b", b"bc"), (b"bc", b"b"), (b"b", b"b-"), (b"b", b"--b"), (b"-", b"--")]
)
def test_a_boundary_may_begin_like_another_boundary(read: Reader, outer: bytes, inner: bytes) -> None:
    part = b"Content-Type: application/http\n\nDELETE x HTTP/1.1\n\n"
    change_set = b"Content-Type: multipart/mixed; boundary=" + inner + b"\n\n--" + inner + b"\n" + part
    body = b"--" + outer + b"\n" + change_set + b"--" + inner + b"--\n--" + outer + b"--\n"
    assert read(body, f"multipart/mixed; boundary={outer.decode()}") == Batch([ChangeSet([PartRequest("DELETE", "x")])])


# Against the standard library, where both understand what is written.

_TOKENS = st.text("abcXYZ019-", min_size=1, max_size=12).filter(lambda text: text.lower() not in {"content-id"})
_VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
_BODIES = st.one_of(
    st.just(b""),
    st.binary(max_size=200).map(lambda body: body.replace(b"-", b"").replace(b"\r", b"").replace(b"\n", b"").strip()),
    st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3).map(lambda body: json.dumps(body).encode()),
)
_REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE"]),
    st.text("abcdefgh()'=,/$?&0123456789", min_size=1, max_size=30),
    st.dictionaries(_TOKENS, _VALUES, max_size=3),
    _BODIES,
    st.none() | st.text("abc0123", min_size=1, max_size=5),
)


def _written(requests: list[Any], boundary: str) -> bytes:
    lines: list[bytes] = []
    for method, url, headers, body, content_id in requests:
        lines += [f"--{boundary}".encode(), b"Content-Type: application/http"]
        lines += [f"Content-ID: {content_id}".encode()] if content_id else []
        lines += [b"", f"{method} {url} HTTP/1.1".encode()]
        lines += [f"{name}: {value}".encode() for name, value in headers.items()]
        lines += [b"", body]
    return b"\r\n".join([*lines, f"--{boundary}--".encode(), b""])


def _as_email_reads(body: bytes, boundary: str) -> list[Any]:
    whole = email.message_from_bytes(
        b"Content-Type: multipart/mixed; boundary=" + boundary.encode() + b"\r\n\r\n" + body
    )
    found = []
    for part in whole.get_payload():
        assert isinstance(part, email.message.Message)
        raw = part.get_payload(decode=True)
        assert isinstance(raw, bytes)
        line, _, rest = raw.partition(b"\r\n")
        inner = email.message_from_bytes(rest)
        payload = inner.get_payload(decode=True)
        assert isinstance(payload, bytes)
        headers = {name.lower(): str(value) for name, value in inner.items()}
        method, url, _ = line.decode().split(" ")
        found.append((method, url, headers, payload, part["Content-ID"]))
    return found


@given(st.lists(_REQUESTS, min_size=1, max_size=5), st.text("abcxyz_019", min_size=1, max_size=20))
def test_multipart_is_parsed_as_by_the_standard_library(requests: list[Any], boundary: str) -> None:
    distinct = [
        (method, url, {name.lower(): value for name, value in headers.items()}, body, content_id)
        for method, url, headers, body, content_id in requests
    ]
    body = _written(distinct, boundary)
    ours = [
        (request.method, request.url, request.headers, request.body, request.content_id)
        for request in multipart.parse(body, f"multipart/mixed; boundary={boundary}").requests()
        if request.error is None
    ]
    assert ours == distinct
    assert ours == _as_email_reads(body, boundary)


def test_multipart_keeps_non_ascii_bytes_unlike_the_standard_library() -> None:
    text = one("PUT Labels('Größe') HTTP/1.1\nX: ü\n\n{}".encode())
    assert only(multipart.parse(text, "x; boundary=b")).url == "Labels('Größe')"
    message = email.message_from_bytes(
        b"Content-Type: multipart/mixed; boundary=b\n\n" + text, policy=email.policy.HTTP
    )
    assert isinstance(message, EmailMessage)
    assert "Größe" not in str(next(iter(message.iter_parts())).get_payload())


# Whatever comes, it says what it means, and takes time by its length alone.

_PIECES = st.sampled_from(
    [
        b"--b",
        b"--b--",
        b"--c",
        b"--c--",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b"-",
        b"\x00",
        b"\xff",
        b"\xef\xbb\xbf",
        b"Content-Type: application/http\r\n",
        b"Content-Type: multipart/mixed; boundary=c\r\n",
        b"Content-Type: multipart/mixed; boundary=b\r\n",
        b"Content-Transfer-Encoding: binary\r\n",
        b"Content-ID: 1\r\n",
        b"Content-Length: 3\r\n",
        b"GET Products HTTP/1.1\r\n",
        b"POST x\n",
        b"\r\n\r\n",
        b"abc",
    ]
)


@given(
    st.one_of(st.binary(max_size=500), st.lists(_PIECES | st.binary(max_size=6), max_size=60).map(b"".join)),
    st.sampled_from(["multipart/mixed; boundary=b", 'multipart/mixed; boundary="--b"', "multipart/mixed; boundary=-"]),
)
@example(b"--b\r\n--b--", "multipart/mixed; boundary=b")
@example(b"--b\n--b\r\n--b--", "multipart/mixed; boundary=b")
@settings(max_examples=500)
def test_any_multipart_body_is_read_or_refused(body: bytes, content_type: str) -> None:
    try:
        batch = multipart.parse(body, content_type)
    except MalformedBatchError:
        return
    assert len(batch) <= LARGEST_BATCH
    for request in batch.requests():
        assert request.error or (request.method.isalpha() and request.method.isupper() and request.url.strip())
        assert len(request.body) <= len(body)


HOSTILE = {
    "line ends": lambda size: b"\r\n" * size,
    "blanks": lambda size: b"--b\r\n" + b" \t" * size,
    "delimiters with blanks": lambda size: b"\r\n--b" + b" " * size + b"x",
    "near-delimiters": lambda size: b"\r\n--bx" * size,
    "dashes": lambda size: b"--" * size,
    "parts": lambda size: b"--b\r\n\r\n" * size + b"--b--",
    "levels": lambda size: b"".join(
        b"--b\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(size)
    ),
    "headers": lambda size: b"--b\r\n" + b"a:\r\n" * size + b"\r\n--b--",
    "folds": lambda size: b"--b\r\na:\r\n" + b" \r\n" * size + b"\r\n--b--",
    "blanks in a request line": lambda size: one(b"GET " + b" " * size + b"x"),
    "a boundary of quotes": lambda size: one(b"", b'Content-Type: multipart/mixed; a="' + b'\\"' * size + b"\n"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_multipart_is_parsed_in_linear_time(hostile: str) -> None:
    small, large = (_steps(HOSTILE[hostile](size)) for size in (2_000, 20_000))
    assert large <= 10 * small + 100


def _steps(body: bytes) -> int:
    """Lines of the package that reading a body takes."""

    def read() -> None:
        with suppress(MalformedBatchError):
            multipart.parse(body, "multipart/mixed; boundary=b")

    return steps(read, str(Path(multipart.__file__).parent))
