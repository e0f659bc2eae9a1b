"""The parameters of a stack: their values, from the request or from before, and the checks of these.

Sources: CloudFormation User Guide, "CloudFormation template Parameters syntax", "Supply existing resources at runtime
with CloudFormation-supplied parameter types"; API Reference, Parameter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_aws.cloudformation.errors import OperationFailed, ValidationError
from local_aws.cloudformation.template import Template
from local_aws.core import faults
from local_aws.core.resource_types import client
from local_aws.ec2 import identifiers
from local_aws.ssm import parameters as parameter_store

_AMI = re.compile(r"ami-([0-9a-f]{8}|[0-9a-f]{17})")
_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")


@dataclass(frozen=True)
class ParameterValue:
    """The value of one parameter.

    `given` is the value of the request, or the default of the template; `resolved` is the value of the Systems Manager
    parameter that it names, None for any other type of parameter.
    """

    given: str
    resolved: str | None = None

    @property
    def effective(self) -> str:
        return self.given if self.resolved is None else self.resolved


def reference(declaration: Mapping[str, Any], value: ParameterValue) -> str | list[str]:
    """The value of Ref of the parameter: a list for the types that are lists."""
    kind = _value_type(declaration)
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in value.effective.split(",")]
    return value.effective


def element_type(declaration: Mapping[str, Any]) -> str:
    """The type of the parameter's value, or of each of its values when it is a list."""
    return _value_type(declaration).removeprefix("List<").removesuffix(">")


def _value_type(declaration: Mapping[str, Any]) -> str:
    kind = str(declaration["Type"])
    match = _SSM_VALUE.fullmatch(kind)
    return match.group(1) if match else kind


def existing_values(kind: str, account_id: str, region: str) -> set[str]:
    """The values that a parameter of an AWS-specific type can have here, such as the ids of the subnets."""
    if kind.startswith("AWS::EC2::"):
        return identifiers.existing(account_id, region, kind)
    with faults.spared():
        if kind == "AWS::Route53::HostedZone::Id":
            zones = client("route53", region).get_paginator("list_hosted_zones").paginate()
            # Route 53 gives the ids as paths: /hostedzone/Z1.
            return {zone["Id"].removeprefix("/hostedzone/") for page in zones for zone in page["HostedZones"]}
        parameters = client("ssm", region).get_paginator("describe_parameters").paginate()
        return {parameter["Name"] for page in parameters for parameter in page["Parameters"]}


def resolve(
    template: Template,
    given: list[dict[str, Any]],
    previous: Mapping[str, ParameterValue] | None,
    account_id: str,
    region: str,
) -> dict[str, ParameterValue]:
    """The values of the template's parameters.

    `given` is the request's Parameters. `previous` has the stack's values, None when it is being created: a parameter
    with UsePreviousValue keeps its value, one that is not given falls back to the template's default. The value of a
    Systems Manager parameter is read anew each time.

    Raises ValidationError, with CloudFormation's text, for what it would refuse.
    """
    by_name: dict[str, dict[str, Any]] = {item["ParameterKey"]: item for item in given}
    if unknown := [name for name in by_name if name not in template.parameters]:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    values: dict[str, ParameterValue] = {}
    missing = []
    for name, declaration in template.parameters.items():
        text = _text(name, declaration, by_name.get(name), previous)
        if text is None:
            missing.append(name)
            continue
        _check(name, declaration, text)
        resolved = None
        if _SSM_VALUE.fullmatch(str(declaration["Type"])):
            resolved = _from_parameter_store(text, account_id, region)
        values[name] = ParameterValue(text, resolved)
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return values


def check_existence(
    template: Template,
    values: Mapping[str, ParameterValue],
    previous: Mapping[str, ParameterValue] | None,
    account_id: str,
    region: str,
) -> None:
    """Check the parameters of the AWS-specific types whose resources the embedded AWS keeps.

    `previous` has the values before an update; one that stays is not checked again. It is None when a stack is being
    created: an AMI then only has to look like one, since not all of the public images are here.
    Raises OperationFailed: CloudFormation accepts the request, and rolls the operation back with this reason.
    """
    for name, value in values.items():
        if previous is not None and name in previous and previous[name] == value:
            continue
        element = element_type(template.parameters[name])
        # The parameters under /aws/service/ are AWS's own; what they name exists.
        if not element.startswith("AWS::") or value.given.startswith("/aws/service/"):
            continue
        existing = existing_values(element, account_id, region)
        named = reference(template.parameters[name], value)
        for item in named if isinstance(named, list) else [named]:
            unchecked = previous is None and element == "AWS::EC2::Image::Id" and _AMI.fullmatch(item)
            if item not in existing and not unchecked:
                raise OperationFailed(
                    f"Parameter validation failed: parameter value {item} for parameter name {name} does not exist"
                )


def is_secret(declaration: Mapping[str, Any]) -> bool:
    """Whether the parameter's value is masked wherever it would be shown."""
    return str(declaration.get("NoEcho", False)).lower() == "true"


def described(template: Template, values: Mapping[str, ParameterValue]) -> list[dict[str, Any]]:
    """The parameters as DescribeStacks shows them: NoEcho ones masked."""
    parameters = []
    for name, value in values.items():
        item = {
            "ParameterKey": name,
            "ParameterValue": "****" if is_secret(template.parameters[name]) else value.given,
        }
        if value.resolved is not None:
            item["ResolvedValue"] = value.resolved
        parameters.append(item)
    return parameters


def _text(
    name: str,
    declaration: Mapping[str, Any],
    item: Mapping[str, Any] | None,
    previous: Mapping[str, ParameterValue] | None,
) -> str | None:
    if item is not None and str(item.get("UsePreviousValue", False)).lower() == "true":
        if item.get("ParameterValue"):
            raise ValidationError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty value "
                "for a parameter"
            )
        if previous is None or name not in previous:
            raise ValidationError(
                f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key "
                "not in the previous template"
            )
        return previous[name].given
    if item is not None and item.get("ParameterValue") is not None:
        return str(item["ParameterValue"])
    default = declaration.get("Default")
    return None if default is None else as_text(default)


def as_text(value: Any) -> str:
    """A default or an allowed value of a template, as the text that a parameter would have."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    return str(value)


def _check(name: str, declaration: Mapping[str, Any], text: str) -> None:
    kind = str(declaration["Type"])

    def refuse(reason: str) -> None:
        explained = declaration.get("ConstraintDescription")
        if explained:
            raise ValidationError(f"Parameter {name} failed to satisfy constraint: {explained}")
        raise ValidationError(f"Parameter '{name}' {reason}")

    items = [item.strip() for item in text.split(",")] if kind == "CommaDelimitedList" or "List<" in kind else [text]
    allowed = declaration.get("AllowedValues")
    if allowed is not None and any(item not in [as_text(value) for value in allowed] for item in items):
        refuse("must be one of AllowedValues")
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and any(not re.fullmatch(str(pattern), item) for item in items):
        refuse(f"must match pattern {pattern}")
    if "MinLength" in declaration and len(text) < int(declaration["MinLength"]):
        refuse(f"must contain at least {declaration['MinLength']} characters")
    if "MaxLength" in declaration and len(text) > int(declaration["MaxLength"]):
        refuse(f"must contain at most {declaration['MaxLength']} characters")
    if kind in ("Number", "List<Number>"):
        for item in items:
            _check_number(declaration, item, refuse)


def _check_number(declaration: Mapping[str, Any], text: str, refuse: Any) -> None:
    try:
        number = float(text)
    except ValueError:
        refuse("must be a number.")
        return
    if "MinValue" in declaration and number < float(declaration["MinValue"]):
        refuse(f"must be a number not less than {declaration['MinValue']}")
    if "MaxValue" in declaration and number > float(declaration["MaxValue"]):
        refuse(f"must be a number not greater than {declaration['MaxValue']}")


def _from_parameter_store(name: str, account_id: str, region: str) -> str:
    value = parameter_store.read(account_id, region, name)
    if value is None:
        raise ValidationError(f"Unable to fetch parameters [{name}] from parameter store for this account.")
    return value
