"""The templates of the repository as documents, and what rules about them are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.cloudformation.reader import read_template
from local_aws.stepfunctions.template_definitions import to_json
from rehearsal.deployment import REPOSITORY, definition_file, transformed_template

Template = dict[str, Any]
Rule = Callable[[str, Template], list[str]]
"""Takes the name of a template and its document; returns the violations, a line each."""
Planted = tuple[str, Rule, Callable[[Template], Any], str]
"""The name of a template, a rule, a change that violates it, and how the line begins that the rule then returns."""

OURS = "template.yaml"
NAMES = [OURS, *sorted(path.name for path in (REPOSITORY / "infrastructure").glob("*.yaml"))]
PARAMETER_TYPES: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "parameter_types.yaml").read_text())
"""The actions with which AWS looks for what a parameter of an AWS-specific type names, by the type."""


def document(name: str) -> Template:
    """A template of the repository, its functions in the long form; ours after the SAM transform. Do not change it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        if name == OURS:
            return transformed_template()
        return read_template((REPOSITORY / "infrastructure" / name).read_text())


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    """The properties of the resources of a type, by their names."""
    resources = template["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in resources if resource["Type"] == kind}


def properties(template: Template, name: str) -> dict[str, Any]:
    resource_properties: dict[str, Any] = template["Resources"][name]["Properties"]
    return resource_properties


def definition(machine: dict[str, Any]) -> dict[str, Any]:
    """The definition of the state machine with these properties."""
    states: dict[str, Any] = json.loads(to_json(definition_file(machine)))
    return states


def statements(role: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a role's inline policies, on both sides of their conditions."""
    for policy in role.get("Policies", []):
        yield from of_both_sides(policy["PolicyDocument"]["Statement"])


def of_both_sides(items: list[Any]) -> Iterator[dict[str, Any]]:
    """The items of a list, and those on either side of an Fn::If in it."""
    for item in items:
        for side in item["Fn::If"][1:] if "Fn::If" in item else [item]:
            if side != {"Ref": "AWS::NoValue"}:
                yield side


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def refers_to(value: Any) -> str | None:
    """The resource or parameter that a Ref, or an Fn::GetAtt of the Arn, names."""
    if not isinstance(value, dict):
        return None
    if "Ref" in value:
        return str(value["Ref"])
    name, attribute = value.get("Fn::GetAtt", [None, None])
    return str(name) if attribute == "Arn" else None
