"""The sample events: each function has them, they are what AWS sends today, and get the answer that they should."""

import hashlib
import json
import re
from importlib import import_module
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import APIGatewayAuthorizerRequestEvent
from aws_lambda_powertools.utilities.parser.models import (
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    S3Model,
    SqsModel,
)

from tests.support import aws
from tests.support.api import Context
from tools import sample_world
from tools.generate import events
from tools.samples import SAMPLES
from tools.samples.sample import differences
from tools.template import api_methods, resources

FUNCTIONS = resources("AWS::Serverless::Function")
FILES = {str(file.relative_to(events.FOLDER))[: -len(".json")]: file for file in events.FOLDER.rglob("*.json")}
ROUTES = {(FUNCTIONS[one.function]["Handler"], one.path, one.method) for one in api_methods()}


def handler_of(name: str) -> str:
    """`batch_requests/list.filtered` is for `batch_requests.list.handler`."""
    package, _, module = name.partition("/")
    return f"{package}.{module.partition('.')[0]}.handler"


def load(name: str) -> dict[str, Any]:
    return json.loads(FILES[name].read_text())


@pytest.fixture
def world(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample world on moto, and the queues that functions send to."""
    aws.create_queues(stores)
    for variable, value in {**stores, **sample_world.VARIABLES}.items():
        monkeypatch.setenv(variable, value)
    sample_world.load()


def handle(name: str) -> Any:
    module, _, function = handler_of(name).rpartition(".")
    return json.loads(json.dumps(getattr(import_module(module), function)(load(name), Context())))


def must_bring_about_what_it_should(name: str) -> None:
    assert SAMPLES[name].differences(handle(name)) == []
    assert SAMPLES[name].look() == SAMPLES[name].left


def test_every_function_has_an_event_of_its_own_and_every_event_a_function():
    handlers = {properties["Handler"] for properties in FUNCTIONS.values()}

    assert {handler_of(name) for name in FILES if "." not in name} == handlers
    assert {handler_of(name) for name in FILES} == handlers


def test_functions_packaged_alike_name_a_function_that_is_run():
    alike = {sample.like for sample in SAMPLES.values()} - {""}

    assert alike
    assert {name for name in alike if "." in name or SAMPLES[name].like} == set()


@pytest.mark.parametrize("name", sorted(name for name in FILES if "httpMethod" in load(name)))
def test_a_request_is_for_a_route_of_its_function(name: str):
    event = load(name)
    routes = {(path, method) for handler, path, method in ROUTES if handler == handler_of(name)}

    if event.get("type") == "REQUEST":
        assert (event["resource"], event["httpMethod"]) in {(path, method) for _, path, method in ROUTES}
    else:
        assert (event["resource"], event["httpMethod"]) in routes or (event["resource"], "ANY") in routes


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_event_has_the_shape_that_aws_gives_it(name: str):
    event = load(name)
    match event:
        case {"type": "REQUEST"}:
            assert APIGatewayAuthorizerRequestEvent(event).parsed_arn.arn == event["methodArn"]
        case {"httpMethod": _}:
            APIGatewayProxyEventModel.model_validate(event)
        case {"Records": [{"eventSource": "aws:dynamodb"}, *_]}:
            DynamoDBStreamModel.model_validate(event)
        case {"Records": [{"eventSource": "aws:sqs"}, *_]}:
            SqsModel.model_validate(event)
            bodies = [record["body"] for record in event["Records"]]
            assert [hashlib.md5(body.encode()).hexdigest() for body in bodies] == [
                record["md5OfBody"] for record in event["Records"]
            ]
            for body in bodies:
                if "s3SchemaVersion" in body:
                    S3Model.model_validate_json(body)
        case _:
            EventBridgeModel.model_validate({**event, "detail": json.loads(event["detail"])})


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_sample_event_has_its_effect(name: str, world: None):
    for _ in range(2 if SAMPLES[name].repeatable else 1):
        must_bring_about_what_it_should(name)


def test_loading_the_sample_world_again_restores_it(world: None):
    for name in (
        "batch_requests/partial_update",
        "batch_requests/attach_log",
        "batch_requests/sweep",
        "channels/delete",
        "product_batches/create",
        "product_batches/verify",
        "product_batches/change_serial",
        "product_batches/update",
        "product_batches/delete",
    ):
        assert SAMPLES[name].differences(handle(name)) == []

    sample_world.load()

    for name in (
        "batch_requests/list",
        "batch_requests/retrieve",
        "batch_requests/sweep",
        "channels/list",
        "product_batches/list",
        "product_batches/lookup",
        "product_batches/verify",
        "product_batches/update",
        "product_batches/delete",
    ):
        must_bring_about_what_it_should(name)


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"a": 1}, {}),
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": 1}]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": None}]}),
        ({"a": re.compile("x+")}, {"a": "xxy"}),
        ({"a": str}, {"a": None}),
        (None, {}),
    ],
)
def test_differences_of_sample_answers_are_found(expected: object, found: object):
    assert len(list(differences(expected, found, "it"))) == 1
    assert list(differences(found, found, "it")) == []
