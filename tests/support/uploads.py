"""Multipart uploads of moto: parts as small as a test likes, and S3's own words of what is not there."""

from collections.abc import Callable
from typing import Any

import moto.s3.models
import pytest
from moto.s3.exceptions import NoSuchUpload

from batchyard.store import clients


def take_small_parts(patch: pytest.MonkeyPatch, smallest: int) -> None:
    """Takes parts of so many bytes, which S3 itself would refuse."""
    patch.setattr(moto.s3.models, "S3_UPLOAD_PART_MIN_SIZE", smallest)
    for name in ("upload_part", "complete_multipart_upload"):
        patch.setattr(moto.s3.models.S3Backend, name, _of_known(getattr(moto.s3.models.S3Backend, name)))


def uploads(stores: dict[str, str]) -> list[Any]:
    """The uploads that nobody completed or gave up."""
    return list(clients.s3().list_multipart_uploads(Bucket=stores["CONTENT_BUCKET"]).get("Uploads", []))


def _of_known(act: Callable[..., Any]) -> Callable[..., Any]:
    """Says what S3 says of an upload that is not there, where moto has no words."""

    def acting(backend: Any, bucket_name: str, multipart_id: str, *arguments: Any) -> Any:
        if multipart_id not in backend.get_bucket(bucket_name).multiparts:
            raise NoSuchUpload(upload_id=multipart_id)
        return act(backend, bucket_name, multipart_id, *arguments)

    return acting
