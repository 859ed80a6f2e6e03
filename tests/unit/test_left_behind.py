"""The way back of a deleted stack: what of it is imported, by which names, and what CloudFormation is told."""

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from tests.support import transformed
from tools import left_behind
from tools.generate import ROOT
from tools.imports import IDENTIFIERS, LEFT_OUT, Import, Left, import_of
from tools.left_behind import NotFoundError, find
from tools.template import template

SAM = ROOT / ".local" / "tools" / "sam"
# A template in the request itself, and not in a bucket.
LARGEST_TEMPLATE = 51_200

ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/yard/1"
OTHER_ID = "arn:aws:cloudformation:eu-central-1:123456789012:stack/yard/2"
AT = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


def processed() -> dict[str, Any]:
    """The template as CloudFormation has it once SAM's transform is done."""
    return {**transformed.template(), "Parameters": template()["Parameters"], "Outputs": {"Any": {}}}


def retained() -> dict[str, dict[str, Any]]:
    return {
        name: one
        for name, one in transformed.resources().items()
        if one.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    }


def made(**parameters: str) -> Import:
    defaults = {name: str(one["Default"]) for name, one in template()["Parameters"].items()}
    left = [Left(name, one["Type"], f"yard-{name}-1A2B") for name, one in retained().items()]
    return import_of(processed(), defaults | parameters, left)


def references(value: Any) -> set[str]:
    """The logical IDs and parameters that a value refers to."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case {"Fn::Sub": str(text)}:
            return {name.partition(".")[0] for name in re.findall(r"\$\{([^}]+)\}", text)}
        case dict():
            return set().union(*map(references, value.values()))
        case list():
            return set().union(*map(references, value))
    return set()


def schemas() -> dict[str, dict[str, Any]]:
    """AWS's schemas of types, as cfn-lint has them."""
    [folder] = SAM.glob("lib/python3*/site-packages/cfnlint/data/schemas")
    files = json.loads((folder / "providers" / "eu-central-1.json").read_text())
    kinds = {one["Type"] for one in retained().values()}
    return {kind: json.loads((folder / "resources" / f"{files[kind]}.json").read_text()) for kind in kinds}


def test_retained_resources_are_imported_or_told_why_not() -> None:
    one = made()
    assert set(one.template["Resources"]) | set(one.left_out) == set(retained())
    assert set(one.template["Resources"]) & set(one.left_out) == set()
    assert set(one.left_out) == {"ApiGatewayAccount", "ApiGatewayLogRole", "SerialKeysSecret"}
    assert set(one.left_out.values()) <= set(LEFT_OUT.values())
    # Whatever holds data: nothing of that comes anew.
    assert [name for name, kept in retained().items() if kept["Type"] == "AWS::DynamoDB::Table"]
    assert all(name in one.template["Resources"] for name, kept in retained().items() if "DynamoDB" in kept["Type"])


def test_the_import_template_stands_by_itself() -> None:
    one = made()
    assert set(one.template) == {"AWSTemplateFormatVersion", "Resources"}
    assert len(json.dumps(one.template)) < LARGEST_TEMPLATE
    for name, resource in one.template["Resources"].items():
        assert resource["DeletionPolicy"] in ("Retain", "RetainExceptOnCreate")
        assert set(resource) <= {"Type", "DeletionPolicy", "UpdateReplacePolicy", "Properties"}, name
        assert {found for found in references(resource) if not found.startswith("AWS::")} <= set(
            one.template["Resources"]
        )


def test_the_next_deployment_changes_only_properties_left_out_of_the_import() -> None:
    one = made()
    assert one.properties == ["ContentBucket.NotificationConfiguration"]
    for name, resource in one.template["Resources"].items():
        declared = retained()[name]["Properties"]
        assert {f"{name}.{key}" for key in declared.keys() - resource["Properties"].keys()} <= set(one.properties)
        for key, value in resource["Properties"].items():
            known: list[tuple[Any, Any]] = [({"Ref": "LogRetentionDays"}, 30)]
            known.append(({"Fn::If": ["TablesAreProtected", True, False]}, True))
            assert value == next((one for told, one in known if told == declared[key]), declared[key]), (name, key)
        # A name that the template does not have would be a change of it, for which the resource is replaced.
        assert resource["Properties"].keys() <= declared.keys()


def test_parameters_are_those_that_the_stack_had() -> None:
    assert made(LogRetentionDays="90").template["Resources"]["AccessLogGroup"]["Properties"] == {"RetentionInDays": 90}


@pytest.mark.parametrize(("given", "protected"), [("on", True), ("off", False)])
def test_imported_tables_keep_their_deletion_protection(given: str, protected: bool) -> None:
    resources = made(DeletionProtection=given).template["Resources"].values()
    found = [one["Properties"] for one in resources if one["Type"] == "AWS::DynamoDB::Table"]
    assert {one["DeletionProtectionEnabled"] for one in found} == {protected}


def test_resources_are_named_by_what_their_schemas_say() -> None:
    entries = {entry["LogicalResourceId"]: entry for entry in made().resources}
    known = schemas()
    assert entries.keys() == made().template["Resources"].keys()
    for name, entry in entries.items():
        schema = known[entry["ResourceType"]]
        assert entry["ResourceType"] == retained()[name]["Type"]
        assert [f"/properties/{key}" for key in entry["ResourceIdentifier"]] == schema["primaryIdentifier"]
        # What cannot be read cannot be imported.
        assert "read" in schema["handlers"]
    assert entries["IdentityTable"]["ResourceIdentifier"] == {"TableName": "yard-IdentityTable-1A2B"}
    # A policy is known by its bucket, whatever it is called itself.
    assert entries["ContentBucketPolicy"]["ResourceIdentifier"] == {"Bucket": "yard-ContentBucket-1A2B"}
    assert set(IDENTIFIERS) | set(LEFT_OUT) == set(known)


def test_cfn_lint_finds_nothing_in_the_template(tmp_path: Path) -> None:
    left_behind.write(tmp_path, made())
    checked = subprocess.run(
        [SAM / "bin" / "cfn-lint", "--regions", "eu-central-1", "--", tmp_path / "template.json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, ""), checked.stdout + checked.stderr


def test_a_retained_resource_of_an_unknown_type_is_told() -> None:
    declared = {"Resources": {"Sounds": {"Type": "AWS::Some::Thing", "DeletionPolicy": "Retain"}}}
    one = import_of(declared, {}, [Left("Sounds", "AWS::Some::Thing", "s-1")])
    assert (one.resources, list(one.left_out)) == ([], ["Sounds"])


# The stack is found.


@pytest.fixture
def cloudformation() -> Any:
    return botocore.session.Session().create_client(
        "cloudformation", region_name="eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


def event(status: str, name: str, kind: str, physical: str, stack: str = ID) -> dict[str, Any]:
    return {
        "StackId": stack,
        "StackName": "yard",
        "EventId": f"{name}-{status}",
        "Timestamp": AT,
        "ResourceStatus": status,
        "LogicalResourceId": name,
        "ResourceType": kind,
        "PhysicalResourceId": physical,
    }


def of_stack(status: str, stack: str = ID) -> dict[str, Any]:
    return event(status, "yard", "AWS::CloudFormation::Stack", stack, stack)


def described(id: str, status: str = "DELETE_COMPLETE") -> dict[str, Any]:
    return {
        "Stacks": [{"StackId": id, "StackName": "yard", "CreationTime": AT, "DeletionTime": AT, "StackStatus": status}]
    }


def summaries(*ids: str) -> dict[str, Any]:
    return {
        "StackSummaries": [
            {"StackId": id, "StackName": name, "CreationTime": AT, "StackStatus": "DELETE_COMPLETE"}
            for id, name in [*((id, "yard") for id in ids), (f"{ID}9", "yard-of-others")]
        ]
    }


KEPT = [
    of_stack("DELETE_COMPLETE"),
    event("DELETE_SKIPPED", "ChannelsTable", "AWS::DynamoDB::Table", "yard-ChannelsTable-1"),
    event("DELETE_COMPLETE", "Api", "AWS::ApiGateway::RestApi", "a1b2"),
    of_stack("DELETE_IN_PROGRESS"),
    # The first attempt at it.
    of_stack("DELETE_FAILED"),
    event("DELETE_SKIPPED", "ContentBucket", "AWS::S3::Bucket", "yard-contentbucket-1"),
    event("DELETE_SKIPPED", "ChannelsTable", "AWS::DynamoDB::Table", "yard-ChannelsTable-1"),
    of_stack("DELETE_IN_PROGRESS"),
    # An update replaced this one, which is nobody's any more.
    of_stack("UPDATE_COMPLETE"),
    event("DELETE_SKIPPED", "ChannelsTable", "AWS::DynamoDB::Table", "yard-ChannelsTable-0"),
]


def answers(stub: Stubber, id: str, events: list[dict[str, Any]]) -> None:
    """What CloudFormation tells of a deleted stack."""
    stub.add_response("describe_stacks", described(id), {"StackName": id})
    stub.add_response("describe_stack_events", {"StackEvents": events}, {"StackName": id})


def test_a_deleted_stack_is_found_by_its_name(cloudformation: Any) -> None:
    with Stubber(cloudformation) as stub:
        stub.add_response("list_stacks", summaries(ID), {"StackStatusFilter": ["DELETE_COMPLETE"]})
        answers(stub, ID, KEPT)
        stub.add_client_error("describe_stacks", "ValidationError", expected_params={"StackName": "yard"})
        found = find(cloudformation, "yard")
        stub.assert_no_pending_responses()
    assert (found.id, found.name) == (ID, "yard")
    assert found.left == (
        Left("ChannelsTable", "AWS::DynamoDB::Table", "yard-ChannelsTable-1"),
        Left("ContentBucket", "AWS::S3::Bucket", "yard-contentbucket-1"),
    )


def test_an_existing_stack_is_not_imported_into(cloudformation: Any) -> None:
    with Stubber(cloudformation) as stub:
        answers(stub, ID, KEPT)
        stub.add_response("describe_stacks", described(OTHER_ID, "UPDATE_COMPLETE"), {"StackName": "yard"})
        with pytest.raises(NotFoundError, match="UPDATE_COMPLETE"):
            find(cloudformation, ID)


def test_a_change_set_that_was_made_before_is_no_stack(cloudformation: Any) -> None:
    with Stubber(cloudformation) as stub:
        answers(stub, ID, KEPT)
        stub.add_response("describe_stacks", described(OTHER_ID, "REVIEW_IN_PROGRESS"), {"StackName": "yard"})
        assert find(cloudformation, ID).id == ID


def test_one_of_several_deleted_stacks_is_chosen_by_its_id(cloudformation: Any) -> None:
    with Stubber(cloudformation) as stub:
        stub.add_response("list_stacks", summaries(ID, OTHER_ID), {"StackStatusFilter": ["DELETE_COMPLETE"]})
        answers(stub, ID, KEPT)
        answers(stub, OTHER_ID, [event("DELETE_SKIPPED", "A", "AWS::S3::Bucket", "a", OTHER_ID)])
        with pytest.raises(NotFoundError, match=f"{ID} of 2026-11-20.*\n.*{OTHER_ID}"):
            find(cloudformation, "yard")


def test_a_deleted_stack_that_left_only_a_role_is_not_found(cloudformation: Any) -> None:
    with Stubber(cloudformation) as stub:
        stub.add_response("list_stacks", summaries(ID), {"StackStatusFilter": ["DELETE_COMPLETE"]})
        answers(stub, ID, [event("DELETE_SKIPPED", "ApiGatewayLogRole", "AWS::IAM::Role", "yard-role")])
        with pytest.raises(NotFoundError, match="yard has left anything in eu-central-1"):
            find(cloudformation, "yard")


# The commands.


def test_the_commands_of_an_import_are_told_in_order() -> None:
    secret = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:SerialKeysSecret-1-Ab"
    left = (
        Left("ChannelsTable", "AWS::DynamoDB::Table", "yard-ChannelsTable-1"),
        Left("SerialKeysSecret", "AWS::SecretsManager::Secret", secret),
    )
    given = {"Architecture": "x86_64", "Stage": "test", "WebAcl": "off", "RequestsPerMinute": "2000"}
    changed = left_behind.changed_of(template(), given)
    made = import_of(processed(), given, left)
    lines = list(
        left_behind.told(
            left_behind.Deleted(ID, "yard", "then", left), made, ROOT / ".local" / "left-behind" / "yard", changed
        )
    )
    assert any(line.startswith(f"  SerialKeysSecret ({secret}): ") for line in lines)
    commands = lines[lines.index("\nNow, one after the other:") + 1 :]
    assert [line.strip() for line in commands] == [
        "aws cloudformation create-change-set --stack-name yard --change-set-name left-behind --change-set-type IMPORT"
        " --template-body file://.local/left-behind/yard/template.json"
        " --resources-to-import file://.local/left-behind/yard/resources.json",
        "aws cloudformation wait change-set-create-complete --stack-name yard --change-set-name left-behind",
        "aws cloudformation execute-change-set --stack-name yard --change-set-name left-behind",
        "aws cloudformation wait stack-import-complete --stack-name yard",
        "make deploy ARCHITECTURE=x86_64 PARAMETERS='Stage=test WebAcl=off'",
        f".venv/bin/python -m batchyard.operator --stack yard restore-serial-keys {secret}",
        ".venv/bin/python -m batchyard.operator --stack yard recount CHANNEL"
        "   # each of them, or wait for the night: counts begin anew",
    ]
