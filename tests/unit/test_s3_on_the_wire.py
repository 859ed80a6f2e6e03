"""What S3 gets over HTTPS, which engines on plain HTTP cannot show: chunks with a checksum behind, signed forms."""

import base64
import io
import json
import random
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from batchyard.batch_requests import logs
from batchyard.store import blobs, clients
from batchyard.store.blobs import Blob
from tests.support import aws

KEY = "logs/5/1795401019114587/0b9c"
# Of several chunks.
CONTENT = random.Random(5).randbytes(2_500_000)


@dataclass
class Sent:
    """A request as it goes out."""

    url: str
    headers: dict[str, str]
    body: bytes


class Wire(list[Sent]):
    """What was sent, each answered with the next of these statuses, and 200 from then on."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int] = []

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        body: Any = request.body
        headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
        self.append(Sent(request.url, headers, body.read() if hasattr(body, "read") else body or b""))
        status = self.statuses.pop(0) if self.statuses else 200
        # `raw` has what botocore reads of urllib3's answer.
        raw: Any = Raw(b"")
        tagged: Any = {"ETag": f'"{"0" * 32}"'}
        return AWSResponse(request.url, status, tagged, raw)


class Raw(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """The wire of a client that speaks to AWS itself, with the credentials that Lambda gives a function."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    for name, value in {**aws.CREDENTIALS, **aws.environment("yard"), "AWS_SESSION_TOKEN": "of-a-role"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    clients.reset()
    found = Wire()
    answering: Any = found.answer
    clients.s3().meta.events.register("before-send.s3", answering)
    yield found
    clients.reset()


def unchunked(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The content of `aws-chunked` chunks, and the trailers.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        length = int(size.partition(b";")[0], 16)
        if not length:
            break
        content, body = content + body[:length], body[length + 2 :]
    lines = [line.decode().split(":", 1) for line in body.split(b"\r\n") if line]
    return content, dict(lines)


@pytest.mark.parametrize("failures", [0, 1])
@pytest.mark.parametrize("kind", ["file", "bytes"])
def test_a_content_is_sent_in_chunks_with_its_checksum_behind_them_each_time(
    wire: Wire, kind: str, failures: int
) -> None:
    wire.statuses = [503] * failures
    with tempfile.TemporaryFile() as file:
        file.write(CONTENT)
        file.seek(0)
        blobs.write(Blob(KEY, file if kind == "file" else CONTENT, "text/plain; charset=utf-8", "gzip"))
    assert len(wire) == failures + 1
    for sent in wire:
        assert sent.url == f"https://yard-content.s3.eu-central-1.amazonaws.com/{KEY}"
        # S3 takes its own encoding off and keeps the other one.
        assert sent.headers["content-encoding"] == "gzip,aws-chunked"
        assert sent.headers["x-amz-content-sha256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        assert sent.headers["x-amz-decoded-content-length"] == str(len(CONTENT))
        assert sent.headers["x-amz-trailer"] == "x-amz-checksum-crc32"
        assert sent.headers["if-none-match"] == "*"
        assert sent.headers["x-amz-security-token"] == "of-a-role"
        content, trailers = unchunked(sent.body)
        checksum = base64.b64encode(zlib.crc32(CONTENT).to_bytes(4)).decode()
        assert (content, trailers) == (CONTENT, {"x-amz-checksum-crc32": checksum})


def test_a_part_has_the_checksum_that_its_receipt_has(wire: Wire) -> None:
    receipt = blobs.write_part("exports/a/b/c/1.csv", "upload", 1, CONTENT)
    [sent] = wire
    assert receipt == bytes(16) + zlib.crc32(CONTENT).to_bytes(4)
    assert sent.headers["x-amz-checksum-crc32"] == base64.b64encode(receipt[16:]).decode()
    assert sent.body == CONTENT
    # One that is given goes before.
    assert sent.headers.keys().isdisjoint({"x-amz-trailer", "content-encoding"})


def test_a_signed_url_holds_the_session_of_the_role_that_signed_it(wire: Wire) -> None:
    url = urlsplit(blobs.download_url(KEY, 300, "inline"))
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", "yard-content.s3.eu-central-1.amazonaws.com", f"/{KEY}")
    assert query["X-Amz-Security-Token"] == ["of-a-role"]
    assert query["X-Amz-Expires"] == ["300"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert wire == []


def test_a_signed_form_holds_the_session_of_the_role_that_signed_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchyard.batch_requests.operations.retrieve", lambda *_, **__: None)
    form: Any = logs.upload_form(5, 1795401019114587)
    assert form["url"] == "https://yard-content.s3.eu-central-1.amazonaws.com/"
    assert form["fields"]["x-amz-security-token"] == "of-a-role"
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    assert {"x-amz-security-token": "of-a-role"} in policy["conditions"]
    assert ["content-length-range", 0, logs.LARGEST_UPLOAD] in policy["conditions"]
    assert form["fields"]["key"].startswith("uploads/5/1795401019114587/")
    assert wire == []
