"""How instances come into a group's service and leave it, and how the group keeps its capacity.

The documents are chapters of the Amazon EC2 Auto Scaling User Guide unless another is named.
"""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from tests.local_aws.autoscaling.fleet import DRAINING, ENDING, NAME, PENDING, events_in, fleet


def test_an_instance_is_pending_before_it_is_in_service_and_a_target(aws: LocalAws) -> None:
    """ "Amazon EC2 Auto Scaling instance lifecycle": Pending, then InService; "How lifecycle hooks work in Auto Scaling
    groups": it is registered with the load balancer when it enters the InService state. EC2 User Guide, "Instance
    lifecycle": pending, then running."""
    web = fleet(aws)
    first = web.states()
    assert list(first.values()) == ["Pending"] * 2 and web.targets() == {}
    assert set(web.running(*first).values()) == {"pending"}
    for activity in web.activities("Launching a new EC2 instance: i-"):
        assert (activity["StatusCode"], activity["Progress"] < 100, "EndTime" in activity) == (
            "PreInService",
            True,
            False,
        )
        assert "an instance was started in response to a difference between desired and actual" in activity["Cause"]
    web.sleep(PENDING + 1)
    assert web.states() == dict.fromkeys(first, "InService") and web.targets() == dict.fromkeys(first, "initial")
    assert set(web.running(*first).values()) == {"running"}
    assert {activity["StatusCode"] for activity in web.activities()} == {"Successful"}
    assert {activity["Progress"] for activity in web.activities()} == {100}
    web.sleep(300)
    assert web.targets() == dict.fromkeys(first, "healthy")


def test_instances_are_spread_over_the_zones(aws: LocalAws) -> None:
    """ "Distribute instances across Availability Zones": a launch goes to the zone with the fewest instances, and a
    group that scales in takes one of the zone with the most."""
    web = fleet(aws, DesiredCapacity=3)
    zones = [instance["AvailabilityZone"] for instance in web.group()["Instances"]]
    assert sorted(zones) == ["us-east-1a", "us-east-1a", "us-east-1b"]
    web.sleep(PENDING + 1)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    zones = [
        instance["AvailabilityZone"] for instance in web.group()["Instances"] if instance["InstanceId"] in web.ids()
    ]
    assert sorted(zones) == ["us-east-1a", "us-east-1b"]


def test_an_instance_drains_before_it_is_terminated(aws: LocalAws) -> None:
    """ "How lifecycle hooks work in Auto Scaling groups": a terminating instance is deregistered first, and its
    connections drain; API Reference, Activity, StatusCode."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    before = web.ids()
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    (gone,) = set(before) - set(web.ids())
    assert (web.states()[gone], web.targets()[gone], web.running(gone)[gone]) == ("Terminating", "draining", "running")
    (activity,) = web.activities(f"Terminating EC2 instance: {gone}")
    assert activity["StatusCode"] == "WaitingForELBConnectionDraining"
    assert "shrinking the capacity from 2 to 1" in activity["Cause"]
    assert f"instance {gone} was selected for termination" in activity["Cause"]
    web.sleep(DRAINING + 1)
    assert (web.states()[gone], web.running(gone)[gone]) == ("Terminating", "shutting-down")
    web.sleep(ENDING)
    assert (list(web.states()), web.running(gone)[gone]) == (web.ids(), "terminated")
    assert [activity["StatusCode"] for activity in web.activities(f"Terminating EC2 instance: {gone}")] == [
        "Successful"
    ]
    assert gone not in web.targets()


def test_protected_instances_are_not_scaled_in(aws: LocalAws) -> None:
    """ "Use instance scale-in protection"; Auto Scaling's own words:
    aws-samples/aws-fault-injection-simulator-workshop#114."""
    web = fleet(aws, NewInstancesProtectedFromScaleIn=True)
    web.sleep(PENDING + 1)
    web.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, DesiredCapacity=0)
    web.sleep(600)
    assert len(web.ids()) == 2
    (activity,) = web.activities("protected from scale-in")
    assert activity["StatusCode"] == "Cancelled"
    assert activity["Description"].startswith("Could not scale to desired capacity because all remaining instances are")


@pytest.mark.parametrize(("policy", "position"), [("OldestInstance", 0), ("NewestInstance", -1)])
def test_the_termination_policy_selects_the_instance(aws: LocalAws, policy: str, position: int) -> None:
    """ "Configure termination policies for Amazon EC2 Auto Scaling"."""
    web = fleet(aws, TerminationPolicies=[policy])
    web.sleep(PENDING + 1)
    before = web.ids()
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    assert set(before) - set(web.ids()) == {before[position]}


def test_what_is_launched_while_it_is_kept_out_of_the_load_balancer_stays_outside(aws: LocalAws) -> None:
    """ "Suspend and resume Amazon EC2 Auto Scaling processes", AddToLoadBalancer: instances launched meanwhile are not
    added when it is resumed."""
    web = fleet(aws, DesiredCapacity=1)
    web.sleep(PENDING + 1)
    (first,) = web.ids()
    web.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["AddToLoadBalancer"])
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    web.sleep(PENDING + 1)
    web.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert len(web.ids()) == 2 and list(web.targets()) == [first]
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=3)
    web.sleep(PENDING + 1)
    assert len(web.ids()) == 3 and len(web.targets()) == 2


def test_a_launch_that_fails_is_tried_again(aws: LocalAws) -> None:
    """EC2 User Guide, "Deregister an AMI": no instance can be launched from it; "Troubleshoot Amazon EC2 Auto Scaling":
    the group goes on trying."""
    web = fleet(aws, DesiredCapacity=1)
    web.sleep(PENDING + 1)
    web.ec2.deregister_image(ImageId=web.image)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)
    web.sleep(600)
    failed = web.activities("Status Reason")
    assert {activity["StatusCode"] for activity in failed} == {"Failed"} and 3 <= len(failed) <= 5
    message = f"The image id '[{web.image}]' does not exist. Launching EC2 instance failed."
    assert {activity["StatusMessage"] for activity in failed} == {message}
    assert len(web.states()) == 1
    again = web.ec2.register_image(Name="again", RootDeviceName="/dev/xvda", Architecture="x86_64")["ImageId"]
    web.ec2.create_launch_template_version(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": again, "InstanceType": "t3.micro"}
    )
    web.sleep(1200)
    assert len(web.ids()) == 2


def test_a_group_that_launches_nothing_for_a_day_gives_up(aws: LocalAws) -> None:
    """ "Suspend and resume Amazon EC2 Auto Scaling processes": an administrative suspension, of groups that have been
    trying to launch instances for over 24 hours without success."""
    web = fleet(aws, DesiredCapacity=0)
    web.ec2.deregister_image(ImageId=web.image)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(30 * 3600)
    assert [process["ProcessName"] for process in web.group()["SuspendedProcesses"]] == ["Launch"]
    tried = len(web.activities("Status Reason"))
    web.sleep(30 * 3600)
    assert len(web.activities("Status Reason")) == tried


def test_a_deleted_group_takes_its_instances_and_all_that_is_its_own_with_it(aws: LocalAws) -> None:
    """API Reference, DeleteAutoScalingGroup, ForceDelete: without waiting for the instances to be terminated."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    ids = web.ids()
    autoscaling = web.autoscaling
    autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=NAME,
        LifecycleHookName="leave",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
    )
    autoscaling.put_scaling_policy(
        AutoScalingGroupName=NAME, PolicyName="more", AdjustmentType="ChangeInCapacity", ScalingAdjustment=1
    )
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    assert autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert set(web.running(*ids).values()) == {"shutting-down"}
    web.sleep(ENDING + 1)
    assert set(web.running(*ids).values()) == {"terminated"} and web.targets() == {}
    assert autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"] == []
    assert autoscaling.describe_policies()["ScalingPolicies"] == []


def test_a_group_at_rest_has_nothing_planned(aws: LocalAws) -> None:
    """The embedded AWS's own promise: what does nothing costs nothing, and the clock can go idle."""
    web = fleet(aws, HealthCheckType="ELB", HealthCheckGracePeriod=600)
    web.sleep(1200)
    assert len(web.ids()) == 2
    assert aws.clock._heap == [], "a timer of the group is left"


def test_the_instances_of_a_group_tell_of_their_states(aws: LocalAws) -> None:
    """EC2 User Guide, "State change events for your instances"; "Amazon EC2 Auto Scaling event reference"."""
    web = fleet(aws, DesiredCapacity=0)
    ec2_events, own_events = web.collect("aws.ec2"), web.collect("aws.autoscaling")
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(PENDING + 1)
    (instance,) = web.ids()
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=0)
    web.sleep(DRAINING + ENDING + 1)
    told = events_in(ec2_events)
    assert {event["detail-type"] for event in told} == {"EC2 Instance State-change Notification"}
    assert {event["detail"]["instance-id"] for event in told} == {instance}
    assert {event["detail"]["state"] for event in told} == {"pending", "running", "shutting-down", "terminated"}
    by_kind = {event["detail-type"]: event["detail"] for event in events_in(own_events)}
    assert set(by_kind) == {"EC2 Instance Launch Successful", "EC2 Instance Terminate Successful"}
    assert {detail["EC2InstanceId"] for detail in by_kind.values()} == {instance}
    assert set(by_kind["EC2 Instance Launch Successful"]["Details"]) == {"Availability Zone", "Subnet ID"}


def test_failed_launches_are_told_to_a_topic(aws: LocalAws) -> None:
    """ "Amazon SNS notification options for Amazon EC2 Auto Scaling": the types of a notification configuration."""
    web = fleet(aws, DesiredCapacity=0)
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic, queue = sns.create_topic(Name="scaling")["TopicArn"], sqs.create_queue(QueueName="scaling")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, '
        f'"Action": "sqs:SendMessage", "Resource": "{arn}"}}]}}'
    )
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    web.autoscaling.put_notification_configuration(
        AutoScalingGroupName=NAME, TopicARN=topic, NotificationTypes=["autoscaling:EC2_INSTANCE_LAUNCH_ERROR"]
    )
    web.ec2.deregister_image(ImageId=web.image)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(30)
    (event,) = events_in(queue)
    assert (event["Event"], event["AutoScalingGroupName"]) == ("autoscaling:EC2_INSTANCE_LAUNCH_ERROR", NAME)
    assert web.image in event["StatusMessage"]
    with pytest.raises(ClientError, match="is not a valid Notification Type"):
        web.autoscaling.put_notification_configuration(
            AutoScalingGroupName=NAME, TopicARN=topic, NotificationTypes=["autoscaling:LAUNCH"]
        )


# -- what users do to single instances --------------------------------------------------------------------------------


def test_an_instance_in_standby_serves_nobody_until_it_is_back(aws: LocalAws) -> None:
    """ "Temporarily remove instances from your Auto Scaling group": it is deregistered, and registered again."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    aside, _ = web.ids()
    move: dict[str, Any] = {"AutoScalingGroupName": NAME, "InstanceIds": [aside]}
    web.autoscaling.enter_standby(**move, ShouldDecrementDesiredCapacity=True)
    assert (web.states()[aside], web.targets()[aside], web.group()["DesiredCapacity"]) == ("Standby", "draining", 1)
    web.sleep(600)
    assert len(web.states()) == 2
    web.autoscaling.exit_standby(**move)
    assert (web.states()[aside], web.targets()[aside], web.group()["DesiredCapacity"]) == ("InService", "initial", 2)
    web.sleep(30)
    assert web.targets()[aside] == "healthy"


def test_a_detached_instance_runs_on_outside_the_group(aws: LocalAws) -> None:
    """ "Detach or attach instances": it is deregistered and keeps running; another takes its place."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    gone, kept = web.ids()
    web.autoscaling.detach_instances(
        AutoScalingGroupName=NAME, InstanceIds=[gone], ShouldDecrementDesiredCapacity=False
    )
    assert sorted(web.states().values()) == ["InService", "Pending"] and web.targets()[gone] == "draining"
    web.sleep(600)
    assert web.running(gone) == {gone: "running"} and len(web.ids()) == 2 and kept in web.ids()
    with pytest.raises(ClientError, match="is not part of Auto Scaling group"):
        web.autoscaling.detach_instances(
            AutoScalingGroupName=NAME, InstanceIds=[gone], ShouldDecrementDesiredCapacity=False
        )
    web.autoscaling.attach_instances(AutoScalingGroupName=NAME, InstanceIds=[gone])
    assert web.states()[gone] == "InService" and gone in web.targets() and web.group()["DesiredCapacity"] == 3


def test_a_terminated_instance_is_replaced_unless_the_capacity_shrinks(aws: LocalAws) -> None:
    """API Reference, TerminateInstanceInAutoScalingGroup; Auto Scaling's own words on the minimum."""
    web = fleet(aws, MinSize=1)
    web.sleep(PENDING + 1)
    one, two = web.ids()
    terminate = web.autoscaling.terminate_instance_in_auto_scaling_group
    activity = terminate(InstanceId=one, ShouldDecrementDesiredCapacity=True)["Activity"]
    assert activity["Description"] == f"Terminating EC2 instance: {one}"
    assert "in response to a user request, shrinking the capacity from 2 to 1." in activity["Cause"]
    assert web.states() == {one: "Terminating", two: "InService"}
    with pytest.raises(ClientError, match=r"desiredSize equals minSize \(1\)"):
        terminate(InstanceId=two, ShouldDecrementDesiredCapacity=True)
    terminate(InstanceId=two, ShouldDecrementDesiredCapacity=False)
    assert sorted(web.states().values()) == ["Pending", "Terminating", "Terminating"]
