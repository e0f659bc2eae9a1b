"""Instances that the load balancer never finds healthy: they signal failure, and the old ones keep serving."""

from __future__ import annotations

import boto3

from tests.workflow.running import patch_run


def test_never_healthy() -> None:
    """The instances signal only once the load balancer reports them healthy, and failure when it never does
    (CloudFormation user guide, "CreationPolicy attribute", "cfn-signal")."""
    with patch_run("never-healthy") as ran:
        golden = ran.deployment.golden_ami
        assert (ran.report.status, ran.report.error) == ("FAILED", "DeploymentFailed")
        assert ran.stack_status("web") == "UPDATE_ROLLBACK_COMPLETE"
        assert ran.instance_ids("web") == ran.instances_before["web"] and ran.amis("web") == [golden, golden]
        elbv2 = boto3.client("elbv2")
        (group,) = elbv2.describe_target_groups()["TargetGroups"]
        health = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        states = {target["Target"]["Id"]: target["TargetHealth"]["State"] for target in health}
        assert states == dict.fromkeys(ran.instances_before["web"], "healthy")
        events = boto3.client("cloudformation").describe_stack_events(StackName="web")["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        assert sum("Received FAILURE signal with UniqueId i-" in reason for reason in reasons) == 2
        (notification,) = ran.report.notifications
        assert "Received 0 SUCCESS signal(s) out of 2" in " ".join(notification.message.split())
