"""Every example in the OpenAPI document works: in the sample world, which all of them speak of.

A page fills in what is required; all else is sent along in a second request. Neither is refused, but where something is
not there that nobody can make beforehand.
"""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from jsonschema import Draft202012Validator
from moto import mock_aws

from batchyard.catalogue import codec
from batchyard.catalogue.rules import Entity
from batchyard.identity import tokens
from batchyard.store import clients, items
from batchyard.store.tables import CATALOGUE, PRODUCTS
from tests.contract.gateway import Gateway
from tests.support import aws
from tests.support.api import Answer
from tests.support.documented import document
from tools import sample_world as world

OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
}
READS = sorted(name for name, (_, method, _) in OPERATIONS.items() if method == "get" or name.endswith(".query"))
WRITES = sorted(OPERATIONS.keys() - set(READS))
# There never is one; and what cannot be taken back is an export, or a job that has not ended.
REFUSED = {"AliasRelationships.get": 404, "AliasRelationships.Product.get": 404, "undoBatchJob": 400}
ID, BUNDLE, COMPONENT = world.STOCKED.id, world.SANDALS.variants[0].entity, world.BOOTS.variants[0].entity
PARTS = {
    f"AttributeValues(ProductID={ID},Name='Size')": {"Value": "42"},
    f"Images(ProductID={ID},PlacementName='Swatch')": {"Url": "https://example.com/swatch.png"},
    f"ProductLabels(ProductID={ID},Name='Sale')": {},
    f"ProductBundleComponents(ProductID={BUNDLE},ComponentID={COMPONENT})": {"Quantity": 1},
}


class World:
    """The sample world behind API Gateway."""

    def __init__(self) -> None:
        self._gateway = Gateway()
        self.restore()

    def restore(self) -> None:
        """Makes it what it was."""
        world.load()
        dynamodb = clients.dynamodb()
        for table in (PRODUCTS, CATALOGUE):
            for stored in dynamodb.scan(TableName=table.name)["Items"]:
                key = items.encode(table.key_of(items.decode(stored)))
                dynamodb.delete_item(TableName=table.name, Key=key)
        for product in (world.BOOTS, world.SANDALS):
            dynamodb.put_item(TableName=PRODUCTS.name, Item=items.encode(world.item_of_product(product)))
            for claimed in codec.claims(product).values():
                claim = {**claimed, "at": product.updated, "version": 1}
                dynamodb.put_item(TableName=CATALOGUE.name, Item=items.encode(claim))
            for id in product.entities:
                variant = next((one for one in product.variants if one.entity == id), None)
                entity = Entity(
                    id,
                    product.id,
                    product.created,
                    product.created,
                    product.created,
                    product.by,
                    {0: 12} if id == ID else {},
                    version=1,
                    variant=None if variant is None else variant.id,
                    sku=None if variant is None else str(variant.fields["sku"]),
                    handle=product.handle if variant is None else None,
                )
                dynamodb.put_item(TableName=CATALOGUE.name, Item=items.encode(codec.encode_entity(entity)))
        for url, body in PARTS.items():
            made = self.ask("PUT", f"/v1/{url}", {"Content-Type": "application/json"}, json.dumps(body).encode())
            assert made.status == 204, (url, made.text)

    def ask(self, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """What it answers."""
        sent = {"Authorization": f"Token {world.KEY}", **headers}
        return self._gateway.request(method, url, list(sent.items()), body)

    def send(self, name: str, *, everything: bool) -> Answer:
        """The answer to an operation's examples: what is required, or everything."""
        path, method, operation = OPERATIONS[name]
        query: list[tuple[str, str]] = []
        headers: dict[str, str] = {}
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(str(parameter["example"]), safe=""))
            elif everything and (given := parameter["schema"].get("examples")):
                if parameter["in"] == "header":
                    headers[parameter["name"]] = str(given[0])
                else:
                    query += _of_query(parameter, given[0])
        url = f"{path}?{urlencode(query)}" if query else path
        for media_type, content in operation.get("requestBody", {"content": {}})["content"].items():
            for example in _bodies(content):
                headers["Content-Type"], body = _encoded(media_type, example)
                answer = self.ask(method.upper(), url, headers, body)
                if answer.status >= 400:
                    break
            return answer
        return self.ask(method.upper(), url, headers)


def _of_query(parameter: dict[str, Any], value: Any) -> list[tuple[str, str]]:
    name = parameter["name"]
    if not isinstance(value, list):
        return [(name, json.dumps(value) if isinstance(value, bool) else str(value))]
    return [(name, str(one)) for one in value] if parameter.get("explode", True) else [(name, ",".join(value))]


def _bodies(content: dict[str, Any]) -> list[Any]:
    if "example" in content:
        return [content["example"]]
    return [one["value"] for one in content["examples"].values()]


def _encoded(media_type: str, example: Any) -> tuple[str, bytes]:
    if media_type == "application/json":
        return media_type, json.dumps(example).encode()
    if media_type == "multipart/form-data":
        [text] = example["files"]
        part = (
            f'--b\r\nContent-Disposition: form-data; name="files"; filename="products.csv"\r\n\r\n{text}\r\n--b--\r\n'
        )
        return f"{media_type}; boundary=b", part.encode()
    return (f"{media_type}; boundary=batch" if media_type == "multipart/mixed" else media_type), example.encode()


@pytest.fixture(scope="module")
def there() -> Iterator[World]:
    """The sample world, once for all reads."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        yield _world(patch)
    aws.forget()


def _world(patch: pytest.MonkeyPatch) -> World:
    variables = {**aws.environment(), **world.VARIABLES}
    for name, value in {**aws.CREDENTIALS, **variables, "REQUESTS_PER_MINUTE": "100000"}.items():
        patch.setenv(name, value)
    patch.setattr(tokens, "COST", tokens.Cost(1, 1, 1))
    aws.forget()
    aws.create_tables(variables)
    aws.create_bucket(variables)
    aws.create_queues(variables)
    return World()


def must_be_fine(name: str, answer: Answer) -> None:
    if name in REFUSED:
        assert answer.status == REFUSED[name], answer.text
    else:
        assert answer.status < 400, answer.text
    if name == "batch":
        # Multipart ones are answered as such.
        assert [int(found) for found in re.findall(r"HTTP/1.1 (\d+)|\"status\":(\d+)", answer.text)[0] if found] == [
            201
        ]
        assert not re.search(r"HTTP/1.1 [45]|\"status\":[45]\d\d", answer.text), answer.text


@pytest.mark.parametrize("name", READS)
def test_examples_of_read_operations_find_something(there: World, name: str) -> None:
    must_be_fine(name, there.send(name, everything=False))
    must_be_fine(name, there.send(name, everything=True))


@pytest.mark.parametrize("name", WRITES)
def test_examples_of_write_operations_are_accepted(there: World, name: str) -> None:
    must_be_fine(name, there.send(name, everything=False))
    there.restore()
    must_be_fine(name, there.send(name, everything=True))
    there.restore()


def examples() -> Iterator[tuple[str, Any, Any]]:
    """All examples with their schemas, and where they are."""
    for name, (_, _, operation) in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            found = [parameter["example"]] if "example" in parameter else parameter["schema"].get("examples", [])
            yield from ((f"{name} {parameter['name']}", one, parameter["schema"]) for one in found)
        bodies = list(operation.get("requestBody", {"content": {}})["content"].values())
        answers = [one for status, one in operation["responses"].items() if status < "400"]
        for content in (*bodies, *(content for one in answers for content in one.get("content", {}).values())):
            found = (
                [content["example"]]
                if "example" in content
                else [one["value"] for one in content.get("examples", {}).values()]
            )
            yield from ((name, one, content["schema"]) for one in found)
    for name, schema in document()["components"]["schemas"].items():
        yield from ((name, one, schema) for one in schema.get("examples", ()))


def test_examples_are_what_their_schemas_say() -> None:
    wrong = []
    for where, example, schema in examples():
        whole = {**schema, "components": document()["components"]}
        validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
        wrong += [f"{where}: {error.message}" for error in validator.iter_errors(example)]
    assert wrong == []


def test_every_parameter_body_and_answer_has_an_example() -> None:
    without = []
    for name, (_, method, operation) in OPERATIONS.items():
        without += [
            f"{name} {one['name']}"
            for one in operation.get("parameters", ())
            # Nothing is there yet that a condition of something new could be about.
            if not ("example" in one or "examples" in one["schema"] or (one["name"], method) == ("If-Match", "post"))
            # Of those that do not go together, one has one.
            and not (name == "searchProductBatches" and one["name"] in {"idPrefix", "gtinPrefix", "lotPrefix"})
        ]
        bodies = operation.get("requestBody", {"content": {}})["content"].values()
        without += [name for one in bodies if not one.keys() & {"example", "examples"}]
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json")
            if status < "400" and content and not content.keys() & {"example", "examples"}:
                shared = content["schema"].get("$ref", "").rpartition("/")[2]
                without += [] if document()["components"]["schemas"].get(shared, {}).get("examples") else [name]
    assert without == []
