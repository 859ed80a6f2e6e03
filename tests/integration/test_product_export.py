"""Exports of products: the right rows in the right order in one file, whatever befalls those who write it."""

import csv
import io
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from batch_jobs import work
from batchyard.batch_jobs import product_export, selecting, spool
from batchyard.catalogue import reference, repository, rules
from batchyard.catalogue.rules import Price, Product
from batchyard.store import blobs, clients
from batchyard.store.unit import transact
from tests.support import permissions
from tests.support.api import Api
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import product
from tests.support.jobs import JOBS, JobWorkers, create, job_of, let_in
from tests.support.long_work import URL, Fault, Workers, answer_lost, killed_after, killed_before, out_of_reach
from tests.support.uploads import take_small_parts, uploads

_moments = itertools.count(1_790_000_000_000_000, 1_000_000)


@pytest.fixture
def workers(api: Api, monkeypatch: pytest.MonkeyPatch) -> JobWorkers:
    """Those who work on jobs, for a user who may have it done."""
    let_in(api)
    return JobWorkers(monkeypatch)


@pytest.fixture
def small(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of some products and parts of some rows, which S3 itself would refuse; scans of two products."""
    monkeypatch.setattr(spool, "CHUNK", 1000)
    monkeypatch.setattr(product_export, "PART", 1500)
    take_small_parts(monkeypatch, 100)
    scan = clients.dynamodb().scan
    monkeypatch.setattr(clients.dynamodb(), "scan", lambda **request: scan(**request, Limit=2))


def store(handle: str, *skus: str | None, stock: int = 0, **given: Any) -> Product:
    """A product in the store."""
    moment = next(_moments)
    one = product(handle, *skus, **{"created": moment, "updated": moment, **given})
    pieces = {variant.entity: {0: stock} for variant in one.variants} if stock else {}
    with permissions.by_the_test():
        return transact(lambda unit: repository.put(unit, one, None, pieces))


def exported(api: Api, workers: JobWorkers, context: dict[str, Any] | None = None, looks: int = 10_000) -> str:
    """The file of an export."""
    id = create(api, context)["id"]
    workers.run(looks)
    done = job_of(api, id)
    assert done["status"] == "completed", done
    result = done["result"]
    content = content_of(result["file_key"])
    assert result["file_size"] == len(content)
    assert result["progress"] == 1
    assert result["count"] == result["advancement_count"] == len(handles_in(content.decode()))
    # Nothing is left of the work.
    with permissions.by_the_test():
        assert [key for key in keys_in_bucket({"CONTENT_BUCKET": blobs.bucket()}) if key.startswith("spools/")] == []
    return content.decode()


def content_of(key: str) -> bytes:
    with permissions.by_the_test():
        return clients.s3().get_object(Bucket=blobs.bucket(), Key=key)["Body"].read()


def rows_in(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=";", strict=True))


def handles_in(text: str) -> list[str]:
    """The handles of the products of a file, in order; rows of one product stand together."""
    found = [handle for handle, _ in itertools.groupby(rows_in(text), key=lambda row: row["Product Handle"])]
    assert len(set(found)) == len(found)
    return found


def test_an_empty_catalogue_is_a_header(api: Api, workers: JobWorkers) -> None:
    text = exported(api, workers)
    assert text.count("\r\n") == 1
    assert text.startswith("Product Id;Product Handle;")
    assert text.endswith("Variant Material\r\n")


def test_an_export_has_all_columns_of_the_catalogue(api: Api, workers: JobWorkers) -> None:
    with permissions.by_the_test():
        collection = reference.create_collection("shoes", "Shoes; all of them")
        channel = reference.create_sales_channel("Web", "The shop, at night")
    boots = store(
        "boots",
        "B-1",
        "B-2",
        stock=7,
        fields={"title": 'Boots "Nord"', "collection": collection.handle},
        sales_channels=(channel.id,),
    )
    first, second = rows_in(exported(api, workers))
    assert (first["Product Id"], first["Variant Id"], first["Variant SKU"]) == (boots.id, boots.variants[0].id, "B-1")
    assert {
        "Product Title": 'Boots "Nord"',
        "Product Collection Title": "Shoes; all of them",
        "Product Collection Handle": "shoes",
        "Product Tags": 'leather,"big, tall"',
        "Variant Inventory Quantity": "7",
        "Price EUR": "49.90",
        "Price North America [USD]": "54.90",
        "Option 1 Name": "Size",
        "Option 1 Value": "size 1",
        "Image 2 Url": "https://img.example/2.jpg",
        "Sales Channel 1 Id": channel.id,
        "Sales Channel 1 Name": "Web",
        "Sales Channel 1 Description": "The shop, at night",
    }.items() <= second.items()


def test_an_export_is_downloaded_by_its_file_key(api: Api, workers: JobWorkers) -> None:
    store("boots", "B-1")
    text = exported(api, workers)
    assert not text.startswith("\ufeff")
    assert text.count("\n") == text.count("\r\n") == 2


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("looks", [10_000, 1])
def test_large_exports_are_put_together_in_order(api: Api, workers: JobWorkers, looks: int) -> None:
    made = [store(f"p{number * 7 % 16:02}", f"S-{number}", stock=number + 1).handle for number in range(16)]
    assert handles_in(exported(api, workers, looks=looks)) == made
    assert handles_in(exported(api, workers, {"order": "-created_at"}, looks)) == made[::-1]
    assert handles_in(exported(api, workers, {"order": "handle"}, looks)) == sorted(made)
    assert handles_in(exported(api, workers, {"order": "handle", "offset": 4, "limit": 9}, looks)) == sorted(made)[4:13]
    assert handles_in(exported(api, workers, {"list_config": {"skip": 14, "take": 9}}, looks)) == made[14:]
    assert handles_in(exported(api, workers, {"offset": 16}, looks)) == []
    assert handles_in(exported(api, workers, {"limit": 0}, looks)) == []
    twice = [exported(api, workers, {"order": "title"}, looks) for _ in range(2)]
    assert twice[0] == twice[1]


@pytest.mark.usefixtures("small")
def test_products_exported_with_equal_dates_are_ordered_by_id(api: Api, workers: JobWorkers) -> None:
    made = [store(f"p{number}", f"S-{number}", created=1_000_000) for number in range(12)]
    wanted = [one.handle for one in sorted(made, key=lambda one: one.id)]
    assert handles_in(exported(api, workers)) == wanted
    assert handles_in(exported(api, workers, {"order": "-created_at"})) == wanted


@pytest.mark.usefixtures("small")
def test_an_export_has_the_columns_of_its_products(api: Api, workers: JobWorkers) -> None:
    for number in range(12):
        store(f"plain{number}", f"S-{number}", images=(), fields={"title": "Plain"})
    store("rich", "R-1", "R-2", images=tuple(f"https://img.example/{number}" for number in range(9)))
    whole = exported(api, workers).partition("\r\n")[0].split(";")
    assert "Image 9 Url" in whole
    assert "Option 1 Name" in whole
    some = exported(api, workers, {"limit": 12}).partition("\r\n")[0].split(";")
    assert "Image 1 Url" not in some
    assert "Option 1 Name" not in some
    one = exported(api, workers, {"filterable_fields": {"handle": "plain3"}}).partition("\r\n")[0].split(";")
    assert one == some


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        ({"handle": "boots"}, ["boots"]),
        ({"handle": ["socks", "boots", "none"]}, ["boots", "socks"]),
        ({"handle": []}, []),
        ({"status": ["draft"]}, ["socks"]),
        ({"tags": ["wool"]}, ["socks"]),
        ({"title": "The hat"}, ["hat"]),
        ({"type_id": ["head"]}, ["hat"]),
        ({"handle": ["socks", "boots"], "status": ["draft", "rejected"]}, ["socks"]),
    ],
)
def test_an_export_is_filtered(api: Api, workers: JobWorkers, filters: dict[str, Any], wanted: list[str]) -> None:
    store("boots", "B-1")
    store("socks", "S-1", status=rules.DRAFT, tags=("wool",))
    store("hat", "H-1", fields={"title": "The hat", "type": "head"})
    assert handles_in(exported(api, workers, {"filterable_fields": filters})) == wanted


def test_products_are_found_by_id_and_collection(api: Api, workers: JobWorkers) -> None:
    with permissions.by_the_test():
        collection = reference.create_collection("feet", "For feet")
    boots = store("boots", "B-1", fields={"collection": "feet"})
    store("hat", "H-1")
    assert handles_in(exported(api, workers, {"filterable_fields": {"id": [boots.id, "prod_none"]}})) == ["boots"]
    assert handles_in(exported(api, workers, {"filterable_fields": {"collection_id": [collection.id]}})) == ["boots"]


@pytest.mark.usefixtures("small")
def test_an_export_of_many_handles_is_read_in_several_steps(
    api: Api, workers: JobWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selecting, "_AT_ONCE", 3)
    made = [store(f"p{number:02}", f"S-{number}").handle for number in range(10)]
    wanted = [*made[2:], *(f"none{number}" for number in range(9))]
    assert handles_in(exported(api, workers, {"filterable_fields": {"handle": wanted}}, looks=1)) == made[2:]


def test_an_export_writes_products_as_they_were_read(api: Api, workers: JobWorkers) -> None:
    boots = store("boots", "B-1")
    id = create(api, dry_run=True)["id"]
    workers.run()
    with permissions.by_the_test():
        transact(lambda unit: repository.delete(unit, repository.get(unit, boots.id) or boots))
    store("socks", "S-1")
    api.post(f"{JOBS}/{id}/confirm")
    workers.run()
    assert handles_in(content_of(job_of(api, id)["result"]["file_key"]).decode()) == ["boots"]


def test_formulas_are_escaped_if_asked(api: Api, workers: JobWorkers) -> None:
    store("boots", "=B-1", fields={"title": "+1"})
    [row] = rows_in(exported(api, workers))
    assert (row["Product Title"], row["Variant SKU"]) == ("+1", "=B-1")
    [row] = rows_in(exported(api, workers, {"escape_formulas": True}))
    assert (row["Product Title"], row["Variant SKU"]) == ("'+1", "'=B-1")


def test_currencies_have_their_own_digits(api: Api, workers: JobWorkers) -> None:
    one = product("boots", "B-1")
    prices = (Price("eur", 5), Price("jpy", 250), Price("kwd", 1234))
    variants = tuple(replace(variant, prices=prices) for variant in one.variants)
    store("boots", "B-1", variants=variants)
    [row] = rows_in(exported(api, workers))
    assert (row["Price EUR"], row["Price JPY"], row["Price KWD"]) == ("0.05", "250", "1.234")


@pytest.mark.usefixtures("small")
def test_the_progress_of_an_export_never_falls(api: Api, workers: JobWorkers) -> None:
    for number in range(24):
        store(f"p{number:02}", f"S-{number}")
    id = create(api)["id"]
    seen: list[tuple[str, int]] = []
    workers.follow()
    while messages := workers.receive():
        for message in messages:
            workers.work(message, looks=1)
            job = job_of(api, id)
            seen.append((job["status"], (job["result"] or {}).get("advancement_count", 0)))
        workers.follow()
    counts = [count for _, count in seen]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 5
    assert counts[-1] == 24
    assert {"created", "confirmed", "processing", "completed"} <= {status for status, _ in seen}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("after", [0, 2, 4, 5])
def test_a_canceled_export_leaves_nothing(api: Api, workers: JobWorkers, after: int) -> None:
    for number in range(12):
        store(f"p{number:02}", f"S-{number}")
    id = create(api)["id"]
    workers.follow()
    for _ in range(after):
        [message] = workers.receive()
        workers.work(message, looks=1)
    assert api.post(f"{JOBS}/{id}/cancel").status == 200
    workers.run(looks=1)
    assert job_of(api, id)["status"] == "canceled"
    with permissions.by_the_test():
        stored = keys_in_bucket({"CONTENT_BUCKET": blobs.bucket()})
        assert [key for key in stored if key.startswith(("spools/", "files/"))] == []
        assert clients.s3().list_multipart_uploads(Bucket=blobs.bucket()).get("Uploads", []) == []


@pytest.mark.usefixtures("small")
def test_an_export_whose_message_comes_twice_is_whole(api: Api, workers: JobWorkers) -> None:
    made = [store(f"p{number:02}", f"S-{number}").handle for number in range(8)]
    id = create(api)["id"]
    workers.follow()
    while messages := workers.receive():
        for message in messages:
            workers.work(message, looks=2)
            workers.work(message, looks=1)
        workers.follow()
    assert handles_in(content_of(job_of(api, id)["result"]["file_key"]).decode()) == made


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("faults", [[killed_after], [killed_before, answer_lost, out_of_reach]])
def test_an_export_is_whole_after_a_fault_at_any_call(
    api: Api, workers: JobWorkers, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, faults: list[Fault]
) -> None:
    made = [store(f"p{number}", f"S-{number}").handle for number in range(5)]
    monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", URL)
    hands = Workers(work.handler)
    hands.take_over(monkeypatch)
    struck: list[int] = []

    def strike(call: Any) -> Any:
        struck.append(number)
        return faults[number % len(faults)](call)

    for number in itertools.count(1):
        id = create(api, {"limit": 4})["id"]
        hands.add(json.dumps({"job": id}))
        with permissions.acting("batch_jobs.work.handler"):
            hands.deliver({number: strike})
            hands.run()
        job = job_of(api, id)
        assert (job["status"], job["result"]["advancement_count"]) == ("completed", 4), number
        assert handles_in(content_of(job["result"]["file_key"]).decode()) == made[:4]
        with permissions.by_the_test():
            assert uploads(stores) == []
            assert hands.dead == []
        if number not in struck:
            break
    assert number > 30


@pytest.mark.usefixtures("small")
def test_an_export_that_nobody_can_go_on_with_fails(
    api: Api, workers: JobWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    store("boots", "B-1")
    monkeypatch.setenv("BATCH_JOBS_QUEUE_URL", URL)
    hands = Workers(work.handler)
    hands.take_over(monkeypatch)
    id = create(api)["id"]
    hands.add(json.dumps({"job": id}))

    def broken(*_: Any) -> Any:
        raise ValueError("broken")

    monkeypatch.setattr(product_export, "_part", broken)
    with permissions.acting("batch_jobs.work.handler"):
        hands.run()
    failed = job_of(api, id)
    assert failed["status"] == "failed"
    assert failed["result"]["errors"][0]["code"] == "unknown_error"
    assert hands.dead == [{"job": id}]
