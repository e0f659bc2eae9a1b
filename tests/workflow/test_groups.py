"""Groups of all kinds: patched at the size that they have, or refused with a way out that works."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.reader import read_template
from rehearsal.scenario import Scenario
from tests.workflow.rollout import Ended, Rollout, amis, application, group_name, group_of, ids, register_ami, rollout
from tests.workflow.running import describe, parameters

Template = dict[str, Any]
ROLLING = {"MinInstancesInService": 1, "MaxBatchSize": 1, "PauseTime": "PT15M", "WaitOnResourceSignals": True}
LAUNCH_TEMPLATE = "AppLaunchTemplate"


def rolling(template: Template) -> None:
    group_of(template)["UpdatePolicy"] = {"AutoScalingRollingUpdate": dict(ROLLING)}


def rolling_at_any_size(template: Template) -> None:
    rolling(template)
    del group_of(template)["Properties"]["DesiredCapacity"]


def with_one_parameter_for_two_sizes(template: Template) -> None:
    group_of(template)["Properties"]["MinSize"] = {"Ref": "DesiredCapacity"}


def with_all_in_service(template: Template) -> None:
    rolling(template)
    group_of(template)["UpdatePolicy"]["AutoScalingRollingUpdate"]["MinInstancesInService"] = {"Ref": "MaxSize"}


def with_a_name(template: Template) -> None:
    group_of(template)["Properties"]["AutoScalingGroupName"] = "the-web-servers"


def that_stays(template: Template) -> None:
    group_of(template)["UpdateReplacePolicy"] = "Retain"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rollout]:
    folder = tmp_path_factory.mktemp("templates")
    stacks = (
        application(folder, "good"),
        application(folder, "other-good"),
        application(folder, "rolling", rolling),
        application(folder, "any-size", rolling_at_any_size),
        application(folder, "one-parameter", with_one_parameter_for_two_sizes),
        application(folder, "all-in-service", with_all_in_service),
        application(folder, "named", with_a_name),
        application(folder, "stays", that_stays),
        application(folder, "bad", rolling_at_any_size),
        application(folder, "old"),
    )
    behaviour = AutoScalingSettings(stacks={"bad": {"signals": "none"}})
    with rollout(Scenario(stacks=stacks, autoscaling=behaviour)) as world:
        yield world


def sizes(stack: str) -> tuple[int, int, int]:
    """The MinSize, the DesiredCapacity and the MaxSize of the stack's group."""
    (group,) = boto3.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group_name(stack)])[
        "AutoScalingGroups"
    ]
    return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]


def scale(world: Rollout, stack: str, capacity: int) -> None:
    boto3.client("autoscaling").set_desired_capacity(AutoScalingGroupName=group_name(stack), DesiredCapacity=capacity)
    world.aws.clock.sleep(600)
    assert len(ids(stack)) == capacity


def refused(world: Rollout, target: Any) -> Ended:
    """The end of a run that refuses the stack, after which everything is as before."""
    stack = target if isinstance(target, str) else target["stackName"]
    before = ids(stack), sizes(stack), describe(stack)["StackStatus"], parameters(stack)
    ended = world.roll_out(target)
    assert ended.error == "TargetNotReady", ended.message
    assert (ids(stack), sizes(stack), describe(stack)["StackStatus"], parameters(stack)) == before
    return ended


def patched(world: Rollout, target: Any) -> None:
    stack = target if isinstance(target, str) else target["stackName"]
    ended = world.roll_out(target)
    assert (ended.status, amis(stack)) == ("SUCCEEDED", {world.new_ami}), ended.message


def change(world: Rollout, stack: str, change_template: Any) -> None:
    """Update the stack's template, as the way out of a refusal says: with a change of Metadata, since policies alone
    are no update (CloudFormation user guide, "Modify a stack template")."""
    cloudformation = boto3.client("cloudformation")
    body = cloudformation.get_template(StackName=stack)["TemplateBody"]
    template = copy.deepcopy(read_template(body) if isinstance(body, str) else body)
    change_template(template)
    metadata = group_of(template).setdefault("Metadata", {})
    metadata["Revision"] = str(int(metadata.get("Revision", "0")) + 1)
    kept: list[Any] = [{"ParameterKey": name, "UsePreviousValue": True} for name in parameters(stack)]
    cloudformation.update_stack(StackName=stack, TemplateBody=json.dumps(template), Parameters=kept)
    world.aws.clock.sleep(3600)
    assert describe(stack)["StackStatus"] == "UPDATE_COMPLETE"


def follow(world: Rollout, ended: Ended) -> None:
    """Run the `aws autoscaling` command in the notification."""
    (line,) = [line.strip() for line in ended.message.splitlines() if line.strip().startswith("aws autoscaling")]
    _, _, operation, *words = shlex.split(line)
    client = boto3.client("autoscaling")
    name = words[words.index("--auto-scaling-group-name") + 1]
    if operation == "resume-processes":
        processes = words[words.index("--scaling-processes") + 1 :]
        client.resume_processes(AutoScalingGroupName=name, ScalingProcesses=processes)
    else:
        assert operation == "set-instance-protection" and "--no-protected-from-scale-in" in words
        instance_ids = words[words.index("--instance-ids") + 1 :]
        client.set_instance_protection(AutoScalingGroupName=name, InstanceIds=instance_ids, ProtectedFromScaleIn=False)
    world.aws.clock.sleep(600)


# -- the size of a group -----------------------------------------------------------------------------------------------


def test_a_group_that_is_updated_in_place_keeps_a_size_that_the_template_does_not_set(world: Rollout) -> None:
    """ "A rolling update that needs no carrying gets none": nothing is changed but the AMI."""
    scale(world, "any-size", 3)
    before = parameters("any-size")
    patched(world, "any-size")
    assert sizes("any-size")[1] == 3
    assert parameters("any-size") == {**before, "AmazonMachineImage": world.new_ami}


def test_a_group_that_cloudformation_rolls_back_keeps_its_size(world: Rollout) -> None:
    scale(world, "bad", 3)
    old, before = amis("bad"), parameters("bad")
    bad = register_ami("golden-image-bad")
    ended = world.end(world.start_with({"amiId": bad, "targets": ["bad"]}))
    assert ended.error == "DeploymentFailed" and "bad rolled back" in ended.subject
    assert (sizes("bad"), len(ids("bad")), amis("bad"), parameters("bad")) == ((2, 3, 4), 3, old, before)


def test_a_parameter_of_another_size_does_not_carry_the_capacity(world: Rollout) -> None:
    words = refused(world, {"stackName": "stays", "capacityParameter": "MaxSize"}).flowing
    assert "NotTheCapacity: expected MaxSize to be the DesiredCapacity of AppAutoScalingGroup in the template" in words


def test_a_group_that_an_update_in_place_would_shrink_is_refused_and_the_way_out_keeps_its_size(world: Rollout) -> None:
    """CloudFormation sets the sizes of the template, when it updates and when it rolls back (CloudFormation user guide,
    "UpdatePolicy attribute", AutoScalingScheduledAction; code-dot-org/code-dot-org#12252)."""
    scale(world, "rolling", 4)
    words = refused(world, {"stackName": "rolling", "capacityParameter": "DesiredCapacity"}).flowing
    assert "CapacityShrinks: expected AppAutoScalingGroup to keep its 4 instances, found that the update" in words
    way_out = "add AutoScalingScheduledAction with IgnoreUnmodifiedGroupSizeProperties: true to the UpdatePolicy"
    assert f"{way_out}, together with a change of a resource, such as its Metadata" in words

    def leave_sizes(template: Template) -> None:
        scheduled = {"IgnoreUnmodifiedGroupSizeProperties": True}
        group_of(template)["UpdatePolicy"]["AutoScalingScheduledAction"] = scheduled

    change(world, "rolling", leave_sizes)
    assert sizes("rolling") == (2, 4, 4)
    patched(world, {"stackName": "rolling", "capacityParameter": "DesiredCapacity"})
    assert sizes("rolling") == (2, 4, 4) and parameters("rolling")["DesiredCapacity"] == "2"


def test_a_parameter_that_carries_the_capacity_and_another_size_is_not_ratcheted_up(world: Rollout) -> None:
    scale(world, "one-parameter", 3)
    words = refused(world, {"stackName": "one-parameter", "capacityParameter": "DesiredCapacity"}).flowing
    expected = "GroupSizeChanges: expected AppAutoScalingGroup to stay between 2 (MinSize) and 4 (MaxSize) instances"
    assert f"{expected}, found that the update would set them to 3 and 4" in words
    accepted = ["GroupSizeChanges"]
    patched(world, {"stackName": "one-parameter", "capacityParameter": "DesiredCapacity", "accept": accepted})
    assert sizes("one-parameter") == (3, 3, 4)


def test_sizes_that_somebody_has_changed_are_not_reset(world: Rollout) -> None:
    """ "Desired may exceed MaxSize": the new group would have the template's MaxSize and the live capacity."""
    name = group_name("other-good")
    boto3.client("autoscaling").update_auto_scaling_group(AutoScalingGroupName=name, MaxSize=8, DesiredCapacity=6)
    world.aws.clock.sleep(600)
    words = refused(world, {"stackName": "other-good", "capacityParameter": "DesiredCapacity"}).flowing
    assert "between 2 (MinSize) and 8 (MaxSize) instances, found that the update would set them to 2 and 4" in words


def test_a_rolling_update_that_may_take_no_instance_out_is_refused(world: Rollout) -> None:
    """CloudFormation user guide, "UpdatePolicy attribute": MinInstancesInService must be less than MaxSize."""
    words = refused(world, "all-in-service").flowing
    assert "NoRoomToReplace: expected a MinInstancesInService of AppAutoScalingGroup below its MaxSize, 4" in words


# -- what CloudFormation could not do, or would leave behind -----------------------------------------------------------


def test_a_group_with_a_name_of_its_own_cannot_be_replaced(world: Rollout) -> None:
    words = refused(world, "named").flowing
    assert "CustomName: expected AppAutoScalingGroup to have a name that CloudFormation makes" in words
    assert "found the AutoScalingGroupName the-web-servers" in words

    def take_out(template: Template) -> None:
        del group_of(template)["Properties"]["AutoScalingGroupName"]

    change(world, "named", take_out)
    patched(world, "named")


def test_a_group_that_stays_when_it_is_replaced_is_refused(world: Rollout) -> None:
    words = refused(world, "stays").flowing
    assert "OldGroupStays: expected the old AppAutoScalingGroup to go when the new one serves" in words

    def delete(template: Template) -> None:
        group_of(template)["UpdateReplacePolicy"] = "Delete"

    change(world, "stays", delete)
    patched(world, "stays")


@pytest.mark.parametrize("version", ["1", {"Fn::GetAtt": [LAUNCH_TEMPLATE, "DefaultVersionNumber"]}])
def test_a_group_that_does_not_follow_its_launch_template_is_told_apart_from_a_wrong_parameter(
    world: Rollout, version: Any
) -> None:
    def on(version: Any) -> Any:
        return lambda template: group_of(template)["Properties"]["LaunchTemplate"].update(Version=version)

    change(world, "good", on(version))
    words = refused(world, "good").flowing
    expected = f"AppAutoScalingGroup to be launched from the version of {LAUNCH_TEMPLATE} that the update makes"
    assert f"VersionDoesNotMove: expected {expected}" in words and "NoGroupChanges" not in words
    # The way out.
    change(world, "good", on({"Fn::GetAtt": [LAUNCH_TEMPLATE, "LatestVersionNumber"]}))


def test_instances_that_are_protected_are_released_by_the_command_that_the_notification_has(world: Rollout) -> None:
    """CloudFormation does not force the deletion of a group: its protected instances block it (aws/containers-roadmap
    #2862, aws/aws-cdk#18179)."""
    boto3.client("autoscaling").set_instance_protection(
        AutoScalingGroupName=group_name("good"), InstanceIds=sorted(ids("good")), ProtectedFromScaleIn=True
    )
    ended = refused(world, "good")
    assert "ProtectedInstances: expected no instance of AppAutoScalingGroup protected" in ended.flowing
    follow(world, ended)
    patched(world, "good")


def test_processes_that_are_suspended_are_resumed_by_the_command_that_the_notification_has(world: Rollout) -> None:
    other = register_ami("golden-image-third")
    boto3.client("autoscaling").suspend_processes(
        AutoScalingGroupName=group_name("any-size"), ScalingProcesses=["Launch", "AZRebalance"]
    )
    before = ids("any-size")
    ended = world.start_with({"amiId": other, "targets": ["any-size"]})
    told = world.end(ended)
    assert "SuspendedProcesses: expected the processes of AppAutoScalingGroup that replace its" in told.flowing
    assert "found Launch suspended; resume them" in told.flowing and ids("any-size") == before
    follow(world, told)
    assert world.end(world.start_with({"amiId": other, "targets": ["any-size"]})).status == "SUCCEEDED"
    assert amis("any-size") == {other}


def test_a_stack_whose_ami_is_gone_has_no_way_back_unless_the_target_accepts_that(world: Rollout) -> None:
    (old,) = amis("old")
    other = register_ami("golden-image-fourth")
    boto3.client("ec2").deregister_image(ImageId=old)
    before = ids("old")
    told = world.end(world.start_with({"amiId": other, "targets": ["old"]}))
    assert f"NoWayBack: expected the AMI that the stack runs today, {old}, to be available" in told.flowing
    assert ids("old") == before
    accepted = {"stackName": "old", "accept": ["NoWayBack"]}
    assert world.end(world.start_with({"amiId": other, "targets": [accepted]})).status == "SUCCEEDED"
    assert amis("old") == {other}
