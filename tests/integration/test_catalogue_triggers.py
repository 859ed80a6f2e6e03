"""What follows changes of the catalogue: events, and the clean-up of what products let go of."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchyard import clock
from batchyard.catalogue import entities as stored_entities
from batchyard.catalogue import entity_lists, labels, operations, published, repository, rules
from batchyard.catalogue.rules import Own, Product, Variant
from batchyard.errors import Contended
from batchyard.store import clients, unit
from batchyard.store.tables import CATALOGUE, PRODUCTS
from batchyard.store.unit import Unit, transact
from catalogue import clean_up, publish
from tests.integration.conftest import Calls
from tests.support.aws import keys_in_bucket
from tests.support.catalogue import claimed, entities, must_be_whole, product, rows, stored_owns
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


def test_the_filter_of_catalogue_events_lets_entities_through_alone() -> None:
    mapping = resources("AWS::Lambda::EventSourceMapping")["PublishCatalogueChanges"]
    patterns = [json.loads(one["Pattern"]) for one in mapping["FilterCriteria"]["Filters"]]
    assert patterns == [{"dynamodb": {"Keys": {"part": {"S": ["entity"]}}}}]


def test_changes_of_products_are_published(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
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


def test_changes_of_quantities_are_published(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
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


def test_changes_by_a_job_are_not_published(streams: tuple[Stream, Stream], event_queue: str, leftovers: str) -> None:
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


def test_a_content_that_an_entity_let_go_of_is_removed_unless_it_points_at_it(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, stores: dict[str, str]
) -> None:
    [id] = put(product("boots", "A")).entities
    operations.change_entity(id, lambda own: replace(own, attributes={"a": _TEXT}), "req-2")
    [first] = keys_in_bucket(stores, "entities/")
    operations.set_quantities(id, {0: 5}, "req-3")
    publish_all(streams)
    assert drained(leftovers) == []
    operations.change_entity(id, lambda own: replace(own, labels=("x",)), "req-4")
    publish_all(streams)
    assert drained(leftovers) == [{"key": first}]
    [second] = set(keys_in_bucket(stores, "entities/")) - {first}
    assert deliver_messages(clean_up.handler, {"key": first}, {"key": second}) == []
    assert keys_in_bucket(stores, "entities/") == [second]
    operations.remove(entities()[id].product)
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    assert keys_in_bucket(stores, "entities/") == []
    assert [kind for kind, _ in events(event_queue)].count("Quantity Changed") == 1


@pytest.mark.usefixtures("large_is_few")
@pytest.mark.parametrize("count", [2, 35])
def test_bundles_of_a_large_product_go_behind_it(
    count: int,
    streams: tuple[Stream, Stream],
    event_queue: str,
    leftovers: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = put(product("parts", *(str(number) for number in range(count))))
    ids = [variant.entity for variant in parts.variants]
    one = put(product("many", *(f"many-{number}" for number in range(12))))
    id = one.variants[5].entity
    monkeypatch.setattr(unit, "MAX_ACTIONS", 30)
    for some in (ids[:20], ids):
        operations.change_entity(
            id,
            partial(lambda given, _: Own(attributes={"a": _TEXT}, components=dict.fromkeys(given, 1)), some),
            "req-2",
        )
    monkeypatch.setattr(stored_entities, "_COMPONENTS_AT_ONCE", 20)
    must_be_whole()
    operations.remove(one.id)
    publish_all(streams)
    assert deliver_messages(clean_up.handler, *drained(leftovers)) == []
    must_be_whole()
    assert entities().keys() == set(parts.entities)
    assert not [held.id for held in entities().values() if held.bundles]


# Labels.


def label(id: int, *labels: str) -> None:
    operations.change_entity(id, lambda own: replace(own, labels=labels), "req-2")


def listed(name: str) -> list[int]:
    return entity_lists.ids_with_label(name, None, 100)


def labelled() -> set[tuple[str, int]]:
    """All that is listed, by label and ID."""
    return {
        (str(row["id"]).split(" ", 2)[2], int(row["part"])) for row in rows(CATALOGUE) if str(row["id"])[:6] == "label "
    }


def test_entities_are_listed_by_their_labels(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # moto takes one at a time.
    monkeypatch.setattr(published, "_AT_ONCE", 1)
    ids = [put(product(f"p-{number}", str(number))).entities[0] for number in range(20)]
    for id in ids:
        label(id, "all", "even" if id % 2 == 0 else "it's odd")
    assert listed("all") == []
    publish_all(streams)
    assert listed("all") == sorted(ids)
    assert listed("even") == sorted(id for id in ids if id % 2 == 0)
    assert listed("it's odd") == sorted(id for id in ids if id % 2)
    assert entity_lists.ids_with_label("all", sorted(ids)[7], 5) == sorted(ids)[8:13]
    assert entity_lists.ids_with_label("all", None, 5, descending=True) == sorted(ids)[:-6:-1]
    assert entity_lists.ids_with_label("all", sorted(ids)[7], 50, descending=True) == sorted(ids)[6::-1]
    assert listed("x" * 3000) == listed("") == listed("none") == []
    label(ids[0], "other")
    operations.remove(entities()[ids[1]].product)
    publish_all(streams)
    assert listed("all") == sorted(ids[2:])
    assert listed("other") == [ids[0]]
    assert events(event_queue)


def test_labels_of_an_entity_with_much_of_its_own_are_listed(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labels, "_AT_ONCE", 10)
    [id] = put(product("boots", "A")).entities
    names = {f"label {number}" for number in range(25)}
    operations.change_entity(id, lambda _: Own(attributes={"a": _TEXT}, labels=tuple(names)), "req-2")
    publish_all(streams)
    assert labelled() == {(name, id) for name in names}
    label(id)
    publish_all(streams)
    assert labelled() == set()
    assert {row["part"] for row in rows(CATALOGUE)} == {"entity", "claim"}


def test_an_entity_without_labels_costs_no_store_calls(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, calls: Calls
) -> None:
    [id] = put(product("boots", "A")).entities
    label(id, "x")
    publish_all(streams)
    operations.set_quantities(id, {0: 5}, "req-3")
    put(product("hat", "B"))
    calls.clear()
    publish_all(streams)
    assert calls == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(st.data())
def test_label_lists_are_right_after_lost_repeated_or_late_deliveries(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, data: st.DataObject
) -> None:
    """The last change of what an entity stores is delivered in the end; whatever comes before and after that."""
    one = put(product(f"p-{uuid.uuid4()}"))
    one = operations.update(one.id, lambda now: replace(now, variants=(Variant("", 0),)), "req-2")
    id = one.variants[0].entity
    for some in data.draw(st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=6), label="labels"):
        label(id, *some)
    if data.draw(st.booleans(), label="is removed"):
        operations.remove(one.id)
        held: set[str] = set()
    else:
        held = set(stored_owns()[id].labels)
    records = [record for record in streams[1].read() if record["dynamodb"]["Keys"]["id"]["S"] == f"entity {id}"]
    records = [record for record in records if record["dynamodb"]["Keys"]["part"]["S"] == "entity"]
    before = data.draw(st.lists(st.sampled_from(records), max_size=5), label="delivered before")
    after = data.draw(st.lists(st.sampled_from(records), max_size=3), label="delivered after")
    # Others change nothing of the lists.
    delivered = [*before, *[one for one in records if says_else(one)][-1:], *after]
    for record in delivered:
        assert deliver(publish.handler, [record]) == {"batchItemFailures": []}
    assert {name for name, of in labelled() if of == id} == held


def says_else(record: dict[str, Any]) -> bool:
    """Whether it is a change of what an entity stores itself."""
    return record["dynamodb"].get("OldImage", {}).get("own") != record["dynamodb"].get("NewImage", {}).get("own")


def test_a_label_list_that_cannot_be_written_is_delivered_again(
    streams: tuple[Stream, Stream], event_queue: str, leftovers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [id] = put(product("boots", "A")).entities
    label(id, "x")
    records = [one for one in streams[1].read() if one["dynamodb"]["Keys"]["part"]["S"] == "entity"]

    def contended(_: int) -> None:
        raise Contended

    with monkeypatch.context() as patched:
        patched.setattr(labels, "follow", contended)
        [failure] = deliver(publish.handler, records)["batchItemFailures"]
    assert failure == {"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}
    assert deliver(publish.handler, records) == {"batchItemFailures": []}
    assert listed("x") == [id]


@pytest.mark.usefixtures("large_is_few")
@pytest.mark.parametrize("inline", [True, False])
def test_items_of_a_removed_large_product_are_cleaned_up(
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
def test_skus_that_a_large_product_took_again_are_not_cleaned_up(
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
def test_a_claim_of_another_product_is_not_removed(
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
