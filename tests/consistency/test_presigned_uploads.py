"""A URL for an upload takes the bytes that it is signed for, and no others: on an engine that looks at signatures."""

from collections.abc import Iterator

import httpx
import pytest

from batchyard.store import blobs
from batchyard.uploads import operations
from tests.support import aws
from tests.support.engines import Engine


@pytest.fixture
def s3(ministack: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    """Somebody without credentials, and a bucket."""
    variables = aws.environment()
    for name, value in {**aws.CREDENTIALS, **ministack.endpoints, **variables}.items():
        monkeypatch.setenv(name, value)
    aws.forget()
    aws.create_bucket(variables)
    with httpx.Client(trust_env=False) as client:
        yield client
    aws.forget()


def test_a_url_takes_one_size_under_one_key(s3: httpx.Client) -> None:
    key = operations.new_key("anna", "Größe %2F 1.csv")
    url = blobs.upload_url(key, 3, 900)
    for body in (b"ab", b"abcd", b""):
        assert s3.put(url, content=body).status_code == 403
    assert s3.put(url.replace("1.csv?", "2.csv?"), content=b"abc").status_code == 403
    assert blobs.version_of(key) is None
    assert s3.put(url, content=b"abc", headers={"Content-Type": "text/csv"}).status_code == 200
    size, first = blobs.version_of(key) or (0, "")
    assert size == 3
    # Put again it is another version, which whoever has the first one can tell.
    assert s3.put(url, content=b"xyz").status_code == 200
    size, second = blobs.version_of(key) or (0, "")
    assert (size, second != first) == (3, True)


def test_a_link_gives_the_file_under_its_name(s3: httpx.Client) -> None:
    key = operations.new_key("anna", 'Größe "1" %2F.csv')
    assert s3.put(blobs.upload_url(key, 3, 900), content=b"abc").status_code == 200
    found = s3.get(operations.link(key))
    assert (found.status_code, found.content) == (200, b"abc")
    assert found.headers["Content-Disposition"] == (
        "attachment; filename=\"Gr__e _1_ _2F.csv\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%221%22%20%252F.csv"
    )
    assert s3.get(operations.link(key).replace("X-Amz-Expires=3600", "X-Amz-Expires=7200")).status_code == 403
