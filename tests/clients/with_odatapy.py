"""odatapy: a typed client that reads `$metadata`, and writes batches as multipart and as JSON."""

from typing import Any

from odatapy.client import BearerAuth, EdmEnabledODataClient, Field, HttpxTransport, OrderBy
from odatapy.client.uri_builder import URIBuilder
from odatapy.data import Entity

JSON = dict[str, Any]


def _client(given: JSON) -> EdmEnabledODataClient:
    transport = HttpxTransport(auth=BearerAuth(given["key"]))
    return EdmEnabledODataClient(f"{given['base']}/v1", transport, odata_version=given.get("version", "4.0"))


def _shown(entity: Entity) -> JSON:
    inline = {
        link.title: [_shown(one) for one in link.inline_entity_set]
        for link in entity.navigation_links
        if link.inline_entity_set is not None
    }
    return entity.as_dict() | inline


def _wanted(client: EdmEnabledODataClient, given: JSON) -> URIBuilder:
    return client.entity_set_uri("Products").filter(Field("Sku").in_(given["skus"]))


def _one(client: EdmEnabledODataClient, id: int) -> URIBuilder:
    return client.entity_uri("Products", id)


def sets(given: JSON) -> list[str]:
    return list(_client(given).get_service_document().entity_sets)


def types(given: JSON) -> JSON:
    edm = _client(given).get_edm()
    container = edm.entity_container
    return {one.name: one.entity_type.name for one in container.entity_sets}


def find(given: JSON) -> Any:
    client = _client(given)
    uri = _wanted(client, given).expand("Attributes").orderby(OrderBy().desc("Sku")).top(given["top"])
    return [_shown(one) for one in client.get_entity_set(uri)]


def names_of_attributes(given: JSON) -> Any:
    client = _client(given)
    return [one.get_value("Name") for one in client.iter_entities(client.entity_set_uri("AttributeValues"))]


def count(given: JSON) -> int:
    client = _client(given)
    return client.get_count(_wanted(client, given).append_count_segment())


def read(given: JSON) -> JSON:
    client = _client(given)
    return _shown(client.get_entity(_one(client, given["id"])))


def create(given: JSON) -> JSON:
    return _shown(_client(given).create_entity("Products", given["entity"]))


def change(given: JSON) -> int:
    client = _client(given)
    return client.update_entity(_one(client, given["id"]), given["values"]).status_code


def remove(given: JSON) -> int:
    client = _client(given)
    return client.delete_entity(_one(client, given["id"])).status_code


def act(given: JSON) -> int:
    client = _client(given)
    uri = _one(client, given["id"]).append_action_call_segment(given["action"])
    return client.invoke_action(uri, {"Value": given["value"]}).response.status_code


def _batch(given: JSON, format: str) -> list[JSON]:
    client = _client(given)
    batch = client.batch(format=format)
    for id in given["reads"]:
        batch.add_retrieve(_one(client, id))
    changes = batch.add_changeset()
    for id, values in given["changes"]:
        changes.update(_one(client, id), values)
    for id in given["reads"]:
        batch.add_retrieve(_one(client, id))
    answers = client.execute_batch(batch)
    return [
        {"status": one.status_code, "body": _shown(one.entity()) if one.content else None} for one in answers.responses
    ]


def batch(given: JSON) -> Any:
    return _batch(given, "multipart")


def batch_as_json(given: JSON) -> Any:
    return _batch(given, "json")
