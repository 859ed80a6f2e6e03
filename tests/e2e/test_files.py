"""Files on the deployed system: bytes that arrive as they were sent, and URLs that do what they are signed for."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tools.local_stack import LocalStack

pytestmark = pytest.mark.e2e

EVERY_BYTE = bytes(range(256)) * 3


@pytest.fixture(scope="module")
def s3() -> Iterator[httpx.Client]:
    """Somebody without credentials."""
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield client


def test_a_form_arrives_to_the_byte(client: httpx.Client, s3: httpx.Client) -> None:
    for path in ("/admin/uploads", "/admin/uploads/protected"):
        sent: list[Any] = [("files", ("Größe 1.csv", EVERY_BYTE, "text/csv")), ("files", ("b.bin", b"\xff\xfe"))]
        answer = client.post(path, files=sent)
        assert answer.status_code == 200, answer.text
        first, second = answer.json()["uploads"]
        found = s3.get(first["url"])
        assert (found.content, found.headers["Content-Type"]) == (EVERY_BYTE, "text/csv")
        assert found.headers["Content-Disposition"].startswith('attachment; filename="Gr__e 1.csv"')
        assert s3.get(second["url"]).content == b"\xff\xfe"


def test_a_form_has_no_place_elsewhere(client: httpx.Client) -> None:
    sent = [("files", ("a.csv", EVERY_BYTE))]
    assert client.post("/api/v1/channels/", files=sent).status_code == 415
    refused = client.post("/v1/$batch", files=sent)
    assert (refused.status_code, refused.json()["error"]["code"]) == (415, "UnsupportedMediaType")


def test_a_file_is_put_got_and_removed(client: httpx.Client, other_client: httpx.Client, s3: httpx.Client) -> None:
    asked = {"file_name": "large.csv", "size": len(EVERY_BYTE)}
    made = client.post("/admin/uploads/presigned-urls", json=asked)
    assert made.status_code == 201, made.text
    url, named = made.json()["url"], {"file_key": made.json()["key"]}
    assert client.post("/admin/uploads/download-url", json=named).status_code == 404
    assert s3.put(url, content=EVERY_BYTE + b"x").status_code == 403
    assert s3.put(url, content=EVERY_BYTE).status_code == 200
    assert other_client.post("/admin/uploads/download-url", json=named).status_code == 404
    got = client.post("/admin/uploads/download-url", json=named)
    assert s3.get(got.json()["download_url"]).content == EVERY_BYTE
    assert other_client.request("DELETE", "/admin/uploads", json=named).status_code == 404
    removed = client.request("DELETE", "/admin/uploads", json=named)
    assert (removed.status_code, removed.json()["deleted"]) == (200, True)
    assert client.request("DELETE", "/admin/uploads", json=named).status_code == 404


def test_logging_in_for_an_access_token(stack: LocalStack, anonymous: httpx.Client) -> None:
    settings = stack.settings
    wrong = {"email": settings["USERNAME"], "password": "guessed"}
    refused = anonymous.post("/admin/auth/token", json=wrong)
    assert (refused.status_code, refused.text) == (401, "Unauthorized")
    key = anonymous.post("/admin/auth/token", json={**wrong, "password": settings["PASSWORD"]}).json()["access_token"]
    for headers in ({"x-medusa-access-token": key}, {"Authorization": f"Bearer {key}"}):
        listed = anonymous.get("/admin/products", headers=headers)
        # Other tests may have filled it.
        assert (listed.status_code, listed.json()["count"] >= 0) == (200, True)
    assert anonymous.get("/admin/products").text == "Unauthorized"
