"""What CloudFormation needs to take into a new stack what a deleted one left: the template, and which is which.

The template is the deleted stack's own. Of it only that is kept which an import may have: the resources themselves,
each with its `DeletionPolicy`, without outputs, and without what refers to anything else, which the next deployment
sets. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resource-import.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

IDENTIFIERS = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::S3::BucketPolicy": "Bucket",
}
"""The property that tells one resource of a type from the others: `primaryIdentifier` of the type's schema."""

LEFT_OUT = {
    "AWS::ApiGateway::Account": "the new stack sets it anew",
    "AWS::IAM::Role": "the new stack makes one of its own; remove this one once no other API logs with it",
    "AWS::SecretsManager::Secret": (
        "the new stack makes one of its own, which takes this one's keys; an update could put another key in its place"
    ),
}
"""What is not imported, by its type, and why."""

_KEPT = ("Type", "DeletionPolicy", "UpdateReplacePolicy")
_IN_TEXTS = re.compile(r"\$\{(?!!)([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Left:
    """A resource that a deleted stack left.

    Args:
        logical_id: Its name in the template.
        kind: Its type: `AWS::DynamoDB::Table`.
        physical_id: What it is called in the account.
    """

    logical_id: str
    kind: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class Import:
    """What an import change set is made of, and what it does without.

    Args:
        template: The template of the stack as the import leaves it.
        resources: `ResourcesToImport`.
        properties: What the next deployment sets, as `ContentBucket.NotificationConfiguration`.
        left_out: Why a resource is not imported, by its logical ID.
    """

    template: dict[str, Any]
    resources: list[dict[str, Any]]
    properties: list[str]
    left_out: dict[str, str]


class _ElsewhereError(Exception):
    """A value is not known from what is imported."""


def import_of(template: Mapping[str, Any], parameters: Mapping[str, str], left: Iterable[Left]) -> Import:
    """The import of what a stack left.

    Args:
        template: The stack's template, as CloudFormation has processed it.
        parameters: The values of its parameters.
        left: What there is of its resources.
    """
    found = {one.logical_id: one for one in left}
    taken = {name: one for name, one in found.items() if one.kind in IDENTIFIERS}
    given = _typed(template.get("Parameters", {}), parameters)
    values = _Values(given, _conditions(template.get("Conditions", {}), given), taken)
    resources: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    properties: list[str] = []
    for name, one in sorted(taken.items()):
        declared = template["Resources"][name]
        kept: dict[str, Any] = {}
        for key, value in declared.get("Properties", {}).items():
            try:
                kept[key] = values.of(value)
            except _ElsewhereError:
                properties.append(f"{name}.{key}")
        resources[name] = {key: declared[key] for key in _KEPT if key in declared} | {"Properties": kept}
        identifier = IDENTIFIERS[one.kind]
        entries.append(
            {
                "ResourceType": one.kind,
                "LogicalResourceId": name,
                "ResourceIdentifier": {identifier: values.named(kept.get(identifier)) or one.physical_id},
            }
        )
    unknown = f"nobody has told {__name__} what such a resource is known by"
    return Import(
        template={"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources},
        resources=entries,
        properties=properties,
        left_out={name: LEFT_OUT.get(one.kind, unknown) for name, one in sorted(found.items()) if name not in taken},
    )


@dataclass(frozen=True, slots=True)
class _Values:
    """What values of the template come to where only the imported resources are there."""

    parameters: Mapping[str, Any]
    conditions: Mapping[str, bool]
    taken: Mapping[str, Left]

    def of(self, value: Any) -> Any:
        """The value, with the parameters in it replaced, and what hangs on a condition that is known.

        Raises:
            _ElsewhereError: It refers to what is not there.
        """
        match value:
            case {"Ref": str(name)} if name in self.parameters:
                return self.parameters[name]
            case {"Fn::If": [str(name), so, otherwise]} if name in self.conditions:
                return self.of(so if self.conditions[name] else otherwise)
            case {"Ref": str(name)}:
                self._must_be_there(name)
            case {"Fn::GetAtt": [str(name), *_]} | {"Fn::GetAtt": str(name)}:
                self._must_be_there(name)
            case {"Fn::Sub": str(text)}:
                return {"Fn::Sub": _IN_TEXTS.sub(self._in_text, text)}
            case dict():
                if len(value) == 1 and next(iter(value)).startswith("Fn::"):
                    raise _ElsewhereError
                return {key: self.of(one) for key, one in value.items()}
            case list():
                return [self.of(one) for one in value]
        return value

    def named(self, value: Any) -> str | None:
        """What a name in the template comes to; None where it has none."""
        match value:
            case {"Ref": str(name)}:
                return self.taken[name].physical_id
            case str():
                return value
        return None

    def _in_text(self, found: re.Match[str]) -> str:
        name = found[1].strip()
        if name in self.parameters:
            return str(self.parameters[name])
        self._must_be_there(name)
        return found[0]

    def _must_be_there(self, name: str) -> None:
        if name.partition(".")[0] not in self.taken and not name.startswith("AWS::"):
            raise _ElsewhereError


def _conditions(declared: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, bool]:
    """The conditions that only say whether a parameter has a value."""
    found: dict[str, bool] = {}
    for name, condition in declared.items():
        match condition:
            case {"Fn::Equals": [{"Ref": str(parameter)}, str(value)]} if parameter in parameters:
                found[name] = str(parameters[parameter]) == value
    return found


def _typed(declared: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Parameters as their types have them: CloudFormation tells all of them as texts."""
    return {
        name: int(value) if declared[name]["Type"] == "Number" and value.isdigit() else value
        for name, value in given.items()
        if name in declared
    }
