"""Log files: sent along as text or uploaded, kept gzipped, read at a presigned URL, and never told to anyone else."""

import base64
import gzip
import hashlib
import io
import json
import random
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from batch_requests import attach_log
from batchyard import clock
from batchyard.batch_requests import logs
from batchyard.store import clients
from tests.integration.conftest import SECRET, Calls
from tests.support.api import Api, batches
from tests.support.aws import keys_in_bucket
from tests.support.streams import deliver_messages
from tools import aws_events
from tools.template import template

TEXT = f"{SECRET} über\r\n– 2nd line \x00 \U0001f600\n"


def attach(*bodies: str) -> list[int]:
    """Hands messages to the trigger; returns the positions of those to deliver again."""
    return deliver_messages(attach_log.handler, *bodies)


def download(api: Api, url: str) -> bytes:
    """What a client gets that follows the redirect, without its token."""
    redirect = api.get(f"{url}log_file/")
    assert (redirect.status, redirect.text) == (303, "")
    found = requests.get(redirect.headers["Location"], timeout=5)
    assert found.status_code == 200
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert found.headers["Content-Encoding"] == "gzip"
    content = found.content
    return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("text", [TEXT, "", "x" * 3_000_000, 5])
def test_a_log_file_is_kept_gzipped_and_read_at_a_presigned_url(
    api: Api, channel: int, stores: dict[str, str], method: str, text: Any
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    assert api(method, url, {"log_file": text}).status == 200
    (key,) = keys_in_bucket(stores)
    assert key.startswith(f"logs/{url.split('/')[4]}/{url.split('/')[6]}/")
    stored = clients.s3().get_object(Bucket=stores["CONTENT_BUCKET"], Key=key)["Body"].read()
    assert gzip.decompress(stored) == str(text).encode()
    assert len(stored) < 10_000
    assert download(api, url) == str(text).encode()


def test_a_log_file_is_in_no_answer_and_in_no_item(api: Api, channel: int, stores: dict[str, str]) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    answers = [
        api.patch(url, {"log_file": TEXT, "status": "commit"}),
        api.patch(url, {"log_file": TEXT, "status": "initialized"}),
        api.put(url, {"log_file": TEXT + "2", "status": "fail"}),
        api.get(url),
        api.get(batches(channel)),
    ]
    assert [answer.status for answer in answers] == [200, 400, 200, 200, 200]
    for answer in answers:
        assert SECRET not in answer.text
        assert "log" not in answer.text
    for name in ("BATCH_REQUESTS_TABLE", "EPHEMERA_TABLE"):
        assert SECRET not in str(clients.dynamodb().scan(TableName=stores[name])["Items"])


def test_the_url_of_a_log_file_works_for_five_minutes_and_is_not_cached(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel, log_file=TEXT)["pk"])
    answer = api.get(f"{url}log_file/")
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert query["X-Amz-Expires"] == ["300"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_log_file_there_is_nothing_to_read(api: Api, channel: int) -> None:
    pk = api.open_batch(channel)["pk"]
    for known, told in ((pk, "The batch request has no log file."), (pk + 1, "Not found.")):
        answer = api.get(f"{batches(channel, known)}log_file/")
        assert (answer.status, answer.json()) == (404, {"detail": told})
    assert api.patch(batches(channel, pk), {"log_file": None}).status == 200
    assert api.get(f"{batches(channel, pk)}log_file/").status == 404


def test_null_leaves_a_log_file_in_place(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel, log_file=TEXT)["pk"])
    before = api.get(url)
    assert api.put(url, {"log_file": None}).headers["ETag"] == before.headers["ETag"]
    assert download(api, url) == TEXT.encode()


def test_the_same_log_file_again_changes_nothing(api: Api, channel: int, stores: dict[str, str], calls: Calls) -> None:
    body = {"status": "done", "objects": [{"pk": 1}], "log_file": TEXT}
    opened = api.open_batch(channel, **body)
    url = batches(channel, opened["pk"])
    calls.clear()
    assert api.patch(url, body).json() == opened
    assert not calls.writes()
    assert len(keys_in_bucket(stores)) == 1


def test_another_log_file_replaces_the_first(api: Api, channel: int, stores: dict[str, str]) -> None:
    url = batches(channel, api.open_batch(channel, status="done", log_file="s3cret first")["pk"])
    assert api.patch(url, {"log_file": "s3cret second"}).status == 200
    assert download(api, url) == b"s3cret second"


def test_a_refused_update_stores_no_log_file(api: Api, channel: int, stores: dict[str, str]) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    assert api.patch(url, {"status": "ongoing", "log_file": TEXT}).status == 400
    assert api.patch(url, {"remote_batch_id": "x", "log_file": TEXT}, headers={"If-Match": '"9"'}).status == 412
    assert api.patch(batches(channel, 5), {"log_file": TEXT}).status == 404
    assert keys_in_bucket(stores) == []


def upload(api: Api, url: str, content: bytes) -> str:
    """Posts a log file as a client would; returns its key."""
    answer = api.post(f"{url}log_file/upload/")
    assert answer.status == 201
    form = answer.json()
    assert list(form) == ["url", "fields", "expires_at"]
    posted = requests.post(form["url"], data=form["fields"], files={"file": io.BytesIO(content)}, timeout=5)
    assert posted.status_code in {200, 201, 204}, posted.text
    return str(form["fields"]["key"])


def test_an_uploaded_log_file_is_attached(api: Api, channel: int, stores: dict[str, str]) -> None:
    url = batches(channel, api.open_batch(channel, status="done", objects=[{"pk": 1}])["pk"])
    before = api.get(url)
    key = upload(api, url, TEXT.encode())
    assert keys_in_bucket(stores) == [key]
    assert api.get(f"{url}log_file/").status == 404
    assert attach(aws_events.stored(key)) == []
    assert [found.split("/")[0] for found in keys_in_bucket(stores)] == ["logs"]
    assert download(api, url) == TEXT.encode()
    after = api.get(url)
    assert {**after.json(), "modified_date": None} == {**before.json(), "modified_date": None}
    assert after.headers["ETag"] != before.headers["ETag"]


def test_the_upload_form_of_a_log_file_expires_and_limits_the_size(api: Api, channel: int) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    before = clock.now()
    answer = api.post(f"{url}log_file/upload/")
    assert answer.headers["Cache-Control"] == "no-store"
    form = answer.json()
    assert clock.iso(before + 900 * 10**6) <= form["expires_at"] <= clock.iso(clock.now() + 900 * 10**6)
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    assert ["content-length-range", 0, logs.LARGEST_UPLOAD] in policy["conditions"]
    assert {"key": form["fields"]["key"]} in policy["conditions"]
    assert logs.LARGEST_UPLOAD >= 50 * 1024 * 1024


def test_a_log_file_of_a_missing_batch_request_cannot_be_uploaded(api: Api, channel: int) -> None:
    answer = api.post(f"{batches(channel, 5)}log_file/upload/")
    assert (answer.status, answer.json()) == (404, {"detail": "Not found."})


def test_a_repeated_delivery_of_an_uploaded_log_file_changes_nothing(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    key = upload(api, url, TEXT.encode())
    assert attach(aws_events.stored(key), aws_events.stored(key)) == []
    first, stored = api.get(url), keys_in_bucket(stores)
    assert attach(aws_events.stored(key)) == []
    again = api.get(url)
    assert (again.text, again.headers["ETag"], keys_in_bucket(stores)) == (first.text, first.headers["ETag"], stored)


def test_a_log_file_delivered_again_after_a_crash_is_attached_once(
    api: Api, channel: int, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    key = upload(api, url, TEXT.encode())
    client = clients.s3()
    remove = client.delete_object

    def broken(**_: Any) -> Any:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(client, "delete_object", broken)
    assert attach(aws_events.stored(key)) == [0]
    first = api.get(url)
    monkeypatch.setattr(client, "delete_object", remove)
    assert attach(aws_events.stored(key)) == []
    again = api.get(url)
    assert (again.text, again.headers["ETag"]) == (first.text, first.headers["ETag"])
    assert [found.split("/")[0] for found in keys_in_bucket(stores)] == ["logs"]
    assert download(api, url) == TEXT.encode()


def test_the_same_text_inline_and_uploaded_is_one_log_file(api: Api, channel: int, stores: dict[str, str]) -> None:
    url = batches(channel, api.open_batch(channel, log_file=TEXT)["pk"])
    before = api.get(url)
    assert attach(aws_events.stored(upload(api, url, TEXT.encode()))) == []
    assert api.get(url).headers["ETag"] == before.headers["ETag"]
    assert len(keys_in_bucket(stores)) == 1
    assert download(api, url) == TEXT.encode()


def test_an_uploaded_log_file_of_a_deleted_batch_request_is_removed(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    key = upload(api, url, TEXT.encode())
    api.delete(url)
    assert attach(aws_events.stored(key)) == []
    assert keys_in_bucket(stores) == []


def test_a_bad_message_does_not_keep_other_log_files_from_being_attached(
    api: Api, channel: int, stores: dict[str, str]
) -> None:
    urls = [batches(channel, api.open_batch(channel)["pk"]) for _ in range(2)]
    good = [aws_events.stored(upload(api, url, TEXT.encode())) for url in urls]
    bad = [
        f"{{{SECRET}",
        aws_events.stored("uploads/x/y/z"),
        aws_events.stored("uploads/short"),
        '{"Records":[{"s3":{}}]}',
    ]
    assert attach(good[0], *bad, aws_events.stored_nothing(), good[1]) == [1, 2, 3, 4]
    assert [download(api, url) for url in urls] == [TEXT.encode()] * 2


class Endless(io.RawIOBase):
    """So many bytes of a log file, made up as they are read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.digest = hashlib.sha256()
        self._source = random.Random(1)

    def read(self, amount: int | None = -1) -> bytes:
        assert amount is not None
        assert 0 < amount <= 4 * 1024 * 1024, "a log file is read piece by piece"
        amount = min(amount, self.left)
        self.left -= amount
        line = self._source.randbytes(512).hex().encode() + b"\n"
        piece = (line * (amount // len(line) + 1))[:amount]
        self.digest.update(piece)
        return piece


def test_a_log_file_of_fifty_megabytes_takes_little_memory(
    api: Api, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pk = api.open_batch(channel)["pk"]
    size = 50 * 1024 * 1024
    upload, stored = Endless(size), hashlib.sha256()
    client = clients.s3()

    class Body:
        def iter_chunks(self, amount: int) -> Iterator[bytes]:
            while piece := upload.read(amount):
                yield piece

        def __enter__(self) -> "Body":
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing is open."""

    def put(Body: Any, **_: Any) -> Any:
        with gzip.GzipFile(fileobj=Body) as content:
            while piece := content.read(1024 * 1024):
                stored.update(piece)

    monkeypatch.setattr(client, "get_object", lambda **_: {"Body": Body()})
    monkeypatch.setattr(client, "put_object", put)
    monkeypatch.setattr(client, "delete_object", lambda **_: None)
    tracemalloc.start()
    try:
        assert attach(aws_events.stored(f"uploads/{channel}/{pk}/0b9c")) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert upload.left == 0
    assert stored.digest() == upload.digest.digest()
    assert peak < 12 * 1024 * 1024


@pytest.mark.parametrize("letters", ["ab", "abcd", "0123456789"])
def test_a_log_file_hard_to_compress_is_attached_within_the_functions_time(
    api: Api, channel: int, letters: str
) -> None:
    url = batches(channel, api.open_batch(channel)["pk"])
    content = "".join(random.Random(1).choices(letters, k=4 * 1024 * 1024)).encode()
    key = upload(api, url, content)
    began = time.process_time()
    assert attach(aws_events.stored(key)) == []
    seconds = time.process_time() - began
    function = template()["Resources"]["AttachLogFileFunction"]["Properties"]
    memory = template()["Globals"]["Function"]["MemorySize"]
    # 1,769 MB are one CPU. Half of the time is left for the network.
    assert seconds / (memory / 1769) * (logs.LARGEST_UPLOAD / len(content)) < function["Timeout"] / 2
