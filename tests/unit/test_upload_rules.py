"""What a file is called, and whose a key is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard import ulids
from batchyard.errors import Invalid
from batchyard.uploads import rules
from batchyard.uploads.rules import FileKey, key_of

USER, OTHER = "usr_2ED42R9P6QV7AC6A3R9VPXEY1T", "usr_2ED42R9P6QV7AC6A3R9VPXEY1V"
MOMENT = 1_795_000_000_000_000
ULID = ulids.of(MOMENT, "products")
KEY = f"files/{USER}/{ULID}/products.csv"
DAY = 86_400_000_000


@pytest.mark.parametrize(
    "name", ["products.csv", "Größen 2025.csv", "商品.csv", "a", "..a", ".csv", "x" * 255, "é" * 255, "%2e%2e", 'a;b"c']
)
def test_a_file_name_may_hold_any_characters(name: str) -> None:
    rules.must_be_name(name)
    assert key_of(USER, f"files/{USER}/{ULID}/{name}") == FileKey(USER, ULID, name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        *(
            (name, "without folders and control")
            for name in ("", ".", "..", "a/b", "/a", "a\\b", "a\nb", "\x00", "\x7f")
        ),
        ("\ud800", "without folders and control"),
        ("x" * 256, "255 characters"),
        ("\N{GRINNING FACE}" * 226, "900 bytes"),
    ],
)
def test_a_file_name_is_no_path(name: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        rules.must_be_name(name)
    assert key_of(USER, f"files/{USER}/{ULID}/{name}") is None


def test_the_longest_file_key_fits_s3() -> None:
    assert len(f"files/{USER}/{ULID}/".encode()) + rules.LARGEST_NAME <= 1024


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "files",
        f"files/{USER}",
        f"files/{USER}/{ULID}",
        f"files/{USER}/{ULID}/",
        f"/{KEY}",
        f"{KEY}/",
        f"{KEY}/x",
        f"files//{USER}/{ULID}/products.csv",
        f"files/{OTHER}/{ULID}/products.csv",
        f"files/{USER.lower()}/{ULID}/products.csv",
        f"Files/{USER}/{ULID}/products.csv",
        f"files/{USER}/{ULID.lower()}/products.csv",
        f"files/{USER}/{ULID[1:]}/products.csv",
        f"files/{USER}/../products.csv",
        f"files/{USER}/../{OTHER}/{ULID}/products.csv",
        f"files/{OTHER}/../{USER}/{ULID}/products.csv",
        f"files/{USER}/{ULID}/..",
        f"files/{USER}/{ULID}/../x",
        f"files%2F{USER}%2F{ULID}%2Fproducts.csv",
        KEY.replace("/", "%2F"),
        KEY.replace("files", "file%73"),
        KEY.replace("files", "objects"),
        KEY.replace("files", "logs"),
        KEY.replace("files", "exports"),
        KEY.replace("files", "uploads"),
        "objects/5/1795401019114587/0b9c",
        "aws/lambda/x",
        f" {KEY}",
        f"{KEY}\n",
        f"files/{USER}/{ULID}/a\\b",
        "*",
        "files/*",
    ],
)
def test_other_keys_are_no_file_keys_of_the_user(key: str) -> None:
    assert key_of(USER, KEY) is not None
    assert key_of(USER, key) is None


@given(st.text(max_size=80))
def test_no_text_is_a_file_key_of_another_user(text: str) -> None:
    for key in (text, f"files/{text}", f"files/{OTHER}/{text}", f"files/{text}/{ULID}/x"):
        found = key_of(USER, key)
        assert found is None or (found.user, str(found)) == (USER, key)


def test_a_file_is_kept_for_two_days_and_used_for_seven() -> None:
    found = FileKey(USER, ULID, "x")
    for used, days in ((False, 2), (True, 7)):
        assert found.is_kept(MOMENT, used=used)
        assert found.is_kept(MOMENT + days * DAY - 1000, used=used)
        assert not found.is_kept(MOMENT + days * DAY, used=used)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.csv", "attachment; filename=\"a.csv\"; filename*=UTF-8''a.csv"),
        ("Größe 1.csv", "attachment; filename=\"Gr__e 1.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.csv"),
        ('a"b%20.csv', "attachment; filename=\"a_b_20.csv\"; filename*=UTF-8''a%22b%2520.csv"),
    ],
)
def test_content_disposition_has_the_file_name(name: str, header: str) -> None:
    assert rules.disposition(name) == header


@given(st.text(max_size=300))
def test_a_file_name_does_not_get_out_of_content_disposition(name: str) -> None:
    if all(sign.isprintable() for sign in name):
        assert re.fullmatch(r"attachment; filename=\"[ -~]*\"; filename\*=UTF-8''[\w.~%-]*", rules.disposition(name))
