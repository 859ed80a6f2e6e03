"""DynamoDB's requests and answers are written and read as botocore does it."""

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.parsers import JSONParser
from botocore.serialize import JSONSerializer
from hypothesis import given
from hypothesis import strategies as st

from batchyard.store.attribute_values import AttributesParser, AttributesSerializer, Factory

MODEL = botocore.session.Session().get_service_model("dynamodb")

TEXTS = st.text(max_size=5)
BYTES = st.binary(max_size=9).map(lambda value: base64.b64encode(value).decode())
SCALARS = st.one_of(
    st.builds(lambda value: {"S": value}, TEXTS),
    st.builds(lambda value: {"N": str(value)}, st.integers()),
    st.builds(lambda value: {"B": value}, BYTES),
    st.builds(lambda value: {"BOOL": value}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda value: {"SS": value}, st.lists(TEXTS, max_size=3)),
    st.builds(lambda value: {"NS": value}, st.lists(st.integers().map(str), max_size=3)),
    st.builds(lambda value: {"BS": value}, st.lists(BYTES, max_size=3)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3)),
        st.builds(lambda value: {"M": value}, st.dictionaries(TEXTS, inner, max_size=3)),
    ),
    max_leaves=8,
)
ITEMS = st.dictionaries(TEXTS, VALUES, max_size=4)


def parsed(parser: Any, operation: str, body: Any, status: int = 200) -> Any:
    response = {"headers": {}, "status_code": status, "body": json.dumps(body).encode()}
    return parser.parse(response, MODEL.operation_model(operation).output_shape)


@given(st.lists(ITEMS, max_size=3))
def test_items_are_parsed_as_by_botocore(items: list[Any]) -> None:
    for operation, body in (
        ("Scan", {"Items": items, "Count": len(items), "LastEvaluatedKey": items[0] if items else {}}),
        ("BatchGetItem", {"Responses": {"table": items}, "UnprocessedKeys": {}}),
        ("TransactGetItems", {"Responses": [{"Item": item} for item in items]}),
    ):
        assert parsed(AttributesParser(), operation, body) == parsed(JSONParser(), operation, body)


@pytest.mark.parametrize(
    "value", [{"NEW": "kind"}, {"S": None}, {}, {"S": "both", "N": "1"}, None, {"L": [{"NEW": 1}]}]
)
def test_invalid_attribute_values_are_parsed_as_by_botocore(value: Any) -> None:
    def outcome(parser: Any) -> Any:
        try:
            return parsed(parser, "GetItem", {"Item": {"name": value}})
        except Exception as error:
            return type(error), str(error)

    assert outcome(AttributesParser()) == outcome(JSONParser())


def test_dynamodb_errors_are_parsed_as_by_botocore() -> None:
    body = {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": {"id": {"S": "a"}}}
    ours, theirs = (parsed(one, "PutItem", body, 400) for one in (AttributesParser(), JSONParser()))
    assert ours == theirs
    assert ours["Error"]["Code"] == "ConditionalCheckFailedException"


def test_other_protocols_are_botocores_own() -> None:
    assert type(Factory().create_parser("json")) is AttributesParser
    assert type(Factory().create_parser("rest-xml")).__module__ == "botocore.parsers"


def unpacked(value: Any) -> Any:
    """A value as a caller has it: bytes are bytes."""
    [(kind, held)] = value.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(held)}
        case "BS":
            return {kind: [base64.b64decode(one) for one in held]}
        case "L":
            return {kind: [unpacked(one) for one in held]}
        case "M":
            return {kind: {name: unpacked(one) for name, one in held.items()}}
    return value


def written(serializer: Any, operation: str, request: Any) -> Any:
    return serializer.serialize_to_request(request, MODEL.operation_model(operation))


@given(st.lists(ITEMS, max_size=3))
def test_dynamodb_requests_are_serialized_as_by_botocore(items: list[Any]) -> None:
    wanted = [{name: unpacked(value) for name, value in item.items()} for item in items]
    for operation, request in (
        ("BatchGetItem", {"RequestItems": {"table": {"Keys": wanted, "ConsistentRead": True}}}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "table", "Item": one}} for one in wanted]}),
        ("Query", {"TableName": "table", "ExpressionAttributeValues": wanted[0] if wanted else {}}),
    ):
        assert written(AttributesSerializer(), operation, request) == written(JSONSerializer(), operation, request)


@pytest.mark.parametrize("value", [{"S": "both", "N": "1"}, {"B": "text"}, {"NEW": "kind"}, {}])
def test_unusual_attribute_values_are_serialized_as_by_botocore(value: Any) -> None:
    def outcome(serializer: Any) -> Any:
        try:
            return written(serializer, "PutItem", {"TableName": "table", "Item": {"name": value}})
        except Exception as error:
            return type(error), str(error)

    assert outcome(AttributesSerializer()) == outcome(JSONSerializer())
