"""A run that lost sight of its update says so: it calls no stack patched, rolled back or untouched without a look."""

from __future__ import annotations

from dataclasses import replace

import boto3
import pytest

from local_aws.core.faults import Fault
from rehearsal import scenario
from tests.workflow.running import Ran, parameters, patch_run


def denied(service: str, action: str, after_calls: int = 0, times: int | None = None) -> Fault:
    return Fault(service, action, "AccessDenied", status=403, times=times, after_calls=after_calls)


def holds() -> list[str]:
    held = boto3.client("ssm").get_parameters_by_path(Path="/ami-autopatch/held")["Parameters"]
    return [parameter["Name"] for parameter in held]


def expect_unknown(ran: Ran, error: str = "AwsCallFailed") -> None:
    """The one notification says that the end is not known, why, and by which command to see it."""
    assert (ran.report.status, ran.report.error) == ("FAILED", error)
    assert [target.outcome for target in ran.report.targets] == ["UNKNOWN"]
    (notification,) = ran.report.notifications
    assert notification.subject == "AMI Autopatch: UNKNOWN: whether web is patched is not known"
    assert notification.attributes["outcome"] == "UNKNOWN"
    lines = [line.strip() for line in notification.message.splitlines()]
    assert "aws cloudformation describe-stacks --stack-name web" in lines
    assert not any(claim in ran.words() for claim in ("not patched", "rolled back to", "not touched", "not changed"))
    assert holds() == []


@pytest.mark.parametrize(
    ("fault", "stands"),
    [
        (denied("cloudformation", "DescribeStackEvents", after_calls=2, times=1), "it is UPDATE_IN_PROGRESS"),
        (denied("cloudformation", "DescribeStackEvents", after_calls=2), "it cannot be read"),
        (denied("elbv2", "DescribeTargetHealth", after_calls=2), "it is UPDATE_COMPLETE"),
        (denied("ec2", "DescribeInstances", after_calls=3), "it is UPDATE_COMPLETE"),
    ],
    ids=["an update once", "an update", "the health of its instances", "its instances"],
)
def test_an_update_that_is_not_seen_any_more_is_unknown_and_is_not_rolled_back(fault: Fault, stands: str) -> None:
    with patch_run(replace(scenario.load("happy-path"), faults=(fault,))) as ran:
        expect_unknown(ran)
        assert "The run has lost sight of it: how the update of web ended is not known" in ran.words()
        assert f"At the end of the run {stands}" in ran.words()
        assert "Roll Back" not in ran.visited()
        ran.aws.clock.sleep(3600)
        (new,) = set(ran.amis("web"))
        assert new == parameters("web")["AmazonMachineImage"] != ran.deployment.golden_ami


def test_an_update_whose_cancellation_is_refused_is_unknown() -> None:
    chosen = replace(
        scenario.load("deployment-hangs"),
        faults=(denied("cloudformation", "CancelUpdateStack"),),
        parameters={"DeploymentDeadlineMinutes": "20"},
    )
    with patch_run(chosen) as ran:
        expect_unknown(ran)
        assert ran.stack_status("web") == "UPDATE_IN_PROGRESS"


def test_a_way_back_that_is_not_seen_any_more_is_unknown() -> None:
    soon = {"VerificationDeadlineMinutes": "3"}
    chosen = replace(scenario.load("verification-fails"), parameters=soon, faults=())
    with patch_run(chosen) as ran:
        looks = ran.visited().count("Check Deployment")
    # Two looks for the update itself; then those of Roll Back and of Check Rollback.
    chosen = replace(chosen, faults=(denied("cloudformation", "DescribeStackEvents", after_calls=looks + 3),))
    with patch_run(chosen) as ran:
        assert (ran.report.status, ran.report.error) == ("FAILED", "AwsCallFailed")
        (target,) = ran.report.targets
        assert target.outcome == "UNKNOWN"
        assert f"whether web is back on {ran.deployment.golden_ami} is not known" in ran.words()
        assert "aws cloudformation describe-stacks --stack-name web" in ran.words()
        # The first cause is told as well, and that one does hold the AMI.
        assert "of 2 instances of AppAutoScalingGroup serving" in ran.words() and len(holds()) == 1


def test_an_update_that_was_not_begun_is_no_unknown_one() -> None:
    with patch_run(replace(scenario.load("happy-path"), faults=(denied("cloudformation", "ExecuteChangeSet"),))) as ran:
        assert (ran.report.error, ran.report.targets[0].outcome) == ("AwsCallFailed", "FAILED")
        assert ran.instance_ids("web") == ran.instances_before["web"]
        assert "FAILED: web not patched (AwsCallFailed)" in ran.words()
