"""Which resources of a template depend on a parameter."""

from __future__ import annotations

from typing import Any

import pytest

from autopatch.dependents import dependents


def resources(**properties: Any) -> dict[str, Any]:
    return {"Resources": {name: {"Type": "T", "Properties": {"P": value}} for name, value in properties.items()}}


@pytest.mark.parametrize(
    "reference",
    [
        {"Ref": "Ami"},
        {"Fn::Sub": "image-${Ami}"},
        {"Fn::Sub": ["image-${ Ami }", {}]},
        {"Fn::Sub": ["image-${Own}", {"Own": {"Ref": "Ami"}}]},
        {"Fn::If": ["HasAmi", "a", "b"]},
        {"Fn::If": ["NotHasAmi", "a", "b"]},
        {"Fn::Join": ["", ["a", {"Fn::Select": [0, [{"Ref": "Ami"}]]}]]},
    ],
)
def test_a_reference_to_the_parameter_in_any_form_directly_or_by_another_resource(reference: Any) -> None:
    document = resources(
        Template=reference,
        Group={"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
        Policy={"Fn::Sub": "${Group.Arn}"},
        Topic={"Ref": "Size"},
        Literal={"Fn::Sub": "${!Ami}"},
    )
    document["Conditions"] = {
        "HasAmi": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Ami"}, ""]}]},
        "NotHasAmi": {"Fn::Not": [{"Condition": "HasAmi"}]},
        "Other": {"Fn::Equals": [{"Ref": "Size"}, ""]},
    }
    assert dependents(document, "Ami") == {"Template", "Group", "Policy"}


def test_a_resource_that_exists_by_a_condition_of_the_parameter() -> None:
    document = {**resources(Server="t3.micro"), "Conditions": {"HasAmi": {"Fn::Equals": [{"Ref": "Ami"}, "x"]}}}
    document["Resources"]["Server"]["Condition"] = "HasAmi"
    assert dependents(document, "Ami") == {"Server"}
    assert dependents(document, "Size") == frozenset()
