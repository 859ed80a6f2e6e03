"""AWS's limits of one stack, counted in what SAM makes of the template: there must be room for what comes."""

import json
import re
from collections import Counter
from typing import Any

import botocore.session

from tests.support import transformed

MOST_RESOURCES = 450
"""CloudFormation ends at 500 resources of a stack."""

MOST_OF_A_RESOURCE_POLICY = 20_480
"""Bytes that Lambda keeps of who may call a function (20 kB)."""

MOST_OF_A_ROLE = 10_240
"""Characters of a role's inline policies together, without white space."""

LONGEST_STACK_NAME = 50
"""Characters that the README allows."""

MOST_PATHS = 300
"""Resources of an API, which are the nodes of the tree of its paths."""

# No name of a table, function, bucket or queue is longer.
_NAME = "n" * 80
_ARN = f"arn:aws:dynamodb:ap-southeast-2:123456789012:table/{_NAME}"
_PSEUDO = {
    "AWS::Region": "ap-southeast-2",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "Api": "a1b2c3d4e5",
}


def resolved(value: Any) -> Any:
    """A value with texts as long as what CloudFormation puts in the place of its intrinsic functions."""
    match value:
        case {"Fn::Sub": [str(text), dict(named)]}:
            return re.sub(r"\$\{([^}]+)\}", lambda one: str(resolved(named.get(one[1], {"Ref": one[1]}))), text)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)\}", lambda one: str(resolved({"Ref": one[1]})), text)
        case {"Fn::GetAtt": _}:
            return _ARN
        case {"Ref": str(name)}:
            return _ARN if name.endswith(".Arn") else _PSEUDO.get(name, _NAME)
        case dict():
            return {name: resolved(inner) for name, inner in value.items()}
        case list():
            return [resolved(inner) for inner in value]
        case _:
            return value


def size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":")))


def test_names_of_resources_fit_for_the_longest_stack_name() -> None:
    """Where no name is given, CloudFormation makes one that fits."""
    limits = {
        "AWS::Events::EventBus": ("Name", longest("events", "EventBusName")),
        "AWS::Scheduler::Schedule": ("Name", longest("scheduler", "Name")),
        "AWS::Lambda::LayerVersion": ("LayerName", longest("lambda", "LayerName")),
        # Its model has it in words alone.
        "AWS::CloudWatch::Dashboard": ("DashboardName", 255),
        # It documents none; names of other things end at 255 there.
        "AWS::ApiGateway::RestApi": ("Name", 255),
    }
    stack = {"AWS::StackName": "n" * LONGEST_STACK_NAME, **_PSEUDO}
    built = 0
    for resource in transformed.resources().values():
        kind = resource["Type"]
        for name, value in resource.get("Properties", {}).items():
            if name in ("Name", kind.rpartition("::")[2] + "Name", "LayerName") and "AWS::StackName" in json.dumps(
                value
            ):
                named, most = limits[kind]
                text = value["Fn::Sub"] if "Fn::Sub" in value else f"${{{value['Ref']}}}"
                made = re.sub(r"\$\{([^}]+)\}", lambda one: stack[one[1]], text)
                assert (named, len(made) <= most) == (name, True), f"{made} is longer than {most}"
                built += 1
    assert built == 10


def longest(service: str, shape: str) -> int:
    """The characters that a name may have, as botocore's model of the service says."""
    return int(botocore.session.Session().get_service_model(service).shape_for(shape).metadata["max"])


def test_the_tree_of_paths_is_one_that_api_gateway_takes() -> None:
    """Neither more nodes than an API may have, nor two names for one variable part.

    "A sibling ({…}) of this resource already has a variable path part -- only one is allowed", says API Gateway.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
    """
    nodes: set[tuple[str, ...]] = set()
    for path in transformed.resources()["Api"]["Properties"]["Body"]["paths"]:
        parts = path.strip("/").split("/") if path != "/" else []
        nodes |= {tuple(parts[:depth]) for depth in range(len(parts) + 1)}
    assert 50 < len(nodes) <= MOST_PATHS
    siblings = Counter(node[:-1] for node in nodes if node and node[-1].startswith("{"))
    assert set(siblings.values()) == {1}


def test_warnings_about_the_api_document_do_not_roll_back_the_stack() -> None:
    """The document names a scheme `NONE` that it does not define, which is how SAM says that no authorizer is asked.

    `FailOnWarnings` is "a boolean to indicate whether to roll back the API if a warning is encountered":
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-restapi.html
    Defining the scheme could make API Gateway ask for API keys; without the flag a warning changes nothing.
    """
    api = transformed.resources()["Api"]["Properties"]
    operations = [one for path in api["Body"]["paths"].values() for one in path.values()]
    asked = {name for operation in operations for one in operation["security"] for name in one}
    assert asked == {"NONE", *api["Body"]["components"]["securitySchemes"]}
    assert "FailOnWarnings" not in api


def test_the_stack_has_room_for_more_resources() -> None:
    count = len(transformed.resources())
    assert count <= MOST_RESOURCES, f"{count} resources after SAM's transform, of {MOST_RESOURCES} that there may be"


def test_each_functions_policy_has_room_for_who_may_call_it() -> None:
    statements: dict[str, int] = {}
    for name, permission in transformed.of("AWS::Lambda::Permission").items():
        statement = {
            # CloudFormation's own IDs of permissions: the stack, the resource and a random part.
            "Sid": f"{_NAME}-{name}-1A2B3C4D5E6F",
            "Effect": "Allow",
            "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"],
            "Resource": _ARN,
            "Condition": {"ArnLike": {"AWS:SourceArn": resolved(permission["SourceArn"])}},
        }
        called = json.dumps(permission["FunctionName"])
        statements[called] = statements.get(called, 0) + size(statement)
    assert len(statements) > 40
    too_large = {called: used for called, used in statements.items() if used > MOST_OF_A_RESOURCE_POLICY}
    assert too_large == {}


def test_each_role_has_room_for_its_policies() -> None:
    sizes = {
        name: sum(size(resolved(policy["PolicyDocument"])) for policy in role.get("Policies", []))
        for name, role in transformed.of("AWS::IAM::Role").items()
    }
    assert sizes["ODataServiceFunctionRole"] == max(sizes.values()) > 1_000
    assert {name: size for name, size in sizes.items() if size > MOST_OF_A_ROLE} == {}
