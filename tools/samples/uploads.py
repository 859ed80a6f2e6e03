"""Samples of files: brought along in a form, put and got at URLs, removed."""

import re

from batchyard.store import blobs
from batchyard.user_ids import user_id
from tools import sample_world as world
from tools.samples import looks
from tools.samples.sample import http, route, typed

_USER = re.escape(user_id(world.USER.name))
_KEY = re.compile(rf"files/{_USER}/[0-9A-HJKMNP-TV-Z]{{26}}/Größen 2025\.csv")
_URL = re.compile(r"https?://.*X-Amz-Signature=.*")
_STORED = {"url": _URL, "key": _KEY}
_BOUNDARY = "----form-of-the-sample-world"
_FORM = (
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="files"; filename="Größen 2025.csv"\r\n'
    "Content-Type: text/csv\r\n"
    "\r\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()
_IN_LATIN_1 = "Product Handle;Product Title\r\nläufer;Läufer\r\n".encode("latin-1")
_HEADERS = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


def _sizes() -> list[int]:
    """Of the files that are there, smallest first."""
    return sorted(size for size, _ in filter(None, map(blobs.version_of, looks.keys("files/"))))


SAMPLES = {
    "upload": route(
        "POST",
        "/admin/uploads",
        http(200, {"uploads": [_STORED]}),
        _sizes,
        sorted([len(world.FILE), len(_IN_LATIN_1)]),
        text=_FORM + _IN_LATIN_1 + _END,
        headers=_HEADERS,
        scheme="Bearer",
    ),
    "upload_protected": route(
        "POST",
        "/admin/uploads/protected",
        http(200, {"uploads": [_STORED]}),
        _sizes,
        sorted([len(world.FILE), len(_IN_LATIN_1)]),
        text=_FORM + _IN_LATIN_1 + _END,
        headers=_HEADERS,
        scheme="Bearer",
        like="uploads/upload",
    ),
    "presign": route(
        "POST",
        "/admin/uploads/presigned-urls",
        http(201, {**_STORED, "expires_at": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")}),
        _sizes,
        [len(world.FILE)],
        body={"file_name": "Größen 2025.csv", "size": 5_000_000},
        scheme="Bearer",
        like="uploads/download_url",
    ),
    "download_url": route(
        "POST",
        "/admin/uploads/download-url",
        http(200, {"download_url": _URL}),
        body={"file_key": world.FILE_KEY},
        scheme="Bearer",
        repeatable=True,
    ),
    "download_url.missing": route(
        "POST",
        "/admin/uploads/download-url",
        typed(404, "not_found", f"File with key {world.MISSING_FILE_KEY} was not found"),
        body={"file_key": world.MISSING_FILE_KEY},
        scheme="Bearer",
        repeatable=True,
    ),
    "delete": route(
        "DELETE",
        "/admin/uploads",
        http(200, {"id": world.FILE_KEY, "object": "file", "deleted": True}),
        _sizes,
        [],
        body={"file_key": world.FILE_KEY},
        scheme="Bearer",
        like="uploads/download_url",
    ),
}
