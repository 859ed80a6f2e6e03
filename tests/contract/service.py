"""The service as clients find it: somebody to log in as, and what there is to ask for."""

import json
from dataclasses import replace
from functools import cached_property
from typing import Any

import pytest

from batchyard import clock, ulids
from batchyard.batch_jobs import repository as jobs
from batchyard.batch_jobs.rules import COMPLETED, IMPORT, Job
from batchyard.catalogue import repository as products
from batchyard.identity import operations, tokens
from batchyard.scope import Scope
from batchyard.store import clients, items
from batchyard.store.tables import BATCH_JOBS
from batchyard.store.unit import transact
from batchyard.uploads import operations as uploads
from batchyard.user_ids import user_id
from tests.contract.gateway import Gateway
from tests.support import aws, catalogue
from tests.support.api import Answer, batches

GATEWAY = Gateway()
"""Where this process reaches the service."""

NAME, PASSWORD = "anna", "correct horse battery staple"
COLLECTION, PRODUCT = "wines", "barolo"
GTIN = "09521234543213"
SERIALS = 1_000_000


class Service:
    """A service of which nobody knew before; the one that this process works on from here on.

    Args:
        patch: What undoes that.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        variables = aws.environment()
        # No test here is about limits, and a run of thousands of requests would meet them.
        for name, value in {**aws.CREDENTIALS, **variables, "REQUESTS_PER_MINUTE": "100000000"}.items():
            patch.setenv(name, value)
        patch.setenv("VERIFICATIONS_PER_MINUTE", "100000000")
        patch.setenv("FAILED_LOGINS_PER_MINUTE", "100000000")
        patch.setattr(uploads, "MOST_OPEN", 100_000_000)
        patch.setattr(jobs, "MOST_UNFINISHED", 100_000_000)
        # Logins are slow on purpose, and many here.
        patch.setattr(tokens, "COST", tokens.Cost(1, 1, 1))
        aws.forget()
        aws.create_tables(variables)
        aws.create_bucket(variables)
        aws.create_secret(variables)
        GATEWAY.forget()
        operations.create_user(NAME, PASSWORD, Scope(admin=True))
        self.key = operations.create_token(NAME, Scope(admin=True))
        self.channel = self.new_channel()
        self._product_batches = 0
        self._entities = 0

    @cached_property
    def readable(self) -> str:
        """A product batch for those who only read."""
        batch = self.new_product_batch(gtin=GTIN, quantity=40, tags=[{"code": "t1", "claimSetId": "c1"}])
        self.new_change(batch)
        return batch

    @cached_property
    def product(self) -> str:
        """The ID of a product of the catalogue."""
        given = catalogue.product("boots", "B-1", "B-2")
        return transact(lambda unit: products.put(unit, given, None)).id

    @cached_property
    def entity(self) -> int:
        """The ID of a product of the entity sets, for those who only read."""
        return self.new_entity()

    def new_entity(self) -> int:
        """The ID of a product of the entity sets that was not there before, with an attribute."""
        self._entities += 1
        attributes = [{"Name": "Size", "Value": "41"}]
        made = self.ask("POST", "/v1/Products", {"Sku": f"S-{self._entities}", "Attributes": attributes})
        assert made.status == 201, made.text
        return int(made.json()["ID"])

    @cached_property
    def export(self) -> str:
        """An export of what there is to read."""
        return str(self.ask("POST", f"{product_batches(PRODUCT, self.readable)}/export").json()["id"])

    @cached_property
    def changeable(self) -> str:
        """A product batch whose serials change all the time."""
        return self.new_product_batch(gtin=GTIN, quantity=SERIALS)

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """What the service answers somebody who may do everything."""
        sent = [("Authorization", f"Token {self.key}"), *headers.items()]
        if body is None:
            return GATEWAY.request(method, target, sent)
        return GATEWAY.request(method, target, [*sent, ("Content-Type", "application/json")], json.dumps(body).encode())

    def new_channel(self) -> int:
        """The primary key of a channel that was not there before."""
        return int(self.ask("POST", "/api/v1/channels/", {"name": "Marketplace"}).json()["pk"])

    def new_batch(self, *changes: dict[str, Any]) -> int:
        """The primary key of a batch request that was not there before, changed like this."""
        made = self.ask("POST", batches(self.channel), {"channel": self.channel})
        pk = int(made.json()["pk"])
        for change in changes:
            changed = self.ask("PATCH", batches(self.channel, pk), change)
            assert changed.status == 200, changed.text
        return pk

    def new_product_batch(self, product: str = PRODUCT, **fields: Any) -> str:
        """The ID of a product batch that was not there before, with these fields."""
        self._product_batches += 1
        # Of no example of the document, which are sent here, too.
        id = f"made-{self._product_batches}"
        made = self.ask("POST", product_batches(product), {"id": id, **fields})
        assert made.status == 200, made.text
        return id

    def codes(self, batch: str, start: int = 0) -> list[str]:
        """The codes of ten of a product batch's serials."""
        page = self.ask("GET", f"{product_batches(PRODUCT, batch)}/getSN?startIndex={start}").json()
        return [item["code"] for item in page["items"]]

    def new_file(self) -> str:
        """The key of a file that was not there before."""
        form = (
            '--b\r\nContent-Disposition: form-data; name="files"; filename="products.csv"\r\n\r\nProduct Handle\r\n'
            "--b--\r\n"
        )
        sent = [("Authorization", f"Token {self.key}"), ("Content-Type", "multipart/form-data; boundary=b")]
        made = GATEWAY.request("POST", "/admin/uploads", sent, form.encode())
        assert made.status == 200, made.text
        return str(made.json()["uploads"][0]["key"])

    def new_job(self, action: str) -> str:
        """The ID of a job that was not there before, and that this can be done with: `confirm`, `undo` or anything."""
        now = clock.now()
        job = Job(f"batch_{ulids.new(now)}", IMPORT, user_id(NAME), NAME, {}, now, now)
        if action == "confirm":
            job = replace(job, dry_run=True).pre_processed({"count": 0}, {"phase": "write"}, now)
        elif action == "undo":
            job = job.moved(COMPLETED, now=now, result={"count": 1, "products": 1}, state=None)
        # Not as a client does: what workers do with a job is not done here.
        item = jobs.encode(replace(job, version=1))
        clients.dynamodb().put_item(TableName=BATCH_JOBS.name, Item=items.encode(item))
        return job.id

    def new_change(self, batch: str, start: int = 0) -> str:
        """The ID of a change of a product batch's serials: five of them are decommissioned."""
        body = {"status": "decommissioned", "ranges": [{"startIndex": start, "count": 5}]}
        made = self.ask("POST", f"{product_batches(PRODUCT, batch)}/serialChange", body)
        assert made.status == 200, made.text
        return str(made.json()["id"])


def product_batches(product: str = PRODUCT, batch: str | None = None) -> str:
    """The path of a product's batches, or of one of them."""
    return f"/admin/collection/{COLLECTION}/product/{product}/batch" + ("" if batch is None else f"/{batch}")
