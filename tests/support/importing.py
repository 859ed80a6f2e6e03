"""A client that imports products, and what it sees of them."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from batchyard.catalogue import repository
from batchyard.catalogue.rules import Product
from batchyard.store import blobs, clients
from batchyard.store.unit import Unit
from tests.support import permissions
from tests.support.api import Api
from tests.support.catalogue import must_be_whole, stored_products
from tests.support.jobs import JOBS, JobWorkers, job_of


class Importer:
    """A client that imports files.

    Args:
        workers: Those who work on jobs.
    """

    def __init__(self, api: Api, workers: JobWorkers) -> None:
        self.api, self.workers = api, workers

    def upload(self, content: bytes) -> str:
        """Brings a file; returns its key."""
        text = content.decode("latin-1")
        boundary = "----boundary"
        form = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="products.csv"\r\n'
            f"Content-Type: text/csv\r\n\r\n{text}\r\n--{boundary}--\r\n"
        )
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        answer = self.api.post("/admin/uploads", text=form.encode("latin-1"), headers=headers)
        assert answer.status == 200, answer.text
        return str(answer.json()["uploads"][0]["key"])

    def begin(self, content: bytes, context: Mapping[str, Any] | None = None, **more: Any) -> str:
        """Asks for an import; returns the job's ID."""
        body = {"type": "product-import", "context": {"fileKey": self.upload(content), **(context or {})}, **more}
        made = self.api.post(JOBS, body)
        assert made.status == 201, made.text
        return str(made.json()["batch_job"]["id"])

    def __call__(self, content: bytes | str, context: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Imports a file; returns the job as it is then."""
        id = self.begin(content.encode() if isinstance(content, str) else content, context, **more)
        self.workers.run()
        return job_of(self.api, id)

    def export(self) -> bytes:
        """The catalogue as a file."""
        return self.file(self.exported()["result"]["file_key"])

    def exported(self, **context: Any) -> dict[str, Any]:
        """The job of an export that is done."""
        id = self.api.post(JOBS, {"type": "product-export", "context": context}).json()["batch_job"]["id"]
        self.workers.run()
        return job_of(self.api, id)

    def file(self, key: str) -> bytes:
        """A file of the user's."""
        assert self.api.post("/admin/uploads/download-url", {"file_key": key}).status == 200
        with permissions.by_the_test():
            return clients.s3().get_object(Bucket=blobs.bucket(), Key=key)["Body"].read()

    def act(self, id: str, what: str) -> dict[str, Any]:
        """Confirms, cancels or undoes a job."""
        answer = self.api.post(f"{JOBS}/{id}/{what}")
        assert answer.status == 200, answer.text
        self.workers.run()
        return job_of(self.api, id)


def operations(*counts: int) -> dict[str, int]:
    return dict(zip(("PRODUCT_CREATE", "PRODUCT_UPDATE", "VARIANT_CREATE", "VARIANT_UPDATE"), counts, strict=True))


def product(handle: str) -> Product:
    with permissions.by_the_test():
        found = repository.find(Unit(), handle)
    assert found is not None
    return found


def handles() -> set[str]:
    with permissions.by_the_test():
        must_be_whole()
        return {one.handle for one in stored_products().values()}


def rows_in(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=";", strict=True))


SHIRTS = (
    "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR;Option 1 Name;Option 1 Value\r\n"
    "shirt;Shirt;S-1;5;19.90;Size;S\r\n"
    "shirt;;S-2;;24.90;Size;M\r\n"
    "sock;Sock;K-1;9;3.50;;\r\n"
)
