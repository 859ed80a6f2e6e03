"""Brings back what a deleted stack left: finds it, and writes what CloudFormation imports it with.

    python -m tools.left_behind batchyard

Nothing is changed in the account: it prints the commands that do so. It reads with the caller's own AWS credentials, in
the region that `AWS_REGION` names.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from tools.generate import ROOT
from tools.imports import IDENTIFIERS, Import, Left, import_of

_HERE = ROOT / ".local" / "left-behind"


class NotFoundError(Exception):
    """There is nothing to bring back, or more than one thing; the message says what helps."""


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted stack, and what it left.

    Args:
        id: CloudFormation's ID of it.
        name: Its name, which is free again.
        at: When it was deleted.
        left: What is left of its resources.
    """

    id: str
    name: str
    at: str
    left: tuple[Left, ...]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.left_behind", description=__doc__.partition("\n")[0])
    parser.add_argument("stack", help="name of the deleted stack; its ID where several of that name left something")
    parser.add_argument("--into", type=Path, help="folder for what it writes; .local/left-behind/STACK without")
    options = parser.parse_args(arguments)
    try:
        cloudformation: Any = botocore.session.Session().create_client("cloudformation")
        deleted = find(cloudformation, options.stack)
        given = _parameters(cloudformation, deleted.id)
        template = cloudformation.get_template(StackName=deleted.id, TemplateStage="Processed")["TemplateBody"]
    except (NotFoundError, BotoCoreError, ClientError) as error:
        print(f"left_behind: {error}", file=sys.stderr)
        return 1
    made = import_of(template, given, deleted.left)
    folder = options.into or _HERE / deleted.name
    write(folder, made)
    print("\n".join(told(deleted, made, folder, changed_of(template, given))))
    return 0


def find(cloudformation: Any, stack: str) -> Deleted:
    """The deleted stack of a name or an ID.

    CloudFormation keeps deleted stacks, their templates and their events for 90 days. Events tell what it left; a list
    of the stack's resources would tell the same, but not on every engine.

    Raises:
        NotFoundError: There is none that left anything to import, there are several, or a stack of its name is there.
    """
    if stack.startswith("arn:"):
        ids = [stack]
    else:
        pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
        ids = [one["StackId"] for page in pages for one in page["StackSummaries"] if one["StackName"] == stack]
    found = [_deleted(cloudformation, id) for id in ids]
    worth = [one for one in found if any(left.kind in IDENTIFIERS for left in one.left)]
    if not worth:
        region = cloudformation.meta.region_name
        raise NotFoundError(
            f"No deleted stack {stack} has left anything in {region} in the last 90 days; AWS_REGION chooses another."
        )
    if len(worth) > 1:
        several = "".join(f"\n  {one.id} of {one.at}" for one in worth)
        raise NotFoundError(f"Several stacks of this name left something; say which one by its ID:{several}")
    [deleted] = worth
    if status := _present(cloudformation, deleted.name):
        raise NotFoundError(
            f"There is a stack {deleted.name}, which is {status}. Only a new one can take what the former one left: "
            "delete it first, if nobody needs what it holds."
        )
    return deleted


def _deleted(cloudformation: Any, id: str) -> Deleted:
    [stack] = cloudformation.describe_stacks(StackName=id)["Stacks"]
    return Deleted(
        id, stack["StackName"], str(stack.get("DeletionTime", "")), tuple(_retained(cloudformation, stack["StackId"]))
    )


def _retained(cloudformation: Any, id: str) -> Iterator[Left]:
    """What the deletion of a stack passed over. Updates pass over things, too: what they replaced."""
    seen = set[str]()
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=id):
        for event in page["StackEvents"]:
            if event.get("PhysicalResourceId") == id:
                if not event["ResourceStatus"].startswith("DELETE_"):
                    return
            elif event["ResourceStatus"] == "DELETE_SKIPPED" and event["LogicalResourceId"] not in seen:
                seen.add(event["LogicalResourceId"])
                yield Left(event["LogicalResourceId"], event["ResourceType"], event["PhysicalResourceId"])


def _present(cloudformation: Any, name: str) -> str | None:
    """The status of a stack that bears the name now; None where there is none but for a change set."""
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        return None
    status = str(stack["StackStatus"])
    return None if status == "REVIEW_IN_PROGRESS" else status


def _parameters(cloudformation: Any, id: str) -> dict[str, str]:
    [stack] = cloudformation.describe_stacks(StackName=id)["Stacks"]
    return {one["ParameterKey"]: one["ParameterValue"] for one in stack.get("Parameters", [])}


def changed_of(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Parameters that the stack had other values of than the template's own."""
    declared = template.get("Parameters", {})
    return {
        name: value
        for name, value in given.items()
        if name in declared and value != str(declared[name].get("Default", ""))
    }


def write(folder: Path, made: Import) -> None:
    """Writes `template.json` and `resources.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (("template", made.template), ("resources", made.resources)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def told(deleted: Deleted, made: Import, folder: Path, parameters: Mapping[str, str]) -> Iterator[str]:
    """What was found, and the commands that bring it back."""
    yield f"What {deleted.name} left, deleted {deleted.at}, to be imported:"
    yield from (
        f"  {one['LogicalResourceId']}: {', '.join(one['ResourceIdentifier'].values())}" for one in made.resources
    )
    if made.left_out:
        yield "Not to be imported:"
        names = {one.logical_id: one.physical_id for one in deleted.left}
        yield from (f"  {name} ({names[name]}): {why}." for name, why in made.left_out.items())
    if made.properties:
        yield f"Left out, the deployment sets it: {', '.join(made.properties)}."
    yield "\nNow, one after the other:"
    stack = f"--stack-name {shlex.quote(deleted.name)}"
    file = "file://" + shlex.quote(str(folder.relative_to(ROOT) if folder.is_relative_to(ROOT) else folder))
    yield (
        f"  aws cloudformation create-change-set {stack} --change-set-name left-behind --change-set-type IMPORT "
        f"--template-body {file}/template.json --resources-to-import {file}/resources.json"
    )
    yield f"  aws cloudformation wait change-set-create-complete {stack} --change-set-name left-behind"
    yield f"  aws cloudformation execute-change-set {stack} --change-set-name left-behind"
    yield f"  aws cloudformation wait stack-import-complete {stack}"
    yield f"  {_deployment(parameters)}"
    operator = f".venv/bin/python -m batchyard.operator --stack {shlex.quote(deleted.name)}"
    for one in deleted.left:
        if one.kind == "AWS::SecretsManager::Secret":
            yield f"  {operator} restore-serial-keys {shlex.quote(one.physical_id)}"
    yield f"  {operator} recount CHANNEL   # each of them, or wait for the night: counts begin anew"


def _deployment(parameters: Mapping[str, str]) -> str:
    others = dict(parameters)
    architecture = others.pop("Architecture", None)
    words = ["make deploy", *([f"ARCHITECTURE={architecture}"] if architecture else [])]
    if others:
        words.append("PARAMETERS=" + shlex.quote(" ".join(f"{name}={value}" for name, value in others.items())))
    return " ".join(words)


if __name__ == "__main__":
    sys.exit(main())
