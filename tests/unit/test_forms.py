"""Files in forms, as the libraries of clients write them."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.errors import Malformed, UnsupportedCoding
from batchyard.http import forms
from batchyard.http.forms import File

BOUNDARY = "b0undary"


def part(disposition: str, content: bytes = b"x", *others: str) -> bytes:
    lines = "".join(f"{line}\r\n" for line in (f"Content-Disposition: {disposition}", *others))
    return f"--{BOUNDARY}\r\n{lines}\r\n".encode() + content + b"\r\n"


def event(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode(), **headers: str) -> dict[str, Any]:
    body = base64.b64encode(b"".join(parts) + end).decode()
    content_type = f"multipart/form-data; boundary={BOUNDARY}"
    sent = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return {"headers": sent, "body": body, "isBase64Encoded": True}


def files(*parts: bytes, **options: Any) -> list[File]:
    return forms.files(event(*parts, **options), "files")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('form-data; name="files"; filename="a.csv"', "a.csv"),
        ("form-data; name=files; filename=a.csv", "a.csv"),
        ('form-data; filename="a.csv"; name="files"', "a.csv"),
        ('form-data; name="files"; filename="Größe 1.csv"', "Größe 1.csv"),
        ('form-data; name="files"; filename="a%22b.csv"', 'a"b.csv'),
        ('form-data; name="files"; filename="a%20b%2F.csv"', "a%20b%2F.csv"),
        ('form-data; name="files"; filename="dir/a.csv"', "a.csv"),
        ('form-data; name="files"; filename="C:\\dir\\a.csv"', "a.csv"),
        ('form-data; name="files"; filename="../../a.csv"', "a.csv"),
        ('form-data; name="files"; filename=".."', ".."),
        ("form-data; name=\"files\"; filename*=utf-8''Gr%C3%B6%C3%9Fe.csv", "Größe.csv"),
        ("form-data; name=\"files\"; filename*=UTF-8'en'..%2Fa.csv", "a.csv"),
    ],
)
def test_a_file_has_the_name_that_its_sender_gives_it_without_folders(disposition: str, name: str) -> None:
    assert files(part(disposition)) == [File(name, "application/octet-stream", b"x")]


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_files_of_a_form_are_read_to_the_byte(contents: list[bytes]) -> None:
    if any(f"\r\n--{BOUNDARY}".encode() in b"\r\n" + content for content in contents):
        return
    sent = [part(f'form-data; name="files"; filename="{n}"', content) for n, content in enumerate(contents)]
    assert [file.content for file in files(*sent)] == contents


@pytest.mark.parametrize("boundary", [BOUNDARY, "--------------------------036279", "a b", "x" * 70, "'()+_,-./:=?"])
def test_a_boundary_that_is_left_out_is_the_one_that_the_form_begins_with(boundary: str) -> None:
    content = f"--{boundary}\r\nContent-Disposition: form-data; name=files; filename=a\r\n\r\nx\r\n--{boundary}--\r\n"
    sent = event(end=content.encode(), Content_Type="multipart/form-data")
    assert forms.files(sent, "files") == [File("a", "application/octet-stream", b"x")]


def test_media_types_of_files_in_a_form() -> None:
    said = ["text/csv", "Text/CSV; charset=utf-8", "nonsense", "text/html<", "", "a/" + "b" * 100]
    sent = [part('form-data; name="files"; filename="a"', b"x", f"Content-Type: {one}") for one in said]
    octets = "application/octet-stream"
    assert [file.media_type for file in files(*sent)] == ["text/csv", "text/csv", octets, octets, octets, octets]


def test_fields_of_a_form_without_a_chosen_file_are_no_files() -> None:
    text, empty = part('form-data; name="comment"'), part('form-data; name="files"; filename=""', b"")
    assert files(text, empty, part('form-data; name="files"')) == []
    assert files(end=f"--{BOUNDARY}--".encode()) == []


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (event(part('form-data; name="file"; filename="a"')), "property file should not exist"),
        (event(part('form-data; name="files"; filename="a"'), end=b""), "Unexpected end"),
        (event(part('form-data; name="files"; filename="a"', b"\r\n--b0undaryx")), "Unexpected bytes after boundary"),
        (event(part('attachment; name="files"')), "Wrong type"),
        (event(end=b""), "Unexpected end"),
        (event(end=b"x"), "Unexpected end"),
        (event(*[part('form-data; name="a"')] * 129), "Maximum segment count"),
        (event(part('form-data; name="files"; filename="a"', b"x", "X: " + "y" * 9000)), "header length"),
        (event(part('form-data; name="files"', b"x", *["X: y"] * 9)), "header count"),
        *[
            (event(end=end, Content_Type="multipart/form-data"), "Empty boundary")
            for end in (
                b"",
                b"--b0undary--",
                b"--\r\n",
                b"--" + b"x" * 71 + b"\r\n",
                b"--x \r\n",
                b"--\xfc\r\n",
                b"--x\n",
            )
        ],
        ({**event(), "body": "%"}, "cannot be decoded"),
    ],
)
def test_a_malformed_form_is_refused(sent: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        forms.files(sent, "files")


def test_a_form_that_came_as_text_has_lost_no_bytes_or_is_refused() -> None:
    whole = (part('form-data; name="files"; filename="a"', "é".encode()) + f"--{BOUNDARY}--".encode()).decode()
    sent = {**event(), "body": whole, "isBase64Encoded": False}
    assert [file.content for file in forms.files(sent, "files")] == ["é".encode()]
    with pytest.raises(Malformed, match="U\\+FFFD"):
        forms.files({**sent, "body": whole.replace("é", "\ufffd")}, "files")
    # Where each byte is there, these are what was sent.
    replaced = "\ufffd".encode()
    assert files(part('form-data; name="files"; filename="a"', replaced))[0].content == replaced


def test_a_form_with_a_content_encoding_is_refused() -> None:
    with pytest.raises(UnsupportedCoding):
        files(part('form-data; name="files"; filename="a"'), Content_Encoding="br")
