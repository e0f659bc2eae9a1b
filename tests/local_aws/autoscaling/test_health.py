"""Which instances a group finds unhealthy, and what it does with them.

The documents are chapters of the Amazon EC2 Auto Scaling User Guide unless another is named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.aws import LocalAws
from tests.local_aws.autoscaling.fleet import DRAINING, ENDING, NAME, PENDING, Fleet, fleet

CHECKED = 31
"""After so many seconds a health check has found what there is to find."""


def sick(web: Fleet, instance: str, **more: Any) -> None:
    web.autoscaling.set_instance_health(InstanceId=instance, HealthStatus="Unhealthy", **more)


def terminate(web: Fleet, instance: str) -> None:
    web.ec2.terminate_instances(InstanceIds=[instance])


def stop(web: Fleet, instance: str) -> None:
    web.ec2.stop_instances(InstanceIds=[instance])


@pytest.mark.parametrize(
    ("befall", "cause"),
    [
        (sick, "in response to a user health-check."),
        (stop, "in response to an EC2 health check indicating it has been terminated or stopped."),
        (terminate, "in response to an EC2 health check indicating it has been terminated or stopped."),
    ],
)
def test_an_unhealthy_instance_is_terminated_and_replaced(
    aws: LocalAws, befall: Callable[[Fleet, str], None], cause: str
) -> None:
    """ "Health checks for instances in an Auto Scaling group"; "View the reason for health check failures": while the
    instance is terminating, another activity launches a new one."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    one, two = web.ids()
    befall(web, one)
    web.sleep(CHECKED)
    health = {instance["InstanceId"]: instance["HealthStatus"] for instance in web.group()["Instances"]}
    assert (web.states()[one], health[one], health[two]) == ("Terminating", "Unhealthy", "Healthy")
    assert sorted(web.states().values()) == ["InService", "Pending", "Terminating"]
    (ended,) = web.activities(f"Terminating EC2 instance: {one}")
    assert ended["Cause"].endswith(f"an instance was taken out of service {cause}")
    assert len(web.activities("was launched in response to an unhealthy instance needing to be replaced")) == 1
    web.sleep(DRAINING + ENDING)
    assert web.running(one) == {one: "terminated"}
    assert len(web.ids()) == 2 and set(web.targets()) == set(web.ids()) and two in web.ids()


def test_an_instance_that_ends_before_it_is_in_service_is_given_up(aws: LocalAws) -> None:
    """ "Troubleshoot Amazon EC2 Auto Scaling": an instance that became unhealthy while it was launched."""
    web = fleet(aws, DesiredCapacity=1)
    (first,) = web.states()
    terminate(web, first)
    web.sleep(2 * CHECKED)
    (lost,) = web.activities(f"Launching a new EC2 instance: {first}")
    assert lost["StatusCode"] == "Cancelled" and "became unhealthy while waiting" in lost["StatusMessage"]
    web.sleep(300)
    (second,) = web.ids()
    assert second != first


def test_what_is_unhealthy_waits_while_replacement_is_suspended(aws: LocalAws) -> None:
    """ "Suspend and resume Amazon EC2 Auto Scaling processes": ReplaceUnhealthy and Terminate replace at once when they
    are resumed; Launch goes on terminating; a suspended HealthCheck marks nothing, and leaves custom checks alone."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    for process in ("ReplaceUnhealthy", "Terminate"):
        one, two = web.ids()
        web.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=[process])
        sick(web, one)
        web.sleep(600)
        statuses = {instance["InstanceId"]: instance["HealthStatus"] for instance in web.group()["Instances"]}
        assert (web.ids(), statuses) == ([one, two], {one: "Unhealthy", two: "Healthy"})
        web.autoscaling.resume_processes(AutoScalingGroupName=NAME)
        assert web.states()[one] == "Terminating"
        web.sleep(600)
    one, two = web.ids()
    web.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["Launch"])
    sick(web, one)
    web.sleep(600)
    assert list(web.states()) == [two]
    web.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    web.sleep(PENDING + 1)
    assert len(web.ids()) == 2
    web.autoscaling.suspend_processes(AutoScalingGroupName=NAME, ScalingProcesses=["HealthCheck"])
    stop(web, two)
    web.sleep(600)
    assert two in web.ids()
    web.autoscaling.resume_processes(AutoScalingGroupName=NAME)
    assert web.states()[two] == "Terminating"


def test_a_user_may_say_that_an_instance_is_healthy_again(aws: LocalAws) -> None:
    """ "Health checks for instances in an Auto Scaling group": SetInstanceHealth, before the termination begins."""
    web = fleet(aws)
    web.sleep(PENDING + 1)
    one, two = web.ids()
    sick(web, one)
    web.autoscaling.set_instance_health(InstanceId=one, HealthStatus="Healthy")
    web.sleep(600)
    assert web.ids() == [one, two]


def test_the_grace_period_counts_from_the_service_of_an_instance(aws: LocalAws) -> None:
    """API Reference, SetInstanceHealth, ShouldRespectGracePeriod; Auto Scaling's own words: aws/aws-cli#171. "Set the
    health check grace period": an instance that no longer runs is replaced in it, too."""
    web = fleet(aws, HealthCheckGracePeriod=300)
    web.sleep(PENDING + 100)
    one, two = web.ids()
    with pytest.raises(
        ClientError, match=r"age of the instance \(100 seconds\) is less than the configured grace peri"
    ):
        sick(web, one)
    stop(web, two)
    web.sleep(CHECKED)
    assert web.states()[two] == "Terminating"
    sick(web, one, ShouldRespectGracePeriod=False)
    web.sleep(CHECKED)
    assert web.states()[one] == "Terminating"


def test_a_group_has_no_grace_period_by_default(aws: LocalAws) -> None:
    """API Reference, CreateAutoScalingGroup, HealthCheckGracePeriod: 0 seconds."""
    assert fleet(aws).group()["HealthCheckGracePeriod"] == 0


def test_an_instance_whose_target_fails_is_replaced_after_the_grace_period(aws: LocalAws) -> None:
    """ "Set the health check grace period"; "How Amazon EC2 Auto Scaling works with Elastic Load Balancing" (ELB health
    checks): a target that boots fails its checks meanwhile."""
    web = fleet(aws, HealthCheckType="ELB", HealthCheckGracePeriod=100)
    for grace, survives in ((100, False), (240, True)):
        if survives:
            launch_anew(web, grace)
        web.sleep(PENDING + 90)
        first = set(web.ids())
        assert len(first) == 2 and {web.targets()[identifier] for identifier in first} == {"unhealthy"}
        web.sleep(grace)
        assert (first <= set(web.ids())) == survives
        if not survives:
            assert web.activities("taken out of service in response to an ELB system health check failure")


def launch_anew(web: Fleet, grace: int) -> None:
    """Have the group launch all its instances anew, with another grace period."""
    web.autoscaling.update_auto_scaling_group(
        AutoScalingGroupName=NAME, HealthCheckGracePeriod=grace, DesiredCapacity=0
    )
    web.sleep(600)
    web.autoscaling.set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=2)


def test_only_a_group_with_elb_health_checks_minds_its_targets(aws: LocalAws) -> None:
    """ "Health checks for instances in an Auto Scaling group": the load balancer's health checks are off by default; an
    update turns them on."""
    web = fleet(aws)
    web.sleep(PENDING + 30)
    first = web.ids()
    assert set(web.targets().values()) == {"unhealthy"}
    web.sleep(60)
    assert web.ids() == first
    web.autoscaling.update_auto_scaling_group(AutoScalingGroupName=NAME, HealthCheckType="ELB")
    web.sleep(1)
    assert set(first).isdisjoint(web.ids())


def test_a_target_group_without_a_load_balancer_says_nothing_of_health(aws: LocalAws) -> None:
    """User Guide for Application Load Balancers, "Target health status": unused is not unhealthy."""
    web = fleet(aws, HealthCheckType="ELB")
    elbv2 = boto3.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    first = list(web.states())
    web.sleep(600)
    assert web.ids() == first and set(web.targets().values()) == {"unused"}
