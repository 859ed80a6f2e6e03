"""Batch jobs through the API: what a job is, its life, its list, and what is refused."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from batch_jobs import look, publish
from batchyard import clock
from batchyard.batch_jobs.rules import COLUMNS, MOST_UNFINISHED
from batchyard.store import clients, due
from batchyard.store.tables import BATCH_JOBS
from tests.integration.conftest import Calls
from tests.support.api import Api, Caller, Context, narrowed
from tests.support.jobs import JOBS, READS, JobWorkers, create, job_of, let_in
from tests.support.messages import drained
from tests.support.streams import Stream, deliver

OTHER = Caller("somebody", "tok_other", READS)


@pytest.fixture
def workers(api: Api, monkeypatch: pytest.MonkeyPatch) -> JobWorkers:
    """Those who work on jobs, for a user who may have it done."""
    let_in(api)
    return JobWorkers(monkeypatch)


# What is answered.


def test_a_new_job_has_all_of_its_keys(api: Api) -> None:
    job = create(api, {"anything": [1]}, dry_run=True)
    assert list(job) == list(COLUMNS)
    assert re.fullmatch(r"batch_[0-7][0-9A-HJKMNP-TV-Z]{25}", job["id"])
    assert re.fullmatch(r"usr_[0-7][0-9A-HJKMNP-TV-Z]{25}", job["created_by"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job["created_at"])
    assert job["updated_at"] == job["created_at"]
    assert {name: job[name] for name in ("type", "status", "context", "result", "dry_run")} == {
        "type": "product-export",
        "status": "created",
        "context": {"anything": [1]},
        "result": None,
        "dry_run": True,
    }
    assert {job[name] for name in COLUMNS if name.endswith("_at") and name not in ("created_at", "updated_at")} == {
        None
    }
    assert job_of(api, job["id"]) == job


def test_jobs_of_one_user_have_one_user_id(api: Api) -> None:
    assert create(api)["created_by"] == create(Api(narrowed("tok_another")))["created_by"]
    assert create(Api(OTHER))["created_by"] != create(api)["created_by"]


def test_a_repeat_with_the_same_key_is_the_same_job(api: Api) -> None:
    body = {"type": "product-export", "context": {}}
    first, again, other = (
        api.post(JOBS, body, headers={"Idempotency-Key": key}).json() for key in ("one", "one", "two")
    )
    assert first == again
    assert first["batch_job"]["id"] != other["batch_job"]["id"]
    assert api.get(JOBS).json()["count"] == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "type must be a string, context must be an object"),
        ({"type": "product-export"}, "context must be an object"),
        ({"type": "product-export", "context": None}, "context must be an object"),
        ({"type": "product-export", "context": []}, "context must be an object"),
        ({"type": 5, "context": {}}, "type must be a string"),
        (
            {"type": None, "context": "x", "dry_run": "true"},
            "type must be a string, context must be an object, dry_run must be a boolean value",
        ),
        ({"type": "product-export", "context": {}, "foo": 1}, "property foo should not exist"),
        ({"type": "product-export", "context": {}, "dry_run": 1}, "dry_run must be a boolean value"),
        ({"type": "product-export", "context": {"a": "ä" * 33_000}}, "context must have at most 65536 bytes"),
        (
            {"type": "product-export", "context": {"a": "\ud800"}},
            "context must hold whole characters, and half of a surrogate pair is none",
        ),
        (
            {"type": "product-export", "context": {"\udc00": 1}},
            "context must hold whole characters, and half of a surrogate pair is none",
        ),
    ],
)
def test_bad_bodies_of_batch_jobs_are_refused_in_class_validators_words(
    api: Api, body: dict[str, Any], message: str
) -> None:
    refused = api.post(JOBS, body)
    assert (refused.status, refused.json()) == (400, {"type": "invalid_data", "message": message})
    assert api.get(JOBS).json()["count"] == 0


def test_an_empty_body_is_told_what_it_must_be(api: Api) -> None:
    refused = api.post(JOBS)
    assert refused.status == 400
    assert refused.json()["message"] == "type must be a string, context must be an object"


def test_unknown_types_and_jobs_are_not_found(api: Api) -> None:
    refused = api.post(JOBS, {"type": "nope", "context": {}})
    message = "Unable to find a BatchJob strategy with the type nope"
    assert (refused.status, refused.json()) == (404, {"type": "not_found", "message": message})
    for method, end in (("GET", ""), ("POST", "/confirm"), ("POST", "/cancel"), ("POST", "/undo")):
        missing = api(method, f"{JOBS}/batch_nope{end}")
        message = "Batch job with id batch_nope was not found"
        assert (missing.status, missing.json()) == (404, {"type": "not_found", "message": message})


def test_jobs_of_others_are_refused(api: Api) -> None:
    id = create(api)["id"]
    for method, end in (("GET", ""), ("POST", "/confirm"), ("POST", "/cancel"), ("POST", "/undo")):
        refused = Api(OTHER)(method, f"{JOBS}/{id}{end}")
        message = "Cannot access a batch job that does not belong to the logged in user"
        assert (refused.status, refused.json()) == (400, {"type": "not_allowed", "message": message})
    assert job_of(api, id)["status"] == "created"
    assert Api(OTHER).get(JOBS).json()["count"] == 0


def test_a_token_that_reads_the_catalogue_may_export_products(api: Api) -> None:
    reader = Api(Caller("reader", "tok_reader", READS))
    id = create(reader)["id"]
    assert reader.post(f"{JOBS}/{id}/cancel").status == 200
    outside = Api(Caller("reader", "tok_outside", READS._replace(catalogue="none")))
    for method, url, body in (
        ("POST", JOBS, {"type": "product-export", "context": {}}),
        ("GET", JOBS, None),
        ("GET", f"{JOBS}/{id}", None),
        ("POST", f"{JOBS}/{id}/cancel", None),
    ):
        assert outside(method, url, body).status == 403
    nobody = Api(None).get(JOBS)
    assert (nobody.status, nobody.text, nobody.headers["content-type"]) == (401, "Unauthorized", "text/plain")


# Its life.


def test_a_job_with_a_dry_run_waits_for_confirmation(api: Api, workers: JobWorkers) -> None:
    id = create(api, dry_run=True)["id"]
    early = api.post(f"{JOBS}/{id}/confirm")
    message = "Cannot confirm processing for a batch job that is not pre processed"
    assert (early.status, early.json()) == (400, {"type": "not_allowed", "message": message})
    workers.run()
    waiting = job_of(api, id)
    assert waiting["status"] == "pre_processed"
    assert waiting["result"] == {
        "count": 0,
        "advancement_count": 0,
        "progress": 0,
        "stat_descriptors": [
            {
                "key": "product-export-count",
                "name": "Product count to export",
                "message": "There will be 0 products exported by this action",
            }
        ],
    }
    assert (waiting["confirmed_at"], waiting["processing_at"]) == (None, None)
    assert workers.run() == 0
    confirmed = api.post(f"{JOBS}/{id}/confirm", {"ignored": True})
    assert confirmed.status == 200
    assert confirmed.json()["batch_job"]["status"] == "confirmed"
    workers.run()
    done = job_of(api, id)
    assert done["status"] == "completed"
    moments = [
        done[f"{name}_at"] for name in ("created", "pre_processed", "confirmed", "processing", "completed", "updated")
    ]
    assert moments == sorted(moments)
    assert api.post(f"{JOBS}/{id}/confirm").status == 400


def test_a_job_without_a_dry_run_confirms_itself(api: Api, workers: JobWorkers) -> None:
    id = create(api)["id"]
    workers.run()
    done = job_of(api, id)
    assert done["status"] == "completed"
    assert done["confirmed_at"] == done["pre_processed_at"]
    assert done["result"]["progress"] == 1
    key = done["result"]["file_key"]
    assert re.fullmatch(rf"files/{done['created_by']}/[0-7][0-9A-HJKMNP-TV-Z]{{25}}/product-export\.csv", key)
    assert api.post("/admin/uploads/download-url", {"file_key": key}).status == 200
    assert Api(OTHER).post("/admin/uploads/download-url", {"file_key": key}).status in (403, 404)


def test_a_completed_job_is_not_canceled_nor_an_export_undone(api: Api, workers: JobWorkers) -> None:
    id = create(api)["id"]
    workers.run()
    before = job_of(api, id)
    refused = api.post(f"{JOBS}/{id}/cancel")
    message = "Cannot cancel completed batch job"
    assert (refused.status, refused.json()) == (400, {"type": "not_allowed", "message": message})
    refused = api.post(f"{JOBS}/{id}/undo")
    assert (refused.status, refused.json()["type"]) == (400, "not_allowed")
    assert job_of(api, id) == before


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_job_is_canceled_at_once_and_workers_stop(api: Api, workers: JobWorkers, dry_run: bool) -> None:
    id = create(api, dry_run=dry_run)["id"]
    if dry_run:
        workers.run()
    canceled = api.post(f"{JOBS}/{id}/cancel").json()["batch_job"]
    assert (canceled["status"], canceled["canceled_at"]) == ("canceled", canceled["updated_at"])
    workers.run()
    assert api.post(f"{JOBS}/{id}/cancel").json()["batch_job"] == canceled
    assert job_of(api, id) == canceled
    assert api.post(f"{JOBS}/{id}/confirm").status == 400


def test_a_context_that_cannot_be_understood_fails_the_job(api: Api, workers: JobWorkers) -> None:
    id = create(api, {"order": "price"})["id"]
    workers.run()
    failed = job_of(api, id)
    message = "products cannot be ordered by price: by created_at, updated_at, id, handle, title they can"
    assert failed["status"] == "failed"
    assert failed["failed_at"] == failed["updated_at"]
    assert failed["result"] == {
        "errors": [{"code": "invalid_data", "message": message, "err": message}],
        "error_count": 1,
    }


def test_a_job_whose_user_lost_the_right_fails(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = JobWorkers(monkeypatch)
    id = create(api)["id"]
    workers.run()
    failed = job_of(api, id)
    assert (failed["status"], failed["result"]["errors"][0]["code"]) == ("failed", "not_allowed")


def test_a_user_has_so_many_jobs_that_have_not_ended(api: Api, workers: JobWorkers) -> None:
    ids = [create(api, dry_run=True)["id"] for _ in range(20)]
    refused = api.post(JOBS, {"type": "product-export", "context": {}})
    assert (refused.status, refused.json()["type"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    assert Api(OTHER).post(JOBS, {"type": "product-export", "context": {}}).status == 201
    api.post(f"{JOBS}/{ids[3]}/cancel")
    create(api)
    assert api.post(JOBS, {"type": "product-export", "context": {}}).status == 429
    workers.run()
    create(api)


# Its list.


def ids(api: Api, query: str = "") -> list[str]:
    found = api.get(f"{JOBS}{query}")
    assert found.status == 200, found.text
    return [job["id"] for job in found.json()["batch_jobs"]]


def test_the_list_of_jobs_has_the_users_own_newest_first(api: Api, at: Callable[[float], None]) -> None:
    made = []
    for second in range(12):
        at(second)
        made.append(create(api)["id"])
        Api(OTHER).post(JOBS, {"type": "product-export", "context": {}})
    newest = made[::-1]
    found = api.get(JOBS).json()
    assert {name: found[name] for name in ("count", "offset", "limit")} == {"count": 12, "offset": 0, "limit": 10}
    assert [job["id"] for job in found["batch_jobs"]] == newest[:10]
    assert list(found["batch_jobs"][0]) == list(COLUMNS)
    assert ids(api, "?offset=10") == newest[10:]
    assert ids(api, "?limit=3&offset=2") == newest[2:5]
    assert ids(api, "?limit=0") == newest
    assert api.get(f"{JOBS}?limit=0").json()["limit"] == 50
    assert ids(api, "?offset=99") == []
    assert ids(api, "?order=created_at&limit=2") == made[:2]
    assert ids(api, "?order=-id&limit=2") == newest[:2]
    assert ids(api, f"?id={made[4]}") == [made[4]]
    assert ids(api, f"?id[]={made[4]}&id[]={made[6]}") == [made[6], made[4]]
    assert ids(api, f"?id%5B0%5D={made[4]}") == [made[4]]
    assert ids(api, "?type=product-export&limit=1") == newest[:1]
    assert ids(api, "?type[]=product-import") == []
    bound = job_of(api, made[5])["created_at"]
    assert ids(api, f"?created_at[lt]={bound}&limit=50") == made[4::-1]
    assert ids(api, f"?created_at%5Bgte%5D={bound}&created_at[lte]={bound}") == [made[5]]
    assert ids(api, f"?created_at[gt]={bound}&limit=50") == newest[:6]
    assert ids(api, "?created_at[gt]=5&canceled_at=null&limit=1") == newest[:1]
    api.post(f"{JOBS}/{made[2]}/cancel")
    assert ids(api, "?canceled_at[gt]=1970-01-01") == [made[2]]
    assert ids(api, "?canceled_at=null&limit=50") == [id for id in newest if id != made[2]]
    assert ids(api, "?order=canceled_at&limit=1") == [made[2]]
    assert ids(api, "?order=-canceled_at&limit=50")[-1] == made[2]
    assert ids(api, "?order=status&limit=1") == [made[2]]


def test_the_list_of_jobs_has_fields_and_expand(api: Api) -> None:
    create(api)
    [job] = api.get(f"{JOBS}?fields=id,status&expand=created_by_user").json()["batch_jobs"]
    assert list(job) == ["id", "status", "created_by_user"]
    assert job["created_by_user"]["email"] == "tester"
    one = api.get(f"{JOBS}/{job['id']}?expand=created_by_user").json()["batch_job"]
    assert list(one) == [*COLUMNS, "created_by_user"]
    assert one["created_by_user"]["id"] == one["created_by"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=51",
        "limit=-1",
        "limit=ten",
        "limit=",
        "offset=-1",
        "offset=1.5",
        "offset=99999999999999999999",
        "order=price",
        "order=--created_at",
        "fields=id,price",
        "expand=price",
        "created_at=2020-01-01",
        "created_at[lt]=soon",
        "created_at[lt]=",
        "created_at[near]=2020-01-01",
        "created_at[lt]=9999-99-99",
        "created_at[lt]=" + "9" * 80,
        "foo=1",
        "deleted_at[lt]=5",
        "id[a]=b",
        "order=result[",
    ],
)
def test_bad_queries_are_told(api: Api, query: str) -> None:
    refused = api.get(f"{JOBS}?{query}")
    assert (refused.status, refused.json()["type"]) == (400, "invalid_data"), refused.text


def test_unknown_parameters_should_not_exist(api: Api) -> None:
    for method, url, body in (
        ("GET", f"{JOBS}?foo=1", None),
        ("GET", f"{JOBS}/batch_1?foo=1", None),
        ("POST", f"{JOBS}?foo=1", {"type": "product-export", "context": {}}),
        ("POST", f"{JOBS}/batch_1/cancel?foo=1", None),
    ):
        assert api(method, url, body).json()["message"] == "property foo should not exist"


# What happens by itself.


def test_a_job_that_nobody_confirms_is_canceled_after_a_week(
    api: Api, workers: JobWorkers, at: Callable[[float], None]
) -> None:
    at(0)
    id = create(api, dry_run=True)["id"]
    workers.run()
    at(7 * 86_400 - 10)
    deliver_look(workers)
    assert job_of(api, id)["status"] == "pre_processed"
    at(7 * 86_400 + 1)
    deliver_look(workers)
    workers.run()
    assert job_of(api, id)["status"] == "canceled"


def test_a_job_whose_message_was_lost_is_announced_again(
    api: Api, workers: JobWorkers, at: Callable[[float], None]
) -> None:
    at(0)
    id = create(api)["id"]
    workers.follow()
    drained(workers.url)
    at(60)
    assert deliver_look(workers) == 0
    at(16 * 60)
    assert deliver_look(workers) == 1
    workers.run()
    assert job_of(api, id)["status"] == "completed"
    at(3600)
    assert deliver_look(workers) == 0


def test_due_jobs_are_spread_over_partitions(api: Api, workers: JobWorkers, calls: Calls) -> None:
    """A partition takes 1,000 write units a second, and the index is of all users' jobs."""
    for user in range(5):
        theirs = Api(narrowed(f"tok_{user}")._replace(user=f"user-{user}"))
        for _ in range(MOST_UNFINISHED):
            create(theirs, dry_run=True)
    partitions = Counter(row["due"]["S"] for row in due_rows())
    assert partitions.total() == 5 * MOST_UNFINISHED
    assert len(partitions) > due.SHARDS // 2
    assert max(partitions.values()) < 25
    calls.clear()
    assert deliver_look(workers) == 0
    # One of each shard, and one of what was written before there were any.
    assert calls == ["dynamodb.Query"] * (due.SHARDS + 1)


def due_rows() -> list[Any]:
    """What the index of overdue jobs has."""
    rows: list[Any] = clients.dynamodb().scan(TableName=BATCH_JOBS.name, IndexName="by_due")["Items"]
    return rows


def test_a_job_from_before_there_were_shards_is_looked_at(
    api: Api, workers: JobWorkers, at: Callable[[float], None]
) -> None:
    at(0)
    former, later = (create(api, dry_run=True)["id"] for _ in range(2))
    workers.run()
    clients.dynamodb().update_item(
        TableName=BATCH_JOBS.name,
        Key={"id": {"S": former}, "part": {"S": "job"}},
        UpdateExpression="SET due = :due",
        ExpressionAttributeValues={":due": {"S": "job"}},
    )
    assert "job" in {row["due"]["S"] for row in due_rows()}
    at(7 * 86_400 + 1)
    deliver_look(workers)
    workers.run()
    assert {job_of(api, id)["status"] for id in (former, later)} == {"canceled"}
    assert due_rows() == []


def deliver_look(workers: JobWorkers) -> int:
    """What the schedule brings about."""
    return int(look.handler({}, Context())["announced"])


def test_every_status_change_of_a_job_is_published_once(api: Api, workers: JobWorkers, event_queue: str) -> None:
    stream = Stream(workers.stream._table)
    id = create(api)["id"]
    workers.run()
    assert deliver(publish.handler, stream.read()) == {"batchItemFailures": []}
    told = [event["detail"] for event in drained(event_queue)]
    assert [(event["oldStatus"], event["newStatus"]) for event in told] == [
        (None, "created"),
        ("created", "pre_processed"),
        ("pre_processed", "confirmed"),
        ("confirmed", "processing"),
        ("processing", "completed"),
    ]
    assert {event["id"] for event in told} == {id}
    assert told[-1]["count"] == 0
    assert told[-1]["by"] == "tester"
    assert told[-1]["fileKey"] == job_of(api, id)["result"]["file_key"]


def test_jobs_are_forgotten_after_ninety_days(api: Api, at: Callable[[float], None]) -> None:
    at(0)
    id = create(api)["id"]
    at(90 * 86_400 + 60)
    assert api.get(f"{JOBS}/{id}").status == 404
    assert clock.now() > 0
