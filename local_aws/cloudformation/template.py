"""CloudFormation templates: their parts, and whether they are well formed.

Sources: CloudFormation User Guide, "Template anatomy", "Intrinsic function reference", "DependsOn attribute",
"Acknowledging IAM resources in CloudFormation templates"; Template Reference, "DeletionPolicy attribute",
"UpdateReplacePolicy attribute".
"""

from __future__ import annotations

import functools
import graphlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local_aws.cloudformation.errors import ValidationError
from local_aws.cloudformation.reader import read_template

SUBSTITUTION = re.compile(r"\$\{([^!{}][^{}]*)\}")

_IAM_NAMES = {
    "AWS::IAM::AccessKey": None,
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": None,
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": None,
}
# The AWS-specific types; all but the first can be in a list.
AWS_TYPES = (
    "AWS::EC2::KeyPair::KeyName",
    "AWS::EC2::AvailabilityZone::Name",
    "AWS::EC2::Image::Id",
    "AWS::EC2::Instance::Id",
    "AWS::EC2::SecurityGroup::GroupName",
    "AWS::EC2::SecurityGroup::Id",
    "AWS::EC2::Subnet::Id",
    "AWS::EC2::VPC::Id",
    "AWS::EC2::Volume::Id",
    "AWS::Route53::HostedZone::Id",
)
_OF_AWS = f"{'|'.join(AWS_TYPES)}|List<({'|'.join(AWS_TYPES[1:])})>"
_PARAMETER_PROPERTIES = {
    *("AllowedPattern", "AllowedValues", "ConstraintDescription", "Default", "Description", "MaxLength", "MaxValue"),
    *("MinLength", "MinValue", "NoEcho", "Type"),
}
_PARAMETER_TYPES = re.compile(
    f"String|Number|CommaDelimitedList|List<(Number|String)>|{_OF_AWS}|AWS::SSM::Parameter::Name"
    f"|AWS::SSM::Parameter::Value<(String|CommaDelimitedList|List<String>|{_OF_AWS})>"
)
_ATTRIBUTES = {
    *("Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type", "UpdatePolicy"),
    "UpdateReplacePolicy",
}
# Source: CloudFormation User Guide, "Understand CloudFormation quotas".
_MOST = {"Mappings": 200, "Outputs": 200, "Parameters": 200, "Resources": 500}
_DELETIONS = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate", "Snapshot"),
    "UpdateReplacePolicy": ("Delete", "Retain", "Snapshot"),
}
_WITH_SNAPSHOTS = {
    *("AWS::DocDB::DBCluster", "AWS::EC2::Volume", "AWS::ElastiCache::CacheCluster"),
    *("AWS::ElastiCache::ReplicationGroup", "AWS::Neptune::DBCluster", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"),
    "AWS::Redshift::Cluster",
}


@dataclass(frozen=True)
class Template:
    """A template that is well formed; `body` is its text, and `document` that text as data.

    `submitted` is the template of the request if this one is what its transforms made of it. `failure` is why they did
    not make anything of it; this one is then as it was submitted.
    """

    body: str
    document: dict[str, Any]
    submitted: Template | None = None
    failure: str | None = None

    @property
    def as_submitted(self) -> Template:
        """The template of the request, before its transforms."""
        return self.submitted or self

    @property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return self._section("Parameters")

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        return self._section("Resources")

    @property
    def conditions(self) -> dict[str, Any]:
        return self._section("Conditions")

    @property
    def rules(self) -> dict[str, dict[str, Any]]:
        return self._section("Rules")

    @property
    def mappings(self) -> dict[str, Any]:
        return self._section("Mappings")

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return self._section("Outputs")

    @property
    def description(self) -> str | None:
        return self.document.get("Description")

    @property
    def resource_types(self) -> list[str]:
        return list(dict.fromkeys(resource["Type"] for resource in self.resources.values()))

    @property
    def transforms(self) -> list[str]:
        declared = self.document.get("Transform") or []
        names = [declared] if isinstance(declared, str | dict) else declared
        return [name if isinstance(name, str) else str(name["Name"]) for name in names]

    @property
    def required_capabilities(self) -> list[str]:
        """The capabilities that a request has to acknowledge: CAPABILITY_IAM, CAPABILITY_NAMED_IAM or neither; and
        CAPABILITY_AUTO_EXPAND."""
        required = []
        iam = [resource for resource in self.resources.values() if resource["Type"] in _IAM_NAMES]
        if any(_IAM_NAMES[resource["Type"]] in resource.get("Properties", {}) for resource in iam):
            required.append("CAPABILITY_NAMED_IAM")
        elif iam:
            required.append("CAPABILITY_IAM")
        if self.transforms:
            required.append("CAPABILITY_AUTO_EXPAND")
        return required

    @cached_property
    def order(self) -> list[str]:
        """The logical ids of the resources, each after those that it depends on."""
        graph = {logical_id: sorted(self.dependencies(logical_id)) for logical_id in self.resources}
        try:
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            raise ValidationError(
                f"Circular dependency between resources: [{', '.join(sorted(set(error.args[1])))}]"
            ) from error

    def dependencies(self, logical_id: str) -> set[str]:
        """The resources that this one refers to or names in DependsOn."""
        resource = self.resources[logical_id]
        depends_on = resource.get("DependsOn") or []
        named = {depends_on} if isinstance(depends_on, str) else set(depends_on)
        named.update(name for name, _ in references(resource))
        return {name for name in named if name in self.resources}

    def _section(self, name: str) -> dict[str, Any]:
        return self.document.get(name) or {}


def references(value: Any) -> Iterator[tuple[str, str | None]]:
    """The references of Ref, Fn::GetAtt and Fn::Sub anywhere in `value`: the name, and the attribute if one is read.

    Raises ValidationError, in CloudFormation's words, when the arguments of one are malformed.
    """
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, argument in value.items():
            if key == "Ref" and isinstance(argument, str):
                yield argument, None
            elif key == "Fn::GetAtt":
                parts = argument.split(".", 1) if isinstance(argument, str) else argument
                if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
                    raise ValidationError(
                        "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name "
                        "and the resource attribute"
                    )
                yield parts[0], str(parts[1])
                yield from references(parts[1])
            elif key == "Fn::Sub":
                text, local = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
                if not isinstance(text, str) or not isinstance(local, dict):
                    raise ValidationError(
                        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. "
                        "Specify a string as first argument, and an optional second argument to specify a mapping of "
                        "values to replace in the string"
                    )
                for reference in SUBSTITUTION.findall(text):
                    name, _, attribute = reference.strip().partition(".")
                    if name not in local:
                        yield name, attribute or None
                yield from references(local)
            else:
                yield from references(argument)


@functools.cache
def parse(body: str) -> Template:
    """Read a template and check that it is well formed. The same text gives the same object: do not change it.

    Raises ValidationError, with CloudFormation's "Template format error", when it is not.
    """
    document = read_template(body)
    _check(document)
    template = Template(body, document)
    # What has a transform is well formed only after it: there may be other attributes, and references to what it adds.
    if not template.transforms:
        for logical_id, resource in template.resources.items():
            _check_resource(logical_id, resource)
        _check_references(template)
        _ = template.order
    return template


def _check(document: dict[str, Any]) -> None:
    known = {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
    if "Transform" in document:
        known.add("Globals")
    if unknown := [key for key in document if key not in known]:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if not document.get("Resources"):
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    for name in ("Conditions", "Mappings", "Outputs", "Parameters", "Resources", "Rules"):
        if not isinstance(document.get(name) or {}, dict):
            raise ValidationError(f"Template format error: expected {name} to be an object.")
        number, most = len(document.get(name) or {}), _MOST.get(name, math.inf)
        if number > most:
            raise ValidationError(
                f"Template format error: Number of {name.lower()}, {number}, is greater than maximum allowed, {most}"
            )
    for logical_id, resource in document["Resources"].items():
        if not re.fullmatch(r"[A-Za-z0-9]+", str(logical_id)):
            raise ValidationError(f"Template format error: Resource name {logical_id} is non alphanumeric.")
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise ValidationError(
                f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
            )
    for name, parameter in (document.get("Parameters") or {}).items():
        kind = parameter.get("Type") if isinstance(parameter, dict) else None
        if kind is None:
            raise ValidationError(
                f"Template format error: Every Parameters object must contain a Type member. ({name} has none)"
            )
        if not _PARAMETER_TYPES.fullmatch(str(kind)):
            raise ValidationError(f"Template format error: Unrecognized parameter type: {kind}")
        for key in parameter:
            if key not in _PARAMETER_PROPERTIES:
                raise ValidationError(f"Invalid template parameter property '{key}'")
    for name, output in (document.get("Outputs") or {}).items():
        if not isinstance(output, dict) or output.get("Value") is None:
            raise ValidationError(f"Template format error: Output {name} is malformed.")
        _check_text(output, "Condition", "Description")
        export = output.get("Export", {"Name": ""})
        if not isinstance(export, dict) or set(export) != {"Name"}:
            raise ValidationError(
                f"Template format error: Output {name} is malformed: expected Export to have a Name, found {export!r}"
            )


def _check_resource(logical_id: str, resource: dict[str, Any]) -> None:
    """Check the attributes that take no function. The texts are those of errors seen in the wild."""
    if unknown := [key for key in resource if key not in _ATTRIBUTES]:
        raise ValidationError(f"Invalid template resource property '{unknown[0]}'")
    _check_text(resource, "Condition", *_DELETIONS)
    for attribute, values in _DELETIONS.items():
        value = resource.get(attribute, "Delete")
        if value not in values:
            raise ValidationError(f"Template format error: Unrecognized {attribute} {value} for resource {logical_id}")
        if value == "Snapshot" and resource["Type"] not in _WITH_SNAPSHOTS:
            raise ValidationError(
                f"Template error: resource type {resource['Type']} does not support deletion policy Snapshot"
            )
    depends_on = resource.get("DependsOn") or []
    names = depends_on if isinstance(depends_on, list) else [depends_on]
    if not all(isinstance(name, str) for name in names):
        raise ValidationError("Template format error: Every DependsOn value must be a string.")
    properties = resource.get("Properties") or {}
    if not isinstance(properties, dict) or any(key == "Ref" or str(key).startswith("Fn::") for key in properties):
        raise ValidationError(
            f"Template format error: expected the Properties of {logical_id} to be an object, without a function in "
            f"its place, found {properties!r}"
        )


def _check_text(part: dict[str, Any], *attributes: str) -> None:
    for attribute in attributes:
        if not isinstance(part.get(attribute, ""), str):
            raise ValidationError(f"Template format error: Every {attribute} member must be a string.")


def _check_references(template: Template) -> None:
    known = set(template.resources) | set(template.parameters)
    conditional = {name for name, _ in references(template.conditions) if not name.startswith("AWS::")}
    if unresolved := sorted(conditional - set(template.parameters)):
        raise ValidationError(
            f"Template format error: Unresolved dependencies [{', '.join(unresolved)}]. "
            "Cannot reference resources in the Conditions block of the template"
        )
    for section, values in (("Resources", template.resources), ("Outputs", template.outputs)):
        referred = [name for name, _ in references(values)]
        missing = [name for name in referred if name not in known and not name.startswith("AWS::")]
        for resource in template.resources.values() if section == "Resources" else ():
            depends_on = resource.get("DependsOn") or []
            names = [depends_on] if isinstance(depends_on, str) else depends_on
            missing += [name for name in names if name not in template.resources]
        if missing:
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{', '.join(dict.fromkeys(missing))}] "
                f"in the {section} block of the template"
            )
        for name, value in values.items():
            condition = value.get("Condition")
            if condition is not None and condition not in template.conditions:
                raise ValidationError(
                    f"Template format error: Unresolved condition dependency {condition} "
                    f"in the {section} block of the template ({name})"
                )
