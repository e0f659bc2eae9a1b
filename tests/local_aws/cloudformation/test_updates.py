"""Updates of stacks with Auto Scaling groups, held against what AWS documents of them.

The documents are chapters of the CloudFormation User Guide unless another is named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from local_aws.autoscaling.settings import AutoScalingSettings
from local_aws.cloudformation.settings import CloudFormationSettings
from local_aws.core import settings
from local_aws.core.clock import TaskFailed
from tests.local_aws.stack_world import APPLICATION, NETWORK, StackWorld, stack_world


@pytest.fixture
def world() -> Iterator[StackWorld]:
    with stack_world() as created:
        yield created


def behave(rollback_fails: str = "", **behaviour: object) -> None:
    settings.use(AutoScalingSettings(stacks={"app": dict(behaviour)}))
    settings.use(CloudFormationSettings(rollback_fails={"app": rollback_fails} if rollback_fails else {}))


def without_replacement(policy: str = "") -> str:
    """The application's template with another UpdatePolicy, or none."""
    head, rest = APPLICATION.split("    UpdatePolicy:\n", 1)
    _, tail = rest.split("    Properties:\n", 1)
    body = f"{head}{policy}    Properties:\n{tail}"
    assert "AutoScalingReplacingUpdate" not in body
    return body


def staying(world: StackWorld) -> list[str]:
    """The ids of the group's instances but for those that it terminates, which it still shows."""
    instances = world.group()["Instances"]
    return [instance["InstanceId"] for instance in instances if instance["LifecycleState"] != "Terminating"]


ROLLING = """    UpdatePolicy:
      AutoScalingRollingUpdate:
        MaxBatchSize: 1
        MinInstancesInService: 1
        PauseTime: PT10M
        WaitOnResourceSignals: true
"""


# -- AutoScalingReplacingUpdate ---------------------------------------------------------------------------------


def test_a_new_ami_replaces_the_group_and_all_its_instances(world: StackWorld) -> None:
    """UpdatePolicy attribute, AutoScalingReplacingUpdate: a new group takes the place of the old one."""
    world.create_application()
    old = world.group()
    world.patch()
    assert world.status() == "UPDATE_IN_PROGRESS"
    assert set(world.running().values()) == {world.old_ami}
    assert world.settle() == "UPDATE_COMPLETE"
    new = world.group()
    assert new["AutoScalingGroupName"] != old["AutoScalingGroupName"]
    assert new["AutoScalingGroupName"] == world.outputs("app")["AutoScalingGroupName"]
    assert world.running() == {instance["InstanceId"]: world.new_ami for instance in new["Instances"]}
    assert len(new["Instances"]) == 2
    tags = world.ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": list(world.running())}])["Tags"]
    assert {tag["Value"] for tag in tags if tag["Key"] == "aws:ec2launchtemplate:version"} == {"2"}
    assert {tag["Value"] for tag in tags if tag["Key"] == "aws:cloudformation:stack-name"} == {"app"}


def test_old_and_new_group_run_side_by_side_until_the_new_one_has_signalled(world: StackWorld) -> None:
    """UpdatePolicy attribute: CloudFormation retains the old group until it finishes creating the new one."""
    world.create_application()
    world.patch()
    world.clock.sleep(120)
    assert len(world.groups()) == 2
    assert sorted(world.running().values()) == sorted([world.old_ami] * 2 + [world.new_ami] * 2)
    assert world.status() == "UPDATE_IN_PROGRESS"


def test_the_events_of_a_replacement_come_in_cloudformations_order(world: StackWorld) -> None:
    """Update behaviors of stack resources, "Understand stack update events": replacement before clean-up."""
    world.create_application()
    world.patch(token="patch-1")
    world.settle()
    assert world.trail(token="patch-1") == [
        ("app", "UPDATE_IN_PROGRESS"),
        ("AppLaunchTemplate", "UPDATE_IN_PROGRESS"),
        ("AppLaunchTemplate", "UPDATE_COMPLETE"),
        ("AppAutoScalingGroup", "UPDATE_IN_PROGRESS"),
        ("AppAutoScalingGroup", "UPDATE_IN_PROGRESS"),
        ("AppAutoScalingGroup", "UPDATE_IN_PROGRESS"),
        ("AppAutoScalingGroup", "UPDATE_IN_PROGRESS"),
        ("AppAutoScalingGroup", "UPDATE_COMPLETE"),
        ("app", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("AppAutoScalingGroup", "DELETE_IN_PROGRESS"),
        ("AppAutoScalingGroup", "DELETE_COMPLETE"),
        ("app", "UPDATE_COMPLETE"),
    ]
    ids = sorted(world.running())
    reasons = world.reasons(token="patch-1")
    assert reasons[:3] == [
        "User Initiated",
        "Requested update requires the creation of a new physical resource; hence creating one.",
        "Resource creation Initiated",
    ]
    assert sorted(reasons[3:]) == [f"Received SUCCESS signal with UniqueId {identifier}" for identifier in ids]


def test_every_event_of_an_operation_has_its_token(world: StackWorld) -> None:
    """API Reference, UpdateStack, ClientRequestToken: all events of a stack operation are assigned the same token."""
    world.create_application()
    before = len(world.events())
    world.patch(token="patch-1")
    world.settle()
    assert len(world.events(token="patch-1")) == len(world.events()) - before
    times = [event["Timestamp"] for event in world.events(token="patch-1")]
    assert (times[-1] - times[0]).total_seconds() == 10 + 200 + 60


def test_the_new_group_has_the_templates_capacity(world: StackWorld) -> None:
    """UpdatePolicy attribute, AutoScalingReplacingUpdate: a scaled-out group gets the template's capacity."""
    world.create_application(MaxSize="10")
    name = world.group()["AutoScalingGroupName"]
    world.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=7)
    world.patch()
    assert world.settle() == "UPDATE_COMPLETE"
    assert world.group()["DesiredCapacity"] == len(world.group()["Instances"]) == 2


def test_the_capacity_is_carried_over_by_its_parameter(world: StackWorld) -> None:
    """CreationPolicy attribute: the count of signals to wait for is the parameter's too."""
    world.create_application(MaxSize="10")
    world.patch(DesiredCapacity="7")
    assert world.settle() == "UPDATE_COMPLETE"
    assert len(world.group()["Instances"]) == 7
    assert sum("Received SUCCESS signal" in reason for reason in world.reasons(token="patch-1")) == 7


def test_without_a_creation_policy_the_update_waits_for_no_instance(world: StackWorld) -> None:
    """CreationPolicy attribute: without one, a group is complete as soon as it is created."""
    behave(signals="none")
    document = APPLICATION.replace(
        "    CreationPolicy:\n      ResourceSignal:\n        Count: !Ref DesiredCapacity\n        Timeout: PT15M\n", ""
    )
    assert "CreationPolicy" not in document
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    world.create("app", document, AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch()
    world.clock.sleep(25)
    assert world.status() == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"


# -- failure and rollback ---------------------------------------------------------------------------------------


def test_missing_signals_roll_back_to_the_very_instances_that_ran(world: StackWorld) -> None:
    """CreationPolicy attribute: the timeout fails the resource. "UpdatePolicy attribute": CloudFormation rolls back
    to the old group and deletes the new one."""
    behave(signals="none")
    world.create_application()
    before = world.running()
    group = world.group()["AutoScalingGroupName"]
    world.patch(token="patch-1")
    began = world.clock.time()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert 900 <= world.clock.time() - began < 1100
    assert world.running() == before
    assert world.group()["AutoScalingGroupName"] == group == world.outputs("app")["AutoScalingGroupName"]
    assert world.parameters("app")["AmazonMachineImage"] == world.old_ami
    failed = [event for event in world.events(token="patch-1") if event["ResourceStatus"].endswith("FAILED")]
    assert [(event["LogicalResourceId"], event["ResourceStatusReason"]) for event in failed] == [
        (
            "AppAutoScalingGroup",
            "Received 0 SUCCESS signal(s) out of 2.  Unable to satisfy 100% MinSuccessfulInstancesPercent requirement",
        )
    ]
    statuses = [status for logical_id, status in world.trail(token="patch-1") if logical_id == "app"]
    assert statuses == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert "The following resource(s) failed to update: [AppAutoScalingGroup]. " in world.reasons(token="patch-1")


def test_too_few_signals_fail_as_none_do(world: StackWorld) -> None:
    """CreationPolicy attribute, ResourceSignal Count: so many success signals must come before the timeout."""
    behave(signals=1)
    world.create_application()
    world.patch()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert any(reason.startswith("Received 1 SUCCESS signal(s) out of 2.") for reason in world.reasons())
    assert any(reason.startswith("Failed to receive 1 resource signal(s)") for reason in world.reasons())


def test_after_a_rollback_the_same_update_is_an_update_again_and_the_old_parameters_are_none(world: StackWorld) -> None:
    """Update CloudFormation stacks: what counts is what the stack has, which the rollback restored."""
    behave(signals="none")
    world.create_application()
    world.patch(token="first")
    world.settle()
    with pytest.raises(ClientError, match="No updates are to be performed"):
        world.patch(token="none", AmazonMachineImage=world.old_ami)
    behave(signals="all")
    world.patch(token="second")
    assert world.settle() == "UPDATE_COMPLETE"
    assert set(world.running().values()) == {world.new_ami}


def test_a_rollback_that_fails_leaves_both_groups_and_can_be_continued(world: StackWorld) -> None:
    """Continue rolling back an update: UPDATE_ROLLBACK_FAILED allows no update, and continues to ..._COMPLETE."""
    behave(signals="none", rollback_fails="You are not authorized to perform this operation.")
    world.create_application()
    before = world.running()
    world.patch(token="patch-1")
    assert world.settle() == "UPDATE_ROLLBACK_FAILED"
    assert len(world.groups()) == 2
    assert before.items() < world.running().items()
    assert "You are not authorized to perform this operation." in world.reasons(token="patch-1")
    with pytest.raises(ClientError, match="is in UPDATE_ROLLBACK_FAILED state and can not be updated"):
        world.patch(token="patch-2")
    world.cloudformation.continue_update_rollback(StackName="app", ClientRequestToken="continue-1")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
    assert world.trail(token="continue-1")[-1] == ("app", "UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(ClientError, match="ContinueUpdateRollback cannot be called from current stack status"):
        world.cloudformation.continue_update_rollback(StackName="app")


def test_a_rollback_that_is_not_modelled_fails_by_the_name_of_what_is_not(world: StackWorld) -> None:
    """Here it is the removal of a policy, which the update added."""

    def body(**properties: object) -> dict[str, dict[str, object]]:
        endpoint = {"VpcId": {"Ref": "Vpc"}, "ServiceName": "com.amazonaws.us-east-1.s3", **properties}
        return {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Endpoint": {"Type": "AWS::EC2::VPCEndpoint", "Properties": endpoint},
        }

    world.put(body())
    policy = {"Queues": ["https://queue.amazonaws.com/123456789012/none"], "PolicyDocument": {}}
    changed = {
        **body(PolicyDocument={"Version": "2012-10-17", "Statement": []}),
        "Fails": {"Type": "AWS::SQS::QueuePolicy", "DependsOn": "Endpoint", "Properties": policy},
    }
    world.cloudformation.update_stack(StackName="one", TemplateBody=json.dumps({"Resources": changed}))
    assert world.settle("one") == "UPDATE_ROLLBACK_FAILED"
    assert any("the removal of the policy of an AWS::EC2::VPCEndpoint" in reason for reason in world.reasons("one"))
    world.cloudformation.continue_update_rollback(StackName="one", ResourcesToSkip=["Endpoint"])
    assert world.settle("one") == "UPDATE_ROLLBACK_COMPLETE"


def test_a_disabled_rollback_keeps_what_is_there_until_it_is_asked_for(world: StackWorld) -> None:
    """Stack failure options: with rollback disabled the stack is UPDATE_FAILED, and RollbackStack rolls it back."""
    behave(signals="none")
    world.create_application()
    before = world.running()
    world.cloudformation.update_stack(
        StackName="app",
        UsePreviousTemplate=True,
        DisableRollback=True,
        Parameters=world.patched(),
    )
    assert world.settle() == "UPDATE_FAILED"
    assert len(world.groups()) == 2
    world.cloudformation.rollback_stack(StackName="app")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before


def test_an_ami_that_does_not_exist_is_rolled_back_at_once(world: StackWorld) -> None:
    """Supply existing resources at runtime with CloudFormation-supplied parameter types: the value is validated."""
    world.create_application()
    before = world.running()
    world.patch(AmazonMachineImage="ami-0123456789abcdef0")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
    assert (
        "Parameter validation failed: parameter value ami-0123456789abcdef0 for parameter name AmazonMachineImage "
        "does not exist" in world.reasons()
    )


# -- cancelling, waiting ----------------------------------------------------------------------------------------


def test_an_update_that_hangs_can_be_cancelled_and_rolls_back(world: StackWorld) -> None:
    """Canceling a stack update: the stack is rolled back to the configuration before the update."""
    behave(signals="hang")
    world.create_application()
    before = world.running()
    world.patch(token="patch-1")
    world.clock.sleep(5 * 3600)
    assert world.status() == "UPDATE_IN_PROGRESS"
    world.cloudformation.cancel_update_stack(StackName="app", ClientRequestToken="cancel-1")
    assert world.status() == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
    assert ("AppAutoScalingGroup", "UPDATE_FAILED") in world.trail(token="patch-1")
    assert "Resource update cancelled" in world.reasons(token="patch-1")
    assert world.trail(token="cancel-1")[0] == ("app", "UPDATE_ROLLBACK_IN_PROGRESS")
    assert world.trail(token="cancel-1")[-1] == ("app", "UPDATE_ROLLBACK_COMPLETE")


def test_a_cancel_without_a_token_keeps_the_updates(world: StackWorld) -> None:
    """API Reference, CancelUpdateStack: the token is optional; the rollback is then found under the update's."""
    behave(signals="hang")
    world.create_application()
    world.patch(token="patch-1")
    world.clock.sleep(60)
    world.cloudformation.cancel_update_stack(StackName="app")
    world.settle()
    assert world.trail(token="patch-1")[-1] == ("app", "UPDATE_ROLLBACK_COMPLETE")


def test_only_an_update_in_progress_can_be_cancelled(world: StackWorld) -> None:
    """API Reference, CancelUpdateStack: only stacks that are in the UPDATE_IN_PROGRESS state."""
    world.create_application()
    world.patch()
    while world.status() != "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
        world.clock.sleep(5)
    for _ in ("in clean-up", "complete"):
        with pytest.raises(ClientError, match="CancelUpdateStack cannot be called from current stack status"):
            world.cloudformation.cancel_update_stack(StackName="app")
        world.settle()


def test_a_busy_stack_refuses_an_update(world: StackWorld) -> None:
    """API Reference, UpdateStack: an update during another is a ValidationError."""
    world.create_application()
    world.patch("app", "another", AmazonMachineImage=world.old_ami, MaxSize="5")
    identifier = world.stack("app")["StackId"]
    with pytest.raises(ClientError) as refused:
        world.patch()
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert refused.value.response["Error"]["Message"] == (
        f"Stack:{identifier} is in UPDATE_IN_PROGRESS state and can not be updated."
    )
    assert world.settle() == "UPDATE_COMPLETE"
    assert set(world.running().values()) == {world.old_ami}
    world.patch()
    assert world.settle() == "UPDATE_COMPLETE"


def alarm(world: StackWorld) -> str:
    """The ARN of a new alarm, `errors`, which is not in ALARM."""
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="App", Period=60, EvaluationPeriods=1, Threshold=1,
        Statistic="Sum", ComparisonOperator="GreaterThanThreshold",
    )  # fmt: skip
    return str(cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmArn"])


def monitored(arn: str, minutes: int = 0) -> dict[str, Any]:
    return {
        "MonitoringTimeInMinutes": minutes,
        "RollbackTriggers": [{"Arn": arn, "Type": "AWS::CloudWatch::Alarm"}],
    }


def patch_monitored(world: StackWorld, configuration: dict[str, Any]) -> None:
    """Begin to update the application to the new AMI, with a rollback configuration."""
    world.cloudformation.update_stack(
        StackName="app", UsePreviousTemplate=True, RollbackConfiguration=configuration, Parameters=world.patched()
    )


def test_the_monitoring_time_passes_before_the_old_group_is_removed(world: StackWorld) -> None:
    """Roll back your CloudFormation stack on alarm breach: the clean-up comes after the monitoring time."""
    world.create_application()
    patch_monitored(world, {"MonitoringTimeInMinutes": 30})
    world.clock.sleep(1500)
    assert world.status() == "UPDATE_IN_PROGRESS"
    assert len(world.groups()) == 2
    assert world.settle() == "UPDATE_COMPLETE"
    # A later update that does not mention it keeps it.
    assert world.stack("app")["RollbackConfiguration"]["MonitoringTimeInMinutes"] == 30


def test_an_alarm_in_the_monitoring_time_rolls_back(world: StackWorld) -> None:
    """Roll back your CloudFormation stack on alarm breach: an alarm of the rollback triggers in ALARM rolls back."""
    arn = alarm(world)
    world.create_application()
    before = world.running()
    patch_monitored(world, monitored(arn, 30))
    world.clock.sleep(600)
    world.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before


@pytest.mark.parametrize("policy", ["replacing", "rolling"])
def test_an_alarm_during_the_update_rolls_back_at_once(world: StackWorld, policy: str) -> None:
    """Roll back your CloudFormation stack on alarm breach: the triggers are monitored during stack creation and update
    operations, and after them for the monitoring time; not while an update is rolled back."""
    behave(signals="hang")
    arn = alarm(world)
    world.create_application()
    if policy == "rolling":
        world.cloudformation.delete_stack(StackName="app")
        world.create("app", without_replacement(ROLLING), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    before = world.running()
    patch_monitored(world, monitored(arn))
    world.clock.sleep(600)
    assert world.status() == "UPDATE_IN_PROGRESS"
    world.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    world.clock.sleep(60)
    assert world.status().startswith("UPDATE_ROLLBACK_")
    assert "Resource update cancelled" in world.reasons()
    assert f"Rollback trigger {arn} is in ALARM state" in world.reasons()
    behave()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert sorted(world.running().values()) == sorted(before.values())


def test_a_creation_is_monitored_and_rolled_back_too(world: StackWorld) -> None:
    """Roll back your CloudFormation stack on alarm breach: during stack creation, and for the monitoring time."""
    settings.use(CloudFormationSettings(instant_create_and_delete=False))
    arn, body = alarm(world), json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})

    def create(name: str) -> None:
        world.cloudformation.create_stack(StackName=name, TemplateBody=body, RollbackConfiguration=monitored(arn, 5))

    create("calm")
    world.clock.sleep(299)
    assert world.status("calm") == "CREATE_IN_PROGRESS"
    assert world.settle("calm") == "CREATE_COMPLETE"
    create("alarmed")
    world.clock.sleep(100)
    world.client("cloudwatch").set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="test")
    assert world.settle("alarmed") == "ROLLBACK_COMPLETE"
    assert f"Rollback trigger {arn} is in ALARM state. Rollback requested by user." in world.reasons("alarmed")


def test_a_rollback_trigger_has_to_be_an_alarm_of_its_type(world: StackWorld) -> None:
    """API Reference, RollbackTrigger: Type is that of a metric alarm or of a composite one; a missing trigger fails the
    operation."""
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName="fleet", AlarmRule="FALSE")
    arn = cloudwatch.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]["AlarmArn"]
    world.create_application()
    for kind, status in (("Alarm", "UPDATE_ROLLBACK_COMPLETE"), ("CompositeAlarm", "UPDATE_COMPLETE")):
        patch_monitored(world, {"RollbackTriggers": [{"Arn": arn, "Type": f"AWS::CloudWatch::{kind}"}]})
        assert world.settle() == status


ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"


@pytest.mark.parametrize(
    ("triggers", "text"),
    [
        ([{"Arn": ALARM, "Type": "Another"}], "Rollback Trigger Type not supported"),
        (
            [{"Arn": "arn:aws:cloudwatch:us-east-1:123456789012:errors", "Type": "AWS::CloudWatch::Alarm"}],
            "RelativeId of a Rollback Trigger's ARN is incorrect",
        ),
        ([{"Arn": ALARM, "Type": "AWS::CloudWatch::Alarm"}] * 6, "Member must have length less than or equal to 5"),
    ],
)
def test_rollback_triggers_that_are_refused(world: StackWorld, triggers: list[dict[str, str]], text: str) -> None:
    """On record: test_update_with_invalid_rollback_configuration_errors. API Reference, RollbackConfiguration: five."""
    world.create_application()
    with pytest.raises(ClientError, match=text):
        patch_monitored(world, {"RollbackTriggers": triggers})


@pytest.mark.parametrize("taken", [True, False])
def test_the_rollback_configuration_alone_is_an_update_or_no_change(world: StackWorld, taken: bool) -> None:
    """Neither is documented: both are modelled, and who relies on one is tried on the other."""
    settings.use(CloudFormationSettings(updates_rollback_configuration_alone=taken))
    world.create_application()
    monitored = {"RollbackTriggers": [], "MonitoringTimeInMinutes": 5}
    request = {"StackName": "app", "UsePreviousTemplate": True, "RollbackConfiguration": monitored}
    kept = [{"ParameterKey": p["ParameterKey"], "UsePreviousValue": True} for p in world.patched()]
    world.cloudformation.create_change_set(**request, Parameters=kept, ChangeSetName="alone")
    world.clock.sleep(60)
    change_set = world.cloudformation.describe_change_set(StackName="app", ChangeSetName="alone")
    assert (change_set["Status"], change_set["Changes"]) == ("CREATE_COMPLETE" if taken else "FAILED", [])
    if taken:
        world.cloudformation.update_stack(**request, Parameters=kept)
        assert world.settle() == "UPDATE_COMPLETE" and world.stack("app")["RollbackConfiguration"] == monitored
        with pytest.raises(ClientError, match="No updates are to be performed"):
            world.cloudformation.update_stack(**request, Parameters=kept)
    else:
        with pytest.raises(ClientError, match="No updates are to be performed"):
            world.cloudformation.update_stack(**request, Parameters=kept)


@pytest.mark.parametrize("reverts", [True, False])
def test_a_rolled_back_update_leaves_the_old_rollback_configuration_or_the_new_one(
    world: StackWorld, reverts: bool
) -> None:
    """Neither is documented: both are modelled."""
    behave(signals="none")
    settings.use(CloudFormationSettings(reverts_rollback_configuration=reverts))
    world.create_application()
    patch_monitored(world, {"MonitoringTimeInMinutes": 30})
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.stack("app")["RollbackConfiguration"] == ({} if reverts else {"MonitoringTimeInMinutes": 30})


def test_an_instance_may_signal_through_the_api(world: StackWorld) -> None:
    """API Reference, SignalResource: each signal needs a different unique id; failures count against the group."""
    behave(signals="none")
    world.create_application()
    world.patch()
    world.clock.sleep(60)
    new = [instance for instance, image in world.running().items() if image == world.new_ami]
    for unique_id in (new[0], new[0], new[1]):
        assert world.status() == "UPDATE_IN_PROGRESS"
        world.cloudformation.signal_resource(
            StackName="app", LogicalResourceId="AppAutoScalingGroup", UniqueId=unique_id, Status="SUCCESS"
        )
        world.clock.sleep(5)
    assert world.status() == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
    assert sum("Received SUCCESS signal" in reason for reason in world.reasons(token="patch-1")) == 2
    world.settle()
    with pytest.raises(ClientError, match="is in UPDATE_COMPLETE state and can not be signaled"):
        world.cloudformation.signal_resource(
            StackName="app", LogicalResourceId="AppAutoScalingGroup", UniqueId="i-1", Status="SUCCESS"
        )


def test_a_failure_signal_fails_the_update_at_once(world: StackWorld) -> None:
    """API Reference, SignalResource: a failure signal makes CloudFormation fail the update immediately."""
    behave(signals="none")
    world.create_application()
    world.patch()
    world.clock.sleep(60)
    world.cloudformation.signal_resource(
        StackName="app", LogicalResourceId="AppAutoScalingGroup", UniqueId="i-1", Status="FAILURE"
    )
    world.clock.sleep(5)
    assert world.status() == "UPDATE_ROLLBACK_IN_PROGRESS"


# -- other update policies --------------------------------------------------------------------------------------


def test_without_an_update_policy_no_instance_is_replaced(world: StackWorld) -> None:
    """UpdatePolicy attribute: without one, a changed launch template is for the instances launched later."""
    world.create("network", NETWORK)
    world.create("app", without_replacement(), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    before, group = world.running(), world.group()
    world.patch()
    assert world.settle() == "UPDATE_COMPLETE"
    after = world.group()
    assert world.running() == before
    assert after["AutoScalingGroupName"] == group["AutoScalingGroupName"]
    assert (group["LaunchTemplate"]["Version"], after["LaunchTemplate"]["Version"]) == ("1", "2")
    assert {instance["LaunchTemplate"]["Version"] for instance in after["Instances"]} == {"1"}
    world.autoscaling.set_desired_capacity(AutoScalingGroupName=after["AutoScalingGroupName"], DesiredCapacity=3)
    world.clock.sleep(60)
    assert sorted(world.running().values()).count(world.new_ami) == 1


def test_a_rolling_update_replaces_the_instances_in_batches(world: StackWorld) -> None:
    """UpdatePolicy attribute, AutoScalingRollingUpdate: MaxBatchSize, MinInstancesInService, resource signals."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    world.create(
        "app",
        without_replacement(ROLLING),
        AmazonMachineImage=world.old_ami,
        DesiredCapacity="3",
        **world.outputs("network"),
    )
    name = world.group()["AutoScalingGroupName"]
    world.patch(token="patch-1")
    while world.status() == "UPDATE_IN_PROGRESS":
        world.clock.sleep(20)
        assert 1 <= len(staying(world)) <= 3
    assert world.settle() == "UPDATE_COMPLETE"
    assert world.group()["AutoScalingGroupName"] == name
    assert world.running() == {instance["InstanceId"]: world.new_ami for instance in world.group()["Instances"]}
    assert len(world.running()) == 3
    reasons = world.reasons(token="patch-1")
    assert (
        "Rolling update initiated. Terminating 3 obsolete instance(s) in batches of 1, while keeping at least 1 "
        "instance(s) in service. Waiting on resource signals with a timeout of PT10M when new instances are added to "
        "the autoscaling group." in reasons
    )
    assert sum(reason.startswith("Terminating instance(s) [") for reason in reasons) == 3
    assert sum(reason.startswith("Received SUCCESS signal") for reason in reasons) == 3


def test_a_rolling_update_that_must_keep_all_in_service_adds_before_it_removes(world: StackWorld) -> None:
    """UpdatePolicy attribute, MinInstancesInService: the group grows for the time of the update, within MaxSize."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    body = without_replacement(ROLLING.replace("MinInstancesInService: 1", "MinInstancesInService: 2"))
    world.create("app", body, AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch()
    counts = set()
    while world.status() == "UPDATE_IN_PROGRESS":
        world.clock.sleep(20)
        counts.add(len(staying(world)))
    assert counts == {2, 3}
    assert world.settle() == "UPDATE_COMPLETE"
    assert list(world.running().values()) == [world.new_ami] * 2


def test_a_rolling_update_without_signals_rolls_the_old_ami_back_in(world: StackWorld) -> None:
    """UpdatePolicy attribute, WaitOnResourceSignals: no signal within PauseTime fails the update."""
    behave(signals="none")
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    world.create("app", without_replacement(ROLLING), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch(token="patch-1")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert list(world.running().values()) == [world.old_ami] * 2
    assert len(world.group()["Instances"]) == 2
    assert world.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert any("FAILURE signal(s) out of 2" in reason for reason in world.reasons(token="patch-1"))


def test_a_rolling_update_waits_for_the_instances_that_it_adds(world: StackWorld) -> None:
    """UpdatePolicy attribute, PauseTime: the signals awaited are those of added or replaced instances."""
    behave(signals=1)
    world.create_application(MaxSize="6")
    world.cloudformation.delete_stack(StackName="app")
    given: Any = {**world.outputs("network"), "MaxSize": "6"}
    world.create("app", without_replacement(ROLLING), AmazonMachineImage=world.old_ami, **given)
    world.patch(token="grow", DesiredCapacity="4")
    world.clock.sleep(240)
    waiting = "New instance(s) added to autoscaling group - Waiting on 2 resource signal(s) with a timeout of PT10M."
    reasons = world.reasons(token="grow")
    assert waiting in reasons and not any(reason.startswith("Terminating instance(s)") for reason in reasons)
    # Only one of them sends its signal.
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Received 1 FAILURE signal(s) out of 4." in reason for reason in world.reasons(token="grow"))
    world.clock.sleep(600)
    assert list(world.running().values()) == [world.old_ami] * 2
    behave()
    world.patch(token="again", DesiredCapacity="4")
    assert world.settle() == "UPDATE_COMPLETE"
    assert sum(reason.startswith("Received SUCCESS signal") for reason in world.reasons(token="again")) == 4
    assert list(world.running().values()) == [world.new_ami] * 4


def test_an_instance_that_replaces_one_of_a_new_group_signals_for_it(world: StackWorld) -> None:
    """CreationPolicy attribute: so many success signals have to come; API Reference, SignalResource, UniqueId."""
    world.create_application()
    world.patch(token="patch-1")
    world.clock.sleep(60)
    lost = next(instance for instance, image in world.running().items() if image == world.new_ami)
    world.ec2.terminate_instances(InstanceIds=[lost])
    assert world.settle() == "UPDATE_COMPLETE"
    signals = [reason for reason in world.reasons(token="patch-1") if reason.startswith("Received SUCCESS signal")]
    assert len(signals) == 2 and not any(lost in signal for signal in signals)
    assert list(world.running().values()) == [world.new_ami] * 2


def test_a_group_with_protected_instances_is_not_deleted(world: StackWorld) -> None:
    """Seen by users of CloudFormation, for about an hour: aws/containers-roadmap#2862, aws/aws-cdk#18179; Amazon EC2
    Auto Scaling User Guide, "Use instance scale-in protection"."""
    world.create_application()
    name = world.group()["AutoScalingGroupName"]
    protected, _ = (instance["InstanceId"] for instance in world.group()["Instances"])
    world.autoscaling.set_instance_protection(
        AutoScalingGroupName=name, InstanceIds=[protected], ProtectedFromScaleIn=True
    )
    settings.use(CloudFormationSettings(instant_create_and_delete=False))
    world.cloudformation.delete_stack(StackName="app")
    world.clock.sleep(1)
    assert world.settle() == "DELETE_FAILED"
    assert list(world.running()) == [protected]
    assert "Group did not stabilize. {current/minSize/maxSize group size = 1/0/0}." in world.reasons()
    world.autoscaling.set_instance_protection(
        AutoScalingGroupName=name, InstanceIds=[protected], ProtectedFromScaleIn=False
    )
    stack_id = world.stack("app")["StackId"]
    world.cloudformation.delete_stack(StackName="app")
    world.clock.sleep(1)
    assert world.settle(stack_id) == "DELETE_COMPLETE" and (world.running(), world.groups()) == ({}, [])


def create_rolling(world: StackWorld, **policy: Any) -> None:
    """Create the application with a rolling update that waits for no signals."""
    world.create("network", NETWORK)
    body = without_replacement(f"    UpdatePolicy: {json.dumps({'AutoScalingRollingUpdate': policy})}\n")
    world.create("app", body, AmazonMachineImage=world.old_ami, **world.outputs("network"))


@pytest.mark.parametrize("fails", [False, True])
def test_a_rolling_update_suspends_processes_as_long_as_it_runs(world: StackWorld, fails: bool) -> None:
    """UpdatePolicy attribute, SuspendProcesses: Auto Scaling processes to suspend during a stack update."""
    create_rolling(world, PauseTime="PT5M", SuspendProcesses=["AlarmNotification", "HealthCheck"])
    name = world.group()["AutoScalingGroupName"]
    world.autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["HealthCheck"])

    def suspended() -> list[str]:
        return sorted(process["ProcessName"] for process in world.group()["SuspendedProcesses"])

    world.patch()
    world.clock.sleep(120)
    assert suspended() == ["AlarmNotification", "HealthCheck"]
    if fails:
        world.cloudformation.cancel_update_stack(StackName="app")
    assert world.settle() == ("UPDATE_ROLLBACK_COMPLETE" if fails else "UPDATE_COMPLETE")
    assert suspended() == ["HealthCheck"]


@pytest.mark.parametrize("process", ["AddToLoadBalancer", "Launch", "Terminate"])
def test_a_rolling_update_that_suspends_what_it_needs_is_refused_by_name(world: StackWorld, process: str) -> None:
    """What the embedded AWS does not model fails by its name: it is not documented what becomes of such an update."""
    create_rolling(world, SuspendProcesses=[process])
    before = world.running()
    world.patch()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
    assert any(f"that suspends the processes {process}" in reason for reason in world.reasons())


@pytest.mark.parametrize(("policy", "status"), [({}, "UPDATE_FAILED"), ({"MinActiveInstancesPercent": 0}, "complete")])
def test_a_rolling_update_needs_instances_in_service_within_an_hour(
    world: StackWorld, policy: dict[str, Any], status: str
) -> None:
    """UpdatePolicy attribute, MinActiveInstancesPercent: the percentage of the desired capacity that has to be
    InService, 100 by default; an instance that is not after one hour was not updated."""
    behave(launches_fail="We currently do not have sufficient t3.micro capacity.")
    create_rolling(world, **policy)
    before = world.running()
    began = world.clock.time()
    world.patch()
    if status == "complete":
        assert world.settle() == "UPDATE_COMPLETE"
        return
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.clock.time() - began > 3600
    assert any("Unable to satisfy 100% MinActiveInstancesPercent" in reason for reason in world.reasons())
    assert sorted(world.running().values()) == sorted(before.values())


def test_a_refresh_policy_is_refused_by_name(world: StackWorld) -> None:
    """What the embedded AWS does not model fails by its name, here AutoScalingInstanceRefresh."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    policy = "    UpdatePolicy:\n      AutoScalingInstanceRefresh:\n        Strategy: Rolling\n"
    world.create("app", without_replacement(policy), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    before = world.running()
    world.patch()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
    assert any("AutoScalingInstanceRefresh" in reason for reason in world.reasons())


def test_a_rolling_update_and_a_refresh_exclude_each_other(world: StackWorld) -> None:
    """UpdatePolicy attribute: with both, the stack update fails; the text is what AWS answered to cfn-lint's authors
    (aws-cloudformation/cfn-lint#4661)."""
    world.create("network", NETWORK)
    policy = {"AutoScalingRollingUpdate": {}, "AutoScalingInstanceRefresh": {"Strategy": "Rolling"}}
    body = without_replacement(f"    UpdatePolicy: {json.dumps(policy)}\n")
    world.create("app", body, AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch()
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert any("AutoScalingRollingUpdate cannot be used together" in reason for reason in world.reasons())


@pytest.mark.parametrize(("ignore", "capacity"), [(False, 2), (True, 4)])
def test_an_update_sets_the_templates_sizes_unless_told_to_ignore_those_that_it_does_not_change(
    world: StackWorld, ignore: bool, capacity: int
) -> None:
    """UpdatePolicy attribute, AutoScalingScheduledAction, IgnoreUnmodifiedGroupSizeProperties."""
    policy = "    UpdatePolicy:\n      AutoScalingScheduledAction:\n        IgnoreUnmodifiedGroupSizeProperties: "
    world.create("network", NETWORK)
    body = without_replacement(f"{policy}{str(ignore).lower()}\n")
    world.create("app", body, AmazonMachineImage=world.old_ami, **world.outputs("network"))
    name = world.group()["AutoScalingGroupName"]
    world.autoscaling.set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=4)
    world.patch()
    assert world.settle() == "UPDATE_COMPLETE"
    assert list(world.running().values()) == [world.old_ami] * capacity


def test_a_group_that_changes_only_its_size_is_changed_in_place(world: StackWorld) -> None:
    """UpdatePolicy attribute: the policies apply to a changed launch template, configuration or subnets only."""
    world.create_application(MaxSize="6")
    before, name = world.running(), world.group()["AutoScalingGroupName"]
    world.patch(AmazonMachineImage=world.old_ami, DesiredCapacity="4")
    assert world.settle() == "UPDATE_COMPLETE"
    assert world.group()["AutoScalingGroupName"] == name
    world.clock.sleep(60)
    assert before.items() < world.running().items()
    assert len(world.running()) == 4


def test_an_update_that_removes_a_resource_deletes_it_in_the_clean_up(world: StackWorld) -> None:
    """Update behaviors of stack resources: what is no longer in the template is deleted after the update."""
    body = """
Resources:
  Kept: {Type: "AWS::SNS::Topic"}
  Gone: {Type: "AWS::SQS::Queue"}
"""
    world.create("small", body)
    document = yaml.safe_load(body)
    del document["Resources"]["Gone"]
    document["Resources"]["Added"] = {"Type": "AWS::SQS::Queue"}
    world.cloudformation.update_stack(StackName="small", TemplateBody=yaml.safe_dump(document))
    assert world.settle("small") == "UPDATE_COMPLETE"
    queues = world.client("sqs").list_queues()["QueueUrls"]
    assert len(queues) == 1
    assert "Added" in queues[0]
    trail = world.trail("small")
    assert trail.index(("small", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")) < trail.index(("Gone", "DELETE_COMPLETE"))
    listed = world.cloudformation.list_stack_resources(StackName="small")["StackResourceSummaries"]
    assert {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed} == {
        "Kept": "CREATE_COMPLETE",
        "Added": "CREATE_COMPLETE",
    }


def test_each_stack_status_is_an_event_on_the_default_bus(world: StackWorld) -> None:
    """Managing events with CloudFormation and Amazon EventBridge: Stack Status Change events, with the token."""
    queue = world.client("sqs").create_queue(QueueName="statuses")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:statuses"
    events = world.client("events")
    pattern = '{"source": ["aws.cloudformation"], "detail-type": ["CloudFormation Stack Status Change"]}'
    events.put_rule(Name="statuses", EventPattern=pattern)
    events.put_targets(Rule="statuses", Targets=[{"Id": "queue", "Arn": arn}])
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, '
        f'"Action": "sqs:SendMessage", "Resource": "{arn}"}}]}}'
    )
    world.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    world.create_application()
    world.patch(token="patch-1")
    world.settle()
    world.clock.sleep(60)
    details = []
    while messages := world.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            details.append(yaml.safe_load(message["Body"])["detail"])
            world.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    ours = [detail["status-details"]["status"] for detail in details if detail.get("client-request-token") == "patch-1"]
    assert sorted(ours) == ["UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_IN_PROGRESS"]


# -- what nobody expects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "call", "new", "left"),
    [
        ("before its batch", "terminate", 3, 3),
        ("in its batch", "terminate", 3, 3),
        ("before its batch", "detach", 2, 3),
        ("in its batch", "shrink", 1, 1),
    ],
)
def test_an_instance_that_leaves_its_group_during_a_rolling_update_is_not_replaced_by_it(
    world: StackWorld, when: str, call: str, new: int, left: int
) -> None:
    """UpdatePolicy attribute, AutoScalingRollingUpdate: it replaces the instances of the group, and no others."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    body = without_replacement(ROLLING)
    world.create("app", body, AmazonMachineImage=world.old_ami, DesiredCapacity="3", **world.outputs("network"))
    group = world.group()
    name, victims = group["AutoScalingGroupName"], [instance["InstanceId"] for instance in group["Instances"]]
    victim = victims[0] if when == "in its batch" else victims[2]
    world.patch()
    world.clock.sleep(60)
    if call == "terminate":
        world.autoscaling.terminate_instance_in_auto_scaling_group(
            InstanceId=victim, ShouldDecrementDesiredCapacity=False
        )
    elif call == "detach":
        world.autoscaling.detach_instances(
            InstanceIds=[victim], AutoScalingGroupName=name, ShouldDecrementDesiredCapacity=True
        )
    else:
        world.autoscaling.update_auto_scaling_group(AutoScalingGroupName=name, MinSize=1, DesiredCapacity=1)
    assert world.settle() == "UPDATE_COMPLETE"
    assert (list(world.running().values()).count(world.new_ami), len(world.running())) == (new, left)
    assert (victim in world.running()) == (call == "detach")


def test_a_new_instance_that_is_terminated_before_it_signals_sends_no_signal(world: StackWorld) -> None:
    """UpdatePolicy attribute, WaitOnResourceSignals: no signal within PauseTime fails the update."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    world.create("app", without_replacement(ROLLING), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch()
    world.clock.sleep(150)
    (launched,) = [instance for instance, image in world.running().items() if image == world.new_ami]
    name = world.group()["AutoScalingGroupName"]
    world.autoscaling.suspend_processes(AutoScalingGroupName=name, ScalingProcesses=["Launch"])
    world.autoscaling.terminate_instance_in_auto_scaling_group(
        InstanceId=launched, ShouldDecrementDesiredCapacity=False
    )
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert set(world.running().values()) == {world.old_ami}


def test_a_group_that_is_deleted_during_a_rolling_update_fails_it(world: StackWorld) -> None:
    """Troubleshooting CloudFormation, "Update rollback failed": a resource that was deleted outside the stack."""
    world.create_application()
    world.cloudformation.delete_stack(StackName="app")
    world.create("app", without_replacement(ROLLING), AmazonMachineImage=world.old_ami, **world.outputs("network"))
    world.patch()
    world.clock.sleep(60)
    world.autoscaling.delete_auto_scaling_group(
        AutoScalingGroupName=world.group()["AutoScalingGroupName"], ForceDelete=True
    )
    assert world.settle() == "UPDATE_ROLLBACK_FAILED"


def test_an_error_that_nobody_expects_ends_the_update_and_the_wait_for_it(
    world: StackWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No operation stays in progress for ever: a defect of the embedded AWS is the stack's status and an error."""

    def break_down(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr("local_aws.cloudformation.operations.update.set_outputs", break_down)
    world.create_application()
    before = world.running()
    world.patch()
    with pytest.raises(TaskFailed, match="RuntimeError: a defect"):
        world.settle()
    assert world.status() == "UPDATE_FAILED"
    assert world.reasons()[-1] == "the embedded AWS failed, with RuntimeError: a defect"
    world.cloudformation.rollback_stack(StackName="app")
    assert world.settle() == "UPDATE_ROLLBACK_COMPLETE"
    assert world.running() == before
