"""Lifecycle hooks hold instances. The documents are chapters of the Amazon EC2 Auto Scaling User Guide."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from local_aws.core.errors import NotModelled
from tests.local_aws.autoscaling.fleet import DRAINING, ENDING, NAME, PENDING, Fleet, events_in, fleet

LAUNCHING, TERMINATING = "autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"


def hook(web: Fleet, transition: str, name: str = "wait", **more: Any) -> None:
    web.autoscaling.put_lifecycle_hook(
        AutoScalingGroupName=NAME, LifecycleHookName=name, LifecycleTransition=transition, **more
    )


def complete(web: Fleet, instance: str, result: str = "CONTINUE", name: str = "wait") -> None:
    web.autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=NAME, LifecycleHookName=name, InstanceId=instance, LifecycleActionResult=result
    )


def test_a_launching_instance_waits_until_its_action_is_completed(aws: LocalAws) -> None:
    """ "How lifecycle hooks work in Auto Scaling groups"; "Amazon EC2 Auto Scaling event reference", the lifecycle
    actions; the grace period starts when the instance enters the InService state."""
    web = fleet(aws, DesiredCapacity=0, HealthCheckGracePeriod=60)
    queue = web.collect("aws.autoscaling")
    hook(web, LAUNCHING, NotificationMetadata="how")
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(PENDING + 1)
    ((instance, state),) = web.states().items()
    assert (state, web.running(instance)[instance], web.targets()) == ("Pending:Wait", "running", {})
    assert [activity["StatusCode"] for activity in web.activities(instance)] == ["MidLifecycleAction"]
    (event,) = events_in(queue)
    assert event["detail-type"] == "EC2 Instance-launch Lifecycle Action"
    token = event["detail"].pop("LifecycleActionToken")
    assert event["detail"] == {
        "AutoScalingGroupName": NAME,
        "LifecycleHookName": "wait",
        "EC2InstanceId": instance,
        "LifecycleTransition": LAUNCHING,
        "NotificationMetadata": "how",
        "Origin": "EC2",
        "Destination": "AutoScalingGroup",
    }
    web.autoscaling.complete_lifecycle_action(
        AutoScalingGroupName=NAME,
        LifecycleHookName="wait",
        LifecycleActionToken=token,
        LifecycleActionResult="CONTINUE",
    )
    assert web.states() == {instance: "InService"} and instance in web.targets()
    with pytest.raises(ClientError, match="is less than the configured grace period"):
        web.autoscaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy")
    with pytest.raises(ClientError, match=f"No active Lifecycle Action found with instance ID {instance}"):
        complete(web, instance)


@pytest.mark.parametrize(("result", "stays"), [("CONTINUE", True), ("ABANDON", False)])
def test_an_action_that_nobody_completes_has_the_default_result(aws: LocalAws, result: str, stays: bool) -> None:
    """API Reference, PutLifecycleHook, HeartbeatTimeout and DefaultResult; "How lifecycle hooks work in Auto Scaling
    groups": an abandoned instance is terminated, and another is launched."""
    web = fleet(aws, DesiredCapacity=0)
    hook(web, LAUNCHING, HeartbeatTimeout=60, DefaultResult=result)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(PENDING + 59)
    (instance,) = web.states()
    assert web.states()[instance] == "Pending:Wait"
    web.sleep(2)
    assert web.states()[instance] == ("InService" if stays else "Terminating")
    if not stays:
        (lost,) = web.activities(f"Launching a new EC2 instance: {instance}")
        assert (
            lost["StatusCode"] == "Cancelled" and "failed to complete user's Lifecycle Action" in lost["StatusMessage"]
        )
        assert sorted(web.states().values()) == ["Pending", "Terminating"]


def test_a_heartbeat_begins_the_time_anew(aws: LocalAws) -> None:
    """API Reference, RecordLifecycleActionHeartbeat."""
    web = fleet(aws, DesiredCapacity=0)
    hook(web, LAUNCHING, HeartbeatTimeout=60, DefaultResult="CONTINUE")
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
    web.sleep(PENDING + 50)
    (instance,) = web.states()
    web.autoscaling.record_lifecycle_action_heartbeat(
        AutoScalingGroupName=NAME, LifecycleHookName="wait", InstanceId=instance
    )
    web.sleep(50)
    assert web.states()[instance] == "Pending:Wait"
    web.sleep(11)
    assert web.states()[instance] == "InService"


def test_a_terminating_instance_drains_and_then_waits(aws: LocalAws) -> None:
    """ "How lifecycle hooks work in Auto Scaling groups": it is deregistered first; both results let it terminate, and
    CONTINUE lets the other hooks be completed."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    hook(web, TERMINATING)
    hook(web, TERMINATING, "other")
    before = web.ids()
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=0)
    web.sleep(DRAINING - 1)
    assert set(web.states().values()) == {"Terminating"}
    web.sleep(2)
    assert set(web.states().values()) == {"Terminating:Wait"} and set(web.running(*before).values()) == {"running"}
    one, two = before
    complete(web, one)
    complete(web, two, "ABANDON")
    web.sleep(ENDING + 1)
    assert web.states() == {one: "Terminating:Wait"}
    complete(web, one, name="other")
    web.sleep(ENDING + 1)
    assert web.states() == {} and set(web.running(*before).values()) == {"terminated"}


def test_hooks_of_the_creation_hold_the_first_instances(aws: LocalAws) -> None:
    """API Reference, CreateAutoScalingGroup, LifecycleHookSpecificationList."""
    wait = {"LifecycleHookName": "wait", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 300}
    web = fleet(aws, LifecycleHookSpecificationList=[wait])
    web.sleep(PENDING + 1)
    assert list(web.states().values()) == ["Pending:Wait"] * 2
    (described,) = web.autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"]
    assert (described["HeartbeatTimeout"], described["GlobalTimeout"]) == (300, 30_000)
    assert "NotificationTargetARN" not in described and "RoleARN" not in described


def test_what_a_hook_cannot_be_is_refused(aws: LocalAws) -> None:
    """API Reference, PutLifecycleHook; what is not modelled fails by its name."""
    web = fleet(aws, DesiredCapacity=0)
    with pytest.raises(NotModelled, match="NotificationTargetARN"):
        hook(web, LAUNCHING, NotificationTargetARN="arn:aws:sqs:us-east-1:123456789012:hooks")
    with pytest.raises(ClientError, match="between 30 and 7200 seconds"):
        hook(web, LAUNCHING, HeartbeatTimeout=10)
    with pytest.raises(ClientError, match="CONTINUE or ABANDON"):
        hook(web, LAUNCHING)
        web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=1)
        web.sleep(PENDING + 1)
        complete(web, next(iter(web.states())), "MAYBE")
