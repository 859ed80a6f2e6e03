"""AWS's limits of one stack, counted in what SAM makes of the template: there must be room for what comes."""

import json
import re
from typing import Any

from tests.support import transformed

MOST_RESOURCES = 450
"""CloudFormation ends at 500 resources of a stack."""

MOST_OF_A_RESOURCE_POLICY = 20_480
"""Bytes that Lambda keeps of who may call a function (20 kB)."""

MOST_OF_A_ROLE = 10_240
"""Characters of a role's inline policies together, without white space."""

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
