"""Imports of products where transactions meet: many jobs at once, and products of several transactions."""

import json
import uuid
from functools import partial
from typing import Any

import pytest

from batch_jobs import work
from batchyard.catalogue import repository
from batchyard.store import clients
from batchyard.store.unit import Unit
from tests.consistency.workers import at_once
from tests.consistency.world import World
from tests.support.api import Api, Context
from tests.support.catalogue import must_be_safe, must_be_whole, stored_products, told_catalogue
from tests.support.engines import MINISTACK
from tests.support.jobs import JOBS, job_of, let_in
from tools import aws_events

pytestmark = [pytest.mark.engine, pytest.mark.parametrize("engine", [MINISTACK], indirect=True)]

HEADER = "Product Handle;Product Title;Variant SKU;Variant Inventory Quantity;Price EUR\n"


@pytest.fixture
def api(world: World, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The API of a deployment, for a user who may import."""
    queue = clients.sqs().create_queue(QueueName=f"jobs-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", queue)
    let_in(world.api)
    return world.api


def begin(api: Api, content: str, **context: Any) -> str:
    """Makes a job that imports a file."""
    boundary = "----boundary"
    form = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="products.csv"\r\n'
        f"Content-Type: text/csv\r\n\r\n{content}\r\n--{boundary}--\r\n"
    )
    answer = api.post(
        "/admin/uploads", text=form, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    key = answer.json()["uploads"][0]["key"]
    made = api.post(JOBS, {"type": "product-import", "context": {"fileKey": key, "match": "handle", **context}})
    assert made.status == 201, made.text
    return str(made.json()["batch_job"]["id"])


def work_on(id: str) -> None:
    """Delivers the message that a job has work left."""
    message = aws_events.message(json.dumps({"job": id}))
    message["attributes"]["ApproximateReceiveCount"] = "1"
    assert work.handler({"Records": [message]}, Context()) == {"batchItemFailures": []}


def run(api: Api, *ids: str) -> list[dict[str, Any]]:
    """Has the work of jobs done at the same time; returns the jobs as they are then."""
    assert at_once([partial(work_on, id) for id in ids]) == [None] * len(ids)
    return [job_of(api, id) for id in ids]


def undo(api: Api, id: str) -> dict[str, Any]:
    """Has what a job did taken back."""
    assert api.post(f"{JOBS}/{id}/undo").status == 200
    [job] = run(api, id)
    assert job["result"]["undo"]["status"] == "completed"
    return job


def file(title: str, first: int, end: int) -> str:
    rows = "".join(f"p{n};{title};P-{n}-{v};{n};1.00\n" for n in range(first, end) for v in range(2))
    return HEADER + rows


def test_two_imports_of_the_same_products_at_once(api: Api) -> None:
    jobs = run(api, begin(api, file("left", 0, 20)), begin(api, file("right", 10, 30)))
    assert [job["status"] for job in jobs] == ["completed"] * 2, [job["result"] for job in jobs]
    assert [(job["result"]["count"], job["result"]["advancement_count"]) for job in jobs] == [(60, 60)] * 2
    must_be_whole()
    by_job = {job["id"]: title for job, title in zip(jobs, ("left", "right"), strict=True)}
    found = stored_products().values()
    assert len(found) == 30
    assert {one.handle for one in found if one.fields["title"] != by_job[one.by]} == set()
    assert all(len(one.variants) == 2 for one in found)
    for job in jobs:
        undo(api, job["id"])
    must_be_whole()


def test_failing_imports_keep_nobody_waiting(api: Api) -> None:
    bad = [begin(api, HEADER + f"bad{n};T;B-{n};1;1,50\n") for n in range(12)]
    good = [begin(api, file("good", 10 * n, 10 * n + 5)) for n in range(3)]
    jobs = run(api, *bad, *good)
    assert [job["status"] for job in jobs] == ["failed"] * 12 + ["completed"] * 3
    must_be_whole()
    assert len(stored_products()) == 15


def test_skus_change_places_within_a_product_alone(api: Api) -> None:
    run(api, begin(api, HEADER + "a;A;S-1;1;1.00\na;A;S-2;2;2.00\nb;B;S-3;3;3.00\n"))
    one = repository.find(Unit(), "a")
    assert one is not None
    ids = [variant.id for variant in one.variants]
    rows = f"a;{ids[0]};S-2\na;{ids[1]};S-1\n"
    [swapped] = run(api, begin(api, "Product Handle;Variant Id;Variant SKU\n" + rows))
    assert swapped["status"] == "completed", swapped["result"]
    now = repository.find(Unit(), "a")
    assert now is not None
    assert [(variant.id, variant.sku) for variant in now.variants] == [(ids[0], "S-2"), (ids[1], "S-1")]
    must_be_whole()
    [refused] = run(api, begin(api, HEADER + "b;B;S-1;1;1.00\n"))
    assert refused["status"] == "failed"
    assert "two steps" in refused["result"]["errors"][0]["message"]


def test_a_product_of_several_transactions_and_its_undo(api: Api) -> None:
    def rows(price: int, more: int) -> str:
        return HEADER + "".join(f"ring;Ring;R-{n};{n + price};{price}.00\n" for n in range(200 + more))

    [made] = run(api, begin(api, rows(1, 0)))
    assert made["status"] == "completed", made["result"]["errors"][:2]
    must_be_whole()
    before = told_catalogue()
    [changed] = run(api, begin(api, rows(2, 5)))
    assert changed["status"] == "completed", changed["result"]
    must_be_whole()
    assert told_catalogue() != before
    assert "errors" not in undo(api, changed["id"])["result"]
    assert told_catalogue() == before
    undo(api, made["id"])
    # Their stream's handler removes what they leave behind.
    must_be_safe()
    assert stored_products() == {}
