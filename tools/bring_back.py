"""The way back after a stack was deleted: what it left is taken into a new stack of its name, which is then deployed.

    python -m tools.bring_back batchyard

The tables, the bucket and the logs stay when a stack is deleted; a deployment would make new, empty ones beside them.
CloudFormation imports what is there into a new stack, which has nothing else at first; the deployment after it makes
the rest. The secret with the serial keys is made anew by that, and takes the former keys by the operator's command.

It needs CloudFormation's memory of the deleted stack, which it has for 90 days.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from tools.template import template

# What the resource is called by where it is imported (the type's primary identifier), and what of it is left out since
# it needs what is not there yet: the deployment adds it.
_IMPORTED: Mapping[str, tuple[str, frozenset[str]]] = {
    "AWS::DynamoDB::Table": ("TableName", frozenset()),
    "AWS::Logs::LogGroup": ("LogGroupName", frozenset()),
    "AWS::S3::Bucket": ("BucketName", frozenset({"NotificationConfiguration"})),
}
_CHANGE_SET = "bring-back"
_PATIENCE_S = 600


class NoWayBack(Exception):
    """It cannot be brought back; the message says why."""


def kept(cloudformation: Any, stack: str) -> dict[str, tuple[str, str]]:
    """What the last deleted stack of a name left: types and physical IDs by logical IDs.

    Raises:
        NoWayBack: There is no such stack.
    """
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    deleted = [one for page in pages for one in page["StackSummaries"] if one["StackName"] == stack]
    if not deleted:
        raise NoWayBack(f"No stack {stack} was deleted in this account and region in the last 90 days.")
    last = max(deleted, key=lambda one: one["CreationTime"])
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=last["StackId"])
    return {
        one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"])
        for page in pages
        for one in page["StackResourceSummaries"]
        if one["ResourceStatus"] == "DELETE_SKIPPED"
    }


def reduced(names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """The template with those resources alone that are imported, as CloudFormation takes it in JSON.

    Args:
        names: What `kept` found.
    """
    whole = template()
    resources = {}
    for name, (kind, _) in names.items():
        if kind in _IMPORTED:
            resource = whole["Resources"][name]
            left_out = _IMPORTED[kind][1]
            properties = {key: value for key, value in resource["Properties"].items() if key not in left_out}
            resources[name] = {key: value for key, value in resource.items() if key != "DependsOn"}
            resources[name]["Properties"] = _intrinsic(properties)
    # Unused parameters are no matter, and what these resources refer to is among them.
    parameters = {name: _intrinsic(one) for name, one in whole["Parameters"].items()}
    return {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": parameters, "Resources": resources}


def bring_back(cloudformation: Any, s3: Any, stack: str) -> dict[str, tuple[str, str]]:
    """Makes a stack of what a deleted one left, and tells what that is.

    Raises:
        NoWayBack: It cannot.
    """
    names = kept(cloudformation, stack)
    body = reduced(names)
    # It is made anew with the rest, which CloudFormation refuses where there is one.
    for kind, bucket in names.values():
        if kind == "AWS::S3::Bucket":
            s3.delete_bucket_policy(Bucket=bucket)
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=_CHANGE_SET,
        ChangeSetType="IMPORT",
        TemplateBody=json.dumps(body),
        ResourcesToImport=[
            {
                "ResourceType": resource["Type"],
                "LogicalResourceId": name,
                "ResourceIdentifier": {_IMPORTED[resource["Type"]][0]: names[name][1]},
            }
            for name, resource in body["Resources"].items()
        ],
    )

    def change_set() -> tuple[str, str]:
        found = cloudformation.describe_change_set(StackName=stack, ChangeSetName=_CHANGE_SET)
        return found["Status"], found.get("StatusReason", "")

    def state() -> tuple[str, str]:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
        return found["StackStatus"], found.get("StackStatusReason", "")

    _wait(change_set, "CREATE_COMPLETE")
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=_CHANGE_SET)
    _wait(state, "IMPORT_COMPLETE")
    return names


def _wait(look: Any, wanted: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while True:
        status, reason = look()
        if status == wanted:
            return
        if status.endswith("FAILED") or "ROLLBACK" in status or time.monotonic() > end:
            raise NoWayBack(f"{status}: {reason}")
        time.sleep(1)


def _intrinsic(value: Any) -> Any:
    """Intrinsic functions as JSON spells them."""
    match value:
        case {"Ref": str()}:
            return value
        case {"Sub": inner}:
            return {"Fn::Sub": _intrinsic(inner)}
        case {"GetAtt": str(named)}:
            return {"Fn::GetAtt": named.split(".", 1)}
        case dict():
            return {name: _intrinsic(inner) for name, inner in value.items()}
        case list():
            return [_intrinsic(inner) for inner in value]
        case _:
            return value


def main() -> int:
    """Runs the command; answers the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.bring_back", description="Imports a deleted stack's data.")
    parser.add_argument("stack", help="the deleted stack's name")
    stack: str = parser.parse_args().stack
    session = botocore.session.Session()
    try:
        names = bring_back(session.create_client("cloudformation"), session.create_client("s3"), stack)
    except (NoWayBack, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 1
    for name, (kind, physical) in sorted(names.items()):
        print(f"{'imported' if kind in _IMPORTED else 'left     '} {name} {physical}")
    print("Now deploy; then have `restore-serial-keys` take the keys of the SerialKeysSecret that is named above.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
