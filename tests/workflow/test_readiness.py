"""What is refused before anything is changed: each refusal, its text, and that the instances run on as before."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_aws.cloudformation.reader import read_template
from rehearsal.deployment import REPOSITORY
from rehearsal.scenario import Scenario
from tests.workflow.rollout import (
    Rollout,
    amis,
    application,
    change_sets,
    group_name,
    group_of,
    ids,
    register_ami,
    rollout,
)
from tests.workflow.running import describe

Template = dict[str, Any]


def without_update_policy(template: Template) -> None:
    del group_of(template)["UpdatePolicy"]


def without_creation_policy(template: Template) -> None:
    del group_of(template)["CreationPolicy"]


def rolling(template: Template) -> None:
    group_of(template)["UpdatePolicy"] = {
        "AutoScalingRollingUpdate": {"MinInstancesInService": 1, "PauseTime": "PT5M", "WaitOnResourceSignals": False}
    }


def with_fixed_capacity(template: Template) -> None:
    """The template itself has the capacity; no parameter does."""
    group_of(template)["Properties"]["DesiredCapacity"] = 2
    group_of(template)["CreationPolicy"]["ResourceSignal"]["Count"] = 2
    del template["Parameters"]["DesiredCapacity"]


def with_a_server(template: Template) -> None:
    """A server of the stack is launched from the same AMI, and would be replaced."""
    template["Resources"]["Server"] = {
        "Type": "AWS::EC2::Instance",
        "Properties": {"ImageId": {"Ref": "AmazonMachineImage"}, "InstanceType": "t3.micro"},
    }


def with_a_fixed_ami(template: Template) -> None:
    """The stack has the parameter, but its instances are launched from another AMI."""
    data = template["Resources"]["AppLaunchTemplate"]["Properties"]["LaunchTemplateData"]
    data["ImageId"] = {"Fn::Select": [0, {"Fn::Split": [",", {"Ref": "ImageId"}]}]}
    template["Parameters"]["ImageId"] = {"Type": "String"}


def with_another_group(template: Template) -> None:
    """A second group, empty, is launched from an AMI that a parameter in Systems Manager names."""
    template["Parameters"]["OtherAmi"] = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": OTHER_AMI}
    template["Resources"]["OtherLaunchTemplate"] = {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {"LaunchTemplateData": {"ImageId": {"Ref": "OtherAmi"}, "InstanceType": "t3.micro"}},
    }
    template["Resources"]["OtherGroup"] = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "LaunchTemplate": {
                "LaunchTemplateId": {"Ref": "OtherLaunchTemplate"},
                "Version": {"Fn::GetAtt": ["OtherLaunchTemplate", "LatestVersionNumber"]},
            },
            "MinSize": "0",
            "MaxSize": "1",
            "VPCZoneIdentifier": {"Ref": "SubnetIds"},
        },
    }


def with_a_count_of_another_resource(template: Template) -> None:
    """How many signals the update waits for is an attribute of another resource of the stack."""
    template["Resources"]["Signals"] = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Ref": "DesiredCapacity"}},
    }
    group_of(template)["CreationPolicy"]["ResourceSignal"]["Count"] = {"Fn::GetAtt": ["Signals", "Value"]}


def with_mappings(template: Template) -> None:
    """The policies and the capacity come from mappings, by a parameter."""
    template["Parameters"]["Stage"] = {"Type": "String", "Default": "live"}
    template["Mappings"] = {"Stages": {"live": {"Replace": True, "Count": 2}, "test": {"Replace": False, "Count": 1}}}

    def of_the_stage(key: str) -> dict[str, Any]:
        return {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, key]}

    group = group_of(template)
    group["UpdatePolicy"] = {"AutoScalingReplacingUpdate": {"WillReplace": of_the_stage("Replace")}}
    group["CreationPolicy"]["ResourceSignal"]["Count"] = of_the_stage("Count")
    group["Properties"]["DesiredCapacity"] = {"Fn::Join": ["", [of_the_stage("Count")]]}
    del template["Parameters"]["DesiredCapacity"]


OTHER_AMI = "/images/other"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    folder = tmp_path_factory.mktemp("templates")
    stacks = (
        application(folder, "good"),
        application(folder, "no-update-policy", without_update_policy),
        application(folder, "no-creation-policy", without_creation_policy),
        application(folder, "rolling", rolling),
        application(folder, "fixed-capacity", with_fixed_capacity),
        application(folder, "with-server", with_a_server),
        application(folder, "other-count", with_a_count_of_another_resource),
        application(folder, "mapped", with_mappings),
        application(folder, "fixed-ami", with_a_fixed_ami, ImageId="${GoldenAmi}"),
    )
    with rollout(Scenario(stacks=stacks)) as world:
        yield world


def refused(world: Rollout, stack: str, *, error: str = "TargetNotReady", **more: Any) -> str:
    """The words of the notification for a run that refuses the stack, after which everything is as before."""
    before, status, values = ids(stack), describe(stack)["StackStatus"], describe(stack)["Parameters"]
    ended = world.roll_out(stack, **more)
    assert (ended.status, ended.error) == ("FAILED", error), ended.message
    assert f"{stack} not patched" in ended.subject or f"{stack} not touched" in ended.subject
    assert (ids(stack), describe(stack)["StackStatus"], describe(stack)["Parameters"]) == (before, status, values)
    assert change_sets(stack) == []
    return ended.flowing


def test_a_group_whose_update_would_patch_nothing(world: Rollout) -> None:
    """Without an UpdatePolicy the update succeeds and no instance is replaced (CloudFormation user guide,
    "UpdatePolicy attribute")."""
    words = refused(world, "no-update-policy")
    assert (
        "NoUpdatePolicy: expected an UpdatePolicy of AppAutoScalingGroup that replaces instances, found none" in words
    )
    assert "add AutoScalingReplacingUpdate with WillReplace: true" in words


def test_a_group_without_a_guard_unless_the_target_accepts_it(world: Rollout) -> None:
    """Without a CreationPolicy, the update succeeds before any instance has started (CloudFormation user guide)."""
    assert "NoCreationPolicy: expected a guard" in refused(world, "no-creation-policy")
    ended = world.roll_out({"stackName": "no-creation-policy", "accept": ["NoCreationPolicy"]})
    assert ended.status == "SUCCEEDED", ended.message
    assert amis("no-creation-policy") == {world.new_ami}


def test_a_rolling_update_that_waits_for_no_signals(world: Rollout) -> None:
    assert "an AutoScalingRollingUpdate without WaitOnResourceSignals" in refused(world, "rolling")


def test_a_replacement_of_anything_but_the_instances(world: Rollout) -> None:
    words = refused(world, "with-server", error="UnexpectedChanges")
    assert "Server (AWS::EC2::Instance): replaced (ImageId); cause: ParameterReference AmazonMachineImage" in words
    assert "AppAutoScalingGroup (" not in words


def test_a_parameter_that_no_group_is_launched_from(world: Rollout) -> None:
    words = refused(world, "fixed-ami")
    assert "NoGroupChanges: expected the parameter AmazonMachineImage to reach an Auto Scaling group" in words


def test_a_fleet_that_has_scaled_out_and_would_shrink(world: Rollout) -> None:
    """AutoScalingReplacingUpdate creates the new group with the template's capacity (CloudFormation user guide)."""
    name = group_name("fixed-capacity")
    boto3.client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    world.aws.clock.sleep(600)
    expected = (
        "CapacityShrinks: expected AppAutoScalingGroup to keep its 4 instances, found that the update would leave 2"
    )
    assert expected in refused(world, "fixed-capacity")
    assert len(ids("fixed-capacity")) == 4


def test_an_ami_of_another_architecture(world: Rollout) -> None:
    ami = register_ami("golden-image-arm", "arm64")
    words = refused(world, "good", amiId=ami)
    assert "OtherArchitecture: expected instances of the AMI's architecture, arm64, found x86_64 (t3.micro)" in words


def test_an_ami_that_does_not_exist_here(world: Rollout) -> None:
    words = refused(world, "good", amiId="ami-0123456789abcdef0")
    assert "ami-0123456789abcdef0" in words


def test_an_ami_that_is_held(world: Rollout) -> None:
    ami = register_ami("golden-image-bad-2.4")
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/ami-autopatch/held/2.4", Value="logs nothing", Type="String")
    before = ids("good")
    ended = world.roll_out("good", amiId=ami)
    assert (ended.status, ids("good")) == ("SUCCEEDED", before) and "good: SKIPPED" in ended.flowing
    assert f"{ami} is held by the parameter /ami-autopatch/held/2.4 (logs nothing)" in ended.flowing
    assert "aws ssm delete-parameter --name /ami-autopatch/held/2.4" in ended.flowing
    ssm.delete_parameter(Name="/ami-autopatch/held/2.4")


def test_a_group_that_would_move_with_the_update_by_itself(world: Rollout) -> None:
    """The value of an SSM parameter is read anew with every update, also by UsePreviousValue (aws/aws-cdk#7273)."""
    ssm, cloudformation = boto3.client("ssm"), boto3.client("cloudformation")
    ssm.put_parameter(Name=OTHER_AMI, Value=register_ami("other-first"), Type="String")
    changed = copy.deepcopy(read_template((REPOSITORY / "infrastructure" / "application.yaml").read_text()))
    with_another_group(changed)
    kept: list[Any] = [
        {"ParameterKey": item["ParameterKey"], "UsePreviousValue": True} for item in describe("good")["Parameters"]
    ]
    cloudformation.update_stack(StackName="good", TemplateBody=json.dumps(changed), Parameters=kept)
    world.aws.clock.sleep(1800)
    assert describe("good")["StackStatus"] == "UPDATE_COMPLETE"
    ssm.put_parameter(Name=OTHER_AMI, Value=register_ami("other-second"), Type="String", Overwrite=True)
    words = refused(world, "good", error="UnexpectedChanges")
    assert "OtherLaunchTemplate (AWS::EC2::LaunchTemplate): changed in place (LaunchTemplateData)" in words
    assert "OtherGroup (AWS::AutoScaling::AutoScalingGroup)" in words and "AppAutoScalingGroup (" not in words


def test_a_policy_that_only_the_update_will_show(world: Rollout) -> None:
    """The count of the signals is no number to anybody but CloudFormation: it is told, and nothing is tried."""
    words = refused(world, "other-count")
    assert (
        "NotKnownBefore: expected to know of AppAutoScalingGroup, before it is changed, whether the update waits"
        in words
    )
    assert "found that it depends on Fn::GetAtt Signals.Value" in words


def test_policies_and_a_capacity_that_mappings_decide(world: Rollout) -> None:
    ended = world.roll_out("mapped")
    assert ended.status == "SUCCEEDED", ended.message
    assert amis("mapped") == {world.new_ami} and len(ids("mapped")) == 2


def test_all_findings_of_a_target_are_reported_at_once(world: Rollout) -> None:
    unhealthy = sorted(ids("with-server"))[0]
    # Otherwise the group would replace it at once.
    boto3.client("autoscaling").suspend_processes(
        AutoScalingGroupName=group_name("with-server"), ScalingProcesses=["ReplaceUnhealthy"]
    )
    boto3.client("autoscaling").set_instance_health(InstanceId=unhealthy, HealthStatus="Unhealthy")
    ami = register_ami("golden-image-arm-again", "arm64")
    words = refused(world, "with-server", error="UnexpectedChanges", amiId=ami)
    assert "Server (AWS::EC2::Instance): replaced" in words and "OtherArchitecture" in words
    assert (
        f"UnhealthyInstances: expected all instances of AppAutoScalingGroup in service and healthy, found {unhealthy}"
        in (words)
    )
