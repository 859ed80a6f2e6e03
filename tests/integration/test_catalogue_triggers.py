"""What follows changes of the catalogue: events, and the clean-up of what products let go of."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batchyard import clock
from batchyard.catalogue import operations, repository, rules
from batchyard.catalogue.rules import Product
from batchyard.store import clients
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import Unit, transact
from catalogue import clean_up, publish
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import claimed, entities, must_be_whole, product, rows
from tests.support.messages import drained
from tests.support.streams import Stream, deliver, deliver_messages
from tools.template import resources

_TEXT = "".join(map(chr, range(1000, 40_000)))


@pytest.fixture
def leftovers(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of the queue that what products let go of is named to."""
    url = clients.sqs().create_queue(QueueName="product-leftovers")["QueueUrl"]
    monkeypatch.setenv("PRODUCT_LEFTOVERS_QUEUE_URL", url)
    return url


@pytest.fixture
def large_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of a dozen variants do not fit one transaction."""
    monkeypatch.setattr(repository, "MOST_AT_ONCE", 20)


@pytest.fixture
def streams(stores: dict[str, str]) -> tuple[Stream, Stream]:
    return Stream(PRODUCTS), Stream(CATALOGUE)


def put(one: Product, **given: Any) -> Product:
    return transact(lambda unit: repository.put(unit, one, repository.get(unit, one.id), **given))


def publish_all(streams: tuple[Stream, Stream]) -> None:
    for stream in streams:
        records = stream.read()
        # As the mapping of the catalogue's stream lets them through.
        told = [
            record for record in records if record["dynamodb"]["Keys"].get("part", {"S": "entity"})["S"] == "entity"
        ]
        assert deliver(publish.handler, told) == {"batchItemFailures": []}


def events(queue: str) -> list[tuple[str, dict[str, Any]]]:
    return [(told["detail-type"], told["detail"]) for told in drained(queue)]


def test_the_mapping_lets_entities_through_alone() -> None:
    mapping = resources("AWS::Lambda::EventSourceMapping")["PublishCatalogueChanges"]
    patterns = [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]
    assert patterns == [{"dynamodb": {"Keys": {"part": {"S": ["entity"]}}}}]


def test_products_tell_of_themselves(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
    one = put(product("boots", "A", status=rules.DRAFT))
    changed = operations.update(one.id, lambda now: replace(now, status=rules.PUBLISHED), "req-2")
    operations.remove(one.id)
    publish_all(streams)
    told = events(event_queue)
    assert [(kind, detail["old_status"], detail["new_status"], detail["by"]) for kind, detail in told] == [
        ("Product Created", None, "draft", "req-1"),
        ("Product Changed", "draft", "published", "req-2"),
        ("Product Removed", "published", None, None),
    ]
    assert told[1][1] | {"change": ""} == {
        "id": one.id,
        "handle": "boots",
        "title": "The boots",
        "old_status": "draft",
        "new_status": "published",
        "version": 2,
        "updated_at": clock.iso(changed.updated),
        "by": "req-2",
        "change": "",
    }
    assert drained(leftovers) == []


def test_quantities_tell_of_themselves(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
    one = put(product("boots", "A"))
    [id] = one.entities
    publish_all(streams)
    events(event_queue)
    set_to = operations.set_quantities(id, {0: 5}, "req-2")
    operations.set_quantities(id, {0: 5}, "req-3")
    operations.update(one.id, lambda now: replace(now, tags=()), "req-4")
    publish_all(streams)
    told = events(event_queue)
    assert [kind for kind, _ in told] == ["Product Changed", "Quantity Changed"]
    assert told[1][1] | {"change": ""} == {
        "id": id,
        "product": one.id,
        "variant": one.variants[0].id,
        "sku": "A",
        "old_quantity": 0,
        "new_quantity": 5,
        "quantities": {"0": 5},
        "updated_at": clock.iso(set_to.stocked),
        "by": "req-2",
        "change": "",
    }


def test_what_a_job_brings_about_is_not_told(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
    one = put(product("boots", "A", by="batch_1"))
    [id] = one.entities
    put(replace(one, tags=(), updated=one.updated + 5), stock={id: {0: 5}})
    # Taken back, it is by whom it was before.
    put(replace(one, tags=("x",), updated=one.updated + 9, by="req-1"), stock={id: {0: 4}}, quiet=True)
    unit = Unit()
    held = repository.get_entity(unit, id)
    assert held is not None
    repository.put_entity(unit, rules.stocked(held, {0: 0}, held.stocked, "req-1"), quiet=True)
    unit.commit()
    publish_all(streams)
    assert events(event_queue) == []
    operations.set_quantities(id, {0: 1}, "req-2")
    operations.update(one.id, lambda now: replace(now, tags=()), "req-2")
    publish_all(streams)
    assert [kind for kind, _ in events(event_queue)] == ["Product Changed", "Quantity Changed"]


def test_a_content_that_was_let_go_of_is_removed_unless_its_product_points_at_it(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, stores: dict[str, str]
) -> None:
    one = put(product("boots", "A", fields={"description": _TEXT}))
    [first] = keys_in_bucket(stores, "products/")
    operations.update(one.id, lambda now: replace(now, status=rules.DRAFT), "req-2")
    publish_all(streams)
    assert drained(leftovers) == []
    operations.update(one.id, lambda now: replace(now, tags=("new",)), "req-3")
    publish_all(streams)
    assert drained(leftovers) == [{"key": first}]
    [second] = set(keys_in_bucket(stores, "products/")) - {first}
    assert deliver_messages(clean_up.handler, {"key": first}, {"key": second}) == []
    assert keys_in_bucket(stores, "products/") == [second]
    operations.remove(one.id)
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    assert keys_in_bucket(stores, "products/") == []


@pytest.mark.usefixtures("large_is_few")
@pytest.mark.parametrize("inline", [True, False])
def test_what_a_large_product_leaves_is_removed_behind_it(
    inline: bool, streams: tuple[Stream, Stream], event_queue: str, leftovers: str, stores: dict[str, str]
) -> None:
    fields = {} if inline else {"description": _TEXT}
    one = put(product("many", *(f"many-{number}" for number in range(12)), fields=fields))
    publish_all(streams)
    drained(leftovers)
    few = operations.update(one.id, lambda now: replace(now, variants=now.variants[11:]), "req-2")
    assert len(claimed()) == 13
    publish_all(streams)
    messages = drained(leftovers)
    assert [message["product"] for message in messages] == [one.id]
    assert deliver_messages(clean_up.handler, *messages) == []
    assert deliver_messages(clean_up.handler, *messages) == []
    must_be_whole()
    assert len(entities()) == 2
    released = [] if inline else [{"key": messages[0]["key"]}] * 2
    assert drained(leftovers) == released
    assert operations.retrieve(one.id) == few


@pytest.mark.usefixtures("large_is_few")
def test_what_a_large_product_took_again_is_not_removed(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str
) -> None:
    one = put(product("many", *(f"many-{number}" for number in range(12))))
    operations.update(one.id, lambda now: replace(now, variants=now.variants[11:]), "req-2")
    operations.update(one.id, lambda now: replace(now, variants=one.variants), "req-3")
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    must_be_whole()
    operations.remove(one.id)
    again = put(replace(one, updated=clock.now(), version=0))
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    must_be_whole()
    assert operations.retrieve(one.id) == again
    operations.remove(one.id)
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    assert (rows(PRODUCTS), claimed(), entities()) == ([], {}, {})


@pytest.mark.usefixtures("large_is_few")
def test_a_claim_of_another_is_not_removed(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, at: Callable[[float], None]
) -> None:
    one = put(product("many", *(f"many-{number}" for number in range(12))))
    operations.remove(one.id)
    # A day later, nobody has cleaned up yet.
    moment = one.updated + repository.ABANDONED_US
    other = put(product("other", "many-7", created=moment, updated=moment))
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    must_be_whole()
    assert repository.find(Unit(), "other") == other
