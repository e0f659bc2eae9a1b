"""The attributes of a resource beside its properties, and what is refused in them.

Source: CloudFormation Template Reference, "Resource attribute reference", one page an attribute.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from local_aws.cloudformation.reader import read_template
from tests.local_aws.stack_world import APPLICATION, NETWORK, StackWorld, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


TOPIC = {"Type": "AWS::SNS::Topic"}
NO_VALUE = {"Ref": "AWS::NoValue"}


def refused(world: StackWorld, **sections: Any) -> str:
    """The text of the ValidationError with which CreateStack answers the template."""
    with pytest.raises(ClientError) as error:
        world.create("one", json.dumps({"Resources": {"Topic": TOPIC}, **sections}))
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert world.cloudformation.list_stacks()["StackSummaries"] == []
    return str(error.value.response["Error"]["Message"])


def of_topic(**attributes: Any) -> dict[str, Any]:
    return {"Resources": {"Topic": {**TOPIC, **attributes}}}


def of_group(**attributes: Any) -> dict[str, Any]:
    properties = {"MinSize": "0", "MaxSize": "0", "AvailabilityZones": ["us-east-1a"]}
    return {
        "Resources": {"Group": {"Type": "AWS::AutoScaling::AutoScalingGroup", "Properties": properties, **attributes}}
    }


# -- policies with functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["CreationPolicy", "UpdatePolicy"])
@pytest.mark.parametrize("kept", [True, False])
def test_a_policy_may_be_left_out_by_a_condition(world: StackWorld, attribute: str, kept: bool) -> None:
    """Condition functions, Fn::If: in the UpdatePolicy attribute; AWS::NoValue removes what has it."""
    document = yaml.safe_load(json.dumps(read_template(APPLICATION)))
    group = document["Resources"]["AppAutoScalingGroup"]
    group[attribute] = {"Fn::If": ["Wanted", group[attribute], NO_VALUE]}
    document["Parameters"]["Wanted"] = {"Type": "String"}
    document["Conditions"] = {"Wanted": {"Fn::Equals": [{"Ref": "Wanted"}, "yes"]}}
    world.create("network", NETWORK)
    wanted = "yes" if kept else "no"
    values = {"AmazonMachineImage": world.old_ami, "Wanted": wanted, **world.outputs("network")}
    assert world.create("app", json.dumps(document), **values)["StackStatus"] == "CREATE_COMPLETE"
    group_name = world.group()["AutoScalingGroupName"]
    world.cloudformation.create_change_set(
        StackName="app", ChangeSetName="preview", UsePreviousTemplate=True, Parameters=world.patched()
    )
    changes = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in world.made("app", "preview")["Changes"]
    }
    replaces = kept or attribute != "UpdatePolicy"
    assert changes["AppAutoScalingGroup"]["Replacement"] == ("Conditional" if replaces else "False")
    world.patch()
    assert world.settle() == "UPDATE_COMPLETE"
    assert (world.group()["AutoScalingGroupName"] != group_name) == replaces
    signals = sum("Received SUCCESS signal" in reason for reason in world.reasons(token="patch-1"))
    assert signals == (2 if kept else 0)


def test_metadata_may_be_left_out_by_a_condition(world: StackWorld) -> None:
    """Condition functions, Fn::If: in the Metadata attribute. To have none, or none by AWS::NoValue, is the same."""
    left_out = {"Fn::If": ["Never", {"Owner": "us"}, NO_VALUE]}
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    body = json.dumps({"Conditions": conditions, **of_topic(Metadata=left_out)})
    world.cloudformation.create_change_set(
        StackName="one", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body
    )
    (change,) = world.made("one", "first", IncludePropertyValues=True)["Changes"]
    assert json.loads(change["ResourceChange"]["AfterContext"]) == {}
    world.cloudformation.execute_change_set(StackName="one", ChangeSetName="first")
    described = world.cloudformation.describe_stack_resource(StackName="one", LogicalResourceId="Topic")
    assert "Metadata" not in described["StackResourceDetail"]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        world.cloudformation.update_stack(StackName="one", TemplateBody=json.dumps(of_topic()))


@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"UpdatePolicy": {"Rolling": {}}}, "found Rolling"),
        ({"UpdatePolicy": {"AutoScalingRollingUpdate": {"BatchSize": 1}}}, "found BatchSize"),
        ({"UpdatePolicy": {"AutoScalingRollingUpdate": {"MaxBatchSize": 101}}}, "MaxBatchSize .* from 1 to 100"),
        ({"UpdatePolicy": {"AutoScalingRollingUpdate": {"PauseTime": "PT2H"}}}, "PauseTime .* at most PT1H"),
        ({"UpdatePolicy": {"AutoScalingRollingUpdate": {"PauseTime": "5m"}}}, "PauseTime .* such as PT15M"),
        (
            {"UpdatePolicy": {"AutoScalingRollingUpdate": {"SuspendProcesses": ["Start"]}}},
            "SuspendProcesses .* a list of",
        ),
        ({"UpdatePolicy": {"AutoScalingRollingUpdate": NO_VALUE, "Rolling": {}}}, "found Rolling"),
        (
            {"UpdatePolicy": {"AutoScalingRollingUpdate": {"MinSuccessfulInstancesPercent": 50}}},
            "takes WaitOnResourceSignals to be true",
        ),
        ({"UpdatePolicy": "AutoScalingReplacingUpdate"}, "the UpdatePolicy of Group to be an object"),
        ({"CreationPolicy": {"ResourceSignal": {"Counts": 1}}}, "found Counts"),
        ({"CreationPolicy": {"ResourceSignal": {"Timeout": "PT13H"}}}, "Timeout .* at most PT12H"),
        ({"CreationPolicy": {"StartFleet": True}}, "found StartFleet"),
    ],
)
def test_a_policy_with_another_key_or_value_is_refused(
    world: StackWorld, attributes: dict[str, Any], text: str
) -> None:
    """UpdatePolicy attribute, CreationPolicy attribute: the keys, the kinds and the limits of their values."""
    with pytest.raises(ClientError, match=text):
        world.create("one", json.dumps(of_group(**attributes)))


@pytest.mark.parametrize("attribute", ["CreationPolicy", "UpdatePolicy"])
def test_a_policy_of_a_type_that_is_not_modelled_is_refused_by_name(world: StackWorld, attribute: str) -> None:
    """UpdatePolicy attribute and CreationPolicy attribute: they are for a few resource types."""
    text = refused(world, **of_topic(**{attribute: {"ResourceSignal": {}}}))
    assert text == (f"the embedded AWS does not model the {attribute} of Topic: it models none of an AWS::SNS::Topic")


# -- attributes that take no function ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sections", "text"),
    [
        (of_topic(Colour="red"), "Invalid template resource property 'Colour'"),
        (
            of_topic(DeletionPolicy={"Fn::If": ["X", "Retain", "Delete"]}),
            "Template format error: Every DeletionPolicy member must be a string.",
        ),
        (
            of_topic(UpdateReplacePolicy={"Ref": "AWS::NoValue"}),
            "Template format error: Every UpdateReplacePolicy member must be a string.",
        ),
        (
            of_topic(Condition={"Fn::Equals": ["a", "b"]}),
            "Template format error: Every Condition member must be a string.",
        ),
        (of_topic(DependsOn={"Ref": "Topic"}), "Template format error: Every DependsOn value must be a string."),
        (of_topic(DependsOn=[{"Ref": "Topic"}]), "Template format error: Every DependsOn value must be a string."),
        (
            of_topic(DeletionPolicy="Keep"),
            "Template format error: Unrecognized DeletionPolicy Keep for resource Topic",
        ),
        (
            of_topic(UpdateReplacePolicy="RetainExceptOnCreate"),
            "Template format error: Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource Topic",
        ),
        (
            of_topic(DeletionPolicy="Snapshot"),
            "Template error: resource type AWS::SNS::Topic does not support deletion policy Snapshot",
        ),
        (
            of_topic(Properties={"DisplayName": {"Fn::GetAtt": "Topic"}}),
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute",
        ),
        (
            {"Conditions": {"C": {"Fn::Not": "x"}}},
            "Template error: every Fn::Not object requires one boolean parameter.",
        ),
        (
            {"Conditions": {"C": {"Fn::Equals": ["x"]}}},
            "Template error: every Fn::Equals object requires a list of 2 string parameters.",
        ),
        (
            {"Conditions": {"C": {"Fn::Or": [{"Fn::Equals": ["x", "y"]}]}}},
            "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters.",
        ),
        ({"Conditions": {"C": {"Condition": "C"}}}, "Template error: the condition C depends on itself"),
        (
            {"Outputs": {"O": {"Value": "x", "Description": {"Ref": "AWS::Region"}}}},
            "Template format error: Every Description member must be a string.",
        ),
    ],
)
def test_a_function_or_value_where_the_attribute_takes_none_is_refused(
    world: StackWorld, sections: dict[str, Any], text: str
) -> None:
    """DeletionPolicy attribute, UpdateReplacePolicy attribute: functions need the transform AWS::LanguageExtensions;
    the texts are those of errors seen in the wild, as far as AWS has one."""
    assert refused(world, **sections) == text


@pytest.mark.parametrize(
    "sections",
    [
        of_topic(Properties={"Fn::If": ["X", {}, NO_VALUE]}),
        {"Outputs": {"O": {"Value": "x", "Export": {"Fn::If": ["X", {"Name": "n"}, NO_VALUE]}}}},
        {"Outputs": ["O"]},
        of_topic(Properties={"DisplayName": {"Fn::Sub": ["a", "b"]}}),
    ],
)
def test_a_function_in_another_place_is_refused_with_the_request(world: StackWorld, sections: dict[str, Any]) -> None:
    """What the embedded AWS does not model fails by its name: it never ends the operation's task."""
    text = refused(world, Conditions={"X": {"Fn::Equals": ["a", "a"]}}, **sections)
    assert text.startswith(("Template format error", "Template error"))
